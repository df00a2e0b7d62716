//! Adapters: the outside world behind `engine::ports`. Named only where the program is put together.

pub mod host;

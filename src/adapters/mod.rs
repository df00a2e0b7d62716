//! Adapters: one module per outside system, each implementing `engine::ports`. Wire formats live here and nowhere else.

pub mod process;

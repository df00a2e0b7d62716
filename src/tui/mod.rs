//! The console: terminal, themes, keys and, on top of them, panes.

pub mod encoder;

//! `aiops`: a full-screen terminal console for on-call engineers.
//!
//! The module tree. Adapters are plugged into the engine in `app`, and named nowhere else.

pub mod adapters;
pub mod api;
mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
mod failpoint;
pub mod logging;
pub mod store;
pub mod tui;

pub use app::{exit_of, play_demo_part, run, supervise, words_of};

//! Adapters: one module per outside system, each implementing `engine::ports`. Wire formats live here and nowhere else.
//! Named only where the program is put together.

pub mod alertmanager;
pub mod anchor;
pub mod checkup;
pub mod gemini;
pub mod host;
mod http;
mod kubectl;
pub mod logs;
pub mod personal;
pub mod process;
pub mod prometheus;
mod service;
pub mod sop_files;
mod ssh;
pub mod ways;

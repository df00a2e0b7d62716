//! The real binary in a real pseudo-terminal.

mod crash;
mod demo;
mod manners;
mod mistakes;
mod pipeline;
mod pty;
mod receiver;
#[path = "../services/support.rs"]
mod support;

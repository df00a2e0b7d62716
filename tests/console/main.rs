//! The real binary in a real pseudo-terminal, and as a script sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod accident;
mod audit;
mod away;
mod bad_input;
mod colours;
mod command_line;
mod commands;
mod crash;
mod demo;
mod editing;
mod full_disk;
#[allow(dead_code, reason = "shared with the tests of the runner, which use more of it")]
#[path = "../runner/headless.rs"]
mod headless;
mod interactive;
mod keys;
#[cfg(debug_assertions)]
mod killed;
mod lost_terminals;
mod manners;
mod mistakes;
mod modes;
mod pictures;
mod pipeline;
mod policy;
mod pty;
mod receiver;
#[cfg(not(debug_assertions))]
mod release;
mod restored;
mod scene;
mod searching;
mod silences;
mod slow;
#[path = "../common/small_disk.rs"]
mod small_disk;
mod ssh;
mod sshd;
mod streaming;
#[allow(dead_code, reason = "shared with the tests of the services, which use more of it")]
#[path = "../services/support.rs"]
mod support;
mod terms;
mod tmux;
mod watching;

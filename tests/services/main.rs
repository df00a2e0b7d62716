//! Alerts from outside into the store, over real sockets, with the real Prometheus and Alertmanager where they are
//! installed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that the tests share fail the test, as the tests do"
)]

mod alertmanager;
mod console;
mod prometheus;
mod sources;
#[allow(dead_code, reason = "shared with the tests of the console, which use more of it")]
mod support;
mod takeover;
mod throughput;

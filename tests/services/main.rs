//! Alerts from outside into the store, over real sockets, with the real Alertmanager where it is installed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that the tests share fail the test, as the tests do"
)]

mod alertmanager;
mod console;
mod support;
mod takeover;
mod throughput;

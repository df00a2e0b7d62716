//! Alerts from outside into the store, over real sockets, with the real Alertmanager where it is installed.

mod alertmanager;
mod console;
mod support;
mod takeover;
mod throughput;

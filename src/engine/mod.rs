//! Services: domain decides, store remembers, ports act.

pub mod backend;
pub mod ingest;
pub mod library;
pub mod local;
pub mod ports;
pub mod runner;

//! Services: domain decides, store remembers, ports act.

pub mod backend;
pub mod ingest;
pub mod library;
pub mod local;
mod place;
pub mod ports;
pub mod runner;

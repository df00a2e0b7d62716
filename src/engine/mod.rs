//! Services: domain decides, store remembers, ports act.

pub mod backend;
pub mod ingest;
pub mod ports;

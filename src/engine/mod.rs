//! Services: domain decides, store remembers, ports act.

pub mod backend;
pub mod library;
pub mod ports;

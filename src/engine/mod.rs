//! Services: domain decides, store remembers, ports act.

pub mod anchoring;
pub mod ask;
pub mod assistant;
pub mod attention;
pub mod backend;
pub mod improving;
pub mod ingest;
pub mod keeping;
pub mod library;
pub mod local;
pub mod outbound;
mod place;
pub mod policy_watch;
pub mod ports;
pub mod run;
pub mod runner;
pub mod search;

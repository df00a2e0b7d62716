//! `aiops`: a full-screen terminal console for on-call engineers.
//!
//! The module tree, and the one place where adapters are plugged into the engine.

pub mod adapters;
pub mod api;
pub mod domain;
pub mod engine;
pub mod store;

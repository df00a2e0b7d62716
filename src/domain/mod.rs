//! The rules of the product, as values and pure functions.
//!
//! Owns: what an alert, an incident, a procedure, an action and a journal entry are, and what may happen to them.
//! Does not: read files, ask the clock, draw randomness, wait, or know any wire format, database or screen.
//! `tests/architecture.rs` holds it to that.

pub mod action;
pub mod actor;
pub mod alert;
pub mod chat;
pub mod checkup;
pub mod digest;
pub mod excerpt;
pub mod id;
pub mod incident;
pub mod journal;
pub mod keeping;
pub mod policy;
pub mod procedure;
pub mod purge;
pub mod redact;
pub mod run;
pub mod scope;
pub mod search;
pub mod sop;
pub mod text;
pub mod time;

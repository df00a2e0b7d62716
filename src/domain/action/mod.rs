//! Actions: what a step does outside, and the gate before it.
//!
//! Owns: the command grammar, risk, what exactly is proposed and hashed, proposals, grants and the states of an
//! attempt. Does not: start processes or remember anything.
//!
//! Invariant: a [`grant::Grant`] can only come out of [`grant::decide_start`], and running needs one.

pub mod attempt;
pub mod build;
pub mod choice;
mod choice_container;
pub mod container;
pub mod doubt;
pub mod edit;
pub mod grammar;
pub mod grant;
pub mod handed;
pub mod print;
pub mod proposal;
pub mod reach;
pub mod remote;
pub mod risk;
pub mod script;
pub mod silence;
pub mod spec;
pub mod subject;
pub mod target;
pub mod tie;

//! Tests of the store on real files.

pub(super) mod support;

mod acting;
mod auditing;
mod chatting;
mod commanding;
mod concurrency;
mod doubting;
mod editing;
mod governing;
mod handling;
mod ingesting;
mod keeping;
mod leasing;
mod opening;
mod outcomes;
mod properties;
mod purging;
mod queueing;
mod salvaging;
mod scoping;
mod searching;
mod tampering;

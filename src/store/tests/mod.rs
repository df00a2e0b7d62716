//! Tests of the store on real files.

mod support;

mod acting;
mod chatting;
mod commanding;
mod concurrency;
mod ingesting;
mod leasing;
mod opening;
mod properties;
mod queueing;

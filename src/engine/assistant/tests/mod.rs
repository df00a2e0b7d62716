//! Tests of the assistant: the way of a question, and what the fallback finds.

mod answers;
mod naming;
mod proposals;
mod service;
mod suggesting;
mod support;

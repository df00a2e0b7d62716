//! The console's state under messages, and its screens as snapshots.

mod approval;
mod cells;
mod hands;
mod hostile;
mod output;
mod pages;
mod queue;
mod screens;
mod sop;
mod world;

//! The console's state under messages, and its screens as snapshots.

mod approval;
mod bytes;
mod cells;
mod hostile;
mod long;
mod output;
mod pages;
mod queue;
mod screens;
mod sop;
mod world;

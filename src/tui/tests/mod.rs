//! The console's state under messages, and its screens as snapshots.

mod approval;
mod cells;
mod hostile;
mod output;
mod pages;
mod queue;
mod screens;
mod sop;
mod tour;
mod world;

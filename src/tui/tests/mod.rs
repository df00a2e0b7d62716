//! The console's state under messages, and its screens as snapshots.

mod approval;
mod hostile;
mod queue;
mod screens;
mod world;

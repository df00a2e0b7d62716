//! The console's state under messages, and its screens as snapshots.

mod approval;
mod bytes;
mod cells;
mod chat;
mod chat_backend;
mod chat_cost;
mod chat_screens;
mod hostile;
mod long;
mod mouse;
mod output;
mod pages;
mod place;
mod queue;
mod screens;
mod sop;
mod world;

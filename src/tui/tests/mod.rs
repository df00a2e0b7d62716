//! The console's state under messages, and its screens as snapshots.

mod appearance;
mod approval;
mod bytes;
mod cells;
mod chat;
mod chat_backend;
mod chat_cost;
mod chat_find;
mod chat_screens;
mod gallery;
mod hands;
mod hostile;
mod long;
mod mouse;
mod output;
mod pages;
mod palette;
mod place;
mod queue;
mod screens;
mod search;
mod small;
mod sop;
mod themes;
mod tour;
mod world;

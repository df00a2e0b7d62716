//! The SQLite file.

pub mod view;

//! The console: terminal, themes, keys and, on top of them, panes.

pub mod chat;
pub mod concern;
pub mod console;
pub mod draw;
pub mod duration;
pub mod editing;
pub mod encoder;
pub mod glyphs;
pub mod inline_code;
pub mod intent;
mod keeping;
pub mod keymap;
pub mod layout;
pub mod lending;
pub mod line_edit;
pub mod look;
pub mod msg;
pub mod output_body;
pub mod output_lines;
pub mod pace;
pub mod pages;
pub mod palette;
pub mod place;
pub mod plain;
pub mod replay;
pub mod review;
pub mod search;
pub mod settings;
pub mod sop_lines;
pub mod sought;
pub mod splits;
pub mod steer;
pub mod suggestions;
pub mod terminal;
pub mod theme;
pub mod tour;
pub mod ui;
pub mod update;
pub mod waiting;
pub mod wider;
pub mod workbench;
pub mod worth;
mod wrap;
pub mod zone;

#[cfg(test)]
mod tests;

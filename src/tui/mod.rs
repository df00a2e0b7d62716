//! The console: terminal, themes, keys and, on top of them, panes.

pub mod encoder;
pub mod glyphs;
pub mod intent;
pub mod keymap;
pub mod line_edit;
pub mod settings;
pub mod terminal;
pub mod theme;

//! The chat pane: what it shows and what it remembers. Pure, except for `relay` and for colouring code.
//!
//! Owns: laying out Markdown while it arrives, the conversation as lines, drafts, the preview of what would be sent. Does
//! not: handle keys (see `update`), draw (see `draw`), or know who answers.

pub mod colours;
pub mod draft;
pub mod find;
mod markdown;
pub mod preview;
pub(in crate::tui) mod relay;
mod rendered;
mod scan;
pub mod sheet;
mod table;
pub mod text;
pub mod transcript;
pub mod view;

pub use rendered::CodeBlock;

//! SOPs: documents people wrote.
//!
//! Owns: reading a document into a [`Procedure`](crate::domain::procedure::Procedure), finding the documents for an
//! alert, and moving about in the tree. Does not: read files (see `engine::library`), run anything, or change a document.
//!
//! Invariant: reading is total and deterministic. Any bytes give a tree, and the same bytes give the same tree.

pub mod decode;
pub mod front_matter;
mod parser;
pub mod route;
pub mod tree;

pub use parser::{BlockCommand, MAX_READ_BYTES, commands_of, parse};

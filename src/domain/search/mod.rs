//! Searching texts by the words that a person types: one way to cut text into words, shared by the index and the query.
//!
//! Owns: words and their folding (`words`), what a query means and where it matches (`query`), the part of a text to show
//! (`snippet`), what of a document is searched (`document`). Does not: store or rank; the store's full-text index does.
//!
//! Invariant: a text is cut into words in the same way when it is indexed, when it is asked for and when the hits in it are
//! marked, so that what was found can always be shown.

mod document;
mod query;
mod snippet;
mod words;

pub use document::{DocumentText, NodeText, TextKind, document};
pub use query::{Ending, Query, Term};
pub use snippet::{Part, Snippet, snippet};
pub use words::{Joined, Tie, Word, joined, stem, words};

//! A passing index in memory, for commands that work on documents of their own and leave no trace.
//!
//! Owns: its connection. Does not: search incidents; those are in the store.

use std::fmt;
use std::path::PathBuf;

use rusqlite::Connection;

use super::{Needs, SopFound, derived, sops};
use crate::domain::search::{DocumentText, Query};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::error::Fault;

/// What errors call it.
const NAME: &str = "the search index in memory";

/// An index that goes with its owner.
pub struct MemoryIndex {
    conn: Connection,
}

impl MemoryIndex {
    /// Indexes `documents`.
    ///
    /// # Errors
    /// When memory is short.
    pub fn of(documents: impl IntoIterator<Item = DocumentText>) -> Result<Self, StoreError> {
        let make = || -> Result<Self, Fault> {
            let mut conn = Connection::open_in_memory()?;
            let transaction = conn.transaction()?;
            derived::create(&transaction)?;
            for document in documents {
                sops::add(&transaction, &document, Timestamp::default())?;
            }
            transaction.commit()?;
            Ok(Self { conn })
        };
        make().map_err(named)
    }

    /// The best places for `query`, best first, at most three of one document: those that have all its terms, or when there
    /// is none, those that have one.
    ///
    /// # Errors
    /// When memory is short.
    pub fn find(&self, query: &Query, limit: usize) -> Result<Vec<SopFound>, StoreError> {
        let find = |needs| sops::find(&self.conn, query, needs, limit, |_, _| true).map_err(named);
        let all = find(Needs::All)?;
        if all.is_empty() { find(Needs::Any) } else { Ok(all) }
    }
}

fn named(fault: Fault) -> StoreError {
    fault.at(&PathBuf::from(NAME))
}

impl fmt::Debug for MemoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryIndex").finish_non_exhaustive()
    }
}

//! Full-text search over SOPs and incidents.
//!
//! Owns: the index (SQLite's FTS5) in the store's file, and a passing one in memory for commands. Does not: read documents,
//! decide when to index, or know which documents an asker has.
//!
//! Invariants:
//! - The index is derived data. It can be missing, behind, damaged or of another format, and nothing else is touched by that:
//!   a search then finds less, never something wrong, and [`Store::renew_search`] makes it anew.
//! - Texts are cut into words by `domain::search` alone, when they are indexed and when they are looked for.
//! - Indexing goes through the ingest lane in small pieces: people overtake it, and it announces no change.

mod derived;
mod expression;
mod incidents;
mod memory;
mod sops;

pub use expression::Needs;
pub use memory::MemoryIndex;

pub(super) use derived::{drop_tables, is_about_index, is_there};

use std::time::Duration;

use crate::domain::alert::Severity;
use crate::domain::id::{IncidentId, NodeId, SopId};
use crate::domain::incident::IncidentState;
use crate::domain::procedure::SectionRole;
use crate::domain::search::{DocumentText, Query, Snippet};

use super::{Reader, Store, StoreError, budget};

/// A place in an SOP that was found. All texts are foreign.
#[derive(Clone, Debug, PartialEq)]
pub struct SopFound {
    /// Which document.
    pub sop: SopId,
    /// SHA-256 of the bytes that were indexed.
    pub revision: String,
    /// Its title.
    pub title: String,
    /// Which node.
    pub node: NodeId,
    /// What the section around it is for.
    pub role: SectionRole,
    /// Headings and steps above it.
    pub path: String,
    /// The part of its text with the hits.
    pub snippet: Snippet,
    /// How well it fits: more is better. Only comparable within one answer.
    pub score: f64,
}

/// In which text of an incident the words were found that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// In its title, which stands beside it anyway.
    Title,
    /// In a label or an annotation of its alerts.
    Alert,
    /// In what a person noted.
    Note,
}

/// An incident that was found. All texts are foreign.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentFound {
    /// Which.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: IncidentState,
    /// Where the words of `snippet` stand.
    pub found_in: FoundIn,
    /// The part of its notes, labels or annotations with the hits; empty when they are in the title.
    pub snippet: Snippet,
    /// How well it fits: more is better. Only comparable within one answer.
    pub score: f64,
}

impl Store {
    /// Makes the index if it is missing or of another format. Returns whether it had to be made.
    ///
    /// # Errors
    /// [`StoreError::IndexDropped`] while the disk budget does not allow an index; otherwise when the store failed.
    pub async fn prepare_search(&self) -> Result<bool, StoreError> {
        // Looked at on a reading thread: in most cases there is nothing to write.
        let looked = |reader: &Reader<'_>| {
            reader.named(
                derived::is_there(reader.conn)
                    .and_then(|is_there| Ok((is_there, !is_there && budget::is_index_dropped(reader.conn)?))),
            )
        };
        match self.read_view(looked).await? {
            (true, _) => return Ok(false),
            (false, true) => return Err(StoreError::IndexDropped),
            (false, false) => {}
        }
        self.renew_search().await.map(|()| true)
    }

    /// Drops the index and makes an empty one.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn renew_search(&self) -> Result<(), StoreError> {
        self.write_grouped(|write| derived::renew(write.conn)).await
    }

    /// Adds documents to the index, each in the place of one with the same identifier and bytes.
    ///
    /// # Errors
    /// When the index is missing or damaged, or the store failed.
    pub async fn index_sops(&self, documents: Vec<DocumentText>) -> Result<(), StoreError> {
        self.write_grouped(move |write| documents.iter().try_for_each(|one| sops::add(write.conn, one, write.at))).await
    }

    /// Notes that these documents are in use, so that [`Store::forget_sops`] spares them.
    ///
    /// # Errors
    /// As [`Store::index_sops`].
    pub async fn see_sops(&self, used: Vec<(SopId, String)>) -> Result<(), StoreError> {
        self.write_grouped(move |write| sops::see(write.conn, &used, write.at)).await
    }

    /// Removes at most `limit` documents that nobody has used for `unused_for`; returns how many.
    ///
    /// # Errors
    /// As [`Store::index_sops`].
    pub async fn forget_sops(&self, unused_for: Duration, limit: u32) -> Result<usize, StoreError> {
        self.write_grouped(move |write| sops::forget(write.conn, write.at.minus(unused_for), limit)).await
    }

    /// Indexes at most `limit` incidents that are new or have other words; returns how many there were.
    ///
    /// # Errors
    /// As [`Store::index_sops`].
    pub async fn index_incidents(&self, limit: u32) -> Result<usize, StoreError> {
        self.write_grouped(move |write| incidents::index_some(write.conn, limit)).await
    }
}

impl Reader<'_> {
    /// Every document that is indexed: its identifier and the digest of its bytes. None when there is no index.
    ///
    /// # Errors
    /// When the read failed.
    pub fn indexed_sops(&self) -> Result<Vec<(SopId, String)>, StoreError> {
        self.searching(Vec::new(), || sops::known(self.conn))
    }

    /// Whether there are incidents that are not indexed yet.
    ///
    /// # Errors
    /// When the read failed.
    pub fn incidents_unindexed(&self) -> Result<bool, StoreError> {
        self.named(incidents::are_behind(self.conn))
    }

    /// The best places in SOPs for `query`, best first, at most three of one document. `counts` says whether a document
    /// with these bytes is one of the asker's.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the index is damaged; otherwise when the read failed.
    pub fn find_in_sops(
        &self,
        query: &Query,
        needs: Needs,
        limit: usize,
        counts: impl Fn(&SopId, &str) -> bool,
    ) -> Result<Vec<SopFound>, StoreError> {
        self.searching(Vec::new(), || sops::find(self.conn, query, needs, limit, counts))
    }

    /// The best incidents for `query`, best first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the index is damaged; otherwise when the read failed.
    pub fn find_incidents(&self, query: &Query, needs: Needs, limit: usize) -> Result<Vec<IncidentFound>, StoreError> {
        self.searching(Vec::new(), || incidents::find(self.conn, query, needs, limit))
    }

    /// Bytes of the database: pages that are in use, wherever they stand.
    ///
    /// # Errors
    /// When the read failed.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let read = || -> Result<u64, super::error::Fault> {
            let sql = "SELECT (page_count - freelist_count) * page_size
                       FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
            let bytes: i64 = self.conn.query_row(sql, [], |row| row.get(0))?;
            Ok(bytes.unsigned_abs())
        };
        self.named(read())
    }

    /// Reads from the index, or answers `without` when there is none.
    fn searching<T>(&self, without: T, read: impl FnOnce() -> Result<T, super::error::Fault>) -> Result<T, StoreError> {
        let read = || if derived::is_there(self.conn)? { read() } else { Ok(without) };
        self.named(read())
    }
}

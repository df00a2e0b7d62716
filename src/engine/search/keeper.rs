//! Keeps the search index up to date, in the background.
//!
//! Owns: when what is indexed, how much at a time, and how far it is. Does not: search.
//!
//! Invariants: nothing is indexed before [`Keeper::run`] is called, which is after the first frame. A document is parsed and
//! indexed once for all consoles of a file and again only when its bytes change. Work goes to the store in pieces of a few
//! milliseconds with rests between them, so that neither people nor a burst of alerts wait for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Coverage;
use crate::domain::id::SopId;
use crate::domain::search::{DocumentText, document};
use crate::engine::library::Library;
use crate::store::{Store, StoreError};

/// Bytes of documents that go into the index in one transaction, roughly.
const PIECE_BYTES: usize = 32 * 1024;

/// Incidents that go into the index in one transaction.
const PIECE_INCIDENTS: u32 = 50;

/// Documents that are removed in one transaction.
const PIECE_FORGOTTEN: u32 = 20;

/// Between two pieces the store is left to others this long.
const REST: Duration = Duration::from_millis(2);

/// After a change of the store, incidents are indexed no sooner than this: a burst is one piece of work.
const GATHER: Duration = Duration::from_millis(300);

/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(30);

/// A document that no console has had for so long is forgotten: it was removed, or changed.
const FORGET_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// What has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Documents and incidents.
    Everything,
    /// Incidents: only the store has changed.
    Incidents,
}

/// Keeps the index, and says how far it is. Cheap to clone.
#[derive(Clone)]
pub(in crate::engine) struct Keeper {
    store: Store,
    coverage: Arc<Mutex<Coverage>>,
    damaged: Arc<Notify>,
}

impl Keeper {
    /// A keeper that has not begun.
    pub(in crate::engine) fn new(store: Store) -> Self {
        let coverage = Arc::new(Mutex::new(Coverage::Indexing { done: 0, of: 0 }));
        Self { store, coverage, damaged: Arc::default() }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// How much can be found now.
    pub(super) fn coverage(&self) -> Coverage {
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cover(&self, coverage: Coverage) {
        *self.coverage.lock().unwrap_or_else(PoisonError::into_inner) = coverage;
    }

    /// A search has found the index damaged.
    pub(super) fn found_damage(&self) {
        self.cover(Coverage::Indexing { done: 0, of: 0 });
        self.damaged.notify_one();
    }

    /// Keeps the index of the documents that `library` gives, and of the incidents. Runs for ever; `renewed` changes when
    /// there is another library.
    pub(in crate::engine) async fn run(
        self,
        library: impl Fn() -> Arc<Library> + Send + Sync,
        mut renewed: watch::Receiver<u64>,
    ) {
        let mut changes = self.store.follow();
        let mut due = Due::Everything;
        loop {
            renewed.mark_unchanged();
            changes.mark_unchanged();
            let result = self.catch_up(&library, due).await;
            due = match result {
                Ok(()) => {
                    self.cover(Coverage::Whole);
                    tokio::select! {
                        changed = renewed.changed() => if changed.is_err() { return } else { Due::Everything },
                        changed = changes.changed() => if changed.is_err() { return } else { Due::Incidents },
                        () = self.damaged.notified() => {
                            self.renew().await;
                            Due::Everything
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the search index is not up to date");
                    // Damage is mended at once; whatever else it is may pass.
                    if !matches!(error, StoreError::Corrupt { .. }) || !self.renew().await {
                        self.cover(Coverage::Failing(error.to_string()));
                        tokio::time::sleep(RETRY).await;
                    }
                    Due::Everything
                }
            };
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Makes the index anew; returns whether that worked.
    async fn renew(&self) -> bool {
        match self.store.renew_search().await {
            Ok(()) => {
                tracing::warn!("the search index was damaged and is made anew");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the search index is damaged and cannot be made anew");
                false
            }
        }
    }

    /// Indexes what is not.
    async fn catch_up(&self, library: &(impl Fn() -> Arc<Library> + Send + Sync), due: Due) -> Result<(), StoreError> {
        if self.store.prepare_search().await? || due == Due::Everything {
            self.sops(library()).await?;
        }
        self.incidents().await
    }

    async fn sops(&self, library: Arc<Library>) -> Result<(), StoreError> {
        let known = self.store.read_view(|reader| reader.indexed_sops()).await?;
        let reading = Arc::clone(&library);
        // Hashing a few megabytes takes a while.
        let divided = tokio::task::spawn_blocking(move || divide(&reading, known)).await;
        let Ok((used, missing)) = divided else { return Ok(()) };
        let of = used.len() + missing.len();
        self.store.see_sops(used).await?;
        let mut done = of - missing.len();
        let mut rest = missing;
        while !rest.is_empty() {
            self.cover(Coverage::Indexing { done, of });
            let reading = Arc::clone(&library);
            let Ok((piece, left)) = tokio::task::spawn_blocking(move || next_piece(&reading, rest)).await else {
                return Ok(());
            };
            rest = left;
            done = of - rest.len();
            self.store.index_sops(piece).await?;
            tokio::time::sleep(REST).await;
        }
        while self.store.forget_sops(FORGET_AFTER, PIECE_FORGOTTEN).await? > 0 {
            tokio::time::sleep(REST).await;
        }
        Ok(())
    }

    async fn incidents(&self) -> Result<(), StoreError> {
        while self.store.read_view(|reader| reader.incidents_unindexed()).await? {
            self.store.index_incidents(PIECE_INCIDENTS).await?;
            tokio::time::sleep(REST).await;
        }
        Ok(())
    }
}

/// The documents of `library` that are indexed, and those that are not.
fn divide(library: &Library, known: Vec<(SopId, String)>) -> (Vec<(SopId, String)>, Vec<SopId>) {
    let known: HashSet<(SopId, String)> = known.into_iter().collect();
    let (mut used, mut missing) = (Vec::new(), Vec::new());
    for summary in library.summaries() {
        let Some(revision) = library.revision(&summary.id) else { continue };
        let document = (summary.id.clone(), revision.to_owned());
        if known.contains(&document) {
            used.push(document);
        } else {
            missing.push(document.0);
        }
    }
    (used, missing)
}

/// The next few of `missing`, parsed, and those that are left.
fn next_piece(library: &Library, mut missing: Vec<SopId>) -> (Vec<DocumentText>, Vec<SopId>) {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while bytes < PIECE_BYTES
        && let Some(id) = missing.pop()
    {
        let found = library.parsed(&id).map(|procedure| document(&procedure));
        bytes +=
            found.iter().flat_map(|found| &found.nodes).map(|node| node.text.len() + node.path.len()).sum::<usize>();
        piece.extend(found);
    }
    (piece, missing)
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;

//! Remembering where the person is, so that a lost connection does not lose it.
//!
//! Owns: when the place is written. Invariants: never more than one write at a time, none more often than [`EVERY`], none
//! while nothing changed; the last one waits for the one before it. Does not: know what is in a place.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::place::Place;
use crate::domain::time::Timestamp;
use crate::engine::ports::{PersonalFile, PersonalFiles};

/// A killed console has lost at most what was typed in this time.
pub(super) const EVERY: Duration = Duration::from_secs(3);
/// The last write may take this long: a file system that does not answer must not hold up the end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes places.
pub(super) struct Keeping {
    files: Arc<dyn PersonalFiles>,
    /// What the file holds, as far as is known.
    kept: Option<Place>,
    /// When to look whether something has changed; `None` when no key was pressed since the last look.
    due: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl Keeping {
    /// Nothing is known of the files yet.
    pub(super) const fn new(files: Arc<dyn PersonalFiles>) -> Self {
        Self { files, kept: None, due: None, writing: None }
    }

    /// The place of an earlier console, which nobody else gets.
    pub(super) async fn take(&self, now: Timestamp) -> Option<Place> {
        let taken = tokio::time::timeout(PATIENCE, self.files.take(PersonalFile::Place)).await;
        Place::from_bytes(&taken.ok()??, now)
    }

    /// Drops the place that the next console would go back to: the person wants to begin anew.
    pub(super) async fn forget(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.files.take(PersonalFile::Place)).await;
    }

    /// The person did something.
    pub(super) fn touched(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + EVERY);
    }

    /// When [`Keeping::keep`] is to be called; `None` while nobody did anything.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Writes `place` if it is another one than the last; a write that is under way puts it off.
    pub(super) fn keep(&mut self, place: Place) {
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            self.due = Some(Instant::now() + EVERY);
            return;
        }
        self.due = None;
        if self.kept.as_ref().is_some_and(|kept| kept.is_same(&place)) {
            return;
        }
        let write = self.files.write(PersonalFile::Place, place.to_bytes());
        self.kept = Some(place);
        self.writing = Some(tokio::spawn(async move {
            if let Err(error) = write.await {
                tracing::warn!(%error, "where the person is could not be noted");
            }
        }));
    }

    /// The console ends: leaves `place` behind, or nothing.
    pub(super) async fn finish(mut self, place: Option<Place>) {
        let last = async {
            if let Some(writing) = self.writing.take() {
                // It may have failed, and said so.
                let _ = writing.await;
            }
            match place {
                Some(place) => self.files.write(PersonalFile::Place, place.to_bytes()).await.map(drop),
                None => {
                    self.files.remove(PersonalFile::Place).await;
                    Ok(())
                }
            }
        };
        match tokio::time::timeout(PATIENCE, last).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "where the person was could not be noted"),
            Err(_) => tracing::warn!("where the person was could not be noted in time"),
        }
    }
}

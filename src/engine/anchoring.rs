//! Keeping heads of the journal outside of it: after every approval and every end of an action, and now and then.
//!
//! Owns: when a head is kept. Does not: know where (see `ports::AnchorKeeper`), or hold a journal against what was kept.
//!
//! Invariants: what is kept was committed before; of several consoles on one file each keeps heads, and the same head twice
//! does no harm. Nothing waits for it: an approval is not slower because a log is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::{AnchorError, AnchorKeeper};
use crate::domain::id::JournalSeq;
use crate::domain::journal::anchor::{Anchor, AnchorCause};
use crate::store::{JournalHead, Reader, Store, StoreError};

/// After a look the next one is this long away at least, so that a storm of alerts does not make it look all the time.
const PAUSE: Duration = Duration::from_millis(100);

/// Keeps heads of one journal.
pub struct Anchoring {
    store: Store,
    keeper: Arc<dyn AnchorKeeper>,
    every: Duration,
    tell: UnboundedSender<String>,
    /// Entries that were looked at.
    seen: JournalSeq,
    /// The last entry that was kept.
    kept: JournalSeq,
    kept_at: Instant,
    /// The last attempt failed, and the person knows.
    told: bool,
}

/// What came of a look.
enum Looked {
    /// The head was kept.
    Kept,
    /// There was no reason to keep one.
    NoReason,
}

/// Why a head was not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keeper(#[from] AnchorError),
}

impl Anchoring {
    /// Keeps heads of the journal of `store` with `keeper`, at least every `every` while something happens; `tell` takes what
    /// a person should know.
    #[must_use]
    pub fn new(store: Store, keeper: Arc<dyn AnchorKeeper>, every: Duration, tell: UnboundedSender<String>) -> Self {
        let none = JournalSeq(0);
        Self { store, keeper, every, tell, seen: none, kept: none, kept_at: Instant::now(), told: false }
    }

    /// Works until `stop` is cancelled; keeps the head once at the beginning and once at the end.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut changes = self.store.follow();
        self.look(Some(AnchorCause::Turn)).await;
        loop {
            let due = self.kept_at + self.every;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(due) => self.look(Some(AnchorCause::Time)).await,
                changed = changes.changed() => match changed {
                    Ok(()) => self.look(None).await,
                    Err(_) => break,
                },
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        self.look(Some(AnchorCause::Turn)).await;
    }

    /// Keeps the head if there is a reason: `cause`, or what the entries since the last look say.
    async fn look(&mut self, cause: Option<AnchorCause>) {
        if cause == Some(AnchorCause::Time) {
            // Also when nothing happened or it fails: the next time is as far away.
            self.kept_at = Instant::now();
        }
        match self.try_look(cause).await {
            Ok(Looked::Kept) => self.told = false,
            Ok(Looked::NoReason) => {}
            Err(error) => {
                tracing::warn!(%error, "no head of the journal was kept");
                if !std::mem::replace(&mut self.told, true) {
                    // Without a console there is nobody to tell.
                    let _ = self.tell.send(error.to_string());
                }
            }
        }
    }

    async fn try_look(&mut self, cause: Option<AnchorCause>) -> Result<Looked, NotKept> {
        let seen = self.seen;
        // What was there before is covered by the head that is kept at the beginning.
        let since_seen = move |reader: &Reader<'_>| match seen {
            JournalSeq(0) => Ok(None),
            seen => reader.worth_anchoring(seen),
        };
        let (head, found) =
            self.store.read_view(move |reader| Ok((reader.journal_head()?, since_seen(reader)?))).await?;
        let Some(head) = head else { return Ok(Looked::NoReason) };
        let cause = found.or(cause).filter(|_| head.seq > self.kept);
        if let Some(cause) = cause {
            let (keeper, anchor) = (Arc::clone(&self.keeper), self.anchor(&head, cause));
            let kept = tokio::task::spawn_blocking(move || keeper.keep(&anchor)).await;
            kept.unwrap_or_else(|error| Err(AnchorError(format!("No head of the journal was kept: {error}"))))?;
            (self.kept, self.kept_at) = (head.seq, Instant::now());
        }
        // Only now: an approval whose head could not be kept is a reason again.
        self.seen = head.seq;
        Ok(if cause.is_some() { Looked::Kept } else { Looked::NoReason })
    }

    fn anchor(&self, head: &JournalHead, cause: AnchorCause) -> Anchor {
        let JournalHead { database, host, journal, seq, hash } = head.clone();
        Anchor { database, host, journal, seq, hash, at: self.store.now(), cause }
    }
}

#[cfg(test)]
#[path = "anchoring_tests.rs"]
mod tests;

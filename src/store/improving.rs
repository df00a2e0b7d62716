//! What SOPs are improved from, and the record of their changes.
//!
//! Owns: loading, bounded in runs, and the entry of the journal. Does not: find anything (see `domain::run::improve`).

use super::{Reader, Store, StoreError, detail};
use crate::domain::actor::Actor;
use crate::domain::id::SopId;
use crate::domain::journal::Payload;
use crate::domain::run::improve::Past;
use crate::domain::time::Timestamp;

impl Reader<'_> {
    /// The runs of an SOP that began at `since` or later, with their stories and the labels of their alerts, oldest first;
    /// at most as many as statistics count.
    ///
    /// # Errors
    /// When the read failed.
    pub fn past_runs(&self, sop: &SopId, since: Timestamp) -> Result<Vec<Past>, StoreError> {
        let stories = self.run_stories(sop)?.into_iter().filter(|told| told.run.started_at >= since);
        let with_labels = |told: crate::domain::run::statistics::RunStory| {
            let alert = self.named(detail::alert(self.conn, told.run.incident, &told.run.plan.alert))?;
            Ok(Past { labels: alert.map(|alert| alert.labels).unwrap_or_default(), told })
        };
        stories.map(with_labels).collect()
    }
}

impl Store {
    /// Records that a document will be changed next; what came of it shows in the document.
    ///
    /// # Errors
    /// When it cannot be stored: then nothing is to be changed.
    pub async fn note_sop_change(&self, change: Payload, actor: &Actor) -> Result<(), StoreError> {
        let actor = actor.clone();
        self.write(move |write| write.journal(None, &actor, &change).map(|_| ())).await
    }
}

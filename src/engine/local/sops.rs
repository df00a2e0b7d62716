//! Improving and drafting SOPs from the console.
//!
//! Owns: finding the document and asking for the files. Does not: know how a patch comes about (see `engine::improving`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::LocalBackend;
use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, RunId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::run::draft::Draft;
use crate::domain::time::Timestamp;
use crate::engine::backend::{BackendError, Done};
use crate::engine::improving::{self, Improvement, Yes};
use crate::engine::ports::{ChangeWay, SopFiles};

/// Runs that began longer ago say what the document was like then.
const SINCE: Duration = Duration::from_secs(90 * 24 * 3_600);

impl LocalBackend {
    /// The same with files of SOPs that a person may change.
    #[must_use]
    pub fn with_sop_files(mut self, files: Arc<dyn SopFiles>) -> Self {
        self.sop_files = Some(files);
        self
    }

    fn sop_files(&self) -> Result<&Arc<dyn SopFiles>, BackendError> {
        let refusal =
            || Refusal::new("Not written", "this process changes no files of SOPs", "Use `aiops sop improve`");
        self.sop_files.as_ref().ok_or_else(|| refusal().into())
    }

    pub(super) async fn improvement_of(&self, sop: SopId) -> Result<Improvement, BackendError> {
        let document = self.document(&sop)?;
        let since = Timestamp::from_millis(self.store.now().minus(SINCE).as_millis().max(0));
        improving::look(&self.store, document, since).await
    }

    pub(super) async fn patch_sop(
        &self,
        sop: SopId,
        taken: BTreeSet<usize>,
        digest: String,
    ) -> Result<Done, BackendError> {
        let found = self.improvement_of(sop).await?;
        let yes = Yes { taken, digest, way: ChangeWay::File };
        improving::apply(&self.store, self.sop_files()?, &self.actor, &found, yes).await.map(Done::Sop)
    }

    pub(super) async fn draft_of(&self, incident: IncidentId, run: Option<RunId>) -> Result<Draft, BackendError> {
        improving::draft(&self.store, &self.library(), incident, run).await
    }

    pub(super) async fn save_draft(
        &self,
        incident: IncidentId,
        run: Option<RunId>,
        name: &str,
        shown: &str,
    ) -> Result<Done, BackendError> {
        let draft = self.draft_of(incident, run).await?;
        if sha256_hex(draft.text.as_bytes()) != shown {
            let why = "more was done for it since, so that the draft is another one now";
            return Err(Refusal::new("Not saved", why, "Look at the draft again").into());
        }
        let files = self.sop_files()?;
        let path = files.place_for(name).map_err(|error| BackendError::Failed(error.0))?;
        improving::save(&self.store, files, &self.actor, &draft, path).await.map(Done::Sop)
    }
}

//! What history suggests where a run stands still: counted here, asked of nobody.
//!
//! Owns: when it is looked at: once each time a run of this console's person has handed over. Does not: count (see
//! `domain::run::suggestion::experience`), change a run, or ask a model, which costs money and is asked by a person only.

use super::RunEngine;
use crate::domain::actor::Actor;
use crate::domain::id::RunId;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::suggestion::experience;
use crate::domain::run::{Run, RunState};
use crate::engine::backend::BackendError;
use crate::store::{CommandError, Store};

/// The part of the engine that counts.
const PART: &str = "history";

impl RunEngine {
    /// Suggests what history says for each run that has stopped since it was looked at last.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(super) async fn advise(&self) -> Result<(), BackendError> {
        for run in self.store.open_runs().await? {
            if run.owner == self.me && self.is_new(&run) {
                suggest_from_history(&self.store, &run).await?;
            }
        }
        Ok(())
    }

    /// Whether the run stands where it was not looked at yet.
    fn is_new(&self, run: &Run) -> bool {
        let mut advised = self.advised.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match run.state {
            RunState::Stopped { .. } => advised.insert(run.id, run.state.clone()) != Some(run.state.clone()),
            RunState::Active | RunState::Paused | RunState::Ended { .. } => {
                advised.remove(&run.id);
                false
            }
        }
    }
}

/// Stores what the history of its SOP suggests for a run.
///
/// # Errors
/// When the store cannot be read or written. That nothing new is suggested is none.
async fn suggest_from_history(store: &Store, run: &Run) -> Result<(), BackendError> {
    let (id, sop): (RunId, _) = (run.id, run.plan.sop.clone());
    let stories = store.read_view(move |reader| reader.run_stories(&sop)).await?;
    let drafts = experience::of(run, &stories).drafts;
    if drafts.is_empty() {
        return Ok(());
    }
    match store.run_command(id, RunCommand::Suggest(drafts), &Actor::engine(PART)).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(refusal)) => {
            tracing::debug!(run = %id, %refusal, "history suggests nothing new");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

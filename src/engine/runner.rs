//! Attempts from the grant to the recorded outcome.
//!
//! Owns: the order intent → start → spawned → outcome, following what runs, and finding again after a crash what an
//! earlier process started. Does not: decide whether something may run (`domain::action::grant`) or start processes (an
//! [`ActionRunner`]).
//!
//! Invariants: nothing is started before its intent is committed; an attempt whose end nobody recorded becomes `Unknown` and
//! is never started again. Any process may record the end of an attempt: the store keeps the first record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::backend::BackendError;
use super::ports::{ActionRunner, Clock, Probe};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::grant::{Approval, Grant};
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, ProposalId};
use crate::store::Store;

/// How often a running attempt is looked at. Its output appears on the screen at most this much later.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// An intent without a supervisor counts as lost after this long; until then another process may be starting it.
const START_GRACE: Duration = Duration::from_secs(15);

/// Starts and follows attempts. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    processes: Arc<dyn ActionRunner>,
    clock: Arc<dyn Clock>,
    actor: Actor,
    attempts_root: String,
    /// Bytes of output of each attempt that is being followed.
    followed: Mutex<HashMap<AttemptId, u64>>,
    changes: watch::Sender<u64>,
}

impl Runner {
    /// A runner for `actor`, whose attempts get directories below `attempts_root`.
    #[must_use]
    pub fn new(
        store: Store,
        processes: Arc<dyn ActionRunner>,
        clock: Arc<dyn Clock>,
        actor: Actor,
        attempts_root: String,
    ) -> Self {
        let (changes, _) = watch::channel(0);
        let followed = Mutex::new(HashMap::new());
        Self { inner: Arc::new(Inner { store, processes, clock, actor, attempts_root, followed, changes }) }
    }

    /// Goes up whenever an attempt that is being followed has more output.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Stores the yes, stores the intent, starts the action. Returns once its supervisor runs.
    ///
    /// # Errors
    /// A refusal when the rules say no, a failure when the machinery fails. Nothing runs then.
    pub async fn approve(
        &self,
        proposal: ProposalId,
        approval: Approval,
        revision: Option<String>,
    ) -> Result<AttemptId, BackendError> {
        let inner = &self.inner;
        inner.store.approve(proposal, approval, revision.clone(), &inner.actor).await?;
        let grant = inner.store.start(proposal, revision, &inner.attempts_root, &inner.actor).await?;
        let attempt = grant.attempt();
        let record = inner.store.attempt(attempt).await?;
        let directory = record.map(|record| record.directory).ok_or_else(|| {
            BackendError::Failed(format!(
                "Not started: attempt {attempt} was stored and cannot be read. Nothing was run."
            ))
        })?;
        self.launch(grant, directory).await
    }

    async fn launch(&self, grant: Grant, directory: String) -> Result<AttemptId, BackendError> {
        let attempt = grant.attempt();
        let processes = Arc::clone(&self.inner.processes);
        let place = directory.clone();
        let started = tokio::task::spawn_blocking(move || {
            make_directory(&place).map_err(|error| format!("its directory {place} cannot be made: {error}"))?;
            processes.run(grant, &place).map_err(|error| error.to_string())
        })
        .await
        .unwrap_or_else(|error| Err(format!("the start was interrupted: {error}")));
        match started {
            Ok(supervisor) => {
                self.inner.store.spawned(attempt, supervisor).await?;
                self.watch(attempt, directory);
                Ok(attempt)
            }
            Err(reason) => {
                let outcome = Outcome::NotStarted { reason: reason.clone() };
                self.inner.store.ended(attempt, outcome, 0, String::new()).await?;
                Err(BackendError::Failed(format!("Not started: {reason}. Nothing was run.")))
            }
        }
    }

    /// Takes up every attempt whose end is not recorded, whoever started it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn resume(&self) -> Result<(), BackendError> {
        for attempt in self.inner.store.unfinished_attempts().await? {
            self.watch_attempt(&attempt);
        }
        Ok(())
    }

    fn watch_attempt(&self, attempt: &Attempt) {
        if !matches!(attempt.state, AttemptState::Ended { .. }) {
            self.watch(attempt.id, attempt.directory.clone());
        }
    }

    /// Asks the supervisor of a running attempt to end it.
    ///
    /// # Errors
    /// When there is no such attempt or its supervisor cannot be reached.
    pub async fn cancel(&self, attempt: AttemptId) -> Result<(), BackendError> {
        let inner = &self.inner;
        let Some(found) = inner.store.attempt(attempt).await? else {
            return Err(BackendError::Failed(format!("There is no attempt {attempt}.")));
        };
        inner.store.cancel_requested(attempt, &inner.actor).await?;
        let processes = Arc::clone(&inner.processes);
        tokio::task::spawn_blocking(move || processes.cancel(&found.directory))
            .await
            .map_err(|error| BackendError::Failed(format!("The request was interrupted: {error}. Try again.")))?
            .map_err(|error| BackendError::Failed(error.to_string()))
    }

    /// The last bytes of an attempt's output, and where they start.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn output(&self, attempt: &Attempt, tail_bytes: usize) -> Result<(u64, Vec<u8>), BackendError> {
        let processes = Arc::clone(&self.inner.processes);
        let directory = attempt.directory.clone();
        tokio::task::spawn_blocking(move || {
            let length = match processes.probe(&directory) {
                Probe::Running { output_bytes, .. }
                | Probe::Ended { output_bytes, .. }
                | Probe::Lost { output_bytes, .. } => output_bytes,
            };
            let start = length.saturating_sub(tail_bytes as u64);
            processes.output(&directory, start, tail_bytes).map(|bytes| (start, bytes))
        })
        .await
        .map_err(|error| BackendError::Failed(format!("Reading was interrupted: {error}")))?
        .map_err(|error| BackendError::Failed(error.to_string()))
    }

    /// Follows an attempt until its end is recorded; does nothing when it is being followed already.
    fn watch(&self, attempt: AttemptId, directory: String) {
        let known = self.lock_followed().insert(attempt, 0);
        if known.is_some() {
            return;
        }
        let runner = self.clone();
        tokio::spawn(async move {
            while !runner.look(attempt, &directory).await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            runner.lock_followed().remove(&attempt);
        });
    }

    /// Looks once; true when the attempt is over.
    async fn look(&self, attempt: AttemptId, directory: &str) -> bool {
        let processes = Arc::clone(&self.inner.processes);
        let place = directory.to_owned();
        let Ok(probe) = tokio::task::spawn_blocking(move || processes.probe(&place)).await else {
            return false;
        };
        let (outcome, bytes, digest) = match probe {
            Probe::Running { supervisor, output_bytes } => {
                self.note_running(attempt, supervisor).await;
                self.note_output(attempt, output_bytes);
                return false;
            }
            Probe::Ended { outcome, output_bytes, output_digest } => (outcome, output_bytes, output_digest),
            Probe::Lost { spawned, output_bytes } => match self.lost(attempt, spawned).await {
                Some(outcome) => (outcome, output_bytes, String::new()),
                None => return false,
            },
        };
        match self.inner.store.ended(attempt, outcome, bytes, digest).await {
            Ok(()) => true,
            Err(error) => {
                // Not over until it is stored: the next look tries again.
                tracing::error!(%attempt, %error, "the outcome could not be stored");
                false
            }
        }
    }

    /// What a missing supervisor means; `None` while it may still appear.
    async fn lost(&self, attempt: AttemptId, spawned: bool) -> Option<Outcome> {
        let record = self.inner.store.attempt(attempt).await.ok()??;
        let age = self.inner.clock.now().since(record.intent_at);
        if !spawned && age < START_GRACE {
            return None;
        }
        let reason = if spawned || matches!(record.state, AttemptState::Running { .. }) {
            "its supervisor disappeared before it recorded an end; check the effect by hand"
        } else {
            "the console stopped before the start was confirmed; check the effect by hand"
        };
        Some(Outcome::Unknown { reason: reason.to_owned() })
    }

    /// After a crash between start and record: the store learns that it runs.
    async fn note_running(&self, attempt: AttemptId, supervisor: crate::domain::action::attempt::ProcessId) {
        let first_look = self.lock_followed().get(&attempt) == Some(&0);
        if !first_look {
            return;
        }
        match self.inner.store.attempt(attempt).await {
            Ok(Some(record)) if record.state == AttemptState::IntentStored => {
                if let Err(error) = self.inner.store.spawned(attempt, supervisor).await {
                    tracing::error!(%attempt, %error, "the start could not be stored");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%attempt, %error, "the attempt could not be read"),
        }
    }

    fn note_output(&self, attempt: AttemptId, bytes: u64) {
        // One more than the bytes, so that an attempt without output counts as looked at.
        let seen = bytes + 1;
        let before = self.lock_followed().insert(attempt, seen);
        if before != Some(seen) && bytes > 0 {
            self.inner.changes.send_modify(|count| *count += 1);
        }
    }

    fn lock_followed(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, u64>> {
        self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_directory(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

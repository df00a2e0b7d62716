//! Attempts from the grant to the recorded outcome.
//!
//! Owns: the order intent → start → spawned → outcome, following what runs, and finding again after a crash what an
//! earlier process started. Does not: decide whether something may run (`domain::action::grant`) or start processes (an
//! [`ActionRunner`]).
//!
//! Invariants: nothing is started before its intent is committed. An attempt whose end nobody recorded is never started
//! again, and one that is declared over before it began can never begin, however long its console was stopped meanwhile.
//! Any process may record the end of an attempt: the store keeps the first record.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, watch};

use super::backend::BackendError;
use super::place;
use super::ports::{ActionRunner, Clock, GivenUp, Probe, RunError, TerminalLender, TerminalLoan};
use crate::domain::action::attempt::{Attempt, AttemptEnd, AttemptState, Outcome, ProcessId};
use crate::domain::action::grant::{Approval, Grant};
use crate::domain::action::spec::Execution;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::scope::{Limits, Wish};
use crate::failpoint::{self, Point};
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
    followed: Mutex<HashMap<AttemptId, Followed>>,
    changes: watch::Sender<u64>,
    /// Set once the file was found undamaged.
    checked: OnceCell<()>,
    /// Who lends the terminal to interactive actions.
    lender: OnceLock<Arc<dyn TerminalLender>>,
}

/// What is known of an attempt that is being followed.
#[derive(Clone, Copy)]
struct Followed {
    /// When following began, since boot: no step of the wall clock makes a wait endless.
    since: Duration,
    /// Bytes of output seen.
    bytes: u64,
    /// Whether the store knows that it runs.
    running_noted: bool,
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
        let (checked, lender) = (OnceCell::new(), OnceLock::new());
        let inner = Inner { store, processes, clock, actor, attempts_root, followed, changes, checked, lender };
        Self { inner: Arc::new(inner) }
    }

    /// Interactive actions get their terminal from `lender`; the first one that is named counts. Without one they are
    /// refused.
    pub fn borrow_terminals_from(&self, lender: Arc<dyn TerminalLender>) {
        let _ = self.inner.lender.set(lender);
    }

    /// Looks for damage in the database, the first time that it is called. Nothing is approved before that.
    ///
    /// # Errors
    /// What is damaged, and what to do.
    pub async fn check_store(&self) -> Result<(), BackendError> {
        self.inner.checked.get_or_try_init(|| self.inner.store.quick_check()).await?;
        Ok(())
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
        self.may_start().await?;
        let inner = &self.inner;
        if inner.lender.get().is_none()
            && let Some(found) = inner.store.proposal(proposal).await?
            && found.spec.mode == Execution::Interactive
        {
            let remedy = "Approve it in a console";
            return Err(Refusal::new("Not approved", "it needs a terminal, and there is none here", remedy).into());
        }
        inner.store.approve(proposal, approval, revision.clone(), &inner.actor).await?;
        self.begin(proposal, revision).await
    }

    /// As [`Runner::approve`], with a yes to more of the run.
    ///
    /// # Errors
    /// As [`Runner::approve`]; nothing runs and nothing more is covered then.
    pub async fn approve_wider(
        &self,
        proposal: ProposalId,
        approval: Approval,
        wider: (Wish, Limits),
        revision: Option<String>,
    ) -> Result<AttemptId, BackendError> {
        self.may_start().await?;
        let inner = &self.inner;
        inner.store.approve_wider(proposal, approval, wider, revision.clone(), &inner.actor).await?;
        self.begin(proposal, revision).await
    }

    /// Starts what a yes to more than one action of this person covers. Returns once its supervisor runs.
    ///
    /// # Errors
    /// A refusal when none covers it, a failure when the machinery fails. Nothing runs then.
    pub async fn spend_scope(&self, proposal: ProposalId, revision: Option<String>) -> Result<AttemptId, BackendError> {
        self.may_start().await?;
        let inner = &self.inner;
        inner.store.spend_scope(proposal, revision.clone(), &inner.actor).await?;
        self.begin(proposal, revision).await
    }

    /// Whether what will happen can be stored.
    async fn may_start(&self) -> Result<(), BackendError> {
        self.check_store().await?;
        Ok(self.inner.store.check_reserve()?)
    }

    /// Stores the intent of what was approved, and starts it.
    async fn begin(&self, proposal: ProposalId, revision: Option<String>) -> Result<AttemptId, BackendError> {
        let inner = &self.inner;
        failpoint::reached(Point::GrantStored);
        let grant = inner.store.start(proposal, revision, &inner.attempts_root, &inner.actor).await?;
        failpoint::reached(Point::IntentStored);
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
        let loan = match self.borrow_terminal(&grant).await {
            Ok(loan) => loan,
            Err(error) => return self.not_started(attempt, directory, error).await,
        };
        let started = tokio::task::spawn_blocking(move || {
            place::make(Path::new(&place)).map_err(|error| {
                RunError(format!("The action was not started: its directory {place} cannot be made: {error}"))
            })?;
            failpoint::reached(Point::DirectoryMade);
            processes.run(grant, &place)
        })
        .await;
        match started {
            Ok(Ok(supervisor)) => {
                failpoint::reached(Point::SpawnKnown);
                if let Some(loan) = loan {
                    self.return_terminal(loan, directory.clone());
                }
                self.watch(attempt, directory);
                // It runs, whether that can be stored or not: whoever follows it tries again.
                if let Err(error) = self.inner.store.spawned(attempt, supervisor).await {
                    tracing::error!(%attempt, %error, "the start could not be stored");
                }
                failpoint::reached(Point::SpawnStored);
                Ok(attempt)
            }
            Ok(Err(error)) => self.not_started(attempt, directory, error).await,
            Err(error) => {
                // How far it came is not known here; the files of the attempt tell.
                self.watch(attempt, directory);
                Err(BackendError::Failed(format!(
                    "The start of attempt {attempt} was interrupted by an internal error ({error}). The step shows what \
                     came of it; do not run it again before that."
                )))
            }
        }
    }

    /// Records that nothing of an attempt ran or will run.
    async fn not_started(
        &self,
        attempt: AttemptId,
        directory: String,
        RunError(reason): RunError,
    ) -> Result<AttemptId, BackendError> {
        let outcome = Outcome::NotStarted { reason: reason.clone() };
        if let Err(error) = self.inner.store.ended(attempt, AttemptEnd::unseen(outcome, 0)).await {
            tracing::error!(%attempt, %error, "that it was not started could not be stored");
            self.watch(attempt, directory);
        }
        Err(BackendError::Failed(reason))
    }

    /// The terminal, if what was granted needs it.
    async fn borrow_terminal(&self, grant: &Grant) -> Result<Option<TerminalLoan>, RunError> {
        match (grant.spec().mode, self.inner.lender.get()) {
            (Execution::Supervised, _) => Ok(None),
            (Execution::Interactive, Some(lender)) => {
                lender.lend(grant.attempt(), grant.spec().command_line()).await.map(Some)
            }
            (Execution::Interactive, None) => {
                Err(RunError("The action was not started: there is no terminal".to_owned()))
            }
        }
    }

    /// Gives the terminal back once the supervisor has recorded the end or is gone, whether that can be stored or not.
    fn return_terminal(&self, loan: TerminalLoan, directory: String) {
        let processes = Arc::clone(&self.inner.processes);
        tokio::spawn(async move {
            let how = loop {
                let (processes, place) = (Arc::clone(&processes), directory.clone());
                match tokio::task::spawn_blocking(move || processes.probe(&place)).await {
                    Ok(Probe::Running { .. }) => tokio::time::sleep(LOOK_EVERY).await,
                    Ok(Probe::Ended(end)) => break end.outcome.label(),
                    Ok(Probe::Lost { .. }) | Err(_) => break "unknown".to_owned(),
                }
            };
            loan.give_back(how);
        });
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
                | Probe::Ended(AttemptEnd { output_bytes, .. })
                | Probe::Lost { output_bytes, .. } => output_bytes,
            };
            if length == 0 {
                // There may be no file yet, or never.
                return Ok((0, Vec::new()));
            }
            let start = length.saturating_sub(tail_bytes as u64);
            processes.output(&directory, start, tail_bytes).map(|bytes| (start, bytes))
        })
        .await
        .map_err(|error| BackendError::Failed(format!("Reading was interrupted: {error}")))?
        .map_err(|error| BackendError::Failed(error.to_string()))
    }

    /// Follows an attempt until its end is recorded; does nothing when it is being followed already.
    fn watch(&self, attempt: AttemptId, directory: String) {
        let since = self.inner.clock.monotonic();
        {
            let mut followed = self.lock_followed();
            if followed.contains_key(&attempt) {
                return;
            }
            followed.insert(attempt, Followed { since, bytes: 0, running_noted: false });
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
        let end = match probe {
            Probe::Running { supervisor, output_bytes } => {
                self.note_running(attempt, supervisor).await;
                self.note_output(attempt, output_bytes);
                return false;
            }
            Probe::Ended(end) => end,
            Probe::Lost { spawned, left, output_bytes } => match self.lost(attempt, directory, spawned, &left).await {
                Some(outcome) => AttemptEnd::unseen(outcome, output_bytes),
                None => return false,
            },
        };
        failpoint::reached(Point::EndRead);
        match self.inner.store.ended(attempt, end).await {
            Ok(()) => {
                failpoint::reached(Point::EndStored);
                true
            }
            Err(error) => {
                // Not over until it is stored: the next look tries again.
                tracing::error!(%attempt, %error, "the outcome could not be stored");
                false
            }
        }
    }

    /// What a missing supervisor means; `None` while it may still appear.
    async fn lost(&self, attempt: AttemptId, directory: &str, spawned: bool, left: &[i32]) -> Option<Outcome> {
        let record = self.inner.store.attempt(attempt).await.ok()??;
        if let AttemptState::Ended { outcome, .. } = record.state {
            // Somebody else was first.
            return Some(outcome);
        }
        if spawned || matches!(record.state, AttemptState::Running { .. }) {
            return Some(unknown(&disappeared(left)));
        }
        let since = self.lock_followed().get(&attempt).map_or(Duration::ZERO, |followed| followed.since);
        let followed_for = self.inner.clock.monotonic().saturating_sub(since);
        if followed_for.max(self.inner.clock.now().since(record.intent_at)) < START_GRACE {
            return None;
        }
        let (processes, place) = (Arc::clone(&self.inner.processes), directory.to_owned());
        // The console that was to start it may only be stopped: it must not start it after this.
        match tokio::task::spawn_blocking(move || give_up(&*processes, &place)).await {
            Ok(Ok(GivenUp::NeverBegan)) => {
                let reason = "the console stopped before the start; nothing of it ran, propose the step again";
                Some(Outcome::NotStarted { reason: reason.to_owned() })
            }
            Ok(Ok(GivenUp::Unmade)) => Some(unknown(
                "the console stopped before the start was confirmed and its directory is missing; check the effect by hand",
            )),
            // It began at this moment: the next look finds its supervisor.
            Ok(Ok(GivenUp::Began)) => None,
            // It may still begin, so it is not over. The next look tries again: a full disk does not stay full.
            Ok(Err(error)) => {
                tracing::debug!(%attempt, %error, "an attempt could not be given up");
                None
            }
            Err(error) => {
                tracing::error!(%attempt, %error, "giving an attempt up was interrupted");
                None
            }
        }
    }

    /// After a crash between start and record, or when it could not be stored: the store learns that it runs.
    async fn note_running(&self, attempt: AttemptId, supervisor: ProcessId) {
        if self.lock_followed().get(&attempt).is_none_or(|followed| followed.running_noted) {
            return;
        }
        // Does nothing when the store knows it already.
        match self.inner.store.spawned(attempt, supervisor).await {
            Ok(()) => {
                if let Some(followed) = self.lock_followed().get_mut(&attempt) {
                    followed.running_noted = true;
                }
            }
            Err(error) => tracing::error!(%attempt, %error, "the start could not be stored"),
        }
    }

    fn note_output(&self, attempt: AttemptId, bytes: u64) {
        let grown = match self.lock_followed().get_mut(&attempt) {
            Some(followed) => std::mem::replace(&mut followed.bytes, bytes) != bytes,
            None => false,
        };
        if grown {
            self.inner.changes.send_modify(|count| *count += 1);
        }
    }

    fn lock_followed(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, Followed>> {
        self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(reason: &str) -> Outcome {
    Outcome::Unknown { reason: reason.to_owned() }
}

/// What is said of an attempt whose supervisor is gone; `left` are the processes that it left behind.
fn disappeared(left: &[i32]) -> String {
    const WHAT: &str = "its supervisor disappeared before it recorded an end";
    const REMEDY: &str = "check the effect by hand";
    if left.is_empty() {
        return format!("{WHAT}; {REMEDY}");
    }
    let pids: Vec<String> = left.iter().map(ToString::to_string).collect();
    format!("{WHAT} and may have left process {} running; {REMEDY}", pids.join(", "))
}

/// Sees to it that an attempt that has not begun never will.
fn give_up(processes: &dyn ActionRunner, directory: &str) -> Result<GivenUp, RunError> {
    match place::make(Path::new(directory)) {
        // Whoever wanted to start it needs to make the directory first, and cannot any more.
        Ok(()) => Ok(GivenUp::Unmade),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => processes.give_up(directory),
        Err(error) => Err(RunError(format!("its directory {directory} cannot be made: {error}"))),
    }
}

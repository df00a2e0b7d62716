//! Drives runs: does what `domain::run::advance` says, and reports back what came of it.
//!
//! Owns: gathering a run's situation, proposing its next step, asking its queries, reading the outputs that its questions
//! rest on. Does not: decide where a run goes (`domain::run`), approve anything, or start processes.
//!
//! Invariants: a console drives only what its own person is responsible for. Whatever several consoles say to a run at the
//! same moment, the store hears one of them: a refusal means that somebody else was first, and is no error. What cannot be had
//! hands over to the person, with the reason; nothing is tried over and over behind their back.

mod advice;
mod looking;
mod outcome;
mod scoped;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::attention::Attention;
use super::backend::{BackendError, Done};
use super::local::LocalBackend;
use super::ports::{Clock, MetricSource};
use crate::domain::action::spec::StepRef;
use crate::domain::actor::Actor;
use crate::domain::alert::{AlertStatus, Labels};
use crate::domain::id::{AttemptId, ProposalId, RunId, ScopeId};
use crate::domain::run::advance::{self, Next, OutputSeen, Situation};
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::StopReason;
use crate::domain::run::evidence::{Evidence, MOST_SAMPLES, OutputText};
use crate::domain::run::item::{ItemId, ItemKind};
use crate::domain::run::query;
use crate::domain::run::suggestion;
use crate::domain::run::{Run, RunState};
use crate::domain::time::Timestamp;
use crate::store::{CommandError, Store};

/// Waits, and what other processes do to a run, are looked at this often when nothing changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A run is not looked at more often than this, however fast output comes.
const PAUSE: Duration = Duration::from_millis(200);
/// Of an output that a question rests on, so many bytes are read; of a longer one nothing is concluded.
const OUTPUT_READ: usize = 256 * 1024;
/// Steps that a run goes in one round at most; what is left is done in the next round.
const STEPS: usize = 64;

/// Drives the runs of one person.
#[derive(Clone)]
pub struct RunEngine {
    store: Store,
    backend: LocalBackend,
    metrics: Vec<Arc<dyn MetricSource>>,
    clock: Arc<dyn Clock>,
    me: String,
    /// Answers of people that were compared with the output before them: the run, and the event's place in its story.
    compared: Arc<Mutex<HashSet<(RunId, usize)>>>,
    /// Whether the person is at this console.
    attention: Attention,
    /// What scopes were found not to cover.
    tried: Arc<Mutex<HashSet<(ScopeId, ProposalId)>>>,
    /// Where runs stood when their history was looked at last.
    advised: Arc<Mutex<HashMap<RunId, RunState>>>,
    /// When this process looked last at which poll.
    looked: Arc<Mutex<BTreeMap<(RunId, ItemId), Timestamp>>>,
}

impl RunEngine {
    /// An engine for the person of `backend`; the first of `metrics` is asked.
    #[must_use]
    pub fn new(
        store: Store,
        backend: LocalBackend,
        metrics: Vec<Arc<dyn MetricSource>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let me = backend.actor().label().to_owned();
        // What it proposes, it proposes in its own name.
        let backend = backend.acting_as(Actor::engine("run"));
        let (compared, attention, tried) = (Arc::default(), Attention::default(), Arc::default());
        Self {
            store,
            backend,
            metrics,
            clock,
            me,
            compared,
            attention,
            tried,
            advised: Arc::default(),
            looked: Arc::default(),
        }
    }

    fn lock_tried(&self) -> MutexGuard<'_, HashSet<(ScopeId, ProposalId)>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives every run that is on. Runs for ever.
    pub async fn drive(self) {
        let mut changes = super::backend::Backend::follow(&self.backend);
        loop {
            changes.mark_unchanged();
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "runs could not be looked at; they are looked at again");
            }
            tokio::time::sleep(PAUSE).await;
            // Whether there was a change or not, it is time to look.
            let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
        }
    }

    /// Each run goes on until it is somebody else's turn; then what came of it is looked at.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn round(&self) -> Result<(), BackendError> {
        for run in self.store.open_runs().await? {
            self.settle(run.id).await?;
        }
        self.advise().await?;
        self.outcomes().await
    }

    async fn settle(&self, id: RunId) -> Result<(), BackendError> {
        let (mut output, mut counted) = (None, Vec::new());
        for _ in 0..STEPS {
            let Some((run, mut situation)) = self.situation(id).await? else { return Ok(()) };
            situation.output.clone_from(&output);
            situation.counted.clone_from(&counted);
            let Some(next) = advance::next(&run, &situation) else { return self.spend_scopes(&run, &situation).await };
            let heard = match next {
                Next::Do(command) => self.say(id, command).await?,
                Next::Propose(item) => self.propose(&run, item).await?,
                Next::Query(item) => self.query(&run, item).await?,
                Next::Look(item) => self.look(&run, item).await?,
                Next::Count(questions) => {
                    counted = self.count(&run, questions).await?;
                    Heard::Yes
                }
                Next::Read(attempt) => {
                    output = Some(self.read(attempt).await?);
                    Heard::Yes
                }
            };
            if heard == Heard::No {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn situation(&self, id: RunId) -> Result<Option<(Run, Situation)>, BackendError> {
        let read = self.store.read_view(move |reader| {
            let Some(run) = reader.run(id)? else { return Ok(None) };
            let surroundings = reader.run_surroundings(&run)?;
            let alert = reader.alert(run.incident, &run.plan.alert)?;
            let fires = alert.is_some_and(|alert| alert.status == AlertStatus::Firing);
            Ok(Some((run, surroundings, fires)))
        });
        let Some((run, surroundings, alert_fires)) = read.await? else { return Ok(None) };
        let step = StepRef {
            sop: run.plan.sop.clone(),
            node: "".into(),
            revision: run.plan.revision.clone(),
            title: String::new(),
        };
        let situation = Situation {
            now: self.clock.now(),
            me: self.me.clone(),
            alert_fires,
            revision: self.backend.revision_now(step).await?,
            proposals: surroundings.proposals,
            attempts: surroundings.attempts,
            output: None,
            counted: Vec::new(),
            looked: self.looked_at(id),
        };
        Ok(Some((run, situation)))
    }

    async fn say(&self, id: RunId, command: RunCommand) -> Result<Heard, BackendError> {
        match self.store.run_command(id, command, &Actor::engine("run")).await {
            Ok(_) => Ok(Heard::Yes),
            Err(CommandError::Refused(refusal)) => {
                tracing::debug!(run = %id, %refusal, "somebody else was first");
                Ok(Heard::No)
            }
            // Nothing of a run is approved.
            Err(CommandError::AwaitsSecond { .. }) => Ok(Heard::No),
            Err(CommandError::Store(error)) => Err(error.into()),
        }
    }

    async fn propose(&self, run: &Run, item: ItemId) -> Result<Heard, BackendError> {
        let Some(node) = run.item(item).and_then(|item| item.node.clone()) else { return Ok(Heard::No) };
        let (alert, values) = (run.plan.alert.clone(), std::collections::BTreeMap::new());
        let proposed = match suggestion::answer_of(&node) {
            // It was put in as suggested: it goes the way of every command of an answer.
            Some((message, block)) => self.backend.propose_from_chat(run.incident, alert, message, block, values).await,
            None => self.backend.propose(run.incident, alert, run.plan.sop.clone(), node, values).await,
        };
        let reason = match proposed {
            Ok(Done::Proposed(proposal)) => {
                return self.say(run.id, RunCommand::NoteProposed { item, proposal: proposal.id }).await;
            }
            Ok(_) | Err(BackendError::AwaitsSecond { .. }) => return Ok(Heard::No),
            Err(BackendError::NeedsValues(needed)) => {
                StopReason::NeedsValues { names: needed.into_iter().map(|value| value.surface).collect() }
            }
            Err(BackendError::Refused(refusal)) => StopReason::NotProposed { why: refusal.to_string() },
            Err(error @ BackendError::Failed(_)) => return Err(error),
        };
        self.say(run.id, RunCommand::Ask { item, reason }).await
    }

    async fn query(&self, run: &Run, item: ItemId) -> Result<Heard, BackendError> {
        let Some(ItemKind::Query { promql }) = run.item(item).map(|item| &item.kind) else { return Ok(Heard::No) };
        let command = match self.ask(run, promql).await? {
            Ok(evidence) => RunCommand::NoteEvidence { item, evidence },
            Err(why) => RunCommand::Ask { item, reason: StopReason::NoEvidence { why } },
        };
        self.say(run.id, command).await
    }

    /// Asks a query; the inner error is why there is no answer, as a clause.
    async fn ask(&self, run: &Run, promql: &str) -> Result<Result<Evidence, String>, BackendError> {
        let Some(source) = self.metrics.first() else {
            return Ok(Err("no [[prometheus]] is configured that the query could be asked".to_owned()));
        };
        let labels = self.labels_of(run).await?;
        let query = match query::bind(promql, &labels) {
            Ok(query) => query,
            Err(why) => return Ok(Err(why)),
        };
        let at = self.clock.now();
        Ok(match source.instant(&query, at).await {
            Ok(mut answer) => {
                let total = answer.samples.len();
                answer.samples.truncate(MOST_SAMPLES);
                Ok(Evidence::Metric { source: source.id(), query, at, samples: answer.samples, total })
            }
            Err(error) => Err(error.to_string()),
        })
    }

    /// The labels of the alert that a run is for.
    async fn labels_of(&self, run: &Run) -> Result<Labels, BackendError> {
        let (incident, key) = (run.incident, run.plan.alert.clone());
        let alert = self.store.read_view(move |reader| reader.alert(incident, &key)).await?;
        Ok(alert.map(|alert| alert.labels).unwrap_or_default())
    }

    /// When this process looked last at the polls of a run.
    fn looked_at(&self, id: RunId) -> BTreeMap<ItemId, Timestamp> {
        let looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        looked.iter().filter(|((run, _), _)| *run == id).map(|((_, item), at)| (*item, *at)).collect()
    }

    async fn read(&self, attempt: AttemptId) -> Result<OutputSeen, BackendError> {
        let Some(found) = self.store.attempt(attempt).await? else { return Ok(OutputSeen { attempt, text: None }) };
        let text = match self.backend.runner().output(&found, OUTPUT_READ).await {
            Ok((start, bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                let printed = without_remarks(&text);
                let remarks = text.get(printed.len()..).unwrap_or_default();
                Some(OutputText { text: printed.to_owned(), whole: start == 0 && !remarks.contains(NOT_KEPT) })
            }
            Err(error) => {
                tracing::warn!(%attempt, %error, "an output cannot be read");
                None
            }
        };
        Ok(OutputSeen { attempt, text })
    }
}

/// What the command itself printed: below it stand remarks of this program, and their numbers answer no question.
fn without_remarks(output: &str) -> &str {
    let mut rest = output;
    while let Some(at) = rest.trim_end_matches('\n').rfind('\n').map(|at| at + 1).or((!rest.is_empty()).then_some(0)) {
        match rest.get(at..) {
            Some(line) if line.starts_with(REMARK) => rest = rest.get(..at).unwrap_or_default(),
            _ => break,
        }
    }
    rest
}

/// In the remark that says that some of it is missing.
const NOT_KEPT: &str = "bytes of output were not kept";

/// Begins every remark below an output.
const REMARK: &str = "aiops: ";

/// Whether the store heard what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::without_remarks;

    #[test]
    fn remarks_below_an_output_are_none_of_it() {
        assert_eq!(without_remarks("4\naiops: statuses: 0 141\naiops: cut\n"), "4\n");
        assert_eq!(without_remarks("aiops: a\n4\n"), "aiops: a\n4\n");
        assert_eq!(without_remarks("aiops: nothing\n"), "");
        assert_eq!(without_remarks("4"), "4");
        assert_eq!(without_remarks(""), "");
    }
}

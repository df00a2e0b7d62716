//! Deviations: in what a run is done otherwise than its SOP is written.
//!
//! Owns: finding them, one event of the run at a time, and the words for them. The engine finds them, by these rules alone; no
//! model has a part in it. Does not: read outputs (see [`against_evidence`] for what that needs), store, or keep anybody from
//! anything: to deviate is often right, and then the SOP is to be corrected.
//!
//! Invariants: the same run, event and facts give the same deviations. A run in which everything is done as written, in the
//! order of the document and with the expected ends, has none. The order of the document is that of the items' numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::advance::OutputSeen;
use super::event::{Change, RunEvent, RunResult, StopReason};
use super::evidence::{Evidence, Facts, Proof};
use super::item::{Added, Basis, Item, ItemId, ItemKind, ItemState};
use super::statistics::percentile;
use super::{Run, branch, decide, written};
use crate::domain::action::attempt::Outcome;
use crate::domain::action::spec::ActionSpec;
use crate::domain::id::{AttemptId, NodeId};

/// A command counts as slow only when it was run at least so many times before: of fewer, "usual" means nothing.
pub const LEAST_EARLIER: usize = 5;

/// A command is slow beyond this percentile of its earlier durations.
pub const SLOW_PERCENTILE: u8 = 95;

/// A deviation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deviation", rename_all = "snake_case")]
pub enum Deviation {
    /// A step of the document was left out.
    Skipped {
        /// Which.
        item: ItemId,
        /// Why, in the words of whoever did.
        reason: String,
    },
    /// A later step was done before an earlier one.
    Reordered {
        /// The earlier one, which was passed over.
        item: ItemId,
        /// The later one.
        first: ItemId,
    },
    /// Something else was done than the document's words, whatever the values of its parameters.
    Edited {
        /// In place of which step.
        item: ItemId,
        /// The attempt; `None` when a person did it by hand.
        attempt: Option<AttemptId>,
        /// The command as written. Foreign text.
        written: String,
        /// What ran; empty when nobody knows. Foreign text.
        ran: String,
    },
    /// Something was done that the document does not have there.
    Added {
        /// The item that a person put in; `None` for a command that was run beside the run.
        item: Option<ItemId>,
        /// The attempt of such a command.
        attempt: Option<AttemptId>,
        /// What. Foreign text.
        what: String,
    },
    /// A step was done more than once.
    Repeated {
        /// Which.
        item: ItemId,
        /// The attempt, when a command was just run again.
        attempt: Option<AttemptId>,
    },
    /// A branch was taken, or a command of it was run, although the evidence says another one.
    WrongBranch {
        /// The question.
        item: ItemId,
        /// The branch that was taken.
        taken: NodeId,
        /// The branch that follows from the evidence.
        evident: NodeId,
        /// The evidence.
        proof: Proof,
        /// The attempt, when it was a command of that branch that was run.
        attempt: Option<AttemptId>,
    },
    /// A command did not end as the document expects.
    UnexpectedExit {
        /// Which step.
        item: ItemId,
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        outcome: Outcome,
    },
    /// What a step gave does not answer the question that the document asks of it.
    UnexpectedOutput {
        /// Which step.
        item: ItemId,
        /// The question.
        question: ItemId,
        /// Why not, as a clause.
        why: String,
    },
    /// A command took longer than is usual for this step.
    Slow {
        /// Which step.
        item: ItemId,
        /// The attempt.
        attempt: AttemptId,
        /// Milliseconds that it took.
        took_ms: u64,
        /// The 95th percentile of its earlier durations, in milliseconds.
        usual_ms: u64,
        /// How many earlier ones there were.
        earlier: usize,
    },
}

/// What sort of deviation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// Left out.
    Skipped,
    /// Done in another order.
    Reordered,
    /// Done with other words.
    Edited,
    /// Not in the document.
    Added,
    /// Done more than once.
    Repeated,
    /// Against the evidence.
    WrongBranch,
    /// Ended otherwise than expected.
    UnexpectedExit,
    /// Said something else than expected.
    UnexpectedOutput,
    /// Longer than usual.
    Slow,
}

impl DeviationKind {
    /// The name in JSON and in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Reordered => "reordered",
            Self::Edited => "edited",
            Self::Added => "added",
            Self::Repeated => "repeated",
            Self::WrongBranch => "wrong branch",
            Self::UnexpectedExit => "unexpected exit",
            Self::UnexpectedOutput => "unexpected output",
            Self::Slow => "slow",
        }
    }
}

/// What is known of the attempt that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What was started.
    pub spec: ActionSpec,
    /// How long it took by the clock of its host; `None` while it runs, and when nobody saw its end.
    pub took: Option<Duration>,
    /// How long earlier attempts of the same step of the same document took that exited, whatever their status.
    pub earlier: Vec<Duration>,
}

/// The deviations that `event` shows, which happens to `before` next. `ran` is the attempt that the event names.
#[must_use]
pub fn noticed(before: &Run, event: &RunEvent, ran: Option<&Ran>) -> Vec<Deviation> {
    let mut found = match event {
        RunEvent::Changed { change, created } => of_change(before, change, *created),
        RunEvent::Running { item, attempt } => of_start(before, *item, *attempt, ran),
        RunEvent::Came { item, evidence } => of_end(before, event, *item, evidence, ran),
        RunEvent::Confirmed { item, .. } => of_confirmation(before, *item),
        RunEvent::Decided { item, branch, basis } => of_decision(before, *item, branch, basis),
        RunEvent::Stopped { item: Some(question), reason: StopReason::NoEvidence { why } } => {
            unanswered(before, *question, why)
        }
        RunEvent::Ended { result: RunResult::Abandoned { reason } } => of_end_of_run(before, reason),
        RunEvent::Started { .. }
        | RunEvent::Entered { .. }
        | RunEvent::Proposed { .. }
        | RunEvent::Polled { .. }
        | RunEvent::Again { .. }
        | RunEvent::Returned { .. }
        | RunEvent::Suggested { .. }
        | RunEvent::Answered { .. }
        | RunEvent::Assigned { .. }
        | RunEvent::HandedOver { .. }
        | RunEvent::Stopped { .. }
        | RunEvent::Deviated { .. }
        | RunEvent::Judged { .. }
        | RunEvent::Paused
        | RunEvent::Resumed
        | RunEvent::Ended { result: RunResult::Completed } => Vec::new(),
    };
    found.retain(|deviation| !is_known(before, deviation));
    found
}

/// Whether the run has this deviation already: a step is passed over once, and a question is once without an answer.
#[must_use]
pub fn is_known(run: &Run, deviation: &Deviation) -> bool {
    run.deviations.iter().any(|known| match (known, deviation) {
        (Deviation::Reordered { item, .. }, Deviation::Reordered { item: other, .. }) => item == other,
        (
            Deviation::UnexpectedOutput { item, question, .. },
            Deviation::UnexpectedOutput { item: other, question: asked, .. },
        ) => (item, question) == (other, asked),
        (known, deviation) => known == deviation,
    })
}

fn of_document(run: &Run, id: ItemId) -> Option<&Item> {
    run.item(id).filter(|item| item.added == Added::Document)
}

fn of_change(run: &Run, change: &Change, created: Option<ItemId>) -> Vec<Deviation> {
    match change {
        Change::Skip { item, reason } if of_document(run, *item).is_some() => {
            vec![Deviation::Skipped { item: *item, reason: reason.clone() }]
        }
        Change::Insert { title, .. } => vec![Deviation::Added { item: created, attempt: None, what: title.clone() }],
        // Who takes up again what was left out does not do it twice.
        Change::Repeat { item } => match run.item(*item).map(|item| &item.state) {
            None | Some(ItemState::Skipped { .. }) => Vec::new(),
            Some(_) => vec![Deviation::Repeated { item: *item, attempt: None }],
        },
        // What was moved shows when it is done.
        Change::Skip { .. } | Change::Move { .. } | Change::Together { .. } => Vec::new(),
    }
}

/// The first step of the document that `id` is done before, although it stands after it.
fn passed_over(run: &Run, id: ItemId) -> Option<Deviation> {
    let item = of_document(run, id)?;
    let waits = |other: &&Item| {
        let not_begun = matches!(
            other.state,
            ItemState::Pending | ItemState::Current { .. } | ItemState::Proposed { .. } | ItemState::Waiting { .. }
        );
        let beside = other.group.is_some() && other.group == item.group;
        other.added == Added::Document && other.id < id && not_begun && !beside && run.on_the_way(other) != Some(false)
    };
    let passed = run.plan.items.iter().filter(waits).min_by_key(|other| other.id)?;
    Some(Deviation::Reordered { item: passed.id, first: id })
}

fn of_start(run: &Run, id: ItemId, attempt: AttemptId, ran: Option<&Ran>) -> Vec<Deviation> {
    let mut found: Vec<Deviation> = passed_over(run, id).into_iter().collect();
    let Some(item) = run.item(id) else { return found };
    if matches!(item.state, ItemState::Failed { .. } | ItemState::Unknown { .. }) {
        found.push(Deviation::Repeated { item: id, attempt: Some(attempt) });
    }
    if let (Some(written), Some(ran)) = (&item.written, ran)
        && written::differs(written, &ran.spec)
    {
        let ran = ran.spec.command_line();
        found.push(Deviation::Edited { item: id, attempt: Some(attempt), written: written.clone(), ran });
    }
    found
}

fn of_end(run: &Run, event: &RunEvent, id: ItemId, evidence: &Evidence, ran: Option<&Ran>) -> Vec<Deviation> {
    let Evidence::Attempt { attempt, outcome } = evidence else {
        // A query begins and ends at once.
        return passed_over(run, id).into_iter().collect();
    };
    let mut found = Vec::new();
    if !outcome.succeeded() {
        let mut after = run.clone();
        after.apply(event, run.started_at);
        if !decide::asks_for_end(&after, id) {
            found.push(Deviation::UnexpectedExit { item: id, attempt: *attempt, outcome: outcome.clone() });
        }
    }
    found.extend(ran.and_then(|ran| slow(id, *attempt, ran)));
    found
}

fn slow(item: ItemId, attempt: AttemptId, ran: &Ran) -> Option<Deviation> {
    let took = ran.took?;
    if ran.earlier.len() < LEAST_EARLIER {
        return None;
    }
    let usual = percentile(&ran.earlier, SLOW_PERCENTILE)?;
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    (took > usual).then(|| Deviation::Slow {
        item,
        attempt,
        took_ms: millis(took),
        usual_ms: millis(usual),
        earlier: ran.earlier.len(),
    })
}

fn of_confirmation(run: &Run, id: ItemId) -> Vec<Deviation> {
    let mut found: Vec<Deviation> = passed_over(run, id).into_iter().collect();
    let written = run.item(id).and_then(|item| match &item.kind {
        ItemKind::Command => Some(item.written.clone().unwrap_or_default()),
        ItemKind::Query { promql } => Some(promql.clone()),
        ItemKind::Manual | ItemKind::Wait { .. } | ItemKind::Poll { .. } | ItemKind::Decision { .. } => None,
    });
    if let Some(written) = written {
        found.push(Deviation::Edited { item: id, attempt: None, written, ran: String::new() });
    }
    found
}

fn of_decision(run: &Run, id: ItemId, taken: &NodeId, basis: &Basis) -> Vec<Deviation> {
    let mut found: Vec<Deviation> = passed_over(run, id).into_iter().collect();
    if let Basis::Person { .. } = basis
        && let Verdict::Against(deviation) = against_evidence(run, id, taken, None)
    {
        found.push(deviation);
    }
    found
}

/// What the evidence says of an answer that a person gave.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same, or nothing.
    Open,
    /// It needs the output of this attempt to say.
    Needs(AttemptId),
    /// Something else.
    Against(Deviation),
}

/// What the evidence says of the answer `taken` to the question `id` of `before`, the run as it was when it was given.
/// `output` is what [`Verdict::Needs`] asked for.
#[must_use]
pub fn against_evidence(before: &Run, id: ItemId, taken: &NodeId, output: Option<&OutputSeen>) -> Verdict {
    let Some(ItemKind::Decision { question, forks }) = before.item(id).map(|item| &item.kind) else {
        return Verdict::Open;
    };
    let Some(evidence) = before.witness(id).and_then(|item| item.state.evidence()) else { return Verdict::Open };
    let (facts, missing) = match evidence {
        Evidence::Attempt { attempt, outcome } => {
            let seen = output.filter(|seen| seen.attempt == *attempt);
            let text = seen.and_then(|seen| seen.text.as_ref());
            let missing = seen.is_none().then_some(*attempt);
            (Facts::Attempt { attempt: *attempt, outcome, output: text }, missing)
        }
        Evidence::Metric { samples, total, .. } if *total > samples.len() => return Verdict::Open,
        Evidence::Metric { query, samples, .. } => (Facts::Metric { query, samples }, None),
        Evidence::Condition { .. } => return Verdict::Open,
    };
    match (branch::choose(question, forks, &facts), missing) {
        (Ok(chosen), _) if chosen.branch != *taken => Verdict::Against(Deviation::WrongBranch {
            item: id,
            taken: taken.clone(),
            evident: chosen.branch,
            proof: chosen.proof,
            attempt: None,
        }),
        (Ok(_), _) => Verdict::Open,
        (Err(_), Some(attempt)) if branch::is_readable(question, forks) => Verdict::Needs(attempt),
        (Err(_), _) => Verdict::Open,
    }
}

/// A question that rules can read, that something was measured for, and that this does not answer.
fn unanswered(run: &Run, question: ItemId, why: &str) -> Vec<Deviation> {
    let Some(ItemKind::Decision { question: words, forks }) = run.item(question).map(|item| &item.kind) else {
        return Vec::new();
    };
    match run.witness(question) {
        Some(witness) if branch::is_readable(words, forks) => {
            vec![Deviation::UnexpectedOutput { item: witness.id, question, why: why.to_owned() }]
        }
        Some(_) | None => Vec::new(),
    }
}

/// What stands in the place of a reason for steps that an end leaves undone.
const RUN_ENDED: &str = "the run was ended: ";

fn of_end_of_run(run: &Run, reason: &str) -> Vec<Deviation> {
    let left =
        run.plan.items.iter().filter(|item| {
            item.added == Added::Document && !item.state.is_closed() && run.on_the_way(item) == Some(true)
        });
    left.map(|item| Deviation::Skipped { item: item.id, reason: format!("{RUN_ENDED}{reason}") }).collect()
}

/// An attempt for the incident of a run that none of its items took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The attempt.
    pub attempt: AttemptId,
    /// The node, when it is a command of the run's document.
    pub node: Option<NodeId>,
    /// What ran. Foreign text.
    pub ran: String,
}

/// What a command is that was run beside the run; `None` while one of its items may still take it, and when it is known.
#[must_use]
pub fn of_stray(run: &Run, stray: &Stray) -> Option<Deviation> {
    let of_node = |item: &&Item| item.node.is_some() && item.node == stray.node && item.kind == ItemKind::Command;
    let takes = |item: &Item| decide::adoptable(&item.state) && run.on_the_way(item) != Some(false);
    let mut items = run.plan.items.iter().filter(of_node);
    if !run.state.is_over() && items.clone().any(takes) {
        return None;
    }
    let attempt = Some(stray.attempt);
    let deviation = match items.next() {
        None => Deviation::Added { item: None, attempt, what: stray.ran.clone() },
        Some(item) if run.on_the_way(item) == Some(false) => of_branch_not_taken(run, item, stray),
        Some(item) => Deviation::Repeated { item: item.id, attempt },
    };
    (!is_known(run, &deviation)).then_some(deviation)
}

/// A command of a branch that was not taken: against the evidence where that decided.
fn of_branch_not_taken(run: &Run, item: &Item, stray: &Stray) -> Deviation {
    let against = item.within.iter().find_map(|choice| match &run.item(choice.decision)?.state {
        ItemState::Decided { branch, basis: Basis::Evidence { proof } } if *branch != choice.branch => {
            Some(Deviation::WrongBranch {
                item: choice.decision,
                taken: choice.branch.clone(),
                evident: branch.clone(),
                proof: proof.clone(),
                attempt: Some(stray.attempt),
            })
        }
        _ => None,
    });
    against.unwrap_or_else(|| Deviation::Added { item: None, attempt: Some(stray.attempt), what: stray.ran.clone() })
}

impl Deviation {
    /// What sort it is.
    #[must_use]
    pub const fn kind(&self) -> DeviationKind {
        match self {
            Self::Skipped { .. } => DeviationKind::Skipped,
            Self::Reordered { .. } => DeviationKind::Reordered,
            Self::Edited { .. } => DeviationKind::Edited,
            Self::Added { .. } => DeviationKind::Added,
            Self::Repeated { .. } => DeviationKind::Repeated,
            Self::WrongBranch { .. } => DeviationKind::WrongBranch,
            Self::UnexpectedExit { .. } => DeviationKind::UnexpectedExit,
            Self::UnexpectedOutput { .. } => DeviationKind::UnexpectedOutput,
            Self::Slow { .. } => DeviationKind::Slow,
        }
    }

    /// The item that it is about; `None` for a command that is none of the run's.
    #[must_use]
    pub const fn item(&self) -> Option<ItemId> {
        match self {
            Self::Added { item, .. } => *item,
            Self::Skipped { item, .. }
            | Self::Reordered { item, .. }
            | Self::Edited { item, .. }
            | Self::Repeated { item, .. }
            | Self::WrongBranch { item, .. }
            | Self::UnexpectedExit { item, .. }
            | Self::UnexpectedOutput { item, .. }
            | Self::Slow { item, .. } => Some(*item),
        }
    }

    /// Whether it is only that the end of the run left a step undone.
    #[must_use]
    pub fn follows_from_end(&self, run: &Run) -> bool {
        run.state.is_over() && matches!(self, Self::Skipped { reason, .. } if reason.starts_with(RUN_ENDED))
    }
}

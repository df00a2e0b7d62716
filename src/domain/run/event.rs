//! What happens to a run, as the journal keeps it.
//!
//! Owns: the events and their words for a timeline. Does not: decide which may happen (see `decide`). Who did it stands in
//! the entry of the journal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deviation::Deviation;
use super::effect::Effect;
use super::evidence::Evidence;
use super::item::{Basis, ItemId, ItemKind, ItemState};
use super::poll::Seen;
use super::suggestion::Suggestion;
use super::{Plan, Run};
use crate::domain::action::attempt::Outcome;
use crate::domain::id::{AttemptId, NodeId, ProposalId};
use crate::domain::time::Timestamp;

/// A change of what a run does; never of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Leave it out.
    Skip {
        /// What.
        item: ItemId,
        /// Why; never empty.
        reason: String,
    },
    /// Put something in.
    Insert {
        /// Behind this item; `None` for the beginning.
        after: Option<ItemId>,
        /// What to show. Foreign text.
        title: String,
        /// A node of the document, when it is one that is not in the plan or comes earlier than written.
        node: Option<NodeId>,
        /// What it asks for.
        kind: ItemKind,
    },
    /// Do it at another time.
    Move {
        /// What.
        item: ItemId,
        /// Behind this item; `None` for the beginning.
        after: Option<ItemId>,
    },
    /// Do it once more.
    Repeat {
        /// What.
        item: ItemId,
    },
    /// These may be under way at the same time.
    Together {
        /// Which.
        items: Vec<ItemId>,
        /// Number of the group.
        group: u32,
    },
}

/// Why a run handed over to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stopped", rename_all = "snake_case")]
pub enum StopReason {
    /// A question could not be decided by evidence.
    NoEvidence {
        /// Why, as a clause.
        why: String,
    },
    /// Something was not as the document expects.
    Deviation {
        /// What, as a clause.
        what: String,
    },
    /// Nobody knows how a command ended.
    UnknownOutcome {
        /// Which.
        attempt: AttemptId,
    },
    /// The time that a run may take without a look is over.
    TimeSpent {
        /// How long that is.
        limit: Duration,
    },
    /// The commands that a run may take without a look are spent.
    BudgetSpent {
        /// How many these are.
        limit: u32,
    },
    /// A command cannot be proposed before a person gives values.
    NeedsValues {
        /// Names of the parameters.
        names: Vec<String>,
    },
    /// A command could not be proposed.
    NotProposed {
        /// Why, as a sentence.
        why: String,
    },
    /// A person rejected what was proposed.
    Rejected {
        /// Which proposal.
        proposal: ProposalId,
    },
    /// The document is another one than the run began with.
    SopChanged,
}

impl StopReason {
    /// The reason as a clause, and what the person can do.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NoEvidence { why } => format!("no evidence decides this: {why}. Answer it yourself"),
            Self::Deviation { what } => format!("{what}. Look at it; then go on, repeat the step or skip what follows"),
            Self::UnknownOutcome { attempt } => {
                format!(
                    "nobody knows how attempt {attempt} ended. See what it did before you go on; it is not run again"
                )
            }
            Self::TimeSpent { limit } => {
                format!("it has gone on for {} min without a look. Go on when it is still right", limit.as_secs() / 60)
            }
            Self::BudgetSpent { limit } => {
                format!("{limit} commands have run without a look. Go on when it is still right")
            }
            Self::NeedsValues { names } => {
                format!("values are needed for {}. Propose the step and type them", names.join(", "))
            }
            Self::NotProposed { why } => format!("the step cannot be proposed: {why}"),
            Self::Rejected { proposal } => {
                format!("proposal {proposal} was rejected. Skip the step, or propose it in another way")
            }
            Self::SopChanged => {
                "the SOP is no longer the one that this run began with. Go on by hand, or end this run and \
                                 begin another"
                    .to_owned()
            }
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum RunResult {
    /// Nothing of the plan is left.
    Completed,
    /// A person ended it.
    Abandoned {
        /// Why; never empty.
        reason: String,
    },
}

/// What was said to a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes; the change follows.
    Accepted,
    /// No.
    Dismissed,
    /// Nobody said anything, and what was suggested later takes its place.
    Superseded,
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// It began.
    Started {
        /// With this plan.
        plan: Box<Plan>,
        /// Login name of whoever leads it.
        owner: String,
    },
    /// The turn of an item came.
    Entered {
        /// Which.
        item: ItemId,
        /// When a wait is over; `None` for all else.
        until: Option<Timestamp>,
        /// What the person is asked for; empty when the item says it itself.
        asks: String,
    },
    /// It was proposed.
    Proposed {
        /// Which.
        item: ItemId,
        /// The proposal.
        proposal: ProposalId,
    },
    /// Its proposal is void.
    Returned {
        /// Which.
        item: ItemId,
        /// Why, as a clause.
        why: String,
    },
    /// It was approved and runs.
    Running {
        /// Which.
        item: ItemId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// It was looked at, and is not so yet. Not every look is noted.
    Polled {
        /// Which.
        item: ItemId,
        /// What was seen.
        seen: Seen,
    },
    /// A command is to be run once more, since a poll looks at it.
    Again {
        /// Which.
        item: ItemId,
    },
    /// Something came of it.
    Came {
        /// Which.
        item: ItemId,
        /// What.
        evidence: Evidence,
    },
    /// A person did it, or time has passed.
    Confirmed {
        /// Which.
        item: ItemId,
        /// What there is to say; may be empty.
        note: String,
    },
    /// A question was answered.
    Decided {
        /// Which.
        item: ItemId,
        /// The answer.
        branch: NodeId,
        /// What it rests on.
        basis: Basis,
    },
    /// The plan of this run was changed.
    Changed {
        /// How.
        change: Change,
        /// The number of the item that this made.
        created: Option<ItemId>,
    },
    /// A change is suggested: by a model that a person asked, or by the history of the SOP.
    Suggested {
        /// What, why and by whom. Foreign text.
        suggestion: Box<Suggestion>,
    },
    /// A person answered a suggestion, or another one takes its place.
    Answered {
        /// Which: whole, so that the entry says what was taken.
        suggestion: Box<Suggestion>,
        /// What they said.
        answer: Answer,
    },
    /// Somebody is to do an item.
    Assigned {
        /// Which.
        item: ItemId,
        /// Login name; `None` for the owner of the run.
        to: Option<String>,
    },
    /// Somebody else leads the run from now on.
    HandedOver {
        /// Who did.
        from: String,
        /// Who does.
        to: String,
        /// How it stood. May contain foreign text.
        summary: String,
    },
    /// It handed over to the person.
    Stopped {
        /// At which item.
        item: Option<ItemId>,
        /// Why.
        reason: StopReason,
    },
    /// It was done otherwise than written. The engine says so, never a model.
    Deviated {
        /// In what.
        deviation: Box<Deviation>,
    },
    /// A step of it, or the whole of it, was watched for long enough.
    Judged {
        /// What came of it.
        effect: Box<Effect>,
    },
    /// A person paused it.
    Paused,
    /// A person continued it.
    Resumed,
    /// It is over.
    Ended {
        /// How.
        result: RunResult,
    },
}

/// Where an item stands after `evidence` came of it.
#[must_use]
pub(super) fn state_after(evidence: &Evidence) -> ItemState {
    let evidence = evidence.clone();
    match &evidence {
        Evidence::Attempt { outcome: Outcome::Unknown { .. }, .. } => ItemState::Unknown { evidence },
        Evidence::Attempt { outcome, .. } if !outcome.succeeded() => ItemState::Failed { evidence },
        Evidence::Condition { held: false, .. } => ItemState::Failed { evidence },
        Evidence::Attempt { .. } | Evidence::Metric { .. } | Evidence::Condition { held: true, .. } => {
            ItemState::Done { evidence: Some(evidence) }
        }
    }
}

impl RunEvent {
    /// A line for the timeline of the incident; `None` for what the timeline has anyway from proposals and attempts. `run` is
    /// the run after the event. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> Option<String> {
        let title = |item: &ItemId| run.item(*item).map_or_else(|| item.to_string(), |item| item.title.clone());
        let said = match self {
            Self::Started { plan, .. } => format!("began run {}: {}", run.id, plan.title),
            Self::Came { item, evidence: evidence @ Evidence::Condition { .. } } => {
                format!("run {}: {}: {}", run.id, title(item), evidence.words())
            }
            Self::Entered { .. }
            | Self::Proposed { .. }
            | Self::Running { .. }
            | Self::Polled { .. }
            | Self::Again { .. }
            | Self::Came { .. } => return None,
            Self::Returned { item, why } => format!("run {}: {} is to be proposed again: {why}", run.id, title(item)),
            Self::Confirmed { item, note } if note.is_empty() => format!("run {}: done: {}", run.id, title(item)),
            Self::Confirmed { item, note } => format!("run {}: done: {} ({note})", run.id, title(item)),
            Self::Decided { item, branch, basis } => {
                let answer = match run.item(*item).map(|item| &item.kind) {
                    Some(ItemKind::Decision { forks, .. }) => {
                        forks.iter().find(|fork| fork.node == *branch).map_or("", |fork| fork.label())
                    }
                    _ => "",
                };
                format!("run {}: {} {answer}: {}", run.id, title(item), basis.words())
            }
            Self::Changed { change, .. } => format!("run {}: {}", run.id, change.words(run)),
            Self::Suggested { suggestion } => {
                let Suggestion { number, draft } = suggestion.as_ref();
                let (what, by) = (draft.advice.words(run), draft.source.words());
                format!("run {}: suggestion {number} of {by}: {what} ({})", run.id, draft.why)
            }
            Self::Answered { answer: Answer::Superseded, .. } => return None,
            Self::Answered { suggestion, answer } => {
                let Suggestion { number, draft } = suggestion.as_ref();
                let said = if *answer == Answer::Accepted { "took" } else { "left" };
                let (what, by) = (draft.advice.words(run), draft.source.words());
                format!("run {}: {said} suggestion {number} of {by}: {what}", run.id)
            }
            Self::Assigned { item, to } => {
                let to = to.as_deref().unwrap_or(&run.owner);
                format!("run {}: {} is for {to}", run.id, title(item))
            }
            Self::HandedOver { from, to, .. } => format!("run {}: handed over by {from} to {to}", run.id),
            Self::Stopped { reason, .. } => format!("run {} stopped: {}", run.id, reason.words()),
            // What an end leaves undone is told by that one line.
            Self::Deviated { deviation } if deviation.follows_from_end(run) => return None,
            Self::Deviated { deviation } => {
                format!("run {} deviates: {}. {}", run.id, deviation.words(run), deviation.correction(run))
            }
            Self::Judged { effect } => format!("run {}: {}", run.id, effect.words(run)),
            Self::Paused => format!("paused run {}", run.id),
            Self::Resumed => format!("continued run {}", run.id),
            Self::Ended { result: RunResult::Completed } => format!("run {} is complete", run.id),
            Self::Ended { result: RunResult::Abandoned { reason } } => format!("ended run {}: {reason}", run.id),
        };
        Some(said)
    }
}

impl Change {
    /// What is changed, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> String {
        let title = |item: &ItemId| run.item(*item).map_or_else(|| item.to_string(), |item| item.title.clone());
        match self {
            Self::Skip { item, reason } => format!("skip {}: {reason}", title(item)),
            Self::Insert { title, .. } => format!("insert {title}"),
            Self::Move { item, after: Some(after) } => format!("do {} after {}", title(item), title(after)),
            Self::Move { item, after: None } => format!("do {} first", title(item)),
            Self::Repeat { item } => format!("repeat {}", title(item)),
            Self::Together { items, .. } => format!("{} steps at the same time", items.len()),
        }
    }
}

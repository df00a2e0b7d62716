//! Suggestions: changes of one run that the assistant or the history of its SOP proposes, and a person takes or leaves.
//!
//! Owns: what can be suggested, whether it still can be done, and what taking it leads to. Does not: ask a model, count history's
//! runs (see `experience`), read a model's words (see `reading`), or store anything.
//!
//! Invariants: a suggestion changes nothing until a person takes it. Taking one changes this run only, never the SOP; it leaves
//! what is over as it is, and neither proposes nor approves anything: a command that was put in goes through the same gate as
//! every other. What may be dangerous about it is said beside it (see `caution`), never decided silently.

pub mod caution;
pub mod difference;
pub mod experience;
pub mod reading;

use serde::{Deserialize, Serialize};

use super::decide::{answered, bounded, changed, check, in_state, login, refuse};
use super::event::{Change, RunEvent, RunResult};
use super::item::{Basis, ItemId, ItemKind, ItemState};
use super::{Run, RunState};
use crate::domain::action::spec::StepRef;
use crate::domain::id::{MessageId, NodeId, SopId};
use crate::domain::incident::Refusal;

/// Suggestions that wait at most, and those of one answer: more than a person weighs at a time in the middle of an incident.
pub const MOST: usize = 8;

/// Longest reason, in characters.
pub const WHY_CHARACTERS: usize = 600;

/// What can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "advice", rename_all = "snake_case")]
pub enum Advice {
    /// To change the plan.
    Plan {
        /// How.
        change: Change,
    },
    /// That somebody else does an item.
    Assign {
        /// Which.
        item: ItemId,
        /// Login name.
        to: String,
    },
    /// To answer a question in this way.
    Branch {
        /// Which.
        item: ItemId,
        /// The answer.
        branch: NodeId,
    },
    /// To end the run here.
    Stop,
}

/// Where a suggestion comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// A model, when a person asked it.
    Model {
        /// Its name, as the answer gave it. Foreign text.
        name: String,
        /// The message that keeps its answer.
        message: MessageId,
    },
    /// What was done in earlier runs of the SOP.
    History {
        /// In how many of them it was done.
        runs: usize,
        /// Of how many in which it could have been.
        of: usize,
    },
}

impl Source {
    /// Who suggests it, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Model { name, .. } => name.clone(),
            Self::History { runs, of } => format!("history ({runs} of {of} runs)"),
        }
    }

    const fn is_model(&self) -> bool {
        matches!(self, Self::Model { .. })
    }
}

/// A suggestion that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What is to be done.
    pub advice: Advice,
    /// Why; never empty. Foreign text.
    pub why: String,
    /// What it rests on, as it is cited: `E7`, `sop:x.md#node`, `incident`, `history`.
    pub cites: Vec<String>,
    /// Who suggests it.
    pub source: Source,
    /// The command that an insertion brings, as it stands in the answer. Foreign text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A suggestion that nobody has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Its number in this run; given once.
    pub number: u32,
    /// What is suggested, and why.
    #[serde(flatten)]
    pub draft: Draft,
}

impl Advice {
    /// What is to be done, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> String {
        match self {
            Self::Plan { change } => match change {
                Change::Skip { item, .. } => format!("skip {}", named(run, *item)),
                Change::Insert { after, title, .. } => match after {
                    Some(after) => format!("insert \"{title}\" after {}", named(run, *after)),
                    None => format!("insert \"{title}\" first"),
                },
                Change::Move { item, after: Some(after) } => {
                    format!("do {} after {}", named(run, *item), named(run, *after))
                }
                Change::Move { item, after: None } => format!("do {} first", named(run, *item)),
                Change::Repeat { item } => format!("repeat {}", named(run, *item)),
                Change::Together { items, .. } => {
                    let items: Vec<String> = items.iter().map(|item| named(run, *item)).collect();
                    format!("do at the same time: {}", items.join(", "))
                }
            },
            Self::Assign { item, to } => format!("give {} to {to}", named(run, *item)),
            Self::Branch { item, branch } => {
                let label = super::deviation_words::label(run, *item, branch);
                format!("answer {}: {label}", named(run, *item))
            }
            Self::Stop => "end the run here".to_owned(),
        }
    }

    /// What is to be done, without any words of others.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Plan { change } => match change {
                Change::Skip { item, .. } => format!("skip step {item}"),
                Change::Insert { after: Some(after), .. } => format!("insert a step after {after}"),
                Change::Insert { after: None, .. } => "insert a step first".to_owned(),
                Change::Move { item, after: Some(after) } => format!("do step {item} after {after}"),
                Change::Move { item, after: None } => format!("do step {item} first"),
                Change::Repeat { item } => format!("repeat step {item}"),
                Change::Together { items, .. } => format!("do {} steps at the same time", items.len()),
            },
            Self::Assign { item, .. } => format!("give step {item} to somebody else"),
            Self::Branch { item, .. } => format!("answer step {item}"),
            Self::Stop => "end the run".to_owned(),
        }
    }

    /// Whether both mean the same, whatever the words of a reason.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Plan { change: Change::Skip { item, .. } },
                Self::Plan { change: Change::Skip { item: other, .. } },
            ) => item == other,
            _ => self == other,
        }
    }
}

/// An item by its number and words. May contain foreign text.
#[must_use]
pub fn named(run: &Run, item: ItemId) -> String {
    run.item(item).map_or_else(|| format!("step {item}"), |found| format!("step {item} \"{}\"", found.title))
}

/// What stands for the command of an answer where a step of the run's document has its node. No node of a document is called so:
/// theirs are hexadecimal digits.
#[must_use]
pub fn node_of_answer(message: MessageId, block: usize) -> NodeId {
    let (sop, node) = StepRef::place_in_answer(message, block);
    NodeId(format!("{sop}#{node}"))
}

/// The answer and the block of it that `node` stands for; `None` for one of a document.
#[must_use]
pub fn answer_of(node: &NodeId) -> Option<(MessageId, usize)> {
    let (place, block) = node.as_str().rsplit_once("#block-")?;
    let step = StepRef { sop: place.into(), node: "".into(), revision: String::new(), title: String::new() };
    Some((step.answer()?, block.parse().ok()?))
}

/// The node by which a run of `plan_sop` knows the command that stands at `sop` and `node`; `None` for one of another document.
#[must_use]
pub fn node_in_run(plan_sop: &SopId, sop: &SopId, node: &NodeId) -> Option<NodeId> {
    if sop == plan_sop {
        return Some(node.clone());
    }
    let in_answer = NodeId(format!("{sop}#{node}"));
    answer_of(&in_answer).map(|_| in_answer)
}

/// Whether what is suggested can be done now.
///
/// # Errors
/// A [`Refusal`] with the reason.
pub fn check_advice(run: &Run, advice: &Advice) -> Result<(), Refusal> {
    match advice {
        Advice::Plan { change } => {
            check(run, change)?;
            untouched(run, change)
        }
        Advice::Assign { item, to } => {
            let found = in_state(run, *item, "to be done", |state| !state.is_closed())?;
            let to = login(to)?;
            if run.responsible(found) == to {
                return Err(refuse(format!("{to} is to do it already"), "Nothing has to be changed"));
            }
            Ok(())
        }
        Advice::Branch { item, branch } => {
            let basis = Basis::Person { name: String::new(), why: String::new() };
            answered(run, *item, branch.clone(), basis).map(|_| ())
        }
        Advice::Stop => match run.state {
            RunState::Ended { .. } => Err(refuse("the run is over", "Begin another one")),
            RunState::Active | RunState::Paused | RunState::Stopped { .. } => {
                let running = |state: &ItemState| matches!(state, ItemState::Running { .. });
                match run.plan.items.iter().find(|item| running(&item.state)) {
                    Some(item) => Err(refuse(format!("step {} still runs", item.id), "Wait for its end, or end it")),
                    None => Ok(()),
                }
            }
        },
    }
}

/// A question that is answered is asked again by a person only: that takes back what the run went by.
fn untouched(run: &Run, change: &Change) -> Result<(), Refusal> {
    let Change::Repeat { item } = change else { return Ok(()) };
    match run.item(*item).map(|item| &item.kind) {
        Some(ItemKind::Decision { .. }) => {
            Err(refuse("a question that was answered is not asked again by a suggestion", "Repeat it yourself"))
        }
        _ => Ok(()),
    }
}

/// What the drafts lead to: those of the same source that still wait are set aside, those that wait anyway are left out.
///
/// # Errors
/// A [`Refusal`] when one cannot be done, or nothing new is among them.
pub(super) fn suggested(run: &Run, drafts: Vec<Draft>) -> Result<Vec<RunEvent>, Refusal> {
    if drafts.len() > MOST {
        return Err(refuse(format!("{} changes are more than {MOST}", drafts.len()), "Ask for fewer"));
    }
    let by_model = drafts.iter().any(|draft| draft.source.is_model());
    let (replaced, kept): (Vec<&Suggestion>, Vec<&Suggestion>) =
        run.suggestions.iter().partition(|found| found.draft.source.is_model() == by_model);
    let mut events: Vec<RunEvent> = Vec::new();
    let mut fresh: Vec<Draft> = Vec::new();
    for draft in drafts {
        check_advice(run, &draft.advice)?;
        let why: String = bounded(&draft.why).chars().take(WHY_CHARACTERS).collect();
        if why.is_empty() {
            return Err(refuse("a suggestion needs a reason", "Ask again"));
        }
        let waits = kept.iter().any(|found| found.draft.advice.same_as(&draft.advice))
            || fresh.iter().any(|other| other.advice.same_as(&draft.advice));
        let was_left = !by_model && run.dismissed.iter().any(|left| left.same_as(&draft.advice));
        if !waits && !was_left {
            fresh.push(Draft { why, ..draft });
        }
    }
    let unchanged = fresh.len() == replaced.len()
        && fresh.iter().all(|draft| replaced.iter().any(|found| found.draft.advice.same_as(&draft.advice)));
    if fresh.is_empty() || (!by_model && unchanged) {
        return Err(refuse("nothing new is suggested", "Take or leave what is suggested already"));
    }
    for found in replaced {
        let suggestion = Box::new(found.clone());
        events.push(RunEvent::Answered { suggestion, answer: super::event::Answer::Superseded });
    }
    events.extend(
        (run.last_suggestion + 1..)
            .zip(fresh)
            .map(|(number, draft)| RunEvent::Suggested { suggestion: Box::new(Suggestion { number, draft }) }),
    );
    Ok(events)
}

/// What taking a suggestion leads to, besides that it was taken.
///
/// # Errors
/// A [`Refusal`] when it cannot be done any more.
pub(super) fn taken(run: &Run, draft: &Draft, name: &str) -> Result<Vec<RunEvent>, Refusal> {
    check_advice(run, &draft.advice)?;
    let why = format!("as {} suggested: {}", draft.source.words(), draft.why);
    Ok(match &draft.advice {
        Advice::Plan { change: Change::Skip { item, .. } } => {
            vec![changed(run, Change::Skip { item: *item, reason: bounded(&why) })?]
        }
        Advice::Plan { change } => vec![changed(run, change.clone())?],
        Advice::Assign { item, to } => vec![RunEvent::Assigned { item: *item, to: Some(login(to)?) }],
        Advice::Branch { item, branch } => {
            let basis = Basis::Person { name: name.to_owned(), why: bounded(&why) };
            answered(run, *item, branch.clone(), basis)?
        }
        Advice::Stop => vec![RunEvent::Ended { result: RunResult::Abandoned { reason: bounded(&why) } }],
    })
}

/// The run as it would be, were this taken; `None` when it cannot be.
#[must_use]
pub fn after(run: &Run, draft: &Draft) -> Option<Run> {
    let mut after = run.clone();
    for event in taken(run, draft, "").ok()? {
        after.apply(&event, run.started_at);
    }
    Some(after)
}

//! What may happen to a run.
//!
//! Owns: the commands of people and of the engine, and which events each leads to. Does not: look at proposals, attempts or
//! clocks (see `advance`); it is told.
//!
//! Invariants: only a person changes, answers, assigns, hands over, continues or ends; only the engine reports. What a person
//! does at a stopped run continues it, since it is the answer that it waits for; a paused run is continued by asking for it.

use super::Run;
use super::event::{Answer, Change, RunEvent, RunResult, StopReason};
use super::evidence::Evidence;
use super::item::{Basis, Item, ItemId, ItemKind, ItemState};
use super::polling::{self, Look};
use super::suggestion::{self, Advice, Draft};
use super::{RunState, poll, summary};
use crate::domain::action::attempt::Outcome;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, NodeId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::time::Timestamp;

/// Longest text that a person gives with a command, in characters.
pub const TEXT_CHARACTERS: usize = 2_000;

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// Engine: the turn of an item has come.
    Enter {
        /// Which.
        item: ItemId,
        /// When a wait is over.
        until: Option<Timestamp>,
    },
    /// Engine: an item needs the person.
    Ask {
        /// Which.
        item: ItemId,
        /// Why.
        reason: StopReason,
    },
    /// Engine: the run needs the person, whatever the item.
    Stop(StopReason),
    /// Engine: an item is proposed.
    NoteProposed {
        /// Which.
        item: ItemId,
        /// The proposal.
        proposal: ProposalId,
    },
    /// Engine: the proposal of an item will not be approved any more.
    NoteReturned {
        /// Which.
        item: ItemId,
        /// Why.
        reason: StopReason,
    },
    /// Engine: an item runs.
    NoteRunning {
        /// Which.
        item: ItemId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Engine: something came of an item.
    NoteEvidence {
        /// Which.
        item: ItemId,
        /// What.
        evidence: Evidence,
    },
    /// Engine: what an item waits for has come.
    Elapse {
        /// Which.
        item: ItemId,
    },
    /// Engine: a poll was looked at.
    NoteLook {
        /// Which.
        item: ItemId,
        /// What was found.
        look: Look,
    },
    /// Engine: the command that a poll looks at is to be proposed once more.
    LookAgain {
        /// The poll.
        item: ItemId,
    },
    /// Engine: nothing is left.
    Complete,
    /// Engine: changes are suggested; those of the same source that wait are set aside.
    Suggest(Vec<Draft>),
    /// A question is answered: by the engine from evidence, or by a person.
    Decide {
        /// Which.
        item: ItemId,
        /// The answer.
        branch: NodeId,
        /// What it rests on.
        basis: Basis,
    },
    /// Person: an item is done.
    Confirm {
        /// Which.
        item: ItemId,
        /// What there is to say; may be empty.
        note: String,
    },
    /// Person: this run goes another way than the document.
    Change(Change),
    /// Person: what to do about a suggestion.
    AnswerSuggestion {
        /// Which.
        number: u32,
        /// What.
        answer: Answer,
    },
    /// Person: somebody is to do an item.
    Assign {
        /// Which.
        item: ItemId,
        /// Login name; `None` for the owner of the run.
        to: Option<String>,
    },
    /// Person: somebody else leads the run.
    HandOver {
        /// Login name.
        to: String,
    },
    /// Person: nothing more for now.
    Pause,
    /// Person: go on.
    Resume,
    /// Person: it is over.
    Abandon {
        /// Why.
        reason: String,
    },
}

const WHAT: &str = "The run was not changed";
const LOOK: &str = "Look at the run and choose what to do";

pub(super) fn refuse(why: impl Into<String>, remedy: &str) -> Refusal {
    Refusal::new(WHAT, why, remedy)
}

/// What `command` of `by` leads to.
///
/// # Errors
/// A [`Refusal`] with the reason and what the person can do.
pub fn decide(run: &Run, command: RunCommand, by: &Actor) -> Result<Vec<RunEvent>, Refusal> {
    if run.state.is_over() {
        return Err(refuse("the run is over", "Begin another one"));
    }
    match by {
        Actor::Person(person) => of_person(run, command, &person.name),
        Actor::Engine { .. } => of_engine(run, command),
    }
}

fn of_engine(run: &Run, command: RunCommand) -> Result<Vec<RunEvent>, Refusal> {
    match command {
        RunCommand::Enter { item, until } => {
            going(run)?;
            in_state(run, item, "pending", |state| *state == ItemState::Pending)?;
            Ok(vec![RunEvent::Entered { item, until, asks: String::new() }])
        }
        RunCommand::Ask { item, reason } => {
            going(run)?;
            let waits = |state: &ItemState| matches!(state, ItemState::Pending | ItemState::Current { .. });
            in_state(run, item, "waiting for its turn", waits)?;
            let entered = RunEvent::Entered { item, until: None, asks: reason.words() };
            Ok(vec![entered, RunEvent::Stopped { item: Some(item), reason }])
        }
        RunCommand::Stop(reason) => {
            going(run)?;
            Ok(vec![RunEvent::Stopped { item: run.first_pending().map(|item| item.id), reason }])
        }
        RunCommand::NoteProposed { item, proposal } => {
            // Of several consoles that propose the same step at the same moment one is heard.
            let newer = |state: &ItemState| match state {
                ItemState::Proposed { proposal: known } => proposal > *known,
                state => adoptable(state),
            };
            in_state(run, item, "to be proposed", newer)?;
            Ok(continued_by(run, item, vec![RunEvent::Proposed { item, proposal }]))
        }
        RunCommand::NoteReturned { item, reason } => {
            in_state(run, item, "proposed", |state| matches!(state, ItemState::Proposed { .. }))?;
            let returned = RunEvent::Returned { item, why: reason.words() };
            Ok(stopping(run, vec![returned], Some(item), reason))
        }
        RunCommand::NoteRunning { item, attempt } => {
            in_state(run, item, "to be run", adoptable)?;
            if run.plan.items.iter().any(|item| has_attempt(item, attempt)) {
                return Err(refuse(format!("attempt {attempt} is known already"), LOOK));
            }
            Ok(continued_by(run, item, vec![RunEvent::Running { item, attempt }]))
        }
        RunCommand::NoteEvidence { item, evidence } => came(run, item, &evidence),
        RunCommand::Elapse { item } => {
            in_state(run, item, "waiting", |state| matches!(state, ItemState::Waiting { .. }))?;
            Ok(vec![RunEvent::Confirmed { item, note: String::new() }])
        }
        RunCommand::NoteLook { item, look } => polling::looked(run, item, &look),
        RunCommand::LookAgain { item } => polling::again(run, item),
        RunCommand::Complete => {
            going(run)?;
            if run.first_pending().is_some() || run.open_items().next().is_some() {
                return Err(refuse("something is left to do", LOOK));
            }
            Ok(vec![RunEvent::Ended { result: RunResult::Completed }])
        }
        RunCommand::Suggest(drafts) => suggestion::suggested(run, drafts),
        RunCommand::Decide { item, branch, basis: basis @ Basis::Evidence { .. } } => {
            going(run)?;
            answered(run, item, branch, basis)
        }
        RunCommand::Decide { basis: Basis::Person { .. }, .. }
        | RunCommand::Confirm { .. }
        | RunCommand::Change(_)
        | RunCommand::AnswerSuggestion { .. }
        | RunCommand::Assign { .. }
        | RunCommand::HandOver { .. }
        | RunCommand::Pause
        | RunCommand::Resume
        | RunCommand::Abandon { .. } => Err(refuse("only a person may do that", "Do it in the console")),
    }
}

fn of_person(run: &Run, command: RunCommand, name: &str) -> Result<Vec<RunEvent>, Refusal> {
    match command {
        RunCommand::Confirm { item, note } => {
            let done_by_hand = |state: &ItemState| {
                matches!(state, ItemState::Pending | ItemState::Current { .. } | ItemState::Waiting { .. })
            };
            let found = in_state(run, item, "to be done", done_by_hand)?;
            if matches!(found.kind, ItemKind::Decision { .. }) {
                return Err(refuse("it is a question", "Choose an answer"));
            }
            Ok(continued(run, vec![RunEvent::Confirmed { item, note: bounded(&note) }]))
        }
        RunCommand::Decide { item, branch, basis: Basis::Person { why, .. } } => {
            let basis = Basis::Person { name: name.to_owned(), why: bounded(&why) };
            Ok(continued(run, answered(run, item, branch, basis)?))
        }
        RunCommand::Change(change) => Ok(continued(run, vec![changed(run, change)?])),
        RunCommand::AnswerSuggestion { number, answer } => {
            let Some(suggestion) = run.suggestions.iter().find(|found| found.number == number) else {
                return Err(refuse(format!("there is no suggestion {number}"), LOOK));
            };
            let closed = RunEvent::Answered { suggestion: Box::new(suggestion.clone()), answer };
            match answer {
                Answer::Accepted => {
                    let draft = &suggestion.draft;
                    let events = [vec![closed], suggestion::taken(run, draft, name)?].concat();
                    // To say who does a step is no answer to what the run waits for, and what is over does not go on.
                    Ok(match draft.advice {
                        Advice::Plan { .. } | Advice::Branch { .. } => continued(run, events),
                        Advice::Assign { .. } | Advice::Stop => events,
                    })
                }
                Answer::Dismissed => Ok(vec![closed]),
                Answer::Superseded => Err(refuse("only the engine reports that", LOOK)),
            }
        }
        RunCommand::Assign { item, to } => {
            in_state(run, item, "to be done", |state| !state.is_closed())?;
            let to = to.map(|to| login(&to)).transpose()?;
            Ok(vec![RunEvent::Assigned { item, to }])
        }
        RunCommand::HandOver { to } => {
            let to = login(&to)?;
            if to == run.owner {
                return Err(refuse(format!("{to} leads it already"), "Name somebody else"));
            }
            Ok(vec![RunEvent::HandedOver { from: run.owner.clone(), to, summary: summary::of(run) }])
        }
        RunCommand::Pause => match run.state {
            RunState::Active | RunState::Stopped { .. } => Ok(vec![RunEvent::Paused]),
            RunState::Paused | RunState::Ended { .. } => Err(refuse("it is paused already", "Continue it")),
        },
        RunCommand::Resume => match run.state {
            RunState::Paused | RunState::Stopped { .. } => Ok(vec![RunEvent::Resumed]),
            RunState::Active | RunState::Ended { .. } => Err(refuse("it goes on already", LOOK)),
        },
        RunCommand::Abandon { reason } => {
            let reason = needed(&reason, "a reason is needed")?;
            Ok(vec![RunEvent::Ended { result: RunResult::Abandoned { reason } }])
        }
        RunCommand::Decide { basis: Basis::Evidence { .. }, .. }
        | RunCommand::Enter { .. }
        | RunCommand::Ask { .. }
        | RunCommand::Stop(_)
        | RunCommand::NoteProposed { .. }
        | RunCommand::NoteReturned { .. }
        | RunCommand::NoteRunning { .. }
        | RunCommand::NoteEvidence { .. }
        | RunCommand::Elapse { .. }
        | RunCommand::NoteLook { .. }
        | RunCommand::LookAgain { .. }
        | RunCommand::Complete
        | RunCommand::Suggest(_) => Err(refuse("only the engine reports that", LOOK)),
    }
}

/// Whether a proposal or an attempt of the command may become the item's: also of one that failed, when a person runs it
/// again.
pub(super) const fn adoptable(state: &ItemState) -> bool {
    match state {
        ItemState::Pending
        | ItemState::Current { .. }
        | ItemState::Proposed { .. }
        | ItemState::Failed { .. }
        | ItemState::Unknown { .. } => true,
        ItemState::Running { .. }
        | ItemState::Waiting { .. }
        | ItemState::Done { .. }
        | ItemState::Decided { .. }
        | ItemState::Skipped { .. } => false,
    }
}

/// Whether an attempt is an item's: running, or what came of it.
fn has_attempt(item: &Item, wanted: AttemptId) -> bool {
    let running = matches!(item.state, ItemState::Running { attempt } if attempt == wanted);
    let came = item.state.evidence();
    running || matches!(came, Some(Evidence::Attempt { attempt, .. }) if *attempt == wanted)
}

/// The run must not wait for a person.
pub(super) fn going(run: &Run) -> Result<(), Refusal> {
    match run.state {
        RunState::Active => Ok(()),
        RunState::Paused | RunState::Stopped { .. } | RunState::Ended { .. } => {
            Err(refuse(format!("the run is {}", run.state.name()), "Continue it first"))
        }
    }
}

pub(super) fn in_state<'a>(
    run: &'a Run,
    id: ItemId,
    wanted: &str,
    test: impl Fn(&ItemState) -> bool,
) -> Result<&'a Item, Refusal> {
    let item = run.item(id).ok_or_else(|| refuse(format!("there is no step {id} in this run"), LOOK))?;
    if test(&item.state) {
        return Ok(item);
    }
    Err(refuse(format!("the step is {}, not {wanted}", item.state.name()), LOOK))
}

/// A person has answered what a stopped run waits for, so that it goes on.
fn continued(run: &Run, mut events: Vec<RunEvent>) -> Vec<RunEvent> {
    if matches!(run.state, RunState::Stopped { .. }) {
        events.push(RunEvent::Resumed);
    }
    events
}

/// The same for what comes of an item: not when the run stopped at another item of its group. That one was under way
/// already when the run stopped, and is no answer to it.
fn continued_by(run: &Run, id: ItemId, events: Vec<RunEvent>) -> Vec<RunEvent> {
    let group = |id: ItemId| run.item(id).and_then(|item| item.group);
    match run.state {
        RunState::Stopped { item: Some(at), .. } if at != id && group(at).is_some() && group(at) == group(id) => events,
        RunState::Active | RunState::Paused | RunState::Stopped { .. } | RunState::Ended { .. } => {
            continued(run, events)
        }
    }
}

/// A run that is paused or stopped already is not stopped again.
pub(super) fn stopping(
    run: &Run,
    mut events: Vec<RunEvent>,
    item: Option<ItemId>,
    reason: StopReason,
) -> Vec<RunEvent> {
    if run.state == RunState::Active {
        events.push(RunEvent::Stopped { item, reason });
    }
    events
}

fn came(run: &Run, id: ItemId, evidence: &Evidence) -> Result<Vec<RunEvent>, Refusal> {
    let under_way = |state: &ItemState| matches!(state, ItemState::Running { .. } | ItemState::Pending);
    let item = in_state(run, id, "running", under_way)?;
    let event = RunEvent::Came { item: id, evidence: evidence.clone() };
    let reason = match evidence {
        Evidence::Attempt { attempt, outcome: Outcome::Unknown { .. } } => {
            StopReason::UnknownOutcome { attempt: *attempt }
        }
        Evidence::Attempt { outcome, .. } if !outcome.succeeded() => {
            let mut after = run.clone();
            after.apply(&event, run.started_at);
            if asks_for_end(&after, id) {
                return Ok(vec![event]);
            }
            StopReason::Deviation { what: format!("\"{}\" ended with {}", item.title, outcome.label()) }
        }
        Evidence::Attempt { .. } | Evidence::Metric { .. } | Evidence::Condition { .. } => return Ok(vec![event]),
    };
    Ok(stopping(run, vec![event], Some(id), reason))
}

/// Whether the question that comes next, or a poll, is about how `id` ended: then a failure is an answer and no surprise.
pub(super) fn asks_for_end(run: &Run, id: ItemId) -> bool {
    if polling::expects_any_end(run, id) {
        return true;
    }
    let Some(next) = run.first_pending() else { return false };
    let ItemKind::Decision { question, forks } = &next.kind else { return false };
    let mut conditions = forks.iter().map(|fork| fork.condition.as_str()).chain([question.as_str()]);
    run.witness(next.id).is_some_and(|witness| witness.id == id) && conditions.any(poll::is_about_end)
}

pub(super) fn answered(run: &Run, id: ItemId, branch: NodeId, basis: Basis) -> Result<Vec<RunEvent>, Refusal> {
    let open = |state: &ItemState| matches!(state, ItemState::Pending | ItemState::Current { .. });
    let item = in_state(run, id, "open", open)?;
    let ItemKind::Decision { forks, .. } = &item.kind else {
        return Err(refuse("the step is no question", LOOK));
    };
    if !forks.iter().any(|fork| fork.node == branch) {
        return Err(refuse("the question has no such answer", LOOK));
    }
    Ok(vec![RunEvent::Decided { item: id, branch, basis }])
}

/// Whether a change can be made now.
pub(super) fn check(run: &Run, change: &Change) -> Result<(), Refusal> {
    let idle = |state: &ItemState| matches!(state, ItemState::Pending | ItemState::Current { .. });
    let exists = |after: &Option<ItemId>| match after {
        Some(after) => in_state(run, *after, "there", |_| true).map(|_| ()),
        None => Ok(()),
    };
    match change {
        Change::Skip { item, reason } => {
            needed(reason, "a reason is needed")?;
            let skippable = |state: &ItemState| {
                idle(state) || matches!(state, ItemState::Waiting { .. } | ItemState::Proposed { .. })
            };
            in_state(run, *item, "still to be done", skippable).map(|_| ())
        }
        Change::Insert { after, title, kind, node } => {
            needed(title, "words are needed for what is to be done")?;
            if matches!(kind, ItemKind::Command | ItemKind::Query { .. } | ItemKind::Poll { .. }) && node.is_none() {
                return Err(refuse(
                    "a command has to come from the SOP or from the chat",
                    "Insert words, or propose it",
                ));
            }
            if matches!(kind, ItemKind::Decision { .. }) {
                return Err(refuse("questions belong into the SOP", "Insert what is to be done"));
            }
            exists(after)
        }
        Change::Move { item, after } => {
            in_state(run, *item, "still to be done", idle)?;
            if *after == Some(*item) {
                return Err(refuse("a step cannot stand behind itself", LOOK));
            }
            exists(after)
        }
        Change::Repeat { item } => in_state(run, *item, "over", ItemState::is_closed).map(|_| ()),
        Change::Together { items, .. } => {
            if items.len() < 2 {
                return Err(refuse("one step alone is no group", LOOK));
            }
            items.iter().try_for_each(|item| in_state(run, *item, "pending", |s| *s == ItemState::Pending).map(|_| ()))
        }
    }
}

pub(super) fn changed(run: &Run, change: Change) -> Result<RunEvent, Refusal> {
    check(run, &change)?;
    let created = match &change {
        Change::Insert { .. } => true,
        // A question is asked again in its place.
        Change::Repeat { item } => !run.item(*item).is_some_and(|item| matches!(item.kind, ItemKind::Decision { .. })),
        Change::Skip { .. } | Change::Move { .. } | Change::Together { .. } => false,
    };
    Ok(RunEvent::Changed { change, created: created.then_some(ItemId(run.last_item + 1)) })
}

pub(super) fn bounded(text: &str) -> String {
    text.trim().chars().take(TEXT_CHARACTERS).collect()
}

fn needed(text: &str, why: &str) -> Result<String, Refusal> {
    let text = bounded(text);
    if text.is_empty() { Err(refuse(why, "Type some words")) } else { Ok(text) }
}

/// A login name: no spaces, so that it is nobody's sentence.
pub(super) fn login(name: &str) -> Result<String, Refusal> {
    let name = needed(name, "a login name is needed")?;
    if name.chars().any(char::is_whitespace) || name.chars().count() > 64 {
        return Err(refuse("that is no login name", "Type the name that they log in with"));
    }
    Ok(name)
}

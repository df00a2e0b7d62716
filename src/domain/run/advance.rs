//! Where a run goes next: what the engine does by itself, and where it hands over to the person.
//!
//! Owns: the order in which things are noticed and begun. Does not: do any of it. Total and pure: the same run in the same
//! situation goes the same way, so that a run can be continued days later by another process.
//!
//! Invariant: the most that happens to a command without a person is that it is proposed.

use std::collections::BTreeMap;

use super::branch::{self, choose};
use super::decide::{RunCommand, adoptable};
use super::event::StopReason;
use super::evidence::{Evidence, Facts, OutputText};
use super::item::{Basis, Item, ItemId, ItemKind, ItemState, WaitFor};
use super::lines::{Counted, LineCount, reads_log};
use super::{Run, RunState, polling};
use crate::domain::action::attempt::Outcome;
use crate::domain::action::proposal::ProposalState;
use crate::domain::id::{AttemptId, NodeId, ProposalId};
use crate::domain::time::Timestamp;

/// An attempt of a command of the run's document, for the run's incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptSeen {
    /// Its number.
    pub id: AttemptId,
    /// The proposal that it spends.
    pub proposal: ProposalId,
    /// The command's node.
    pub node: NodeId,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
}

/// What became of the proposal of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalSeen {
    /// Its number.
    pub id: ProposalId,
    /// The command's node.
    pub node: NodeId,
    /// Where it stands.
    pub state: ProposalState,
    /// Why it is void; empty otherwise.
    pub reason: String,
}

/// What is known of an output that a question may rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSeen {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The text; `None` when it cannot be read.
    pub text: Option<OutputText>,
}

/// The world at one moment, as far as it concerns a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The moment.
    pub now: Timestamp,
    /// Login name of the person at this console.
    pub me: String,
    /// Whether the alert of the run fires.
    pub alert_fires: bool,
    /// The revision of the document now; `None` when it is gone.
    pub revision: Option<String>,
    /// Proposals for the document and the incident: those that wait, and those that items name.
    pub proposals: Vec<ProposalSeen>,
    /// Attempts for the document and the incident.
    pub attempts: Vec<AttemptSeen>,
    /// The output that was asked for last with [`Next::Read`].
    pub output: Option<OutputSeen>,
    /// The lines that were asked for last with [`Next::Count`].
    pub counted: Vec<Counted>,
    /// When this process looked last at polls, whether that was noted or not.
    pub looked: BTreeMap<ItemId, Timestamp>,
}

/// What the engine is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Say this to the run.
    Do(RunCommand),
    /// Propose the command of this item, and report what came of that.
    Propose(ItemId),
    /// Ask the query of this item, and report what came of that.
    Query(ItemId),
    /// Look at what this poll is about, and report what was found.
    Look(ItemId),
    /// Count the lines of logs for these questions and ask again.
    Count(Vec<LineCount>),
    /// Read the output of this attempt and ask again.
    Read(AttemptId),
}

/// What the engine does next; `None` when it is somebody else's turn, or nobody's.
#[must_use]
pub fn next(run: &Run, situation: &Situation) -> Option<Next> {
    if run.state.is_over() {
        return None;
    }
    if let Some(command) = noticed(run, situation) {
        return Some(Next::Do(command));
    }
    if run.state != RunState::Active {
        return None;
    }
    if let Some(item) = elapsed(run, situation) {
        return Some(Next::Do(RunCommand::Elapse { item }));
    }
    if let Some(next) = polling::next(run, situation) {
        return Some(next);
    }
    let Some(item) = run.next_item() else {
        let over = run.first_pending().is_none() && run.open_items().next().is_none();
        return over.then_some(Next::Do(RunCommand::Complete));
    };
    if run.responsible(item) != situation.me {
        return None;
    }
    if let Some(reason) = spent(run, item, situation.now) {
        return Some(Next::Do(RunCommand::Stop(reason)));
    }
    begin(run, item, situation)
}

/// What happened to proposals and attempts that the run does not know yet.
fn noticed(run: &Run, situation: &Situation) -> Option<RunCommand> {
    run.plan.items.iter().find_map(|item| match &item.state {
        ItemState::Running { attempt } => {
            let outcome = situation.attempts.iter().find(|seen| seen.id == *attempt)?.outcome.clone()?;
            let evidence = Evidence::Attempt { attempt: *attempt, outcome };
            Some(RunCommand::NoteEvidence { item: item.id, evidence })
        }
        ItemState::Proposed { proposal } => of_proposal(item, *proposal, situation),
        state if adoptable(state) && run.on_the_way(item) != Some(false) => adopted(run, item, situation),
        _ => None,
    })
}

fn of_proposal(item: &Item, proposal: ProposalId, situation: &Situation) -> Option<RunCommand> {
    if let Some(attempt) = situation.attempts.iter().find(|seen| seen.proposal == proposal) {
        return Some(RunCommand::NoteRunning { item: item.id, attempt: attempt.id });
    }
    let seen = situation.proposals.iter().find(|seen| seen.id == proposal)?;
    let reason = match seen.state {
        ProposalState::Pending | ProposalState::Granted => return None,
        // Spent without an attempt cannot be; should it be, nothing is known.
        ProposalState::Spent => {
            StopReason::NotProposed { why: "its approval is spent, and nothing of it is known".to_owned() }
        }
        ProposalState::Rejected => StopReason::Rejected { proposal },
        ProposalState::Void => StopReason::NotProposed { why: format!("proposal {proposal} is void: {}", seen.reason) },
    };
    // Somebody may have proposed the same step anew, with other values.
    let anew = situation.proposals.iter().find(|other| {
        Some(&other.node) == item.node.as_ref() && other.id > proposal && other.state == ProposalState::Pending
    });
    Some(match anew {
        Some(anew) => RunCommand::NoteProposed { item: item.id, proposal: anew.id },
        None => RunCommand::NoteReturned { item: item.id, reason },
    })
}

/// What a person proposed or ran by themselves counts for the item that it is the command of.
fn adopted(run: &Run, item: &Item, situation: &Situation) -> Option<RunCommand> {
    let node = item.node.as_ref().filter(|_| item.kind == ItemKind::Command)?;
    // Of several items of one command the first that can take it does.
    let first = run.plan.items.iter().find(|other| other.node.as_ref() == Some(node) && adoptable(&other.state))?;
    if first.id != item.id {
        return None;
    }
    // The oldest first, since one that is older than the newest known counts as known.
    let unknown = situation
        .attempts
        .iter()
        .filter(|seen| seen.id > run.last_attempt && takes(run, &seen.node) && !is_named(run, seen.proposal));
    match unknown.min_by_key(|seen| seen.id) {
        Some(attempt) if attempt.node == *node => {
            return Some(RunCommand::NoteRunning { item: item.id, attempt: attempt.id });
        }
        _ => {}
    }
    let waits =
        |seen: &&ProposalSeen| seen.node == *node && seen.state == ProposalState::Pending && !is_named(run, seen.id);
    let proposal = situation.proposals.iter().find(waits)?;
    Some(RunCommand::NoteProposed { item: item.id, proposal: proposal.id })
}

/// Whether an item has this proposal, so that what comes of it is that item's.
fn is_named(run: &Run, proposal: ProposalId) -> bool {
    let named = |item: &Item| matches!(item.state, ItemState::Proposed { proposal: found } if found == proposal);
    run.plan.items.iter().any(named)
}

/// Whether any item can take an attempt of this command.
fn takes(run: &Run, node: &NodeId) -> bool {
    let mut items = run.plan.items.iter();
    items.any(|item| item.node.as_ref() == Some(node) && item.kind == ItemKind::Command && adoptable(&item.state))
}

fn elapsed(run: &Run, situation: &Situation) -> Option<ItemId> {
    let over = |item: &&Item| match (&item.kind, &item.state) {
        (ItemKind::Wait { until: WaitFor::AlertEnd }, ItemState::Waiting { .. }) => !situation.alert_fires,
        // Whether it is so is looked at once more when the time is over.
        (ItemKind::Poll { .. }, _) => false,
        (_, ItemState::Waiting { until: Some(until), .. }) => *until <= situation.now,
        _ => false,
    };
    run.plan.items.iter().find(over).map(|item| item.id)
}

/// Whether the run has gone on for as long as it may before a person looks.
fn spent(run: &Run, next: &Item, now: Timestamp) -> Option<StopReason> {
    let limits = run.plan.limits;
    if now.since(run.counted_since) > limits.time {
        return Some(StopReason::TimeSpent { limit: limits.time });
    }
    let commands = next.kind == ItemKind::Command && run.attempts >= limits.attempts;
    commands.then_some(StopReason::BudgetSpent { limit: limits.attempts })
}

fn begin(run: &Run, item: &Item, situation: &Situation) -> Option<Next> {
    let id = item.id;
    let enter = |until| Some(Next::Do(RunCommand::Enter { item: id, until }));
    match &item.kind {
        ItemKind::Command | ItemKind::Query { .. } | ItemKind::Poll { .. }
            if situation.revision.as_ref() != Some(&run.plan.revision) =>
        {
            Some(Next::Do(RunCommand::Ask { item: id, reason: StopReason::SopChanged }))
        }
        ItemKind::Command => Some(Next::Propose(id)),
        ItemKind::Query { .. } => Some(Next::Query(id)),
        ItemKind::Manual => enter(None),
        ItemKind::Wait { until: WaitFor::Span(span) } => enter(Some(situation.now.plus(*span))),
        ItemKind::Wait { until: WaitFor::AlertEnd | WaitFor::Person } => enter(None),
        ItemKind::Poll { poll } => match polling::hopeless(run, poll) {
            Some(why) => Some(Next::Do(RunCommand::Ask { item: id, reason: StopReason::NoEvidence { why } })),
            None => enter(Some(situation.now.plus(poll.at_most))),
        },
        ItemKind::Decision { question, forks } => {
            let why = match facts(run, id, situation) {
                Err(Unready::Unread(attempt)) => return Some(Next::Read(attempt)),
                Err(Unready::Uncounted(questions)) => return Some(Next::Count(questions)),
                Err(Unready::Nothing(why)) => why,
                Ok(facts) => match choose(question, forks, &facts) {
                    Ok(chosen) => {
                        let basis = Basis::Evidence { proof: chosen.proof };
                        return Some(Next::Do(RunCommand::Decide { item: id, branch: chosen.branch, basis }));
                    }
                    Err(why) => why,
                },
            };
            Some(Next::Do(RunCommand::Ask { item: id, reason: StopReason::NoEvidence { why } }))
        }
    }
}

/// Why there are no facts for a question.
enum Unready {
    Unread(AttemptId),
    Uncounted(Vec<LineCount>),
    Nothing(String),
}

fn facts<'a>(run: &'a Run, question: ItemId, situation: &'a Situation) -> Result<Facts<'a>, Unready> {
    let none = || Unready::Nothing("no step of the SOP measures something directly before it".to_owned());
    let witness = run.witness(question);
    if let Some(questions) = about_logs(run, question) {
        let shown = witness.is_some_and(|item| item.written.as_deref().is_some_and(reads_log));
        // What a step has just printed of the log is what the document means.
        if !shown {
            let known = questions.iter().all(|asked| situation.counted.iter().any(|found| found.question == *asked));
            let facts = Facts::Lines { counted: &situation.counted };
            return if known { Ok(facts) } else { Err(Unready::Uncounted(questions)) };
        }
    }
    match witness.and_then(|item| item.state.evidence()).ok_or_else(none)? {
        Evidence::Attempt { attempt, outcome } => {
            let seen = situation.output.as_ref().filter(|seen| seen.attempt == *attempt);
            let seen = seen.ok_or(Unready::Unread(*attempt))?;
            Ok(Facts::Attempt { attempt: *attempt, outcome, output: seen.text.as_ref() })
        }
        Evidence::Metric { samples, total, .. } if *total > samples.len() => {
            Err(Unready::Nothing(format!("the query has {total} results, too many to look at all of them")))
        }
        Evidence::Metric { query, samples, .. } => Ok(Facts::Metric { query, samples }),
        Evidence::Condition { .. } => Err(none()),
    }
}

/// What a question asks of logs; `None` unless all of its written conditions do.
fn about_logs(run: &Run, question: ItemId) -> Option<Vec<LineCount>> {
    match &run.item(question)?.kind {
        ItemKind::Decision { question, forks } => branch::about_logs(question, forks),
        ItemKind::Command
        | ItemKind::Query { .. }
        | ItemKind::Manual
        | ItemKind::Wait { .. }
        | ItemKind::Poll { .. } => None,
    }
}

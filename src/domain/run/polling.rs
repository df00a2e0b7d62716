//! How a run goes on while it polls: what is looked at next, and what follows from a look.
//!
//! Owns: the part of `advance` and of `decide` that is about polls. Does not: read sentences or schedules (see `poll`), ask
//! anything, or propose: a command is looked at again only after it was proposed, and approved, once more.
//!
//! Invariant: a poll ends when it is so, when its time is over or when a person says so; never because nothing could be found
//! out. What could not be found out until the time was over is for a person.

use super::Run;
use super::advance::{Next, Situation};
use super::condition::{Condition, Finding, evaluate};
use super::decide::{RunCommand, going, in_state, refuse, stopping};
use super::event::{RunEvent, StopReason};
use super::evidence::{Evidence, Facts};
use super::item::{Item, ItemId, ItemState};
use super::poll::{Poll, PollOf, Seen};
use crate::domain::id::AttemptId;
use crate::domain::incident::Refusal;
use crate::domain::time::Timestamp;

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// The attempt that was looked at, if it was one.
    pub attempt: Option<AttemptId>,
    /// Whether it is so, or why that is not known, as a clause.
    pub found: Result<Finding, String>,
}

impl Look {
    /// As it is kept.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let (value, trouble) = match &self.found {
            Ok(finding) => (Some(finding.proof.value()), String::new()),
            Err(why) => (None, why.clone()),
        };
        Seen { at: self.at, value, trouble, attempt: self.attempt }
    }

    /// Whether it changes anything: it is so, or it was the last look, or it is worth a note.
    #[must_use]
    pub fn is_news(&self, item: &Item) -> bool {
        let (Some(poll), ItemState::Waiting { until, seen, .. }) = (Poll::of(item), &item.state) else { return false };
        let holds = self.found.as_ref().is_ok_and(|finding| finding.holds);
        let last = until.is_some_and(|until| poll.is_last(self.at, until));
        holds || last || poll.is_worth_noting(seen, &self.seen())
    }
}

/// What `facts` say of the condition of a poll.
///
/// # Errors
/// Why they say nothing, as a clause.
pub fn judge(poll: &Poll, facts: &Facts<'_>) -> Result<Finding, String> {
    let condition = Condition::parse(&poll.condition).ok_or("no rule reads what has to be so")?;
    evaluate(&condition, facts)
}

/// Why a poll need not begin: its command was left out or done by hand, so that nothing is known of it.
pub(super) fn hopeless(run: &Run, poll: &Poll) -> Option<String> {
    let PollOf::Command { item } = &poll.of else { return None };
    let command = run.item(*item)?;
    let unknown = command.state.is_closed() && command.state.evidence().is_none();
    unknown.then(|| nothing_known(command))
}

fn nothing_known(command: &Item) -> String {
    format!("nothing is known of \"{}\"", command.title)
}

/// What is to be done for the polls that are under way.
pub(super) fn next(run: &Run, situation: &Situation) -> Option<Next> {
    let own = |item: &&Item| run.responsible(item) == situation.me;
    run.plan.items.iter().filter(own).find_map(|item| match (Poll::of(item), &item.state) {
        (Some(poll), ItemState::Waiting { seen, until, .. }) => match &poll.of {
            PollOf::Query { .. } | PollOf::Lines => {
                let looked = situation.looked.get(&item.id).copied();
                poll.is_due(&item.state, looked, situation.now).then_some(Next::Look(item.id))
            }
            PollOf::Command { item: command } => {
                let command = run.item(*command)?;
                of_command(poll, item.id, command, seen, *until, situation)
            }
        },
        _ => None,
    })
}

fn of_command(
    poll: &Poll,
    id: ItemId,
    command: &Item,
    seen: &[Seen],
    until: Option<Timestamp>,
    situation: &Situation,
) -> Option<Next> {
    let note = |attempt, found| {
        let look = Look { at: situation.now, attempt, found };
        Some(Next::Do(RunCommand::NoteLook { item: id, look }))
    };
    match command.state.evidence() {
        Some(Evidence::Attempt { attempt, outcome }) => {
            let known = seen.iter().any(|seen| seen.attempt == Some(*attempt));
            if known {
                let last = seen.last()?;
                let again = last.at.plus(poll.every) <= situation.now;
                return again.then_some(Next::Do(RunCommand::LookAgain { item: id }));
            }
            let Some(output) = situation.output.as_ref().filter(|output| output.attempt == *attempt) else {
                return Some(Next::Read(*attempt));
            };
            let facts = Facts::Attempt { attempt: *attempt, outcome, output: output.text.as_ref() };
            note(Some(*attempt), judge(poll, &facts))
        }
        _ => {
            // It was left out, or done by hand: until the time is over a person may still run it.
            let over = command.state.is_closed() && until.is_some_and(|until| until <= situation.now);
            if over { note(None, Err(nothing_known(command))) } else { None }
        }
    }
}

/// What follows from a look.
pub(super) fn looked(run: &Run, id: ItemId, look: &Look) -> Result<Vec<RunEvent>, Refusal> {
    going(run)?;
    let item = in_state(run, id, "waiting", |state| matches!(state, ItemState::Waiting { .. }))?;
    let (Some(poll), ItemState::Waiting { since, until, seen }) = (Poll::of(item), &item.state) else {
        return Err(refuse("the step is no poll", "Look at the run again"));
    };
    if look.attempt.is_some() && seen.iter().any(|seen| seen.attempt == look.attempt) {
        return Err(refuse("that attempt was looked at already", "Look at the run again"));
    }
    let last = until.is_some_and(|until| poll.is_last(look.at, until));
    let came = |held: bool, finding: &Finding| {
        let seen = seen.iter().cloned().chain([look.seen()]).collect();
        let evidence = Evidence::Condition { proof: finding.proof.clone(), held, seen };
        RunEvent::Came { item: id, evidence }
    };
    match &look.found {
        Ok(finding) if finding.holds => Ok(vec![came(true, finding)]),
        Ok(finding) if last => {
            let waited = look.at.since(*since).as_secs().div_ceil(60);
            let after = if waited > 0 { format!(" after {waited} min") } else { String::new() };
            let what = format!("\"{}\" is not so{after}: {}", item.title, finding.proof.words());
            Ok(stopping(run, vec![came(false, finding)], Some(id), StopReason::Deviation { what }))
        }
        Err(why) if last => {
            let reason = StopReason::NoEvidence { why: why.clone() };
            let returned = RunEvent::Returned { item: id, why: reason.words() };
            Ok(stopping(run, vec![returned], Some(id), reason))
        }
        Ok(_) | Err(_) if poll.is_worth_noting(seen, &look.seen()) => {
            Ok(vec![RunEvent::Polled { item: id, seen: look.seen() }])
        }
        Ok(_) | Err(_) => Err(refuse("that is known already", "Look at the run again")),
    }
}

/// The command of a poll is to be run once more.
pub(super) fn again(run: &Run, id: ItemId) -> Result<Vec<RunEvent>, Refusal> {
    going(run)?;
    let item = in_state(run, id, "waiting", |state| matches!(state, ItemState::Waiting { .. }))?;
    let Some(Poll { of: PollOf::Command { item: command }, .. }) = Poll::of(item) else {
        return Err(refuse("the step looks at no command", "Look at the run again"));
    };
    in_state(run, *command, "over", ItemState::is_closed)?;
    Ok(vec![RunEvent::Again { item: *command }])
}

/// Whether the end of the command `id` is what a poll looks at: then a failure is an answer and no surprise.
pub(super) fn expects_any_end(run: &Run, id: ItemId) -> bool {
    let mut polls = run.plan.items.iter().filter(|item| !item.state.is_closed()).filter_map(Poll::of);
    polls.any(|poll| poll.looks_at(id) && poll.is_about_end())
}

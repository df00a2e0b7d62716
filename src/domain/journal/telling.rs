//! Entries in words, for people: timelines, transcripts, the replay.
//!
//! Owns: one sentence for every kind of entry, and which of them are decisions of a person. The only place that has to know
//! every kind. Does not: make text harmless; what comes out may hold foreign text.

use std::borrow::Cow;

use super::purged::purged_by;
use super::{Payload, StoredEntry};
use crate::domain::actor::Actor;
use crate::domain::id::{JournalSeq, RunId, ScopeId};
use crate::domain::keeping::bytes_for_people;
use crate::domain::run::event::{Answer, RunEvent, RunResult};
use crate::domain::scope::ScopeEvent;

/// What sort of thing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person decided something.
    Decision,
    /// Something was begun, or ended, outside this program.
    Action,
    /// Something was said, or a model was asked.
    Talk,
    /// The program wrote something down.
    Record,
}

/// An entry in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// What sort of thing it is.
    pub kind: Kind,
    /// What happened, as a clause after the name of who did it. May hold foreign text.
    pub words: String,
}

impl Telling {
    /// The same, and that texts of the entry were purged if they were.
    #[must_use]
    pub fn of_entry(self, entry: &StoredEntry) -> Self {
        self.purged_by(purged_by(entry))
    }

    /// The same, and by which entry texts of this one were purged.
    #[must_use]
    pub(super) fn purged_by(mut self, purge: Option<JournalSeq>) -> Self {
        if let Some(purge) = purge {
            self.words.push_str(&format!(" [texts purged by entry {purge}]"));
        }
        self
    }
}

/// What happened to a run. The titles of its items are in its plan, not in the entry: they are named by number.
fn of_run(run: RunId, event: &RunEvent) -> (Kind, String) {
    match event {
        RunEvent::Started { plan, .. } => (Kind::Decision, format!("began run {run}: {}", plan.title)),
        RunEvent::Entered { item, .. } => (Kind::Record, format!("came to item {item} of run {run}")),
        RunEvent::Proposed { item, proposal, .. } => {
            (Kind::Record, format!("proposed item {item} of run {run} as action {proposal}"))
        }
        RunEvent::Returned { item, why } => {
            (Kind::Record, format!("is to propose item {item} of run {run} again: {why}"))
        }
        RunEvent::Running { item, attempt } => {
            (Kind::Action, format!("runs item {item} of run {run} as attempt {attempt}"))
        }
        RunEvent::Polled { item, .. } => (Kind::Record, format!("looked at item {item} of run {run}, which waits")),
        RunEvent::Again { item } => (Kind::Record, format!("is to run item {item} of run {run} once more")),
        RunEvent::Came { item, evidence } => {
            (Kind::Record, format!("noted what came of item {item} of run {run}: {}", evidence.words()))
        }
        RunEvent::Confirmed { item, note } => {
            (Kind::Decision, format!("said that item {item} of run {run} is done{}", behind(note)))
        }
        RunEvent::Decided { item, basis, .. } => {
            (Kind::Decision, format!("answered question {item} of run {run}: {}", basis.words()))
        }
        RunEvent::Changed { .. } => (Kind::Decision, format!("changed the plan of run {run}")),
        RunEvent::Suggested { suggestion } => {
            let (number, by) = (suggestion.number, suggestion.draft.source.words());
            (Kind::Talk, format!("suggested change {number} of run {run} for {by}: {}", suggestion.draft.why))
        }
        RunEvent::Answered { suggestion, answer } => {
            let (number, by) = (suggestion.number, suggestion.draft.source.words());
            match answer {
                Answer::Accepted => (Kind::Decision, format!("took suggestion {number} of {by} for run {run}")),
                Answer::Dismissed => (Kind::Decision, format!("left suggestion {number} of {by} for run {run}")),
                Answer::Superseded => (Kind::Record, format!("set suggestion {number} of run {run} aside")),
            }
        }
        RunEvent::Assigned { item, to } => {
            let to = to.as_deref().unwrap_or("whoever leads it");
            (Kind::Decision, format!("assigned item {item} of run {run} to {to}"))
        }
        RunEvent::HandedOver { from, to, .. } => (Kind::Decision, format!("handed run {run} over from {from} to {to}")),
        RunEvent::Stopped { reason, .. } => (Kind::Record, format!("stopped run {run}: {}", reason.words())),
        RunEvent::Deviated { deviation } => {
            (Kind::Record, format!("found that run {run} deviates: {}", deviation.kind().name()))
        }
        RunEvent::Judged { effect } => (Kind::Record, format!("judged run {run}: {}", effect.verdict.name())),
        RunEvent::Paused => (Kind::Decision, format!("paused run {run}")),
        RunEvent::Resumed => (Kind::Decision, format!("continued run {run}")),
        RunEvent::Ended { result: RunResult::Completed } => (Kind::Record, format!("completed run {run}")),
        RunEvent::Ended { result: RunResult::Abandoned { reason } } => {
            (Kind::Decision, format!("ended run {run}: {reason}"))
        }
    }
}

/// What happened to a yes to more than one action.
fn of_scope(scope: ScopeId, event: &ScopeEvent) -> (Kind, String) {
    match event {
        ScopeEvent::Given { terms, .. } => {
            let (cover, run) = (terms.covered.cover().name(), terms.run);
            (Kind::Decision, format!("gave scope {scope} ({cover}) in run {run}, {} uses", terms.uses))
        }
        ScopeEvent::Spent { proposal, left } => {
            (Kind::Record, format!("spent scope {scope} on action {proposal}; {left} uses are left"))
        }
        ScopeEvent::Revoked => (Kind::Decision, format!("revoked scope {scope}")),
        ScopeEvent::Voided { reason } => (Kind::Record, format!("voided scope {scope}: {reason}")),
    }
}

/// `: note`, nothing when there is none.
fn behind(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(": {note}") }
}

/// Characters of a command that stand in a sentence at most; the entry has all of it.
const IN_SENTENCE: usize = 160;

/// The beginning of a command, with a sign when it goes on.
fn begun(command: &str) -> Cow<'_, str> {
    match command.char_indices().nth(IN_SENTENCE) {
        None => Cow::Borrowed(command),
        Some((end, _)) => Cow::Owned(format!("{} ...", command.get(..end).unwrap_or_default())),
    }
}

impl Payload {
    /// What happened, in words, when `actor` did it.
    #[must_use]
    pub fn tell(&self, actor: &Actor) -> Telling {
        let (kind, words) = match self {
            Self::Begun { program } => (Kind::Record, format!("began the journal with aiops {program}")),
            Self::Ingested { source, origin, alerts, news, .. } => {
                (Kind::Record, format!("stored {alerts} alerts of {source} ({origin}), {news} of them news"))
            }
            Self::Quarantined { source, reason, .. } => {
                (Kind::Record, format!("put a body from {source} aside: {reason}"))
            }
            Self::LeaseTaken { name, fence } => (Kind::Record, format!("took the lease {name} ({fence})")),
            Self::Incident { event } => match actor {
                Actor::Person(_) => (Kind::Decision, event.describe()),
                Actor::Engine { .. } => (Kind::Record, event.describe()),
            },
            Self::Proposed { proposal } => (Kind::Record, format!("proposed action {}", proposal.id)),
            Self::Rejected { proposal } => (Kind::Decision, format!("rejected action {proposal}")),
            Self::Edited { from, to, before, after } => (
                Kind::Decision,
                format!("edited action {from} into action {to}: {} -> {}", begun(before), begun(after)),
            ),
            Self::Voided { proposal, reason } => (Kind::Record, format!("voided action {proposal}: {reason}")),
            Self::Granted { proposal, scope: None, .. } => (Kind::Decision, format!("approved action {proposal}")),
            Self::Granted { proposal, scope: Some(scope), .. } => {
                (Kind::Record, format!("approved action {proposal} under scope {scope}"))
            }
            Self::Scope { scope, event } => of_scope(*scope, event),
            Self::ApprovedByOne { proposal, approver, .. } => {
                (Kind::Decision, format!("approved action {proposal} as {approver}; a second person has to"))
            }
            Self::IntentStored { attempt, proposal, .. } => {
                (Kind::Action, format!("is about to start action {proposal} as attempt {attempt}"))
            }
            Self::Spawned { attempt, supervisor } => {
                (Kind::Action, format!("started attempt {attempt} (supervisor {})", supervisor.pid))
            }
            Self::CancelRequested { attempt } => (Kind::Decision, format!("asked attempt {attempt} to end")),
            Self::EffectChecked { attempt, words } => {
                (Kind::Decision, format!("looked at the effect of attempt {attempt}: {words}"))
            }
            Self::Ended { attempt, outcome, .. } => {
                (Kind::Action, format!("recorded the end of attempt {attempt}: {}", outcome.label()))
            }
            Self::Said { message, author, .. } => (Kind::Talk, format!("said message {message} ({author})")),
            Self::ModelAsked { call, model, destination, .. } => {
                (Kind::Talk, format!("allowed call {call} of {model} at {destination}"))
            }
            Self::ModelCalled { call, model, outcome, .. } => {
                (Kind::Talk, format!("noted what came of call {call} of {model}: {outcome}"))
            }
            Self::BudgetRefused { model, .. } => {
                (Kind::Record, format!("did not ask {model}: it could have cost more than there was"))
            }
            Self::Run { run, event } => of_run(*run, event),
            Self::BackedUp { file, bytes, last_entry } => {
                let size = bytes_for_people(*bytes);
                (Kind::Record, format!("made the backup {file} ({size}, up to entry {last_entry})"))
            }
            Self::Erased { what, count, bytes, reason } => {
                let (what, size) = (what.name(), bytes_for_people(*bytes));
                (Kind::Record, format!("erased {what} ({count}, {size}): {reason}"))
            }
            Self::Purged { concerns, counts, reason, seals } => {
                let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
                let (what, all, entries) = (concerns.words(), counts.join(", "), seals.len());
                (Kind::Decision, format!("purged {what} ({all}; entries of the journal: {entries}): {reason}"))
            }
            Self::SopChanged { sop, before: None, place, .. } => {
                (Kind::Decision, format!("saved the new SOP {sop} as {place}"))
            }
            Self::SopChanged { sop, branch: Some(branch), .. } => {
                (Kind::Decision, format!("put a patch of the SOP {sop} on the branch {branch}"))
            }
            Self::SopChanged { sop, digest, .. } => {
                (Kind::Decision, format!("applied the patch {digest} to the SOP {sop}"))
            }
            Self::Restored { restored } => {
                let backup = restored.backup.as_ref().map_or("nothing", |(file, _)| file.as_str());
                (Kind::Record, format!("restored the store from {backup}, since it was damaged: {}", restored.damage))
            }
        };
        Telling { kind, words }
    }
}

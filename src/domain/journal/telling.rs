//! Entries in words, for people: timelines, transcripts, the replay.
//!
//! Owns: one sentence for every kind of entry, and which of them are decisions of a person. The only place that has to know
//! every kind. Does not: make text harmless; what comes out may hold foreign text.

use super::Payload;
use crate::domain::actor::Actor;
use crate::domain::keeping::bytes_for_people;

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
            Self::Voided { proposal, reason } => (Kind::Record, format!("voided action {proposal}: {reason}")),
            Self::Granted { proposal, .. } => (Kind::Decision, format!("approved action {proposal}")),
            Self::IntentStored { attempt, proposal, .. } => {
                (Kind::Action, format!("is about to start action {proposal} as attempt {attempt}"))
            }
            Self::Spawned { attempt, supervisor } => {
                (Kind::Action, format!("started attempt {attempt} (supervisor {})", supervisor.pid))
            }
            Self::CancelRequested { attempt } => (Kind::Decision, format!("asked attempt {attempt} to end")),
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
            Self::BackedUp { file, bytes, last_entry } => {
                let size = bytes_for_people(*bytes);
                (Kind::Record, format!("made the backup {file} ({size}, up to entry {last_entry})"))
            }
            Self::Erased { what, count, bytes, reason } => {
                let (what, size) = (what.name(), bytes_for_people(*bytes));
                (Kind::Record, format!("erased {what} ({count}, {size}): {reason}"))
            }
            Self::Restored { restored } => {
                let backup = restored.backup.as_ref().map_or("nothing", |(file, _)| file.as_str());
                (Kind::Record, format!("restored the store from {backup}, since it was damaged: {}", restored.damage))
            }
        };
        Telling { kind, words }
    }
}

//! What happened to one incident, moment by moment, as the journal tells it: what a replay shows and a transcript prints.
//!
//! Owns: the order of the moments, what was attached to them (reviews as shown, messages, outputs) and whether it still has
//! the hash that the journal names, the standing of the incident at each moment, and the times between them.
//!
//! Invariants: plain data; nothing here can act. The entries keep the order of the journal, whatever the clocks did; what
//! alerts did is no entry of its own, so it is put between them by its time.
//! Does not: load anything, or make text harmless.

use std::collections::BTreeMap;
use std::time::Duration;

use super::about::About;
use super::purged::{Claim, purged_by};
use super::telling::{Kind, Telling};
use super::{Break, Context, PartVerifier, Payload, StoredEntry};
use crate::domain::action::spec::{ActionSpec, Connector, Invocation, Redirect, Stage};
use crate::domain::actor::Actor;
use crate::domain::alert::Labels;
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, JournalSeq, ProposalId};
use crate::domain::incident::{Incident, IncidentEvent, IncidentState, Standing};
use crate::domain::time::Timestamp;

/// An alert of the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeAlert {
    /// Its source.
    pub source: String,
    /// Hash of the labels as the source computes it.
    pub fingerprint: String,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
    /// Foreign text.
    pub labels: Labels,
    /// Foreign text.
    pub annotations: Labels,
}

/// What the journal names by hash and keeps elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// The entry names nothing.
    Nothing,
    /// It was erased, which is allowed.
    Erased,
    /// It is there and could not be read; why not.
    Unreadable(String),
    /// It is there. Foreign.
    Bytes {
        /// The first of them, as many as were asked for.
        beginning: Vec<u8>,
        /// How many there are in all.
        total: u64,
        /// Whether they have the hash that the journal names.
        seal: Seal,
    },
}

/// Whether something has the hash that the journal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It has.
    Whole,
    /// It was changed afterwards.
    Altered,
    /// Nobody noted its hash, or it was not computed.
    Unchecked,
}

impl Attached {
    /// Text that is held against `expected`, the SHA-256 that the journal names; of it at most `most` bytes are kept.
    #[must_use]
    pub fn text(text: Option<Vec<u8>>, expected: &str, most: usize) -> Self {
        let Some(mut bytes) = text else { return Self::Erased };
        let seal = if sha256_hex(&bytes) == expected { Seal::Whole } else { Seal::Altered };
        let total = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        bytes.truncate(most);
        Self::Bytes { beginning: bytes, total, seal }
    }
}

/// What happened at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An alert began to fire.
    AlertBegan(Box<TapeAlert>),
    /// An alert ended.
    AlertEnded(Box<TapeAlert>),
    /// An entry of the journal.
    Entry {
        /// What it says.
        payload: Box<Payload>,
        /// What it names by hash.
        attached: Attached,
        /// The action that it is about, as it was proposed; [`Tape::new`] looks for it.
        action: Option<Box<ActionSpec>>,
    },
    /// An entry that this version of the program cannot read.
    Unreadable,
}

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, by the wall clock of whoever wrote it.
    pub at: Timestamp,
    /// The entry; `None` for what alerts did.
    pub seq: Option<JournalSeq>,
    /// Who wrote the entry, where; `None` for what alerts did and for what cannot be read.
    pub context: Option<Context>,
    /// What the entry is about.
    pub about: About,
    /// The entry by which texts of this one were purged, if they were.
    pub purged: Option<JournalSeq>,
    /// What happened.
    pub what: What,
}

impl Moment {
    /// The moment of an entry.
    #[must_use]
    pub fn of_entry(entry: &StoredEntry, attached: Attached) -> Self {
        let context: Option<Context> = serde_json::from_str(&entry.context).ok();
        let about = entry.about.as_deref().and_then(|about| serde_json::from_str(about).ok()).unwrap_or_default();
        let at = context.as_ref().map_or(Timestamp::default(), |context| context.at);
        let what = match serde_json::from_str(&entry.payload) {
            Ok(payload) => What::Entry { payload: Box::new(payload), attached, action: None },
            Err(_) => What::Unreadable,
        };
        Self { at, seq: Some(entry.seq), context, about, purged: purged_by(entry), what }
    }

    /// Who did it: a login name, a part of the engine, or a source of alerts. May be foreign text.
    #[must_use]
    pub fn who(&self) -> &str {
        match &self.what {
            What::AlertBegan(alert) | What::AlertEnded(alert) => &alert.source,
            What::Entry { .. } | What::Unreadable => self.context.as_ref().map_or("?", |context| context.actor.label()),
        }
    }

    /// What happened, as a clause after [`Self::who`]. May hold foreign text.
    #[must_use]
    pub fn telling(&self) -> Telling {
        let record = |words: String| Telling { kind: Kind::Record, words };
        let name = |alert: &TapeAlert| alert.labels.get("alertname").cloned().unwrap_or_default();
        match &self.what {
            What::AlertBegan(alert) => record(format!("alert {} began ({})", name(alert), alert.fingerprint)),
            What::AlertEnded(alert) => record(format!("alert {} ended ({})", name(alert), alert.fingerprint)),
            What::Unreadable => record("wrote an entry that this version of aiops cannot read".to_owned()),
            What::Entry { payload, action, .. } => {
                let actor = self.context.as_ref().map_or_else(|| Actor::engine("?"), |context| context.actor.clone());
                let mut telling = payload.tell(&actor);
                if let Some(title) = action.as_ref().map(|action| &action.step.title).filter(|title| !title.is_empty())
                {
                    telling.words.push_str(": ");
                    telling.words.push_str(title);
                }
                telling.purged_by(self.purged)
            }
        }
    }

    /// Whether a person decided something here.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        self.telling().kind == Kind::Decision
    }

    /// What happened to the incident itself.
    #[must_use]
    pub fn event(&self) -> Option<&IncidentEvent> {
        let What::Entry { payload, .. } = &self.what else { return None };
        if let Payload::Incident { event } = payload.as_ref() { Some(event) } else { None }
    }
}

/// Everything that is known of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// The incident as it stands when the tape was made.
    pub incident: Incident,
    /// Its alerts, oldest first, as many as were loaded.
    pub alerts: Vec<TapeAlert>,
    /// How many alerts it has in all.
    pub alerts_total: u64,
    /// What happened, in order.
    pub moments: Vec<Moment>,
    /// Where an entry of the incident is not as it was written; nothing after it can be trusted.
    pub broken: Option<Break>,
}

/// How long people took, each from the moment at which the incident was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Until somebody acknowledged it.
    pub acknowledged: Option<Duration>,
    /// Until the first action was started.
    pub first_action: Option<Duration>,
    /// Until it was resolved, if it is.
    pub resolved: Option<Duration>,
}

/// How the incident stands at a moment of the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Its state.
    pub state: IncidentState,
    /// Who works on it.
    pub owner: Option<String>,
    /// Alerts that fire.
    pub firing: usize,
}

impl Tape {
    /// A tape of these entries (those of one incident, in order, each with what it names) and alerts.
    #[must_use]
    pub fn new(incident: Incident, alerts: Vec<TapeAlert>, alerts_total: u64, mut entries: Vec<Moment>) -> Self {
        name_actions(&mut entries);
        let mut began: Vec<Moment> = alerts.iter().flat_map(of_alert).collect();
        began.sort_by_key(|moment| moment.at);
        let mut moments = Vec::with_capacity(began.len() + entries.len());
        let mut waiting = began.into_iter().peekable();
        for entry in entries {
            while let Some(earlier) = waiting.next_if(|moment| moment.at <= entry.at) {
                moments.push(earlier);
            }
            moments.push(entry);
        }
        moments.extend(waiting);
        Self { incident, alerts, alerts_total, moments, broken: None }
    }

    /// Says whether `entries` are as they were written, each by itself and against its neighbour where that is there. What
    /// comes out are the claims of purged entries whose purges are not among them.
    ///
    /// # Errors
    /// The first that is not.
    pub fn verify<'e>(entries: impl IntoIterator<Item = &'e StoredEntry>) -> Result<Vec<Claim>, Break> {
        let mut verifier = PartVerifier::default();
        entries.into_iter().try_for_each(|entry| verifier.check(entry))?;
        Ok(verifier.claims().take_open())
    }

    /// How the incident stands after the moment at `index`, from 0.
    #[must_use]
    pub fn scene(&self, index: usize) -> Scene {
        let mut standing = Standing {
            state: IncidentState::Open,
            owner: None,
            acknowledged_by: None,
            resolved_at: None,
            resolved_by: None,
            suppressed: None,
        };
        let mut firing = 0_usize;
        for moment in self.moments.iter().take(index.saturating_add(1)) {
            match &moment.what {
                What::AlertBegan(_) => {
                    firing += 1;
                    if standing.state == IncidentState::Resolved && standing.resolved_by.is_none() {
                        standing = standing.after(&IncidentEvent::Reopened, moment.at);
                    }
                }
                What::AlertEnded(_) => {
                    firing = firing.saturating_sub(1);
                    if firing == 0 && standing.state != IncidentState::Resolved {
                        standing = standing.after(&IncidentEvent::Resolved, moment.at);
                    }
                }
                What::Entry { .. } | What::Unreadable => {
                    if let Some(event) = moment.event() {
                        standing = standing.after(event, moment.at);
                    }
                }
            }
        }
        Scene { state: standing.state, owner: standing.owner, firing }
    }

    /// How long people took.
    #[must_use]
    pub fn times(&self) -> Times {
        let since = |at: Timestamp| at.since(self.incident.opened_at);
        let first = |wanted: &dyn Fn(&Moment) -> bool| self.moments.iter().find(|m| wanted(m)).map(|m| since(m.at));
        Times {
            acknowledged: first(&|moment| matches!(moment.event(), Some(IncidentEvent::Acknowledged { .. }))),
            first_action: first(&|moment| match &moment.what {
                What::Entry { payload, .. } => matches!(payload.as_ref(), Payload::IntentStored { .. }),
                What::AlertBegan(_) | What::AlertEnded(_) | What::Unreadable => false,
            }),
            resolved: match self.incident.state {
                IncidentState::Resolved => self.incident.resolved_at.map(since),
                IncidentState::Open | IncidentState::Acknowledged => None,
            },
        }
    }
}

/// Tells every entry about an action which one: the entry that proposed it says so.
fn name_actions(entries: &mut [Moment]) {
    let mut proposed: BTreeMap<ProposalId, Box<ActionSpec>> = BTreeMap::new();
    let mut attempts: BTreeMap<AttemptId, ProposalId> = BTreeMap::new();
    for moment in entries {
        let What::Entry { payload, action, .. } = &mut moment.what else { continue };
        let proposal = match payload.as_ref() {
            Payload::Proposed { proposal } => {
                proposed.insert(proposal.id, Box::new(proposal.spec.clone()));
                Some(proposal.id)
            }
            Payload::IntentStored { attempt, proposal, .. } => {
                attempts.insert(*attempt, *proposal);
                Some(*proposal)
            }
            Payload::Rejected { proposal } | Payload::Voided { proposal, .. } | Payload::Granted { proposal, .. } => {
                Some(*proposal)
            }
            Payload::Edited { to, .. } => Some(*to),
            Payload::Spawned { attempt, .. }
            | Payload::CancelRequested { attempt }
            | Payload::EffectChecked { attempt, .. }
            | Payload::Ended { attempt, .. } => attempts.get(attempt).copied(),
            _ => None,
        };
        // Entries of the first version do not say what they are about.
        moment.about.proposal = moment.about.proposal.or(proposal);
        *action = proposal.and_then(|proposal| proposed.get(&proposal).cloned());
    }
}

fn of_alert(alert: &TapeAlert) -> impl Iterator<Item = Moment> {
    let moment = |at, what| Moment { at, seq: None, context: None, about: About::default(), purged: None, what };
    let began = moment(alert.starts_at, What::AlertBegan(Box::new(alert.clone())));
    let ended = alert.ends_at.map(|at| moment(at, What::AlertEnded(Box::new(alert.clone()))));
    std::iter::once(began).chain(ended)
}

/// The command of an action, so that it can be read where one word ends: words are quoted as for a POSIX shell where they
/// need it. A pipeline is a line. Foreign text.
#[must_use]
pub fn command_lines(spec: &ActionSpec) -> Vec<String> {
    let script = match &spec.invocation {
        Invocation::Argv { script } => script,
        Invocation::Bash { script, values, .. } => {
            let set = values.iter().map(|(name, piece)| format!("{name}={}", quoted(&piece.text)));
            return set.chain(script.lines().map(str::to_owned)).collect();
        }
    };
    let line = |(at, (connector, pipeline)): (usize, &(Connector, crate::domain::action::spec::Pipeline))| {
        let before = match connector {
            Connector::Always => "",
            Connector::AndThen if at > 0 => "&& ",
            Connector::OrElse if at > 0 => "|| ",
            Connector::AndThen | Connector::OrElse => "",
        };
        format!("{before}{}", pipeline.stages.iter().map(stage_words).collect::<Vec<_>>().join(" | "))
    };
    script.parts.iter().enumerate().map(line).collect()
}

fn stage_words(stage: &Stage) -> String {
    let words = stage.argv.iter().map(|word| quoted(&word.text()));
    let redirects = stage.redirects.iter().map(|redirect| {
        match redirect {
            Redirect::OutToNull => ">/dev/null",
            Redirect::ErrToNull => "2>/dev/null",
            Redirect::ErrToOut => "2>&1",
            Redirect::OutToErr => ">&2",
        }
        .to_owned()
    });
    words.chain(redirects).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell would have to read it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;

//! Attempts of which nobody knows how they ended, and who has looked at their effect.
//!
//! Owns: the entries that say so, and what a transaction needs to decide about a step in doubt. Does not: decide (see
//! `domain::action::doubt`).
//!
//! Invariant: that somebody looked stands in the journal and nowhere else, so that a restored file knows it too.

use rusqlite::Connection;

use super::error::{CommandError, Fault};
use super::write::Write;
use super::{Reader, Store, StoreError, attempts, incidents, journal, proposals};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::doubt::{self, Checked, Past};
use crate::domain::action::spec::StepRef;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, NodeId};
use crate::domain::incident::Refusal;
use crate::domain::journal::{Context, Payload};

/// Begins the payload of the entries that say that somebody looked.
const CHECKED: &str = "{\"type\":\"effect_checked\"";

/// What there is to judge the doubts of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoubtFacts {
    /// Its attempts, oldest first.
    pub attempts: Vec<Past>,
    /// Who has looked at the effect of which, oldest first.
    pub checked: Vec<Checked>,
}

impl Store {
    /// Notes that a person looked at the effect of an attempt of which nobody knows how it ended.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such attempt, or [`doubt::decide_checked`] says no.
    pub async fn effect_checked(&self, id: AttemptId, words: String, actor: &Actor) -> Result<(), CommandError> {
        let actor = actor.clone();
        CommandError::flatten(self.write(move |write| note(write, id, &words, &actor)).await)
    }
}

impl Reader<'_> {
    /// What there is to judge the doubts of an incident.
    ///
    /// # Errors
    /// When the read failed.
    pub fn doubt_facts(&self, incident: IncidentId) -> Result<DoubtFacts, StoreError> {
        self.named(facts(self.conn, incident))
    }
}

fn note(write: &mut Write<'_>, id: AttemptId, words: &str, actor: &Actor) -> Result<Result<(), Refusal>, Fault> {
    const WHAT: &str = "Not noted";
    let Actor::Person(_) = actor else {
        return Ok(Err(Refusal::new(WHAT, "only a person can look", "Say it in the console")));
    };
    let Some(attempt) = attempts::find(write.conn, id)? else {
        let why = format!("there is no attempt {id}");
        return Ok(Err(Refusal::new(WHAT, why, "Look at the incident's attempts")));
    };
    let words = match doubt::decide_checked(id, outcome_of(&attempt), words) {
        Ok(words) => words,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if incidents::load(write.conn, attempt.incident)?.is_none() {
        return Ok(Err(incidents::no_such_incident(attempt.incident)));
    }
    let what = format!("looked at the effect of attempt {id}: {words}");
    let entry = write.journal(Some(attempt.incident), actor, &Payload::EffectChecked { attempt: id, words })?;
    write.timeline_of(attempt.incident, actor.label(), &what, entry)?;
    Ok(Ok(()))
}

const fn outcome_of(attempt: &Attempt) -> Option<&Outcome> {
    match &attempt.state {
        AttemptState::IntentStored | AttemptState::Running { .. } => None,
        AttemptState::Ended { outcome, .. } => Some(outcome),
    }
}

/// Whether `step` may be proposed for `incident`; `verified_by` are the commands of its document that show its effect.
pub(super) fn decide(
    conn: &Connection,
    incident: IncidentId,
    step: &StepRef,
    verified_by: &[NodeId],
) -> Result<Result<(), Refusal>, Fault> {
    let attempts = past(conn, incident)?;
    if doubt::unknown(&step.sop, &step.node, &attempts).is_none() {
        return Ok(Ok(()));
    }
    Ok(doubt::decide_propose(step, &attempts, &checked(conn, incident)?, verified_by))
}

/// Voids what waits or is granted of a step, now that nobody knows how an attempt of it ended.
pub(super) fn void_same_step(write: &mut Write<'_>, of: &Attempt, by: &Actor) -> Result<(), Fault> {
    for proposal in proposals::open_of_step(write.conn, of.incident, &of.step)? {
        proposals::void(write, of.incident, proposal.id, doubt::VOIDED, by)?;
    }
    Ok(())
}

fn facts(conn: &Connection, incident: IncidentId) -> Result<DoubtFacts, Fault> {
    let attempts = past(conn, incident)?;
    let is_unknown = |past: &Past| matches!(past.ended, Some((Outcome::Unknown { .. }, _)));
    let checked = if attempts.iter().any(is_unknown) { checked(conn, incident)? } else { Vec::new() };
    Ok(DoubtFacts { attempts, checked })
}

fn past(conn: &Connection, incident: IncidentId) -> Result<Vec<Past>, Fault> {
    let mut all = attempts::of_incident(conn, incident, u32::MAX)?;
    all.reverse();
    Ok(all.into_iter().map(of_attempt).collect())
}

fn of_attempt(attempt: Attempt) -> Past {
    let ended = match attempt.state {
        AttemptState::IntentStored | AttemptState::Running { .. } => None,
        AttemptState::Ended { outcome, at } => Some((outcome, at)),
    };
    Past { id: attempt.id, sop: attempt.step.sop, node: attempt.step.node, intent_at: attempt.intent_at, ended }
}

fn checked(conn: &Connection, incident: IncidentId) -> Result<Vec<Checked>, Fault> {
    let mut all = Vec::new();
    for entry in journal::beginning_with(conn, incident, CHECKED)? {
        let (payload, context) =
            (serde_json::from_str::<Payload>(&entry.payload)?, serde_json::from_str::<Context>(&entry.context)?);
        if let Payload::EffectChecked { attempt, words } = payload {
            all.push(Checked { attempt, by: context.actor.label().to_owned(), words, at: context.at });
        }
    }
    Ok(all)
}

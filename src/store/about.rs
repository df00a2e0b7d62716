//! What an entry of the journal is about, put together from its payload and the rows that it names.
//!
//! Owns: the look-ups, inside the transaction that writes the entry. Does not: know what belongs there (see
//! `domain::journal::about`).

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::{call_state, json};
use super::error::Fault;
use super::proposals;
use super::write::Write;
use crate::domain::action::spec::ActionSpec;
use crate::domain::id::{AttemptId, IncidentId, MessageId, ProposalId};
use crate::domain::journal::about::ModelPart;
use crate::domain::journal::{About, Payload};
use crate::domain::scope::ScopeEvent;

/// How the journal calls a message that a model wrote.
const BY_MODEL: &str = "model";

/// JSON of what an entry with this payload is about; `None` when there is nothing to say.
pub(super) fn of(
    write: &Write<'_>,
    incident: Option<IncidentId>,
    payload: &Payload,
    policy: Option<&str>,
) -> Result<Option<String>, Fault> {
    let conn = write.conn;
    let mut about = match payload {
        Payload::Proposed { proposal } => action(conn, proposal.id, &proposal.spec, &proposal.digest)?,
        Payload::Edited { to, .. } => of_proposal(conn, *to)?,
        Payload::Rejected { proposal }
        | Payload::Voided { proposal, .. }
        | Payload::Granted { proposal, .. }
        | Payload::ApprovedByOne { proposal, .. } => of_proposal(conn, *proposal)?,
        Payload::IntentStored { attempt, proposal, .. } => {
            About { attempt: Some(*attempt), ..of_proposal(conn, *proposal)? }
        }
        Payload::Spawned { attempt, .. }
        | Payload::CancelRequested { attempt }
        | Payload::EffectChecked { attempt, .. }
        | Payload::Ended { attempt, .. } => of_attempt(conn, *attempt)?,
        Payload::Said { message, author, .. } if author == BY_MODEL => {
            About { model: last_call(write, incident, *message)?, ..About::default() }
        }
        Payload::ModelAsked { model, digest, .. } | Payload::ModelCalled { model, digest, .. } => {
            let part = ModelPart { name: model.clone(), prompt: digest.clone(), answer: None };
            About { model: Some(part), ..About::default() }
        }
        Payload::Scope { event, .. } => match event.as_ref() {
            ScopeEvent::Given { terms, .. } => of_proposal(conn, terms.proposal)?,
            ScopeEvent::Spent { proposal, .. } => of_proposal(conn, *proposal)?,
            ScopeEvent::Revoked | ScopeEvent::Voided { .. } => About::default(),
        },
        Payload::Run { .. }
        | Payload::Begun { .. }
        | Payload::Ingested { .. }
        | Payload::Quarantined { .. }
        | Payload::LeaseTaken { .. }
        | Payload::Incident { .. }
        | Payload::Said { .. }
        | Payload::BudgetRefused { .. }
        | Payload::BackedUp { .. }
        | Payload::Erased { .. }
        | Payload::Purged { .. }
        | Payload::SopChanged { .. }
        | Payload::Restored { .. } => About::default(),
    };
    let ruled = match payload {
        Payload::Proposed { proposal } => proposal.ruling.as_ref().map(|ruling| &ruling.policy),
        Payload::Granted { ruling, .. } => ruling.as_ref().map(|ruling| &ruling.policy),
        Payload::ApprovedByOne { ruling, .. } => Some(&ruling.policy),
        _ => None,
    };
    about.policy = policy.map(str::to_owned).or_else(|| ruled.cloned());
    Ok(if about.is_empty() { None } else { Some(serde_json::to_string(&about)?) })
}

fn of_proposal(conn: &Connection, id: ProposalId) -> Result<About, Fault> {
    match proposals::find(conn, id)? {
        Some(proposal) => action(conn, id, &proposal.spec, &proposal.digest),
        None => Ok(About { proposal: Some(id), ..About::default() }),
    }
}

fn of_attempt(conn: &Connection, id: AttemptId) -> Result<About, Fault> {
    let mut statement = conn.prepare_cached("SELECT proposal FROM attempt WHERE id = ?1")?;
    let proposal: Option<i64> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    let about = proposal.map(|proposal| of_proposal(conn, ProposalId(proposal))).transpose()?;
    Ok(About { attempt: Some(id), ..about.unwrap_or_default() })
}

fn action(conn: &Connection, id: ProposalId, spec: &ActionSpec, digest: &str) -> Result<About, Fault> {
    let model = match spec.step.answer() {
        Some(message) => model_of_answer(conn, spec.incident, message)?,
        None => None,
    };
    Ok(About { proposal: Some(id), model, ..About::action(spec, digest) })
}

/// The call that this process ended last in the conversation: the one that `message` answers, since a process stores an
/// answer before it ends the next call. `None` for an answer that another process stores for one that is gone.
fn last_call(write: &Write<'_>, incident: Option<IncidentId>, message: MessageId) -> Result<Option<ModelPart>, Fault> {
    let mut statement = write.conn.prepare_cached(
        "SELECT model, digest FROM model_call
         WHERE incident IS ?1 AND state = ?2 AND host = ?3 AND pid = ?4 AND boot_id = ?5 ORDER BY id DESC LIMIT 1",
    )?;
    let identity = write.identity;
    let named = params![incident.map(|id| id.0), call_state::SETTLED, identity.host, identity.pid, identity.boot_id];
    let part = statement
        .query_row(named, |row| Ok(ModelPart { name: row.get(0)?, prompt: row.get(1)?, answer: Some(message) }));
    Ok(part.optional()?)
}

/// The model that wrote an answer, as the entry of that answer names it.
fn model_of_answer(conn: &Connection, incident: IncidentId, message: MessageId) -> Result<Option<ModelPart>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT about FROM journal WHERE incident = ?1 AND about IS NOT NULL
         AND CASE WHEN json_valid(about) THEN json_extract(about, '$.model.answer') END = ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let about: Option<String> = statement.query_row([incident.0, message.0], |row| row.get(0)).optional()?;
    Ok(match about {
        Some(about) => json::<About>(&about, "what an entry is about")?.model,
        None => None,
    })
}

//! Attempts: what became of an action after its intent was stored.
//!
//! Owns: the rows and the journal entries from the start of the supervisor to the recorded end. Does not: allot attempts
//! (see `proposals`), start or look for processes.
//!
//! Invariant: an end is recorded once. Whoever reports a second one changes nothing.

use rusqlite::{Connection, Row, params};

use super::convert::{attempt_state, json, time};
use super::error::{CommandError, Fault};
use super::{Reader, Store, StoreError, ballast, doubts};
use crate::domain::action::attempt::{Attempt, AttemptEnd, AttemptState, Outcome, ProcessId};
use crate::domain::action::spec::StepRef;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;

const SELECT: &str = "SELECT id, proposal, incident, step, state, supervisor, outcome, ended_at, intent_at, directory,
     approved_by FROM attempt";

impl Store {
    /// Notes that the supervisor of an attempt runs. Does nothing when that or the end is noted already.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such attempt.
    pub async fn spawned(&self, id: AttemptId, supervisor: ProcessId) -> Result<(), CommandError> {
        let outcome = self.write(move |write| {
            let Some(attempt) = load(write.conn, id)? else { return Ok(Err(no_such_attempt(id))) };
            if attempt.state != AttemptState::IntentStored {
                return Ok(Ok(()));
            }
            write
                .conn
                .prepare_cached("UPDATE attempt SET state = ?2, supervisor = ?3 WHERE id = ?1")?
                .execute(params![id.0, attempt_state::RUNNING, serde_json::to_string(&supervisor)?])?;
            let entry = Payload::Spawned { attempt: id, supervisor };
            write.journal(Some(attempt.incident), &Actor::engine("runner"), &entry)?;
            Ok(Ok(()))
        });
        CommandError::flatten(outcome.await)
    }

    /// Notes how and when an attempt ended. Only the first call counts. An end that nobody saw stands at the time of this
    /// call. When the disk is full the ballast is given up for it.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such attempt.
    pub async fn ended(&self, id: AttemptId, end: AttemptEnd) -> Result<(), CommandError> {
        match self.store_end(id, end.clone()).await {
            Err(CommandError::Store(StoreError::Full { .. })) if ballast::release(self.path()) => {
                self.store_end(id, end).await
            }
            done => done,
        }
    }

    async fn store_end(&self, id: AttemptId, end: AttemptEnd) -> Result<(), CommandError> {
        let done = self.write(move |write| {
            let AttemptEnd { outcome, ended_at, output_bytes, output_digest } = end;
            let Some(attempt) = load(write.conn, id)? else { return Ok(Err(no_such_attempt(id))) };
            if matches!(attempt.state, AttemptState::Ended { .. }) {
                return Ok(Ok(()));
            }
            write
                .conn
                .prepare_cached(
                    "UPDATE attempt SET state = ?2, outcome = ?3, ended_at = ?4, output_bytes = ?5, output_digest = ?6
                     WHERE id = ?1",
                )?
                .execute(params![
                    id.0,
                    attempt_state::ENDED,
                    serde_json::to_string(&outcome)?,
                    ended_at.unwrap_or(write.at).as_millis(),
                    i64::try_from(output_bytes).unwrap_or(i64::MAX),
                    output_digest
                ])?;
            let what = format!("attempt {id}: {}: {}", outcome.label(), attempt.step.title);
            write.timeline(attempt.incident, "runner", &what)?;
            let is_unknown = matches!(outcome, Outcome::Unknown { .. });
            let entry = Payload::Ended { attempt: id, outcome, ended_at, output_bytes, output_digest };
            write.journal(Some(attempt.incident), &Actor::engine("runner"), &entry)?;
            if is_unknown {
                doubts::void_same_step(write, &attempt, &Actor::engine("runner"))?;
            }
            Ok(Ok(()))
        });
        CommandError::flatten(done.await)
    }

    /// Notes that a person asked for an attempt to be ended. Asking twice is noted once.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such attempt or it is over.
    pub async fn cancel_requested(&self, id: AttemptId, actor: &Actor) -> Result<(), CommandError> {
        let actor = actor.clone();
        let outcome = self.write(move |write| {
            let Some(attempt) = load(write.conn, id)? else { return Ok(Err(no_such_attempt(id))) };
            if let AttemptState::Ended { outcome, .. } = &attempt.state {
                let why = format!("it is over already ({})", outcome.label());
                return Ok(Err(Refusal::new("Not cancelled", why, "Nothing needs to be done")));
            }
            let noted = write
                .conn
                .prepare_cached(
                    "UPDATE attempt SET cancel_requested_at = ?2 WHERE id = ?1 AND cancel_requested_at IS NULL",
                )?
                .execute(params![id.0, write.at.as_millis()])?;
            if noted > 0 {
                write.journal(Some(attempt.incident), &actor, &Payload::CancelRequested { attempt: id })?;
                write.timeline(attempt.incident, actor.label(), &format!("asked attempt {id} to end"))?;
            }
            Ok(Ok(()))
        });
        CommandError::flatten(outcome.await)
    }

    /// Every attempt whose end is not recorded, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn unfinished_attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        self.read_view(|reader| reader.unfinished_attempts()).await
    }

    /// One attempt.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.read_view(move |reader| reader.attempt(id)).await
    }
}

impl Reader<'_> {
    /// Every attempt whose end is not recorded, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn unfinished_attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        let load = || {
            let sql = format!("{SELECT} WHERE state < {} ORDER BY id", attempt_state::ENDED);
            let mut statement = self.conn.prepare_cached(&sql)?;
            collect(statement.query([])?)
        };
        self.named(load())
    }

    /// One attempt.
    ///
    /// # Errors
    /// When the read failed.
    pub fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.named(load(self.conn, id))
    }
}

/// The attempts for an incident, newest first, at most `limit`.
pub(super) fn of_incident(conn: &Connection, incident: IncidentId, limit: u32) -> Result<Vec<Attempt>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE incident = ?1 ORDER BY id DESC LIMIT ?2"))?;
    collect(statement.query(params![incident.0, limit])?)
}

/// One attempt.
pub(super) fn find(conn: &Connection, id: AttemptId) -> Result<Option<Attempt>, Fault> {
    load(conn, id)
}

fn no_such_attempt(id: AttemptId) -> Refusal {
    Refusal::new("Nothing changed", format!("there is no attempt {id}"), "Look at the incident's attempts")
}

fn load(conn: &Connection, id: AttemptId) -> Result<Option<Attempt>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(from_row).transpose()
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Attempt>, Fault> {
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(from_row(row)?);
    }
    Ok(attempts)
}

/// Reads a row of [`SELECT`].
fn from_row(row: &Row<'_>) -> Result<Attempt, Fault> {
    let step: String = row.get(3)?;
    let step: StepRef = json(&step, "the step of an attempt")?;
    Ok(Attempt {
        id: AttemptId(row.get(0)?),
        proposal: ProposalId(row.get(1)?),
        incident: IncidentId(row.get(2)?),
        step,
        state: state_from_row(row)?,
        intent_at: Timestamp::from_millis(row.get(8)?),
        directory: row.get(9)?,
        approved_by: row.get(10)?,
    })
}

fn state_from_row(row: &Row<'_>) -> Result<AttemptState, Fault> {
    let code: i64 = row.get(4)?;
    let (supervisor, outcome): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    match (code, supervisor, outcome, time(row.get(7)?)) {
        (attempt_state::INTENT, ..) => Ok(AttemptState::IntentStored),
        (attempt_state::RUNNING, Some(supervisor), ..) => {
            Ok(AttemptState::Running { supervisor: json(&supervisor, "the supervisor of an attempt")? })
        }
        (attempt_state::ENDED, _, Some(outcome), Some(at)) => {
            Ok(AttemptState::Ended { outcome: json(&outcome, "the outcome of an attempt")?, at })
        }
        (code, ..) => Err(Fault::Unreadable(format!("state {code} of an attempt without what belongs to it"))),
    }
}

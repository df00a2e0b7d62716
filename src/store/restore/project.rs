//! Projection: brings the tables up to the salvaged entries of the journal.
//!
//! Owns: what an entry means for proposals, attempts and incidents. Does not: bring back what the journal only names by hash
//! (chats, alerts); alerts come back from their sources.
//!
//! Invariant: an entry that cannot be brought into the tables stays in the journal, and what it touched is left as it was.
//! Rows of incidents and alerts that are copied from the damaged file are as little trusted as when they arrived.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::domain::action::attempt::{Outcome, ProcessId};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::alert::Severity;
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::incident::IncidentState;
use crate::domain::journal::{Context, Payload, StoredEntry};
use crate::domain::time::Timestamp;
use crate::store::Identity;
use crate::store::convert::{Code as _, attempt_state};
use crate::store::error::Fault;
use crate::store::write::Write;
use crate::store::{calls, edits, incidents, proposals, runs};

/// Brings entries into the tables, one after the other.
pub(super) struct Projection<'a> {
    damaged: &'a Connection,
    attempts_root: &'a Path,
    identity: &'a Identity,
    /// Incidents that were looked for already.
    known: HashSet<IncidentId>,
}

impl<'a> Projection<'a> {
    /// A projection that has not begun.
    pub(super) fn new(damaged: &'a Connection, attempts_root: &'a Path, identity: &'a Identity) -> Self {
        Self { damaged, attempts_root, identity, known: HashSet::new() }
    }

    /// Brings one verified entry into the tables of `base`, inside its transaction.
    ///
    /// # Errors
    /// When `base` itself fails; an entry that does not fit is passed over.
    pub(super) fn project(&mut self, base: &Connection, entry: &StoredEntry) -> Result<(), Fault> {
        let parsed = (serde_json::from_str(&entry.context), serde_json::from_str(&entry.payload));
        // Written by another version of this program; the journal keeps it.
        let (Ok(context), Ok(payload)) = parsed else { return Ok(()) };
        base.execute_batch("SAVEPOINT entry")?;
        let done = self.apply(base, entry, &context, payload);
        if let Err(fault) = done {
            tracing::warn!(entry = %entry.seq, ?fault, "an entry could not be brought into the tables");
            base.execute_batch("ROLLBACK TO entry")?;
        }
        base.execute_batch("RELEASE entry")?;
        Ok(())
    }

    fn apply(
        &mut self,
        base: &Connection,
        entry: &StoredEntry,
        context: &Context,
        payload: Payload,
    ) -> Result<(), Fault> {
        if let Some(incident) = entry.incident {
            self.ensure_incident(base, incident, context.at)?;
        }
        let mut write = Write::new(base, self.identity, context.at, context.monotonic_ms);
        match payload {
            Payload::Incident { event } => match entry.incident {
                Some(id) => incidents::replay(&mut write, id, &context.actor, &event, entry.seq),
                None => Ok(()),
            },
            Payload::Proposed { proposal } => proposed(base, &proposal),
            Payload::Rejected { proposal } => {
                let reason = format!("rejected by {}", context.actor.label());
                proposals::set_state(base, proposal, ProposalState::Rejected, &reason)
            }
            Payload::Edited { from, to, .. } => {
                let reason = edits::reason(&context.actor, to);
                proposals::set_state(base, from, ProposalState::Rejected, &reason)
            }
            Payload::Voided { proposal, reason } => proposals::set_state(base, proposal, ProposalState::Void, &reason),
            Payload::Granted { proposal, digest, expires_at, .. } => {
                granted(base, proposal, &digest, context, expires_at)
            }
            Payload::ApprovedByOne { proposal, approver, .. } => {
                base.execute("UPDATE proposal SET first_approver = ?2 WHERE id = ?1", params![proposal.0, approver])?;
                Ok(())
            }
            Payload::IntentStored { attempt, proposal, .. } => self.intent(base, attempt, proposal, context),
            Payload::Spawned { attempt, supervisor } => spawned(base, attempt, &supervisor),
            Payload::CancelRequested { attempt } => cancel_requested(base, attempt, context.at),
            Payload::Ended { attempt, outcome, ended_at, output_bytes, output_digest } => {
                let bytes = i64::try_from(output_bytes).unwrap_or(i64::MAX);
                ended(base, attempt, &outcome, ended_at.unwrap_or(context.at), bytes, &output_digest)
            }
            // Tokens only go up, also over a restoration.
            Payload::LeaseTaken { name, fence } => {
                base.execute("UPDATE lease SET fence = max(fence, ?2) WHERE name = ?1", params![name, fence])?;
                Ok(())
            }
            Payload::ModelAsked { .. } | Payload::ModelCalled { .. } => {
                calls::replay(base, entry.incident, context, &payload)
            }
            Payload::Run { run, event } => match entry.incident {
                Some(id) => runs::replay(&mut write, run, id, &event, &context.actor, entry.seq),
                None => Ok(()),
            },
            // Not brought back: like everything that waited, a wider yes is void after a restoration.
            Payload::Scope { .. }
            // The journal itself is asked for these.
            | Payload::EffectChecked { .. }
            | Payload::Begun { .. }
            | Payload::Ingested { .. }
            | Payload::Quarantined { .. }
            | Payload::Said { .. }
            | Payload::BudgetRefused { .. }
            | Payload::BackedUp { .. }
            | Payload::Erased { .. }
            | Payload::Purged { .. }
            | Payload::SopChanged { .. }
            | Payload::Restored { .. } => Ok(()),
        }
    }

    /// Sees to it that there is an incident `id`: from the damaged file with its alerts, else one that says that it is lost.
    fn ensure_incident(&mut self, base: &Connection, id: IncidentId, at: Timestamp) -> Result<(), Fault> {
        if !self.known.insert(id) || incidents::load(base, id)?.is_some() {
            return Ok(());
        }
        if self.copy_rows(base, "incident", "id", id).is_ok() && matches!(incidents::load(base, id), Ok(Some(_))) {
            if let Err(fault) = self.copy_rows(base, "alert", "incident", id) {
                tracing::warn!(incident = %id, ?fault, "alerts of an incident could not be read");
            }
            return Ok(());
        }
        base.execute("DELETE FROM incident WHERE id = ?1", [id.0])?;
        base.execute(
            "INSERT INTO incident (id, key, title, severity, severity_raw, state, opened_at, firing, reopened, search, search_labels)
             VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, 0, 0, '', '')",
            params![
                id.0,
                format!("restored-{id}"),
                format!("(incident {id}: lost with the damaged database; its alerts open a new one)"),
                Severity::Warning.rank(),
                IncidentState::Open.code(),
                at.as_millis()
            ],
        )?;
        Ok(())
    }

    /// Copies the rows of `table` whose `column` is `id` from the damaged file, as far as they can be read and fit.
    fn copy_rows(&self, base: &Connection, table: &str, column: &str, id: IncidentId) -> Result<(), Fault> {
        let mut statement = self.damaged.prepare(&format!("SELECT * FROM {table} WHERE {column} = ?1"))?;
        let names: Vec<String> = statement.column_names().into_iter().map(|name| format!("\"{name}\"")).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({marks})", names.join(", "));
        let mut rows = statement.query([id.0])?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..names.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
            base.execute(&insert, params_from_iter(values))?;
        }
        Ok(())
    }

    fn intent(
        &self,
        base: &Connection,
        attempt: AttemptId,
        proposal: ProposalId,
        context: &Context,
    ) -> Result<(), Fault> {
        let Some(found) = proposals::find(base, proposal)? else {
            return Err(Fault::Unreadable(format!("attempt {attempt} of an unknown proposal")));
        };
        // As the start has named it; the row itself may be gone.
        let named = format!("{}/{attempt}-{}", self.attempts_root.display(), context.at.as_millis());
        let stored = "SELECT directory FROM attempt WHERE id = ?1";
        let directory = self.damaged.query_row(stored, [attempt.0], |row| row.get(0)).unwrap_or(named);
        base.execute(
            "INSERT OR IGNORE INTO attempt (id, proposal, incident, step, state, intent_at, directory, approved_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                attempt.0,
                proposal.0,
                found.spec.incident.0,
                serde_json::to_string(&found.spec.step)?,
                attempt_state::INTENT,
                context.at.as_millis(),
                directory,
                context.actor.label()
            ],
        )?;
        proposals::set_state(base, proposal, ProposalState::Spent, "")
    }
}

fn proposed(base: &Connection, proposal: &Proposal) -> Result<(), Fault> {
    base.execute(
        "INSERT OR IGNORE INTO proposal (id, incident, sop, node, digest, state, created_at, asked_by, reason, spec)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', ?9)",
        params![
            proposal.id.0,
            proposal.spec.incident.0,
            proposal.spec.step.sop.as_str(),
            proposal.spec.step.node.as_str(),
            proposal.digest,
            ProposalState::Pending.code(),
            proposal.created_at.as_millis(),
            proposal.asked_by,
            serde_json::to_string(&proposal.spec)?
        ],
    )?;
    Ok(())
}

fn granted(
    base: &Connection,
    id: ProposalId,
    digest: &str,
    context: &Context,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    base.execute(
        "UPDATE proposal SET state = ?2, granted_by = ?3, granted_digest = ?4, granted_at = ?5, grant_expires_at = ?6
         WHERE id = ?1",
        params![
            id.0,
            ProposalState::Granted.code(),
            context.actor.label(),
            digest,
            context.at.as_millis(),
            expires_at.as_millis()
        ],
    )?;
    Ok(())
}

fn spawned(base: &Connection, id: AttemptId, supervisor: &ProcessId) -> Result<(), Fault> {
    let values = params![id.0, attempt_state::RUNNING, serde_json::to_string(supervisor)?, attempt_state::INTENT];
    base.execute("UPDATE attempt SET state = ?2, supervisor = ?3 WHERE id = ?1 AND state = ?4", values)?;
    Ok(())
}

fn cancel_requested(base: &Connection, id: AttemptId, at: Timestamp) -> Result<(), Fault> {
    base.execute("UPDATE attempt SET cancel_requested_at = ?2 WHERE id = ?1", params![id.0, at.as_millis()])?;
    Ok(())
}

fn ended(
    base: &Connection,
    id: AttemptId,
    outcome: &Outcome,
    at: Timestamp,
    bytes: i64,
    digest: &str,
) -> Result<(), Fault> {
    base.execute(
        "UPDATE attempt SET state = ?2, outcome = ?3, ended_at = ?4, output_bytes = ?5, output_digest = ?6 WHERE id = ?1",
        params![id.0, attempt_state::ENDED, serde_json::to_string(outcome)?, at.as_millis(), bytes, digest],
    )?;
    Ok(())
}

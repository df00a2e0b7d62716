//! Incidents: their rows, their timeline, and what people do to them.
//!
//! Owns: loading and saving the aggregate, applying events to it. Does not: decide (see `domain::incident`) or
//! correlate (see `ingest`).
//!
//! Invariant: every change of an incident goes through [`insert`] or [`save`], which keep the searchable text up to date.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::convert::{Code as _, count, severity, time};
use super::error::{CommandError, Fault};
use super::{Reader, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::id::IncidentId;
use crate::domain::incident::{
    CorrelationKey, Incident, IncidentCommand, IncidentEvent, IncidentState, Refusal, decide,
};
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;

const SELECT: &str =
    "SELECT id, key, title, severity, severity_raw, state, owner, opened_at, resolved_at, firing, reopened
     FROM incident";

impl Store {
    /// Does what a person asks of an incident.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such incident or its state does not allow it; nothing is changed then.
    pub async fn incident_command(
        &self,
        id: IncidentId,
        command: IncidentCommand,
        actor: &Actor,
    ) -> Result<(), CommandError> {
        let actor = actor.clone();
        let outcome = self.write(move |write| {
            let Some(mut incident) = load(write.conn, id)? else { return Ok(Err(no_such_incident(id))) };
            let events = match decide(&incident, command, &actor) {
                Ok(events) => events,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for event in events {
                apply(&mut incident, &event, write.at);
                write.timeline(id, actor.label(), &describe(&event))?;
                write.journal(Some(id), &actor, &Payload::Incident { event })?;
            }
            save(write.conn, &incident)?;
            Ok(Ok(()))
        });
        CommandError::flatten(outcome.await)
    }
}

impl Reader<'_> {
    /// One incident.
    ///
    /// # Errors
    /// When the read failed.
    pub fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.named(load(self.conn, id))
    }
}

/// The answer to a command about an incident that does not exist.
pub(super) fn no_such_incident(id: IncidentId) -> Refusal {
    Refusal::new("Nothing changed", format!("there is no incident {id}"), "Choose one from the queue")
}

/// Loads one incident.
pub(super) fn load(conn: &Connection, id: IncidentId) -> Result<Option<Incident>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(from_row).transpose()
}

/// The number of the newest incident with this key.
pub(super) fn newest_with_key(conn: &Connection, key: &CorrelationKey) -> Result<Option<IncidentId>, Fault> {
    let newest = conn
        .prepare_cached("SELECT id FROM incident WHERE key = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([&key.0], |row| row.get(0))
        .optional()?;
    Ok(newest.map(IncidentId))
}

/// Stores a new incident and gives it its number; the number in `incident` is not looked at.
pub(super) fn insert(conn: &Connection, incident: &Incident) -> Result<IncidentId, Fault> {
    conn.prepare_cached(
        "INSERT INTO incident
         (key, title, severity, severity_raw, state, owner, opened_at, resolved_at, firing, reopened, search, search_labels)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '')",
    )?
    .execute(params![
        incident.key.0,
        incident.title,
        incident.severity.rank(),
        incident.severity_raw,
        incident.state.code(),
        incident.owner,
        incident.opened_at.as_millis(),
        incident.resolved_at.map(Timestamp::as_millis),
        incident.firing,
        incident.reopened,
        search_text(incident),
    ])?;
    Ok(IncidentId(conn.last_insert_rowid()))
}

/// Stores the present state of an incident.
pub(super) fn save(conn: &Connection, incident: &Incident) -> Result<(), Fault> {
    conn.prepare_cached(
        "UPDATE incident SET title = ?2, severity = ?3, severity_raw = ?4, state = ?5, owner = ?6, opened_at = ?7,
         resolved_at = ?8, firing = ?9, reopened = ?10, search = ?11 WHERE id = ?1",
    )?
    .execute(params![
        incident.id.0,
        incident.title,
        incident.severity.rank(),
        incident.severity_raw,
        incident.state.code(),
        incident.owner,
        incident.opened_at.as_millis(),
        incident.resolved_at.map(Timestamp::as_millis),
        incident.firing,
        incident.reopened,
        search_text(incident),
    ])?;
    Ok(())
}

/// Changes an incident as `event` says; `at` is the moment of the transaction.
pub(super) fn apply(incident: &mut Incident, event: &IncidentEvent, at: Timestamp) {
    match event {
        IncidentEvent::Opened { severity } => incident.severity = *severity,
        IncidentEvent::SeverityChanged { to, .. } => incident.severity = *to,
        // The number of firing alerts is counted from the alerts themselves, not from events.
        IncidentEvent::AlertJoined { .. } | IncidentEvent::AlertEnded { .. } => {}
        IncidentEvent::Resolved => {
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(at);
        }
        IncidentEvent::Reopened => {
            incident.state = IncidentState::Open;
            incident.owner = None;
            incident.reopened = incident.reopened.saturating_add(1);
        }
        IncidentEvent::Acknowledged { by } => {
            incident.state = IncidentState::Acknowledged;
            incident.owner = Some(by.clone());
        }
        IncidentEvent::Unacknowledged { .. } => {
            incident.state = IncidentState::Open;
            incident.owner = None;
        }
    }
}

/// The event as a line of the timeline; who did it stands beside it.
pub(super) fn describe(event: &IncidentEvent) -> String {
    match event {
        IncidentEvent::Opened { severity } => format!("opened with severity {}", severity.name()),
        IncidentEvent::AlertJoined { fingerprint } => format!("alert {fingerprint} joined"),
        IncidentEvent::AlertEnded { fingerprint } => format!("alert {fingerprint} ended"),
        IncidentEvent::SeverityChanged { from, to } => {
            format!("severity changed from {} to {}", from.name(), to.name())
        }
        IncidentEvent::Resolved => "resolved: no alert fires any more".to_owned(),
        IncidentEvent::Reopened => "reopened: it fires again".to_owned(),
        IncidentEvent::Acknowledged { .. } => "acknowledged".to_owned(),
        IncidentEvent::Unacknowledged { .. } => "took the acknowledgement back".to_owned(),
    }
}

/// Reads a row of [`SELECT`].
fn from_row(row: &Row<'_>) -> Result<Incident, Fault> {
    Ok(Incident {
        id: IncidentId(row.get(0)?),
        key: CorrelationKey(row.get(1)?),
        title: row.get(2)?,
        severity: severity(row.get(3)?)?,
        severity_raw: row.get(4)?,
        state: IncidentState::from_code(row.get(5)?)?,
        owner: row.get(6)?,
        opened_at: Timestamp::from_millis(row.get(7)?),
        resolved_at: time(row.get(8)?),
        firing: count(row.get(9)?),
        reopened: count(row.get(10)?),
    })
}

/// What the filter of the queue finds an incident by, besides its labels. A line for each field, so that no word of a
/// filter can match across two of them.
fn search_text(incident: &Incident) -> String {
    let state = match incident.state {
        IncidentState::Open => "open",
        IncidentState::Acknowledged => "acknowledged",
        IncidentState::Resolved => "resolved",
    };
    let owner = incident.owner.as_deref().unwrap_or("");
    let fields = [&incident.title, incident.severity.name(), &incident.severity_raw, state, owner];
    fields.join("\n").to_lowercase()
}

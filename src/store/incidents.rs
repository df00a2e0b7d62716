//! Incidents: their rows, their timeline, and what people do to them.
//!
//! Owns: loading and saving the aggregate, applying events to it, the people who were named. Does not: decide (see
//! `domain::incident`) or correlate (see `ingest`).
//!
//! Invariant: every change of an incident goes through [`insert`] or [`save`], which keep the searchable text up to date.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::convert::{Code as _, count, json, severity, time};
use super::error::{CommandError, Fault};
use super::write::Write;
use super::{Reader, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::incident::event::Past;
use crate::domain::incident::undo::{ENTRIES_LOOKED_AT, undo};
use crate::domain::incident::{
    CorrelationKey, Incident, IncidentCommand, IncidentEvent, IncidentState, Refusal, Suppression, Until, decide,
};
use crate::domain::journal::{Context, Payload};
use crate::domain::time::Timestamp;

const SELECT: &str =
    "SELECT id, key, title, severity, severity_raw, state, owner, opened_at, resolved_at, firing, reopened,
     acknowledged_by, resolved_by, suppressed_until, suppressed_by FROM incident";

/// In the column `suppressed_until`: until it changes.
const UNTIL_CHANGED: i64 = i64::MAX;

/// People who are offered as owners at most, those seen last.
const PEOPLE: u32 = 20;
/// People whose names are kept from a model at most, those seen last.
const KNOWN_PEOPLE: u32 = 1_000;

/// What a person's command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The incident as it is now.
    pub incident: Incident,
    /// What was done, as a sentence for the person. May hold foreign text.
    pub said: String,
}

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
    ) -> Result<Changed, CommandError> {
        self.change(id, actor, move |_, incident, actor, now| Ok(decide(incident, &command, actor, now))).await
    }

    /// Takes back the last change that this person made to an incident.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is nothing to take back or someone changed the incident since.
    pub async fn undo_incident(&self, id: IncidentId, actor: &Actor) -> Result<Changed, CommandError> {
        self.change(id, actor, move |write, incident, actor, now| {
            Ok(undo(incident, &history(write.conn, id)?, actor, now))
        })
        .await
    }

    /// Ends the suppressions whose time is over at `now`; how many there were.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn end_suppressions(&self, now: Timestamp) -> Result<usize, StoreError> {
        const OVER: &str = "SELECT id FROM incident INDEXED BY incident_suppressed WHERE suppressed_until <= ?1";
        let due = move |conn: &Connection| -> Result<Vec<i64>, Fault> {
            let mut statement = conn.prepare_cached(OVER)?;
            let ids = statement.query_map([now.as_millis()], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        };
        // Looked for by reading first: nearly always there are none, and writing would wait for others.
        if self.read_view(move |reader| reader.named(due(reader.conn))).await?.is_empty() {
            return Ok(0);
        }
        self.write(move |write| {
            let ids = due(write.conn)?;
            for id in &ids {
                let Some(mut incident) = load(write.conn, IncidentId(*id))? else { continue };
                let Some(Suppression { until, .. }) = incident.suppressed else { continue };
                let event = IncidentEvent::SuppressionEnded { until };
                record(write, &mut incident, &Actor::engine("store"), event)?;
            }
            Ok(ids.len())
        })
        .await
    }

    /// One change by a person: loads the incident, lets `decide` say what happens, and writes that down.
    async fn change<F>(&self, id: IncidentId, actor: &Actor, decide: F) -> Result<Changed, CommandError>
    where
        F: FnOnce(&Write<'_>, &Incident, &Actor, Timestamp) -> Result<Result<IncidentEvent, Refusal>, Fault>
            + Send
            + 'static,
    {
        let actor = actor.clone();
        let outcome = self.write(move |write| {
            let Some(mut incident) = load(write.conn, id)? else { return Ok(Err(no_such_incident(id))) };
            let event = match decide(write, &incident, &actor, write.at)? {
                Ok(event) => event,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let event = record(write, &mut incident, &actor, event)?;
            let said = event.tell(&incident);
            Ok(Ok(Changed { incident, said }))
        });
        CommandError::flatten(outcome.await)
    }
}

/// Writes an event that is one entry of the journal: journal, timeline, incident, people.
fn record(
    write: &mut Write<'_>,
    incident: &mut Incident,
    actor: &Actor,
    event: IncidentEvent,
) -> Result<IncidentEvent, Fault> {
    let id = incident.id;
    apply(incident, &event, write.at);
    let payload = Payload::Incident { event };
    let entry = write.journal(Some(id), actor, &payload)?;
    let Payload::Incident { event } = payload else { return Err(Fault::Unreadable("an entry".to_owned())) };
    project(write, incident, actor, &event, entry)?;
    Ok(event)
}

/// Does to an incident again what an entry of the journal says that was done to it; the entry itself is there. An incident
/// that is not there is passed over.
pub(super) fn replay(
    write: &mut Write<'_>,
    id: IncidentId,
    actor: &Actor,
    event: &IncidentEvent,
    entry: JournalSeq,
) -> Result<(), Fault> {
    let Some(mut incident) = load(write.conn, id)? else { return Ok(()) };
    apply(&mut incident, event, write.at);
    project(write, &incident, actor, event, entry)
}

/// What an event leaves besides its entry: a line of the timeline, the incident as it is now, the people it names.
fn project(
    write: &mut Write<'_>,
    incident: &Incident,
    actor: &Actor,
    event: &IncidentEvent,
    entry: JournalSeq,
) -> Result<(), Fault> {
    let id = incident.id;
    write.timeline_of(id, actor.label(), &event.describe(), entry)?;
    if let IncidentEvent::Undone { of, to: None, .. } = event {
        write
            .conn
            .prepare_cached("UPDATE timeline SET retracted_at = ?3 WHERE incident = ?1 AND entry = ?2")?
            .execute(params![id.0, of.0, write.at.as_millis()])?;
    }
    save(write.conn, incident)?;
    if let Actor::Person(person) = actor {
        meet(write, &person.name)?;
    }
    if let IncidentEvent::Assigned { to: Some(to), .. } = event {
        meet(write, to)?;
    }
    Ok(())
}

/// Remembers a person by login name.
fn meet(write: &Write<'_>, name: &str) -> Result<(), Fault> {
    write
        .conn
        .prepare_cached("INSERT INTO person (name, seen_at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET seen_at = ?2")?
        .execute(params![name, write.at.as_millis()])?;
    Ok(())
}

/// What happened to an incident, newest first, as far as taking back looks. Entries that this version cannot read are left
/// out: what they changed shows in the incident.
fn history(conn: &Connection, id: IncidentId) -> Result<Vec<Past>, Fault> {
    let mut statement = conn
        .prepare_cached("SELECT seq, context, payload FROM journal WHERE incident = ?1 ORDER BY seq DESC LIMIT ?2")?;
    let mut rows = statement.query(params![id.0, ENTRIES_LOOKED_AT])?;
    let mut history = Vec::new();
    while let Some(row) = rows.next()? {
        let (context, payload): (String, String) = (row.get(1)?, row.get(2)?);
        let Ok(Payload::Incident { event }) = serde_json::from_str(&payload) else { continue };
        let Context { at, actor, .. } = json(&context, "the context of an entry")?;
        history.push(Past { seq: JournalSeq(row.get(0)?), incident: id, at, actor, event });
    }
    Ok(history)
}

/// People by login name, those seen last first.
pub(super) fn people(conn: &Connection) -> Result<Vec<String>, Fault> {
    named_people(conn, PEOPLE)
}

fn named_people(conn: &Connection, most: u32) -> Result<Vec<String>, Fault> {
    let mut statement = conn.prepare_cached("SELECT name FROM person ORDER BY seen_at DESC, name LIMIT ?1")?;
    let names = statement.query_map([most], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

impl Reader<'_> {
    /// One incident.
    ///
    /// # Errors
    /// When the read failed.
    pub fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.named(load(self.conn, id))
    }

    /// People whom this store knows by login name: who gave a command, and who was named as an owner; at most a thousand, those
    /// seen last.
    ///
    /// # Errors
    /// When the read failed.
    pub fn people(&self) -> Result<Vec<String>, StoreError> {
        self.named(named_people(self.conn, KNOWN_PEOPLE))
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
         (key, title, severity, severity_raw, state, owner, opened_at, resolved_at, firing, reopened, search,
          acknowledged_by, resolved_by, suppressed_until, suppressed_by, search_labels)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, '')",
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
        incident.acknowledged_by,
        incident.resolved_by,
        incident.suppressed.as_ref().map(|suppression| until_code(suppression.until)),
        incident.suppressed.as_ref().map(|suppression| &suppression.by),
    ])?;
    Ok(IncidentId(conn.last_insert_rowid()))
}

/// Stores the present state of an incident.
pub(super) fn save(conn: &Connection, incident: &Incident) -> Result<(), Fault> {
    conn.prepare_cached(
        "UPDATE incident SET title = ?2, severity = ?3, severity_raw = ?4, state = ?5, owner = ?6, opened_at = ?7,
         resolved_at = ?8, firing = ?9, reopened = ?10, search = ?11, acknowledged_by = ?12, resolved_by = ?13,
         suppressed_until = ?14, suppressed_by = ?15 WHERE id = ?1",
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
        incident.acknowledged_by,
        incident.resolved_by,
        incident.suppressed.as_ref().map(|suppression| until_code(suppression.until)),
        incident.suppressed.as_ref().map(|suppression| &suppression.by),
    ])?;
    Ok(())
}

/// Changes an incident as `event` says; `at` is the moment of the transaction.
pub(super) fn apply(incident: &mut Incident, event: &IncidentEvent, at: Timestamp) {
    incident.stand(incident.standing().after(event, at));
    match event {
        IncidentEvent::Opened { severity } => incident.severity = *severity,
        IncidentEvent::SeverityChanged { to, .. } => incident.severity = *to,
        IncidentEvent::Reopened => incident.reopened = incident.reopened.saturating_add(1),
        // The number of firing alerts is counted from the alerts themselves, not from events.
        IncidentEvent::AlertJoined { .. }
        | IncidentEvent::AlertEnded { .. }
        | IncidentEvent::Resolved
        | IncidentEvent::Acknowledged { .. }
        | IncidentEvent::Unacknowledged { .. }
        | IncidentEvent::Assigned { .. }
        | IncidentEvent::Noted { .. }
        | IncidentEvent::ResolvedBy { .. }
        | IncidentEvent::ReopenedBy { .. }
        | IncidentEvent::Suppressed { .. }
        | IncidentEvent::Unsuppressed { .. }
        | IncidentEvent::SuppressionEnded { .. }
        | IncidentEvent::Undone { .. } => {}
    }
}

/// An end of a suppression as it stands in its column.
const fn until_code(until: Until) -> i64 {
    match until {
        Until::Time(end) => end.as_millis(),
        Until::Changed => UNTIL_CHANGED,
    }
}

/// The suppression in two columns.
pub(super) fn suppression(until: Option<i64>, by: Option<String>) -> Option<Suppression> {
    let until = match until? {
        UNTIL_CHANGED => Until::Changed,
        end => Until::Time(Timestamp::from_millis(end)),
    };
    Some(Suppression { by: by.unwrap_or_default(), until })
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
        acknowledged_by: row.get(11)?,
        resolved_by: row.get(12)?,
        suppressed: suppression(row.get(13)?, row.get(14)?),
    })
}

/// What the filter of the queue finds an incident by, besides its labels. A line for each field, so that no word of a
/// filter can match across two of them.
fn search_text(incident: &Incident) -> String {
    let owner = incident.owner.as_deref().unwrap_or("");
    let state = incident.state.name();
    let fields = [&incident.title, incident.severity.name(), &incident.severity_raw, state, owner];
    fields.join("\n").to_lowercase()
}

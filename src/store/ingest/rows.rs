//! Rows of the table `alert`, as ingest reads and writes them.
//!
//! Owns: the SQL. Does not: decide.

use rusqlite::{Connection, Row, params};

use super::touched::SearchLabels;
use crate::domain::alert::{Alert, AlertStatus, Labels, Severity};
use crate::domain::id::{IncidentId, SourceId};
use crate::domain::incident::delivery::{EndedBy, KnownFiring};
use crate::domain::time::Timestamp;
use crate::store::convert::{Code as _, count, json, severity};
use crate::store::error::Fault;
use crate::store::write::Write;

const COLUMNS: &str = "id, incident, starts_at, status, ended_by, last_seen, labels";

/// A stored firing.
#[derive(Clone, Debug)]
pub(super) struct AlertRecord {
    /// Its row.
    pub(super) id: i64,
    /// The incident it belongs to; `None` when it was over when we first heard of it.
    pub(super) incident: Option<IncidentId>,
    /// What the rules need of it.
    pub(super) firing: KnownFiring,
    labels: String,
}

impl AlertRecord {
    /// Its labels.
    pub(super) fn labels(&self) -> Result<Labels, Fault> {
        json(&self.labels, "the labels of an alert")
    }
}

/// How and when a firing ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// How it became known.
    pub(super) by: EndedBy,
    /// When.
    pub(super) at: Timestamp,
}

/// What fires of an incident.
pub(super) struct Firing {
    /// How many alerts.
    pub(super) count: u32,
    /// The most urgent severity, normalised and as sent; `None` when nothing fires.
    pub(super) most_urgent: Option<(Severity, String)>,
}

/// The firing of this fingerprint that is on; if none is, the one that began last.
pub(super) fn leading(conn: &Connection, source: &SourceId, fingerprint: &str) -> Result<Option<AlertRecord>, Fault> {
    let one = "FROM alert WHERE source = ?1 AND fingerprint = ?2";
    for sql in [
        format!("SELECT {COLUMNS} {one} AND status = 0"),
        format!("SELECT {COLUMNS} {one} ORDER BY starts_at DESC LIMIT 1"),
    ] {
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query([source.as_str(), fingerprint])?;
        if let Some(row) = rows.next()? {
            return from_row(row).map(Some);
        }
    }
    Ok(None)
}

/// The firing with exactly this alert's key.
pub(super) fn exact(conn: &Connection, source: &SourceId, alert: &Alert) -> Result<Option<AlertRecord>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE source = ?1 AND fingerprint = ?2 AND starts_at = ?3"
    ))?;
    let key = params![source.as_str(), alert.key.fingerprint, alert.key.starts_at.as_millis()];
    let mut rows = statement.query(key)?;
    rows.next()?.map(from_row).transpose()
}

/// What fires of `source` and was last delivered before `as_of`, with fingerprints.
pub(super) fn firing_before(
    conn: &Connection,
    source: &SourceId,
    as_of: Timestamp,
) -> Result<Vec<(String, AlertRecord)>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, fingerprint FROM alert WHERE source = ?1 AND status = 0 AND last_seen < ?2 ORDER BY id"
    ))?;
    let mut rows = statement.query(params![source.as_str(), as_of.as_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(7)?, from_row(row)?));
    }
    Ok(found)
}

/// How many alerts of an incident fire, and how urgent they are. Answered from an index, but for the severity as sent.
pub(super) fn firing_of(conn: &Connection, id: IncidentId) -> Result<Firing, Fault> {
    let (firing, rank): (i64, Option<i64>) = conn
        .prepare_cached("SELECT count(*), min(severity) FROM alert WHERE incident = ?1 AND status = 0")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(rank) = rank else { return Ok(Firing { count: 0, most_urgent: None }) };
    let raw: String = conn
        .prepare_cached(
            "SELECT severity_raw FROM alert WHERE incident = ?1 AND status = 0 AND severity = ?2
             ORDER BY starts_at DESC, id DESC LIMIT 1",
        )?
        .query_row([id.0, rank], |row| row.get(0))?;
    Ok(Firing { count: count(firing), most_urgent: Some((severity(rank)?, raw)) })
}

/// Stores a firing that was not known; with an `end`, one that is over.
pub(super) fn insert(
    write: &Write<'_>,
    source: &SourceId,
    alert: &Alert,
    incident: Option<IncidentId>,
    end: Option<End>,
) -> Result<(), Fault> {
    let status = if end.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing };
    write
        .conn
        .prepare_cached(
            "INSERT INTO alert (source, fingerprint, starts_at, incident, status, ended_by, ends_at, severity,
             severity_raw, labels, annotations, generator_url, first_seen, last_seen, deliveries)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, 1)",
        )?
        .execute(params![
            source.as_str(),
            alert.key.fingerprint,
            alert.key.starts_at.as_millis(),
            incident.map(|id| id.0),
            status.code(),
            end.map(|end| end.by.code()),
            end.map(|end| end.at.as_millis()),
            alert.severity().rank(),
            alert.severity_raw(),
            serde_json::to_string(&alert.labels)?,
            serde_json::to_string(&alert.annotations)?,
            alert.generator_url,
            write.at.as_millis()
        ])?;
    Ok(())
}

/// A firing that was thought over is on again, in this incident.
pub(super) fn revive(write: &Write<'_>, id: i64, alert: &Alert, incident: IncidentId) -> Result<(), Fault> {
    write
        .conn
        .prepare_cached(
            "UPDATE alert SET incident = ?2, status = 0, ended_by = NULL, ends_at = NULL, severity = ?3,
             severity_raw = ?4, labels = ?5, annotations = ?6, generator_url = ?7, last_seen = ?8,
             deliveries = deliveries + 1 WHERE id = ?1",
        )?
        .execute(params![
            id,
            incident.0,
            alert.severity().rank(),
            alert.severity_raw(),
            serde_json::to_string(&alert.labels)?,
            serde_json::to_string(&alert.annotations)?,
            alert.generator_url,
            write.at.as_millis()
        ])?;
    Ok(())
}

/// Counts a delivery; annotations change with every evaluation and are kept as they came last.
pub(super) fn count_delivery(write: &Write<'_>, id: i64, alert: &Alert) -> Result<(), Fault> {
    write
        .conn
        .prepare_cached(
            "UPDATE alert SET deliveries = deliveries + 1, last_seen = ?2, annotations = ?3, generator_url = ?4
             WHERE id = ?1",
        )?
        .execute(params![id, write.at.as_millis(), serde_json::to_string(&alert.annotations)?, alert.generator_url])?;
    Ok(())
}

/// Replaces the labels of a firing when they changed, which only sources do whose fingerprints do not cover all labels.
pub(super) fn update_labels(conn: &Connection, row: &AlertRecord, alert: &Alert) -> Result<bool, Fault> {
    let labels = serde_json::to_string(&alert.labels)?;
    if labels == row.labels {
        return Ok(false);
    }
    conn.prepare_cached("UPDATE alert SET labels = ?2, severity = ?3, severity_raw = ?4 WHERE id = ?1")?
        .execute(params![row.id, labels, alert.severity().rank(), alert.severity_raw()])?;
    Ok(true)
}

/// Ends a firing.
pub(super) fn end(conn: &Connection, id: i64, end: End) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE alert SET status = 1, ended_by = ?2, ends_at = ?3 WHERE id = ?1")?.execute(params![
        id,
        end.by.code(),
        end.at.as_millis()
    ])?;
    Ok(())
}

/// The source confirms an end that was inferred; its own word counts from then on.
pub(super) fn confirm_end(conn: &Connection, id: i64, at: Timestamp) -> Result<(), Fault> {
    conn.prepare_cached(
        "UPDATE alert SET ended_by = ?2, ends_at = ?3 WHERE id = ?1 AND status = 1 AND ended_by <> ?2",
    )?
    .execute(params![id, EndedBy::Source.code(), at.as_millis()])?;
    Ok(())
}

/// Lets the filter of the queue find an incident by these labels too.
pub(super) fn add_search_labels(conn: &Connection, id: IncidentId, labels: &SearchLabels) -> Result<(), Fault> {
    let known: String =
        conn.prepare_cached("SELECT search_labels FROM incident WHERE id = ?1")?.query_row([id.0], |row| row.get(0))?;
    if let Some(merged) = labels.merged_into(&known) {
        conn.prepare_cached("UPDATE incident SET search_labels = ?2 WHERE id = ?1")?.execute(params![id.0, merged])?;
    }
    Ok(())
}

/// Reads [`COLUMNS`].
fn from_row(row: &Row<'_>) -> Result<AlertRecord, Fault> {
    let ended = match AlertStatus::from_code(row.get(3)?)? {
        AlertStatus::Firing => None,
        AlertStatus::Resolved => Some(EndedBy::from_code(row.get(4)?)?),
    };
    Ok(AlertRecord {
        id: row.get(0)?,
        incident: row.get::<_, Option<i64>>(1)?.map(IncidentId),
        firing: KnownFiring {
            starts_at: Timestamp::from_millis(row.get(2)?),
            ended,
            last_seen: Timestamp::from_millis(row.get(5)?),
        },
        labels: row.get(6)?,
    })
}

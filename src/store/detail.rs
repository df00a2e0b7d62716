//! One incident in full.
//!
//! Owns: its alerts, its timeline and the bounds of what is loaded. Does not: load output; that lies in files.

use rusqlite::{Connection, Row, params};

use super::convert::{Code as _, count, json, time};
use super::error::Fault;
use super::view::{AlertRow, IncidentDetail, TimelineRow};
use super::{Reader, Store, StoreError, attempts, incidents, proposals};
use crate::domain::alert::{AlertKey, AlertStatus, Labels};
use crate::domain::excerpt;
use crate::domain::id::{IncidentId, SourceId};
use crate::domain::time::Timestamp;

/// Alerts loaded at most.
const ALERTS: u32 = 50;

/// Lines of the timeline loaded at most.
const TIMELINE: u32 = 100;

/// Attempts loaded at most.
const ATTEMPTS: u32 = 50;

/// In the order of the index `alert_by_incident`: firing first, then newest first.
const SELECT_ALERTS: &str =
    "SELECT fingerprint, source, status, starts_at, ends_at, labels, annotations, generator_url,
     deliveries FROM alert WHERE incident = ?1 ORDER BY status, starts_at DESC, id DESC LIMIT ?2";

/// By its key, within an incident.
const SELECT_ALERT: &str = "SELECT fingerprint, source, status, starts_at, ends_at, labels, annotations, generator_url,
     deliveries FROM alert WHERE source = ?1 AND fingerprint = ?2 AND starts_at = ?3 AND incident = ?4";

impl Store {
    /// As [`Reader::detail`].
    ///
    /// # Errors
    /// When the read failed.
    pub async fn detail(&self, id: IncidentId) -> Result<Option<IncidentDetail>, StoreError> {
        self.read_view(move |reader| reader.detail(id)).await
    }
}

impl Reader<'_> {
    /// An incident with its alerts, timeline, proposals and attempts; `None` when there is no such incident.
    ///
    /// # Errors
    /// When the read failed.
    pub fn detail(&self, id: IncidentId) -> Result<Option<IncidentDetail>, StoreError> {
        self.named(load(self.conn, id, Texts::Whole, None))
    }

    /// As [`Self::detail`], for a screen: long texts of alerts and of the timeline are excerpts (see [`excerpt`]), made row by
    /// row, so that megabytes of them are never held at once. Nothing is to be bound, compared or run with these. The alert
    /// `wanted` is among them, also when so many came after it that it would be left out.
    ///
    /// # Errors
    /// When the read failed.
    pub fn detail_to_show(
        &self,
        id: IncidentId,
        wanted: Option<&AlertKey>,
    ) -> Result<Option<IncidentDetail>, StoreError> {
        self.named(load(self.conn, id, Texts::Excerpts, wanted))
    }

    /// Labels of at most `limit` alerts that fire now, and how many fire in all.
    ///
    /// # Errors
    /// When the read failed.
    pub fn firing_labels(&self, limit: u32) -> Result<(Vec<Labels>, usize), StoreError> {
        let load = || {
            let all: i64 = self
                .conn
                .prepare_cached("SELECT count(*) FROM alert WHERE status = 0")?
                .query_row([], |row| row.get(0))?;
            let mut statement = self.conn.prepare_cached("SELECT labels FROM alert WHERE status = 0 LIMIT ?1")?;
            let texts = statement.query_map([limit], |row| row.get::<_, String>(0))?;
            let labels = texts.map(|text| json(&text?, "the labels of an alert"));
            Ok((labels.collect::<Result<_, Fault>>()?, usize::try_from(all).unwrap_or(0)))
        };
        self.named(load())
    }

    /// One firing of an incident, whether it is on or over; `None` when the incident has no such firing.
    ///
    /// # Errors
    /// When the read failed.
    pub fn alert(&self, id: IncidentId, key: &AlertKey) -> Result<Option<AlertRow>, StoreError> {
        self.named(alert(self.conn, id, key))
    }
}

/// As [`Reader::alert`].
pub(super) fn alert(conn: &Connection, id: IncidentId, key: &AlertKey) -> Result<Option<AlertRow>, Fault> {
    let mut statement = conn.prepare_cached(SELECT_ALERT)?;
    let mut rows = statement.query(params![key.source.as_str(), key.fingerprint, key.starts_at.as_millis(), id.0])?;
    rows.next()?.map(alert_from_row).transpose()
}

/// How much of long texts to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Texts {
    Whole,
    Excerpts,
}

impl Texts {
    fn of(self, text: String) -> String {
        match self {
            Self::Whole => text,
            Self::Excerpts => excerpt::of(text),
        }
    }

    fn of_labels(self, labels: Labels) -> Labels {
        match self {
            Self::Whole => labels,
            Self::Excerpts => excerpt::of_labels(labels),
        }
    }

    fn of_alert(self, alert: AlertRow) -> AlertRow {
        AlertRow {
            labels: self.of_labels(alert.labels),
            annotations: self.of_labels(alert.annotations),
            generator_url: alert.generator_url.map(|url| self.of(url)),
            ..alert
        }
    }
}

fn load(
    conn: &Connection,
    id: IncidentId,
    texts: Texts,
    wanted: Option<&AlertKey>,
) -> Result<Option<IncidentDetail>, Fault> {
    let Some(mut incident) = incidents::load(conn, id)? else { return Ok(None) };
    incident.severity_raw = texts.of(incident.severity_raw);
    let alerts_total: i64 =
        conn.prepare_cached("SELECT count(*) FROM alert WHERE incident = ?1")?.query_row([id.0], |row| row.get(0))?;
    let mut alerts = alerts(conn, id, texts)?;
    if let Some(key) = wanted.filter(|key| alerts.iter().all(|alert| alert.key() != **key))
        && let Some(left_out) = alert(conn, id, key)?
    {
        alerts.push(texts.of_alert(left_out));
    }
    Ok(Some(IncidentDetail {
        incident,
        alerts,
        alerts_total: count(alerts_total),
        timeline: timeline(conn, id, texts)?,
        proposals: proposals::pending_of(conn, id)?,
        attempts: attempts::of_incident(conn, id, ATTEMPTS)?,
    }))
}

fn alerts(conn: &Connection, id: IncidentId, texts: Texts) -> Result<Vec<AlertRow>, Fault> {
    let mut statement = conn.prepare_cached(SELECT_ALERTS)?;
    let mut rows = statement.query(params![id.0, ALERTS])?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        alerts.push(texts.of_alert(alert_from_row(row)?));
    }
    Ok(alerts)
}

/// Reads a row of [`SELECT_ALERTS`] or [`SELECT_ALERT`].
fn alert_from_row(row: &Row<'_>) -> Result<AlertRow, Fault> {
    let (labels, annotations): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(AlertRow {
        fingerprint: row.get(0)?,
        source: SourceId(row.get(1)?),
        status: AlertStatus::from_code(row.get(2)?)?,
        starts_at: Timestamp::from_millis(row.get(3)?),
        ends_at: time(row.get(4)?),
        labels: json::<Labels>(&labels, "the labels of an alert")?,
        annotations: json::<Labels>(&annotations, "the annotations of an alert")?,
        generator_url: row.get(7)?,
        deliveries: count(row.get(8)?),
    })
}

fn timeline(conn: &Connection, id: IncidentId, texts: Texts) -> Result<Vec<TimelineRow>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT at, who, what, retracted_at FROM timeline WHERE incident = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![id.0, TIMELINE], |row| {
        Ok(TimelineRow {
            at: Timestamp::from_millis(row.get(0)?),
            who: texts.of(row.get(1)?),
            what: texts.of(row.get(2)?),
            retracted_at: time(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

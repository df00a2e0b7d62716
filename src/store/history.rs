//! History: what was run for an incident, and for earlier incidents of the same alert.
//!
//! Owns: the look-up by the alert's name, bounded in incidents and attempts. Does not: judge what helped.

use rusqlite::{Connection, params};

use super::error::Fault;
use super::view::{PastAttempt, PastIncident};
use super::{Reader, StoreError, attempts, incidents, proposals};
use crate::domain::action::spec::ActionSpec;
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;

/// Attempts of one incident that are looked at, the newest.
const ATTEMPTS: u32 = 30;

impl Reader<'_> {
    /// The newest attempts of an incident with what they ran, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn attempts_of(&self, incident: IncidentId) -> Result<Vec<PastAttempt>, StoreError> {
        self.named(attempts_of(self.conn, incident))
    }

    /// Other incidents of the same alert name as `incident`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the read failed.
    pub fn similar(&self, incident: &Incident, limit: u32) -> Result<Vec<PastIncident>, StoreError> {
        self.named(similar(self.conn, incident, limit))
    }

    /// The different values that the labels called `names` have in all alerts that an incident ever had, each with the label's
    /// name, in order. All of them: whoever keeps names back may miss none.
    ///
    /// # Errors
    /// When the read failed.
    pub fn label_values(&self, incident: IncidentId, names: &[&str]) -> Result<Vec<(String, String)>, StoreError> {
        self.named(label_values(self.conn, incident, names))
    }
}

fn label_values(conn: &Connection, incident: IncidentId, names: &[&str]) -> Result<Vec<(String, String)>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT label.key, label.value FROM alert, json_each(alert.labels) AS label
         WHERE alert.incident = ?1 AND label.key IN (SELECT value FROM json_each(?2))
         ORDER BY label.key, label.value",
    )?;
    let rows = statement.query_map(params![incident.0, serde_json::to_string(names)?], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn attempts_of(conn: &Connection, incident: IncidentId) -> Result<Vec<PastAttempt>, Fault> {
    let mut past = Vec::new();
    for attempt in attempts::of_incident(conn, incident, ATTEMPTS)?.into_iter().rev() {
        if let Some(proposal) = proposals::find(conn, attempt.proposal)? {
            let ActionSpec { invocation, step, target, labels_used, .. } = proposal.spec;
            past.push(PastAttempt { attempt, invocation, step, target, labels_used });
        }
    }
    Ok(past)
}

fn similar(conn: &Connection, incident: &Incident, limit: u32) -> Result<Vec<PastIncident>, Fault> {
    let Some((first, past_last)) = keys_of_same_alert(incident) else { return Ok(Vec::new()) };
    // The index on keys answers it; the prefix is compared as a range, so that no wildcard in a name counts.
    let mut statement = conn.prepare_cached(
        "SELECT id FROM incident WHERE key >= ?1 AND key < ?2 AND id <> ?3 ORDER BY id DESC LIMIT ?4",
    )?;
    let rows = statement.query_map(params![first, past_last, incident.id.0, limit], |row| row.get(0))?;
    let ids = rows.collect::<Result<Vec<i64>, _>>()?;
    let mut found = Vec::new();
    for id in ids.into_iter().map(IncidentId) {
        if let Some(incident) = incidents::load(conn, id)? {
            found.push(PastIncident { incident, attempts: attempts_of(conn, id)? });
        }
    }
    Ok(found)
}

/// The range of correlation keys that begin with the alert name of `incident`, half open; `None` without an alert name.
fn keys_of_same_alert(incident: &Incident) -> Option<(String, String)> {
    let values: Vec<String> = serde_json::from_str(&incident.key.0).ok()?;
    let name = values.first().filter(|name| !name.is_empty())?;
    let start = format!("[{}", serde_json::json!(name));
    // A key goes on with a comma, and `-` is the character after it.
    Some((format!("{start},"), format!("{start}-")))
}

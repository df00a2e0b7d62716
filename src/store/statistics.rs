//! What statistics are counted from: the runs of an SOP with their stories, and the times of their incidents.
//!
//! Owns: loading, bounded in runs. Does not: count (see `domain::run::statistics`).

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::convert::json;
use super::error::Fault;
use super::{Reader, StoreError, effects, incidents, runs};
use crate::domain::id::{IncidentId, SopId};
use crate::domain::incident::{IncidentEvent, IncidentState};
use crate::domain::journal::{Context, Payload};
use crate::domain::run::Run;
use crate::domain::run::statistics::{IncidentTimes, RunStory};
use crate::domain::run::story::Told;
use crate::domain::time::Timestamp;

/// Of one SOP so many runs are counted, the newest: more say what the document was like long ago.
const RUNS: u32 = 1_000;

impl Reader<'_> {
    /// The SOPs that there are runs of, with how many, by name.
    ///
    /// # Errors
    /// When the read failed.
    pub fn sops_run(&self) -> Result<Vec<(SopId, u32)>, StoreError> {
        let load = || {
            let mut statement = self.conn.prepare_cached("SELECT sop, count(*) FROM run GROUP BY sop ORDER BY sop")?;
            let rows = statement.query_map([], |row| Ok((SopId(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.named(load())
    }

    /// The newest runs of an SOP with their stories, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_stories(&self, sop: &SopId) -> Result<Vec<RunStory>, StoreError> {
        let load = || {
            let sql = "SELECT run FROM run WHERE sop = ?1 ORDER BY id DESC LIMIT ?2";
            let mut newest = runs::many(self.conn, sql, params![sop.as_str(), RUNS])?;
            newest.reverse();
            newest.into_iter().map(|run| story(self.conn, run)).collect::<Result<Vec<_>, Fault>>()
        };
        self.named(load())
    }

    /// The story of one run.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_story(&self, run: Run) -> Result<RunStory, StoreError> {
        self.named(story(self.conn, run))
    }

    /// When these incidents were opened, acknowledged and resolved; those that are not there are left out.
    ///
    /// # Errors
    /// When the read failed.
    pub fn incident_times(
        &self,
        ids: impl IntoIterator<Item = IncidentId>,
    ) -> Result<BTreeMap<IncidentId, IncidentTimes>, StoreError> {
        let load = || {
            let mut all = BTreeMap::new();
            for id in ids {
                if let Some(times) = times(self.conn, id)? {
                    all.insert(id, times);
                }
            }
            Ok(all)
        };
        self.named(load())
    }
}

fn story(conn: &Connection, run: Run) -> Result<RunStory, Fault> {
    let rows = runs::events(conn, run.id)?;
    let story = rows.into_iter().map(|row| Told { at: row.at, event: row.event }).collect();
    let changing = effects::changing(conn, run.incident, run.plan.after_attempt)?;
    Ok(RunStory { run, story, changing })
}

fn times(conn: &Connection, id: IncidentId) -> Result<Option<IncidentTimes>, Fault> {
    let Some(incident) = incidents::load(conn, id)? else { return Ok(None) };
    let acknowledged_at = acknowledged(conn, id, incident.opened_at)?;
    // An incident that was opened again keeps the time at which it was thought to be over.
    let resolved_at = match incident.state {
        IncidentState::Resolved => incident.resolved_at,
        IncidentState::Open | IncidentState::Acknowledged => None,
    };
    Ok(Some(IncidentTimes { opened_at: incident.opened_at, acknowledged_at, resolved_at }))
}

/// The first time since `opened` at which a person acknowledged an incident or was made its owner.
fn acknowledged(conn: &Connection, id: IncidentId, opened: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT context, payload FROM journal
         WHERE incident = ?1 AND (payload LIKE '%\"acknowledged\"%' OR payload LIKE '%\"assigned\"%') ORDER BY seq",
    )?;
    let mut rows = statement.query([id.0])?;
    while let Some(row) = rows.next()? {
        let (context, payload): (String, String) = (row.get(0)?, row.get(1)?);
        let Payload::Incident { event } = json(&payload, "an entry of the journal")? else { continue };
        let taken = match event {
            IncidentEvent::Acknowledged { .. } => true,
            IncidentEvent::Assigned { to, .. } => to.is_some(),
            _ => false,
        };
        let context: Context = json(&context, "the context of an entry")?;
        if taken && context.at >= opened {
            return Ok(Some(context.at));
        }
    }
    Ok(None)
}

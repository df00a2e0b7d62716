//! The index over incidents.
//!
//! Owns: which words an incident is found by, and finding it. An incident is indexed in a batch a moment after it was
//! stored, so that a burst of alerts does not wait for it; `incident_unindexed` says which are still to come.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::expression::{Needs, expression};
use super::sops::indexed;
use super::{FoundIn, IncidentFound};
use crate::domain::alert::Labels;
use crate::domain::id::IncidentId;
use crate::domain::incident::IncidentState;
use crate::domain::search::{Query, Snippet, snippet};
use crate::store::convert::{Code as _, json, severity};
use crate::store::error::Fault;

/// Every column is about the incident itself.
const OWN: &str = "title labels annotations notes compound";

/// Weights in the order of the table: title, labels, annotations, notes, compound.
const FIND: &str = "SELECT found.rowid, -found.rank, incident.title, incident.severity, incident.state
     FROM (SELECT rowid, rank FROM search_incident WHERE search_incident MATCH ?1 AND rank MATCH 'bm25(5, 2, 1, 3, 2)'
           ORDER BY rank LIMIT ?2) found
     JOIN incident ON incident.id = found.rowid
     ORDER BY found.rank, found.rowid DESC";

/// Alerts of an incident whose words count: a storm of thousands of alerts is found by the first ones.
const ALERTS: u32 = 20;

/// Notes of an incident that count, the newest.
const NOTES: u32 = 200;

/// Bytes of labels that count, as many of annotations, and as many of notes.
const TEXT_BYTES: usize = 8 * 1024;

/// The words of one incident.
struct Words {
    title: String,
    labels: String,
    annotations: String,
    /// What people noted, newest first; what they retracted is left out.
    notes: String,
}

/// Indexes at most `limit` incidents that have to be, the newest first; returns how many.
pub(super) fn index_some(conn: &Connection, limit: u32) -> Result<usize, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT incident FROM incident_unindexed ORDER BY incident DESC LIMIT ?1")?;
    let ids: Vec<i64> = statement.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in &ids {
        conn.prepare_cached("DELETE FROM search_incident WHERE rowid = ?1")?.execute([id])?;
        if let Some(words) = read(conn, *id)? {
            insert(conn, *id, &words)?;
        }
        conn.prepare_cached("DELETE FROM incident_unindexed WHERE incident = ?1")?.execute([id])?;
    }
    Ok(ids.len())
}

/// Whether there are incidents to index.
pub(super) fn are_behind(conn: &Connection) -> Result<bool, Fault> {
    let mut statement = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM incident_unindexed)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn insert(conn: &Connection, id: i64, words: &Words) -> Result<(), Fault> {
    let (title, of_title) = indexed(&words.title);
    let (labels, of_labels) = indexed(&words.labels);
    let (annotations, of_annotations) = indexed(&words.annotations);
    let (notes, of_notes) = indexed(&words.notes);
    let compound = [of_title, of_labels, of_annotations, of_notes].join(" ");
    conn.prepare_cached(
        "INSERT INTO search_incident (rowid, title, labels, annotations, notes, compound)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![id, title, labels, annotations, notes, compound])?;
    Ok(())
}

/// The texts of an incident; `None` when there is no such incident.
fn read(conn: &Connection, id: i64) -> Result<Option<Words>, Fault> {
    let found: Option<(String, String)> = conn
        .prepare_cached("SELECT title, search_labels FROM incident WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((title, search_labels)) = found else { return Ok(None) };
    let (mut labels, mut annotations) = (Lines::default(), Lines::default());
    let mut statement = conn.prepare_cached(
        "SELECT labels, annotations FROM alert WHERE incident = ?1 ORDER BY status, starts_at DESC, id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![id, ALERTS])?;
    while let Some(row) = rows.next()? {
        let of_alert: Labels = json(&row.get::<_, String>(0)?, "the labels of an alert")?;
        of_alert.iter().for_each(|(name, value)| labels.add(&format!("{name}={value}")));
        let of_alert: Labels = json(&row.get::<_, String>(1)?, "the annotations of an alert")?;
        of_alert.values().for_each(|value| annotations.add(value));
    }
    // Labels of alerts beyond those above, in lower case, as the filter of the queue knows them.
    search_labels.lines().for_each(|line| labels.add(line));
    Ok(Some(Words { title, labels: labels.text, annotations: annotations.text, notes: notes(conn, id)? }))
}

/// What a line of the timeline that is a note begins with; the triggers of the schema say the same.
const NOTE: &str = "note: ";

/// The notes of an incident, newest first.
fn notes(conn: &Connection, id: i64) -> Result<String, Fault> {
    let mut notes = Lines::default();
    let mut statement = conn.prepare_cached(
        "SELECT what FROM timeline WHERE incident = ?1 AND entry IS NOT NULL AND retracted_at IS NULL
         AND substr(what, 1, 6) = 'note: ' ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![id, NOTES])?;
    while let Some(row) = rows.next()? {
        let what: String = row.get(0)?;
        notes.add(what.strip_prefix(NOTE).unwrap_or(&what));
    }
    Ok(notes.text)
}

/// Lines, each once whatever its case, up to [`TEXT_BYTES`].
#[derive(Default)]
struct Lines {
    text: String,
    seen: BTreeSet<String>,
}

impl Lines {
    fn add(&mut self, line: &str) {
        let room = TEXT_BYTES.saturating_sub(self.text.len());
        let line = &line[..line.floor_char_boundary(room)];
        if !line.is_empty() && self.seen.insert(line.to_lowercase()) {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}

/// The best incidents for `query`, best first.
pub(super) fn find(conn: &Connection, query: &Query, needs: Needs, limit: usize) -> Result<Vec<IncidentFound>, Fault> {
    if query.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(FIND)?;
    let mut rows = statement.query(params![expression(query, OWN, needs), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let words = read(conn, id)?;
        // Title and severity stand beside it already: what is shown is why it was found.
        let texts = words.iter().flat_map(|words| {
            [(FoundIn::Note, &words.notes), (FoundIn::Alert, &words.annotations), (FoundIn::Alert, &words.labels)]
        });
        let mut snippets = texts.map(|(place, text)| (place, snippet(query, text)));
        let best = snippets.find(|(_, snippet)| !snippet.marks.is_empty());
        let (found_in, snippet) = best.unwrap_or((FoundIn::Title, Snippet::default()));
        found.push(IncidentFound {
            id: IncidentId(id),
            title: row.get(2)?,
            severity: severity(row.get(3)?)?,
            state: IncidentState::from_code(row.get(4)?)?,
            found_in,
            snippet,
            score: row.get(1)?,
        });
    }
    Ok(found)
}

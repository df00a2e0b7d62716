//! Purging texts from the tables.
//!
//! Owns: which rows are looked at, and writing what is left of them. Invariants: every text column of every table is looked
//! at, also of tables that are made later; a value that had to be JSON of a type still is. Does not: touch the journal (see
//! `entries`), or the search index, which is dropped and made anew.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::de::DeserializeOwned;

use super::{Depth, Scope};
use crate::domain::action::attempt::{Outcome, ProcessId};
use crate::domain::action::spec::{ActionSpec, StepRef};
use crate::domain::alert::Labels;
use crate::domain::digest::sha256_hex;
use crate::domain::policy::Ruling;
use crate::domain::purge::{NAMING, Needles};
use crate::domain::run::Run;
use crate::domain::run::event::RunEvent;
use crate::store::error::Fault;

/// Tables with another way: the journal, and what it names by hash.
const APART: [&str; 2] = ["journal", "blob"];

/// Rows of a table that belong to the incident `?1`.
const OF_INCIDENT: [(&str, &str); 9] = [
    ("incident", "id = ?1"),
    ("alert", "incident = ?1"),
    ("timeline", "incident = ?1"),
    ("proposal", "incident = ?1"),
    ("attempt", "incident = ?1"),
    ("message", "incident = ?1"),
    ("run", "incident = ?1"),
    ("run_event", "run IN (SELECT id FROM run WHERE incident = ?1)"),
    ("answer_under_way", "question IN (SELECT id FROM message WHERE incident = ?1)"),
];

/// What is written over the texts of an incident (`?1`), besides what is found in them.
const BLANKED: [&str; 6] = [
    "UPDATE incident SET title = '[purged]', search = '', search_labels = '' WHERE id = ?1",
    "UPDATE alert SET labels = (SELECT json_group_object(key, '[purged]') FROM json_each(labels)) WHERE incident = ?1",
    "UPDATE alert SET generator_url = NULL,
     annotations = (SELECT json_group_object(key, '[purged]') FROM json_each(annotations)) WHERE incident = ?1",
    "UPDATE message SET text = '[purged]', thoughts = '', source_check = NULL WHERE incident = ?1",
    "UPDATE timeline SET what = 'note: [purged]' WHERE incident = ?1 AND entry IS NOT NULL AND substr(what, 1, 6) = 'note: '",
    "UPDATE answer_under_way SET text = '[purged]' WHERE question IN (SELECT id FROM message WHERE incident = ?1)",
];

/// What was found in the tables.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Rows, by table.
    pub(super) rows: BTreeMap<String, u64>,
    /// Actions whose texts go.
    pub(super) proposals: BTreeSet<i64>,
    /// Messages whose texts go, with the hash of what they were.
    pub(super) messages: BTreeMap<i64, String>,
}

/// A table as far as it matters here.
struct Table {
    name: String,
    /// The columns that tell its rows apart.
    keys: Vec<String>,
    texts: Vec<String>,
    blobs: Vec<String>,
}

/// Purges what `scope` names from the tables, or only looks for it.
pub(super) fn purge(conn: &Connection, scope: &Scope, depth: Depth) -> Result<Touched, Fault> {
    let mut touched = Touched::default();
    match scope.incident {
        Some(incident) => {
            note_messages(conn, &format!("incident = {incident}"), &mut touched)?;
            for table in tables(conn)? {
                let Some((_, rows)) = OF_INCIDENT.iter().find(|(name, _)| *name == table.name) else { continue };
                let condition = rows.replace("?1", &incident.to_string());
                touched.count(&table.name, count(conn, &table.name, &condition)?);
                mask(conn, &table, &condition, (&scope.needles, NAMING), depth, &mut touched)?;
            }
            touched.proposals.extend(numbers(conn, &format!("SELECT id FROM proposal WHERE incident = {incident}"))?);
            if depth == Depth::Purge {
                blank(conn, incident.0)?;
            }
        }
        None if scope.needles.is_empty() => {}
        None => {
            for table in tables(conn)?.iter().filter(|table| !APART.contains(&table.name.as_str())) {
                let before: u64 = touched.rows.values().sum();
                mask(conn, table, "1", (&scope.needles, &[]), depth, &mut touched)?;
                let found = touched.rows.values().sum::<u64>() > before;
                if found {
                    tracing::info!(table = table.name, "texts are purged");
                }
            }
        }
    }
    Ok(touched)
}

/// Whether one of `needles` stands anywhere in a database, its journal and what that names by hash among it.
pub(super) fn are_in(conn: &Connection, needles: &Needles) -> Result<bool, Fault> {
    for table in tables(conn)? {
        let columns = [table.texts.as_slice(), &table.blobs].concat();
        if columns.is_empty() {
            continue;
        }
        let mut statement = conn.prepare(&format!("SELECT {} FROM \"{}\"", columns.join(", "), table.name))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns.len() {
                if bytes_of(&row.get(column)?).is_some_and(|bytes| needles.are_in(bytes)) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Deletes the stored reviews with these hashes and those in which one of `needles` stands; how many there are.
pub(super) fn purge_reviews(
    conn: &Connection,
    hashes: &BTreeSet<String>,
    needles: &Needles,
    depth: Depth,
) -> Result<u64, Fault> {
    let mut gone = Vec::new();
    {
        let mut statement = conn.prepare("SELECT hash, bytes FROM blob")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (hash, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
            if hashes.contains(&hash) || needles.are_in(&bytes) {
                gone.push(hash);
            }
        }
    }
    if depth == Depth::Purge {
        for hash in &gone {
            conn.execute("DELETE FROM blob WHERE hash = ?1", [hash])?;
        }
    }
    Ok(gone.len() as u64)
}

/// The first column of every row that `sql` gives.
pub(super) fn numbers(conn: &Connection, sql: &str) -> Result<Vec<i64>, Fault> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn count(conn: &Connection, table: &str, condition: &str) -> Result<u64, Fault> {
    let sql = format!("SELECT count(*) FROM \"{table}\" WHERE {condition}");
    Ok(conn.query_row(&sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

impl Touched {
    fn count(&mut self, table: &str, rows: u64) {
        if rows > 0 {
            *self.rows.entry(table.to_owned()).or_default() += rows;
        }
    }
}

/// The tables of a database, without those of SQLite and of the search index.
fn tables(conn: &Connection) -> Result<Vec<Table>, Fault> {
    let mut statement = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE 'search\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names.into_iter().map(|name| table(conn, name)).collect()
}

fn table(conn: &Connection, name: String) -> Result<Table, Fault> {
    let mut statement = conn.prepare(&format!("PRAGMA table_info(\"{name}\")"))?;
    let mut rows = statement.query([])?;
    let mut table = Table { name, keys: Vec::new(), texts: Vec::new(), blobs: Vec::new() };
    while let Some(row) = rows.next()? {
        let (column, kind, key): (String, String, i64) = (row.get(1)?, row.get(2)?, row.get(5)?);
        let quoted = format!("\"{column}\"");
        match kind.as_str() {
            "TEXT" => table.texts.push(quoted.clone()),
            "BLOB" => table.blobs.push(quoted.clone()),
            _ => {}
        }
        if key > 0 {
            table.keys.push(quoted);
        }
    }
    Ok(table)
}

/// Purges `what` from the rows of a table that `condition` names.
fn mask(
    conn: &Connection,
    table: &Table,
    condition: &str,
    what: (&Needles, &[&str]),
    depth: Depth,
    touched: &mut Touched,
) -> Result<(), Fault> {
    let (needles, keep) = what;
    let mut changes: Vec<Change> = Vec::new();
    let columns = [table.keys.as_slice(), &table.texts, &table.blobs].concat();
    {
        let sql = format!("SELECT {} FROM \"{}\" WHERE {condition}", columns.join(", "), table.name);
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..columns.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            let (keys, values) = values.split_at(table.keys.len());
            let (texts, blobs) = values.split_at(table.texts.len());
            if blobs.iter().filter_map(bytes_of).any(|bytes| needles.are_in(bytes)) {
                // A body that could not be read, named by its hash: there is no part of it that could stay.
                changes.push(Change { keys: keys.to_vec(), set: Vec::new() });
                continue;
            }
            let set: Vec<(String, String)> = (table.texts.iter().zip(texts))
                .filter_map(|(column, value)| {
                    let Value::Text(text) = value else { return None };
                    let reads = |text: &str| reads(&table.name, column, text);
                    Some((column.clone(), needles.mask_document(text, keep, &reads)?))
                })
                .collect();
            if !set.is_empty() {
                touched.note(&table.name, keys, (&table.texts, texts));
                changes.push(Change { keys: keys.to_vec(), set });
            }
        }
    }
    // Those of an incident are counted as a whole.
    if condition == "1" {
        touched.count(&table.name, changes.len() as u64);
    }
    if depth == Depth::Purge {
        changes.iter().try_for_each(|change| change.apply(conn, table))?;
    }
    Ok(())
}

impl Touched {
    /// Notes the actions and messages that are concerned.
    fn note(&mut self, table: &str, keys: &[Value], texts: (&[String], &[Value])) {
        let Some(Value::Integer(id)) = keys.first() else { return };
        match table {
            "proposal" => {
                self.proposals.insert(*id);
            }
            "message" => {
                let text = texts.0.iter().zip(texts.1).find(|(column, _)| *column == "\"text\"");
                if let Some((_, Value::Text(text))) = text {
                    self.messages.insert(*id, sha256_hex(text.as_bytes()));
                }
            }
            _ => {}
        }
    }
}

/// What becomes of a row.
struct Change {
    keys: Vec<Value>,
    /// New texts by column; none when the row goes.
    set: Vec<(String, String)>,
}

impl Change {
    fn apply(&self, conn: &Connection, table: &Table) -> Result<(), Fault> {
        let clause = |columns: &[String], from: usize, between: &str| {
            let parts: Vec<String> =
                columns.iter().enumerate().map(|(at, column)| format!("{column} = ?{}", from + at)).collect();
            parts.join(between)
        };
        let rows = clause(&table.keys, 1, " AND ");
        if self.set.is_empty() {
            let sql = format!("DELETE FROM \"{}\" WHERE {rows}", table.name);
            conn.execute(&sql, params_from_iter(&self.keys))?;
            return Ok(());
        }
        let columns: Vec<String> = self.set.iter().map(|(column, _)| column.clone()).collect();
        let set = clause(&columns, self.keys.len() + 1, ", ");
        let texts = self.set.iter().map(|(_, text)| Value::Text(text.clone()));
        let sql = format!("UPDATE \"{}\" SET {set} WHERE {rows}", table.name);
        conn.execute(&sql, params_from_iter(self.keys.iter().cloned().chain(texts)))?;
        Ok(())
    }
}

fn note_messages(conn: &Connection, condition: &str, touched: &mut Touched) -> Result<(), Fault> {
    let mut statement = conn.prepare(&format!("SELECT id, text FROM message WHERE {condition}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        touched.messages.insert(row.get(0)?, sha256_hex(row.get::<_, String>(1)?.as_bytes()));
    }
    Ok(())
}

/// Writes over the texts of an incident as wholes.
fn blank(conn: &Connection, incident: i64) -> Result<(), Fault> {
    for sql in BLANKED {
        conn.execute(sql, [incident])?;
    }
    Ok(())
}

/// Whether a text is still what its column has to hold.
fn reads(table: &str, column: &str, text: &str) -> bool {
    fn is<T: DeserializeOwned>(text: &str) -> bool {
        serde_json::from_str::<T>(text).is_ok()
    }
    match (table, column.trim_matches('"')) {
        ("proposal", "spec") => is::<ActionSpec>(text),
        ("proposal", "ruling") => is::<Ruling>(text),
        ("attempt", "step") => is::<StepRef>(text),
        ("attempt", "outcome") => is::<Outcome>(text),
        ("attempt", "supervisor") => is::<ProcessId>(text),
        ("alert", "labels" | "annotations") => is::<Labels>(text),
        ("run", "run") => is::<Run>(text),
        ("run_event", "event") => is::<RunEvent>(text),
        _ => true,
    }
}

fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Blob(bytes) => Some(bytes),
        Value::Null | Value::Integer(_) | Value::Real(_) => None,
    }
}

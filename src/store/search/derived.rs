//! Making and unmaking the search index.
//!
//! Owns: its tables and their format. Invariant: nothing but the index is lost when it is dropped: SOPs are read from the
//! library again, incidents from their tables.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::error::Fault;

/// The tables of the index.
const TABLES: &str = include_str!("derived.sql");

/// Counts up whenever words are cut in another way or a table looks different: an index of another format is dropped.
const FORMAT: i64 = 2;

/// The full-text tables, and then the ordinary ones, in the order in which they can be dropped.
const NAMES: [&str; 5] = ["search_sop", "search_incident", "search_node", "search_document", "search_format"];

/// What SQLite's check says of a full-text table of ours that is damaged: how it begins, and which table it names.
const DAMAGE: [(&str, &str); 3] = [
    ("malformed inverted index for FTS5 table ", "main.search_"),
    ("unable to validate the inverted index for FTS5 table ", "main.search_"),
    ("fts5: ", "table \"search_"),
];

/// Whether the index is there, whole as far as its tables go, and of our format.
pub(in crate::store) fn is_there(conn: &Connection) -> Result<bool, Fault> {
    let tables: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
             AND name IN ('search_sop', 'search_incident', 'search_node', 'search_document', 'search_format')",
        )?
        .query_row([], |row| row.get(0))?;
    if usize::try_from(tables).unwrap_or(0) < NAMES.len() {
        return Ok(false);
    }
    let format: Option<i64> =
        conn.prepare_cached("SELECT version FROM search_format")?.query_row([], |row| row.get(0)).optional()?;
    Ok(format == Some(FORMAT))
}

/// Makes an empty index.
pub(super) fn create(conn: &Connection) -> Result<(), Fault> {
    conn.execute_batch(TABLES)?;
    conn.execute("INSERT INTO search_format (id, version) VALUES (1, ?1)", params![FORMAT])?;
    Ok(())
}

/// Drops what there is of an index.
pub(in crate::store) fn drop_tables(conn: &Connection) -> Result<(), Fault> {
    for name in NAMES {
        conn.execute_batch(&format!("DROP TABLE IF EXISTS {name}"))?;
    }
    Ok(())
}

/// Drops what there is of an index, makes an empty one, and notes that every incident has to be indexed.
pub(super) fn renew(conn: &Connection) -> Result<(), Fault> {
    drop_tables(conn)?;
    create(conn)?;
    conn.execute("INSERT OR IGNORE INTO incident_unindexed (incident) SELECT id FROM incident", [])?;
    Ok(())
}

/// Whether a finding of SQLite's check is about the index alone, which is no damage to what is stored.
pub(in crate::store) fn is_about_index(finding: &str) -> bool {
    DAMAGE.iter().any(|(beginning, table)| finding.starts_with(beginning) && finding.contains(table))
}

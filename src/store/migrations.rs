//! Migrations: the schema and its versions.
//!
//! Owns: which schema this program writes. Does not: decide when to migrate; `open` does, under the file lock.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[
    M::up(include_str!("schema/001_initial.sql")),
    M::up(include_str!("schema/002_chat.sql")),
    M::up(include_str!("schema/003_hands.sql")),
    M::up(include_str!("schema/004_search.sql")),
    M::up(include_str!("schema/005_answers.sql")),
    M::up(include_str!("schema/006_under_way.sql")),
    M::up(include_str!("schema/007_journal.sql")),
    M::up(include_str!("schema/008_runs.sql")),
    M::up(include_str!("schema/009_policy.sql")),
    M::up(include_str!("schema/010_outcomes.sql")),
    M::up(include_str!("schema/011_scopes.sql")),
];

/// The schema version that this program writes: SQLite's `user_version` after the last migration.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// `application_id` of our files ("AIOP"), so that a database of another program is recognised.
pub(super) const APPLICATION_ID: i64 = 0x4149_4f50;

/// The schema version of an open file; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// What a schema consists of: type, name and text of each object, in order. What SQLite makes by itself and the search index,
/// which is no part of the schema, are left out.
pub(super) fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String, String)>> {
    let mut statement = connection.prepare(
        "SELECT type, name, ifnull(sql, '') FROM sqlite_schema
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'search\\_%' ESCAPE '\\' ORDER BY type, name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

/// The [`objects`] that a file of schema `version` has; `None` for a version that this program does not know.
pub(super) fn expected_objects(version: i64) -> Option<Vec<(String, String, String)>> {
    let steps = STEPS.get(..usize::try_from(version).ok()?)?;
    let mut connection = Connection::open_in_memory().ok()?;
    if !steps.is_empty() {
        Migrations::from_slice(steps).to_latest(&mut connection).ok()?;
    }
    objects(&connection).ok()
}

/// Whether an open file without any schema version of ours holds tables: then it belongs to another program.
pub(super) fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects > 0 && id != APPLICATION_ID)
}

/// Brings the file up to [`VERSION`]. Each step is a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Migrations::from_slice(STEPS).to_latest(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_valid_sql_and_lead_to_our_version() {
        Migrations::from_slice(STEPS).validate().unwrap();
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(!is_foreign(&connection).unwrap());
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), VERSION);
        assert!(!is_foreign(&connection).unwrap());
    }

    #[test]
    fn tables_of_others_are_recognised() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        assert!(is_foreign(&connection).unwrap());
    }
}

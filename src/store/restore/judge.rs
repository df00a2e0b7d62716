//! Whether a database is damaged, and whether it is ours.
//!
//! Owns: the checks. Invariant: nothing is changed by looking. To be called under the exclusive lock, since closing a file
//! that this process has open elsewhere would drop SQLite's locks on it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rusqlite::Connection;

use super::connect_damaged;
use crate::store::backup::backups_of;
use crate::store::error::{StoreError, from_sqlite};
use crate::store::open::beside;
use crate::store::{migrations, search};

/// One finding of damage is enough; some more, since those about the search index do not count.
const QUICK_CHECK: &str = "PRAGMA quick_check(8)";

/// The same, and whether each index has an entry for each row: only where something was found damaged before.
const WHOLE_CHECK: &str = "PRAGMA integrity_check(8)";

/// Where the `application_id` stands in a database (sqlite.org/fileformat.html, big-endian).
const APPLICATION_ID_AT: u64 = 68;

/// The first four bytes of a write-ahead log, for either order of bytes in its checksums.
const WAL_MAGIC: [u32; 2] = [0x377f_0682, 0x377f_0683];

/// The first finding of SQLite's quick check that is not about the search index, which is made anew when it is damaged.
pub(in crate::store) fn first_damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    first_finding(connection, QUICK_CHECK)
}

fn first_finding(connection: &Connection, check: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare(check)?;
    let findings: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(findings.into_iter().find(|finding| finding != "ok" && !search::is_about_index(finding)))
}

/// What is damaged in the database at `path`; `None` when nothing is found.
///
/// # Errors
/// When it cannot be looked at, for a reason that is no damage.
pub(super) fn damage(path: &Path) -> Result<Option<String>, StoreError> {
    match look(path) {
        Ok(found) => Ok(found),
        Err(StoreError::Corrupt { detail, .. }) => Ok(Some(detail)),
        Err(StoreError::NotADatabase { .. }) => Ok(Some("its first page is no database's".to_owned())),
        Err(other) => Err(other),
    }
}

fn look(path: &Path) -> Result<Option<String>, StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(path, &error);
    let connection = connect_damaged(path)?;
    if let Some(finding) = first_finding(&connection, WHOLE_CHECK).map_err(of_sqlite)? {
        return Ok(Some(finding));
    }
    let version = migrations::version(&connection).map_err(of_sqlite)?;
    let objects = migrations::objects(&connection).map_err(of_sqlite)?;
    // A newer program's file is no damaged one of ours.
    let differs = migrations::expected_objects(version).is_some_and(|expected| expected != objects);
    if differs && !objects.is_empty() {
        return Ok(Some(format!("its tables are not those of schema {version}")));
    }
    if objects.is_empty() && !backups_of(path).is_empty() {
        return Ok(Some("it is empty, and there are backups of it".to_owned()));
    }
    Ok(None)
}

/// Whether there is a sign that the file at `path` was written by this program, even if it cannot be opened.
pub(super) fn is_ours(path: &Path) -> bool {
    let number = |file: &Path, at: u64| -> Option<u32> {
        let mut bytes = [0; 4];
        let mut file = File::open(file).ok()?;
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let ours = number(path, APPLICATION_ID_AT).is_some_and(|id| i64::from(id) == migrations::APPLICATION_ID);
    let has_log = || number(&beside(path, "-wal"), 0).is_some_and(|magic| WAL_MAGIC.contains(&magic));
    ours || !backups_of(path).is_empty() || has_log()
}

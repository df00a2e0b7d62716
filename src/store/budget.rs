//! What the store takes up on the disk, and erasing what may go when that is too much.
//!
//! Owns: measuring the database and its backups, and the erasures inside the database. Does not: decide what goes first
//! (`domain::keeping::Erasable`), or know how attempts keep their outputs: whoever erases hands that in.
//!
//! Invariants: an erasure is an entry of the journal that is stored before anything is gone. No journal entry, proposal,
//! attempt or outcome is ever erased here.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::attempt_state;
use super::error::Fault;
use super::{Store, StoreError, backup, search};
use crate::domain::actor::Actor;
use crate::domain::journal::Payload;
use crate::domain::keeping::{Erasable, Erased, Usage};
use crate::domain::time::Timestamp;

/// The row of `setting` that says that the search index was dropped; its value is empty.
const INDEX_DROPPED: &str = "search index dropped";

/// Alerts whose details are erased in one transaction.
const PIECE: u32 = 500;

/// Attempts that are asked for their outputs in one go.
const OUTPUTS: u32 = 1_000;

/// An attempt that is over and may have an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldOutput {
    /// The directory of the attempt.
    pub directory: String,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Store {
    /// What the store takes up; `outputs` is what the attempts do.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn usage(&self, outputs: u64) -> Result<Usage, StoreError> {
        let path = self.path().to_owned();
        let inside = self.read_view(|reader| reader.named(used(reader.conn))).await?;
        let log = backup::size_with_log(&path).saturating_sub(file_size(&path));
        let backups = backup::backups_of(&path).iter().map(|backup| backup.bytes).sum();
        Ok(Usage { database: inside.saturating_add(log), outputs, backups })
    }

    /// Drops the search index until [`Store::allow_search_index`]; `None` when there is none.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn drop_search_index(&self, reason: &str) -> Result<Option<Erased>, StoreError> {
        let reason = reason.to_owned();
        self.write(move |write| {
            if !search::is_there(write.conn)? {
                return Ok(None);
            }
            let before = used(write.conn)?;
            search::drop_tables(write.conn)?;
            let bytes = before.saturating_sub(used(write.conn)?);
            write
                .conn
                .prepare_cached("INSERT OR REPLACE INTO setting (name, value, at) VALUES (?1, '', ?2)")?
                .execute(params![INDEX_DROPPED, write.at.as_millis()])?;
            let erased = Erased { what: Erasable::SearchIndex, count: 1, bytes };
            write.journal(None, &Actor::engine("keeping"), &entry(erased, reason))?;
            Ok(Some(erased))
        })
        .await
    }

    /// Lets the search index be made again; whether it was dropped.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn allow_search_index(&self) -> Result<bool, StoreError> {
        if !self.read_view(|reader| reader.named(is_index_dropped(reader.conn))).await? {
            return Ok(false);
        }
        self.write(|write| {
            let gone = write.conn.execute("DELETE FROM setting WHERE name = ?1", [INDEX_DROPPED])?;
            Ok(gone > 0)
        })
        .await
    }

    /// Attempts that ended before `before` and whose output may be erased, the oldest first, at most a thousand that ended
    /// after `after`.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn old_outputs(&self, after: Timestamp, before: Timestamp) -> Result<Vec<OldOutput>, StoreError> {
        self.read_view(move |reader| {
            let load = || -> Result<Vec<OldOutput>, Fault> {
                let mut statement = reader.conn.prepare_cached(
                    "SELECT directory, ended_at FROM attempt WHERE state = ?1 AND ended_at > ?2 AND ended_at < ?3
                     AND output_bytes > 0 ORDER BY ended_at LIMIT ?4",
                )?;
                let limits = params![attempt_state::ENDED, after.as_millis(), before.as_millis(), OUTPUTS];
                let rows = statement.query_map(limits, |row| {
                    Ok(OldOutput { directory: row.get(0)?, ended_at: Timestamp::from_millis(row.get(1)?) })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            };
            reader.named(load())
        })
        .await
    }

    /// Notes in the journal that outputs are erased next.
    ///
    /// # Errors
    /// When the store failed; nothing may be erased then.
    pub async fn erasing_outputs(&self, count: u64, bytes: u64, reason: &str) -> Result<(), StoreError> {
        self.note(entry(Erased { what: Erasable::Outputs, count, bytes }, reason.to_owned())).await
    }

    /// Removes the oldest backups until `needed` bytes are free or only the newest one is left.
    ///
    /// # Errors
    /// When the store failed or a file cannot be removed.
    pub async fn erase_old_backups(&self, needed: u64, reason: &str) -> Result<Option<Erased>, StoreError> {
        let mut gone = Vec::new();
        let mut bytes = 0;
        // The newest comes first and stays.
        for old in backup::backups_of(self.path()).into_iter().skip(1).rev() {
            if bytes >= needed {
                break;
            }
            bytes += old.bytes;
            gone.push(old);
        }
        let count = gone.len() as u64;
        let bytes = self.remove_backups(gone, reason).await?;
        Ok((count > 0).then_some(Erased { what: Erasable::Backups, count, bytes }))
    }

    /// Erases the annotations of alerts whose incident was resolved longer than `age` ago, the oldest first, some hundred of
    /// them; `None` when there are none.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn erase_details(&self, age: Duration, reason: &str) -> Result<Option<Erased>, StoreError> {
        let reason = reason.to_owned();
        self.write_grouped(move |write| {
            let old: Vec<(i64, i64)> = {
                let mut statement = write.conn.prepare_cached(
                    "SELECT alert.id, length(CAST(annotations AS BLOB)) FROM incident INDEXED BY incident_resolved
                     JOIN alert ON alert.incident = incident.id
                     WHERE incident.state = 2 AND incident.resolved_at < ?1 AND annotations <> '{}'
                     ORDER BY incident.resolved_at LIMIT ?2",
                )?;
                let before = write.at.minus(age).as_millis();
                let rows = statement.query_map(params![before, PIECE], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            if old.is_empty() {
                return Ok(None);
            }
            let bytes = old.iter().map(|(_, bytes)| bytes.unsigned_abs()).sum();
            for (id, _) in &old {
                write.conn.prepare_cached("UPDATE alert SET annotations = '{}' WHERE id = ?1")?.execute([id])?;
            }
            let erased = Erased { what: Erasable::Details, count: old.len() as u64, bytes };
            write.journal(None, &Actor::engine("keeping"), &entry(erased, reason))?;
            Ok(Some(erased))
        })
        .await
    }
}

fn entry(erased: Erased, reason: String) -> Payload {
    let Erased { what, count, bytes } = erased;
    Payload::Erased { what, count, bytes, reason }
}

/// Whether the search index was dropped for the disk budget.
pub(super) fn is_index_dropped(conn: &Connection) -> Result<bool, Fault> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM setting WHERE name = ?1")?;
    Ok(statement.query_row([INDEX_DROPPED], |_| Ok(())).optional()?.is_some())
}

/// Bytes of the pages in use.
fn used(conn: &Connection) -> Result<u64, Fault> {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok(pages.saturating_mul(number("PRAGMA page_size")?).max(0).unsigned_abs())
}

fn file_size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

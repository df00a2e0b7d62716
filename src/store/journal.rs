//! Reading the journal: verifying its chain, and handing it out.
//!
//! Owns: the walk over the stored entries. Does not: append (see `write`) or know the rules of the chain (see
//! `domain::journal`). A chain alone does not show that its end was cut off; for that its head has to be kept elsewhere.

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::error::Fault;
use super::{Reader, Store, StoreError};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::{Break, StoredEntry, Verifier};

const SELECT: &str = "SELECT seq, incident, version, context, payload, previous, hash FROM journal";

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// Entries that are in order, from the first.
    pub entries: i64,
    /// Hash of the last of them.
    pub head: String,
    /// Whether all are.
    pub ok: bool,
    /// Where the chain is broken.
    pub broken: Option<Break>,
}

impl Store {
    /// Walks the whole journal and checks its chain, without holding more than one entry in memory.
    ///
    /// # Errors
    /// When the journal cannot be read. A broken chain is no error but a report.
    pub async fn verify(&self) -> Result<JournalReport, StoreError> {
        self.read_view(|reader| reader.verify()).await
    }
}

impl Reader<'_> {
    /// As [`Store::verify`].
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub fn verify(&self) -> Result<JournalReport, StoreError> {
        self.named(verify(self.conn))
    }

    /// At most `limit` entries after `after`, in order; from the first with `JournalSeq(0)`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entries(&self, after: JournalSeq, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        let load = || -> Result<Vec<StoredEntry>, Fault> {
            let sql = format!("{SELECT} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
            let mut statement = self.conn.prepare_cached(&sql)?;
            let entries = statement.query_map([after.0, i64::from(limit)], from_row)?;
            Ok(entries.collect::<Result<_, _>>()?)
        };
        self.named(load())
    }
}

fn verify(conn: &Connection) -> Result<JournalReport, Fault> {
    let mut statement = conn.prepare(&format!("{SELECT} ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut verifier = Verifier::default();
    let mut broken = None;
    while let Some(row) = rows.next()? {
        if let Err(found) = verifier.check(&from_row(row)?) {
            broken = Some(found);
            break;
        }
    }
    Ok(JournalReport { entries: verifier.entries(), head: verifier.head().to_owned(), ok: broken.is_none(), broken })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry {
        seq: JournalSeq(row.get(0)?),
        incident: row.get::<_, Option<i64>>(1)?.map(IncidentId),
        version: row.get(2)?,
        context: row.get(3)?,
        payload: row.get(4)?,
        previous: row.get(5)?,
        hash: row.get(6)?,
    })
}

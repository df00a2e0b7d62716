//! Reading the journal: verifying its chain and what it names by hash, and handing it out.
//!
//! Owns: the walk over the stored entries. Does not: read files (whoever verifies outputs hands in how), append (see `write`) or know the rules of the chain (see
//! `domain::journal`). A chain alone does not show that its end was cut off; for that its head has to be kept elsewhere.

use std::io;

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use super::error::Fault;
use super::{Reader, Store, StoreError};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::{Break, Payload, StoredEntry, Verifier};

const SELECT: &str = "SELECT seq, incident, version, context, payload, previous, hash FROM journal";

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// Entries that are in order, from the first.
    pub entries: i64,
    /// Hash of the last of them.
    pub head: String,
    /// Whether all are, and nothing that they name by hash was altered.
    pub ok: bool,
    /// Where the chain is broken.
    pub broken: Option<Break>,
    /// What lies outside the chain and is named in it by hash: reviews as they were shown, outputs of attempts.
    pub payloads: PayloadReport,
}

/// What became of the payloads that the journal names by hash. One that is missing was erased, which is allowed: the chain
/// stays whole without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PayloadReport {
    /// Payloads that were hashed.
    pub checked: u64,
    /// Payloads that are not there any more.
    pub missing: u64,
    /// Outputs that are there and could not be read.
    pub unreadable: u64,
    /// The first of those, at the entry that names it, and why not.
    pub first_unreadable: Option<Break>,
    /// Checked payloads that have another hash.
    pub altered: u64,
    /// The first of those, at the entry that names it.
    pub first_altered: Option<Break>,
}

/// Hashes the output of the attempt in a directory: SHA-256 in hexadecimal digits, `None` when there is no output.
pub type HashOutput<'a> = &'a mut dyn FnMut(&str) -> io::Result<Option<String>>;

impl PayloadReport {
    fn take(&mut self, entry: JournalSeq, what: &str, expected: &str, found: io::Result<Option<String>>) {
        match found {
            Ok(Some(hash)) => {
                self.checked += 1;
                if hash != expected {
                    self.altered += 1;
                    self.first_altered
                        .get_or_insert_with(|| Break { seq: entry, reason: format!("{what} was changed afterwards") });
                }
            }
            Ok(None) => self.missing += 1,
            Err(error) => {
                self.unreadable += 1;
                self.first_unreadable
                    .get_or_insert_with(|| Break { seq: entry, reason: format!("{what} could not be read: {error}") });
            }
        }
    }
}

impl Store {
    /// Walks the whole journal and checks its chain and the stored reviews, without holding more than one entry in memory.
    /// Outputs of attempts are files and are not looked at; [`Reader::verify`] does that.
    ///
    /// # Errors
    /// When the journal cannot be read. A broken chain is no error but a report.
    pub async fn verify(&self) -> Result<JournalReport, StoreError> {
        self.read_view(|reader| reader.named(verify(reader.conn, None))).await
    }
}

impl Reader<'_> {
    /// As [`Store::verify`], and checks the outputs of attempts by what `hash_output` makes of their directories.
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub fn verify(&self, hash_output: HashOutput<'_>) -> Result<JournalReport, StoreError> {
        self.named(verify(self.conn, Some(hash_output)))
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

impl Reader<'_> {
    /// As [`Reader::entries`], only those of one incident.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entries_of(
        &self,
        incident: IncidentId,
        after: JournalSeq,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let load = || -> Result<Vec<StoredEntry>, Fault> {
            let sql = format!("{SELECT} WHERE incident = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
            let mut statement = self.conn.prepare_cached(&sql)?;
            let entries = statement.query_map([incident.0, after.0, i64::from(limit)], from_row)?;
            Ok(entries.collect::<Result<_, _>>()?)
        };
        self.named(load())
    }
}

/// The entry at one position; `None` when there is none.
pub(super) fn entry_at(conn: &Connection, seq: JournalSeq) -> Result<Option<StoredEntry>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE seq = ?1"))?;
    Ok(statement.query_row([seq.0], from_row).optional()?)
}

/// The last `limit` entries, in order.
pub(super) fn tail(conn: &Connection, limit: u32) -> Result<Vec<StoredEntry>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} ORDER BY seq DESC LIMIT ?1"))?;
    let entries = statement.query_map([limit], from_row)?;
    let mut entries: Vec<StoredEntry> = entries.collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

fn verify(conn: &Connection, mut hash_output: Option<HashOutput<'_>>) -> Result<JournalReport, Fault> {
    let mut statement = conn.prepare(&format!("{SELECT} ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut verifier = Verifier::default();
    let mut broken = None;
    let mut payloads = PayloadReport::default();
    while let Some(row) = rows.next()? {
        let entry = from_row(row)?;
        if let Err(found) = verifier.check(&entry) {
            broken = Some(found);
            break;
        }
        check_named(conn, &entry, &mut payloads, &mut hash_output)?;
    }
    let ok = broken.is_none() && payloads.altered == 0;
    Ok(JournalReport { entries: verifier.entries(), head: verifier.head().to_owned(), ok, broken, payloads })
}

/// Checks what an entry names by hash.
fn check_named(
    conn: &Connection,
    entry: &StoredEntry,
    payloads: &mut PayloadReport,
    hash_output: &mut Option<HashOutput<'_>>,
) -> Result<(), Fault> {
    // An entry of another version of this program is in the chain all the same, but what it names is not known here.
    match serde_json::from_str(&entry.payload) {
        Ok(Payload::Granted { proposal, rendered, .. }) => {
            let mut statement = conn.prepare_cached("SELECT bytes FROM blob WHERE hash = ?1")?;
            let bytes: Option<Vec<u8>> = statement.query_row([&rendered], |row| row.get(0)).optional()?;
            let hash = bytes.map(|bytes| sha256_hex(&bytes));
            payloads.take(
                entry.seq,
                &format!("the review of proposal {proposal} as it was shown"),
                &rendered,
                Ok(hash),
            );
        }
        Ok(Payload::Ended { attempt, output_digest, .. }) if !output_digest.is_empty() => {
            let Some(hash_output) = hash_output else { return Ok(()) };
            let mut statement = conn.prepare_cached("SELECT directory FROM attempt WHERE id = ?1")?;
            let directory: Option<String> = statement.query_row([attempt.0], |row| row.get(0)).optional()?;
            let hash = directory.map_or(Ok(None), |directory| hash_output(&directory));
            payloads.take(entry.seq, &format!("the output of attempt {attempt}"), &output_digest, hash);
        }
        Ok(_) | Err(_) => {}
    }
    Ok(())
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

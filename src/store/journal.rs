//! Reading the journal: entries, its head, and what in it is worth keeping elsewhere.
//!
//! Owns: the rows. Does not: append (see `write`) or verify (see `verify`).

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params};

use super::error::Fault;
use super::{Reader, StoreError};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::anchor::AnchorCause;
use crate::domain::journal::purged::{Claim, Claims};
use crate::domain::journal::{Break, Payload, StoredEntry};

/// Every column of an entry.
pub(super) const SELECT: &str = "SELECT seq, incident, version, about, context, payload, previous, hash FROM journal";

/// How entries that name something by hash call themselves in JSON.
pub(super) const NAMING: [&str; 2] = ["\"granted\"", "\"ended\""];

/// The head of the journal, and which journal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalHead {
    /// The file that holds it.
    pub database: String,
    /// Name of this host.
    pub host: String,
    /// Hash of the first entry.
    pub journal: String,
    /// The last entry.
    pub seq: JournalSeq,
    /// Its hash.
    pub hash: String,
}

impl Reader<'_> {
    /// The head of the journal; `None` when there is no entry.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn journal_head(&self) -> Result<Option<JournalHead>, StoreError> {
        let load = || -> Result<Option<JournalHead>, Fault> {
            let Some(journal) = first_hash(self.conn)? else { return Ok(None) };
            let last = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
            let last = self.conn.prepare_cached(last)?.query_row([], |row| Ok((JournalSeq(row.get(0)?), row.get(1)?)));
            let (seq, hash) = last?;
            Ok(Some(JournalHead { database: self.place(), host: self.identity.host.clone(), journal, seq, hash }))
        };
        self.named(load())
    }

    /// Why the head is to be kept elsewhere after what came since the entry `after`: something was approved, or ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn worth_anchoring(&self, after: JournalSeq) -> Result<Option<AnchorCause>, StoreError> {
        let look = || -> Result<Option<AnchorCause>, Fault> {
            let sql = "SELECT payload FROM journal WHERE seq > ?1 AND incident IS NOT NULL ORDER BY seq DESC";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query([after.0])?;
            while let Some(row) = rows.next()? {
                let payload: String = row.get(0)?;
                if !NAMING.iter().any(|kind| payload.contains(kind)) {
                    continue;
                }
                match serde_json::from_str(&payload) {
                    Ok(Payload::Granted { .. }) => return Ok(Some(AnchorCause::Approved)),
                    Ok(Payload::Ended { .. }) => return Ok(Some(AnchorCause::Ended)),
                    Ok(_) | Err(_) => {}
                }
            }
            Ok(None)
        };
        self.named(look())
    }

    /// The file, by the path that it has without links.
    pub(super) fn place(&self) -> String {
        self.path.canonicalize().unwrap_or_else(|_| self.path.to_owned()).display().to_string()
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

/// The query for entries, also in a backup or a damaged file whose schema is older than the column `about`: entries of that
/// time say nothing there.
fn prepare_of_any_age<'c>(conn: &'c Connection, which: &str) -> Result<CachedStatement<'c>, Fault> {
    match conn.prepare_cached(&format!("{SELECT} {which}")) {
        Ok(statement) => Ok(statement),
        Err(error) => {
            let old = SELECT.replacen(" about,", " NULL,", 1);
            // What is wrong may be something else, which the first error says better.
            conn.prepare_cached(&format!("{old} {which}")).map_err(|_| error.into())
        }
    }
}

/// The entry at one position; `None` when there is none.
pub(super) fn entry_at(conn: &Connection, seq: JournalSeq) -> Result<Option<StoredEntry>, Fault> {
    Ok(prepare_of_any_age(conn, "WHERE seq = ?1")?.query_row([seq.0], from_row).optional()?)
}

/// Whether the entry of the purge that `claim` names is there, in order itself, and seals it. That one may have been purged
/// later, and so on: always by a later entry.
pub(super) fn is_sealed(conn: &Connection, claim: &Claim) -> Result<bool, Fault> {
    let mut claim = claim.clone();
    loop {
        let Some(purge) = entry_at(conn, claim.by)? else { return Ok(false) };
        if !claim.holds(&purge) {
            return Ok(false);
        }
        match purge.compute_hash() {
            Ok(hash) if hash == purge.hash => return Ok(true),
            Ok(_) | Err(_) => {}
        }
        let Some(next) = Claim::of(&purge) else { return Ok(false) };
        claim = next;
    }
}

/// Settles the claims that a walk over entries of `conn` left open.
///
/// # Errors
/// Inside: the first that does not hold.
pub(super) fn settle(conn: &Connection, claims: &mut Claims) -> Result<Result<(), Break>, Fault> {
    for claim in claims.take_open() {
        if !is_sealed(conn, &claim)? {
            return Ok(Err(claim.broken()));
        }
        claims.settle_elsewhere();
    }
    Ok(Ok(()))
}

/// Appends an entry exactly as it is.
pub(super) fn insert(conn: &Connection, entry: &StoredEntry) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO journal (seq, incident, version, about, context, payload, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        entry.seq.0,
        entry.incident.map(|id| id.0),
        entry.version,
        entry.about,
        entry.context,
        entry.payload,
        entry.previous,
        entry.hash
    ])?;
    Ok(())
}

/// The last `limit` entries, in order.
pub(super) fn tail(conn: &Connection, limit: u32) -> Result<Vec<StoredEntry>, Fault> {
    let mut statement = prepare_of_any_age(conn, "ORDER BY seq DESC LIMIT ?1")?;
    let entries = statement.query_map([limit], from_row)?;
    let mut entries: Vec<StoredEntry> = entries.collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

/// Every entry of an incident, in order.
pub(super) fn all_of(conn: &Connection, incident: IncidentId) -> Result<Vec<StoredEntry>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE incident = ?1 ORDER BY seq"))?;
    let entries = statement.query_map([incident.0], from_row)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// The entries of an incident whose payload begins with `payload`, oldest first.
pub(super) fn beginning_with(
    conn: &Connection,
    incident: IncidentId,
    payload: &str,
) -> Result<Vec<StoredEntry>, Fault> {
    let sql = format!("{SELECT} WHERE incident = ?1 AND substr(payload, 1, length(?2)) = ?2 ORDER BY seq");
    let mut statement = conn.prepare_cached(&sql)?;
    let entries = statement.query_map(params![incident.0, payload], from_row)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// Hash of the first entry; `None` when there is none.
pub(super) fn first_hash(conn: &Connection) -> Result<Option<String>, Fault> {
    let mut statement = conn.prepare_cached("SELECT hash FROM journal ORDER BY seq LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

/// Reads a row of [`SELECT`].
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry {
        seq: JournalSeq(row.get(0)?),
        incident: row.get::<_, Option<i64>>(1)?.map(IncidentId),
        version: row.get(2)?,
        about: row.get(3)?,
        context: row.get(4)?,
        payload: row.get(5)?,
        previous: row.get(6)?,
        hash: row.get(7)?,
    })
}

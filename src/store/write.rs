//! One write transaction: what jobs see of the database.
//!
//! Owns: journal entries with their context and chain, timeline rows, the change counter.
//! Does not: begin or commit; `lanes` does.
//!
//! Invariant: the hash of the entry before is read inside the same `BEGIN IMMEDIATE` transaction, so the writers of
//! several processes cannot chain two entries to the same one.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use super::{Identity, about, journal};
use crate::domain::actor::Actor;
use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::{Context, GENESIS, NewEntry, Payload, StoredEntry};
use crate::domain::time::Timestamp;

/// A write transaction in progress.
pub(super) struct Write<'c> {
    /// The connection, inside a transaction.
    pub(super) conn: &'c Connection,
    /// The moment of this transaction.
    pub(super) at: Timestamp,
    /// The same in milliseconds since boot.
    pub(super) monotonic_ms: i64,
    /// Who writes.
    pub(super) identity: &'c Identity,
    changed: bool,
}

impl<'c> Write<'c> {
    /// A transaction at this moment.
    pub(super) fn new(conn: &'c Connection, identity: &'c Identity, at: Timestamp, monotonic_ms: i64) -> Self {
        Self { conn, at, monotonic_ms, identity, changed: false }
    }

    /// Says that there is something to see, so that followers are told after the commit.
    pub(super) fn announce(&mut self) {
        self.changed = true;
    }

    /// Whether something was announced.
    pub(super) fn is_announced(&self) -> bool {
        self.changed
    }

    /// Appends an entry to the journal.
    pub(super) fn journal(
        &mut self,
        incident: Option<IncidentId>,
        actor: &Actor,
        payload: &Payload,
    ) -> Result<JournalSeq, Fault> {
        self.journal_under(None, incident, actor, payload)
    }

    /// As [`Self::journal`], and names the policy that decided by the SHA-256 of its text.
    pub(super) fn journal_under(
        &mut self,
        policy: Option<&str>,
        incident: Option<IncidentId>,
        actor: &Actor,
        payload: &Payload,
    ) -> Result<JournalSeq, Fault> {
        let last = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
        let (seq, previous): (i64, String) = self
            .conn
            .prepare_cached(last)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .unwrap_or_else(|| (0, GENESIS.to_owned()));
        let context = Context {
            at: self.at,
            monotonic_ms: self.monotonic_ms,
            boot_id: self.identity.boot_id.clone(),
            host: self.identity.host.clone(),
            pid: self.identity.pid,
            actor: actor.clone(),
            run_by: match actor {
                Actor::Person(_) => None,
                Actor::Engine { .. } => Some(self.identity.person.clone()),
            },
        };
        let new = NewEntry {
            incident,
            about: about::of(self, incident, payload, policy)?,
            context: serde_json::to_string(&context)?,
            payload: serde_json::to_string(payload)?,
        };
        let entry = StoredEntry::chain(JournalSeq(seq + 1), new, previous);
        journal::insert(self.conn, &entry)?;
        self.announce();
        Ok(entry.seq)
    }

    /// Adds a line to the timeline of an incident.
    pub(super) fn timeline(&mut self, incident: IncidentId, who: &str, what: &str) -> Result<(), Fault> {
        self.add_line(incident, who, what, None)
    }

    /// Adds a line that stands for an entry of the journal.
    pub(super) fn timeline_of(
        &mut self,
        incident: IncidentId,
        who: &str,
        what: &str,
        entry: JournalSeq,
    ) -> Result<(), Fault> {
        self.add_line(incident, who, what, Some(entry.0))
    }

    fn add_line(&mut self, incident: IncidentId, who: &str, what: &str, entry: Option<i64>) -> Result<(), Fault> {
        self.conn
            .prepare_cached("INSERT INTO timeline (incident, at, who, what, entry) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![incident.0, self.at.as_millis(), who, what, entry])?;
        self.announce();
        Ok(())
    }

    /// Stores a large text under its SHA-256, which it returns.
    pub(super) fn blob(&mut self, bytes: &[u8]) -> Result<String, Fault> {
        let hash = sha256_hex(bytes);
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO blob (hash, bytes, at) VALUES (?1, ?2, ?3)")?
            .execute(params![hash, bytes, self.at.as_millis()])?;
        Ok(hash)
    }
}

/// Counts one change and returns the new value of the counter.
pub(super) fn bump_changes(conn: &Connection) -> rusqlite::Result<u64> {
    let value: i64 = conn
        .prepare_cached("UPDATE change_counter SET value = value + 1 WHERE id = 1 RETURNING value")?
        .query_row([], |row| row.get(0))?;
    Ok(value.unsigned_abs())
}

/// The present value of the change counter.
pub(super) fn changes(conn: &Connection) -> rusqlite::Result<u64> {
    let value: i64 =
        conn.prepare_cached("SELECT value FROM change_counter WHERE id = 1")?.query_row([], |row| row.get(0))?;
    Ok(value.unsigned_abs())
}

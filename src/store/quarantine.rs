//! Quarantine: bodies that could not be read, kept for a person to look at.
//!
//! Owns: the bounds of what is kept and of what is shown of it. Does not: judge bodies, or make them harmless.

use rusqlite::params;

use super::error::Fault;
use super::lease::{self, Fence};
use super::view::QuarantinedBody;
use super::{Reader, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::digest::sha256_hex;
use crate::domain::id::SourceId;
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;

/// Bytes that are kept of a body; its true length is noted beside it.
pub const QUARANTINE_BODY_LIMIT: usize = 1024 * 1024;

/// Bodies that are kept; beyond that the oldest go. Their journal entries stay.
pub const QUARANTINE_ROWS: i64 = 1_000;

/// Bytes that a screen gets of each body: enough to see who sent what, and bounded however much is kept.
pub const QUARANTINE_SHOWN: usize = 2 * 1024;

impl Store {
    /// Puts a body aside that could not be read. `reason` is for people.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process receives now; otherwise when the store failed. The sender should be told
    /// to try again.
    pub async fn quarantine(
        &self,
        fence: &Fence,
        source: &SourceId,
        reason: &str,
        body: Vec<u8>,
    ) -> Result<(), StoreError> {
        let (fence, source, reason) = (fence.clone(), source.clone(), reason.to_owned());
        self.write_grouped(move |write| {
            lease::check(write.conn, &fence)?;
            let digest = sha256_hex(&body);
            let kept = body.get(..QUARANTINE_BODY_LIMIT).unwrap_or(&body);
            write
                .conn
                .prepare_cached(
                    "INSERT INTO quarantine (source, reason, at, body_bytes, digest, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    source.as_str(),
                    reason,
                    write.at.as_millis(),
                    i64::try_from(body.len()).unwrap_or(i64::MAX),
                    digest,
                    kept
                ])?;
            let newest = write.conn.last_insert_rowid();
            write
                .conn
                .prepare_cached("DELETE FROM quarantine WHERE id <= ?1")?
                .execute([newest.saturating_sub(QUARANTINE_ROWS)])?;
            let entry = Payload::Quarantined { source: source.0, reason, digest };
            write.journal(None, &Actor::engine("ingest"), &entry)?;
            Ok(())
        })
        .await
    }
}

impl Reader<'_> {
    /// The newest `limit` bodies in quarantine, the newest first, each with its first [`QUARANTINE_SHOWN`] bytes.
    ///
    /// # Errors
    /// When the read failed.
    pub fn quarantined(&self, limit: usize) -> Result<Vec<QuarantinedBody>, StoreError> {
        self.named(self.load_quarantined(limit))
    }

    fn load_quarantined(&self, limit: usize) -> Result<Vec<QuarantinedBody>, Fault> {
        let mut statement = self.conn.prepare_cached(
            "SELECT source, reason, at, body_bytes, substr(body, 1, ?1) FROM quarantine ORDER BY id DESC LIMIT ?2",
        )?;
        let bound = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![bound(QUARANTINE_SHOWN), bound(limit)], |row| {
            Ok(QuarantinedBody {
                source: SourceId(row.get(0)?),
                reason: row.get(1)?,
                at: Timestamp::from_millis(row.get(2)?),
                bytes: row.get::<_, i64>(3)?.unsigned_abs(),
                beginning: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

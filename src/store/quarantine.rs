//! Quarantine: bodies that could not be read, kept for a person to look at.
//!
//! Owns: the bounds of what is kept. Does not: judge bodies.

use rusqlite::params;

use super::lease::{self, Fence};
use super::{Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::digest::sha256_hex;
use crate::domain::id::SourceId;
use crate::domain::journal::Payload;

/// Bytes that are kept of a body; its true length is noted beside it.
pub const QUARANTINE_BODY_LIMIT: usize = 1024 * 1024;

/// Bodies that are kept; beyond that the oldest go. Their journal entries stay.
pub const QUARANTINE_ROWS: i64 = 1_000;

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

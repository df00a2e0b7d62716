//! Health of the sources.
//!
//! Owns: the last known state of each channel of each source. Does not: probe anything.
//!
//! Invariant: only the process that receives writes here; one that was overtaken would tell of a receiver that is no more.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::Code as _;
use super::error::Fault;
use super::lease::{self, Fence};
use super::view::{HealthState, SourceHealth};
use super::{Store, StoreError};
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;

impl Store {
    /// Notes how a channel of a source is. Writes only when its state or its detail changed, so that an idle console
    /// leaves the disk alone; `at` is therefore the moment of the last change.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process receives now; otherwise when the store failed.
    pub async fn set_health(&self, fence: &Fence, health: SourceHealth) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.write_grouped(move |write| {
            lease::check(write.conn, &fence)?;
            let known: Option<(i64, String)> = write
                .conn
                .prepare_cached("SELECT state, detail FROM source_health WHERE source = ?1 AND channel = ?2")?
                .query_row([health.source.as_str(), &health.channel], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if known.is_some_and(|(state, detail)| state == health.state.code() && detail == health.detail) {
                return Ok(());
            }
            write
                .conn
                .prepare_cached(
                    "INSERT INTO source_health (source, channel, state, detail, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (source, channel) DO UPDATE
                     SET state = excluded.state, detail = excluded.detail, at = excluded.at",
                )?
                .execute(params![
                    health.source.as_str(),
                    health.channel,
                    health.state.code(),
                    health.detail,
                    health.at.as_millis()
                ])?;
            write.announce();
            Ok(())
        })
        .await
    }

    /// Forgets the health of all sources but these: of those that were taken out of the configuration since, and of names
    /// that somebody once delivered under.
    ///
    /// # Errors
    /// As [`Store::set_health`].
    pub async fn keep_health_of(&self, fence: &Fence, sources: Vec<SourceId>) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.write_grouped(move |write| {
            lease::check(write.conn, &fence)?;
            let names: Vec<&str> = sources.iter().map(SourceId::as_str).collect();
            let forgotten = write
                .conn
                .prepare_cached("DELETE FROM source_health WHERE source NOT IN (SELECT value FROM json_each(?1))")?
                .execute([serde_json::to_string(&names)?])?;
            if forgotten > 0 {
                write.announce();
            }
            Ok(())
        })
        .await
    }
}

/// Every channel of every source, by name.
pub(super) fn all(conn: &Connection) -> Result<Vec<SourceHealth>, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT source, channel, state, detail, at FROM source_health ORDER BY source, channel")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(SourceHealth {
            source: SourceId(row.get(0)?),
            channel: row.get(1)?,
            state: HealthState::from_code(row.get(2)?)?,
            detail: row.get(3)?,
            at: Timestamp::from_millis(row.get(4)?),
        });
    }
    Ok(all)
}

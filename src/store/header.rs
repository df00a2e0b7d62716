//! The header: counts and health, cheap enough to be read with every frame that changed something.
//!
//! Owns: the counting queries, each answered from an index alone. Does not: count what is resolved.

use rusqlite::Connection;

use super::convert::{attempt_state, count};
use super::error::Fault;
use super::view::Header;
use super::{INGEST_LEASE, Reader, Store, StoreError, health, lease};

impl Store {
    /// As [`Reader::header`].
    ///
    /// # Errors
    /// When the read failed.
    pub async fn header(&self) -> Result<Header, StoreError> {
        self.read_view(|reader| reader.header()).await
    }
}

impl Reader<'_> {
    /// Counts, health of the sources, and who receives.
    ///
    /// # Errors
    /// When the read failed.
    pub fn header(&self) -> Result<Header, StoreError> {
        self.named(self.load_header())
    }

    fn load_header(&self) -> Result<Header, Fault> {
        let mut header = Header::default();
        count_incidents(self.conn, &mut header)?;
        header.pending = one_count(self.conn, "SELECT count(*) FROM proposal WHERE state = 0")?;
        let running = format!("SELECT count(*) FROM attempt WHERE state < {}", attempt_state::ENDED);
        header.running = one_count(self.conn, &running)?;
        header.quarantined = one_count(self.conn, "SELECT count(*) FROM quarantine")?;
        header.sources = health::all(self.conn)?;
        header.receiver = lease::view(self.conn, INGEST_LEASE, self.identity, self.path, self.monotonic_ms)?;
        Ok(header)
    }
}

/// One walk over the index of unresolved incidents.
fn count_incidents(conn: &Connection, header: &mut Header) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT severity, count(*), sum(state = 1), sum(firing)
         FROM incident INDEXED BY incident_unresolved WHERE state < 2 GROUP BY severity",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (severity, incidents): (usize, i64) = (usize::from(row.get::<_, u8>(0)?), row.get(1)?);
        let (acknowledged, firing): (i64, i64) = (row.get(2)?, row.get(3)?);
        let Some(slot) = header.unresolved.get_mut(severity) else {
            return Err(Fault::Unreadable(format!("{severity} is no severity")));
        };
        *slot = count(incidents);
        header.acknowledged = header.acknowledged.saturating_add(count(acknowledged));
        header.firing = header.firing.saturating_add(count(firing));
    }
    Ok(())
}

fn one_count(conn: &Connection, sql: &str) -> Result<u32, Fault> {
    Ok(count(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

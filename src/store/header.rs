//! The header: counts and health, cheap enough to be read with every frame that changed something.
//!
//! Owns: the counting queries, each answered from an index alone. Does not: count what is resolved.

use rusqlite::{Connection, params};

use super::convert::{attempt_state, count};
use super::error::Fault;
use super::view::Header;
use super::{INGEST_LEASE, Reader, Store, StoreError, health, incidents, lease, scopes};

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
        self.count_incidents(&mut header)?;
        header.resolved_firing = one_count(
            self.conn,
            "SELECT count(*) FROM incident INDEXED BY incident_firing_resolved WHERE state = 2 AND firing > 0",
        )?;
        header.me.clone_from(&self.identity.person.name);
        header.people = incidents::people(self.conn)?;
        header.pending = one_count(self.conn, "SELECT count(*) FROM proposal WHERE state = 0")?;
        header.scopes = scopes::live(self.conn, self.at)?;
        let running = format!("SELECT count(*) FROM attempt WHERE state < {}", attempt_state::ENDED);
        header.running = one_count(self.conn, &running)?;
        header.quarantined = one_count(self.conn, "SELECT count(*) FROM quarantine")?;
        header.sources = health::all(self.conn)?;
        header.receiver = lease::view(self.conn, INGEST_LEASE, self.identity, self.path, self.monotonic_ms)?;
        Ok(header)
    }

    /// One walk over the index of unresolved incidents.
    fn count_incidents(&self, header: &mut Header) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached(
            "SELECT severity, count(*), sum(state = 1), sum(firing), sum(ifnull(suppressed_until, 0) > ?1),
             sum(owner IS NULL AND ifnull(suppressed_until, 0) <= ?1), sum(owner IS ?2 AND ifnull(suppressed_until, 0) <= ?1)
             FROM incident INDEXED BY incident_unresolved WHERE state < 2 GROUP BY severity",
        )?;
        let mut rows = statement.query(params![self.at.as_millis(), self.identity.person.name])?;
        let add = |total: &mut u32, more: i64| *total = total.saturating_add(count(more));
        while let Some(row) = rows.next()? {
            let (severity, incidents): (usize, i64) = (usize::from(row.get::<_, u8>(0)?), row.get(1)?);
            let suppressed: i64 = row.get(4)?;
            let Some(slot) = header.unresolved.get_mut(severity) else {
                return Err(Fault::Unreadable(format!("{severity} is no severity")));
            };
            *slot = count(incidents);
            add(&mut header.acknowledged, row.get(2)?);
            add(&mut header.firing, row.get(3)?);
            add(&mut header.queues.suppressed, suppressed);
            add(&mut header.queues.all, incidents - suppressed);
            add(&mut header.queues.unassigned, row.get(5)?);
            add(&mut header.queues.mine, row.get(6)?);
        }
        Ok(())
    }
}

fn one_count(conn: &Connection, sql: &str) -> Result<u32, Fault> {
    Ok(count(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

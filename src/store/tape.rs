//! Everything that is known of one incident, for a replay or a transcript.
//!
//! Owns: the order of reading, and holding what the journal names by hash against that hash. Invariant: what comes out is
//! data; nobody can act with it. Does not: read files; whoever asks hands in how.

use std::cmp::Ordering;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::{json, time};
use super::error::{Fault, from_sqlite};
use super::{Reader, StoreError, incidents, journal, migrations, open};
use crate::domain::alert::Labels;
use crate::domain::id::IncidentId;
use crate::domain::journal::purged::Claim;
use crate::domain::journal::tape::{Attached, Moment, Seal, Tape, TapeAlert};
use crate::domain::journal::{Break, Payload, StoredEntry};
use crate::domain::time::Timestamp;

/// Alerts that are read at most, the oldest; an incident of a storm has many thousands.
const ALERTS: u32 = 500;

/// Bytes of a review or a message that are kept at most.
const TEXT: usize = 256 * 1024;

/// The beginning of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPart {
    /// The first bytes.
    pub beginning: Vec<u8>,
    /// How many there are in all.
    pub total: u64,
    /// SHA-256 of all of them, as hexadecimal digits.
    pub digest: String,
}

/// Reads the output of the attempt in a directory; `None` when there is none any more.
pub type ReadOutput<'a> = &'a mut dyn FnMut(&str) -> io::Result<Option<OutputPart>>;

/// What happened to an incident of the database at `path`, which is opened for reading only; `None` when there is no such
/// incident.
///
/// # Errors
/// When the file cannot be opened or read, or has not the schema of this program.
pub fn read_tape(path: &Path, id: IncidentId, read_output: ReadOutput<'_>) -> Result<Option<Tape>, StoreError> {
    let mut connection = open::connect_reader(path)?;
    let of_sqlite = |error: rusqlite::Error| from_sqlite(path, &error);
    let found = migrations::version(&connection).map_err(of_sqlite)?;
    match found.cmp(&migrations::VERSION) {
        Ordering::Equal => {}
        Ordering::Greater => {
            return Err(StoreError::Newer { path: path.to_owned(), found, ours: migrations::VERSION });
        }
        Ordering::Less => {
            let what = "it was written by an older aiops. Start aiops once, which brings it up to date".to_owned();
            return Err(StoreError::Sqlite { path: path.to_owned(), what });
        }
    }
    let moment = connection.transaction().map_err(of_sqlite)?;
    load(&moment, id, read_output).map_err(|fault| fault.at(path))
}

impl Reader<'_> {
    /// What happened to an incident; `None` when there is no such incident.
    ///
    /// # Errors
    /// When the read failed. An output that cannot be read is no error but said where it belongs.
    pub fn tape(&self, id: IncidentId, read_output: ReadOutput<'_>) -> Result<Option<Tape>, StoreError> {
        self.named(load(self.conn, id, read_output))
    }
}

fn load(conn: &Connection, id: IncidentId, read_output: ReadOutput<'_>) -> Result<Option<Tape>, Fault> {
    let Some(incident) = incidents::load(conn, id)? else { return Ok(None) };
    let (alerts, total) = alerts(conn, id)?;
    let entries = journal::all_of(conn, id)?;
    let broken = match Tape::verify(&entries) {
        Ok(claims) => unsealed(conn, &claims)?,
        Err(broken) => Some(broken),
    };
    let mut moments = Vec::with_capacity(entries.len());
    for entry in &entries {
        moments.push(Moment::of_entry(entry, attached(conn, entry, read_output)?));
    }
    Ok(Some(Tape { broken, ..Tape::new(incident, alerts, total, moments) }))
}

/// The first claim that does not hold.
fn unsealed(conn: &Connection, claims: &[Claim]) -> Result<Option<Break>, Fault> {
    for claim in claims {
        if !journal::is_sealed(conn, claim)? {
            return Ok(Some(claim.broken()));
        }
    }
    Ok(None)
}

fn alerts(conn: &Connection, id: IncidentId) -> Result<(Vec<TapeAlert>, u64), Fault> {
    let total: i64 =
        conn.prepare_cached("SELECT count(*) FROM alert WHERE incident = ?1")?.query_row([id.0], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT source, fingerprint, starts_at, ends_at, labels, annotations FROM alert
         WHERE incident = ?1 ORDER BY starts_at, id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![id.0, ALERTS])?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        let (labels, annotations): (String, String) = (row.get(4)?, row.get(5)?);
        alerts.push(TapeAlert {
            source: row.get(0)?,
            fingerprint: row.get(1)?,
            starts_at: Timestamp::from_millis(row.get(2)?),
            ends_at: time(row.get(3)?),
            labels: json::<Labels>(&labels, "the labels of an alert")?,
            annotations: json::<Labels>(&annotations, "the annotations of an alert")?,
        });
    }
    Ok((alerts, total.unsigned_abs()))
}

/// What an entry names by hash.
fn attached(conn: &Connection, entry: &StoredEntry, read_output: ReadOutput<'_>) -> Result<Attached, Fault> {
    Ok(match serde_json::from_str(&entry.payload) {
        Ok(Payload::Granted { rendered, .. }) => {
            let mut statement = conn.prepare_cached("SELECT bytes FROM blob WHERE hash = ?1")?;
            let bytes: Option<Vec<u8>> = statement.query_row([&rendered], |row| row.get(0)).optional()?;
            Attached::text(bytes, &rendered, TEXT)
        }
        Ok(Payload::Said { message, digest, .. }) => {
            let mut statement = conn.prepare_cached("SELECT text FROM message WHERE id = ?1")?;
            let text: Option<String> = statement.query_row([message.0], |row| row.get(0)).optional()?;
            Attached::text(text.map(String::into_bytes), &digest, TEXT)
        }
        Ok(Payload::Ended { attempt, output_digest, .. }) => {
            let mut statement = conn.prepare_cached("SELECT directory FROM attempt WHERE id = ?1")?;
            let directory: Option<String> = statement.query_row([attempt.0], |row| row.get(0)).optional()?;
            directory.map_or(Attached::Erased, |directory| output(read_output(&directory), &output_digest))
        }
        Ok(_) | Err(_) => Attached::Nothing,
    })
}

fn output(read: io::Result<Option<OutputPart>>, expected: &str) -> Attached {
    match read {
        Ok(None) => Attached::Erased,
        Err(error) => Attached::Unreadable(error.to_string()),
        Ok(Some(OutputPart { beginning, total, digest })) => {
            let seal = match expected {
                "" => Seal::Unchecked,
                expected if expected == digest => Seal::Whole,
                _ => Seal::Altered,
            };
            Attached::Bytes { beginning, total, seal }
        }
    }
}

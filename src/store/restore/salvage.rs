//! Salvage: what of the journal can still be read from a damaged file, and what is lost.
//!
//! Owns: reading entry by entry, judging where the journal ends, and the entry that tells of the restoration. Does not: put
//! rows into tables (see `project`).
//!
//! Invariants: only entries that continue the chain of the base are taken, each verified by its hash, so the restored journal
//! verifies as a whole. What waited for a yes or for its start is void afterwards: it may have run meanwhile. Numbers that
//! were given may be lost, so that the next ones leave a gap.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::connect_damaged;
use super::project::Projection;
use crate::domain::actor::Actor;
use crate::domain::id::{IncidentId, JournalSeq, ProposalId};
use crate::domain::journal::purged::Claims;
use crate::domain::journal::{Context, GENESIS, Payload, StoredEntry, Verifier};
use crate::domain::keeping::{Lost, Restored};
use crate::domain::time::Timestamp;
use crate::store::error::Fault;
use crate::store::journal::{entry_at, insert, is_sealed, tail};
use crate::store::lanes::millis;
use crate::store::write::{Write, bump_changes};
use crate::store::{OpenOptions, proposals, scopes};

/// Tables whose numbers are never given twice.
const NUMBERED: [&str; 7] = ["incident", "proposal", "attempt", "message", "model_call", "quarantine", "scope"];

/// Numbers that are passed over in each of them when it is not known which were given.
const GAP: i64 = 1_000;

/// Directories of unknown attempts that are named at most.
const STRAYS: usize = 20;

/// Nothing is written behind the entry about a restoration before the database is in its place; some entries more, to be sure.
const LAST_ENTRIES: u32 = 10;

const VOID: &str = "the database was restored, and it is not known what happened to it since the backup";

/// From what is restored.
pub(super) struct Frame<'a> {
    /// The damaged database.
    pub(super) damaged: &'a Path,
    /// What was found.
    pub(super) damage: &'a str,
    /// Where the damaged files are.
    pub(super) kept_in: &'a Path,
    /// The backup under the salvaged entries.
    pub(super) backup: Option<(String, Timestamp)>,
    /// Where attempts have their directories.
    pub(super) attempts_root: PathBuf,
}

/// How far reading came.
struct Read {
    /// The last entry of the restored journal and its hash.
    head: (JournalSeq, String),
    /// When that was written.
    written: Option<Timestamp>,
    /// How many were taken from the damaged file.
    count: u64,
    /// Whether it ended because there is no next entry, rather than one that cannot be read or trusted.
    ended: bool,
}

/// Brings what can be read from the damaged file into `connection`, which holds the base, in one transaction.
pub(super) fn salvage(
    connection: &mut Connection,
    frame: &Frame<'_>,
    options: &OpenOptions,
) -> Result<Restored, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (now, since_boot) = (options.now)();
    // One that cannot even be opened has nothing to give.
    let damaged = connect_damaged(frame.damaged).ok().filter(|_| frame.damaged.exists());
    let base = Read::of_base(&transaction)?;
    let read = match &damaged {
        Some(damaged) => read_on(&transaction, damaged, frame, options, base)?,
        None => base,
    };
    let mut write = Write::new(&transaction, &options.identity, now, millis(since_boot));
    let lost = lost(damaged.as_ref(), &read, now);
    skip_numbers(&transaction, damaged.as_ref(), &lost)?;
    let voided = void_open(&mut write)?;
    scopes::void_all(&mut write, VOID)?;
    let restored = Restored {
        damage: frame.damage.to_owned(),
        kept_in: frame.kept_in.display().to_string(),
        backup: frame.backup.clone(),
        salvaged: read.count,
        last_entry: read.head.0.0,
        lost,
        voided,
        strays: strays(&transaction, &frame.attempts_root)?,
    };
    let entry = Payload::Restored { restored: Box::new(restored.clone()) };
    write.journal(None, &Actor::engine("store"), &entry)?;
    bump_changes(&transaction)?;
    // Whoever held a lease of this file holds it no more.
    transaction.execute("UPDATE lease SET holder = NULL", [])?;
    transaction.commit()?;
    Ok(restored)
}

/// What the last entry about a restoration says.
pub(super) fn last_restored(connection: &Connection) -> Result<Option<Restored>, Fault> {
    for entry in tail(connection, LAST_ENTRIES)?.iter().rev() {
        if let Ok(Payload::Restored { restored }) = serde_json::from_str(&entry.payload) {
            return Ok(Some(*restored));
        }
    }
    Ok(None)
}

impl Read {
    fn of_base(base: &Connection) -> Result<Self, Fault> {
        let last = tail(base, 1)?.pop();
        let written = last.as_ref().and_then(written);
        let head = last.map_or_else(|| (JournalSeq(0), GENESIS.to_owned()), |entry| (entry.seq, entry.hash));
        Ok(Self { head, written, count: 0, ended: false })
    }
}

fn written(entry: &StoredEntry) -> Option<Timestamp> {
    serde_json::from_str(&entry.context).ok().map(|context: Context| context.at)
}

/// Takes entries from the damaged file as long as they continue the chain.
fn read_on(
    base: &Connection,
    damaged: &Connection,
    frame: &Frame<'_>,
    options: &OpenOptions,
    mut read: Read,
) -> Result<Read, Fault> {
    let mut verifier = Verifier::after(JournalSeq(read.head.0.0.saturating_add(1)), read.head.1.clone());
    let mut projection = Projection::new(damaged, &frame.attempts_root, &options.identity);
    loop {
        let next = JournalSeq(read.head.0.0.saturating_add(1));
        let entry = match entry_at(damaged, next) {
            Ok(Some(entry)) => entry,
            Ok(None) => {
                read.ended = true;
                return Ok(read);
            }
            Err(_) => return Ok(read),
        };
        if verifier.check(&entry).is_err() || !are_sealed(damaged, verifier.claims()) {
            return Ok(read);
        }
        insert(base, &entry)?;
        projection.project(base, &entry)?;
        read.count += 1;
        read.written = written(&entry).or(read.written);
        read.head = (entry.seq, entry.hash);
    }
}

/// Whether what was purged is sealed by an entry that the damaged file still has: without it, what is left of a purged entry
/// cannot be trusted.
fn are_sealed(damaged: &Connection, claims: &mut Claims) -> bool {
    claims.take_open().iter().all(|claim| is_sealed(damaged, claim).unwrap_or(false))
}

/// What is lost of the journal.
fn lost(damaged: Option<&Connection>, read: &Read, now: Timestamp) -> Lost {
    let (from, to) = (read.written, now);
    let max = |connection: &Connection| {
        connection.query_row("SELECT max(seq) FROM journal", [], |row| row.get::<_, Option<i64>>(0)).ok()
    };
    match damaged.and_then(max) {
        Some(Some(last)) if last > read.head.0.0 => Lost::Entries { first: read.head.0.0 + 1, last, from, to },
        Some(_) if read.ended => Lost::Nothing,
        Some(_) | None => Lost::Unknown { from, to },
    }
}

/// Sees to it that no number that may have been given is given again.
fn skip_numbers(base: &Connection, damaged: Option<&Connection>, lost: &Lost) -> Result<(), Fault> {
    for table in NUMBERED {
        let given = |connection: &Connection| {
            connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get::<_, i64>(0))
                .optional()
        };
        let ours = given(base)?.unwrap_or(0);
        let theirs = damaged.and_then(|damaged| given(damaged).ok().flatten()).unwrap_or(0);
        let gap = if *lost == Lost::Nothing { 0 } else { GAP };
        // A number that cannot be true would use up all that there are.
        let theirs = if theirs > ours.saturating_add(1_000 * GAP) { 0 } else { theirs };
        let next = ours.max(theirs).saturating_add(gap);
        let updated = base.execute("UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1", params![table, next])?;
        if updated == 0 && next > 0 {
            base.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, next])?;
        }
    }
    Ok(())
}

/// Voids every proposal and grant that is open; how many there were.
fn void_open(write: &mut Write<'_>) -> Result<u32, Fault> {
    let open: Vec<(i64, i64)> = {
        let mut statement = write.conn.prepare("SELECT id, incident FROM proposal WHERE state < 2 ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (id, incident) in &open {
        proposals::void(write, IncidentId(*incident), ProposalId(*id), VOID, &Actor::engine("store"))?;
    }
    Ok(u32::try_from(open.len()).unwrap_or(u32::MAX))
}

/// Directories of attempts that no row names, the newest first.
fn strays(base: &Connection, root: &Path) -> Result<Vec<String>, Fault> {
    let Ok(entries) = fs::read_dir(root) else { return Ok(Vec::new()) };
    let mut statement =
        base.prepare("SELECT EXISTS (SELECT 1 FROM attempt WHERE directory = ?1 OR directory LIKE '%/' || ?2)")?;
    let mut strays = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((number, _)) = name.split_once('-') else { continue };
        let Ok(number) = number.parse::<i64>() else { continue };
        let path = entry.path().display().to_string();
        if !statement.query_row(params![path, name], |row| row.get::<_, bool>(0))? {
            strays.push((number, name));
        }
    }
    strays.sort_unstable_by(|a, b| b.cmp(a));
    Ok(strays.into_iter().take(STRAYS).map(|(_, name)| name).collect())
}

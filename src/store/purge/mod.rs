//! Purging: texts go from the tables, the journal, the search index, the log of SQLite, backups, outputs and files beside the
//! database, and the chain of the journal stays whole.
//!
//! Owns: the order of these steps. `rows`, `entries` and `files` know what is where. Does not: know what a purged text looks
//! like (`domain::purge`), or talk to a person.
//!
//! Invariants:
//! - Looking changes nothing and counts exactly what purging would take.
//! - Purging is done under the exclusive lock of the file: other consoles would hold the texts in memory and write them back.
//! - The entry about the purge and the change of the database are one transaction, before any file goes. Whoever is interrupted
//!   behind it purges again: everything that is left is found then, too.
//! - No action that is concerned runs; those that waited for a yes are void, since what was shown is not there any more.

mod entries;
mod files;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};
use serde::Serialize;

pub use files::{Fate, PurgedFile};

use super::convert::attempt_state;
use super::error::{Fault, StoreError, from_io, from_sqlite};
use super::lanes::millis;
use super::open::{LOCK_PATIENCE, beside, connect, connect_reader, lock_alone, prepare_lock};
use super::write::{Write, bump_changes};
use super::{OpenOptions, backup, journal, proposals, search};
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq, ProposalId};
use crate::domain::journal::Payload;
use crate::domain::purge::{Concerns, Needles, PURGED, SHORTEST};
use crate::domain::time::Timestamp;

/// Why an action that waited is void.
const VOID: &str = "its texts were purged, so that it cannot be shown any more";

/// Texts of an incident that are shorter, in characters, are words of which a log is full (`critical`).
const SHORTEST_IN_LOGS: usize = 12;

/// What is to go.
#[derive(Clone, PartialEq, Eq)]
pub enum Selection {
    /// The output of an attempt and everything else in its directory.
    Attempt(AttemptId),
    /// The texts of an incident: of its alerts, notes and chat, and the outputs of its attempts.
    Incident(IncidentId),
    /// A text wherever it stands. Never told or logged.
    Text(String),
}

/// How far it is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Only look what there is.
    Look,
    /// Purge it.
    Purge,
}

/// Where else texts may be.
#[derive(Clone, Debug, Default)]
pub struct PurgePlaces {
    /// The directories of attempts stand here.
    pub attempts: PathBuf,
    /// What the output is called in the directory of an attempt.
    pub output: String,
    /// The log of this program, if it has one.
    pub log: Option<PathBuf>,
    /// Files that are looked at and not touched, such as heads of the journal that are kept elsewhere.
    pub evidence: Vec<PathBuf>,
}

/// What goes, or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// What was to go.
    pub concerns: Concerns,
    /// Whether it went.
    pub purged: bool,
    /// How many of which kind.
    pub counts: BTreeMap<String, u64>,
    /// Entries of the journal whose texts go.
    pub entries: u64,
    /// Files and directories, backups among them.
    pub files: Vec<PurgedFile>,
    /// The entry that tells of it, once it is there.
    pub entry: Option<JournalSeq>,
    /// Alerts of the incident that still fire: their source sends their texts again.
    pub firing: u64,
    /// Files that still hold the text; only after purging.
    pub left: Vec<PathBuf>,
}

impl PurgeReport {
    /// Whether there is nothing to purge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.values().all(|count| *count == 0) && self.entries == 0 && self.files.is_empty()
    }

    /// Whether backups are among what goes.
    #[must_use]
    pub fn takes_backups(&self) -> bool {
        self.files.iter().any(|file| file.kind == BACKUP)
    }
}

/// What backups are called among the files that go.
const BACKUP: &str = "backup";

/// Why nothing was purged, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// What is to go cannot go now, or at all.
    #[error("Nothing was purged: {0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is purged, and something behind that failed.
    #[error(
        "The texts are purged from the rows and the journal, but not everywhere: {0}. Remove the cause and purge again"
    )]
    Unfinished(StoreError),
}

/// What is looked for.
struct Scope {
    concerns: Concerns,
    /// Only rows and entries of this one.
    incident: Option<IncidentId>,
    needles: Needles,
    /// Those of them that are looked for in logs, where short words stand for other things as well.
    in_logs: Needles,
    /// Attempts whose directories go as wholes.
    attempts: BTreeMap<AttemptId, PathBuf>,
    /// When what is looked for came into the database at the earliest, where that is known.
    since: Option<Timestamp>,
    firing: u64,
}

/// Looks for what `selection` names in the database at `path` and beside it, or purges it, for `reason`.
///
/// # Errors
/// [`PurgeError::Refused`] when it is not there, too short, in the reason, or in use; otherwise what failed.
pub fn purge(
    path: &Path,
    options: &OpenOptions,
    selection: &Selection,
    reason: &str,
    places: &PurgePlaces,
    depth: Depth,
) -> Result<PurgeReport, PurgeError> {
    check_selection(selection, reason)?;
    if beside(path, ".restoring").exists() {
        return refused("the database is being restored. Start aiops once, then purge");
    }
    match depth {
        Depth::Look => {
            let mut connection = connect_reader(path)?;
            let moment = connection.transaction().map_err(|error| from_sqlite(path, &error))?;
            let scope = scope(&moment, selection).map_err(|fault| fault.at(path))??;
            let examined = examine(&moment, path, &scope, places, depth).map_err(|fault| fault.at(path))?;
            Ok(examined.report(&scope, None))
        }
        Depth::Purge => {
            let lock = prepare_lock(path)?;
            match lock_alone(path, &lock, LOCK_PATIENCE) {
                Ok(()) => {}
                Err(StoreError::InUse { .. }) => {
                    return refused(
                        "another aiops process has the database open; it holds texts in memory and would write them back. \
                         End all consoles and the daemon of this database, then purge",
                    );
                }
                Err(error) => return Err(error.into()),
            }
            purge_alone(path, options, selection, reason, places)
        }
    }
}

/// Fails for a text that cannot be looked for.
fn check_selection(selection: &Selection, reason: &str) -> Result<(), PurgeError> {
    if reason.trim().is_empty() {
        return refused("a reason is needed, which the journal keeps. Give one with --reason");
    }
    let Selection::Text(text) = selection else { return Ok(()) };
    if text.chars().count() < SHORTEST || PURGED.contains(text.as_str()) {
        return refused(&format!("the text is too short to be told from others. Give at least {SHORTEST} characters"));
    }
    let needles = needles([text.as_str()])?;
    if needles.are_in(reason.as_bytes()) {
        return refused("the reason holds the text itself, and the journal would keep it. Word it without the text");
    }
    Ok(())
}

fn refused<T>(why: &str) -> Result<T, PurgeError> {
    Err(PurgeError::Refused(why.to_owned()))
}

fn needles<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Needles, PurgeError> {
    Needles::new(texts)
        .map_err(|error| PurgeError::Refused(format!("the texts are too many to be looked for ({error})")))
}

/// Everything under the exclusive lock.
fn purge_alone(
    path: &Path,
    options: &OpenOptions,
    selection: &Selection,
    reason: &str,
    places: &PurgePlaces,
) -> Result<PurgeReport, PurgeError> {
    let of_sqlite = |error: rusqlite::Error| PurgeError::Store(from_sqlite(path, &error));
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What was in a cell is written over when the cell is given up; nothing of it comes into a temporary file.
    connection
        .execute_batch("PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;")
        .map_err(of_sqlite)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(of_sqlite)?;
    let scope = scope(&transaction, selection).map_err(|fault| fault.at(path))??;
    let (report, files) = {
        let (at, since_boot) = (options.now)();
        let mut write = Write::new(&transaction, &options.identity, at, millis(since_boot));
        change(&mut write, path, &scope, reason, places).map_err(|fault| fault.at(path))?
    };
    transaction.commit().map_err(of_sqlite)?;
    finish(path, connection, &scope, &files).map_err(PurgeError::Unfinished)?;
    let directories = all_directories(&scope, &files, places);
    let left = files::left(path, &directories, places, &scope.needles);
    let left = left.map_err(|error| PurgeError::Unfinished(from_io(path, &error)))?;
    // Texts of an incident may stand elsewhere with every right.
    Ok(PurgeReport { left: if scope.incident.is_none() { left } else { Vec::new() }, ..report })
}

/// What is purged inside the transaction, and the files that go after it.
fn change(
    write: &mut Write<'_>,
    path: &Path,
    scope: &Scope,
    reason: &str,
    places: &PurgePlaces,
) -> Result<(PurgeReport, Vec<PurgedFile>), Fault> {
    let mut examined = examine(write.conn, path, scope, places, Depth::Purge)?;
    void_open(write, &examined.touched)?;
    // Those about what is void now are new, and say nothing that goes.
    let found = std::mem::take(&mut examined.found);
    let last = journal::tail(write.conn, 1)?.pop().map_or(0, |entry| entry.seq.0);
    let purge = JournalSeq(last.saturating_add(1));
    let mut report = examined.report(scope, Some(purge));
    report.entries = found.count();
    if report.is_empty() {
        (report.entry, report.purged) = (None, false);
        return Ok((report, Vec::new()));
    }
    let seals = entries::write(write.conn, found, purge)?;
    search::drop_tables(write.conn)?;
    write.conn.execute("INSERT OR IGNORE INTO incident_unindexed (incident) SELECT id FROM incident", [])?;
    let person = Actor::Person(write.identity.person.clone());
    let counts = report.counts.clone();
    let payload = Payload::Purged { concerns: scope.concerns, counts, reason: reason.to_owned(), seals };
    let seq = write.journal(scope.incident, &person, &payload)?;
    if seq != purge {
        return Err(Fault::Unreadable(format!("entry {seq} was to be entry {purge}")));
    }
    bump_changes(write.conn)?;
    let files = report.files.clone();
    Ok((report, files))
}

/// What follows the commit: pages that are free now, the log of SQLite, and files.
fn finish(path: &Path, connection: Connection, scope: &Scope, files: &[PurgedFile]) -> Result<(), StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(path, &error);
    connection.execute_batch("VACUUM").map_err(of_sqlite)?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(of_sqlite)?;
    if busy != 0 {
        return Err(StoreError::Busy { path: path.to_owned() });
    }
    connection.close().map_err(|(_, error)| of_sqlite(error))?;
    for file in files {
        file.apply(&scope.in_logs).map_err(|error| from_io(&file.path, &error))?;
    }
    Ok(())
}

/// What `selection` means for this database.
fn scope(conn: &Connection, selection: &Selection) -> Result<Result<Scope, PurgeError>, Fault> {
    let none = || PurgeError::Refused("nothing can be looked for".to_owned());
    let (concerns, incident, texts, condition) = match selection {
        Selection::Attempt(attempt) => {
            (Concerns::Attempt { attempt: *attempt }, None, Vec::new(), format!("id = {attempt}"))
        }
        Selection::Incident(incident) => {
            let texts = texts_of(conn, *incident)?;
            (Concerns::Incident { incident: *incident }, Some(*incident), texts, format!("incident = {incident}"))
        }
        Selection::Text(text) => (Concerns::Text, None, vec![text.clone()], "0".to_owned()),
    };
    let is_plain = |text: &&String| incident.is_none() || text.chars().count() >= SHORTEST_IN_LOGS;
    let (all, logged) =
        (needles(texts.iter().map(String::as_str)), needles(texts.iter().filter(is_plain).map(String::as_str)));
    let (Ok(needles), Ok(in_logs)) = (all, logged) else { return Ok(Err(none())) };
    let attempts = directories(conn, &condition)?;
    let mut scope = Scope { concerns, incident, needles, in_logs, attempts, since: None, firing: 0 };
    match selection {
        Selection::Attempt(attempt) if scope.attempts.is_empty() => {
            return Ok(refused(&format!("there is no attempt {attempt}. `aiops runs list` shows those there are")));
        }
        Selection::Incident(incident) => {
            let sql = "SELECT opened_at, firing FROM incident WHERE id = ?1";
            let found = conn.query_row(sql, [incident.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?;
            let Some((opened, firing)) = found else {
                return Ok(refused(&format!(
                    "there is no incident {incident}. `aiops incidents list` shows those there are"
                )));
            };
            scope.since = Some(Timestamp::from_millis(opened));
            scope.firing = firing.unsigned_abs();
        }
        Selection::Attempt(_) | Selection::Text(_) => {}
    }
    // What a program writes next may be what is to go.
    let running = match selection {
        Selection::Text(_) => "1",
        Selection::Attempt(_) | Selection::Incident(_) => &condition,
    };
    let sql = format!("SELECT id FROM attempt WHERE state <> {} AND {running} LIMIT 1", attempt_state::ENDED);
    if let Some(attempt) = rows::numbers(conn, &sql)?.first() {
        let why = format!(
            "attempt {attempt} is not over and may write what is to go. Wait for its end, or end it, then purge"
        );
        return Ok(refused(&why));
    }
    Ok(Ok(scope))
}

/// Texts of an incident that stand in its commands, runs and entries as well.
fn texts_of(conn: &Connection, incident: IncidentId) -> Result<Vec<String>, Fault> {
    const SOURCES: [&str; 5] = [
        "SELECT value FROM alert, json_each(labels) WHERE incident = ?1",
        "SELECT value FROM alert, json_each(annotations) WHERE incident = ?1",
        "SELECT text FROM message WHERE incident = ?1",
        "SELECT substr(what, 7) FROM timeline WHERE incident = ?1 AND substr(what, 1, 6) = 'note: '",
        "SELECT json_extract(payload, '$.event.text') FROM journal
         WHERE incident = ?1 AND json_valid(payload) AND json_extract(payload, '$.event.text') IS NOT NULL",
    ];
    let mut texts = BTreeSet::new();
    for sql in SOURCES {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([incident.0])?;
        while let Some(row) = rows.next()? {
            // Another type than text is none of ours.
            if let Ok(text) = row.get::<_, String>(0)
                && text.chars().count() >= SHORTEST
            {
                texts.insert(text);
            }
        }
    }
    Ok(texts.into_iter().collect())
}

fn directories(conn: &Connection, condition: &str) -> Result<BTreeMap<AttemptId, PathBuf>, Fault> {
    let mut statement = conn.prepare(&format!("SELECT id, directory FROM attempt WHERE {condition}"))?;
    let rows = statement.query_map([], |row| Ok((AttemptId(row.get(0)?), PathBuf::from(row.get::<_, String>(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was found.
struct Examined {
    touched: rows::Touched,
    found: entries::Found,
    reviews: u64,
    files: Vec<PurgedFile>,
}

impl Examined {
    fn report(&self, scope: &Scope, entry: Option<JournalSeq>) -> PurgeReport {
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for file in &self.files {
            *kinds.entry(plural(file.kind)).or_default() += 1;
        }
        let mut others: Vec<(&str, u64)> = kinds.into_iter().collect();
        others.push(("reviews", self.reviews));
        PurgeReport {
            concerns: scope.concerns,
            purged: entry.is_some(),
            counts: entries::counts(&self.touched, &others),
            entries: self.found.count(),
            files: self.files.clone(),
            entry,
            firing: scope.firing,
            left: Vec::new(),
        }
    }
}

/// What several files of a kind are called.
fn plural(kind: &'static str) -> &'static str {
    match kind {
        "output" => "files of attempts",
        "log" => "logs",
        "draft" => "drafts of consoles",
        "copied text" => "copied texts",
        BACKUP => "backups",
        "damaged database" => "damaged databases",
        other => other,
    }
}

/// Looks everywhere; with [`Depth::Purge`] the tables are purged, too. Journal and files are not touched yet.
fn examine(
    conn: &Connection,
    path: &Path,
    scope: &Scope,
    places: &PurgePlaces,
    depth: Depth,
) -> Result<Examined, Fault> {
    let all = directories(conn, "1")?;
    let (mut files, erased) = attempt_files(scope, &all, places)?;
    let touched = rows::purge(conn, scope, depth)?;
    let found = entries::look(conn, scope, &touched, &erased, depth)?;
    let none = Needles::new([]).map_err(|error| Fault::Unreadable(error.to_string()))?;
    let sought = if scope.incident.is_some() { &none } else { &scope.needles };
    let reviews = rows::purge_reviews(conn, &found.reviews, sought, depth)?;
    let is_in_database = found.count() > 0 || reviews > 0 || touched.rows.values().any(|count| *count > 0);
    files.extend(files::in_logs(places, &scope.in_logs)?);
    files.extend(personal_files(path, scope)?);
    files.extend(copies(path, scope, is_in_database)?);
    Ok(Examined { touched, found, reviews, files })
}

/// What goes of what consoles left for their persons. Which of them shows an output or an incident cannot be told.
fn personal_files(path: &Path, scope: &Scope) -> Result<Vec<PurgedFile>, Fault> {
    Ok(match scope.concerns {
        Concerns::Text => files::personal(path, Some(&scope.needles))?,
        Concerns::Incident { .. } => files::personal(path, None)?,
        Concerns::Attempt { .. } => {
            let mut all = files::personal(path, None)?;
            all.retain(|file| file.kind != "draft");
            all
        }
    })
}

/// What goes of the directories of attempts, and the attempts whose outputs are among that.
fn attempt_files(
    scope: &Scope,
    all: &BTreeMap<AttemptId, PathBuf>,
    places: &PurgePlaces,
) -> Result<(Vec<PurgedFile>, BTreeSet<AttemptId>), Fault> {
    if scope.concerns != Concerns::Text {
        let there = scope.attempts.values().filter(|directory| directory.exists());
        let files = there.map(|directory| PurgedFile::removed(directory.clone(), "output")).collect();
        return Ok((files, scope.attempts.keys().copied().collect()));
    }
    // Directories of attempts whose rows are lost are looked at as well.
    let directories = all.values().cloned().chain([places.attempts.clone()]).collect();
    let mut files = files::in_attempts(&directories, &scope.needles)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup();
    let outputs: BTreeSet<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let erased = all.iter().filter(|(_, directory)| outputs.contains(&directory.join(&places.output)));
    let erased = erased.map(|(attempt, _)| *attempt).collect();
    Ok((files, erased))
}

/// Copies of the database that hold what goes: a backup ends before the entry that would seal a purge of it, and a damaged one
/// cannot be looked into, so that both go as wholes.
fn copies(path: &Path, scope: &Scope, is_in_database: bool) -> Result<Vec<PurgedFile>, Fault> {
    let mut gone = Vec::new();
    for backup in backup::backups_of(path) {
        let goes = match scope.concerns {
            Concerns::Attempt { .. } => false,
            Concerns::Incident { .. } => scope.since.is_none_or(|since| backup.at >= since),
            Concerns::Text => is_in_copy(&backup.path, &scope.needles)?,
        };
        if goes {
            gone.push(PurgedFile::removed(backup.path, BACKUP));
        }
    }
    for damaged in files::damaged(path)? {
        let goes = match scope.concerns {
            Concerns::Attempt { .. } => false,
            Concerns::Incident { .. } => true,
            Concerns::Text => is_in_database || files::any_holds(&damaged, &scope.needles)?,
        };
        if goes {
            gone.push(PurgedFile::removed(damaged, "damaged database"));
        }
    }
    Ok(gone)
}

/// Whether a backup holds one of `needles`, in a row or in a page that is free; also when it cannot be read.
fn is_in_copy(backup: &Path, needles: &Needles) -> Result<bool, Fault> {
    if files::any_holds(backup, needles)? {
        return Ok(true);
    }
    // A long text is cut into pages, between which the file has other bytes.
    let Ok(connection) = connect_reader(backup) else { return Ok(true) };
    Ok(rows::are_in(&connection, needles).unwrap_or(true))
}

/// Every directory in which something of an attempt may be left.
fn all_directories(scope: &Scope, files: &[PurgedFile], places: &PurgePlaces) -> BTreeSet<PathBuf> {
    let parents = files.iter().filter_map(|file| file.path.parent().map(Path::to_owned));
    let outputs = parents.filter(|parent| parent.starts_with(&places.attempts));
    scope.attempts.values().cloned().chain(outputs).chain([places.attempts.clone()]).collect()
}

/// Voids what waited and cannot be shown any more as it was.
fn void_open(write: &mut Write<'_>, touched: &rows::Touched) -> Result<(), Fault> {
    let open = rows::numbers(write.conn, "SELECT id FROM proposal WHERE state < 2 ORDER BY id")?;
    for id in open.into_iter().filter(|id| touched.proposals.contains(id)) {
        let sql = "SELECT incident FROM proposal WHERE id = ?1";
        let incident = IncidentId(write.conn.query_row(sql, [id], |row| row.get(0))?);
        proposals::void(write, incident, ProposalId(id), VOID, &Actor::engine("store"))?;
    }
    Ok(())
}

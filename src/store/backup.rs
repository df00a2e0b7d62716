//! Backups: whole copies of the database, made while it is in use.
//!
//! Owns: the directory `backups` beside the database and the files in it. Does not: decide when one is due or which are kept
//! (`domain::keeping`), or restore (see `restore`).
//!
//! Invariants: a file without `.partial` at its end is a whole backup: it was copied from one moment of the database, read
//! back and checked, and is on the disk before it gets its name. A backup is made in small steps under a read transaction of
//! a connection of its own, so that neither writers nor readers wait for it. None is made while the disk is nearly full, and
//! old ones go only after a new one is there. Directory and files are private.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::backup::{Backup as Copy, StepResult};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::error::{Fault, StoreError, from_io, from_sqlite};
use super::open::{connect, connect_reader, sync_directory};
use super::{Store, filesystem, journal, migrations, restore};
use crate::domain::actor::Actor;
use crate::domain::id::JournalSeq;
use crate::domain::journal::{PartVerifier, Payload};
use crate::domain::keeping::{Erasable, Retention};
use crate::domain::time::Timestamp;

/// Pages that are copied in one step: half a megabyte.
const PAGES_A_STEP: i32 = 128;

/// Between two steps the disk is left to others this long.
const REST: Duration = Duration::from_millis(1);

/// After so many steps it is looked whether the disk still has room.
const STEPS_A_LOOK: u32 = 32;

/// So much room has to be left behind a backup, in bytes.
const ROOM_LEFT: u64 = 64 * 1024 * 1024;

/// Entries at the end of the journal whose chain is checked in a backup; those before were checked by the one before.
const TAIL: u32 = 1_000;

/// The end of the name of a backup that is not finished.
const PARTIAL: &str = ".partial";

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// The moment that it shows.
    pub at: Timestamp,
    /// Its size.
    pub bytes: u64,
}

/// What a backup holds, found out by reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupContent {
    /// The last entry of its journal.
    pub last_entry: JournalSeq,
    /// The hash of that entry.
    pub head: String,
    /// Its schema.
    pub version: i64,
}

impl Store {
    /// Makes a backup, checks it, and then removes those that `retention` does not keep. `None` when another process is making one
    /// at this moment. May take minutes; neither writers nor readers wait for it.
    ///
    /// # Errors
    /// When there is not enough room, the copy could not be made, or it is damaged, which means that the database is. No backup
    /// is removed then.
    pub async fn back_up(&self, retention: Retention) -> Result<Option<Backup>, StoreError> {
        let (database, at) = (self.path().to_owned(), self.now());
        let (reply, answer) = oneshot::channel();
        let work = move || {
            let _ = reply.send(make(&database, at));
        };
        let spawned = thread::Builder::new().name("store-backup".to_owned()).spawn(work);
        spawned.map_err(|error| from_io(self.path(), &error))?;
        let made = answer.await.unwrap_or_else(|_| Err(self.aborted()));
        if let Err(StoreError::Corrupt { detail, .. }) = &made {
            restore::note_damage(self.path(), detail);
        }
        let Some((backup, content)) = made? else { return Ok(None) };
        let file = backup.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let entry = Payload::BackedUp { file, bytes: backup.bytes, last_entry: content.last_entry };
        self.note(entry).await?;
        let superseded = superseded(self.path(), retention);
        self.remove_backups(superseded, "newer ones are kept instead").await?;
        Ok(Some(backup))
    }

    /// Removes these backups, with an entry of the journal before.
    pub(super) async fn remove_backups(&self, gone: Vec<Backup>, reason: &str) -> Result<u64, StoreError> {
        if gone.is_empty() {
            return Ok(0);
        }
        let bytes = gone.iter().map(|backup| backup.bytes).sum();
        let (what, count) = (Erasable::Backups, gone.len() as u64);
        self.note(Payload::Erased { what, count, bytes, reason: reason.to_owned() }).await?;
        for backup in &gone {
            fs::remove_file(&backup.path).map_err(|error| from_io(&backup.path, &error))?;
        }
        Ok(bytes)
    }

    /// One entry of the journal by the engine.
    pub(super) async fn note(&self, payload: Payload) -> Result<(), StoreError> {
        self.write(move |write| write.journal(None, &Actor::engine("keeping"), &payload).map(|_| ())).await
    }
}

/// The directory of the backups of the database at `database`.
#[must_use]
pub fn backup_directory(database: &Path) -> PathBuf {
    database.parent().unwrap_or(Path::new(".")).join("backups")
}

/// The finished backups of the database at `database`, the newest first. Unreadable directories have none.
#[must_use]
pub fn backups_of(database: &Path) -> Vec<Backup> {
    let Ok(entries) = fs::read_dir(backup_directory(database)) else { return Vec::new() };
    let backup = |entry: fs::DirEntry| {
        let at = moment_of(database, &entry.file_name())?;
        let bytes = entry.metadata().ok().filter(fs::Metadata::is_file)?.len();
        Some(Backup { path: entry.path(), at, bytes })
    };
    let mut backups: Vec<Backup> = entries.filter_map(|entry| backup(entry.ok()?)).collect();
    backups.sort_unstable_by_key(|backup| std::cmp::Reverse(backup.at));
    backups
}

/// Reads a backup and says what is in it.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is damaged or its journal is broken; otherwise why it cannot be read or used.
pub fn look_into(path: &Path) -> Result<BackupContent, StoreError> {
    let connection = connect_reader(path)?;
    let corrupt = |detail: String| StoreError::Corrupt { path: path.to_owned(), detail };
    if let Some(finding) = restore::first_damage(&connection).map_err(|error| from_sqlite(path, &error))? {
        return Err(corrupt(finding));
    }
    let of_sqlite = |error: rusqlite::Error| from_sqlite(path, &error);
    let version = migrations::version(&connection).map_err(of_sqlite)?;
    if version == 0 || migrations::is_foreign(&connection).map_err(of_sqlite)? {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if version > migrations::VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, ours: migrations::VERSION });
    }
    let entries = journal::tail(&connection, TAIL).map_err(|fault: Fault| fault.at(path))?;
    let mut verifier = PartVerifier::default();
    for entry in &entries {
        verifier.check(entry).map_err(|broken| corrupt(format!("entry {}: {}", broken.seq, broken.reason)))?;
    }
    // A purge is always later than what it purged, so that its entry is in the same backup.
    if let Some(claim) = verifier.claims().take_open().first() {
        let broken = claim.unsealed();
        return Err(corrupt(format!("entry {}: {}", broken.seq, broken.reason)));
    }
    match verifier.last() {
        Some((last_entry, head)) if verifier.gaps() == 0 => {
            Ok(BackupContent { last_entry, head: head.to_owned(), version })
        }
        Some(_) => Err(corrupt("entries of the journal are missing".to_owned())),
        None => Err(corrupt("its journal is empty".to_owned())),
    }
}

/// Makes a backup that shows the present moment, which is `at`; `None` when another process is at it.
pub(super) fn make(database: &Path, at: Timestamp) -> Result<Option<(Backup, BackupContent)>, StoreError> {
    let directory = backup_directory(database);
    let failed = |error: io::Error| from_io(&directory, &error);
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
    let lock_path = directory.join(".lock");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock_path);
    let lock = lock.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    remove_unfinished(database, &directory);
    check_room(database, &directory)?;
    let name = name_at(database, at);
    let (path, partial) = (directory.join(&name), directory.join(format!("{name}{PARTIAL}")));
    match copy(database, &partial).and_then(|()| look_into(&partial)) {
        Ok(content) => {
            fs::rename(&partial, &path).and_then(|()| sync_directory(&path)).map_err(failed)?;
            let bytes = fs::metadata(&path).map_err(failed)?.len();
            Ok(Some((Backup { path, at, bytes }, content)))
        }
        Err(error) => {
            let _ = fs::remove_file(&partial);
            Err(match error {
                // A true copy of a damaged file is damaged.
                StoreError::Corrupt { detail, .. } => StoreError::Corrupt { path: database.to_owned(), detail },
                other => other,
            })
        }
    }
}

/// Copies the database into a new file that needs no log beside it, and puts that on the disk.
fn copy(database: &Path, partial: &Path) -> Result<(), StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(partial, &error);
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial);
    new.map_err(|error| from_io(partial, &error))?;
    let source = connect_reader(database)?;
    // One moment of the database for all steps: without this, every write of another connection would begin the copy anew.
    source
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
        .map_err(|error| from_sqlite(database, &error))?;
    let mut target = connect(partial, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(of_sqlite)?;
    step_by_step(&source, &mut target, database)?;
    drop(source);
    // The copy says of itself that it has a write-ahead log, as its original has.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(of_sqlite)?;
    if mode != "delete" {
        return Err(StoreError::Io { path: partial.to_owned(), what: format!("the copy stays in mode {mode}") });
    }
    target.close().map_err(|(_, error)| of_sqlite(error))?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(|error| from_io(partial, &error))
}

fn step_by_step(source: &Connection, target: &mut Connection, database: &Path) -> Result<(), StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(database, &error);
    let copying = Copy::new(source, target).map_err(of_sqlite)?;
    let mut steps: u32 = 0;
    loop {
        if matches!(copying.step(PAGES_A_STEP).map_err(of_sqlite)?, StepResult::Done) {
            return Ok(());
        }
        // More to come; or the file is locked for a moment, which passes: the source is held by a transaction.
        thread::sleep(REST);
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(STEPS_A_LOOK) && free_beside(database) < ROOM_LEFT {
            return Err(no_room(database, ROOM_LEFT));
        }
    }
}

/// Fails unless a copy of the database finds room, and some is left behind it.
fn check_room(database: &Path, directory: &Path) -> Result<(), StoreError> {
    let needed = size_with_log(database).saturating_add(ROOM_LEFT);
    if filesystem::room(directory).is_ok_and(|free| free < needed) {
        return Err(no_room(database, needed));
    }
    Ok(())
}

fn no_room(database: &Path, needed: u64) -> StoreError {
    StoreError::NoRoomToBackUp { path: database.to_owned(), needed, free: free_beside(database) }
}

fn free_beside(database: &Path) -> u64 {
    filesystem::room(database.parent().unwrap_or(Path::new("."))).unwrap_or(u64::MAX)
}

/// Bytes of the database and of its log.
pub(super) fn size_with_log(database: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    size(database).saturating_add(size(&super::open::beside(database, "-wal")))
}

/// What a process left that ended in the middle of it. Only to be called under the lock.
fn remove_unfinished(database: &Path, directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let prefix = prefix_of(database);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        // SQLite may have left a log beside a partial copy.
        if name.starts_with(&prefix) && name.contains(PARTIAL) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn superseded(database: &Path, retention: Retention) -> Vec<Backup> {
    let mut backups = backups_of(database);
    let times: Vec<Timestamp> = backups.iter().map(|backup| backup.at).collect();
    let gone = retention.superseded(&times);
    backups.retain(|backup| gone.contains(&backup.at));
    backups.reverse();
    backups
}

/// How the names of all backups of a database begin: several databases may share a directory.
fn prefix_of(database: &Path) -> String {
    format!("{}-", database.file_name().unwrap_or_default().to_string_lossy())
}

/// `aiops.db-20260301T021400.000Z`
fn name_at(database: &Path, at: Timestamp) -> String {
    let moment: String = at.to_rfc3339().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{}{moment}", prefix_of(database))
}

/// The moment in a name of [`name_at`].
fn moment_of(database: &Path, name: &OsStr) -> Option<Timestamp> {
    let moment = name.to_str()?.strip_prefix(&prefix_of(database))?;
    let (date, time) = moment.split_once('T')?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, second) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}

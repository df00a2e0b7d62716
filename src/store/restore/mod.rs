//! Damage: finding it, putting the damaged files aside, and restoring the database from a backup and from what can still be
//! read.
//!
//! Owns: the order of these steps and what stands beside the database meanwhile. Does not: make backups (see `backup`).
//!
//! Invariants:
//! - Damaged files are moved into a directory of their own below `damaged` and never changed or deleted.
//! - All of it is done under the exclusive lock of the file: never while another process has it open.
//! - It can be interrupted anywhere. `FILE.restoring` names the directory from before the first file is moved until the
//!   restored database is in its place; whoever opens the file next goes on from there.
//! - Only what is ours is touched, and only when a check has found it damaged: an error while opening is not enough.

mod judge;
mod project;
mod salvage;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

pub(super) use judge::first_damage;

use super::backup::{self, backups_of, look_into};
use super::error::{StoreError, from_io, from_sqlite};
use super::open::{LOCK_PATIENCE, beside, connect, lock_alone, prepare_lock, sync_directory};
use super::{OpenOptions as StoreOptions, filesystem, migrations};
use crate::domain::keeping::Restored;
use crate::domain::time::Timestamp;

/// The files that belong to a database and hold what is stored; the first is the database itself.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// Room that the entries salvaged from a damaged file may take besides the backup, in bytes.
const ROOM_TO_SALVAGE: u64 = 16 * 1024 * 1024;

/// Goes on with a restoration that was interrupted, and begins one where damage was noted and nobody else has the file open.
/// `None` when there is nothing of the kind.
///
/// # Errors
/// When it has to be restored and cannot be.
pub(super) fn unfinished(path: &Path, options: &StoreOptions) -> Result<Option<Restored>, StoreError> {
    let (restoring, damaged) = (beside(path, ".restoring"), beside(path, ".damaged"));
    // An empty file would become a new database without a word of what was in it.
    let is_emptied = fs::metadata(path).is_ok_and(|found| found.len() == 0) && !backups_of(path).is_empty();
    if !restoring.exists() && !damaged.exists() && !is_emptied {
        return Ok(None);
    }
    let lock = prepare_lock(path)?;
    if let Err(error) = lock_alone(path, &lock, LOCK_PATIENCE) {
        // Somebody looks at a damaged file, which is allowed. One that is being restored is not there.
        return if restoring.exists() { Err(error) } else { Ok(None) };
    }
    if let Ok(note) = fs::read_to_string(&restoring) {
        return finish(path, &Note::parse(path, &note), options).map(Some);
    }
    let restored = match judge::damage(path)? {
        Some(damage) => Some(set_aside(path, damage, options)?),
        None => None,
    };
    forget(&damaged);
    Ok(restored)
}

/// Restores the database at `path`, which could not be opened for the reason `error`.
///
/// # Errors
/// `error` itself when the file is not ours, not damaged, or in use by another process; otherwise why restoring failed.
pub(super) fn recover(path: &Path, options: &StoreOptions, error: StoreError) -> Result<Restored, StoreError> {
    let may_be_damage = matches!(
        error,
        StoreError::Corrupt { .. }
            | StoreError::NotADatabase { .. }
            | StoreError::Foreign { .. }
            | StoreError::Unreadable { .. }
            | StoreError::Sqlite { .. }
            | StoreError::Io { .. }
    );
    if !may_be_damage || !path.is_file() {
        return Err(error);
    }
    let lock = prepare_lock(path)?;
    if lock_alone(path, &lock, LOCK_PATIENCE).is_err() || !judge::is_ours(path) {
        return Err(error);
    }
    match judge::damage(path) {
        Ok(Some(damage)) => set_aside(path, damage, options),
        Ok(None) | Err(_) => Err(error),
    }
}

/// Notes beside the file that it is damaged when that is what went wrong.
pub(super) fn note_if_damaged<T>(result: &Result<T, StoreError>) {
    if let Err(StoreError::Corrupt { path, detail }) = result {
        note_damage(path, detail);
    }
}

/// Notes beside the file that it is damaged, for the next process that has it alone, which looks closer.
pub(super) fn note_damage(path: &Path, detail: &str) {
    let note = beside(path, ".damaged");
    if note.exists() {
        return;
    }
    if let Err(error) = write_durably(&note, detail) {
        tracing::error!(note = %note.display(), %error, "that the database is damaged could not be noted");
    }
}

/// Restores the database at `path` from `backup` (or the newest good one), whether it is damaged or not: what is there is put
/// aside, and its journal since then is salvaged.
///
/// # Errors
/// When another process has the file open, `backup` is no good, or there is no room. Nothing was changed in these cases.
pub fn restore(path: &Path, from: Option<&Path>, options: &StoreOptions) -> Result<Restored, StoreError> {
    let lock = prepare_lock(path)?;
    lock_alone(path, &lock, LOCK_PATIENCE)?;
    if let Some(backup) = from {
        look_into(backup)?;
    }
    let damage = match judge::damage(path) {
        Ok(Some(damage)) => damage,
        Ok(None) => "a person asked for it".to_owned(),
        Err(error) => error.to_string(),
    };
    begin(path, damage, from.map(Path::to_owned), options)
}

/// What stands in `FILE.restoring`.
#[derive(Debug)]
struct Note {
    /// The directory for the damaged files.
    aside: PathBuf,
    /// The backup that a person chose.
    chosen: Option<PathBuf>,
    /// What was found.
    damage: String,
}

impl Note {
    /// One line for each field; names that are no UTF-8 do not survive it, so that the directory is named relative to the file's.
    fn text(&self) -> String {
        let name = self.aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let chosen = self.chosen.as_ref().map_or_else(String::new, |chosen| chosen.display().to_string());
        format!("{name}\n{chosen}\n{}\n", self.damage.replace('\n', " "))
    }

    fn parse(path: &Path, text: &str) -> Self {
        let mut lines = text.lines();
        // A note that was cut off by a crash: nothing was moved before it was whole, any name does.
        let name = lines.next().filter(|name| !name.is_empty() && !name.contains('/')).unwrap_or("unnamed");
        let chosen = lines.next().filter(|chosen| !chosen.is_empty()).map(PathBuf::from);
        let damage = lines.next().unwrap_or("damaged").to_owned();
        Self { aside: damaged_directory(path).join(name), chosen, damage }
    }
}

/// Where damaged files of the database at `path` are kept.
#[must_use]
pub fn damaged_directory(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).join("damaged")
}

fn set_aside(path: &Path, damage: String, options: &StoreOptions) -> Result<Restored, StoreError> {
    begin(path, damage, None, options)
}

fn begin(path: &Path, damage: String, chosen: Option<PathBuf>, options: &StoreOptions) -> Result<Restored, StoreError> {
    let (at, _) = (options.now)();
    let stamp: String = at.to_rfc3339().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let name = format!("{}-{stamp}", path.file_name().unwrap_or_default().to_string_lossy());
    let mut aside = damaged_directory(path).join(&name);
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = damaged_directory(path).join(format!("{name}-{number}"));
    }
    let note = Note { aside, chosen, damage };
    check_room(path, &note)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(damaged_directory(path))
        .and_then(|()| write_durably(&beside(path, ".restoring"), &note.text()))
        .map_err(|error| from_io(path, &error))?;
    finish(path, &note, options)
}

/// Everything behind the note. Whatever of it is done already is not done again.
fn finish(path: &Path, note: &Note, options: &StoreOptions) -> Result<Restored, StoreError> {
    let failed = |error: StoreError| StoreError::NotRestored {
        path: path.to_owned(),
        damage: note.damage.clone(),
        why: error.to_string(),
        kept_in: note.aside.clone(),
    };
    if let Some(restored) = already_placed(path, note)? {
        clear_notes(path).map_err(|error| failed(from_io(path, &error)))?;
        return Ok(restored);
    }
    tracing::error!(database = %path.display(), damage = note.damage, aside = %note.aside.display(), "restoring");
    move_aside(path, &note.aside).map_err(|error| failed(from_io(&note.aside, &error)))?;
    let new = beside(path, ".new");
    let restored = rebuild(path, &new, note, options).map_err(failed)?;
    let placed = fs::rename(&new, path).and_then(|()| sync_directory(path));
    placed.map_err(|error| failed(from_io(path, &error)))?;
    clear_notes(path).map_err(|error| failed(from_io(path, &error)))?;
    tracing::warn!(database = %path.display(), "{restored}");
    Ok(restored)
}

/// Forgets that there was damage: everything is in its place.
fn clear_notes(path: &Path) -> io::Result<()> {
    forget(&beside(path, ".damaged"));
    forget(&beside(path, ".restoring"));
    sync_directory(path)
}

/// What came of it, when only the notes were left to be removed: the damaged database is aside and there is one in its place,
/// which nobody but [`finish`] puts there while there is a note.
fn already_placed(path: &Path, note: &Note) -> Result<Option<Restored>, StoreError> {
    if !path.exists() || !note.aside.join(path.file_name().unwrap_or_default()).exists() {
        return Ok(None);
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let last = salvage::last_restored(&connection).map_err(|fault| fault.at(path))?;
    last.map(Some).ok_or_else(|| StoreError::NotRestored {
        path: path.to_owned(),
        damage: note.damage.clone(),
        why: "there is another database in its place, which was not restored. Move one of them away".to_owned(),
        kept_in: note.aside.clone(),
    })
}

/// Moves what is left of the database into the directory `aside`.
fn move_aside(path: &Path, aside: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(aside)?;
    let name = path.file_name().unwrap_or_default();
    for part in PARTS {
        let (from, to) = (beside(path, part), beside(&aside.join(name), part));
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    File::open(aside)?.sync_all()?;
    sync_directory(aside)?;
    sync_directory(path)
}

/// Builds the database anew at `new`, from a backup and the damaged files.
fn rebuild(path: &Path, new: &Path, note: &Note, options: &StoreOptions) -> Result<Restored, StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(new, &error);
    let base = lay_base(path, new, note.chosen.as_deref())?;
    let mut connection = connect(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Nobody else knows the file, and it is thrown away when this does not come to its end.
    connection.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;").map_err(of_sqlite)?;
    migrations::migrate(&mut connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => of_sqlite(err),
        other => StoreError::Sqlite { path: new.to_owned(), what: other.to_string() },
    })?;
    connection.execute_batch("PRAGMA foreign_keys = ON").map_err(of_sqlite)?;
    let damaged = note.aside.join(path.file_name().unwrap_or_default());
    let frame = salvage::Frame {
        damaged: &damaged,
        damage: &note.damage,
        kept_in: &note.aside,
        backup: base.map(|(path, at)| (path.display().to_string(), at)),
        attempts_root: path.parent().unwrap_or(Path::new(".")).join("attempts"),
    };
    let restored = salvage::salvage(&mut connection, &frame, options).map_err(|fault| fault.at(new))?;
    connection.close().map_err(|(_, error)| of_sqlite(error))?;
    File::open(new).and_then(|file| file.sync_all()).map_err(|error| from_io(new, &error))?;
    Ok(restored)
}

/// Puts a copy of the newest good backup at `new`, or an empty file when there is none; says which backup.
fn lay_base(path: &Path, new: &Path, chosen: Option<&Path>) -> Result<Option<(PathBuf, Timestamp)>, StoreError> {
    for part in ["", "-journal", "-wal", "-shm"] {
        forget(&beside(new, part));
    }
    let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(new);
    for backup in candidates(path, chosen) {
        match look_into(&backup.path) {
            Ok(_) => {
                let copied = create().and_then(|mut to| io::copy(&mut File::open(&backup.path)?, &mut to));
                copied.map_err(|error| from_io(new, &error))?;
                return Ok(Some((backup.path, backup.at)));
            }
            Err(error) => tracing::warn!(backup = %backup.path.display(), %error, "a backup is not good"),
        }
    }
    create().map_err(|error| from_io(new, &error))?;
    Ok(None)
}

/// The backups that may be used, the best first.
fn candidates(path: &Path, chosen: Option<&Path>) -> Vec<backup::Backup> {
    let mut candidates = backups_of(path);
    if let Some(chosen) = chosen {
        let known = candidates.iter().find(|backup| backup.path == chosen).cloned();
        let of_file = || {
            let found = fs::metadata(chosen).ok()?;
            let modified = found.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            let at = Timestamp::from_millis(i64::try_from(modified.as_millis()).ok()?);
            Some(backup::Backup { path: chosen.to_owned(), at, bytes: found.len() })
        };
        candidates = known.or_else(of_file).into_iter().collect();
    }
    candidates
}

/// Fails, before anything is moved, when the restored database would not find room.
fn check_room(path: &Path, note: &Note) -> Result<(), StoreError> {
    let base = candidates(path, note.chosen.as_deref()).first().map_or(0, |backup| backup.bytes);
    let needed = base.saturating_add(ROOM_TO_SALVAGE);
    match filesystem::room(path.parent().unwrap_or(Path::new("."))) {
        Ok(free) if free < needed => Err(StoreError::NotRestored {
            path: path.to_owned(),
            damage: note.damage.clone(),
            why: format!("{needed} bytes are needed for it and {free} are free"),
            kept_in: path.parent().unwrap_or(Path::new(".")).to_owned(),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_directory(path)
}

/// Removes a file that may be missing.
fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file that is not needed any more could not be removed");
    }
}

/// A connection to damaged files that changes neither the database nor its log.
fn connect_damaged(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let option = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(option, true).map_err(|error| from_sqlite(path, &error))?;
    Ok(connection)
}

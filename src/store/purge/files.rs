//! Purging texts from the files that stand beside a database.
//!
//! Owns: which files these are and what becomes of each. Invariants: only files that this program makes are looked at, by
//! their names; links are not followed; what is left of a file is as private as it was. The heads of the journal that are
//! kept elsewhere are evidence and are not touched.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::PurgePlaces;
use crate::domain::purge::Needles;
use crate::store::open::sync_directory;
use crate::store::restore::damaged_directory;

/// Bytes that are read at a time.
const PIECE: usize = 1024 * 1024;

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is removed.
    Removed,
    /// The text in it is written over with asterisks.
    Blotted,
}

/// A file or a directory that holds what is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurgedFile {
    /// Where.
    pub path: PathBuf,
    /// What it is: `output`, `log`, `draft`, `backup`, `damaged database`, `copied text`.
    pub kind: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

impl PurgedFile {
    /// A file that goes as a whole.
    pub(super) const fn removed(path: PathBuf, kind: &'static str) -> Self {
        Self { path, kind, fate: Fate::Removed }
    }

    /// Does it.
    ///
    /// # Errors
    /// When the file system does not let it; the file may be there still.
    pub(super) fn apply(&self, needles: &Needles) -> io::Result<()> {
        match self.fate {
            Fate::Blotted => blot_out(&self.path, needles),
            Fate::Removed => {
                let removed = match fs::symlink_metadata(&self.path) {
                    Ok(found) if found.is_dir() => fs::remove_dir_all(&self.path),
                    Ok(_) => fs::remove_file(&self.path),
                    Err(error) => Err(error),
                };
                match removed {
                    Ok(()) => sync_directory(&self.path),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// The directories of attempts that hold one of `needles`, with what in them does.
pub(super) fn in_attempts(directories: &BTreeSet<PathBuf>, needles: &Needles) -> io::Result<Vec<PurgedFile>> {
    let mut found = Vec::new();
    for directory in directories {
        for path in files_below(directory)? {
            if holds(&path, needles)? {
                found.push(PurgedFile::removed(path, "output"));
            }
        }
    }
    Ok(found)
}

/// The logs that hold one of `needles`.
pub(super) fn in_logs(places: &PurgePlaces, needles: &Needles) -> io::Result<Vec<PurgedFile>> {
    let mut found = Vec::new();
    for path in logs(places) {
        if holds(&path, needles)? {
            found.push(PurgedFile { path, kind: "log", fate: Fate::Blotted });
        }
    }
    Ok(found)
}

/// What consoles left for their persons: drafts, places to go back to, copied text; those that hold one of `needles`, or all.
pub(super) fn personal(database: &Path, needles: Option<&Needles>) -> io::Result<Vec<PurgedFile>> {
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for path in entries_of(database.parent().unwrap_or(Path::new(".")))? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(rest) = file.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.')) else { continue };
        let kind = match rest.split('.').next() {
            Some("place") => "draft",
            Some("copied") => "copied text",
            Some(_) | None => continue,
        };
        let goes = match needles {
            Some(needles) => holds(&path, needles)?,
            None => true,
        };
        if goes {
            found.push(PurgedFile::removed(path, kind));
        }
    }
    Ok(found)
}

/// The damaged databases that were put aside.
pub(super) fn damaged(database: &Path) -> io::Result<Vec<PathBuf>> {
    entries_of(&damaged_directory(database))
}

/// Whether a file or one below a directory holds one of `needles`.
pub(super) fn any_holds(path: &Path, needles: &Needles) -> io::Result<bool> {
    for file in files_below(path)? {
        if holds(&file, needles)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Everything that this program keeps of a database that still holds one of `needles`.
pub(super) fn left(
    database: &Path,
    directories: &BTreeSet<PathBuf>,
    places: &PurgePlaces,
    needles: &Needles,
) -> io::Result<Vec<PathBuf>> {
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = entries_of(database.parent().unwrap_or(Path::new(".")))?.into_iter();
    let beside = beside.filter(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(&name) || ["attempts", "backups", "damaged"].contains(&&*file)
    });
    let mut left = Vec::new();
    for place in beside.chain(directories.iter().cloned()).chain(logs(places)).chain(places.evidence.clone()) {
        for file in files_below(&place)? {
            if !left.contains(&file) && holds(&file, needles)? {
                left.push(file);
            }
        }
    }
    Ok(left)
}

/// The log and those that were put aside when it had grown too large.
fn logs(places: &PurgePlaces) -> Vec<PathBuf> {
    let Some(log) = &places.log else { return Vec::new() };
    let name = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    entries_of(log.parent().unwrap_or(Path::new("."))).unwrap_or_default().into_iter().filter(aside).collect()
}

/// What stands in a directory, in order; nothing when it is not there.
fn entries_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// The regular files at or below `path`, in order; links are not followed.
fn files_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => waiting.extend(entries_of(&path)?),
            Ok(found) if found.is_file() => files.push(path),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    files.sort();
    Ok(files)
}

/// Whether one of `needles` stands in a file, which is read piece by piece.
fn holds(path: &Path, needles: &Needles) -> io::Result<bool> {
    if needles.is_empty() {
        return Ok(false);
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let overlap = needles.longest().saturating_sub(1);
    let mut window = Vec::with_capacity(PIECE.saturating_add(overlap));
    loop {
        let read = Read::by_ref(&mut file).take(PIECE as u64).read_to_end(&mut window)?;
        if needles.are_in(&window) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        window.drain(..window.len().saturating_sub(overlap));
    }
}

/// Writes asterisks over what is found in a file, which keeps its length and its place: this process has the log open.
fn blot_out(path: &Path, needles: &Needles) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let Some(blotted) = needles.blot_out(&bytes) else { return Ok(()) };
    // What was written meanwhile stands behind it and stays.
    let mut file = OpenOptions::new().write(true).custom_flags(nix::libc::O_NOFOLLOW).open(path)?;
    file.write_all(&blotted)?;
    file.sync_all()
}

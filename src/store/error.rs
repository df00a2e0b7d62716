//! Why the store could not do something, in words for the person who reads it.
//!
//! Owns: [`StoreError`], which names the file and the remedy, and [`Fault`], its inner form without the file.
//! Does not: hold refusals of the rules; those are `domain::incident::Refusal`.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::domain::incident::Refusal;
use crate::domain::keeping::bytes_for_people;

/// Why the store could not do something. Cheap to clone, because one failed commit answers many callers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process held the write lock for longer than the busy time-out.
    #[error("{path}: another process is writing to the database and did not finish in time. Try again; if it goes on, look for a hanging aiops process", path = .path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The disk or the quota is full.
    #[error("{path}: the disk is full, nothing was stored. Free some space on that file system, then repeat what you did", path = .path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The file or its directory cannot be written.
    #[error("{path}: cannot be written ({why}). Make the file and its directory writable for this user, or choose another place with --db", path = .path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system or SQLite said.
        why: String,
    },
    /// Somebody else could change what is in it.
    #[error("{path}: not used, because {why}. Choose a place of your own with --db, or mend that", path = .path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// Whose it is, or who may do what.
        why: String,
    },
    /// A newer program wrote it.
    #[error("{path}: it was written by a newer aiops (schema {found}; this one knows {ours}). Use the newer aiops, or choose another file with --db", path = .path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema version that this program knows.
        ours: i64,
    },
    /// It is no SQLite database.
    #[error("{path}: this is not a database. Choose another file with --db, or move this one away and start again with an empty one", path = .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is a SQLite database, but of another program.
    #[error("{path}: this database belongs to another program, it was left alone. Choose another file with --db", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite found it damaged.
    #[error("{path}: the database is damaged ({detail}). Leave all consoles of this database and start again: it is then put aside and restored from its newest backup and its journal (by hand: `aiops restore --even-if-whole`). No action runs before that", path = .path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// There is not enough room for a backup.
    #[error("{path}: no backup was made: it needs {} on that file system and {} are free. Free some space there; the next one is tried in a few minutes", bytes_for_people(*.needed), bytes_for_people(*.free), path = .path.display())]
    NoRoomToBackUp {
        /// The database.
        path: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// It is damaged, and restoring it did not work.
    #[error("{path}: the database is damaged ({damage}) and could not be restored: {why}. The damaged files are kept in {kept_in}; remove the cause and start again, which goes on from there", path = .path.display(), kept_in = .kept_in.display())]
    NotRestored {
        /// The database.
        path: PathBuf,
        /// What was found.
        damage: String,
        /// What went wrong.
        why: String,
        /// Where the damaged files are or will be.
        kept_in: PathBuf,
    },
    /// The search index was dropped because the disk budget is used up.
    #[error(
        "the search index was dropped because the disk budget is used up; it is made again when there is room. Raise keep.budget, or remove what is not needed"
    )]
    IndexDropped,
    /// Its schema is old, and it cannot be brought up to date while others have it open.
    #[error("{path}: it has to be brought up to date, and another aiops process has it open. End the other aiops processes of this user, then start again", path = .path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It lies on a network file system.
    #[error("{path}: it lies on a network file system ({kind}), where SQLite loses data. Choose a place on a local disk with --db, for example under /var/tmp or /home on this host", path = .path.display())]
    NetworkFileSystem {
        /// The directory.
        path: PathBuf,
        /// Which kind.
        kind: String,
    },
    /// Another process took over this lease.
    #[error(
        "the lease {name:?} was taken over by another process, nothing was stored. This process goes on as a viewer"
    )]
    Fenced {
        /// Name of the lease.
        name: String,
    },
    /// The SQLite library is too old.
    #[error(
        "SQLite {found} is too old: before 3.51.3 several connections could damage the database. Build aiops with its bundled SQLite"
    )]
    SqliteTooOld {
        /// Its version.
        found: String,
    },
    /// Reading or writing a file failed.
    #[error("{path}: {what}. Look at the disk and at the permissions of that directory", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        what: String,
    },
    /// Anything else that SQLite reports.
    #[error("{path}: the database reported: {what}. Nothing was stored; if it goes on, run `aiops journal verify`", path = .path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What it said.
        what: String,
    },
    /// A stored value cannot be read.
    #[error("{path}: a stored value cannot be read ({what}). It was changed by something other than aiops. Leave all consoles of this database and run `aiops restore --even-if-whole`, which puts it aside and takes the newest backup and the journal", path = .path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// Which value, and why.
        what: String,
    },
    /// The job ended without an answer: a defect of the program.
    #[error("{path}: the work on the database was ended by an internal error, nothing was stored. The log file has the details; please report it", path = .path.display())]
    Aborted {
        /// The database.
        path: PathBuf,
    },
}

/// Why a person's command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError {
    /// Brings the two ways of failing under one roof.
    pub(super) fn flatten<T>(result: Result<Result<T, Refusal>, StoreError>) -> Result<T, Self> {
        Ok(result??)
    }
}

/// What can go wrong inside a transaction, before the file's name is added.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// A stored value cannot be read.
    Unreadable(String),
    /// The lease of this name was taken over.
    Fenced(String),
    /// A file beside the database cannot be used.
    Io(io::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl Fault {
    /// Adds the file's name.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => from_sqlite(path, &error),
            Self::Unreadable(what) => StoreError::Unreadable { path: path.to_owned(), what },
            Self::Fenced(name) => StoreError::Fenced { name },
            Self::Io(error) => from_io(path, &error),
        }
    }
}

/// What an error of SQLite means for the person.
pub(super) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let what = error.to_string();
    if matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    ) {
        return StoreError::Unreadable { path, what };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path, why: what },
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, detail: what },
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => StoreError::Io { path, what },
        _ => StoreError::Sqlite { path, what },
    }
}

/// What an error of the operating system means for the person.
pub(super) fn from_io(path: &Path, error: &io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, why: error.to_string() }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Io { path, what: error.to_string() },
    }
}

//! Opening the file: permissions, place, lock, schema, pragmas.
//!
//! Owns: everything that is checked before the first query, and the file lock. Does not: run jobs.
//!
//! Invariants: the database, its `-wal`, `-shm` and `.lock` are mode 0600 (SQLite gives the first two the mode of the
//! database) and belong to this user; nobody else can put other files in their place. Every open store holds a shared lock on `FILE.lock`; the schema is changed only under the exclusive one,
//! so never while another process has the file open.

use std::cmp::Ordering;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use rusqlite::{Connection, OpenFlags};

use super::error::{StoreError, from_io, from_sqlite};
use super::{filesystem, migrations};

/// SQLite before 3.51.3 has a race when several connections reset the WAL.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a statement waits for the lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long opening waits for another process that is bringing the schema up to date.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// How often it looks meanwhile.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Statements kept prepared per connection.
const STATEMENTS: usize = 96;

/// Page cache of the writing connection, in KiB; negative is how SQLite tells KiB from pages.
const WRITER_CACHE_KIB: i64 = -16 * 1024;

/// Page cache of each reading connection, in the same unit.
const READER_CACHE_KIB: i64 = -8 * 1024;

/// The WAL is cut back to this many bytes after a checkpoint.
const WAL_LIMIT: i64 = 64 * 1024 * 1024;

/// Bits of a directory's mode (inode(7)): others may make and remove files in it; but only their own.
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// An opened file: one writing connection, and the lock that says that it is in use.
#[derive(Debug)]
pub(super) struct Opened {
    /// The connection that writes.
    pub(super) writer: Connection,
    /// Shared lock; held until it is dropped.
    pub(super) lock: File,
}

/// Opens or creates the database at `path` and brings its schema up to date; for that it waits for other processes, but
/// not longer than `patience`.
///
/// # Errors
/// One [`StoreError`] for each thing that can be wrong with the place, the file or its schema.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Opened, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::SqliteTooOld { found: rusqlite::version().to_owned() });
    }
    let lock = prepare_lock(path)?;
    create_private(path)?;
    let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // SQLite falls back to reading when it may not write, and says so with the first write only.
    if writer.is_readonly("main").map_err(|error| from_sqlite(path, &error))? {
        return Err(StoreError::ReadOnly {
            path: path.to_owned(),
            why: "its permissions allow reading only".to_owned(),
        });
    }
    settle_schema(path, &lock, &mut writer, patience)?;
    tune_writer(path, &writer)?;
    Ok(Opened { writer, lock })
}

/// One more connection to an opened file, for reading only.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.pragma_update(None, "cache_size", READER_CACHE_KIB).map_err(|error| from_sqlite(path, &error))?;
    Ok(reader)
}

/// A connection as all of ours are.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    // No SQLITE_OPEN_URI: a path is a path, whatever characters it has.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| from_sqlite(path, &error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| from_sqlite(path, &error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The lock of the file at `path`, which is created when it is missing; not held by anyone through this. The file itself is
/// not touched.
///
/// # Errors
/// What is wrong with the place.
pub(super) fn prepare_lock(path: &Path) -> Result<File, StoreError> {
    prepare_directory(path)?;
    lock_file(&beside(path, ".lock"))
}

/// Takes the lock of the file at `path` for this process alone, waiting at most `patience`.
///
/// # Errors
/// [`StoreError::InUse`] when others have the file open all the time.
pub(super) fn lock_alone(path: &Path, lock: &File, patience: Duration) -> Result<(), StoreError> {
    let deadline = Instant::now() + patience;
    while !acquired(path, lock.try_lock())? {
        if Instant::now() >= deadline {
            return Err(StoreError::InUse { path: path.to_owned() });
        }
        thread::sleep(LOCK_PAUSE);
    }
    Ok(())
}

/// `FILE` with `ending` behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Puts the names in the directory of `path` on the disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn prepare_directory(path: &Path) -> Result<(), StoreError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| from_io(directory, &error))?;
    }
    let mode = fs::metadata(directory).map_err(|error| from_io(directory, &error))?.mode();
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        let why = format!("its mode is {:04o}: everybody may put another file in its place", mode & 0o7777);
        return Err(StoreError::Unsafe { path: directory.to_owned(), why });
    }
    match filesystem::network_kind(directory) {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(StoreError::NetworkFileSystem { path: directory.to_owned(), kind }),
        Err(error) => Err(from_io(directory, &error)),
    }
}

/// Opens the file that is locked, and creates it when it is missing.
fn lock_file(path: &Path) -> Result<File, StoreError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = opened.map_err(|error| from_io(path, &error))?;
    make_private(path)?;
    Ok(file)
}

/// Creates an empty database file when there is none. An existing one is never opened here: closing a file drops every
/// lock that this process has on it (fcntl(2)), also those of SQLite when the file is open a second time.
fn create_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => sync_directory(path).map_err(|error| from_io(path, &error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => make_private(path),
        Err(error) => Err(from_io(path, &error)),
    }
}

/// Makes sure that only its owner, this user, can read a file. Root could open one of another user: what that user wrote
/// into it would then be shown and approved, and files beside it would become root's.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let found = fs::metadata(path).map_err(|error| from_io(path, &error))?;
    let (mode, user) = (found.mode(), Uid::effective());
    if found.uid() != user.as_raw() {
        let why = format!("it belongs to uid {}, not to you (uid {user})", found.uid());
        return Err(StoreError::Unsafe { path: path.to_owned(), why });
    }
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|error| from_io(path, &error))?;
    }
    Ok(())
}

/// Ends with the schema at our version and the shared lock held.
fn settle_schema(path: &Path, lock: &File, writer: &mut Connection, patience: Duration) -> Result<(), StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        if acquired(path, lock.try_lock_shared())? {
            match check_version(path, writer)? {
                Ordering::Equal => return Ok(()),
                Ordering::Less | Ordering::Greater => lock.unlock().map_err(|error| from_io(path, &error))?,
            }
        }
        if acquired(path, lock.try_lock())? {
            // Another process may have done it between the two locks.
            if check_version(path, writer)? == Ordering::Less {
                upgrade(path, writer)?;
            }
            lock.unlock().map_err(|error| from_io(path, &error))?;
        } else if Instant::now() >= deadline {
            return Err(StoreError::InUse { path: path.to_owned() });
        } else {
            thread::sleep(LOCK_PAUSE);
        }
    }
}

fn acquired(path: &Path, attempt: Result<(), TryLockError>) -> Result<bool, StoreError> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(from_io(path, &error)),
    }
}

/// Compares the file's schema with ours. Never `Greater`: a newer one is an error.
fn check_version(path: &Path, connection: &Connection) -> Result<Ordering, StoreError> {
    let of_sqlite = |error: rusqlite::Error| from_sqlite(path, &error);
    let found = migrations::version(connection).map_err(of_sqlite)?;
    if migrations::is_foreign(connection).map_err(of_sqlite)? {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > migrations::VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, ours: migrations::VERSION });
    }
    Ok(found.cmp(&migrations::VERSION))
}

/// Needs the exclusive lock.
fn upgrade(path: &Path, writer: &mut Connection) -> Result<(), StoreError> {
    use_wal(path, writer)?;
    migrations::migrate(writer).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => from_sqlite(path, &err),
        other => StoreError::Sqlite { path: path.to_owned(), what: other.to_string() },
    })
}

fn use_wal(path: &Path, writer: &Connection) -> Result<(), StoreError> {
    let mode: Result<String, _> = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    match mode.map_err(|error| from_sqlite(path, &error))? {
        mode if mode == "wal" => Ok(()),
        mode => Err(StoreError::Io {
            path: path.to_owned(),
            what: format!("SQLite cannot use its write-ahead log there (it stays in mode {mode})"),
        }),
    }
}

fn tune_writer(path: &Path, writer: &Connection) -> Result<(), StoreError> {
    use_wal(path, writer)?;
    let tune = || -> rusqlite::Result<()> {
        // FULL: a commit that was reported survives a power loss.
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "foreign_keys", "ON")?;
        writer.pragma_update(None, "cache_size", WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "temp_store", "MEMORY")?;
        let _: i64 = writer.query_row(&format!("PRAGMA journal_size_limit = {WAL_LIMIT}"), [], |row| row.get(0))?;
        Ok(())
    };
    tune().map_err(|error| from_sqlite(path, &error))
}

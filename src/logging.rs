//! The log file: what happened inside the program, for people who look into it later. Never the screen.
//!
//! Owns: opening, bounding and rotating the file. Invariants: mode 0600; the file and its two predecessors hold about
//! [`LARGEST_LOG`] bytes each; writing never blocks the caller (lines are dropped when the disk cannot follow).
//! Does not: decide what a failure means: a program without a log still runs, and says so.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// A log larger than this is put aside; in bytes.
pub const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// How many logs that were put aside are kept: `NAME.1` is the younger, `NAME.2` the older.
const KEPT: u32 = 2;

/// Keeps the log going; what is buffered is written when it is dropped.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be used.
    #[error(
        "Nothing is logged: {} cannot be written ({source}). Make its directory writable or set log.path",
        path.display()
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `AIOPS_LOG` is no filter.
    #[error(
        "Nothing is logged: {filter:?} is not a filter ({reason}). Use a level (info) or targets (info,hyper=debug)"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a log already.
    #[error("Nothing more is logged: this process has a log already. Start the log once")]
    Twice,
}

/// Begins to log into `path` what `filter` lets pass: a level, or directives as in `info,hyper=debug`.
///
/// # Errors
/// [`LogError`], which a person should see; the program can go on without a log.
pub fn start(path: &Path, filter: &str) -> Result<LogGuard, LogError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
    let file =
        BoundedFile::open(path, LARGEST_LOG).map_err(|source| LogError::File { path: path.to_path_buf(), source })?;
    let (writer, worker) = NonBlockingBuilder::default().lossy(true).thread_name("log").finish(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(LogGuard { _worker: worker })
}

/// A file that is put aside when it has grown too large, at the start and later.
///
/// Several processes may share it: each appends, and each looks at the file under the name again before it puts it aside.
struct BoundedFile {
    path: PathBuf,
    limit: u64,
    file: File,
    /// Bytes in the file, as far as this process knows.
    size: u64,
}

impl BoundedFile {
    fn open(path: &Path, limit: u64) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        put_aside(path, limit)?;
        let (file, size) = open_private(path)?;
        Ok(Self { path: path.to_path_buf(), limit, file, size })
    }
}

impl Write for BoundedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size > self.limit {
            put_aside(&self.path, self.limit)?;
            (self.file, self.size) = open_private(&self.path)?;
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens `path` for appending, for this user only, and tells its size.
fn open_private(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if metadata.mode() & 0o177 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok((file, metadata.len()))
}

/// Renames `path` to `path.1`, what was there to `path.2`, and so on, when it is larger than `limit`.
fn put_aside(path: &Path, limit: u64) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() > limit => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    for number in (0..KEPT).rev() {
        match fs::rename(numbered(path, number), numbered(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// `path` for 0, else `path.NUMBER`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_path_buf();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn file_and_directory_are_private_even_when_the_file_was_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/aiops/aiops.log");
        drop(BoundedFile::open(&path, LARGEST_LOG).unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(BoundedFile::open(&path, LARGEST_LOG).unwrap());
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_log_that_is_too_large_is_put_aside_and_two_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.log");
        let mut log = BoundedFile::open(&path, 10).unwrap();
        for line in ["first, too long\n", "second, too long\n", "third, too long\n", "fourth\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let content = |number| fs::read_to_string(numbered(&path, number)).unwrap();
        assert_eq!(content(0), "fourth\n");
        assert_eq!(content(1), "third, too long\n");
        assert_eq!(content(2), "second, too long\n");
        assert!(!numbered(&path, 3).exists());
        assert_eq!(mode(&numbered(&path, 1)), 0o600);
    }

    #[test]
    fn a_large_log_of_an_earlier_run_is_put_aside_at_the_start_and_a_small_one_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.log");
        fs::write(&path, "earlier\n").unwrap();
        BoundedFile::open(&path, 100).unwrap().write_all(b"later\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "earlier\nlater\n");
        BoundedFile::open(&path, 10).unwrap().write_all(b"new\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
    }

    #[test]
    fn another_process_that_put_the_log_aside_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.log");
        let mut one = BoundedFile::open(&path, 10).unwrap();
        let mut other = BoundedFile::open(&path, 10).unwrap();
        one.write_all(b"one, quite long\n").unwrap();
        one.write_all(b"two\n").unwrap();
        other.size = 16;
        other.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\nthree\n");
        assert!(!numbered(&path, 2).exists());
    }

    #[test]
    fn what_cannot_be_a_log_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let error = start(directory.path(), "info").unwrap_err().to_string();
        assert!(error.contains("set log.path"), "{error}");
        assert!(start(Path::new("/dev/null"), "info").unwrap_err().to_string().contains("regular file"));
        let error = start(&directory.path().join("log"), "info,=,[").unwrap_err().to_string();
        assert!(error.contains("is not a filter"), "{error}");
    }
}

//! Files of the person at the console, beside the database.
//!
//! Invariants: mode 0600, whatever the umask; a file is replaced as a whole, and a link in its place is replaced, not
//! followed; nothing of another owner is read. Every console has a place of its own, whose file it keeps locked as long as it
//! lives, however it ends: another one takes it only then. Does not: know what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::OFlag;
use nix::unistd::getuid;

use crate::engine::ports::{BoxFuture, PersonalFile, PersonalFileError, PersonalFiles};

/// What is larger than this is none of ours: bytes. A place holds drafts of at most 32 kB each.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A place that nobody took for this long is removed: it is older than any that is gone back to.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3_600);

/// Where the files of one database stand, and this process's own among them.
#[derive(Clone, Debug)]
pub struct FilesBesideDatabase {
    database: PathBuf,
    /// What tells this process's place from those of others, also of earlier ones with the same number.
    mine: String,
    /// The place that was written last, locked.
    held: Arc<Mutex<Option<File>>>,
}

impl FilesBesideDatabase {
    /// Beside this file.
    #[must_use]
    pub fn new(database: PathBuf) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mine = format!("{}-{began:x}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self { database, mine, held: Arc::default() }
    }

    /// The path of a file: its name begins with the database's, so that two databases in a directory have files of their own.
    #[must_use]
    pub fn path(&self, file: PersonalFile) -> PathBuf {
        let name = self.name();
        self.database.with_file_name(match file {
            PersonalFile::Copied => format!("{name}.copied.txt"),
            PersonalFile::Place => format!("{name}.place.{}.json", self.mine),
        })
    }

    fn name(&self) -> String {
        self.database.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn replace(&self, file: PersonalFile, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(file);
        // Held until the new one is in its place: at no moment does it look as if nobody were there.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = put(&path, bytes)?;
        match file {
            PersonalFile::Place => *held = Some(written),
            PersonalFile::Copied => {}
        }
        Ok(path)
    }

    fn take_file(&self, file: PersonalFile) -> io::Result<Vec<u8>> {
        match file {
            PersonalFile::Copied => take(&self.path(file)),
            PersonalFile::Place => self.take_place(),
        }
    }

    /// The newest place of a process that is gone.
    fn take_place(&self) -> io::Result<Vec<u8>> {
        let directory =
            self.database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let begin = format!("{}.place.", self.name());
        let mut left: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_place = name.to_str().is_some_and(|name| name.starts_with(&begin) && name.ends_with("json"));
            if is_place && let Ok(written) = entry.metadata().and_then(|found| found.modified()) {
                left.push((written, entry.path()));
            }
        }
        left.sort();
        let now = SystemTime::now();
        let mut taken = Err(io::ErrorKind::NotFound.into());
        for (written, path) in left.into_iter().rev() {
            let is_old = now.duration_since(written).is_ok_and(|age| age > FORGOTTEN);
            if (taken.is_err() || is_old)
                && let Ok(_locked) = lock_left_behind(&path)
            {
                match take(&path) {
                    Ok(bytes) if taken.is_err() => taken = Ok(bytes),
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%error, path = %path.display(), "a place could not be taken"),
                }
            }
        }
        taken
    }
}

/// The lock of a place whose owner is gone.
///
/// # Errors
/// When its owner lives, or it is no file of this person's.
fn lock_left_behind(path: &Path) -> io::Result<File> {
    let file = open_own(path)?;
    file.try_lock().map_err(io::Error::other)?;
    // Its owner may have put a newer one, with a lock of its own, in its place since it was opened.
    let (locked, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    if (locked.dev(), locked.ino()) != (there.dev(), there.ino()) {
        return Err(io::Error::other("its owner is there"));
    }
    Ok(file)
}

impl PersonalFiles for FilesBesideDatabase {
    fn write(&self, file: PersonalFile, bytes: Vec<u8>) -> BoxFuture<'static, Result<PathBuf, PersonalFileError>> {
        let (path, files) = (self.path(file), self.clone());
        Box::pin(async move {
            let place = path;
            let failed = |error: &dyn std::fmt::Display| {
                PersonalFileError(format!(
                    "{} could not be written: {error}. Check that its directory is yours and has room.",
                    place.display()
                ))
            };
            match tokio::task::spawn_blocking(move || files.replace(file, &bytes)).await {
                Ok(Ok(path)) => Ok(path),
                Ok(Err(error)) => Err(failed(&error)),
                Err(error) => Err(failed(&error)),
            }
        })
    }

    fn take(&self, file: PersonalFile) -> BoxFuture<'static, Option<Vec<u8>>> {
        let files = self.clone();
        Box::pin(async move {
            let taken = tokio::task::spawn_blocking(move || files.take_file(file)).await;
            match taken {
                Ok(Ok(bytes)) => Some(bytes),
                Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => None,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a file of the person's own could not be read");
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "a file of the person's own could not be read");
                    None
                }
            }
        })
    }

    fn remove(&self, file: PersonalFile) -> BoxFuture<'static, ()> {
        let path = self.path(file);
        Box::pin(async move {
            // One that is not there is removed already; one that cannot be is too old soon.
            let _ = tokio::task::spawn_blocking(move || fs::remove_file(path)).await;
        })
    }
}

/// A name beside `path` that no other process uses.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{what}.{}", std::process::id()))
}

/// Writes a new file, mode 0600, and puts it in the place of the old one: a reader, also one after a loss of power, sees the
/// old one or the new one, never a part.
///
/// # Errors
/// When the directory cannot be written to; nothing is left beside the file then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes).map(drop)
}

/// As [`replace`]; the file that it returns was locked before it stood in its place, where the file system has locks.
fn put(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let new = beside(path, "new");
    // Left behind by a process of the same number that was killed.
    let _ = fs::remove_file(&new);
    let write = || -> io::Result<File> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        // Without locks it is taken for left behind when another console starts; nothing else is lost.
        let _ = file.try_lock();
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        Ok(file)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

/// Moves the file away, so that nobody else gets it, and reads it then.
fn take(path: &Path) -> io::Result<Vec<u8>> {
    let mine = beside(path, "taken");
    fs::rename(path, &mine)?;
    let read = read_own(&mine);
    let removed = fs::remove_file(&mine);
    let bytes = read?;
    removed?;
    Ok(bytes)
}

/// The bytes of a file that is this person's. Never follows a link and never waits for a pipe.
///
/// # Errors
/// When there is none, or what is there is no regular file of this person, or larger than any of ours.
pub(crate) fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_own(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A regular file of this person's, opened to be read. Never follows a link and never waits for a pipe.
fn open_own(path: &Path) -> io::Result<File> {
    let file: File =
        OpenOptions::new().read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != getuid().as_raw() || metadata.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not a file of this person's", path.display()),
        ));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn files(directory: &Path) -> FilesBesideDatabase {
        FilesBesideDatabase::new(directory.join("aiops.db"))
    }

    #[tokio::test]
    async fn a_file_is_private_whole_and_taken_once() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        for text in ["first, and longer", "second"] {
            let path = files.write(PersonalFile::Place, text.into()).await.unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        drop(files);
        let next = self::files(directory.path());
        assert_eq!(taken(&next).await.as_deref(), Some("second"));
        assert_eq!(next.take(PersonalFile::Place).await, None);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left over");
    }

    /// A place that somebody left behind. A test beside this one may be about to start a program, whose copies of our
    /// descriptors are not closed yet.
    async fn taken(files: &FilesBesideDatabase) -> Option<String> {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let bytes = files.take(PersonalFile::Place).await;
            if bytes.is_some() || std::time::Instant::now() > end {
                return bytes.map(|bytes| String::from_utf8(bytes).unwrap());
            }
        }
    }

    #[tokio::test]
    async fn the_place_of_a_console_that_is_there_is_not_taken_and_those_left_behind_go_newest_first() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second, third] = [(); 3].map(|()| files(directory.path()));
        first.write(PersonalFile::Place, b"of the first".to_vec()).await.unwrap();
        first.write(PersonalFile::Place, b"of the first, later".to_vec()).await.unwrap();
        assert_eq!(second.take(PersonalFile::Place).await, None, "its owner is there");
        second.write(PersonalFile::Place, b"of the second".to_vec()).await.unwrap();
        third.write(PersonalFile::Place, b"of the third".to_vec()).await.unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let old = SystemTime::now() - FORGOTTEN - Duration::from_secs(60);
        for (files, written) in [(&first, long_ago), (&third, old)] {
            let file = OpenOptions::new().write(true).open(files.path(PersonalFile::Place)).unwrap();
            file.set_modified(written).unwrap();
        }
        let (first_path, third_path) = (first.path(PersonalFile::Place), third.path(PersonalFile::Place));
        drop((first, third));
        let fourth = files(directory.path());
        assert_eq!(taken(&fourth).await.as_deref(), Some("of the first, later"), "the second is still there");
        assert!(!first_path.exists() && !third_path.exists(), "what is too old is removed");
        assert_eq!(fs::read_to_string(second.path(PersonalFile::Place)).unwrap(), "of the second");
        second.remove(PersonalFile::Place).await;
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left over");
    }

    #[tokio::test]
    async fn a_link_is_neither_followed_nor_written_through() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::write(&target, "kept").unwrap();
        let files = files(directory.path());
        symlink(&target, files.path(PersonalFile::Place)).unwrap();
        assert_eq!(files.take(PersonalFile::Place).await, None);
        symlink(&target, files.path(PersonalFile::Copied)).unwrap();
        let path = files.write(PersonalFile::Copied, b"new".to_vec()).await.unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "new");
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
    }

    #[tokio::test]
    async fn what_cannot_be_written_says_where_and_what_to_do() {
        let files = FilesBesideDatabase::new("/does/not/exist/aiops.db".into());
        let error = files.write(PersonalFile::Copied, Vec::new()).await.unwrap_err();
        assert!(error.0.contains("/does/not/exist/aiops.db.copied.txt") && error.0.contains("Check"), "{error}");
    }
}

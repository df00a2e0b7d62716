//! Files of the person at the console, beside the database.
//!
//! Invariants: mode 0600, whatever the umask; a file is replaced as a whole, and a link in its place is replaced, not
//! followed; nothing of another owner is read. Does not: know what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::getuid;

use crate::engine::ports::{BoxFuture, PersonalFile, PersonalFileError, PersonalFiles};

/// What is larger than this is none of ours: bytes. A place holds drafts of at most 32 kB each.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Where the files of one database stand.
#[derive(Clone, Debug)]
pub struct FilesBesideDatabase {
    database: PathBuf,
}

impl FilesBesideDatabase {
    /// Beside this file.
    #[must_use]
    pub const fn new(database: PathBuf) -> Self {
        Self { database }
    }

    /// The path of a file: its name begins with the database's, so that two databases in a directory have files of their own.
    #[must_use]
    pub fn path(&self, file: PersonalFile) -> PathBuf {
        let name = self.database.file_name().unwrap_or_default().to_string_lossy();
        self.database.with_file_name(match file {
            PersonalFile::Copied => format!("{name}.copied.txt"),
            PersonalFile::Place => format!("{name}.place.json"),
        })
    }
}

impl PersonalFiles for FilesBesideDatabase {
    fn write(&self, file: PersonalFile, bytes: Vec<u8>) -> BoxFuture<'static, Result<PathBuf, PersonalFileError>> {
        let path = self.path(file);
        Box::pin(async move {
            let place = path.clone();
            let failed = |error: &dyn std::fmt::Display| {
                PersonalFileError(format!(
                    "{} could not be written: {error}. Check that its directory is yours and has room.",
                    place.display()
                ))
            };
            match tokio::task::spawn_blocking(move || replace(&path, &bytes).map(|()| path)).await {
                Ok(Ok(path)) => Ok(path),
                Ok(Err(error)) => Err(failed(&error)),
                Err(error) => Err(failed(&error)),
            }
        })
    }

    fn take(&self, file: PersonalFile) -> BoxFuture<'static, Option<Vec<u8>>> {
        let path = self.path(file);
        Box::pin(async move {
            let taken = tokio::task::spawn_blocking(move || take(&path)).await;
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
    let new = beside(path, "new");
    // Left behind by a process of the same number that was killed.
    let _ = fs::remove_file(&new);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
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
    let file: File =
        OpenOptions::new().read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != getuid().as_raw() || metadata.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not a file of this person's", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
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
        assert_eq!(files.take(PersonalFile::Place).await.as_deref(), Some(b"second".as_slice()));
        assert_eq!(files.take(PersonalFile::Place).await, None);
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

//! Heads of the journal in a file: one line each, added at its end.
//!
//! Invariants: the file is of mode 0600, a regular file and no link, and is opened for appending only, so that it may carry
//! the attribute `a` of chattr(1); a line is on the disk when keeping returns.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::domain::journal::anchor::Anchor;
use crate::engine::ports::{AnchorError, AnchorKeeper};

/// A file of anchors.
#[derive(Clone, Debug)]
pub struct AnchorFile {
    path: PathBuf,
}

impl AnchorFile {
    /// The file at `path`, whose directory has to be there: where a file system is not mounted, nothing must take its place.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// As [`Self::at`], and makes the directory (mode 0700) when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn in_own_directory(path: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap_or(Path::new("/")))?;
        Ok(Self { path })
    }

    fn open(&self) -> io::Result<File> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file =
            OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags.bits()).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(file)
    }
}

impl AnchorKeeper for AnchorFile {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn keep(&self, anchor: &Anchor) -> Result<(), AnchorError> {
        let keep = || -> io::Result<()> {
            let line = format!("{}\n", anchor.to_line()?);
            let mut file = self.open()?;
            // One write: lines of several consoles do not mix.
            file.write_all(line.as_bytes())?;
            file.sync_data()
        };
        keep().map_err(|error| {
            AnchorError(format!(
                "{}: no head of the journal could be kept there ({error}). Make it writable, or name another place in \
                 [journal] anchor",
                self.place()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::tests_support::anchor;
    use super::*;

    #[test]
    fn lines_are_added_to_a_private_file_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/anchors");
        assert!(AnchorFile::at(path.clone()).keep(&anchor(1)).is_err());
        let file = AnchorFile::in_own_directory(path.clone()).unwrap();
        file.keep(&anchor(1)).unwrap();
        file.keep(&anchor(2)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Anchor> = text.lines().map(|line| Anchor::from_line(line).unwrap().unwrap()).collect();
        assert_eq!(read, [anchor(1), anchor(2)]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_or_a_directory_takes_nothing_and_the_error_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [link, directory.path().to_owned(), PathBuf::from("/dev/null")] {
            let error = AnchorFile::at(path).keep(&anchor(1)).unwrap_err();
            assert!(error.to_string().contains("[journal] anchor"), "{error}");
        }
    }
}

//! Small files that belong to the person at the console: what they copied, and where they were.
//!
//! Owns: the port. Does not: say what is in the files.

use std::path::PathBuf;

use super::BoxFuture;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalFile {
    /// What was copied last, for terminals that refuse to take it.
    Copied,
    /// Where the person was in the console, for the time after a lost connection. Every console has one of its own.
    Place,
}

/// A file could not be written; says why and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PersonalFileError(pub String);

/// Files that only the person can read (mode 0600), each replaced as a whole.
pub trait PersonalFiles: Send + Sync + 'static {
    /// Puts `bytes` in the place of what the file held; returns where it is.
    fn write(&self, file: PersonalFile, bytes: Vec<u8>) -> BoxFuture<'static, Result<PathBuf, PersonalFileError>>;
    /// Reads the file and removes it, so that of two consoles only one gets it; `None` when there is none that this person
    /// has written. Of places that is the newest whose console is gone: nobody takes that of one that is still there.
    fn take(&self, file: PersonalFile) -> BoxFuture<'static, Option<Vec<u8>>>;
    /// Removes the file, if there is one.
    fn remove(&self, file: PersonalFile) -> BoxFuture<'static, ()>;
}

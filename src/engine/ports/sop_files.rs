//! Changing the file of an SOP, or a git branch of it.
//!
//! Owns: the port. Does not: know what is changed, or ask anybody; whoever calls it has the person's yes.

use std::path::PathBuf;

/// How a document is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeWay {
    /// In its file.
    File,
    /// As a commit on a new git branch of this name; neither the file nor the index nor the checked out branch changes.
    Branch {
        /// The branch.
        name: String,
        /// What the commit says.
        message: String,
    },
}

/// A change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopChange {
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of what the file has to hold; `None` for a file that must not be there yet.
    pub before: Option<String>,
    /// What it is to hold.
    pub text: String,
    /// How.
    pub way: ChangeWay,
}

/// Why a document was not changed: what, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SopFileError(pub String);

/// A change that is ready: everything that can be refused has been looked at.
pub trait StagedChange: Send {
    /// Makes it; says what came of it, as a sentence. What is dropped instead leaves everything as it was.
    ///
    /// # Errors
    /// When the file is not what it was, or cannot be written.
    fn finish(self: Box<Self>) -> Result<String, SopFileError>;
}

/// Files of SOPs. Blocks; not to be called on a thread that others wait for.
pub trait SopFiles: Send + Sync + 'static {
    /// Gets a change ready.
    ///
    /// # Errors
    /// When it cannot be made, with nothing changed.
    fn stage(&self, change: &SopChange) -> Result<Box<dyn StagedChange>, SopFileError>;
    /// Where a new document of this name would stand.
    ///
    /// # Errors
    /// When the name is none for a document, or there is no directory for documents.
    fn place_for(&self, name: &str) -> Result<PathBuf, SopFileError>;
}

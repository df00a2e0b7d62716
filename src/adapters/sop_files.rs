//! Files of SOPs on this host, and branches of the git repository that they stand in.
//!
//! Invariants: a file is replaced as a whole, with the mode that it had, and what it held stays beside it under a name that is
//! no document. A file that changed since it was read is not replaced; what lies outside the directories of SOPs, also
//! through a link, is not touched. A file that is there is never overwritten by a new document. A branch is made by git's
//! plumbing alone: nothing that is checked out changes, and no hook of the repository runs. Does not: ask anybody.

mod git;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::domain::digest::sha256_hex;
use crate::engine::ports::{ChangeWay, SopChange, SopFileError, SopFiles, StagedChange};

/// Digits of a revision in the name of a file that is kept.
const KEPT_DIGITS: usize = 12;

/// The SOPs below these directories.
#[derive(Clone, Debug)]
pub struct SopDirectories {
    directories: Vec<PathBuf>,
}

impl SopDirectories {
    /// Those of the configuration, in its order.
    #[must_use]
    pub const fn new(directories: Vec<PathBuf>) -> Self {
        Self { directories }
    }

    /// The real path of `path`, which has to lie in one of the directories.
    fn inside(&self, path: &Path) -> Result<PathBuf, SopFileError> {
        let shown = path.display();
        let real = fs::canonicalize(path).map_err(|error| {
            SopFileError(format!("Not written: {shown} cannot be found: {error}. See where its link leads"))
        })?;
        let roots = self.directories.iter().filter_map(|directory| fs::canonicalize(directory).ok());
        if roots.into_iter().any(|root| real.starts_with(&root)) {
            return Ok(real);
        }
        Err(SopFileError(format!(
            "Not written: {shown} leads to {}, which is in none of the directories of SOPs. Change that file by hand, or put it \
             into one of them",
            real.display()
        )))
    }
}

impl SopFiles for SopDirectories {
    fn stage(&self, change: &SopChange) -> Result<Box<dyn StagedChange>, SopFileError> {
        match (&change.before, &change.way) {
            (Some(before), ChangeWay::File) => {
                let path = self.inside(&change.path)?;
                Ok(Box::new(Replacement::stage(path, before.clone(), &change.text)?))
            }
            (Some(before), ChangeWay::Branch { name, message }) => {
                let path = self.inside(&change.path)?;
                unchanged(&path, before)?;
                let staged = git::stage(&path, before, &change.text, name, message)?;
                Ok(Box::new(staged))
            }
            (None, ChangeWay::File) => {
                let parent = change.path.parent().unwrap_or(Path::new("."));
                Ok(Box::new(Creation::stage(&change.path, parent, &change.text)?))
            }
            (None, ChangeWay::Branch { .. }) => {
                Err(SopFileError("Not written: a new document goes into a file. Leave the branch out".to_owned()))
            }
        }
    }

    fn place_for(&self, name: &str) -> Result<PathBuf, SopFileError> {
        let stem = name.strip_suffix(".md").unwrap_or(name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let parts = stem.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if !parts || !stem.chars().all(plain) || stem.starts_with("bundled/") {
            return Err(SopFileError(
                "Not saved: a name has letters, digits, - and _, such as team/disk-full; bundled/ is the program's own"
                    .to_owned(),
            ));
        }
        match self.directories.first() {
            Some(directory) => Ok(directory.join(format!("{stem}.md"))),
            None => Err(SopFileError(
                "Not saved: no directory of SOPs is configured. Set [sops] directories, or save it with `aiops sop draft --out FILE`"
                    .to_owned(),
            )),
        }
    }
}

fn failed(path: &Path, what: &str, error: &io::Error) -> SopFileError {
    SopFileError(format!("Not written: {}: {what}: {error}. Nothing was changed", path.display()))
}

/// Fails unless the file at `path` has the revision `before`.
fn unchanged(path: &Path, before: &str) -> Result<Vec<u8>, SopFileError> {
    let bytes = fs::read(path).map_err(|error| failed(path, "it cannot be read", &error))?;
    if sha256_hex(&bytes) == before {
        return Ok(bytes);
    }
    Err(SopFileError(format!(
        "Not written: {} is not what it was when the patch was made. Nothing was changed; look at a new patch",
        path.display()
    )))
}

/// A file of its own in `directory`, with `text` in it and on the disk.
fn temporary(directory: &Path, mode: u32, text: &str) -> io::Result<PathBuf> {
    for number in 0..100_u32 {
        let path = directory.join(format!(".aiops-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                file.set_permissions(fs::Permissions::from_mode(mode))?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(path);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many temporary files are left over there"))
}

/// A file that will be replaced.
struct Replacement {
    path: PathBuf,
    before: String,
    /// `None` as soon as it is in its place.
    temporary: Option<PathBuf>,
    mode: u32,
}

impl Replacement {
    fn stage(path: PathBuf, before: String, text: &str) -> Result<Self, SopFileError> {
        unchanged(&path, &before)?;
        let metadata = fs::metadata(&path).map_err(|error| failed(&path, "it cannot be looked at", &error))?;
        if !metadata.is_file() {
            return Err(SopFileError(format!("Not written: {} is no regular file", path.display())));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        let directory = path.parent().unwrap_or(Path::new("."));
        let written = temporary(directory, mode, text)
            .map_err(|error| failed(&path, "its directory cannot be written", &error))?;
        Ok(Self { path, before, temporary: Some(written), mode })
    }

    /// Keeps what the file holds now under a name of its revision; what is kept already stays.
    fn keep(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let revision = self.before.get(..KEPT_DIGITS).unwrap_or(&self.before);
        let kept = self.path.with_file_name(format!(".{name}.{revision}.old"));
        match OpenOptions::new().write(true).create_new(true).mode(self.mode).open(&kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(kept),
            Err(error) => Err(error),
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                Ok(kept)
            }
        }
    }
}

impl StagedChange for Replacement {
    fn finish(mut self: Box<Self>) -> Result<String, SopFileError> {
        let bytes = unchanged(&self.path, &self.before)?;
        let kept = self
            .keep(&bytes)
            .map_err(|error| failed(&self.path, "the present text cannot be kept beside it", &error))?;
        if let Some(written) = &self.temporary {
            fs::rename(written, &self.path).map_err(|error| failed(&self.path, "it cannot be replaced", &error))?;
        }
        self.temporary = None;
        synced(&self.path);
        Ok(format!("{} was changed; what it held is kept in {}", self.path.display(), kept.display()))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            // It is nobody's: a name that is left over is seen by people only.
            let _ = fs::remove_file(path);
        }
    }
}

/// The name is on the disk as well, as far as the file system does that.
fn synced(path: &Path) {
    if let Some(directory) = path.parent().and_then(|directory| File::open(directory).ok()) {
        // The text itself is there; a lost name would be the old document, whole.
        let _ = directory.sync_all();
    }
}

/// A file that will be made.
struct Creation {
    path: PathBuf,
    temporary: Option<PathBuf>,
}

impl Creation {
    fn stage(path: &Path, parent: &Path, text: &str) -> Result<Self, SopFileError> {
        let there = || {
            SopFileError(format!(
                "Not saved: {} is there already, and nothing is overwritten. Choose another name",
                path.display()
            ))
        };
        if fs::symlink_metadata(path).is_ok() {
            return Err(there());
        }
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(|error| failed(path, "its directory cannot be made", &error))?;
        let written =
            temporary(parent, 0o644, text).map_err(|error| failed(path, "its directory cannot be written", &error))?;
        Ok(Self { path: path.to_owned(), temporary: Some(written) })
    }
}

impl StagedChange for Creation {
    fn finish(mut self: Box<Self>) -> Result<String, SopFileError> {
        if let Some(written) = &self.temporary {
            // A link never replaces anything.
            fs::hard_link(written, &self.path).map_err(|error| failed(&self.path, "it cannot be made", &error))?;
            fs::remove_file(written).map_err(|error| failed(&self.path, "a temporary file is left over", &error))?;
        }
        self.temporary = None;
        synced(&self.path);
        Ok(format!("Saved as {}", self.path.display()))
    }
}

impl Drop for Creation {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            // As above.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests;

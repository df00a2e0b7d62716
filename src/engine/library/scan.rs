//! Reads the Markdown files below a directory.
//!
//! Owns: the walk, which follows symbolic links but enters no directory twice, and the messages about what it cannot read.
//! Does not: interpret a document.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{LibraryProblem, MAX_DOCUMENT_BYTES};
use crate::domain::digest::FieldHasher;

/// A file that was read.
pub(super) struct FoundFile {
    /// Path relative to the directory, with `/` between its parts.
    pub(super) relative: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
}

/// What was found below a directory.
#[derive(Default)]
pub(super) struct Scan {
    /// The files, ordered by relative path.
    pub(super) files: Vec<FoundFile>,
    /// What could not be read.
    pub(super) problems: Vec<LibraryProblem>,
}

/// Reads every `.md` file below `root`; names that begin with a dot are left out.
pub(super) fn scan(root: &Path) -> Scan {
    let mut scan = Scan::default();
    let mut seen = HashSet::new();
    let mut pending = vec![(root.to_owned(), String::new())];
    while let Some((directory, relative)) = pending.pop() {
        match identity(&directory) {
            Ok(identity) if !seen.insert(identity) => {
                scan.problem(
                    &directory,
                    "is another name of a directory that was read already, or leads in a circle. Remove the link",
                );
            }
            Ok(_) => scan.directory(&directory, &relative, &mut pending),
            Err(error) => {
                scan.problem(&directory, &format!("cannot be read: {error}. Check [sops] directories and permissions"));
            }
        }
    }
    scan.files.sort_by(|one, other| one.relative.cmp(&other.relative));
    scan
}

/// Adds path, size and time of change of every document below `root`; what cannot be looked at does not count.
pub(super) fn fingerprint(root: &Path, hasher: &mut FieldHasher) {
    let mut seen = HashSet::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        if !identity(&directory).is_ok_and(|identity| seen.insert(identity)) {
            continue;
        }
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md")) {
                hasher.field(path.as_os_str().as_encoded_bytes());
                hasher.number(i64::try_from(metadata.len()).unwrap_or(i64::MAX));
                hasher.number(metadata.mtime());
                hasher.number(metadata.mtime_nsec());
                hasher.number(i64::from_ne_bytes(metadata.ino().to_ne_bytes()));
            }
        }
    }
}

/// Device and inode: the same for every name of a directory.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Scan {
    fn problem(&mut self, path: &Path, what: &str) {
        self.problems.push(LibraryProblem { path: path.to_owned(), message: format!("{} {what}", path.display()) });
    }

    fn directory(&mut self, directory: &Path, relative: &str, pending: &mut Vec<(PathBuf, String)>) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(
                    directory,
                    &format!("cannot be listed: {error}. Check that it is a directory you may read"),
                );
                return;
            }
        };
        // Ordered, so that of two names of one directory the same one is used each time.
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.problem(directory, &format!("was listed in part: {error}. Try again")),
            }
        }
        paths.sort();
        for path in paths {
            self.entry(&path, relative, pending);
        }
    }

    fn entry(&mut self, path: &Path, above: &str, pending: &mut Vec<(PathBuf, String)>) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            return;
        }
        let relative = if above.is_empty() { name } else { format!("{above}/{name}") };
        let is_document = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => pending.push((path.to_owned(), relative)),
            Ok(_) if !is_document => {}
            Ok(metadata) if !metadata.is_file() => {
                self.problem(path, "is no regular file and is left out. Replace it by a file");
            }
            Ok(_) => match read_limited(path) {
                Ok(Some(bytes)) => self.files.push(FoundFile { relative, path: path.to_owned(), bytes }),
                Ok(None) => self.problem(
                    path,
                    "is larger than 50 MB and is left out. Divide it, or move it elsewhere if it is no SOP",
                ),
                Err(error) => self.problem(path, &format!("cannot be read: {error}. Check its permissions")),
            },
            Err(_) if !is_document => {}
            Err(error) => {
                self.problem(path, &format!("cannot be read: {error}. Check where the link leads and its permissions"));
            }
        }
    }
}

/// The file's bytes; `None` when there are more than the limit, also if it grows while it is read.
fn read_limited(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > MAX_DOCUMENT_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_DOCUMENT_BYTES);
    Ok(fits.then_some(bytes))
}

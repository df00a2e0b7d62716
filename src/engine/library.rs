//! The library: all SOPs that the program knows, from its binary and from configured directories.
//!
//! Owns: finding and reading the documents, their identifiers and their order, and parsing each one when it is first asked
//! for. Does not: watch for changes. A library never changes; after a change a new one is loaded.
//!
//! Invariant: reading never fails as a whole. What cannot be read is listed in [`Library::problems`].

mod bundled;
mod programs;
mod scan;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::backend::SopDocument;
use crate::domain::alert::Labels;
use crate::domain::digest::{FieldHasher, sha256_hex};
use crate::domain::id::SopId;
use crate::domain::procedure::Procedure;
use crate::domain::sop::decode::decode;
use crate::domain::sop::parse;
use crate::domain::sop::route::{self, Match, SopSummary};
use bundled::BUNDLED;

/// The largest document that is read, in bytes (50 MB). A runbook of that size is a mistake, most often a log.
pub const MAX_DOCUMENT_BYTES: u64 = 50_000_000;

/// Where a document was read from that is part of the program.
pub const IN_THE_BINARY: &str = "bundled";

/// Something that kept a document or a directory from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// All SOPs that the program knows.
#[derive(Debug)]
pub struct Library {
    summaries: Vec<SopSummary>,
    entries: HashMap<SopId, Entry>,
    problems: Vec<LibraryProblem>,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    place: String,
    document: OnceLock<Arc<SopDocument>>,
    revision: OnceLock<String>,
}

#[derive(Debug)]
enum Bytes {
    Bundled(&'static [u8]),
    Read(Vec<u8>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bundled(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

impl Library {
    /// The documents in the binary alone.
    #[must_use]
    pub fn bundled() -> Self {
        Self::load(&[])
    }

    /// The documents below `directories`, recursively, and those in the binary.
    ///
    /// Documents of people come before bundled ones, in the order of their directories, so that their own `disk-full.md`
    /// is offered first. An identifier is the path relative to its directory; when two directories have the same one, the
    /// first wins and the other is a problem.
    #[must_use]
    pub fn load(directories: &[PathBuf]) -> Self {
        let mut library = Self::only(directories);
        for sop in &BUNDLED {
            library.add(SopId::from(sop.id), Bytes::Bundled(sop.bytes), IN_THE_BINARY.to_owned());
        }
        library
    }

    /// The documents below `directories` without those in the binary; otherwise as [`Library::load`].
    #[must_use]
    pub fn only(directories: &[PathBuf]) -> Self {
        let mut library = Self { summaries: Vec::new(), entries: HashMap::new(), problems: Vec::new() };
        for directory in directories {
            let scan = scan::scan(directory);
            library.problems.extend(scan.problems);
            for file in scan.files {
                library.add_file(file);
            }
        }
        library
    }

    fn add_file(&mut self, file: scan::FoundFile) {
        let id = SopId(file.relative);
        if id.as_str().starts_with("bundled/") {
            self.problems.push(LibraryProblem {
                message: format!(
                    "{} is not used: the directory name bundled is kept for the program's own documents. Rename it",
                    file.path.display()
                ),
                path: file.path,
            });
        } else if let Some(first) = self.entries.get(&id) {
            self.problems.push(LibraryProblem {
                message: format!(
                    "{} is not used: {} is already the document {id}. Rename one of them",
                    file.path.display(),
                    first.place
                ),
                path: file.path,
            });
        } else {
            let place = file.path.display().to_string();
            self.add(id, Bytes::Read(file.bytes), place);
        }
    }

    fn add(&mut self, id: SopId, bytes: Bytes, place: String) {
        self.summaries.push(SopSummary::read(&id, bytes.as_slice()));
        self.entries.insert(id, Entry { bytes, place, document: OnceLock::new(), revision: OnceLock::new() });
    }

    /// The document `id`, parsed now if it was not before; `None` when there is no such document.
    #[must_use]
    pub fn get(&self, id: &SopId) -> Option<Arc<SopDocument>> {
        let entry = self.entries.get(id)?;
        let document = entry.document.get_or_init(|| {
            let bytes = entry.bytes.as_slice();
            // Byte for byte as long as the document, so that the spans of the nodes fit the text too.
            let source = decode(bytes).text;
            Arc::new(SopDocument { procedure: parse(id, bytes), source, place: entry.place.clone() })
        });
        Some(Arc::clone(document))
    }

    /// The procedure of the document `id`, parsed for this call alone unless it was before: whoever goes through all documents
    /// must not leave all of them in memory.
    #[must_use]
    pub fn parsed(&self, id: &SopId) -> Option<Procedure> {
        let entry = self.entries.get(id)?;
        match entry.document.get() {
            Some(document) => Some(document.procedure.clone()),
            None => Some(parse(id, entry.bytes.as_slice())),
        }
    }

    /// SHA-256 of the document `id` as it was read; `None` when there is no such document.
    #[must_use]
    pub fn revision(&self, id: &SopId) -> Option<&str> {
        let entry = self.entries.get(id)?;
        Some(entry.revision.get_or_init(|| sha256_hex(entry.bytes.as_slice())))
    }

    /// Where the document `id` was read from: a path, or `bundled`.
    #[must_use]
    pub fn place(&self, id: &SopId) -> Option<&str> {
        self.entries.get(id).map(|entry| entry.place.as_str())
    }

    /// What routing and lists need of each document: people's own first, then the bundled ones.
    #[must_use]
    pub fn summaries(&self) -> &[SopSummary] {
        &self.summaries
    }

    /// The documents for an alert with these labels and annotations, best first.
    #[must_use]
    pub fn route(&self, labels: &Labels, annotations: &Labels) -> Vec<Match> {
        route::route(&self.summaries, labels, annotations)
    }

    /// SHA-256 of the document `id` as it is at this moment, read anew from its file; `None` when it is gone.
    ///
    /// What was approved was read some time ago: this says whether it is still what the file says.
    #[must_use]
    pub fn revision_now(&self, id: &SopId) -> Option<String> {
        let entry = self.entries.get(id)?;
        match &entry.bytes {
            Bytes::Bundled(bytes) => Some(sha256_hex(bytes)),
            Bytes::Read(_) => std::fs::read(&entry.place).ok().map(|bytes| sha256_hex(&bytes)),
        }
    }

    /// What could not be read.
    #[must_use]
    pub fn problems(&self) -> &[LibraryProblem] {
        &self.problems
    }
}

/// Changes whenever a document below `directories` is added, removed, renamed or written: a hash of paths, sizes and times,
/// so that looking costs no reading.
#[must_use]
pub fn fingerprint(directories: &[PathBuf]) -> String {
    let mut hasher = FieldHasher::new("aiops library");
    for directory in directories {
        scan::fingerprint(directory, &mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod bundled_tests;
#[cfg(test)]
mod tests;

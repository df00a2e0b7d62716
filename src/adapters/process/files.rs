//! The files of an attempt's directory.
//!
//! Owns: their names, their contents and how they reach the disk. Invariant: a file that others read appears whole or not
//! at all, and is on the disk before the call returns.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::action::attempt::{Outcome, ProcessId};
use crate::domain::action::spec::ActionSpec;
use crate::domain::digest::Sha256Stream;
use crate::domain::id::AttemptId;
use crate::domain::time::Timestamp;
use crate::failpoint::{self, Point};

/// What is to run; written by the runner.
pub(super) const SPEC: &str = "spec.json";
/// Whose the attempt is, a [`Claim`]; written by the supervisor before it starts anything.
pub(super) const SUPERVISOR: &str = "supervisor.json";
/// How it ended; written by the supervisor last.
pub(super) const OUTCOME: &str = "outcome.json";
/// How it ended, as an [`EndNote`], for the moments until [`OUTCOME`] is there; written by the supervisor.
pub(super) const ENDED: &str = "ended.json";
/// Standard output and standard error of all processes, as they came, and lines of our own, which begin with `aiops: `.
pub const OUTPUT: &str = "output";
/// Its existence says that a person asked for the end.
pub(super) const CANCEL: &str = "cancel";
/// What the supervisor itself had to say.
pub(super) const LOG: &str = "supervisor.log";
/// Where a confined action may write; removed at its end.
pub(super) const SCRATCH: &str = "scratch";
/// What `ssh` and the shell of another host said beside the output.
pub(super) const LINK: &str = "link";
/// Space that is given back before the outcome is written, so that a full disk does not lose it.
pub(super) const RESERVE: &str = "reserve";

/// Size of [`RESERVE`]: an outcome with some hundred stages fits into it, and what is remarked below the output.
const RESERVE_BYTES: usize = 64 * 1024;

/// Version of the files that this program writes and reads.
pub(super) const VERSION: u32 = 1;

/// What the supervisor is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) version: u32,
    pub(super) attempt: AttemptId,
    /// The digest that was approved.
    pub(super) digest: String,
    pub(super) spec: ActionSpec,
    /// Bytes of output that are kept.
    pub(super) output_limit: u64,
    /// Time between TERM and KILL.
    pub(super) grace: Duration,
}

/// What [`SUPERVISOR`] says. There is one such file, so either a supervisor has the attempt or it was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Claim {
    /// This process supervises it.
    Supervisor(ProcessId),
    /// It may not begin any more.
    GivenUp {
        /// When it was given up.
        given_up_at: Timestamp,
    },
}

/// How a stage of a pipeline ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum StageStatus {
    /// It exited.
    Exited {
        /// Exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// Signal number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted {
        /// 127 when there is no such program, 126 when it cannot be executed, as shells have it.
        code: i32,
        /// What the operating system said.
        reason: String,
    },
    /// It was still there after KILL: it hangs in the kernel, or belongs to another user by now.
    Stuck,
    /// It ended, or so it seems, and the operating system did not tell how.
    Lost {
        /// What the operating system said.
        reason: String,
    },
}

/// What became of one pipeline of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum PartRecord {
    /// It ran.
    Ran {
        /// The end of each stage, in order.
        stages: Vec<StageStatus>,
    },
    /// Its connector, or the end of the attempt, kept it from running.
    Skipped,
}

/// What the supervisor records at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// Version of this file.
    pub version: u32,
    /// How it ended as a whole.
    pub outcome: Outcome,
    /// What became of each pipeline, in order.
    pub parts: Vec<PartRecord>,
    /// Bytes in the output file.
    pub output_bytes: u64,
    /// SHA-256 of the output file; empty when that could not be read.
    pub output_digest: String,
    /// Bytes of output that were not kept.
    pub dropped_bytes: u64,
    /// What went wrong besides (output that could not be written, processes that could not be ended); one line each.
    pub notes: Vec<String>,
    /// When the last process had ended.
    pub ended_at: Timestamp,
}

/// What [`ENDED`] says.
///
/// It is there as soon as every process that was started has ended, nobody has the output open any more and all of that is
/// in its file, which is long before the disk has an [`OutcomeRecord`]. It is not brought onto the disk: it counts when its
/// supervisor was killed, and says nothing after the machine has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndNote {
    /// How it ended as a whole.
    pub(super) outcome: Outcome,
    /// When that was known.
    pub(super) ended_at: Timestamp,
}

/// Writes the note, whole or not at all.
pub(super) fn note_end(directory: &Path, note: &EndNote) -> io::Result<()> {
    let draft = directory.join(format!("{ENDED}.{}", std::process::id()));
    serde_json::to_writer(create(&draft)?, note)?;
    std::fs::rename(&draft, directory.join(ENDED))
}

/// Writes `value` as JSON to the file `name` in `directory`, whole or not at all, and onto the disk.
///
/// Each file is written once: the call fails with `AlreadyExists` when it is there. So one directory has one supervisor.
pub(super) fn write_json<T: Serialize>(directory: &Path, name: &str, value: &T) -> io::Result<()> {
    let draft = directory.join(format!("{name}.{}", std::process::id()));
    let target = directory.join(name);
    let written = (|| {
        let mut file = create(&draft)?;
        serde_json::to_writer(&mut file, value)?;
        file.write_all(b"\n")?;
        if name == OUTCOME {
            failpoint::reached(Point::OutcomeDrafted);
        }
        file.sync_all()?;
        // Unlike a rename, a link fails when the name is taken.
        std::fs::hard_link(&draft, &target)?;
        std::fs::remove_file(&draft)?;
        File::open(directory)?.sync_all()
    })();
    if written.is_err() {
        // Best effort: a leftover draft is harmless, its name is never read.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Reads the JSON file `name` in `directory`; `None` when there is none.
pub(super) fn read_json<T: DeserializeOwned>(directory: &Path, name: &str) -> io::Result<Option<T>> {
    match std::fs::read(directory.join(name)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates a file that must not exist yet, readable and writable by its owner only.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Sets space aside for the outcome.
pub(super) fn reserve(directory: &Path) -> io::Result<()> {
    let mut file = create(&directory.join(RESERVE))?;
    file.write_all(&vec![0; RESERVE_BYTES])?;
    file.sync_all()
}

/// SHA-256 of the output file of `directory`; `None` when there is no such file.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn output_digest(directory: &Path) -> io::Result<Option<String>> {
    match File::open(directory.join(OUTPUT)) {
        Ok(file) => Ok(Some(sha256_hex_of(file)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first bytes of the output file of `directory`, at most `most`, with the size and the SHA-256 of all; `None` when there
/// is no such file.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn output_beginning(directory: &Path, most: usize) -> io::Result<Option<(Vec<u8>, u64, String)>> {
    let path = directory.join(OUTPUT);
    let Some(digest) = output_digest(directory)? else { return Ok(None) };
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut beginning = Vec::new();
    file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut beginning)?;
    Ok(Some((beginning, total, digest)))
}

/// Hashes what `source` has, piece by piece: an output may be large.
fn sha256_hex_of(mut source: impl Read) -> io::Result<String> {
    let mut hasher = Sha256Stream::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(length) => hasher.update(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Size of the output file; 0 when there is none yet.
pub(super) fn output_bytes(directory: &Path) -> u64 {
    std::fs::metadata(directory.join(OUTPUT)).map_or(0, |metadata| metadata.len())
}

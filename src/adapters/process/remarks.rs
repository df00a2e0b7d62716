//! What is said below the output of an attempt: everything that its one outcome does not tell.
//!
//! Owns: the words, and how they reach the file. Does not: decide how the action ended. The record beside the output has
//! the same in a form for programs; here it stands where a person looks.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::execute::first_failure;
use super::files::{PartRecord, StageStatus};
use crate::domain::action::spec::{Script, Stage};

/// Bytes of remarks at most: they have to fit, with the record, into the space that was set aside.
const MOST: usize = 16 * 1024;

/// Said when a confined action failed and something was refused to it.
pub(super) const KEPT_FROM_WRITING: &str = "this was approved as a read: it could write only to a scratch directory of its \
own (TMPDIR) and gain no privileges, and what was refused above may be that";

/// So much of the end of an output is looked at, in bytes.
const TAIL: u64 = 64 * 1024;

/// What programs say when the kernel refuses them something: strerror(3) of EACCES, EPERM and EXDEV.
const REFUSALS: [&str; 3] = ["Permission denied", "Operation not permitted", "cross-device link"];

/// Whether the output at `path` tells of something that was refused. An output that cannot be read tells nothing.
pub(super) fn was_refused(path: &Path) -> bool {
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let tail = tail().unwrap_or_default();
    let tail = String::from_utf8_lossy(&tail).to_lowercase();
    REFUSALS.iter().any(|said| tail.contains(&said.to_lowercase()))
}

/// The lines that belong below the output, in order; none when the outcome says everything.
///
/// Statuses are told of a script with several stages, for each pipeline that failed: a script may succeed as a whole and
/// have failed in part.
pub(super) fn remarks(notes: &[String], dropped: u64, script: &Script, parts: &[PartRecord]) -> Vec<String> {
    let stages: usize = script.parts.iter().map(|(_, pipeline)| pipeline.stages.len()).sum();
    let mut lines = Vec::new();
    if stages > 1 {
        for ((_, pipeline), part) in script.parts.iter().zip(parts) {
            if let PartRecord::Ran { stages } = part
                && first_failure(stages).is_some()
            {
                let ends = pipeline.stages.iter().zip(stages).map(|(stage, status)| end_of(stage, status));
                lines.push(format!("statuses: {}", ends.collect::<Vec<_>>().join(" | ")));
            }
        }
    }
    if dropped > 0 {
        lines.push(format!("{dropped} bytes of output were not kept"));
    }
    lines.extend(notes.iter().cloned());
    lines
}

/// `grep exit 1`.
fn end_of(stage: &Stage, status: &StageStatus) -> String {
    let name = stage.argv.first().map(|word| word.text()).unwrap_or_default();
    match status {
        StageStatus::Exited { code } => format!("{name} exit {code}"),
        StageStatus::Signalled { signal } => format!("{name} signal {signal}"),
        StageStatus::NotStarted { .. } => format!("{name} not started"),
        StageStatus::Stuck => format!("{name} still there"),
        StageStatus::Lost { .. } => format!("{name} unknown"),
    }
}

/// Appends `lines` to the file at `path`, each on a line of its own behind `aiops: `, and onto the disk.
pub(super) fn append(path: &Path, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    if !ends_a_line(path)? {
        text.push('\n');
    }
    for line in lines {
        let line = format!("aiops: {}\n", line.replace(['\n', '\r'], " "));
        if text.len() + line.len() > MOST {
            text.push_str("aiops: more was recorded than fits here\n");
            break;
        }
        text.push_str(&line);
    }
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whether what is added to the file at `path` begins a line.
fn ends_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(length - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_on_their_own_and_are_limited() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("output");
        let added = |before: &str, lines: &[String]| {
            std::fs::write(&path, before).unwrap();
            append(&path, lines).unwrap();
            std::fs::read_to_string(&path).unwrap()
        };
        let line = ["a\nb".to_owned()];
        assert_eq!(added("", &line), "aiops: a b\n");
        assert_eq!(added("x", &line), "x\naiops: a b\n");
        assert_eq!(added("x\n", &line), "x\naiops: a b\n");
        assert_eq!(added("x", &[]), "x");
        let long = added("", &vec!["y".repeat(1000); 100]);
        assert!(long.len() < MOST + 100 && long.ends_with("fits here\n"), "{}", long.len());
    }

    #[test]
    fn there_is_nowhere_to_add_to_without_a_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(append(&directory.path().join("output"), &["a".to_owned()]).is_err());
    }
}

//! `aiops journal export`, and verifying what it wrote.
//!
//! Owns: JSON lines of stored entries, byte for byte as they were hashed, or of events made from them. Invariants: entries are read a page at a time, so a
//! journal of any length can be exported while others write; a file is new, of mode 0600, and whole or not there.
//!
//! Does not: show that the end of a journal was cut off. For that compare the head that is printed with one kept elsewhere.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use color_eyre::eyre::{Report, WrapErr as _, eyre};
use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::purged::purged_by;
use crate::domain::journal::{Break, Context, PartVerifier, StoredEntry, ocsf};
use crate::domain::text;
use crate::domain::time::{Timestamp, parse_span};
use crate::store::Store;

/// Entries that are read at a time.
const PAGE: u32 = 500;

/// A longer line is no entry of ours; in bytes. The largest entries hold a proposal.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// What to export.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// As stored entries, which can be verified, or as events of the Open Cybersecurity Schema Framework
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
    /// From the first entry at or after this time on: RFC 3339, or so long ago (2h, 7d)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only entries of this incident; what lies between is missing then
    #[arg(long, value_name = "ID", value_parser = super::incidents::incident_id)]
    pub incident: Option<IncidentId>,
    /// Into this new file, of mode 0600, instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// In which form entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Stored entries, byte for byte as they were hashed.
    Jsonl,
    /// Events of OCSF 1.3.0: Entity Management and Process Activity.
    Ocsf,
}

impl ExportFormat {
    fn write(self, entry: &StoredEntry, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Jsonl => json_line(out, entry),
            Self::Ocsf => json_line(out, &ocsf::event(entry)),
        }
    }
}

/// What verifying an export found.
#[derive(Debug, Serialize)]
struct PartReport {
    entries: i64,
    first: Option<JournalSeq>,
    last: Option<JournalSeq>,
    head: String,
    gaps: i64,
    /// Entries whose texts were purged, each sealed by the entry of its purge.
    purged: u64,
    ok: bool,
    broken: Option<Break>,
}

/// Writes the entries that `args` names; `now` is what a span of time in `--since` counts from.
///
/// # Errors
/// When `--since` is no time, the file is there already, or something cannot be read or written.
pub fn run(store: &Store, args: &ExportArgs, now: Timestamp, out: &mut dyn Write) -> Result<Exit, Report> {
    let since = args.since.as_deref().map(|text| time(text, now)).transpose()?;
    let Some(path) = &args.output else {
        copy(store, args, since, out)?;
        return Ok(Exit::Done);
    };
    let place = path.display();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(eyre!("{place}: there is a file already, nothing was written. Name another one"));
        }
        opened => opened.wrap_err_with(|| format!("{place}: could not be written"))?,
    };
    let written = write_file(file, store, args, since);
    if written.is_err() {
        // Half an export would verify: it must not be there. The error is told.
        let _ = fs::remove_file(path);
    }
    let (entries, head) = written.wrap_err_with(|| format!("{place}: could not be written"))?;
    writeln!(out, "Wrote {entries} entries to {place}. Head: {head}")?;
    Ok(Exit::Done)
}

fn write_file(file: File, store: &Store, args: &ExportArgs, since: Option<Timestamp>) -> Result<(u64, String), Report> {
    let mut writer = BufWriter::new(file);
    let copied = copy(store, args, since, &mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(copied)
}

/// Writes entries; how many, and the hash of the last.
fn copy(
    store: &Store,
    args: &ExportArgs,
    since: Option<Timestamp>,
    out: &mut dyn Write,
) -> Result<(u64, String), Report> {
    let (incident, format) = (args.incident, args.format);
    let (mut after, mut entries, mut head) = (JournalSeq(0), 0, String::new());
    // Clocks step back: from the first entry that is late enough on, all of them, so that no gap comes of it.
    let mut begun = since.is_none();
    // Entries of purges that seal what was written: without them it could not be verified.
    let mut sealing = BTreeSet::new();
    let mut write = |entry: &StoredEntry, sealing: &mut BTreeSet<JournalSeq>| -> io::Result<()> {
        sealing.remove(&entry.seq);
        sealing.extend(purged_by(entry));
        entries += 1;
        head.clone_from(&entry.hash);
        format.write(entry, out)
    };
    loop {
        let page = store.read_view_blocking(move |reader| match incident {
            Some(incident) => reader.entries_of(incident, after, PAGE),
            None => reader.entries(after, PAGE),
        })?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for entry in page {
            begun = begun || since.is_some_and(|since| is_at_or_after(&entry, since));
            if begun {
                write_sealing(store, Some(entry.seq), &mut sealing, &mut write)?;
                write(&entry, &mut sealing)?;
            }
        }
    }
    write_sealing(store, None, &mut sealing, &mut write)?;
    out.flush()?;
    Ok((entries, head))
}

/// Writes the entries of purges that are still missing and stand before `before`; all with `None`.
fn write_sealing(
    store: &Store,
    before: Option<JournalSeq>,
    sealing: &mut BTreeSet<JournalSeq>,
    write: &mut dyn FnMut(&StoredEntry, &mut BTreeSet<JournalSeq>) -> io::Result<()>,
) -> Result<(), Report> {
    while let Some(next) = sealing.first().copied().filter(|next| before.is_none_or(|before| *next < before)) {
        sealing.remove(&next);
        let found = store.read_view_blocking(move |reader| reader.entries(JournalSeq(next.0 - 1), 1))?;
        // One that is missing is found out by whoever verifies.
        for entry in found.iter().filter(|entry| entry.seq == next) {
            write(entry, sealing)?;
        }
    }
    Ok(())
}

/// An entry whose context cannot be read is exported rather than left out.
fn is_at_or_after(entry: &StoredEntry, since: Timestamp) -> bool {
    serde_json::from_str::<Context>(&entry.context).map_or(true, |context| context.at >= since)
}

fn time(text: &str, now: Timestamp) -> Result<Timestamp, Report> {
    Timestamp::parse_rfc3339(text).or_else(|| parse_span(text).map(|span| now.minus(span))).ok_or_else(|| {
        eyre!("--since: {} is no time. Write it like 2026-03-01T02:14:00Z, 2h or 7d", text::visible(text))
    })
}

/// Checks an export and says what it found. A broken chain is a result, not a failure.
///
/// # Errors
/// When the file cannot be read or the output not be written.
pub fn verify(path: &Path, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let report = if path == Path::new("-") {
        walk(&mut io::stdin().lock())
    } else {
        let file = File::open(path).wrap_err_with(|| format!("{}: cannot be opened", path.display()))?;
        walk(&mut BufReader::new(file))
    }
    .wrap_err_with(|| format!("{}: cannot be read", path.display()))?;
    let place = path.display();
    match (format, &report.broken) {
        (Format::Json, _) => json_line(out, &report)?,
        (Format::Text, Some(broken)) => writeln!(
            out,
            "{place}: broken at entry {}: {}. The {} entries before it are in order. Export again and compare.",
            broken.seq,
            text::visible(&broken.reason),
            report.entries
        )?,
        (Format::Text, None) => {
            let range = report.first.zip(report.last).map(|(first, last)| format!(" ({first} to {last})"));
            let gaps = match report.gaps {
                0 => "no gaps".to_owned(),
                1 => "1 gap, across which nothing was checked".to_owned(),
                many => format!("{many} gaps, across which nothing was checked"),
            };
            let gaps = match report.purged {
                0 => gaps,
                purged => format!("{gaps}, texts of {purged} purged"),
            };
            let range = range.unwrap_or_default();
            writeln!(out, "{place}: {} entries{range}, whole, {gaps}. Head: {}", report.entries, report.head)?;
        }
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

fn walk(input: &mut dyn BufRead) -> io::Result<PartReport> {
    let mut verifier = PartVerifier::default();
    let mut broken = None;
    let mut line = Vec::new();
    while broken.is_none() {
        line.clear();
        if io::Read::take(&mut *input, LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        broken = match serde_json::from_slice::<StoredEntry>(&line) {
            Ok(entry) => verifier.check(&entry).err(),
            Err(error) => {
                let after = verifier.last().map_or(0, |(seq, _)| seq.0);
                // What stands there is not repeated: it is nobody's word.
                let reason = format!("the line after entry {after} is no entry (column {})", error.column());
                Some(Break { seq: JournalSeq(after + 1), reason })
            }
        };
    }
    let unsealed = verifier.claims().take_open().first().map(|claim| claim.unsealed());
    let (broken, purged) = (broken.or(unsealed), verifier.claims().settled());
    let last = verifier.last();
    Ok(PartReport {
        entries: verifier.entries(),
        first: verifier.first(),
        last: last.map(|(seq, _)| seq),
        head: last.map(|(_, head)| head.to_owned()).unwrap_or_default(),
        gaps: verifier.gaps(),
        purged,
        ok: broken.is_none(),
        broken,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::journal::tests::options;
    use super::*;

    /// A store with one entry: that its journal was begun.
    fn store(directory: &Path) -> Store {
        Store::open(&directory.join("aiops.db"), options()).unwrap()
    }

    fn args(output: Option<PathBuf>) -> ExportArgs {
        ExportArgs { format: ExportFormat::Jsonl, since: None, incident: None, output }
    }

    #[test]
    fn an_export_is_private_new_and_verifies_without_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        let path = directory.path().join("out.jsonl");
        let mut out = Vec::new();
        run(&store, &args(Some(path.clone())), Timestamp::from_millis(0), &mut out).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let again = run(&store, &args(Some(path.clone())), Timestamp::from_millis(0), &mut out);
        assert!(again.unwrap_err().to_string().contains("already"));
        drop(store);
        fs::remove_file(directory.path().join("aiops.db")).unwrap();

        let mut said = Vec::new();
        assert_eq!(verify(&path, Format::Json, &mut said).unwrap(), Exit::Done);
        let report: serde_json::Value = serde_json::from_slice(&said).unwrap();
        assert_eq!((&report["ok"], &report["entries"], &report["first"]), (&true.into(), &1.into(), &1.into()));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("begun", "begum")).unwrap();
        let mut said = Vec::new();
        assert_eq!(verify(&path, Format::Text, &mut said).unwrap(), Exit::Failed);
        assert!(String::from_utf8(said).unwrap().contains("broken at entry 1: its content was changed"));
        fs::write(&path, "{}\n").unwrap();
        assert_eq!(verify(&path, Format::Text, &mut Vec::new()).unwrap(), Exit::Failed);
    }

    #[test]
    fn events_of_the_security_schema_are_one_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        let args = ExportArgs { format: ExportFormat::Ocsf, ..args(None) };
        let mut out = Vec::new();
        run(&store, &args, Timestamp::from_millis(0), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1);
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&3004.into(), &300_401.into()));
        assert_eq!(event["unmapped"]["payload"]["type"], "begun");
    }

    #[test]
    fn times_are_moments_or_spans() {
        let now = Timestamp::from_millis(10_000_000);
        assert_eq!(time("2h", now).unwrap(), Timestamp::from_millis(2_800_000));
        assert_eq!(time("1970-01-01T00:00:01Z", now).unwrap(), Timestamp::from_millis(1_000));
        assert!(time("yesterday", now).unwrap_err().to_string().contains("yesterday"));
    }

    #[test]
    fn entries_before_the_time_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        // The clock of these tests stands at one second.
        for (since, expected) in [("1970-01-01T00:00:01Z", 1), ("1970-01-01T00:00:02Z", 0)] {
            let args = ExportArgs { since: Some(since.to_owned()), ..args(None) };
            let mut out = Vec::new();
            run(&store, &args, Timestamp::from_millis(0), &mut out).unwrap();
            assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), expected, "{since}");
        }
    }
}

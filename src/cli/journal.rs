//! `aiops journal verify`, and the way to `export` (see the module of that name).

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use color_eyre::eyre::{Report, WrapErr as _};

use super::export::{self, ExportArgs};
use super::{Exit, Format, json_line};
use crate::domain::id::JournalSeq;
use crate::domain::text;
use crate::store::{
    AnchorNeed, AnchorsReport, JournalReport, KnownAnchors, LostHeads, OpenOptions, Part, PayloadReport, Reader,
};

/// What can be done with the journal.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum JournalCommand {
    /// Check that no entry was changed, removed or reordered, and no stored review or output altered; exit 1 when one was
    Verify(VerifyArgs),
    /// Write entries out with their hashes, one JSON object a line, so that they can be verified elsewhere
    Export(ExportArgs),
}

/// What to verify, and against what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct VerifyArgs {
    /// Check what `journal export` wrote, without the database; `-` for the standard input
    #[arg(long, value_name = "EXPORT", conflicts_with_all = ["anchor", "from", "to"])]
    pub file: Option<PathBuf>,
    /// Compare with the heads in this file, which may be a log or what `journalctl -t aiops` prints; `-` for the standard
    /// input [default: the file of `[journal] anchor`]
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// The store was restored, and you know of it: heads of the entries that it lost do not count
    #[arg(long)]
    pub since_restoration: bool,
    /// Only from this entry on, or from the last head before it that was kept
    #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(1..))]
    pub from: Option<i64>,
    /// Only up to this entry, or up to the next head after it that was kept
    #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(1..))]
    pub to: Option<i64>,
}

impl VerifyArgs {
    fn part(&self) -> Part {
        let seq = |entry: Option<i64>, other: JournalSeq| entry.map_or(other, JournalSeq);
        Part { from: seq(self.from, Part::WHOLE.from), to: seq(self.to, Part::WHOLE.to) }
    }

    /// The heads to compare with: those of the file that is named, else those of `configured`, if it is there.
    fn anchors(&self, configured: Option<&Path>) -> Result<Option<KnownAnchors>, Report> {
        let read = |path: &Path| -> io::Result<String> {
            let mut bytes = Vec::new();
            if path == Path::new("-") {
                io::stdin().lock().read_to_end(&mut bytes)?;
            } else {
                File::open(path)?.read_to_end(&mut bytes)?;
            }
            // Other lines of a log need not be text.
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let lost = if self.since_restoration { LostHeads::Known } else { LostHeads::Broken };
        match (&self.anchor, configured) {
            (Some(path), _) => {
                let text = read(path).wrap_err_with(|| format!("{}: cannot be read", path.display()))?;
                Ok(Some(KnownAnchors { text, need: AnchorNeed::Required, lost }))
            }
            (None, Some(path)) => match read(path) {
                Ok(text) => Ok(Some(KnownAnchors { text, need: AnchorNeed::IfAny, lost })),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).wrap_err_with(|| format!("{}: cannot be read", path.display())),
            },
            (None, None) => Ok(None),
        }
    }
}

/// What the commands need of the outside world.
pub struct Outside<'a, H> {
    /// The file in which heads of the journal are kept, if they are kept in one.
    pub anchors: Option<&'a Path>,
    /// Hashes the output of the attempt in a directory.
    pub hash_output: H,
}

/// Runs `command` on the store at `path` and prints to `out`.
///
/// # Errors
/// When there is no store, when it cannot be opened or read, or when the output cannot be written. A broken chain is the
/// result of verifying, not its failure.
pub fn run(
    command: &JournalCommand,
    path: &Path,
    options: OpenOptions,
    outside: Outside<'_, impl FnMut(&str) -> io::Result<Option<String>> + Send + 'static>,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    if let JournalCommand::Verify(VerifyArgs { file: Some(file), .. }) = command {
        return export::verify(file, format, out);
    }
    let now = (options.now)().0;
    let store = super::open_existing(path, options)?;
    match command {
        JournalCommand::Verify(args) => {
            let (part, anchors, mut hash_output) = (args.part(), args.anchors(outside.anchors)?, outside.hash_output);
            let verify = move |reader: &Reader<'_>| reader.verify_part(part, anchors.as_ref(), &mut hash_output);
            let report = store.read_view_blocking(verify)?;
            Ok(print(&report, path, format, out)?)
        }
        JournalCommand::Export(args) => export::run(&store, args, now, out),
    }
}

fn print(report: &JournalReport, path: &Path, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let JournalReport { entries, first, head, ok, broken, purged, payloads, anchors } = report;
    match (format, broken) {
        (Format::Json, _) => json_line(out, report),
        (Format::Text, None) => {
            let from = if first.0 == 1 { String::new() } else { format!(" from {first} on") };
            writeln!(out, "{}: {entries} entries{from}, the chain is whole. Head: {head}", path.display())?;
            if *purged > 0 {
                let entries = if *purged == 1 { "entry was" } else { "entries were" };
                writeln!(
                    out,
                    "Texts of {purged} {entries} purged, which later entries say and seal; what is left is as it was then."
                )?;
            }
            print_anchors(anchors.as_ref(), out)?;
            print_payloads(payloads, out)
        }
        (Format::Text, Some(broken)) => writeln!(
            out,
            "{}: the chain is broken at entry {}: {}. The {before} entries before it are in order. Keep the file as it \
             is, compare it with a backup, and find out who could write to it.",
            path.display(),
            broken.seq,
            text::visible(&broken.reason),
            // What is left of a purged entry is known to be wrong only behind it.
            before = (*entries).min(broken.seq.0 - first.0).max(0),
        ),
    }?;
    Ok(if *ok { Exit::Done } else { Exit::Failed })
}

fn print_anchors(anchors: Option<&AnchorsReport>, out: &mut dyn Write) -> io::Result<()> {
    let Some(AnchorsReport { matched, unanchored, others, damaged }) = anchors else {
        return writeln!(
            out,
            "Heads kept elsewhere: none to compare with, so it cannot be told whether the end was cut off or all of it \
             rewritten. --anchor FILE names some."
        );
    };
    write!(out, "Heads kept elsewhere: {matched} agree, {unanchored} entries after the last of them")?;
    if *others > 0 {
        write!(out, ", {others} are of other journals")?;
    }
    match damaged {
        0 => writeln!(out, "."),
        some => writeln!(out, ", {some} lines are damaged. Find out who could write to that file."),
    }
}

fn print_payloads(payloads: &PayloadReport, out: &mut dyn Write) -> io::Result<()> {
    let PayloadReport { checked, missing, unreadable, first_unreadable, altered, first_altered } = payloads;
    write!(out, "Reviews and outputs: {checked} checked, {missing} erased")?;
    if let Some(first) = first_unreadable {
        write!(out, ", {unreadable} unreadable (the first at entry {}: {})", first.seq, first.reason)?;
    }
    match first_altered {
        None => writeln!(out, "."),
        Some(first) => writeln!(
            out,
            ", {altered} altered: entry {} names the first, {}. Keep the files as they are, compare them with a backup, and \
             find out who could write to them.",
            first.seq, first.reason
        ),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::actor::Person;
    use crate::domain::journal::anchor::{Anchor, AnchorCause};
    use crate::domain::time::Timestamp;
    use crate::store::{Identity, JournalHead, Store};

    pub(in crate::cli) fn options() -> OpenOptions {
        let person = Person { uid: 1, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
        let identity = Identity { host: "web-1".to_owned(), boot_id: "b".to_owned(), pid: 7, person };
        OpenOptions { identity, now: Arc::new(|| (Timestamp::from_millis(1_000), Duration::from_secs(1))) }
    }

    fn verify_with(
        args: &VerifyArgs,
        path: &Path,
        anchors: Option<&Path>,
        format: Format,
        out: &mut Vec<u8>,
    ) -> Result<Exit, Report> {
        let outside = Outside { anchors, hash_output: |_: &str| Ok(None) };
        run(&JournalCommand::Verify(args.clone()), path, options(), outside, format, out)
    }

    fn verify(path: &Path, format: Format) -> (Result<Exit, Report>, String) {
        let mut out = Vec::new();
        let result = verify_with(&VerifyArgs::default(), path, None, format, &mut out);
        (result, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_whole_chain_is_counted_and_its_head_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.db");
        drop(Store::open(&path, options()).unwrap());
        let (exit, text) = verify(&path, Format::Text);
        assert_eq!(exit.unwrap(), Exit::Done);
        assert!(text.contains("the chain is whole"), "{text}");
        let (_, json) = verify(&path, Format::Json);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["ok"], true);
        assert!(report["entries"].as_i64().unwrap() >= 1);
        assert_eq!(report["head"].as_str().unwrap().len(), 64);
        assert_eq!((&report["payloads"]["checked"], &report["payloads"]["altered"]), (&0.into(), &0.into()));
    }

    #[test]
    fn a_changed_entry_fails_and_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.db");
        drop(Store::open(&path, options()).unwrap());
        let raw = rusqlite::Connection::open(&path).unwrap();
        // Whoever can write the file can drop what guards it; the chain is what is left.
        raw.execute_batch("DROP TRIGGER journal_is_append_only_update").unwrap();
        let changed = raw.execute("UPDATE journal SET payload = payload || ' ' WHERE seq = 1", []).unwrap();
        assert_eq!(changed, 1);
        drop(raw);
        let (exit, text) = verify(&path, Format::Text);
        assert_eq!(exit.unwrap(), Exit::Failed);
        assert!(text.contains("broken at entry 1: its content was changed"), "{text}");
        let (_, json) = verify(&path, Format::Json);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&report["ok"], &report["broken"]["seq"]), (&false.into(), &1.into()));
    }

    /// A store whose head was kept in a file beside it.
    fn anchored(directory: &Path) -> (PathBuf, PathBuf) {
        let (path, anchors) = (directory.join("aiops.db"), directory.join("anchors"));
        let store = Store::open(&path, options()).unwrap();
        let head = store.read_view_blocking(|reader| reader.journal_head()).unwrap().unwrap();
        let JournalHead { database, host, journal, seq, hash } = head;
        let at = Timestamp::from_millis(1);
        let anchor = Anchor { database, host, journal, seq, hash, at, cause: AnchorCause::Time };
        std::fs::write(&anchors, format!("a line of a log\n{}\n", anchor.to_line().unwrap())).unwrap();
        (path, anchors)
    }

    #[test]
    fn heads_that_were_kept_are_compared_also_when_nobody_names_them() {
        let directory = tempfile::tempdir().unwrap();
        let (path, anchors) = anchored(directory.path());
        let named = VerifyArgs { anchor: Some(anchors.clone()), ..VerifyArgs::default() };
        for (args, configured) in [(named, None), (VerifyArgs::default(), Some(anchors.as_path()))] {
            let mut out = Vec::new();
            assert_eq!(verify_with(&args, &path, configured, Format::Json, &mut out).unwrap(), Exit::Done);
            let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((&report["anchors"]["matched"], &report["anchors"]["unanchored"]), (&1.into(), &0.into()));
        }
        let (_, text) = verify(&path, Format::Text);
        assert!(text.contains("none to compare with"), "{text}");
        let absent = Some(Path::new("/nonexistent/anchors"));
        assert_eq!(
            verify_with(&VerifyArgs::default(), &path, absent, Format::Text, &mut Vec::new()).unwrap(),
            Exit::Done
        );
    }

    #[test]
    fn a_journal_that_was_begun_anew_does_not_fit_its_old_heads() {
        let directory = tempfile::tempdir().unwrap();
        let (path, anchors) = anchored(directory.path());
        for file in ["aiops.db", "aiops.db-wal", "aiops.db-shm"] {
            let _ = std::fs::remove_file(directory.path().join(file));
        }
        let later = OpenOptions { now: Arc::new(|| (Timestamp::from_millis(9), Duration::from_secs(9))), ..options() };
        drop(Store::open(&path, later).unwrap());
        let mut out = Vec::new();
        let exit = verify_with(&VerifyArgs::default(), &path, Some(&anchors), Format::Text, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(exit, Exit::Failed);
        assert!(text.contains("replaced, or rewritten"), "{text}");
        let args = VerifyArgs { anchor: Some(directory.path().join("absent")), ..VerifyArgs::default() };
        assert!(verify_with(&args, &path, None, Format::Text, &mut Vec::new()).is_err());
    }

    #[test]
    fn verifying_nothing_is_an_error_and_creates_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent.db");
        let (result, text) = verify(&path, Format::Text);
        assert!(result.unwrap_err().to_string().contains("--db"));
        assert_eq!(text, "");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

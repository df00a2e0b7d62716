//! `aiops journal verify`, and the way to `export` (see the module of that name).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use color_eyre::eyre::Report;

use super::export::{self, ExportArgs};
use super::{Exit, Format, json_line};
use crate::store::{JournalReport, OpenOptions, PayloadReport};

/// What can be done with the journal.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum JournalCommand {
    /// Check that no entry was changed, removed or reordered, and no stored review or output altered; exit 1 when one was
    Verify {
        /// Check what `journal export` wrote, without the database; `-` for the standard input
        #[arg(long, value_name = "EXPORT")]
        file: Option<PathBuf>,
    },
    /// Write entries out with their hashes, one JSON object a line, so that they can be verified elsewhere
    Export(ExportArgs),
}

/// Runs `command` on the store at `path` and prints to `out`; `hash_output` hashes the output of the attempt in a directory.
///
/// # Errors
/// When there is no store, when it cannot be opened or read, or when the output cannot be written. A broken chain is the
/// result of verifying, not its failure.
pub fn run(
    command: &JournalCommand,
    path: &Path,
    options: OpenOptions,
    mut hash_output: impl FnMut(&str) -> io::Result<Option<String>> + Send + 'static,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    if let JournalCommand::Verify { file: Some(file) } = command {
        return export::verify(file, format, out);
    }
    let now = (options.now)().0;
    let store = super::open_existing(path, options)?;
    match command {
        JournalCommand::Verify { .. } => {
            let report = store.read_view_blocking(move |reader| reader.verify(&mut hash_output))?;
            Ok(print(&report, path, format, out)?)
        }
        JournalCommand::Export(args) => export::run(&store, args, now, out),
    }
}

fn print(report: &JournalReport, path: &Path, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let JournalReport { entries, head, ok, broken, payloads, .. } = report;
    match (format, broken) {
        (Format::Json, _) => json_line(out, report),
        (Format::Text, None) => {
            writeln!(out, "{}: {entries} entries, the chain is whole. Head: {head}", path.display())?;
            print_payloads(payloads, out)
        }
        (Format::Text, Some(broken)) => writeln!(
            out,
            "{}: the chain is broken at entry {}: {}. The {entries} entries before it are in order. Keep the file as it \
             is, compare it with a backup, and find out who could write to it.",
            path.display(),
            broken.seq,
            broken.reason,
        ),
    }?;
    Ok(if *ok { Exit::Done } else { Exit::Failed })
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
    use crate::domain::time::Timestamp;
    use crate::store::{Identity, Store};

    pub(in crate::cli) fn options() -> OpenOptions {
        let person = Person { uid: 1, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
        let identity = Identity { host: "web-1".to_owned(), boot_id: "b".to_owned(), pid: 7, person };
        OpenOptions { identity, now: Arc::new(|| (Timestamp::from_millis(1_000), Duration::from_secs(1))) }
    }

    fn verify(path: &Path, format: Format) -> (Result<Exit, Report>, String) {
        let mut out = Vec::new();
        let result = run(&JournalCommand::Verify { file: None }, path, options(), |_| Ok(None), format, &mut out);
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

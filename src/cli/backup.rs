//! `aiops backup`: makes, lists and checks backups.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use color_eyre::eyre::Report;
use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::keeping::{Retention, bytes_for_people};
use crate::domain::time::Timestamp;
use crate::store::{Backup, OpenOptions, backups_of, look_into};

/// What can be done with backups.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BackupCommand {
    /// Make one now, and remove those that need not be kept
    Make,
    /// List them, the newest first
    List,
    /// Read one (or all of them) and say whether it is good; exit 1 when one is not
    Check {
        /// The backup; all of this database when it is left out
        file: Option<PathBuf>,
    },
}

/// A backup as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    at: Timestamp,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_entry: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl<'a> Line<'a> {
    fn of(backup: &'a Backup) -> Self {
        Self { path: &backup.path, at: backup.at, bytes: backup.bytes, ok: None, last_entry: None, problem: None }
    }
}

/// Runs `command` for the store at `path`, whose backups are kept as `retention` says.
///
/// # Errors
/// When there is no store, a backup cannot be made, or the output cannot be written. A backup that is not good is the result of
/// checking, not its failure.
pub fn run(
    command: &BackupCommand,
    path: &Path,
    retention: Retention,
    options: OpenOptions,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    match command {
        BackupCommand::Make => {
            let store = super::open_existing(path, options)?;
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let Some(made) = runtime.block_on(store.back_up(retention))? else {
                writeln!(out, "Another process is making a backup at this moment; `aiops backup list` shows it soon.")?;
                return Ok(Exit::Failed);
            };
            match format {
                Format::Json => json_line(out, &Line::of(&made))?,
                Format::Text => writeln!(out, "{} ({})", made.path.display(), bytes_for_people(made.bytes))?,
            }
            Ok(Exit::Done)
        }
        BackupCommand::List => Ok(list(path, format, out)?),
        BackupCommand::Check { file } => {
            let backups = match file {
                Some(file) => {
                    let bytes = std::fs::metadata(file)?.len();
                    vec![Backup { path: file.clone(), at: (options.now)().0, bytes }]
                }
                None => backups_of(path),
            };
            Ok(check(&backups, path, format, out)?)
        }
    }
}

fn list(path: &Path, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let backups = backups_of(path);
    for backup in &backups {
        match format {
            Format::Json => json_line(out, &Line::of(backup))?,
            Format::Text => {
                let (when, size) = (backup.at.to_minute(), bytes_for_people(backup.bytes));
                writeln!(out, "{when}  {size:>10}  {}", backup.path.display())?;
            }
        }
    }
    if backups.is_empty() && format == Format::Text {
        none(path, out)?;
    }
    Ok(Exit::Done)
}

fn none(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "There is no backup of {}. `aiops backup make` makes one; a console that receives does it every hour.",
        path.display()
    )
}

fn check(backups: &[Backup], path: &Path, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let mut exit = Exit::Done;
    for backup in backups {
        let found = look_into(&backup.path);
        if found.is_err() {
            exit = Exit::Failed;
        }
        match (format, found) {
            (Format::Json, found) => {
                let mut line = Line::of(backup);
                line.ok = Some(found.is_ok());
                line.last_entry = found.as_ref().ok().map(|content| content.last_entry.0);
                line.problem = found.err().map(|error| error.to_string());
                json_line(out, &line)?;
            }
            (Format::Text, Ok(content)) => {
                let (place, entries) = (backup.path.display(), content.last_entry);
                writeln!(out, "good  {place}: {entries} entries of the journal, schema {}", content.version)?;
            }
            (Format::Text, Err(error)) => writeln!(out, "BAD   {error}")?,
        }
    }
    if backups.is_empty() && format == Format::Text {
        none(path, out)?;
    }
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::super::journal::tests::options;
    use super::*;
    use crate::store::Store;

    fn print(command: &BackupCommand, path: &Path, format: Format) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = run(command, path, Retention::default(), options(), format, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_backup_is_made_listed_and_checked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.db");
        drop(Store::open(&path, options()).unwrap());
        assert!(print(&BackupCommand::List, &path, Format::Text).1.contains("There is no backup"));
        let (exit, made) = print(&BackupCommand::Make, &path, Format::Json);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!((exit, made["at"].as_str()), (Exit::Done, Some("1970-01-01T00:00:01.000Z")));
        let (exit, checked) = print(&BackupCommand::Check { file: None }, &path, Format::Json);
        let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
        assert_eq!((exit, &checked["ok"], &checked["last_entry"]), (Exit::Done, &true.into(), &1.into()));
        let file = PathBuf::from(made["path"].as_str().unwrap());
        std::fs::write(&file, "no backup").unwrap();
        let (exit, checked) = print(&BackupCommand::Check { file: Some(file) }, &path, Format::Text);
        assert_eq!(exit, Exit::Failed);
        assert!(checked.starts_with("BAD"), "{checked}");
    }
}

//! `aiops purge`: makes texts unreadable for ever, wherever they are kept.
//!
//! Owns: what is asked for, and saying what goes or went. Invariants: without `--yes` nothing is changed; the text that is to
//! go is never printed. Does not: know where texts are kept (`store::purge`).

use std::io::{self, Read as _, Write};
use std::path::Path;

use clap::Args;
use color_eyre::eyre::{Report, eyre};
use serde::Serialize;

use super::{Exit, Format, harmless_words, json_line, wait};
use crate::domain::id::{AttemptId, IncidentId};
use crate::domain::keeping::Retention;
use crate::store::{Depth, Fate, OpenOptions, PurgePlaces, PurgeReport, Selection, purge};

/// What to purge.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct PurgeArgs {
    /// The output of this attempt
    #[arg(long, group = "what", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub attempt: Option<i64>,
    /// The texts of this incident: its alerts' labels and annotations, notes, chat, and the outputs of its attempts
    #[arg(long, group = "what", value_name = "ID", value_parser = super::incidents::incident_id)]
    pub incident: Option<IncidentId>,
    /// This text wherever it stands; `-` reads it from the standard input, so that no shell keeps it
    #[arg(long, group = "what", value_name = "TEXT", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// Why, for the journal; must not hold the text
    #[arg(long, value_name = "WHY")]
    pub reason: String,
    /// Do it. It cannot be taken back
    #[arg(long)]
    pub yes: bool,
}

impl PurgeArgs {
    fn selection(&self, input: &mut dyn io::BufRead) -> Result<Selection, Report> {
        match (self.attempt, self.incident, self.text.as_deref()) {
            (Some(attempt), _, _) => Ok(Selection::Attempt(AttemptId(attempt))),
            (_, Some(incident), _) => Ok(Selection::Incident(incident)),
            (_, _, Some("-")) => {
                let mut text = String::new();
                io::Read::take(input, MOST).read_to_string(&mut text)?;
                Ok(Selection::Text(text.trim_end_matches('\n').to_owned()))
            }
            (_, _, Some(text)) => Ok(Selection::Text(text.to_owned())),
            (None, None, None) => Err(eyre!("nothing is named. Give --attempt, --incident or --text")),
        }
    }
}

/// Bytes of a text that are read from the standard input at most.
const MOST: u64 = 1024 * 1024;

/// What is printed for programs.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    report: &'a PurgeReport,
    /// The backup that was made afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
}

/// Shows what goes of the store at `path` and beside it, or purges it, and makes a new backup where old ones went.
///
/// # Errors
/// When there is no store, nothing can be purged now, or the output cannot be written.
pub fn run(
    args: &PurgeArgs,
    path: &Path,
    (places, retention): (&PurgePlaces, Retention),
    options: &OpenOptions,
    format: Format,
    (input, out): (&mut dyn io::BufRead, &mut dyn Write),
) -> Result<Exit, Report> {
    let selection = args.selection(input)?;
    // Brings it up to date, and restores it if it is damaged; nobody may have it open afterwards.
    drop(super::open_existing(path, options.clone())?);
    let depth = if args.yes { Depth::Purge } else { Depth::Look };
    let report = purge(path, options, &selection, &args.reason, places, depth)?;
    let backup = if report.purged && report.takes_backups() {
        let store = super::open_existing(path, options.clone())?;
        let made = wait(store.back_up(retention))??;
        made.map(|made| made.path.display().to_string())
    } else {
        None
    };
    match format {
        Format::Json => json_line(out, &Line { report: &report, backup })?,
        Format::Text => print(&report, backup.as_deref(), out)?,
    }
    Ok(match (report.purged, report.left.is_empty(), report.is_empty()) {
        (_, false, _) => Exit::Failed,
        (true, true, _) | (false, true, true) => Exit::Done,
        (false, true, false) => Exit::AwaitsApproval,
    })
}

fn print(report: &PurgeReport, backup: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let what = report.concerns.words();
    if report.is_empty() {
        return writeln!(out, "Nothing to purge: {what} is not kept anywhere that aiops knows of.");
    }
    let verb = if report.purged { "Purged" } else { "Would purge" };
    writeln!(out, "{verb} {what}:")?;
    for (kind, count) in &report.counts {
        writeln!(out, "  {count:>6}  {kind}")?;
    }
    if report.entries > 0 {
        writeln!(out, "  {:>6}  entries of the journal (their hashes stay, the chain stays whole)", report.entries)?;
    }
    for file in &report.files {
        let fate = match file.fate {
            Fate::Removed => "remove",
            Fate::Blotted => "blot out in",
        };
        writeln!(out, "  {fate} {}: {}", file.kind, harmless_words(&file.path.display().to_string()))?;
    }
    print_remarks(report, backup, out)
}

fn print_remarks(report: &PurgeReport, backup: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    if report.firing > 0 {
        let firing = report.firing;
        writeln!(
            out,
            "{firing} alerts of it still fire: their source sends their texts again. Purge again when they ended."
        )?;
    }
    if !report.purged && report.takes_backups() {
        writeln!(
            out,
            "Backups with it are removed, since they end before the entry that would seal what is left; a new one is made."
        )?;
    }
    for path in &report.left {
        let path = harmless_words(&path.display().to_string());
        writeln!(out, "STILL THERE: {path} holds the text and was not touched. Look at it yourself.")?;
    }
    match (report.purged, report.entry, backup) {
        (false, ..) => writeln!(out, "Nothing was changed. Purge it with --yes; it cannot be taken back."),
        (true, Some(entry), Some(backup)) => {
            writeln!(out, "Entry {entry} of the journal tells of it. New backup: {backup}")
        }
        (true, Some(entry), None) => writeln!(out, "Entry {entry} of the journal tells of it."),
        (true, None, _) => Ok(()),
    }
}

//! `aiops sop search`, `aiops sop list` and `aiops sop show`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Report, eyre};
use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::id::SopId;
use crate::domain::search::{Query, document};
use crate::domain::text;
use crate::engine::library::Library;
use crate::store::{MemoryIndex, SopFound};

/// Hits that are printed when nobody says how many.
const HITS: usize = 20;

/// Looks at SOPs.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SopArgs {
    /// A directory of SOPs to work on instead of the bundled and configured ones; can be given several times
    #[arg(long = "sops", global = true, value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: SopCommand,
}

/// What can be done with SOPs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SopCommand {
    /// Find steps by words, best first; the last word may be unfinished
    Search {
        /// Words to look for
        #[arg(required = true)]
        words: Vec<String>,
        /// Print at most this many
        #[arg(long, default_value_t = HITS)]
        limit: usize,
    },
    /// List all SOPs
    List,
    /// Print an SOP
    Show {
        /// Its name, as `list` prints it
        id: String,
    },
    /// Print what the runs of an SOP have in common, and a patch of it that a person may apply
    Improve(super::sop_improve::ImproveArgs),
    /// Draft a new SOP from what people did for an incident, or in a run of an SOP
    Draft(super::sop_draft::DraftArgs),
    /// Print how well SOPs did in their runs, by step and branch: what came of them, and how long it took
    Stats {
        /// Its name, as `list` prints it [default: every SOP that was run]
        id: Option<String>,
    },
}

/// A line of `sop search --json`.
#[derive(Serialize)]
struct Found<'a> {
    sop: &'a str,
    node: &'a str,
    /// More is better; comparable within one answer.
    score: f64,
    snippet: &'a str,
    /// The hits in the snippet: ranges of bytes.
    marks: Vec<[usize; 2]>,
    title: &'a str,
    path: &'a str,
}

/// A line of `sop list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    sop: &'a str,
    title: &'a str,
    alerts: &'a [String],
    place: &'a str,
}

/// What `sop show --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    sop: &'a str,
    title: &'a str,
    alerts: &'a [String],
    place: &'a str,
    sha256: &'a str,
    source: &'a str,
}

/// The documents to work on: those below `args.directories`, or the bundled ones and those of the configuration.
///
/// # Errors
/// When a directory that was named is none.
pub fn library(args: &SopArgs, configured: &[PathBuf]) -> Result<Library, Report> {
    if args.directories.is_empty() {
        return Ok(Library::load(configured));
    }
    match args.directories.iter().find(|directory| !directory.is_dir()) {
        Some(directory) => Err(eyre!(
            "--sops {}: there is no such directory. Name one that has SOPs (*.md) in it",
            directory.display()
        )),
        None => Ok(Library::only(&args.directories)),
    }
}

/// Runs `command` on `library` and prints to `out`; what could not be read is said on `complaints`.
///
/// # Errors
/// When there is no such document, or `out` cannot be written.
pub fn run(
    command: &SopCommand,
    library: &Library,
    format: Format,
    out: &mut dyn Write,
    complaints: &mut dyn Write,
) -> Result<Exit, Report> {
    for problem in library.problems() {
        writeln!(complaints, "aiops: {}", text::visible(&problem.message))?;
    }
    match command {
        SopCommand::Search { words, limit } => search(library, &words.join(" "), *limit, format, out),
        SopCommand::List => Ok(list(library, format, out)?),
        SopCommand::Show { id } => show(library, id, format, out),
        SopCommand::Stats { .. } | SopCommand::Improve(_) | SopCommand::Draft(_) => {
            Err(eyre!("this is read from the database, not from documents"))
        }
    }
}

fn search(library: &Library, words: &str, limit: usize, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let ids = library.summaries().iter().map(|summary| &summary.id);
    let index = MemoryIndex::of(ids.filter_map(|id| library.parsed(id)).map(|procedure| document(&procedure)))?;
    let found = index.find(&Query::parse(words), limit)?;
    for hit in &found {
        match format {
            Format::Json => json_line(out, &line(hit))?,
            Format::Text => print(hit, out)?,
        }
    }
    if found.is_empty() && format == Format::Text {
        let count = library.summaries().len();
        writeln!(out, "None of {count} SOPs has any of these words: {}", text::visible(words))?;
    }
    Ok(Exit::Done)
}

fn line(hit: &SopFound) -> Found<'_> {
    Found {
        sop: hit.sop.as_str(),
        node: hit.node.as_str(),
        score: hit.score,
        snippet: &hit.snippet.text,
        marks: hit.snippet.marks.iter().map(|mark| [mark.start, mark.end]).collect(),
        title: &hit.title,
        path: &hit.path,
    }
}

fn print(hit: &SopFound, out: &mut dyn Write) -> io::Result<()> {
    let way = if hit.path.is_empty() { hit.title.clone() } else { format!("{} > {}", hit.title, hit.path) };
    writeln!(out, "{}  {}", text::visible(hit.sop.as_str()), text::visible(&way))?;
    writeln!(out, "    {}", text::visible(&hit.snippet.marked("[", "]")))
}

fn list(library: &Library, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    for summary in library.summaries() {
        let (sop, title) = (summary.id.as_str(), summary.title.as_str());
        match format {
            Format::Json => {
                let place = library.place(&summary.id).unwrap_or_default();
                json_line(out, &Listed { sop, title, alerts: &summary.alerts, place })?;
            }
            Format::Text => writeln!(out, "{}  {}", text::visible(sop), text::visible(title))?,
        }
    }
    Ok(Exit::Done)
}

fn show(library: &Library, id: &str, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let id = SopId::from(id);
    let Some(document) = library.get(&id) else {
        return Err(eyre!("there is no SOP {}. `aiops sop list` prints all", text::visible(id.as_str())));
    };
    let procedure = &document.procedure;
    match format {
        Format::Json => json_line(
            out,
            &Shown {
                sop: id.as_str(),
                title: &procedure.title,
                alerts: &procedure.alerts,
                place: &document.place,
                sha256: &procedure.revision,
                source: &document.source,
            },
        )?,
        // Its lines on a terminal: what a terminal would obey is spelled out.
        Format::Text => {
            for line in text::visible_lines(document.source.as_bytes()) {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(command: &SopCommand, format: Format) -> (Result<Exit, Report>, String, String) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("db")).unwrap();
        std::fs::write(
            directory.path().join("db/disk.md"),
            "# Disk full\n\n## Mitigation\n\n1. Remove `rotated` logs:\n\n   ```sh\n   rm -v x.log\n   ```\n",
        )
        .unwrap();
        std::fs::write(directory.path().join("evil.md"), "# Evil \u{1b}[31m\n\n1. Look.\n").unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("lost.md")).unwrap();
        let args = SopArgs { directories: vec![directory.path().to_owned()], command: command.clone() };
        let library = library(&args, &[]).unwrap();
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let result = run(command, &library, format, &mut out, &mut complaints);
        (result, String::from_utf8(out).unwrap(), String::from_utf8(complaints).unwrap())
    }

    fn search_for(words: &[&str]) -> SopCommand {
        SopCommand::Search { words: words.iter().map(|word| (*word).to_owned()).collect(), limit: HITS }
    }

    #[test]
    fn steps_are_found_in_the_named_directories_alone() {
        let (exit, text, complaints) = printed(&search_for(&["rotated", "log"]), Format::Text);
        assert_eq!(exit.unwrap(), Exit::Done);
        let first: Vec<&str> = text.lines().take(2).collect();
        assert_eq!(first, ["db/disk.md  Disk full > Mitigation", "    Remove [rotated] [logs]:"]);
        assert!(!text.contains("bundled/"), "{text}");
        assert!(complaints.contains("lost.md"), "{complaints}");
    }

    #[test]
    fn programs_get_one_object_a_hit() {
        let (_, json, _) = printed(&search_for(&["rm"]), Format::Json);
        let hit: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!((&hit["sop"], &hit["snippet"]), (&"db/disk.md".into(), &"rm -v x.log".into()));
        assert_eq!(hit["marks"], serde_json::json!([[0, 2]]));
        assert!(hit["score"].as_f64().unwrap() > 0.0 && !hit["node"].as_str().unwrap().is_empty());
    }

    #[test]
    fn what_nobody_wrote_is_not_found() {
        let (exit, text, _) = printed(&search_for(&["xyzzy", "\u{1b}"]), Format::Text);
        assert_eq!(exit.unwrap(), Exit::Done);
        assert_eq!(text, "None of 2 SOPs has any of these words: xyzzy \\u{1b}\n");
        let (_, json, _) = printed(&search_for(&["xyzzy"]), Format::Json);
        assert_eq!(json, "");
    }

    #[test]
    fn documents_are_listed_and_shown_harmlessly() {
        let (_, text, _) = printed(&SopCommand::List, Format::Text);
        assert_eq!(text, "db/disk.md  Disk full\nevil.md  Evil \\u{1b}[31m\n");
        let (_, text, _) = printed(&SopCommand::Show { id: "evil.md".to_owned() }, Format::Text);
        assert_eq!(text, "# Evil \\u{1b}[31m\n\n1. Look.\n");
        let (_, json, _) = printed(&SopCommand::Show { id: "evil.md".to_owned() }, Format::Json);
        let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(shown["source"], "# Evil \u{1b}[31m\n\n1. Look.\n");
        assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);
        let (result, text, _) = printed(&SopCommand::Show { id: "none.md".to_owned() }, Format::Text);
        assert!(result.unwrap_err().to_string().contains("aiops sop list"));
        assert_eq!(text, "");
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let args = SopArgs { directories: vec!["/nonexistent".into()], command: SopCommand::List };
        assert!(library(&args, &[]).unwrap_err().to_string().contains("--sops /nonexistent"));
        let configured = SopArgs { directories: Vec::new(), command: SopCommand::List };
        assert!(
            library(&configured, &[]).unwrap().summaries().iter().any(|sop| sop.id.as_str() == "bundled/disk-full.md")
        );
    }
}

//! `aiops sop draft`: a new SOP from what people did for an incident, or in a run.
//!
//! Owns: arguments and printing. Does not: write the draft's words (see `domain::run::draft`).

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use color_eyre::eyre::{Report, eyre};
use serde_json::json;

use super::sop_improve::{Workshop, told};
use super::{Exit, Format, harmless_words, json_line, wait};
use crate::domain::id::{IncidentId, RunId};
use crate::domain::text;
use crate::engine::improving;

/// What to draft from.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct DraftArgs {
    /// An incident (12, #12), or a run of an SOP (run:3)
    #[arg(value_parser = origin, value_name = "INCIDENT|run:RUN")]
    pub from: Origin,
    /// Into this new file; without it the draft is printed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a draft is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// All of an incident.
    Incident(IncidentId),
    /// One run.
    Run(RunId),
}

/// Reads `12`, `#12`, `run:3`.
fn origin(text: &str) -> Result<Origin, String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
    let run = text.strip_prefix("run:").or_else(|| text.strip_prefix("run-")).map(number);
    match run {
        Some(found) => found.map(|id| Origin::Run(RunId(id))),
        None => number(text.trim_start_matches('#')).map(|id| Origin::Incident(IncidentId(id))),
    }
    .ok_or_else(|| "an incident such as 12 or a run such as run:3 is needed".to_owned())
}

/// Prints or saves the draft.
///
/// # Errors
/// When there is no such incident or run, nothing was done that a document could tell, or the file is there already.
pub fn run(args: &DraftArgs, workshop: &Workshop, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let (incident, run) = match args.from {
        Origin::Incident(id) => (id, None),
        Origin::Run(id) => {
            let found = wait(workshop.store.read_view(move |reader| reader.run(id)))??;
            let found = found.ok_or_else(|| {
                eyre!("There is no run {id} of an SOP. The console shows them, and `aiops sop stats`")
            })?;
            (found.incident, Some(id))
        }
    };
    let draft = wait(improving::draft(&workshop.store, &workshop.library, incident, run))?.map_err(told)?;
    let saved = match &args.out {
        None => None,
        Some(path) => {
            let path = if path.is_absolute() { path.clone() } else { Path::new(".").join(path) };
            let save = improving::save(&workshop.store, &workshop.files, &workshop.actor, &draft, path);
            Some(wait(save)?.map_err(told)?)
        }
    };
    match (format, &saved) {
        (Format::Json, _) => {
            let place = args.out.as_ref().map(|path| path.display().to_string());
            json_line(
                out,
                &json!({ "title": draft.title, "markdown": draft.text, "left_out": draft.left_out, "saved": place }),
            )?;
        }
        (Format::Text, Some(said)) => {
            writeln!(out, "{}.", harmless_words(said))?;
            for words in &draft.left_out {
                writeln!(out, "{}", harmless_words(words))?;
            }
        }
        (Format::Text, None) => {
            for line in text::visible_lines(draft.text.as_bytes()) {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("12", Some(Origin::Incident(IncidentId(12))))]
    #[case("#12", Some(Origin::Incident(IncidentId(12))))]
    #[case("run:3", Some(Origin::Run(RunId(3))))]
    #[case("run:0", None)]
    #[case("x", None)]
    fn origins_are_read(#[case] text: &str, #[case] expected: Option<Origin>) {
        assert_eq!(origin(text).ok(), expected);
    }
}

//! `aiops sop improve`: what the runs of an SOP have in common, a patch of it, and applying that.
//!
//! Owns: arguments and printing. Does not: find anything (see `domain::run::improve`), or write without the digest of what was
//! printed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::{Report, eyre};
use serde_json::{Value, json};

use super::runs::RefusedByRules;
use super::{Exit, Format, harmless_words, json_line, wait};
use crate::domain::actor::Actor;
use crate::domain::id::SopId;
use crate::domain::run::improve::{Correction, Finding, Patch};
use crate::domain::text;
use crate::domain::time::{Timestamp, parse_span};
use crate::engine::backend::{BackendError, SopDocument};
use crate::engine::improving::{self, Improvement, Yes};
use crate::engine::library::Library;
use crate::engine::ports::{ChangeWay, SopFiles};
use crate::store::Store;

/// What to improve, and how.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct ImproveArgs {
    /// The SOP, as `aiops sop list` names it
    pub id: String,
    /// Only runs that began within this time, such as 90d
    #[arg(long, value_name = "SPAN", default_value = "90d", value_parser = span)]
    pub since: Duration,
    /// Take only these findings into the patch, by number, such as 1,3 [default: all that have one]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub take: Vec<usize>,
    /// Leave these findings out of the patch, by number
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub leave: Vec<usize>,
    /// Write the patched SOP to its file; what it held is kept beside it
    #[arg(long, requires = "digest", conflicts_with = "branch")]
    pub apply: bool,
    /// Put the patched SOP on a new git branch of this name; nothing that is checked out changes
    #[arg(long, value_name = "NAME", requires = "digest")]
    pub branch: Option<String>,
    /// The digest that was printed below the patch
    #[arg(long)]
    pub digest: Option<String>,
}

/// Reads `90d`, `12h`.
fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).ok_or_else(|| "a span such as 90d or 12h is needed".to_owned())
}

/// What the commands about SOPs and their runs work with.
pub struct Workshop {
    /// What is stored.
    pub store: Store,
    /// The documents.
    pub library: Library,
    /// Their files.
    pub files: Arc<dyn SopFiles>,
    /// Who asks.
    pub actor: Actor,
}

impl Workshop {
    /// The document `id`.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn document(&self, id: &str) -> Result<Arc<SopDocument>, Report> {
        let found = self.library.get(&SopId::from(id));
        found.ok_or_else(|| eyre!("there is no SOP {}. `aiops sop list` prints all", text::visible(id)))
    }
}

/// The error as the person reads it; a refusal of the rules is told by the exit code as well.
pub(super) fn told(error: BackendError) -> Report {
    match error {
        BackendError::Refused(refusal) => RefusedByRules::new(refusal).into(),
        other => eyre!("{}", harmless_words(&other.to_string())),
    }
}

/// Prints findings and patch, or applies the patch.
///
/// # Errors
/// When there is no such SOP, the patch is not the one that was printed, or something cannot be read or written.
pub fn run(args: &ImproveArgs, workshop: &Workshop, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let document = workshop.document(&args.id)?;
    let now = workshop.store.now();
    let since = Timestamp::from_millis(now.minus(args.since).as_millis().max(0));
    let found = wait(improving::look(&workshop.store, document, since))?.map_err(told)?;
    let taken = chosen(args, &found)?;
    let patch = found.patch(&taken);
    let way = match (&args.branch, args.apply) {
        (Some(name), _) => Some(ChangeWay::Branch { name: name.clone(), message: message(&found, &patch) }),
        (None, true) => Some(ChangeWay::File),
        (None, false) => None,
    };
    let (Some(way), Some(digest)) = (way, args.digest.clone()) else {
        match format {
            Format::Json => print_json(&found, &patch, out)?,
            Format::Text => print(args, &found, &patch, out)?,
        }
        return Ok(Exit::Done);
    };
    let yes = Yes { taken, digest, way };
    let done = wait(improving::apply(&workshop.store, &workshop.files, &workshop.actor, &found, yes))?.map_err(told)?;
    match format {
        Format::Json => json_line(out, &json!({ "sop": args.id, "digest": patch.digest, "done": done }))?,
        Format::Text => writeln!(out, "{}.", harmless_words(&done))?,
    }
    Ok(Exit::Done)
}

/// The numbers of the findings that the patch is to follow.
fn chosen(args: &ImproveArgs, found: &Improvement) -> Result<BTreeSet<usize>, Report> {
    let patches = found.patches();
    if let Some(wrong) = args.take.iter().chain(&args.leave).find(|number| !patches.contains(number)) {
        return Err(eyre!("finding {wrong} has no patch. `aiops sop improve` prints the findings with their numbers"));
    }
    let taken: BTreeSet<usize> = if args.take.is_empty() { patches } else { args.take.iter().copied().collect() };
    Ok(taken.into_iter().filter(|number| !args.leave.contains(number)).collect())
}

/// What a commit says: what was found, with the runs, and without words of people.
fn message(found: &Improvement, patch: &Patch) -> String {
    let mut text = format!("Improve {} from {} runs\n\n", found.document.procedure.sop, found.runs);
    for finding in found.findings.iter().filter(|finding| patch.taken.contains(&finding.number)) {
        let line = finding.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        text.push_str(&format!("- {line}{} in {} of {} runs\n", finding.kind.name(), finding.seen, finding.of));
    }
    text.push_str(&format!("\nPatch-Digest: {}\n", patch.digest));
    text
}

fn print(args: &ImproveArgs, found: &Improvement, patch: &Patch, out: &mut dyn Write) -> io::Result<()> {
    let sop = found.document.procedure.sop.as_str();
    writeln!(out, "{}: {} runs, {} findings", harmless_words(sop), found.runs, found.findings.len())?;
    for finding in &found.findings {
        let left = patch.left.iter().find(|(number, _)| *number == finding.number).map(|(_, why)| why.as_str());
        writeln!(out, "\n{}. {}", finding.number, line(&finding.words))?;
        writeln!(out, "   {}", line(&evidence(finding)))?;
        writeln!(out, "   {}", line(&remedy(finding, patch, left)))?;
    }
    if patch.diff.is_empty() {
        return writeln!(out, "\nNo patch follows.");
    }
    writeln!(out)?;
    for line in text::visible_lines(patch.diff.as_bytes()) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\ndigest {}", patch.digest)?;
    let mut taken = String::new();
    if !args.take.is_empty() || !args.leave.is_empty() {
        let numbers: Vec<String> = patch.taken.iter().map(ToString::to_string).collect();
        taken = format!(" --take {}", numbers.join(","));
    }
    writeln!(
        out,
        "Nothing was changed. `aiops sop improve {}{taken} --apply --digest {}` writes it to the file; --branch NAME in place of \
         --apply makes a git branch.",
        harmless_words(sop),
        patch.digest
    )
}

/// A text of several lines as one.
fn line(words: &str) -> String {
    harmless_words(&words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The runs in which something was seen.
#[must_use]
pub fn evidence(finding: &Finding) -> String {
    let runs: Vec<String> =
        finding.sightings.iter().map(|sighting| format!("{} ({})", sighting.run, sighting.at.to_minute())).collect();
    format!("runs {}", runs.join(", "))
}

/// What can be done about a finding.
fn remedy(finding: &Finding, patch: &Patch, left: Option<&str>) -> String {
    match (&finding.correction, left) {
        (Correction::Told { why }, _) => format!("not patched: {why}"),
        (Correction::Patch { .. }, Some(why)) => format!("left out of the patch: {why}"),
        (Correction::Patch { risk, .. }, None) => {
            let taken = if patch.taken.contains(&finding.number) { "in the patch" } else { "not taken" };
            format!("{taken}{}", risk_words(*risk))
        }
    }
}

/// The risk of what would be written.
#[must_use]
pub fn risk_words(
    risk: Option<(crate::domain::action::risk::Risk, Option<crate::domain::action::risk::Risk>)>,
) -> String {
    match risk {
        None => String::new(),
        Some((now, None)) => format!("; risk {now:?}"),
        Some((now, Some(before))) if now == before => format!("; risk {now:?} as before"),
        Some((now, Some(before))) => format!("; risk {now:?}, before {before:?}"),
    }
}

/// `{sop,revision,runs,findings[],patch}`: a finding as `{number,kind,line,words,seen,of,runs[],edit,risk,risk_before,why}`, the
/// patch as `{taken[],left[],diff,digest}` or null.
fn print_json(found: &Improvement, patch: &Patch, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<Value> = found.findings.iter().map(finding_object).collect();
    let left: Vec<Value> = patch.left.iter().map(|(number, why)| json!({ "number": number, "why": why })).collect();
    let procedure = &found.document.procedure;
    let shown = (!patch.diff.is_empty())
        .then(|| json!({ "taken": patch.taken, "left": left, "diff": patch.diff, "digest": patch.digest }));
    json_line(
        out,
        &json!({
            "sop": procedure.sop, "revision": procedure.revision, "place": found.document.place, "runs": found.runs,
            "findings": findings, "patch": shown,
        }),
    )
}

fn finding_object(finding: &Finding) -> Value {
    let runs: Vec<Value> = finding
        .sightings
        .iter()
        .map(|sighting| json!({ "run": sighting.run, "at": sighting.at.to_rfc3339() }))
        .collect();
    let (edit, risk, before, why) = match &finding.correction {
        Correction::Patch { edit, risk } => {
            (json!(edit), json!(risk.map(|risk| risk.0)), json!(risk.and_then(|risk| risk.1)), Value::Null)
        }
        Correction::Told { why } => (Value::Null, Value::Null, Value::Null, json!(why)),
    };
    json!({
        "number": finding.number, "kind": finding.kind, "node": finding.node, "line": finding.line,
        "words": finding.words, "seen": finding.seen, "of": finding.of, "runs": runs, "edit": edit, "risk": risk,
        "risk_before": before, "why": why,
    })
}

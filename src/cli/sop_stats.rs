//! `aiops sop stats`: how well SOPs did in their runs.
//!
//! Owns: printing. Does not: count (see `domain::run::statistics`, which has the definitions).

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use color_eyre::eyre::{Report, eyre};
use serde_json::{Value, json};

use super::run_engine::millis;
use super::{Exit, Format, harmless_words, json_line, open_existing, wait};
use crate::domain::id::SopId;
use crate::domain::run::statistics::{self, SopStatistics, Spread, Tally};
use crate::store::{OpenOptions, Store};

/// Prints the statistics of `sop`, or of every SOP that was run, from the database at `path`.
///
/// # Errors
/// When there is no database, the SOP was never run, or the store or the output fails.
pub fn run(
    sop: Option<&str>,
    path: &Path,
    options: OpenOptions,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    let store = open_existing(path, options)?;
    let known = wait(store.read_view(|reader| reader.sops_run()))??;
    let wanted: Vec<SopId> = match sop {
        None => known.into_iter().map(|(sop, _)| sop).collect(),
        Some(name) if known.iter().any(|(sop, _)| sop.as_str() == name) => vec![SopId::from(name)],
        Some(name) => {
            return Err(eyre!(
                "there is no run of {}. `aiops sop stats` prints all that were run",
                harmless_words(name)
            ));
        }
    };
    for sop in &wanted {
        let counted = counted(&store, sop)?;
        match format {
            Format::Json => json_line(out, &object(sop, &counted))?,
            Format::Text => print(sop, &counted, out)?,
        }
    }
    if wanted.is_empty() && format == Format::Text {
        writeln!(
            out,
            "No SOP was run yet. `aiops runs begin INCIDENT SOP` begins a run, and so does R in the console."
        )?;
    }
    Ok(Exit::Done)
}

fn counted(store: &Store, sop: &SopId) -> Result<SopStatistics, Report> {
    let sop = sop.clone();
    let (stories, times) = wait(store.read_view(move |reader| {
        let stories = reader.run_stories(&sop)?;
        let incidents: BTreeSet<_> = stories.iter().map(|told| told.run.incident).collect();
        let times = reader.incident_times(incidents)?;
        Ok((stories, times))
    }))??;
    Ok(statistics::of(&stories, &times))
}

/// The object of an SOP: `{sop,runs,completed,abandoned,effect,time,acknowledge,diagnose,mitigate,resolve,steps[],branches[]}`;
/// times as `{count,median_ms,p95_ms}`, effects as `{proven,not_proven,worse,success}` with `success` from 0 to 1.
fn object(sop: &SopId, counted: &SopStatistics) -> Value {
    let [acknowledge, diagnose, mitigate, resolve] = counted.milestones.map(|spread| spread.map(span));
    let steps: Vec<Value> = counted
        .steps
        .iter()
        .map(|step| {
            json!({
                "node": step.node, "title": step.title, "runs": step.runs, "well": step.well, "badly": step.badly,
                "time": step.time.map(span), "effect": tally(step.effect), "deviations": step.deviations,
            })
        })
        .collect();
    let branches: Vec<Value> = counted
        .branches
        .iter()
        .map(|branch| {
            json!({
                "question": branch.question, "title": branch.title, "branch": branch.branch, "label": branch.label,
                "taken": branch.taken, "by_evidence": branch.by_evidence, "time": branch.time.map(span),
                "effect": tally(branch.effect),
            })
        })
        .collect();
    json!({
        "sop": sop, "runs": counted.runs, "completed": counted.completed, "abandoned": counted.abandoned,
        "effect": tally(counted.effect), "time": counted.time.map(span), "acknowledge": acknowledge,
        "diagnose": diagnose, "mitigate": mitigate, "resolve": resolve, "steps": steps, "branches": branches,
    })
}

fn span(spread: Spread) -> Value {
    json!({ "count": spread.count, "median_ms": millis(spread.median), "p95_ms": millis(spread.p95) })
}

fn tally(tally: Tally) -> Value {
    let Tally { proven, not_proven, worse } = tally;
    json!({ "proven": proven, "not_proven": not_proven, "worse": worse, "success": tally.success() })
}

fn print(sop: &SopId, counted: &SopStatistics, out: &mut dyn Write) -> io::Result<()> {
    let SopStatistics { runs, completed, abandoned, .. } = counted;
    writeln!(out, "{}: {runs} runs, {completed} completed, {abandoned} ended early", harmless_words(sop.as_str()))?;
    writeln!(out, "  effect: {}; time: {}", tally_words(counted.effect), span_words(counted.time))?;
    for (name, spread) in ["acknowledge", "diagnose", "mitigate", "resolve"].iter().zip(counted.milestones) {
        writeln!(out, "  time to {name}: {}", span_words(spread))?;
    }
    for step in &counted.steps {
        let title = harmless_words(&step.title.replace('\n', " "));
        write!(out, "  {title}: on the way of {} runs, {} well, {} badly", step.runs, step.well, step.badly)?;
        for (kind, count) in &step.deviations {
            write!(out, ", {} {count}", kind.name())?;
        }
        writeln!(out, "; time: {}; effect: {}", span_words(step.time), tally_words(step.effect))?;
    }
    for branch in &counted.branches {
        let (title, label) = (harmless_words(&branch.title), harmless_words(&branch.label));
        let (taken, evident) = (branch.taken, branch.by_evidence);
        let effect = tally_words(branch.effect);
        writeln!(out, "  {title} {label}: taken {taken} times, {evident} by evidence; effect: {effect}")?;
    }
    Ok(())
}

fn span_words(spread: Option<Spread>) -> String {
    spread.map_or_else(
        || "not known".to_owned(),
        |spread| {
            let seconds = |span: std::time::Duration| format!("{:.1} s", span.as_secs_f64());
            format!("median {}, p95 {} of {}", seconds(spread.median), seconds(spread.p95), spread.count)
        },
    )
}

fn tally_words(tally: Tally) -> String {
    match tally.success() {
        None => "not judged yet".to_owned(),
        Some(success) => format!(
            "{:.0} % proven ({} proven, {} not, {} worse)",
            success * 100.0,
            tally.proven,
            tally.not_proven,
            tally.worse
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::run::statistics::StepStatistics;

    fn statistics() -> SopStatistics {
        let seconds = Duration::from_secs;
        let step = StepStatistics {
            node: "n1".into(),
            title: "Look \u{1b}[31m".to_owned(),
            runs: 3,
            well: 2,
            badly: 1,
            time: Spread::of(&[seconds(1), seconds(2), seconds(3)]),
            effect: Tally::default(),
            deviations: [(crate::domain::run::deviation::DeviationKind::Skipped, 2)].into(),
        };
        let effect = Tally { proven: 3, not_proven: 1, worse: 0 };
        SopStatistics { runs: 4, completed: 3, abandoned: 1, effect, steps: vec![step], ..SopStatistics::default() }
    }

    #[test]
    fn programs_get_counts_and_shares_and_null_for_what_is_not_known() {
        let object = object(&SopId::from("a.md"), &statistics());
        assert_eq!(object["effect"], json!({ "proven": 3, "not_proven": 1, "worse": 0, "success": 0.75 }));
        assert_eq!(object["steps"][0]["time"], json!({ "count": 3, "median_ms": 2_000, "p95_ms": 3_000 }));
        assert_eq!(object["steps"][0]["deviations"], json!({ "skipped": 2 }));
        assert!(object["acknowledge"].is_null() && object["steps"][0]["effect"]["success"].is_null());
    }

    #[test]
    fn people_get_sentences_in_which_nothing_deceives() {
        let mut out = Vec::new();
        print(&SopId::from("a.md"), &statistics(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("a.md: 4 runs, 3 completed, 1 ended early\n  effect: 75 % proven"), "{text}");
        assert!(
            text.contains("Look \\u{1b}[31m: on the way of 3 runs, 2 well, 1 badly, skipped 2; time: median 2.0 s")
        );
        assert!(text.contains("time to resolve: not known"), "{text}");
    }
}

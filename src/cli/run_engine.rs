//! `aiops runs begin`, `aiops runs story` and `aiops runs deviations`: a run begun or read by programs.
//!
//! Owns: printing. Does not: drive a run; a console of whoever leads it does, and it proposes each step there.

use std::io::{self, Write};
use std::time::Duration;

use color_eyre::eyre::{Report, eyre};
use serde_json::{Value, json};

use super::{Exit, Format, harmless_words, json_line};
use crate::domain::id::{IncidentId, RunId};
use crate::domain::run::comparison::{self, Line};
use crate::domain::run::item::Item;
use crate::domain::run::statistics::Milestones;
use crate::domain::run::{Run, summary};
use crate::store::{RunEventRow, Store};

/// What is printed between what is written and what was done.
const BECAME: &str = "=>";

/// Prints the run of an incident that was begun last.
///
/// # Errors
/// When there is none, or the store or the output fails.
pub(super) async fn begun(
    store: &Store,
    incident: IncidentId,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let run = store.read_view(move |reader| reader.run_of(incident)).await?;
    let run = run.ok_or_else(|| eyre!("Incident {incident} has no run. See: aiops runs begin"))?;
    print(&run, &[], None, format, out)?;
    Ok(Exit::Done)
}

/// Prints a run with everything that happened to it, what came of it, and how long its incident took.
///
/// # Errors
/// When there is no such run, or the store or the output fails.
pub(super) async fn show(
    store: &Store,
    id: RunId,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let read = store.read_view(move |reader| {
        let Some(run) = reader.run(id)? else { return Ok(None) };
        let times = reader.incident_times([run.incident])?.into_values().next();
        Ok(Some((reader.run_story(run)?, reader.run_events(id)?, times)))
    });
    let (told, events, times) = read.await?.ok_or_else(|| no_such_run(id))?;
    let milestones = times.map(|times| Milestones::of(times, &[&told]));
    print(&told.run, &events, milestones.as_ref(), format, out)?;
    Ok(Exit::Done)
}

/// Prints in what a run was done otherwise than its SOP is written: for people the one against the other, for programs one
/// object for each deviation.
///
/// # Errors
/// When there is no such run, or the store or the output fails.
pub(super) async fn deviations(
    store: &Store,
    id: RunId,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let run = store.read_view(move |reader| reader.run(id)).await?.ok_or_else(|| no_such_run(id))?;
    match format {
        Format::Json => {
            for deviation in &run.deviations {
                let node = deviation.item().and_then(|item| run.item(item)).and_then(|item| item.node.clone());
                let object = json!({
                    "run": run.id, "sop": run.plan.sop, "kind": deviation.kind(), "item": deviation.item(), "node": node,
                    "words": deviation.words(&run), "correction": deviation.correction(&run), "detail": deviation,
                });
                json_line(out, &object)?;
            }
        }
        Format::Text => {
            for line in comparison::of(&run) {
                print_line(&line, out)?;
            }
        }
    }
    Ok(Exit::Done)
}

fn no_such_run(id: RunId) -> Report {
    eyre!("There is no run {id} of an SOP. See the incident's timeline, or: aiops transcript INCIDENT")
}

fn print_line(line: &Line, out: &mut dyn Write) -> io::Result<()> {
    let one_line = |text: &str| harmless_words(&text.replace('\n', " "));
    let number = line.item.map_or_else(String::new, |item| format!("{item} "));
    let written = line.written.as_deref().map(one_line).unwrap_or_default();
    match &line.done {
        Some(done) => writeln!(out, "{} {number}{written} {BECAME} {}", line.mark.sign(), one_line(done))?,
        None => writeln!(out, "{} {number}{written}", line.mark.sign())?,
    }
    for note in &line.notes {
        writeln!(out, "    {}: {}. {}", note.kind.name(), one_line(&note.words), one_line(&note.correction))?;
    }
    Ok(())
}

fn print(
    run: &Run,
    events: &[RunEventRow],
    milestones: Option<&Milestones>,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Json => json_line(out, &object(run, events, milestones)),
        Format::Text => {
            for line in summary::of(run).lines() {
                writeln!(out, "{}", harmless_words(line))?;
            }
            for deviation in &run.deviations {
                writeln!(out, "Deviates: {}.", harmless_words(&deviation.words(run)))?;
            }
            for effect in &run.effects {
                writeln!(out, "Effect: {}.", harmless_words(&effect.words(run)))?;
            }
            Ok(())
        }
    }
}

/// The run object: `{id,incident,sop,title,owner,revision,state,started_at,done,steps,items[],deviations[],effects[],
/// milestones,events[]}`; milestones in milliseconds since the incident's first alert.
fn object(run: &Run, events: &[RunEventRow], milestones: Option<&Milestones>) -> Value {
    let (done, steps) = run.progress();
    let items: Vec<Value> = run.plan.items.iter().map(|item| item_object(run, item)).collect();
    json!({
        "id": run.id, "incident": run.incident, "sop": run.plan.sop, "title": run.plan.title, "owner": run.owner,
        "revision": run.plan.revision, "state": run.state, "started_at": run.started_at, "done": done, "steps": steps,
        "items": items, "deviations": run.deviations, "effects": run.effects, "milestones": milestones.map(times),
        "events": events,
    })
}

fn times(milestones: &Milestones) -> Value {
    let Milestones { acknowledge, diagnose, mitigate, resolve } = milestones;
    json!({
        "acknowledge_ms": acknowledge.map(millis), "diagnose_ms": diagnose.map(millis),
        "mitigate_ms": mitigate.map(millis), "resolve_ms": resolve.map(millis),
    })
}

/// A span as programs get it.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn item_object(run: &Run, item: &Item) -> Value {
    json!({
        "id": item.id, "node": item.node, "kind": item.kind, "title": item.title, "assigned": item.assigned,
        "added": item.added, "group": item.group, "state": item.state, "on_the_way": run.on_the_way(item),
    })
}

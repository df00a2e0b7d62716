//! `aiops runs start` and `aiops runs show`: a run begun or read by programs.
//!
//! Owns: printing. Does not: drive a run; a console of whoever leads it does, and it proposes each step there.

use std::io::{self, Write};

use color_eyre::eyre::{Report, eyre};
use serde_json::{Value, json};

use super::{Exit, Format, harmless_words, json_line};
use crate::domain::id::{AttemptId, IncidentId, RunId, SopId};
use crate::domain::run::item::Item;
use crate::domain::run::{Limits, Plan, Run, plan, summary};
use crate::engine::library::Library;
use crate::store::{CommandError, RunEventRow, Store};

/// Begins a run of `sop` for the newest alert of an incident.
///
/// # Errors
/// When there is no such document, or the store or the output fails.
pub async fn start(
    store: &Store,
    library: &Library,
    incident: IncidentId,
    sop: &SopId,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    let document = library.get(sop).ok_or_else(|| eyre!("There is no SOP {sop}. See: aiops sop list"))?;
    let detail = store.detail(incident).await?;
    let detail = detail.ok_or_else(|| eyre!("There is no incident {incident}. See: aiops incidents list"))?;
    let alert = detail.alerts.first().map(|alert| alert.key());
    let alert = alert.ok_or_else(|| eyre!("Incident {incident} has no alert that anything could run for."))?;
    let procedure = &document.procedure;
    let plan = Plan {
        alert,
        sop: sop.clone(),
        revision: procedure.revision.clone(),
        title: procedure.title.clone(),
        items: plan::of(procedure, &document.source),
        limits: Limits::default(),
        after_attempt: AttemptId(0),
    };
    match store.start_run(incident, plan, &store.person()).await {
        Ok(run) => {
            print(&run, &[], format, out)?;
            Ok(Exit::Done)
        }
        Err(CommandError::Refused(refusal)) => {
            writeln!(io::stderr(), "{}", harmless_words(&refusal.to_string()))?;
            Ok(Exit::Refused)
        }
        Err(CommandError::Store(error)) => Err(error.into()),
    }
}

/// Prints a run with everything that happened to it.
///
/// # Errors
/// When there is no such run, or the store or the output fails.
pub async fn show(store: &Store, id: RunId, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let read = store.read_view(move |reader| Ok((reader.run(id)?, reader.run_events(id)?)));
    let (run, events) = read.await?;
    let run = run.ok_or_else(|| eyre!("There is no run {id}."))?;
    print(&run, &events, format, out)?;
    Ok(Exit::Done)
}

fn print(run: &Run, events: &[RunEventRow], format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => json_line(out, &object(run, events)),
        Format::Text => {
            for line in summary::of(run).lines() {
                writeln!(out, "{}", harmless_words(line))?;
            }
            Ok(())
        }
    }
}

/// The run object: `{id,incident,sop,title,owner,state,started_at,done,steps,items[],events[]}`.
fn object(run: &Run, events: &[RunEventRow]) -> Value {
    let (done, steps) = run.progress();
    let items: Vec<Value> = run.plan.items.iter().map(|item| item_object(run, item)).collect();
    json!({
        "id": run.id, "incident": run.incident, "sop": run.plan.sop, "title": run.plan.title, "owner": run.owner,
        "revision": run.plan.revision, "state": run.state, "started_at": run.started_at, "done": done, "steps": steps,
        "items": items, "events": events,
    })
}

fn item_object(run: &Run, item: &Item) -> Value {
    json!({
        "id": item.id, "node": item.node, "kind": item.kind, "title": item.title, "assigned": item.assigned,
        "added": item.added, "group": item.group, "state": item.state, "on_the_way": run.on_the_way(item),
    })
}

//! Runs: their rows and their events.
//!
//! Owns: the transaction in which `domain::run::decide` decides, the journal entries, the projection. Does not: propose or
//! run anything.
//!
//! Invariants: every event stands in the journal and in `run_event`, written in the transaction that changes the row. Of
//! several consoles that say the same at the same moment one is heard and the others are refused, since the state is read in
//! that transaction. What an event does to the row, [`Run::apply`] alone says.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::convert::{Code as _, json};
use super::error::{CommandError, Fault};
use super::incidents::no_such_incident;
use super::write::Write;
use super::{Reader, Store, StoreError, effects, incidents, proposals};
use crate::domain::action::proposal::ProposalState;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq, NodeId, ProposalId, RunId, SopId};
use crate::domain::incident::{IncidentState, Refusal};
use crate::domain::journal::Payload;
use crate::domain::run::advance::{AttemptSeen, ProposalSeen};
use crate::domain::run::decide::{RunCommand, decide};
use crate::domain::run::event::RunEvent;
use crate::domain::run::item::{Item, ItemState};
use crate::domain::run::suggestion::node_in_run;
use crate::domain::run::{Plan, Run, RunState};
use crate::domain::time::Timestamp;

/// Proposals and attempts of one run that are looked at most, the newest.
const LOOKED_AT: u32 = 500;

/// An event of a run with its time and author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunEventRow {
    /// When.
    pub at: Timestamp,
    /// Login name, or a part of the engine.
    pub who: String,
    /// What.
    pub event: RunEvent,
}

/// What became of the commands of a run's document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunSurroundings {
    /// Proposals that wait, and those that items name.
    pub proposals: Vec<ProposalSeen>,
    /// Attempts since the run began.
    pub attempts: Vec<AttemptSeen>,
}

impl Store {
    /// Begins a run for an incident. Attempts from before count for nothing in it.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such incident, it is resolved, a run of it is on, or the plan is empty.
    pub async fn start_run(&self, incident: IncidentId, plan: Plan, actor: &Actor) -> Result<Run, CommandError> {
        let actor = actor.clone();
        CommandError::flatten(self.write(move |write| start(write, incident, plan, &actor)).await)
    }

    /// Says something to a run; the run as it is then.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the reason; nothing is changed then.
    pub async fn run_command(&self, id: RunId, command: RunCommand, actor: &Actor) -> Result<Run, CommandError> {
        let actor = actor.clone();
        CommandError::flatten(self.write(move |write| command_run(write, id, command, &actor)).await)
    }

    /// Every run that is not over, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.read_view(|reader| reader.named(open_runs(reader.conn))).await
    }
}

impl Reader<'_> {
    /// One run.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.named(load(self.conn, id))
    }

    /// The run of an incident that is on, else the last one.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_of(&self, incident: IncidentId) -> Result<Option<Run>, StoreError> {
        let newest = "SELECT run FROM run WHERE incident = ?1 ORDER BY id DESC LIMIT 1";
        self.named(one(self.conn, newest, incident.0))
    }

    /// Runs, newest first: of one incident, or of all.
    ///
    /// # Errors
    /// When the read failed.
    pub fn runs(&self, incident: Option<IncidentId>, limit: u32) -> Result<Vec<Run>, StoreError> {
        let load = || {
            let sql = "SELECT run FROM run WHERE ?1 IS NULL OR incident = ?1 ORDER BY id DESC LIMIT ?2";
            many(self.conn, sql, params![incident.map(|id| id.0), limit])
        };
        self.named(load())
    }

    /// What happened to a run, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_events(&self, id: RunId) -> Result<Vec<RunEventRow>, StoreError> {
        self.named(events(self.conn, id))
    }

    /// What became of the commands of a run's document in its incident.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_surroundings(&self, run: &Run) -> Result<RunSurroundings, StoreError> {
        let load = || {
            Ok(RunSurroundings {
                proposals: proposals(self.conn, run)?,
                attempts: attempts(self.conn, run.incident, &run.plan.sop, run.plan.after_attempt)?,
            })
        };
        self.named(load())
    }
}

fn start(
    write: &mut Write<'_>,
    incident: IncidentId,
    mut plan: Plan,
    actor: &Actor,
) -> Result<Result<Run, Refusal>, Fault> {
    const WHAT: &str = "No run was begun";
    let Some(found) = incidents::load(write.conn, incident)? else { return Ok(Err(no_such_incident(incident))) };
    let refuse = |why: String, remedy: &str| Ok(Err(Refusal::new(WHAT, why, remedy)));
    let Actor::Person(person) = actor else {
        return refuse("only a person begins a run".to_owned(), "Begin it in the console");
    };
    if found.state == IncidentState::Resolved {
        return refuse("the incident is resolved".to_owned(), "Reopen it when there is something to do");
    }
    if let Some(open) = open_of(write.conn, incident)? {
        return refuse(format!("run {} of \"{}\" is on", open.id, open.plan.title), "Continue it, or end it first");
    }
    if plan.items.is_empty() {
        return refuse("the SOP has no steps".to_owned(), "Choose another SOP");
    }
    let newest: Option<i64> =
        write.conn.prepare_cached("SELECT max(id) FROM attempt")?.query_row([], |row| row.get(0))?;
    plan.after_attempt = AttemptId(newest.unwrap_or(0));
    // The number is needed for the row's own text.
    write
        .conn
        .prepare_cached("INSERT INTO run (incident, sop, owner, started_at, run) VALUES (?1, ?2, ?3, ?4, '')")?
        .execute(params![incident.0, plan.sop.as_str(), person.name, write.at.as_millis()])?;
    let id = RunId(write.conn.last_insert_rowid());
    let mut run = Run::new(id, incident, plan.clone(), person.name.clone(), write.at);
    let event = RunEvent::Started { plan: Box::new(plan), owner: person.name.clone() };
    record(write, &mut run, &[event], actor)?;
    Ok(Ok(run))
}

fn command_run(
    write: &mut Write<'_>,
    id: RunId,
    command: RunCommand,
    actor: &Actor,
) -> Result<Result<Run, Refusal>, Fault> {
    let Some(mut run) = load(write.conn, id)? else {
        return Ok(Err(no_such_run(id)));
    };
    let events = match decide(&run, command, actor) {
        Ok(events) => events,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let asked = asked_for(&run);
    record(write, &mut run, &events, actor)?;
    let still = asked_for(&run);
    // So that nobody approves by mistake what was left out.
    for proposal in asked.into_iter().filter(|proposal| !still.contains(proposal)) {
        proposals::withdraw(write, proposal, "its step is not to run any more", actor)?;
    }
    Ok(Ok(run))
}

/// What the run, as it stands, has proposed and waits for.
fn asked_for(run: &Run) -> Vec<ProposalId> {
    let proposed = |item: &Item| match item.state {
        ItemState::Proposed { proposal } => Some(proposal),
        _ => None,
    };
    let items: &[Item] = if run.state.is_over() { &[] } else { &run.plan.items };
    items.iter().filter_map(proposed).collect()
}

/// Applies the events and writes everything that follows from them, the deviations among it.
pub(super) fn record(write: &mut Write<'_>, run: &mut Run, events: &[RunEvent], actor: &Actor) -> Result<(), Fault> {
    for event in events {
        let found = effects::found_by(write, run, event)?;
        append(write, run, event, actor)?;
        for deviation in found {
            append(write, run, &RunEvent::Deviated { deviation: Box::new(deviation) }, &Actor::engine("run"))?;
        }
    }
    store(write, run)
}

fn append(write: &mut Write<'_>, run: &mut Run, event: &RunEvent, actor: &Actor) -> Result<(), Fault> {
    run.apply(event, write.at);
    let payload = Payload::Run { run: run.id, event: Box::new(event.clone()) };
    let entry = write.journal(Some(run.incident), actor, &payload)?;
    project(write, run, event, actor, entry)
}

/// Brings an event that stands in the journal as `entry` into the tables again.
pub(super) fn replay(
    write: &mut Write<'_>,
    id: RunId,
    incident: IncidentId,
    event: &RunEvent,
    actor: &Actor,
    entry: JournalSeq,
) -> Result<(), Fault> {
    let mut run = match (event, load(write.conn, id)?) {
        (RunEvent::Started { plan, owner }, None) => {
            let plan = plan.as_ref().clone();
            write
                .conn
                .prepare_cached(
                    "INSERT INTO run (id, incident, sop, owner, started_at, run) VALUES (?1, ?2, ?3, ?4, ?5, '')",
                )?
                .execute(params![id.0, incident.0, plan.sop.as_str(), owner, write.at.as_millis()])?;
            Run::new(id, incident, plan, owner.clone(), write.at)
        }
        (_, Some(run)) => run,
        // Its beginning is lost: nothing could be done with the rest.
        (_, None) => return Ok(()),
    };
    run.apply(event, write.at);
    project(write, &run, event, actor, entry)?;
    store(write, &run)
}

/// Writes the row of an event, and its line in the timeline; `run` is the run after it.
fn project(write: &mut Write<'_>, run: &Run, event: &RunEvent, actor: &Actor, entry: JournalSeq) -> Result<(), Fault> {
    write
        .conn
        .prepare_cached(
            "INSERT INTO run_event (run, seq, at, who, event, entry)
             VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM run_event WHERE run = ?1), ?2, ?3, ?4, ?5)",
        )?
        .execute(params![run.id.0, write.at.as_millis(), actor.label(), serde_json::to_string(event)?, entry.0])?;
    match event.words(run) {
        Some(words) => write.timeline_of(run.incident, actor.label(), &words, entry),
        None => Ok(()),
    }
}

/// Writes the row of the run as it stands.
fn store(write: &Write<'_>, run: &Run) -> Result<(), Fault> {
    let ended_at = match &run.state {
        RunState::Ended { at, .. } => Some(at.as_millis()),
        RunState::Active | RunState::Paused | RunState::Stopped { .. } => None,
    };
    write
        .conn
        .prepare_cached("UPDATE run SET owner = ?2, ended_at = ?3, run = ?4, judged = ?5 WHERE id = ?1")?
        .execute(params![run.id.0, run.owner, ended_at, serde_json::to_string(run)?, effects::is_judged(run)])?;
    Ok(())
}

/// What happened to a run, oldest first.
pub(super) fn events(conn: &Connection, id: RunId) -> Result<Vec<RunEventRow>, Fault> {
    let mut statement = conn.prepare_cached("SELECT at, who, event FROM run_event WHERE run = ?1 ORDER BY seq")?;
    let mut rows = statement.query([id.0])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let event: String = row.get(2)?;
        let event = json(&event, "an event of a run")?;
        events.push(RunEventRow { at: Timestamp::from_millis(row.get(0)?), who: row.get(1)?, event });
    }
    Ok(events)
}

/// That there is no such run.
pub(super) fn no_such_run(id: RunId) -> Refusal {
    Refusal::new("Nothing changed", format!("there is no run {id}"), "Look at the incident's run")
}

pub(super) fn load(conn: &Connection, id: RunId) -> Result<Option<Run>, Fault> {
    one(conn, "SELECT run FROM run WHERE id = ?1", id.0)
}

fn one(conn: &Connection, sql: &str, key: i64) -> Result<Option<Run>, Fault> {
    let text: Option<String> = conn.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
    text.map(|text| json(&text, "a run")).transpose()
}

pub(super) fn many(conn: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<Vec<Run>, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
    let texts = statement.query_map(key, |row| row.get::<_, String>(0))?;
    texts.map(|text| json(&text?, "a run")).collect()
}

/// The run of an incident that is on.
pub(super) fn open_of(conn: &Connection, incident: IncidentId) -> Result<Option<Run>, Fault> {
    one(conn, "SELECT run FROM run WHERE incident = ?1 AND ended_at IS NULL", incident.0)
}

fn open_runs(conn: &Connection) -> Result<Vec<Run>, Fault> {
    many(conn, "SELECT run FROM run INDEXED BY run_open WHERE ended_at IS NULL ORDER BY id", [])
}

/// Those of the run's document and of answers that wait, and those that its items name.
fn proposals(conn: &Connection, run: &Run) -> Result<Vec<ProposalSeen>, Fault> {
    let named: Vec<i64> = run
        .plan
        .items
        .iter()
        .filter_map(|item| match item.state {
            ItemState::Proposed { proposal } => Some(proposal.0),
            _ => None,
        })
        .collect();
    let mut statement = conn.prepare_cached(
        "SELECT id, sop, node, state, reason FROM proposal
         WHERE incident = ?1 AND (sop = ?2 OR sop LIKE 'answer:%')
         AND (state = ?3 OR id IN (SELECT value FROM json_each(?4))) ORDER BY id DESC LIMIT ?5",
    )?;
    let key = params![
        run.incident.0,
        run.plan.sop.as_str(),
        ProposalState::Pending.code(),
        serde_json::to_string(&named)?,
        LOOKED_AT
    ];
    let mut rows = statement.query(key)?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        let (sop, node): (String, String) = (row.get(1)?, row.get(2)?);
        let Some(node) = node_in_run(&run.plan.sop, &SopId(sop), &NodeId(node)) else { continue };
        seen.push(ProposalSeen {
            id: ProposalId(row.get(0)?),
            node,
            state: ProposalState::from_code(row.get(3)?)?,
            reason: row.get(4)?,
        });
    }
    Ok(seen)
}

fn attempts(conn: &Connection, incident: IncidentId, sop: &SopId, after: AttemptId) -> Result<Vec<AttemptSeen>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT attempt.id, attempt.proposal, proposal.sop, proposal.node, attempt.outcome
         FROM attempt JOIN proposal ON proposal.id = attempt.proposal
         WHERE attempt.incident = ?1 AND attempt.id > ?2 AND (proposal.sop = ?3 OR proposal.sop LIKE 'answer:%')
         ORDER BY attempt.id DESC LIMIT ?4",
    )?;
    let mut rows = statement.query(params![incident.0, after.0, sop.as_str(), LOOKED_AT])?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        let (of, node, outcome): (String, String, Option<String>) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let Some(node) = node_in_run(sop, &SopId(of), &NodeId(node)) else { continue };
        seen.push(AttemptSeen {
            id: AttemptId(row.get(0)?),
            proposal: ProposalId(row.get(1)?),
            node,
            outcome: outcome.map(|text| json(&text, "the outcome of an attempt")).transpose()?,
        });
    }
    // The first that a run does not know is the one that it takes next.
    seen.reverse();
    Ok(seen)
}

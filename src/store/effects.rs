//! Deviations and effects of runs: what is needed to find them, and writing them down once.
//!
//! Owns: loading what the rules of `domain::run::{deviation, effect}` look at, and the transactions that store their answers.
//! Does not: find or judge anything itself.
//!
//! Invariant: what is stored is compared inside the transaction with what the run has already, so that of several consoles
//! that find the same at the same moment one writes it.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::{attempt_state, json, time};
use super::error::{CommandError, Fault};
use super::write::Write;
use super::{Reader, Store, StoreError, attempts, proposals, runs};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::ActionSpec;
use crate::domain::actor::Actor;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, RunId};
use crate::domain::run::deviation::{self, Deviation, Ran, Stray};
use crate::domain::run::effect::{Effect, Firing};
use crate::domain::run::event::RunEvent;
use crate::domain::run::evidence::Evidence;
use crate::domain::run::story::Told;
use crate::domain::run::suggestion::node_in_run;
use crate::domain::run::{Run, RunState};
use crate::domain::time::Timestamp;

/// Who finds deviations and judges effects.
const FINDER: &str = "run";

/// Of a step's earlier durations so many are looked at, the newest.
const DURATIONS: u32 = 200;

/// Of an incident's firings and attempts so many are looked at, the newest.
const LOOKED_AT: u32 = 500;

/// What effects are judged by, as far as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    /// What happened to the run, oldest first.
    pub story: Vec<Told>,
    /// Firings of the incident's alerts.
    pub firings: Vec<Firing>,
    /// Attempts of the incident since the run began that may have changed something.
    pub changing: BTreeSet<AttemptId>,
    /// Attempts of the incident during the run that none of its items took.
    pub strays: Vec<Stray>,
}

impl Store {
    /// Stores deviations that the engine found; those that the run has already are left out.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such run.
    pub async fn note_deviations(&self, id: RunId, found: Vec<Deviation>) -> Result<Run, CommandError> {
        let done = self.write(move |write| {
            let Some(mut run) = runs::load(write.conn, id)? else { return Ok(Err(runs::no_such_run(id))) };
            for deviation in found {
                if !deviation::is_known(&run, &deviation) {
                    let event = RunEvent::Deviated { deviation: Box::new(deviation) };
                    runs::record(write, &mut run, &[event], &Actor::engine(FINDER))?;
                }
            }
            Ok(Ok(run))
        });
        CommandError::flatten(done.await)
    }

    /// Stores what came of a step or of a run; does nothing when that is judged already.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such run.
    pub async fn note_effect(&self, id: RunId, effect: Effect) -> Result<Run, CommandError> {
        let done = self.write(move |write| {
            let Some(mut run) = runs::load(write.conn, id)? else { return Ok(Err(runs::no_such_run(id))) };
            if run.effects.iter().all(|known| known.item != effect.item) {
                let event = RunEvent::Judged { effect: Box::new(effect) };
                runs::record(write, &mut run, &[event], &Actor::engine(FINDER))?;
            }
            Ok(Ok(run))
        });
        CommandError::flatten(done.await)
    }
}

impl Reader<'_> {
    /// Every run that something may still come of: those that are on, and those that are over and not judged. Oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn watched_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.named(runs::many(
            self.conn,
            "SELECT run FROM run INDEXED BY run_unjudged WHERE judged = 0 ORDER BY id",
            [],
        ))
    }

    /// What deviations and effects of `run` are found by.
    ///
    /// # Errors
    /// When the read failed.
    pub fn run_facts(&self, run: &Run) -> Result<RunFacts, StoreError> {
        let load = || {
            let story = runs::events(self.conn, run.id)?;
            let story: Vec<Told> = story.into_iter().map(|row| Told { at: row.at, event: row.event }).collect();
            let changing = changing(self.conn, run.incident, run.plan.after_attempt)?;
            let strays = strays(self.conn, run, &story)?;
            Ok(RunFacts { firings: firings(self.conn, run.incident)?, story, changing, strays })
        };
        self.named(load())
    }
}

/// Whether all that came of a run is judged: then nobody looks at it any more.
pub(super) fn is_judged(run: &Run) -> bool {
    run.state.is_over() && run.effects.iter().any(|effect| effect.item.is_none())
}

/// The deviations that `event` shows, which happens to `before` next.
pub(super) fn found_by(write: &Write<'_>, before: &Run, event: &RunEvent) -> Result<Vec<Deviation>, Fault> {
    let attempt = match event {
        RunEvent::Running { attempt, .. } | RunEvent::Came { evidence: Evidence::Attempt { attempt, .. }, .. } => {
            Some(*attempt)
        }
        _ => None,
    };
    let ran = attempt.map(|attempt| ran(write.conn, attempt)).transpose()?.flatten();
    Ok(deviation::noticed(before, event, ran.as_ref()))
}

fn ran(conn: &Connection, id: AttemptId) -> Result<Option<Ran>, Fault> {
    let Some(attempt) = attempts::find(conn, id)? else { return Ok(None) };
    let Some(proposal) = proposals::find(conn, attempt.proposal)? else { return Ok(None) };
    let spec = proposal.spec;
    let took = match &attempt.state {
        AttemptState::Ended { outcome: Outcome::Exited { .. }, at } => Some(at.since(attempt.intent_at)),
        AttemptState::Ended { .. } | AttemptState::IntentStored | AttemptState::Running { .. } => None,
    };
    let earlier = if took.is_some() { durations(conn, &spec, id)? } else { Vec::new() };
    Ok(Some(Ran { spec, took, earlier }))
}

/// How long earlier attempts of the same step took that exited.
fn durations(conn: &Connection, spec: &ActionSpec, before: AttemptId) -> Result<Vec<Duration>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT attempt.intent_at, attempt.ended_at, attempt.outcome FROM proposal
         JOIN attempt ON attempt.proposal = proposal.id
         WHERE proposal.sop = ?1 AND proposal.node = ?2 AND attempt.id < ?3 AND attempt.state = ?4
         ORDER BY attempt.id DESC LIMIT ?5",
    )?;
    let (sop, node) = (spec.step.sop.as_str(), spec.step.node.as_str());
    let mut rows = statement.query(params![sop, node, before.0, attempt_state::ENDED, DURATIONS])?;
    let mut spans = Vec::new();
    while let Some(row) = rows.next()? {
        let (Some(ended), Some(outcome)) = (time(row.get(1)?), row.get::<_, Option<String>>(2)?) else { continue };
        if matches!(json(&outcome, "the outcome of an attempt")?, Outcome::Exited { .. }) {
            spans.push(ended.since(Timestamp::from_millis(row.get(0)?)));
        }
    }
    Ok(spans)
}

fn firings(conn: &Connection, incident: IncidentId) -> Result<Vec<Firing>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT source, fingerprint, starts_at, ends_at FROM alert WHERE incident = ?1
         ORDER BY status, starts_at DESC, id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![incident.0, LOOKED_AT], |row| {
        let source: String = row.get(0)?;
        let starts_at = Timestamp::from_millis(row.get(2)?);
        let key = AlertKey { source: source.as_str().into(), fingerprint: row.get(1)?, starts_at };
        Ok(Firing { key, ends_at: time(row.get(3)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The attempts of an incident behind `after` whose risk is above reading.
pub(super) fn changing(
    conn: &Connection,
    incident: IncidentId,
    after: AttemptId,
) -> Result<BTreeSet<AttemptId>, Fault> {
    let mut found = BTreeSet::new();
    for (id, spec) in specs(conn, incident, after)? {
        if spec.risk > Risk::Read {
            found.insert(id);
        }
    }
    Ok(found)
}

/// The newest attempts of an incident behind `after` with what they ran.
fn specs(conn: &Connection, incident: IncidentId, after: AttemptId) -> Result<Vec<(AttemptId, ActionSpec)>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT attempt.id, proposal.spec FROM attempt JOIN proposal ON proposal.id = attempt.proposal
         WHERE attempt.incident = ?1 AND attempt.id > ?2 ORDER BY attempt.id DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![incident.0, after.0, LOOKED_AT])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let spec: String = row.get(1)?;
        all.push((AttemptId(row.get(0)?), json(&spec, "the action of a proposal")?));
    }
    Ok(all)
}

/// Attempts of the incident, while the run was on, that none of its items took. Actions of this program itself are none.
fn strays(conn: &Connection, run: &Run, story: &[Told]) -> Result<Vec<Stray>, Fault> {
    let taken: BTreeSet<AttemptId> = story
        .iter()
        .filter_map(|told| match &told.event {
            RunEvent::Running { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .collect();
    let end = match run.state {
        RunState::Ended { at, .. } => Some(at),
        RunState::Active | RunState::Paused | RunState::Stopped { .. } => None,
    };
    let mut found = Vec::new();
    for (attempt, spec) in specs(conn, run.incident, run.plan.after_attempt)? {
        if taken.contains(&attempt) || spec.step.is_of_program() || begun_behind(conn, attempt, end)? {
            continue;
        }
        let node = node_in_run(&run.plan.sop, &spec.step.sop, &spec.step.node);
        found.push(Stray { attempt, node, ran: spec.command_line() });
    }
    found.reverse();
    Ok(found)
}

/// Whether an attempt was begun after `end`.
fn begun_behind(conn: &Connection, id: AttemptId, end: Option<Timestamp>) -> Result<bool, Fault> {
    let Some(end) = end else { return Ok(false) };
    let at: Option<i64> = conn
        .prepare_cached("SELECT intent_at FROM attempt WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    Ok(at.is_none_or(|at| at > end.as_millis()))
}

//! Proposals and grants: asking, saying yes or no, and spending a yes.
//!
//! Owns: the rows, and the transactions in which `domain::action::grant` decides. Does not: start anything.
//!
//! Invariants: a grant comes out of [`Store::start`] only after the intent is on disk. Of several processes that approve
//! or start at the same moment one wins, because the state is read and changed in one `BEGIN IMMEDIATE` transaction.
//! A decision that voids a proposal is stored in the transaction that found it out; a refusal changes nothing.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::convert::{Code as _, attempt_state, count, json};
use super::detail;
use super::error::{CommandError, Fault};
use super::governed::Governed;
use super::incidents::no_such_incident;
use super::write::Write;
use super::{Reader, Store, StoreError, doubts, incidents, scopes};
use crate::domain::action::grant::{
    Approval, Denied, Grant, GrantRecord, PolicyFacts, World, decide_approve, decide_by_policy, decide_start,
};
use crate::domain::action::proposal::{APPROVE_WITHIN, Proposal, ProposalState};
use crate::domain::action::spec::{ActionSpec, StepRef};
use crate::domain::action::tie::{AlertNow, Tie, decide_propose};
use crate::domain::actor::Actor;
use crate::domain::alert::{AlertKey, AlertStatus, Labels};
use crate::domain::id::{AttemptId, IncidentId, NodeId, ProposalId, ScopeId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;
use crate::domain::policy::second::{Turn, turn};
use crate::domain::policy::{Decision, Demand};
use crate::domain::scope::{Limits, Wish};
use crate::domain::time::Timestamp;
use crate::failpoint::{self, Point};

const SELECT: &str = "SELECT id, spec, digest, state, created_at, asked_by, reason,
     granted_by, granted_digest, granted_at, grant_expires_at, ruling, first_approver FROM proposal";

/// A proposal with its grant, if it was ever approved.
struct Stored {
    proposal: Proposal,
    grant: Option<GrantRecord>,
}

impl Store {
    /// Stores a proposal. One that waits already for the same incident, step and digest is returned instead.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is no such incident, or [`decide_propose`] or the policy says no.
    pub async fn propose(&self, spec: ActionSpec, asked_by: &Actor) -> Result<Proposal, CommandError> {
        self.propose_step(spec, Vec::new(), asked_by).await
    }

    /// As [`Self::propose`], for a step whose effect the commands `verified_by` of its document show.
    ///
    /// # Errors
    /// As there, and [`CommandError::Refused`] when an attempt of the step leaves it in doubt (see
    /// [`crate::domain::action::doubt`]).
    pub async fn propose_step(
        &self,
        spec: ActionSpec,
        verified_by: Vec<NodeId>,
        asked_by: &Actor,
    ) -> Result<Proposal, CommandError> {
        let (actor, governed) = (asked_by.clone(), self.governed());
        CommandError::flatten(self.write(move |write| propose(write, spec, &verified_by, &actor, &governed)).await)
    }

    /// A person says no to a proposal that waits.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when it does not wait any more.
    pub async fn reject(&self, id: ProposalId, actor: &Actor) -> Result<(), CommandError> {
        let actor = actor.clone();
        let outcome = self.write(move |write| {
            let Some(Stored { proposal, .. }) = load(write.conn, id)? else { return Ok(Err(no_such_proposal(id))) };
            if proposal.state != ProposalState::Pending {
                let why = "it does not wait for an answer any more";
                return Ok(Err(Refusal::new("Not rejected", why, "Look at the step for what came of it")));
            }
            let reason = format!("rejected by {}", actor.label());
            set_state(write.conn, id, ProposalState::Rejected, &reason)?;
            let incident = proposal.spec.incident;
            write.journal(Some(incident), &actor, &Payload::Rejected { proposal: id })?;
            let what = format!("rejected action {id}: {}", proposal.spec.step.title);
            write.timeline(incident, actor.label(), &what)?;
            Ok(Ok(()))
        });
        CommandError::flatten(outcome.await)
    }

    /// A person says yes. `revision` is that of the SOP now, `None` when the document is gone.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the reason; when that is that the world changed, the proposal is void from then on.
    /// [`CommandError::AwaitsSecond`] when the yes is stored, and the policy demands that of another person, too.
    pub async fn approve(
        &self,
        id: ProposalId,
        approval: Approval,
        revision: Option<String>,
        actor: &Actor,
    ) -> Result<GrantRecord, CommandError> {
        self.approve_as(id, Yes { approval, wider: None }, revision, actor).await
    }

    /// A person says yes, perhaps to more than this.
    pub(super) async fn approve_as(
        &self,
        id: ProposalId,
        yes: Yes,
        revision: Option<String>,
        actor: &Actor,
    ) -> Result<GrantRecord, CommandError> {
        let (actor, governed) = (actor.clone(), self.governed());
        let outcome = self.write(move |write| approve(write, id, &yes, revision, &actor, &governed)).await;
        match CommandError::flatten(outcome)? {
            Approved::Granted(record) => Ok(record),
            Approved::ByOne(first) => Err(CommandError::AwaitsSecond { first }),
        }
    }

    /// Spends the grant of a proposal: allots the attempt, with the directory `attempts_root/NUMBER-TIME`, and stores the
    /// intent. The directory is not created. Only the person who approved may do it.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the reason; when that is that the world changed or time ran out, the proposal is
    /// void from then on.
    pub async fn start(
        &self,
        id: ProposalId,
        revision: Option<String>,
        attempts_root: &str,
        actor: &Actor,
    ) -> Result<Grant, CommandError> {
        let (actor, root, governed) = (actor.clone(), attempts_root.to_owned(), self.governed());
        CommandError::flatten(self.write(move |write| start(write, id, revision, &root, &actor, &governed)).await)
    }

    /// Voids every proposal and every grant whose time ran out before `now`, and says how many.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn expire(&self, now: Timestamp) -> Result<u32, StoreError> {
        self.write(move |write| expire(write, now)).await
    }

    /// Every proposal that waits, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn tray(&self) -> Result<Vec<Proposal>, StoreError> {
        self.read_view(|reader| reader.tray()).await
    }

    /// One proposal.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn proposal(&self, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
        self.read_view(move |reader| reader.proposal(id)).await
    }
}

impl Reader<'_> {
    /// Every proposal that waits, oldest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn tray(&self) -> Result<Vec<Proposal>, StoreError> {
        let load = || {
            let sql = format!("{SELECT} WHERE state = 0 ORDER BY created_at, id");
            let mut statement = self.conn.prepare_cached(&sql)?;
            collect(statement.query([])?)
        };
        self.named(load())
    }

    /// One proposal.
    ///
    /// # Errors
    /// When the read failed.
    pub fn proposal(&self, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
        self.named(load(self.conn, id).map(|stored| stored.map(|stored| stored.proposal)))
    }
}

/// One proposal, whatever its state.
pub(super) fn find(conn: &Connection, id: ProposalId) -> Result<Option<Proposal>, Fault> {
    Ok(load(conn, id)?.map(|stored| stored.proposal))
}

/// The proposals of an incident that wait, oldest first.
pub(super) fn pending_of(conn: &Connection, incident: IncidentId) -> Result<Vec<Proposal>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE incident = ?1 AND state = 0 ORDER BY id"))?;
    collect(statement.query([incident.0])?)
}

/// What waits or is granted of a step for an incident, oldest first.
pub(super) fn open_of_step(conn: &Connection, incident: IncidentId, step: &StepRef) -> Result<Vec<Proposal>, Fault> {
    let sql = format!("{SELECT} WHERE incident = ?1 AND sop = ?2 AND node = ?3 AND state < 2 ORDER BY id");
    let mut statement = conn.prepare_cached(&sql)?;
    collect(statement.query(params![incident.0, step.sop.as_str(), step.node.as_str()])?)
}

/// Voids what waits or is granted for an incident and was tied to another state of its alert than it has now.
pub(super) fn void_untied(write: &mut Write<'_>, incident: IncidentId, by: &Actor) -> Result<(), Fault> {
    let open = |conn: &Connection| {
        let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE incident = ?1 AND state < 2 ORDER BY id"))?;
        collect(statement.query([incident.0])?)
    };
    for proposal in open(write.conn)? {
        let alert = alert_now(write.conn, &proposal.spec)?.0;
        let tie = Tie::of(&proposal.spec, &proposal.digest).unwrap_or(Tie::WhileItFires);
        if let Err(broken) = tie.holds(alert) {
            void(write, incident, proposal.id, broken.why, by)?;
        }
    }
    Ok(())
}

/// Stores a proposal, as [`Store::propose`] says.
pub(super) fn propose(
    write: &mut Write<'_>,
    spec: ActionSpec,
    verified_by: &[NodeId],
    actor: &Actor,
    governed: &Governed,
) -> Result<Result<Proposal, Refusal>, Fault> {
    let incident = spec.incident;
    if incidents::load(write.conn, incident)?.is_none() {
        return Ok(Err(no_such_incident(incident)));
    }
    if let Err(refusal) = doubts::decide(write.conn, incident, &spec.step, verified_by)? {
        return Ok(Err(refusal));
    }
    let digest = match decide_propose(&spec, alert_now(write.conn, &spec)?.0) {
        Ok(tie) => tie.digest(&spec),
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Whoever asks, a person of this process will approve it.
    let decision = governed.decide(write, &spec, &write.identity.person)?;
    if let Err(refusal) = decide_by_policy(&decision, "Not proposed") {
        return Ok(Err(refusal));
    }
    let ruling = decision.ruling();
    if let Some(waiting) = same_pending(write.conn, &spec, &digest)? {
        let overdue = write.at.since(waiting.created_at) > APPROVE_WITHIN;
        let same = waiting.ruling.as_ref().is_none_or(|known| known.answer == ruling.answer);
        if !overdue && same {
            return Ok(Ok(waiting));
        }
        let reason = if overdue { OVERDUE } else { OTHER_POLICY };
        void(write, incident, waiting.id, reason, &Actor::engine("store"))?;
    }
    let asked_by = actor.label().to_owned();
    write
        .conn
        .prepare_cached(
            "INSERT INTO proposal (incident, sop, node, digest, state, created_at, asked_by, reason, spec, ruling)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', ?8, ?9)",
        )?
        .execute(params![
            incident.0,
            spec.step.sop.as_str(),
            spec.step.node.as_str(),
            digest,
            ProposalState::Pending.code(),
            write.at.as_millis(),
            asked_by,
            serde_json::to_string(&spec)?,
            serde_json::to_string(&ruling)?
        ])?;
    let proposal = Proposal {
        id: ProposalId(write.conn.last_insert_rowid()),
        spec,
        digest,
        state: ProposalState::Pending,
        created_at: write.at,
        asked_by,
        reason: String::new(),
        ruling: Some(ruling),
        first_approver: None,
    };
    let what = format!("proposed action {}: {}", proposal.id, proposal.spec.step.title);
    write.timeline(incident, actor.label(), &what)?;
    write.journal(Some(incident), actor, &Payload::Proposed { proposal: Box::new(proposal.clone()) })?;
    Ok(Ok(proposal))
}

/// What a person said.
pub(super) struct Yes {
    /// What they saw.
    pub(super) approval: Approval,
    /// What they want to say yes to besides, and how long and often that may count.
    pub(super) wider: Option<(Wish, Limits)>,
}

fn approve(
    write: &mut Write<'_>,
    id: ProposalId,
    yes: &Yes,
    revision: Option<String>,
    actor: &Actor,
    governed: &Governed,
) -> Result<Result<Approved, Refusal>, Fault> {
    let Some(Stored { proposal, .. }) = load(write.conn, id)? else { return Ok(Err(no_such_proposal(id))) };
    let Actor::Person(person) = actor else {
        return Ok(Err(Refusal::new("Not approved", "only a person can approve", "Open the review in the console")));
    };
    let approval = &yes.approval;
    let world = world(write.conn, &proposal.spec, revision, governed.facts(write, &proposal, person)?)?;
    let record = match decide_approve(&proposal, approval, &world, &person.name, write.at) {
        Ok(record) => record,
        Err(denied) => return denial(write, &proposal, denied).map(Err),
    };
    let decision = &world.policy.decision;
    if decision.answer.demands.contains(&Demand::SecondPerson) {
        match turn(decision, proposal.first_approver.as_deref()) {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Turn::Second { .. }) => {}
            Ok(Turn::First(name)) => {
                approved_by_one(write, &proposal, approval, &name, (decision, governed), actor)?;
                return Ok(Ok(Approved::ByOne(name)));
            }
        }
    }
    // Both or neither: who asked for more than one action has not said yes to one.
    let scope = match &yes.wider {
        None => None,
        Some(wider) => match scopes::terms(write, &proposal, *wider, &world, (person, governed))? {
            Ok(terms) => Some(terms),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    grant(write, &proposal, &record, approval, (&world.policy.decision, None), actor)?;
    if let Some(terms) = scope {
        scopes::give(write, terms, &proposal.spec, actor)?;
    }
    Ok(Ok(Approved::Granted(record)))
}

/// Stores a yes, after it was decided: that of a person who read the review, or that of a `scope`.
pub(super) fn grant(
    write: &mut Write<'_>,
    proposal: &Proposal,
    record: &GrantRecord,
    approval: &Approval,
    (decision, scope): (&Decision, Option<ScopeId>),
    actor: &Actor,
) -> Result<(), Fault> {
    let (id, incident) = (proposal.id, proposal.spec.incident);
    write
        .conn
        .prepare_cached(
            "UPDATE proposal SET state = ?2, granted_by = ?3, granted_digest = ?4, granted_at = ?5, grant_expires_at = ?6
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            ProposalState::Granted.code(),
            record.by,
            record.digest,
            record.at.as_millis(),
            record.expires_at.as_millis()
        ])?;
    let rendered = write.blob(approval.rendered.as_bytes())?;
    let entry = Payload::Granted {
        proposal: id,
        digest: record.digest.clone(),
        rendered,
        terminal: approval.terminal,
        expires_at: record.expires_at,
        ruling: Some(Box::new(decision.ruling())),
        first_approver: proposal.first_approver.clone(),
        scope,
    };
    write.journal(Some(incident), actor, &entry)?;
    let under = scope.map(|scope| format!(" under scope {scope}")).unwrap_or_default();
    write.timeline(incident, actor.label(), &format!("approved action {id}{under}: {}", proposal.spec.step.title))
}

/// What came of a yes.
enum Approved {
    /// It may be started.
    Granted(GrantRecord),
    /// Another person has to say yes, too. Holds who said it, by the policy's name.
    ByOne(String),
}

/// Stores the first yes of two. The proposal goes on waiting, and its time does not begin anew.
fn approved_by_one(
    write: &mut Write<'_>,
    proposal: &Proposal,
    approval: &Approval,
    name: &str,
    (decision, governed): (&Decision, &Governed),
    actor: &Actor,
) -> Result<(), Fault> {
    let sql = "UPDATE proposal SET first_approver = ?2 WHERE id = ?1";
    write.conn.prepare_cached(sql)?.execute(params![proposal.id.0, name])?;
    let entry = Payload::ApprovedByOne {
        proposal: proposal.id,
        digest: proposal.digest.clone(),
        approver: name.to_owned(),
        rendered: write.blob(approval.rendered.as_bytes())?,
        terminal: approval.terminal,
        ruling: Box::new(decision.ruling()),
        ssh_key: governed.ssh_key.clone(),
    };
    let incident = proposal.spec.incident;
    write.journal(Some(incident), actor, &entry)?;
    let what = format!("approved action {} as the first of two ({name}): {}", proposal.id, proposal.spec.step.title);
    write.timeline(incident, actor.label(), &what)
}

fn start(
    write: &mut Write<'_>,
    id: ProposalId,
    revision: Option<String>,
    attempts_root: &str,
    actor: &Actor,
    governed: &Governed,
) -> Result<Result<Grant, Refusal>, Fault> {
    const WHAT: &str = "Not started";
    let Some(Stored { proposal, grant }) = load(write.conn, id)? else { return Ok(Err(no_such_proposal(id))) };
    let Some(record) = grant else {
        return Ok(Err(Refusal::new(WHAT, "nobody has approved it", "Open its review and read it")));
    };
    if record.by != actor.label() {
        let why = format!("{} approved it, and it runs as the person who approved", record.by);
        return Ok(Err(Refusal::new(WHAT, why, "Let them start it, or propose the step again")));
    }
    let Actor::Person(person) = actor else {
        return Ok(Err(Refusal::new(WHAT, "only a person can start it", "Approve it in the console")));
    };
    let incident = proposal.spec.incident;
    let world = world(write.conn, &proposal.spec, revision, governed.facts(write, &proposal, person)?)?;
    let attempt = next_attempt(write.conn)?;
    let grant = match decide_start(&proposal, &record, &world, attempt, write.at) {
        Ok(grant) => grant,
        Err(denied) => return denial(write, &proposal, denied).map(Err),
    };
    // The time makes the directory new even when the database was begun anew and counts from 1 again.
    let directory = format!("{}/{attempt}-{}", attempts_root.trim_end_matches('/'), write.at.as_millis());
    write
        .conn
        .prepare_cached(
            "INSERT INTO attempt (id, proposal, incident, step, state, intent_at, directory, approved_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            attempt.0,
            id.0,
            incident.0,
            serde_json::to_string(&proposal.spec.step)?,
            attempt_state::INTENT,
            write.at.as_millis(),
            directory,
            record.by
        ])?;
    set_state(write.conn, id, ProposalState::Spent, "")?;
    let entry = Payload::IntentStored { attempt, proposal: id, digest: grant.digest().to_owned() };
    write.journal(Some(incident), actor, &entry)?;
    write.timeline(incident, actor.label(), &format!("starting attempt {attempt}: {}", proposal.spec.step.title))?;
    failpoint::reached(Point::IntentWritten);
    Ok(Ok(grant))
}

const OVERDUE: &str = "nobody approved it in time";
const OTHER_POLICY: &str = "the policy says something else of it by now; it was proposed anew";

fn expire(write: &mut Write<'_>, now: Timestamp) -> Result<u32, Fault> {
    let overdue = |conn: &Connection| -> Result<Vec<(i64, i64, i64)>, Fault> {
        let mut statement = conn.prepare_cached(
            "SELECT id, incident, state FROM proposal
             WHERE state < 2 AND ((state = 0 AND created_at < ?1) OR (state = 1 AND grant_expires_at < ?2)) ORDER BY id",
        )?;
        let limits = [now.minus(APPROVE_WITHIN).as_millis(), now.as_millis()];
        let rows = statement.query_map(limits, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let overdue = overdue(write.conn)?;
    for (id, incident, state) in &overdue {
        let granted = *state == ProposalState::Granted.code();
        let reason = if granted { "the grant was not used in time, nothing of it ran" } else { OVERDUE };
        void(write, IncidentId(*incident), ProposalId(*id), reason, &Actor::engine("store"))?;
    }
    Ok(count(i64::try_from(overdue.len()).unwrap_or(i64::MAX)))
}

/// Writes down a proposal that is void, and returns the reason for the person either way.
pub(super) fn denial(write: &mut Write<'_>, proposal: &Proposal, denied: Denied) -> Result<Refusal, Fault> {
    match denied {
        Denied::Refused(refusal) => Ok(refusal),
        Denied::Void(refusal) => {
            void(write, proposal.spec.incident, proposal.id, &refusal.why, &Actor::engine("store"))?;
            Ok(refusal)
        }
    }
}

/// Voids a proposal that waits or is granted, if it still does.
pub(super) fn withdraw(write: &mut Write<'_>, id: ProposalId, reason: &str, by: &Actor) -> Result<(), Fault> {
    match load(write.conn, id)?.map(|stored| (stored.proposal.state, stored.proposal.spec.incident)) {
        Some((ProposalState::Pending | ProposalState::Granted, incident)) => void(write, incident, id, reason, by),
        _ => Ok(()),
    }
}

/// Makes a proposal void, and says why in the journal and in the timeline.
pub(super) fn void(
    write: &mut Write<'_>,
    incident: IncidentId,
    id: ProposalId,
    reason: &str,
    by: &Actor,
) -> Result<(), Fault> {
    set_state(write.conn, id, ProposalState::Void, reason)?;
    write.journal(Some(incident), by, &Payload::Voided { proposal: id, reason: reason.to_owned() })?;
    write.timeline(incident, by.label(), &format!("action {id} is void: {reason}"))
}

pub(super) fn set_state(conn: &Connection, id: ProposalId, state: ProposalState, reason: &str) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE proposal SET state = ?2, reason = ?3 WHERE id = ?1")?.execute(params![
        id.0,
        state.code(),
        reason
    ])?;
    Ok(())
}

/// The facts that an action is bound to: those of its own alert, not of others of the incident.
pub(super) fn world(
    conn: &Connection,
    spec: &ActionSpec,
    revision: Option<String>,
    policy: PolicyFacts,
) -> Result<World, Fault> {
    let (alert, labels) = alert_now(conn, spec)?;
    Ok(World { labels, alert, revision, policy })
}

/// How the alert of an action stands, and its labels.
fn alert_now(conn: &Connection, spec: &ActionSpec) -> Result<(AlertNow, Labels), Fault> {
    alert_of(conn, spec.incident, &spec.subject.key)
}

/// How an alert of an incident stands, and its labels.
pub(super) fn alert_of(conn: &Connection, incident: IncidentId, key: &AlertKey) -> Result<(AlertNow, Labels), Fault> {
    let alert = detail::alert(conn, incident, key)?;
    let now = match alert.as_ref().map(|alert| alert.status) {
        None => AlertNow::Unknown,
        Some(AlertStatus::Firing) => AlertNow::Fires,
        Some(AlertStatus::Resolved) if fires(conn, key)? => AlertNow::FiresAgain,
        Some(AlertStatus::Resolved) => AlertNow::Over,
    };
    Ok((now, alert.map_or_else(Labels::new, |alert| alert.labels)))
}

/// Whether any firing of the alert of `key` goes on, in whichever incident.
fn fires(conn: &Connection, key: &AlertKey) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM alert WHERE source = ?1 AND fingerprint = ?2 AND status = 0)";
    let mut statement = conn.prepare_cached(sql)?;
    Ok(statement.query_row(params![key.source.as_str(), key.fingerprint], |row| row.get(0))?)
}

/// The number of the next attempt. Numbers are never given twice, not even after rows were deleted.
fn next_attempt(conn: &Connection) -> Result<AttemptId, Fault> {
    let last: Option<i64> = conn
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'attempt'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(AttemptId(last.unwrap_or(0) + 1))
}

fn same_pending(conn: &Connection, spec: &ActionSpec, digest: &str) -> Result<Option<Proposal>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "{SELECT} WHERE incident = ?1 AND state = 0 AND sop = ?2 AND node = ?3 AND digest = ?4 ORDER BY id DESC LIMIT 1"
    ))?;
    let rows = statement.query(params![spec.incident.0, spec.step.sop.as_str(), spec.step.node.as_str(), digest])?;
    Ok(collect(rows)?.pop())
}

pub(super) fn no_such_proposal(id: ProposalId) -> Refusal {
    Refusal::new("Nothing changed", format!("there is no proposal {id}"), "Choose one from the tray")
}

fn load(conn: &Connection, id: ProposalId) -> Result<Option<Stored>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(from_row).transpose()
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Proposal>, Fault> {
    let mut proposals = Vec::new();
    while let Some(row) = rows.next()? {
        proposals.push(from_row(row)?.proposal);
    }
    Ok(proposals)
}

/// Reads a row of [`SELECT`].
fn from_row(row: &Row<'_>) -> Result<Stored, Fault> {
    let id = ProposalId(row.get(0)?);
    let spec: String = row.get(1)?;
    let ruling: Option<String> = row.get(11)?;
    let proposal = Proposal {
        id,
        spec: json(&spec, "the action of a proposal")?,
        digest: row.get(2)?,
        state: ProposalState::from_code(row.get(3)?)?,
        created_at: Timestamp::from_millis(row.get(4)?),
        asked_by: row.get(5)?,
        reason: row.get(6)?,
        ruling: ruling.map(|text| json(&text, "what the policy said of a proposal")).transpose()?,
        first_approver: row.get(12)?,
    };
    let granted: (Option<String>, Option<String>, Option<i64>, Option<i64>) =
        (row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?);
    let grant = match granted {
        (Some(by), Some(digest), Some(at), Some(expires_at)) => Some(GrantRecord {
            proposal: id,
            digest,
            by,
            at: Timestamp::from_millis(at),
            expires_at: Timestamp::from_millis(expires_at),
        }),
        _ => None,
    };
    Ok(Stored { proposal, grant })
}

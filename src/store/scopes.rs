//! Scoped grants: giving, spending and ending a yes to more than one action.
//!
//! Owns: the rows, and the transactions in which `domain::scope` decides. Does not: propose or start anything; a proposal
//! that was approved under a scope is started like every other one.
//!
//! Invariants: a use is counted in the transaction that stores the yes to its proposal, after the policy was asked anew; of
//! several processes that want the last use one has it. What voids a scope is stored in the transaction that found it out.
//! A scope that has ended never becomes live again.

use rusqlite::{Connection, Row, params};

use super::convert::{count, json};
use super::error::{CommandError, Fault};
use super::governed::Governed;
use super::proposals::{self, Yes};
use super::write::Write;
use super::{Reader, Store, StoreError, runs};
use crate::domain::action::grant::{Approval, GrantRecord, World};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::spec::ActionSpec;
use crate::domain::actor::{Actor, Person};
use crate::domain::id::{IncidentId, ProposalId, ScopeId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;
use crate::domain::scope::{
    self, Holder, Limits, Moment, ScopeEvent, ScopeGrant, ScopeState, Terms, Unspent, Wish, decide_give, decide_spend,
};
use crate::domain::time::Timestamp;

const SELECT: &str = "SELECT id, uses_left, state, reason, terms FROM scope";

/// Codes of a scope's state.
mod code {
    pub(super) const LIVE: i64 = 0;
    pub(super) const REVOKED: i64 = 1;
    pub(super) const VOID: i64 = 2;
}

impl Store {
    /// A person says yes to a proposal, and with it to more of its run. Both are stored, or neither.
    ///
    /// # Errors
    /// As [`Store::approve`], and [`CommandError::Refused`] when the wider yes cannot be given.
    pub async fn approve_wider(
        &self,
        id: ProposalId,
        approval: Approval,
        wider: (Wish, Limits),
        revision: Option<String>,
        actor: &Actor,
    ) -> Result<GrantRecord, CommandError> {
        self.approve_as(id, Yes { approval, wider: Some(wider) }, revision, actor).await
    }

    /// Approves a proposal under a scope of this person, if one covers it. `revision` is that of the SOP now.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when none does, with the reason; a scope that is found void is void from then on.
    pub async fn spend_scope(
        &self,
        id: ProposalId,
        revision: Option<String>,
        actor: &Actor,
    ) -> Result<GrantRecord, CommandError> {
        let (actor, governed) = (actor.clone(), self.governed());
        CommandError::flatten(self.write(move |write| spend(write, id, revision, &actor, &governed)).await)
    }

    /// A person ends a scope. Anyone who can may: it only takes away.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when there is none, or it has ended already.
    pub async fn revoke_scope(&self, id: ScopeId, actor: &Actor) -> Result<(), CommandError> {
        let actor = actor.clone();
        let outcome = self.write(move |write| {
            const WHAT: &str = "Nothing changed";
            let Some(found) = load(write.conn, id)? else {
                let remedy = "`aiops runs scopes` prints those that there are";
                return Ok(Err(Refusal::new(WHAT, format!("there is no scope {id}"), remedy)));
            };
            if !scope::is_live(&found, write.at) {
                let why = format!("scope {id} has ended already ({})", scope::given(&found, write.at));
                return Ok(Err(Refusal::new(WHAT, why, "Nothing needs to be done")));
            }
            end(write, &found, &ScopeState::Revoked(actor.label().to_owned()), &actor)?;
            Ok(Ok(()))
        });
        CommandError::flatten(outcome.await)
    }

    /// As [`Reader::live_scopes`].
    ///
    /// # Errors
    /// When the read failed.
    pub async fn live_scopes(&self) -> Result<Vec<ScopeGrant>, StoreError> {
        self.read_view(|reader| reader.live_scopes()).await
    }
}

impl Reader<'_> {
    /// Every scope that may still cover something, oldest first: nobody has ended it, it is not used up, its time is not
    /// over, and its run goes on.
    ///
    /// # Errors
    /// When the read failed.
    pub fn live_scopes(&self) -> Result<Vec<ScopeGrant>, StoreError> {
        let load = || {
            let sql = format!(
                "{SELECT} WHERE state = 0 AND uses_left > 0 AND expires_at > ?1
                 AND run IN (SELECT id FROM run WHERE ended_at IS NULL) ORDER BY id"
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            collect(statement.query([self.at.as_millis()])?)
        };
        self.named(load())
    }

    /// Scopes, newest first, whatever their state.
    ///
    /// # Errors
    /// When the read failed.
    pub fn scopes(&self, limit: u32) -> Result<Vec<ScopeGrant>, StoreError> {
        let load = || {
            let mut statement = self.conn.prepare_cached(&format!("{SELECT} ORDER BY id DESC LIMIT ?1"))?;
            collect(statement.query([limit])?)
        };
        self.named(load())
    }
}

/// What the wider yes to `proposal` is bound to, if it can be given.
pub(super) fn terms(
    write: &Write<'_>,
    proposal: &Proposal,
    (wish, limits): (Wish, Limits),
    world: &World,
    (person, governed): (&Person, &Governed),
) -> Result<Result<Terms, Refusal>, Fault> {
    let run = runs::open_of(write.conn, proposal.spec.incident)?;
    let by = holder(person, governed, world);
    let moment = Moment { at: write.at, world, run: run.as_ref(), by: &by };
    Ok(decide_give(proposal, wish, limits, &moment))
}

/// Stores a scope that was given in the review of `spec`.
pub(super) fn give(write: &mut Write<'_>, terms: Terms, spec: &ActionSpec, actor: &Actor) -> Result<(), Fault> {
    write
        .conn
        .prepare_cached(
            "INSERT INTO scope (incident, run, expires_at, uses_left, state, reason, terms)
             VALUES (?1, ?2, ?3, ?4, ?5, '', ?6)",
        )?
        .execute(params![
            terms.incident.0,
            terms.run.0,
            terms.expires_at.as_millis(),
            terms.uses,
            code::LIVE,
            serde_json::to_string(&terms)?
        ])?;
    let id = ScopeId(write.conn.last_insert_rowid());
    let (incident, cover) = (terms.incident, terms.covered.cover());
    let lasted = Limits { lasts: terms.expires_at.since(terms.given_at), uses: terms.uses };
    let promise = scope::promise(cover, spec, terms.run, lasted);
    let what = format!("gave scope {id} ({}): {}", cover.name(), spec.step.title);
    note(write, incident, id, ScopeEvent::Given { terms: Box::new(terms), promise }, actor)?;
    write.timeline(incident, actor.label(), &what)
}

fn spend(
    write: &mut Write<'_>,
    id: ProposalId,
    revision: Option<String>,
    actor: &Actor,
    governed: &Governed,
) -> Result<Result<GrantRecord, Refusal>, Fault> {
    const WHAT: &str = "Not approved";
    const READ: &str = "Open its review and read it";
    let Some(proposal) = proposals::find(write.conn, id)? else { return Ok(Err(proposals::no_such_proposal(id))) };
    let Actor::Person(person) = actor else {
        return Ok(Err(Refusal::new(WHAT, "a scope is a person's, and only they can spend it", READ)));
    };
    if proposal.state != ProposalState::Pending {
        let why = "it does not wait for an approval any more";
        return Ok(Err(Refusal::new(WHAT, why, "Look at the step for what came of it")));
    }
    let facts = governed.facts(write, &proposal, person)?;
    let world = proposals::world(write.conn, &proposal.spec, revision, facts)?;
    let run = runs::open_of(write.conn, proposal.spec.incident)?;
    let by = holder(person, governed, &world);
    let mut why = "no scope of yours covers it".to_owned();
    for found in of_incident(write.conn, proposal.spec.incident)? {
        let moment = Moment { at: write.at, world: &world, run: run.as_ref(), by: &by };
        match decide_spend(&found, &proposal, &moment) {
            Ok((record, approval)) => {
                use_once(write, &found, &proposal, actor)?;
                let how = (&world.policy.decision, Some(found.id));
                proposals::grant(write, &proposal, &record, &approval, how, actor)?;
                return Ok(Ok(record));
            }
            Err(Unspent::NotCovered(reason)) => why = format!("scope {} does not cover it: {reason}", found.id),
            Err(Unspent::NotNow(reason)) => why = format!("scope {} does not count now: {reason}", found.id),
            Err(Unspent::Void(reason)) => {
                why = format!("scope {} is void: {reason}", found.id);
                end(write, &found, &ScopeState::Void(reason), &Actor::engine("store"))?;
            }
            Err(Unspent::Proposal(denied)) => return proposals::denial(write, &proposal, denied).map(Err),
        }
    }
    Ok(Err(Refusal::new(WHAT, why, READ)))
}

/// Ends what was tied to another state of its alert than it has now.
pub(super) fn void_untied(write: &mut Write<'_>, incident: IncidentId, by: &Actor) -> Result<(), Fault> {
    for found in of_incident(write.conn, incident)? {
        let alert = proposals::alert_of(write.conn, incident, &found.terms.alert)?.0;
        if let Err(broken) = found.terms.tie.holds(alert) {
            end(write, &found, &ScopeState::Void(broken.why.to_owned()), by)?;
        }
    }
    Ok(())
}

/// Ends every scope that nobody has ended, for one reason.
pub(super) fn void_all(write: &mut Write<'_>, reason: &str) -> Result<(), Fault> {
    let all = {
        let mut statement = write.conn.prepare(&format!("{SELECT} WHERE state = 0 ORDER BY id"))?;
        collect(statement.query([])?)?
    };
    for found in all {
        end(write, &found, &ScopeState::Void(reason.to_owned()), &Actor::engine("store"))?;
    }
    Ok(())
}

fn holder(person: &Person, governed: &Governed, world: &World) -> Holder {
    Holder::of(person, governed.ssh_key.clone(), world.policy.decision.roles.clone())
}

fn use_once(write: &mut Write<'_>, found: &ScopeGrant, proposal: &Proposal, actor: &Actor) -> Result<(), Fault> {
    let left = found.left.saturating_sub(1);
    let sql = "UPDATE scope SET uses_left = ?2 WHERE id = ?1";
    write.conn.prepare_cached(sql)?.execute(params![found.id.0, left])?;
    let event = ScopeEvent::Spent { proposal: proposal.id, left };
    note(write, found.terms.incident, found.id, event, actor)
}

/// Ends a scope, and says so in the journal and in the timeline.
fn end(write: &mut Write<'_>, found: &ScopeGrant, state: &ScopeState, by: &Actor) -> Result<(), Fault> {
    let (id, incident) = (found.id, found.terms.incident);
    let (code, reason, event, words) = match state {
        ScopeState::Live => return Ok(()),
        ScopeState::Revoked(who) => (code::REVOKED, who, ScopeEvent::Revoked, format!("revoked scope {id}")),
        ScopeState::Void(why) => {
            (code::VOID, why, ScopeEvent::Voided { reason: why.clone() }, format!("scope {id} is void: {why}"))
        }
    };
    let sql = "UPDATE scope SET state = ?2, reason = ?3 WHERE id = ?1";
    write.conn.prepare_cached(sql)?.execute(params![id.0, code, reason])?;
    note(write, incident, id, event, by)?;
    write.timeline(incident, by.label(), &words)
}

fn note(
    write: &mut Write<'_>,
    incident: IncidentId,
    scope: ScopeId,
    event: ScopeEvent,
    actor: &Actor,
) -> Result<(), Fault> {
    write.journal(Some(incident), actor, &Payload::Scope { scope, event: Box::new(event) })?;
    Ok(())
}

/// Those of an incident that nobody has ended, oldest first.
fn of_incident(conn: &Connection, incident: IncidentId) -> Result<Vec<ScopeGrant>, Fault> {
    let sql = format!("{SELECT} WHERE incident = ?1 AND state = 0 ORDER BY id");
    let mut statement = conn.prepare_cached(&sql)?;
    collect(statement.query([incident.0])?)
}

/// How many scopes may still cover something at `at`.
pub(super) fn live(conn: &Connection, at: Timestamp) -> Result<u32, Fault> {
    let sql = "SELECT count(*) FROM scope WHERE state = 0 AND uses_left > 0 AND expires_at > ?1
               AND run IN (SELECT id FROM run WHERE ended_at IS NULL)";
    Ok(count(conn.prepare_cached(sql)?.query_row([at.as_millis()], |row| row.get(0))?))
}

fn load(conn: &Connection, id: ScopeId) -> Result<Option<ScopeGrant>, Fault> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(from_row).transpose()
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<ScopeGrant>, Fault> {
    let mut scopes = Vec::new();
    while let Some(row) = rows.next()? {
        scopes.push(from_row(row)?);
    }
    Ok(scopes)
}

/// Reads a row of [`SELECT`].
fn from_row(row: &Row<'_>) -> Result<ScopeGrant, Fault> {
    let (reason, terms): (String, String) = (row.get(3)?, row.get(4)?);
    let state = match row.get::<_, i64>(2)? {
        code::LIVE => ScopeState::Live,
        code::REVOKED => ScopeState::Revoked(reason),
        code::VOID => ScopeState::Void(reason),
        other => return Err(Fault::Unreadable(format!("{other} is no state of a scope"))),
    };
    let terms = json(&terms, "what a scope is bound to")?;
    Ok(ScopeGrant { id: ScopeId(row.get(0)?), terms, left: count(row.get(1)?), state })
}

//! Calls of models: what was reserved, what it cost, what this installation has seen.
//!
//! Owns: the rows of `model_call` and `setting`, and the transactions in which `domain::chat::budget` decides. Does not: know
//! prices, or send anything.
//!
//! Invariants: limits hold over all processes that share the file, because what is spent is summed up and the reservation
//! stored in one `BEGIN IMMEDIATE` transaction. A reservation counts in full until its process says what the call cost; when
//! that process is gone it counts in full for ever.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::convert::{call_state, json};
use super::error::Fault;
use super::write::Write;
use super::{Reader, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::chat::Usage;
use crate::domain::chat::budget::{Budget, CallEnd, CallRequest, OverBudget, Spent, decide_reserve};
use crate::domain::id::{CallId, IncidentId};
use crate::domain::journal::{Context, Payload};
use crate::domain::time::Timestamp;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// No call lasts that long: a reservation that is older was left behind.
const LOST_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The setting that says that a body has left this installation.
const FIRST_SEND: &str = "first_send";
/// The part of the engine that writes these entries.
const PART: &str = "outbound";

impl Store {
    /// Reserves what `request` may cost at most, or says which limit of `budget` it would break. Nothing may be sent before.
    ///
    /// # Errors
    /// When the store failed: nothing is reserved then.
    pub async fn reserve(
        &self,
        request: CallRequest,
        budget: Budget,
        actor: &Actor,
    ) -> Result<Result<CallId, OverBudget>, StoreError> {
        let actor = actor.clone();
        self.write(move |write| reserve(write, &request, &budget, &actor)).await
    }

    /// Notes what came of a call. Only the first call of this for a reservation counts.
    ///
    /// # Errors
    /// When the store failed: all that was reserved goes on to count.
    pub async fn end_call(&self, id: CallId, end: CallEnd) -> Result<(), StoreError> {
        self.write(move |write| end_call(write, id, end)).await
    }

    /// Notes in the journal that a question was not sent for want of budget.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn budget_refused(
        &self,
        incident: Option<IncidentId>,
        model: String,
        over: OverBudget,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let actor = actor.clone();
        self.write(move |write| {
            write.journal(incident, &actor, &Payload::BudgetRefused { model, over })?;
            Ok(())
        })
        .await
    }
}

impl Reader<'_> {
    /// What counts as spent on the day of `at`, and for `incident`.
    ///
    /// # Errors
    /// When the read failed.
    pub fn spent(&self, at: Timestamp, incident: Option<IncidentId>) -> Result<Spent, StoreError> {
        self.named(spent(self.conn, at, incident))
    }

    /// Whether a body has ever been sent from this installation.
    ///
    /// # Errors
    /// When the read failed.
    pub fn has_sent(&self) -> Result<bool, StoreError> {
        let found = || -> Result<bool, Fault> {
            let mut statement = self.conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM setting WHERE name = ?1)")?;
            Ok(statement.query_row([FIRST_SEND], |row| row.get(0))?)
        };
        self.named(found())
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

/// An amount as SQLite holds it.
fn column(micro_usd: u64) -> i64 {
    i64::try_from(micro_usd).unwrap_or(i64::MAX)
}

pub(super) fn spent(conn: &Connection, at: Timestamp, incident: Option<IncidentId>) -> Result<Spent, Fault> {
    // `total` adds as floating point and cannot overflow; below 2^53 millionths it is exact.
    let sum = |sql: &str, key: i64| -> Result<u64, Fault> {
        let total: i64 = conn.prepare_cached(sql)?.query_row([key], |row| row.get(0))?;
        Ok(total.unsigned_abs())
    };
    let day = sum("SELECT CAST(total(counted) AS INTEGER) FROM model_call WHERE day = ?1", day_of(at))?;
    let about = match incident {
        Some(id) => sum("SELECT CAST(total(counted) AS INTEGER) FROM model_call WHERE incident = ?1", id.0)?,
        None => 0,
    };
    Ok(Spent { incident: about, day })
}

fn reserve(
    write: &mut Write<'_>,
    request: &CallRequest,
    budget: &Budget,
    actor: &Actor,
) -> Result<Result<CallId, OverBudget>, Fault> {
    settle_lost(write)?;
    let spent = spent(write.conn, write.at, request.incident)?;
    let reserved = match decide_reserve(budget, &spent, request.incident, request.each_micro_usd, request.calls) {
        Ok(reserved) => reserved,
        Err(over) => {
            write.journal(request.incident, actor, &Payload::BudgetRefused { model: request.model.clone(), over })?;
            return Ok(Err(over));
        }
    };
    write
        .conn
        .prepare_cached(
            "INSERT INTO model_call (day, incident, model, destination, digest, replaced, state, reserved, counted,
                                     reserved_at, host, pid, boot_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            day_of(write.at),
            request.incident.map(|id| id.0),
            request.model,
            request.destination,
            request.digest,
            serde_json::to_string(&request.replaced)?,
            call_state::RESERVED,
            column(reserved),
            write.at.as_millis(),
            write.identity.host,
            write.identity.pid,
            write.identity.boot_id
        ])?;
    let call = CallId(write.conn.last_insert_rowid());
    let entry = Payload::ModelAsked {
        call,
        model: request.model.clone(),
        destination: request.destination.clone(),
        digest: request.digest.clone(),
        replaced: request.replaced.clone(),
        reserved_micro_usd: reserved,
    };
    write.journal(request.incident, actor, &entry)?;
    Ok(Ok(call))
}

/// Settles what was reserved before the last boot or more than a day ago: whoever reserved it is gone, and it counts in full.
fn settle_lost(write: &mut Write<'_>) -> Result<(), Fault> {
    let lost = |conn: &Connection| -> Result<Vec<i64>, Fault> {
        let mut statement = conn.prepare_cached(
            "SELECT id FROM model_call WHERE state = 0 AND ((host = ?1 AND boot_id <> ?2) OR reserved_at < ?3) ORDER BY id",
        )?;
        let limit = write.at.minus(LOST_AFTER).as_millis();
        let rows =
            statement.query_map(params![write.identity.host, write.identity.boot_id, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    for id in lost(write.conn)? {
        let outcome = "its process ended before it knew the cost; all that was reserved counts".to_owned();
        end_call(write, CallId(id), CallEnd::Settled { outcome, usage: None, cost_micro_usd: None })?;
    }
    Ok(())
}

/// Counts again what an entry of the journal says was reserved or spent for a call; the entry itself is there. Other payloads
/// are passed over.
pub(super) fn replay(
    conn: &Connection,
    incident: Option<IncidentId>,
    context: &Context,
    payload: &Payload,
) -> Result<(), Fault> {
    match payload {
        Payload::ModelAsked { call, model, destination, digest, replaced, reserved_micro_usd } => {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO model_call (id, day, incident, model, destination, digest, replaced, state, reserved,
                                                   counted, reserved_at, host, pid, boot_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                call.0,
                day_of(context.at),
                incident.map(|id| id.0),
                model,
                destination,
                digest,
                serde_json::to_string(replaced)?,
                call_state::RESERVED,
                column(*reserved_micro_usd),
                context.at.as_millis(),
                context.host,
                context.pid,
                context.boot_id
            ])?;
        }
        Payload::ModelCalled { call, usage, cost_micro_usd, .. } => {
            let usage = usage.as_ref().map(serde_json::to_string::<Usage>).transpose()?;
            conn.prepare_cached("UPDATE model_call SET state = ?2, counted = ?3, usage = ?4 WHERE id = ?1")?
                .execute(params![call.0, call_state::SETTLED, column(*cost_micro_usd), usage])?;
        }
        _ => {}
    }
    Ok(())
}

/// What the journal says of a reservation.
struct Reserved {
    incident: Option<IncidentId>,
    model: String,
    destination: String,
    digest: String,
    replaced: String,
    most: i64,
}

/// As [`Store::end_call`], in a transaction.
pub(super) fn end_call(write: &mut Write<'_>, id: CallId, end: CallEnd) -> Result<(), Fault> {
    let reserved = write
        .conn
        .prepare_cached(
            "SELECT incident, model, destination, digest, replaced, reserved FROM model_call WHERE id = ?1 AND state = ?2",
        )?
        .query_row(params![id.0, call_state::RESERVED], |row| {
            Ok(Reserved {
                incident: row.get::<_, Option<i64>>(0)?.map(IncidentId),
                model: row.get(1)?,
                destination: row.get(2)?,
                digest: row.get(3)?,
                replaced: row.get(4)?,
                most: row.get(5)?,
            })
        })
        .optional()?;
    let Some(reserved) = reserved else { return Ok(()) };
    let (state, outcome, usage, counted) = match end {
        CallEnd::Released { outcome } => (call_state::RELEASED, outcome, None, 0),
        CallEnd::Settled { outcome, usage, cost_micro_usd } => {
            (call_state::SETTLED, outcome, usage, cost_micro_usd.map_or(reserved.most, column))
        }
    };
    let usage_column = usage.as_ref().map(serde_json::to_string::<Usage>).transpose()?;
    write
        .conn
        .prepare_cached("UPDATE model_call SET state = ?2, counted = ?3, usage = ?4 WHERE id = ?1")?
        .execute(params![id.0, state, counted, usage_column])?;
    if state == call_state::SETTLED {
        write
            .conn
            .prepare_cached("INSERT OR IGNORE INTO setting (name, value, at) VALUES (?1, 'seen', ?2)")?
            .execute(params![FIRST_SEND, write.at.as_millis()])?;
    }
    let entry = Payload::ModelCalled {
        call: id,
        model: reserved.model,
        destination: reserved.destination,
        digest: reserved.digest,
        replaced: json(&reserved.replaced, "what was replaced in a call")?,
        usage,
        outcome,
        cost_micro_usd: counted.unsigned_abs(),
    };
    write.journal(reserved.incident, &Actor::engine(PART), &entry)?;
    Ok(())
}

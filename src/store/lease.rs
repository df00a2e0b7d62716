//! Leases: which process receives.
//!
//! Owns: taking, renewing and giving back a lease, and the fencing token that its holder's writes are checked against.
//! Does not: keep time by the wall clock. All processes are on one host, so a lease ends by the time since boot, which
//! nobody can set; a lease from before a reboot is over, and so is that of a process that is gone.
//!
//! Invariant: tokens of one lease only go up. Whoever holds an older one can write nothing any more.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use super::lanes::millis;
use super::presence::{self, Presence};
use super::view::LeaseView;
use super::write::Write;
use super::{Identity, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;

/// The lease of the process that receives, polls and correlates. The header shows its holder.
pub const INGEST_LEASE: &str = "ingest";

/// The right to write as the holder of a lease. Worth nothing once another process has taken the lease over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    name: String,
    token: i64,
}

impl Fence {
    /// The lease.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token; higher than that of every earlier holder.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.token
    }
}

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is ours.
    Held(Fence),
    /// Someone else has it.
    HeldBy {
        /// Who.
        holder: String,
        /// When it ends unless they renew it.
        expires_at: Timestamp,
    },
}

/// By lease: what shows others that its holder, this store, is there.
pub(super) type Presences = Arc<Mutex<HashMap<String, Presence>>>;

/// Tokens that are tried at most: each was left to a process that could not store that it had taken it.
const TOKENS_TRIED: i64 = 64;

struct Row {
    fence: i64,
    holder: Option<String>,
    host: String,
    pid: u32,
    boot_id: String,
    expires_mono_ms: i64,
}

impl Row {
    /// The holder, if there is one that is still there and whose time has not run out.
    fn live_holder(&self, name: &str, identity: &Identity, database: &Path, monotonic_ms: i64) -> Option<&str> {
        let in_time = self.boot_id == identity.boot_id && self.expires_mono_ms > monotonic_ms;
        self.holder.as_deref().filter(|_| in_time && !presence::is_gone(database, name, self.fence))
    }

    /// Whether it was taken by this process.
    fn is_of(&self, identity: &Identity) -> bool {
        self.pid == identity.pid && self.host == identity.host && self.boot_id == identity.boot_id
    }
}

impl Store {
    /// Takes the lease `name` for `holder` (process id and host, for people) for as long as `ttl`, unless another process
    /// holds it. Asking again for an own lease gives a new token and makes the older one worthless.
    ///
    /// # Errors
    /// When the store failed; nobody's lease is changed then.
    pub async fn acquire_lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<LeaseOutcome, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        let (database, presences) = (self.path().to_owned(), Arc::clone(&self.inner.presences));
        self.write(move |write| acquire(write, Candidate { name, holder, ttl, database: &database }, &presences)).await
    }

    /// Prolongs a lease: it ends `ttl` from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when it was taken over or given back.
    pub async fn renew_lease(&self, fence: &Fence, ttl: Duration) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.write(move |write| {
            let renewed = write
                .conn
                .prepare_cached(
                    "UPDATE lease SET renewed_mono_ms = ?3, expires_mono_ms = ?4
                     WHERE name = ?1 AND fence = ?2 AND holder IS NOT NULL",
                )?
                .execute(params![
                    fence.name,
                    fence.token,
                    write.monotonic_ms,
                    write.monotonic_ms.saturating_add(millis(ttl))
                ])?;
            if renewed == 1 { Ok(()) } else { Err(Fault::Fenced(fence.name)) }
        })
        .await
    }

    /// Gives a lease back, so that another process need not wait for its end. Does nothing when it was taken over.
    ///
    /// # Errors
    /// When the store failed; the lease then ends by itself.
    pub async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        let fence = fence.clone();
        let presences = Arc::clone(&self.inner.presences);
        self.write(move |write| {
            let mut presences = presences.lock().unwrap_or_else(PoisonError::into_inner);
            if presences.get(&fence.name).is_some_and(|presence| presence.token() == fence.token) {
                presences.remove(&fence.name);
            }
            let released = write
                .conn
                .prepare_cached("UPDATE lease SET holder = NULL WHERE name = ?1 AND fence = ?2")?
                .execute(params![fence.name, fence.token])?;
            if released > 0 {
                write.announce();
            }
            Ok(())
        })
        .await
    }
}

/// Fails unless `fence` is still the one that counts. To be called inside every transaction of a lease's holder.
pub(super) fn check(conn: &Connection, fence: &Fence) -> Result<(), Fault> {
    let current: Option<i64> = conn
        .prepare_cached("SELECT fence FROM lease WHERE name = ?1 AND holder IS NOT NULL")?
        .query_row([&fence.name], |row| row.get(0))
        .optional()?;
    if current == Some(fence.token) { Ok(()) } else { Err(Fault::Fenced(fence.name.clone())) }
}

/// Who holds the lease `name` now.
pub(super) fn view(
    conn: &Connection,
    name: &str,
    identity: &Identity,
    database: &Path,
    monotonic_ms: i64,
) -> Result<Option<LeaseView>, Fault> {
    let row = load(conn, name)?;
    Ok(row.and_then(|row| {
        let holder = row.live_holder(name, identity, database, monotonic_ms)?.to_owned();
        Some(LeaseView { holder, is_self: row.is_of(identity), fence: row.fence })
    }))
}

/// Who asks for a lease.
struct Candidate<'a> {
    name: String,
    holder: String,
    ttl: Duration,
    database: &'a Path,
}

fn acquire(write: &mut Write<'_>, wanted: Candidate<'_>, presences: &Presences) -> Result<LeaseOutcome, Fault> {
    let Candidate { name, holder, ttl, database } = wanted;
    let identity = write.identity;
    let row = load(write.conn, &name)?;
    if let Some(row) = &row
        && let Some(present) = row.live_holder(&name, identity, database, write.monotonic_ms)
        && !(present == holder && row.is_of(identity))
    {
        let left = row.expires_mono_ms.saturating_sub(write.monotonic_ms).unsigned_abs();
        let expires_at = write.at.plus(Duration::from_millis(left));
        return Ok(LeaseOutcome::HeldBy { holder: present.to_owned(), expires_at });
    }
    let token = appear(database, &name, row.map_or(0, |row| row.fence) + 1, presences)?;
    write
        .conn
        .prepare_cached(
            "INSERT INTO lease (name, fence, holder, host, pid, boot_id, renewed_mono_ms, expires_mono_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, holder = excluded.holder, host = excluded.host,
             pid = excluded.pid, boot_id = excluded.boot_id, renewed_mono_ms = excluded.renewed_mono_ms,
             expires_mono_ms = excluded.expires_mono_ms",
        )?
        .execute(params![
            name,
            token,
            holder,
            identity.host,
            identity.pid,
            identity.boot_id,
            write.monotonic_ms,
            write.monotonic_ms.saturating_add(millis(ttl))
        ])?;
    write.journal(None, &Actor::engine("ingest"), &Payload::LeaseTaken { name: name.clone(), fence: token })?;
    Ok(LeaseOutcome::Held(Fence { name, token }))
}

/// Shows that the holder of the next token, from `first` on, is there; returns that token. Whoever reads the token finds
/// its holder: it appears inside the transaction that stores the token.
fn appear(database: &Path, name: &str, first: i64, presences: &Presences) -> Result<i64, Fault> {
    let mut presences = presences.lock().unwrap_or_else(PoisonError::into_inner);
    // Ours from a transaction that failed.
    if presences.get(name).is_some_and(|presence| presence.token() >= first) {
        presences.remove(name);
    }
    for token in first..first.saturating_add(TOKENS_TRIED) {
        if let Some(presence) = Presence::show(database, name, token)? {
            presences.insert(name.to_owned(), presence);
            return Ok(token);
        }
    }
    Err(Fault::Io(std::io::Error::other("another process keeps the lease without having stored it")))
}

fn load(conn: &Connection, name: &str) -> Result<Option<Row>, Fault> {
    let row = conn
        .prepare_cached("SELECT fence, holder, host, pid, boot_id, expires_mono_ms FROM lease WHERE name = ?1")?
        .query_row([name], |row| {
            Ok(Row {
                fence: row.get(0)?,
                holder: row.get(1)?,
                host: row.get(2)?,
                pid: row.get(3)?,
                boot_id: row.get(4)?,
                expires_mono_ms: row.get(5)?,
            })
        })
        .optional()?;
    Ok(row)
}

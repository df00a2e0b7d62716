//! The ingest service: of all processes that share a store, one receives alerts and asks the sources; this sees to it.
//!
//! Owns: the lease and its heartbeat, opening the receiver while the lease is held, reconciling with the sources, their
//! health. Does not: know HTTP or a wire format (ports), group or deduplicate alerts (the store, with `domain::incident`).
//!
//! Invariants: every write carries the fence of the lease, so a process that lost it without noticing changes nothing.
//! Whatever fails, the process goes on: as the one that receives, or as a viewer that tries again.

mod door;
mod health;
mod reconcile;
mod store;
mod term;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ports::{AlertSource, Clock, ReceiverFactory};
use crate::domain::id::SourceId;
pub use store::{AlertStore, Lease, StoreFailure};
use term::{Sources, Term};
use trouble::Troubles;
pub use trouble::{Trouble, TroubleEffect};

/// How long a lease lasts without a heartbeat: a process that died is replaced within this time, and a host that is busy
/// for a few seconds is not.
pub const LEASE: Duration = Duration::from_secs(10);

/// Heartbeats in the time that a lease lasts, so that a single slow one costs nothing.
const BEATS: u32 = 3;

/// The first pause after a failure; each further one doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// A source that is asked at intervals.
#[derive(Clone)]
pub struct WatchedSource {
    /// The source.
    pub source: Arc<dyn AlertSource>,
    /// How often it is asked; at least a second passes between two questions.
    pub interval: Duration,
}

/// The receiver and whom it serves.
#[derive(Clone)]
pub struct Door {
    /// Opens the receiver.
    pub receivers: Arc<dyn ReceiverFactory>,
    /// The sources that are expected to deliver: their `webhook` health tells how the receiver is.
    pub sources: Vec<SourceId>,
}

/// What the service is to do.
#[derive(Clone)]
pub struct IngestPlan {
    /// Process id and host of this process, for the others: `4711@host`.
    pub holder: String,
    /// How long the lease lasts without a heartbeat.
    pub lease: Duration,
    /// How long after its end an incident is reopened by the same problem.
    pub reopen_within: Duration,
    /// Sources to ask.
    pub sources: Vec<WatchedSource>,
    /// The receiver; `None` when it is switched off.
    pub door: Option<Door>,
}

/// What this process is with regard to alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Not known yet.
    #[default]
    Starting,
    /// Another process receives, or the store does not say who does; tried again.
    Viewer {
        /// The other process, or what is wrong with the store.
        reason: String,
    },
    /// This process receives and asks.
    Holder {
        /// Where the receiver listens; `None` while it is not open.
        place: Option<String>,
    },
    /// The service has ended.
    Ended,
}

/// The ingest service of this process.
pub struct Ingest<S> {
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    plan: IngestPlan,
    role: watch::Sender<Role>,
    troubles: Arc<Troubles>,
}

impl<S: AlertStore> Ingest<S> {
    /// A service that does nothing until it is [run](Self::run).
    #[must_use]
    pub fn new(store: S, clock: Arc<dyn Clock>, plan: IngestPlan) -> Self {
        let troubles = Arc::new(Troubles::new(Arc::clone(&clock), watch::Sender::default()));
        Self { store: Arc::new(store), clock, plan, role: watch::Sender::default(), troubles }
    }

    /// The same, which tells through `told` when alerts cannot be stored.
    #[must_use]
    pub fn telling(self, told: watch::Sender<Option<Trouble>>) -> Self {
        let troubles = Arc::new(Troubles::new(Arc::clone(&self.clock), told));
        Self { troubles, ..self }
    }

    /// What this process is, now and after each change.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// Runs until `shutdown` is cancelled; then closes the receiver, lets the requests in flight be stored, and releases
    /// the lease.
    pub async fn run(self, shutdown: CancellationToken) {
        while let Some(fence) = self.acquire(&shutdown).await {
            self.role.send_replace(Role::Holder { place: None });
            let lost = self.serve(fence.clone(), &shutdown).await;
            if let Err(error) = self.store.release(&fence).await {
                tracing::debug!(%error, "the lease was not released");
            }
            if shutdown.is_cancelled() {
                break;
            }
            if lost {
                self.role.send_replace(Role::Viewer { reason: "the lease was lost".to_owned() });
            }
            pause(&shutdown, self.beat()).await;
        }
        self.role.send_replace(Role::Ended);
    }

    /// Waits for the lease; `None` when the program ends first.
    async fn acquire(&self, shutdown: &CancellationToken) -> Option<S::Fence> {
        while !shutdown.is_cancelled() {
            let reason = match self.store.acquire(&self.plan.holder, self.plan.lease).await {
                Ok(Lease::Held(fence)) => {
                    self.troubles.held();
                    return Some(fence);
                }
                Ok(Lease::HeldBy { holder }) => {
                    self.troubles.held();
                    holder
                }
                Err(error) => {
                    tracing::warn!(%error, "the lease could not be asked for");
                    self.troubles.not_held(&error.to_string());
                    error.to_string()
                }
            };
            let viewer = Role::Viewer { reason };
            self.role.send_if_modified(|role| {
                let changed = *role != viewer;
                *role = viewer;
                changed
            });
            pause(shutdown, self.beat()).await;
        }
        None
    }

    /// One term, from having the lease to its loss or the end of the program; says whether it was lost.
    async fn serve(&self, fence: S::Fence, shutdown: &CancellationToken) -> bool {
        let term = Arc::new(Term::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            fence,
            shutdown.child_token(),
            self.plan.reopen_within,
            Arc::clone(&self.troubles),
            Sources {
                asked: self.plan.sources.iter().map(|watched| watched.source.id()).collect(),
                delivering: self.plan.door.iter().flat_map(|door| door.sources.iter().cloned()).collect(),
            },
        ));
        term.health.begin().await;
        let mut tasks = JoinSet::new();
        for watched in &self.plan.sources {
            tasks.spawn(reconcile::keep(Arc::clone(&term), watched.clone()));
        }
        if let Some(door) = &self.plan.door {
            tasks.spawn(door::keep(Arc::clone(&term), door.clone(), self.role.clone()));
        }
        let work = async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a part of the ingest service ended by an error of the program");
                    term.lose("a part of the service failed");
                }
            }
            term.stop.cancelled().await;
        };
        // The heart beats until the last request in flight is stored, and stops with it.
        tokio::select! {
            () = work => {}
            never = self.heartbeat(&term) => match never {},
        }
        term.is_lost()
    }

    /// Renews the lease until the caller stops asking; ends the term when it cannot be renewed in time.
    async fn heartbeat(&self, term: &Term<S>) -> std::convert::Infallible {
        let mut renewed = Instant::now();
        let mut why = "The database did not answer in time".to_owned();
        loop {
            sleep(self.beat()).await;
            if term.is_lost() {
                continue;
            }
            match timeout(self.plan.lease, self.store.renew(&term.fence, self.plan.lease)).await {
                Ok(Ok(())) => {
                    renewed = Instant::now();
                    self.troubles.renewed(self.store.has_room());
                }
                Ok(Err(StoreFailure::Fenced)) => term.lose("another process took over"),
                Ok(Err(StoreFailure::Failed(error))) => {
                    tracing::warn!(error, "the lease was not renewed");
                    why = error;
                }
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
            if !term.is_lost() && renewed.elapsed() >= self.plan.lease {
                self.troubles.not_held(&why);
                term.lose("the lease could not be renewed in time");
            }
        }
    }

    fn beat(&self) -> Duration {
        self.plan.lease / BEATS
    }
}

impl<S> fmt::Debug for Ingest<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest").field("holder", &self.plan.holder).finish_non_exhaustive()
    }
}

/// Waits for `span`, or for the end of the program.
async fn pause(shutdown: &CancellationToken, span: Duration) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = sleep(span) => {}
    }
}

/// How long to wait after the `failures`-th failure in a row (from 1): 1 s, 2 s, 4 s, … up to `cap`.
fn retry_delay(failures: u32, cap: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_RETRY.saturating_mul(1 << doublings).min(cap.max(FIRST_RETRY))
}

#[cfg(test)]
mod fakes;
#[cfg(test)]
mod tests;

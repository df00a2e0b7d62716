//! One term: the time in which this process holds the lease. What its tasks share, and the sink that deliveries go to.
//!
//! Invariants: nothing is accepted after the lease is known to be lost. The end of the program (`stop`) is not the loss of the
//! lease: what is in flight then is still stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::health::{Channel, HealthBoard};
use super::store::{AlertStore, StoreFailure};
use super::trouble::Troubles;
use crate::domain::alert::AlertBatch;
use crate::domain::id::SourceId;
use crate::engine::ports::{AlertSink, BoxFuture, Clock, Delivery, SinkError, TurnedAway};
use crate::store::view::HealthState;

/// What the tasks of one term share.
pub(super) struct Term<S: AlertStore> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) fence: S::Fence,
    pub(super) health: HealthBoard<S>,
    /// Cancelled when the term is to end, whatever the reason.
    pub(super) stop: CancellationToken,
    lost: AtomicBool,
    reopen_within: Duration,
    troubles: Arc<Troubles>,
    /// Asks for the reconciliation of a source.
    triggers: BTreeMap<SourceId, Arc<Notify>>,
}

/// The configured sources.
pub(super) struct Sources {
    /// Those that are asked.
    pub(super) asked: Vec<SourceId>,
    /// Those that are expected to deliver.
    pub(super) delivering: Vec<SourceId>,
}

impl<S: AlertStore> Term<S> {
    pub(super) fn new(
        store: Arc<S>,
        clock: Arc<dyn Clock>,
        fence: S::Fence,
        stop: CancellationToken,
        reopen_within: Duration,
        troubles: Arc<Troubles>,
        sources: Sources,
    ) -> Self {
        let Sources { asked, delivering } = sources;
        let expected = asked.iter().chain(&delivering).cloned().collect();
        let health = HealthBoard::new(Arc::clone(&store), Arc::clone(&clock), fence.clone(), expected);
        let triggers = asked.into_iter().map(|source| (source, Arc::default())).collect();
        Self { store, clock, fence, health, stop, lost: AtomicBool::new(false), reopen_within, troubles, triggers }
    }

    /// Ends the term because another process holds the lease, or may hold it.
    pub(super) fn lose(&self, why: &str) {
        if !self.lost.swap(true, Ordering::SeqCst) {
            tracing::warn!(why, "no longer the process that receives alerts");
        }
        self.stop.cancel();
    }

    /// Whether the lease is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Stores a batch, and notices when the lease is gone.
    pub(super) async fn ingest(&self, batch: AlertBatch) -> Result<(), StoreFailure> {
        if self.is_lost() {
            return Err(StoreFailure::Fenced);
        }
        let result = self.store.ingest(&self.fence, batch, self.reopen_within).await;
        self.note(&result);
        if matches!(result, Err(StoreFailure::Fenced)) {
            self.lose("the store refused a batch");
        }
        result
    }

    /// Remembers whether the store can be written, for those who look.
    fn note(&self, result: &Result<(), StoreFailure>) {
        match result {
            Ok(()) => self.troubles.stored(),
            Err(StoreFailure::Failed(why)) => self.troubles.not_stored(why),
            // Another process receives, and tells of itself.
            Err(StoreFailure::Fenced) => {}
        }
    }

    /// What wakes the reconciliation of `source`; `None` when it cannot be asked.
    pub(super) fn trigger(&self, source: &SourceId) -> Option<Arc<Notify>> {
        self.triggers.get(source).cloned()
    }

    /// Asks for a reconciliation of `source`; says whether there is a way to do it.
    fn reconcile_soon(&self, source: &SourceId) -> Repair {
        match self.triggers.get(source) {
            Some(trigger) => {
                trigger.notify_one();
                Repair::UnderWay
            }
            None => Repair::Impossible,
        }
    }

    async fn take_in(&self, delivery: Delivery) -> Result<(), SinkError> {
        let Delivery { batch, left_out } = delivery;
        let source = batch.source.clone();
        self.ingest(batch).await.map_err(sink_error)?;
        let (state, detail) = match left_out {
            0 => (HealthState::Ok, String::new()),
            _ => match self.reconcile_soon(&source) {
                Repair::UnderWay => (HealthState::Ok, String::new()),
                Repair::Impossible => (HealthState::Degraded, left_out_detail(&source)),
            },
        };
        self.health.set(&source, Channel::Webhook, state, &detail).await;
        Ok(())
    }

    async fn put_aside(&self, source: SourceId, body: Vec<u8>, reason: String) -> Result<(), SinkError> {
        if self.is_lost() {
            return Err(SinkError::NotReceiving);
        }
        let stored = self.store.quarantine(&self.fence, source.clone(), reason.clone(), body).await;
        self.note(&stored);
        stored.map_err(sink_error)?;
        let repair = match self.reconcile_soon(&source) {
            Repair::UnderWay => "Its alerts are fetched through the API instead",
            Repair::Impossible => "Its alerts are missing here: look into Alertmanager itself",
        };
        let detail = format!("A delivery was put aside because {reason}. {repair}");
        self.health.set(&source, Channel::Webhook, HealthState::Degraded, &detail).await;
        Ok(())
    }
}

/// Whether what a delivery did not bring can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    UnderWay,
    Impossible,
}

fn left_out_detail(source: &SourceId) -> String {
    format!(
        "Alertmanager leaves alerts out of its deliveries, and there is no API of {:?} to fetch them from. \
         Set `max_alerts: 0` in its webhook_config, or add an [[alertmanager]] with this name",
        source.as_str()
    )
}

fn sink_error(failure: StoreFailure) -> SinkError {
    match failure {
        StoreFailure::Fenced => SinkError::NotReceiving,
        StoreFailure::Failed(text) => SinkError::Unavailable(text),
    }
}

impl<S: AlertStore> AlertSink for Term<S> {
    fn accept(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(self.take_in(delivery))
    }

    fn quarantine(&self, source: SourceId, body: Vec<u8>, reason: String) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(self.put_aside(source, body, reason))
    }

    fn turned_away(&self, source: SourceId, why: TurnedAway) -> BoxFuture<'_, ()> {
        const TOKEN: &str = "Put the token of the receiver into its webhook_config (http_config.authorization)";
        Box::pin(async move {
            let (reason, remedy) = match why {
                TurnedAway::NoToken => ("it came without the token".to_owned(), TOKEN),
                TurnedAway::WrongToken => ("it came with a wrong token".to_owned(), TOKEN),
                TurnedAway::WrongPath { path } => (
                    format!("it was posted to {path}, where nothing takes it"),
                    "Let the url of its webhook_config end in /webhook/alertmanager",
                ),
            };
            let detail =
                format!("A delivery was turned away because {reason}; Alertmanager does not send it again. {remedy}");
            self.health.set(&source, Channel::Webhook, HealthState::Degraded, &detail).await;
        })
    }
}

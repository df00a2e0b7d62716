//! Asking one source for everything that fires: at the beginning of a term, at intervals, and when a delivery was incomplete.
//!
//! Owns: when to ask, how long to wait after failures, and what absence proves. Does not: compare; the store does that in
//! the transaction that stores the answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::health::Channel;
use super::store::{AlertStore, StoreFailure};
use super::term::Term;
use super::{WatchedSource, retry_delay};
use crate::domain::alert::{AlertBatch, BatchOrigin};
use crate::domain::time::Timestamp;
use crate::engine::ports::{AlertSource, Fetched, SourceError};
use crate::store::view::HealthState;

/// The shortest time between two questions, however many deliveries ask for one.
pub(super) const SHORTEST_GAP: Duration = Duration::from_secs(1);

/// How long after its start a source may not know yet what fires. Alertmanager keeps alerts in memory only; Prometheus
/// sends a firing alert again after one minute (`--rules.alert.resend-delay`) or with the next evaluation of its group, which
/// is rarely longer than this.
pub(super) const WARM_UP: Duration = Duration::from_secs(5 * 60);

/// How one reconciliation went.
enum Outcome {
    Done,
    SourceFailed(SourceError),
    StoreFailed(String),
    /// The term is over.
    Over,
}

/// Keeps the store and one source in agreement until the term ends.
pub(super) async fn keep<S: AlertStore>(term: Arc<Term<S>>, watched: WatchedSource) {
    let WatchedSource { source, interval } = watched;
    let id = source.id();
    let trigger = term.trigger(&id).unwrap_or_default();
    let mut failures = 0_u32;
    loop {
        match reconcile(&term, source.as_ref()).await {
            Outcome::Done => {
                failures = 0;
                term.health.set(&id, Channel::Api, HealthState::Ok, "").await;
            }
            Outcome::SourceFailed(error) => {
                failures = failures.saturating_add(1);
                term.health.set(&id, Channel::Api, HealthState::Down, &error.to_string()).await;
            }
            Outcome::StoreFailed(text) => {
                failures = failures.saturating_add(1);
                tracing::warn!(source = %id, error = text, "the alerts of the source were not stored");
            }
            Outcome::Over => return,
        }
        let pause = async {
            if failures > 0 {
                // Nothing wakes it earlier: a source that is down is not helped by more questions.
                sleep(retry_delay(failures, interval)).await;
            } else {
                sleep(SHORTEST_GAP.min(interval)).await;
                tokio::select! {
                    () = trigger.notified() => {}
                    () = sleep(interval.saturating_sub(SHORTEST_GAP)) => {}
                }
            }
        };
        tokio::select! {
            () = term.stop.cancelled() => return,
            () = pause => {}
        }
    }
}

async fn reconcile<S: AlertStore>(term: &Term<S>, source: &dyn AlertSource) -> Outcome {
    let as_of = term.clock.now();
    let fetched = tokio::select! {
        () = term.stop.cancelled() => return Outcome::Over,
        fetched = source.fetch() => fetched,
    };
    let Fetched { alerts, running_since, digest } = match fetched {
        Ok(fetched) => fetched,
        Err(error) => return Outcome::SourceFailed(error),
    };
    let origin = BatchOrigin::Reconcile { as_of, known_since: known_since(running_since, as_of) };
    match term.ingest(AlertBatch { source: source.id(), origin, alerts, digest }).await {
        Ok(()) => Outcome::Done,
        Err(StoreFailure::Fenced) => Outcome::Over,
        Err(StoreFailure::Failed(text)) => Outcome::StoreFailed(text),
    }
}

/// From when on the absence of an alert proves its end: from the start of the source while that is recent; otherwise always.
fn known_since(running_since: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    running_since.filter(|start| now.since(*start) < WARM_UP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_proves_little_while_a_source_warms_up() {
        let now = Timestamp::from_millis(1_000_000_000);
        let before = |span: Duration| Some(now.minus(span));
        assert_eq!(known_since(None, now), None);
        assert_eq!(known_since(before(WARM_UP), now), None);
        let recent = before(WARM_UP - Duration::from_millis(1));
        assert_eq!(known_since(recent, now), recent);
        let ahead = Some(now.plus(Duration::from_secs(30)));
        assert_eq!(known_since(ahead, now), ahead, "a clock that is ahead of ours");
    }
}

//! Keeps the receiver open during a term: opens it, tries again when that fails, closes it at the end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use super::health::Channel;
use super::store::AlertStore;
use super::term::Term;
use super::{Door, Role, retry_delay};
use crate::engine::ports::{AlertSink, OpenReceiver};
use crate::store::view::HealthState;

/// The longest time between two attempts to open the receiver.
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

/// Keeps the receiver open until the term ends, then lets the requests in flight end.
pub(super) async fn keep<S: AlertStore>(term: Arc<Term<S>>, door: Door, role: watch::Sender<Role>) {
    let Some(receiver) = open(&term, &door).await else { return };
    let place = receiver.place();
    note(&term, &door, HealthState::Waiting, &format!("Listening on {place}; nothing was delivered yet")).await;
    role.send_replace(Role::Holder { place: Some(place) });
    term.stop.cancelled().await;
    receiver.close().await;
    role.send_replace(Role::Holder { place: None });
}

/// `None` when the term ended first.
async fn open<S: AlertStore>(term: &Arc<Term<S>>, door: &Door) -> Option<Box<dyn OpenReceiver>> {
    let mut failures = 0_u32;
    loop {
        let sink = Arc::clone(term) as Arc<dyn AlertSink>;
        let error = tokio::select! {
            () = term.stop.cancelled() => return None,
            opened = door.receivers.open(sink) => match opened {
                Ok(receiver) => return Some(receiver),
                Err(error) => error,
            },
        };
        failures = failures.saturating_add(1);
        note(term, door, HealthState::Down, &error.to_string()).await;
        tokio::select! {
            () = term.stop.cancelled() => return None,
            () = sleep(retry_delay(failures, LONGEST_PAUSE)) => {}
        }
    }
}

async fn note<S: AlertStore>(term: &Term<S>, door: &Door, state: HealthState, detail: &str) {
    for source in &door.sources {
        term.health.set(source, Channel::Webhook, state, detail).await;
    }
}

//! How the sources are, as this process last noted it: writes changes and nothing else.
//!
//! Invariant: a bounded number of sources. Whoever may deliver chooses the name of the source, and every screen shows all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::store::AlertStore;
use crate::domain::id::SourceId;
use crate::engine::ports::Clock;
use crate::store::view::{HealthState, SourceHealth};

/// A way in which alerts come from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Channel {
    /// The source sends.
    Webhook,
    /// We ask.
    Api,
}

impl Channel {
    const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Api => "api",
        }
    }
}

/// Sources beyond the configured ones whose health is noted; their alerts are stored all the same.
pub(super) const MOST_UNEXPECTED: usize = 16;

/// Notes the health of every channel.
pub(super) struct HealthBoard<S: AlertStore> {
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    fence: S::Fence,
    /// The configured sources.
    expected: BTreeSet<SourceId>,
    /// What is stored. Held while writing, so that two changes are stored in the order in which they happened.
    noted: Mutex<HashMap<(SourceId, Channel), (HealthState, String)>>,
}

impl<S: AlertStore> HealthBoard<S> {
    pub(super) fn new(store: Arc<S>, clock: Arc<dyn Clock>, fence: S::Fence, expected: BTreeSet<SourceId>) -> Self {
        Self { store, clock, fence, expected, noted: Mutex::default() }
    }

    /// Forgets what earlier terms have noted about sources that are not expected any more.
    pub(super) async fn begin(&self) {
        let expected = self.expected.iter().cloned().collect();
        if let Err(error) = self.store.keep_health_of(&self.fence, expected).await {
            tracing::warn!(%error, "the health of former sources was not forgotten");
        }
    }

    /// Notes that `channel` of `source` is in `state`; `detail` says why and what to do, and is empty when it is well.
    ///
    /// A failure to write is logged only: whatever keeps the store from writing shows elsewhere, and it is tried again with
    /// the next report.
    pub(super) async fn set(&self, source: &SourceId, channel: Channel, state: HealthState, detail: &str) {
        let mut noted = self.noted.lock().await;
        let key = (source.clone(), channel);
        if noted.get(&key).is_some_and(|(known, text)| *known == state && text == detail) {
            return;
        }
        if !self.expected.contains(source) && !noted.contains_key(&key) {
            let unexpected = noted.keys().filter(|(source, _)| !self.expected.contains(source)).count();
            if unexpected >= MOST_UNEXPECTED {
                tracing::debug!(%source, "the health of yet another source is not noted");
                return;
            }
        }
        let health = SourceHealth {
            source: source.clone(),
            channel: channel.name().to_owned(),
            state,
            detail: detail.to_owned(),
            at: self.clock.now(),
        };
        match self.store.set_health(&self.fence, health).await {
            Ok(()) => {
                noted.insert(key, (state, detail.to_owned()));
            }
            Err(error) => tracing::warn!(%source, channel = channel.name(), %error, "health was not stored"),
        }
    }
}

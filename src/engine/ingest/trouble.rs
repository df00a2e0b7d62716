//! What keeps alerts from being stored, known in memory: where the store cannot be written, it cannot tell of it.
//!
//! Invariants: a trouble is known from its first sign on, with the moment of that sign; it is over when something was stored,
//! or when the lease is renewed, nothing failed for [`QUIET`], and the disk has room. Does not: try again (see the service).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::time::Timestamp;
use crate::engine::ports::Clock;

/// After a failure the store is called well only when none followed for this long.
const QUIET: Duration = Duration::from_secs(10);

/// Why alerts do not get into the store of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When it was noticed first.
    pub since: Timestamp,
    /// What comes of it.
    pub effect: TroubleEffect,
    /// What the store said, with what to do about it.
    pub why: String,
}

/// What comes of a store that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleEffect {
    /// The receiver is open and turns deliveries away with 503.
    Refused,
    /// This process could not stay, or become, the one that receives; the receiver is closed.
    NotReceiving,
}

/// A failure that goes on.
#[derive(Clone, Debug)]
struct Failing {
    since: Timestamp,
    last: Instant,
    why: String,
}

#[derive(Debug, Default)]
struct Known {
    /// Batches and bodies cannot be stored.
    storing: Option<Failing>,
    /// The lease cannot be had.
    holding: Option<Failing>,
}

/// The troubles of one ingest service, and who is told of them.
pub(super) struct Troubles {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    told: watch::Sender<Option<Trouble>>,
}

impl Troubles {
    pub(super) fn new(clock: Arc<dyn Clock>, told: watch::Sender<Option<Trouble>>) -> Self {
        Self { clock, known: Mutex::default(), told }
    }

    /// A batch or a body could not be stored.
    pub(super) fn not_stored(&self, why: &str) {
        self.change(|known, now| fail(&mut known.storing, now, why));
    }

    /// A batch or a body was stored.
    pub(super) fn stored(&self) {
        self.change(|known, _| *known = Known::default());
    }

    /// The lease could not be asked for, or was lost because it could not be renewed.
    pub(super) fn not_held(&self, why: &str) {
        self.change(|known, now| {
            let began = known.storing.take().map_or(now, |failing| failing.since);
            fail(&mut known.holding, began, why);
        });
    }

    /// The lease was taken, or another process has it: alerts come in somewhere.
    pub(super) fn held(&self) {
        self.change(|known, _| known.holding = None);
    }

    /// The lease was renewed; `has_room` tells whether the store's disk has room.
    pub(super) fn renewed(&self, has_room: bool) {
        self.change(|known, _| {
            known.storing.take_if(|failing| has_room && failing.last.elapsed() >= QUIET);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Known, Timestamp)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut known, self.clock.now());
        let effects = [(&known.holding, TroubleEffect::NotReceiving), (&known.storing, TroubleEffect::Refused)];
        let trouble = effects.into_iter().find_map(|(failing, effect)| {
            let failing = failing.as_ref()?;
            Some(Trouble { since: failing.since, effect, why: failing.why.clone() })
        });
        self.told.send_if_modified(|told| {
            let changed = *told != trouble;
            *told = trouble;
            changed
        });
    }
}

fn fail(failing: &mut Option<Failing>, now: Timestamp, why: &str) {
    let since = failing.as_ref().map_or(now, |failing| failing.since);
    *failing = Some(Failing { since, last: Instant::now(), why: why.to_owned() });
}

//! A store in a directory of its own, with a clock that the test moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::domain::actor::{Actor, Person};
use crate::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin, Labels};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::incident::{DEFAULT_REOPEN_WITHIN, Incident, Queue};
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;
use crate::store::view::{QueueAnchor, QueueQuery};
use crate::store::{Fence, INGEST_LEASE, Identity, IngestReport, LeaseOutcome, OpenOptions, Store, StoreError};

/// The clock starts here; far enough from zero to look back.
pub(in crate::store) const START: i64 = 1_000_000_000;

/// Long enough that no test runs into it by chance.
pub(in crate::store) const TTL: Duration = Duration::from_secs(3_600);

/// A clock that stands still until it is moved. Time since boot is the same number.
#[derive(Clone)]
pub(in crate::store) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(in crate::store) fn start() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub(in crate::store) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(in crate::store) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A directory with a database, opened once.
pub(in crate::store) struct Bench {
    pub(in crate::store) clock: TestClock,
    pub(in crate::store) store: Store,
    directory: TempDir,
}

impl Bench {
    pub(in crate::store) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let clock = TestClock::start();
        let store = open_as(&directory.path().join("aiops.db"), &clock, 1).unwrap();
        Self { clock, store, directory }
    }

    pub(in crate::store) fn path(&self) -> PathBuf {
        self.directory.path().join("aiops.db")
    }

    /// Closes the store and keeps the file, for as long as the directory is kept.
    pub(in crate::store) fn close(self) -> (TempDir, TestClock) {
        drop(self.store);
        (self.directory, self.clock)
    }

    /// The same file opened once more, as another process would.
    pub(in crate::store) fn open_again(&self, pid: u32) -> Store {
        open_as(&self.path(), &self.clock, pid).unwrap()
    }

    /// The file behind the store's back.
    pub(in crate::store) fn raw(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection
    }

    pub(in crate::store) async fn fence(&self) -> Fence {
        fence_of(&self.store, "1@test").await
    }

    pub(in crate::store) async fn ingest(&self, fence: &Fence, alerts: Vec<Alert>) -> IngestReport {
        self.try_ingest(fence, BatchOrigin::Webhook, alerts).await.unwrap()
    }

    pub(in crate::store) async fn reconcile(
        &self,
        fence: &Fence,
        as_of: Timestamp,
        alerts: Vec<Alert>,
    ) -> IngestReport {
        self.try_ingest(fence, BatchOrigin::Reconcile { as_of, known_since: None }, alerts).await.unwrap()
    }

    pub(in crate::store) async fn try_ingest(
        &self,
        fence: &Fence,
        origin: BatchOrigin,
        alerts: Vec<Alert>,
    ) -> Result<IngestReport, StoreError> {
        self.store.ingest(fence.clone(), batch(origin, alerts), DEFAULT_REOPEN_WITHIN).await
    }

    pub(in crate::store) async fn incident(&self, id: i64) -> Incident {
        self.store.read_view(move |reader| reader.incident(IncidentId(id))).await.unwrap().unwrap()
    }

    /// The payloads of the journal, in order.
    pub(in crate::store) async fn journal(&self) -> Vec<Payload> {
        let entries = self.store.read_view(|reader| reader.entries(JournalSeq(0), 10_000)).await.unwrap();
        entries.iter().map(|entry| serde_json::from_str(&entry.payload).unwrap()).collect()
    }

    pub(in crate::store) async fn timeline(&self, id: i64) -> Vec<String> {
        let detail = self.store.detail(IncidentId(id)).await.unwrap().unwrap();
        detail.timeline.into_iter().rev().map(|row| row.what).collect()
    }
}

pub(in crate::store) fn open_as(path: &std::path::Path, clock: &TestClock, pid: u32) -> Result<Store, StoreError> {
    let clock = clock.clone();
    let now = move || {
        let now = clock.now();
        (now, Duration::from_millis(now.as_millis().unsigned_abs()))
    };
    Store::open(path, OpenOptions { identity: identity(pid), now: Arc::new(now) })
}

pub(in crate::store) fn identity(pid: u32) -> Identity {
    Identity { host: "test".to_owned(), boot_id: "boot-1".to_owned(), pid, person: person("ada") }
}

fn person(name: &str) -> Person {
    Person { uid: 1000, name: name.to_owned(), login_uid: None, ssh_peer: None, tty: None }
}

pub(in crate::store) fn actor(name: &str) -> Actor {
    Actor::Person(person(name))
}

pub(in crate::store) async fn fence_of(store: &Store, holder: &str) -> Fence {
    match store.acquire_lease(INGEST_LEASE, holder, TTL).await.unwrap() {
        LeaseOutcome::Held(fence) => fence,
        held_by @ LeaseOutcome::HeldBy { .. } => panic!("{held_by:?}"),
    }
}

pub(in crate::store) fn batch(origin: BatchOrigin, alerts: Vec<Alert>) -> AlertBatch {
    AlertBatch { source: "am".into(), origin, alerts, digest: "0".repeat(64) }
}

pub(in crate::store) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An alert that fires since `START + starts`; its labels make it of the incident `name`.
pub(in crate::store) fn firing(name: &str, fingerprint: &str, starts: i64) -> Alert {
    Alert {
        key: AlertKey {
            source: "am".into(),
            fingerprint: fingerprint.to_owned(),
            starts_at: Timestamp::from_millis(START + starts),
        },
        status: AlertStatus::Firing,
        ends_at: None,
        labels: labels(&[("alertname", name), ("instance", fingerprint), ("severity", "warning")]),
        annotations: labels(&[("summary", "it is so")]),
        generator_url: None,
    }
}

/// The end of such an alert.
pub(in crate::store) fn resolved(name: &str, fingerprint: &str, starts: i64, ends: i64) -> Alert {
    let ends_at = Some(Timestamp::from_millis(START + ends));
    Alert { status: AlertStatus::Resolved, ends_at, ..firing(name, fingerprint, starts) }
}

pub(in crate::store) fn with_severity(mut alert: Alert, severity: &str) -> Alert {
    alert.labels.insert("severity".to_owned(), severity.to_owned());
    alert
}

/// The whole queue, nothing pinned.
pub(in crate::store) fn everything() -> QueueQuery {
    QueueQuery {
        queue: Queue::All,
        filter: String::new(),
        anchor: QueueAnchor::Rank(0),
        limit: 1_000,
        pinned: None,
        resolved_since: Timestamp::from_millis(0),
    }
}

//! The engine's runner over a real store and real processes: consoles of one database, each with a store of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiops::domain::action::attempt::Attempt;
use aiops::domain::action::grant::Approval;
use aiops::domain::action::proposal::Proposal;
use aiops::domain::action::spec::ActionSpec;
use aiops::domain::actor::{Actor, Person};
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::id::{AttemptId, IncidentId};
use aiops::domain::time::Timestamp;
use aiops::engine::backend::BackendError;
use aiops::engine::ports::{ActionRunner, Clock};
use aiops::engine::runner::Runner;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};

use crate::support::PATIENCE;

/// A clock that stands still until a test moves it; both of its hands show the same number.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// A directory with a database and one incident that fires.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    pub(crate) clock: TestClock,
    began: Timestamp,
    next_pid: Mutex<u32>,
}

/// A console: a store and a runner of its own.
pub(crate) struct Console {
    pub(crate) store: Store,
    pub(crate) runner: Runner,
}

pub(crate) const INCIDENT: IncidentId = IncidentId(1);

pub(crate) fn person() -> Person {
    Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::new_in(&std::env::temp_dir()).await
    }

    /// One whose directory lies in `parent`.
    pub(crate) async fn new_in(parent: &Path) -> Self {
        let clock = TestClock(Arc::new(AtomicI64::new(1_000_000_000)));
        let scene = Self {
            directory: tempfile::tempdir_in(parent).unwrap(),
            began: clock.now(),
            clock,
            next_pid: Mutex::new(1),
        };
        let store = scene.store();
        let alert = scene.alert();
        scene.ingest(&store, alert).await;
        scene
    }

    /// The alert as it began.
    fn alert(&self) -> Alert {
        Alert {
            key: AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: self.began },
            status: AlertStatus::Firing,
            ends_at: None,
            labels: BTreeMap::from([("alertname".to_owned(), "Disk".to_owned())]),
            annotations: BTreeMap::new(),
            generator_url: None,
        }
    }

    /// The alert ends now.
    pub(crate) async fn end_alert(&self) {
        let ended = Alert { status: AlertStatus::Resolved, ends_at: Some(self.clock.now()), ..self.alert() };
        self.ingest(&self.store(), ended).await;
    }

    async fn ingest(&self, store: &Store, alert: Alert) {
        let held = store.acquire_lease(INGEST_LEASE, "test", Duration::from_secs(60)).await.unwrap();
        let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
        let batch = AlertBatch {
            source: "am".into(),
            origin: BatchOrigin::Webhook,
            alerts: vec![alert],
            digest: "0".repeat(64),
        };
        store.ingest(fence, batch, Duration::from_secs(60)).await.unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn attempts(&self) -> PathBuf {
        self.path().join("attempts")
    }

    /// The database opened once more, as another process would.
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path().join("aiops.db"), self.options()).unwrap()
    }

    /// Who another process would be, and its clock.
    pub(crate) fn options(&self) -> OpenOptions {
        let pid = {
            let mut next = self.next_pid.lock().unwrap();
            *next += 1;
            *next
        };
        let identity = Identity { host: "test".to_owned(), boot_id: "boot".to_owned(), pid, person: person() };
        let clock = self.clock.clone();
        let now = Arc::new(move || (clock.now(), clock.monotonic()));
        OpenOptions { identity, now }
    }

    /// A console that starts what it approves through `processes`.
    pub(crate) fn console(&self, processes: Arc<dyn ActionRunner>) -> Console {
        let store = self.store();
        let root = self.attempts().display().to_string();
        let clock = Arc::new(self.clock.clone());
        let runner = Runner::new(store.clone(), processes, clock, Actor::Person(person()), root);
        Console { store, runner }
    }
}

impl Console {
    /// Proposes `spec`, after a look at the effects of earlier attempts of which nobody knows how they ended.
    pub(crate) async fn propose(&self, mut spec: ActionSpec) -> Proposal {
        spec.incident = INCIDENT;
        crate::headless::look_at_effects(&self.store, &Actor::Person(person())).await;
        self.store.propose(spec, &Actor::Person(person())).await.unwrap()
    }

    pub(crate) async fn approve(&self, proposal: &Proposal) -> Result<AttemptId, BackendError> {
        approve(self.runner.clone(), proposal.clone()).await
    }

    pub(crate) async fn attempts(&self) -> Vec<Attempt> {
        self.store.detail(INCIDENT).await.unwrap().unwrap().attempts
    }

    /// Waits until every attempt is as `wanted` says.
    pub(crate) async fn until_all(&self, what: &str, wanted: impl Fn(&Attempt) -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !self.attempts().await.iter().all(&wanted) {
            assert!(std::time::Instant::now() < end, "waited in vain until {what}: {:?}", self.attempts().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the newest attempt is as `wanted` says.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Attempt) -> bool) -> Attempt {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let newest = self.attempts().await.into_iter().next();
            if let Some(attempt) = newest.clone().filter(|attempt| wanted(attempt)) {
                return attempt;
            }
            assert!(std::time::Instant::now() < end, "waited in vain until {what}: {newest:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Approves a proposal as the person who has read it to its end.
pub(crate) async fn approve(runner: Runner, proposal: Proposal) -> Result<AttemptId, BackendError> {
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: Some(proposal.spec.target.name().to_owned()),
        rendered: String::new(),
        terminal: (80, 24),
    };
    runner.approve(proposal.id, approval, Some(proposal.spec.step.revision.clone())).await
}

//! What a console or the daemon does with alerts, put together as the program does it: store, ingest service, receiver,
//! Alertmanager's API.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aiops::adapters::alertmanager::{Access, Alertmanager, Connection, WebhookV4};
use aiops::api::receiver::{ReceiverConfig, Receivers};
use aiops::domain::actor::Person;
use aiops::domain::id::SourceId;
use aiops::domain::incident::Queue;
use aiops::domain::time::Timestamp;
use aiops::engine::ingest::{Door, Ingest, IngestPlan, Role, WatchedSource};
use aiops::engine::ports::Clock;
use aiops::store::view::{Header, QueueAnchor, QueueQuery, QueueRow};
use aiops::store::{Identity, OpenOptions, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::PATIENCE;

/// The name of the source in these tests.
pub(crate) const SOURCE: &str = "am";

/// The lease of these tests, short so that a take-over is.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(0).plus(since)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How alerts come to a console.
pub(crate) struct Ways {
    /// The port of the receiver; `None`: it does not receive.
    pub(crate) receive_on: Option<u16>,
    /// The URL of the API; `None`: it does not ask.
    pub(crate) ask: Option<String>,
}

/// A console without a screen.
pub(crate) struct Console {
    pub(crate) store: Store,
    role: watch::Receiver<Role>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// Opens the database in `directory` as the process `pid` would.
pub(crate) fn open_store(directory: &Path, pid: u32, began: Instant) -> Store {
    let clock = TestClock(began);
    let person = Person { uid: 1000, name: "tester".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "testhost".to_owned(), boot_id: "boot".to_owned(), pid, person };
    let options = OpenOptions { identity, now: Arc::new(move || (clock.now(), clock.monotonic())) };
    Store::open(&directory.join("aiops.db"), options).unwrap()
}

impl Console {
    /// Starts a console as process `pid` on the database in `directory`. Sources are asked at the start and when something
    /// asks for it, practically never at intervals. `began` is the beginning of time for all processes of a test.
    pub(crate) fn start(directory: &Path, pid: u32, began: Instant, ways: Ways) -> Self {
        let store = open_store(directory, pid, began);
        let door = ways.receive_on.map(|port| {
            let config = ReceiverConfig::new(([127, 0, 0, 1], port).into(), SOURCE.into());
            let receivers = Arc::new(Receivers::new(config, Arc::new(WebhookV4)));
            Door { receivers, sources: vec![SourceId::from(SOURCE)] }
        });
        let sources = ways.ask.into_iter().map(|url| {
            let connection = Connection { id: SOURCE.into(), url, access: Access::Open, timeout: PATIENCE };
            WatchedSource { source: Arc::new(Alertmanager::new(connection).unwrap()), interval: NEVER }
        });
        let plan = IngestPlan {
            holder: format!("{pid}@testhost"),
            lease: LEASE,
            reopen_within: Duration::from_secs(1800),
            sources: sources.collect(),
            door,
        };
        let ingest = Ingest::new(store.clone(), Arc::new(TestClock(began)), plan);
        let (role, shutdown) = (ingest.follow(), CancellationToken::new());
        let task = tokio::spawn(ingest.run(shutdown.clone()));
        Self { store, role, shutdown, task }
    }

    /// Waits until the ingest service is in the role that `predicate` describes.
    pub(crate) async fn until_role(&mut self, predicate: impl FnMut(&Role) -> bool) {
        tokio::time::timeout(PATIENCE, self.role.wait_for(predicate)).await.unwrap().unwrap();
    }

    /// Waits until the receiver is open.
    pub(crate) async fn until_open(&mut self) {
        self.until_role(|role| matches!(role, Role::Holder { place: Some(_) })).await;
    }

    /// Waits until the header and the queue are as `predicate` describes.
    pub(crate) async fn until(&self, what: &str, predicate: impl Fn(&Header, &[QueueRow]) -> bool) {
        let mut changes = self.store.follow();
        let waiting = async {
            loop {
                changes.borrow_and_update();
                let (header, rows) = self.look().await;
                if predicate(&header, &rows) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("this never came to be: {what}; instead: {:?}", self.look().await);
        }
    }

    /// The header and the first rows of the queue, what is resolved included.
    pub(crate) async fn look(&self) -> (Header, Vec<QueueRow>) {
        let query = QueueQuery {
            queue: Queue::All,
            filter: String::new(),
            anchor: QueueAnchor::Rank(0),
            limit: 100,
            pinned: None,
            resolved_since: Timestamp::from_millis(0),
        };
        let view = move |reader: &aiops::store::Reader<'_>| Ok((reader.header()?, reader.queue(&query)?));
        let (header, window) = self.store.read_view(view).await.unwrap();
        (header, window.rows)
    }

    /// Ends it in an orderly way.
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }

    /// Ends it as a crash would: nothing is released.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

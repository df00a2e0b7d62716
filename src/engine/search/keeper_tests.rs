//! The index on a real store: it follows the library and the incidents, is made once for all consoles, and mends itself.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::*;
use crate::domain::actor::Person;
use crate::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin, Labels};
use crate::domain::id::IncidentId;
use crate::domain::time::Timestamp;
use crate::engine::search::{HitKind, Scope, SearchAnswer, SearchQuery};
use crate::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions};

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A keeper at work on the SOPs of a directory.
struct Bench {
    home: tempfile::TempDir,
    store: Store,
    keeper: Keeper,
    library: Arc<Mutex<Arc<Library>>>,
    renewed: watch::Sender<u64>,
}

fn open(home: &Path) -> Store {
    let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "test".to_owned(), boot_id: "b".to_owned(), pid: 1, person };
    let now = Arc::new(|| (Timestamp::from_millis(1_000_000), Duration::from_secs(1)));
    Store::open(&home.join("aiops.db"), OpenOptions { identity, now }).unwrap()
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("sops")).unwrap();
        let store = open(home.path());
        let keeper = Keeper::new(store.clone());
        let library = Arc::new(Mutex::new(Arc::new(Library::only(&[]))));
        Self { home, store, keeper, library, renewed: watch::Sender::new(0) }
    }

    fn start(&self) -> tokio::task::JoinHandle<()> {
        let library = Arc::clone(&self.library);
        let get = move || Arc::clone(&library.lock().unwrap());
        tokio::spawn(self.keeper.clone().run(get, self.renewed.subscribe()))
    }

    /// Writes a document and takes it into the library.
    fn write(&self, name: &str, text: &str) {
        let sops = self.home.path().join("sops");
        std::fs::write(sops.join(name), text).unwrap();
        *self.library.lock().unwrap() = Arc::new(Library::only(&[sops]));
        self.renewed.send_modify(|count| *count += 1);
    }

    async fn ask(&self, text: &str) -> SearchAnswer {
        let library = Arc::clone(&self.library.lock().unwrap());
        let query = SearchQuery { text: text.to_owned(), scope: Scope::All, limit: 10 };
        self.keeper.search(library, query).await.unwrap()
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, text: &str, wanted: impl Fn(&SearchAnswer) -> bool) -> SearchAnswer {
        let begun = Instant::now();
        loop {
            let answer = self.ask(text).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ingest(&self, service: &str) {
        let lease = self.store.acquire_lease(INGEST_LEASE, "1@test", Duration::from_secs(600)).await.unwrap();
        let LeaseOutcome::Held(fence) = lease else { panic!("{lease:?}") };
        let labels: Labels =
            [("alertname", "DiskFull"), ("service", service)].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let starts_at = Timestamp::from_millis(1);
        let key = AlertKey { source: "am".into(), fingerprint: service.to_owned(), starts_at };
        let (status, annotations) = (AlertStatus::Firing, Labels::new());
        let alert = Alert { key, status, ends_at: None, labels, annotations, generator_url: None };
        let digest = "0".repeat(64);
        let batch = AlertBatch { source: "am".into(), origin: BatchOrigin::Webhook, alerts: vec![alert], digest };
        self.store.ingest(fence, batch, Duration::from_secs(60)).await.unwrap();
    }
}

fn found_one(answer: &SearchAnswer) -> bool {
    answer.coverage == Coverage::Whole && answer.hits.len() == 1
}

fn found_none(answer: &SearchAnswer) -> bool {
    answer.coverage == Coverage::Whole && answer.hits.is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_follows_documents_and_incidents() {
    let bench = Bench::new();
    bench.write("one.md", "1. Look at the walrus.\n");
    let before = bench.ask("walrus").await;
    assert_eq!(before, SearchAnswer { hits: Vec::new(), coverage: Coverage::Indexing { done: 0, of: 0 } });
    let keeping = bench.start();
    let found = bench.until("walrus", found_one).await;
    assert!(matches!(&found.hits[0].kind, HitKind::Sop { sop, .. } if sop.as_str() == "one.md"));
    // A changed document is found by its new words and no more by the old ones.
    bench.write("one.md", "1. Look at the penguin.\n");
    bench.until("penguin", found_one).await;
    assert!(found_none(&bench.ask("walrus").await));
    bench.ingest("sea-lion").await;
    let found = bench.until("sealion", found_one).await;
    assert!(matches!(found.hits[0].kind, HitKind::Incident { id: IncidentId(1), .. }));
    keeping.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_indexed_before_is_found_at_once_and_indexed_no_second_time() {
    let bench = Bench::new();
    bench.write("one.md", "1. Look at the walrus.\n");
    let keeping = bench.start();
    bench.until("walrus", found_one).await;
    keeping.abort();
    let known = bench.store.read_view(|reader| reader.indexed_sops()).await.unwrap();
    let next = Bench { keeper: Keeper::new(bench.store.clone()), ..bench };
    assert_eq!(next.ask("walrus").await.hits.len(), 1, "another console finds it before it has looked at anything");
    let keeping = next.start();
    next.until("walrus", found_one).await;
    assert_eq!(next.store.read_view(|reader| reader.indexed_sops()).await.unwrap(), known);
    keeping.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_gone_or_damaged_comes_back() {
    let bench = Bench::new();
    bench.write("one.md", "1. Look at the walrus.\n");
    bench.ingest("sea-lion").await;
    let keeping = bench.start();
    bench.until("walrus", found_one).await;
    bench.until("sealion", found_one).await;
    let raw = rusqlite::Connection::open(bench.home.path().join("aiops.db")).unwrap();
    raw.busy_timeout(Duration::from_secs(5)).unwrap();
    raw.execute("UPDATE search_sop_data SET block = zeroblob(40) WHERE id > 10", []).unwrap();
    bench.until("walrus", found_one).await;
    bench.until("sealion", found_one).await;
    raw.execute_batch("DROP TABLE search_sop").unwrap();
    // The next change of anything is the occasion to look.
    bench.ingest("narwhal").await;
    bench.until("walrus", found_one).await;
    bench.until("narwhal", found_one).await;
    keeping.abort();
}

//! The service on a real store: backups when they are due, erasures in their order, and what is told.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::domain::actor::Person;
use crate::domain::id::JournalSeq;
use crate::domain::journal::Payload;
use crate::store::{Identity, OpenOptions, backup_directory};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Outputs by directory, in memory.
#[derive(Default)]
struct InMemory(Mutex<BTreeMap<PathBuf, u64>>);

impl Outputs for InMemory {
    fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn bytes_of(&self, directory: &Path) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(directory).copied().unwrap_or_default()
    }

    fn erase(&self, directory: &Path) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(directory);
        Ok(())
    }
}

/// A store with a service that has not begun.
struct Bench {
    home: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    outputs: Arc<InMemory>,
    told: Arc<Mutex<Vec<String>>>,
    keeping: Keeping,
}

impl Bench {
    fn new(budget: Option<u64>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_000_000_000_000));
        let moving = Arc::clone(&clock);
        let now = Arc::new(move || (Timestamp::from_millis(moving.load(Ordering::SeqCst)), Duration::from_secs(1)));
        let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
        let identity = Identity { host: "test".to_owned(), boot_id: "b".to_owned(), pid: 1, person };
        let store = Store::open(&home.path().join("aiops.db"), OpenOptions { identity, now }).unwrap();
        let plan = KeepPlan {
            backups: Some(Retention::default()),
            ballast: 0,
            budget,
            outputs_for: 30 * DAY,
            details_for: 30 * DAY,
        };
        let (outputs, told) = (Arc::new(InMemory::default()), Arc::new(Mutex::new(Vec::new())));
        let telling = Arc::clone(&told);
        let tell = move |notice| telling.lock().unwrap().push(notice);
        let keeping = Keeping::new(store, plan, outputs.clone(), tell);
        Self { home, clock, outputs, told, keeping }
    }

    fn pass(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// An attempt that ended so long ago, with so many bytes of output.
    fn attempt(&self, number: i64, age: Duration, bytes: u64) {
        let raw = rusqlite::Connection::open(self.home.path().join("aiops.db")).unwrap();
        raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA busy_timeout = 5000").unwrap();
        let ended_at = self.clock.load(Ordering::SeqCst) - i64::try_from(age.as_millis()).unwrap();
        let directory = format!("/attempts/{number}");
        raw.execute(
            "INSERT INTO attempt (id, proposal, incident, step, state, intent_at, directory, approved_by, ended_at, output_bytes)
             VALUES (?1, ?1, 1, '{}', 2, ?2, ?3, 'ada', ?2, ?4)",
            rusqlite::params![number, ended_at, directory, i64::try_from(bytes).unwrap()],
        )
        .unwrap();
        self.outputs.0.lock().unwrap().insert(PathBuf::from(directory), bytes);
    }

    async fn erased(&self) -> Vec<Erasable> {
        let read = self.keeping.store.read_view(|reader| reader.entries(JournalSeq(0), 1_000)).await.unwrap();
        let what = |payload: &str| match serde_json::from_str(payload) {
            Ok(Payload::Erased { what, .. }) => Some(what),
            _ => None,
        };
        read.iter().filter_map(|entry| what(&entry.payload)).collect()
    }
}

#[tokio::test]
async fn a_backup_is_made_when_it_is_due_and_a_failure_is_told_once() {
    let mut bench = Bench::new(None);
    let path = bench.home.path().join("aiops.db");
    for expected in [1, 1, 2] {
        assert!(bench.keeping.back_up_if_due().await);
        assert_eq!(backups_of(&path).len(), expected);
        bench.pass(Duration::from_secs(1_800));
    }
    bench.pass(DAY);
    let directory = backup_directory(&path);
    std::fs::remove_dir_all(&directory).unwrap();
    std::fs::write(&directory, "in the way").unwrap();
    assert!(!bench.keeping.back_up_if_due().await && !bench.keeping.back_up_if_due().await);
    assert_eq!(bench.told().len(), 1);
    std::fs::remove_file(&directory).unwrap();
    assert!(bench.keeping.back_up_if_due().await);
    assert!(bench.told().is_empty());
}

#[tokio::test]
async fn within_the_budget_nothing_is_erased() {
    let mut bench = Bench::new(Some(1 << 30));
    bench.attempt(1, 90 * DAY, 1_000_000);
    bench.keeping.store.prepare_search().await.unwrap();
    bench.keeping.keep_budget().await;
    assert_eq!((bench.told(), bench.erased().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn beyond_it_the_index_goes_first_then_the_oldest_outputs_and_no_more_than_needed() {
    let mut bench = Bench::new(None);
    bench.keeping.store.prepare_search().await.unwrap();
    let used = bench.keeping.usage().await.unwrap().total();
    bench.attempt(1, 60 * DAY, 4_000_000);
    bench.attempt(2, 90 * DAY, 4_000_000);
    bench.attempt(3, 5 * DAY, 4_000_000);
    bench.keeping.plan.budget = Some(used + 9_000_000);
    bench.keeping.keep_budget().await;
    let left: Vec<PathBuf> = bench.outputs.0.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        left,
        [PathBuf::from("/attempts/1"), PathBuf::from("/attempts/3")],
        "the oldest went, and it was enough"
    );
    assert_eq!(bench.erased().await, [Erasable::SearchIndex, Erasable::Outputs]);
    let told = bench.told();
    assert!(told[0].contains("the search index") && told[0].contains("old outputs (1, 3 MiB)"), "{told:?}");
    assert_eq!(told.len(), 1);
    assert_eq!(bench.keeping.store.prepare_search().await.unwrap_err(), StoreError::IndexDropped);
    // With room to spare the index may come back.
    bench.keeping.plan.budget = Some(1 << 30);
    bench.keeping.keep_budget().await;
    assert!(bench.keeping.store.prepare_search().await.unwrap());
}

#[tokio::test]
async fn what_has_to_stay_stays_and_that_is_told_once() {
    let mut bench = Bench::new(Some(10));
    bench.attempt(1, 5 * DAY, 4_000_000);
    for _ in 0..3 {
        assert!(bench.keeping.back_up_if_due().await);
        bench.pass(Duration::from_secs(3_600));
    }
    let entries = bench.keeping.store.verify().await.unwrap().entries;
    for _ in 0..2 {
        bench.keeping.keep_budget().await;
    }
    assert_eq!(bench.erased().await, [Erasable::Backups]);
    assert_eq!(backups_of(&bench.home.path().join("aiops.db")).len(), 1, "the newest stays");
    assert_eq!(bench.outputs.bytes(), 4_000_000, "it has to be kept for 30 days");
    let told = bench.told();
    assert_eq!(told.iter().filter(|notice| notice.contains("nothing more may be erased")).count(), 1, "{told:?}");
    let report = bench.keeping.store.verify().await.unwrap();
    assert!(report.ok && report.entries > entries);
}

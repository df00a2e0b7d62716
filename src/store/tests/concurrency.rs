//! Threads and processes: lanes, group commit, panics, shutting down, the change feed.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::support::{Bench, batch, firing, open_as};
use crate::domain::alert::BatchOrigin;
use crate::domain::id::SourceId;
use crate::domain::incident::DEFAULT_REOPEN_WITHIN;
use crate::store::error::Fault;
use crate::store::{IngestReport, Store, StoreError};

/// Generous: only a hang should reach it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps the writing thread busy until it is dropped.
struct Blocker {
    _release: mpsc::Sender<()>,
}

impl Blocker {
    /// Returns once the writing thread is blocked.
    fn new(store: &Store) -> Self {
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        drop(store.write(move |_| {
            begin.send(()).unwrap();
            // Ends when the sender is dropped.
            let _ = released.recv();
            Ok(())
        }));
        begun.recv_timeout(PATIENCE).unwrap();
        Self { _release: release }
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

fn count_alerts(store: &Store) -> impl Future<Output = Result<i64, StoreError>> + use<> {
    store.write(|write| Ok(write.conn.query_row("SELECT count(*) FROM alert", [], |row| row.get(0))?))
}

type Delivery = tokio::task::JoinHandle<Result<IngestReport, StoreError>>;

/// Blocks the writing thread and spawns `count` webhook deliveries; returns when all of them are queued.
async fn queue_deliveries(bench: &Bench, count: usize) -> (Blocker, Vec<Delivery>) {
    let fence = bench.fence().await;
    let blocker = Blocker::new(&bench.store);
    let deliver = |n: usize| {
        let (store, fence) = (bench.store.clone(), fence.clone());
        let alerts = vec![firing("Disk", &format!("f{n}"), i64::try_from(n).unwrap())];
        let batch = batch(BatchOrigin::Webhook, alerts);
        tokio::spawn(async move { store.ingest(fence, batch, DEFAULT_REOPEN_WITHIN).await })
    };
    let deliveries = (0..count).map(deliver).collect();
    until(|| bench.store.inner.lanes.waiting() == (0, count)).await;
    (blocker, deliveries)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_overtakes_what_is_delivered() {
    let bench = Bench::new();
    let (blocker, deliveries) = queue_deliveries(&bench, 100).await;
    let person = count_alerts(&bench.store);
    drop(blocker);
    assert_eq!(person.await.unwrap(), 0);
    for delivery in deliveries {
        delivery.await.unwrap().unwrap();
    }
    assert_eq!(count_alerts(&bench.store).await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_wait_share_a_commit() {
    let bench = Bench::new();
    let before = *bench.store.follow().borrow();
    let (blocker, deliveries) = queue_deliveries(&bench, 60).await;
    drop(blocker);
    for delivery in deliveries {
        delivery.await.unwrap().unwrap();
    }
    // Taking the lease was one commit with something to see, the sixty deliveries another one.
    assert_eq!(*bench.store.follow().borrow(), before + 2);
    assert_eq!(bench.incident(1).await.firing, 60);
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_delivery_does_not_spoil_its_group() {
    let bench = Bench::new();
    let blocker = Blocker::new(&bench.store);
    let insert = |source: &'static str| {
        move |write: &mut crate::store::write::Write<'_>| -> Result<(), Fault> {
            let sql = "INSERT INTO source_health (source, channel, state, detail, at) VALUES (?1, 'api', 0, '', 0)";
            write.conn.execute(sql, [source])?;
            Ok(())
        }
    };
    let good = bench.store.write_grouped(insert("one"));
    let failing = bench.store.write_grouped(move |write| {
        insert("two")(write)?;
        Err::<(), _>(Fault::Fenced("ingest".to_owned()))
    });
    let panicking = bench.store.write_grouped(move |write| -> Result<(), Fault> {
        insert("three")(write)?;
        panic!("a defect");
    });
    let last = bench.store.write_grouped(insert("four"));
    drop(blocker);
    good.await.unwrap();
    assert!(matches!(failing.await, Err(StoreError::Fenced { .. })));
    assert!(matches!(panicking.await, Err(StoreError::Aborted { .. })));
    last.await.unwrap();
    let kept = bench.store.header().await.unwrap().sources;
    let kept: Vec<_> = kept.iter().map(|health| health.source.as_str()).collect();
    assert_eq!(kept, ["four", "one"]);
}

#[tokio::test]
async fn a_panic_is_rolled_back_and_the_next_job_runs() {
    let bench = Bench::new();
    let panicked = bench.store.write(|write| -> Result<(), Fault> {
        write.conn.execute("DELETE FROM change_counter", [])?;
        panic!("a defect");
    });
    assert_eq!(panicked.await, Err(StoreError::Aborted { path: bench.path() }));
    let read = bench.store.read_view(|_| -> Result<(), StoreError> { panic!("a defect") }).await;
    assert!(matches!(read, Err(StoreError::Aborted { .. })));
    bench.fence().await;
    assert!(bench.store.header().await.unwrap().receiver.is_some());
}

#[test]
fn dropping_the_last_handle_finishes_what_is_queued() {
    let bench = Bench::new();
    let (path, store) = (bench.path(), bench.store.clone());
    let blocker = Blocker::new(&store);
    for n in 0..20 {
        let source = SourceId(format!("s{n}"));
        // The caller loses interest; the job stays.
        drop(store.write_grouped(move |write| {
            let sql = "INSERT INTO source_health (source, channel, state, detail, at) VALUES (?1, 'api', 0, '', 0)";
            write.conn.execute(sql, [source.as_str()])?;
            Ok(())
        }));
    }
    drop(store);
    let (directory, clock) = thread::scope(|scope| {
        let closing = scope.spawn(|| bench.close());
        drop(blocker);
        closing.join().unwrap()
    });
    let again = open_as(&path, &clock, 2).unwrap();
    let header = again.read_view_blocking(|reader| reader.header()).unwrap();
    assert_eq!(header.sources.len(), 20);
    drop(directory);
}

#[test]
fn the_last_handle_may_go_inside_a_job() {
    let bench = Bench::new();
    let (done, finished) = mpsc::channel();
    let store = bench.store.clone();
    let directory = {
        let last = store;
        let handle = last.clone();
        drop(last.write(move |_| {
            drop(handle);
            done.send(()).unwrap();
            Ok(())
        }));
        drop(last);
        bench.close()
    };
    finished.recv_timeout(PATIENCE).unwrap();
    drop(directory);
}

#[tokio::test]
async fn changes_of_another_process_are_noticed() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let (mut here, mut there) = (bench.store.follow(), other.follow());
    let start = *here.borrow_and_update();
    assert_eq!(start, *there.borrow_and_update());
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    // Own changes at once, those of others when the file was looked at.
    assert_eq!(*here.borrow(), start + 2);
    tokio::time::timeout(PATIENCE, there.wait_for(|seen| *seen == start + 2)).await.unwrap().unwrap();
    assert_eq!(other.header().await.unwrap().firing, 1);
    // And the other way round.
    other.release_lease(&fence).await.unwrap();
    tokio::time::timeout(PATIENCE, here.wait_for(|seen| *seen == start + 3)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_one_chain() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let fence = bench.fence().await;
    let mut writing = Vec::new();
    for n in 0..60 {
        let fence = fence.clone();
        let store = if n % 2 == 0 { bench.store.clone() } else { other.clone() };
        let body = format!("body {n}").into_bytes();
        writing.push(tokio::spawn(async move { store.quarantine(&fence, &"am".into(), "no JSON", body).await }));
    }
    for one in writing {
        one.await.unwrap().unwrap();
    }
    let report = other.verify().await.unwrap();
    assert_eq!((report.ok, report.entries), (true, 62));
}

#[tokio::test]
async fn a_view_is_one_moment() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let store = bench.store.clone();
    let (go, wait) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let view = tokio::spawn(async move {
        store
            .read_view(move |reader| {
                let before = reader.header()?.firing;
                begin.send(()).unwrap();
                let _ = wait.recv();
                Ok((before, reader.header()?.firing))
            })
            .await
    });
    until(|| begun.try_recv().is_ok()).await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    drop(go);
    assert_eq!(view.await.unwrap().unwrap(), (0, 0));
    assert_eq!(bench.store.header().await.unwrap().firing, 1);
}

//! What searching costs: time and size of the index over SOPs and incidents, and time of an answer.
//!
//! Method: a database on disk; every SOP of `AIOPS_BENCH_SOPS=DIR` (without it, the bundled ones) and 10,000 incidents are
//! indexed through the same doors and in pieces as large as the console's. Then words of the documents are looked for as they
//! are typed, letter by letter, in SOPs and incidents both. Figures are printed, never asserted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot set itself up has nothing to say"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiops::domain::actor::Person;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin, Labels};
use aiops::domain::search::{Query, document, words};
use aiops::domain::time::Timestamp;
use aiops::engine::library::Library;
use aiops::store::{Fence, INGEST_LEASE, Identity, LeaseOutcome, Needs, OpenOptions, Store};

const INCIDENTS: usize = 10_000;
/// Incidents of one transaction, as in the console.
const PIECE: u32 = 50;
/// Hits of one answer, as in the console.
const HITS: usize = 60;
/// Queries that are typed.
const QUERIES: usize = 200;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directories: Vec<PathBuf> = std::env::var_os("AIOPS_BENCH_SOPS").map(PathBuf::from).into_iter().collect();
    let build = if cfg!(debug_assertions) { "debug (SQLite optimised)" } else { "release" };
    println!("build: {build}, machine: {}", common::machine());
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("aiops.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&path);
        fill(&store).await;
        let library = Arc::new(Library::load(&directories));
        check(&store, "without an index").await;
        let before = bytes(&store).await;
        sops(&store, &library).await;
        let between = bytes(&store).await;
        incidents(&store).await;
        let after = bytes(&store).await;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!("size of the index: SOPs {:.1} MiB, incidents {:.1} MiB", mib(between - before), mib(after - between));
        check(&store, "with the index").await;
        answers(&store, &library).await;
    });
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn open(path: &Path) -> Store {
    let person = Person { uid: 0, name: "bench".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: std::process::id(), person };
    let start = Instant::now();
    let now = Arc::new(move || (Timestamp::from_millis(1_800_000_000_000).plus(start.elapsed()), start.elapsed()));
    Store::open(path, OpenOptions { identity, now }).unwrap()
}

async fn check(store: &Store, what: &str) {
    let begun = Instant::now();
    store.quick_check().await.unwrap();
    println!("check of the whole file {what}: {:.0} ms", ms(begun.elapsed()));
}

/// Bytes of the pages that the database uses.
async fn bytes(store: &Store) -> u64 {
    store.read_view(|reader| reader.bytes()).await.unwrap()
}

async fn fill(store: &Store) {
    let ttl = Duration::from_secs(600);
    let LeaseOutcome::Held(fence) = store.acquire_lease(INGEST_LEASE, "bench", ttl).await.unwrap() else {
        panic!("the lease of a new database is free");
    };
    burst(store, &fence, 0..1_000).await;
    for start in (1_000..INCIDENTS).step_by(1_000) {
        ingest(store, &fence, start..start + 1_000).await;
    }
}

async fn burst(store: &Store, fence: &Fence, numbers: std::ops::Range<usize>) {
    let begun = Instant::now();
    let count = numbers.len();
    ingest(store, fence, numbers).await;
    println!("{count} alerts of as many incidents, durable: {:.0} ms", ms(begun.elapsed()));
}

async fn ingest(store: &Store, fence: &Fence, numbers: std::ops::Range<usize>) {
    let alerts = numbers.map(alert).collect();
    let digest = "0".repeat(64);
    let batch = AlertBatch { source: "bench".into(), origin: BatchOrigin::Webhook, alerts, digest };
    store.ingest(fence.clone(), batch, Duration::from_secs(60)).await.unwrap();
}

fn alert(number: usize) -> Alert {
    let names = ["DiskFull", "KubePodCrashLooping", "CertificateExpiringSoon", "TargetDown", "HighHttp5xxRate"];
    let labels: Labels = [
        ("alertname", names[number % names.len()].to_owned()),
        ("severity", "warning".to_owned()),
        ("cluster", format!("eu{}", number % 7)),
        ("namespace", format!("team-{}", number % 90)),
        ("service", format!("service-{number}")),
        ("instance", format!("10.1.{}.{}:9100", number / 250, number % 250)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let starts_at = Timestamp::from_millis(1_800_000_000_000);
    let key = AlertKey { source: "bench".into(), fingerprint: format!("{number:016x}"), starts_at };
    let annotations =
        Labels::from([("summary".to_owned(), "The volume is 93 % full and will be full soon".to_owned())]);
    Alert { key, status: AlertStatus::Firing, ends_at: None, labels, annotations, generator_url: None }
}

async fn sops(store: &Store, library: &Arc<Library>) {
    store.prepare_search().await.unwrap();
    let (mut parsing, mut writing, mut longest, mut places) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    for chunk in library.summaries().chunks(5) {
        let begun = Instant::now();
        let documents: Vec<_> =
            chunk.iter().filter_map(|sop| library.parsed(&sop.id)).map(|procedure| document(&procedure)).collect();
        parsing += begun.elapsed();
        places += documents.iter().map(|document| document.nodes.len()).sum::<usize>();
        let begun = Instant::now();
        store.index_sops(documents).await.unwrap();
        writing += begun.elapsed();
        longest = longest.max(begun.elapsed());
    }
    println!(
        "{} SOPs with {places} places: parsed in {:.0} ms, indexed in {:.0} ms, five of them in {:.0} ms at most",
        library.summaries().len(),
        ms(parsing),
        ms(writing),
        ms(longest)
    );
}

async fn incidents(store: &Store) {
    let (begun, mut longest, mut count) = (Instant::now(), Duration::ZERO, 0);
    loop {
        let piece = Instant::now();
        let done = store.index_incidents(PIECE).await.unwrap();
        longest = longest.max(piece.elapsed());
        count += done;
        if done == 0 {
            break;
        }
    }
    println!("{count} incidents indexed in {:.0} ms, {PIECE} in {:.0} ms at most", ms(begun.elapsed()), ms(longest));
}

/// Types words that stand in the documents, and looks for them at every letter.
async fn answers(store: &Store, library: &Arc<Library>) {
    let mut texts: Vec<String> = Vec::new();
    for sop in library.summaries() {
        let Some(procedure) = library.parsed(&sop.id) else { continue };
        let nodes = procedure.nodes.iter().map(|node| &node.text);
        texts.extend(nodes.filter(|text| text.len() > 20).cloned());
    }
    let step = (texts.len() / QUERIES).max(1);
    let (mut sops, mut both, mut slowest) = (Vec::new(), Vec::new(), (Duration::ZERO, String::new()));
    for text in texts.iter().step_by(step) {
        let typed: Vec<&str> = words(text).iter().take(3).map(|word| &text[word.start..word.end]).collect();
        let typed = typed.join(" ");
        for end in typed.char_indices().map(|(at, c)| at + c.len_utf8()) {
            let query = Query::parse(&typed[..end]);
            let again = query.clone();
            let begun = Instant::now();
            store.read_view(move |reader| reader.find_in_sops(&query, Needs::All, HITS, |_, _| true)).await.unwrap();
            sops.push(ms(begun.elapsed()));
            store.read_view(move |reader| reader.find_incidents(&again, Needs::All, HITS)).await.unwrap();
            let took = begun.elapsed();
            both.push(ms(took));
            if took > slowest.0 {
                slowest = (took, typed[..end].to_owned());
            }
        }
    }
    for (name, times) in [("SOPs", &mut sops), ("SOPs and incidents", &mut both)] {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
        println!(
            "answer, {name}: {} questions, p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms (target: p99 20 ms)",
            times.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    println!("slowest: {:?} in {:.2} ms", slowest.1, ms(slowest.0));
}

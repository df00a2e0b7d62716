//! What verifying a journal costs: a whole one of 1,000,000 entries, and a part of it.
//!
//! Method: entries as the program writes them for an approval (about 1 KiB each) are chained and put into a database; then the
//! journal is verified through the same door as `aiops journal verify`, against anchors at every 1,000th entry. Figures are
//! printed, never asserted. `AIOPS_BENCH_ENTRIES` sets another number of entries.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot set itself up has nothing to say")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiops::domain::actor::Person;
use aiops::domain::id::{IncidentId, JournalSeq};
use aiops::domain::journal::anchor::{Anchor, AnchorCause};
use aiops::domain::journal::{NewEntry, StoredEntry};
use aiops::domain::time::Timestamp;
use aiops::store::{AnchorNeed, Identity, KnownAnchors, OpenOptions, Part, Store};
use rusqlite::{Connection, params};

const ENTRIES: i64 = 1_000_000;
const BETWEEN_ANCHORS: i64 = 1_000;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let entries = std::env::var("AIOPS_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(ENTRIES);
    let build = if cfg!(debug_assertions) { "debug (SQLite and SHA-256 optimised)" } else { "release" };
    println!("build: {build}, machine: {}", common::machine());
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("aiops.db");
    drop(open(&path));
    let begun = Instant::now();
    let anchors = fill(&path, entries);
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{entries} entries, {} MiB, written in {:.1} s", size >> 20, begun.elapsed().as_secs_f64());
    let store = open(&path);
    let text = anchors.join("\n");
    let whole = measure(&store, Part::WHOLE, None);
    println!(
        "whole journal, chain alone: {:.2} s ({:.0} entries a second)",
        whole.as_secs_f64(),
        entries as f64 / whole.as_secs_f64()
    );
    let whole = measure(&store, Part::WHOLE, Some(text.clone()));
    println!("whole journal against {} anchors: {:.2} s (wanted: under 30 s)", anchors.len(), whole.as_secs_f64());
    let middle = JournalSeq(entries / 2);
    let part = measure(&store, Part { from: middle, to: middle }, Some(text));
    println!("the segment of one entry ({BETWEEN_ANCHORS} entries): {:.1} ms", part.as_secs_f64() * 1e3);
}

fn open(path: &Path) -> Store {
    let person = Person { uid: 0, name: "bench".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: 1, person };
    let now = Arc::new(|| (Timestamp::from_millis(1_800_000_000_000), Duration::from_secs(1)));
    Store::open(path, OpenOptions { identity, now }).unwrap()
}

/// Chains entries to the first one; the lines of the anchors.
fn fill(path: &Path, entries: i64) -> Vec<String> {
    let mut connection = Connection::open(path).unwrap();
    let first: String = connection.query_row("SELECT hash FROM journal", [], |row| row.get(0)).unwrap();
    let database = path.canonicalize().unwrap().display().to_string();
    let transaction = connection.transaction().unwrap();
    let (mut previous, mut anchors) = (first.clone(), Vec::new());
    for seq in 2..=entries {
        let entry = StoredEntry::chain(JournalSeq(seq), made_up(seq), previous);
        transaction
            .prepare_cached(
                "INSERT INTO journal (seq, incident, version, about, context, payload, previous, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .unwrap()
            .execute(params![
                seq,
                entry.incident.map(|id| id.0),
                entry.version,
                entry.about,
                entry.context,
                entry.payload,
                entry.previous,
                entry.hash
            ])
            .unwrap();
        previous = entry.hash;
        if seq % BETWEEN_ANCHORS == 0 {
            let (host, at) = ("bench".to_owned(), Timestamp::from_millis(seq));
            let (database, journal, hash) = (database.clone(), first.clone(), previous.clone());
            let anchor = Anchor { database, host, journal, seq: JournalSeq(seq), hash, at, cause: AnchorCause::Time };
            anchors.push(anchor.to_line().unwrap());
        }
    }
    transaction.commit().unwrap();
    anchors
}

fn made_up(seq: i64) -> NewEntry {
    let about = format!(
        "{{\"proposal\":{seq},\"step\":{{\"sop\":\"bundled/disk-full.md\",\"node\":\"mitigation/3/cmd\",\"revision\":\"{0}\"}},\
         \"digest\":\"{0}\",\"target\":\"web-1\",\"risk\":\"read\",\"rules\":[\"du only looks\"]}}",
        "d".repeat(64)
    );
    NewEntry {
        incident: Some(IncidentId(seq % 5_000 + 1)),
        about: Some(about),
        context: format!(
            "{{\"at\":\"2026-03-01T02:14:00.000Z\",\"monotonic_ms\":{seq},\"boot_id\":\"6d3a4c6e-1f0e-4a55-9a3a-0f4d8a9b7c21\",\
             \"host\":\"web-1\",\"pid\":4711,\"actor\":{{\"kind\":\"person\",\"uid\":1000,\"name\":\"ada\",\"login_uid\":1000,\
             \"ssh_peer\":\"192.0.2.7:50022\",\"tty\":\"/dev/pts/3\"}}}}"
        ),
        payload: format!(
            "{{\"type\":\"granted\",\"proposal\":{seq},\"digest\":\"{0}\",\"rendered\":\"{0}\",\"terminal\":[80,24],\
             \"expires_at\":\"2026-03-01T02:15:00.000Z\"}}",
            "e".repeat(64)
        ),
    }
}

/// How long verifying takes. What is named by hash is not there: erased, which is looked for all the same.
fn measure(store: &Store, part: Part, anchors: Option<String>) -> Duration {
    let known = anchors.map(|text| KnownAnchors { text, need: AnchorNeed::Required });
    let begun = Instant::now();
    let report =
        store.read_view_blocking(move |reader| reader.verify_part(part, known.as_ref(), &mut |_| Ok(None))).unwrap();
    let took = begun.elapsed();
    assert!(report.ok, "{report:?}");
    took
}

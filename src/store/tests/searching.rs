//! The search index: what is found, in which order, and that it can always be made anew.

use std::time::Duration;

use super::support::{Bench, actor, firing, labels};
use crate::domain::alert::Alert;
use crate::domain::id::{IncidentId, SopId};
use crate::domain::incident::IncidentCommand;
use crate::domain::search::{DocumentText, Query, document};
use crate::domain::sop::parse;
use crate::store::{FoundIn, IncidentFound, MemoryIndex, Needs, Reader, SopFound, StoreError};

const DISK: &str = "# Disk full\n\n## Mitigation\n\n1. Remove the rotated logs of the PostgreSQL server:\n\n   ```sh\n   \
                    find /var/log -name '*.gz' -delete\n   ```\n2. Tell the team.\n";
const CRASH: &str = "# KubePodCrashLooping\n\n## Meaning\n\nThe disk may be full.\n\n## Diagnosis\n\n1. Look at \
                     `kube_pod_container_status_restarts_total` of orders-db-0.\n";
const JAPANESE: &str = "# ディスク満杯\n\n1. ログを削除する。\n";

fn read(id: &str, text: &str) -> DocumentText {
    document(&parse(&SopId::from(id), text.as_bytes()))
}

fn documents() -> Vec<DocumentText> {
    vec![read("disk.md", DISK), read("crash.md", CRASH), read("ja.md", JAPANESE)]
}

fn query(text: &str) -> Query {
    Query::parse(text)
}

async fn indexed() -> Bench {
    let bench = Bench::new();
    assert!(bench.store.prepare_search().await.unwrap());
    bench.store.index_sops(documents()).await.unwrap();
    bench
}

async fn find(bench: &Bench, text: &str) -> Vec<SopFound> {
    try_find(bench, text).await.unwrap()
}

async fn try_find(bench: &Bench, text: &str) -> Result<Vec<SopFound>, StoreError> {
    let query = query(text);
    let find = move |reader: &Reader<'_>| {
        let all = reader.find_in_sops(&query, Needs::All, 20, |_, _| true)?;
        if all.is_empty() { reader.find_in_sops(&query, Needs::Any, 20, |_, _| true) } else { Ok(all) }
    };
    bench.store.read_view(find).await
}

async fn find_incidents(bench: &Bench, text: &str) -> Vec<IncidentFound> {
    while bench.store.index_incidents(100).await.unwrap() > 0 {}
    let query = query(text);
    bench.store.read_view(move |reader| reader.find_incidents(&query, Needs::All, 20)).await.unwrap()
}

fn places(found: &[SopFound]) -> Vec<(&str, String)> {
    found.iter().map(|hit| (hit.sop.as_str(), hit.snippet.marked("[", "]"))).collect()
}

#[tokio::test]
async fn words_of_operations_are_found_however_they_are_typed() {
    let bench = indexed().await;
    for (text, sop, snippet) in [
        ("crashlooping", "crash.md", "KubePod[CrashLooping]"),
        ("crashl", "crash.md", "KubePod[CrashLooping]"),
        ("pod crash", "crash.md", "Kube[Pod][Crash]Looping"),
        ("container_status", "crash.md", "Look at kube_pod_[container_status]_restarts_total of orders-db-0."),
        ("ORDERS-DB", "crash.md", "Look at kube_pod_container_status_restarts_total of [orders-db]-0."),
        ("ordersdb", "crash.md", "Look at kube_pod_container_status_restarts_total of [orders-db]-0."),
        ("/var/log", "disk.md", "find /[var/log] -name '*.gz' -delete"),
        ("postgresql", "disk.md", "Remove the rotated logs of the [PostgreSQL] server:"),
        ("postgres", "disk.md", "Remove the rotated logs of the [Postgre]SQL server:"),
        ("ログを削", "ja.md", "[ログを削]除する。"),
        ("満杯", "ja.md", "ディスク[満杯]"),
    ] {
        let found = find(&bench, text).await;
        assert!(!found.is_empty(), "{text}");
        assert_eq!(places(&found)[0], (sop, snippet.to_owned()), "{text}");
    }
}

#[tokio::test]
async fn all_words_are_wanted_in_the_place_or_on_the_way_to_it_and_one_at_least_if_there_is_no_such_place() {
    let bench = indexed().await;
    let found = find(&bench, "disk rotated delete").await;
    assert_eq!(places(&found), [("disk.md", "find /var/log -name '*.gz' -[delete]".to_owned())]);
    assert_eq!(found[0].path, "Mitigation > Remove the rotated logs of the PostgreSQL server:");
    let found = find(&bench, "delete nonsense").await;
    assert_eq!(found[0].sop.as_str(), "disk.md");
    assert_eq!(find(&bench, "nonsense").await, []);
}

#[tokio::test]
async fn titles_weigh_more_than_steps_and_steps_more_than_prose() {
    let bench = indexed().await;
    let found = find(&bench, "disk full").await;
    assert_eq!(places(&found)[0], ("disk.md", "[Disk] [full]".to_owned()));
    assert!(found.iter().any(|hit| hit.sop.as_str() == "crash.md"));
    assert!(found.is_sorted_by(|one, other| one.score >= other.score) && found.iter().all(|hit| hit.score > 0.0));
}

#[tokio::test]
async fn of_one_document_a_few_places_are_enough() {
    let bench = Bench::new();
    bench.store.prepare_search().await.unwrap();
    let many: String = (1..50).map(|number| format!("{number}. Look at the disk.\n")).collect();
    bench.store.index_sops(vec![read("many.md", &many), read("one.md", "1. Look at the disk.\n")]).await.unwrap();
    let found = find(&bench, "disk").await;
    assert_eq!(found.iter().filter(|hit| hit.sop.as_str() == "many.md").count(), 3);
    assert_eq!(found.iter().filter(|hit| hit.sop.as_str() == "one.md").count(), 1);
}

#[tokio::test]
async fn nothing_that_is_typed_is_a_mistake() {
    let bench = indexed().await;
    for text in
        ["\"", "disk AND", "NEAR(", "a* OR *", "{title}: x", "^disk", "-disk", "'; DROP", "", "   ", "col:val", "\u{0}"]
    {
        try_find(&bench, text).await.unwrap();
    }
    assert_eq!(find(&bench, "\"disk").await, find(&bench, "disk").await);
}

#[tokio::test]
async fn a_document_that_changes_is_found_by_its_new_words_and_old_ones_go() {
    let bench = indexed().await;
    let new = read("disk.md", "# Quota exceeded\n\n1. Look.\n");
    let revision = new.revision.clone();
    bench.store.index_sops(vec![new]).await.unwrap();
    let counts = move |sop: &SopId, has: &str| sop.as_str() != "disk.md" || has == revision;
    let found = |text: &'static str| {
        let (counts, query) = (counts.clone(), query(text));
        bench.store.read_view(move |reader| reader.find_in_sops(&query, Needs::All, 20, counts))
    };
    assert_eq!(found("rotated").await.unwrap(), []);
    assert_eq!(found("quota").await.unwrap()[0].sop.as_str(), "disk.md");
    // The old one is kept for others until nobody has used it for long.
    assert_eq!(find(&bench, "rotated").await[0].sop.as_str(), "disk.md");
    bench.clock.advance(Duration::from_secs(120));
    let known = bench.store.read_view(|reader| reader.indexed_sops()).await.unwrap();
    let used = known.into_iter().skip(1).collect();
    bench.store.see_sops(used).await.unwrap();
    assert_eq!(bench.store.forget_sops(Duration::from_secs(60), 10).await.unwrap(), 1);
    assert_eq!(find(&bench, "rotated").await, []);
    assert!(!find(&bench, "quota").await.is_empty());
}

#[tokio::test]
async fn the_same_document_twice_is_found_once() {
    let bench = indexed().await;
    bench.store.index_sops(documents()).await.unwrap();
    assert_eq!(find(&bench, "crashlooping").await.len(), 1);
    let raw = bench.raw();
    let rows =
        |table: &str| raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows("search_node"), rows("search_sop_docsize"));
    assert_eq!(rows("search_document"), 3);
}

fn described(name: &str, fingerprint: &str, summary: &str) -> Alert {
    Alert { annotations: labels(&[("summary", summary)]), ..firing(name, fingerprint, 0) }
}

#[tokio::test]
async fn incidents_are_found_by_title_labels_and_annotations() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.store.prepare_search().await.unwrap();
    let alerts = vec![
        described("KubePodCrashLooping", "node-7", "the pod restarts"),
        described("DiskFull", "db-3", "93 % of the volume are used"),
    ];
    bench.ingest(&fence, alerts).await;
    for (text, id, snippet) in [
        ("crashloop", 1, "alertname=KubePod[CrashLooping]"),
        ("restarts", 1, "the pod [restarts]"),
        ("instance=db-3", 2, "alertname=DiskFull [instance=db-3] severity=warning"),
        ("volume", 2, "93 % of the [volume] are used"),
    ] {
        let found = find_incidents(&bench, text).await;
        assert_eq!(found.iter().map(|hit| hit.id).collect::<Vec<_>>(), [IncidentId(id)], "{text}");
        let shown = found[0].snippet.marked("[", "]");
        assert!(shown.contains(snippet), "{text}: {shown}");
    }
}

#[tokio::test]
async fn an_incident_is_indexed_again_when_it_gets_other_words_and_only_then() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.store.prepare_search().await.unwrap();
    bench.ingest(&fence, vec![firing("DiskFull", "db-3", 0)]).await;
    assert_eq!(bench.store.index_incidents(100).await.unwrap(), 1);
    bench.ingest(&fence, vec![firing("DiskFull", "db-3", 0)]).await;
    assert!(!bench.store.read_view(|reader| reader.incidents_unindexed()).await.unwrap(), "a repeat has no news");
    bench.ingest(&fence, vec![firing("DiskFull", "web-9", 0)]).await;
    assert!(bench.store.read_view(|reader| reader.incidents_unindexed()).await.unwrap());
    assert_eq!(find_incidents(&bench, "web-9").await.len(), 1);
    assert_eq!(find_incidents(&bench, "db-3").await.len(), 1);
}

#[tokio::test]
async fn notes_are_found_until_they_are_retracted() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.store.prepare_search().await.unwrap();
    bench.ingest(&fence, vec![firing("DiskFull", "db-3", 0)]).await;
    assert_eq!(find_incidents(&bench, "db-3").await[0].found_in, FoundIn::Alert);
    let note = IncidentCommand::Note("Swapped the backplane,\nticket OPS-4711".to_owned());
    bench.store.incident_command(IncidentId(1), note, &actor("ada")).await.unwrap();
    assert!(bench.store.read_view(|reader| reader.incidents_unindexed()).await.unwrap(), "only this one is behind");
    let found = find_incidents(&bench, "backplane ops-4711").await;
    assert_eq!((found[0].id, found[0].found_in), (IncidentId(1), FoundIn::Note));
    let shown = found[0].snippet.marked("[", "]");
    assert!(shown.contains("Swapped the [backplane]") && !shown.contains("note:"), "{shown}");
    // What else happens to it is no note, whatever it says.
    let raw = bench.raw();
    raw.execute("INSERT INTO timeline (incident, at, who, what) VALUES (1, 0, 'am', 'note: xyzzy')", []).unwrap();
    assert!(!bench.store.read_view(|reader| reader.incidents_unindexed()).await.unwrap());
    bench.store.undo_incident(IncidentId(1), &actor("ada")).await.unwrap();
    assert!(bench.store.read_view(|reader| reader.incidents_unindexed()).await.unwrap());
    assert_eq!(find_incidents(&bench, "backplane").await, []);
    assert_eq!(find_incidents(&bench, "xyzzy").await, []);
}

#[tokio::test]
async fn indexing_is_no_change_that_screens_would_load_for() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("DiskFull", "db-3", 0)]).await;
    let mut changes = bench.store.follow();
    changes.mark_unchanged();
    bench.store.prepare_search().await.unwrap();
    bench.store.index_sops(documents()).await.unwrap();
    assert_eq!(bench.store.index_incidents(100).await.unwrap(), 1);
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test]
async fn a_missing_index_finds_nothing_and_is_made_anew_with_every_incident() {
    let bench = indexed().await;
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("DiskFull", "db-3", 0)]).await;
    assert_eq!(find_incidents(&bench, "db-3").await.len(), 1);
    bench.raw().execute_batch("DROP TABLE search_incident").unwrap();
    assert_eq!(find(&bench, "disk").await, []);
    // Receiving goes on without an index.
    bench.ingest(&fence, vec![firing("Other", "db-4", 0)]).await;
    assert!(bench.store.prepare_search().await.unwrap());
    assert!(!bench.store.prepare_search().await.unwrap());
    assert_eq!(find_incidents(&bench, "db-3").await.len(), 1);
    assert_eq!(find_incidents(&bench, "db-4").await.len(), 1);
    bench.raw().execute_batch("UPDATE search_format SET version = 0").unwrap();
    assert!(bench.store.prepare_search().await.unwrap(), "an index of another format is made anew");
}

#[tokio::test]
async fn a_damaged_index_is_named_made_anew_and_keeps_nobody_from_approving() {
    let bench = indexed().await;
    bench.store.quick_check().await.unwrap();
    let changed = bench.raw().execute("UPDATE search_sop_data SET block = zeroblob(40) WHERE id > 10", []).unwrap();
    assert!(changed > 0);
    let error = try_find(&bench, "disk").await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    bench.store.quick_check().await.unwrap();
    bench.store.renew_search().await.unwrap();
    assert_eq!(find(&bench, "disk").await, []);
    bench.store.index_sops(documents()).await.unwrap();
    assert!(!find(&bench, "disk").await.is_empty());
}

#[test]
fn an_index_in_memory_finds_the_same() {
    let index = MemoryIndex::of(documents()).unwrap();
    let found = index.find(&query("crashlooping"), 5).unwrap();
    assert_eq!(places(&found), [("crash.md", "KubePod[CrashLooping]".to_owned())]);
}

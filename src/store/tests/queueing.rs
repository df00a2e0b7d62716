//! The queue: order, windows, pins, filters.

use std::time::Duration;

use proptest::prelude::*;

use super::support::{Bench, actor, everything, firing, resolved, with_severity};
use crate::domain::id::IncidentId;
use crate::domain::incident::IncidentCommand;
use crate::domain::time::Timestamp;
use crate::store::view::{QueueAnchor, QueueQuery};

async fn ids(bench: &Bench, query: QueueQuery) -> Vec<i64> {
    let window = bench.store.queue(query).await.unwrap();
    window.rows.iter().map(|row| row.id.0).collect()
}

/// Incidents 1 to 5 by severity; 2 and 4 are resolved, 4 last.
async fn five() -> Bench {
    let bench = Bench::new();
    let fence = bench.fence().await;
    for (n, severity) in ["info", "critical", "warning", "critical", "page"].into_iter().enumerate() {
        let (name, starts) = (format!("Alert{}", n + 1), i64::try_from(n).unwrap());
        bench.ingest(&fence, vec![with_severity(firing(&name, &name, starts), severity)]).await;
    }
    for (name, starts) in [("Alert2", 1), ("Alert4", 3)] {
        bench.clock.advance(Duration::from_secs(1));
        bench.ingest(&fence, vec![with_severity(resolved(name, name, starts, 9), "critical")]).await;
    }
    bench
}

#[tokio::test]
async fn unresolved_by_severity_then_resolved_newest_first() {
    let bench = five().await;
    assert_eq!(ids(&bench, everything()).await, [5, 3, 1, 4, 2]);
    let since = bench.clock.now();
    assert_eq!(ids(&bench, QueueQuery { resolved_since: since, ..everything() }).await, [5, 3, 1, 4]);
    let later = since.plus(Duration::from_millis(1));
    assert_eq!(ids(&bench, QueueQuery { resolved_since: later, ..everything() }).await, [5, 3, 1]);
}

#[tokio::test]
async fn older_and_lower_numbers_come_first_within_a_severity() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    for (name, starts) in [("A", 30), ("B", 10), ("C", 20), ("D", 10)] {
        bench.ingest(&fence, vec![firing(name, name, starts)]).await;
    }
    assert_eq!(ids(&bench, everything()).await, [2, 4, 3, 1]);
}

#[tokio::test]
async fn a_pinned_incident_stays_where_it_was() {
    let bench = five().await;
    let pinned = |id| QueueQuery { pinned: Some(IncidentId(id)), ..everything() };
    assert_eq!(ids(&bench, pinned(2)).await, [5, 2, 3, 1, 4]);
    assert_eq!(ids(&bench, pinned(4)).await, [5, 4, 3, 1, 2]);
    assert_eq!(ids(&bench, pinned(3)).await, [5, 3, 1, 4, 2]);
    assert_eq!(ids(&bench, pinned(99)).await, [5, 3, 1, 4, 2]);
    // Also when it ended too long ago to be shown otherwise.
    let now = bench.clock.now().plus(Duration::from_secs(1));
    let window = bench.store.queue(QueueQuery { resolved_since: now, ..pinned(2) }).await.unwrap();
    assert_eq!(window.total, 4);
    assert_eq!(ids(&bench, QueueQuery { resolved_since: now, ..pinned(2) }).await, [5, 2, 3, 1]);
}

#[tokio::test]
async fn a_window_lies_around_an_incident() {
    let bench = five().await;
    let around = |id, limit| QueueQuery { anchor: QueueAnchor::Around(IncidentId(id)), limit, ..everything() };
    assert_eq!(ids(&bench, around(1, 3)).await, [3, 1, 4]);
    assert_eq!(ids(&bench, around(5, 3)).await, [5, 3, 1]);
    assert_eq!(ids(&bench, around(2, 3)).await, [1, 4, 2]);
    assert_eq!(ids(&bench, around(99, 2)).await, [5, 3]);
    let pinned = QueueQuery { pinned: Some(IncidentId(2)), ..around(2, 3) };
    assert_eq!(ids(&bench, pinned).await, [5, 2, 3]);
    let old = QueueQuery { resolved_since: bench.clock.now(), ..around(2, 2) };
    assert_eq!(ids(&bench, old).await, [5, 3]);
    let window = bench.store.queue(QueueQuery { anchor: QueueAnchor::Rank(9), ..everything() }).await.unwrap();
    assert_eq!((window.total, window.start, window.rows.len()), (5, 5, 0));
}

#[tokio::test]
async fn a_filter_finds_title_severity_state_owner_and_labels() {
    let bench = five().await;
    let filter = |text: &str| QueueQuery { filter: text.to_owned(), ..everything() };
    assert_eq!(ids(&bench, filter("alert3")).await, [3]);
    assert_eq!(ids(&bench, filter("INSTANCE=alert5")).await, [5]);
    assert_eq!(ids(&bench, filter("resolved critical")).await, [4, 2]);
    assert_eq!(ids(&bench, filter("resolved page")).await, [0_i64; 0]);
    assert_eq!(ids(&bench, filter("bob")).await, [0_i64; 0]);
    bench.store.incident_command(IncidentId(3), IncidentCommand::Acknowledge, &actor("Bob")).await.unwrap();
    assert_eq!(ids(&bench, filter("bob")).await, [3]);
    assert_eq!(ids(&bench, filter("acknowledged")).await, [3]);
    assert_eq!(ids(&bench, filter("open")).await, [5, 1]);
    assert_eq!(ids(&bench, filter("100% _ ' \"")).await, [0_i64; 0]);
    let pinned = |text: &str| QueueQuery { pinned: Some(IncidentId(2)), ..filter(text) };
    assert_eq!(ids(&bench, pinned("alert")).await, [5, 2, 3, 1, 4]);
    assert_eq!(ids(&bench, pinned("alert3")).await, [3]);
}

#[tokio::test]
async fn labels_of_later_alerts_are_found_too() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "db-1", 1)]).await;
    bench.ingest(&fence, vec![firing("Disk", "db-2", 2)]).await;
    for text in ["db-1", "db-2", "instance=db-2 disk"] {
        assert_eq!(ids(&bench, QueueQuery { filter: text.to_owned(), ..everything() }).await, [1], "{text}");
    }
}

/// The whole queue, read in windows of `limit` rows.
async fn paged(bench: &Bench, query: &QueueQuery, limit: u32) -> Vec<i64> {
    let mut all = Vec::new();
    loop {
        let start = u32::try_from(all.len()).unwrap();
        let window =
            bench.store.queue(QueueQuery { anchor: QueueAnchor::Rank(start), limit, ..query.clone() }).await.unwrap();
        if window.rows.is_empty() {
            assert_eq!(window.total, start);
            return all;
        }
        all.extend(window.rows.iter().map(|row| row.id.0));
    }
}

async fn check_windows(incidents: &[(u8, bool)], pin: usize, limit: u32, age: u64) {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let severities = ["page", "critical", "warning"];
    for (n, (severity, over)) in incidents.iter().enumerate() {
        let (name, starts) = (format!("A{n}"), i64::from(severity % 2));
        let severity = severities[usize::from(*severity) % severities.len()];
        bench.ingest(&fence, vec![with_severity(firing(&name, &name, starts), severity)]).await;
        if *over {
            bench.clock.advance(Duration::from_secs(1));
            bench.ingest(&fence, vec![with_severity(resolved(&name, &name, starts, 2), severity)]).await;
        }
    }
    let pinned = Some(IncidentId(i64::try_from(pin).unwrap()));
    let resolved_since = bench.clock.now().minus(Duration::from_secs(age));
    let plain = QueueQuery { pinned, resolved_since, ..everything() };
    let whole = ids(&bench, plain.clone()).await;
    let mut unique = whole.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), whole.len(), "an incident stands twice: {whole:?}");
    assert_eq!(paged(&bench, &plain, limit).await, whole);
    // A filter that everything passes takes the other way and must give the same.
    let filtered = QueueQuery { filter: "alertname=a".to_owned(), ..plain.clone() };
    assert_eq!(paged(&bench, &filtered, limit).await, whole);
    for query in [&plain, &filtered] {
        for id in &whole {
            let anchor = QueueAnchor::Around(IncidentId(*id));
            let around = ids(&bench, QueueQuery { anchor, limit, ..query.clone() }).await;
            assert!(around.contains(id), "{id} is not in the window around it: {around:?} of {whole:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn windows_are_parts_of_one_order(
        incidents in prop::collection::vec((0_u8..6, any::<bool>()), 1..9),
        pin in 1_usize..9,
        limit in 1_u32..5,
        age in 0_u64..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check_windows(&incidents, pin, limit, age));
    }
}

#[tokio::test]
async fn rows_show_what_the_incident_is() {
    let bench = five().await;
    let row = bench.store.queue(everything()).await.unwrap().rows.remove(0);
    let incident = bench.incident(5).await;
    assert_eq!((row.title, row.severity, row.state), (incident.title, incident.severity, incident.state));
    assert_eq!((row.firing, row.opened_at), (1, incident.opened_at));
    assert_eq!(row.opened_at, Timestamp::from_millis(super::support::START + 4));
}

//! From batches to incidents: deduplication, reopening, order, reconciliation, quarantine.

use std::time::Duration;

use super::support::{Bench, START, everything, firing, resolved, with_severity};
use crate::domain::alert::{AlertStatus, Severity};
use crate::domain::id::{IncidentId, SourceId};
use crate::domain::incident::IncidentState;
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::view::{HealthState, SourceHealth};
use crate::store::{IngestReport, QUARANTINE_BODY_LIMIT, QUARANTINE_ROWS, QUARANTINE_SHOWN};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_first_alert_opens_an_incident_and_its_end_resolves_it() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let opened = bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    assert_eq!(opened, IngestReport { alerts: 1, news: 1, opened: 1, ..IngestReport::default() });
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.firing), (IncidentState::Open, 1));
    assert_eq!(incident.opened_at, Timestamp::from_millis(START + 10));

    bench.clock.advance(MINUTE);
    let ended = bench.ingest(&fence, vec![resolved("Disk", "a", 10, 50)]).await;
    assert_eq!(ended, IngestReport { alerts: 1, news: 1, resolved: 1, ..IngestReport::default() });
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.firing), (IncidentState::Resolved, 0));
    assert_eq!(incident.resolved_at, Some(bench.clock.now()));
    let lines = bench.timeline(1).await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("opened") && lines[2].starts_with("resolved"), "{lines:?}");
}

#[tokio::test]
async fn a_repeated_delivery_counts_and_says_nothing() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    let (journal, changes) = (bench.journal().await.len(), *bench.store.follow().borrow());
    bench.clock.advance(MINUTE);
    let mut again = firing("Disk", "a", 10);
    again.annotations.insert("value".to_owned(), "98".to_owned());
    let report = bench.ingest(&fence, vec![again.clone(), again]).await;
    assert_eq!(report, IngestReport { alerts: 2, ..IngestReport::default() });
    assert_eq!(bench.journal().await.len(), journal);
    assert_eq!(*bench.store.follow().borrow(), changes);
    let alert = bench.store.detail(IncidentId(1)).await.unwrap().unwrap().alerts.remove(0);
    assert_eq!(alert.deliveries, 3);
    assert_eq!(alert.annotations["value"], "98");
}

#[tokio::test]
async fn an_alert_within_the_window_reopens_and_a_later_one_opens_anew() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 10, 20)]).await;
    bench.clock.advance(29 * MINUTE);
    let again = bench.ingest(&fence, vec![firing("Disk", "a", 1_000_000)]).await;
    assert_eq!((again.reopened, again.opened), (1, 0));
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.reopened, incident.firing), (IncidentState::Open, 1, 1));
    assert_eq!(incident.opened_at, Timestamp::from_millis(START + 1_000_000));

    bench.ingest(&fence, vec![resolved("Disk", "a", 1_000_000, 1_000_001)]).await;
    bench.clock.advance(31 * MINUTE);
    let anew = bench.ingest(&fence, vec![firing("Disk", "a", 3_000_000)]).await;
    assert_eq!((anew.reopened, anew.opened), (0, 1));
    assert_eq!(bench.incident(2).await.firing, 1);
    assert_eq!(bench.incident(1).await.state, IncidentState::Resolved);
}

#[tokio::test]
async fn a_later_firing_of_the_same_alert_supersedes_the_earlier_one() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    bench.ingest(&fence, vec![firing("Disk", "a", 500)]).await;
    let detail = bench.store.detail(IncidentId(1)).await.unwrap().unwrap();
    assert_eq!((detail.incident.firing, detail.alerts_total), (1, 2));
    assert_eq!(detail.alerts[0].starts_at, Timestamp::from_millis(START + 500));
    assert_eq!(detail.alerts[1].status, AlertStatus::Resolved);
    assert_eq!(detail.alerts[1].ends_at, Some(Timestamp::from_millis(START + 500)));
    // The late end of the first one changes nothing.
    let late = bench.ingest(&fence, vec![resolved("Disk", "a", 10, 400)]).await;
    assert_eq!(late.news, 0);
    assert_eq!(bench.incident(1).await.state, IncidentState::Open);
}

#[tokio::test]
async fn a_late_firing_does_not_reopen_what_is_over() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 10, 20)]).await;
    assert_eq!(bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await.news, 0);
    assert_eq!(bench.incident(1).await.state, IncidentState::Resolved);
    // The end arrives first, the beginning later: there never is an incident.
    assert_eq!(bench.ingest(&fence, vec![resolved("Net", "b", 10, 20)]).await.news, 0);
    assert_eq!(bench.ingest(&fence, vec![firing("Net", "b", 10)]).await.news, 0);
    assert_eq!(bench.store.queue(everything()).await.unwrap().total, 1);
}

#[tokio::test]
async fn one_batch_with_an_end_and_a_beginning_does_not_resolve_in_between() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    let report = bench.ingest(&fence, vec![resolved("Disk", "a", 10, 20), firing("Disk", "b", 15)]).await;
    assert_eq!((report.resolved, report.reopened, report.joined, report.news), (0, 0, 1, 2));
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.firing), (IncidentState::Open, 1));
}

#[tokio::test]
async fn the_most_urgent_firing_alert_gives_the_severity() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    assert_eq!(bench.incident(1).await.severity, Severity::Warning);
    bench.ingest(&fence, vec![with_severity(firing("Disk", "b", 20), "P1")]).await;
    let incident = bench.incident(1).await;
    assert_eq!((incident.severity, incident.severity_raw.as_str()), (Severity::Critical, "P1"));
    bench.ingest(&fence, vec![with_severity(resolved("Disk", "b", 20, 30), "P1")]).await;
    assert_eq!(bench.incident(1).await.severity, Severity::Warning);
    bench.ingest(&fence, vec![resolved("Disk", "a", 10, 30)]).await;
    let incident = bench.incident(1).await;
    assert_eq!((incident.severity, incident.state), (Severity::Warning, IncidentState::Resolved));
    let lines = bench.timeline(1).await;
    let changes = lines.iter().filter(|line| line.starts_with("severity changed")).count();
    assert_eq!(changes, 2, "{lines:?}");
}

#[tokio::test]
async fn many_alerts_of_one_batch_are_one_line_and_one_entry() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let before = bench.journal().await.len();
    let storm = (0..100).map(|n| firing("Disk", &format!("f{n}"), n)).collect();
    let report = bench.ingest(&fence, storm).await;
    assert_eq!((report.opened, report.joined, report.news), (1, 99, 100));
    let journal = bench.journal().await;
    assert_eq!(journal.len(), before + 1);
    assert!(matches!(&journal[before], Payload::Ingested { alerts: 100, news: 100, incidents: [1, 0, 0], .. }));
    let lines = bench.timeline(1).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("99 alerts joined"), "{lines:?}");
}

#[tokio::test]
async fn reconciling_ends_what_is_gone_unless_it_was_delivered_since() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1), firing("Net", "b", 2), firing("Cpu", "c", 3)]).await;
    bench.clock.advance(MINUTE);
    let asked = bench.clock.now();
    bench.clock.advance(Duration::from_secs(1));
    bench.ingest(&fence, vec![firing("Net", "b", 2), firing("Late", "d", 70_000)]).await;
    let report = bench.reconcile(&fence, asked, vec![firing("Cpu", "c", 3)]).await;
    assert_eq!((report.resolved, report.news), (1, 1));
    assert_eq!(bench.incident(1).await.state, IncidentState::Resolved);
    for id in [2, 3, 4] {
        assert_eq!(bench.incident(id).await.state, IncidentState::Open, "incident {id}");
    }
    // An inferred end is corrected by the next delivery of that firing.
    let corrected = bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    assert_eq!((corrected.reopened, corrected.news), (1, 1));
    assert_eq!(bench.incident(1).await.firing, 1);
}

#[tokio::test]
async fn reconciling_leaves_other_sources_alone_and_brings_what_was_missed() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.clock.advance(MINUTE);
    let other = crate::domain::alert::AlertBatch {
        source: "other".into(),
        origin: crate::domain::alert::BatchOrigin::Reconcile { as_of: bench.clock.now(), known_since: None },
        alerts: vec![firing("Net", "b", 5)],
        digest: String::new(),
    };
    let report = bench.store.ingest(fence, other, MINUTE).await.unwrap();
    assert_eq!((report.opened, report.resolved), (1, 0));
    assert_eq!(bench.incident(1).await.state, IncidentState::Open);
}

#[tokio::test]
async fn the_present_answer_of_the_source_outweighs_an_end_it_sent_before() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 5)]).await;
    let stale = bench.reconcile(&fence, Timestamp::from_millis(START - 1), vec![firing("Disk", "a", 1)]).await;
    assert_eq!(stale.news, 0);
    bench.clock.advance(MINUTE);
    let now = bench.clock.now();
    let present = bench.reconcile(&fence, now, vec![firing("Disk", "a", 1)]).await;
    assert_eq!((present.news, present.reopened), (1, 1));
}

#[tokio::test]
async fn changed_labels_of_a_firing_are_news() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let changed = with_severity(firing("Disk", "a", 1), "critical");
    assert_eq!(bench.ingest(&fence, vec![changed]).await.news, 1);
    assert_eq!(bench.incident(1).await.severity, Severity::Critical);
}

#[tokio::test]
async fn quarantine_is_bounded_and_journaled() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let source = SourceId::from("am");
    let long = vec![b'x'; QUARANTINE_BODY_LIMIT + 7];
    bench.store.quarantine(&fence, &source, "too long", long).await.unwrap();
    let (kept, length): (i64, i64) = bench
        .raw()
        .query_row("SELECT length(body), body_bytes FROM quarantine", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((kept, length), (1 << 20, (1 << 20) + 7));
    bench.store.quarantine(&fence, &"other".into(), "no JSON", b"{\xff".to_vec()).await.unwrap();
    let shown = bench.store.read_view(|reader| reader.quarantined(10)).await.unwrap();
    let brief: Vec<_> =
        shown.iter().map(|body| (body.source.as_str(), &*body.reason, body.bytes, body.beginning.len())).collect();
    assert_eq!(brief, [("other", "no JSON", 2, 2), ("am", "too long", (1 << 20) + 7, QUARANTINE_SHOWN)]);
    assert_eq!(shown[0].beginning, b"{\xff");
    assert_eq!(bench.store.read_view(|reader| reader.quarantined(1)).await.unwrap(), shown[..1]);
    assert!(matches!(bench.journal().await.last(), Some(Payload::Quarantined { .. })));
    let mut waiting = Vec::new();
    for _ in 0..QUARANTINE_ROWS + 5 {
        let (store, fence, source) = (bench.store.clone(), fence.clone(), source.clone());
        waiting.push(tokio::spawn(async move { store.quarantine(&fence, &source, "no JSON", b"{".to_vec()).await }));
    }
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(i64::from(bench.store.header().await.unwrap().quarantined), QUARANTINE_ROWS);
}

#[tokio::test]
async fn health_is_written_when_it_changes_only() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let health = |state, at| SourceHealth {
        source: "am".into(),
        channel: "api".to_owned(),
        state,
        detail: String::new(),
        at: Timestamp::from_millis(at),
    };
    bench.store.set_health(&fence, health(HealthState::Ok, 1)).await.unwrap();
    let changes = *bench.store.follow().borrow();
    bench.store.set_health(&fence, health(HealthState::Ok, 2)).await.unwrap();
    assert_eq!(*bench.store.follow().borrow(), changes);
    assert_eq!(bench.store.header().await.unwrap().sources, vec![health(HealthState::Ok, 1)]);
    bench.store.set_health(&fence, health(HealthState::Down, 3)).await.unwrap();
    assert_eq!(bench.store.header().await.unwrap().sources, vec![health(HealthState::Down, 3)]);
    bench.store.keep_health_of(&fence, vec!["am".into()]).await.unwrap();
    assert_eq!(bench.store.header().await.unwrap().sources, vec![health(HealthState::Down, 3)]);
    bench.store.keep_health_of(&fence, vec!["other".into()]).await.unwrap();
    assert_eq!(bench.store.header().await.unwrap().sources, []);
}

#[tokio::test]
async fn a_process_that_was_overtaken_tells_nothing_of_sources_and_keeps_no_bodies() {
    let bench = Bench::new();
    let old = bench.fence().await;
    let fence = bench.fence().await;
    let health = SourceHealth {
        source: "am".into(),
        channel: "webhook".to_owned(),
        state: HealthState::Ok,
        detail: String::new(),
        at: Timestamp::from_millis(1),
    };
    bench.store.set_health(&fence, health.clone()).await.unwrap();
    let late = SourceHealth { state: HealthState::Down, ..health.clone() };
    let fenced = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Fenced { .. })));
    fenced(bench.store.set_health(&old, late).await);
    fenced(bench.store.keep_health_of(&old, Vec::new()).await);
    fenced(bench.store.quarantine(&old, &"am".into(), "no JSON", b"{".to_vec()).await);
    let header = bench.store.header().await.unwrap();
    assert_eq!((header.sources, header.quarantined), (vec![health], 0));
}

#[tokio::test]
async fn an_alert_that_a_person_works_on_is_loaded_whatever_came_after_it() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "worked-on", 1)]).await;
    let later = (2..=80).map(|number| firing("Disk", &format!("later-{number}"), number)).collect();
    bench.ingest(&fence, later).await;
    let id = IncidentId(1);
    let key = bench.store.read_view(move |reader| reader.detail(id)).await.unwrap().unwrap().alerts[0].key();
    let wanted = crate::domain::alert::AlertKey {
        fingerprint: "worked-on".to_owned(),
        starts_at: Timestamp::from_millis(START + 1),
        ..key
    };
    let sought = wanted.clone();
    let shown = bench.store.read_view(move |reader| reader.detail_to_show(id, Some(&sought))).await.unwrap().unwrap();
    assert_eq!(shown.alerts.iter().filter(|alert| alert.key() == wanted).count(), 1);
    let without = bench.store.read_view(move |reader| reader.detail_to_show(id, None)).await.unwrap().unwrap();
    assert!(without.alerts.iter().all(|alert| alert.key() != wanted), "it is not among the newest");
}

//! What people do to incidents, and the journal that remembers it.

use super::support::{Bench, actor, firing, resolved};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::incident::{IncidentCommand, IncidentEvent, IncidentState};
use crate::domain::journal::{Context, Payload};
use crate::store::CommandError;

const ID: IncidentId = IncidentId(1);

#[tokio::test]
async fn acknowledging_and_taking_it_back() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let (ada, bob) = (actor("ada"), actor("bob"));
    bench.store.incident_command(ID, IncidentCommand::Acknowledge, &ada).await.unwrap();
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.owner.as_deref()), (IncidentState::Acknowledged, Some("ada")));
    assert_eq!(bench.store.header().await.unwrap().acknowledged, 1);
    let Some(Payload::Incident { event: IncidentEvent::Acknowledged { by, before } }) = bench.journal().await.pop()
    else {
        panic!("{:?}", bench.journal().await)
    };
    assert_eq!((by.as_str(), before.unwrap().state), ("ada", IncidentState::Open));

    let length = bench.journal().await.len();
    let refused = bench.store.incident_command(ID, IncidentCommand::Acknowledge, &bob).await;
    assert!(matches!(refused, Err(CommandError::Refused(refusal)) if refusal.why.contains("ada")));
    assert_eq!(bench.journal().await.len(), length);

    bench.store.incident_command(ID, IncidentCommand::Unacknowledge, &bob).await.unwrap();
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.owner), (IncidentState::Open, None));
    assert_eq!(bench.timeline(1).await.last().unwrap(), "took the acknowledgement back");
}

#[tokio::test]
async fn a_reopened_incident_needs_a_new_acknowledgement() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.store.incident_command(ID, IncidentCommand::Acknowledge, &actor("ada")).await.unwrap();
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 5)]).await;
    assert_eq!(bench.incident(1).await.owner.as_deref(), Some("ada"));
    bench.ingest(&fence, vec![firing("Disk", "a", 10)]).await;
    let incident = bench.incident(1).await;
    assert_eq!((incident.state, incident.owner), (IncidentState::Open, None));
}

#[tokio::test]
async fn an_incident_that_does_not_exist_is_a_refusal() {
    let bench = Bench::new();
    let refused = bench.store.incident_command(IncidentId(7), IncidentCommand::Acknowledge, &actor("ada")).await;
    assert!(matches!(refused, Err(CommandError::Refused(refusal)) if refusal.why.contains('7')));
}

#[tokio::test]
async fn entries_say_who_when_and_where() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.store.incident_command(ID, IncidentCommand::Acknowledge, &actor("ada")).await.unwrap();
    let entries = bench.store.read_view(|reader| reader.entries(JournalSeq(0), 100)).await.unwrap();
    let last = entries.last().unwrap();
    assert_eq!(last.incident, Some(ID));
    let context: Context = serde_json::from_str(&last.context).unwrap();
    assert_eq!((context.at, context.actor, context.pid), (bench.clock.now(), actor("ada"), 1));
    let first: Payload = serde_json::from_str(&entries[0].payload).unwrap();
    assert!(matches!(first, Payload::Begun { .. }));
}

#[tokio::test]
async fn the_chain_verifies_until_someone_touches_it() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    for n in 0..20 {
        bench.ingest(&fence, vec![firing("Disk", &format!("f{n}"), n)]).await;
    }
    let report = bench.store.verify().await.unwrap();
    assert!(report.ok && report.broken.is_none());
    assert_eq!(report.entries, i64::try_from(bench.journal().await.len()).unwrap());

    let raw = bench.raw();
    let touched = raw.execute("UPDATE journal SET payload = replace(payload, 'am', 'xx') WHERE seq = 9", []);
    assert!(touched.unwrap_err().to_string().contains("append-only"));
    assert!(raw.execute("DELETE FROM journal WHERE seq = 9", []).is_err());
    raw.execute_batch(
        "DROP TRIGGER journal_is_append_only_update;
         UPDATE journal SET payload = replace(payload, 'am', 'xx') WHERE seq = 9",
    )
    .unwrap();
    let report = bench.store.verify().await.unwrap();
    assert_eq!((report.ok, report.entries), (false, 8));
    assert_eq!(report.broken.unwrap().seq, JournalSeq(9));
}

#[tokio::test]
async fn a_missing_entry_is_found() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    for n in 0..5 {
        bench.ingest(&fence, vec![firing("Disk", &format!("f{n}"), n)]).await;
    }
    bench.raw().execute_batch("DROP TRIGGER journal_is_append_only_delete; DELETE FROM journal WHERE seq = 3").unwrap();
    assert_eq!(bench.store.verify().await.unwrap().broken.unwrap().seq, JournalSeq(4));
}

//! A proposal through the whole backend: it takes its values from the alert that the person saw, and is bound to that one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aiops::domain::action::attempt::{Attempt, AttemptState};
use aiops::domain::action::build::Reads;
use aiops::domain::action::grant::Approval;
use aiops::domain::action::proposal::Proposal;
use aiops::domain::action::spec::{Invocation, Target, Word};
use aiops::domain::actor::{Actor, Person};
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::id::{NodeId, SopId};
use aiops::domain::procedure::NodeKind;
use aiops::domain::time::Timestamp;
use aiops::engine::backend::{
    Backend as _, BackendError, Command, Detail, Done, QueueAnchor, QueueQuery, SnapshotQuery,
};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::Clock as _;
use aiops::store::{INGEST_LEASE, LeaseOutcome, Store};

use crate::engine::{Console, INCIDENT, Scene};
use crate::support::runner;

const SOP: &str = "bundled/disk-full.md";

/// An alert of the scene's incident on this host, of a filesystem that both hosts have.
fn alert(scene: &Scene, host: &str, status: AlertStatus) -> Alert {
    let labels = [("alertname", "Disk"), ("instance", host), ("mountpoint", "/srv")];
    let starts_at = scene.clock.now();
    Alert {
        key: AlertKey { source: "am".into(), fingerprint: host.to_owned(), starts_at },
        status,
        ends_at: (status == AlertStatus::Resolved).then(|| starts_at.plus(Duration::from_secs(1))),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        annotations: BTreeMap::new(),
        generator_url: None,
    }
}

async fn deliver(store: &Store, alerts: Vec<Alert>) {
    // The scene's own lease is that of the same holder.
    let held = store.acquire_lease(INGEST_LEASE, "test", Duration::from_secs(60)).await.unwrap();
    let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
    let batch = AlertBatch { source: "am".into(), origin: BatchOrigin::Webhook, alerts, digest: "0".repeat(64) };
    store.ingest(fence, batch, Duration::from_secs(60)).await.unwrap();
}

/// The step `df -h <mountpoint>`.
async fn step(backend: &LocalBackend) -> NodeId {
    let document = backend.sop(SopId::from(SOP)).await.unwrap();
    let wanted = |kind: &NodeKind| matches!(kind, NodeKind::Command { script, .. } if script.starts_with("df -h <"));
    document.procedure.nodes.iter().find(|node| wanted(&node.kind)).unwrap().id.clone()
}

async fn propose(backend: &LocalBackend, alert: &Alert) -> Result<Proposal, BackendError> {
    let (key, node) = (alert.key.clone(), step(backend).await);
    let values = BTreeMap::new();
    let command = Command::Propose { incident: INCIDENT, alert: key, sop: SopId::from(SOP), node, values };
    match backend.send(command).await? {
        Done::Proposed(proposal) => Ok(*proposal),
        other => panic!("{other:?}"),
    }
}

async fn approve(backend: &LocalBackend, proposal: &Proposal) -> Result<Done, BackendError> {
    let digest = proposal.digest.clone();
    let approval = Approval { digest, typed_target: None, rendered: String::new(), terminal: (80, 24) };
    backend.send(Command::Approve { proposal: proposal.id, approval }).await
}

fn refusal<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    match result {
        Err(BackendError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

fn backend(console: &Console) -> LocalBackend {
    let settings = RunSettings {
        target: Target::ThisHost { name: "bastion".to_owned() },
        directory: "/".to_owned(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        terminal_env: BTreeMap::new(),
        reads: Reads::default(),
        time_limit: Duration::from_secs(60),
    };
    let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let library = Arc::new(Library::bundled());
    LocalBackend::new(console.store.clone(), library, console.runner.clone(), settings, Actor::Person(person))
}

/// What a console loads of the scene's incident.
async fn shown(backend: &LocalBackend) -> Detail {
    let queue = QueueQuery {
        queue: aiops::domain::incident::Queue::All,
        filter: String::new(),
        anchor: QueueAnchor::Rank(0),
        limit: 10,
        pinned: None,
        resolved_since: Timestamp::from_millis(0),
    };
    let query = SnapshotQuery { queue, detail: Some(INCIDENT), alert: None, output: None, chat: None, quarantined: 0 };
    backend.load(query).await.unwrap().detail.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_gets_excerpts_and_a_command_the_whole_value() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let backend = backend(&console);
    let mut huge = alert(&scene, "web-1", AlertStatus::Firing);
    let mountpoint = format!("/srv/{}", "x".repeat(100_000));
    huge.labels.insert("mountpoint".to_owned(), mountpoint.clone());
    huge.labels.extend((0..1_000).map(|n| (format!("label_{n}"), "漢".repeat(1_000))));
    huge.annotations.insert("summary".to_owned(), "words ".repeat(500_000));
    deliver(&console.store, vec![huge.clone()]).await;

    let alerts = shown(&backend).await.record.alerts;
    let row = alerts.iter().find(|row| row.fingerprint == "web-1").unwrap();
    let bytes =
        |labels: &BTreeMap<String, String>| labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let loaded = bytes(&row.labels) + bytes(&row.annotations);
    assert!(loaded < 500_000, "{loaded} bytes for a screen");
    assert!(row.annotations["summary"].ends_with("… cut, 2995904 more bytes"), "{}", row.annotations["summary"]);
    assert_eq!(row.key(), huge.key);

    let proposal = propose(&backend, &huge).await.unwrap();
    assert_eq!(proposal.spec.labels_used, BTreeMap::from([("mountpoint".to_owned(), mountpoint.clone())]));
    let Invocation::Argv { script } = &proposal.spec.invocation else { panic!("{:?}", proposal.spec.invocation) };
    let words = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages).flat_map(|stage| &stage.argv);
    let whole = |word: &Word| word.pieces.iter().map(|piece| piece.text.as_str()).collect::<String>() == mountpoint;
    assert!(words.into_iter().any(whole), "the command gets all of it");

    // A change beyond what a screen shows is a change.
    huge.labels.insert("mountpoint".to_owned(), format!("{mountpoint}y"));
    deliver(&console.store, vec![huge]).await;
    let why = refusal(approve(&backend, &proposal).await);
    assert!(why.contains("mountpoint changed"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_is_for_the_alert_that_was_seen_and_for_no_other() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let backend = backend(&console);
    let (first, second) = (alert(&scene, "web-1", AlertStatus::Firing), alert(&scene, "web-2", AlertStatus::Firing));
    assert!(refusal(propose(&backend, &first).await).contains("the alert is gone"), "it is not known yet");

    deliver(&console.store, vec![first.clone()]).await;
    let proposal = propose(&backend, &first).await.unwrap();
    assert_eq!(proposal.spec.subject.key, first.key);
    let warning = proposal.spec.subject.elsewhere(&proposal.spec.target);
    assert_eq!(warning.as_deref(), Some("The alert is about web-1; this runs on bastion."));

    deliver(&console.store, vec![second.clone(), alert(&scene, "web-1", AlertStatus::Resolved)]).await;
    assert!(refusal(approve(&backend, &proposal).await).contains("void"));
    assert!(console.attempts().await.is_empty());
    let verification = propose(&backend, &first).await.unwrap();
    assert_ne!(verification.digest, proposal.digest, "looking after the end is another action");
    assert!(matches!(approve(&backend, &verification).await, Ok(Done::Started(_))));
    console.until("it has looked", |attempt| matches!(attempt.state, AttemptState::Ended { .. })).await;

    let other = propose(&backend, &second).await.unwrap();
    assert_ne!(other.digest, proposal.digest);
    assert!(matches!(approve(&backend, &other).await, Ok(Done::Started(_))));
    let of_other =
        |attempt: &Attempt| attempt.proposal == other.id && matches!(attempt.state, AttemptState::Ended { .. });
    console.until("it has ended", of_other).await;
}

//! Proposals, grants and attempts: every transition, what voids them, and who wins a race.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{Bench, actor, firing, resolved};
use crate::domain::action::attempt::{AttemptEnd, AttemptState, Outcome, ProcessId};
use crate::domain::action::grant::{Approval, EXECUTE_WITHIN, GrantRecord};
use crate::domain::action::proposal::{APPROVE_WITHIN, Proposal, ProposalState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Origin, Pipeline, Script, Stage, StepRef, Target, Word,
};
use crate::domain::action::subject::Subject;
use crate::domain::actor::Actor;
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;
use crate::store::{CommandError, PayloadReport, Store};

const ROOT: &str = "/var/lib/aiops/attempts/";
const A_MOMENT: Duration = Duration::from_millis(1);

pub(super) fn spec(word: &str) -> ActionSpec {
    let argv = ["du", "-sh", word].map(|word| Word::new(word, Origin::Sop)).to_vec();
    let stage = Stage::new(argv);
    let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
    let alert = firing("Disk", "a", 1);
    ActionSpec {
        confinement: Confinement::Free,
        secrets: Vec::new(),
        incident: IncidentId(1),
        subject: Subject::new(alert.key, &alert.labels, []),
        step: StepRef {
            sop: "bundled/disk-full.md".into(),
            node: "n1".into(),
            revision: "r1".to_owned(),
            title: "Look".to_owned(),
        },
        invocation: Invocation::Argv { script },
        mode: Execution::Supervised,
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/".to_owned(),
        env: BTreeMap::new(),
        risk: Risk::Read,
        risk_reasons: Vec::new(),
        labels_used: BTreeMap::from([("instance".to_owned(), "a".to_owned())]),
        edited: None,
        time_limit: Duration::from_secs(60),
    }
}

pub(super) fn revision() -> Option<String> {
    Some("r1".to_owned())
}

pub(super) async fn with_incident() -> Bench {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench
}

async fn propose(bench: &Bench) -> Proposal {
    bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap()
}

pub(super) async fn approve(store: &Store, proposal: &Proposal) -> Result<GrantRecord, CommandError> {
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: None,
        rendered: "du\n-sh\n/srv".to_owned(),
        terminal: (80, 24),
    };
    store.approve(proposal.id, approval, revision(), &actor("ada")).await
}

pub(super) async fn start(store: &Store, proposal: &Proposal) -> Result<AttemptId, CommandError> {
    store.start(proposal.id, revision(), ROOT, &actor("ada")).await.map(|grant| grant.attempt())
}

async fn state_of(bench: &Bench, id: ProposalId) -> (ProposalState, String) {
    let proposal = bench.store.proposal(id).await.unwrap().unwrap();
    (proposal.state, proposal.reason)
}

fn why<T: std::fmt::Debug>(result: Result<T, CommandError>) -> String {
    match result {
        Err(CommandError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

fn supervisor() -> ProcessId {
    ProcessId { pid: 4711, start_ticks: 99, boot_id: "boot-1".to_owned() }
}

#[tokio::test]
async fn from_proposal_to_end_every_transition_is_stored_and_journaled() {
    let bench = with_incident().await;
    let before = bench.journal().await.len();
    let proposal = propose(&bench).await;
    assert_eq!(bench.store.tray().await.unwrap(), vec![proposal.clone()]);
    let record = approve(&bench.store, &proposal).await.unwrap();
    assert_eq!(record.expires_at, bench.clock.now().plus(EXECUTE_WITHIN));
    assert!(bench.store.tray().await.unwrap().is_empty());
    let grant = bench.store.start(proposal.id, revision(), ROOT, &actor("ada")).await.unwrap();
    assert_eq!((grant.attempt(), grant.spec()), (AttemptId(1), &proposal.spec));
    let attempt = bench.store.unfinished_attempts().await.unwrap().remove(0);
    assert_eq!(attempt.state, AttemptState::IntentStored);
    assert_eq!(attempt.directory, format!("/var/lib/aiops/attempts/1-{}", bench.clock.now().as_millis()));
    assert_eq!(bench.store.header().await.unwrap().running, 1);

    bench.store.spawned(AttemptId(1), supervisor()).await.unwrap();
    bench.store.cancel_requested(AttemptId(1), &actor("bob")).await.unwrap();
    bench.store.cancel_requested(AttemptId(1), &actor("bob")).await.unwrap();
    // It ended before that was found out.
    let at = Timestamp::from_millis(bench.clock.now().as_millis() - 5_000);
    let outcome = Outcome::Exited { code: 3 };
    let end = AttemptEnd { outcome, ended_at: Some(at), output_bytes: 42, output_digest: "d".repeat(64) };
    bench.store.ended(AttemptId(1), end).await.unwrap();
    assert!(bench.store.unfinished_attempts().await.unwrap().is_empty());
    let ended = bench.store.attempt(AttemptId(1)).await.unwrap().unwrap();
    assert_eq!(ended.state, AttemptState::Ended { outcome: Outcome::Exited { code: 3 }, at });
    assert_eq!(state_of(&bench, proposal.id).await.0, ProposalState::Spent);

    let journal = bench.journal().await.split_off(before);
    let (id, attempt, digest) = (proposal.id, AttemptId(1), proposal.digest.clone());
    let ruling = proposal.ruling.clone();
    let rendered = sha256_hex(b"du\n-sh\n/srv");
    let expires_at = record.expires_at;
    let expected = vec![
        Payload::Proposed { proposal: Box::new(proposal) },
        Payload::Granted {
            proposal: id,
            digest: digest.clone(),
            rendered,
            terminal: (80, 24),
            expires_at,
            ruling: ruling.map(Box::new),
            first_approver: None,
            scope: None,
        },
        Payload::IntentStored { attempt, proposal: id, digest },
        Payload::Spawned { attempt, supervisor: supervisor() },
        Payload::CancelRequested { attempt },
        Payload::Ended {
            attempt,
            outcome: Outcome::Exited { code: 3 },
            ended_at: Some(at),
            output_bytes: 42,
            output_digest: "d".repeat(64),
        },
    ];
    assert_eq!(journal, expected);
    let stored: Vec<u8> = bench.raw().query_row("SELECT bytes FROM blob", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, b"du\n-sh\n/srv");
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn verifying_tells_erased_payloads_from_altered_ones() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    approve(&bench.store, &proposal).await.unwrap();
    let id = start(&bench.store, &proposal).await.unwrap();
    let end = AttemptEnd { output_digest: "d".repeat(64), ..AttemptEnd::unseen(Outcome::Exited { code: 0 }, 3) };
    bench.store.ended(id, end).await.unwrap();
    let directory = bench.store.attempt(id).await.unwrap().unwrap().directory;
    let verify = async |found: Option<&'static str>, readable: bool| {
        let expected = directory.clone();
        let report = bench.store.read_view(move |reader| {
            reader.verify(&mut |place: &str| {
                assert_eq!(place, expected);
                if readable { Ok(found.map(|digit| digit.repeat(64))) } else { Err(std::io::Error::other("refused")) }
            })
        });
        let report = report.await.unwrap();
        assert_eq!((report.broken.is_none(), report.ok), (true, report.payloads.altered == 0));
        report.payloads
    };
    let counts = |payloads: &PayloadReport| (payloads.checked, payloads.missing, payloads.unreadable, payloads.altered);
    assert_eq!(counts(&verify(Some("d"), true).await), (2, 0, 0, 0));
    assert_eq!(counts(&verify(None, true).await), (1, 1, 0, 0));
    assert_eq!(counts(&verify(None, false).await), (1, 0, 1, 0));
    let altered = verify(Some("e"), true).await;
    assert_eq!(counts(&altered), (2, 0, 0, 1));
    assert!(altered.first_altered.unwrap().reason.contains(&format!("the output of attempt {id}")));

    bench.raw().execute("UPDATE blob SET bytes = x'00'", []).unwrap();
    let altered = verify(Some("d"), true).await;
    assert_eq!(counts(&altered), (2, 0, 0, 1));
    assert!(altered.first_altered.unwrap().reason.contains(&format!("proposal {}", proposal.id)));
    bench.raw().execute("DELETE FROM blob", []).unwrap();
    assert_eq!(counts(&verify(Some("d"), true).await), (1, 1, 0, 0));
}

#[tokio::test]
async fn an_end_is_recorded_once_and_nothing_follows_it() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    approve(&bench.store, &proposal).await.unwrap();
    let id = start(&bench.store, &proposal).await.unwrap();
    let unknown = Outcome::Unknown { reason: "the console was killed".to_owned() };
    bench.store.ended(id, AttemptEnd::unseen(unknown.clone(), 0)).await.unwrap();
    let length = bench.journal().await.len();
    bench.store.ended(id, AttemptEnd::unseen(Outcome::Exited { code: 0 }, 9)).await.unwrap();
    bench.store.spawned(id, supervisor()).await.unwrap();
    assert!(why(bench.store.cancel_requested(id, &actor("ada")).await).contains("over already"));
    assert_eq!(bench.journal().await.len(), length);
    let attempt = bench.store.attempt(id).await.unwrap().unwrap();
    assert_eq!(attempt.state, AttemptState::Ended { outcome: unknown, at: bench.clock.now() });
    assert!(why(bench.store.spawned(AttemptId(9), supervisor()).await).contains("no attempt 9"));
}

#[tokio::test]
async fn the_same_proposal_is_not_made_twice() {
    let bench = with_incident().await;
    let first = propose(&bench).await;
    assert_eq!(propose(&bench).await, first);
    let other = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    assert_ne!(other.id, first.id);
    // One that nobody can approve any more is replaced.
    bench.clock.advance(APPROVE_WITHIN + A_MOMENT);
    let anew = propose(&bench).await;
    assert!(anew.id > other.id);
    assert_eq!(state_of(&bench, first.id).await.0, ProposalState::Void);
}

#[tokio::test]
async fn after_the_end_of_its_alert_only_what_looks_can_be_proposed_and_run() {
    let bench = Bench::new();
    assert!(why(bench.store.propose(spec("/srv"), &actor("ada")).await).contains("no incident 1"));
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 2)]).await;
    for risk in [Risk::Change, Risk::Destroy, Risk::Unknown] {
        let changes = ActionSpec { risk, ..spec("/srv") };
        assert!(why(bench.store.propose(changes, &actor("ada")).await).contains("no longer fires, and this command"));
    }
    let verification = propose(&bench).await;
    assert_ne!(verification.digest, spec("/srv").digest(true));
    approve(&bench.store, &verification).await.unwrap();
    start(&bench.store, &verification).await.unwrap();
    assert_eq!(state_of(&bench, verification.id).await.0, ProposalState::Spent);
}

#[tokio::test]
async fn when_the_alert_fires_again_verifications_are_void() {
    let bench = with_incident().await;
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 2)]).await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    // Another alert of the incident is none of their business.
    bench.ingest(&fence, vec![firing("Disk", "b", 4)]).await;
    assert_eq!(state_of(&bench, waiting.id).await.0, ProposalState::Pending);
    bench.ingest(&fence, vec![firing("Disk", "a", 5)]).await;
    for proposal in [&waiting, &granted] {
        let expected = (ProposalState::Void, "the alert fires again".to_owned());
        assert_eq!(state_of(&bench, proposal.id).await, expected);
    }
    assert!(why(start(&bench.store, &granted).await).contains("no unspent grant"));
}

/// It fires again in an incident of its own, and nobody looked at the old one since.
#[tokio::test]
async fn a_verification_is_not_approved_while_its_alert_fires_elsewhere() {
    let bench = with_incident().await;
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 2)]).await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    let again =
        "INSERT INTO alert (source, fingerprint, starts_at, status, severity, severity_raw, labels, annotations,
                                    first_seen, last_seen, deliveries)
                 SELECT source, fingerprint, starts_at + 1, 0, severity, severity_raw, labels, annotations, 0, 0, 1
                 FROM alert WHERE fingerprint = 'a'";
    assert_eq!(bench.raw().execute(again, []).unwrap_or_else(|error| panic!("{error}")), 1);
    assert!(why(approve(&bench.store, &waiting).await).contains("fires again"));
    assert!(why(start(&bench.store, &granted).await).contains("fires again"));
}

#[tokio::test]
async fn a_rejected_proposal_cannot_be_approved() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    bench.store.reject(proposal.id, &actor("bob")).await.unwrap();
    assert_eq!(state_of(&bench, proposal.id).await, (ProposalState::Rejected, "rejected by bob".to_owned()));
    assert!(why(approve(&bench.store, &proposal).await).contains("rejected"));
    assert!(why(bench.store.reject(proposal.id, &actor("bob")).await).contains("does not wait"));
    assert_eq!(bench.journal().await.last(), Some(&Payload::Rejected { proposal: proposal.id }));
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    let (length, changes) = (bench.journal().await.len(), *bench.store.follow().borrow());
    let stale = Proposal { digest: "0".repeat(64), ..proposal.clone() };
    assert!(why(approve(&bench.store, &stale).await).contains("showed something else"));
    assert!(why(start(&bench.store, &proposal).await).contains("nobody has approved"));
    let approval =
        Approval { digest: proposal.digest.clone(), typed_target: None, rendered: String::new(), terminal: (80, 24) };
    let by_engine = bench.store.approve(proposal.id, approval, revision(), &Actor::engine("planner")).await;
    assert!(why(by_engine).contains("only a person"));
    assert_eq!((bench.journal().await.len(), *bench.store.follow().borrow()), (length, changes));
    assert_eq!(state_of(&bench, proposal.id).await.0, ProposalState::Pending);
    approve(&bench.store, &proposal).await.unwrap();
}

#[tokio::test]
async fn only_the_one_who_approved_can_start() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    approve(&bench.store, &proposal).await.unwrap();
    let other = bench.store.start(proposal.id, revision(), ROOT, &actor("bob")).await;
    assert!(why(other).contains("ada approved it"));
    start(&bench.store, &proposal).await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_alert_voids_what_waits_and_what_is_granted() {
    let bench = with_incident().await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 2)]).await;
    for proposal in [&waiting, &granted] {
        let expected = (ProposalState::Void, "the alert no longer fires".to_owned());
        assert_eq!(state_of(&bench, proposal.id).await, expected);
    }
    assert!(why(approve(&bench.store, &waiting).await).contains("void"));
    assert!(why(start(&bench.store, &granted).await).contains("no unspent grant"));
    // It fires again: what was void stays void.
    bench.ingest(&fence, vec![firing("Disk", "a", 5)]).await;
    assert!(why(start(&bench.store, &granted).await).contains("no unspent grant"));
    let voided = bench.journal().await.into_iter().filter(|entry| matches!(entry, Payload::Voided { .. })).count();
    assert_eq!(voided, 2);
}

#[tokio::test]
async fn a_changed_label_voids_at_approval_and_at_start() {
    let bench = with_incident().await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    // The same firing is delivered with other labels.
    let fence = bench.fence().await;
    let mut changed = firing("Disk", "a", 1);
    changed.labels.insert("instance".to_owned(), "b".to_owned());
    bench.ingest(&fence, vec![changed]).await;
    assert!(why(approve(&bench.store, &waiting).await).contains("label instance changed"));
    assert!(why(start(&bench.store, &granted).await).contains("label instance changed"));
    for proposal in [&waiting, &granted] {
        assert_eq!(state_of(&bench, proposal.id).await.0, ProposalState::Void);
    }
    assert!(bench.store.unfinished_attempts().await.unwrap().is_empty());
    let last = bench.journal().await.pop();
    let reason = "the alert's label instance changed".to_owned();
    assert_eq!(last, Some(Payload::Voided { proposal: granted.id, reason }));
}

#[tokio::test]
async fn a_newer_alert_of_the_incident_changes_nothing() {
    let bench = with_incident().await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "b", 50)]).await;
    start(&bench.store, &granted).await.unwrap();
    approve(&bench.store, &waiting).await.unwrap();
    start(&bench.store, &waiting).await.unwrap();
}

#[tokio::test]
async fn the_end_of_its_own_alert_voids_although_another_of_the_incident_fires() {
    let bench = with_incident().await;
    // Both alerts have the label that the action uses, with the same value.
    let common = |name: &str| {
        let mut spec = spec(name);
        spec.labels_used = BTreeMap::from([("severity".to_owned(), "warning".to_owned())]);
        spec
    };
    let waiting = bench.store.propose(common("/srv"), &actor("ada")).await.unwrap();
    let granted = bench.store.propose(common("/var"), &actor("ada")).await.unwrap();
    let newer = firing("Disk", "b", 50);
    let mut for_newer = common("/srv");
    for_newer.subject = Subject::new(newer.key.clone(), &newer.labels, []);
    let fence = bench.fence().await;
    assert!(why(bench.store.propose(for_newer.clone(), &actor("ada")).await).contains("no longer fires"));
    bench.ingest(&fence, vec![newer]).await;
    let other = bench.store.propose(for_newer, &actor("ada")).await.unwrap();
    assert_ne!(other.id, waiting.id, "an action for another alert is another proposal");
    approve(&bench.store, &granted).await.unwrap();
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 60)]).await;
    for proposal in [&waiting, &granted] {
        let expected = (ProposalState::Void, "the alert no longer fires".to_owned());
        assert_eq!(state_of(&bench, proposal.id).await, expected);
    }
    assert!(why(approve(&bench.store, &waiting).await).contains("void"));
    assert!(why(start(&bench.store, &granted).await).contains("no unspent grant"));
    assert_eq!(bench.store.tray().await.unwrap(), vec![other.clone()]);
    approve(&bench.store, &other).await.unwrap();
    start(&bench.store, &other).await.unwrap();
}

#[tokio::test]
async fn the_same_alert_firing_again_is_another_firing() {
    let bench = with_incident().await;
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![resolved("Disk", "a", 1, 2)]).await;
    bench.ingest(&fence, vec![firing("Disk", "a", 5)]).await;
    assert!(why(bench.store.propose(spec("/srv"), &actor("ada")).await).contains("fires again"));
}

/// The approval itself looks at the alert: what ended without this program hearing of the proposal is refused too.
#[tokio::test]
async fn approval_and_start_look_at_the_alert_of_the_action() {
    let bench = with_incident().await;
    let waiting = propose(&bench).await;
    let granted = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "b", 50)]).await;
    bench.raw().execute("UPDATE alert SET status = 1, ends_at = 60 WHERE fingerprint = 'a'", []).unwrap();
    assert!(why(approve(&bench.store, &waiting).await).contains("no longer fires"));
    assert!(why(start(&bench.store, &granted).await).contains("no longer fires"));
    assert!(bench.store.unfinished_attempts().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_stored_without_an_alert_can_be_read_and_not_approved() {
    let bench = with_incident().await;
    let proposal = propose(&bench).await;
    bench.raw().execute("UPDATE proposal SET spec = json_remove(spec, '$.subject')", []).unwrap();
    assert_eq!(bench.store.tray().await.unwrap().len(), 1);
    assert!(why(approve(&bench.store, &proposal).await).contains("no longer fires"));
    assert_eq!(state_of(&bench, proposal.id).await.0, ProposalState::Void);
}

#[tokio::test]
async fn a_changed_or_missing_document_voids() {
    for now in [Some("r2".to_owned()), None] {
        let bench = with_incident().await;
        let proposal = propose(&bench).await;
        approve(&bench.store, &proposal).await.unwrap();
        let refused = bench.store.start(proposal.id, now, ROOT, &actor("ada")).await;
        assert!(why(refused).contains("the SOP"));
        assert_eq!(state_of(&bench, proposal.id).await.0, ProposalState::Void);
    }
}

#[tokio::test]
async fn time_voids_proposals_and_grants() {
    let bench = with_incident().await;
    let granted = propose(&bench).await;
    let waiting = bench.store.propose(spec("/var"), &actor("ada")).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    assert_eq!(bench.store.expire(bench.clock.now()).await.unwrap(), 0);
    bench.clock.advance(EXECUTE_WITHIN + A_MOMENT);
    assert_eq!(bench.store.expire(bench.clock.now()).await.unwrap(), 1);
    assert_eq!(state_of(&bench, granted.id).await.0, ProposalState::Void);
    assert_eq!(state_of(&bench, waiting.id).await.0, ProposalState::Pending);
    bench.clock.advance(APPROVE_WITHIN);
    // Approving is refused even when nobody has swept yet, and that voids it.
    assert!(why(approve(&bench.store, &waiting).await).contains("older than"));
    assert_eq!(state_of(&bench, waiting.id).await.0, ProposalState::Void);
    assert_eq!(bench.store.expire(bench.clock.now()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_consoles_that_start_at_once_one_wins() {
    let bench = with_incident().await;
    let other = bench.open_again(2);
    for round in 0..50 {
        let proposal = bench.store.propose(spec(&format!("/srv/{round}")), &actor("ada")).await.unwrap();
        approve(if round % 2 == 0 { &bench.store } else { &other }, &proposal).await.unwrap();
        let (here, there) = tokio::join!(start(&bench.store, &proposal), start(&other, &proposal));
        assert!(here.is_ok() != there.is_ok(), "round {round}: {here:?} {there:?}");
        let lost = if here.is_ok() { there } else { here };
        assert!(why(lost).contains("no unspent grant"));
    }
    assert_eq!(bench.store.unfinished_attempts().await.unwrap().len(), 50);
    let intents = bench.journal().await.into_iter().filter(|entry| matches!(entry, Payload::IntentStored { .. }));
    assert_eq!(intents.count(), 50);
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_consoles_that_approve_at_once_one_wins() {
    let bench = with_incident().await;
    let other = bench.open_again(2);
    for round in 0..20 {
        let proposal = bench.store.propose(spec(&format!("/srv/{round}")), &actor("ada")).await.unwrap();
        let (here, there) = tokio::join!(approve(&bench.store, &proposal), approve(&other, &proposal));
        assert!(here.is_ok() != there.is_ok(), "round {round}: {here:?} {there:?}");
    }
}

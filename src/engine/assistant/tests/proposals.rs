//! Commands out of answers: what can be proposed, and that nothing is relaxed for them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{Bench, Heard, NOW, Script, about_incident, done, text};
use crate::domain::action::build::Reads;
use crate::domain::action::grant::Approval;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::Target;
use crate::domain::alert::AlertKey;
use crate::domain::chat::FinishReason;
use crate::domain::id::{IncidentId, MessageId, SopId};
use crate::domain::incident::Queue;
use crate::domain::procedure::NodeKind;
use crate::engine::ask::{ChatQuery, ModelStatus};
use crate::engine::backend::{Backend as _, BackendError, Command, Done, QueueAnchor, QueueQuery, SnapshotQuery};
use crate::engine::local::{LocalBackend, RunSettings};

const ANSWER: &str = "First:\n\n```sh\ndf -h <mountpoint>\n```\n\nThen:\n\n```sh\ncurl -s https://host-7/metrics\n```\n\n\
                      ```sh\nrm -v -- <file>\n```\n";

pub(super) fn backend(bench: &Bench) -> LocalBackend {
    let parts = &bench.assistant.inner.parts;
    let settings = RunSettings {
        reads: Reads::default(),
        target: Target::ThisHost { name: "web-1".to_owned() },
        directory: "/".to_owned(),
        env: BTreeMap::new(),
        terminal_env: BTreeMap::new(),
        time_limit: Duration::from_secs(60),
    };
    LocalBackend::new(bench.store.clone(), bench.library.clone(), parts.runner.clone(), settings, parts.actor.clone())
        .with_assistant(bench.assistant.clone())
}

/// Starts the first command of `sop` that begins with `script`, with `values` typed for its parameters, for the alert `f` of
/// incident 1. Nothing runs.
pub(super) async fn run(bench: &Bench, sop: &str, script: &str, values: &[(&str, &str)]) {
    let sop = SopId::from(sop);
    let document = bench.library.get(&sop).unwrap();
    let is_it = |kind: &NodeKind| matches!(kind, NodeKind::Command { script: own, .. } if own.starts_with(script));
    let node = document.procedure.nodes.iter().find(|node| is_it(&node.kind)).unwrap().id.clone();
    let alert = AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: NOW };
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let command = Command::Propose { incident: IncidentId(1), alert, sop: sop.clone(), node, values };
    let Done::Proposed(proposal) = backend(bench).send(command).await.unwrap() else { panic!() };
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: Some(proposal.spec.target.name().to_owned()),
        rendered: script.to_owned(),
        terminal: (80, 24),
    };
    let (revision, actor) = (bench.library.revision(&sop).map(str::to_owned), &bench.assistant.inner.parts.actor);
    bench.store.approve(proposal.id, approval, revision.clone(), actor).await.unwrap();
    bench.store.start(proposal.id, revision, "/nonexistent", actor).await.unwrap();
}

/// A backend with an incident and an answer about it, whose number is given back too.
async fn with_answer() -> (Bench, LocalBackend, MessageId) {
    let bench = Bench::new(Script::Says(vec![text(ANSWER), done(FinishReason::Stop)]));
    bench.fire("DiskFull").await;
    let backend = backend(&bench);
    let prepared = backend.prepare(about_incident("what now?")).await.unwrap();
    let heard = Heard::all(backend.answer(prepared.id).await.unwrap(), prepared).await;
    (bench, backend, heard.message.id)
}

async fn propose(
    backend: &LocalBackend,
    message: MessageId,
    block: usize,
    values: &[(&str, &str)],
) -> Result<Proposal, BackendError> {
    let alert = AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: NOW };
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let command = Command::ProposeFromChat { incident: IncidentId(1), alert, message, block, values };
    match backend.send(command).await? {
        Done::Proposed(proposal) => Ok(*proposal),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_block_becomes_a_proposal_with_the_values_of_the_alert() {
    let (_bench, backend, message) = with_answer().await;
    let looking = propose(&backend, message, 0, &[]).await.unwrap();
    assert_eq!((looking.spec.risk, looking.spec.step.answer()), (Risk::Read, Some(message)));
    assert_eq!(looking.spec.labels_used["mountpoint"], "/srv");
    // The document could have named that host; the model may not.
    let asking = propose(&backend, message, 1, &[]).await.unwrap();
    assert_eq!(asking.spec.risk, Risk::Unknown);
    assert!(asking.needs_typed_target());
}

#[tokio::test]
async fn values_are_asked_for_as_for_a_step() {
    let (_bench, backend, message) = with_answer().await;
    let Err(BackendError::NeedsValues(needed)) = propose(&backend, message, 2, &[]).await else { panic!() };
    assert_eq!(needed[0].name, "file");
    assert_eq!(propose(&backend, message, 2, &[("file", "/srv/a.log")]).await.unwrap().spec.risk, Risk::Destroy);
}

#[tokio::test]
async fn only_answers_about_this_incident_have_commands() {
    let (_bench, backend, message) = with_answer().await;
    let why = |result: Result<Proposal, BackendError>| match result {
        Err(BackendError::Refused(refusal)) => refusal.why,
        other => panic!("{other:?}"),
    };
    assert!(why(propose(&backend, MessageId(message.0 - 1), 0, &[]).await).contains("a question"));
    assert!(why(propose(&backend, MessageId(99), 0, &[]).await).contains("no such message"));
    assert!(why(propose(&backend, message, 9, &[]).await).contains("no such code block"));
}

#[tokio::test]
async fn a_yes_is_bound_to_the_very_text_of_the_answer() {
    let (bench, backend, message) = with_answer().await;
    let proposal = propose(&backend, message, 0, &[]).await.unwrap();
    assert_eq!(
        bench.store.revision_of_answer(message).await.unwrap().as_deref(),
        Some(proposal.spec.step.revision.as_str())
    );
    let approval =
        Approval { digest: proposal.digest.clone(), typed_target: None, rendered: "df".to_owned(), terminal: (80, 24) };
    let other = Some("another revision".to_owned());
    let refused = bench.store.approve(proposal.id, approval, other, &bench.assistant.inner.parts.actor).await;
    assert!(refused.unwrap_err().to_string().contains("the answer was changed"));
}

#[tokio::test]
async fn a_snapshot_has_the_conversation_and_what_was_spent() {
    let (_bench, backend, message) = with_answer().await;
    let chat = Some(ChatQuery { conversation: about_incident("").conversation, limit: 1 });
    let queue = QueueQuery {
        queue: Queue::All,
        filter: String::new(),
        anchor: QueueAnchor::Rank(0),
        limit: 10,
        pinned: None,
        resolved_since: NOW,
    };
    let query = SnapshotQuery { queue, detail: None, alert: None, output: None, chat, quarantined: 0 };
    let snapshot = backend.load(query).await.unwrap();
    let history = snapshot.chat.unwrap();
    assert_eq!((history.messages.len(), history.earlier, history.messages[0].id), (1, 1, message));
    assert!(matches!(snapshot.model, ModelStatus::Ready { spent_today_micro_usd: 1.., .. }), "{:?}", snapshot.model);
}

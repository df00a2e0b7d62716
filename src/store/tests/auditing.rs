//! What entries say of their action, by whose hand, and the tape of an incident.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{Bench, actor, firing};
use crate::domain::action::attempt::{AttemptEnd, Outcome, ProcessId};
use crate::domain::action::grant::Approval;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{
    ActionSpec, Connector, Execution, Invocation, Origin, Pipeline, Script, Stage, StepRef, Target, Word,
};
use crate::domain::action::subject::Subject;
use crate::domain::actor::Actor;
use crate::domain::chat::budget::{Budget, CallEnd, CallRequest};
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageState};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq, MessageId, ProposalId};
use crate::domain::journal::about::ModelPart;
use crate::domain::journal::tape::{Attached, Seal, Tape, What};
use crate::domain::journal::{About, Context, Payload};
use crate::store::{OutputPart, read_tape};

fn spec(step: StepRef, origin: Origin) -> ActionSpec {
    let argv = vec![Word::new("du", Origin::Sop), Word::new("/srv", origin)];
    let stage = Stage::new(argv);
    let alert = firing("Disk", "a", 1);
    ActionSpec {
        confinement: crate::domain::action::spec::Confinement::Free,
        secrets: Vec::new(),
        incident: IncidentId(1),
        subject: Subject::new(alert.key, &alert.labels, []),
        step,
        invocation: Invocation::Argv { script: Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]) },
        mode: Execution::Supervised,
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/".to_owned(),
        env: BTreeMap::new(),
        risk: Risk::Read,
        risk_reasons: vec!["du only looks".to_owned()],
        labels_used: BTreeMap::from([("instance".to_owned(), "a".to_owned())]),
        edited: None,
        time_limit: Duration::from_secs(60),
    }
}

fn step() -> StepRef {
    StepRef { sop: "disk.md".into(), node: "n1".into(), revision: "r1".to_owned(), title: "Look".to_owned() }
}

async fn with_incident() -> Bench {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    bench.clock.advance(Duration::from_secs(1));
    bench
}

/// Proposes, approves, starts and ends an action.
async fn run_through(bench: &Bench, spec: ActionSpec) -> ProposalId {
    let (store, revision) = (&bench.store, spec.step.revision.clone());
    let proposal = store.propose(spec, &actor("ada")).await.unwrap();
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: None,
        rendered: "du /srv".to_owned(),
        terminal: (80, 24),
    };
    store.approve(proposal.id, approval, Some(revision.clone()), &actor("ada")).await.unwrap();
    let grant = store.start(proposal.id, Some(revision), "/attempts", &actor("ada")).await.unwrap();
    let supervisor = ProcessId { pid: 7, start_ticks: 9, boot_id: "b".to_owned() };
    store.spawned(grant.attempt(), supervisor).await.unwrap();
    let end = AttemptEnd { output_digest: sha256_hex(b"out"), ..AttemptEnd::unseen(Outcome::Exited { code: 0 }, 3) };
    store.ended(grant.attempt(), end).await.unwrap();
    proposal.id
}

/// Every entry with what it is about.
async fn abouts(bench: &Bench) -> Vec<(Payload, Option<About>, Context)> {
    let entries = bench.store.read_view(|reader| reader.entries(JournalSeq(0), 100)).await.unwrap();
    let parts = entries.iter().map(|entry| {
        assert_eq!(entry.version, 2);
        (
            serde_json::from_str(&entry.payload).unwrap(),
            entry.about.as_deref().map(|about| serde_json::from_str(about).unwrap()),
            serde_json::from_str(&entry.context).unwrap(),
        )
    });
    parts.collect()
}

#[tokio::test]
async fn every_entry_about_an_action_says_which_how_dangerous_and_whose_words() {
    let bench = with_incident().await;
    let id = run_through(&bench, spec(step(), Origin::Label("path".to_owned()))).await;
    let digest = bench.store.proposal(id).await.unwrap().unwrap().digest;
    let mut told = 0;
    for (payload, about, context) in abouts(&bench).await {
        // Whoever's process it is stands in every entry.
        assert_eq!(context.person().unwrap().name, "ada", "{payload:?}");
        let attempt = match payload {
            Payload::Begun { .. } | Payload::LeaseTaken { .. } | Payload::Ingested { .. } => {
                assert_eq!(about, None);
                continue;
            }
            Payload::Proposed { .. } | Payload::Granted { .. } => None,
            Payload::IntentStored { .. } | Payload::Spawned { .. } | Payload::Ended { .. } => Some(AttemptId(1)),
            other => panic!("{other:?}"),
        };
        let about = about.unwrap();
        assert_eq!((about.proposal, about.attempt), (Some(id), attempt));
        assert_eq!((about.risk, about.target.as_deref()), (Some(Risk::Read), Some("web-1")));
        assert_eq!(about.rules, ["du only looks"]);
        assert_eq!(about.digest.as_deref(), Some(digest.as_str()));
        assert_eq!(about.tainted, [Origin::Label("path".to_owned())]);
        assert_eq!(about.step.unwrap().node, "n1".into());
        told += 1;
    }
    assert_eq!(told, 5);
}

#[tokio::test]
async fn an_action_out_of_an_answer_names_the_model_and_the_request() {
    let bench = with_incident().await;
    let request = CallRequest {
        incident: Some(IncidentId(1)),
        model: "gemini".to_owned(),
        destination: "https://example.com".to_owned(),
        digest: "p".repeat(64),
        replaced: BTreeMap::new(),
        each_micro_usd: 5,
        calls: 1,
    };
    let budget = Budget::default();
    let call = bench.store.reserve(request, budget, &actor("ada")).await.unwrap().unwrap();
    let end = CallEnd::Settled { outcome: "answered".to_owned(), usage: None, cost_micro_usd: Some(1) };
    bench.store.end_call(call, end).await.unwrap();
    let author = Author::Model { name: "gemini-2".to_owned() };
    let answer =
        ChatMessage::draft(Conversation::Incident(IncidentId(1)), author, "du".to_owned(), MessageState::Complete);
    let answer = bench.store.say(answer, &Actor::engine("assistant")).await.unwrap();
    let step = StepRef::of_answer(answer.id, 0, "du", "Look".to_owned());
    let id = run_through(&bench, spec(step, Origin::Model)).await;
    let part = |answer| Some(ModelPart { name: "gemini".to_owned(), prompt: "p".repeat(64), answer });
    for (payload, about, _) in abouts(&bench).await {
        match payload {
            Payload::ModelAsked { .. } | Payload::ModelCalled { .. } => assert_eq!(about.unwrap().model, part(None)),
            Payload::Said { .. } => assert_eq!(about.unwrap().model, part(Some(MessageId(1)))),
            Payload::Granted { proposal, .. } => {
                assert_eq!((proposal, about.unwrap().model), (id, part(Some(MessageId(1)))));
            }
            _ => {}
        }
    }
}

fn output(directory: &str) -> std::io::Result<Option<OutputPart>> {
    assert!(directory.starts_with("/attempts/1-"), "{directory}");
    Ok(Some(OutputPart { beginning: b"out".to_vec(), total: 3, digest: sha256_hex(b"out") }))
}

fn seals(tape: &Tape) -> Vec<Seal> {
    let attached = tape.moments.iter().filter_map(|moment| match &moment.what {
        What::Entry { attached: Attached::Bytes { seal, .. }, .. } => Some(*seal),
        _ => None,
    });
    attached.collect()
}

#[tokio::test]
async fn a_tape_has_everything_and_says_what_was_changed() {
    let bench = with_incident().await;
    run_through(&bench, spec(step(), Origin::Sop)).await;
    let id = IncidentId(1);
    let tape = bench.store.read_view(move |reader| reader.tape(id, &mut output)).await.unwrap().unwrap();
    let words: Vec<String> = tape.moments.iter().map(|moment| moment.telling().words).collect();
    let wanted = [
        "alert Disk began (a)",
        "proposed action 1: Look",
        "approved action 1: Look",
        "is about to start action 1 as attempt 1: Look",
        "started attempt 1 (supervisor 7): Look",
        "recorded the end of attempt 1: exit 0: Look",
    ];
    assert_eq!(words, wanted);
    assert_eq!((seals(&tape), &tape.broken), (vec![Seal::Whole, Seal::Whole], &None));
    assert!(bench.store.read_view(|reader| reader.tape(IncidentId(9), &mut output)).await.unwrap().is_none());

    // The same from the file, which nobody has to have opened for writing.
    let before = std::fs::metadata(bench.path()).unwrap().modified().unwrap();
    assert_eq!(read_tape(&bench.path(), id, &mut output).unwrap().unwrap(), tape);
    assert_eq!(std::fs::metadata(bench.path()).unwrap().modified().unwrap(), before);

    bench.raw().execute("UPDATE blob SET bytes = x'00'", []).unwrap();
    bench
        .raw()
        .execute_batch(
            "DROP TRIGGER journal_is_append_only_update; UPDATE journal SET context = context || ' ' WHERE seq = 6",
        )
        .unwrap();
    let tape = read_tape(&bench.path(), id, &mut |_: &str| Ok(None)).unwrap().unwrap();
    assert_eq!(seals(&tape), [Seal::Altered]);
    assert_eq!(tape.broken.unwrap().seq, JournalSeq(6));
}

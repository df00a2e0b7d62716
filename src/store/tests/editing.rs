//! Editing a proposal on real files: the first one ends in the transaction in which the other begins, and nothing is approved.

use std::time::Duration;

use super::acting::{approve, revision, spec, start, with_incident};
use super::outcomes::{say, with_run};
use super::support::{Bench, actor, firing};
use crate::domain::action::edit::Edited;
use crate::domain::action::proposal::{APPROVE_WITHIN, Proposal, ProposalState};
use crate::domain::action::spec::ActionSpec;
use crate::domain::action::subject::Subject;
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, ProposalId};
use crate::domain::journal::Payload;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::deviation::Deviation;
use crate::domain::run::item::ItemId;
use crate::store::CommandError;

/// `du -sh WORD` in the place of the proposal `from`.
fn instead(first: &Proposal, word: &str) -> ActionSpec {
    let edited = Some(Edited { from: first.id, by: "ada".to_owned() });
    ActionSpec { step: first.spec.step.clone(), edited, ..spec(word) }
}

fn why<T: std::fmt::Debug>(result: Result<T, CommandError>) -> String {
    match result {
        Err(CommandError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

async fn state_of(bench: &Bench, id: ProposalId) -> (ProposalState, String) {
    let proposal = bench.store.proposal(id).await.unwrap().unwrap();
    (proposal.state, proposal.reason)
}

#[tokio::test]
async fn the_first_ends_when_the_other_begins_and_neither_is_approved() {
    let bench = with_incident().await;
    let first = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    let before = bench.journal().await.len();
    let made = bench.store.edit_proposal(first.id, instead(&first, "/var"), Vec::new(), &actor("ada")).await.unwrap();
    assert_eq!(bench.store.tray().await.unwrap(), vec![made.clone()]);
    let expected = (ProposalState::Rejected, "ada edited it; proposal 2 took its place".to_owned());
    assert_eq!(state_of(&bench, first.id).await, expected);
    let entries = bench.journal().await.split_off(before);
    let edited = Payload::Edited {
        from: first.id,
        to: made.id,
        before: "du -sh /srv".to_owned(),
        after: "du -sh /var".to_owned(),
    };
    assert_eq!(entries, [Payload::Proposed { proposal: Box::new(made.clone()) }, edited]);
    let timeline = bench.timeline(1).await;
    assert!(timeline.iter().any(|line| line.contains("edited action 1 into action 2")), "{timeline:?}");
    // Nothing of an approval is left, and the digest of the first is none of the other's.
    assert!(bench.store.start(made.id, revision(), "/r", &actor("ada")).await.is_err());
    assert!(why(approve(&bench.store, &first).await).contains("rejected"));
    let stale = Proposal { digest: first.digest, ..made.clone() };
    assert!(why(approve(&bench.store, &stale).await).contains("something else"));
    approve(&bench.store, &made).await.unwrap();
}

#[tokio::test]
async fn what_may_not_be_edited_stays_as_it_was() {
    let bench = with_incident().await;
    let first = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    let before = bench.journal().await.len();
    let edit = |from, spec, by: Actor| {
        let store = bench.store.clone();
        async move { store.edit_proposal(from, spec, Vec::new(), &by).await }
    };
    assert!(why(edit(first.id, instead(&first, "/var"), Actor::engine("run")).await).contains("only a person"));
    assert!(why(edit(ProposalId(9), instead(&first, "/var"), actor("ada")).await).contains("no proposal 9"));
    assert!(why(edit(first.id, spec("/var"), actor("ada")).await).contains("another step"));
    let mut elsewhere = instead(&first, "/var");
    elsewhere.step.node = "n2".into();
    assert!(why(edit(first.id, elsewhere, actor("ada")).await).contains("another step"));
    let gone = firing("Disk", "elsewhere", 7);
    let ended = ActionSpec { subject: Subject::new(gone.key, &gone.labels, []), ..instead(&first, "/var") };
    assert!(why(edit(first.id, ended, actor("ada")).await).contains("no such alert"));
    assert_eq!(state_of(&bench, first.id).await.0, ProposalState::Pending);
    assert_eq!(bench.journal().await.len(), before, "a refusal leaves nothing");

    bench.clock.advance(APPROVE_WITHIN + Duration::from_secs(1));
    assert!(why(edit(first.id, instead(&first, "/var"), actor("ada")).await).contains("in time"));
    bench.store.expire(bench.clock.now()).await.unwrap();
    assert!(why(edit(first.id, instead(&first, "/var"), actor("ada")).await).contains("does not wait"));
}

#[tokio::test]
async fn of_two_who_edit_the_same_proposal_one_is_heard() {
    let bench = with_incident().await;
    let first = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    let (one, other) = (bench.open_again(2), bench.open_again(3));
    let (ada, bob) = (actor("ada"), actor("bob"));
    let (one, other) = tokio::join!(
        one.edit_proposal(first.id, instead(&first, "/var"), Vec::new(), &ada),
        other.edit_proposal(first.id, instead(&first, "/tmp"), Vec::new(), &bob)
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
    assert_eq!(bench.store.tray().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_edited_step_of_a_run_is_a_deviation() {
    let (bench, run) = with_run().await;
    let mut written = spec("/srv");
    written.step.node = run.plan.items[0].node.clone().unwrap();
    let first = bench.store.propose(written, &actor("ada")).await.unwrap();
    let engine = Actor::engine("run");
    say(&bench, RunCommand::NoteProposed { item: ItemId(1), proposal: first.id }, &engine).await;
    let made = bench.store.edit_proposal(first.id, instead(&first, "/var"), Vec::new(), &actor("ada")).await.unwrap();
    // The run takes the other one for its step's: it waits, is of the same node, and is newer.
    let of = run.clone();
    let surroundings = bench.store.read_view(move |reader| reader.run_surroundings(&of)).await.unwrap();
    assert!(surroundings.proposals.iter().any(|seen| seen.id == made.id && seen.state == ProposalState::Pending));
    say(&bench, RunCommand::NoteProposed { item: ItemId(1), proposal: made.id }, &engine).await;
    approve(&bench.store, &made).await.unwrap();
    let attempt = start(&bench.store, &made).await.unwrap();
    let run = say(&bench, RunCommand::NoteRunning { item: ItemId(1), attempt }, &engine).await;
    let [Deviation::Edited { item: ItemId(1), attempt: Some(AttemptId(1)), written, ran }] = run.deviations.as_slice()
    else {
        panic!("{:?}", run.deviations)
    };
    assert_eq!((written.trim(), ran.as_str()), ("du -sh /srv", "du -sh /var"));
}

//! Steps in doubt: what is refused, what voids, and what settles it.

use super::acting::{approve, spec, start, with_incident};
use super::support::{Bench, actor};
use crate::domain::action::attempt::{AttemptEnd, Outcome};
use crate::domain::action::doubt::{Settled, settled, unknown};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::spec::{ActionSpec, StepRef};
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, NodeId, ProposalId};
use crate::domain::journal::Payload;
use crate::store::CommandError;

const LOOK: &str = "look";

/// The step that shows the effect of the other one.
fn look() -> ActionSpec {
    let spec = spec("/look");
    ActionSpec { step: StepRef { node: LOOK.into(), ..spec.step.clone() }, ..spec }
}

async fn propose(bench: &Bench, spec: ActionSpec) -> Result<Proposal, CommandError> {
    bench.store.propose_step(spec, vec![LOOK.into()], &actor("ada")).await
}

/// Approves and starts a proposal, and lets it end so.
async fn ended(bench: &Bench, proposal: &Proposal, outcome: Outcome) -> AttemptId {
    approve(&bench.store, proposal).await.unwrap();
    let id = start(&bench.store, proposal).await.unwrap();
    bench.store.ended(id, AttemptEnd::unseen(outcome, 0)).await.unwrap();
    id
}

fn lost() -> Outcome {
    Outcome::Unknown { reason: "the supervisor was killed".to_owned() }
}

fn why<T: std::fmt::Debug>(result: Result<T, CommandError>) -> String {
    match result {
        Err(CommandError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

async fn settled_by(bench: &Bench) -> Option<Settled> {
    let facts = bench.store.read_view(|reader| reader.doubt_facts(IncidentId(1))).await.unwrap();
    let step = spec("/srv").step;
    let of = unknown(&step.sop, &step.node, &facts.attempts)?;
    settled(of, &facts.attempts, &facts.checked, &[NodeId::from(LOOK)])
}

#[tokio::test]
async fn a_step_in_doubt_is_refused_until_its_verification_has_ended() {
    let bench = with_incident().await;
    let proposal = propose(&bench, spec("/srv")).await.unwrap();
    let id = ended(&bench, &proposal, lost()).await;
    let before = bench.journal().await.len();
    for again in ["/srv", "/var"] {
        assert!(why(propose(&bench, spec(again)).await).contains(&format!("attempt {id}")), "whatever its words are");
    }
    assert_eq!(bench.journal().await.len(), before, "a refusal changes nothing");

    let check = propose(&bench, look()).await.unwrap();
    let looked = ended(&bench, &check, Outcome::Exited { code: 1 }).await;
    assert_eq!(
        settled_by(&bench).await,
        Some(Settled::Verified { attempt: looked, outcome: Outcome::Exited { code: 1 } })
    );
    // Without the document that says so, it verifies nothing.
    assert!(why(bench.store.propose(spec("/srv"), &actor("ada")).await).contains("nobody knows"));
    propose(&bench, spec("/srv")).await.unwrap();
}

#[tokio::test]
async fn a_person_who_looked_says_so_in_the_journal_and_only_a_person_can() {
    let bench = with_incident().await;
    let proposal = propose(&bench, spec("/srv")).await.unwrap();
    let id = ended(&bench, &proposal, lost()).await;
    let say = async |id, words: &str, by: &Actor| bench.store.effect_checked(id, words.to_owned(), by).await;
    assert!(why(say(id, "  ", &actor("bob")).await).contains("nothing is said"));
    assert!(why(say(AttemptId(9), "x", &actor("bob")).await).contains("no attempt 9"));
    assert!(why(say(id, "x", &Actor::engine("run")).await).contains("only a person"));
    assert!(why(propose(&bench, spec("/srv")).await).contains("nobody knows"));

    say(id, "the files are gone", &actor("bob")).await.unwrap();
    let last = bench.journal().await.pop();
    assert_eq!(last, Some(Payload::EffectChecked { attempt: id, words: "the files are gone".to_owned() }));
    let Some(Settled::Person(checked)) = settled_by(&bench).await else { panic!("a person did") };
    assert_eq!((checked.by.as_str(), checked.words.as_str()), ("bob", "the files are gone"));
    let timeline = bench.store.detail(IncidentId(1)).await.unwrap().unwrap().timeline;
    assert!(timeline[0].what.contains("the files are gone") && timeline[0].who == "bob", "{timeline:?}");

    let again = propose(&bench, spec("/srv")).await.unwrap();
    let other = ended(&bench, &again, lost()).await;
    assert!(why(propose(&bench, spec("/srv")).await).contains(&format!("attempt {other}")), "each is looked at");
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn nothing_is_noted_of_an_attempt_whose_end_is_known() {
    let bench = with_incident().await;
    let proposal = propose(&bench, spec("/srv")).await.unwrap();
    let id = ended(&bench, &proposal, Outcome::Exited { code: 3 }).await;
    assert!(why(bench.store.effect_checked(id, "x".to_owned(), &actor("ada")).await).contains("exit 3"));
    propose(&bench, spec("/srv")).await.unwrap();
}

#[tokio::test]
async fn what_waits_of_a_step_is_void_once_nobody_knows_how_it_ended() {
    let bench = with_incident().await;
    let first = propose(&bench, spec("/srv")).await.unwrap();
    let (waiting, granted) =
        (propose(&bench, spec("/var")).await.unwrap(), propose(&bench, spec("/opt")).await.unwrap());
    let other = propose(&bench, look()).await.unwrap();
    approve(&bench.store, &granted).await.unwrap();
    ended(&bench, &first, lost()).await;
    let state = async |id: ProposalId| bench.store.proposal(id).await.unwrap().unwrap().state;
    assert_eq!((state(waiting.id).await, state(granted.id).await), (ProposalState::Void, ProposalState::Void));
    assert_eq!(state(other.id).await, ProposalState::Pending, "another step waits on");
    assert!(approve(&bench.store, &waiting).await.is_err());
    assert!(start(&bench.store, &granted).await.is_err());
}

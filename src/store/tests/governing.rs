//! The policy inside the transactions: what it forbids, demands and changes, and two people who approve at one moment.

use std::sync::{Arc, Mutex};

use super::acting::{revision, spec, with_incident};
use super::support::{Bench, actor};
use crate::domain::action::grant::{Approval, GrantRecord};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::id::IncidentId;
use crate::domain::incident::IncidentCommand;
use crate::domain::journal::Payload;
use crate::domain::policy::{Demand, Policy, Rank, Source};
use crate::store::{CommandError, Governance, Store};

const ROOT: &str = "/var/lib/aiops/attempts/";

const PEOPLE: &str = "version = 1\n\
    [[person]]\nname = \"ada\"\nuid = 1000\nssh_key = \"SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n\
    [[person]]\nname = \"ada\"\nuid = 1000\nssh_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n\
    [[person]]\nname = \"bob\"\nuid = 1000\nssh_key = \"SHA256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n";

const TWO: &str = "[[rule]]\nname = \"two\"\nreason = \"four eyes\"\neffect = \"ask\"\ndemands = [\"second-person\"]\n";
const NOTE: &str = "[[rule]]\nname = \"note\"\neffect = \"ask\"\ndemands = [\"note\"]\n";
const NOTHING: &str = "[[rule]]\nname = \"never\"\nreason = \"not here\"\neffect = \"forbid\"\n";

/// A policy that tests can change while stores go by it.
#[derive(Clone)]
pub(super) struct Law(Arc<Mutex<Arc<Policy>>>);

impl Law {
    pub(super) fn new(rules: &str) -> Self {
        let law = Self(Arc::new(Mutex::new(Arc::default())));
        law.becomes(rules);
        law
    }

    pub(super) fn becomes(&self, rules: &str) {
        let source = Source { rank: Rank::System, place: "/p".to_owned(), text: Ok(format!("{PEOPLE}{rules}")) };
        let policy = Policy::read(vec![source], &|_| None);
        assert_eq!(policy.problems().count(), 0);
        *self.0.lock().unwrap() = Arc::new(policy);
    }

    fn hash(&self) -> String {
        self.0.lock().unwrap().hash()
    }

    /// Lets `store` be that of a session that was opened with the key of 43 times `key`.
    pub(super) fn govern(&self, store: &Store, key: Option<char>) {
        let law = self.clone();
        let ssh_key = key.map(|key| format!("SHA256:{}", key.to_string().repeat(43)));
        let policy = Arc::new(move || Arc::clone(&law.0.lock().unwrap()));
        store.govern(Governance { policy, ssh_key });
    }
}

async fn bench(law: &Law, key: Option<char>) -> Bench {
    let bench = with_incident().await;
    law.govern(&bench.store, key);
    bench
}

async fn propose(store: &Store) -> Result<Proposal, CommandError> {
    store.propose(spec("/srv"), &actor("ada")).await
}

async fn approve(store: &Store, proposal: &Proposal) -> Result<GrantRecord, CommandError> {
    let approval =
        Approval { digest: proposal.digest.clone(), typed_target: None, rendered: "du".to_owned(), terminal: (80, 24) };
    store.approve(proposal.id, approval, revision(), &actor("ada")).await
}

fn why<T: std::fmt::Debug>(result: Result<T, CommandError>) -> String {
    match result {
        Err(CommandError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_forbidden_is_not_even_proposed_and_leaves_nothing() {
    let law = Law::new(NOTHING);
    let bench = bench(&law, None).await;
    let before = bench.journal().await.len();
    assert_eq!(why(propose(&bench.store).await), "the policy forbids it: system rule never: not here");
    assert!(bench.store.tray().await.unwrap().is_empty());
    assert_eq!(bench.journal().await.len(), before);
}

#[tokio::test]
async fn a_policy_that_changes_is_asked_anew_at_every_step() {
    let law = Law::new("");
    let bench = bench(&law, Some('a')).await;
    let proposal = propose(&bench.store).await.unwrap();
    let first = law.hash();
    law.becomes(NOTHING);
    assert!(why(approve(&bench.store, &proposal).await).contains("not here"));
    law.becomes("");
    approve(&bench.store, &proposal).await.unwrap();
    law.becomes(NOTHING);
    let started = bench.store.start(proposal.id, revision(), ROOT, &actor("ada")).await;
    assert!(why(started).contains("not here"));
    let void = bench.store.proposal(proposal.id).await.unwrap().unwrap();
    assert_eq!(void.state, ProposalState::Void);
    let journal = bench.journal().await;
    let rulings: Vec<&str> = journal
        .iter()
        .filter_map(|payload| match payload {
            Payload::Proposed { proposal } => proposal.ruling.as_ref().map(|ruling| ruling.policy.as_str()),
            Payload::Granted { ruling, .. } => ruling.as_ref().map(|ruling| ruling.policy.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(rulings, [first.as_str(), first.as_str()]);
}

#[tokio::test]
async fn a_proposal_is_made_anew_when_the_policy_asks_for_something_else() {
    let law = Law::new("");
    let bench = bench(&law, Some('a')).await;
    let before = propose(&bench.store).await.unwrap();
    assert_eq!(propose(&bench.store).await.unwrap().id, before.id);
    law.becomes(NOTE);
    let after = propose(&bench.store).await.unwrap();
    assert_ne!(after.id, before.id);
    assert!(after.ruling.unwrap().demands(Demand::Note));
    assert_eq!(bench.store.proposal(before.id).await.unwrap().unwrap().state, ProposalState::Void);
}

#[tokio::test]
async fn a_note_has_to_be_written_after_the_proposal() {
    let law = Law::new(NOTE);
    let bench = bench(&law, None).await;
    let note = async || {
        let command = IncidentCommand::Note("the disk is full".to_owned());
        bench.store.incident_command(IncidentId(1), command, &actor("ada")).await
    };
    note().await.unwrap();
    bench.clock.advance(std::time::Duration::from_secs(1));
    let proposal = propose(&bench.store).await.unwrap();
    assert!(why(approve(&bench.store, &proposal).await).contains("a note"));
    note().await.unwrap();
    approve(&bench.store, &proposal).await.unwrap();
}

#[tokio::test]
async fn two_people_approve_on_a_shared_account_by_their_keys() {
    let law = Law::new(TWO);
    let bench = bench(&law, Some('a')).await;
    let stores: Vec<Store> = [Some('b'), Some('A'), Some('x'), None]
        .into_iter()
        .zip(2..)
        .map(|(key, pid)| {
            let store = bench.open_again(pid);
            law.govern(&store, key);
            store
        })
        .collect();
    let [bob, ada_again, stranger, nobody] = stores.as_slice() else { panic!() };
    let proposal = propose(&bench.store).await.unwrap();
    let first = approve(&bench.store, &proposal).await.unwrap_err();
    assert_eq!(first, CommandError::AwaitsSecond { first: "ada".to_owned() });
    let waiting = bench.store.proposal(proposal.id).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.first_approver.as_deref()), (ProposalState::Pending, Some("ada")));
    let not_started = bench.store.start(proposal.id, revision(), ROOT, &actor("ada")).await;
    assert!(why(not_started).contains("nobody has approved"));
    for same in [&bench.store, ada_again] {
        assert!(why(approve(same, &proposal).await).contains("ada has approved already"));
    }
    for unknown in [stranger, nobody] {
        assert!(why(approve(unknown, &proposal).await).contains("does not know who you are"));
    }
    approve(bob, &proposal).await.unwrap();
    bob.start(proposal.id, revision(), ROOT, &actor("ada")).await.unwrap();
    let told: Vec<String> = bench
        .journal()
        .await
        .into_iter()
        .filter_map(|payload| match payload {
            Payload::ApprovedByOne { approver, ruling, ssh_key, .. } => {
                Some(format!("{approver} {} {}", ruling.policy == law.hash(), ssh_key.is_some()))
            }
            Payload::Granted { first_approver, .. } => Some(format!("after {}", first_approver.unwrap())),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["ada true true", "after ada"]);
}

#[tokio::test]
async fn the_first_yes_does_not_prolong_the_time_of_a_proposal() {
    let law = Law::new(TWO);
    let bench = bench(&law, Some('a')).await;
    let bob = bench.open_again(2);
    law.govern(&bob, Some('b'));
    let proposal = propose(&bench.store).await.unwrap();
    bench.clock.advance(crate::domain::action::proposal::APPROVE_WITHIN);
    approve(&bench.store, &proposal).await.unwrap_err();
    bench.clock.advance(std::time::Duration::from_millis(1));
    assert!(why(approve(&bob, &proposal).await).contains("older than"));
}

#[tokio::test]
async fn of_two_people_at_one_moment_one_is_the_first_and_one_the_second() {
    let law = Law::new(TWO);
    let bench = bench(&law, Some('a')).await;
    let bob = bench.open_again(2);
    law.govern(&bob, Some('b'));
    for round in 0..20 {
        let word = format!("/srv/{round}");
        let proposal = bench.store.propose(spec(&word), &actor("ada")).await.unwrap();
        let answers = tokio::join!(approve(&bench.store, &proposal), approve(&bob, &proposal));
        let granted = [&answers.0, &answers.1].into_iter().filter(|answer| answer.is_ok()).count();
        let waits = [&answers.0, &answers.1]
            .into_iter()
            .filter(|answer| matches!(answer, Err(CommandError::AwaitsSecond { .. })))
            .count();
        assert_eq!((granted, waits), (1, 1), "{answers:?}");
        // The same person twice is never two.
        let proposal = bench.store.propose(spec(&format!("{word}/x")), &actor("ada")).await.unwrap();
        let answers = tokio::join!(approve(&bob, &proposal), approve(&bob, &proposal));
        assert!(answers.0.is_err() && answers.1.is_err(), "{answers:?}");
    }
}

//! Yeses to more than one action: given, spent, ended, raced for by two processes, and what voids them.

use std::time::Duration;

use super::acting::{approve, spec, start};
use super::governing::Law;
use super::keeping::back_up;
use super::support::{Bench, actor, firing, open_as, resolved};
use crate::domain::action::attempt::{AttemptEnd, Outcome};
use crate::domain::action::grant::{Approval, GrantRecord};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Confinement};
use crate::domain::id::{AttemptId, IncidentId, RunId, ScopeId};
use crate::domain::journal::Payload;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::{Limits as RunLimits, Plan, plan};
use crate::domain::scope::{Cover, LASTS, Limits, ScopeEvent, ScopeGrant, ScopeState, Wish};
use crate::domain::sop::parse;
use crate::store::{CommandError, Store};

const TEXT: &str =
    "## Diagnosis\n\n1. Look:\n\n   ```sh\n   du -sh /srv\n   ```\n\n2. Look there:\n\n   ```sh\n   df -h\n   ```\n";
const TWO_USES: Limits = Limits { lasts: LASTS, uses: 2 };
const ROOT: &str = "/var/lib/aiops/attempts/";

/// A bench with a run of two reads, and its document's revision.
struct Scene {
    bench: Bench,
    nodes: Vec<crate::domain::id::NodeId>,
    revision: String,
}

impl Scene {
    async fn new() -> Self {
        let bench = Bench::new();
        let fence = bench.fence().await;
        bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
        let sop = spec("x").step.sop;
        let procedure = parse(&sop, TEXT.as_bytes());
        let plan = Plan {
            alert: firing("Disk", "a", 1).key,
            sop,
            revision: procedure.revision.clone(),
            title: "Disk".to_owned(),
            items: plan::of(&procedure, TEXT),
            limits: RunLimits::default(),
            after_attempt: AttemptId(0),
        };
        let nodes = plan.items.iter().filter_map(|item| item.node.clone()).collect();
        bench.store.start_run(IncidentId(1), plan, &actor("ada")).await.unwrap();
        Self { bench, nodes, revision: procedure.revision }
    }

    fn read(&self, step: usize, word: &str) -> ActionSpec {
        let mut spec = spec(word);
        spec.step.node = self.nodes[step].clone();
        spec.step.revision.clone_from(&self.revision);
        spec.confinement = Confinement::ReadsOnly;
        spec
    }

    async fn propose(&self, spec: ActionSpec) -> Proposal {
        self.bench.store.propose(spec, &actor("run")).await.unwrap()
    }

    async fn give(&self, proposal: &Proposal, cover: Cover) -> Result<GrantRecord, CommandError> {
        self.give_in(&self.bench.store, proposal, cover).await
    }

    async fn give_in(&self, store: &Store, proposal: &Proposal, cover: Cover) -> Result<GrantRecord, CommandError> {
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: None,
            rendered: "du".to_owned(),
            terminal: (80, 24),
        };
        let wish = Wish { cover, lasts: None };
        let revision = Some(self.revision.clone());
        store.approve_wider(proposal.id, approval, (wish, TWO_USES), revision, &actor("ada")).await
    }

    async fn spend(&self, proposal: &Proposal) -> Result<GrantRecord, CommandError> {
        self.spend_in(&self.bench.store, proposal).await
    }

    async fn spend_in(&self, store: &Store, proposal: &Proposal) -> Result<GrantRecord, CommandError> {
        store.spend_scope(proposal.id, Some(self.revision.clone()), &actor("ada")).await
    }

    /// Starts what was approved, and lets it end.
    async fn carry_out(&self, proposal: &Proposal) {
        let store = &self.bench.store;
        let revision = Some(self.revision.clone());
        let grant = store.start(proposal.id, revision, ROOT, &actor("ada")).await.unwrap();
        let end = AttemptEnd::unseen(Outcome::Exited { code: 0 }, 0);
        store.ended(grant.attempt(), end).await.unwrap();
    }

    async fn live(&self) -> Vec<ScopeGrant> {
        self.bench.store.live_scopes().await.unwrap()
    }

    async fn all(&self) -> Vec<ScopeGrant> {
        self.bench.store.read_view(|reader| reader.scopes(100)).await.unwrap()
    }

    async fn state(&self, proposal: &Proposal) -> ProposalState {
        self.bench.store.proposal(proposal.id).await.unwrap().unwrap().state
    }

    /// A proposal of the first step that is given this cover and carried out, and another one that waits.
    async fn given(&self, cover: Cover) -> Proposal {
        let first = self.propose(self.read(0, "/srv")).await;
        self.give(&first, cover).await.unwrap();
        self.carry_out(&first).await;
        self.propose(self.read(0, "/srv")).await
    }

    /// The chain is whole.
    async fn verify(&self) {
        let report = self.bench.store.verify().await.unwrap();
        assert!(report.ok, "{report:?}");
    }
}

fn why<T: std::fmt::Debug>(result: Result<T, CommandError>) -> String {
    match result {
        Err(CommandError::Refused(refusal)) => refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn each_use_is_a_proposal_a_grant_and_an_intent_of_its_own() {
    let scene = Scene::new().await;
    let second = scene.given(Cover::SameStep).await;
    assert_eq!(scene.bench.store.header().await.unwrap().scopes, 1);
    let (one, other) = (scene.live().await, scene.propose(scene.read(0, "/other")).await);
    assert_eq!((one.len(), one[0].left, one[0].terms.proposal), (1, 2, scene.all().await[0].terms.proposal));
    assert!(why(scene.spend(&other).await).contains("not the same command"));
    scene.spend(&second).await.unwrap();
    assert_eq!(scene.state(&second).await, ProposalState::Granted);
    assert!(why(scene.spend(&second).await).contains("does not wait"), "a grant is spent once");
    scene.carry_out(&second).await;
    let third = scene.propose(scene.read(0, "/srv")).await;
    scene.spend(&third).await.unwrap();
    scene.carry_out(&third).await;
    let fourth = scene.propose(scene.read(0, "/srv")).await;
    assert!(why(scene.spend(&fourth).await).contains("used up"));
    assert_eq!((scene.live().await.len(), scene.bench.store.header().await.unwrap().scopes), (0, 0));
    let told: Vec<String> = scene
        .bench
        .journal()
        .await
        .into_iter()
        .filter_map(|payload| match payload {
            Payload::Granted { proposal, scope, .. } => Some(format!("granted {proposal} {scope:?}")),
            Payload::IntentStored { proposal, .. } => Some(format!("intent {proposal}")),
            Payload::Scope { scope, event } => match *event {
                ScopeEvent::Given { terms, promise } => {
                    Some(format!("given {scope} {} {}", terms.proposal, promise.len()))
                }
                ScopeEvent::Spent { proposal, left } => Some(format!("spent {scope} {proposal} {left}")),
                ScopeEvent::Revoked | ScopeEvent::Voided { .. } => None,
            },
            _ => None,
        })
        .collect();
    let scope = Some(ScopeId(1));
    assert_eq!(
        told,
        [
            "granted 1 None".to_owned(),
            "given 1 1 3".to_owned(),
            "intent 1".to_owned(),
            "spent 1 2 1".to_owned(),
            format!("granted 2 {scope:?}"),
            "intent 2".to_owned(),
            "spent 1 4 0".to_owned(),
            format!("granted 4 {scope:?}"),
            "intent 4".to_owned(),
        ]
    );
    scene.verify().await;
}

#[tokio::test]
async fn reads_of_the_run_are_covered_and_nothing_else_is() {
    let scene = Scene::new().await;
    scene.given(Cover::RunReads).await;
    let read = scene.propose(scene.read(1, "/data")).await;
    scene.spend(&read).await.unwrap();
    for change in [
        |spec: &mut ActionSpec| spec.risk = Risk::Change,
        |spec: &mut ActionSpec| spec.confinement = Confinement::Free,
        |spec: &mut ActionSpec| spec.step.node = "elsewhere".into(),
    ] {
        let mut spec = scene.read(1, "/more");
        change(&mut spec);
        let proposal = scene.propose(spec).await;
        assert!(why(scene.spend(&proposal).await).contains("does not cover it"));
        assert_eq!(scene.state(&proposal).await, ProposalState::Pending);
    }
    assert_eq!(scene.live().await[0].left, 1);
}

#[tokio::test]
async fn what_cannot_be_given_leaves_the_proposal_as_it_was() {
    let scene = Scene::new().await;
    let mut spec = scene.read(0, "/srv");
    spec.risk = Risk::Change;
    spec.confinement = Confinement::Free;
    let change = scene.propose(spec).await;
    assert!(why(scene.give(&change, Cover::RunReads).await).contains("no read"));
    assert_eq!(scene.state(&change).await, ProposalState::Pending);
    let mut outside = scene.read(0, "/x");
    outside.step.sop = "other.md".into();
    let outside = scene.propose(outside).await;
    assert!(why(scene.give(&outside, Cover::SameStep).await).contains("no run of this SOP"));
    assert!(scene.all().await.is_empty());
    scene.give(&change, Cover::SameStep).await.unwrap();
    assert_eq!(scene.live().await.len(), 1);
}

#[tokio::test]
async fn of_two_processes_one_has_the_last_use() {
    let scene = Scene::new().await;
    let second = scene.given(Cover::RunReads).await;
    scene.spend(&second).await.unwrap();
    let (here, there) = (scene.propose(scene.read(0, "/a")).await, scene.propose(scene.read(1, "/b")).await);
    for round in 0..2 {
        let other = scene.bench.open_again(10 + round);
        let (first, second) = tokio::join!(scene.spend(&here), scene.spend_in(&other, &there));
        let won = usize::from(first.is_ok()) + usize::from(second.is_ok());
        assert_eq!(won, usize::from(round == 0), "{first:?}, {second:?}");
        let lost = if first.is_ok() { why(second) } else { why(first) };
        assert!(lost.contains("used up") || lost.contains("does not wait"), "{lost}");
    }
    assert_eq!(scene.all().await[0].left, 0);
    let spent = scene.bench.journal().await.into_iter().filter(
        |payload| matches!(payload, Payload::Scope { event, .. } if matches!(**event, ScopeEvent::Spent { .. })),
    );
    assert_eq!(spent.count(), 2);
    scene.verify().await;
}

#[tokio::test]
async fn two_processes_that_spend_on_one_proposal_approve_it_once() {
    let scene = Scene::new().await;
    let waiting = scene.given(Cover::SameStep).await;
    let other = scene.bench.open_again(10);
    let (first, second) = tokio::join!(scene.spend(&waiting), scene.spend_in(&other, &waiting));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert_eq!(scene.all().await[0].left, 1);
}

#[tokio::test]
async fn a_policy_that_tightens_voids_it_even_when_it_loosens_again() {
    const ONCE: &str = "[[rule]]\nname = \"once\"\neffect = \"ask\"\nmax_scope = \"once\"\n";
    let scene = Scene::new().await;
    let law = Law::new("");
    law.govern(&scene.bench.store, Some('a'));
    let waiting = scene.given(Cover::RunReads).await;
    law.becomes(ONCE);
    assert!(why(scene.spend(&waiting).await).contains("the policy asks for more than it did"));
    law.becomes("");
    assert!(why(scene.spend(&waiting).await).contains("no scope of yours"));
    assert!(matches!(&scene.all().await[0].state, ScopeState::Void(why) if why.contains("policy")));
    law.becomes(ONCE);
    let anew = scene.propose(scene.read(1, "/y")).await;
    assert!(why(scene.give(&anew, Cover::SameStep).await).contains("the policy lets"));
}

#[tokio::test]
async fn the_policy_is_asked_between_the_use_and_the_start_as_well() {
    const NEVER: &str = "[[rule]]\nname = \"never\"\neffect = \"forbid\"\n";
    let scene = Scene::new().await;
    let law = Law::new("");
    law.govern(&scene.bench.store, Some('a'));
    let waiting = scene.given(Cover::SameStep).await;
    scene.spend(&waiting).await.unwrap();
    law.becomes(NEVER);
    let revision = Some(scene.revision.clone());
    let started = scene.bench.store.start(waiting.id, revision, ROOT, &actor("ada")).await;
    assert!(why(started).contains("forbids"));
    assert_eq!(scene.state(&waiting).await, ProposalState::Void);
}

#[tokio::test]
async fn another_person_or_session_cannot_spend_it() {
    let scene = Scene::new().await;
    let law = Law::new("");
    law.govern(&scene.bench.store, Some('a'));
    let waiting = scene.given(Cover::SameStep).await;
    let other = scene.bench.open_again(10);
    law.govern(&other, Some('b'));
    assert!(why(scene.spend_in(&other, &waiting).await).contains("in another session"));
    let bob = scene.bench.store.spend_scope(waiting.id, Some(scene.revision.clone()), &actor("bob")).await;
    assert!(why(bob).contains("a yes of ada"));
    let engine = crate::domain::actor::Actor::engine("run");
    let engine = scene.bench.store.spend_scope(waiting.id, Some(scene.revision.clone()), &engine).await;
    assert!(why(engine).contains("only they"));
    assert_eq!(scene.live().await[0].left, 2);
    scene.spend(&waiting).await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_alert_voids_it_at_once() {
    let scene = Scene::new().await;
    scene.given(Cover::RunReads).await;
    let fence = scene.bench.fence().await;
    scene.bench.ingest(&fence, vec![resolved("Disk", "a", 1, 5_000)]).await;
    assert!(matches!(&scene.all().await[0].state, ScopeState::Void(why) if why.contains("no longer fires")));
    assert!(scene.bench.timeline(1).await.iter().any(|line| line.contains("scope 1 is void")));
}

#[tokio::test]
async fn a_changed_document_a_handed_over_run_and_time_end_it() {
    let scene = Scene::new().await;
    let waiting = scene.given(Cover::SameStep).await;
    let changed = scene.bench.store.spend_scope(waiting.id, Some("r9".to_owned()), &actor("ada")).await;
    assert!(why(changed).contains("the SOP was changed"));
    assert!(matches!(scene.all().await[0].state, ScopeState::Void(_)));

    let scene = Scene::new().await;
    let waiting = scene.given(Cover::SameStep).await;
    let over = RunCommand::HandOver { to: "bob".to_owned() };
    scene.bench.store.run_command(RunId(1), over, &actor("ada")).await.unwrap();
    assert!(why(scene.spend(&waiting).await).contains("handed over"));

    let scene = Scene::new().await;
    scene.given(Cover::SameStep).await;
    scene.bench.clock.advance(LASTS);
    let late = scene.propose(scene.read(0, "/srv")).await;
    assert!(why(scene.spend(&late).await).contains("its time is over"));
    assert!(scene.live().await.is_empty());

    let scene = Scene::new().await;
    let waiting = scene.given(Cover::SameStep).await;
    scene.bench.store.run_command(RunId(1), RunCommand::Pause, &actor("ada")).await.unwrap();
    assert!(why(scene.spend(&waiting).await).contains("does not go on"));
    let abandon = RunCommand::Abandon { reason: "enough".to_owned() };
    scene.bench.store.run_command(RunId(1), abandon, &actor("ada")).await.unwrap();
    assert!(scene.live().await.is_empty(), "it ends with its run");
    assert!(why(scene.spend(&waiting).await).contains("its run is over"));
}

#[tokio::test]
async fn a_person_revokes_it_once() {
    let scene = Scene::new().await;
    let waiting = scene.given(Cover::SameStep).await;
    assert!(why(scene.bench.store.revoke_scope(ScopeId(9), &actor("ada")).await).contains("no scope 9"));
    scene.bench.store.revoke_scope(ScopeId(1), &actor("bob")).await.unwrap();
    assert!(why(scene.bench.store.revoke_scope(ScopeId(1), &actor("ada")).await).contains("ended already"));
    assert!(why(scene.spend(&waiting).await).contains("no scope of yours"));
    assert_eq!(scene.all().await[0].state, ScopeState::Revoked("bob".to_owned()));
    scene.verify().await;
}

#[tokio::test]
async fn a_plain_yes_gives_nothing_more() {
    let scene = Scene::new().await;
    let mut plain = scene.read(0, "/srv");
    plain.step.revision = "r1".to_owned();
    let proposal = scene.propose(plain).await;
    approve(&scene.bench.store, &proposal).await.unwrap();
    start(&scene.bench.store, &proposal).await.unwrap();
    scene.bench.clock.advance(Duration::from_secs(1));
    assert!(scene.all().await.is_empty());
    let next = scene.propose(scene.read(0, "/srv")).await;
    assert!(why(scene.spend(&next).await).contains("no scope of yours"));
}

#[tokio::test]
async fn a_backup_that_is_restored_brings_no_live_yes_back() {
    let scene = Scene::new().await;
    scene.given(Cover::RunReads).await;
    back_up(&scene.bench.store).await;
    let path = scene.bench.path();
    let (_directory, clock) = scene.bench.close();
    std::fs::write(&path, b"").unwrap();
    let store = open_as(&path, &clock, 2).unwrap();
    assert!(store.restored().is_some() && store.live_scopes().await.unwrap().is_empty());
    let scopes = store.read_view(|reader| reader.scopes(10)).await.unwrap();
    assert!(matches!(&scopes[0].state, ScopeState::Void(why) if why.contains("restored")), "{scopes:?}");
    assert!(store.verify().await.unwrap().ok);
}

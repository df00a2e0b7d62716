//! What a scope covers, and everything that it does not: each bound broken alone, and any of them together.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::action::grant::{PolicyFacts, World};
use crate::domain::action::handed::HandedSecret;
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Origin, Pipeline, Script, Stage, StepRef, Word,
};
use crate::domain::action::subject::Subject;
use crate::domain::action::tie::AlertNow;
use crate::domain::id::AttemptId;
use crate::domain::policy::{Circumstances, Demand, Policy, Request, Verdict};
use crate::domain::run::item::{Added, Item, ItemId, ItemKind, ItemState};
use crate::domain::run::{self, Plan, Run, RunState};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
const LIMITS: Limits = Limits { lasts: LASTS, uses: 2 };

fn item(id: u32, node: &str, kind: ItemKind) -> Item {
    Item {
        id: ItemId(id),
        node: Some(node.into()),
        kind,
        title: node.to_owned(),
        written: None,
        role: None,
        section: None,
        within: Vec::new(),
        group: None,
        added: Added::Document,
        assigned: None,
        state: ItemState::Pending,
    }
}

fn alert() -> AlertKey {
    AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: NOW }
}

fn labels() -> Labels {
    BTreeMap::from([("mountpoint".to_owned(), "/srv".to_owned())])
}

fn words(line: &str) -> Script {
    let argv = line.split(' ').map(|word| Word::new(word, Origin::Sop)).collect();
    Script::new(vec![(Connector::Always, Pipeline::new(vec![Stage::new(argv)]))])
}

/// A confined read of the step `node`.
fn read(node: &str, line: &str) -> ActionSpec {
    let mut subject = Subject::unbound();
    subject.key = alert();
    ActionSpec {
        incident: IncidentId(1),
        subject,
        step: StepRef { sop: "disk.md".into(), node: node.into(), revision: "r1".to_owned(), title: "Look".to_owned() },
        invocation: Invocation::Argv { script: words(line) },
        mode: Execution::Supervised,
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/".to_owned(),
        env: BTreeMap::new(),
        risk: Risk::Read,
        risk_reasons: Vec::new(),
        confinement: Confinement::ReadsOnly,
        secrets: Vec::new(),
        edited: None,
        labels_used: labels(),
        time_limit: Duration::from_secs(60),
    }
}

fn holder() -> Holder {
    let identity = Identity { uid: 1000, login_uid: Some(1000), ssh_key: None };
    Holder { name: "ada".to_owned(), identity, roles: BTreeSet::from(["oncall".to_owned()]) }
}

/// Everything that a decision looks at.
#[derive(Clone, Debug)]
struct Case {
    proposal: Proposal,
    world: World,
    run: Option<Run>,
    by: Holder,
    at: Timestamp,
}

impl Case {
    fn of(spec: ActionSpec) -> Self {
        let plan = Plan {
            alert: alert(),
            sop: "disk.md".into(),
            revision: "r1".to_owned(),
            title: "Disk".to_owned(),
            items: vec![
                item(1, "n1", ItemKind::Command),
                item(2, "n2", ItemKind::Command),
                item(3, "n3", ItemKind::Manual),
            ],
            limits: run::Limits::default(),
            after_attempt: AttemptId(0),
        };
        let decision = Policy::default().decide(&Request::of(&spec, Circumstances::default()));
        let mut case = Self {
            proposal: Proposal {
                id: ProposalId(7),
                digest: String::new(),
                spec,
                state: ProposalState::Pending,
                created_at: NOW,
                asked_by: "run".to_owned(),
                reason: String::new(),
                ruling: Some(decision.ruling()),
                first_approver: None,
            },
            world: World {
                labels: labels(),
                alert: AlertNow::Fires,
                revision: Some("r1".to_owned()),
                policy: PolicyFacts::of(decision),
            },
            run: Some(Run::new(RunId(4), IncidentId(1), plan, "ada".to_owned(), NOW)),
            by: holder(),
            at: NOW,
        };
        case.digest();
        case
    }

    /// Makes the digest that of the action as it is.
    fn digest(&mut self) {
        self.proposal.digest = Tie::WhileItFires.digest(&self.proposal.spec);
    }

    fn moment(&self) -> Moment<'_> {
        Moment { at: self.at, world: &self.world, run: self.run.as_ref(), by: &self.by }
    }

    fn give(&self, cover: Cover) -> Result<ScopeGrant, String> {
        let wish = Wish { cover, lasts: None };
        let terms = decide_give(&self.proposal, wish, LIMITS, &self.moment()).map_err(|refusal| refusal.why)?;
        Ok(ScopeGrant { id: ScopeId(3), left: terms.uses, terms, state: ScopeState::Live })
    }

    fn spend(&self, scope: &ScopeGrant) -> Result<(), Unspent> {
        let (record, approval) = decide_spend(scope, &self.proposal, &self.moment())?;
        assert_eq!((record.digest.as_str(), record.by.as_str()), (self.proposal.digest.as_str(), "ada"));
        assert!(approval.rendered.contains("scope 3") && approval.typed_target.is_none());
        Ok(())
    }

    /// Changes the run, if none of the other changes took it away.
    fn run(&mut self, change: impl FnOnce(&mut Run)) {
        self.run.as_mut().map(change);
    }

    fn answer(&mut self) -> &mut Answer {
        &mut self.world.policy.decision.answer
    }
}

fn base() -> Case {
    Case::of(read("n1", "du -sh /srv"))
}

/// One bound broken. The first half changes the world or the person, the second what is proposed.
const BROKEN: [fn(&mut Case); 36] = [
    |case| case.at = NOW.plus(LASTS),
    |case| case.at = NOW.minus(Duration::from_millis(1)),
    |case| case.by.name = "bob".to_owned(),
    |case| case.by.identity.uid = 1001,
    |case| case.by.identity.login_uid = Some(1001),
    |case| case.by.identity.ssh_key = Some("SHA256:x".to_owned()),
    |case| case.by.roles.clear(),
    |case| {
        case.by.roles.insert("admin".to_owned());
    },
    |case| case.run = None,
    |case| case.run(|run| run.id = RunId(5)),
    |case| case.run(|run| run.owner = "bob".to_owned()),
    |case| case.run(|run| run.state = RunState::Paused),
    |case| {
        let result = crate::domain::run::event::RunResult::Completed;
        case.run(|run| run.state = RunState::Ended { result, at: NOW });
    },
    |case| case.run(|run| run.plan.revision = "r2".to_owned()),
    |case| case.run(|run| run.plan.alert.fingerprint = "g".to_owned()),
    |case| case.run(|run| run.plan.sop = "other.md".into()),
    |case| case.run(|run| run.plan.items.clear()),
    |case| case.run(|run| run.plan.items.iter_mut().for_each(|item| item.assigned = Some("bob".to_owned()))),
    |case| case.world.alert = AlertNow::Over,
    |case| case.world.alert = AlertNow::FiresAgain,
    |case| case.world.alert = AlertNow::Unknown,
    |case| case.world.revision = Some("r2".to_owned()),
    |case| case.world.revision = None,
    |case| {
        case.world.labels.insert("instance".to_owned(), "db-9".to_owned());
    },
    |case| case.answer().verdict = Verdict::Forbid,
    |case| {
        case.answer().demands.insert(Demand::TypedTarget);
    },
    |case| {
        case.answer().demands.insert(Demand::SecondPerson);
    },
    |case| {
        case.answer().demands.insert(Demand::Note);
    },
    |case| case.answer().scope = Scope::Once,
    |case| case.proposal.first_approver = Some("bob".to_owned()),
    |case| case.proposal.state = ProposalState::Granted,
    |case| case.proposal.spec.incident = IncidentId(2),
    |case| case.proposal.spec.subject.key.fingerprint = "g".to_owned(),
    |case| case.proposal.spec.step.sop = "other.md".into(),
    |case| case.proposal.spec.target = Target::ThisHost { name: "db-3".to_owned() },
    |case| case.proposal.spec.step.revision = "r2".to_owned(),
];

/// What is no longer the reviewed step, word by word, though it may still be a read of the run.
const OTHER_MEANING: [fn(&mut ActionSpec); 7] = [
    |spec| spec.invocation = Invocation::Argv { script: words("du -sh /") },
    |spec| spec.cwd = "/tmp".to_owned(),
    |spec| {
        spec.env.insert("A".to_owned(), "1".to_owned());
    },
    |spec| spec.time_limit = Duration::from_secs(61),
    |spec| spec.confinement = Confinement::Free,
    |spec| spec.risk = Risk::Change,
    |spec| spec.step.node = "n2".into(),
];

/// What is no plain read any more.
const NO_READ: [fn(&mut ActionSpec); 12] = [
    |spec| spec.risk = Risk::Query,
    |spec| spec.risk = Risk::Change,
    |spec| spec.risk = Risk::Destroy,
    |spec| spec.risk = Risk::Unknown,
    |spec| spec.mode = Execution::Interactive,
    |spec| spec.confinement = Confinement::Free,
    |spec| {
        let (script, reason) = ("du *".to_owned(), "it has a glob".to_owned());
        spec.invocation = Invocation::Bash { script, reason, values: BTreeMap::new() };
    },
    |spec| {
        let typed = vec![Word::new("du", Origin::Sop), Word::new("/srv", Origin::Operator)];
        let stage = Stage::new(typed);
        let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
        spec.invocation = Invocation::Argv { script };
    },
    |spec| {
        let secret =
            HandedSecret { name: "db".to_owned(), variable: "PGPASSFILE".to_owned(), programs: vec!["du".to_owned()] };
        spec.secrets.push(secret);
    },
    |spec| spec.invocation = Invocation::Argv { script: words("ssh db-3 uptime") },
    |spec| spec.invocation = Invocation::Argv { script: words("timeout 5 /usr/bin/ssh db-3 uptime") },
    |spec| spec.invocation = Invocation::Argv { script: words("kubectl --context=prod get pods") },
];

#[test]
fn each_cover_is_given_and_spent_on_what_it_is_for() {
    for cover in Cover::ALL {
        let scope = base().give(cover).unwrap();
        assert_eq!((scope.terms.uses, scope.terms.expires_at), (2, NOW.plus(LASTS)));
        assert_eq!(scope.terms.covered.cover(), cover);
        base().spend(&scope).unwrap();
    }
    let reads = base().give(Cover::RunReads).unwrap();
    Case::of(read("n2", "df -h")).spend(&reads).unwrap();
    let step = base().give(Cover::SameStep).unwrap();
    let other = Case::of(read("n2", "du -sh /srv")).spend(&step);
    assert_eq!(other, Err(Unspent::NotCovered("it is another step")));
}

#[test]
fn each_bound_that_is_broken_alone_ends_it_or_leaves_the_action_uncovered() {
    for cover in Cover::ALL {
        let scope = base().give(cover).unwrap();
        for (number, broken) in BROKEN.into_iter().enumerate() {
            let mut case = base();
            broken(&mut case);
            case.digest();
            assert!(case.spend(&scope).is_err(), "{cover:?}, {number}");
        }
        for ended in [ScopeState::Revoked("ada".to_owned()), ScopeState::Void("x".to_owned())] {
            let scope = ScopeGrant { state: ended, ..scope.clone() };
            assert!(matches!(base().spend(&scope), Err(Unspent::NotNow(_))) && !is_live(&scope, NOW));
        }
        let scope = ScopeGrant { left: 0, ..scope };
        assert!(matches!(base().spend(&scope), Err(Unspent::NotNow(_))) && !is_live(&scope, NOW));
    }
}

/// What a scope was bound to changed for good.
#[rstest]
#[case::alert_over(|case: &mut Case| case.world.alert = AlertNow::Over)]
#[case::labels(|case: &mut Case| {
    case.world.labels.insert("x".to_owned(), "y".to_owned());
})]
#[case::document(|case: &mut Case| case.world.revision = Some("r2".to_owned()))]
#[case::roles(|case: &mut Case| case.by.roles.clear())]
#[case::handed_over(|case: &mut Case| case.run(|run| run.owner = "bob".to_owned()))]
#[case::run_over(|case: &mut Case| case.run = None)]
#[case::clock(|case: &mut Case| case.at = NOW.minus(Duration::from_secs(1)))]
#[case::policy(|case: &mut Case| {
    case.world.policy.decision.policy = "tighter".to_owned();
    case.answer().scope = Scope::Once;
})]
fn such_a_change_voids_it(#[case] change: fn(&mut Case)) {
    for cover in Cover::ALL {
        let scope = base().give(cover).unwrap();
        let mut case = base();
        change(&mut case);
        assert!(matches!(case.spend(&scope), Err(Unspent::Void(_))), "{cover:?}: {:?}", case.spend(&scope));
    }
}

#[test]
fn what_is_for_somebody_or_something_else_leaves_it_as_it_is() {
    let scope = base().give(Cover::RunReads).unwrap();
    let mut bob = base();
    bob.by.name = "bob".to_owned();
    assert!(matches!(bob.spend(&scope), Err(Unspent::NotNow(_))));
    let mut paused = base();
    paused.run(|run| run.state = RunState::Paused);
    assert!(matches!(paused.spend(&scope), Err(Unspent::NotNow(_))));
    let mut other_alert = base();
    other_alert.proposal.spec.subject.key.fingerprint = "g".to_owned();
    other_alert.world.alert = AlertNow::Over;
    other_alert.digest();
    assert!(matches!(other_alert.spend(&scope), Err(Unspent::NotCovered(_))));
    let mut demanded = base();
    demanded.answer().demands.insert(Demand::Note);
    assert!(matches!(demanded.spend(&scope), Err(Unspent::NotCovered(_))), "the same policy, of another read");
    let step = base().give(Cover::SameStep).unwrap();
    assert!(matches!(demanded.spend(&step), Err(Unspent::Void(_))), "the same policy, of the same step");
    let mut moved = base();
    moved.proposal.spec.target = Target::ThisHost { name: "db-3".to_owned() };
    moved.digest();
    assert!(matches!(moved.spend(&step), Err(Unspent::Void(_))));
}

#[test]
fn what_is_dangerous_is_offered_nothing_wider() {
    for risk in [Risk::Query, Risk::Read, Risk::Change, Risk::Destroy, Risk::Unknown] {
        let mut case = base();
        case.proposal.spec.risk = risk;
        case = Case::of(case.proposal.spec);
        let offered = offered(&case.proposal.spec, &case.world.policy.decision.answer, case.run.as_ref());
        let expected: &[Cover] = match risk {
            Risk::Read => &Cover::ALL,
            Risk::Change => &[Cover::SameStep],
            Risk::Query | Risk::Destroy | Risk::Unknown => &[],
        };
        assert_eq!(offered, expected, "{risk:?}");
        for cover in Cover::ALL {
            assert_eq!(case.give(cover).is_ok(), offered.contains(&cover), "{risk:?}, {cover:?}");
        }
    }
}

#[test]
fn the_policy_says_how_wide_it_may_be() {
    for (scope, expected) in
        [(Scope::Once, &[][..]), (Scope::SameStep, &[Cover::SameStep]), (Scope::RunReads, &Cover::ALL)]
    {
        let mut case = base();
        case.answer().scope = scope;
        assert_eq!(offered(&case.proposal.spec, &case.world.policy.decision.answer, case.run.as_ref()), expected);
        for cover in Cover::ALL {
            assert_eq!(case.give(cover).is_ok(), expected.contains(&cover));
        }
    }
    let mut lasting = base();
    lasting.run(|run| run.state = RunState::Paused);
    assert!(offered(&lasting.proposal.spec, &lasting.world.policy.decision.answer, lasting.run.as_ref()).is_empty());
    assert!(lasting.give(Cover::SameStep).unwrap_err().contains("does not go on"));
    for lasts in [LASTS_AT_LEAST - Duration::from_secs(1), LASTS_AT_MOST + Duration::from_secs(1)] {
        let wish = Wish { cover: Cover::SameStep, lasts: Some(lasts) };
        let case = base();
        assert!(decide_give(&case.proposal, wish, LIMITS, &case.moment()).is_err());
    }
}

#[test]
fn reads_act_on_the_places_of_the_review_only() {
    let kubectl = |line: &str| Case::of(read("n2", line));
    let scope = Case::of(read("n1", "kubectl --context=prod -n shop get pods")).give(Cover::RunReads).unwrap();
    kubectl("kubectl --context=prod -n shop get nodes").spend(&scope).unwrap();
    kubectl("df -h").spend(&scope).unwrap();
    for line in [
        "kubectl --context=staging -n shop get pods",
        "kubectl --context=prod -n kube-system get pods",
        "kubectl -n shop get pods",
    ] {
        assert!(matches!(kubectl(line).spend(&scope), Err(Unspent::NotCovered(_))), "{line}");
    }
    let unknown = Case::of(read("n1", "kubectl get pods")).give(Cover::RunReads);
    assert!(unknown.unwrap_err().contains("no read"), "which cluster that is nobody knows");
}

#[test]
fn a_promise_says_what_how_often_and_how_long() {
    let spec = read("n1", "du -sh /srv");
    for (cover, needle) in [(Cover::SameStep, "This exact step again"), (Cover::RunReads, "Every read of run 4")] {
        let promise = promise(cover, &spec, RunId(4), LIMITS).join(" ");
        for words in [needle, "2 times", "30 minutes", "web-1", "void"] {
            assert!(promise.contains(words), "{promise}");
        }
    }
    let scope = base().give(Cover::RunReads).unwrap();
    assert_eq!(given(&scope, NOW), "2 of 2 uses left, 30 minutes left");
    assert_eq!(given(&scope, NOW.plus(LASTS)), "expired");
    assert_eq!(given(&ScopeGrant { left: 0, ..scope }, NOW), "used up");
}

#[test]
fn it_is_stored_whole() {
    for cover in Cover::ALL {
        for state in [ScopeState::Live, ScopeState::Revoked("ada".to_owned()), ScopeState::Void("x".to_owned())] {
            let scope = ScopeGrant { state, ..base().give(cover).unwrap() };
            let text = serde_json::to_string(&scope).unwrap();
            assert_eq!(serde_json::from_str::<ScopeGrant>(&text).unwrap(), scope);
        }
    }
}

proptest! {
    /// Any number of bounds broken together never makes a whole.
    #[test]
    fn no_scope_covers_anything_beyond_its_bounds(
        wide in any::<bool>(),
        first in 0..BROKEN.len(),
        others in prop::collection::vec(0..BROKEN.len(), 0..5),
        meaning in prop::collection::vec(0..OTHER_MEANING.len(), 0..3),
        elapsed in 0..LASTS.as_millis() as i64,
        stale in any::<bool>(),
    ) {
        let cover = if wide { Cover::RunReads } else { Cover::SameStep };
        let scope = base().give(cover).unwrap();
        let mut case = base();
        case.at = NOW.plus(Duration::from_millis(elapsed.unsigned_abs()));
        meaning.iter().for_each(|at| OTHER_MEANING[*at](&mut case.proposal.spec));
        others.iter().for_each(|at| BROKEN[*at](&mut case));
        // Last, so that nothing mends it.
        BROKEN[first](&mut case);
        if !stale {
            case.digest();
        }
        prop_assert!(case.spend(&scope).is_err());
    }

    /// The same step is the same digest, whatever else is a read.
    #[test]
    fn the_same_step_is_the_same_meaning(
        changes in prop::collection::vec(0..OTHER_MEANING.len(), 1..4),
        elapsed in 0..LASTS.as_millis() as i64,
    ) {
        let scope = base().give(Cover::SameStep).unwrap();
        let mut case = base();
        case.at = NOW.plus(Duration::from_millis(elapsed.unsigned_abs()));
        changes.iter().for_each(|at| OTHER_MEANING[*at](&mut case.proposal.spec));
        case.digest();
        prop_assert!(matches!(case.spend(&scope), Err(Unspent::NotCovered(_))));
        // A digest that was forged to be the reviewed one is no digest of the action.
        case.proposal.digest = base().proposal.digest;
        prop_assert!(case.spend(&scope).is_err());
    }

    /// Reads of a run are reads, confined, here, with the words of the document and the alert.
    #[test]
    fn reads_of_a_run_are_plain_reads(
        changes in prop::collection::vec(0..NO_READ.len(), 1..4),
        node in prop::sample::select(vec!["n1", "n2"]),
    ) {
        let scope = base().give(Cover::RunReads).unwrap();
        let mut spec = read(node, "df -h");
        changes.iter().for_each(|at| NO_READ[*at](&mut spec));
        let is_again_a_read = spec.risk == Risk::Read
            && spec.mode == Execution::Supervised
            && spec.confinement == Confinement::ReadsOnly
            && spec.secrets.is_empty()
            && spec.invocation == read(node, "df -h").invocation;
        prop_assert!(!is_again_a_read, "each change takes something that no other gives back");
        prop_assert!(Case::of(spec).spend(&scope).is_err());
    }

    /// Steps that are no command of the run, or none at all, are not covered.
    #[test]
    fn steps_outside_the_run_are_not_covered(node in "n[03-9]|[a-z]{2,8}|block-[0-9]") {
        let scope = base().give(Cover::RunReads).unwrap();
        prop_assert!(matches!(Case::of(read(&node, "df -h")).spend(&scope), Err(Unspent::NotCovered(_))));
    }
}

//! Grants: a person's yes, bound to exactly what was shown, spendable once.
//!
//! Owns: when a proposal may be approved and when a grant may be spent. Does not: store the answer.
//!
//! Invariants: [`Grant`] has no public constructor, is not `Clone`, cannot be deserialised, and is consumed by running.
//! Both decisions compare the digest of what would run *now* with the digest that was shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::proposal::{APPROVE_WITHIN, Proposal, ProposalState};
use super::risk::Risk;
use super::spec::ActionSpec;
use super::tie::{self, AlertNow};
use crate::domain::alert::Labels;
use crate::domain::id::{AttemptId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::policy::{Decision, Demand, Verdict};
use crate::domain::time::Timestamp;

/// A grant that was not spent within this time is void: a yes is for now, not for later.
pub const EXECUTE_WITHIN: Duration = Duration::from_secs(60);

/// What the person saw and did when approving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Digest that the review showed.
    pub digest: String,
    /// The target's name, if the person typed one.
    pub typed_target: Option<String>,
    /// The review as it stood on the screen.
    pub rendered: String,
    /// Columns and rows of the terminal.
    pub terminal: (u16, u16),
}

/// The facts that a proposal is bound to, as they are at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Labels of the alert that the proposal is bound to now; empty when there is no such alert.
    pub labels: Labels,
    /// How that very alert stands now, whatever else of the incident fires.
    pub alert: AlertNow,
    /// Revision of the SOP or the answer now; `None` when it is gone.
    pub revision: Option<String>,
    /// What the policy says of it, asked by this person at this moment.
    pub policy: PolicyFacts,
}

/// What the policy says, and what there is of what it may demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFacts {
    /// What it says.
    pub decision: Decision,
    /// Who approved first, where two people have to; by the policy's name for them.
    pub first_approver: Option<String>,
    /// Whether the person has written a note on the incident since the proposal was made.
    pub has_note: bool,
}

impl PolicyFacts {
    /// A decision, while nothing of what it may demand is there.
    #[must_use]
    pub const fn of(decision: Decision) -> Self {
        Self { decision, first_approver: None, has_note: false }
    }

    fn demands(&self, demand: Demand) -> bool {
        self.decision.answer.demands.contains(&demand)
    }
}

/// A stored yes: what the transaction that approves writes down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRecord {
    /// What was approved.
    pub proposal: ProposalId,
    /// The digest that was approved.
    pub digest: String,
    /// Login name of the person.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// It has to be spent before.
    pub expires_at: Timestamp,
}

/// A yes in hand. Whoever holds one may start this action, once.
#[derive(Debug)]
pub struct Grant {
    attempt: AttemptId,
    proposal: ProposalId,
    digest: String,
    spec: ActionSpec,
}

impl Grant {
    /// The attempt that this grant was spent on.
    #[must_use]
    pub const fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// The proposal that was approved.
    #[must_use]
    pub const fn proposal(&self) -> ProposalId {
        self.proposal
    }

    /// The digest that was approved.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What may run.
    #[must_use]
    pub const fn spec(&self) -> &ActionSpec {
        &self.spec
    }
}

/// Why a proposal can no longer be approved or a grant no longer be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Not now, but the proposal stands (a missing or wrong target name, a stale digest on the screen).
    Refused(Refusal),
    /// Never: the proposal is void, for this reason.
    Void(Refusal),
}

impl Denied {
    /// The reason, whichever kind it is.
    #[must_use]
    pub const fn refusal(&self) -> &Refusal {
        match self {
            Self::Refused(refusal) | Self::Void(refusal) => refusal,
        }
    }
}

/// Does the policy let this be done at all?
///
/// # Errors
/// A [`Refusal`] that begins with `what` and names the rules.
pub fn decide_by_policy(decision: &Decision, what: &str) -> Result<(), Refusal> {
    const REMEDY: &str =
        "`aiops policy explain` shows each rule; ask whoever keeps the policy if it should be otherwise";
    match decision.answer.verdict {
        Verdict::Allow | Verdict::Ask => Ok(()),
        Verdict::Forbid => {
            let why = format!("the policy forbids it: {}", decision.because().join("; "));
            Err(Refusal::new(what, why, REMEDY))
        }
    }
}

/// May `proposal` be approved by `by`, who saw what `approval` says, while the world is as `world` says?
///
/// # Errors
/// [`Denied::Refused`] when the person can do better, [`Denied::Void`] when what was proposed is no longer true.
pub fn decide_approve(
    proposal: &Proposal,
    approval: &Approval,
    world: &World,
    by: &str,
    now: Timestamp,
) -> Result<GrantRecord, Denied> {
    const WHAT: &str = "Not approved";
    if proposal.state != ProposalState::Pending {
        return Err(Denied::Refused(Refusal::new(
            WHAT,
            match proposal.state {
                ProposalState::Granted | ProposalState::Spent => "it was approved already".to_owned(),
                ProposalState::Rejected => "it was rejected".to_owned(),
                _ => format!("it is void: {}", proposal.reason),
            },
            "Look at the step for what came of it",
        )));
    }
    if now.since(proposal.created_at) > APPROVE_WITHIN || now < proposal.created_at {
        let why = if now < proposal.created_at {
            "the clock was set back, so nobody can tell how old the proposal is".to_owned()
        } else {
            format!("the proposal is older than {} minutes", APPROVE_WITHIN.as_secs() / 60)
        };
        return Err(Denied::Void(Refusal::new(WHAT, why, "Propose the step again")));
    }
    still_true(proposal, world, WHAT).map_err(Denied::Void)?;
    if approval.digest != proposal.digest {
        return Err(Denied::Refused(Refusal::new(
            WHAT,
            "the review showed something else than what would run now",
            "Open the review again, and read it: in the console with A, else with `aiops runs show`",
        )));
    }
    decide_by_policy(&world.policy.decision, WHAT).map_err(Denied::Refused)?;
    let needs_target = proposal.needs_typed_target() || world.policy.demands(Demand::TypedTarget);
    if needs_target && approval.typed_target.as_deref() != Some(proposal.spec.target.name()) {
        return Err(Denied::Refused(Refusal::new(
            WHAT,
            target_needed(proposal),
            "Type it exactly as the review shows it; if the review does not ask for it, propose the step again",
        )));
    }
    if world.policy.demands(Demand::Note) && !world.policy.has_note {
        let why = "the policy asks for a note on the incident, written after this was proposed";
        return Err(Denied::Refused(Refusal::new(
            WHAT,
            why,
            "Write down why you do it (n in the queue), then approve",
        )));
    }
    Ok(GrantRecord {
        proposal: proposal.id,
        digest: proposal.digest.clone(),
        by: by.to_owned(),
        at: now,
        expires_at: now.plus(EXECUTE_WITHIN),
    })
}

/// Why the target's name has to be typed.
fn target_needed(proposal: &Proposal) -> String {
    match proposal.spec.risk {
        Risk::Destroy | Risk::Unknown => format!("risk {} needs the target's name", proposal.spec.risk.name()),
        Risk::Query | Risk::Read | Risk::Change => "the policy asks for the target's name".to_owned(),
    }
}

/// May the stored yes be spent now, on attempt `attempt`? This is the only place where a [`Grant`] comes from.
///
/// For the store, which stores the intent in the same transaction: a grant that nobody stored could be spent twice. It is
/// public only because Rust cannot open it to the runner's tests, which are programs of their own and need grants without a
/// database; `tests/architecture.rs` fails when anything in `src` but the store names it.
///
/// # Errors
/// [`Denied::Void`] when the grant expired or anything it was bound to changed; [`Denied::Refused`] when it is spent.
pub fn decide_start(
    proposal: &Proposal,
    record: &GrantRecord,
    world: &World,
    attempt: AttemptId,
    now: Timestamp,
) -> Result<Grant, Denied> {
    const WHAT: &str = "Not started";
    if proposal.state != ProposalState::Granted || record.proposal != proposal.id {
        return Err(Denied::Refused(Refusal::new(
            WHAT,
            "there is no unspent grant for it",
            "Look at the step: another console may have started it",
        )));
    }
    if now > record.expires_at || now < record.at {
        return Err(Denied::Void(Refusal::new(
            WHAT,
            format!("the grant was not used within {} seconds", EXECUTE_WITHIN.as_secs()),
            "Propose the step again",
        )));
    }
    still_true(proposal, world, WHAT).map_err(Denied::Void)?;
    if record.digest != proposal.digest {
        return Err(Denied::Void(Refusal::new(WHAT, "the proposal changed after the grant", "Propose the step again")));
    }
    decide_by_policy(&world.policy.decision, WHAT).map_err(Denied::Void)?;
    if world.policy.demands(Demand::SecondPerson) && world.policy.first_approver.is_none() {
        let why = "the policy demands two people now, and one has approved";
        return Err(Denied::Void(Refusal::new(WHAT, why, "Propose the step again")));
    }
    Ok(Grant { attempt, proposal: proposal.id, digest: record.digest.clone(), spec: proposal.spec.clone() })
}

/// Is everything that the proposal was bound to still so?
fn still_true(proposal: &Proposal, world: &World, what: &str) -> Result<(), Refusal> {
    const AGAIN: &str = "Look at the incident and propose the step again";
    tie::check(&proposal.spec, &proposal.digest, world.alert, what)?;
    if world.revision.as_deref() != Some(proposal.spec.step.revision.as_str()) {
        let source = if proposal.spec.step.answer().is_some() { "answer" } else { "SOP" };
        let change = if world.revision.is_some() { "was changed meanwhile" } else { "is gone" };
        let why = format!("the {source} {change}");
        return Err(Refusal::new(what, why, AGAIN));
    }
    for (name, value) in &proposal.spec.labels_used {
        if world.labels.get(name) != Some(value) {
            return Err(Refusal::new(what, format!("the alert's label {name} changed"), AGAIN));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::action::spec::{
        Confinement, Connector, Execution, Invocation, Origin, Pipeline, Script, Stage, StepRef, Target, Word,
    };
    use crate::domain::action::subject::Subject;
    use crate::domain::action::tie::{Tie, decide_propose};
    use crate::domain::id::IncidentId;
    use crate::domain::policy::{Circumstances, Policy, Rank, Request, Source};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn proposal(risk: Risk) -> Proposal {
        let argv = ["du", "-sh", "/srv"].map(|word| Word::new(word, Origin::Sop)).to_vec();
        let stage = Stage::new(argv);
        let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
        let spec = ActionSpec {
            confinement: Confinement::Free,
            secrets: Vec::new(),
            incident: IncidentId(1),
            subject: Subject::unbound(),
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
            risk,
            risk_reasons: Vec::new(),
            labels_used: BTreeMap::from([("mountpoint".to_owned(), "/srv".to_owned())]),
            edited: None,
            time_limit: Duration::from_secs(60),
        };
        let digest = spec.digest(true);
        Proposal {
            id: ProposalId(7),
            spec,
            digest,
            state: ProposalState::Pending,
            created_at: NOW,
            asked_by: "ada".to_owned(),
            reason: String::new(),
            ruling: None,
            first_approver: None,
        }
    }

    fn no_policy(spec: &ActionSpec) -> PolicyFacts {
        PolicyFacts::of(Policy::default().decide(&Request::of(spec, Circumstances::default())))
    }

    fn world() -> World {
        World {
            policy: no_policy(&proposal(Risk::Read).spec),
            labels: BTreeMap::from([("mountpoint".to_owned(), "/srv".to_owned())]),
            alert: AlertNow::Fires,
            revision: Some("r1".to_owned()),
        }
    }

    fn approval(proposal: &Proposal, typed: Option<&str>) -> Approval {
        Approval {
            digest: proposal.digest.clone(),
            typed_target: typed.map(str::to_owned),
            rendered: String::new(),
            terminal: (80, 24),
        }
    }

    fn approve(proposal: &Proposal, world: &World, typed: Option<&str>) -> Result<GrantRecord, Denied> {
        decide_approve(proposal, &approval(proposal, typed), world, "ada", NOW)
    }

    #[test]
    fn a_read_is_approved_and_spent_once() {
        let mut subject = proposal(Risk::Read);
        let record = approve(&subject, &world(), None).unwrap();
        subject.state = ProposalState::Granted;
        let grant = decide_start(&subject, &record, &world(), AttemptId(1), NOW).unwrap();
        assert_eq!(grant.digest(), subject.digest);
        subject.state = ProposalState::Spent;
        let again = decide_start(&subject, &record, &world(), AttemptId(2), NOW);
        assert!(matches!(again, Err(Denied::Refused(_))));
        assert!(matches!(approve(&subject, &world(), None), Err(Denied::Refused(_))));
    }

    #[test]
    fn danger_needs_the_exact_target_name() {
        for risk in [Risk::Destroy, Risk::Unknown] {
            let subject = proposal(risk);
            for typed in [None, Some(""), Some("web"), Some("web-1 ")] {
                assert!(matches!(approve(&subject, &world(), typed), Err(Denied::Refused(_))), "{typed:?}");
            }
            assert!(approve(&subject, &world(), Some("web-1")).is_ok());
        }
    }

    #[test]
    fn any_change_of_the_world_voids_proposal_and_grant() {
        let changes: [fn(&mut World); 6] = [
            |world| world.alert = AlertNow::Over,
            |world| world.alert = AlertNow::FiresAgain,
            |world| world.alert = AlertNow::Unknown,
            |world| world.revision = Some("r2".to_owned()),
            |world| world.revision = None,
            |world| {
                world.labels.insert("mountpoint".to_owned(), "/".to_owned());
            },
        ];
        for change in changes {
            let mut subject = proposal(Risk::Read);
            let record = approve(&subject, &world(), None).unwrap();
            let mut changed = world();
            change(&mut changed);
            assert!(matches!(approve(&subject, &changed, None), Err(Denied::Void(_))));
            subject.state = ProposalState::Granted;
            assert!(matches!(decide_start(&subject, &record, &changed, AttemptId(1), NOW), Err(Denied::Void(_))));
        }
    }

    /// A proposal that was made after the end of its alert.
    fn verification() -> Proposal {
        let mut subject = proposal(Risk::Read);
        subject.digest = Tie::AfterItsEnd.digest(&subject.spec);
        subject
    }

    fn after_the_end(alert: AlertNow) -> World {
        World { alert, ..world() }
    }

    #[test]
    fn what_only_looks_can_be_approved_after_the_end_of_its_alert() {
        let mut subject = verification();
        let record = approve(&subject, &after_the_end(AlertNow::Over), None).unwrap();
        subject.state = ProposalState::Granted;
        let grant = decide_start(&subject, &record, &after_the_end(AlertNow::Over), AttemptId(1), NOW).unwrap();
        assert_eq!(grant.digest(), subject.digest);
        assert_ne!(grant.digest(), proposal(Risk::Read).digest, "a yes to one is no yes to the other");
    }

    #[test]
    fn when_the_alert_fires_again_the_yes_to_a_verification_is_void() {
        for alert in [AlertNow::Fires, AlertNow::FiresAgain, AlertNow::Unknown] {
            let mut subject = verification();
            let record = approve(&subject, &after_the_end(AlertNow::Over), None).unwrap();
            assert!(matches!(approve(&subject, &after_the_end(alert), None), Err(Denied::Void(_))), "{alert:?}");
            subject.state = ProposalState::Granted;
            let started = decide_start(&subject, &record, &after_the_end(alert), AttemptId(1), NOW);
            let Err(Denied::Void(refusal)) = started else { panic!("{alert:?}: {started:?}") };
            let told = if alert == AlertNow::Unknown { "no such alert" } else { "fires again" };
            assert!(refusal.why.contains(told), "{refusal}");
        }
    }

    #[test]
    fn a_stored_change_that_is_tied_to_the_end_of_its_alert_is_void() {
        for risk in [Risk::Change, Risk::Destroy, Risk::Unknown] {
            let mut forged = proposal(risk);
            forged.digest = Tie::AfterItsEnd.digest(&forged.spec);
            let denied = approve(&forged, &after_the_end(AlertNow::Over), Some("web-1")).unwrap_err();
            assert!(matches!(&denied, Denied::Void(refusal) if refusal.why.contains("only look")), "{denied:?}");
        }
    }

    #[test]
    fn what_may_be_proposed_depends_on_how_the_alert_stands() {
        use AlertNow::{Fires, FiresAgain, Over, Unknown};
        let propose = |risk, mode, alert| {
            let mut spec = proposal(risk).spec;
            spec.mode = mode;
            decide_propose(&spec, alert)
        };
        for risk in [Risk::Query, Risk::Read, Risk::Change, Risk::Destroy, Risk::Unknown] {
            assert_eq!(propose(risk, Execution::Supervised, Fires), Ok(Tie::WhileItFires));
            let after = propose(risk, Execution::Supervised, Over);
            match risk {
                Risk::Query | Risk::Read => assert_eq!(after, Ok(Tie::AfterItsEnd)),
                Risk::Change | Risk::Destroy | Risk::Unknown => {
                    let refusal = after.unwrap_err();
                    assert!(refusal.why.contains("no longer fires, and this command"), "{refusal}");
                    assert!(refusal.remedy.contains("risk Read"), "{refusal}");
                }
            }
            assert!(propose(risk, Execution::Supervised, FiresAgain).unwrap_err().why.contains("fires again"));
            assert!(propose(risk, Execution::Supervised, Unknown).unwrap_err().why.contains("no such alert"));
        }
        assert!(propose(Risk::Read, Execution::Interactive, Over).is_err());
    }

    #[test]
    fn labels_that_are_not_used_may_change() {
        let mut changed = world();
        changed.labels.insert("value".to_owned(), "98".to_owned());
        assert!(approve(&proposal(Risk::Read), &changed, None).is_ok());
    }

    #[test]
    fn time_runs_out_for_both() {
        let mut subject = proposal(Risk::Read);
        let late = NOW.plus(APPROVE_WITHIN).plus(Duration::from_millis(1));
        for bad in [late, NOW.minus(Duration::from_millis(1))] {
            let outcome = decide_approve(&subject, &approval(&subject, None), &world(), "ada", bad);
            assert!(matches!(outcome, Err(Denied::Void(_))));
        }
        let record = approve(&subject, &world(), None).unwrap();
        subject.state = ProposalState::Granted;
        let late = NOW.plus(EXECUTE_WITHIN).plus(Duration::from_millis(1));
        for bad in [late, NOW.minus(Duration::from_secs(1))] {
            let outcome = decide_start(&subject, &record, &world(), AttemptId(1), bad);
            assert!(matches!(outcome, Err(Denied::Void(_))));
        }
    }

    #[test]
    fn a_doctored_spec_or_a_stale_screen_is_refused() {
        let mut doctored = proposal(Risk::Read);
        doctored.spec.cwd = "/etc".to_owned();
        assert!(matches!(approve(&doctored, &world(), None), Err(Denied::Void(_))));
        let subject = proposal(Risk::Read);
        let mut stale = approval(&subject, None);
        stale.digest = "0".repeat(64);
        let outcome = decide_approve(&subject, &stale, &world(), "ada", NOW);
        assert!(matches!(outcome, Err(Denied::Refused(_))));
    }

    #[test]
    fn every_part_of_the_meaning_changes_the_digest() {
        let base = proposal(Risk::Read).spec;
        let mutations: [fn(&mut ActionSpec); 12] = [
            |s| s.incident = IncidentId(2),
            |s| s.subject.key.source = "other".into(),
            |s| s.subject.key.fingerprint = "f00".to_owned(),
            |s| s.subject.key.starts_at = NOW,
            |s| s.cwd = "/tmp".to_owned(),
            |s| s.risk = Risk::Unknown,
            |s| s.step.revision = "r2".to_owned(),
            |s| s.step.node = "n2".into(),
            |s| s.time_limit = Duration::from_secs(61),
            |s| {
                s.env.insert("PATH".to_owned(), "/evil".to_owned());
            },
            |s| s.target = Target::ThisHost { name: "db-1".to_owned() },
            |s| {
                let Invocation::Argv { script } = &mut s.invocation else { panic!("argv") };
                script.parts[0].1.stages[0].argv[2] = Word::new("/srv", Origin::Operator);
            },
        ];
        for mutate in mutations {
            let mut changed = base.clone();
            mutate(&mut changed);
            assert_ne!(changed.digest(true), base.digest(true));
        }
        assert_ne!(base.digest(true), base.digest(false));
        let mut prose = base.clone();
        prose.step.title = "Another title".to_owned();
        prose.subject.title = "Another alert".to_owned();
        prose.subject.hosts.push("db-9".to_owned());
        prose.risk_reasons.push("because".to_owned());
        assert_eq!(prose.digest(true), base.digest(true));
    }

    /// The world as [`world`], under a policy of one file with `rules`.
    fn under(rules: &str, spec: &ActionSpec) -> World {
        let text = format!("version = 1\n[[rule]]\nname = \"r\"\nreason = \"because\"\n{rules}");
        let source = Source { rank: Rank::System, place: "/p".to_owned(), text: Ok(text) };
        let policy = Policy::read(vec![source], &|_| None);
        let decision = policy.decide(&Request::of(spec, Circumstances::default()));
        World { policy: PolicyFacts::of(decision), ..world() }
    }

    #[test]
    fn what_the_policy_forbids_is_refused_and_a_grant_before_that_is_void() {
        let mut subject = proposal(Risk::Read);
        let forbidden = under("effect = \"forbid\"", &subject.spec);
        let denied = approve(&subject, &forbidden, None).unwrap_err();
        assert!(matches!(&denied, Denied::Refused(refusal) if refusal.why.contains("rule r: because")), "{denied:?}");
        let record = approve(&subject, &world(), None).unwrap();
        subject.state = ProposalState::Granted;
        assert!(matches!(decide_start(&subject, &record, &forbidden, AttemptId(1), NOW), Err(Denied::Void(_))));
    }

    #[test]
    fn what_the_policy_demands_has_to_be_there() {
        let mut subject = proposal(Risk::Read);
        let named = under("effect = \"ask\"\ndemands = [\"typed-target\"]", &subject.spec);
        assert!(matches!(approve(&subject, &named, None), Err(Denied::Refused(_))));
        assert!(approve(&subject, &named, Some("web-1")).is_ok());
        let mut noted = under("effect = \"ask\"\ndemands = [\"note\"]", &subject.spec);
        assert!(matches!(approve(&subject, &noted, None), Err(Denied::Refused(_))));
        noted.policy.has_note = true;
        let record = approve(&subject, &noted, None).unwrap();
        subject.state = ProposalState::Granted;
        let mut two = under("effect = \"ask\"\ndemands = [\"second-person\"]", &subject.spec);
        assert!(matches!(decide_start(&subject, &record, &two, AttemptId(1), NOW), Err(Denied::Void(_))));
        two.policy.first_approver = Some("bob".to_owned());
        assert!(decide_start(&subject, &record, &two, AttemptId(1), NOW).is_ok());
    }
}

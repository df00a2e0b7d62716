//! When a scope may be given, and when it may be spent.
//!
//! Owns: both decisions, and which of the reasons against spending end the scope for good. Does not: know the time or the
//! store; whoever asks says how the world stands at that moment.
//!
//! Invariant: what is not certainly covered is not covered. The policy is asked anew for each use, as for each approval.

use super::{
    Cover, Covered, Holder, LASTS_AT_LEAST, LASTS_AT_MOST, Limits, ScopeGrant, ScopeState, Terms, Wish, labels_digest,
};
use crate::domain::action::grant::{Approval, Denied, GrantRecord, World, decide_approve};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Confinement, Execution, Invocation, Origin};
use crate::domain::action::tie::Tie;
use crate::domain::incident::Refusal;
use crate::domain::policy::{Answer, Circumstances, Place, PlaceKind, Request, Verdict};
use crate::domain::run::item::ItemKind;
use crate::domain::run::{Run, RunState};
use crate::domain::time::Timestamp;

/// Programs that act on another host than the one that they run on.
const ELSEWHERE: [&str; 5] = ["ssh", "scp", "sftp", "rsync", "mosh"];

/// How the world stands when a scope is given or spent.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The time.
    pub at: Timestamp,
    /// What the proposal is bound to, as it is now.
    pub world: &'a World,
    /// The run of the incident that is on.
    pub run: Option<&'a Run>,
    /// Who asks.
    pub by: &'a Holder,
}

/// Why a scope was not spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unspent {
    /// It does not cover this action; another one may. As a clause.
    NotCovered(&'static str),
    /// Not now, or not by this person; the scope stands. As a clause.
    NotNow(String),
    /// Never again: the scope is void. As a clause.
    Void(String),
    /// The proposal itself cannot be approved, whoever says yes.
    Proposal(Denied),
}

/// Whether `scope` may still cover something at `now`.
#[must_use]
pub fn is_live(scope: &ScopeGrant, now: Timestamp) -> bool {
    let terms = &scope.terms;
    scope.state == ScopeState::Live && scope.left > 0 && now >= terms.given_at && now < terms.expires_at
}

/// Which wider yeses can be given to `spec`, when the policy answers `answer` and `run` is on; narrow first.
#[must_use]
pub fn offered(spec: &ActionSpec, answer: &Answer, run: Option<&Run>) -> Vec<Cover> {
    let in_run = run.is_some_and(|run| runs_in(run, spec) && run.state == RunState::Active);
    Cover::ALL.into_iter().filter(|cover| in_run && lets(answer, *cover) && may_cover(*cover, spec)).collect()
}

/// May `proposal`, to which its reader has just said yes, be given the wider yes `wish`? Returns what it is bound to.
///
/// # Errors
/// A [`Refusal`]; nothing of the approval counts then, since the person asked for both.
pub fn decide_give(proposal: &Proposal, wish: Wish, limits: Limits, moment: &Moment<'_>) -> Result<Terms, Refusal> {
    const WHAT: &str = "Not approved";
    const ONCE: &str = "Approve it once; the next one asks you again";
    let refuse = |why: &str| Err(Refusal::new(WHAT, why, ONCE));
    let spec = &proposal.spec;
    let decision = &moment.world.policy.decision;
    let Some(run) = moment.run.filter(|run| runs_in(run, spec)) else {
        return refuse("a wider yes is only for the commands of a run, and no run of this SOP and alert is on");
    };
    if run.state != RunState::Active {
        return refuse("the run does not go on now");
    }
    if !lets(&decision.answer, wish.cover) || proposal.first_approver.is_some() {
        return refuse("the policy lets one approval of it count for no more than that");
    }
    if !may_cover(wish.cover, spec) {
        return refuse(match wish.cover {
            Cover::SameStep => "what destroys, is unknown or needs a terminal is approved once at a time",
            Cover::RunReads => "it is no read that runs confined, with words of the SOP and the alert alone",
        });
    }
    let lasts = wish.lasts.unwrap_or(limits.lasts);
    if !(LASTS_AT_LEAST..=LASTS_AT_MOST).contains(&lasts) {
        return refuse("a wider yes lasts 1 minute to 4 hours");
    }
    let Some(tie) = Tie::of(spec, &proposal.digest) else {
        return refuse("the stored proposal does not match its digest");
    };
    let covered = match wish.cover {
        Cover::SameStep => Covered::SameStep { node: spec.step.node.clone(), digest: proposal.digest.clone() },
        Cover::RunReads => Covered::RunReads { places: places(spec) },
    };
    Ok(Terms {
        incident: spec.incident,
        run: run.id,
        lead: run.owner.clone(),
        alert: spec.subject.key.clone(),
        labels: labels_digest(&moment.world.labels),
        tie,
        sop: spec.step.sop.clone(),
        revision: spec.step.revision.clone(),
        target: spec.target.clone(),
        covered,
        holder: moment.by.clone(),
        proposal: proposal.id,
        given_at: moment.at,
        expires_at: moment.at.plus(lasts),
        uses: limits.uses,
        policy: decision.policy.clone(),
        answer: decision.answer.clone(),
    })
}

/// May `scope` approve `proposal` now? What comes back is what any other approval stores, with a sentence in the place of
/// the review that nobody read; the intent still asks everything anew.
///
/// # Errors
/// Why not, and whether that ends the scope.
pub fn decide_spend(
    scope: &ScopeGrant,
    proposal: &Proposal,
    moment: &Moment<'_>,
) -> Result<(GrantRecord, Approval), Unspent> {
    let terms = &scope.terms;
    holds_for(scope, moment)?;
    concerns(terms, proposal)?;
    still_bound(terms, proposal, moment)?;
    covers(terms, proposal, moment)?;
    let answer = &moment.world.policy.decision.answer;
    if !lets(answer, terms.covered.cover()) {
        let same_policy = moment.world.policy.decision.policy == terms.policy;
        // Of one policy an answer may differ between the reads of a run; between two uses of one step it may not.
        return Err(match terms.covered {
            Covered::RunReads { .. } if same_policy => Unspent::NotCovered("the policy asks for more than a wider yes"),
            Covered::RunReads { .. } | Covered::SameStep { .. } => {
                Unspent::Void("the policy asks for more than it did".to_owned())
            }
        });
    }
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: None,
        rendered: spent_under(scope),
        terminal: (0, 0),
    };
    let decided = decide_approve(proposal, &approval, moment.world, &moment.by.name, moment.at);
    decided.map(|record| (record, approval)).map_err(Unspent::Proposal)
}

/// What stands in the place of a review when nobody read one.
fn spent_under(scope: &ScopeGrant) -> String {
    let (id, terms) = (scope.id, &scope.terms);
    let (given_at, proposal) = (terms.given_at.to_rfc3339(), terms.proposal);
    let (cover, who) = (terms.covered.cover().name(), &terms.holder.name);
    format!("Approved under scope {id} ({cover}), which {who} gave at {given_at} in the review of action {proposal}")
}

/// Whether the scope is live, and the person of `moment` has it.
fn holds_for(scope: &ScopeGrant, moment: &Moment<'_>) -> Result<(), Unspent> {
    let terms = &scope.terms;
    match &scope.state {
        ScopeState::Live => {}
        ScopeState::Revoked(_) => return Err(Unspent::NotNow("it was revoked".to_owned())),
        ScopeState::Void(reason) => return Err(Unspent::NotNow(format!("it is void: {reason}"))),
    }
    if !terms.holder.is_person(moment.by) {
        return Err(Unspent::NotNow(format!(
            "it is a yes of {}, in another session or of another account",
            terms.holder.name
        )));
    }
    if moment.at < terms.given_at {
        return Err(Unspent::Void("the clock was set back, so nobody can tell how old it is".to_owned()));
    }
    if moment.at >= terms.expires_at {
        return Err(Unspent::NotNow("its time is over".to_owned()));
    }
    if scope.left == 0 {
        return Err(Unspent::NotNow("it is used up".to_owned()));
    }
    Ok(())
}

/// Whether the proposal is for the same incident, alert and document; what is not says nothing about the scope.
fn concerns(terms: &Terms, proposal: &Proposal) -> Result<(), Unspent> {
    let spec = &proposal.spec;
    if spec.incident != terms.incident || spec.subject.key != terms.alert {
        return Err(Unspent::NotCovered("it is for another alert"));
    }
    if spec.step.sop != terms.sop {
        return Err(Unspent::NotCovered("it is no step of that SOP"));
    }
    if let Covered::SameStep { node, .. } = &terms.covered
        && spec.step.node != *node
    {
        return Err(Unspent::NotCovered("it is another step"));
    }
    Ok(())
}

/// Whether everything that the scope was bound to is still so.
fn still_bound(terms: &Terms, proposal: &Proposal, moment: &Moment<'_>) -> Result<(), Unspent> {
    let void = |why: &str| Err(Unspent::Void(why.to_owned()));
    let Some(run) = moment.run.filter(|run| run.id == terms.run && !run.state.is_over()) else {
        return void("its run is over");
    };
    if run.owner != terms.lead {
        return void("its run was handed over to somebody else");
    }
    if moment.by.roles != terms.holder.roles {
        return void("its owner has other roles now");
    }
    if let Err(broken) = terms.tie.holds(moment.world.alert) {
        return void(broken.why);
    }
    if labels_digest(&moment.world.labels) != terms.labels {
        return void("the labels of the alert changed");
    }
    if moment.world.revision.as_ref() != Some(&terms.revision)
        || run.plan.revision != terms.revision
        || proposal.spec.step.revision != terms.revision
    {
        return void("the SOP was changed");
    }
    match terms.covered.cover() {
        Cover::SameStep if proposal.spec.target != terms.target => void("the step has another target now"),
        Cover::SameStep | Cover::RunReads => Ok(()),
    }
}

/// Whether the proposal is one of those that the scope is for.
fn covers(terms: &Terms, proposal: &Proposal, moment: &Moment<'_>) -> Result<(), Unspent> {
    let spec = &proposal.spec;
    let no = |why| Err(Unspent::NotCovered(why));
    let Some(run) = moment.run.filter(|run| runs_in(run, spec)) else { return no("it is no step of that run") };
    if run.state != RunState::Active {
        return Err(Unspent::NotNow("its run does not go on".to_owned()));
    }
    let of_node = run.plan.items.iter().filter(|item| item.node.as_ref() == Some(&spec.step.node));
    if of_node.clone().any(|item| run.responsible(item) != terms.holder.name) {
        return no("the step is somebody else's");
    }
    if spec.target != terms.target {
        return no("it acts on another target");
    }
    if Tie::of(spec, &proposal.digest) != Some(terms.tie) {
        return no("the alert stood otherwise when it was proposed");
    }
    if proposal.first_approver.is_some() {
        return no("two people have to approve it");
    }
    if !may_cover(terms.covered.cover(), spec) {
        return no("it is not of a kind that a wider yes covers");
    }
    match &terms.covered {
        Covered::SameStep { digest, .. } if proposal.digest != *digest => {
            no("it is not the same command, word by word")
        }
        Covered::RunReads { places: known } if places(spec).iter().any(|place| !known.contains(place)) => {
            no("it acts on other places")
        }
        Covered::SameStep { .. } | Covered::RunReads { .. } => Ok(()),
    }
}

/// Whether an answer of the policy lets a yes count for that much.
fn lets(answer: &Answer, cover: Cover) -> bool {
    answer.verdict == Verdict::Ask && answer.demands.is_empty() && answer.scope >= cover.scope()
}

/// Whether an action is of a kind that `cover` may be about, whatever the policy says.
fn may_cover(cover: Cover, spec: &ActionSpec) -> bool {
    match cover {
        Cover::SameStep => {
            matches!(spec.risk, Risk::Read | Risk::Change)
                && spec.mode == Execution::Supervised
                && !spec.step.is_of_program()
                && spec.step.answer().is_none()
        }
        Cover::RunReads => is_plain_read(spec),
    }
}

/// Whether an action is a read that the kernel keeps to reading, that gets no secret, acts on places that are known, and whose
/// words nobody typed and no model wrote.
fn is_plain_read(spec: &ActionSpec) -> bool {
    let Invocation::Argv { script } = &spec.invocation else { return false };
    let written = |origin: &Origin| match origin {
        Origin::Sop | Origin::Script | Origin::Label(_) => true,
        Origin::Operator | Origin::Model => false,
    };
    let elsewhere = |text: &str| ELSEWHERE.contains(&text.rsplit('/').next().unwrap_or_default());
    spec.risk == Risk::Read
        && spec.mode == Execution::Supervised
        && spec.confinement == Confinement::ReadsOnly
        && spec.secrets.is_empty()
        && !spec.step.is_of_program()
        && spec.step.answer().is_none()
        && script.words().flat_map(|word| &word.pieces).all(|piece| written(&piece.origin))
        && !script.words().any(|word| elsewhere(&word.text()))
        && places(spec).iter().all(is_known)
}

/// Whether it is certain which place that is. Of a cluster only its context tells.
const fn is_known(place: &Place) -> bool {
    match place.kind {
        PlaceKind::ThisHost | PlaceKind::Ssh => true,
        PlaceKind::Kubernetes => place.context.is_some(),
    }
}

/// Where an action acts: its target, and the clusters that its words name.
fn places(spec: &ActionSpec) -> Vec<Place> {
    Request::of(spec, Circumstances::default()).places
}

/// Whether an action is a command of `run` as it is planned now.
fn runs_in(run: &Run, spec: &ActionSpec) -> bool {
    let plan = &run.plan;
    !run.state.is_over()
        && run.incident == spec.incident
        && plan.alert == spec.subject.key
        && plan.sop == spec.step.sop
        && plan.revision == spec.step.revision
        && plan.items.iter().any(|item| item.kind == ItemKind::Command && item.node.as_ref() == Some(&spec.step.node))
}

//! The read that lists what an action would touch, as an action of its own.
//!
//! Owns: building it from the words of the change, and the key by which its outcomes are found again. Does not: approve or run
//! it; it is proposed, reviewed, confined and journaled like every other read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Reach;
use crate::domain::action::build::{Reads, gains_privileges};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Script, StepRef, hash_invocation,
};
use crate::domain::digest::FieldHasher;
use crate::domain::id::ProposalId;
use crate::domain::incident::Refusal;

/// What such a read is called where a document stands; the node is its key.
pub const STEP: &str = "reach";
/// A listing is ended after this long: whoever waits for it waits with a review before them.
const LONGEST: Duration = Duration::from_secs(60);

/// How reads run where the change would.
#[derive(Clone, Debug)]
pub struct LookUp {
    /// The whole environment that its programs get, before what `reads` replaces.
    pub env: BTreeMap<String, String>,
    /// What is different for an action that only reads.
    pub reads: Reads,
    /// It is ended after this long, or after a minute.
    pub time_limit: Duration,
}

/// What lists the objects that `change` would touch; `None` when there is nothing that could be listed.
fn question(reach: &Reach) -> Option<Invocation> {
    let parts: Vec<_> = reach.questions().into_iter().map(|question| (Connector::Always, question.clone())).collect();
    (!parts.is_empty()).then(|| Invocation::Argv { script: Script::new(parts) })
}

/// By what the outcomes of the look-up for `change` are found again: whatever would be asked the same has the same key.
/// `None` when nothing can be listed.
#[must_use]
pub fn key_of(change: &ActionSpec, reach: &Reach) -> Option<String> {
    let invocation = question(reach)?;
    let mut hasher = FieldHasher::new("aiops reach v1");
    hash_invocation(&mut hasher, &invocation);
    change.target.hash(&mut hasher);
    hasher.field(change.cwd.as_bytes());
    hasher.field(kubeconfig(change).as_bytes());
    let mut key = hasher.finish();
    key.truncate(32);
    Some(key)
}

fn kubeconfig(spec: &ActionSpec) -> &str {
    spec.env.get("KUBECONFIG").map_or("", String::as_str)
}

/// Builds the read for `change`, which waits as proposal `of`.
///
/// # Errors
/// A [`Refusal`] when nothing can be listed, or what lists it is not known to only look.
pub fn look_up(change: &ActionSpec, of: ProposalId, with: LookUp) -> Result<ActionSpec, Refusal> {
    const WHAT: &str = "Not proposed";
    let reach = super::of(change);
    let (Some(invocation), Some(key)) = (question(&reach), key_of(change, &reach)) else {
        let why = "its words name or select no objects of a cluster that could be listed";
        return Err(Refusal::new(WHAT, why, "The review says what the words name"));
    };
    let (risk, risk_reasons) = risk::classify(&invocation);
    if risk > Risk::Read {
        let why = format!("what would list them is not known to only look: {}", risk_reasons.join("; "));
        return Err(Refusal::new(WHAT, why, "Look in another terminal before you approve"));
    }
    let mut env = with.env;
    let confinement = if change.target.is_here() {
        env.extend(with.reads.env);
        if gains_privileges(&invocation) { Confinement::Free } else { with.reads.confinement }
    } else {
        Confinement::Free
    };
    Ok(ActionSpec {
        incident: change.incident,
        subject: change.subject.clone(),
        step: StepRef::of_program(STEP, &key, format!("what proposal {of} would touch")),
        labels_used: change.labels_used.clone(),
        invocation,
        mode: Execution::Supervised,
        target: change.target.clone(),
        cwd: change.cwd.clone(),
        env,
        risk,
        risk_reasons,
        confinement,
        secrets: Vec::new(),
        time_limit: with.time_limit.min(LONGEST),
        edited: None,
    })
}

/// Says that a read saw with other rights than the change would have: another kubeconfig may lead to another cluster.
#[must_use]
pub fn seen_with_another_kubeconfig<'l>(change: &ActionSpec, look_up: &'l ActionSpec) -> Option<&'l str> {
    (kubeconfig(change) != kubeconfig(look_up)).then(|| kubeconfig(look_up))
}

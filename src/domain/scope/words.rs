//! Scopes in words: what a person reads before giving one, and in lists afterwards.
//!
//! Owns: the sentences. Does not: make text harmless; what comes out may hold foreign text.

use std::time::Duration;

use super::{Cover, Covered, Limits, ScopeGrant, ScopeState};
use crate::domain::action::spec::ActionSpec;
use crate::domain::id::RunId;
use crate::domain::time::Timestamp;

/// What a wider yes to `spec` in `run` would mean, one sentence each. The first says what it covers.
#[must_use]
pub fn promise(cover: Cover, spec: &ActionSpec, run: RunId, limits: Limits) -> Vec<String> {
    let target = spec.target.name();
    let covered = match cover {
        Cover::SameStep => format!(
            "This exact step again: run {run} may start the command of this review again without asking you, word by word \
             the same, on {target}, for this alert."
        ),
        Cover::RunReads => format!(
            "Every read of run {run}: it may start any command of its SOP without asking you that is judged Read, can write \
             to a scratch directory only, and acts on {target} as this one does. You will not see those commands before \
             they run."
        ),
    };
    let (uses, span) = (limits.uses, minutes(limits.lasts));
    let times = if uses == 1 { "once".to_owned() } else { format!("{uses} times") };
    vec![
        covered,
        format!("It counts {times} at most, within {span}, only for you, and only while you use the console."),
        "It is void when the alert, the SOP, the target or the policy changes, and when the run stops being yours."
            .to_owned(),
    ]
}

/// What a scope covers, as a clause.
#[must_use]
pub fn covers(scope: &ScopeGrant) -> String {
    let terms = &scope.terms;
    let (target, run) = (terms.target.name(), terms.run);
    match &terms.covered {
        Covered::SameStep { node, .. } => format!("step {node} of {} again, on {target}, in run {run}", terms.sop),
        Covered::RunReads { .. } => format!("every confined read of {} on {target}, in run {run}", terms.sop),
    }
}

/// Where a scope stands at `now`, as a clause.
#[must_use]
pub fn given(scope: &ScopeGrant, now: Timestamp) -> String {
    match &scope.state {
        ScopeState::Revoked(by) => format!("revoked by {by}"),
        ScopeState::Void(reason) => format!("void: {reason}"),
        ScopeState::Live if now >= scope.terms.expires_at => "expired".to_owned(),
        ScopeState::Live if scope.left == 0 => "used up".to_owned(),
        ScopeState::Live => {
            let rest = minutes(scope.terms.expires_at.since(now));
            format!("{} of {} uses left, {rest} left", scope.left, scope.terms.uses)
        }
    }
}

/// A span in whole minutes, rounded up: nobody is told of less time than there is.
fn minutes(span: Duration) -> String {
    match span.as_secs().div_ceil(60) {
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

//! Yeses to more than one action: what the review offers, and the list of those that were given.
//!
//! Owns: which are offered, and what the list and its box say. Does not: send anything (see `update::wider`), draw, or
//! decide; the store does when one is given and each time it is spent.

use crate::domain::action::proposal::Proposal;
use crate::domain::scope::{self, Cover, ScopeGrant};
use crate::tui::ui::Model;

/// A wider yes that can be given, or is shown in a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wider {
    /// What it covers.
    pub cover: Cover,
    /// What it means, one sentence each. Foreign text.
    pub promise: Vec<String>,
}

/// The list of yeses that still count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopesBox {
    /// The chosen line.
    pub at: usize,
}

/// The wider yeses that can be given to `proposal` now, narrow first. Its run is known while its incident is on the screen.
#[must_use]
pub fn offered(model: &Model, proposal: &Proposal) -> Vec<Wider> {
    let snapshot = &model.facts.snapshot;
    let run = snapshot.run.as_ref().filter(|run| run.incident == proposal.spec.incident);
    let (Some(run), Some(ruling), None) = (run, &proposal.ruling, &proposal.first_approver) else { return Vec::new() };
    let covers = scope::offered(&proposal.spec, &ruling.answer, Some(run));
    let wider = |cover| Wider { cover, promise: scope::promise(cover, &proposal.spec, run.id, snapshot.scope_limits) };
    covers.into_iter().map(wider).collect()
}

/// Those that still count, oldest first.
#[must_use]
pub fn given(model: &Model) -> &[ScopeGrant] {
    &model.facts.snapshot.scopes
}

/// The line of one in the list: what it covers, and how long and often it still counts. Foreign text.
#[must_use]
pub fn words(scope: &ScopeGrant, model: &Model) -> (String, String) {
    let who = if scope.terms.holder.name == model.ui.settings.person { "" } else { scope.terms.holder.name.as_str() };
    let who = if who.is_empty() { String::new() } else { format!(" ({who})") };
    (format!("{}{who} {}", scope.id, scope::covers(scope)), scope::given(scope, model.ui.now))
}

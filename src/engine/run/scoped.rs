//! Steps of a run that a yes to more than one action covers.
//!
//! Owns: when such a yes is tried. Does not: decide what it covers; the store does, in the transaction that spends it.
//!
//! Invariants: nothing is spent while nobody is at this console, while the run does not go on, or on a step of somebody else.
//! What a scope was found not to cover is not tried again with it; it waits for a person.

use super::RunEngine;
use crate::domain::action::proposal::ProposalState;
use crate::domain::id::{IncidentId, ProposalId, ScopeId};
use crate::domain::run::advance::{ProposalSeen, Situation};
use crate::domain::run::item::ItemState;
use crate::domain::run::{Run, RunState};
use crate::engine::attention::Attention;
use crate::engine::backend::BackendError;

/// Tries that are remembered at most; beyond it the memory begins anew, which costs one more try each.
const REMEMBERED: usize = 10_000;

impl RunEngine {
    /// The same, for a console at which somebody is while `attention` holds. Without it nothing is ever spent.
    #[must_use]
    pub fn with_attention(mut self, attention: Attention) -> Self {
        self.attention = attention;
        self
    }

    /// Starts what waits in `run` and is covered by a yes that its person gave before.
    pub(super) async fn spend_scopes(&self, run: &Run, situation: &Situation) -> Result<(), BackendError> {
        let waiting: Vec<ProposalId> = waiting(run, situation).collect();
        if run.state != RunState::Active || waiting.is_empty() || !self.attention.holds(self.clock.monotonic()) {
            return Ok(());
        }
        for proposal in waiting {
            let scopes = self.scopes_of(run.incident).await?;
            let untried: Vec<ScopeId> = scopes.into_iter().filter(|scope| self.is_untried(*scope, proposal)).collect();
            if untried.is_empty() {
                continue;
            }
            match self.backend.spend_scope(proposal).await {
                Ok(_) => {}
                Err(BackendError::Refused(refusal)) => {
                    tracing::debug!(run = %run.id, %proposal, %refusal, "no scope was spent");
                    self.remember(&untried, proposal);
                }
                Err(error) => {
                    // Approved or not, what came of it is in the store; trying over and over would help nobody.
                    self.remember(&untried, proposal);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn scopes_of(&self, incident: IncidentId) -> Result<Vec<ScopeId>, BackendError> {
        let live = self.store.live_scopes().await?;
        Ok(live.into_iter().filter(|scope| scope.terms.incident == incident).map(|scope| scope.id).collect())
    }

    fn is_untried(&self, scope: ScopeId, proposal: ProposalId) -> bool {
        !self.lock_tried().contains(&(scope, proposal))
    }

    fn remember(&self, scopes: &[ScopeId], proposal: ProposalId) {
        let mut tried = self.lock_tried();
        if tried.len() >= REMEMBERED {
            tried.clear();
        }
        tried.extend(scopes.iter().map(|scope| (*scope, proposal)));
    }
}

/// Proposals of the run that wait for a yes, and whose steps are those of the person here.
fn waiting(run: &Run, situation: &Situation) -> impl Iterator<Item = ProposalId> {
    run.plan.items.iter().filter(|item| run.responsible(item) == situation.me).filter_map(|item| match item.state {
        ItemState::Proposed { proposal } => {
            let pending = |seen: &&ProposalSeen| seen.id == proposal && seen.state == ProposalState::Pending;
            situation.proposals.iter().find(pending).map(|seen| seen.id)
        }
        _ => None,
    })
}

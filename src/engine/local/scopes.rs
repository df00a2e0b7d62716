//! Yeses to more than one action, as a person gives, spends and ends them.
//!
//! Owns: which document's revision is looked at when. Does not: decide what may be covered (see `domain::scope`).

use super::LocalBackend;
use crate::domain::action::grant::Approval;
use crate::domain::id::{ProposalId, ScopeId};
use crate::domain::scope::{Limits, Wish};
use crate::engine::backend::{BackendError, Done};

impl LocalBackend {
    /// The same, with yeses to more than one action that last as `limits` say.
    #[must_use]
    pub fn with_scopes(mut self, limits: Limits) -> Self {
        self.scope_limits = limits;
        self
    }

    pub(super) async fn approve_wider(
        &self,
        proposal: ProposalId,
        approval: Approval,
        wish: Wish,
    ) -> Result<Done, BackendError> {
        let limits = Limits { lasts: wish.lasts.unwrap_or(self.scope_limits.lasts), ..self.scope_limits };
        let revision = self.revision_of(proposal).await?;
        self.runner.approve_wider(proposal, approval, (wish, limits), revision).await.map(Done::Started)
    }

    /// Starts what a yes of this person covers.
    ///
    /// # Errors
    /// A refusal when none covers it; nothing runs then.
    pub(in crate::engine) async fn spend_scope(&self, proposal: ProposalId) -> Result<Done, BackendError> {
        let revision = self.revision_of(proposal).await?;
        self.runner.spend_scope(proposal, revision).await.map(Done::Started)
    }

    pub(super) async fn revoke_scope(&self, scope: ScopeId) -> Result<Done, BackendError> {
        self.store.revoke_scope(scope, &self.actor).await?;
        Ok(Done::Revoked)
    }

    /// The revision that the document of a proposal has at this moment; `None` when one of both is gone.
    pub(super) async fn revision_of(&self, proposal: ProposalId) -> Result<Option<String>, BackendError> {
        match self.store.proposal(proposal).await? {
            Some(found) => self.revision_now(found.spec.step).await,
            None => Ok(None),
        }
    }
}

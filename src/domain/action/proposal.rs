//! Proposals: an action that someone asks for and that nobody has approved yet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::risk::Risk;
use super::spec::ActionSpec;
use crate::domain::id::ProposalId;
use crate::domain::policy::{Demand, Ruling};
use crate::domain::time::Timestamp;

/// A proposal that nobody approved within this time has to be made anew.
pub const APPROVE_WITHIN: Duration = Duration::from_secs(30 * 60);

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Waits for a person.
    Pending,
    /// A person approved it; the grant is not spent yet.
    Granted,
    /// The grant is spent: there is an attempt.
    Spent,
    /// A person said no.
    Rejected,
    /// What it was bound to changed, or its time ran out.
    Void,
}

/// An action asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub id: ProposalId,
    /// What would run.
    pub spec: ActionSpec,
    /// Digest of `spec` with what it is tied to: that its alert fires, or that it does not any more (see `tie`).
    pub digest: String,
    /// Where it stands.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who asked for it, for screens.
    pub asked_by: String,
    /// Why it is void or was rejected; empty otherwise.
    pub reason: String,
    /// What the policy said when it was made; `None` for one that was stored before there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// Who approved it already, by the name that the policy has for them, where it waits for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_approver: Option<String>,
}

impl Proposal {
    /// Whether approving it needs the target's name to be typed.
    #[must_use]
    pub fn needs_typed_target(&self) -> bool {
        self.spec.risk >= Risk::Destroy
            || self.ruling.as_ref().is_some_and(|ruling| ruling.demands(Demand::TypedTarget))
    }
}

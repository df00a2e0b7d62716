//! Scoped grants: one yes of a person to more than one action of a run, within narrow bounds.
//!
//! Owns: what such a yes is bound to ([`Terms`]), how long it lasts and how often it counts. When it may be given and spent
//! stands in `decide`, its sentences in `words`. Does not: store it, or start anything.
//!
//! Invariants: a scope is no grant. Each use of it approves one proposal, which then has a grant and an intent of its own
//! (`action::grant`). A scope is of one person, one alert and one run, ends by itself, and never covers anything that is
//! interactive, unknown or destroys, or for which the policy demands more than one yes.

mod decide;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::spec::Target;
use super::action::tie::Tie;
use super::actor::Person;
use super::alert::{AlertKey, Labels};
use super::digest::FieldHasher;
use super::id::{IncidentId, NodeId, ProposalId, RunId, ScopeId, SopId};
use super::policy::{Answer, Identity, Place, Scope};
use super::time::Timestamp;

pub use decide::{Moment, Unspent, decide_give, decide_spend, is_live, offered};
pub use words::{covers, given, promise};

/// How long a scope lasts when nobody says otherwise: as long as a proposal waits.
pub const LASTS: Duration = Duration::from_secs(30 * 60);
/// The shortest time that a scope can be given for.
pub const LASTS_AT_LEAST: Duration = Duration::from_secs(60);
/// The longest time that a scope can be given for: half a shift, as for a run.
pub const LASTS_AT_MOST: Duration = Duration::from_secs(4 * 60 * 60);
/// How often a scope counts when nobody says otherwise.
pub const USES: u32 = 20;
/// How often a scope can count at most: somebody should have looked by then.
pub const USES_AT_MOST: u32 = 100;

/// What a wider yes covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// This exact step again.
    SameStep,
    /// Every confined read of the run.
    RunReads,
}

impl Cover {
    /// From narrow to wide.
    pub const ALL: [Self; 2] = [Self::SameStep, Self::RunReads];

    /// The word in options, JSON and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameStep => "same-step",
            Self::RunReads => "run-reads",
        }
    }

    /// The cover with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cover| cover.name() == name)
    }

    /// How the policy calls it.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::SameStep => Scope::SameStep,
            Self::RunReads => Scope::RunReads,
        }
    }
}

/// What a person asks for besides the yes to one proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What it is to cover.
    pub cover: Cover,
    /// For how long: [`LASTS_AT_LEAST`] to [`LASTS_AT_MOST`]; `None` for as long as the configuration says.
    pub lasts: Option<Duration>,
}

/// How long scopes last and how often they count, as the configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long: [`LASTS_AT_LEAST`] to [`LASTS_AT_MOST`].
    pub lasts: Duration,
    /// How often: 1 to [`USES_AT_MOST`].
    pub uses: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lasts: LASTS, uses: USES }
    }
}

/// Whose scope it is: who gave it is the only one who can spend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Login name.
    pub name: String,
    /// As the kernel and sshd know them.
    pub identity: Identity,
    /// Their roles by the policy.
    pub roles: BTreeSet<String>,
}

impl Holder {
    /// `person`, whose session was opened with the key `ssh_key`, in these roles.
    #[must_use]
    pub fn of(person: &Person, ssh_key: Option<String>, roles: BTreeSet<String>) -> Self {
        Self { name: person.name.clone(), identity: Identity::of(person, ssh_key), roles }
    }

    /// Whether both are one person, whatever their roles.
    #[must_use]
    pub fn is_person(&self, other: &Self) -> bool {
        self.name == other.name && self.identity == other.identity
    }
}

/// What exactly a scope covers within its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cover", rename_all = "kebab-case")]
pub enum Covered {
    /// The action of this node whose meaning has this digest.
    SameStep {
        /// The command's node.
        node: NodeId,
        /// Digest of the meaning, which names alert, step, target, words, environment and the state of the alert.
        digest: String,
    },
    /// Reads that act on no other places than these.
    RunReads {
        /// The places that the reviewed action acts on, its target first.
        places: Vec<Place>,
    },
}

impl Covered {
    /// What kind of cover it is.
    #[must_use]
    pub const fn cover(&self) -> Cover {
        match self {
            Self::SameStep { .. } => Cover::SameStep,
            Self::RunReads { .. } => Cover::RunReads,
        }
    }
}

/// What a scope is bound to; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// For which incident.
    pub incident: IncidentId,
    /// In which run.
    pub run: RunId,
    /// Who led the run.
    pub lead: String,
    /// For which alert.
    pub alert: AlertKey,
    /// Digest of the labels of that alert.
    pub labels: String,
    /// Whether it fired.
    pub tie: Tie,
    /// The document.
    pub sop: SopId,
    /// SHA-256 of the document.
    pub revision: String,
    /// Where its actions act.
    pub target: Target,
    /// What it covers there.
    pub covered: Covered,
    /// Whose it is.
    pub holder: Holder,
    /// In whose review it was given.
    pub proposal: ProposalId,
    /// When.
    pub given_at: Timestamp,
    /// From then on it covers nothing.
    pub expires_at: Timestamp,
    /// How often it counts.
    pub uses: u32,
    /// Hash of the policy that let it be given.
    pub policy: String,
    /// What that policy said of the reviewed action.
    pub answer: Answer,
}

/// Where a scope stands. Time and uses end it as well; see [`is_live`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum ScopeState {
    /// Nobody has ended it.
    Live,
    /// A person ended it; says who.
    Revoked(String),
    /// What it was bound to changed; says what.
    Void(String),
}

/// A scoped grant as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGrant {
    /// Its number.
    pub id: ScopeId,
    /// What it is bound to.
    #[serde(flatten)]
    pub terms: Terms,
    /// How often it still counts.
    pub left: u32,
    /// Where it stands.
    #[serde(flatten)]
    pub state: ScopeState,
}

/// What happened to a scope, for the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ScopeEvent {
    /// A person gave it, with the yes to the proposal that its terms name.
    Given {
        /// What it is bound to.
        terms: Box<Terms>,
        /// What the person read about it, line by line.
        promise: Vec<String>,
    },
    /// It approved a proposal, whose own entry follows.
    Spent {
        /// Which.
        proposal: ProposalId,
        /// How often it counts after that.
        left: u32,
    },
    /// A person ended it.
    Revoked,
    /// What it was bound to changed.
    Voided {
        /// What.
        reason: String,
    },
}

/// Digest of the labels of an alert.
#[must_use]
pub fn labels_digest(labels: &Labels) -> String {
    let mut hasher = FieldHasher::new("aiops scope labels v1");
    for (name, value) in labels {
        hasher.field(name.as_bytes());
        hasher.field(value.as_bytes());
    }
    hasher.finish()
}

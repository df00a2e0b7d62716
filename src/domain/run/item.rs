//! Items: the units of a run, taken from the step tree when it begins and changed for this run only.
//!
//! Owns: what an item is and where it stands. Does not: say what may happen to it (see `decide`).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Proof};
use super::poll::{Poll, Seen};
use crate::domain::id::{AttemptId, NodeId, ProposalId};
use crate::domain::procedure::{BranchOrigin, SectionRole};
use crate::domain::time::Timestamp;

/// An item of a run; counts up from 1 in each run and is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u32);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// Its node.
    pub node: NodeId,
    /// As written; empty where the document says "otherwise" or nothing. Foreign text.
    pub condition: String,
    /// How it came to be.
    pub origin: BranchOrigin,
}

impl Fork {
    /// A word or two for screens. Foreign text.
    #[must_use]
    pub fn label(&self) -> &str {
        match self.origin {
            BranchOrigin::Explicit => &self.condition,
            BranchOrigin::Otherwise => "otherwise",
            BranchOrigin::ImplicitElse => "otherwise (go on)",
        }
    }
}

/// What an item asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemKind {
    /// A command, which goes through the gate.
    Command,
    /// A query of metrics, which runs nothing.
    Query {
        /// As written, parameters unbound.
        promql: String,
    },
    /// Something that a person does and says so.
    Manual,
    /// Letting time pass.
    Wait {
        /// For what.
        until: WaitFor,
    },
    /// Looking at something until it is so.
    Poll {
        /// At what, and for how long.
        poll: Poll,
    },
    /// A question.
    Decision {
        /// As written. Foreign text.
        question: String,
        /// Its answers, in order.
        forks: Vec<Fork>,
    },
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", content = "span", rename_all = "snake_case")]
pub enum WaitFor {
    /// This long.
    Span(Duration),
    /// The end of the alert that the run is for.
    AlertEnd,
    /// Whatever the document says; a person knows when it is so.
    Person,
}

/// A branch that must have been taken for an item to be on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Of which question.
    pub decision: ItemId,
    /// Which answer.
    pub branch: NodeId,
}

/// How an item came into the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "added", rename_all = "snake_case")]
pub enum Added {
    /// The document has it.
    Document,
    /// It was put in.
    Inserted,
    /// It is done once more.
    Repeats {
        /// What it repeats.
        of: ItemId,
    },
}

/// How a question was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Basis {
    /// By evidence, with a rule.
    Evidence {
        /// What it rests on.
        proof: Proof,
    },
    /// By a person.
    Person {
        /// Login name.
        name: String,
        /// Why, in their words; may be empty.
        why: String,
    },
}

impl Basis {
    /// What a decision rests on, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Evidence { proof } => proof.words(),
            Self::Person { name, why } if why.is_empty() => format!("decided by {name}"),
            Self::Person { name, why } => format!("decided by {name}: {why}"),
        }
    }
}

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ItemState {
    /// Its turn has not come.
    Pending,
    /// It is its turn, and a person is to do something.
    Current {
        /// What, as a sentence; empty when the item says it itself. May contain foreign text.
        asks: String,
    },
    /// It is proposed and waits for approval.
    Proposed {
        /// The proposal.
        proposal: ProposalId,
    },
    /// It runs.
    Running {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Time is passing.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// Until when; `None` until something happens.
        until: Option<Timestamp>,
        /// What a poll has noted, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<Seen>,
    },
    /// It is done.
    Done {
        /// What came of it; `None` for what a person did by hand.
        evidence: Option<Evidence>,
    },
    /// It went wrong.
    Failed {
        /// What came of it.
        evidence: Evidence,
    },
    /// Nobody knows how it ended.
    Unknown {
        /// What is known.
        evidence: Evidence,
    },
    /// The question is answered.
    Decided {
        /// The answer.
        branch: NodeId,
        /// What it rests on.
        basis: Basis,
    },
    /// It is left out.
    Skipped {
        /// Why, in the words of whoever did.
        reason: String,
    },
}

impl ItemState {
    /// Whether something is still to come of it now.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Current { .. } | Self::Proposed { .. } | Self::Running { .. } | Self::Waiting { .. })
    }

    /// Whether it is over, one way or another.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        !self.is_open() && !matches!(self, Self::Pending)
    }

    /// What came of it, if that is evidence.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Done { evidence } => evidence.as_ref(),
            Self::Failed { evidence } | Self::Unknown { evidence } => Some(evidence),
            Self::Pending
            | Self::Current { .. }
            | Self::Proposed { .. }
            | Self::Running { .. }
            | Self::Waiting { .. }
            | Self::Decided { .. }
            | Self::Skipped { .. } => None,
        }
    }

    /// One word for screens and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Current { .. } => "current",
            Self::Proposed { .. } => "proposed",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
            Self::Decided { .. } => "decided",
            Self::Skipped { .. } => "skipped",
        }
    }
}

/// A unit of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number in this run.
    pub id: ItemId,
    /// The node that it comes from; `None` for one that a person put in as words.
    pub node: Option<NodeId>,
    /// What it asks for.
    pub kind: ItemKind,
    /// What to show. Foreign text.
    pub title: String,
    /// The command as the document has it, prompts removed; `None` for what is no command, and in runs from before this was
    /// kept. Foreign text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// The section that it stands in.
    pub section: Option<NodeId>,
    /// What that section is for; `None` outside of any, and in runs from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<SectionRole>,
    /// Branches that must have been taken, outermost first.
    pub within: Vec<Choice>,
    /// Items of one group may be under way at the same time.
    pub group: Option<u32>,
    /// How it came into the run.
    pub added: Added,
    /// Login name of whoever is to do it; `None` for the owner of the run.
    pub assigned: Option<String>,
    /// Where it stands.
    pub state: ItemState,
}

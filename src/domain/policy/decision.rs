//! What a policy says of one request: the verdict, what it demands besides a yes, and how it came to that.
//!
//! Owns: the vocabulary and the join of several answers. Does not: look at rules (see `layer`).
//!
//! Invariant: joining only tightens; the join of two answers is at least as strict as either in every respect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::condition::Truth;

/// Whether something may be done. The order is that of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Without asking anyone; only a typed query can be allowed.
    Allow,
    /// A person has to approve it.
    Ask,
    /// Not at all.
    Forbid,
}

impl Verdict {
    /// The word in files, screens and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Forbid => "forbid",
        }
    }
}

/// What has to be there besides the approval of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// The name of the target, typed.
    TypedTarget,
    /// A note on the incident, written by the approver after the proposal was made.
    Note,
    /// The approval of another person, too.
    SecondPerson,
}

impl Demand {
    /// What the person has to do, as a noun phrase.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TypedTarget => "the target's name, typed",
            Self::Note => "a note on the incident by whoever approves, written after this was proposed",
            Self::SecondPerson => "the approval of a second person",
        }
    }
}

/// For how much one approval may count at most. The order is from narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Once.
    Once,
    /// For the same step again, word for word.
    SameStep,
    /// For every read of a run.
    RunReads,
}

/// A verdict with its demands: what layers are joined by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it may be done.
    pub verdict: Verdict,
    /// What has to be there besides.
    pub demands: BTreeSet<Demand>,
    /// For how much an approval may count at most.
    pub scope: Scope,
}

impl Answer {
    /// A verdict that demands nothing more.
    #[must_use]
    pub const fn plain(verdict: Verdict) -> Self {
        Self { verdict, demands: BTreeSet::new(), scope: Scope::RunReads }
    }

    /// The stricter of both in each respect.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.verdict = self.verdict.max(other.verdict);
        self.demands.extend(other.demands);
        self.scope = self.scope.min(other.scope);
        self
    }

    /// Whether it is at least as strict as `other` in every respect.
    #[must_use]
    pub fn at_least_as_strict_as(&self, other: &Self) -> bool {
        self.verdict >= other.verdict && self.demands.is_superset(&other.demands) && self.scope <= other.scope
    }
}

/// Whose file a layer is. The order is from strong to weak; a weaker one can only tighten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// What the program itself insists on.
    BuiltIn,
    /// The file of the machine.
    System,
    /// The file of the team.
    Team,
    /// The person's own.
    User,
}

impl Rank {
    /// The word in screens and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::System => "system",
            Self::Team => "team",
            Self::User => "user",
        }
    }
}

/// What came of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// Its name.
    pub rule: String,
    /// Whether it holds for the request.
    pub holds: Truth,
    /// What decided that, as a clause. May hold words of the request: foreign text.
    pub because: String,
    /// What it says when it holds.
    pub says: Answer,
    /// The reason that its author gave.
    pub reason: String,
}

/// What came of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerReport {
    /// Whose it is.
    pub rank: Rank,
    /// The file, or what stands for it.
    pub place: String,
    /// What it says of the request.
    pub answer: Answer,
    /// Every rule that was looked at, in the order of the file.
    pub rules: Vec<RuleReport>,
    /// What it says where no rule holds for certain; `None` when a rule does, so that this was not used.
    pub fallback: Option<Verdict>,
    /// Why the file does not count as it stands; empty when it does.
    pub problem: String,
    /// The person that the request is by, as this layer and those above it know people.
    pub person: Option<String>,
}

/// What the whole policy says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The join of all layers.
    pub answer: Answer,
    /// Each layer, strongest first.
    pub layers: Vec<LayerReport>,
    /// Hash of the policy that decided.
    pub policy: String,
    /// Environments that the request counts as in.
    pub environments: BTreeSet<String>,
    /// Roles of the person, as all layers together see them.
    pub roles: BTreeSet<String>,
    /// Who approves, where a second person is demanded: as the strongest layer that demands it knows people. `None` when that
    /// layer does not know them, or nobody demands it.
    pub approver: Option<String>,
}

impl Decision {
    /// What decided, one clause each, strongest layer first: rules that hold, fall-backs and files that are broken, as far as
    /// they are stricter than the program itself.
    #[must_use]
    pub fn because(&self) -> Vec<String> {
        let mut clauses = Vec::new();
        for layer in self.layers.iter().filter(|layer| layer.rank != Rank::BuiltIn) {
            if !layer.problem.is_empty() {
                clauses.push(format!("{}: {}", layer.place, layer.problem));
            }
            let strict = |answer: &Answer| answer.verdict == Verdict::Forbid || !answer.demands.is_empty();
            for rule in layer.rules.iter().filter(|rule| rule.holds != Truth::No && strict(&rule.says)) {
                let reason = if rule.reason.is_empty() { &rule.because } else { &rule.reason };
                clauses.push(format!("{} rule {}: {reason}", layer.rank.name(), rule.rule));
            }
            if layer.fallback == Some(Verdict::Forbid) && layer.problem.is_empty() {
                clauses.push(format!("{}: no rule of it lets this pass, and its default is forbid", layer.place));
            }
        }
        clauses
    }

    /// What is written down with a proposal and an approval, and shown in the review.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        let because = self.because();
        Ruling { policy: self.policy.clone(), answer: self.answer.clone(), because, roles: self.roles.clone() }
    }
}

/// What a policy said at one moment, as it is kept: in the proposal and in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Hash of the policy that decided.
    pub policy: String,
    /// What it said.
    pub answer: Answer,
    /// What decided, one clause each. May hold foreign text.
    pub because: Vec<String>,
    /// Roles that the person had.
    pub roles: BTreeSet<String>,
}

impl Ruling {
    /// Whether `demand` has to be met.
    #[must_use]
    pub fn demands(&self, demand: Demand) -> bool {
        self.answer.demands.contains(&demand)
    }
}

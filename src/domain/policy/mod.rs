//! The policy: what people have decided about what may be done, by whom, where and when.
//!
//! Owns: rules, conditions, layers and the decision over one request, and the second of two people. Does not: read files,
//! know the time, or enforce anything; the store asks inside its transactions (`action::grant`).
//!
//! Invariants:
//! - The program's own minimum counts always: a query is allowed, everything else is asked for, and what is dangerous needs the
//!   target's name. No file can loosen that.
//! - Layers go system, team, user. The decision is the strictest of all, so that a lower layer can only tighten. A layer knows
//!   only the people and environments of itself and of those above it.
//! - It fails closed: a file that cannot be read or does not parse asks for reads and forbids the rest.

pub mod calendar;
pub mod condition;
pub mod decision;
pub mod layer;
pub mod pattern;
pub mod read;
pub mod request;
pub mod second;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::domain::action::risk::Risk;
use crate::domain::digest::FieldHasher;
use condition::Standing;

pub use decision::{Answer, Decision, Demand, LayerReport, Rank, Ruling, Scope, Verdict};
pub use layer::{Body, Layer};
pub use read::Source;
pub use request::{Circumstances, Identity, Kind, Place, PlaceKind, Request, Words};

/// What stands for a file in the report of the program's own minimum.
const BUILT_IN: &str = "the program itself";

/// All layers, strongest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    layers: Vec<Layer>,
}

impl Policy {
    /// A policy of `layers`, which are put into the order of their ranks.
    #[must_use]
    pub fn of(mut layers: Vec<Layer>) -> Self {
        layers.sort_by_key(|layer| layer.rank);
        Self { layers }
    }

    /// Its layers, strongest first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers that cannot be used, with the reason. Not empty: it fails closed, and people should be told.
    pub fn problems(&self) -> impl Iterator<Item = (&Layer, &str)> {
        self.layers.iter().filter_map(|layer| match &layer.body {
            Body::Rules(_) => None,
            Body::Broken(problem) => Some((layer, problem.as_str())),
        })
    }

    /// Identifies what is in force: the same for the same bytes of the same files.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = FieldHasher::new("aiops policy v1");
        for layer in &self.layers {
            hasher.field(layer.rank.name().as_bytes());
            hasher.field(layer.place.as_bytes());
            hasher.field(layer.hash.as_bytes());
        }
        hasher.finish()
    }

    /// What it says of `request`.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        self.decide_as(request, &Assumed::default())
    }

    /// What it would say of `request` if what is `assumed` were so, for people who want to know; never for what is to be done.
    #[must_use]
    pub fn decide_as(&self, request: &Request, assumed: &Assumed) -> Decision {
        let floor = minimum(request.risk);
        let built_in = LayerReport {
            rank: Rank::BuiltIn,
            place: BUILT_IN.to_owned(),
            answer: floor.clone(),
            rules: Vec::new(),
            fallback: Some(floor.verdict),
            problem: String::new(),
            person: None,
        };
        let standing = |layers: &[Layer]| assumed.over(layer::standing(layers, request));
        let judge = |(at, layer): (usize, &Layer)| layer.judge(request, &standing(&self.layers[..=at]));
        let judged: Vec<LayerReport> = self.layers.iter().enumerate().map(judge).collect();
        let answer = judged.iter().fold(floor, |answer, report| answer.join(report.answer.clone()));
        // Only the strongest layer that demands a second person says who is who: a lower one could name one person twice.
        let demanding = judged.iter().find(|report| report.answer.demands.contains(&Demand::SecondPerson));
        let approver = demanding.and_then(|report| report.person.clone());
        let whole = standing(&self.layers);
        Decision {
            answer,
            layers: std::iter::once(built_in).chain(judged).collect(),
            policy: self.hash(),
            environments: whole.environments,
            roles: whole.roles,
            approver,
        }
    }
}

/// What somebody wants to be taken for given. What is empty is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// These roles and no others.
    pub roles: Option<BTreeSet<String>>,
    /// This person.
    pub person: Option<String>,
    /// These environments and no others.
    pub environments: BTreeSet<String>,
}

impl Assumed {
    fn over(&self, mut standing: Standing) -> Standing {
        if let Some(roles) = &self.roles {
            standing.roles.clone_from(roles);
            standing.perhaps_roles.clear();
        }
        if self.person.is_some() {
            standing.person.clone_from(&self.person);
            standing.perhaps.clear();
        }
        if !self.environments.is_empty() {
            standing.environments.clone_from(&self.environments);
        }
        standing
    }
}

/// What the program insists on, whatever the files say.
#[must_use]
pub fn minimum(risk: Risk) -> Answer {
    match risk {
        Risk::Query => Answer::plain(Verdict::Allow),
        Risk::Read | Risk::Change => Answer::plain(Verdict::Ask),
        Risk::Destroy | Risk::Unknown => {
            Answer { demands: [Demand::TypedTarget].into(), scope: Scope::Once, ..Answer::plain(Verdict::Ask) }
        }
    }
}

//! Queues: which incidents stand together.
//!
//! Owns: the names of the queues and what belongs into each. The store answers the same question by an index; its tests
//! compare it with [`Queue::contains`].

use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::domain::time::Timestamp;

/// A view of the incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Everything but what is suppressed.
    #[default]
    All,
    /// Of that, what the person who looks owns.
    Mine,
    /// Of that, what nobody owns.
    Unassigned,
    /// What is suppressed, and nothing else.
    Suppressed,
}

impl Queue {
    /// All queues, in the order in which they are gone through.
    pub const EVERY: [Self; 4] = [Self::All, Self::Mine, Self::Unassigned, Self::Suppressed];

    /// The name on the command line and on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Suppressed => "suppressed",
        }
    }

    /// The queue after this one; after the last one the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Mine,
            Self::Mine => Self::Unassigned,
            Self::Unassigned => Self::Suppressed,
            Self::Suppressed => Self::All,
        }
    }

    /// Whether an incident with this standing belongs into it for the person with the login name `me`.
    #[must_use]
    pub fn contains(self, standing: &Standing, me: &str, now: Timestamp) -> bool {
        let suppressed = standing.suppressed.as_ref().is_some_and(|suppression| suppression.holds(now));
        match self {
            Self::All => !suppressed,
            Self::Mine => !suppressed && standing.owner.as_deref() == Some(me),
            Self::Unassigned => !suppressed && standing.owner.is_none(),
            Self::Suppressed => suppressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_reached_and_has_a_name_of_its_own() {
        let mut seen = vec![Queue::default()];
        while seen.len() < Queue::EVERY.len() {
            let next = seen[seen.len() - 1].next();
            assert!(!seen.contains(&next));
            seen.push(next);
        }
        assert_eq!(seen, Queue::EVERY);
        assert_eq!(seen[3].next(), Queue::default());
        let names: std::collections::BTreeSet<_> = Queue::EVERY.iter().map(|queue| queue.name()).collect();
        assert_eq!(names.len(), Queue::EVERY.len());
    }
}

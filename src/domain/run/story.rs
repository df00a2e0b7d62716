//! The story of a run: its events with their times, and what was done when.
//!
//! Owns: reading off the beginning and the end of each thing that was done. Does not: judge any of it.

use std::collections::BTreeMap;

use super::event::RunEvent;
use super::evidence::Evidence;
use super::item::ItemId;
use crate::domain::id::AttemptId;
use crate::domain::time::Timestamp;

/// An event of a run and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: RunEvent,
}

/// How something that was done ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Well, as far as an exit status, a result or a person tells.
    Well,
    /// Badly, or nobody knows.
    Badly,
}

/// Something that was done: a command, a query, a question, something by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The item.
    pub item: ItemId,
    /// When its command started, or its turn came.
    pub began: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// The attempt of a command.
    pub attempt: Option<AttemptId>,
    /// How it ended.
    pub ending: Ending,
}

/// Everything that was done, in the order in which it ended. An item that was run twice is there twice.
#[must_use]
pub fn done(story: &[Told]) -> Vec<Done> {
    let mut began: BTreeMap<ItemId, Timestamp> = BTreeMap::new();
    let mut all = Vec::new();
    for Told { at, event } in story {
        match event {
            RunEvent::Entered { item, .. } | RunEvent::Running { item, .. } => {
                began.insert(*item, *at);
            }
            RunEvent::Came { item, evidence } => {
                let (attempt, ending) = match evidence {
                    Evidence::Attempt { attempt, outcome } if outcome.succeeded() => (Some(*attempt), Ending::Well),
                    Evidence::Attempt { attempt, .. } => (Some(*attempt), Ending::Badly),
                    Evidence::Condition { held: false, .. } => (None, Ending::Badly),
                    Evidence::Metric { .. } | Evidence::Condition { held: true, .. } => (None, Ending::Well),
                };
                let began = began.remove(item).unwrap_or(*at);
                all.push(Done { item: *item, began, ended: *at, attempt, ending });
            }
            RunEvent::Confirmed { item, .. } | RunEvent::Decided { item, .. } => {
                let began = began.remove(item).unwrap_or(*at);
                all.push(Done { item: *item, began, ended: *at, attempt: None, ending: Ending::Well });
            }
            RunEvent::Started { .. }
            | RunEvent::Proposed { .. }
            | RunEvent::Polled { .. }
            | RunEvent::Again { .. }
            | RunEvent::Returned { .. }
            | RunEvent::Changed { .. }
            | RunEvent::Suggested { .. }
            | RunEvent::Answered { .. }
            | RunEvent::Assigned { .. }
            | RunEvent::HandedOver { .. }
            | RunEvent::Stopped { .. }
            | RunEvent::Deviated { .. }
            | RunEvent::Judged { .. }
            | RunEvent::Paused
            | RunEvent::Resumed
            | RunEvent::Ended { .. } => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::attempt::Outcome;

    #[test]
    fn what_was_done_has_a_beginning_and_an_end() {
        let at = Timestamp::from_millis;
        let came = |attempt, code| RunEvent::Came {
            item: ItemId(1),
            evidence: Evidence::Attempt { attempt: AttemptId(attempt), outcome: Outcome::Exited { code } },
        };
        let running = |attempt| RunEvent::Running { item: ItemId(1), attempt: AttemptId(attempt) };
        let confirmed = RunEvent::Confirmed { item: ItemId(2), note: String::new() };
        let events = [(1, running(1)), (3, came(1, 1)), (4, running(2)), (9, came(2, 0)), (9, confirmed)];
        let story: Vec<Told> = events.into_iter().map(|(millis, event)| Told { at: at(millis), event }).collect();
        let told: Vec<(u32, i64, i64, Ending)> = done(&story)
            .iter()
            .map(|done| (done.item.0, done.began.as_millis(), done.ended.as_millis(), done.ending))
            .collect();
        assert_eq!(told, [(1, 1, 3, Ending::Badly), (1, 4, 9, Ending::Well), (2, 9, 9, Ending::Well)]);
    }
}

//! What people decide of an incident: its state, its owner, and whether they want to see it.
//!
//! Owns: [`Standing`] and what each event makes of it. Invariant: [`Standing::after`] is the only place where an event
//! changes a standing, so that what the store writes and what `undo` compares with cannot differ.

use serde::{Deserialize, Serialize};

use super::IncidentState;
use super::event::IncidentEvent;
use crate::domain::time::Timestamp;

/// What people decide of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stands.
    pub state: IncidentState,
    /// Who works on it, by login name.
    pub owner: Option<String>,
    /// Who acknowledged it, by login name.
    pub acknowledged_by: Option<String>,
    /// When it was resolved last.
    pub resolved_at: Option<Timestamp>,
    /// The person who resolved it; `None` when its alerts ended.
    pub resolved_by: Option<String>,
    /// A person does not want to see it for now.
    pub suppressed: Option<Suppression>,
}

/// A person does not want to see an incident for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Who, by login name.
    pub by: String,
    /// For how long.
    pub until: Until,
}

/// When a suppression ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// At this moment.
    Time(Timestamp),
    /// With the next change: an alert joins or ends, the severity changes, it is resolved or reopened.
    Changed,
}

impl Suppression {
    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        match self.until {
            Until::Time(end) => now < end,
            Until::Changed => true,
        }
    }
}

impl Standing {
    /// The standing after `event`, which happened at `at`.
    #[must_use]
    pub fn after(&self, event: &IncidentEvent, at: Timestamp) -> Self {
        let mut next = self.clone();
        match event {
            // What alerts do to severity and counts is no decision of a person; a note changes nothing.
            IncidentEvent::Opened { .. }
            | IncidentEvent::SeverityChanged { .. }
            | IncidentEvent::AlertJoined { .. }
            | IncidentEvent::AlertEnded { .. }
            | IncidentEvent::Noted { .. } => {}
            IncidentEvent::Resolved => next.end(at, None),
            IncidentEvent::ResolvedBy { by, .. } => next.end(at, Some(by.clone())),
            IncidentEvent::Reopened => {
                next.open();
                next.owner = None;
            }
            IncidentEvent::ReopenedBy { .. } => next.open(),
            IncidentEvent::Acknowledged { by, .. } => {
                next.state = IncidentState::Acknowledged;
                next.acknowledged_by = Some(by.clone());
                next.owner.get_or_insert_with(|| by.clone());
            }
            IncidentEvent::Unacknowledged { .. } => {
                // Whoever acknowledged it took it on by that; an owner who was named otherwise stays.
                if next.owner == next.acknowledged_by {
                    next.owner = None;
                }
                next.open();
            }
            IncidentEvent::Assigned { to, .. } => next.owner.clone_from(to),
            IncidentEvent::Suppressed { by, until, .. } => {
                next.suppressed = Some(Suppression { by: by.clone(), until: *until });
            }
            IncidentEvent::Unsuppressed { .. } | IncidentEvent::SuppressionEnded { .. } => next.suppressed = None,
            IncidentEvent::Undone { to: Some(to), .. } => next.clone_from(to),
            IncidentEvent::Undone { to: None, .. } => {}
        }
        next
    }

    fn open(&mut self) {
        self.state = IncidentState::Open;
        self.acknowledged_by = None;
        self.resolved_by = None;
    }

    fn end(&mut self, at: Timestamp, by: Option<String>) {
        self.state = IncidentState::Resolved;
        self.resolved_at = Some(at);
        self.resolved_by = by;
    }
}

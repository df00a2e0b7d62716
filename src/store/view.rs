//! What readers get from the store: rows for screens and programs, loaded for what is visible.
//!
//! Owns: plain data. Does not: query (see the modules beside it) or format.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::action::attempt::Attempt;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::spec::{Invocation, StepRef, Target};
use crate::domain::alert::{AlertKey, AlertStatus, Labels, Severity};
use crate::domain::id::{IncidentId, SourceId};
use crate::domain::incident::{Incident, IncidentState, Queue, Suppression};
use crate::domain::time::Timestamp;

/// Counts and health for the header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Incidents that are not resolved, by severity rank.
    pub unresolved: [u32; 7],
    /// How many of them are acknowledged.
    pub acknowledged: u32,
    /// Alerts that fire now.
    pub firing: u32,
    /// Proposals that wait for a person.
    pub pending: u32,
    /// Yeses to more than one action that may still cover something.
    pub scopes: u32,
    /// Attempts that run or whose end is not recorded.
    pub running: u32,
    /// Bodies put aside because they could not be read.
    pub quarantined: u32,
    /// Health of each source, by name.
    pub sources: Vec<SourceHealth>,
    /// Who receives alerts; `None` when nobody does.
    pub receiver: Option<LeaseView>,
    /// Unresolved incidents of each queue.
    pub queues: QueueCounts,
    /// Incidents that a person resolved while alerts of them still fire.
    pub resolved_firing: u32,
    /// Login name of the person who looks.
    pub me: String,
    /// People by login name who did something here or were given something to do, those seen last first; at most 20.
    pub people: Vec<String>,
}

/// Unresolved incidents of each queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueCounts {
    /// Those that the person who looks owns.
    pub mine: u32,
    /// Those that nobody owns.
    pub unassigned: u32,
    /// All that are not suppressed.
    pub all: u32,
    /// Those that are suppressed.
    pub suppressed: u32,
}

impl QueueCounts {
    /// The count of one queue.
    #[must_use]
    pub const fn of(&self, queue: Queue) -> u32 {
        match queue {
            Queue::All => self.all,
            Queue::Mine => self.mine,
            Queue::Unassigned => self.unassigned,
            Queue::Suppressed => self.suppressed,
        }
    }
}

impl Header {
    /// Incidents that are not resolved, of any severity.
    #[must_use]
    pub fn unresolved_total(&self) -> u32 {
        self.unresolved.iter().sum()
    }
}

/// Health of one channel of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceHealth {
    /// Which source.
    pub source: SourceId,
    /// `webhook` or `api`.
    pub channel: String,
    /// How it is.
    pub state: HealthState,
    /// What is wrong and what to do about it; empty when it is well.
    pub detail: String,
    /// When it was last found so.
    pub at: Timestamp,
}

/// A body that was put aside because it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedBody {
    /// Under which source it came.
    pub source: SourceId,
    /// Why it could not be read. May quote the body: foreign text.
    pub reason: String,
    /// When it came.
    pub at: Timestamp,
    /// Its length as it came, in bytes.
    pub bytes: u64,
    /// Its first bytes. Foreign, and perhaps no text.
    pub beginning: Vec<u8>,
}

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It works.
    Ok,
    /// Not tried yet.
    Waiting,
    /// It works in part.
    Degraded,
    /// It does not work.
    Down,
}

/// Who holds the ingest lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaseView {
    /// Process id and host of the holder.
    pub holder: String,
    /// Whether it is this process.
    pub is_self: bool,
    /// Fencing token.
    pub fence: i64,
}

/// Where a window of the queue is to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueAnchor {
    /// From this position on, from 0.
    Rank(u32),
    /// Around this incident; from the top when it is not in the queue.
    Around(IncidentId),
}

/// Which rows of the queue to load.
///
/// Order: unresolved incidents by severity, then by `opened_at` (oldest first), then by number; after them those that were
/// resolved since `resolved_since`, newest end first. A resolved `pinned` incident keeps the place that it had before
/// its end, so that it does not slip away from under the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueQuery {
    /// Which queue. Whose is "mine" the store knows: the person who runs this process.
    pub queue: Queue,
    /// Words that must all occur (case-insensitive) in title, severity, state, owner or labels; empty for all.
    pub filter: String,
    /// Where the window lies.
    pub anchor: QueueAnchor,
    /// Number of rows at most.
    pub limit: u32,
    /// The incident under the cursor.
    pub pinned: Option<IncidentId>,
    /// Show what was resolved since then.
    pub resolved_since: Timestamp,
}

/// A window of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueWindow {
    /// Rows in the whole queue.
    pub total: u32,
    /// Position of the first loaded row.
    pub start: u32,
    /// Of [`QueueAnchor::Around`]: the position of that incident, or the one that it would have if it were in the queue.
    pub near: Option<u32>,
    /// The rows.
    pub rows: Vec<QueueRow>,
}

/// One row of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    /// Its number.
    pub id: IncidentId,
    /// One line. Foreign text.
    pub title: String,
    /// Normalised severity.
    pub severity: Severity,
    /// Where it stands.
    pub state: IncidentState,
    /// Who works on it.
    pub owner: Option<String>,
    /// When its first alert began to fire.
    pub opened_at: Timestamp,
    /// Alerts that fire now.
    pub firing: u32,
    /// A person does not want to see it for now.
    pub suppressed: Option<Suppression>,
}

/// The incident under the cursor. In what is loaded for a screen long texts are excerpts (see `domain::excerpt`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Its alerts, firing first, then newest first; at most 50.
    pub alerts: Vec<AlertRow>,
    /// How many alerts it has in all.
    pub alerts_total: u32,
    /// What happened, newest first; at most 100.
    pub timeline: Vec<TimelineRow>,
    /// Its proposals that wait, oldest first.
    pub proposals: Vec<Proposal>,
    /// Its attempts, newest first; at most 50.
    pub attempts: Vec<Attempt>,
}

/// One alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRow {
    /// Hash of the labels as the source computes it.
    pub fingerprint: String,
    /// Which source.
    pub source: SourceId,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// When it began.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
    /// Foreign text.
    pub labels: Labels,
    /// Foreign text.
    pub annotations: Labels,
    /// Link to the rule that raised it.
    pub generator_url: Option<String>,
    /// How often it was delivered.
    pub deliveries: u32,
}

impl AlertRow {
    /// What identifies this firing.
    #[must_use]
    pub fn key(&self) -> AlertKey {
        AlertKey { source: self.source.clone(), fingerprint: self.fingerprint.clone(), starts_at: self.starts_at }
    }
}

/// An attempt and what exactly it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastAttempt {
    /// The attempt.
    pub attempt: Attempt,
    /// What ran.
    pub invocation: Invocation,
    /// The step that it came from.
    pub step: StepRef,
    /// Where it ran.
    pub target: Target,
    /// Names and values of the alert labels that it used. Foreign text.
    pub labels_used: Labels,
}

/// An incident of the same alert, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastIncident {
    /// The incident.
    pub incident: Incident,
    /// Its attempts, oldest first.
    pub attempts: Vec<PastAttempt>,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineRow {
    /// When.
    pub at: Timestamp,
    /// Who: a login name, a source or a part of the engine.
    pub who: String,
    /// What, as a short sentence. May contain foreign text.
    pub what: String,
    /// When its author took it back; it is kept and marked, never erased.
    pub retracted_at: Option<Timestamp>,
}

impl TimelineRow {
    /// What happened, marked when it was retracted. May contain foreign text.
    #[must_use]
    pub fn marked(&self) -> Cow<'_, str> {
        match self.retracted_at {
            None => Cow::Borrowed(&self.what),
            Some(_) => Cow::Owned(format!("[retracted] {}", self.what)),
        }
    }
}

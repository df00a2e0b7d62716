//! What happened to an incident, as the journal keeps it, and in words.
//!
//! Owns: [`IncidentEvent`] and its sentences. Does not: say what comes of an event (see `standing`).
//!
//! What a person changed carries the standing before it, so that it can be taken back exactly. Entries of versions that did
//! not write it are read all the same; they cannot be undone.

use serde::{Deserialize, Serialize};

use super::Incident;
use super::standing::{Standing, Until};
use crate::domain::alert::Severity;
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::time::Timestamp;

/// The standing before a change.
pub type Before = Option<Box<Standing>>;

/// Something that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum IncidentEvent {
    /// First alert of a new incident.
    Opened {
        /// Severity of that alert.
        severity: Severity,
    },
    /// One more alert joined.
    AlertJoined {
        /// Fingerprint of the alert.
        fingerprint: String,
    },
    /// One alert ended, others still fire.
    AlertEnded {
        /// Fingerprint of the alert.
        fingerprint: String,
    },
    /// The most urgent severity changed.
    SeverityChanged {
        /// Before.
        from: Severity,
        /// After.
        to: Severity,
    },
    /// The last firing alert ended.
    Resolved,
    /// It fires again within the set time after its end.
    Reopened,
    /// Someone said that they have seen it.
    Acknowledged {
        /// Login name.
        by: String,
        /// The standing before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Before,
    },
    /// The acknowledgement was taken back.
    Unacknowledged {
        /// Login name.
        by: String,
        /// The standing before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Before,
    },
    /// Someone is to work on it, or nobody any more.
    Assigned {
        /// Login name of who said so.
        by: String,
        /// Login name of the owner.
        to: Option<String>,
        /// The standing before.
        before: Before,
    },
    /// Someone wrote something down about it.
    Noted {
        /// Login name.
        by: String,
        /// What. Foreign text.
        text: String,
    },
    /// Someone said that it is over.
    ResolvedBy {
        /// Login name.
        by: String,
        /// Why. Foreign text.
        reason: String,
        /// The standing before.
        before: Before,
    },
    /// Someone said that it is not over.
    ReopenedBy {
        /// Login name.
        by: String,
        /// The standing before.
        before: Before,
    },
    /// Someone does not want to see it for now.
    Suppressed {
        /// Login name.
        by: String,
        /// For how long.
        until: Until,
        /// The standing before.
        before: Before,
    },
    /// Someone wants to see it again.
    Unsuppressed {
        /// Login name.
        by: String,
        /// The standing before.
        before: Before,
    },
    /// A suppression ended by itself.
    SuppressionEnded {
        /// What it was to last until.
        until: Until,
    },
    /// Someone took back what they did last.
    Undone {
        /// Login name.
        by: String,
        /// The entry that was taken back.
        of: JournalSeq,
        /// What that was, in words. May hold foreign text.
        what: String,
        /// Where the incident stands again; `None` for a note, which changes nothing.
        to: Before,
    },
}

impl IncidentEvent {
    /// The standing before, when this is a change by a person that says so.
    #[must_use]
    pub fn before(&self) -> Option<&Standing> {
        match self {
            Self::Acknowledged { before, .. }
            | Self::Unacknowledged { before, .. }
            | Self::Assigned { before, .. }
            | Self::ResolvedBy { before, .. }
            | Self::ReopenedBy { before, .. }
            | Self::Suppressed { before, .. }
            | Self::Unsuppressed { before, .. } => before.as_deref(),
            Self::Opened { .. }
            | Self::AlertJoined { .. }
            | Self::AlertEnded { .. }
            | Self::SeverityChanged { .. }
            | Self::Resolved
            | Self::Reopened
            | Self::Noted { .. }
            | Self::SuppressionEnded { .. }
            | Self::Undone { .. } => None,
        }
    }

    /// The event as a line of the timeline; who did it stands beside it. May hold foreign text.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Opened { severity } => format!("opened with severity {}", severity.name()),
            Self::AlertJoined { fingerprint } => format!("alert {fingerprint} joined"),
            Self::AlertEnded { fingerprint } => format!("alert {fingerprint} ended"),
            Self::SeverityChanged { from, to } => format!("severity changed from {} to {}", from.name(), to.name()),
            Self::Resolved => "resolved: no alert fires any more".to_owned(),
            Self::Reopened => "reopened: it fires again".to_owned(),
            Self::Acknowledged { .. } => "acknowledged".to_owned(),
            Self::Unacknowledged { .. } => "took the acknowledgement back".to_owned(),
            Self::Assigned { by, to: Some(to), .. } if by == to => "took it on".to_owned(),
            Self::Assigned { to: Some(to), .. } => format!("assigned it to {to}"),
            Self::Assigned { to: None, .. } => "assigned it to nobody".to_owned(),
            Self::Noted { text, .. } => format!("note: {text}"),
            Self::ResolvedBy { reason, .. } => format!("resolved by hand: {reason}"),
            Self::ReopenedBy { .. } => "reopened by hand".to_owned(),
            Self::Suppressed { until, .. } => format!("suppressed {}", until.describe()),
            Self::Unsuppressed { .. } => "no longer suppressed".to_owned(),
            Self::SuppressionEnded { until: Until::Time(_) } => "no longer suppressed: its time is over".to_owned(),
            Self::SuppressionEnded { until: Until::Changed } => "no longer suppressed: it changed".to_owned(),
            Self::Undone { what, .. } => format!("took back: {what}"),
        }
    }

    /// What was done, for the person who did it: one sentence about `incident` as it is afterwards.
    #[must_use]
    pub fn tell(&self, incident: &Incident) -> String {
        let id = incident.id;
        match self {
            Self::Acknowledged { .. } => format!("Acknowledged #{id}."),
            Self::Unacknowledged { .. } => format!("#{id} is open again: the acknowledgement was taken back."),
            Self::Assigned { by, to: Some(to), .. } if by == to => format!("#{id} is yours."),
            Self::Assigned { to: Some(to), .. } => format!("#{id} is assigned to {to}."),
            Self::Assigned { to: None, .. } => format!("#{id} is assigned to nobody."),
            Self::Noted { .. } => format!("Noted on #{id}."),
            Self::ResolvedBy { .. } => match incident.firing {
                0 => format!("Resolved #{id}."),
                1 => format!("Resolved #{id}, although 1 alert of it still fires."),
                many => format!("Resolved #{id}, although {many} alerts of it still fire."),
            },
            Self::ReopenedBy { .. } => format!("#{id} is open again."),
            Self::Suppressed { until, .. } => format!("Suppressed #{id} {}.", until.describe()),
            Self::Unsuppressed { .. } => format!("#{id} is no longer suppressed."),
            Self::Undone { what, .. } => format!("Took back on #{id}: {what}."),
            Self::Opened { .. }
            | Self::AlertJoined { .. }
            | Self::AlertEnded { .. }
            | Self::SeverityChanged { .. }
            | Self::Resolved
            | Self::Reopened
            | Self::SuppressionEnded { .. } => format!("#{id}: {}.", self.describe()),
        }
    }
}

impl Until {
    /// In words, to follow "suppressed".
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Time(end) => format!("until {}", end.to_minute()),
            Self::Changed => "until it changes".to_owned(),
        }
    }
}

/// What a person changed, when, and who, as `undo` needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it stands in the journal.
    pub seq: JournalSeq,
    /// Of which incident.
    pub incident: IncidentId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: crate::domain::actor::Actor,
    /// What happened.
    pub event: IncidentEvent,
}

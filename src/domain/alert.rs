//! Alerts: one firing instance from a source, its labels and its severity.
//!
//! Owns: identity, normalised severity. Does not: group alerts (see `incident`) or know any wire format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::time::Timestamp;

/// Label or annotation names and values, ordered by name.
pub type Labels = BTreeMap<String, String>;

/// What identifies one firing: the same alert firing again later has a new `starts_at`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    /// Where it came from.
    pub source: SourceId,
    /// Hash of the labels as the source computes it.
    pub fingerprint: String,
    /// When this firing began.
    pub starts_at: Timestamp,
}

/// Whether the source still sees the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// The condition holds.
    Firing,
    /// The condition is over.
    Resolved,
}

/// One firing instance of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity of this firing.
    pub key: AlertKey,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// When it ended; `None` while firing.
    pub ends_at: Option<Timestamp>,
    /// Labels: identity and routing. Foreign text.
    pub labels: Labels,
    /// Annotations: prose, may change with every evaluation. Foreign text.
    pub annotations: Labels,
    /// Link to the rule that raised it.
    pub generator_url: Option<String>,
}

impl Alert {
    /// The `alertname` label, or a visible stand-in when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("(no alertname)", String::as_str)
    }

    /// The severity label as sent, or an empty string.
    #[must_use]
    pub fn severity_raw(&self) -> &str {
        ["severity", "priority", "level"].iter().find_map(|name| self.labels.get(*name)).map_or("", String::as_str)
    }

    /// The normalised severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::normalise(self.severity_raw())
    }
}

/// Alerts that arrived together from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertBatch {
    /// Where they came from; the `source` of each alert's key.
    pub source: SourceId,
    /// How they came.
    pub origin: BatchOrigin,
    /// The alerts, in any order.
    pub alerts: Vec<Alert>,
    /// SHA-256 of the body as received.
    pub digest: String,
}

/// How a batch of alerts came, which decides what an absent alert means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchOrigin {
    /// The source sent it; it says nothing about alerts that are not in it.
    Webhook,
    /// We asked the source for everything that fires: what is not in it has ended.
    Reconcile {
        /// When the question was asked. Deliveries after it are newer than the answer.
        as_of: Timestamp,
    },
}

impl BatchOrigin {
    /// The name in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Reconcile { .. } => "reconcile",
        }
    }
}

/// Severity on one scale for all sources, most urgent first, so that ascending order is queue order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Someone is to be woken.
    Page = 0,
    /// Users are affected or will be within minutes.
    Critical = 1,
    /// Needs action within the hour.
    High = 2,
    /// Needs action within the working day.
    Warning = 3,
    /// Can wait.
    Low = 4,
    /// For information.
    Info = 5,
    /// Explicitly without severity, such as a watchdog.
    None = 6,
}

impl Severity {
    /// All severities, most urgent first.
    pub const ALL: [Self; 7] =
        [Self::Page, Self::Critical, Self::High, Self::Warning, Self::Low, Self::Info, Self::None];

    /// Reads the label value in the spellings that are in use (Prometheus, syslog, PagerDuty, `P1`, `SEV2`, …).
    ///
    /// A missing or unknown value is a `Warning`: it must not sink to the bottom unseen. The raw value is kept beside it.
    #[must_use]
    pub fn normalise(raw: &str) -> Self {
        match raw.trim().to_ascii_lowercase().as_str() {
            "page" | "pager" | "emergency" | "emerg" | "p0" | "sev0" => Self::Page,
            "critical" | "crit" | "fatal" | "disaster" | "alert" | "p1" | "sev1" | "sev-1" | "1" => Self::Critical,
            "high" | "error" | "err" | "major" | "urgent" | "p2" | "sev2" | "sev-2" | "2" => Self::High,
            "low" | "minor" | "p4" | "sev4" | "sev-4" | "4" => Self::Low,
            "info" | "information" | "informational" | "notice" | "debug" | "p5" | "sev5" | "sev-5" | "5" => Self::Info,
            "none" | "ok" | "watchdog" => Self::None,
            _ => Self::Warning,
        }
    }

    /// The position on the scale: 0 (page) to 6 (none). This is what the store sorts by.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self as u8
    }

    /// The severity at `rank`; anything above 6 is `None`.
    #[must_use]
    pub fn from_rank(rank: u8) -> Self {
        Self::ALL.get(usize::from(rank)).copied().unwrap_or(Self::None)
    }

    /// A four-letter sign for narrow columns; colour is never the only sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Page => "PAGE",
            Self::Critical => "CRIT",
            Self::High => "HIGH",
            Self::Warning => "WARN",
            Self::Low => "LOW ",
            Self::Info => "INFO",
            Self::None => "NONE",
        }
    }

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Critical => "critical",
            Self::High => "high",
            Self::Warning => "warning",
            Self::Low => "low",
            Self::Info => "info",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("critical", Severity::Critical)]
    #[case(" CRITICAL ", Severity::Critical)]
    #[case("page", Severity::Page)]
    #[case("high", Severity::High)]
    #[case("warning", Severity::Warning)]
    #[case("info", Severity::Info)]
    #[case("low", Severity::Low)]
    #[case("none", Severity::None)]
    #[case("SEV1", Severity::Critical)]
    #[case("P4", Severity::Low)]
    #[case("", Severity::Warning)]
    #[case("blocker-ish", Severity::Warning)]
    fn severity_normalises(#[case] raw: &str, #[case] expected: Severity) {
        assert_eq!(Severity::normalise(raw), expected);
    }

    #[test]
    fn ranks_round_trip_and_order_by_urgency() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_rank(severity.rank()), severity);
        }
        assert!(Severity::Page < Severity::Critical && Severity::Critical < Severity::Info);
        assert_eq!(Severity::from_rank(250), Severity::None);
    }
}

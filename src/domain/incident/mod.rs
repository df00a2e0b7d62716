//! Incidents: alerts that one person works on as one problem.
//!
//! Owns: which alerts belong together, and what an incident is. What people may do to one stands in `command`, how they
//! take it back in `undo`, what happened in `event`, and in which queues it stands in `queue`.
//! Does not: remember anything; the store applies the events that these functions return.

pub mod command;
pub mod delivery;
pub mod event;
pub mod queue;
pub mod standing;
pub mod undo;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertStatus, Labels, Severity};
use super::id::IncidentId;
use super::time::Timestamp;

pub use command::{Assignee, IncidentCommand, decide};
pub use event::IncidentEvent;
pub use queue::Queue;
pub use standing::{Standing, Suppression, Until};

/// The labels by which alerts are grouped, in this order.
pub const CORRELATION_LABELS: [&str; 4] = ["alertname", "cluster", "namespace", "service"];

/// How long after its end an incident is reopened by the same problem instead of a new one being opened.
pub const DEFAULT_REOPEN_WITHIN: Duration = Duration::from_secs(30 * 60);

/// What alerts of one incident have in common: a JSON array of the values of [`CORRELATION_LABELS`], so that no value
/// can imitate a separator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationKey(pub String);

impl CorrelationKey {
    /// The key of an alert with these labels; missing labels count as empty.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        let values = CORRELATION_LABELS.map(|name| labels.get(name).map_or("", String::as_str));
        Self(serde_json::json!(values).to_string())
    }
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody has taken it yet.
    Open,
    /// Someone said that they have seen it.
    Acknowledged,
    /// None of its alerts fires any more, or a person said that it is over.
    Resolved,
}

impl IncidentState {
    /// The name of the state in filters and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// An incident as the rules need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// What its alerts have in common.
    pub key: CorrelationKey,
    /// One line: the alert's name and where. Foreign text.
    pub title: String,
    /// The most urgent severity among its firing alerts; after the end, the last one.
    pub severity: Severity,
    /// The severity label as the source sent it.
    pub severity_raw: String,
    /// Where it stands.
    pub state: IncidentState,
    /// Who works on it, by login name.
    pub owner: Option<String>,
    /// Who acknowledged it, by login name; need not be the owner.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    /// When its first alert began to fire (of the present episode when it was reopened).
    pub opened_at: Timestamp,
    /// When it was resolved last; when a person did that before its alerts ended, when the last of them did.
    pub resolved_at: Option<Timestamp>,
    /// The person who resolved it, by login name; `None` when its alerts ended.
    #[serde(default)]
    pub resolved_by: Option<String>,
    /// A person does not want to see it for now.
    #[serde(default)]
    pub suppressed: Option<Suppression>,
    /// How many of its alerts fire now.
    pub firing: u32,
    /// How often it was reopened.
    pub reopened: u32,
}

impl Incident {
    /// What people decide of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            owner: self.owner.clone(),
            acknowledged_by: self.acknowledged_by.clone(),
            resolved_at: self.resolved_at,
            resolved_by: self.resolved_by.clone(),
            suppressed: self.suppressed.clone(),
        }
    }

    /// Puts it where `standing` says.
    pub fn stand(&mut self, standing: Standing) {
        let Standing { state, owner, acknowledged_by, resolved_at, resolved_by, suppressed } = standing;
        self.state = state;
        self.owner = owner;
        self.acknowledged_by = acknowledged_by;
        self.resolved_at = resolved_at;
        self.resolved_by = resolved_by;
        self.suppressed = suppressed;
    }

    /// Whether a person said that it is over while alerts of it still fire.
    #[must_use]
    pub fn fires_although_resolved(&self) -> bool {
        self.state == IncidentState::Resolved && self.firing > 0
    }
}

/// Why something asked for was not done, in words for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}: {why}. {remedy}.")]
pub struct Refusal {
    /// What was not done.
    pub what: String,
    /// The reason.
    pub why: String,
    /// What the person can do instead.
    pub remedy: String,
}

impl Refusal {
    /// A refusal from its three parts, each a sentence without the final stop.
    #[must_use]
    pub fn new(what: &str, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.to_owned(), why: why.into(), remedy: remedy.into() }
    }
}

/// What a change of one alert means for the incidents with its correlation key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertEffect {
    /// Open a new incident with this alert in it.
    Open,
    /// The incident exists and is not resolved: the alert belongs to it.
    Join,
    /// The incident is resolved but ended recently enough: it opens again.
    Reopen,
    /// An alert of the incident ended.
    End,
    /// An end without a beginning that we saw: nothing to do.
    Ignore,
}

/// Decides what `alert` means, given the newest incident with the same key.
///
/// `already_joined` says whether this very firing is already counted in `newest`.
#[must_use]
pub fn correlate(
    newest: Option<&Incident>,
    alert: &Alert,
    already_joined: bool,
    now: Timestamp,
    reopen_within: Duration,
) -> AlertEffect {
    match (alert.status, newest) {
        (AlertStatus::Resolved, Some(_)) if already_joined => AlertEffect::End,
        (AlertStatus::Resolved, _) => AlertEffect::Ignore,
        (AlertStatus::Firing, None) => AlertEffect::Open,
        (AlertStatus::Firing, Some(incident)) => match (incident.state, incident.resolved_at) {
            (IncidentState::Resolved, Some(at)) if now.since(at) <= reopen_within => AlertEffect::Reopen,
            (IncidentState::Resolved, _) => AlertEffect::Open,
            (IncidentState::Open | IncidentState::Acknowledged, _) => AlertEffect::Join,
        },
    }
}

/// The title of an incident: the alert's name, then `cluster namespace/service` or the instance, whatever there is.
#[must_use]
pub fn title(labels: &Labels) -> String {
    let mut title = full_title(labels);
    if let Some((end, _)) = title.char_indices().nth(TITLE_CHARACTERS) {
        title.truncate(end);
        title.push('…');
    }
    title
}

/// Longest title in characters, more than any screen is wide: every row of the queue is loaded and drawn with its title.
const TITLE_CHARACTERS: usize = 400;

fn full_title(labels: &Labels) -> String {
    let get = |name: &str| labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let mut title = get("alertname").unwrap_or("(no alertname)").to_owned();
    if let Some(cluster) = get("cluster") {
        title.push(' ');
        title.push_str(cluster);
    }
    let place = match (get("namespace"), get("service").or_else(|| get("job"))) {
        (Some(namespace), Some(service)) => Some(format!("{namespace}/{service}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => get("instance").map(str::to_owned),
    };
    if let Some(place) = place {
        title.push(' ');
        title.push_str(&place);
    }
    title
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::alert::AlertKey;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn alert(status: AlertStatus) -> Alert {
        Alert {
            key: AlertKey {
                source: "am".into(),
                fingerprint: "f1".to_owned(),
                starts_at: Timestamp::from_millis(1_000),
            },
            status,
            ends_at: None,
            labels: labels(&[("alertname", "DiskFull"), ("severity", "critical")]),
            annotations: Labels::new(),
            generator_url: None,
        }
    }

    /// An incident of one alert that fires.
    pub(in crate::domain::incident) fn incident(state: IncidentState, resolved_at: Option<i64>) -> Incident {
        Incident {
            id: IncidentId(1),
            key: CorrelationKey::of(&labels(&[("alertname", "DiskFull")])),
            title: "DiskFull".to_owned(),
            severity: Severity::Critical,
            severity_raw: "critical".to_owned(),
            state,
            owner: None,
            acknowledged_by: None,
            opened_at: Timestamp::from_millis(1_000),
            resolved_at: resolved_at.map(Timestamp::from_millis),
            resolved_by: None,
            suppressed: None,
            firing: 1,
            reopened: 0,
        }
    }

    #[test]
    fn keys_cannot_be_imitated_by_separators_in_values() {
        let one = CorrelationKey::of(&labels(&[("alertname", "A"), ("cluster", "b\",\"c")]));
        let other = CorrelationKey::of(&labels(&[("alertname", "A"), ("cluster", "b"), ("namespace", "c")]));
        assert_ne!(one, other);
    }

    #[test]
    fn firing_opens_joins_reopens_by_age_of_the_end() {
        let now = Timestamp::from_millis(10 * 60_000);
        let window = Duration::from_secs(300);
        let firing = alert(AlertStatus::Firing);
        let effect = |newest: Option<&Incident>| correlate(newest, &firing, false, now, window);
        assert_eq!(effect(None), AlertEffect::Open);
        assert_eq!(effect(Some(&incident(IncidentState::Open, None))), AlertEffect::Join);
        assert_eq!(effect(Some(&incident(IncidentState::Acknowledged, None))), AlertEffect::Join);
        assert_eq!(effect(Some(&incident(IncidentState::Resolved, Some(6 * 60_000)))), AlertEffect::Reopen);
        assert_eq!(effect(Some(&incident(IncidentState::Resolved, Some(4 * 60_000)))), AlertEffect::Open);
    }

    #[test]
    fn an_end_we_never_saw_begin_is_ignored() {
        let now = Timestamp::from_millis(2_000);
        let ended = alert(AlertStatus::Resolved);
        let open = incident(IncidentState::Open, None);
        assert_eq!(correlate(None, &ended, false, now, DEFAULT_REOPEN_WITHIN), AlertEffect::Ignore);
        assert_eq!(correlate(Some(&open), &ended, false, now, DEFAULT_REOPEN_WITHIN), AlertEffect::Ignore);
        assert_eq!(correlate(Some(&open), &ended, true, now, DEFAULT_REOPEN_WITHIN), AlertEffect::End);
    }

    #[test]
    fn titles_say_what_and_where() {
        let full = labels(&[("alertname", "Slow"), ("cluster", "eu1"), ("namespace", "pay"), ("service", "api")]);
        assert_eq!(title(&full), "Slow eu1 pay/api");
        assert_eq!(title(&labels(&[("alertname", "Slow"), ("instance", "db:9100")])), "Slow db:9100");
        assert_eq!(title(&Labels::new()), "(no alertname)");
        let endless = title(&labels(&[("alertname", &"ä".repeat(1 << 20)), ("cluster", "eu1")]));
        assert_eq!(endless, format!("{}…", "ä".repeat(TITLE_CHARACTERS)));
    }
}

//! An incident that a batch changes, until it is written.
//!
//! Owns: what its timeline will say: one line for many alerts, so that a storm does not bury what people did.

use std::collections::BTreeSet;

use crate::domain::alert::{Alert, Labels};
use crate::domain::incident::{Incident, IncidentEvent, title};

/// Bytes of labels that the filter of the queue can find an incident by. An incident of thousands of alerts is found by
/// the labels of the first ones.
pub(super) const SEARCH_LIMIT: usize = 8 * 1024;

/// An incident that a batch changes.
pub(super) struct Touched {
    /// As it will be written, except for what is counted from its alerts.
    pub(super) incident: Incident,
    /// What happened to the incident itself, in order.
    pub(super) events: Vec<IncidentEvent>,
    /// Labels of its new alerts.
    pub(super) labels: SearchLabels,
    /// Whether a firing of it ended, also one that goes on as another firing and has no line.
    pub(super) firing_ended: bool,
    joined: Tally,
    ended: Tally,
}

/// How many alerts did something, and the first of them by name.
#[derive(Default)]
struct Tally {
    count: u32,
    first: String,
}

impl Tally {
    fn add(&mut self, name: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = name();
        }
        self.count = self.count.saturating_add(1);
    }

    /// `alert X joined` or `alert X and 3 more joined`; `None` when there was none.
    fn line(&self, verb: &str) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("alert {verb}: {}", self.first)),
            many => Some(format!("{many} alerts {verb}: {} and others", self.first)),
        }
    }
}

impl Touched {
    /// Starts with the incident as it is.
    pub(super) fn new(incident: Incident) -> Self {
        Self {
            incident,
            events: Vec::new(),
            labels: SearchLabels::default(),
            firing_ended: false,
            joined: Tally::default(),
            ended: Tally::default(),
        }
    }

    /// Notes that an alert joined.
    pub(super) fn joined(&mut self, alert: &Alert) {
        self.joined.add(|| title(&alert.labels));
    }

    /// Notes that the alert with this title ended.
    pub(super) fn ended(&mut self, what: &str) {
        self.ended.add(|| what.to_owned());
    }

    /// Whether anything happened that its timeline will tell.
    pub(super) fn is_changed(&self) -> bool {
        !self.events.is_empty() || self.joined.count > 0 || self.ended.count > 0
    }

    /// Whether a firing of it began or ended.
    pub(super) fn changes_what_fires(&self) -> bool {
        self.firing_ended || self.joined.count > 0 || !self.events.is_empty()
    }

    /// The lines for the timeline, in the order in which they happened.
    pub(super) fn lines(&self) -> Vec<String> {
        let opening = |event: &&IncidentEvent| matches!(event, IncidentEvent::Opened { .. } | IncidentEvent::Reopened);
        let mut lines: Vec<String> = self.events.iter().filter(opening).map(IncidentEvent::describe).collect();
        lines.extend(self.joined.line("joined"));
        lines.extend(self.ended.line("ended"));
        lines.extend(self.events.iter().filter(|event| !opening(event)).map(IncidentEvent::describe));
        lines
    }
}

/// Labels as the filter looks for them: lower-case `name=value`, each once.
#[derive(Default)]
pub(super) struct SearchLabels {
    lines: BTreeSet<String>,
    bytes: usize,
}

impl SearchLabels {
    /// Adds the labels of an alert, up to the limit.
    pub(super) fn extend(&mut self, labels: &Labels) {
        for (name, value) in labels {
            if self.bytes >= SEARCH_LIMIT {
                return;
            }
            // A line break inside a value must not make two lines of it.
            let line = format!("{name}={value}").to_lowercase().replace('\n', " ");
            let bytes = line.len();
            if self.lines.insert(line) {
                self.bytes += bytes;
            }
        }
    }

    /// `known` with these labels after it, or `None` when that adds nothing.
    pub(super) fn merged_into(&self, known: &str) -> Option<String> {
        if known.len() >= SEARCH_LIMIT || self.lines.is_empty() {
            return None;
        }
        let present: BTreeSet<&str> = known.split('\n').collect();
        let mut merged = known.to_owned();
        for line in self.lines.iter().filter(|line| !present.contains(line.as_str())) {
            let room = SEARCH_LIMIT.saturating_sub(merged.len() + 1);
            if line.len() > room {
                continue;
            }
            if !merged.is_empty() {
                merged.push('\n');
            }
            merged.push_str(line);
        }
        (merged.len() > known.len()).then_some(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_are_merged_once_in_lower_case() {
        let mut labels_of = SearchLabels::default();
        labels_of.extend(&labels(&[("Host", "DB-1"), ("job", "a\nb")]));
        assert_eq!(labels_of.merged_into("").as_deref(), Some("host=db-1\njob=a b"));
        assert_eq!(labels_of.merged_into("host=db-1").as_deref(), Some("host=db-1\njob=a b"));
        assert_eq!(labels_of.merged_into("job=a b\nhost=db-1"), None);
    }

    #[test]
    fn searchable_text_stays_bounded() {
        let mut text = String::new();
        for round in 0..100 {
            let mut more = SearchLabels::default();
            let value = format!("{round}-{}", "x".repeat(300));
            more.extend(&labels(&[("instance", &value)]));
            if let Some(merged) = more.merged_into(&text) {
                text = merged;
            }
        }
        assert!(text.len() <= SEARCH_LIMIT && text.len() > SEARCH_LIMIT / 2);
    }
}

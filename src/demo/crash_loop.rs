//! The watch over the worker's restarts.
//!
//! Owns: when they count as a crash loop, and the labels of that alert. Does not: restart anything.

use super::alarm::{Finding, Probe, Reading, labels};
use super::supervisor::{Status, WorkerState};
use super::worker::{NAME, WorkerPlace};
use crate::domain::alert::Labels;
use crate::domain::time::Timestamp;

/// From so many failures in a row on it is a crash loop.
const FIRE_AT: u32 = 3;

/// Looks at what the supervisor says.
pub(super) struct RestartCount {
    /// Of which worker.
    pub(super) place: WorkerPlace,
}

impl RestartCount {
    /// The labels of its alert: those that a team gives its workers in the service discovery, so that its alerts say where
    /// to look.
    pub(super) fn labels(&self, host: &str) -> Labels {
        labels([
            ("alertname", "WorkerCrashLooping"),
            ("severity", "high"),
            ("cluster", "demo"),
            ("instance", host),
            ("service", NAME),
            ("worker", NAME),
            ("config_file", &self.place.config().display().to_string()),
            ("log_file", &self.place.log().display().to_string()),
            ("status_file", &self.place.status().display().to_string()),
        ])
    }
}

impl Probe for RestartCount {
    fn measure(&self, _: Timestamp) -> Option<Reading> {
        let status = Status::read(&self.place.status())?;
        let failures = status.failures_in_a_row;
        let finding = match (failures, status.state) {
            (FIRE_AT.., _) => Finding::Bad,
            (0, WorkerState::Running) => Finding::Good,
            _ => Finding::Between,
        };
        let last = if failures > 0 { format!(", last with {}", status.last_exit) } else { String::new() };
        Some(Reading { finding, summary: format!("{NAME} failed {failures} times in a row{last}") })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "running", Finding::Good)]
    #[case(1, "waiting", Finding::Between)]
    #[case(2, "running", Finding::Between)]
    #[case(3, "waiting", Finding::Bad)]
    #[case(9, "running", Finding::Bad)]
    fn it_counts(#[case] failures: u32, #[case] state: &str, #[case] expected: Finding) {
        let root = tempfile::tempdir().unwrap();
        let place = WorkerPlace::of(root.path());
        place.furnish().unwrap();
        let count = RestartCount { place: place.clone() };
        assert_eq!(count.measure(Timestamp::default()), None, "nothing was said yet");
        let status = format!(
            "worker = \"w\"\nstate = \"{state}\"\nrestarts = 9\nfailures_in_a_row = {failures}\n\
             last_exit = \"exit status: 1\"\nrestart_in_ms = 500\n"
        );
        std::fs::write(place.status(), status).unwrap();
        let reading = count.measure(Timestamp::default()).unwrap();
        assert_eq!(reading.finding, expected);
        assert!(reading.summary.contains(&failures.to_string()));
    }
}

//! From measurements to an alert: it begins to fire, is told again while it does, and ends.
//!
//! Owns: the alert's identity and what was told of it. Does not: measure, or know how the alert travels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::{Alert, AlertKey, AlertStatus, Labels};
use crate::domain::digest::sha256_hex;
use crate::domain::time::Timestamp;
use crate::engine::ports::AlertPublisher;

/// Everything is measured this often.
const EVERY: Duration = Duration::from_millis(500);
/// A firing alert is told again this often, as Alertmanager's group interval does.
const REPEAT: Duration = Duration::from_secs(30);

/// What a measurement means for the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It has to fire.
    Bad,
    /// What fires goes on, what does not fire does not begin.
    Between,
    /// It must not fire.
    Good,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// What it means.
    pub(super) finding: Finding,
    /// What was found, in a sentence for the person.
    pub(super) summary: String,
}

/// Something that can be measured. Blocks for as long as reading a few small files takes.
pub(super) trait Probe: Send + Sync + 'static {
    /// Measures at `now`; `None` when there is nothing to measure yet.
    fn measure(&self, now: Timestamp) -> Option<Reading>;
}

/// A probe and the alert that it raises and clears.
pub struct Check {
    probe: Arc<dyn Probe>,
    labels: Labels,
    publisher: Arc<dyn AlertPublisher>,
    firing_since: Option<Timestamp>,
    told_at: Option<Timestamp>,
}

impl Check {
    /// A check whose alert has these `labels`.
    pub(super) fn new(probe: impl Probe, labels: Labels, publisher: Arc<dyn AlertPublisher>) -> Self {
        Self { probe: Arc::new(probe), labels, publisher, firing_since: None, told_at: None }
    }

    /// Measures for ever; ends when the task is dropped. `now` is the wall clock.
    pub async fn run(mut self, now: impl Fn() -> Timestamp + Send) {
        loop {
            self.measure(now()).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Measures once and publishes what changed.
    pub async fn measure(&mut self, now: Timestamp) {
        let probe = Arc::clone(&self.probe);
        let Ok(Some(reading)) = tokio::task::spawn_blocking(move || probe.measure(now)).await else { return };
        let (since, status) = match (self.firing_since, reading.finding) {
            (None, Finding::Bad) => (now, AlertStatus::Firing),
            (None, Finding::Between | Finding::Good) => return,
            (Some(since), Finding::Good) => (since, AlertStatus::Resolved),
            (Some(since), Finding::Bad | Finding::Between) => {
                let due = self.told_at.is_none_or(|told| now.since(told) >= REPEAT);
                if !due {
                    return;
                }
                (since, AlertStatus::Firing)
            }
        };
        let alert = self.alert(since, status, reading.summary, now);
        match self.publisher.publish(vec![alert]).await {
            // What was not delivered is told again at the next measurement.
            Err(error) => {
                tracing::warn!(%error, "an alert of the demo was not delivered");
                if status == AlertStatus::Firing {
                    self.firing_since = Some(since);
                }
            }
            Ok(()) => {
                self.told_at = Some(now);
                self.firing_since = (status == AlertStatus::Firing).then_some(since);
            }
        }
    }

    fn alert(&self, since: Timestamp, status: AlertStatus, summary: String, now: Timestamp) -> Alert {
        let identity: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Alert {
            key: AlertKey {
                source: "demo".into(),
                fingerprint: sha256_hex(identity.join("\n").as_bytes())[..16].to_owned(),
                starts_at: since,
            },
            status,
            ends_at: (status == AlertStatus::Resolved).then_some(now),
            labels: self.labels.clone(),
            annotations: BTreeMap::from([("summary".to_owned(), summary)]),
            generator_url: None,
        }
    }
}

/// Labels from pairs.
pub(super) fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::ports::{BoxFuture, SourceError};

    /// Remembers what it was told, unless it is out of order.
    #[derive(Default)]
    struct Recorder {
        told: Mutex<Vec<Alert>>,
        broken: Mutex<bool>,
    }

    impl AlertPublisher for Recorder {
        fn publish(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), SourceError>> {
            let broken = *self.broken.lock().unwrap();
            if !broken {
                self.told.lock().unwrap().extend(alerts);
            }
            let error = || SourceError { what: "broken".to_owned(), remedy: "wait".to_owned() };
            Box::pin(async move { if broken { Err(error()) } else { Ok(()) } })
        }
    }

    /// Measures what the test says.
    struct Said(Arc<Mutex<Option<Finding>>>);

    impl Probe for Said {
        fn measure(&self, _: Timestamp) -> Option<Reading> {
            let finding = (*self.0.lock().unwrap())?;
            Some(Reading { finding, summary: format!("{finding:?}") })
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1_000)
    }

    #[tokio::test]
    async fn it_fires_once_is_repeated_and_ends() {
        let (recorder, said) = (Arc::new(Recorder::default()), Arc::new(Mutex::new(None)));
        let mut check = Check::new(Said(Arc::clone(&said)), labels([("alertname", "X")]), recorder.clone());
        for (second, finding) in [
            (0, None),
            (1, Some(Finding::Good)),
            (2, Some(Finding::Between)),
            (3, Some(Finding::Bad)),
            (4, Some(Finding::Bad)), // told already
            (5, Some(Finding::Between)),
            (40, Some(Finding::Between)), // told again
            (41, Some(Finding::Good)),
            (42, Some(Finding::Good)),
        ] {
            *said.lock().unwrap() = finding;
            check.measure(at(second)).await;
        }
        let told = recorder.told.lock().unwrap();
        let states: Vec<_> = told.iter().map(|alert| alert.status).collect();
        assert_eq!(states, [AlertStatus::Firing, AlertStatus::Firing, AlertStatus::Resolved]);
        assert!(told.iter().all(|alert| alert.key == told[0].key), "one firing, one identity");
        assert_eq!((told[0].key.starts_at, told[2].ends_at), (at(3), Some(at(41))));
        assert_eq!(told[0].annotations["summary"], "Bad");
    }

    #[tokio::test]
    async fn what_was_not_delivered_is_told_again() {
        let (recorder, said) = (Arc::new(Recorder::default()), Arc::new(Mutex::new(Some(Finding::Bad))));
        let mut check = Check::new(Said(Arc::clone(&said)), labels([("alertname", "X")]), recorder.clone());
        *recorder.broken.lock().unwrap() = true;
        check.measure(at(0)).await;
        *recorder.broken.lock().unwrap() = false;
        check.measure(at(1)).await;
        *recorder.broken.lock().unwrap() = true;
        *said.lock().unwrap() = Some(Finding::Good);
        check.measure(at(2)).await;
        *recorder.broken.lock().unwrap() = false;
        check.measure(at(3)).await;
        let told = recorder.told.lock().unwrap();
        let states: Vec<_> = told.iter().map(|alert| (alert.status, alert.key.starts_at)).collect();
        assert_eq!(states, [(AlertStatus::Firing, at(0)), (AlertStatus::Resolved, at(0))]);
    }
}

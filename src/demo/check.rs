//! The check of the volume: measures, and says so when it becomes too full and when it no longer is.
//!
//! Owns: thresholds and the alert's labels. Does not: know how the alert travels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::{Alert, AlertKey, AlertStatus, Labels};
use crate::domain::digest::sha256_hex;
use crate::domain::time::Timestamp;
use crate::engine::ports::AlertPublisher;

/// The alert fires from this share of the quota on, in per cent.
const FIRE_AT: u64 = 85;
/// It clears below this share, in per cent.
const CLEAR_BELOW: u64 = 60;
/// The volume is measured this often.
const EVERY: Duration = Duration::from_millis(500);
/// A firing alert is told again this often, as Alertmanager's group interval does.
const REPEAT: Duration = Duration::from_secs(30);

/// Measures the volume and publishes its alert.
pub struct DiskCheck {
    volume: PathBuf,
    quota: u64,
    host: String,
    publisher: Arc<dyn AlertPublisher>,
    firing_since: Option<Timestamp>,
    told_at: Option<Timestamp>,
}

impl DiskCheck {
    pub(super) fn new(volume: PathBuf, quota: u64, host: &str, publisher: Arc<dyn AlertPublisher>) -> Self {
        Self { volume, quota, host: host.to_owned(), publisher, firing_since: None, told_at: None }
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
        let volume = self.volume.clone();
        let Ok(used) = tokio::task::spawn_blocking(move || used_bytes(&volume)).await else { return };
        let percent = used * 100 / self.quota.max(1);
        let (since, status) = match self.firing_since {
            None if percent >= FIRE_AT => (now, AlertStatus::Firing),
            None => return,
            Some(since) if percent < CLEAR_BELOW => (since, AlertStatus::Resolved),
            Some(since) => {
                let due = self.told_at.is_none_or(|told| now.since(told) >= REPEAT);
                if !due {
                    return;
                }
                (since, AlertStatus::Firing)
            }
        };
        let alert = self.alert(since, status, percent, now);
        match self.publisher.publish(vec![alert]).await {
            // What was not delivered is told again at the next measurement.
            Err(error) => {
                tracing::warn!(%error, "the demo's alert was not delivered");
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

    fn alert(&self, since: Timestamp, status: AlertStatus, percent: u64, now: Timestamp) -> Alert {
        let labels: Labels = [
            ("alertname", "DiskFull"),
            ("severity", "critical"),
            ("cluster", "demo"),
            ("service", "log-archive"),
            ("instance", self.host.as_str()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain([("mountpoint".to_owned(), self.volume.display().to_string())])
        .collect();
        let identity: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let summary = format!("Volume of log-archive is {percent} % full ({} MiB quota)", self.quota / 1_048_576);
        Alert {
            key: AlertKey {
                source: "demo".into(),
                fingerprint: sha256_hex(identity.join("\n").as_bytes())[..16].to_owned(),
                starts_at: since,
            },
            status,
            ends_at: (status == AlertStatus::Resolved).then_some(now),
            labels,
            annotations: BTreeMap::from([("summary".to_owned(), summary)]),
            generator_url: None,
        }
    }
}

/// Bytes in the regular files below `directory`; files that vanish meanwhile do not count.
pub(super) fn used_bytes(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => used_bytes(&entry.path()),
            Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |found| found.len()),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::ports::{BoxFuture, SourceError};

    #[derive(Default)]
    struct Recorder(Mutex<Vec<Alert>>);

    impl AlertPublisher for Recorder {
        fn publish(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), SourceError>> {
            self.0.lock().unwrap().extend(alerts);
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn it_fires_when_full_and_clears_when_emptied() {
        let volume = tempfile::tempdir().unwrap();
        let recorder = Arc::new(Recorder::default());
        let mut check = DiskCheck::new(volume.path().to_owned(), 1_000, "host", recorder.clone());
        let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1_000);
        check.measure(at(0)).await;
        assert!(recorder.0.lock().unwrap().is_empty());

        let file = volume.path().join("worker.log.1");
        std::fs::write(&file, vec![0_u8; 900]).unwrap();
        check.measure(at(1)).await;
        check.measure(at(2)).await; // told already
        check.measure(at(40)).await; // told again
        std::fs::remove_file(&file).unwrap();
        check.measure(at(41)).await;
        check.measure(at(42)).await;

        let told = recorder.0.lock().unwrap();
        let states: Vec<_> = told.iter().map(|alert| alert.status).collect();
        assert_eq!(states, [AlertStatus::Firing, AlertStatus::Firing, AlertStatus::Resolved]);
        assert!(told.iter().all(|alert| alert.key == told[0].key), "one firing, one identity");
        assert_eq!(told[2].ends_at, Some(at(41)));
        assert_eq!(told[0].labels["mountpoint"], volume.path().display().to_string());
    }
}

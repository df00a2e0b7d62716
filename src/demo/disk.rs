//! The volume: how full it is, and the labels of its alert.
//!
//! Owns: thresholds. Does not: fill it (see `filler`) or tell anyone (see `alarm`).

use std::path::{Path, PathBuf};

use super::alarm::{Finding, Probe, Reading, labels};
use crate::domain::alert::Labels;
use crate::domain::time::Timestamp;

/// The alert fires from this share of the quota on, in per cent.
const FIRE_AT: u64 = 85;
/// It clears below this share, in per cent.
const CLEAR_BELOW: u64 = 60;

/// Measures a volume.
pub(super) struct Volume {
    /// Its directory.
    pub(super) directory: PathBuf,
    /// How much may lie in it, in bytes.
    pub(super) quota: u64,
}

impl Volume {
    /// The labels of its alert, as node_exporter's metrics of a file system and a relabelling by service give them.
    pub(super) fn labels(&self, host: &str) -> Labels {
        labels([
            ("alertname", "DiskFull"),
            ("severity", "critical"),
            ("cluster", "demo"),
            ("service", "log-archive"),
            ("instance", host),
            ("mountpoint", &self.directory.display().to_string()),
        ])
    }
}

impl Probe for Volume {
    fn measure(&self, _: Timestamp) -> Option<Reading> {
        let percent = used_bytes(&self.directory) * 100 / self.quota.max(1);
        let finding = match percent {
            FIRE_AT.. => Finding::Bad,
            CLEAR_BELOW..FIRE_AT => Finding::Between,
            0..CLEAR_BELOW => Finding::Good,
        };
        let quota = self.quota / 1_048_576;
        Some(Reading { finding, summary: format!("Volume of log-archive is {percent} % full ({quota} MiB quota)") })
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
    use super::*;

    #[test]
    fn the_more_there_is_the_worse() {
        let directory = tempfile::tempdir().unwrap();
        let volume = Volume { directory: directory.path().to_owned(), quota: 1_000 };
        let inner = directory.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        for (bytes, finding) in [(0, Finding::Good), (590, Finding::Good), (700, Finding::Between), (850, Finding::Bad)]
        {
            std::fs::write(inner.join("worker.log.1"), vec![0_u8; bytes]).unwrap();
            assert_eq!(volume.measure(Timestamp::default()).unwrap().finding, finding, "{bytes}");
        }
        assert_eq!(volume.labels("n1")["mountpoint"], directory.path().display().to_string());
    }
}

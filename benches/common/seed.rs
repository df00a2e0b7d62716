//! A database with incidents to measure with. Does not: measure anything.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiops::domain::actor::Person;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin, Labels};
use aiops::domain::time::Timestamp;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};

/// Fills a database through the same door as real alerts.
pub(crate) fn seed(path: &Path, incidents: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let person = Person { uid: 0, name: "bench".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: std::process::id(), person };
    let start = Instant::now();
    let now = Arc::new(move || (wall(), start.elapsed()));
    let store = Store::open(path, OpenOptions { identity, now }).unwrap();
    runtime.block_on(async {
        let ttl = Duration::from_secs(60);
        let LeaseOutcome::Held(fence) = store.acquire_lease(INGEST_LEASE, "bench", ttl).await.unwrap() else {
            panic!("the lease of a new database is free");
        };
        let severities = ["critical", "high", "warning", "info"];
        let names = ["DiskFull", "WorkerCrashLoop", "CertificateExpiringSoon", "TargetDown", "HighHttp5xxRate"];
        for chunk in (0..incidents).collect::<Vec<_>>().chunks(1_000) {
            let alerts = chunk.iter().map(|n| {
                let labels: Labels = [
                    ("alertname", names[n % names.len()].to_owned()),
                    ("severity", severities[n % severities.len()].to_owned()),
                    ("cluster", format!("eu{}", n % 7)),
                    ("namespace", format!("team-{}", n % 90)),
                    ("service", format!("service-{n}")),
                    ("mountpoint", format!("/srv/{n}")),
                    ("instance", format!("10.1.{}.{}:9100", n / 250, n % 250)),
                ]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
                alert(&format!("{n:016x}"), labels, wall().minus(Duration::from_secs(60 + *n as u64)))
            });
            let batch = AlertBatch {
                source: "bench".into(),
                origin: BatchOrigin::Webhook,
                alerts: alerts.collect(),
                digest: "0".repeat(64),
            };
            store.ingest(fence.clone(), batch, Duration::from_secs(60)).await.unwrap();
        }
        store.release_lease(&fence).await.unwrap();
    });
}

fn alert(fingerprint: &str, labels: Labels, starts_at: Timestamp) -> Alert {
    let key = AlertKey { source: "bench".into(), fingerprint: fingerprint.to_owned(), starts_at };
    let annotations = Labels::from([("summary".to_owned(), "Volume is 93 % full".to_owned())]);
    Alert { key, status: AlertStatus::Firing, ends_at: None, labels, annotations, generator_url: None }
}

fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

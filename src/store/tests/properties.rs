//! Whatever is delivered in whatever order, incidents agree with their alerts.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::support::{Bench, firing, resolved, with_severity};
use crate::domain::alert::Alert;

/// One delivered alert, small enough that collisions are common.
#[derive(Clone, Debug)]
struct Delivery {
    fingerprint: u8,
    starts: i64,
    ends: Option<i64>,
    severity: u8,
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Webhook(Vec<Delivery>),
    /// The age of the question in seconds, and what fires.
    Reconcile(u64, Vec<Delivery>),
    Wait(u64),
}

fn delivery() -> impl Strategy<Value = Delivery> {
    (0_u8..4, 0_i64..5, prop::option::of(0_i64..5), 0_u8..3).prop_map(|(fingerprint, starts, length, severity)| {
        Delivery { fingerprint, starts, ends: length.map(|length| starts + length), severity }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let deliveries = || prop::collection::vec(delivery(), 0..5);
    prop_oneof![
        5 => deliveries().prop_map(Step::Webhook),
        2 => (0_u64..4, deliveries()).prop_map(|(age, alerts)| Step::Reconcile(age, alerts)),
        2 => (1_u64..2_400).prop_map(Step::Wait),
    ]
}

fn alert(delivery: &Delivery) -> Alert {
    // Two incidents of two fingerprints each.
    let name = if delivery.fingerprint < 2 { "Disk" } else { "Net" };
    let fingerprint = format!("f{}", delivery.fingerprint);
    let alert = match delivery.ends {
        None => firing(name, &fingerprint, delivery.starts),
        Some(ends) => resolved(name, &fingerprint, delivery.starts, ends),
    };
    with_severity(alert, ["page", "warning", "info"][usize::from(delivery.severity)])
}

/// Each query lists what must not be.
const INVARIANTS: [(&str, &str); 6] = [
    (
        "incidents whose count of firing alerts is wrong",
        "SELECT id FROM incident i
         WHERE firing <> (SELECT count(*) FROM alert WHERE incident = i.id AND status = 0)",
    ),
    ("incidents that are resolved and fire, or neither", "SELECT id FROM incident WHERE (state = 2) <> (firing = 0)"),
    (
        "incidents whose severity is not the most urgent firing one",
        "SELECT id FROM incident i
         WHERE firing > 0 AND severity <> (SELECT min(severity) FROM alert WHERE incident = i.id AND status = 0)",
    ),
    (
        "fingerprints that fire twice",
        "SELECT fingerprint FROM alert WHERE status = 0 GROUP BY source, fingerprint HAVING count(*) > 1",
    ),
    (
        "keys with two incidents that are not resolved",
        "SELECT key FROM incident WHERE state < 2 GROUP BY key HAVING count(*) > 1",
    ),
    (
        "firing alerts without an incident, and ends without a reason",
        "SELECT id FROM alert WHERE (status = 0 AND incident IS NULL) OR (status = 1) <> (ended_by IS NOT NULL)",
    ),
];

async fn check(history: Vec<Step>) {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let raw = bench.raw();
    for step in history {
        match step {
            Step::Wait(seconds) => bench.clock.advance(Duration::from_secs(seconds)),
            Step::Webhook(alerts) => {
                bench.ingest(&fence, alerts.iter().map(alert).collect()).await;
            }
            Step::Reconcile(age, alerts) => {
                let as_of = bench.clock.now().minus(Duration::from_secs(age));
                let present: Vec<Alert> =
                    alerts.iter().map(|one| alert(&Delivery { ends: None, ..one.clone() })).collect();
                bench.reconcile(&fence, as_of, present).await;
            }
        }
        for (what, sql) in INVARIANTS {
            let found: bool = raw.query_row(&format!("SELECT EXISTS ({sql})"), [], |row| row.get(0)).unwrap();
            assert!(!found, "there are {what}");
        }
    }
    // After a complete answer that is newer than everything, exactly what is in it fires.
    bench.clock.advance(Duration::from_secs(1));
    let present = vec![firing("Disk", "f0", 2), firing("Net", "f3", 1)];
    bench.reconcile(&fence, bench.clock.now(), present).await;
    let mut statement = raw.prepare("SELECT fingerprint FROM alert WHERE status = 0").unwrap();
    let firing: HashSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(firing, HashSet::from(["f0".to_owned(), "f3".to_owned()]));
    assert_eq!(bench.store.header().await.unwrap().firing, 2);
    assert!(bench.store.verify().await.unwrap().ok);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn incidents_agree_with_their_alerts(history in prop::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(history));
    }
}

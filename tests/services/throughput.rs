//! A storm: a thousand alerts by webhook, until they are durable. Prints how long it took and checks that all are there.

use std::ops::Range;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::console::{Console, Ways};
use super::support::{client, free_port};

const ALERTS: u32 = 1_000;
const CONNECTIONS: usize = 20;

/// A body as Alertmanager sends it, with one firing alert for each number.
pub(crate) fn body(numbers: Range<u32>) -> String {
    let alert = |number| {
        json!({
            "status": "firing",
            "labels": {"alertname": format!("Alert{}", number % 50), "severity": "warning", "cluster": "eu1",
                       "namespace": "shop", "pod": format!("checkout-{number}")},
            "annotations": {"summary": "Pod is not ready", "description": "It has not been ready for 15 minutes.",
                            "runbook_url": "https://runbooks.example/PodNotReady"},
            "startsAt": "2024-01-05T10:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
            "fingerprint": format!("{number:016x}"),
        })
    };
    let alerts: Vec<_> = numbers.map(alert).collect();
    json!({
        "receiver": "aiops", "status": "firing", "alerts": alerts, "groupLabels": {}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager.example:9093", "version": "4",
        "groupKey": "{}:{}", "truncatedAlerts": 0,
    })
    .to_string()
}

/// Posts `bodies`, as many at a time as there are connections, and says how long that took.
async fn measure(what: &str, bodies: Vec<String>) {
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    let ways = Ways { receive_on: Some(port), ask: None };
    let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
    console.until_open().await;
    let (client, url) = (client(), format!("http://127.0.0.1:{port}/webhook/alertmanager"));
    let began = Instant::now();
    let posts = bodies.into_iter().map(|body| client.post(&url).body(body).send());
    let statuses: Vec<_> = stream::iter(posts)
        .buffer_unordered(CONNECTIONS)
        .map(|response| response.unwrap().status().as_u16())
        .collect()
        .await;
    super::support::say(&format!("{ALERTS} alerts by webhook, {what}: durable after {:.0?}", began.elapsed()));
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let (header, rows) = console.look().await;
    assert_eq!((header.firing, rows.len()), (ALERTS, 50));
    console.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_alerts_in_a_thousand_posts() {
    measure("1,000 posts over 20 connections", (0..ALERTS).map(|number| body(number..number + 1)).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_alerts_in_one_post() {
    measure("one post", vec![body(0..ALERTS)]).await;
}

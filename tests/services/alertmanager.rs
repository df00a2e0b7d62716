//! With the real Alertmanager: what it sends, what it says when asked, and what it leaves out.

use std::time::Instant;

use aiops::domain::incident::IncidentState;
use aiops::domain::time::Timestamp;
use aiops::store::view::{HealthState, SourceHealth};
use serde_json::{Value, json};

use super::console::{Console, SOURCE, Ways};
use super::support::{AlertmanagerProcess, free_port, installed, until};

const PROGRAM: &str = "prometheus-alertmanager";

/// A configuration that delivers at once to `port`, at most `max_alerts` a delivery (0: all).
fn config(port: u16, max_alerts: u32) -> String {
    format!(
        "route: {{receiver: aiops, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname]}}\n\
         receivers:\n\
         - name: aiops\n  webhook_configs:\n  - {{url: 'http://127.0.0.1:{port}/webhook/alertmanager', max_alerts: {max_alerts}}}\n"
    )
}

fn alert(instance: &str) -> Value {
    json!({
        "labels": {"alertname": "HighErrorRate", "severity": "critical", "cluster": "eu1", "service": "payments", "instance": instance},
        "annotations": {"summary": "5xx at 7 %"},
        "startsAt": "2024-01-05T10:00:00.123456789Z",
    })
}

fn ended(instance: &str) -> Value {
    let mut alert = alert(instance);
    alert["endsAt"] = json!("2024-01-05T11:00:00Z");
    alert
}

#[tokio::test]
async fn an_alert_becomes_an_incident_and_its_end_resolves_it() {
    let test = "an_alert_becomes_an_incident_and_its_end_resolves_it";
    let Some(program) = installed(PROGRAM, test) else { return };
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let ways = Ways { receive_on: Some(port), ask: None };
    let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
    console.until_open().await;
    let alertmanager = AlertmanagerProcess::start(program, &config(port, 0)).await;

    alertmanager.post(&json!([alert("a:1"), alert("b:1")])).await;
    console.until("one incident with two alerts", |header, rows| header.firing == 2 && rows.len() == 1).await;
    let (header, rows) = console.look().await;
    assert_eq!(rows[0].title, "HighErrorRate eu1 payments");
    assert_eq!(Some(rows[0].opened_at), Timestamp::parse_rfc3339("2024-01-05T10:00:00.123Z"));
    assert_eq!(header.unresolved_total(), 1);
    console
        .until("the webhook is known to work", |header, _| {
            let works = |health: &SourceHealth| health.source.as_str() == SOURCE && health.state == HealthState::Ok;
            header.sources.iter().any(|health| health.channel == "webhook" && works(health))
        })
        .await;

    alertmanager.post(&json!([ended("a:1"), ended("b:1")])).await;
    console
        .until("the incident is resolved", |header, rows| {
            header.firing == 0 && rows.iter().all(|row| row.state == IncidentState::Resolved)
        })
        .await;
    console.end().await;
}

#[tokio::test]
async fn what_happened_while_nobody_received_is_found_out_by_asking() {
    let test = "what_happened_while_nobody_received_is_found_out_by_asking";
    let Some(program) = installed(PROGRAM, test) else { return };
    let (directory, began) = (tempfile::tempdir().unwrap(), Instant::now());
    // Nobody ever listens where it delivers to: only asking can bring the alert.
    let alertmanager = AlertmanagerProcess::start(program, &config(free_port(), 0)).await;
    alertmanager.post(&json!([alert("a:1")])).await;
    let ways = || Ways { receive_on: None, ask: Some(alertmanager.url()) };

    let first = Console::start(directory.path(), 1, began, ways());
    first.until("the alert is known", |header, rows| header.firing == 1 && rows.len() == 1).await;
    first.end().await;

    alertmanager.post(&json!([ended("a:1"), alert("c:1")])).await;
    let second = Console::start(directory.path(), 2, began, ways());
    second
        .until("the new alert fires and the old one does not", |header, rows| {
            header.firing == 1 && rows.len() == 1 && rows[0].firing == 1
        })
        .await;
    second.end().await;
}

#[tokio::test]
async fn an_alertmanager_that_is_down_is_said_and_found_again() {
    let test = "an_alertmanager_that_is_down_is_said_and_found_again";
    let Some(program) = installed(PROGRAM, test) else { return };
    let directory = tempfile::tempdir().unwrap();
    let alertmanager = AlertmanagerProcess::start(program, &config(free_port(), 0)).await;
    let url = alertmanager.url();
    drop(alertmanager);
    let console =
        Console::start(directory.path(), 1, Instant::now(), Ways { receive_on: None, ask: Some(url.clone()) });
    console
        .until("its API is down, with a remedy", |header, _| {
            let down = header.sources.iter().find(|health| health.state == HealthState::Down);
            down.is_some_and(|health| health.channel == "api" && health.detail.contains("Check that Alertmanager runs"))
        })
        .await;
    console.end().await;
}

#[tokio::test]
async fn alerts_that_a_delivery_leaves_out_are_fetched() {
    let test = "alerts_that_a_delivery_leaves_out_are_fetched";
    let Some(program) = installed(PROGRAM, test) else { return };
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let alertmanager = AlertmanagerProcess::start(program, &config(port, 1)).await;
    let ways = Ways { receive_on: Some(port), ask: Some(alertmanager.url()) };
    let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
    console.until_open().await;
    // The question at the start is over, and the next one would come in an hour.
    console
        .until("it was asked", |header, _| {
            header.sources.iter().any(|health| health.channel == "api" && health.state == HealthState::Ok)
        })
        .await;
    alertmanager.post(&json!([alert("a:1"), alert("b:1"), alert("c:1")])).await;
    console.until("all three fire", |header, rows| header.firing == 3 && rows.len() == 1).await;
    console.end().await;
}

#[tokio::test]
async fn a_restarted_alertmanager_does_not_end_what_it_has_forgotten() {
    let test = "a_restarted_alertmanager_does_not_end_what_it_has_forgotten";
    let Some(program) = installed(PROGRAM, test) else { return };
    let (directory, began) = (tempfile::tempdir().unwrap(), Instant::now());
    let before = AlertmanagerProcess::start(program.clone(), &config(free_port(), 0)).await;
    before.post(&json!([alert("a:1")])).await;
    let ask = |process: &AlertmanagerProcess| Ways { receive_on: None, ask: Some(process.url()) };
    let first = Console::start(directory.path(), 1, began, ask(&before));
    first.until("the alert is known", |header, _| header.firing == 1).await;
    first.end().await;
    drop(before);

    let after = AlertmanagerProcess::start(program, &config(free_port(), 0)).await;
    after.post(&json!([alert("b:1")])).await;
    let second = Console::start(directory.path(), 2, began, ask(&after));
    second.until("the alert that was sent again joins", |header, _| header.firing == 2).await;
    second.end().await;

    // What it did know since its start and does not have any more has ended.
    after.post(&json!([ended("b:1")])).await;
    until("the alert has ended there", || async { after.firing().await == json!([]) }).await;
    let third = Console::start(directory.path(), 3, began, ask(&after));
    third.until("only what it has forgotten still fires", |header, _| header.firing == 1).await;
    third.end().await;
}

//! What this program asks of the real services: metrics of Prometheus, silences of Alertmanager.

use std::process::Command;
use std::time::Duration;

use aiops::adapters::alertmanager::Alertmanager;
use aiops::adapters::prometheus::{Access, Connection, Prometheus};
use aiops::domain::action::silence::Silence;
use aiops::domain::time::Timestamp;
use aiops::engine::ports::{MetricSource as _, RangeQuery, Silencer as _};
use serde_json::{Value, json};

use super::support::{AlertmanagerProcess, PATIENCE, PrometheusProcess, client, installed, until};

fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

fn connection(id: &str, url: String) -> Connection {
    Connection { id: id.into(), url, access: Access::Open, timeout: PATIENCE }
}

#[tokio::test]
async fn prometheus_answers_what_is_asked_and_says_why_it_does_not() {
    let test = "prometheus_answers_what_is_asked_and_says_why_it_does_not";
    let Some(program) = installed("prometheus", test) else { return };
    let service = PrometheusProcess::start(&program, "global: {scrape_interval: 1s}\n").await;
    let source = Prometheus::new(connection("prometheus", service.url())).unwrap();
    let value = |query: &'static str| {
        let source = &source;
        async move {
            let answer = source.instant(query, now()).await.unwrap();
            answer.samples.iter().map(|sample| sample.value.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(value("1 + 1").await, ["2"]);
    assert_eq!(value("vector(0) / 0").await, ["NaN"]);
    assert_eq!(value("vector(1) / 0").await, ["+Inf"]);
    assert!(value("absent_metric").await.is_empty());
    let until = now();
    let query = RangeQuery {
        query: "vector(3)".to_owned(),
        from: until.minus(Duration::from_secs(60)),
        until,
        step: Duration::from_secs(15),
    };
    let range = source.range(&query).await.unwrap();
    assert_eq!(range.series[0].points.len(), 5);
    assert_eq!(range.series[0].points.last().unwrap().0, until);
    let error = source.instant("up{", now()).await.unwrap_err().to_string();
    assert!(error.contains("refused the query (bad_data)") && error.contains("parse error"), "{error}");
    let error = source.instant("up[5m]", now()).await.unwrap_err().to_string();
    assert!(error.contains("spans of time"), "{error}");
    // Another service at that place is no Prometheus.
    let wrong = Prometheus::new(connection("prometheus", format!("{}/graph", service.url()))).unwrap();
    let error = wrong.instant("up", now()).await.unwrap_err().to_string();
    assert!(error.contains("without /api") || error.contains("does not answer like a Prometheus"), "{error}");
}

/// State of the only silence of an Alertmanager.
async fn state(alertmanager: &AlertmanagerProcess) -> (String, String) {
    let url = format!("{}/api/v2/silences", alertmanager.url());
    let all: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    let [one] = all.as_array().unwrap().as_slice() else { panic!("one is expected: {all}") };
    (one["status"]["state"].as_str().unwrap().to_owned(), one["createdBy"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_silence_mutes_what_it_says_and_can_be_ended() {
    let test = "a_silence_mutes_what_it_says_and_can_be_ended";
    let Some(program) = installed("prometheus-alertmanager", test) else { return };
    let config = "route: {receiver: none}\nreceivers:\n- name: none\n";
    let alertmanager = AlertmanagerProcess::start(program, config).await;
    let labels = json!({"alertname": "Disk", "instance": "db-1"});
    let other = json!({"alertname": "Disk", "instance": "web-1"});
    alertmanager.post(&json!([{"labels": labels}, {"labels": other}])).await;
    let home = tempfile::tempdir().unwrap();
    let aiops = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
        command.env_clear().env("HOME", home.path()).arg("silence").args(words);
        command.args(["--source=am", &format!("--url={}", alertmanager.url())]);
        command.output().unwrap()
    };
    let words = ["create", "--matcher=alertname=Disk", "--matcher=instance=~db-.*", "--for=1h", "--by=ada", "--json"];
    let made = aiops(&words);
    assert!(made.status.success(), "{made:?}");
    let id = serde_json::from_slice::<Value>(&made.stdout).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(state(&alertmanager).await, ("active".to_owned(), "ada".to_owned()));
    let silence = Silence::parse("1h alertname=Disk instance=~db-.*", "").unwrap();
    until("the alert is muted as the silence says", || async {
        let alerts = alertmanager.firing().await;
        alerts.as_array().unwrap().iter().all(|alert| {
            let labels = serde_json::from_value(alert["labels"].clone()).unwrap();
            (alert["status"]["state"] == "suppressed") == silence.mutes(&labels)
        })
    })
    .await;
    assert!(aiops(&["expire", &format!("--id={id}")]).status.success());
    assert_eq!(state(&alertmanager).await.0, "expired");

    let everything = aiops(&["create", "--matcher=alertname=~.*", "--for=1h", "--by=ada"]);
    assert!(!everything.status.success());
    let source = Alertmanager::new(connection("am", alertmanager.url())).unwrap();
    let error = source.expire("no-such-silence").await.unwrap_err().to_string();
    assert!(error.contains("answered HTTP"), "{error}");
    let error = source.expire("../alerts").await.unwrap_err().to_string();
    assert!(error.contains("is no number of a silence"), "{error}");
}

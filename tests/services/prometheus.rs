//! The whole chain as it is in production: a target, Prometheus with a rule over it, Alertmanager, and our receiver.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aiops::domain::alert::Severity;
use aiops::domain::incident::IncidentState;
use aiops::store::view::{Header, IncidentDetail, QueueRow};

use super::console::{Console, Ways};
use super::support::{AlertmanagerProcess, PrometheusProcess, Target, free_port, installed};

/// One rule over what the target says, one over whether it says anything.
const RULES: &str = r#"
groups:
- name: orders
  rules:
  - alert: QueueIsLong
    expr: queue_depth{queue="orders"} > 100
    for: 0s
    labels: {severity: critical, service: orders}
    annotations:
      summary: Queue {{ $labels.queue }} holds {{ $value }} messages
      runbook_url: https://runbooks.example/QueueIsLong
  - alert: TargetDown
    expr: up{job="shop"} == 0
    for: 0s
    labels: {severity: warning, service: shop}
    annotations:
      summary: "{{ $labels.instance }} does not answer"
"#;

/// Everything between the target and the incident.
struct Chain {
    console: Console,
    prometheus: PrometheusProcess,
    // Kept so that they run: the processes end when they are dropped.
    _alertmanager: AlertmanagerProcess,
    _directory: tempfile::TempDir,
}

impl Chain {
    /// Starts all of it; `None`, after having said so, when a program is not installed.
    async fn start(test: &str, target: &Target) -> Option<Self> {
        let [prometheus, alertmanager] = ["prometheus", "prometheus-alertmanager"].map(|name| installed(name, test));
        let (prometheus, alertmanager): (PathBuf, PathBuf) = (prometheus?, alertmanager?);
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let ways = Ways { receive_on: Some(port), ask: None };
        let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
        console.until_open().await;
        let routing = format!(
            "route: {{receiver: aiops, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname]}}\n\
             receivers:\n- name: aiops\n  webhook_configs:\n  - {{url: 'http://127.0.0.1:{port}/webhook/alertmanager'}}\n"
        );
        let alertmanager = AlertmanagerProcess::start(alertmanager, &routing).await;
        let rules = directory.path().join("rules.yml");
        std::fs::write(&rules, RULES).unwrap();
        let config = scraping(target.address, alertmanager.address(), &rules);
        let prometheus = PrometheusProcess::start(&prometheus, &config).await;
        Some(Self { console, prometheus, _alertmanager: alertmanager, _directory: directory })
    }

    /// Waits for the only incident to be as `predicate` describes, and returns it in full.
    async fn until_incident(&self, what: &str, predicate: impl Fn(&QueueRow) -> bool) -> (Header, IncidentDetail) {
        self.console.until(what, |_, rows| matches!(rows, [row] if predicate(row))).await;
        let (header, rows) = self.console.look().await;
        let detail = self.console.store.detail(rows[0].id).await.unwrap().unwrap();
        (header, detail)
    }
}

fn scraping(target: SocketAddr, alertmanager: SocketAddr, rules: &Path) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: eu1}}}}\n\
         rule_files: ['{}']\n\
         scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['{target}']}}]\n\
         alerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['{alertmanager}']}}]\n",
        rules.display()
    )
}

fn fires(row: &QueueRow) -> bool {
    row.firing == 1 && row.state != IncidentState::Resolved
}

fn is_over(row: &QueueRow) -> bool {
    row.firing == 0 && row.state == IncidentState::Resolved
}

#[tokio::test]
async fn a_rule_that_holds_becomes_an_incident_and_its_end_resolves_it() {
    let test = "a_rule_that_holds_becomes_an_incident_and_its_end_resolves_it";
    let target = Target::start(7);
    let Some(chain) = Chain::start(test, &target).await else { return };
    target.set_depth(250);
    let (header, detail) = chain.until_incident("the incident", fires).await;
    assert_eq!(header.unresolved[usize::from(Severity::Critical.rank())], 1);
    assert_eq!(detail.incident.title, "QueueIsLong eu1 orders");
    let alert = &detail.alerts[0];
    let instance = target.address.to_string();
    let labels = [
        ("alertname", "QueueIsLong"),
        ("severity", "critical"),
        ("service", "orders"),
        ("queue", "orders"),
        ("cluster", "eu1"),
        ("job", "shop"),
        ("instance", instance.as_str()),
    ];
    for (name, value) in labels {
        assert_eq!(alert.labels.get(name).map(String::as_str), Some(value), "{name} in {alert:?}");
    }
    assert_eq!(alert.labels.len(), labels.len(), "{alert:?}");
    let annotation = |name: &str| alert.annotations.get(name).map(String::as_str);
    assert_eq!(annotation("summary"), Some("Queue orders holds 250 messages"));
    assert_eq!(annotation("runbook_url"), Some("https://runbooks.example/QueueIsLong"));
    // It names itself by the host's name; the port is what it was given.
    let port = chain.prometheus.url().rsplit_once(':').unwrap().1.to_owned();
    let link = alert.generator_url.clone().unwrap_or_default();
    assert!(link.contains(&format!(":{port}/graph?g0.expr=queue_depth")), "{link}");

    target.set_depth(7);
    let (header, detail) = chain.until_incident("the end of the incident", is_over).await;
    assert_eq!((header.firing, header.unresolved_total()), (0, 0));
    assert!(detail.alerts[0].ends_at.is_some_and(|end| end > detail.alerts[0].starts_at), "{detail:?}");

    // The same rule again is the same problem again, not another incident.
    target.set_depth(300);
    let (_, again) = chain.until_incident("the incident, open again", fires).await;
    assert_eq!(again.incident.id, detail.incident.id);
    chain.console.end().await;
}

#[tokio::test]
async fn a_target_that_stops_answering_becomes_an_incident() {
    let test = "a_target_that_stops_answering_becomes_an_incident";
    let target = Target::start(7);
    let Some(chain) = Chain::start(test, &target).await else { return };
    let address = target.address;
    drop(target);
    let (header, detail) = chain.until_incident("the incident", fires).await;
    assert_eq!(header.unresolved[usize::from(Severity::Warning.rank())], 1);
    assert_eq!(detail.incident.title, "TargetDown eu1 shop");
    let summary = detail.alerts[0].annotations.get("summary").cloned();
    assert_eq!(summary, Some(format!("{address} does not answer")));
    chain.console.end().await;
}

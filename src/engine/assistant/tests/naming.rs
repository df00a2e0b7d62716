//! Names in the context: none of them leaves, wherever it comes from.

use super::proposals::run;
use super::support::{Bench, NOW, Script, about_incident, done};
use crate::domain::alert::AlertKey;
use crate::domain::chat::FinishReason;
use crate::domain::id::IncidentId;
use crate::domain::incident::{Assignee, IncidentCommand};
use crate::engine::ask::{Ask, Route};

async fn body(bench: &Bench, question: &str) -> String {
    match bench.prepare(about_incident(question)).await.route {
        Route::Model(preview) => String::from_utf8(preview.body.to_vec()).unwrap(),
        Route::Local { why } => panic!("{why}"),
    }
}

fn silent() -> Bench {
    Bench::with_real_redaction(Script::Says(vec![done(FinishReason::Stop)]))
}

#[tokio::test]
async fn every_alert_of_the_incident_names_hosts() {
    let bench = silent();
    for host in ["alphahost", "betahost", "gammahost"] {
        bench.deliver(host, &[("alertname", "HostDown"), ("instance", &format!("{host}:9100"))]).await;
    }
    let sent = body(&bench, "are gammahost and betahost down as well?").await;
    for host in ["alphahost", "betahost", "gammahost"] {
        assert!(!sent.contains(host), "{host} in {sent}");
    }
    assert!(sent.contains("HostDown"), "{sent}");
}

#[tokio::test]
async fn earlier_incidents_name_hosts_too() {
    let bench = silent();
    bench.deliver("a", &[("alertname", "NodeGone"), ("instance", "alphahost:9100")]).await;
    bench.deliver("d", &[("alertname", "NodeGone"), ("cluster", "old"), ("instance", "deltahost")]).await;
    let sent = body(&bench, "what was it last time?").await;
    assert!(sent.contains("NodeGone old ") && !sent.contains("deltahost"), "{sent}");
}

#[tokio::test]
async fn people_who_work_on_it_are_not_named() {
    let bench = silent();
    bench.deliver("a", &[("alertname", "NodeGone"), ("instance", "alphahost:9100")]).await;
    let assign = IncidentCommand::Assign(Assignee::Person("walburga".to_owned()));
    bench.store.incident_command(IncidentId(1), assign, &bench.assistant.inner.parts.actor).await.unwrap();
    let sent = body(&bench, "is walburga on it?").await;
    assert!(!sent.contains("walburga"), "{sent}");
}

#[tokio::test]
async fn what_was_typed_for_the_parameter_of_a_command_is_not_named() {
    let bench = silent();
    bench.deliver("f", &[("alertname", "KubeNodeNotReady"), ("node", "alphahost")]).await;
    run(&bench, "bundled/node-not-ready.md", "kubectl get node <node>", &[("node", "epsilonhost")]).await;
    let sent = body(&bench, "why is it not ready?").await;
    assert!(sent.contains("[E1] ran at") && !sent.contains("epsilonhost"), "{sent}");
}

#[tokio::test]
async fn the_alert_on_the_screen_comes_first_and_is_named() {
    let bench = Bench::new(Script::Says(Vec::new()));
    for host in ["onehost", "twohost"] {
        bench.deliver(host, &[("alertname", "HostDown"), ("instance", host)]).await;
    }
    for chosen in ["onehost", "twohost"] {
        let key = AlertKey { source: "am".into(), fingerprint: chosen.to_owned(), starts_at: NOW };
        let prepared = bench.prepare(Ask { alert: Some(key), ..about_incident("why is it down?") }).await;
        let Route::Model(preview) = prepared.route else { panic!("{:?}", prepared.route) };
        let body = String::from_utf8(preview.body.to_vec()).unwrap();
        let named = body.find("the alert on the engineer's screen").expect("it is named");
        let at = |host: &str| body[named..].find(&format!("label instance = {host}")).unwrap();
        let other = if chosen == "onehost" { "twohost" } else { "onehost" };
        assert!(at(chosen) < at(other), "{chosen}: {body}");
    }
}

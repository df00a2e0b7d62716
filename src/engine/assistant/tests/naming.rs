//! Names in the context: none of them leaves, wherever it comes from.

use std::collections::BTreeMap;

use super::proposals::backend;
use super::support::{Bench, NOW, Script, about_incident, done};
use crate::domain::action::grant::Approval;
use crate::domain::alert::AlertKey;
use crate::domain::chat::FinishReason;
use crate::domain::id::{IncidentId, SopId};
use crate::domain::incident::{Assignee, IncidentCommand};
use crate::domain::procedure::NodeKind;
use crate::engine::ask::Route;
use crate::engine::backend::{Backend as _, Command, Done};

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
    bench.deliver("a", &[("alertname", "KubeNodeNotReady"), ("node", "alphahost")]).await;
    let backend = backend(&bench);
    let sop = SopId::from("bundled/node-not-ready.md");
    let document = bench.library.get(&sop).unwrap();
    let of_node = |kind: &NodeKind| matches!(kind, NodeKind::Command { params, .. } if *params == ["node"]);
    let node = document.procedure.nodes.iter().find(|node| of_node(&node.kind)).unwrap().id.clone();
    let alert = AlertKey { source: "am".into(), fingerprint: "a".to_owned(), starts_at: NOW };
    let values = BTreeMap::from([("node".to_owned(), "epsilonhost".to_owned())]);
    let command = Command::Propose { incident: IncidentId(1), alert, sop: sop.clone(), node, values };
    let Done::Proposed(proposal) = backend.send(command).await.unwrap() else { panic!() };
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: Some(proposal.spec.target.name().to_owned()),
        rendered: "kubectl".to_owned(),
        terminal: (80, 24),
    };
    let (revision, actor) = (bench.library.revision(&sop).map(str::to_owned), &bench.assistant.inner.parts.actor);
    bench.store.approve(proposal.id, approval, revision.clone(), actor).await.unwrap();
    bench.store.start(proposal.id, revision, "/nonexistent", actor).await.unwrap();
    let sent = body(&bench, "why is it not ready?").await;
    assert!(sent.contains("attempt 1 at") && !sent.contains("epsilonhost"), "{sent}");
}

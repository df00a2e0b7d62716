//! Two processes, one database, one port: who receives, and what happens when that one is gone.

use std::time::Instant;

use aiops::engine::ingest::Role;
use aiops::store::view::HealthState;

use super::console::{Console, Ways};
use super::support::{client, free_port};
use super::throughput::body;

async fn post(port: u16, body: String) -> u16 {
    let url = format!("http://127.0.0.1:{port}/webhook/alertmanager");
    client().post(url).body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_other_process_rebinds_the_port_when_the_first_one_dies() {
    let (directory, began, port) = (tempfile::tempdir().unwrap(), Instant::now(), free_port());
    let ways = || Ways { receive_on: Some(port), ask: None };
    let mut first = Console::start(directory.path(), 1, began, ways());
    first.until_open().await;
    let mut second = Console::start(directory.path(), 2, began, ways());
    second.until_role(|role| *role == Role::Viewer { reason: "1@testhost".to_owned() }).await;
    assert_eq!(post(port, body(0..1)).await, 200);
    second.until("the viewer sees what the other received", |header, _| header.firing == 1).await;
    first.crash().await;
    second.until_open().await;
    assert_eq!(post(port, body(1..2)).await, 200);
    second.until("both alerts", |header, _| header.firing == 2).await;
    let (header, _) = second.look().await;
    assert!(header.receiver.is_some_and(|lease| lease.is_self && lease.holder == "2@testhost"));
    second.end().await;
}

#[tokio::test]
async fn an_unreadable_body_is_put_aside_and_shown() {
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    let ways = Ways { receive_on: Some(port), ask: None };
    let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
    console.until_open().await;
    assert_eq!(post(port, "{\"version\":\"4\"}".to_owned()).await, 202);
    let (header, _) = console.look().await;
    assert_eq!(header.quarantined, 1);
    let degraded = header.sources.iter().find(|health| health.state == HealthState::Degraded).unwrap();
    assert!(degraded.detail.contains("it has no `alerts`"), "{degraded:?}");
    assert_eq!(post(port, body(0..1)).await, 200);
    let (header, _) = console.look().await;
    assert!(header.sources.iter().all(|health| health.state == HealthState::Ok), "{header:?}");
    console.end().await;
}

#[tokio::test]
async fn a_taken_port_leaves_a_viewer_that_says_so_and_gets_it_later() {
    let directory = tempfile::tempdir().unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let ways = Ways { receive_on: Some(port), ask: None };
    let mut console = Console::start(directory.path(), 1, Instant::now(), ways);
    let address = format!("127.0.0.1:{port}");
    console
        .until("the health names the port and the remedy", |header, _| {
            header.sources.iter().any(|health| {
                health.state == HealthState::Down
                    && health.channel == "webhook"
                    && health.detail.contains(&address)
                    && health.detail.contains("ss -ltnp")
            })
        })
        .await;
    drop(other);
    console.until_open().await;
    console.end().await;
}

//! The main job with a real Alertmanager: alert, incident, SOP, proposal, review, approval, output, end, clean journal.

use std::time::{Duration, Instant};

use super::demo::approve;
use super::pty::{Console, Home, PATIENCE};
use super::receiver::{free_port, post};
use super::support::{AlertmanagerProcess, installed};

/// Waits for something that no screen shows.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Posts until the receiver is open and confirms.
pub(crate) fn until_accepted(port: u16, body: &str) {
    eventually("a confirmation", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() && post(port, body).starts_with("HTTP/1.1 200")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_alert_its_sop_one_approved_command_and_the_alert_clears() {
    let name = "a_real_alert_its_sop_one_approved_command_and_the_alert_clears";
    let Some(program) = installed("prometheus-alertmanager", name) else { return };
    let home = Home::new();
    let volume = home.path().join("volume");
    std::fs::create_dir_all(&volume).unwrap();
    std::fs::write(volume.join("app.log.1"), vec![b'x'; 300_000]).unwrap();
    let port = free_port();
    let routing = format!(
        "route:\n  receiver: aiops\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n  repeat_interval: 1h\n\
         receivers:\n  - name: aiops\n    webhook_configs:\n      - url: http://127.0.0.1:{port}/webhook/alertmanager/am\n        \
         send_resolved: true\n"
    );
    let alertmanager = AlertmanagerProcess::start(program, &routing).await;
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[[alertmanager]]\nname = \"am\"\nurl = \"{}\"\ninterval = \"5s\"\n\
         [run]\ntarget_name = \"box\"\n",
        alertmanager.url()
    ));
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait_text("am webhook");

    let place = volume.display().to_string();
    let labels = [("alertname", "DiskFull"), ("severity", "critical"), ("mountpoint", place.as_str())];
    let labels: serde_json::Map<String, serde_json::Value> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    alertmanager.post(&serde_json::json!([{"labels": labels, "annotations": {"summary": "it is full"}}])).await;
    console.wait_text("DiskFull");
    console.wait_text("1 CRIT");
    // The details of the incident, and with them its SOP, are loaded after its row.
    console.wait_text("2 SOP Disk full");
    console.type_keys("2");
    console.type_keys("/-delete\r");
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    let review = console.wait_text("Approve proposal");
    assert!(review.contains("find"), "{review}");
    approve(&mut console, Some("box"));
    console.wait_text("Attempt 1 exit 0");
    assert!(!volume.join("app.log.1").exists(), "the approved command really ran");

    let ended = "2020-01-01T00:00:00Z";
    alertmanager.post(&serde_json::json!([{"labels": labels, "endsAt": ended}])).await;
    console.wait("the end of the incident", |screen| screen.contains("resolved after") && screen.contains("0 open"));
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let verified = home.run(&["journal", "verify", "--json"]);
    assert!(verified.status.success());
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["ok"], true);
    assert!(report["entries"].as_i64().unwrap() >= 7, "{report}");
}

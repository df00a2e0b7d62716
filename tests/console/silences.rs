//! Silences with the real program and a real Alertmanager that wants a password: proposed at the incident, reviewed,
//! approved, there, and ended again.

use super::demo::approve;
use super::pty::{Console, Home};
use super::support::{AlertmanagerProcess, LOGIN, installed, until};

const ROUTING: &str = "route: {receiver: none}\nreceivers:\n- name: none\n";

/// Types `text` into the box for silences and approves what is proposed then.
fn silence(console: &mut Console, text: Option<&str>) {
    console.type_keys("R");
    console.wait_text("Silence the alert");
    // It is the last line of the box.
    console.type_keys("jjjjjjjjjj\r");
    console.wait_text("How long, and which labels");
    if let Some(text) = text {
        // To the beginning of the line, away with the rest of it.
        console.type_keys("\x05\x15");
        console.type_keys(text);
    }
    console.type_keys("\r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    console.wait_text("Approve proposal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_proposed_reviewed_approved_made_and_ended_with_the_consoles_own_password() {
    let name = "a_silence_is_proposed_reviewed_approved_made_and_ended_with_the_consoles_own_password";
    let Some(program) = installed("prometheus-alertmanager", name) else { return };
    let home = Home::new();
    let alertmanager = AlertmanagerProcess::start_guarded(program, ROUTING).await;
    let labels = serde_json::json!({"alertname": "DiskFull", "severity": "critical", "instance": "db 1"});
    alertmanager.post(&serde_json::json!([{"labels": labels}])).await;
    // The configuration is at no usual place, is a profile's, and the password is in the console's environment alone.
    home.configure("[receiver]\nenabled = false\n[run]\ntarget_name = \"box\"\npass_env = [\"LANG\"]\n");
    let profile = format!(
        "[[alertmanager]]\nname = \"am\"\nurl = \"{}\"\ninterval = \"5s\"\nusername = \"{}\"\npassword = {{ env = \"AM_PASSWORD\" \
         }}\n",
        alertmanager.url(),
        LOGIN.0
    );
    std::fs::write(home.path().join("config.prod.toml"), profile).unwrap();
    let config = home.path().join("config.toml").display().to_string();
    let arguments = ["--config", &config, "--profile", "prod"];
    let mut console = Console::start_with(&home, 120, 50, &arguments, &[("AM_PASSWORD", LOGIN.1)]);
    console.wait_text("DiskFull");
    console.wait_text("2 SOP Disk full");
    console.type_keys("2");

    silence(&mut console, None);
    console.wait_text("silence");
    assert!(alertmanager.get("silences").await.as_array().unwrap().is_empty(), "nothing is made before the yes");
    approve(&mut console, None);
    console.wait_text("Attempt 1 exit 0");
    let silences = alertmanager.get("silences").await;
    let [made] = silences.as_array().unwrap().as_slice() else { panic!("{silences}") };
    assert_eq!(made["status"]["state"], "active");
    assert_eq!(made["matchers"].as_array().unwrap().len(), 3, "every label of the alert: {made}");
    until("the alert is suppressed", || async {
        let alerts = alertmanager.get("alerts").await;
        alerts[0]["status"]["state"] == "suppressed" && alerts[0]["status"]["silencedBy"][0] == made["id"]
    })
    .await;

    let id = made["id"].as_str().unwrap();
    silence(&mut console, Some(&format!("expire {id}")));
    approve(&mut console, None);
    console.wait_text("Attempt 2 exit 0");
    assert_eq!(alertmanager.get("silences").await[0]["status"]["state"], "expired");
    until("the alert is active", || async { alertmanager.get("alerts").await[0]["status"]["state"] == "active" }).await;

    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let journal = home.run(&["journal", "export"]);
    let text = String::from_utf8_lossy(&journal.stdout);
    assert!(text.contains("alertmanager:am"), "that a secret was handed is recorded");
    assert!(!text.contains("AM_PASSWORD="), "what it is, is not");
}

//! The commands for scripts, run as a script runs them: incidents, the journal's export, configuration, doctor, completions.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aiops::domain::actor::Person;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::incident::DEFAULT_REOPEN_WITHIN;
use aiops::domain::time::Timestamp;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};
use serde_json::Value;

/// A title that would clear the screen and turn the line around, if it were obeyed.
const HOSTILE: &str = "Disk\u{1b}[2J\u{202e}Full\u{9b}2J";

/// A home directory whose database has two incidents; the first has a hostile name.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let person = Person { uid: 1, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "test".to_owned(), boot_id: "b".to_owned(), pid: 1, person };
    let now = Arc::new(|| (Timestamp::from_millis(1_772_331_240_000), Duration::from_secs(1)));
    let directory = home.path().join(".local/share/aiops");
    fs::create_dir_all(&directory).unwrap();
    let store = Store::open(&directory.join("aiops.db"), OpenOptions { identity, now }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let lease = store.acquire_lease(INGEST_LEASE, "1@test", Duration::from_secs(60)).await.unwrap();
        let LeaseOutcome::Held(fence) = lease else { panic!("{lease:?}") };
        for (name, severity) in [(HOSTILE, "critical"), ("Slow", "warning")] {
            let pairs = [("alertname", name), ("severity", severity)];
            let alert = Alert {
                key: AlertKey {
                    source: "am".into(),
                    fingerprint: name.to_owned(),
                    starts_at: Timestamp::from_millis(1_772_331_000_000),
                },
                status: AlertStatus::Firing,
                ends_at: None,
                labels: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                annotations: std::collections::BTreeMap::new(),
                generator_url: None,
            };
            let batch = AlertBatch {
                source: "am".into(),
                origin: BatchOrigin::Webhook,
                alerts: vec![alert],
                digest: "0".repeat(64),
            };
            store.ingest(fence.clone(), batch, DEFAULT_REOPEN_WITHIN).await.unwrap();
        }
        store.release_lease(&fence).await.unwrap();
    });
    home
}

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
    command.args(words).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    command(home, words).output().unwrap()
}

/// What a command that succeeds prints.
fn printed(home: &Path, words: &[&str]) -> String {
    let output = run(home, words);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(home: &Path, words: &[&str]) -> Vec<Value> {
    let text = printed(home, &[words, &["--json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How a command that is refused exits, and what it says.
fn refused(home: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = run(home, words);
    assert_eq!(output.stdout, b"", "{words:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn ids(incidents: &[Value]) -> Vec<i64> {
    incidents.iter().map(|incident| incident["id"].as_i64().unwrap()).collect()
}

#[test]
fn incidents_are_listed_worked_on_and_found_in_their_queues() {
    let home = home();
    let home = home.path();
    assert_eq!(ids(&json(home, &["incidents", "list"])), [1, 2]);
    let acknowledged = json(home, &["incidents", "ack", "#1"]).remove(0);
    assert_eq!(acknowledged["state"], "acknowledged");
    assert_eq!(printed(home, &["incidents", "assign", "2", "bob"]), "#2 is assigned to bob.\n");
    assert_eq!(ids(&json(home, &["incidents", "list", "--queue", "mine"])), [1]);
    assert_eq!(ids(&json(home, &["incidents", "list", "--queue", "unassigned"])), [0_i64; 0]);
    assert_eq!(ids(&json(home, &["incidents", "list", "--state", "acknowledged"])), [1]);
    assert_eq!(ids(&json(home, &["incidents", "list", "--filter", "slow", "bob"])), [2]);
    printed(home, &["incidents", "suppress", "2", "--for", "2h"]);
    assert_eq!(ids(&json(home, &["incidents", "list", "--queue", "suppressed"])), [2]);
    assert_eq!(ids(&json(home, &["incidents", "list"])), [1]);
    let said = printed(home, &["incidents", "undo", "2"]);
    assert!(said.starts_with("Took back on #2: suppressed until "), "{said}");
    let said = printed(home, &["incidents", "resolve", "2", "--reason", "false alarm"]);
    assert_eq!(said, "Resolved #2, although 1 alert of it still fires.\n");
    assert_eq!(ids(&json(home, &["incidents", "list", "--state", "resolved"])), [2]);
    let shown = printed(home, &["incidents", "show", "2"]);
    assert!(shown.contains("1 alert still firing") && shown.contains("resolved by hand: false alarm"), "{shown}");
    let detail = json(home, &["incidents", "show", "2"]).remove(0);
    assert_eq!((&detail["incident"]["id"], &detail["alerts_total"]), (&2.into(), &1.into()));
}

#[test]
fn notes_come_from_the_command_line_or_the_standard_input() {
    let home = home();
    printed(home.path(), &["incidents", "note", "1", "look", "at", "db-3"]);
    let mut child = command(home.path(), &["incidents", "note", "1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("from a pipe \u{1b}[2J\n".as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let shown = printed(home.path(), &["incidents", "show", "1"]);
    assert!(shown.contains("note: look at db-3") && shown.contains("note: from a pipe \\u{1b}[2J"), "{shown}");
    printed(home.path(), &["incidents", "undo", "1"]);
    assert!(printed(home.path(), &["incidents", "show", "1"]).contains("[retracted] note: from a pipe"));
}

#[test]
fn what_is_refused_fails_with_its_reason_and_what_is_misspelt_is_usage() {
    let home = home();
    let home = home.path();
    printed(home, &["incidents", "ack", "1"]);
    let (code, said) = refused(home, &["incidents", "ack", "1"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("has already acknowledged it") && said.contains("Nothing needs to be done"), "{said}");
    let (code, said) = refused(home, &["incidents", "show", "9"]);
    assert!(code == Some(1) && said.contains("there is no incident #9"), "{said}");
    let (code, said) = refused(home, &["incidents", "suppress", "1", "--for", "soon"]);
    assert!(code == Some(1) && said.contains("30m, 2h or 1d"), "{said}");
    assert_eq!(refused(home, &["incidents", "ack", "one"]).0, Some(2));
    let empty = tempfile::tempdir().unwrap();
    let (code, said) = refused(empty.path(), &["incidents", "list"]);
    assert!(code == Some(1) && said.contains("there is no database here"), "{said}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn nothing_that_is_printed_is_obeyed_by_a_terminal() {
    let home = home();
    let commands: [&[&str]; 4] = [
        &["incidents", "list"],
        &["incidents", "list", "--json"],
        &["incidents", "show", "1"],
        &["incidents", "show", "1", "--json"],
    ];
    for words in commands {
        let text = printed(home.path(), words);
        let obeyed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!text.chars().any(obeyed), "{words:?}: {text:?}");
    }
    let title = json(home.path(), &["incidents", "list"])[0]["title"].clone();
    assert_eq!(title, HOSTILE, "programs get what the source sent");
}

#[test]
fn an_export_verifies_elsewhere_and_a_changed_one_does_not() {
    let home = home();
    let home = home.path();
    printed(home, &["incidents", "note", "1", "x"]);
    let file = home.join("journal.jsonl");
    let name = file.to_str().unwrap();
    printed(home, &["journal", "export", "--output", name]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(refused(home, &["journal", "export", "--output", name]).1.contains("already"));
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(printed(home, &["journal", "export"]), text);
    let head = json(home, &["journal", "verify"])[0]["head"].clone();

    let elsewhere = tempfile::tempdir().unwrap();
    let report = json(elsewhere.path(), &["journal", "verify", "--file", name]).remove(0);
    assert_eq!((&report["ok"], &report["gaps"], &report["head"]), (&true.into(), &0.into(), &head));
    let one = printed(home, &["journal", "export", "--incident", "1"]);
    assert!(one.lines().count() < text.lines().count() && one.contains("noted"), "{one}");
    fs::write(&file, text.replace("noted", "moted")).unwrap();
    let output = run(elsewhere.path(), &["journal", "verify", "--file", name]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("its content was changed"));
}

#[test]
fn a_configuration_is_written_once_and_is_valid() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    printed(home, &["config", "init"]);
    let path = home.join(".config/aiops/config.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(printed(home, &["config", "check"]).contains("is valid"));
    let (code, said) = refused(home, &["config", "init"]);
    assert!(code == Some(1) && said.contains("--force"), "{said}");
    assert!(printed(home, &["config", "init", "--force"]).contains("config.toml.bak1"));
    printed(home, &["--profile", "prod", "config", "init"]);
    let shown = printed(home, &["--profile", "prod", "config", "show"]);
    assert!(shown.contains("profiles/prod/aiops.db"), "{shown}");
    let (code, said) = refused(home, &["--profile", "pord", "config", "show"]);
    assert!(code == Some(2) && said.contains("config.pord.toml"), "{said}");
}

#[test]
fn doctor_says_what_is_well_and_what_is_not_and_how_to_mend_it() {
    let home = home();
    let directory = home.path().join(".config/aiops");
    fs::create_dir_all(&directory).unwrap();
    // Nothing listens on the port for discarding things.
    let config =
        "[receiver]\nlisten = \"127.0.0.1:0\"\n[[alertmanager]]\nurl = \"http://127.0.0.1:9\"\ntimeout = \"1s\"\n";
    fs::write(directory.join("config.toml"), config).unwrap();
    let output = command(home.path(), &["doctor", "--json"]).env("TERM", "xterm-256color").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "the source is down");
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for area in ["config", "secrets", "source", "receiver", "database", "attempts", "terminal", "time", "programs"] {
        assert!(lines.iter().any(|line| line["area"] == area), "{area}: {lines:?}");
    }
    let level = |area: &str, words: &str| {
        let found = lines.iter().find(|line| line["area"] == area && line["what"].as_str().unwrap().contains(words));
        found.unwrap_or_else(|| panic!("{area} {words}: {lines:?}"))["level"].clone()
    };
    assert_eq!(level("source", "refused the connection"), "fail");
    assert_eq!(level("database", "the database is whole"), "ok");
    assert_eq!(level("database", "in order"), "ok");
    assert!(lines.iter().all(|line| line["level"] == "ok" || !line["fix"].as_str().unwrap().is_empty()), "{lines:?}");
}

/// The stand-in for the model as a program, which does not outlive its test.
struct StandIn {
    program: Child,
    address: String,
}

impl StandIn {
    fn start(home: &Path, key: &str) -> Self {
        let mut command = command(home, &["demo-model", "--key", key]);
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { program, address: address.trim_end().to_owned() }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn doctor_looks_at_the_model_as_it_is_configured_and_tries_its_key_only_when_told() {
    let home = home();
    let model = StandIn::start(home.path(), "k1");
    let said = |words: &[&str], variables: &[(&str, &str)]| -> Vec<(String, String)> {
        let mut command = command(home.path(), &[&["doctor", "--json"], words].concat());
        command.env("AIOPS_RECEIVER_LISTEN", "127.0.0.1:0").env("AIOPS_MODEL_BASE_URL", &model.address);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        lines.filter(|line| line["area"] == "model").map(|line| (text(&line, "level"), text(&line, "what"))).collect()
    };
    let found = |said: &[(String, String)], level: &str, part: &str| {
        assert!(said.iter().any(|(l, what)| l == level && what.contains(part)), "{level} {part}: {said:?}");
    };
    let none = said(&["--online"], &[]);
    assert_eq!(none.len(), 1, "{none:?}");
    found(&none, "warn", "there is no key for a model");
    found(&said(&[], &[("AIOPS_MODEL_ENABLED", "false")]), "ok", "switched off");

    let offline = said(&[], &[("GEMINI_API_KEY", "wrong")]);
    found(&offline, "ok", &format!("gemini-3.8-flash would be asked at {}/v1/models/", model.address));
    found(&offline, "ok", "the price of gemini-3.8-flash is known");
    found(&offline, "ok", "US$0.00 of US$5.00 were spent today");
    assert_eq!(offline.len(), 3, "{offline:?}");
    found(&said(&["--online"], &[("GEMINI_API_KEY", "k1")]), "ok", "the key is accepted");
    found(&said(&["--online"], &[("GEMINI_API_KEY", "wrong")]), "fail", "does not accept the key");

    let unpriced = said(&[], &[("GEMINI_API_KEY", "k1"), ("AIOPS_MODEL_NAME", "gemini-own")]);
    found(&unpriced, "fail", "The price of gemini-own is not known");
    found(&said(&[], &[("GEMINI_API_KEY", "k1"), ("AIOPS_BUDGET_PER_DAY", "0")]), "warn", "US$0.00 of US$0.00");
}

#[test]
fn completions_and_the_manual_are_printed() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(home.path(), &["completions", shell]).contains("incidents"));
    }
    assert!(printed(home.path(), &["man"]).contains(".TH aiops 1"));
    // Where bash is, it has to accept what was made for it.
    let script = home.path().join("completions.bash");
    std::fs::write(&script, printed(home.path(), &["completions", "bash"])).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

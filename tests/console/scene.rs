//! A console in which one slow command is approved, for tests of what happens to that command.
//!
//! The command runs while a file of the test is there, so that the test decides when it ends, and so that it also ends
//! when the test has failed and its directory is gone.

use std::path::{Path, PathBuf};

use aiops::domain::time::Timestamp;

use super::demo::{approve, read_review};
use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

/// A home with a document whose command writes into a ledger when it starts.
pub(crate) struct Scene {
    pub(crate) home: Home,
    /// Path of the configuration file.
    pub(crate) config: String,
    port: u16,
    ledger: PathBuf,
    hold: PathBuf,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::doing("sleep 0.05")
    }

    /// A scene whose command writes lines that are never the same, about eight kilobytes a second.
    pub(crate) fn noisy() -> Self {
        Self::doing("head -c 60 /dev/urandom | base64 -w 0; echo; sleep 0.01")
    }

    /// A scene whose command writes as fast as it can be read, half a megabyte a second and more.
    pub(crate) fn flooding() -> Self {
        Self::doing("head -c 6000 /dev/urandom | base64 -w 90; sleep 0.01")
    }

    /// A scene whose command counts: `line 1`, `line 2` and so on. The last number stands in a file, too.
    pub(crate) fn counting() -> Self {
        Self::doing("i=$((i+1)); echo line $i; echo $i > COUNT; sleep 0.01")
    }

    /// How far a counting command has come.
    pub(crate) fn count(&self) -> usize {
        let text = std::fs::read_to_string(self.home.path().join("count")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// What the command has written so far.
    pub(crate) fn output(&self) -> String {
        let attempt = self.attempts().into_iter().next().unwrap();
        std::fs::read_to_string(attempt.join("output")).unwrap()
    }

    /// A scene whose command does `what` again and again; `COUNT` is a file of its own.
    fn doing(what: &str) -> Self {
        let home = Home::new();
        let (ledger, hold) = (home.path().join("ledger"), home.path().join("hold"));
        std::fs::write(&hold, "").unwrap();
        let sops = home.path().join("runbooks");
        let what = what.replace("COUNT", &home.path().join("count").display().to_string());
        slow_sop(&sops, &ledger, &hold, &what);
        let port = free_port();
        let config = home.configure(&format!(
            "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\n",
            sops.display()
        ));
        let config = config.display().to_string();
        Self { home, config, port, ledger, hold }
    }

    /// Starts a console on a terminal of its own.
    pub(crate) fn start(&self) -> Console {
        self.start_with(&[])
    }

    /// Starts one with more in its environment.
    pub(crate) fn start_with(&self, extra: &[(&str, &str)]) -> Console {
        Console::start_with(&self.home, 120, 40, &["--config", &self.config], extra)
    }

    /// A console with the slow fix approved and running.
    pub(crate) fn running(&self) -> Console {
        let mut console = self.start();
        self.approve_slow_fix(&mut console);
        console
    }

    /// Lets the alert come to `console` and approves the command there; returns when it runs.
    pub(crate) fn approve_slow_fix(&self, console: &mut Console) {
        self.open_review(console);
        approve(console, Some("box"));
        console.wait_text("Attempt 1 running");
        eventually("the ledger", || self.ledger.exists());
    }

    /// Lets the alert come to `console`, proposes the command there and reads its review until the chord would be taken.
    pub(crate) fn read_slow_fix(&self, console: &mut Console) {
        self.open_review(console);
        read_review(console, Some("box"));
    }

    /// Lets the alert come to `console`, and waits until it and its document are there.
    pub(crate) fn raise_slow_thing(&self, console: &Console) {
        console.wait_text("webhook");
        let labels = [("alertname", "SlowThing"), ("severity", "critical")];
        until_accepted(self.port, &body("firing", &labels));
        console.wait_text("SlowThing");
        console.wait_text("Slow fix");
    }

    fn open_review(&self, console: &mut Console) {
        self.raise_slow_thing(console);
        Self::propose_slow_fix(console);
        console.type_keys("A");
    }

    /// Proposes the command in `console`, which shows the incident.
    pub(crate) fn propose_slow_fix(console: &mut Console) {
        console.type_keys("2");
        console.type_keys("/started\r");
        console.type_keys("r");
        console.wait_text("1 action to approve");
    }

    /// Lets the command end.
    pub(crate) fn release(&self) {
        std::fs::remove_file(&self.hold).unwrap();
    }

    /// Waits until the supervisor of the command has recorded its end.
    pub(crate) fn wait_outcome(&self) {
        eventually("the recorded outcome", || {
            self.attempts().iter().any(|attempt| attempt.join("outcome.json").exists())
        });
    }

    /// How often the command was started.
    pub(crate) fn starts(&self) -> usize {
        std::fs::read_to_string(&self.ledger).unwrap_or_default().lines().count()
    }

    /// The process id of the command's supervisor.
    pub(crate) fn supervisor(&self) -> i32 {
        let attempt = self.attempts().into_iter().next().unwrap();
        let text = std::fs::read_to_string(attempt.join("supervisor.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        i32::try_from(value["pid"].as_i64().unwrap()).unwrap()
    }

    /// The process ids of this scene's supervisors, those included that have not said so yet.
    pub(crate) fn supervisors(&self) -> Vec<i32> {
        let home = self.home.path().display().to_string();
        let pids =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let supervises = |pid: &i32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            words.split('\0').nth(1) == Some("supervise") && words.contains(&home)
        };
        pids.filter(supervises).collect()
    }

    /// The end as the supervisor recorded it.
    pub(crate) fn recorded_end(&self) -> Timestamp {
        let attempt = self.attempts().into_iter().next().unwrap();
        let text = std::fs::read_to_string(attempt.join("outcome.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        Timestamp::parse_rfc3339(value["ended_at"].as_str().unwrap()).unwrap()
    }

    /// Changes the output of the command behind the journal's back.
    pub(crate) fn tamper_with_output(&self) {
        let output = self.attempts().into_iter().next().unwrap().join("output");
        let text = std::fs::read_to_string(&output).unwrap();
        assert!(text.contains("finished"), "{text}");
        std::fs::write(output, text.replace("finished", "tampered")).unwrap();
    }

    /// Erases the output of the command.
    pub(crate) fn erase_output(&self) {
        std::fs::remove_file(self.attempts().into_iter().next().unwrap().join("output")).unwrap();
    }

    /// Fails unless the journal's chain is whole.
    pub(crate) fn assert_journal_is_whole(&self) {
        let verified = self.home.run(&["journal", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }

    /// The directories of all attempts.
    fn attempts(&self) -> Vec<PathBuf> {
        let root = self.home.database().with_file_name("attempts");
        std::fs::read_dir(root).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
    }
}

/// Writes the document.
fn slow_sop(directory: &Path, ledger: &Path, hold: &Path, what: &str) {
    std::fs::create_dir_all(directory).unwrap();
    let script = format!(
        "echo started >> {}; while [ -e {} ]; do {what}; done; echo finished",
        ledger.display(),
        hold.display()
    );
    let text = format!(
        "+++\ntitle = \"Slow fix\"\nalerts = [\"SlowThing\"]\n+++\n\n# Slow fix\n\n## Mitigation\n\n1. Apply the slow fix:\n\n   \
         ```sh\n   {script}\n   ```\n"
    );
    std::fs::write(directory.join("slow-fix.md"), text).unwrap();
}

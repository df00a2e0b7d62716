//! `kill -9` of the console between grant and outcome: what was started is found again and never started twice.

use std::path::Path;

use nix::sys::signal::Signal;

use super::demo::approve;
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

/// A document whose command appends to a ledger, then waits for a file, so that the test decides when it ends.
fn slow_sop(directory: &Path, ledger: &Path, gate: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    let script = format!(
        "echo started >> {}; while [ ! -e {} ]; do sleep 0.05; done; echo finished",
        ledger.display(),
        gate.display()
    );
    let text = format!(
        "+++\ntitle = \"Slow fix\"\nalerts = [\"SlowThing\"]\n+++\n\n# Slow fix\n\n## Mitigation\n\n1. Apply the slow fix:\n\n   \
         ```sh\n   {script}\n   ```\n"
    );
    std::fs::write(directory.join("slow-fix.md"), text).unwrap();
}

struct Scene {
    home: Home,
    config: String,
    port: u16,
    ledger: std::path::PathBuf,
    gate: std::path::PathBuf,
}

fn scene() -> Scene {
    let home = Home::new();
    let (ledger, gate) = (home.path().join("ledger"), home.path().join("gate"));
    let sops = home.path().join("runbooks");
    slow_sop(&sops, &ledger, &gate);
    let port = free_port();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\n",
        sops.display()
    ));
    let config = config.display().to_string();
    Scene { home, config, port, ledger, gate }
}

impl Scene {
    fn start(&self) -> Console {
        Console::start(&self.home, 120, 40, &["--config", &self.config])
    }

    /// A console with the slow fix approved and running.
    fn running(&self) -> Console {
        let mut console = self.start();
        console.wait_text("webhook");
        let labels = [("alertname", "SlowThing"), ("severity", "critical")];
        super::pipeline::until_accepted(self.port, &body("firing", &labels));
        console.wait_text("SlowThing");
        console.wait_text("Slow fix");
        console.type_keys("2");
        console.type_keys("/started\r");
        console.type_keys("r");
        console.wait_text("1 action to approve");
        console.type_keys("A");
        approve(&mut console, Some("box"));
        console.wait_text("Attempt 1 running");
        super::pipeline::eventually("the ledger", || self.ledger.exists());
        console
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(&self.ledger).unwrap().lines().count()
    }
}

#[test]
fn a_command_that_still_runs_is_shown_as_running_and_ends_as_usual() {
    let scene = scene();
    let mut console = scene.running();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    let mut console = scene.start();
    console.wait_text("Attempt 1 running");
    std::fs::write(&scene.gate, "").unwrap();
    console.wait_text("Attempt 1 exit 0");
    console.wait_text("finished");
    assert_eq!(scene.starts(), 1);
    console.type_keys("q");
    console.wait_exit();
    let verified = scene.home.run(&["journal", "verify"]);
    assert!(verified.status.success());
}

#[test]
fn a_command_that_ended_meanwhile_is_shown_with_its_outcome() {
    let scene = scene();
    let mut console = scene.running();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    std::fs::write(&scene.gate, "").unwrap();
    super::pipeline::eventually("the recorded outcome", || has_file(&scene.home.database(), "outcome.json"));
    let console = scene.start();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!(scene.starts(), 1);
}

#[test]
fn a_command_whose_supervisor_was_killed_too_is_unknown_and_not_run_again() {
    let scene = scene();
    let mut console = scene.running();
    let supervisor = supervisor_of(&scene.home.database());
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor), Signal::SIGKILL).unwrap();
    std::fs::write(&scene.gate, "").unwrap();
    let console = scene.start();
    console.wait_text("Attempt 1 unknown");
    assert_eq!(scene.starts(), 1);
}

#[test]
fn a_lost_terminal_leaves_the_command_running() {
    let scene = scene();
    let mut console = scene.running();
    console.hang_up();
    console.wait_exit();
    std::fs::write(&scene.gate, "").unwrap();
    super::pipeline::eventually("the recorded outcome", || has_file(&scene.home.database(), "outcome.json"));
    let console = scene.start();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!(scene.starts(), 1);
}

fn attempts(database: &Path) -> Vec<std::path::PathBuf> {
    let root = database.parent().unwrap().join("attempts");
    std::fs::read_dir(root).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn has_file(database: &Path, name: &str) -> bool {
    attempts(database).iter().any(|attempt| attempt.join(name).exists())
}

fn supervisor_of(database: &Path) -> i32 {
    let attempt = attempts(database).into_iter().next().unwrap();
    let text = std::fs::read_to_string(attempt.join("supervisor.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    i32::try_from(value["pid"].as_i64().unwrap()).unwrap()
}

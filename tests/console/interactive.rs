//! Commands that get the terminal: the console steps aside, comes back, and reads no key meanwhile.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::demo::approve;
use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port};
use super::sshd::{Programs, Sshd};

/// A home with a document whose one command asks a person.
struct Scene {
    home: Home,
    config: String,
    port: u16,
    ledger: PathBuf,
}

impl Scene {
    /// `script` is the command; `LEDGER` in it becomes the path of a file.
    fn new(script: &str) -> Self {
        let home = Home::new();
        let ledger = home.path().join("ledger");
        let sops = home.path().join("runbooks");
        std::fs::create_dir_all(&sops).unwrap();
        let script = script.replace("LEDGER", &ledger.display().to_string());
        let text = format!(
            "+++\ntitle = \"Ask fix\"\nalerts = [\"AskThing\"]\n+++\n\n# Ask fix\n\n## Mitigation\n\n1. Answer it:\n\n   \
             ```sh\n   {script}\n   ```\n"
        );
        std::fs::write(sops.join("ask-fix.md"), text).unwrap();
        let port = free_port();
        let config = home.configure(&format!(
            "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\n",
            sops.display()
        ));
        Self { config: config.display().to_string(), home, port, ledger }
    }

    fn start(&self) -> Console {
        Console::start(&self.home, 120, 40, &["--config", &self.config])
    }

    /// A console in which the command was approved; it has the terminal.
    fn asked(&self) -> Console {
        let mut console = self.start();
        self.approve(&mut console);
        console
    }

    fn approve(&self, console: &mut Console) {
        console.wait_text("webhook");
        until_accepted(self.port, &body("firing", &[("alertname", "AskThing"), ("severity", "critical")]));
        console.wait_text("Ask fix");
        console.wait_text("interactive $");
        console.type_keys("2");
        console.type_keys("/read\r");
        console.type_keys("r");
        console.wait_text("1 action to approve");
        console.type_keys("A");
        console.wait_text("the console steps aside");
        approve(console, Some("box"));
        console.wait_text("has the terminal");
        console.wait("the question", |screen| screen.lines().any(|line| line.starts_with("name?")));
        assert!(!console.alternate_screen());
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(&self.ledger).unwrap().matches("asked").count()
    }

    fn assert_journal_is_whole(&self) {
        let verified = self.home.run(&["journal", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }

    /// The journal's kinds of entries about the attempt, in order.
    fn entries(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(self.home.database()).unwrap();
        let sql = "SELECT json_extract(payload, '$.type') FROM journal WHERE json_extract(payload, '$.type') IN \
                   ('granted', 'intent_stored', 'spawned', 'ended') ORDER BY seq";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn outcomes(&self) -> Vec<PathBuf> {
        let root = self.home.database().with_file_name("attempts");
        let entries = std::fs::read_dir(root).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        entries.into_iter().map(|entry| entry.path().join("outcome.json")).filter(|path| path.exists()).collect()
    }
}

const ASKS: &str = "bash -c 'echo asked >> LEDGER; read -p \"name? \" x; echo \"hello $x\"; exit 3'";
/// Goes on after a hang-up, as a remote session may.
const ASKS_ON: &str =
    "bash -c 'trap \"\" HUP; echo asked >> LEDGER; read -p \"name? \" x; while [ -e LEDGER ]; do sleep 0.05; done'";

#[test]
fn the_person_answers_the_command_and_comes_back() {
    let scene = Scene::new(ASKS);
    let mut console = scene.asked();
    // The rest of the program goes on meanwhile.
    until_accepted(scene.port, &body("firing", &[("alertname", "OtherThing"), ("severity", "warning")]));
    // Each of these means something to the console: quit, help, approvals, suspend to the shell of another pane.
    console.type_keys("q?A1d\r");
    console.wait_text("hello q?A1d");
    console.wait_text("it is over: exit 3. Press Enter");
    // Nothing but Enter counts, and a paste of one does not either.
    console.type_keys("q\x1b[200~q\r\x1b[201~x");
    console.type_keys("\r");
    console.wait_text("Attempt 1 exit 3");
    console.wait_text("not recorded");
    assert!(console.alternate_screen() && console.cursor_hidden());
    let shown = console.wait_text("OtherThing");
    assert!(shown.contains("AskThing") && !shown.contains("hello q"), "{shown}");
    assert_eq!(scene.starts(), 1);
    assert_eq!(scene.entries(), ["granted", "intent_stored", "spawned", "ended"]);
    let spec = std::fs::read_to_string(scene.outcomes()[0].with_file_name("spec.json")).unwrap();
    let spec: serde_json::Value = serde_json::from_str(&spec).unwrap();
    assert_eq!(spec["spec"]["mode"], "interactive");
    assert_eq!(spec["spec"]["env"]["TERM"], "xterm-256color", "a full-screen program has to know it");
    // Keys mean what they always do.
    console.type_keys("?");
    console.wait_text("In the SOP");
    console.type_keys("\x1b");
    console.wait("no help", |screen| !screen.contains("In the SOP"));
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    scene.assert_journal_is_whole();
}

#[test]
fn ctrl_c_ends_the_command_and_not_the_console() {
    let scene = Scene::new(ASKS);
    let mut console = scene.asked();
    console.type_keys("\x03");
    console.wait_text("Press Enter");
    console.type_keys("\r");
    let shown =
        console.wait("its end", |screen| screen.contains("Attempt 1 ended by signal 2") || screen.contains("exit 130"));
    assert!(shown.contains("AskThing"), "{shown}");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    scene.assert_journal_is_whole();
}

#[test]
fn ctrl_z_leaves_nobody_behind_a_stopped_command() {
    let scene = Scene::new(ASKS);
    let mut console = scene.asked();
    console.type_keys("\x1a");
    console.type_keys("ada\r");
    console.wait_text("hello ada");
    console.wait_text("Press Enter");
    console.type_keys("\r");
    console.wait_text("Attempt 1 exit 3");
}

#[test]
fn below_a_shell_the_terminal_comes_back_to_the_console_and_then_to_the_shell() {
    let scene = Scene::new("bash -c 'stty -echo raw; echo asked >> LEDGER; read -rp \"name? \" -N 1 x; kill -9 $$'");
    let mut console = Console::shell(&scene.home, 120, 40);
    console.wait_text("ready$");
    console.type_keys(&format!("{} --config {}\r", env!("CARGO_BIN_EXE_aiops"), scene.config));
    scene.approve(&mut console);
    console.type_keys("x");
    console.wait_text("ended by signal 9. Press Enter");
    console.type_keys("\r");
    console.wait_text("Attempt 1 ended by signal 9");
    console.type_keys("1q");
    console.wait("the shell", |screen| !screen.contains("AskThing"));
    // The command left the terminal without echo; the shell's programs get it as it was.
    console.type_keys("stty -a | tr ' ' '\\n' | grep -x 'echo;*'; echo back-$?\r");
    console.wait_text("back-0");
}

#[test]
fn a_killed_console_leaves_a_command_that_ends_with_its_terminal() {
    let scene = Scene::new(ASKS);
    let mut console = scene.asked();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    // The console led the session: the kernel hangs up on the command.
    eventually("the recorded end", || scene.outcomes().len() == 1);
    let mut console = scene.start();
    console.wait_text("Attempt 1 ended by signal 1");
    console.wait_text("not recorded");
    assert_eq!(scene.starts(), 1);
    console.type_keys("q");
    console.wait_exit();
    scene.assert_journal_is_whole();
}

#[test]
fn a_killed_console_leaves_a_command_that_goes_on_shown_as_running() {
    let scene = Scene::new(ASKS_ON);
    let mut console = scene.asked();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    let mut console = scene.start();
    console.wait_text("Attempt 1 running");
    assert_eq!(scene.starts(), 1);
    // Another console can end it, as any other.
    console.type_keys("4\x0b\x0b");
    console.wait_text("Attempt 1 cancelled");
    assert_eq!(scene.entries(), ["granted", "intent_stored", "spawned", "ended"]);
    console.type_keys("q");
    console.wait_exit();
    scene.assert_journal_is_whole();
}

#[test]
fn a_command_whose_supervisor_is_killed_with_the_console_is_unknown() {
    let scene = Scene::new(ASKS);
    let mut console = scene.asked();
    let claim = scene.home.database().with_file_name("attempts");
    let claim = std::fs::read_dir(claim).unwrap().next().unwrap().unwrap().path().join("supervisor.json");
    let claim: serde_json::Value = serde_json::from_slice(&std::fs::read(claim).unwrap()).unwrap();
    let supervisor = nix::unistd::Pid::from_raw(i32::try_from(claim["pid"].as_i64().unwrap()).unwrap());
    nix::sys::signal::kill(supervisor, Signal::SIGKILL).unwrap();
    console.wait_text("it is over: unknown");
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    let console = scene.start();
    console.wait_text("Attempt 1 unknown");
    assert_eq!(scene.starts(), 1);
}

#[test]
fn a_lost_connection_ends_the_command_with_its_terminal_and_it_is_never_run_again() {
    let test = "a_lost_connection_ends_the_command_with_its_terminal_and_it_is_never_run_again";
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Scene::new(ASKS);
    let sshd = Sshd::start(&programs, &scene.home, &[env!("CARGO_BIN_EXE_aiops"), "--config", &scene.config]);
    let mut console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    scene.approve(&mut console);
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    eventually("the end of the console", || sshd.consoles().is_empty());
    eventually("the recorded end", || scene.outcomes().len() == 1);
    let mut console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    console
        .wait("its end", |screen| screen.contains("Attempt 1 ended by signal 1") || screen.contains("Attempt 1 exit"));
    assert_eq!(scene.starts(), 1);
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    scene.assert_journal_is_whole();
}

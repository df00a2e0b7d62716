//! Editing a command in its review, and looking up what it touches, in the real console: what was edited runs only after a yes
//! of its own, `kill -9` or not, and what a look-up has found stands in the first review.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::demo::{F8, approve, read_review};
use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

const F4: &str = "\x1bOS";
const F5: &str = "\x1b[15~";

/// A home with a document of one command, and a `kubectl` of its own.
struct Scene {
    home: Home,
    config: String,
    port: u16,
    ledger: PathBuf,
}

impl Scene {
    fn new(script: &str) -> Self {
        let home = Home::new();
        let (ledger, sops, bin) = (home.path().join("ledger"), home.path().join("runbooks"), home.path().join("bin"));
        std::fs::create_dir_all(&sops).unwrap();
        std::fs::create_dir_all(&bin).unwrap();
        let kubectl = format!(
            "#!/bin/sh\ncase \"$*\" in\n*delete*) echo \"$*\" >> {0}; echo deleted ;;\n*' get '*|get*) echo pod/api-1; echo \
             pod/api-2 ;;\nesac\n",
            ledger.display()
        );
        std::fs::write(bin.join("kubectl"), kubectl).unwrap();
        std::fs::set_permissions(bin.join("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!(
            "+++\ntitle = \"Pods fix\"\nalerts = [\"PodsThing\"]\n+++\n\n# Pods fix\n\n## Mitigation\n\n1. Remove them:\n\n   \
             ```sh\n   {script}\n   ```\n\n## Rollback\n\n1. Nothing is needed: they come back.\n"
        );
        std::fs::write(sops.join("pods-fix.md"), text).unwrap();
        let port = free_port();
        let config = home.configure(&format!(
            "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\npath = \"{}:/usr/bin:/bin\"\n",
            sops.display(),
            bin.display()
        ));
        Self { config: config.display().to_string(), home, port, ledger }
    }

    fn start(&self) -> Console {
        Console::start(&self.home, 120, 40, &["--config", &self.config])
    }

    /// A console in which the command was proposed and its review is open.
    fn reviewed(&self) -> Console {
        let mut console = self.start();
        console.wait_text("webhook");
        until_accepted(self.port, &body("firing", &[("alertname", "PodsThing"), ("severity", "critical")]));
        console.wait_text("PodsThing");
        console.wait_text("Pods fix");
        console.type_keys("2");
        console.type_keys("/kubectl\r");
        console.type_keys("r");
        console.wait_text("1 action to approve");
        console.type_keys("A");
        console.wait_text("Approve proposal 1?");
        console
    }

    /// What the other program was told to remove.
    fn removed(&self) -> String {
        std::fs::read_to_string(&self.ledger).unwrap_or_default()
    }

    fn kinds(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(self.home.database()).unwrap();
        let sql = "SELECT json_extract(payload, '$.type') FROM journal WHERE json_extract(payload, '$.type') IN \
                   ('proposed', 'edited', 'granted', 'intent_stored', 'ended') ORDER BY seq";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn assert_journal_is_whole(&self) {
        let verified = self.home.run(&["journal", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn an_edited_command_runs_after_a_yes_of_its_own_and_a_kill_before_that_runs_nothing() {
    let scene = Scene::new("kubectl -n shop delete pod api-1");
    let mut console = scene.reviewed();
    console.type_keys(F4);
    console.wait_text("Edit the command of proposal 1");
    console.type_keys(" api-2\r");
    let shown = console.wait_text("Approve proposal 2?");
    assert!(shown.contains("edited proposal 1 into this"), "{shown}");
    // Killed between the edit and any approval.
    console.signal(Signal::SIGKILL);
    let _ = console.wait_exit();
    assert_eq!(
        (scene.kinds(), scene.removed()),
        (vec!["proposed".to_owned(), "proposed".into(), "edited".into()], String::new())
    );

    let mut console = scene.start();
    console.wait_text("1 action to approve");
    console.type_keys("A");
    let shown = console.wait_text("Approve proposal 2?");
    assert!(!shown.contains("Ready to approve"), "it opens unread");
    assert_eq!(scene.removed(), "");
    approve(&mut console, Some("box"));
    console.wait_text("Attempt 1");
    eventually("the command", || scene.removed() == "-n shop delete pod api-1 api-2\n");
    eventually("the stored end", || scene.kinds().last().is_some_and(|kind| kind == "ended"));
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    assert_eq!(scene.kinds(), ["proposed", "proposed", "edited", "granted", "intent_stored", "ended"]);
    scene.assert_journal_is_whole();
}

#[test]
fn what_a_look_up_found_stands_in_the_first_review() {
    let scene = Scene::new("kubectl -n shop delete pods -l app=api");
    let mut console = scene.reviewed();
    read_review(&mut console, Some("box"));
    console.type_keys(F5);
    console.wait_text("Approve proposal 2?");
    read_review(&mut console, None);
    console.type_keys(F8);
    // The first one comes back, and says what was found as soon as the look-up has ended.
    console.wait_text("Approve proposal 1?");
    let shown = console.wait_text("touches 2 objects");
    assert!(shown.contains("pod/api-1, pod/api-2"), "{shown}");
    assert!(shown.contains("they come back"), "the SOP's own words about undoing it\n{shown}");
    assert_eq!(scene.removed(), "", "looking changes nothing");
    approve(&mut console, Some("box"));
    eventually("the command", || scene.removed() == "-n shop delete pods -l app=api\n");
    console.type_keys("q");
    let _ = console.wait_exit();
    scene.assert_journal_is_whole();
}

#[test]
fn without_a_screen_an_edit_prints_the_new_review_and_exits_with_4() {
    let scene = Scene::new("kubectl -n shop delete pods -l app=api");
    let mut console = scene.reviewed();
    console.type_keys("\x1b");
    let run = |words: &[&str]| {
        let output = scene.home.run(&[&["--config", &scene.config], words].concat());
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = run(&["runs", "edit", "1", "--command", "kubectl -n shop get pods -l app=api"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("edited proposal 1 into this") && text.contains("Digest:"), "{text}");
    let (code, text) = run(&["runs", "edit", "1", "--command", "ls"]);
    assert!(code != Some(0) && code != Some(4) && text.contains("does not wait"), "{code:?} {text}");
    let (code, text) = run(&["runs", "edit", "2", "--command", "kubectl -n shop delete pods -l app=web"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("nobody has looked it up"), "{text}");
    let (code, text) = run(&["runs", "touches", "3"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("what proposal 3 would touch"), "{text}");
    assert_eq!(scene.removed(), "");
    console.type_keys("q");
    let _ = console.wait_exit();
    scene.assert_journal_is_whole();
}

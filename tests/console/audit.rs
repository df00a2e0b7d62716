//! The journal of the real binary after something was approved and run: heads kept outside, a replay that cannot act, a
//! transcript, and a journal whose end was cut off.

use aiops::domain::journal::anchor::{Anchor, AnchorCause};
use serde_json::Value;

use super::pty::Console;
use super::scene::Scene;

/// The approve chord as a terminal sends it.
const F8: &str = "\x1b[19~";

/// A scene in which the slow fix was approved, ran and ended, and the console was left.
fn over() -> Scene {
    let scene = Scene::new();
    let mut console = scene.running();
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    console.type_keys("q");
    console.wait_exit();
    scene
}

fn verified(scene: &Scene) -> (Option<i32>, Value) {
    let output = scene.home.run(&["journal", "verify", "--json"]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn heads_are_kept_and_show_that_the_end_was_cut_off() {
    let scene = over();
    let kept = std::fs::read_to_string(scene.home.path().join("state/aiops/journal.anchors")).unwrap();
    let anchors: Vec<Anchor> = kept.lines().map(|line| Anchor::from_line(line).unwrap().unwrap()).collect();
    for cause in [AnchorCause::Approved, AnchorCause::Ended] {
        assert!(anchors.iter().any(|anchor| anchor.cause == cause), "{anchors:?}");
    }
    let (code, report) = verified(&scene);
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    assert_eq!(report["anchors"]["unanchored"], 0, "the last head is kept when the console is left: {report}");
    let entries = report["entries"].as_i64().unwrap();

    let database = rusqlite::Connection::open(scene.home.database()).unwrap();
    database.execute_batch("DROP TRIGGER journal_is_append_only_delete").unwrap();
    database.execute("DELETE FROM journal WHERE seq > ?1", [entries - 2]).unwrap();
    drop(database);
    let (code, report) = verified(&scene);
    assert_eq!((code, &report["broken"]["seq"]), (Some(1), &(entries - 1).into()), "{report}");
    // Without what was kept elsewhere nobody could tell.
    std::fs::remove_file(scene.home.path().join("state/aiops/journal.anchors")).unwrap();
    let (code, report) = verified(&scene);
    assert_eq!((code, &report["anchors"]), (Some(0), &Value::Null), "{report}");
}

#[test]
fn a_replay_shows_what_was_approved_and_does_nothing() {
    let scene = over();
    let (_, before) = verified(&scene);
    let mut console = Console::start(&scene.home, 80, 24, &["--config", &scene.config, "replay", "1"]);
    console.wait_text("REPLAY");
    console.type_keys("]");
    console.wait_text("approved action 1");
    console.wait_text("as it was shown, on a terminal of 120x40");
    // Keys that act in the console, an approval among them.
    for keys in ["r", "A", F8, "\r", "a", "\x1b[200~box\x1b[201~"] {
        console.type_keys(keys);
    }
    console.type_keys("G");
    console.wait("the last moment", |screen| screen.lines().nth(2).is_some_and(|line| line.contains(" of ")));
    console.type_keys(" ");
    console.wait_text("playing");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let (_, after) = verified(&scene);
    assert_eq!((scene.starts(), &before["head"]), (1, &after["head"]));
}

#[test]
fn a_transcript_has_the_command_the_approval_and_the_end() {
    let scene = over();
    let output = scene.home.run(&["transcript", "1"]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{page}");
    for words in ["# Incident 1: SlowThing", "### Action 1", "while [ -e ", "Approved at ", "exit 0", "finished"] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
    let events = scene.home.run(&["journal", "export", "--format", "ocsf"]);
    let events: Vec<Value> =
        String::from_utf8(events.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let processes: Vec<&Value> = events.iter().filter(|event| event["class_uid"] == 1007).collect();
    let activities: Vec<&Value> = processes.iter().map(|event| &event["activity_name"]).collect();
    assert_eq!(activities, ["Launch", "Terminate"]);
    assert_eq!(processes[1]["exit_code"], 0);
}

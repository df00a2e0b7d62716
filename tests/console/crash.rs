//! `kill -9` of the console between grant and outcome: what was started is found again and never started twice.

use aiops::adapters::host::SystemClock;
use aiops::domain::time::Timestamp;
use aiops::engine::ports::Clock as _;
use nix::sys::signal::Signal;

use super::pipeline::eventually;
use super::scene::Scene;

#[test]
fn a_command_that_still_runs_is_shown_as_running_and_ends_as_usual() {
    let scene = Scene::new();
    let mut console = scene.running();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    let mut console = scene.start();
    console.wait_text("Attempt 1 running");
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    console.wait_text("finished");
    assert_eq!(scene.starts(), 1);
    console.type_keys("q");
    console.wait_exit();
    scene.assert_journal_is_whole();
}

#[test]
fn a_command_that_ended_meanwhile_is_shown_with_its_outcome() {
    let scene = Scene::new();
    let mut console = scene.running();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    scene.release();
    scene.wait_outcome();
    let ended_at = scene.recorded_end();
    // The console comes back later than the command ended.
    eventually("a later millisecond", || SystemClock.now() > ended_at);
    let console = scene.start();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!(scene.starts(), 1);
    let database = rusqlite::Connection::open(scene.home.database()).unwrap();
    let row: i64 = database.query_row("SELECT ended_at FROM attempt WHERE id = 1", [], |row| row.get(0)).unwrap();
    let entry = "SELECT json_extract(payload, '$.ended_at'), json_extract(context, '$.at') FROM journal \
                 WHERE json_extract(payload, '$.type') = 'ended'";
    let (journaled, found_out): (String, String) =
        database.query_row(entry, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((row, journaled), (ended_at.as_millis(), ended_at.to_rfc3339()));
    assert!(
        Timestamp::parse_rfc3339(&found_out).unwrap() > ended_at,
        "the entry has the time at which the end was found out"
    );
    scene.assert_journal_is_whole();
    scene.tamper_with_output();
    let verified = scene.home.run(&["journal", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((&report["payloads"]["altered"], &report["broken"]), (&1.into(), &serde_json::Value::Null), "{report}");
    scene.erase_output();
    let verified = scene.home.run(&["journal", "verify", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((&report["payloads"]["missing"], &report["ok"]), (&1.into(), &true.into()), "{report}");
}

#[test]
fn a_command_whose_supervisor_was_killed_too_is_unknown_and_not_run_again() {
    let scene = Scene::new();
    let mut console = scene.running();
    let supervisor = scene.supervisor();
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor), Signal::SIGKILL).unwrap();
    scene.release();
    let console = scene.start();
    console.wait_text("Attempt 1 unknown");
    assert_eq!(scene.starts(), 1);
}

#[test]
fn a_lost_terminal_leaves_the_command_running() {
    let scene = Scene::new();
    let mut console = scene.running();
    console.hang_up();
    console.wait_exit();
    scene.release();
    scene.wait_outcome();
    let console = scene.start();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!(scene.starts(), 1);
}

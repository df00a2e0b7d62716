//! `kill -9` of the console between grant and outcome: what was started is found again and never started twice.

use nix::sys::signal::Signal;

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
    let console = scene.start();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!(scene.starts(), 1);
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

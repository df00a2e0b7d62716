//! Ends before the script's own: time limit, cancelling, a killed supervisor; and what is left behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aiops::domain::action::attempt::Outcome;
use aiops::engine::ports::{ActionRunner as _, Probe};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Attempt, grant, is_alive, read_record, runner, spec, state, until};

/// The process ids that the script has printed so far, one a line.
fn pids(attempt: &Attempt) -> Vec<i32> {
    attempt.output().lines().filter_map(|line| line.parse().ok()).collect()
}

fn supervisor(attempt: &Attempt) -> i32 {
    match attempt.probe() {
        Probe::Running { supervisor, .. } => supervisor.pid,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_time_limit_ends_it_and_skips_the_rest() {
    let mut action = spec("echo begin; sleep 1000; echo never");
    action.time_limit = Duration::from_millis(300);
    let attempt = Attempt::start(action);
    assert_eq!(attempt.outcome(), Outcome::TimedOut);
    assert_eq!(attempt.output(), "begin\naiops: statuses: sleep signal 15\n");
}

#[test]
fn processes_that_ignore_term_are_killed() {
    let mut hasty = runner();
    hasty.grace = Duration::from_millis(200);
    let attempt = Attempt::start_with(hasty, spec("trap '' TERM; echo $$; while true; do sleep 1000; done"));
    until("it says its number", || !pids(&attempt).is_empty());
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
    assert!(!is_alive(pids(&attempt)[0]));
}

#[test]
fn cancelling_ends_grandchildren_and_leaves_no_zombies() {
    let script = "sleep 1000 & echo $!; bash -c 'sleep 1000 & echo $!; wait' & wait";
    let attempt = Attempt::start(spec(script));
    until("both say their numbers", || pids(&attempt).len() == 2);
    let supervisor = supervisor(&attempt);
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
    for pid in pids(&attempt) {
        assert_eq!(state(pid), None, "{pid}");
    }
    until("the supervisor is collected", || state(supervisor).is_none());
    assert!(attempt.runner.cancel(attempt.directory()).is_err());
}

/// A user that a supervisor of root's does not share processes with.
const NOBODY: &str = "65534";

#[test]
fn a_process_that_cannot_be_ended_makes_the_end_unknown_and_is_named() {
    let test = "a_process_that_cannot_be_ended_makes_the_end_unknown_and_is_named";
    let place = tempfile::tempdir().unwrap();
    let Some(wrapper) = supervisor_of_nobody(place.path(), test) else { return };
    let directory = place.path().join("attempt");
    std::fs::create_dir(&directory).unwrap();
    let mut runner = runner();
    (runner.program, runner.grace) = (wrapper, Duration::from_millis(50));
    // It becomes another user, as `sudo` does: nobody may not signal it any more.
    let become_root = format!("{}/become --reuid=0 --clear-groups sleep 1000", place.path().display());
    let mut action = spec(&become_root);
    action.time_limit = Duration::from_millis(500);
    let path = directory.to_str().unwrap();
    runner.run(grant(action), path).unwrap();
    until("the end is recorded", || matches!(runner.probe(path), Probe::Ended(_)));
    let record = read_record(&directory);
    let Outcome::Unknown { reason } = &record.outcome else { panic!("{record:?}") };
    let pid: i32 = reason.split("process ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!(is_alive(pid));
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let said = format!("aiops: process {pid} could not be ended and may still run\n");
    assert_eq!(std::fs::read_to_string(directory.join("output")).unwrap(), said);
}

/// A program that is the supervisor as an unprivileged user, and beside it `become`, with which that user becomes root.
/// `None`, said on the output, where that cannot be had.
fn supervisor_of_nobody(place: &Path, test: &str) -> Option<PathBuf> {
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (program, wrapper, become_root) = (place.join("aiops"), place.join("wrapper"), place.join("become"));
    mode(place, 0o755);
    if !nix::unistd::geteuid().is_root() || std::fs::copy("/usr/bin/setpriv", &become_root).is_err() {
        println!("SKIPPED: {test}: it needs root and setpriv");
        return None;
    }
    mode(&become_root, 0o4755);
    // Another file name for the same program: nobody may not enter the directory where it was built.
    std::fs::copy(env!("CARGO_BIN_EXE_aiops"), &program).unwrap();
    mode(&program, 0o755);
    let user = format!("/usr/bin/setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups");
    std::fs::write(
        &wrapper,
        format!("#!/bin/sh\nchown -R {NOBODY}:{NOBODY} \"$2\"\nexec {user} {} \"$@\"\n", program.display()),
    )
    .unwrap();
    mode(&wrapper, 0o755);
    let works = Command::new("/bin/sh")
        .args(["-c", &format!("{user} {} --reuid=0 true", become_root.display())])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        println!("SKIPPED: {test}: no program can change its user here");
    }
    works.then_some(wrapper)
}

#[test]
fn what_a_script_leaves_in_the_background_is_ended_with_it() {
    let attempt = Attempt::start(spec("sleep 1000 & echo $!"));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    assert_eq!(state(pids(&attempt)[0]), None);
}

#[test]
fn a_daemon_that_left_the_session_does_not_hold_up_the_end() {
    // It is a daemon only once it leads a session of its own; before that it is ended with the rest.
    let left = "until [ \"$(ps -o sid= -p $! | tr -d ' ')\" = $! ]; do sleep 0.01; done";
    let attempt = Attempt::start(spec(&format!("setsid sleep 1000 & {left}; echo $!")));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    let daemon = Pid::from_raw(pids(&attempt)[0]);
    assert!(is_alive(daemon.as_raw()));
    kill(daemon, Signal::SIGKILL).unwrap();
}

#[test]
fn a_signal_that_ends_the_program_is_the_outcome() {
    let attempt = Attempt::start(spec("kill -KILL $$"));
    assert_eq!(attempt.outcome(), Outcome::Signalled { signal: 9 });
    let attempt = Attempt::start(spec("kill -RTMIN $$"));
    assert_eq!(attempt.outcome(), Outcome::Signalled { signal: 34 });
}

#[test]
fn a_term_that_nobody_asked_for_is_not_called_cancelled() {
    let attempt = Attempt::start(spec("sleep 1000"));
    kill(Pid::from_raw(supervisor(&attempt)), Signal::SIGTERM).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Signalled { signal: 15 });
}

#[test]
fn hang_up_and_interrupt_do_not_reach_it() {
    let attempt = Attempt::start(spec("sleep 1000"));
    let supervisor = supervisor(&attempt);
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        kill(Pid::from_raw(supervisor), signal).unwrap();
    }
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
}

#[test]
fn a_killed_supervisor_is_lost_and_known_to_have_lived() {
    let attempt = Attempt::start(spec("bash -c 'echo $$; exec sleep 1000'"));
    until("it runs", || pids(&attempt).len() == 1);
    kill(Pid::from_raw(supervisor(&attempt)), Signal::SIGKILL).unwrap();
    until("it is lost", || matches!(attempt.probe(), Probe::Lost { spawned: true, .. }));
    assert!(attempt.runner.cancel(attempt.directory()).is_err());
    // Nobody is left to end what it had started, so it is named.
    let left = |attempt: &Attempt| match attempt.probe() {
        Probe::Lost { left, .. } => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(left(&attempt), pids(&attempt));
    kill(Pid::from_raw(pids(&attempt)[0]), Signal::SIGKILL).unwrap();
    until("nothing is left", || left(&attempt).is_empty());
}

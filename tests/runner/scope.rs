//! Supervisors in a scope of their own, with programs in the place of `systemd-run`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aiops::adapters::process::{Manager, ProcessRunner, Scope};
use aiops::domain::action::attempt::Outcome;
use aiops::engine::ports::{ActionRunner as _, Probe};

use crate::support::{Attempt, grant, runner, say, spec, until};

/// A program in the place of `systemd-run`, and a file in which it can leave traces.
struct Launcher {
    directory: tempfile::TempDir,
}

impl Launcher {
    /// `TRACE` in the script becomes the path of the file.
    fn new(script: &str) -> Self {
        let launcher = Self { directory: tempfile::tempdir().unwrap() };
        let text = format!("#!/bin/sh\n{}\n", script.replace("TRACE", &launcher.trace().display().to_string()));
        std::fs::write(launcher.path(), text).unwrap();
        std::fs::set_permissions(launcher.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        launcher
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("systemd-run")
    }

    fn trace(&self) -> PathBuf {
        self.directory.path().join("trace")
    }

    fn calls(&self) -> usize {
        std::fs::read_to_string(self.trace()).unwrap_or_default().matches("called").count()
    }

    fn runner(&self, manager: Manager) -> ProcessRunner {
        let path = [("PATH".into(), "/usr/bin:/bin".into())];
        ProcessRunner { scope: Some(Scope::new(self.path(), manager, path.into())), ..runner() }
    }
}

/// What `systemd-run --scope` does: takes its options, then becomes the command.
const BECOMES: &str = "echo called $$ \"$@\" >> TRACE\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"";

fn appends_to(ledger: &Path) -> String {
    format!("echo once >> {}", ledger.display())
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn the_supervisor_is_the_process_that_made_the_scope() {
    let launcher = Launcher::new(BECOMES);
    let attempt = Attempt::start_with(launcher.runner(Manager::User), spec("sleep 30"));
    let Probe::Running { supervisor, .. } = attempt.probe() else { panic!("{:?}", attempt.probe()) };
    let trace = std::fs::read_to_string(launcher.trace()).unwrap();
    let name = attempt
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_");
    let expected = format!("called {} --scope --collect --quiet --unit=aiops-attempt-{name} ", supervisor.pid);
    assert!(trace.starts_with(&expected), "{trace}");
    assert!(trace.contains(" --user -- ") && trace.contains(" supervise "), "{trace}");
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
}

#[test]
fn the_running_program_is_named_so_that_another_one_finds_it() {
    // `/proc/self/exe` of a launcher is the launcher, which knows nothing of supervising.
    let launcher = Launcher::new("echo called \"$@\" >> TRACE; exit 1");
    let through_self = ProcessRunner { program: "/proc/self/no-such-file".into(), ..launcher.runner(Manager::System) };
    let directory = tempfile::tempdir().unwrap();
    through_self.run(grant(spec("true")), directory.path().to_str().unwrap()).unwrap_err();
    let trace = std::fs::read_to_string(launcher.trace()).unwrap();
    assert!(trace.contains(&format!(" -- /proc/{}/no-such-file supervise ", std::process::id())), "{trace}");
    assert!(!trace.contains("--user"), "{trace}");
}

#[test]
fn a_launcher_that_fails_costs_the_scope_and_not_the_command() {
    let launcher = Launcher::new("echo called >> TRACE; echo Failed to connect to bus >&2; exit 1");
    let ledger = launcher.directory.path().join("ledger");
    let attempt = Attempt::start_with(launcher.runner(Manager::User), spec(&appends_to(&ledger)));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    assert_eq!((launcher.calls(), lines(&ledger)), (1, 1));
    assert_eq!(attempt.output(), "");
}

#[test]
fn a_launcher_that_is_not_there_costs_nothing() {
    let scope = Scope::new("/nonexistent/systemd-run".into(), Manager::System, Vec::new());
    let attempt = Attempt::start_with(ProcessRunner { scope: Some(scope), ..runner() }, spec("echo runs"));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
}

#[test]
fn a_launcher_that_hangs_is_waited_for_once() {
    let launcher = Launcher::new("echo called $$ >> TRACE; exec sleep 1000");
    let runner = launcher.runner(Manager::User);
    let ledger = launcher.directory.path().join("ledger");
    let first = Attempt::start_with(runner.clone(), spec(&appends_to(&ledger)));
    assert_eq!(first.outcome(), Outcome::Exited { code: 0 });
    let second = Attempt::start_with(runner, spec(&appends_to(&ledger)));
    assert_eq!(second.outcome(), Outcome::Exited { code: 0 });
    assert_eq!((launcher.calls(), lines(&ledger)), (1, 2));
    let trace = std::fs::read_to_string(launcher.trace()).unwrap();
    let pid = trace.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(!crate::support::is_alive(pid), "it was ended");
}

#[test]
fn a_supervisor_that_fails_in_its_scope_is_not_started_again() {
    // The command that was approved is exchanged on the way: the supervisor refuses, and so would a second one.
    let becomes = BECOMES.replace("exec \"$@\"", "exec \"$1\" \"$2\" \"$3\" 00");
    let launcher = Launcher::new(&becomes);
    let directory = tempfile::tempdir().unwrap();
    let error =
        launcher.runner(Manager::User).run(grant(spec("true")), directory.path().to_str().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("not what was approved") && error.to_string().contains("Nothing of it ran"),
        "{error}"
    );
    assert_eq!(launcher.calls(), 1);
}

#[test]
fn a_supervisor_that_comes_late_after_all_never_makes_it_twice() {
    // Worse than any real one: it leaves the supervisor to another process, which begins while the launcher is given up.
    let late = "echo called >> TRACE\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n\
                ( until [ -e TRACE.go ]; do sleep 0.01; done; \"$@\"; echo late-$? >> TRACE ) >/dev/null 2>&1 &\nexit 1";
    let launcher = Launcher::new(late);
    let ledger = launcher.directory.path().join("ledger");
    let attempt = Attempt::start_with(launcher.runner(Manager::User), spec(&appends_to(&ledger)));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    std::fs::write(launcher.directory.path().join("trace.go"), "").unwrap();
    until("the late one has given up", || std::fs::read_to_string(launcher.trace()).unwrap().contains("late-1"));
    assert_eq!(lines(&ledger), 1);
}

#[test]
fn after_a_failed_start_nothing_can_begin_any_more() {
    // Neither the launcher nor the program itself comes to anything, and the late one finds the attempt given up.
    let late = "while [ \"$1\" != -- ]; do shift; done\nshift\nshift\n\
                ( until [ -e TRACE.go ]; do sleep 0.01; done; REAL \"$@\"; echo late-$? >> TRACE ) >/dev/null 2>&1 &\nexit 1";
    let launcher = Launcher::new(&late.replace("REAL", env!("CARGO_BIN_EXE_aiops")));
    let ledger = launcher.directory.path().join("ledger");
    let broken = ProcessRunner { program: "/nonexistent/aiops".into(), ..launcher.runner(Manager::User) };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    broken.run(grant(spec(&appends_to(&ledger))), path).unwrap_err();
    std::fs::write(launcher.directory.path().join("trace.go"), "").unwrap();
    until("the late one has given up", || {
        std::fs::read_to_string(launcher.trace()).unwrap_or_default().contains("late-1")
    });
    assert!(!ledger.exists());
    assert_eq!(broken.probe(path), Probe::Lost { spawned: false, output_bytes: 0, left: Vec::new() });
}

#[test]
fn what_a_scope_costs() {
    const ROUNDS: usize = 20;
    let launcher = Launcher::new(BECOMES);
    let median = |runner: &ProcessRunner| {
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().to_str().unwrap();
                let action = grant(spec("true"));
                let start = Instant::now();
                runner.run(action, path).unwrap();
                let took = start.elapsed();
                until("it ended", || matches!(runner.probe(path), Probe::Ended(_)));
                took
            })
            .collect();
        times.sort_unstable();
        times[ROUNDS / 2]
    };
    let missing = Scope::new("/nonexistent/systemd-run".into(), Manager::System, Vec::new());
    let missing = ProcessRunner { scope: Some(missing), ..runner() };
    let (none, gone, shell) = (median(&runner()), median(&missing), median(&launcher.runner(Manager::User)));
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let _ = Scope::detect();
    }
    let looked = start.elapsed() / u32::try_from(ROUNDS).unwrap();
    say(&format!(
        "until it runs: no scope {none:?}, launcher missing {gone:?}, a shell as launcher {shell:?}; looking for one {looked:?}"
    ));
}

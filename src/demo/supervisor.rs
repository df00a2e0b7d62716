//! The supervisor of the worker: starts it, and starts it again after a wait that grows while it keeps failing.
//!
//! Owns: the waits, the count of failures, and the file that tells about both. Does not: know why the worker ends.
//!
//! Invariant: the worker does not outlive it, nor it the demo.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::leash::{Heard, Leash, Leashed};
use super::worker::{NAME, WorkerPlace, write_log};

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait: short, so that one sees within seconds that a fix worked.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// A worker that has run this long has not failed at its start: the count of failures begins anew.
pub(super) const STEADY_AFTER: Duration = Duration::from_secs(3);
/// It is looked this often whether the worker still runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the supervisor does with the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WorkerState {
    /// It runs.
    Running,
    /// It has ended and will be started again.
    Waiting,
}

/// What the file tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    /// Which worker.
    pub(super) worker: String,
    /// What it does.
    pub(super) state: WorkerState,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// How often it has failed in a row; 0 when it has run for a while.
    pub(super) failures_in_a_row: u32,
    /// How it ended last; empty when it has not.
    pub(super) last_exit: String,
    /// How long it is waited before it is started again, in milliseconds.
    pub(super) restart_in_ms: u64,
}

impl Status {
    /// Reads the file; `None` when it is not there or being made.
    pub(super) fn read(path: &Path) -> Option<Self> {
        toml::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    /// Writes the file, so that a reader sees the old or the new one and never half of it.
    fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("status.new");
        fs::write(&new, toml::to_string(self).map_err(io::Error::other)?)?;
        fs::rename(new, path)
    }
}

/// How one life of the worker ended.
enum End {
    /// By itself.
    Exit(ExitStatus),
    /// It was asked to start anew.
    Restart,
    /// The one that holds the leash is gone.
    Gone,
}

/// Keeps the worker that `command` starts alive, until the one that holds `leash` is gone.
///
/// # Errors
/// When the worker cannot be started, or the status or the log cannot be written.
pub(super) fn supervise(place: &WorkerPlace, mut command: Command, leash: &Leash) -> io::Result<()> {
    let mut status = Status {
        worker: NAME.to_owned(),
        state: WorkerState::Running,
        restarts: 0,
        failures_in_a_row: 0,
        last_exit: String::new(),
        restart_in_ms: 0,
    };
    loop {
        status.state = WorkerState::Running;
        status.write(&place.status())?;
        let end = one_life(place, &mut command, &mut status, leash)?;
        status.restarts += 1;
        let exit = match end {
            End::Gone => return Ok(()),
            End::Restart => {
                say(place, "info", "restarting after a deployment")?;
                continue;
            }
            End::Exit(exit) => exit,
        };
        status.failures_in_a_row += 1;
        let wait = wait_after(status.failures_in_a_row);
        status.state = WorkerState::Waiting;
        status.last_exit = exit.to_string();
        status.restart_in_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        status.write(&place.status())?;
        let number = status.failures_in_a_row;
        say(
            place,
            "error",
            &format!("{NAME} failed ({exit}), {number} in a row; next start in {} ms", wait.as_millis()),
        )?;
        if leash.wait(wait) == Heard::Gone {
            return Ok(());
        }
    }
}

/// Starts the worker and follows it to its end.
fn one_life(place: &WorkerPlace, command: &mut Command, status: &mut Status, leash: &Leash) -> io::Result<End> {
    let started = Instant::now();
    let mut worker = Leashed::start(command)?;
    loop {
        match leash.wait(LOOK_EVERY) {
            Heard::Gone => return Ok(End::Gone),
            Heard::Restart => return Ok(End::Restart),
            Heard::Nothing => {}
        }
        if let Some(exit) = worker.ended()? {
            return Ok(End::Exit(exit));
        }
        if status.failures_in_a_row > 0 && started.elapsed() >= STEADY_AFTER {
            status.failures_in_a_row = 0;
            status.write(&place.status())?;
            say(place, "info", &format!("{NAME} has run for {} s and counts as steady", STEADY_AFTER.as_secs()))?;
        }
    }
}

fn say(place: &WorkerPlace, level: &str, text: &str) -> io::Result<()> {
    write_log(&place.log(), level, "supervisor", text)
}

/// The wait after so many failures in a row.
fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let millis: Vec<u128> = [1, 2, 3, 4, 5, 400].map(|failures| wait_after(failures).as_millis()).into();
        assert_eq!(millis, [500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    }

    /// Runs a supervisor over `sh -c SCRIPT` until its status satisfies `done`, then lets it go and waits for its end.
    fn run_until(script: &str, done: impl Fn(&Status) -> bool) -> (Status, String) {
        let root = tempfile::tempdir().unwrap();
        let place = WorkerPlace::of(root.path());
        place.furnish().unwrap();
        let (reader, held) = io::pipe().unwrap();
        let running = std::thread::spawn({
            let (place, mut command) = (place.clone(), Command::new("sh"));
            command.args(["-c", script]).current_dir(root.path());
            move || supervise(&place, command, &Leash::on(reader))
        });
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            assert!(Instant::now() < deadline && !running.is_finished(), "{:?}", Status::read(&place.status()));
            if let Some(status) = Status::read(&place.status()).filter(&done) {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        drop(held);
        running.join().unwrap().unwrap();
        (status, fs::read_to_string(place.log()).unwrap_or_default())
    }

    #[test]
    fn failures_are_counted_and_told() {
        let (status, log) = run_until("exit 3", |status| status.failures_in_a_row == 2);
        assert_eq!((status.restarts, status.last_exit.as_str()), (2, "exit status: 3"));
        assert!(log.contains("1 in a row; next start in 500 ms") && log.contains("2 in a row"), "{log}");
    }

    #[test]
    fn one_that_stays_up_after_a_failure_is_steady_again() {
        // It fails the first time only, and then ends when its leash is let go.
        let script = "[ -e once ] && exec cat; : > once; exit 1";
        let (status, log) = run_until(script, |status| {
            status.restarts == 1 && status.failures_in_a_row == 0 && !status.last_exit.is_empty()
        });
        assert_eq!(status.state, WorkerState::Running);
        assert!(log.contains("counts as steady"), "{log}");
    }
}

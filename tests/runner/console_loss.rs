//! The console goes away: killed, or with its terminal. The attempt goes on and its end is recorded.
//!
//! The console is this test program, started again for the one test [`console`].

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use aiops::domain::action::attempt::Outcome;
use aiops::engine::ports::{ActionRunner as _, Probe};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::support::{grant, read_record, runner, spec, until};

/// Names the directory of the attempt to the program that plays the console.
const DIRECTORY: &str = "AIOPS_TEST_CONSOLE_DIRECTORY";

/// Not a test of its own: with [`DIRECTORY`] set it is the console, which starts an attempt and then waits for ever.
#[test]
fn console() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    // It ends only when `go` appears, after the console is gone.
    let script = format!("echo begun; until test -e {directory}/go; do sleep 0.01; done; echo done");
    runner().run(grant(spec(&script)), &directory).expect("started");
    loop {
        std::thread::park();
    }
}

const ARGUMENTS: [&str; 3] = ["--exact", "console_loss::console", "--nocapture"];

fn has_begun(directory: &Path) -> bool {
    std::fs::read_to_string(directory.join("output")).is_ok_and(|output| output == "begun\n")
}

fn goes_on_to_its_end(directory: &Path) {
    let path = directory.to_str().unwrap();
    assert!(matches!(runner().probe(path), Probe::Running { .. }));
    std::fs::write(directory.join("go"), "").unwrap();
    until("the end is recorded", || matches!(runner().probe(path), Probe::Ended(_)));
    assert_eq!(read_record(directory).outcome, Outcome::Exited { code: 0 });
    assert_eq!(std::fs::read_to_string(directory.join("output")).unwrap(), "begun\ndone\n");
}

#[test]
fn killing_the_console_and_its_group_leaves_the_attempt_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut console = Command::new(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(DIRECTORY, directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    until("the attempt has begun", || has_begun(directory.path()));
    killpg(Pid::from_raw(i32::try_from(console.id()).unwrap()), Signal::SIGKILL).unwrap();
    console.wait().unwrap();
    goes_on_to_its_end(directory.path());
}

#[test]
fn losing_the_terminal_leaves_the_attempt_alone() {
    let directory = tempfile::tempdir().unwrap();
    let pty = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(ARGUMENTS);
    command.env(DIRECTORY, directory.path());
    let mut console = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    until("the attempt has begun", || has_begun(directory.path()));
    // The last holder of the terminal's other side goes: the kernel sends SIGHUP to the console's process group.
    drop(pty.master);
    console.wait().unwrap();
    goes_on_to_its_end(directory.path());
}

//! `aiops demo` as a stranger uses it: the alert arrives, the SOP opens, a command is reviewed and approved, the alert clears.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::pipeline::eventually;
use super::pty::{Console, Home};

/// The approve chord.
pub(crate) const F8: &str = "\x1b[19~";

#[test]
fn the_demo_alert_is_fixed_by_approved_commands_and_clears() {
    let home = Home::new();
    let mut console = Console::start(&home, 120, 40, &["demo"]);
    console.wait_text("DiskFull demo");
    console.wait_text("2 SOP Disk full");
    console.type_keys("2");

    // A read: one chord after reading.
    console.type_keys("/du -xh\r");
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    approve(&mut console, None);
    console.wait_text("exit 0");
    console.wait_text("log-archive");

    // The command that frees the space is not known to be harmless: the target's name has to be typed.
    console.type_keys("2");
    console.type_keys("/-delete\r");
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    approve(&mut console, Some("demo"));
    console.wait_text("Attempt 2 exit 0");
    console.wait("the end of the incident", |screen| screen.contains("resolved after") && screen.contains("0 open"));

    let database = find_database(&home);
    let verified = home.run(&["--db", &database, "journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));

    console.type_keys("1");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let left: Vec<_> = walk(&home.path().join("tmp"));
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn a_crashed_demo_is_cleaned_up_by_the_next_one() {
    let home = Home::new();
    let mut first = Console::start(&home, 120, 40, &["demo"]);
    first.wait_text("DiskFull demo");
    first.signal(nix::sys::signal::Signal::SIGKILL);
    first.wait_exit();
    let left = walk(&home.path().join("tmp"));
    assert!(!left.is_empty(), "a killed demo cannot clean up");
    let mut second = Console::start(&home, 120, 40, &["demo"]);
    second.wait_text("DiskFull demo");
    for path in &left {
        assert!(!path.exists(), "{} is still there", path.display());
    }
    second.type_keys("q");
    second.wait_exit();
}

#[test]
fn leaving_the_demo_ends_the_command_that_runs_and_leaves_nothing_behind() {
    let home = Home::new();
    let (programs, ledger) = (home.path().join("bin"), home.path().join("ledger"));
    slow_find(&programs, &ledger);
    let config = home.configure(&format!("[run]\npath = \"{}:/usr/bin:/bin\"\n", programs.display()));
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string(), "demo"]);
    console.wait_text("DiskFull demo");
    console.wait_text("2 SOP Disk full");
    console.type_keys("2");
    console.type_keys("/-delete\r");
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    approve(&mut console, Some("demo"));
    console.wait_text("Attempt 1 running");
    eventually("the numbers of its processes", || pids(&ledger).len() == 2);
    let demo = home.path().join("tmp");
    let place = find_database(&home).replace("/aiops.db", "");
    for pid in pids(&ledger) {
        let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
        assert!(directory.starts_with(&place), "{} is not in the demo's directory", directory.display());
    }
    let supervisor = supervisor_of(Path::new(&place));

    console.type_keys("1");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    for pid in pids(&ledger).into_iter().chain([supervisor]) {
        assert!(!is_alive(pid), "process {pid} survived");
    }
    assert_eq!(std::fs::read_dir(&demo).unwrap().count(), 0, "the demo leaves nothing behind");
}

/// A `find` that does not end by itself and does not heed a TERM, and its child; both write their numbers into `ledger`.
fn slow_find(directory: &Path, ledger: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    let script = format!(
        "#!/bin/sh\ntrap '' TERM\necho $$ >> {0}\nsleep 1000 &\necho $! >> {0}\nwait\nwait\nsleep 1000\n",
        ledger.display()
    );
    let program = directory.join("find");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn pids(ledger: &Path) -> Vec<i32> {
    let text = std::fs::read_to_string(ledger).unwrap_or_default();
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.parse().ok()).collect()
}

fn supervisor_of(place: &Path) -> i32 {
    let file = walk(place).into_iter().find(|path| path.ends_with("supervisor.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    i32::try_from(value["pid"].as_i64().unwrap()).unwrap()
}

/// Whether a process is neither gone nor a zombie.
fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

/// Reads the review to its end, waits until it says that it is ready, and approves.
pub(crate) fn approve(console: &mut Console, target: Option<&str>) {
    read_review(console, target);
    console.type_keys(F8);
    console.wait("the end of the review", |screen| !screen.contains("Approve proposal"));
}

/// Reads the open review until the approve chord would be taken.
pub(crate) fn read_review(console: &mut Console, target: Option<&str>) {
    console.wait_text("Approve proposal");
    if let Some(target) = target {
        console.type_keys(target);
    }
    let deadline = std::time::Instant::now() + super::pty::PATIENCE;
    loop {
        let screen = console.wait("the state of the review", |screen| {
            screen.contains("Ready to approve") || screen.contains("Too early") || screen.contains("more line")
        });
        if screen.contains("Ready to approve") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the review never became ready\n{screen}");
        if screen.contains("more line") {
            console.type_keys("\x1b[6~");
        }
        // The quiet period has to pass without a key; the screen says when it has.
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn find_database(home: &Home) -> String {
    let found = walk(&home.path().join("tmp")).into_iter().find(|path| path.ends_with("aiops.db"));
    found.expect("the demo has a database").display().to_string()
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

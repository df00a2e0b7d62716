//! `aiops demo` as a stranger uses it: alerts arrive, their SOPs open, commands are reviewed and approved, the alerts clear.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pipeline::eventually;
use super::pty::{Console, Home};

/// The approve chord.
pub(crate) const F8: &str = "\x1b[19~";

/// Proposes the command that contains `words` in the SOP on the screen, and approves it.
fn run_step(console: &mut Console, words: &str, target: Option<&str>) {
    console.type_keys("2");
    console.type_keys(&format!("/{words}\r"));
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    approve(console, target);
}

/// Goes to the incident of this alert and to its SOP.
fn go_to(console: &mut Console, alert: &str, sop: &str) {
    console.type_keys("1");
    // The filter of the incident before is still there.
    console.type_keys(&format!("/\x15{alert}\r"));
    console.wait("only this incident in the queue and below it", |screen| is_alone(screen, alert));
    console.type_keys("2");
    console.wait_text(&format!("2 SOP {sop}"));
}

/// Whether the queue shows this alert, and the details belong to it.
fn is_alone(screen: &str, alert: &str) -> bool {
    let rows = screen.lines().filter(|line| line.contains(alert)).count();
    let others =
        ["DiskFull", "WorkerCrashLooping", "CertificateExpiringSoon"].into_iter().filter(|name| *name != alert);
    rows >= 2 && others.into_iter().all(|other| !screen.contains(other))
}

/// Fixes the three incidents with what their SOPs say, one after the other, and leaves.
fn fix_everything(console: &mut Console) {
    // A read: one chord after reading. What frees the space is not known to be harmless: the target's name has to be typed.
    go_to(console, "DiskFull", "Disk full");
    run_step(console, "du -xh", None);
    console.wait_text("Attempt 1 exit 0");
    run_step(console, "-delete", Some("demo"));
    console.wait_text("Attempt 2 exit 0");
    console.wait_text("2 open");

    go_to(console, "WorkerCrashLooping", "Worker crash loop");
    run_step(console, "cat -- <status_file>", None);
    console.wait_text("failures_in_a_row");
    run_step(console, "tail --lines=40", None);
    // The line is broken where its pane ends.
    console.wait_text("error supervisor: order-mailer");
    run_step(console, "diff -u", None);
    console.wait_text("Attempt 5 exit 1");
    run_step(console, "suffix=.replaced -- <config", Some("demo"));
    console.wait_text("Attempt 6 exit 0");
    console.wait_text("1 open");

    go_to(console, "CertificateExpiringSoon", "Certificate about to expire");
    run_step(console, "stat --format", None);
    console.wait_text("Attempt 7 exit 0");
    run_step(console, "renew-certificate <", Some("demo"));
    console.wait_text("Attempt 8 exit 0");
    console.wait_text("0 open");
}

fn walk_through(columns: u16, rows: u16, options: &[&str], looks_right: impl Fn(&str)) {
    let home = Home::new();
    let mut console = Console::start(&home, columns, rows, &[&["demo", "--stagger", "1"], options].concat());
    console.wait("all three incidents", |screen| {
        screen.contains("3 open") && screen.contains("1 CRIT 1 HIGH 1 WARN") && screen.contains("WorkerCrashLooping")
    });
    looks_right(&console.contents());
    fix_everything(&mut console);
    looks_right(&console.contents());

    let database = find_database(&home);
    let verified = home.run(&["--db", &database, "journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));

    console.type_keys("1q");
    assert_eq!(console.wait_exit(), 0);
    let left: Vec<_> = walk(&home.path().join("tmp"));
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
    assert_eq!(parts_below(&home), [0; 0], "a process of the demo survived");
}

#[test]
fn three_incidents_are_fixed_by_approved_commands_and_clear() {
    walk_through(160, 48, &["--no-tour"], |screen| assert!(!screen.contains("Tour "), "{screen}"));
}

#[test]
fn three_incidents_are_fixed_on_a_small_screen() {
    walk_through(80, 24, &["--no-tour"], |screen| assert!(!screen.contains("Tour "), "{screen}"));
}

#[test]
fn after_the_fix_the_sop_s_verification_runs_and_nothing_that_changes() {
    let home = Home::new();
    let mut console = Console::start(&home, 120, 40, &["demo", "--no-tour", "--stagger", "3600"]);
    console.wait_text("DiskFull demo");
    console.wait_text("2 SOP Disk full");
    run_step(&mut console, "-delete", Some("demo"));
    console.wait_text("0 open");
    // The last `du` of the document is the one of its verification.
    console.type_keys("2/du -sh <mountpoint>\r");
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    console.wait_text("It has ended. When it fires again, this is void.");
    approve(&mut console, None);
    console.wait_text("Attempt 2 exit 0");
    // What removes something is no verification.
    console.type_keys("2/-delete\rr");
    console.wait_text("no longer fires, and this command");
    console.type_keys("1q");
    assert_eq!(console.wait_exit(), 0);
}

/// Every hint of the tour, done as it says, leads to the next one, to the end of the incident, and to a question.
fn go_on_the_tour(console: &mut Console) {
    console.wait_text("Tour 1/6  An incident. d shows all that is known of it.");
    console.type_keys("d");
    console.wait_text("Tour 2/6  esc closes this.");
    console.type_keys("\x1b");
    console.wait_text("Tour 2/6  2 goes to its SOP");
    console.type_keys("2");
    console.wait_text("Tour 3/6  ] next step, r proposes its command.");
    console.type_keys("r");
    console.wait_text("Tour 4/6  A reviews");
    console.type_keys("A");
    approve(console, None);
    console.wait_text("Tour 5/6  Output is below. ] to Mitigation, r, A: it clears.");
    console.wait_text("Attempt 1 exit 0");
    run_step(console, "-delete", Some("demo"));
    console.wait_text("Tour 6/6  3 goes to the chat: ask about an incident.");
    console.type_keys("3");
    console.wait_text("Tour 6/6  i types a question.");
    console.type_keys("iwhat is left to do?\r");
}

fn leave_after_the_tour(console: &mut Console) {
    console.wait_text("That was the tour");
    console.wait("the row of the tour given back", |screen| !screen.contains("Tour "));
    // Out of the question's field first.
    console.type_keys("\tq");
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn the_tour_leads_from_the_alert_to_its_end_and_to_an_answer_without_a_model() {
    let home = Home::new();
    let mut console = Console::start(&home, 80, 24, &["demo", "--stagger", "3600"]);
    go_on_the_tour(&mut console);
    console.wait_text("not by a model");
    leave_after_the_tour(&mut console);
}

#[test]
fn the_tour_leads_to_an_answer_of_the_stand_in() {
    let home = Home::new();
    let mut console = Console::start(&home, 80, 24, &["demo", "--stagger", "3600", "--fake-model"]);
    go_on_the_tour(&mut console);
    console.wait_text("All that would leave this host. enter sends it");
    send_preview(&mut console);
    console.wait_text("[sop:bundled/disk-full.md]");
    leave_after_the_tour(&mut console);
}

/// Sends what the preview shows: a key that was pressed before it could be read sends nothing.
pub(crate) fn send_preview(console: &mut Console) {
    let deadline = std::time::Instant::now() + super::pty::PATIENCE;
    while console.contents().contains("exactly these:") {
        assert!(std::time::Instant::now() < deadline, "it was never sent\n{}", console.contents());
        console.type_keys("\r");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A person asks about the full disk, reads what would be sent, sends it, proposes a command of the answer, reviews and
/// approves it, and sees its output. `console` runs `aiops demo --no-tour --fake-model`.
pub(crate) fn from_a_question_to_the_output(console: &mut Console) {
    console.wait("the incident, and whose answers one gets", |screen| {
        screen.contains("DiskFull demo") && screen.contains("opened with severity") && screen.contains("stand-in $")
    });
    console.type_keys("3");
    console.type_keys("iwhat should I do about this?\r");
    // The first message is shown before it leaves, unasked.
    console.wait("where it goes, to whom, and that names were replaced", |screen| {
        let head = ["To        http://127.0.0.1:", "Model     stand-in", "Replaced  1 host", "exactly these:"];
        head.into_iter().all(|words| screen.contains(words))
    });
    send_preview(console);
    // As long as it arrives, the title says how to stop it, and nothing of it can be proposed.
    console.wait("the whole answer, and whose it is", |screen| {
        let title = screen.lines().find_map(|line| Some(line.split_once("3 Chat ")?.1));
        screen.contains("I have run neither") && title.is_some_and(|title| title.contains("stand-in"))
    });
    // Out of the question's field, and to the first block of the answer: the look before the deletion.
    console.type_keys("\t3");
    console.type_keys("]r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    console.wait_text("the assistant wrote this command");
    approve(console, None);
    console.type_keys("4");
    console
        .wait("what the command has found", |screen| screen.contains("Attempt 1 exit 0") && screen.contains(".log.1"));
}

fn ask_and_approve(columns: u16, rows: u16) {
    let home = Home::new();
    let demo = ["demo", "--no-tour", "--stagger", "3600", "--fake-model"];
    let mut console = Console::start(&home, columns, rows, &demo);
    from_a_question_to_the_output(&mut console);
    let verified = home.run(&["--db", &find_database(&home), "journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    leave_and_find_nothing(&home, &mut console);
}

#[test]
fn a_command_of_an_answer_is_proposed_reviewed_and_approved() {
    ask_and_approve(160, 48);
}

#[test]
fn a_command_of_an_answer_is_approved_on_a_small_screen() {
    ask_and_approve(80, 24);
}

#[test]
fn a_crashed_demo_ends_its_processes_and_is_cleaned_up_by_the_next_one() {
    let home = Home::new();
    let mut first = Console::start(&home, 120, 40, &["demo", "--stagger", "1"]);
    first.wait("incidents of running processes", |screen| {
        screen.contains("DiskFull demo") && screen.contains("WorkerCrashLooping")
    });
    assert!(!parts_below(&home).is_empty(), "the supervisor runs");
    first.signal(nix::sys::signal::Signal::SIGKILL);
    first.wait_exit();
    eventually("the end of every process of the killed demo", || parts_below(&home).is_empty());
    let left = walk(&home.path().join("tmp"));
    assert!(!left.is_empty(), "a killed demo cannot clean up");
    let mut second = Console::start(&home, 120, 40, &["demo", "--stagger", "3600"]);
    second.wait_text("DiskFull demo");
    for path in &left {
        assert!(!path.exists(), "{} is still there", path.display());
    }
    second.type_keys("q");
    second.wait_exit();
}

/// The process ids of what the demos of `home` have started, approved commands aside.
fn parts_below(home: &Home) -> Vec<i32> {
    let place = home.path().display().to_string();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let plays = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        words.split('\0').nth(1) == Some("demo-part") && words.contains(&place)
    };
    pids.filter(plays).collect()
}

/// A demo in which the command that removes the logs was approved and does not end.
struct SlowFix {
    home: Home,
    config: String,
    ledger: PathBuf,
    console: Console,
}

impl SlowFix {
    fn running() -> Self {
        let home = Home::new();
        let (programs, ledger) = (home.path().join("bin"), home.path().join("ledger"));
        slow_find(&programs, &ledger);
        let config = home.configure(&format!("[run]\npath = \"{}:/usr/bin:/bin\"\n", programs.display()));
        let config = config.display().to_string();
        let mut console = Self::start(&home, &config);
        console.wait_text("DiskFull demo");
        console.wait_text("2 SOP Disk full");
        run_step(&mut console, "-delete", Some("demo"));
        console.wait_text("Attempt 1 running");
        eventually("the numbers of its processes", || pids(&ledger).len() == 2);
        Self { home, config, ledger, console }
    }

    fn start(home: &Home, config: &str) -> Console {
        Console::start(home, 120, 40, &["--config", config, "demo", "--stagger", "3600"])
    }

    /// The command's processes and its supervisor.
    fn processes(&self) -> Vec<i32> {
        let place = find_database(&self.home).replace("/aiops.db", "");
        for pid in pids(&self.ledger) {
            let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
            assert!(directory.starts_with(&place), "{} is not in the demo's directory", directory.display());
        }
        pids(&self.ledger).into_iter().chain([supervisor_of(Path::new(&place))]).collect()
    }
}

fn leave_and_find_nothing(home: &Home, console: &mut Console) {
    console.type_keys("1q");
    assert_eq!(console.wait_exit(), 0);
    assert_eq!(std::fs::read_dir(home.path().join("tmp")).unwrap().count(), 0, "the demo leaves nothing behind");
}

#[test]
fn leaving_the_demo_ends_the_command_that_runs_and_leaves_nothing_behind() {
    let mut slow = SlowFix::running();
    let processes = slow.processes();
    leave_and_find_nothing(&slow.home, &mut slow.console);
    for pid in processes {
        assert!(!is_alive(pid), "process {pid} survived");
    }
}

#[test]
fn the_next_demo_ends_the_command_that_a_killed_one_left_running() {
    let mut slow = SlowFix::running();
    let processes = slow.processes();
    slow.console.signal(nix::sys::signal::Signal::SIGKILL);
    slow.console.wait_exit();
    assert!(processes.iter().all(|pid| is_alive(*pid)), "an approved command outlives the console");
    let mut second = SlowFix::start(&slow.home, &slow.config);
    second.wait_text("DiskFull demo");
    for pid in processes {
        assert!(!is_alive(pid), "process {pid} survived");
    }
    leave_and_find_nothing(&slow.home, &mut second);
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
            ["Ready to approve", "Too early", "more line", "not on the screen yet"]
                .into_iter()
                .any(|words| screen.contains(words))
        });
        if screen.contains("Ready to approve") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the review never became ready\n{screen}");
        // Of two pages that are turned before the first was drawn, the first one was not on the screen.
        if screen.contains("not on the screen yet") {
            console.type_keys("\x1b[5~");
        } else if screen.contains("more line") {
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

pub(crate) fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
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

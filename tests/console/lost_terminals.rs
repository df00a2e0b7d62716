//! Terminals that are lost in mid-step, in every way there is: what ran goes on, is on the list of what runs, and its output
//! is complete. Consoles are real ones; where only the approval matters, `aiops runs approve` is what has the terminal.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::headless::{Headless, TARGET};
use super::pipeline::eventually;
use super::scene::Scene;
use super::sshd::{Programs, Sshd};

/// So many terminals are lost in each way: all of them, and what is done every time.
const CLOSED: (usize, usize) = (80, 12);
const HUNG_UP: (usize, usize) = (40, 2);
const CLIENT_KILLED: (usize, usize) = (40, 2);
const SERVER_KILLED: (usize, usize) = (40, 2);

/// What the step of a terminal without a console does: it counts until it may end.
const STEP: &str = "until test -e \"$LEDGER.go\"; do i=$((i+1)); echo line $i; echo $i > \"$LEDGER.count\"; sleep 0.01; done\n\
                    echo finished";

/// The first of two counts when `AIOPS_LONG=1` asks for all.
fn full_or((full, every_time): (usize, usize)) -> usize {
    if std::env::var("AIOPS_LONG").is_ok_and(|value| value == "1") { full } else { every_time }
}

/// A moment in mid-step, another one each time.
fn linger(number: usize) {
    std::thread::sleep(Duration::from_millis(u64::try_from(number * 37 % 300).unwrap()));
}

/// Fails unless `output` is the whole of what a command has written that has counted to `count`.
fn assert_complete(output: &str, count: usize) {
    let mut expected: String = (1..=count).map(|number| format!("line {number}\n")).collect();
    expected.push_str("finished\n");
    assert!(count > 0 && output == expected, "counted to {count}, the output ends with {:?}", output.lines().last());
}

/// Every process that has something of this home in its command line, apart from those that serve logins.
fn processes_of(home: &std::path::Path) -> BTreeSet<i32> {
    let home = home.display().to_string();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let belongs = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        words.contains(&home) && !words.contains("sshd")
    };
    pids.filter(belongs).collect()
}

/// The supervisor and its session, for a run that is said to be running.
fn listed(run: &serde_json::Value, of_home: &BTreeSet<i32>) -> BTreeSet<i32> {
    assert!(run["state"] == "running" || run["state"] == "starting", "{run}");
    let directory = run["attempt"]["directory"].as_str().unwrap();
    let claim = std::fs::read_to_string(format!("{directory}/supervisor.json")).unwrap();
    let claim: serde_json::Value = serde_json::from_str(&claim).unwrap();
    let supervisor = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
    of_home.iter().copied().filter(|pid| session_of(*pid) == Some(supervisor)).collect()
}

/// The session of a process: the sixth field (proc(5)).
fn session_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(3)?.parse().ok()
}

/// Everything of the home that runs belongs to one of `runs`.
fn assert_no_orphans(home: &std::path::Path, runs: &[serde_json::Value]) {
    let of_home = processes_of(home);
    let known: BTreeSet<i32> = runs.iter().flat_map(|run| listed(run, &of_home)).collect();
    assert!(!known.is_empty(), "the step goes on");
    // One may have ended since it was seen.
    let orphans: Vec<i32> = of_home.difference(&known).copied().filter(|pid| session_of(*pid).is_some()).collect();
    assert!(orphans.is_empty(), "on no list: {orphans:?} of {of_home:?}");
}

/// A terminal whose other side is closed while `aiops runs approve` waits in it.
fn close_terminals(count: usize) {
    let home = Headless::new(STEP);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let proposer = runtime.block_on(home.proposer());
    let place = |name: &str| home.path().join(format!("ledger.{name}"));
    for number in 0..count {
        let _ = std::fs::remove_file(place("go"));
        let _ = std::fs::remove_file(place("count"));
        let proposal = runtime.block_on(proposer.propose(number));
        let id = proposal.id.to_string();
        let words = ["runs", "approve", &id, "--digest", &proposal.digest, "--target", TARGET];
        let terminal = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut console = terminal.slave.spawn_command(in_terminal(&home.aiops(&words))).unwrap();
        drop(terminal.slave);
        eventually("the step", || place("count").exists());
        linger(number);
        // The kernel tells the programs of the terminal that it is gone.
        drop(terminal.master);
        console.wait().unwrap();
        let run = home.json(&["runs", "show", &id]).remove(0);
        assert_no_orphans(home.path(), std::slice::from_ref(&run));
        std::fs::write(place("go"), "").unwrap();
        let ended = home.json(&["runs", "wait", &id]).remove(0);
        let counted = std::fs::read_to_string(place("count")).unwrap().trim().parse().unwrap();
        let output = std::fs::read_to_string(format!("{}/output", run["attempt"]["directory"].as_str().unwrap()));
        assert_complete(&output.unwrap(), counted);
        assert_eq!((&ended["state"], &ended["attempt"]["code"]), (&"ended".into(), &0.into()));
        assert_eq!(processes_of(home.path()), BTreeSet::new());
    }
    assert!(home.run(&["journal", "verify"]).status.success());
}

/// The same command for a terminal.
fn in_terminal(command: &std::process::Command) -> CommandBuilder {
    let mut words = CommandBuilder::new(command.get_program());
    words.args(command.get_args());
    words.env_clear();
    for (name, value) in command.get_envs() {
        words.env(name, value.unwrap_or_default());
    }
    words
}

/// How a whole console loses its terminal.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// The kernel's signal to the programs of a terminal that is gone.
    HungUp,
    /// The person's end of the connection is gone; the server then closes the terminal.
    ClientKilled,
    /// The server's end is gone, and with it the terminal.
    ServerKilled,
}

/// A console that loses its terminal while the step runs.
fn lose_console(loss: Loss, number: usize, programs: Option<&Programs>) {
    let scene = Scene::counting();
    let sshd = programs
        .map(|programs| Sshd::start(programs, &scene.home, &[env!("CARGO_BIN_EXE_aiops"), "--config", &scene.config]));
    let mut console = match &sshd {
        None => scene.start(),
        Some(sshd) => sshd.login(&scene.home, 120, 40, "xterm-256color"),
    };
    scene.approve_slow_fix(&mut console);
    eventually("the count", || scene.count() > 0);
    linger(number);
    let consoles = sshd.as_ref().map_or_else(Vec::new, Sshd::consoles);
    match (loss, &sshd) {
        (Loss::ClientKilled, _) => console.signal(Signal::SIGKILL),
        (Loss::ServerKilled, Some(sshd)) => sshd.kill_sessions(),
        (Loss::ServerKilled, None) | (Loss::HungUp, _) => console.hang_up(),
    }
    console.wait_exit();
    // One whose server end is gone is nobody's child that we know of; it leaves in its own time.
    eventually("the end of the console", || consoles.iter().all(|pid| session_of(*pid).is_none()));
    let runs = runs(&scene);
    assert_no_orphans(scene.home.path(), &runs);
    scene.release();
    scene.wait_outcome();
    assert!(scene.home.run(&["--config", &scene.config, "runs", "wait"]).status.success());
    assert_complete(&scene.output(), scene.count());
    assert_eq!((scene.starts(), self::runs(&scene)[0]["state"].as_str()), (1, Some("ended")));
    drop(sshd);
    assert_eq!(processes_of(scene.home.path()), BTreeSet::new(), "{loss:?}");
    scene.assert_journal_is_whole();
}

/// What `aiops runs list` has.
fn runs(scene: &Scene) -> Vec<serde_json::Value> {
    let output = scene.home.run(&["--config", &scene.config, "runs", "list", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    super::headless::lines(&output.stdout)
}

#[test]
fn terminals_lost_in_mid_step_leave_no_unlisted_process_and_whole_output() {
    let begun = Instant::now();
    let test = "terminals_lost_in_mid_step_leave_no_unlisted_process_and_whole_output";
    let programs = Programs::installed(test);
    let consoles = |loss, count: (usize, usize), programs: Option<&Programs>| {
        (0..full_or(count)).for_each(|number| lose_console(loss, number, programs));
        full_or(count)
    };
    let lost: usize = std::thread::scope(|scope| {
        let closed = scope.spawn(|| {
            close_terminals(full_or(CLOSED));
            full_or(CLOSED)
        });
        let hung_up = scope.spawn(|| consoles(Loss::HungUp, HUNG_UP, None));
        let over_ssh = scope.spawn(|| {
            let Some(programs) = &programs else { return 0 };
            let client = consoles(Loss::ClientKilled, CLIENT_KILLED, Some(programs));
            client + consoles(Loss::ServerKilled, SERVER_KILLED, Some(programs))
        });
        [closed, hung_up, over_ssh].into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let all = [CLOSED, HUNG_UP, CLIENT_KILLED, SERVER_KILLED].map(|(full, _)| full).iter().sum::<usize>();
    let line = format!(
        "{lost} terminals lost in mid-step (the full count is {all}), {:?}: 0 unlisted orphans, every output complete",
        begun.elapsed()
    );
    super::support::say(&line);
}

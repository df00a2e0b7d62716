//! The runner and its supervisor with real processes and the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bash_stub;
mod binding;
#[path = "../common/chance.rs"]
mod chance;
mod commands;
mod confined;
mod console_loss;
mod corpus_bash;
mod damaged;
mod endings;
mod engine;
mod full_disk;
mod full_points;
mod given_up;
mod grammar_bash;
mod grammar_fuzz;
mod groups;
mod hand_over;
mod handed;
mod headless;
mod improving;
mod in_container;
mod in_doubt;
mod killed_at_random;
mod lending;
mod loopback;
mod over_ssh;
mod power_cut;
mod racing;
mod racing_processes;
mod runs;
mod scope;
mod scopes;
#[path = "../common/small_disk.rs"]
mod small_disk;
mod support;
mod versions;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aiops::adapters::process::{PartRecord, StageStatus};
use aiops::domain::action::attempt::Outcome;
use aiops::domain::digest::sha256_hex;
use aiops::engine::ports::{ActionRunner as _, Probe};
use rstest::rstest;
use support::{Attempt, finish, grant, runner, spec};

const fn exited(code: i32) -> Outcome {
    Outcome::Exited { code }
}

#[rstest]
#[case::plain("echo hello", 0, "hello\n")]
#[case::false_("false", 1, "")]
#[case::bash_code("for i in 1; do exit 7; done", 7, "")]
#[case::pipeline("printf 'b\\na\\n' | sort", 0, "a\nb\n")]
#[case::three_stages("printf 'b\\na\\nb\\n' | sort | uniq -c | wc -l", 0, "2\n")]
#[case::early_failure_counts("ls /nonexistent/x 2>/dev/null | cat", 2, "")]
#[case::late_failure_counts("echo a | grep b", 1, "")]
#[case::reader_had_enough("yes | head -n 1 && echo on", 0, "y\non\n")]
#[case::and("true && echo a", 0, "a\n")]
#[case::and_short("false && echo a", 1, "")]
#[case::or("false || echo b", 0, "b\n")]
#[case::or_short("true || echo b", 0, "")]
#[case::chain("false && echo a || echo b && echo c; echo d", 0, "b\nc\nd\n")]
#[case::semicolon("false; echo a", 0, "a\n")]
#[case::order("echo a; ls /nonexistent/x; echo b 1>&2; echo c", 0, "a\n*\nb\nc\n")]
#[case::null("echo a >/dev/null; ls /nonexistent 2>/dev/null || echo b", 0, "b\n")]
#[case::err_into_pipe("ls /nonexistent/x 2>&1 >/dev/null | wc -l || echo failed", 0, "1\nfailed\n")]
#[case::null_starves_the_pipe("echo a >/dev/null | wc -c", 0, "0\n")]
#[case::stdin_is_empty("wc -c", 0, "0\n")]
#[case::stdin_of_bash_is_empty("x=$(wc -c); echo \"$x\"", 0, "0\n")]
#[case::no_terminal("tty", 1, "not a tty\n")]
#[case::missing_then("no-such-program || echo b", 0, "*\nb\n")]
#[case::missing_in_pipeline("no-such-program | cat", 127, "*\n")]
#[case::variable("A='x y'; printf '[%s]' $A \"$A\"", 0, "[x][y][x y]")]
#[case::exported("export A=1; printenv A", 0, "1\n")]
#[case::environment_of_one("A=2 printenv A; printenv A", 1, "2\n")]
#[case::directory("cd /usr/../tmp && pwd; cd /; pwd", 0, "/tmp\n/\n")]
#[case::missing_directory("echo a; cd /nonexistent/x; echo b", 126, "a\n*\n")]
#[case::missing_directory_at_the_end("echo a; cd /nonexistent/x", 126, "a\n*\n")]
#[case::only_set("A=1", 0, "")]
#[case::argv_is_exact("printf '[%s]' 'a b' \"\" '*' 'x;y'", 0, "[a b][][*][x;y]")]
fn scripts_run_as_bash_would_with_pipefail(#[case] script: &str, #[case] code: i32, #[case] expected: &str) {
    let (outcome, output) = finish(script);
    assert_eq!(outcome, exited(code), "{output}");
    let output: String = output.split_inclusive('\n').filter(|line| !line.starts_with("aiops: statuses: ")).collect();
    let (before, after) = expected.split_once("*\n").unwrap_or((expected, ""));
    if expected.contains("*\n") {
        assert!(output.starts_with(before) && output.ends_with(after), "{output:?}");
        assert_eq!(output.lines().count(), expected.lines().count(), "{output:?}");
    } else {
        assert_eq!(output, expected);
    }
}

#[test]
fn the_status_of_every_stage_is_kept() {
    let record = Attempt::start(spec("true | false | no-such-program; false && true; yes | head -n 1")).record();
    let PartRecord::Ran { stages } = &record.parts[0] else { panic!("{record:?}") };
    assert_eq!(stages[..2], [StageStatus::Exited { code: 0 }, StageStatus::Exited { code: 1 }]);
    assert!(matches!(stages[2], StageStatus::NotStarted { code: 127, .. }));
    assert_eq!(record.parts[2], PartRecord::Skipped);
    let sigpipe = StageStatus::Signalled { signal: 13 };
    assert_eq!(record.parts[3], PartRecord::Ran { stages: vec![sigpipe, StageStatus::Exited { code: 0 }] });
}

#[rstest]
#[case::all_well("echo a | cat", "a\n")]
#[case::reader_had_enough("yes | head -n 1", "y\n")]
#[case::alone("false", "")]
#[case::first("printf a; ls /nonexistent/x 2>/dev/null | cat", "a\naiops: statuses: ls exit 2 | cat exit 0\n")]
#[case::middle("echo a | grep b | cat", "aiops: statuses: echo exit 0 | grep exit 1 | cat exit 0\n")]
#[case::each(
    "false; true; bash -c 'kill -9 $$' | cat",
    "aiops: statuses: false exit 1\naiops: statuses: bash signal 9 | cat exit 0\n"
)]
fn statuses_that_the_outcome_does_not_tell_stand_below_the_output(#[case] script: &str, #[case] expected: &str) {
    let attempt = Attempt::start(spec(script));
    let record = attempt.record();
    assert_eq!(attempt.output(), expected);
    assert_eq!((record.output_bytes, record.output_digest), (expected.len() as u64, sha256_hex(expected.as_bytes())));
}

#[test]
fn the_environment_is_exactly_what_was_approved() {
    let mut spec = spec("env");
    spec.env = BTreeMap::from([("PATH", "/usr/bin:/bin"), ("A", "1 2")].map(|(n, v)| (n.to_owned(), v.to_owned())));
    let attempt = Attempt::start(spec);
    assert_eq!(attempt.outcome(), exited(0));
    let output = attempt.output();
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=1 2", "PATH=/usr/bin:/bin"]);
}

#[test]
fn signals_and_descriptors_of_started_programs_are_the_usual_ones() {
    let (outcome, output) = finish("grep -E 'SigBlk|SigIgn' /proc/self/status; ls /proc/self/fd");
    assert_eq!(outcome, exited(0));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "SigBlk:\t0000000000000000");
    // What this test program was started with (`nohup`) is inherited; SIGPIPE is ignored only here, by Rust itself.
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    // The standard signals, 1 to 31; the C library has uses of its own for those behind them.
    let mask = |text: &str| u64::from_str_radix(text, 16).unwrap() & 0x7fff_ffff;
    let inherited = mask(own) & !(1 << 12);
    assert_eq!(mask(lines[1].strip_prefix("SigIgn:\t").unwrap()) & !inherited, 0, "nothing more is ignored");
    // 3 is the directory that `ls` reads.
    assert_eq!(lines[2..], ["0", "1", "2", "3"]);
}

#[test]
fn the_working_directory_is_the_approved_one() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let mut action = spec("pwd -P");
    action.cwd = place.to_str().unwrap().to_owned();
    let attempt = Attempt::start(action.clone());
    assert_eq!(attempt.outcome(), exited(0));
    assert_eq!(attempt.output().trim_end(), place.to_str().unwrap());
    action.cwd = "/nonexistent/x".to_owned();
    let attempt = Attempt::start(action);
    let Outcome::NotStarted { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
    assert!(reason.contains("/nonexistent/x"), "{reason}");
}

#[test]
fn when_nothing_could_be_started_the_outcome_says_so() {
    let (outcome, output) = finish("no-such-program --version");
    let Outcome::NotStarted { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("no-such-program"), "{reason}");
    assert!(output.contains(&reason), "{output}");
    let (outcome, _) = finish("/etc/passwd");
    assert!(matches!(outcome, Outcome::NotStarted { .. }), "{outcome:?}");
}

#[test]
fn output_is_limited_and_still_drained() {
    let mut limited = runner();
    limited.output_limit = 1000;
    let attempt = Attempt::start_with(limited, spec("yes | head -c 1000000; echo end"));
    let record = attempt.record();
    assert_eq!(record.outcome, exited(0));
    let output = attempt.output();
    assert!(output.starts_with("y\ny\n"));
    assert_eq!(output.matches("output limit of 1000 bytes").count(), 1);
    assert!(output.ends_with("aiops: 999004 bytes of output were not kept\n"), "{output}");
    assert_eq!(record.dropped_bytes, 1_000_000 + 4 - 1000);
    assert_eq!(record.output_bytes, output.len() as u64);
    assert_eq!(record.output_digest, sha256_hex(output.as_bytes()));
}

#[test]
fn output_is_read_piece_by_piece() {
    let attempt = Attempt::start(spec("printf 0123456789"));
    attempt.outcome();
    let read = |offset, limit| attempt.runner.output(attempt.directory(), offset, limit).unwrap();
    assert_eq!((read(2, 3), read(8, 100), read(10, 5)), (b"234".to_vec(), b"89".to_vec(), Vec::new()));
    assert!(attempt.runner.output("/nonexistent/x", 0, 1).is_err());
}

#[test]
fn a_directory_is_used_once_and_its_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let attempt = Attempt::start(spec("echo once"));
    attempt.outcome();
    let again = attempt.runner.run(grant(spec("echo twice")), attempt.directory());
    assert!(again.is_err());
    assert_eq!(attempt.output(), "once\n");
    for entry in std::fs::read_dir(attempt.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn a_specification_that_was_not_approved_does_not_run() {
    let source = Attempt::start(spec("echo approved"));
    source.outcome();
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(source.path().join("spec.json")).unwrap();
    // Consistent in itself: only who approved it knows better.
    let doctored = text
        .replace("\"approved\"", "\"doctored\"")
        .replace(&spec("echo approved").digest(true), &spec("echo doctored").digest(true));
    assert_eq!(doctored.matches(&spec("echo doctored").digest(true)).count(), 1);
    std::fs::write(directory.path().join("spec.json"), doctored).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_aiops"))
        .arg("supervise")
        .arg(directory.path())
        .arg(spec("echo approved").digest(true))
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("not what was approved"));
    let lost = runner().probe(directory.path().to_str().unwrap());
    assert_eq!(lost, Probe::Lost { spawned: false, left: Vec::new(), output_bytes: 0 });
}

#[test]
fn a_program_that_is_no_supervisor_means_that_nothing_ran() {
    let mut broken = runner();
    // It is called as `ls supervise DIRECTORY`, and complains.
    broken.program = "/bin/ls".into();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let error = broken.run(grant(spec("echo a")), path).unwrap_err();
    assert!(error.to_string().contains("Nothing of it ran") && error.to_string().contains("supervise"), "{error}");
    assert_eq!(broken.probe(path), Probe::Lost { spawned: false, left: Vec::new(), output_bytes: 0 });
}

#[test]
fn what_the_supervisor_costs() {
    const ROUNDS: usize = 20;
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let plain = median(
        (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                assert!(std::process::Command::new("/bin/true").status().unwrap().success());
                start.elapsed()
            })
            .collect(),
    );
    let mut started = Vec::new();
    let supervised = median(
        (0..ROUNDS)
            .map(|_| {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().to_str().unwrap();
                let action = grant(spec("true"));
                let start = Instant::now();
                runner().run(action, path).unwrap();
                started.push(start.elapsed());
                support::until("it ended", || matches!(runner().probe(path), Probe::Ended(_)));
                start.elapsed()
            })
            .collect(),
    );
    support::say(&format!(
        "`true`: plain {plain:?}, supervised {supervised:?}, until it runs {:?} (medians)",
        median(started)
    ));
}

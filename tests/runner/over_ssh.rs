//! Actions on another host, over a real `sshd` on loopback.

use std::time::{Duration, Instant};

use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::spec::{ActionSpec, Target};
use aiops::domain::action::target::SshHost;
use aiops::engine::ports::ActionRunner as _;

use super::loopback::Sshd;
use super::support::{Attempt, is_alive, say, spec, until};

/// `script` on the host of `server`.
fn there(server: &Sshd, script: &str) -> ActionSpec {
    with_config(server.place("config").to_str().unwrap(), script)
}

fn with_config(config: &str, script: &str) -> ActionSpec {
    let target = SshHost { config: Some(config.to_owned()), ..SshHost::parse("loop").unwrap() };
    ActionSpec { target: Target::Ssh(target), ..spec(script) }
}

const fn exited(code: i32) -> Outcome {
    Outcome::Exited { code }
}

/// What runs through ssh has to end as it ends here, with the same output, byte by byte.
#[test]
fn scripts_end_there_as_they_do_here() {
    let Some(server) = Sshd::start() else { return };
    let scripts = [
        "echo hello",
        "false",
        "printf 'b\\na\\n' | sort",
        "ls /nonexistent/x 2>/dev/null | cat",
        "echo a | grep b",
        "yes | head -n 1 && echo on",
        "yes | head -n 1 | grep n || echo failed",
        "false && echo a || echo b && echo c; echo d",
        "false; true; echo a | grep b | cat",
        "echo a >/dev/null; ls /nonexistent 2>/dev/null || echo b",
        "wc -c",
        "printf '[%s]' 'a b' \"\" '*' 'x;y' '$HOME' '`id`' \"it's\" '\\' '!' '~' 'a\\nb'",
        "printf -v 'x[$(echo gone >&2)]' 1",
        "for i in 1 2; do echo $i; done; exit 7",
        "sh -c 'kill -9 $$'",
        "sh -c 'exit 255'",
        "cd /usr; pwd; cd bin && pwd",
        "cd /usr | cat; pwd",
        "A='1 2' env | grep ^A=; env | grep ^A= || echo none",
        "export B=\"it's\"; env | grep ^B=",
        "C=5; echo $C",
    ];
    for script in scripts {
        let (here, remote) = (Attempt::start(spec(script)), Attempt::start(there(&server, script)));
        let (mut here_record, remote_record) = (here.record(), remote.record());
        // A shell tells a signal as a status.
        if script.contains("kill -9") {
            here_record.outcome = exited(137);
            assert_eq!(remote.output(), here.output(), "{script}");
            assert_eq!(remote_record.outcome, here_record.outcome, "{script}");
            continue;
        }
        assert_eq!(remote.output(), here.output(), "{script}");
        assert_eq!(remote_record.outcome, here_record.outcome, "{script}");
        assert_eq!(remote_record.parts, here_record.parts, "{script}");
    }
    say(&format!("{} scripts end over ssh as they do here", scripts.len()));
}

#[test]
fn the_directory_is_that_of_the_other_host() {
    let Some(server) = Sshd::start() else { return };
    let place = server.place("");
    let place = place.to_str().unwrap().trim_end_matches('/');
    let attempt = Attempt::start(ActionSpec { cwd: place.to_owned(), ..there(&server, "pwd -P") });
    assert_eq!((attempt.outcome(), attempt.output().trim_end()), (exited(0), place));
    let attempt = Attempt::start(ActionSpec { cwd: "/nonexistent/x".to_owned(), ..there(&server, "pwd") });
    let Outcome::NotStarted { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
    assert!(reason.contains("/nonexistent/x"), "{reason}");
}

#[test]
fn a_connection_is_made_once_for_many_attempts() {
    let Some(server) = Sshd::start() else { return };
    let time = || {
        let start = Instant::now();
        assert_eq!(Attempt::start(there(&server, "true")).outcome(), exited(0));
        start.elapsed()
    };
    let first = time();
    let mut later: Vec<Duration> = (0..5).map(|_| time()).collect();
    later.sort_unstable();
    let log = std::fs::read_to_string(server.place("log")).unwrap();
    assert_eq!(log.matches("Accepted publickey").count(), 1, "{log}");
    say(&format!("`true` over ssh: {first:?} with the connection, then {:?} (median of {})", later[2], later.len()));
}

#[test]
fn a_lost_connection_makes_the_end_unknown_and_the_program_goes_on() {
    let Some(server) = Sshd::start() else { return };
    let (started, ledger) = (server.place("started"), server.place("ledger"));
    let script = format!(
        "bash -c 'echo $$ >{}; for n in 1 2 3 4 5 6 7 8; do echo line $n; sleep 0.1; done; echo done >>{}'",
        started.display(),
        ledger.display()
    );
    let attempt = Attempt::start(there(&server, &script));
    until("it runs there", || attempt.output().contains("line 2"));
    server.cut();
    let Outcome::Unknown { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
    assert!(reason.contains("was lost while it ran") && reason.contains("before anything is run again"), "{reason}");
    // It wrote to a connection that was gone, which did not end it; and nobody started it again.
    until("it has ended there", || std::fs::metadata(&ledger).is_ok_and(|found| found.len() > 0));
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "done\n");
}

#[test]
fn cancelling_ends_the_processes_there_too() {
    let Some(server) = Sshd::start() else { return };
    let started = server.place("started");
    let attempt =
        Attempt::start(there(&server, &format!("bash -c 'echo $$ >{}; sleep 1000; true'", started.display())));
    let pid = || std::fs::read_to_string(&started).ok().and_then(|text| text.trim().parse::<i32>().ok());
    until("it runs there", || pid().is_some());
    let pid = pid().unwrap();
    assert!(is_alive(pid));
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
    assert!(!is_alive(pid));
}

#[test]
fn what_ignores_term_is_killed_there_after_the_time_limit() {
    let Some(server) = Sshd::start() else { return };
    let started = server.place("started");
    let script = format!("bash -c 'trap \"\" TERM; echo $$ >{}; while :; do sleep 0.1; done'", started.display());
    let limited = ActionSpec { time_limit: Duration::from_secs(2), ..there(&server, &script) };
    let attempt = Attempt::start(limited);
    assert_eq!(attempt.outcome(), Outcome::TimedOut);
    let pid: i32 = std::fs::read_to_string(&started).unwrap().trim().parse().unwrap();
    assert!(!is_alive(pid));
}

#[test]
fn what_cannot_be_ended_there_is_unknown() {
    let Some(server) = Sshd::start() else { return };
    let attempt = Attempt::start(there(&server, "bash -c 'echo on; sleep 6'"));
    until("it runs there", || attempt.output().contains("on"));
    // From now on nobody gets in, and the connection is shared no more.
    std::fs::remove_file(server.place("config")).unwrap();
    let outcome = {
        attempt.runner.cancel(attempt.directory()).unwrap();
        attempt.outcome()
    };
    let Outcome::Unknown { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("may still run"), "{reason}");
}

#[test]
fn a_connection_that_cannot_be_made_says_why_and_nothing_ran() {
    let Some(server) = Sshd::start() else { return };
    std::fs::write(server.place("empty"), "").unwrap();
    let other = std::fs::read_to_string(server.place("other_key.pub")).unwrap();
    std::fs::write(server.place("changed"), format!("[127.0.0.1]:{} {other}", server.port())).unwrap();
    let cases = [
        (server.write_client("unknown_host", "user_key", "empty"), "compare the fingerprint"),
        (server.write_client("changed_host", "user_key", "changed"), "another one than before"),
        (server.write_client("refused", "other_key", "known_hosts"), "the login was refused"),
        (server.place("no_such_file").to_str().unwrap().to_owned(), "see whether you can log in by hand"),
    ];
    for (config, expected) in cases {
        let attempt = Attempt::start(with_config(&config, "echo ran"));
        let Outcome::NotStarted { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
        assert!(reason.contains(expected), "{reason}");
        assert!(!attempt.output().contains("ran\n"), "{}", attempt.output());
    }
}

#[test]
fn without_ssh_nothing_runs() {
    let mut action = with_config("/nonexistent/config", "echo ran");
    action.env.insert("PATH".to_owned(), "/nonexistent".to_owned());
    let Outcome::NotStarted { reason } = Attempt::start(action).outcome() else { panic!() };
    assert!(reason.contains("ssh could not be started"), "{reason}");
}

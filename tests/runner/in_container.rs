//! Actions in containers, through a stand-in for `kubectl` that writes down its words, starts what stands behind `--` here,
//! and fails as the real one does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use aiops::adapters::process::{PartRecord, StageStatus};
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::container::{Container, OWN_DIRECTORY};
use aiops::domain::action::spec::{ActionSpec, Target};
use aiops::engine::ports::ActionRunner as _;

use super::support::{Attempt, is_alive, read_record, say, spec, until};

/// What the stand-in does. The middle process is the container runtime, which outlives kubectl and reaps. The first line of `mode` says how it fails, if it does. Each word it got stands in `argv` behind a
/// line with their number.
const KUBECTL: &str = r#"#!/bin/bash
place=$(dirname "$0")
{ echo $#; printf '%s\n' "$@"; } >>"$place/argv"
mode=$(cat "$place/mode" 2>/dev/null)
pod=
while [ $# -gt 0 ] && [ "$1" != -- ]; do pod=$1; shift; done
shift
case $mode in
not-found) echo 'Error from server (NotFound): pods "db-0" not found' >&2; exit 1;;
unreachable) echo 'Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout' >&2; exit 1;;
forbidden) echo 'Error from server (Forbidden): pods "db-0" is forbidden: cannot create resource "pods/exec"' >&2; exit 1;;
no-program) printf 'OCI runtime exec failed: exec failed: unable to start container process: exec: "%s": executable file not found in $PATH: unknown\ncommand terminated with exit code 126\n' "$1" >&2; exit 126;;
esac
setsid bash -c 'place=$1; shift; setsid "$@" </dev/null & pid=$!; echo $pid >"$place/pid"; wait $pid' runtime "$place" "$@" &
pid=$!
if [ "$mode" = cut ]; then
    until [ -e "$place/cut" ]; do sleep 0.02; done
    echo 'error: unexpected EOF' >&2
    exit 1
fi
wait $pid
status=$?
[ $status = 0 ] || echo "command terminated with exit code $status" >&2
exit $status
"#;

/// A directory with the stand-in.
struct Cluster(tempfile::TempDir);

impl Cluster {
    fn start() -> Self {
        let cluster = Self(tempfile::tempdir().unwrap());
        std::fs::write(cluster.place("kubectl"), KUBECTL).unwrap();
        std::fs::set_permissions(cluster.place("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        cluster
    }

    fn failing(mode: &str) -> Self {
        let cluster = Self::start();
        std::fs::write(cluster.place("mode"), mode).unwrap();
        cluster
    }

    fn place(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `script` in the container `text`.
    fn inside(&self, text: &str, script: &str) -> ActionSpec {
        let mut action = spec(script);
        action.target = Target::Container(Container::parse(text).unwrap());
        action.cwd = OWN_DIRECTORY.to_owned();
        action.env.insert("PATH".to_owned(), format!("{}:/usr/bin:/bin", self.0.path().display()));
        action
    }

    fn action(&self, script: &str) -> ActionSpec {
        self.inside("container:shop/db-0/pg@eu", script)
    }

    /// The words of each call.
    fn calls(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.place("argv")).unwrap_or_default();
        let (mut calls, mut lines) = (Vec::new(), text.lines());
        while let Some(count) = lines.next().and_then(|line| line.parse::<usize>().ok()) {
            calls.push(lines.by_ref().take(count).map(str::to_owned).collect());
        }
        calls
    }

    /// The process that was started in the container.
    fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.place("pid")).ok()?.trim().parse().ok()
    }
}

const fn exited(code: i32) -> Outcome {
    Outcome::Exited { code }
}

#[test]
fn one_program_gets_its_words_and_no_shell_reads_them() {
    let cluster = Cluster::start();
    let attempt = Attempt::start(cluster.action("printf '[%s]' 'a b' '$HOME' '`id`' ';' \"it's\""));
    assert_eq!((attempt.outcome(), attempt.output().as_str()), (exited(0), "[a b][$HOME][`id`][;][it's]"));
    let expected = "--context eu -n shop exec db-0 -c pg -- printf [%s]|a b|$HOME|`id`|;|it's";
    let call = &cluster.calls()[0];
    assert_eq!(format!("{} {}", call[..10].join(" "), call[10..].join("|")), expected);
}

#[test]
fn without_context_and_container_nothing_stands_in_their_place() {
    let cluster = Cluster::start();
    assert_eq!(Attempt::start(cluster.inside("container:shop/db-0", "true")).outcome(), exited(0));
    assert_eq!(cluster.calls(), [["-n", "shop", "exec", "db-0", "--", "true"].map(str::to_owned)]);
}

/// What runs in a container has to end as it ends here, with the same output.
#[test]
fn scripts_end_there_as_they_do_here() {
    let scripts = [
        "echo hello",
        "false",
        "sh -c 'echo out; echo err >&2; exit 7'",
        "printf 'b\\na\\n' | sort",
        "ls /nonexistent/x 2>/dev/null | cat",
        "echo a | grep b",
        "yes | head -n 1 && echo on",
        "false && echo a || echo b && echo c; echo d",
        "A='1 2' env | grep ^A=",
        "cd /usr && pwd",
        "for i in 1 2; do echo $i; done; exit 9",
    ];
    let cluster = Cluster::start();
    for script in scripts {
        let (here, there) = (Attempt::start(spec(script)), Attempt::start(cluster.action(script)));
        let (here_record, record) = (here.record(), there.record());
        // Only kubectl says which status it was.
        let output = there.output();
        let said = output.lines().filter(|line| !line.starts_with("command terminated with"));
        assert_eq!(said.collect::<Vec<_>>(), here.output().lines().collect::<Vec<_>>(), "{script}");
        assert_eq!(record.outcome, here_record.outcome, "{script}");
        assert_eq!(record.parts, here_record.parts, "{script}");
    }
    say(&format!("{} scripts end in a container as they do here", scripts.len()));
}

#[test]
fn each_stage_of_a_pipeline_there_is_recorded() {
    let cluster = Cluster::start();
    let attempt = Attempt::start(cluster.action("sh -c 'echo a; exit 3' | grep b | cat"));
    let stages = [3, 1, 0].map(|code| StageStatus::Exited { code }).to_vec();
    assert_eq!(attempt.record().parts, [PartRecord::Ran { stages }]);
    assert!(attempt.output().contains("aiops: statuses: sh exit 3 | grep exit 1 | cat exit 0"), "{}", attempt.output());
}

#[test]
fn what_kubectl_refuses_did_not_run_and_says_why() {
    let cases = [
        ("not-found", "there is no such pod"),
        ("unreachable", "reaches the cluster"),
        ("forbidden", "pods/exec"),
        ("no-program", "not in the image"),
    ];
    for (mode, expected) in cases {
        let cluster = Cluster::failing(mode);
        for script in ["psql -l", "psql -l | cat"] {
            let Outcome::NotStarted { reason } = Attempt::start(cluster.action(script)).outcome() else {
                panic!("{mode}")
            };
            let expected = if mode == "no-program" && script.contains('|') { "no bash" } else { expected };
            assert!(reason.contains(expected) && reason.contains("nothing ran"), "{mode}: {reason}");
        }
        assert!(cluster.pid().is_none());
    }
}

#[test]
fn without_kubectl_nothing_runs() {
    let cluster = Cluster::start();
    let mut action = cluster.action("true");
    action.env.insert("PATH".to_owned(), "/nonexistent".to_owned());
    let Outcome::NotStarted { reason } = Attempt::start(action).outcome() else { panic!() };
    assert!(reason.contains("kubectl could not be started"), "{reason}");
}

#[test]
fn a_lost_connection_makes_the_end_unknown_and_the_program_goes_on() {
    for script in
        ["sh -c 'echo begun; sleep 0.3; echo done >LEDGER'", "sh -c 'echo begun; sleep 0.3; echo done >LEDGER' | cat"]
    {
        let cluster = Cluster::failing("cut");
        let ledger = cluster.place("ledger");
        let script = script.replace("LEDGER", ledger.to_str().unwrap());
        let attempt = Attempt::start(cluster.action(&script));
        until("it runs there", || attempt.output().contains("begun"));
        std::fs::write(cluster.place("cut"), "").unwrap();
        let Outcome::Unknown { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
        assert!(reason.contains("was lost") && reason.contains("before anything is run again"), "{reason}");
        until("it has ended there", || ledger.exists());
        assert_eq!(cluster.calls().len(), 1, "nothing was started again");
    }
}

#[test]
fn cancelling_ends_a_script_there_and_says_that_it_cannot_of_a_program() {
    let cluster = Cluster::start();
    let attempt = Attempt::start(cluster.action("echo begun; sleep 1000"));
    until("it runs there", || attempt.output().contains("begun"));
    let pid = cluster.pid().unwrap();
    attempt.runner.cancel(attempt.directory()).unwrap();
    assert_eq!(attempt.outcome(), Outcome::Cancelled);
    assert!(!is_alive(pid));

    let cluster = Cluster::start();
    let attempt = Attempt::start(cluster.action("sleep 3"));
    until("it runs there", || cluster.pid().is_some_and(is_alive));
    attempt.runner.cancel(attempt.directory()).unwrap();
    let Outcome::Unknown { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
    assert!(reason.contains("may still run in pod db-0"), "{reason}");
}

#[test]
fn after_its_time_a_script_is_ended_there() {
    let cluster = Cluster::start();
    let limited = ActionSpec { time_limit: Duration::from_secs(1), ..cluster.action("echo begun; sleep 1000") };
    let attempt = Attempt::start(limited);
    assert_eq!(attempt.outcome(), Outcome::TimedOut);
    assert!(!is_alive(cluster.pid().unwrap()));
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let cluster = Cluster::start();
    let action = ActionSpec { cwd: "/nonexistent/x".to_owned(), ..cluster.action("pwd") };
    let attempt = Attempt::start(action);
    let Outcome::NotStarted { reason } = attempt.outcome() else { panic!("{:?}", attempt.outcome()) };
    assert!(reason.contains("/nonexistent/x"), "{reason}");
    assert_eq!(read_record(attempt.path()).parts, []);
}

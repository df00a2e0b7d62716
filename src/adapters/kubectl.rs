//! What the person's own `kubectl` says of an action in a container, and what follows from it.
//!
//! Owns: the form of its messages, and telling its own failures from the ends of what it started. Does not: start it (see
//! `process`) or make its command line (see `domain::action::container`). Foreign text: images, clusters and programs wrote it.
//!
//! Invariant: that nothing ran is said only where every line is known to be written before anything is started. A program may
//! write such a line itself; then another line of kubectl follows, or its exit status is told, and both go before.

use std::time::Duration;

use crate::domain::action::container::Container;

/// Written by kubectl, last, when what it started has ended with a status other than 0; the status follows.
const TERMINATED: &str = "command terminated with exit code ";

/// Begin lines that are written before anything is started: the request was refused, or never got there
/// (k8s.io/kubectl/pkg/cmd/util and exec, k8s.io/client-go/tools/remotecommand).
const REFUSALS: [&str; 13] = [
    "Error from server (NotFound): ",
    "Error from server (Forbidden): ",
    "Error from server (BadRequest): ",
    "Error from server (Unauthorized): ",
    "Error from server: error dialing backend: dial ",
    "Unable to connect to the server: ",
    "The connection to the server ",
    "error: unable to upgrade connection: ",
    "error: You must be logged in to the server",
    "error: cannot exec into a container in a completed pod",
    "error: container ",
    "error: context ",
    "error: no context exists with the name: ",
];

/// Stand in a line of kubectl or of the container runtime that could not start the program: it is not in the image, or may
/// not be executed (opencontainers/runc, containers/crun).
const NOT_STARTED: [&str; 4] = [
    "executable file not found in $PATH",
    "exec failed: unable to start container process",
    "no such file or directory: OCI runtime",
    "OCI runtime exec failed",
];

/// What kubectl exits with when the runtime could not start the program (runc, crun), and with its own failures.
const RUNTIME_FAILED: [i32; 4] = [126, 127, 128, 255];

/// How something that kubectl was to start ended, as far as it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It ended with this status.
    Exited(i32),
    /// It was not started, for this reason.
    Refused(String),
    /// The connection was lost, or nobody knows what happened.
    Unclear,
}

/// What `said`, the lines of kubectl's standard error, tell with its exit status `code`. `whole` says that they are all of
/// them, and not only the last.
pub(super) fn told(code: i32, said: &[String], whole: bool) -> Told {
    if code == 0 {
        return Told::Exited(0);
    }
    let lines = || said.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let not_started = lines().rev().take(3).any(|line| NOT_STARTED.iter().any(|words| line.contains(words)));
    let status = lines().next_back().and_then(|line| line.strip_prefix(TERMINATED)?.parse::<i32>().ok());
    // What the image has not got, the runtime says, and nothing before it but what kubectl may always say.
    let only_runtime = whole && lines().all(|line| is_remark(line) || is_runtime(line) || line.starts_with(TERMINATED));
    if not_started && only_runtime && status.is_none_or(|status| RUNTIME_FAILED.contains(&status)) {
        return Told::Refused(explained(said));
    }
    if let Some(status) = status {
        return if status == code { Told::Exited(code) } else { Told::Unclear };
    }
    let refused = lines().any(is_refusal) && whole && lines().all(|line| is_remark(line) || is_refusal(line));
    if refused { Told::Refused(explained(said)) } else { Told::Unclear }
}

fn is_refusal(line: &str) -> bool {
    REFUSALS.iter().any(|words| line.starts_with(words))
}

fn is_runtime(line: &str) -> bool {
    NOT_STARTED.iter().any(|words| line.contains(words))
}

/// Lines that kubectl writes besides: which container it chose, and those of its log (`E0102 03:04:05.6 …`).
fn is_remark(line: &str) -> bool {
    let mut signs = line.chars();
    let logged = matches!(signs.next(), Some('E' | 'W' | 'I')) && signs.by_ref().take(4).all(|c| c.is_ascii_digit());
    line.starts_with("Defaulted container ") || (logged && line.contains(']'))
}

/// Why nothing ran, and what the person can do.
fn explained(said: &[String]) -> String {
    let all = said.join("; ");
    let has = |words: &[&str]| words.iter().any(|words| all.contains(words));
    let remedy = if has(&["(Forbidden)", "(Unauthorized)", "logged in", "Forbidden"]) {
        "your account may not do that there: it needs the right to create pods/exec in the namespace"
    } else if has(&["bash\": executable", "bash: no such file"]) {
        "the image has no bash, which more than one plain program needs: write the step as single programs"
    } else if has(&NOT_STARTED) {
        "the program is not in the image: look at what is, or use a debug container by hand"
    } else if has(&["completed pod"]) {
        "the pod has ended: look for the one that took its place"
    } else if has(&["(NotFound)", "container not found", "not valid for pod", "error: container "]) {
        "there is no such pod or container any more: look at the incident, and propose the step for the one that is there"
    } else if has(&["error: context ", "no context exists"]) {
        "the kubeconfig has no such context: correct the target"
    } else {
        "see whether kubectl reaches the cluster by hand"
    };
    format!("nothing ran in the container: {remedy} (kubectl said: {all})")
}

/// The command line that ends the process group `group` in `container`: TERM, after `grace` KILL. It exits with 0 when nothing
/// of the group is left, and not when its first process lives in another group.
///
/// What has ended and was not reaped is not left: the first process of many images reaps nothing.
pub(super) fn end(container: &Container, group: u32, grace: Duration) -> Vec<String> {
    let seconds = grace.as_secs().max(1);
    let most = seconds + 3;
    // stat is `pid (name) state ppid pgrp …`, and a name may have everything in it (proc_pid_stat(5)).
    let alive = format!(
        "a(){{ local f l p; for f in /proc/[0-9]*/stat; do l=$(<\"$f\") || continue; p=${{l%% *}}; set -- ${{l##*) }}; \
         [ \"$3\" = {group} ] || [ \"$p\" = {group} ] || continue; [ \"$1\" = Z ] || [ \"$1\" = X ] || return 0; \
         done 2>/dev/null; return 1; }}"
    );
    let text = format!(
        "{alive}; kill -s TERM -- -{group} 2>/dev/null; n=0; while a; do [ $n -lt {seconds} ] || \
         kill -s KILL -- -{group}; [ $n -lt {most} ] || exit 1; n=$((n+1)); sleep 1; done"
    );
    container.exec(&[], &["bash", "--noprofile", "--norc", "-c", &text].map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(code: i32, text: &str) -> Told {
        told(code, &text.lines().map(str::to_owned).collect::<Vec<_>>(), true)
    }

    #[rstest]
    #[case::well(0, "")]
    #[case::well_with_words(0, "Error from server (NotFound): x")]
    #[case::own_status(3, "ls: x\ncommand terminated with exit code 3")]
    #[case::as_kubectl_fails(1, "command terminated with exit code 1")]
    #[case::killed(137, "command terminated with exit code 137")]
    #[case::a_kubectl_inside(1, "Error from server (NotFound): pods \"x\"\ncommand terminated with exit code 1")]
    #[case::a_program_that_speaks_so(
        127,
        "sh: 1: executable file not found in $PATH\nx\ncommand terminated with exit code 127"
    )]
    fn the_status_is_that_of_the_program(#[case] code: i32, #[case] text: &str) {
        assert_eq!(of(code, text), Told::Exited(code));
    }

    #[rstest]
    #[case("Error from server (NotFound): pods \"db-0\" not found", "no such pod")]
    #[case(
        "Defaulted container \"a\" out of: a, b\nerror: unable to upgrade connection: container not found (\"pg\")",
        "no such pod"
    )]
    #[case("Error from server (Forbidden): pods \"db-0\" is forbidden", "pods/exec")]
    #[case("E0102 03:04:05.6 7 memcache.go:265] couldn't get\nUnable to connect to the server: dial tcp", "by hand")]
    #[case(
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
        "by hand"
    )]
    #[case("error: context \"eu\" does not exist", "no such context")]
    #[case("error: cannot exec into a container in a completed pod; current phase is Succeeded", "has ended")]
    #[case(
        "error: Internal error occurred: OCI runtime exec failed: exec: \"bash\": executable file not found in $PATH",
        "no bash"
    )]
    fn what_kubectl_refused_did_not_run(#[case] text: &str, #[case] remedy: &str) {
        let Told::Refused(why) = of(1, text) else { panic!("{:?}", of(1, text)) };
        assert!(
            why.contains(remedy) && why.contains("nothing ran") && why.contains(text.lines().last().unwrap()),
            "{why}"
        );
    }

    #[test]
    fn a_program_that_is_not_in_the_image_did_not_run() {
        let text = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"psql\": executable \
                    file not found in $PATH: unknown\ncommand terminated with exit code 126";
        assert!(matches!(of(126, text), Told::Refused(why) if why.contains("not in the image")));
    }

    #[rstest]
    #[case::lost(1, "error: unexpected EOF")]
    #[case::lost_later(1, "Error from server (NotFound): of a program\nerror: unexpected EOF")]
    #[case::nothing_said(1, "")]
    #[case::another_status(1, "command terminated with exit code 3")]
    #[case::status_not_last(3, "command terminated with exit code 3\nerror: lost connection to pod")]
    #[case::websocket(1, "error: websocket: close 1006 (abnormal closure): unexpected EOF")]
    fn everything_else_is_unclear(#[case] code: i32, #[case] text: &str) {
        assert_eq!(of(code, text), Told::Unclear);
    }

    #[test]
    fn of_what_is_cut_nothing_is_refused() {
        let said = ["Error from server (NotFound): pods \"db-0\" not found".to_owned()];
        assert_eq!(told(1, &said, false), Told::Unclear);
    }

    /// What `end` runs in the container, run here.
    fn ended(group: u32) -> bool {
        let words = end(&Container::parse("container:shop/db-0").unwrap(), group, Duration::from_secs(1));
        let inside = words.iter().position(|word| word == "--").unwrap() + 1;
        std::process::Command::new(&words[inside]).args(&words[inside + 1..]).status().unwrap().success()
    }

    #[test]
    fn a_group_is_ended_and_one_that_is_gone_is_not_looked_for() {
        use std::os::unix::process::CommandExt as _;
        let mut group = std::process::Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        // It is not reaped meanwhile.
        assert!(ended(group.id()));
        assert!(!group.wait().unwrap().success());
        assert!(ended(group.id()));
    }

    #[test]
    fn a_process_of_another_group_is_not_taken_for_ended() {
        let mut process = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        assert!(!ended(process.id()));
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

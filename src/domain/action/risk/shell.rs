//! Commands that are given as one text to a shell: `sh -c`, `ssh`, `watch`, `su -c`.
//!
//! Owns: judging such a text with the grammar of whole command lines. Invariant: what the grammar does not read is `Unknown`.

use std::collections::BTreeMap;

use super::judge::{Call, Context, Finding};
use super::{Risk, of_script};
use crate::domain::action::grammar::{self, Parsed};

/// The finding of the command line `text`, run by a shell.
pub(super) fn text(text: &str, context: &Context<'_>) -> Finding {
    match grammar::parse(text, &[], &BTreeMap::new()) {
        Ok(Parsed::Argv(script)) => {
            let findings = of_script(&script, &context.inner());
            findings.into_iter().reduce(Finding::or_higher).unwrap_or_else(|| unclear(text))
        }
        Ok(Parsed::Outside { reason }) => {
            Finding::new(Risk::Unknown, format!("What a shell makes of {text:?} is not judged: {reason}"))
        }
        Err(_) => unclear(text),
    }
}

fn unclear(text: &str) -> Finding {
    Finding::new(Risk::Unknown, format!("{text:?} is no command line that a shell would run"))
}

/// `sh -c TEXT [NAME [ARGUMENT…]]`.
pub(super) fn sh(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["--version", "--help"]) {
        return call.reads();
    }
    let [script, rest @ ..] = call.operands else {
        return call.finding(Risk::Unknown, "without arguments it runs what it reads");
    };
    if call.arguments.has(&["-n"]) {
        return super::judge::files(call.name, call.operands);
    }
    if !call.arguments.has(&["-c"]) {
        return call.finding(Risk::Unknown, &format!("{script} is a script"));
    }
    if rest.len() > 1 {
        return call.finding(Risk::Unknown, "its script gets arguments");
    }
    text(script, call.context)
}

/// `watch COMMAND…`: the words are joined for a shell, unless `-x` is given.
pub(super) fn watch(call: &Call<'_>) -> Finding {
    joined(call, call.operands, call.arguments.has(&["-x", "--exec"]))
}

/// Words that are joined by blanks and given to a shell; or run as they are.
fn joined(call: &Call<'_>, words: &[&str], as_they_are: bool) -> Finding {
    match words {
        [] => call.finding(Risk::Unknown, "no command is named"),
        words if as_they_are => super::judge::words(words, &call.context.inner()),
        words => text(&words.join(" "), call.context),
    }
}

/// `ssh HOST COMMAND…`: the words are joined and given to the login shell of another host.
pub(super) fn ssh(call: &Call<'_>) -> Finding {
    let [host, words @ ..] = call.operands else {
        return if call.arguments.has(&["-V"]) {
            call.reads()
        } else {
            call.finding(Risk::Unknown, "no host is named")
        };
    };
    if host.starts_with('-') {
        return call.finding(Risk::Unknown, "its host looks like an option");
    }
    if call.arguments.has(&["-G", "-O", "-Q"]) {
        return call.reads();
    }
    match words {
        [] if call.arguments.has(&["-N"]) => call.finding(Risk::Change, "it opens a tunnel"),
        [] => call.finding(Risk::Unknown, "what will be typed on the other host is not known"),
        ["--", words @ ..] | words => joined(call, words, false),
    }
}

/// `knife ssh QUERY COMMAND…`.
pub(super) fn knife_ssh(call: &Call<'_>) -> Finding {
    match call.operands {
        [_, words @ ..] => on_many(call, words, joined(call, words, false)),
        [] => call.finding(Risk::Unknown, "no hosts are named"),
    }
}

/// What keeps state or serves everybody: stopped on many hosts at once, it is gone.
const STATEFUL: [&str; 16] = [
    "patroni",
    "postgresql",
    "postgres",
    "mysql",
    "mysqld",
    "mariadb",
    "redis",
    "etcd",
    "consul",
    "kubelet",
    "containerd",
    "docker",
    "haproxy",
    "nginx",
    "gitaly",
    "pgbouncer",
];

/// A command that goes to many hosts at once.
fn on_many(call: &Call<'_>, words: &[&str], finding: Finding) -> Finding {
    let text = words.join(" ");
    let has =
        |wanted: &[&str]| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| wanted.contains(&word));
    if has(&["stop", "kill", "disable", "mask"]) && has(&STATEFUL) {
        return finding.or_higher(call.finding(Risk::Destroy, "it stops a service on all hosts at once"));
    }
    finding
}

/// `su USER -c TEXT`, `runuser -l USER -c TEXT`, `script -c TEXT`.
pub(super) fn with_c(call: &Call<'_>) -> Finding {
    let mut texts = call.arguments.values(&["-c", "--command", "--session-command"]).peekable();
    if texts.peek().is_none() {
        return call.finding(Risk::Unknown, "it opens a shell, and what will be typed is not known");
    }
    let finding = texts.map(|script| text(script, call.context)).fold(call.reads(), Finding::or_higher);
    match call.operands {
        [file] if call.name == "script" && *file != "/dev/null" => {
            finding.or_higher(call.finding(Risk::Change, "it writes a file"))
        }
        _ => finding,
    }
}

/// `runuser -u USER -- COMMAND…`, or as [`with_c`].
pub(super) fn runuser(call: &Call<'_>) -> Finding {
    match call.operands {
        [_, ..] if call.arguments.has(&["-u", "--user"]) => super::judge::words(call.operands, &call.context.inner()),
        _ => with_c(call),
    }
}

/// `--command=TEXT` on another host: `gcloud compute ssh`.
pub(super) fn remote(call: &Call<'_>) -> Finding {
    with_c(call)
}

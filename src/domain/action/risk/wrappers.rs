//! Programs whose words are another command, with rules of their own.
//!
//! Owns: `env`, `sudo` with assignments, `xargs`, `parallel`, commands inside containers. Does not: know programs that only put
//! something before a command (`timeout`, `nice`): for these a table is enough.

use super::Risk;
use super::items::{self, Seen};
use super::judge::{self, Call, Context, Finding, Input};
use crate::domain::action::grammar;

/// Variables that no program takes for code, for a file to read or write, or for the name of a program. Others may be:
/// `PAGER`, `LD_PRELOAD`, `KUBECONFIG`, `PSQLRC`, `TAR_OPTIONS`; a list of those could never be complete.
const HARMLESS_VARIABLES: [&str; 41] = [
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_COLLATE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "TZ",
    "TERM",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "DEBIAN_FRONTEND",
    "SYSTEMD_COLORS",
    "USER",
    "LOGNAME",
    "ETCDCTL_API",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGPORT",
    "PGHOST",
    "PGAPPNAME",
    "PGCONNECT_TIMEOUT",
    "MYSQL_PWD",
    "REDISCLI_AUTH",
    "RABBITMQ_NODENAME",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_DEFAULT_OUTPUT",
    "CLOUDSDK_CORE_PROJECT",
    "VAULT_NAMESPACE",
    "CONSUL_HTTP_TOKEN",
    "VAULT_TOKEN",
    "NOMAD_NAMESPACE",
    "KUBECTL_NAMESPACE",
    "ANSIBLE_NOCOLOR",
    "GIT_TERMINAL_PROMPT",
];

/// What it means for a command to be given the variable `name`.
pub(super) fn variable(name: &str, value: &str) -> Finding {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_pager = matches!(name, "PAGER" | "GIT_PAGER" | "SYSTEMD_PAGER" | "MANPAGER" | "KUBECTL_PAGER");
    if HARMLESS_VARIABLES.contains(&name)
        || (is_pager && matches!(value, "cat" | ""))
        || is_name_of_our_own(name, lower)
    {
        return Finding::new(
            Risk::Read,
            format!("The variable {name} only tells a program what to show, or whom it is"),
        );
    }
    let risk = if name == "SSLKEYLOGFILE" { Risk::Change } else { Risk::Unknown };
    Finding::new(risk, format!("The variable {name} can make a program do something else than its words say"))
}

/// One letter: no program reads such a variable. Proxies are spelled in small letters and decide who is asked.
fn is_name_of_our_own(name: &str, lower: impl Fn(char) -> bool) -> bool {
    let proxy = name.ends_with("_proxy");
    name.len() == 1 || (!name.is_empty() && name.chars().all(lower) && !proxy && !name.starts_with('_'))
}

/// Takes assignments off the front of `words`.
fn assignments<'a, 'w>(words: &'w [&'a str]) -> (Finding, &'w [&'a str]) {
    let mut finding = Finding::new(Risk::Read, "No variable is set");
    let mut rest = words;
    while let [word, tail @ ..] = rest
        && let Some((name, value)) = word.split_once('=')
    {
        finding = finding.or_higher(variable(name, value));
        rest = tail;
    }
    (finding, rest)
}

/// `env [NAME=VALUE…] [COMMAND…]`, `sudo [NAME=VALUE…] COMMAND…`.
pub(super) fn env(call: &Call<'_>) -> Finding {
    let (finding, rest) = assignments(call.operands);
    // `sudo -l` lists what is allowed, `sudo -k` forgets that a password was given; the table knows.
    if call.arguments.has(&["-l", "--list", "-V", "--version"]) {
        return call.reads();
    }
    match rest {
        [] if call.name == "env" || call.arguments.has(&["-k", "-K", "-v"]) => finding.or_higher(call.reads()),
        [] => call.finding(Risk::Unknown, "no command is named"),
        words => finding.or_higher(judge::words(words, &call.context.inner())),
    }
}

/// `env -S TEXT`: the text is cut into words, with quotes and variables.
pub(super) fn env_split(call: &Call<'_>) -> Finding {
    match (call.arguments.values(&["-S", "--split-string"]).last(), call.operands) {
        (None, _) => env(call),
        (Some(text), []) if !text.contains(['$', '\\', '\'', '"', '#']) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let (finding, rest) = assignments(&words);
            finding.or_higher(judge::words(rest, &call.context.inner()))
        }
        (Some(_), _) => call.finding(Risk::Unknown, "what -S makes of its text is not judged"),
    }
}

/// `export NAME=VALUE…` and assignments are the grammar's; as a program of its own this has no effect on others.
pub(super) fn xargs(call: &Call<'_>) -> Finding {
    if call.operands.is_empty() {
        return call.reads();
    }
    // What is read becomes further words. One word stands for them: where it would name a program or a command, neither is
    // known. A replaced word stands where it is written.
    let replaced: Vec<&str> = call.arguments.values(&["-I", "-J", "--replace"]).collect();
    if let Some(words) = known_words(call) {
        let words: Vec<&str> = call.operands.iter().copied().chain(words).collect();
        return judge::words(&words, &call.context.fed(Input::Nothing));
    }
    let flag = call.arguments.has(&["-i"]);
    let mut words: Vec<String> = call.operands.iter().map(|word| (*word).to_owned()).collect();
    match (replaced.last(), flag) {
        (Some(mark), _) if !mark.is_empty() => words.iter_mut().for_each(|word| *word = word.replace(mark, ITEM)),
        (Some(_), _) | (None, true) => words.iter_mut().for_each(|word| *word = word.replace("{}", ITEM)),
        (None, false) => words.push(ITEM.to_owned()),
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let finding = judge::words(&words, &call.context.fed(Input::Nothing));
    items::judged(finding, &words, ITEM, Seen::Never)
}

/// The words that are added when the command line itself says what is read, and all of them are added at once.
fn known_words<'c>(call: &Call<'c>) -> Option<Vec<&'c str>> {
    let Input::Text(text) = &call.context.input else { return None };
    let plain = !text.contains(['"', '\'', '\\']);
    (plain && call.arguments.options.is_empty()).then(|| text.split_whitespace().collect())
}

/// Stands for a word that is only known when the command runs. It is the name of no program and of no command.
pub(super) const ITEM: &str = "item-of-the-input";

/// `COMMAND… ::: ARGUMENT…` of GNU parallel.
pub(super) fn parallel(call: &Call<'_>) -> Finding {
    let Some(at) = call.operands.iter().position(|word| *word == ":::") else {
        return call.finding(Risk::Unknown, "what it reads are commands");
    };
    let given = call.operands.get(at + 1..).unwrap_or_default();
    if given.iter().any(|word| grammar::value_for_bash(word).is_some()) {
        return call.finding(Risk::Unknown, "one of its arguments may be an option or more than a word");
    }
    let mut text = call.operands.get(..at).unwrap_or_default().join(" ");
    if text.contains("{}") {
        text = text.replace("{}", ITEM);
    } else {
        text.push(' ');
        text.push_str(ITEM);
    }
    super::shell::text(&text, call.context)
}

/// `kubectl exec POD -- COMMAND…`, `oc debug NODE -- COMMAND…`, `ansible-…`: only after `--` a word is surely the command's.
pub(super) fn after_dashes(call: &Call<'_>) -> Finding {
    if !call.arguments.has_dashes() {
        return call.finding(Risk::Unknown, "without -- what runs is not clear");
    }
    let at = call.arguments.before_dashes.saturating_sub(call.command.len());
    match call.operands.get(at..) {
        Some(words @ [_, ..]) => judge::words(words, &call.context.fed(Input::Nothing)),
        _ => call.finding(Risk::Unknown, "without a command it opens a shell"),
    }
}

/// `chroot DIRECTORY COMMAND…`: only in /host, where `oc debug` has the node's own files.
pub(super) fn chroot(call: &Call<'_>) -> Finding {
    match call.operands.split_first() {
        Some((&"/host", words)) if !words.is_empty() => judge::words(words, &call.context.inner()),
        _ => call.finding(Risk::Unknown, "the programs in that directory can be any"),
    }
}

/// Programs of the system under another name: `busybox rm`.
pub(super) fn applet(call: &Call<'_>) -> Finding {
    match call.words {
        [] | ["--list" | "--help"] => call.reads(),
        [name, ..] if name.contains('/') => Finding::not_known(call.name, name),
        words => judge::words(words, &call.context.inner()),
    }
}

/// `ip netns exec NAME COMMAND…` and its like: the words after `skipped` ones.
pub(super) fn inner(words: &[&str], skipped: usize, context: &Context<'_>) -> Finding {
    judge::words(words.get(skipped..).unwrap_or_default(), &context.inner())
}

/// `strace -o FILE COMMAND…`, `strace -p PID`.
pub(super) fn traced(call: &Call<'_>) -> Finding {
    if call.arguments.values(&["-o", "--output"]).any(|file| file.starts_with(['|', '!'])) {
        return call.finding(Risk::Unknown, "its output goes to a command");
    }
    // It can make system calls of the traced process fail.
    if call.arguments.values(&["-e"]).any(|text| ["inject", "fault"].iter().any(|word| text.contains(word))) {
        return call.finding(Risk::Unknown, "it interferes with system calls");
    }
    match call.operands {
        [] if call.arguments.has(&["-p", "--attach", "--pid", "-V", "-h", "-a", "--all-cpus"]) => call.reads(),
        [] => call.finding(Risk::Unknown, "no command is named"),
        words => judge::words(words, &call.context.inner()),
    }
}

/// A program that does something for as long as another runs: `perf stat [-p PID] [COMMAND…]`.
pub(super) fn measured(call: &Call<'_>) -> Finding {
    if call.operands.is_empty() { call.reads() } else { judge::words(call.operands, &call.context.inner()) }
}

/// `ionice -p PID` looks, `ionice COMMAND…` runs; `taskset [-p] MASK (PID | COMMAND…)`.
pub(super) fn placed(call: &Call<'_>) -> Finding {
    let of_process = call.arguments.has(&["-p", "--pid"]);
    let name_of = |given: &str| given.bytes().all(|byte| byte.is_ascii_digit());
    let sets = call.arguments.has(&["-c", "-n", "--class", "--classdata"]);
    match (call.name, call.operands) {
        ("ionice", []) if of_process => {
            if sets {
                changes(call)
            } else {
                call.reads()
            }
        }
        ("ionice", words @ [_, ..]) if !of_process => judge::words(words, &call.context.inner()),
        ("taskset", [pid]) if of_process && name_of(pid) => call.reads(),
        ("taskset", [_, _]) if of_process => changes(call),
        ("taskset", [_, words @ ..]) if !of_process && !words.is_empty() => judge::words(words, &call.context.inner()),
        _ => call.finding(Risk::Unknown, "what it runs is not clear"),
    }
}

fn changes(call: &Call<'_>) -> Finding {
    call.finding(Risk::Change, "it changes how a process runs")
}

//! kubectl, oc and docker.
//!
//! Not known on purpose: --raw, --kubeconfig (its exec plugins run programs), --as, --token, --server, -f of `get` (a file),
//! -w (does not end), `exec`, `config view` (prints keys); and everything about secrets.

use super::options::{self, Arguments};
use super::system::verb;
use super::{Operands, Options, Rule, not_known};

pub(super) fn rule(name: &str) -> Option<Rule> {
    match name {
        "kubectl" | "oc" => Some(Rule::Own(kubectl)),
        "docker" => Some(Rule::Own(docker)),
        _ => None,
    }
}

/// Options of the harmless verbs, all in one list: none of them means something harmful with another of these verbs. `-p`,
/// `-c`, `-R` and `-f` differ, so `-f` is not here.
const KUBECTL: Options = Options {
    short: "n:Al:o:L:c:p",
    long: &[
        "namespace=",
        "all-namespaces",
        "context=",
        "selector=",
        "output=",
        "label-columns=",
        "container=",
        "previous",
        "field-selector=",
        "sort-by=",
        "no-headers",
        "show-labels",
        "show-kind",
        "show-managed-fields",
        "ignore-not-found",
        "chunk-size=",
        "request-timeout=",
        "since=",
        "since-time=",
        "tail=",
        "timestamps",
        "all-containers",
        "prefix",
        "limit-bytes=",
        "max-log-requests=",
        "ignore-errors",
        "containers",
        "api-group=",
        "verbs=",
        "client",
        "revision=",
        "recursive",
        "api-version=",
        "types=",
        "for=",
        "timeout=",
        "watch?",
    ],
};

fn kubectl(words: &[&str]) -> Result<(), String> {
    let arguments = options::parse(&KUBECTL, words).map_err(|word| match word.as_str() {
        "-f" | "--follow" | "-w" | "--watch" => format!("{word} can go on without end or reads a file"),
        _ => not_known(&word),
    })?;
    if arguments.options.iter().any(|(name, value)| *name == "watch" && *value != Some("false")) {
        return Err("it watches and does not end by itself".to_owned());
    }
    if let Some(format) = arguments.values(&["o", "output"]).find(|format| !is_output_format(format)) {
        return Err(not_known(&format!("-o {format}")));
    }
    kubectl_verb(&arguments)
}

fn kubectl_verb(arguments: &Arguments<'_>) -> Result<(), String> {
    match arguments.operands.as_slice() {
        ["get" | "describe", rest @ ..] => no_secrets(rest),
        ["logs", rest @ ..] => Operands::AtMost(2).check(rest),
        ["top", "pod" | "pods" | "po" | "node" | "nodes" | "no", ..] => Ok(()),
        ["adm", "top", "pod" | "pods" | "node" | "nodes", ..] => Ok(()),
        ["version" | "api-resources" | "api-versions" | "events" | "whoami"] => Ok(()),
        ["explain", _] | ["cluster-info"] => Ok(()),
        ["config", "current-context" | "get-contexts"] => Ok(()),
        ["rollout", "history", ..] => Ok(()),
        ["rollout", "status", ..] if arguments.has(&["watch"]) || arguments.has(&["timeout"]) => Ok(()),
        ["rollout", "status", ..] => Err("rollout status waits; add --watch=false or --timeout".to_owned()),
        [] => Err("it has no command".to_owned()),
        operands => Err(not_known(&operands.iter().take(2).copied().collect::<Vec<_>>().join(" "))),
    }
}

fn no_secrets(resources: &[&str]) -> Result<(), String> {
    match resources.iter().find(|word| word.to_ascii_lowercase().contains("secret")) {
        Some(word) => Err(format!("{word} may print secrets into the output, which is kept")),
        None if resources.is_empty() => Err("it has no resource".to_owned()),
        None => Ok(()),
    }
}

/// Formats that come from the command line alone, not from a file.
fn is_output_format(format: &str) -> bool {
    let inline = ["jsonpath=", "jsonpath-as-json=", "custom-columns=", "go-template=", "template="];
    let format = format.strip_prefix('=').unwrap_or(format);
    matches!(format, "json" | "yaml" | "wide" | "name") || inline.iter().any(|prefix| format.starts_with(prefix))
}

fn docker(words: &[&str]) -> Result<(), String> {
    const FORMAT: Options = Options { short: "f:s", long: &["format=", "size", "type="] };
    const LIST: Options = Options {
        short: "aqn:lsf:",
        long: &["all", "quiet", "last=", "latest", "size", "filter=", "format=", "no-trunc"],
    };
    const LOGS: Options = Options { short: "n:t", long: &["tail=", "since=", "until=", "timestamps", "details"] };
    const STATS: Options = Options { short: "a", long: &["all", "no-stream", "no-trunc", "format="] };
    const NONE: Options = Options { short: "", long: &["format="] };
    let (name, rest) = match words {
        ["container" | "image" | "volume" | "network", "ls" | "list", rest @ ..] => ("ps", rest),
        ["container" | "image" | "volume" | "network", "inspect", rest @ ..] => ("inspect", rest),
        ["container", name @ ("logs" | "top" | "port" | "stats"), rest @ ..] => (*name, rest),
        ["system", "df", rest @ ..] => ("version", rest),
        [name, rest @ ..] => (*name, rest),
        [] => return Err("it has no command".to_owned()),
    };
    match name {
        "ps" | "images" => verb(&LIST, rest, Operands::AtMost(1)),
        "inspect" => verb(&FORMAT, rest, Operands::Any),
        "logs" => verb(&LOGS, rest, Operands::AtMost(1)),
        "stats" if rest.contains(&"--no-stream") => verb(&STATS, rest, Operands::Any),
        "stats" => Err("without --no-stream it does not end".to_owned()),
        "top" | "version" | "info" | "history" | "diff" => verb(&NONE, rest, Operands::AtMost(1)),
        "port" => verb(&NONE, rest, Operands::AtMost(2)),
        other => Err(not_known(other)),
    }
}

//! Code blocks: what is a command, what is its output, and which language it is written in.
//!
//! Owns: the language of a block, prompts, and the split into commands and output. Does not: parse commands (see
//! `action::grammar`) or say whether they may run. What is not surely a command is shown and never run.

use crate::domain::procedure::{Shell, Span};

use super::blocks::CodeLine;
use super::interactive::is_interactive;
use super::prompts::{self, Continuation, Prompt};
use super::words;

/// A part of a code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is.
    pub(super) kind: PartKind,
    /// Its text, prompts removed, without a line break at the end.
    pub(super) text: String,
    /// Its bytes in the document.
    pub(super) span: Span,
}

/// What a part of a code block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    Command {
        shell: Shell,
        interactive: bool,
    },
    Output,
    /// Neither; says what it is instead.
    Opaque(String),
}

/// Divides a code block into commands and outputs, in order. An empty block has no parts.
pub(super) fn split(language: &str, lines: &[CodeLine]) -> Vec<Part> {
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        return Vec::new();
    }
    match kind_of(language, lines) {
        Kind::Shell(label) => split_shell(lines, label),
        Kind::Query(shell) => whole(lines, PartKind::Command { shell, interactive: false }),
        Kind::Output => whole(lines, PartKind::Output),
        Kind::Example => whole(lines, PartKind::Opaque(format!("{language} example"))),
    }
}

/// Whether the block was marked as shell, so that `# ` begins a comment in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Script,
    Session,
}

enum Kind {
    Shell(Label),
    Query(Shell),
    Output,
    Example,
}

fn kind_of(language: &str, lines: &[CodeLine]) -> Kind {
    match language {
        "bash" | "sh" | "shell" | "zsh" | "ksh" | "fish" | "shel" | "8sh" | "cmd" => match sniff(lines) {
            // Queries are often marked as shell.
            Some(Kind::Query(shell)) => Kind::Query(shell),
            Some(_) | None => Kind::Shell(Label::Script),
        },
        "console" | "shell-session" | "shellsession" | "sh-session" | "terminal" | "bash-session" => match sniff(lines)
        {
            Some(kind) => kind,
            None => Kind::Shell(Label::Session),
        },
        "sql" | "postgresql" | "pgsql" | "mysql" => Kind::Query(Shell::Sql),
        "promql" => Kind::Query(Shell::Promql),
        "" | "text" | "txt" | "plaintext" | "plain" | "none" => sniff(lines).unwrap_or(Kind::Output),
        "log" | "output" | "logs" => Kind::Output,
        "ruby" | "python" | "logql" | "http" | "powershell" | "javascript" | "js" | "go" | "groovy" => {
            Kind::Query(Shell::Other)
        }
        _ => Kind::Example,
    }
}

/// Guesses from the text; `None` when it looks like nothing that we know.
fn sniff(lines: &[CodeLine]) -> Option<Kind> {
    let texts = || lines.iter().map(|line| line.text.trim()).filter(|line| !line.is_empty());
    if texts().any(|line| prompts::find(line).is_some()) {
        return Some(Kind::Shell(Label::Session));
    }
    let Some(first) = texts().find(|line| !line.starts_with('#')) else {
        return texts().any(|line| prompts::find_root(line).is_some()).then_some(Kind::Shell(Label::Session));
    };
    if words::is_surely_command(first) || words::is_assignment(first.split_whitespace().next().unwrap_or_default()) {
        return Some(Kind::Shell(Label::Session));
    }
    if is_sql(first) {
        return Some(Kind::Query(Shell::Sql));
    }
    let joined = texts().take(20).collect::<Vec<_>>().join(" ");
    is_promql(&joined).then_some(Kind::Query(Shell::Promql))
}

fn is_sql(first: &str) -> bool {
    let word = first.split_whitespace().next().unwrap_or_default();
    let upper = word.to_ascii_uppercase();
    let strong = ["SELECT", "UPDATE", "DELETE", "INSERT", "ALTER", "CREATE", "DROP", "VACUUM", "EXPLAIN", "WITH"];
    strong.contains(&upper.as_str())
        && (word == upper || first.ends_with(';') || first.to_ascii_uppercase().contains(" FROM "))
}

/// Functions and aggregations that PromQL expressions in runbooks begin with.
const PROMQL_HEADS: &[&str] = &[
    "abs",
    "absent",
    "avg",
    "avg_over_time",
    "ceil",
    "changes",
    "count",
    "delta",
    "deriv",
    "histogram_quantile",
    "increase",
    "irate",
    "label_replace",
    "max",
    "max_over_time",
    "min",
    "min_over_time",
    "predict_linear",
    "quantile",
    "rate",
    "resets",
    "sort",
    "sort_desc",
    "sum",
    "sum_over_time",
    "time",
    "topk",
    "bottomk",
    "vector",
];

fn is_promql(text: &str) -> bool {
    let text = text.trim_start_matches(['(', ' ']);
    let head_length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')).count();
    let (head, rest) = text.split_at(head_length);
    let rest = rest.trim_start();
    let metric = head.matches('_').count() >= 2 || (head.contains('_') && rest.starts_with(['{', '[']));
    let function = PROMQL_HEADS.contains(&head)
        && (rest.starts_with('(') || rest.starts_with("by") || rest.starts_with("without"));
    let operator = rest.is_empty() || rest.starts_with(['{', '[', '/', '*', '<', '>', '=', '+', '-', ')', '!']);
    function || (metric && operator)
}

fn whole(lines: &[CodeLine], kind: PartKind) -> Vec<Part> {
    part(lines, kind).into_iter().collect()
}

/// One part from `lines`, without empty lines at its ends.
fn part(lines: &[CodeLine], kind: PartKind) -> Option<Part> {
    let blank = |line: &&CodeLine| line.text.trim().is_empty();
    let lead = lines.iter().take_while(blank).count();
    let tail = lines.iter().rev().take_while(blank).count();
    let lines = lines.get(lead..lines.len().saturating_sub(tail)).filter(|lines| !lines.is_empty())?;
    let text = lines.iter().map(|line| line.text.trim_end_matches(['\n', '\r'])).collect::<Vec<_>>().join("\n");
    let span = Span { start: lines.first()?.span.start, end: lines.last()?.span.end };
    Some(Part { kind, text, span })
}

fn split_shell(lines: &[CodeLine], label: Label) -> Vec<Part> {
    let prompts = find_prompts(lines, label);
    if prompts.iter().any(Option::is_some) {
        return split_session(lines, &prompts);
    }
    // Without prompts only the head of a table tells output from commands.
    let output_from = match label {
        Label::Script => None,
        Label::Session => lines.iter().skip(1).position(|line| prompts::is_table_head(&line.text)).map(|at| at + 1),
    };
    let (script, output) = lines.split_at(output_from.unwrap_or(lines.len()));
    let mut parts = Vec::new();
    let comments_only =
        script.iter().all(|line| line.text.trim().is_empty() || line.text.trim_start().starts_with('#'));
    let kind = if comments_only {
        PartKind::Opaque("comment".to_owned())
    } else {
        let text = script.iter().map(|line| line.text.as_str()).collect::<String>();
        PartKind::Command { shell: Shell::Sh, interactive: is_interactive(&text) }
    };
    parts.extend(part(script, kind));
    parts.extend(part(output, PartKind::Output));
    parts
}

fn find_prompts(lines: &[CodeLine], label: Label) -> Vec<Option<Prompt>> {
    let sure: Vec<Option<Prompt>> = lines.iter().map(|line| prompts::find(&line.text)).collect();
    let bare_command = lines.iter().any(|line| words::is_surely_command(line.text.trim()));
    let any_sure = sure.iter().any(Option::is_some);
    let mut root_shell = false;
    lines
        .iter()
        .zip(sure)
        .map(|(line, prompt)| {
            if let Some(prompt) = prompt {
                root_shell = prompts::opens_root_shell(line.text.get(prompt.length..).unwrap_or_default());
                return Some(prompt);
            }
            // `# ` is a comment unless a root shell was opened, or nothing else in a session could be a command.
            let possible = root_shell || (label == Label::Session && !bare_command && !any_sure);
            let root = prompts::find_root(&line.text).filter(|_| possible)?;
            root_shell = root_shell || prompts::opens_root_shell(line.text.get(root.length..).unwrap_or_default());
            Some(root)
        })
        .collect()
}

/// Splits a block in which commands have prompts: each prompt begins a command, lines without are output.
fn split_session(lines: &[CodeLine], prompts: &[Option<Prompt>]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut command: Option<Part> = None;
    let mut continuation = Continuation::default();
    let mut output_from = None;
    for (at, (line, prompt)) in lines.iter().zip(prompts).enumerate() {
        let text = line.text.trim_end_matches(['\n', '\r']);
        if let Some(prompt) = prompt {
            flush(lines, output_from.take(), at, &mut parts);
            push_command(command.take(), &mut parts);
            let kind = PartKind::Command { shell: Shell::Sh, interactive: false };
            let span = Span { start: line.span.start + prompt.length.min(text.len()), end: line.span.end };
            let text = text.get(prompt.length..).unwrap_or_default();
            continuation = Continuation::default();
            continuation.feed(text);
            command = Some(Part { kind, text: text.to_owned(), span });
            continue;
        }
        match &mut command {
            Some(open) if output_from.is_none() && continuation.goes_on() => {
                let text = text.strip_prefix("> ").unwrap_or(text);
                continuation.feed(text);
                open.text.push('\n');
                open.text.push_str(text);
                open.span.end = line.span.end;
            }
            Some(_) | None => output_from = output_from.or(Some(at)),
        }
        if output_from.is_some() {
            push_command(command.take(), &mut parts);
        }
    }
    push_command(command, &mut parts);
    flush(lines, output_from, lines.len(), &mut parts);
    join_with_settings(parts)
}

fn push_command(command: Option<Part>, parts: &mut Vec<Part>) {
    let Some(mut command) = command else { return };
    if command.text.trim().is_empty() {
        return;
    }
    command.kind = PartKind::Command { shell: Shell::Sh, interactive: is_interactive(&command.text) };
    parts.push(command);
}

fn flush(lines: &[CodeLine], from: Option<usize>, to: usize, parts: &mut Vec<Part>) {
    if let Some(output) = from.and_then(|from| lines.get(from..to)) {
        parts.extend(part(output, PartKind::Output));
    }
}

/// Joins commands that stand directly under each other when one of them only sets a variable or the directory: the others
/// would not work without it.
fn join_with_settings(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    let mut run_has_setting = false;
    for part in parts {
        let is_command = matches!(part.kind, PartKind::Command { .. });
        let setting = is_command && prompts::only_sets(&part.text);
        match joined.last_mut() {
            Some(last) if is_command && run_has_setting && matches!(last.kind, PartKind::Command { .. }) => {
                last.text.push('\n');
                last.text.push_str(&part.text);
                last.span.end = part.span.end;
                last.kind = PartKind::Command { shell: Shell::Sh, interactive: is_interactive(&last.text) };
            }
            Some(_) | None => {
                run_has_setting = setting;
                joined.push(part);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn lines(text: &str) -> Vec<CodeLine> {
        let mut at = 0;
        text.split_inclusive('\n')
            .map(|line| {
                let start = at;
                at += line.len();
                CodeLine { text: line.to_owned(), span: Span { start, end: start + line.trim_end_matches('\n').len() } }
            })
            .collect()
    }

    /// Parts as text: `sh`, `sql`, `promql`, `other`, `tty` (interactive), `out` or the reason, then the text.
    fn show(language: &str, text: &str) -> Vec<String> {
        split(language, &lines(text))
            .into_iter()
            .map(|part| {
                let kind = match part.kind {
                    PartKind::Command { interactive: true, .. } => "tty".to_owned(),
                    PartKind::Command { shell, .. } => format!("{shell:?}").to_lowercase(),
                    PartKind::Output => "out".to_owned(),
                    PartKind::Opaque(reason) => reason,
                };
                format!("{kind}: {}", part.text)
            })
            .collect()
    }

    #[rstest]
    #[case::plain("sh", "df -h\ndu -sh x\n", &["sh: df -h\ndu -sh x"])]
    #[case::prompt("console", "$ df -h\nFilesystem Size\n$ id\n", &["sh: df -h", "out: Filesystem Size", "sh: id"])]
    #[case::host_prompt("", "root@web1:~# systemctl status x\nactive\n", &["sh: systemctl status x", "out: active"])]
    #[case::bracket_prompt("", "[ann@web1 ~]$ ls\n", &["sh: ls"])]
    #[case::container_prompt("", "sh-4.4# ls /host\n", &["sh: ls /host"])]
    #[case::continued("console", "$ oc get \\\n  pods\nNAME\n", &["sh: oc get \\\n  pods", "out: NAME"])]
    #[case::open_quote("console", "$ psql -c \"select 1\n  from x\"\n1\n", &["sh: psql -c \"select 1\n  from x\"", "out: 1"])]
    #[case::second_prompt("console", "$ cat <<EOF\n> a\n> EOF\nb\n", &["sh: cat <<EOF\na\nEOF", "out: b"])]
    #[case::settings("console", "$ NS=x\n$ oc -n $NS get pods\n", &["sh: NS=x\noc -n $NS get pods"])]
    #[case::root("", "# systemctl restart x\n", &["sh: systemctl restart x"])]
    #[case::root_after_debug("console", "$ oc debug node/n1\n# chroot /host\n# crictl ps\n", &["tty: oc debug node/n1", "tty: chroot /host", "sh: crictl ps"])]
    #[case::comment("bash", "# systemctl restart x\nls -l\n", &["sh: # systemctl restart x\nls -l"])]
    #[case::comment_beside_command("", "# systemctl is next\nsystemctl restart x\n", &["sh: # systemctl is next\nsystemctl restart x"])]
    #[case::comments("bash", "# nothing\n", &["comment: # nothing"])]
    #[case::table("", "kubectl get pods\nNAME   READY   STATUS\na      1/1     Running\n", &["sh: kubectl get pods", "out: NAME   READY   STATUS\na      1/1     Running"])]
    #[case::query("promql", "up == 0\n", &["promql: up == 0"])]
    #[case::query_unmarked("console", "(etcd_mvcc_db_total_size_in_bytes / x) * 100\n", &["promql: (etcd_mvcc_db_total_size_in_bytes / x) * 100"])]
    #[case::query_function("", "sum(rate(x[5m]))\n", &["promql: sum(rate(x[5m]))"])]
    #[case::sql("", "SELECT 1\nFROM x;\n", &["sql: SELECT 1\nFROM x;"])]
    #[case::log("", "E0301 something failed\n", &["out: E0301 something failed"])]
    #[case::yaml("yaml", "a: b\n", &["yaml example: a: b"])]
    #[case::ruby("ruby", "User.count\n", &["other: User.count"])]
    #[case::empty("sh", "\n\n", &[])]
    #[case::blank_ends("sh", "\nls -l\n\n", &["sh: ls -l"])]
    fn blocks(#[case] language: &str, #[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(show(language, text), expected);
    }

    #[test]
    fn spans_are_the_text_without_the_prompt() {
        let text = "$ df -h\nSize\n";
        let parts = split("console", &lines(text));
        let spans: Vec<&str> = parts.iter().map(|part| &text[part.span.start..part.span.end]).collect();
        assert_eq!(spans, ["df -h", "Size"]);
    }
}

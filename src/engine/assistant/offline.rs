//! The fallback: an answer from SOPs and history, put together by rules, when no model can be asked.
//!
//! Owns: which passages and which history are shown, and the words around them. Does not: claim to understand the question.
//! It says first what it is and why it answers; everything below that is quoted.
//!
//! Deterministic: the same material gives the same answer.

use std::fmt::Write as _;

use super::material::Material;
use super::retrieval::{self, Hit, Preference};
use super::words;
use crate::domain::id::SopId;
use crate::domain::procedure::{BranchOrigin, NodeKind, Procedure, Shell};

/// Passages shown at most.
const PASSAGES: usize = 5;
/// A passage is shown when it scores at least this part of the best one.
const WORTH: f64 = 0.35;
/// The longest text of a passage that is quoted; in bytes.
const QUOTED: usize = 700;
/// Earlier incidents shown at most.
const INCIDENTS: usize = 3;
/// Commands shown of one incident at most, the newest.
const COMMANDS: usize = 4;

/// An answer in Markdown, and the SOPs that it quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalAnswer {
    /// The text.
    pub(super) text: String,
    /// The SOPs.
    pub(super) sources: Vec<SopId>,
}

/// Answers the question of `material`; `why` no model does, as a sentence. Parses documents: not for a thread that others wait
/// for.
pub(super) fn answer(material: &Material, why: &str) -> LocalAnswer {
    let mut text = format!("From the SOPs and the history, not from a model. {}\n", words::one_line(why));
    let mut sources = Vec::new();
    let explained = exit_status(&material.ask.question);
    if let Some(meaning) = &explained {
        let _ = write!(text, "\n{meaning}\n");
    }
    // What an exit status means has words of its own to look for.
    let looked_for = format!("{} {}", material.ask.question, explained.as_ref().map_or("", |meaning| meaning.as_str()));
    let prefer = Preference { shown: material.ask.sop.as_ref(), routed: &material.routed };
    let hits = worthy(retrieval::search(&material.library, &looked_for, &prefer, PASSAGES));
    for hit in &hits {
        let Some(document) = material.library.get(&hit.passage.sop) else { continue };
        passage(&document.procedure, hit, &mut text);
        if !sources.contains(&hit.passage.sop) {
            sources.push(hit.passage.sop.clone());
        }
    }
    let history = history(material);
    text.push_str(&history);
    if hits.is_empty() && history.is_empty() && explained.is_none() {
        text.push_str(
            "\nNo SOP has anything on these words, and nothing like it has been done before. Ask with the words of the SOPs \
             (what is full, failing, slow or expiring), choose an SOP for the incident (`s` in the queue), or add one to \
             `[sops] directories`.\n",
        );
    }
    LocalAnswer { text, sources }
}

fn worthy(mut hits: Vec<Hit>) -> Vec<Hit> {
    let best = hits.first().map_or(0.0, |hit| hit.score);
    hits.retain(|hit| hit.score >= best * WORTH);
    hits
}

/// A passage with its heading, its citation and its command.
fn passage(procedure: &Procedure, hit: &Hit, text: &mut String) {
    let Some(node) = procedure.nodes.get(hit.passage.node) else { return };
    let label = match &node.kind {
        NodeKind::Step { label: Some(label), .. } => format!(", step {label}"),
        _ => String::new(),
    };
    let section = section_of(procedure, hit.passage.node).map(|section| format!(" — {section}")).unwrap_or_default();
    let title = plain(&procedure.title);
    let _ = write!(text, "\n**{title}**{section}{label} [sop:{}#{}]\n\n", procedure.sop, node.id);
    let own = &node.text;
    let mut commands = 0;
    let depth = procedure.depth(hit.passage.node);
    for index in hit.passage.node..procedure.nodes.len() {
        if index > hit.passage.node && procedure.depth(index) <= depth {
            break;
        }
        if let Some(node) = procedure.nodes.get(index) {
            commands += usize::from(matches!(node.kind, NodeKind::Command { .. }));
            if commands > COMMANDS {
                text.push_str("> […]\n");
                break;
            }
            let is_command = matches!(node.kind, NodeKind::Command { .. });
            if index == hit.passage.node || is_command || !retrieval::is_told_by(own, node) {
                tell(&node.kind, &node.text, text);
            }
        }
    }
}

/// One node of a passage: its words quoted, its command in a fence.
fn tell(kind: &NodeKind, words_of_it: &str, text: &mut String) {
    let says = match kind {
        NodeKind::Command { script, shell, .. } => {
            let language = match shell {
                Shell::Sh => "sh",
                Shell::Sql => "sql",
                Shell::Promql => "promql",
                Shell::Other => "text",
            };
            let _ = write!(text, "\n{}\n\n", words::fenced(language, script));
            return;
        }
        NodeKind::Output => return,
        NodeKind::Branch { origin: BranchOrigin::ImplicitElse, .. } => return,
        NodeKind::Branch { origin: BranchOrigin::Otherwise, .. } => "Otherwise:".to_owned(),
        NodeKind::Branch { condition, origin: BranchOrigin::Explicit } => format!("If {}:", words::one_line(condition)),
        NodeKind::Section { .. }
        | NodeKind::Step { .. }
        | NodeKind::Decision { .. }
        | NodeKind::Note { .. }
        | NodeKind::Opaque { .. } => words::one_line(words_of_it),
    };
    if !says.is_empty() {
        for line in words::head(&says, QUOTED).lines() {
            let _ = writeln!(text, "> {}  ", plain(line));
        }
    }
}

/// The heading of the innermost section around a node.
fn section_of(procedure: &Procedure, index: usize) -> Option<String> {
    let mut at = procedure.nodes.get(index)?.parent;
    while let Some(node) = at.and_then(|parent| procedure.nodes.get(parent)) {
        if matches!(node.kind, NodeKind::Section { .. }) {
            return Some(plain(&words::one_line(&node.text)));
        }
        at = node.parent;
    }
    None
}

/// Text that Markdown does not see anything in: a fence or a heading in a quoted document must not become one of the answer.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

fn history(material: &Material) -> String {
    let mut text = String::new();
    if !material.attempts.is_empty() {
        text.push_str("\nRun for this incident, newest first:\n\n");
        for past in material.attempts.iter().rev().take(COMMANDS) {
            let _ =
                writeln!(text, "- {} → {}", inline(&words::command(&past.invocation)), plain(&words::outcome(past)));
        }
    }
    if !material.similar.is_empty() {
        text.push_str("\nEarlier incidents of the same alert:\n\n");
    }
    for past in material.similar.iter().take(INCIDENTS) {
        let incident = &past.incident;
        let end = match incident.resolved_at {
            Some(at) => format!("resolved after {}", words::span(at.since(incident.opened_at))),
            None => "not resolved yet".to_owned(),
        };
        let title = plain(&words::one_line(&incident.title));
        let _ = writeln!(text, "- {} {title}: {end}", incident.opened_at);
        for attempt in past.attempts.iter().rev().take(COMMANDS).rev() {
            let command = inline(&words::command(&attempt.invocation));
            let _ = writeln!(text, "  - {command} → {}", plain(&words::outcome(attempt)));
        }
        if past.attempts.is_empty() {
            text.push_str("  - nothing was run from here\n");
        }
    }
    text
}

/// A command on one line in code marks that it cannot close.
fn inline(command: &str) -> String {
    format!("`{}`", words::one_line(command).replace('`', "'"))
}

/// What the exit status that `question` names means, by the conventions of POSIX shells.
fn exit_status(question: &str) -> Option<String> {
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = |word: &str| matches!(word, "exit" | "exited" | "status" | "code" | "exitcode" | "returned");
    let status = words.iter().enumerate().find_map(|(at, word)| {
        let number: u8 = word.parse().ok()?;
        let before = words.get(at.saturating_sub(2)..at).unwrap_or_default();
        before.iter().any(|word| named(word)).then_some(number)
    })?;
    Some(match status {
        0 => "Exit status 0: it succeeded.".to_owned(),
        124 => "Exit status 124: `timeout` ended it, because its time was over.".to_owned(),
        126 => "Exit status 126: the program was found and could not be executed; look at its permissions.".to_owned(),
        127 => "Exit status 127: the program was not found; look at its name and at PATH.".to_owned(),
        129..=192 => {
            let signal = status - 128;
            let meaning = match signal {
                1 => "HUP: its terminal or its parent went away.",
                2 => "INT: somebody pressed Ctrl-C.",
                6 => "ABRT: it ended itself after an error that it could not handle.",
                9 => {
                    "KILL: something ended it without asking. Mostly the kernel or the container's limit, when memory ran out (out of memory, OOM)."
                }
                11 => "SEGV: it used memory that was not its own; a bug of the program.",
                13 => "PIPE: whoever read its output went away.",
                15 => "TERM: it was asked to end, by a stop, a restart or a deployment.",
                _ => "see `kill -l`.",
            };
            format!("Exit status {status} is 128 + {signal}: signal {meaning}")
        }
        _ => format!("Exit status {status}: the program failed for a reason of its own; its last messages say which."),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("what does exit 137 mean?", Some("128 + 9: signal KILL"))]
    #[case("it ended with exit code 143", Some("TERM"))]
    #[case("exit status 127?", Some("not found"))]
    #[case("there are 137 pods", None)]
    #[case("exit 999", None)]
    fn exit_statuses_are_explained(#[case] question: &str, #[case] part: Option<&str>) {
        let told = exit_status(question);
        assert_eq!(told.is_some(), part.is_some());
        assert!(told.unwrap_or_default().contains(part.unwrap_or_default()));
    }

    #[test]
    fn quoted_text_has_no_marks() {
        assert_eq!(plain("# a `b` [c]"), r"\# a \`b\` \[c\]");
        assert_eq!(inline("echo `id`\nls"), "`echo 'id' ls`");
    }
}

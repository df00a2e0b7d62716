//! The fallback: an answer from SOPs and history, put together by rules, when no model can be asked.
//!
//! Owns: which passages and which history are shown, and the words around them. Does not: claim to understand the question: what
//! it shows is quoted. What it is and why it answers is the message's author, which every screen shows above it.
//!
//! Deterministic: the same material gives the same answer.

use std::fmt::Write as _;

use super::material::Material;
use super::question::{self, Query};
use super::retrieval::{self, Hit, Others, Passage, Preference};
use super::words;
use crate::domain::id::SopId;
use crate::domain::procedure::{BranchOrigin, NodeKind, Procedure, SectionRole, Shell};
use crate::engine::backend::SopDocument;

/// Passages shown at most.
const PASSAGES: usize = 5;
/// A passage is shown when it scores at least this part of the best one.
const WORTH: f64 = 0.35;
/// The longest text of a passage that is quoted; in bytes.
const QUOTED: usize = 700;
/// Earlier incidents shown at most.
const INCIDENTS: usize = 3;
/// Passages shown at most of a section that was asked about in no words of it.
const GUIDED: usize = 3;
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

/// Answers the question of `material`. That it is the fallback, and why, stands with the message's author. Parses documents: not
/// for a thread that others wait for.
pub(super) fn answer(material: &Material) -> LocalAnswer {
    let explained = exit_status(&material.ask.question);
    // What an exit status means has words of its own to look for.
    let looked_for = format!("{} {}", material.ask.question, explained.as_ref().map_or("", |meaning| meaning.as_str()));
    let wanted = question::query(&looked_for);
    let others = if material.incident.is_some() { Others::OnlyIfBetter } else { Others::Welcome };
    let prefer = Preference { shown: material.ask.sop.as_ref(), routed: &material.routed, others };
    let hits = worthy(retrieval::search(&material.library, &wanted, &prefer, PASSAGES));
    let passages: Vec<Passage> = hits.into_iter().map(|hit| hit.passage).collect();
    let from_words = quoted(material, &passages);
    let history = history(material, &wanted);
    let guided = if passages.is_empty() && explained.is_none() { guidance(material, &wanted) } else { Vec::new() };
    let guidance = quoted(material, &guided);
    let mut text = explained.map(|meaning| format!("{meaning}\n")).unwrap_or_default();
    let parts = if wanted.asks_for_history { [history, from_words, guidance] } else { [from_words, guidance, history] };
    for part in parts.iter().filter(|part| !part.is_empty()) {
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str(part);
    }
    if text.is_empty() {
        text.push_str(&nothing(material));
    }
    let mut sources: Vec<SopId> = Vec::new();
    for passage in passages.into_iter().chain(guided) {
        if !sources.contains(&passage.sop) {
            sources.push(passage.sop);
        }
    }
    LocalAnswer { text, sources }
}

/// Passages one below the other.
fn quoted(material: &Material, passages: &[Passage]) -> String {
    let quoted = passages.iter().filter_map(|found| {
        let document = material.library.get(&found.sop)?;
        let mut text = String::new();
        passage(&document.procedure, found, &mut text);
        Some(text)
    });
    quoted.collect::<Vec<_>>().join("\n")
}

/// What there is to say when neither SOPs nor history have anything.
fn nothing(material: &Material) -> String {
    let words = "Ask with the words of the SOPs (what is full, failing, slow or expiring)";
    match (&material.sop, &material.incident) {
        (Some(document), _) => {
            let title = plain(&document.procedure.title);
            format!("Nothing in **{title}** or any other SOP can be quoted for this. {words}.\n")
        }
        (None, Some(_)) => format!(
            "No SOP has anything on these words, and nothing like it has been done before. {words}, choose an SOP for the \
             incident (`s` in the queue), or add one to `[sops] directories`.\n"
        ),
        (None, None) => {
            format!("No SOP has anything on these words. {words}, or add an SOP to `[sops] directories`.\n")
        }
    }
}

/// What the incident's own SOP says to somebody who asks in no words of it: what was asked about, what it means, whom it harms,
/// and the next step. Nothing for a question about no incident.
fn guidance(material: &Material, wanted: &Query) -> Vec<Passage> {
    let (Some(document), Some(_)) = (&material.sop, &material.incident) else { return Vec::new() };
    let all = retrieval::of_document(&document.procedure);
    let of_role = |role: SectionRole| all.iter().filter(move |passage| passage.role == role);
    let mut chosen: Vec<Passage> = Vec::new();
    let mut choose = |passage: &Passage| {
        if !chosen.contains(passage) {
            chosen.push(passage.clone());
        }
    };
    // One looks before one changes, whatever was asked for.
    let asked = wanted.roles.iter().filter(|role| !matches!(role, SectionRole::Diagnosis | SectionRole::Mitigation));
    asked.for_each(|role| of_role(*role).take(GUIDED).for_each(&mut choose));
    of_role(SectionRole::Meaning).take(1).for_each(&mut choose);
    of_role(SectionRole::Impact).take(1).for_each(&mut choose);
    let steps = [SectionRole::Diagnosis, SectionRole::Mitigation, SectionRole::Verify, SectionRole::Other];
    let next = steps
        .into_iter()
        .flat_map(of_role)
        .find(|passage| passage.has_command && !is_done(material, document, passage));
    next.into_iter().for_each(&mut choose);
    chosen
}

/// Whether a command of this passage has been run for the incident.
fn is_done(material: &Material, document: &SopDocument, passage: &Passage) -> bool {
    let procedure = &document.procedure;
    let depth = procedure.depth(passage.node);
    let end = (passage.node + 1..procedure.nodes.len()).find(|next| procedure.depth(*next) <= depth);
    let own = passage.node..end.unwrap_or(procedure.nodes.len());
    let steps = material.attempts.iter().map(|past| &past.step).filter(|step| step.sop == passage.sop);
    steps.filter_map(|step| procedure.index_of(&step.node)).any(|index| own.contains(&index))
}

fn worthy(mut hits: Vec<Hit>) -> Vec<Hit> {
    let best = hits.first().map_or(0.0, |hit| hit.score);
    hits.retain(|hit| hit.score >= best * WORTH);
    hits
}

/// A passage with its heading, its citation and its command.
fn passage(procedure: &Procedure, found: &Passage, text: &mut String) {
    let Some(node) = procedure.nodes.get(found.node) else { return };
    let label = match &node.kind {
        NodeKind::Step { label: Some(label), .. } => format!(", step {label}"),
        _ => String::new(),
    };
    let section = section_of(procedure, found.node).map(|section| format!(" — {section}")).unwrap_or_default();
    let title = plain(&procedure.title);
    let _ = write!(text, "**{title}**{section}{label} [sop:{}#{}]\n\n", procedure.sop, node.id);
    let own = &node.text;
    let mut commands = 0;
    let depth = procedure.depth(found.node);
    for index in found.node..procedure.nodes.len() {
        if index > found.node && procedure.depth(index) <= depth {
            break;
        }
        if let Some(node) = procedure.nodes.get(index) {
            commands += usize::from(matches!(node.kind, NodeKind::Command { .. }));
            if commands > COMMANDS {
                text.push_str("> […]\n");
                break;
            }
            let is_command = matches!(node.kind, NodeKind::Command { .. });
            if index == found.node || is_command || !retrieval::is_told_by(own, node) {
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

fn history(material: &Material, wanted: &Query) -> String {
    let mut text = String::new();
    if wanted.asks_for_history && material.incident.is_some() {
        text.push_str(match (material.attempts.is_empty(), material.similar.is_empty()) {
            (true, true) => "Nothing has been run for this incident yet, and the same alert has not come before.\n",
            (true, false) => "Nothing has been run for this incident yet.\n",
            (false, true) => "The same alert has not come before.\n",
            (false, false) => "",
        });
    }
    if !material.attempts.is_empty() {
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str("Run for this incident, newest first:\n\n");
        for past in material.attempts.iter().rev().take(COMMANDS) {
            let _ =
                writeln!(text, "- {} → {}", inline(&words::command(&past.invocation)), plain(&words::outcome(past)));
        }
    }
    if !material.similar.is_empty() {
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str("Earlier incidents of the same alert:\n\n");
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

//! The plan of a run: the units of a document, in its order.
//!
//! Owns: which nodes of a step tree are units of a run, and of which kind. Does not: change the document or the tree.
//!
//! Sections that explain, roll back or escalate are not on the way from an alert to its end; a person who needs a step of
//! theirs proposes or inserts it.

use std::collections::HashMap;
use std::time::Duration;

use super::item::{Added, Choice, Fork, Item, ItemId, ItemKind, ItemState, WaitFor};
use super::polls::{self, Found, Polled};
use super::quoted;
use super::reading::{Dimension, Quantity};
use crate::domain::procedure::{Node, NodeKind, Procedure, SectionRole, Shell, StepMode};

/// Words that say that what follows may be done at the same time.
const PARALLEL: [&str; 4] = ["in parallel", "at the same time", "simultaneously", "concurrently"];

/// Small numbers as documents write them.
const NUMBERS: [(&str, &str); 11] = [
    ("a", "1"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
];

/// The digits of a small number that is written as a word; else the word itself.
pub(super) fn digits(word: &str) -> &str {
    NUMBERS.iter().find(|(name, _)| *name == word).map_or(word, |(_, digits)| digits)
}

/// The longest wait that is taken from a text; who writes more means something else.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The units of `procedure`, in order, all pending. `source` is the document's text: conditions are taken from there, since
/// the tree has lost the marks around what a document quotes.
#[must_use]
pub fn of(procedure: &Procedure, source: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut decisions: HashMap<usize, ItemId> = HashMap::new();
    let mut polled = Polled::default();
    for (index, node) in procedure.nodes.iter().enumerate() {
        if !on_the_way(procedure, index) || polled.has_taken(index) {
            continue;
        }
        if let Some(found) = polls::of(procedure, source, index, &items) {
            match found {
                Found::Now(kind) => items.push(item(procedure, index, kind, words(node), &items, &decisions)),
                Found::WithQuery(kind, query) => {
                    polled.take(query);
                    items.push(item(procedure, index, kind, words(node), &items, &decisions));
                }
                Found::BehindCommand(sentence, command) => polled.put_behind(command, index, sentence),
            }
            continue;
        }
        let Some((kind, title)) = unit(procedure, source, index, node) else { continue };
        let new = item(procedure, index, kind, title, &items, &decisions);
        let id = new.id;
        if matches!(new.kind, ItemKind::Decision { .. }) {
            decisions.insert(index, id);
        }
        items.push(new);
        if let Some((step, kind)) = polled.behind(index, id) {
            let title = procedure.nodes.get(step).map(words).unwrap_or_default();
            items.push(item(procedure, step, kind, title, &items, &decisions));
        }
    }
    items
}

/// The item that comes next, for the node at `index`.
fn item(
    procedure: &Procedure,
    index: usize,
    kind: ItemKind,
    title: String,
    before: &[Item],
    decisions: &HashMap<usize, ItemId>,
) -> Item {
    let node = procedure.nodes.get(index);
    Item {
        id: ItemId(u32::try_from(before.len() + 1).unwrap_or(u32::MAX)),
        node: node.map(|node| node.id.clone()),
        kind,
        title,
        written: node.and_then(written),
        section: section(procedure, index).map(|node| node.id.clone()),
        role: section(procedure, index).and_then(role),
        within: within(procedure, index, decisions),
        group: group(procedure, index),
        added: Added::Document,
        assigned: None,
        state: ItemState::Pending,
    }
}

pub(super) fn ancestors(procedure: &Procedure, index: usize) -> impl Iterator<Item = usize> {
    crate::domain::sop::tree::ancestors(procedure, index)
}

fn on_the_way(procedure: &Procedure, index: usize) -> bool {
    ancestors(procedure, index).all(|at| match procedure.nodes.get(at).map(|node| &node.kind) {
        Some(NodeKind::Section { role, .. }) => match role {
            SectionRole::Prereq
            | SectionRole::Diagnosis
            | SectionRole::Mitigation
            | SectionRole::Verify
            | SectionRole::Other => true,
            SectionRole::Meaning
            | SectionRole::Impact
            | SectionRole::Rollback
            | SectionRole::Escalation
            | SectionRole::Reference => false,
        },
        _ => true,
    })
}

fn unit(procedure: &Procedure, source: &str, index: usize, node: &Node) -> Option<(ItemKind, String)> {
    match &node.kind {
        NodeKind::Command { script, shell, .. } => {
            let kind = match shell {
                Shell::Sh => ItemKind::Command,
                Shell::Promql => ItemKind::Query { promql: script.clone() },
                Shell::Sql | Shell::Other => ItemKind::Manual,
            };
            Some((kind, title_of_command(procedure, node)))
        }
        NodeKind::Step { mode: StepMode::Wait, .. } => Some((ItemKind::Wait { until: wait(&node.text) }, words(node))),
        NodeKind::Step { .. } if has_units(procedure, index) => None,
        NodeKind::Step { .. } => Some((ItemKind::Manual, words(node))),
        NodeKind::Decision { question } => {
            let children = procedure.nodes.iter().filter(|child| child.parent == Some(index));
            let forks = children.filter_map(|child| fork(child, source)).collect();
            let question_as_written = quoted::as_written(question, around(procedure, index, source));
            Some((ItemKind::Decision { question: question_as_written, forks }, question.trim().to_owned()))
        }
        NodeKind::Section { .. }
        | NodeKind::Output
        | NodeKind::Branch { .. }
        | NodeKind::Note { .. }
        | NodeKind::Opaque { .. } => None,
    }
}

/// The text of a question and of the step that it stands in.
pub(super) fn around<'a>(procedure: &Procedure, index: usize, source: &'a str) -> &'a str {
    let node = procedure.nodes.get(index);
    let parent = node.and_then(|node| node.parent).and_then(|parent| procedure.nodes.get(parent));
    let span = match (node, parent) {
        (Some(_), Some(parent)) if matches!(parent.kind, NodeKind::Step { .. }) => parent.span,
        (Some(node), _) => node.span,
        (None, _) => return "",
    };
    source.get(span.start..span.end).unwrap_or_default()
}

fn fork(node: &Node, source: &str) -> Option<Fork> {
    match &node.kind {
        NodeKind::Branch { condition, origin } => {
            let written = source.get(node.span.start..node.span.end).unwrap_or_default();
            let condition = quoted::as_written(condition, written);
            Some(Fork { node: node.id.clone(), condition, origin: *origin })
        }
        _ => None,
    }
}

pub(super) fn words(node: &Node) -> String {
    node.text.trim().trim_end_matches(':').to_owned()
}

/// The words of the step that a command stands in; of a command that stands alone, its first line.
fn title_of_command(procedure: &Procedure, node: &Node) -> String {
    let parent = node.parent.and_then(|parent| procedure.nodes.get(parent));
    match parent.map(|parent| (&parent.kind, words(parent))) {
        Some((NodeKind::Step { .. }, words)) if !words.is_empty() => words,
        _ => node.text.lines().next().unwrap_or_default().to_owned(),
    }
}

/// Whether anything below the step is a unit, so that the step itself is none.
fn has_units(procedure: &Procedure, index: usize) -> bool {
    (index + 1..procedure.nodes.len()).take_while(|at| ancestors(procedure, *at).any(|above| above == index)).any(
        |at| {
            let kind = procedure.nodes.get(at).map(|node| &node.kind);
            matches!(kind, Some(NodeKind::Command { .. } | NodeKind::Decision { .. } | NodeKind::Step { .. }))
        },
    )
}

pub(super) fn section(procedure: &Procedure, index: usize) -> Option<&Node> {
    let mut above = ancestors(procedure, index).filter_map(|at| procedure.nodes.get(at));
    above.find(|node| matches!(node.kind, NodeKind::Section { .. }))
}

pub(super) const fn role(section: &Node) -> Option<SectionRole> {
    match section.kind {
        NodeKind::Section { role, .. } => Some(role),
        _ => None,
    }
}

/// The command as the document has it.
fn written(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::Command { script, shell: Shell::Sh, .. } => Some(script.clone()),
        _ => None,
    }
}

fn within(procedure: &Procedure, index: usize, decisions: &HashMap<usize, ItemId>) -> Vec<Choice> {
    let choice = |at: usize| {
        let branch = procedure.nodes.get(at).filter(|node| matches!(node.kind, NodeKind::Branch { .. }))?;
        Some(Choice { decision: *decisions.get(&branch.parent?)?, branch: branch.id.clone() })
    };
    let mut choices: Vec<Choice> = ancestors(procedure, index).filter_map(choice).collect();
    choices.reverse();
    choices
}

/// The nearest thing above, or before it among its siblings, that says that its parts may be done at the same time.
fn group(procedure: &Procedure, index: usize) -> Option<u32> {
    let says = |at: &usize| {
        let node = procedure.nodes.get(*at)?;
        let lower = node.text.to_lowercase();
        let says = matches!(node.kind, NodeKind::Step { .. } | NodeKind::Section { .. } | NodeKind::Note { .. })
            && PARALLEL.iter().any(|words| lower.contains(words));
        says.then_some(*at)
    };
    let above = ancestors(procedure, index).find_map(|at| says(&at));
    let found = above.or_else(|| lead_in(procedure, index).and_then(|at| says(&at)))?;
    u32::try_from(found).ok()
}

/// The paragraph that ends in a colon before the steps that the node is one of.
fn lead_in(procedure: &Procedure, index: usize) -> Option<usize> {
    let nodes = &procedure.nodes;
    let step = ancestors(procedure, index)
        .chain([index])
        .filter(|at| matches!(nodes.get(*at).map(|node| &node.kind), Some(NodeKind::Step { .. })))
        .min()
        .unwrap_or(index);
    let parent = nodes.get(step)?.parent;
    let mut before = (0..step).rev().filter(|at| nodes.get(*at).is_some_and(|node| node.parent == parent));
    let first = before.find(|at| {
        !matches!(nodes.get(*at).map(|node| &node.kind), Some(NodeKind::Step { .. } | NodeKind::Command { .. }))
    })?;
    let node = nodes.get(first)?;
    (matches!(node.kind, NodeKind::Note { .. }) && node.text.trim_end().ends_with(':')).then_some(first)
}

/// What a step that waits waits for.
fn wait(text: &str) -> WaitFor {
    let lower = text.to_lowercase();
    let ends = ["alert ends", "alert clears", "alert is over", "alert resolves", "alert stops", "alert is resolved"];
    if ends.iter().any(|words| lower.contains(words)) {
        return WaitFor::AlertEnd;
    }
    let words: Vec<&str> =
        lower.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':', ';', ')'])).collect();
    let mut spans = words.windows(2).filter_map(|pair| {
        let [number, unit] = pair else { return None };
        Quantity::parse(digits(number))?.counted_in(unit)
    });
    let joined =
        words.iter().filter_map(|word| Quantity::parse(word)).filter(|found| found.dimension == Dimension::Time);
    let spans: Vec<Quantity> =
        spans.by_ref().filter(|found| found.dimension == Dimension::Time).chain(joined).collect();
    match spans.as_slice() {
        // "Up to ten minutes" is a bound and no wait; "until" names something else than time.
        [_] if lower.contains("up to") || lower.contains("until") => WaitFor::Person,
        [one] if one.value.0 > 0.0 && one.value.0 <= LONGEST_WAIT.as_secs_f64() => {
            WaitFor::Span(Duration::from_secs_f64(one.value.0))
        }
        _ => WaitFor::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::SopId;
    use crate::domain::sop::parse;

    fn outline(text: &str) -> Vec<String> {
        let items = of(&parse(&SopId::from("x.md"), text.as_bytes()), text);
        let line = |item: &Item| {
            let kind = match &item.kind {
                ItemKind::Command => "run".to_owned(),
                ItemKind::Query { .. } => "query".to_owned(),
                ItemKind::Manual => "do".to_owned(),
                ItemKind::Wait { until } => format!("{until:?}"),
                ItemKind::Poll { poll } => poll.condition.clone(),
                ItemKind::Decision { forks, .. } => forks.iter().map(Fork::label).collect::<Vec<_>>().join("|"),
            };
            let within: Vec<String> = item.within.iter().map(|choice| choice.decision.to_string()).collect();
            let group = item.group.map(|_| " together").unwrap_or_default();
            format!(
                "{} {kind}: {}{}{group}",
                item.id,
                item.title,
                within.iter().map(|id| format!(" <{id}")).collect::<String>()
            )
        };
        items.iter().map(line).collect()
    }

    #[test]
    fn steps_commands_questions_and_waits_are_units_in_order() {
        let text = "# T\n\n## Meaning\n\nIf it is full, it is full.\n\n## Diagnosis\n\n1. Look:\n\n   ```sh\n   df -h\n   ```\n\n\
                    2. Is usage above 95 %?\n   - If yes, remove it:\n     ```sh\n     rm -v x\n     ```\n   - Otherwise, \
                    restart it.\n3. Wait five minutes.\n4. Call the owner.\n\n## Rollback\n\n1. Undo it.\n";
        assert_eq!(
            outline(text),
            [
                "1 run: Look",
                "2 yes|otherwise: Is usage above 95 %?",
                "3 run: Remove it <2",
                "4 do: Restart it. <2",
                "5 Span(300s): Wait five minutes.",
                "6 do: Call the owner.",
            ]
        );
    }

    #[test]
    fn quoted_texts_of_conditions_are_kept() {
        let text = "## Diagnosis\n\n1. See:\n   ```sh\n   systemctl is-active x\n   ```\n2. See why:\n   - If it says `failed`, \
                    restart it.\n";
        assert_eq!(outline(text)[1], "2 it says `failed`|otherwise (go on): It says failed?");
    }

    #[test]
    fn what_may_be_done_at_the_same_time_is_a_group() {
        let text = "## Diagnosis\n\nRun these in parallel:\n\n1. Look:\n\n   ```sh\n   df -h\n   ```\n\n2. Look again:\n\n   \
                    ```sh\n   df -i\n   ```\n\n## Verify\n\n1. See:\n\n   ```sh\n   id\n   ```\n";
        assert_eq!(outline(text), ["1 run: Look together", "2 run: Look again together", "3 run: See"]);
    }

    #[test]
    fn waits_are_read_or_left_to_the_person() {
        let five = WaitFor::Span(Duration::from_secs(300));
        assert_eq!(wait("Wait 5 minutes."), five);
        assert_eq!(wait("Wait 300s, then look."), five);
        assert_eq!(wait("Wait one minute, and see"), WaitFor::Span(Duration::from_secs(60)));
        assert_eq!(wait("Wait until the alert ends by itself"), WaitFor::AlertEnd);
        for unclear in
            ["Wait.", "Wait up to ten minutes", "Wait 5 minutes, or 10 minutes", "Wait until it is 5 minutes old"]
        {
            assert_eq!(wait(unclear), WaitFor::Person, "{unclear}");
        }
    }
}

//! Moving about in a procedure: what is visible, the next step, finding text.
//!
//! Owns: pure navigation over the nodes. Does not: draw, or remember where the person is.

use std::collections::HashSet;

use crate::domain::id::NodeId;
use crate::domain::procedure::{Node, NodeKind, Procedure};

/// Which way to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the end of the document.
    Forward,
    /// Towards its beginning.
    Backward,
}

/// Positions of the nodes that show when the nodes in `folded` hide what is below them, in document order.
#[must_use]
pub fn visible(procedure: &Procedure, folded: &HashSet<NodeId>) -> Vec<usize> {
    let mut shown = Vec::with_capacity(procedure.nodes.len());
    // Whether what is below each node is hidden; a parent stands before its children.
    let mut hides = Vec::with_capacity(procedure.nodes.len());
    for (index, node) in procedure.nodes.iter().enumerate() {
        let hidden = node.parent.and_then(|parent| hides.get(parent)).copied().unwrap_or(false);
        if !hidden {
            shown.push(index);
        }
        hides.push(hidden || folded.contains(&node.id));
    }
    shown
}

/// Whether there is anything below the node at `index`.
#[must_use]
pub fn has_children(procedure: &Procedure, index: usize) -> bool {
    // In document order the first child follows its parent at once.
    procedure.nodes.get(index + 1).is_some_and(|node| node.parent == Some(index))
}

/// The positions of the node's ancestors, nearest first.
pub fn ancestors(procedure: &Procedure, index: usize) -> impl Iterator<Item = usize> {
    let parent_of = |index: usize| procedure.nodes.get(index).and_then(|node| node.parent);
    std::iter::successors(parent_of(index), move |parent| parent_of(*parent))
}

/// The next node that asks for something to be done or decided: a step, a decision, or a command that is in no step.
/// From the last one there is none; `from` is not counted.
#[must_use]
pub fn next_step(procedure: &Procedure, from: usize, direction: Direction) -> Option<usize> {
    let is_stop = |index: &usize| procedure.nodes.get(*index).is_some_and(|node| asks(procedure, node));
    match direction {
        Direction::Forward => (from.saturating_add(1)..procedure.nodes.len()).find(is_stop),
        Direction::Backward => (0..from.min(procedure.nodes.len())).rev().find(is_stop),
    }
}

fn asks(procedure: &Procedure, node: &Node) -> bool {
    match node.kind {
        NodeKind::Step { .. } | NodeKind::Decision { .. } => true,
        NodeKind::Command { .. } => {
            let parent = node.parent.and_then(|parent| procedure.nodes.get(parent));
            !matches!(parent.map(|parent| &parent.kind), Some(NodeKind::Step { .. }))
        }
        NodeKind::Section { .. }
        | NodeKind::Output
        | NodeKind::Branch { .. }
        | NodeKind::Note { .. }
        | NodeKind::Opaque { .. } => false,
    }
}

/// Where to begin: the first step or decision; without one, the first command.
#[must_use]
pub fn first_step(procedure: &Procedure) -> Option<usize> {
    let steps = |node: &Node| matches!(node.kind, NodeKind::Step { .. } | NodeKind::Decision { .. });
    let command = |node: &Node| matches!(node.kind, NodeKind::Command { .. });
    procedure.nodes.iter().position(steps).or_else(|| procedure.nodes.iter().position(command))
}

/// The command that the node at `index` is, or the first one directly below it. A section has none: running the first
/// command somewhere below it would surprise.
#[must_use]
pub fn command_at(procedure: &Procedure, index: usize) -> Option<usize> {
    let is_command = |at: usize| matches!(procedure.nodes[at].kind, NodeKind::Command { .. });
    match &procedure.nodes.get(index)?.kind {
        NodeKind::Command { .. } => Some(index),
        NodeKind::Section { .. } => None,
        _ => {
            (index + 1..procedure.nodes.len()).find(|at| procedure.nodes[*at].parent == Some(index) && is_command(*at))
        }
    }
}

/// The next node whose text contains `needle`, regardless of case, going round at the end of the document.
///
/// `from` itself comes last. An empty needle is found nowhere.
#[must_use]
pub fn find(procedure: &Procedure, needle: &str, from: usize, direction: Direction) -> Option<usize> {
    let count = procedure.nodes.len();
    let needle = needle.to_lowercase();
    if needle.is_empty() || count == 0 {
        return None;
    }
    let from = from.min(count - 1);
    (1..=count)
        .map(|distance| match direction {
            Direction::Forward => (from + distance) % count,
            Direction::Backward => (from + count - distance) % count,
        })
        .find(|index| procedure.nodes.get(*index).is_some_and(|node| node.text.to_lowercase().contains(&needle)))
}

/// Every node whose text contains `needle`, regardless of case, in document order; none for an empty needle.
pub fn matches(procedure: &Procedure, needle: &str) -> impl Iterator<Item = usize> {
    let needle = needle.to_lowercase();
    let hit = move |node: &Node| !needle.is_empty() && node.text.to_lowercase().contains(&needle);
    procedure.nodes.iter().enumerate().filter(move |(_, node)| hit(node)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::id::SopId;
    use crate::domain::sop::parse;

    fn procedure() -> Procedure {
        let text = "## Meaning\n\nWords.\n\n## Diagnosis\n\n1. Look:\n   ```sh\n   df -h\n   ```\n2. Check it.\n\n## Mitigation\n\n\
                    If full, wait.\n\n## Verify\n\n```sh\ndf -h\n```\n";
        parse(&SopId::from("x.md"), text.as_bytes())
    }

    fn texts(procedure: &Procedure, indices: impl IntoIterator<Item = usize>) -> Vec<String> {
        indices.into_iter().map(|index| procedure.nodes[index].text.clone()).collect()
    }

    #[test]
    fn folding_hides_what_is_below() {
        let procedure = procedure();
        assert_eq!(visible(&procedure, &HashSet::new()).len(), procedure.nodes.len());
        let folded: HashSet<NodeId> =
            procedure.nodes.iter().filter(|node| node.parent.is_none()).map(|node| node.id.clone()).collect();
        assert_eq!(texts(&procedure, visible(&procedure, &folded)), ["Meaning", "Diagnosis", "Mitigation", "Verify"]);
        let look = procedure.nodes.iter().position(|node| node.text == "Look:").unwrap();
        let folded = HashSet::from([procedure.nodes[look].id.clone()]);
        assert_eq!(visible(&procedure, &folded).len(), procedure.nodes.len() - 1);
        assert!(has_children(&procedure, look) && !has_children(&procedure, look + 1));
        assert_eq!(texts(&procedure, ancestors(&procedure, look + 1)), ["Look:", "Diagnosis"]);
    }

    #[test]
    fn steps_in_both_directions() {
        let procedure = procedure();
        let mut forward = vec![];
        let mut at = 0;
        while let Some(next) = next_step(&procedure, at, Direction::Forward) {
            forward.push(next);
            at = next;
        }
        assert_eq!(texts(&procedure, forward.clone()), ["Look:", "Check it.", "Full?", "Wait.", "df -h"]);
        let mut backward = vec![at];
        while let Some(next) = next_step(&procedure, at, Direction::Backward) {
            backward.push(next);
            at = next;
        }
        backward.reverse();
        assert_eq!(forward, backward);
    }

    #[rstest]
    #[case("DF", Direction::Forward, 0, Some("df -h"))]
    #[case("meaning", Direction::Forward, 0, Some("Meaning"))]
    #[case("verify", Direction::Backward, 0, Some("Verify"))]
    #[case("nowhere", Direction::Forward, 0, None)]
    #[case("", Direction::Forward, 0, None)]
    #[case("words", Direction::Forward, 999, Some("Words."))]
    fn finding(
        #[case] needle: &str,
        #[case] direction: Direction,
        #[case] from: usize,
        #[case] expected: Option<&str>,
    ) {
        let procedure = procedure();
        let found = find(&procedure, needle, from, direction);
        assert_eq!(found.map(|index| procedure.nodes[index].text.as_str()), expected);
    }

    #[test]
    fn an_empty_document_has_no_places() {
        let empty = parse(&SopId::from("x.md"), b"");
        assert_eq!(visible(&empty, &HashSet::new()), Vec::<usize>::new());
        assert_eq!(find(&empty, "x", 0, Direction::Forward), None);
        assert_eq!(next_step(&empty, 0, Direction::Backward), None);
    }

    #[test]
    fn a_step_has_its_command_and_a_section_has_none() {
        let text = "# T\n\n## Diagnosis\n\n1. Look at the disk:\n\n   ```sh\n   df -h\n   ```\n\n2. Think.\n";
        let procedure = crate::domain::sop::parse(&"t.md".into(), text.as_bytes());
        let position = |words: &str| find(&procedure, words, 0, Direction::Forward).unwrap();
        let look = first_step(&procedure).unwrap();
        assert!(procedure.nodes[look].text.contains("Look at"));
        assert_eq!(command_at(&procedure, look), Some(position("df -h")));
        assert_eq!(command_at(&procedure, position("Think")), None);
        assert_eq!(command_at(&procedure, position("Diagnosis")), None);
        assert_eq!(command_at(&procedure, 10_000), None);
    }
}

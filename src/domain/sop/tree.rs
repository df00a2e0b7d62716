//! Moving through a procedure: what is visible when nodes are folded, the next step, where a text is.
//!
//! Owns: pure questions about a tree. Does not: know a screen; positions are indices into `Procedure::nodes`.

use std::collections::HashSet;

use crate::domain::id::NodeId;
use crate::domain::procedure::{Node, NodeKind, Procedure};

/// Nodes that no folded ancestor hides, in document order. Linear in the number of nodes.
#[must_use]
pub fn visible(procedure: &Procedure, folded: &HashSet<NodeId>) -> Vec<usize> {
    // A parent stands before its children, so one pass is enough.
    let mut hidden = vec![false; procedure.nodes.len()];
    let mut visible = Vec::with_capacity(procedure.nodes.len());
    for (index, node) in procedure.nodes.iter().enumerate() {
        hidden[index] = node
            .parent
            .is_some_and(|parent| hidden[parent] || folded.contains(&procedure.nodes[parent].id));
        if !hidden[index] {
            visible.push(index);
        }
    }
    visible
}

const fn is_stop(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Step { .. } | NodeKind::Decision { .. })
}

/// The first step or decision; without one, the first command.
#[must_use]
pub fn first_step(procedure: &Procedure) -> Option<usize> {
    let command = |node: &Node| matches!(node.kind, NodeKind::Command { .. });
    procedure.nodes.iter().position(is_stop).or_else(|| procedure.nodes.iter().position(command))
}

/// The first step or decision after `from`.
#[must_use]
pub fn next_step(procedure: &Procedure, from: usize) -> Option<usize> {
    let after = procedure.nodes.iter().enumerate().skip(from + 1);
    after.filter(|(_, node)| is_stop(node)).map(|(index, _)| index).next()
}

/// The last step or decision before `from`.
#[must_use]
pub fn previous_step(procedure: &Procedure, from: usize) -> Option<usize> {
    procedure.nodes.iter().take(from).rposition(is_stop)
}

/// The next node after `from` that contains `words`, whatever their case; goes on at the beginning after the end.
#[must_use]
pub fn find_next(procedure: &Procedure, from: usize, words: &str) -> Option<usize> {
    let count = procedure.nodes.len();
    let words = words.to_lowercase();
    (1..=count).map(|step| (from + step) % count).find(|index| contains(&procedure.nodes[*index], &words))
}

/// The same backwards.
#[must_use]
pub fn find_previous(procedure: &Procedure, from: usize, words: &str) -> Option<usize> {
    let count = procedure.nodes.len();
    let words = words.to_lowercase();
    (1..=count)
        .map(|step| (from + count - step % count) % count)
        .find(|index| contains(&procedure.nodes[*index], &words))
}

fn contains(node: &Node, lowercase_words: &str) -> bool {
    let script = match &node.kind {
        NodeKind::Command { script, .. } => script.as_str(),
        NodeKind::Branch { condition, .. } => condition.as_str(),
        NodeKind::Decision { question } => question.as_str(),
        _ => "",
    };
    node.text.to_lowercase().contains(lowercase_words) || script.to_lowercase().contains(lowercase_words)
}

/// The command that the node at `index` is, or the first one directly below it.
#[must_use]
pub fn command_at(procedure: &Procedure, index: usize) -> Option<usize> {
    let is_command = |at: usize| matches!(procedure.nodes[at].kind, NodeKind::Command { .. });
    if index >= procedure.nodes.len() {
        return None;
    }
    if is_command(index) {
        return Some(index);
    }
    // A section is no step: running "the first command somewhere below" would surprise.
    if matches!(procedure.nodes[index].kind, NodeKind::Section { .. }) {
        return None;
    }
    (index + 1..procedure.nodes.len()).find(|at| procedure.nodes[*at].parent == Some(index) && is_command(*at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sop::parse;

    const TEXT: &str = "# Title\n\n## Diagnosis\n\n1. Look at the disk:\n\n   ```sh\n   df -h\n   ```\n\n2. Think.\n\n\
        ## Mitigation\n\n1. Remove it:\n\n   ```sh\n   rm -v -- <file>\n   ```\n";

    fn procedure() -> Procedure {
        parse(&"t.md".into(), TEXT.as_bytes())
    }

    fn find(procedure: &Procedure, words: &str) -> usize {
        find_next(procedure, procedure.nodes.len() - 1, words).expect(words)
    }

    #[test]
    fn folding_hides_everything_below_and_nothing_else() {
        let procedure = procedure();
        let diagnosis = find(&procedure, "Diagnosis");
        let all = visible(&procedure, &HashSet::new());
        assert_eq!(all.len(), procedure.nodes.len());
        let folded = HashSet::from([procedure.nodes[diagnosis].id.clone()]);
        let rest = visible(&procedure, &folded);
        assert!(rest.contains(&diagnosis) && rest.contains(&find(&procedure, "Mitigation")));
        assert!(!rest.contains(&find(&procedure, "df -h")) && !rest.contains(&find(&procedure, "Think")));
    }

    #[test]
    fn steps_follow_each_other_and_end() {
        let procedure = procedure();
        let first = first_step(&procedure).unwrap();
        assert!(procedure.nodes[first].text.contains("Look"));
        let second = next_step(&procedure, first).unwrap();
        assert!(procedure.nodes[second].text.contains("Think"));
        let third = next_step(&procedure, second).unwrap();
        assert_eq!(next_step(&procedure, third), None);
        assert_eq!(previous_step(&procedure, third), Some(second));
        assert_eq!(previous_step(&procedure, first), None);
    }

    #[test]
    fn finding_wraps_in_both_directions() {
        let procedure = procedure();
        let remove = find(&procedure, "RM -V");
        assert_eq!(find_next(&procedure, remove, "df"), find_previous(&procedure, remove, "df"));
        assert_eq!(find_next(&procedure, 0, "nowhere"), None);
        assert_eq!(find_previous(&procedure, 0, "nowhere"), None);
    }

    #[test]
    fn a_step_has_its_command_a_section_has_none() {
        let procedure = procedure();
        let look = find(&procedure, "Look at");
        assert_eq!(command_at(&procedure, look), Some(find(&procedure, "df -h")));
        assert_eq!(command_at(&procedure, find(&procedure, "Think")), None);
        assert_eq!(command_at(&procedure, find(&procedure, "Diagnosis")), None);
        assert_eq!(command_at(&procedure, 10_000), None);
    }
}

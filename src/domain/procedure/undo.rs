//! What a document says of undoing one of its steps.
//!
//! Owns: finding its sections about rolling back, and their words. Does not: decide whether they are about this very step;
//! that is for whoever reads them.

use serde::{Deserialize, Serialize};

use super::{Node, NodeKind, Procedure, SectionRole};
use crate::domain::id::NodeId;

/// Lines of a section that are kept; the rest is counted.
pub const MOST_LINES: usize = 6;
/// Characters of a line that are kept.
const LINE: usize = 200;

/// What is known of undoing an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// The document says this, line by line. Foreign text.
    Said {
        /// The heading.
        heading: String,
        /// Its lines, at most [`MOST_LINES`].
        lines: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// The document says nothing of it.
    Silent,
    /// It comes from no document.
    NoDocument,
}

/// What `procedure` says of undoing the step with the command `node`: the section about it that is nearest, within the same
/// section first.
#[must_use]
pub fn of(procedure: &Procedure, node: &NodeId) -> Undo {
    let is_rollback =
        |at: &usize| matches!(procedure.nodes[*at].kind, NodeKind::Section { role: SectionRole::Rollback, .. });
    let sections: Vec<usize> = (0..procedure.nodes.len()).filter(is_rollback).collect();
    let mine = procedure.index_of(node).map(|at| ancestors(procedure, at)).unwrap_or_default();
    // One that stands inside of it is a part of it, and one that holds the step is no undoing of it.
    let outer = sections.iter().filter(|at| !mine.contains(at));
    let shared = |at: usize| ancestors(procedure, at).iter().filter(|above| mine.contains(above)).count();
    let Some(best) = outer.copied().max_by_key(|at| (shared(*at), std::cmp::Reverse(*at))) else {
        return Undo::Silent;
    };
    let inside = (0..procedure.nodes.len()).filter(|at| ancestors(procedure, *at).contains(&best));
    let mut texts: Vec<String> = Vec::new();
    for line in inside.flat_map(|at| words(&procedure.nodes[at])) {
        // A sentence that was read as a question with its answer stands there already.
        let said = plain(&line);
        if !texts.iter().rev().take(3).any(|before| plain(before).contains(&said)) {
            texts.push(line);
        }
    }
    if texts.is_empty() {
        return Undo::Silent;
    }
    let more = texts.len().saturating_sub(MOST_LINES);
    let heading = procedure.nodes[best].text.clone();
    Undo::Said { heading, lines: texts.into_iter().take(MOST_LINES).collect(), more }
}

/// What a line says, whatever its marks.
fn plain(line: &str) -> String {
    line.trim_end_matches(['?', ':', '.', ' ']).to_lowercase()
}

fn ancestors(procedure: &Procedure, at: usize) -> Vec<usize> {
    let mut above = Vec::new();
    let mut at = procedure.nodes.get(at).and_then(|node| node.parent);
    while let Some(parent) = at {
        above.push(parent);
        at = procedure.nodes.get(parent).and_then(|node| node.parent);
    }
    above
}

/// What a node says; commands as they are written.
fn words(node: &Node) -> Vec<String> {
    let text = match &node.kind {
        NodeKind::Command { script, .. } => script.as_str(),
        NodeKind::Branch { condition, .. } => condition.as_str(),
        NodeKind::Section { .. } | NodeKind::Step { .. } | NodeKind::Decision { .. } | NodeKind::Note { .. } => {
            &node.text
        }
        NodeKind::Output | NodeKind::Opaque { .. } => "",
    };
    let lines = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    lines.map(|line| line.chars().take(LINE).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::SopId;
    use crate::domain::sop::parse;

    fn undo(text: &str, command: usize) -> Undo {
        let procedure = parse(&SopId::from("a.md"), text.as_bytes());
        let commands: Vec<&Node> =
            procedure.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Command { .. })).collect();
        of(&procedure, &commands[command].id)
    }

    #[test]
    fn the_rollback_of_the_document_is_told() {
        let text = "# Full\n\n## Mitigation\n\n1. Move it:\n   ```sh\n   mv /a /b\n   ```\n\n## Rollback\n\n1. Move it back:\n   \
                    ```sh\n   mv /b /a\n   ```\n";
        let Undo::Said { heading, lines, more } = undo(text, 0) else { panic!("it is said") };
        assert_eq!((heading.as_str(), more), ("Rollback", 0));
        assert!(lines.iter().any(|line| line.contains("Move it back")), "{lines:?}");
        assert!(lines.contains(&"mv /b /a".to_owned()), "{lines:?}");
        assert_eq!(undo(text, 1), Undo::Silent, "a step of the rollback is not undone by itself");
    }

    #[test]
    fn a_sentence_is_told_once() {
        let text = "# Full\n\n## Mitigation\n\n1. Do it:\n   ```sh\n   mv /a /b\n   ```\n\n## Rollback\n\n1. If the disk is \
                    full, move it back:\n   ```sh\n   mv /b /a\n   ```\n";
        let Undo::Said { lines, .. } = undo(text, 0) else { panic!("it is said") };
        assert_eq!(lines, ["If the disk is full, move it back:", "mv /b /a"]);
    }

    #[test]
    fn a_document_without_one_is_silent() {
        assert_eq!(undo("# Full\n\n## Mitigation\n\n1. Do it:\n   ```sh\n   mv /a /b\n   ```\n", 0), Undo::Silent);
        let empty = "# Full\n\n## Mitigation\n\n```sh\nmv /a /b\n```\n\n## Rollback\n";
        assert_eq!(undo(empty, 0), Undo::Silent);
    }

    #[test]
    fn the_nearest_section_counts_and_a_long_one_is_cut() {
        let steps: String = (1..=20).map(|number| format!("{number}. Undo part {number}.\n")).collect();
        let text = format!(
            "# T\n\n## One\n\n```sh\nmv /a /b\n```\n\n### Rollback\n\n1. Undo one.\n\n## Two\n\n```sh\nmv /c /d\n```\n\n### Rollback\n\n{steps}"
        );
        let Undo::Said { lines, .. } = undo(&text, 0) else { panic!() };
        assert_eq!(lines, ["Undo one."]);
        let Undo::Said { lines, more, .. } = undo(&text, 1) else { panic!() };
        assert_eq!((lines.len(), more), (MOST_LINES, 20 - MOST_LINES));
    }
}

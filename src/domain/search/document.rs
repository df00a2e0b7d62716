//! What of a document is searched.
//!
//! Owns: the places of a procedure that a search can lead to, each with its words. Does not: index them.
//!
//! One place stands for the document as a whole, with its title and the alerts that it declares. Each other place is a node
//! with its own text and the path to it, so that `disk rotated delete` finds the command that deletes in the step about
//! rotated logs of the document about disks.

use crate::domain::id::{NodeId, SopId};
use crate::domain::procedure::{Node, NodeKind, Procedure, SectionRole};
use crate::domain::sop::tree;

/// Bytes of one node that are searched; a longer one is pasted output.
const NODE_BYTES: usize = 4_000;

/// Bytes of one step of a path.
const PATH_BYTES: usize = 160;

/// What separates the steps of a path.
const PATH_MARK: &str = " > ";

/// A document as the index takes it. All texts are foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentText {
    /// Which document.
    pub sop: SopId,
    /// SHA-256 of its bytes.
    pub revision: String,
    /// Its title.
    pub title: String,
    /// Its places, in document order, the document itself first.
    pub nodes: Vec<NodeText>,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeText {
    /// Where a search leads.
    pub node: NodeId,
    /// What the section around it is for.
    pub role: SectionRole,
    /// What its text is.
    pub kind: TextKind,
    /// Headings and steps above it, outermost first, without the title.
    pub path: String,
    /// Its own text.
    pub text: String,
}

/// What the text of a place is; a title weighs more than a step, and a step more than prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// The document's title and the alerts that it declares.
    Document,
    /// A heading.
    Heading,
    /// What to do or to decide.
    Step,
    /// A command.
    Command,
    /// Anything else.
    Prose,
}

/// The places of `procedure`. A document without any node has none: there is nothing to lead to.
#[must_use]
pub fn document(procedure: &Procedure) -> DocumentText {
    let root = title_node(procedure);
    let mut nodes = Vec::with_capacity(procedure.nodes.len() + 1);
    nodes.extend(whole(procedure));
    for (index, node) in procedure.nodes.iter().enumerate() {
        if Some(index) != root && !node.text.trim().is_empty() && !repeats(procedure, node) {
            nodes.push(NodeText {
                node: node.id.clone(),
                role: role(procedure, index),
                kind: kind(node),
                path: path(procedure, index, root),
                text: cut(&node.text, NODE_BYTES).to_owned(),
            });
        }
    }
    DocumentText {
        sop: procedure.sop.clone(),
        revision: procedure.revision.clone(),
        title: procedure.title.clone(),
        nodes,
    }
}

/// The document as a place: it leads to where reading begins.
fn whole(procedure: &Procedure) -> Option<NodeText> {
    let first = tree::first_step(procedure).unwrap_or(0);
    let node = procedure.nodes.get(first)?.id.clone();
    let mut text = procedure.title.clone();
    for alert in &procedure.alerts {
        text.push_str(", ");
        text.push_str(alert);
    }
    let text = cut(&text, NODE_BYTES).to_owned();
    Some(NodeText { node, role: SectionRole::Other, kind: TextKind::Document, path: String::new(), text })
}

/// The heading that is the title.
fn title_node(procedure: &Procedure) -> Option<usize> {
    let first = procedure.nodes.first()?;
    (matches!(first.kind, NodeKind::Section { .. }) && first.text == procedure.title).then_some(0)
}

/// Whether a node says just what the node above it says, as a question does that is a whole step.
fn repeats(procedure: &Procedure, node: &Node) -> bool {
    let parent = node.parent.and_then(|parent| procedure.nodes.get(parent));
    parent.is_some_and(|parent| parent.text.trim() == node.text.trim())
}

fn kind(node: &Node) -> TextKind {
    match node.kind {
        NodeKind::Section { .. } => TextKind::Heading,
        NodeKind::Step { .. } | NodeKind::Decision { .. } | NodeKind::Branch { .. } => TextKind::Step,
        NodeKind::Command { .. } => TextKind::Command,
        NodeKind::Output | NodeKind::Note { .. } | NodeKind::Opaque { .. } => TextKind::Prose,
    }
}

fn role(procedure: &Procedure, index: usize) -> SectionRole {
    let mut around = std::iter::once(index).chain(tree::ancestors(procedure, index));
    let found = around.find_map(|at| match procedure.nodes[at].kind {
        NodeKind::Section { role, .. } => Some(role),
        _ => None,
    });
    found.unwrap_or(SectionRole::Other)
}

fn path(procedure: &Procedure, index: usize, root: Option<usize>) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for at in tree::ancestors(procedure, index).filter(|at| Some(*at) != root) {
        let text = cut(procedure.nodes[at].text.trim(), PATH_BYTES);
        // A question that repeats its step adds nothing.
        if steps.last() != Some(&text) && !text.is_empty() {
            steps.push(text);
        }
    }
    steps.reverse();
    steps.join(PATH_MARK)
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sop::parse;

    fn read(text: &str) -> DocumentText {
        document(&parse(&SopId::from("x.md"), text.as_bytes()))
    }

    #[test]
    fn places_have_their_words_and_the_way_to_them() {
        let found =
            read("# Disk full\n\n## Mitigation\n\n1. Remove rotated logs:\n\n   ```sh\n   rm -v x.log\n   ```\n");
        let seen: Vec<_> = found.nodes.iter().map(|node| (node.kind, node.path.as_str(), node.text.trim())).collect();
        assert_eq!(
            seen,
            [
                (TextKind::Document, "", "Disk full"),
                (TextKind::Heading, "", "Mitigation"),
                (TextKind::Step, "Mitigation", "Remove rotated logs:"),
                (TextKind::Command, "Mitigation > Remove rotated logs:", "rm -v x.log"),
            ]
        );
        assert!(found.nodes[1..].iter().all(|node| node.role == SectionRole::Mitigation));
    }

    #[test]
    fn declared_alerts_are_words_of_the_document() {
        let found = read("+++\ntitle = \"Disk\"\nalerts = [\"NodeFilesystemFull\"]\n+++\n\n1. Look.\n");
        assert_eq!(found.nodes[0].text, "Disk, NodeFilesystemFull");
        assert_eq!(found.nodes[0].node, found.nodes[1].node, "the document leads to its first step");
    }

    #[test]
    fn an_empty_document_has_no_places_and_endless_text_is_cut() {
        assert_eq!(read("").nodes, []);
        let long = read(&format!("1. {}\n", "ä".repeat(1 << 20)));
        assert!(long.nodes.iter().all(|node| node.text.len() <= NODE_BYTES));
    }
}

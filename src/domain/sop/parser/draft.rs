//! The tree while it grows: nodes with children, then one list in document order with ids, lines and final spans.
//!
//! Owns: the invariants of the finished tree. A parent stands before its children and its span holds theirs; siblings do
//! not overlap; ids are unique and do not change when the document is edited elsewhere. Does not: read Markdown.

use std::collections::HashMap;

use crate::domain::digest::FieldHasher;
use crate::domain::id::NodeId;
use crate::domain::procedure::{BranchOrigin, Node, NodeKind, Span};
use crate::domain::sop::decode::Decoded;

/// Lists and quotes are not nested deeper than this; what stands deeper hangs on an ancestor. Keeps walks up the tree short.
const MAX_DEPTH: usize = 32;

/// Digits of the hash that make an id: 64 bits.
const ID_DIGITS: usize = 16;

/// A node that has not found its final place in the list.
pub(super) struct Draft {
    pub(super) kind: NodeKind,
    pub(super) text: String,
    pub(super) span: Span,
    parent: Option<usize>,
    depth: usize,
    children: Vec<usize>,
}

/// The growing tree.
#[derive(Default)]
pub(super) struct Tree {
    drafts: Vec<Draft>,
    roots: Vec<usize>,
}

impl Tree {
    /// Adds a node as the last child of `parent`.
    pub(super) fn add(&mut self, parent: Option<usize>, kind: NodeKind, text: &str, span: Span) -> usize {
        let index = self.drafts.len();
        let depth = parent.and_then(|parent| self.drafts.get(parent)).map_or(0, |parent| parent.depth + 1);
        match parent.and_then(|parent| self.drafts.get_mut(parent)) {
            Some(parent) => parent.children.push(index),
            None => self.roots.push(index),
        }
        self.drafts.push(Draft { kind, text: text.trim().to_owned(), span, parent, depth, children: Vec::new() });
        index
    }

    /// `node`, or its nearest ancestor that may have more levels below it. Never a decision: its children are branches.
    pub(super) fn shallow(&self, node: Option<usize>) -> Option<usize> {
        let mut at = node;
        while let Some(draft) = at.and_then(|at| self.drafts.get(at)) {
            if draft.depth < MAX_DEPTH && !matches!(draft.kind, NodeKind::Decision { .. }) {
                break;
            }
            at = draft.parent;
        }
        at
    }

    /// Whether nothing stands behind the node at `index` in the document so far, so that it may still get children.
    pub(super) fn is_open(&self, index: usize) -> bool {
        let mut at = index;
        loop {
            let Some(parent) = self.drafts.get(at).map(|draft| draft.parent) else { return false };
            let siblings = match parent {
                Some(parent) => self.drafts.get(parent).map_or(&[][..], |draft| &draft.children),
                None => &self.roots,
            };
            if siblings.last() != Some(&at) {
                return false;
            }
            match parent {
                Some(parent) => at = parent,
                None => return true,
            }
        }
    }

    /// Makes the section at `index` reach up to byte `end`.
    pub(super) fn close_section(&mut self, index: usize, end: usize) {
        if let Some(draft) = self.drafts.get_mut(index) {
            draft.span.end = draft.span.end.max(end);
        }
    }

    /// The finished nodes in document order.
    pub(super) fn finish(mut self, decoded: &Decoded) -> Vec<Node> {
        self.name_empty_steps();
        self.widen();
        self.add_implicit_else();
        self.flatten(decoded)
    }

    /// A step that is nothing but a command is called like the command.
    fn name_empty_steps(&mut self) {
        for index in 0..self.drafts.len() {
            let Some(draft) = self.drafts.get(index).filter(|draft| draft.text.is_empty()) else { continue };
            let text =
                draft.children.iter().filter_map(|child| self.drafts.get(*child)).find_map(|child| match &child.kind {
                    NodeKind::Command { script, .. } => Some(script.lines().next().unwrap_or_default().to_owned()),
                    _ => None,
                });
            if let (Some(text), Some(draft)) = (text, self.drafts.get_mut(index)) {
                draft.text = text;
            }
        }
    }

    /// Makes each span hold the spans of the children. A child is always added after its parent.
    fn widen(&mut self) {
        for index in (0..self.drafts.len()).rev() {
            let Some((span, parent)) = self.drafts.get(index).map(|draft| (draft.span, draft.parent)) else { continue };
            if let Some(parent) = parent.and_then(|parent| self.drafts.get_mut(parent)) {
                parent.span.start = parent.span.start.min(span.start);
                parent.span.end = parent.span.end.max(span.end);
            }
        }
    }

    /// Gives each decision without an "otherwise" an empty branch for the other case.
    fn add_implicit_else(&mut self) {
        for index in 0..self.drafts.len() {
            let Some(draft) = self.drafts.get(index).filter(|draft| matches!(draft.kind, NodeKind::Decision { .. }))
            else {
                continue;
            };
            let has_otherwise = draft
                .children
                .iter()
                .filter_map(|child| self.drafts.get(*child))
                .any(|child| matches!(child.kind, NodeKind::Branch { origin: BranchOrigin::Otherwise, .. }));
            if !has_otherwise {
                let end = draft.span.end;
                let kind = NodeKind::Branch { condition: String::new(), origin: BranchOrigin::ImplicitElse };
                self.add(Some(index), kind, "", Span { start: end, end });
            }
        }
    }

    /// Walks the tree in document order, without recursion.
    fn flatten(&self, decoded: &Decoded) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.drafts.len());
        let mut ids = Ids::default();
        let mut pending: Vec<(usize, Option<usize>)> = self.roots.iter().rev().map(|root| (*root, None)).collect();
        let mut paths: Vec<String> = Vec::with_capacity(self.drafts.len());
        while let Some((index, parent)) = pending.pop() {
            let Some(draft) = self.drafts.get(index) else { continue };
            let above = parent.and_then(|parent| paths.get(parent)).map_or("", String::as_str);
            let kind = shown_kind(&draft.kind, decoded);
            let parent_node = parent.and_then(|parent| nodes.get(parent));
            let id = ids.next(above, &kind, &draft.text, parent_node);
            // Only sections make the path, so that a step keeps its id when the step around it is reworded.
            paths.push(if matches!(kind, NodeKind::Section { .. }) {
                id.as_str().to_owned()
            } else {
                above.to_owned()
            });
            let place = nodes.len();
            pending.extend(draft.children.iter().rev().map(|child| (*child, Some(place))));
            nodes.push(Node {
                id,
                parent,
                span: draft.span,
                line: decoded.line(draft.span.start),
                text: decoded.shown(&draft.text),
                kind,
            });
        }
        nodes
    }
}

/// Replaces the stand-ins for bytes that were no UTF-8.
fn shown_kind(kind: &NodeKind, decoded: &Decoded) -> NodeKind {
    match kind {
        NodeKind::Command { script, shell, params, interactive } => NodeKind::Command {
            script: decoded.shown(script),
            shell: *shell,
            params: params.clone(),
            interactive: *interactive,
        },
        NodeKind::Decision { question } => NodeKind::Decision { question: decoded.shown(question) },
        NodeKind::Branch { condition, origin } => {
            NodeKind::Branch { condition: decoded.shown(condition), origin: *origin }
        }
        NodeKind::Section { .. }
        | NodeKind::Step { .. }
        | NodeKind::Output
        | NodeKind::Note { .. }
        | NodeKind::Opaque { .. } => kind.clone(),
    }
}

/// Gives out ids; the same content in the same section for the second time gets another one.
#[derive(Default)]
struct Ids {
    seen: HashMap<String, u32>,
}

impl Ids {
    fn next(&mut self, section: &str, kind: &NodeKind, text: &str, parent: Option<&Node>) -> NodeId {
        let first = fingerprint(section, kind, text, parent, 0);
        let salt = self.seen.entry(first.clone()).or_insert(0);
        let mut id = if *salt == 0 { first } else { fingerprint(section, kind, text, parent, *salt) };
        *salt += 1;
        let mut next_salt = *salt;
        // Two hashes of 64 bits may in principle meet; ids stay unique in any case.
        while next_salt > 1 && self.seen.contains_key(&id) {
            id = fingerprint(section, kind, text, parent, next_salt);
            next_salt += 1;
        }
        self.seen.entry(id.clone()).or_insert(1);
        NodeId(id)
    }
}

fn fingerprint(section: &str, kind: &NodeKind, text: &str, parent: Option<&Node>, salt: u32) -> String {
    let mut hasher = FieldHasher::new("aiops sop node v1");
    hasher.field(section.as_bytes());
    let (name, label, content) = match kind {
        NodeKind::Section { .. } => ("section", "", text),
        NodeKind::Step { label, .. } => ("step", label.as_deref().unwrap_or_default(), text),
        NodeKind::Command { script, .. } => ("command", "", script.as_str()),
        NodeKind::Output => ("output", "", text),
        NodeKind::Decision { question } => ("decision", "", question.as_str()),
        NodeKind::Branch { condition, .. } => {
            ("branch", parent.map_or("", |node| node.id.as_str()), condition.as_str())
        }
        NodeKind::Note { .. } => ("note", "", text),
        NodeKind::Opaque { .. } => ("opaque", "", text),
    };
    hasher.field(name.as_bytes());
    hasher.field(label.as_bytes());
    hasher.field(content.as_bytes());
    hasher.number(i64::from(salt));
    let mut id = hasher.finish();
    id.truncate(ID_DIGITS);
    id
}

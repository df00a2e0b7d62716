//! The step tree as lines of a given width; shared by drawing and scrolling.
//!
//! Owns: what each node looks like as text, escaped and wrapped. Does not: colour it or know the cursor.

use std::collections::HashSet;

use crate::domain::id::NodeId;
use crate::domain::procedure::{BranchOrigin, Node, NodeKind, NoteLevel, Procedure};
use crate::domain::sop::tree;
use crate::domain::text::{self, Repertoire};
use crate::tui::glyphs::Glyphs;

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopLine {
    /// Position of the node in the procedure.
    pub node: usize,
    /// Whether it is the node's first line.
    pub first: bool,
    /// Columns before the text, after the gutter.
    pub indent: usize,
    /// A sign before the text: a number, a fold mark, `$`.
    pub lead: String,
    /// Escaped text.
    pub text: String,
    /// What it is.
    pub class: LineClass,
}

/// What a line of the tree is; the theme decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineClass {
    /// A heading.
    Section,
    /// A unit of work.
    Step,
    /// Something to execute.
    Command,
    /// Output that the document shows, or a table.
    Output,
    /// A question.
    Decision,
    /// One answer.
    Branch,
    /// Prose.
    Note,
    /// Prose that warns.
    Warning,
}

/// Columns that the gutter takes: cursor, state, space.
pub const GUTTER: usize = 3;

/// Lays out the visible nodes for `width` columns.
#[must_use]
pub fn lay_out(procedure: &Procedure, folded: &HashSet<NodeId>, width: usize, repertoire: Repertoire) -> Vec<SopLine> {
    let mut lines = Vec::new();
    let root = title_node(procedure);
    for index in tree::visible(procedure, folded).into_iter().filter(|index| Some(*index) != root) {
        let node = &procedure.nodes[index];
        let depth = procedure.depth(index) - usize::from(root.is_some());
        // Deep trees must not push the text off the screen.
        let indent = (depth * 2).min(width / 4);
        let (class, lead, texts) = describe(node, folded.contains(&node.id), repertoire);
        let lead_width = text::width(&lead);
        let room = width.saturating_sub(GUTTER + indent + lead_width).max(8);
        let mut first = true;
        for piece in texts {
            for wrapped in wrap(&piece, room, class) {
                let lead = if first { lead.clone() } else { " ".repeat(lead_width) };
                lines.push(SopLine { node: index, first, indent, lead, text: wrapped, class });
                first = false;
            }
        }
    }
    lines
}

/// The heading that all other nodes stand below: the pane's title says it already, and its indent would be lost on all.
#[must_use]
pub fn title_node(procedure: &Procedure) -> Option<usize> {
    let first = procedure.nodes.first()?;
    let is_heading = matches!(first.kind, NodeKind::Section { level: 1, .. });
    let is_only = procedure.nodes.iter().skip(1).all(|node| node.parent.is_some());
    (is_heading && is_only && procedure.nodes.len() > 1).then_some(0)
}

fn describe(node: &Node, folded: bool, repertoire: Repertoire) -> (LineClass, String, Vec<String>) {
    let glyphs = Glyphs::of(repertoire);
    let visible = |foreign: &str| text::visible_in(foreign, repertoire).into_owned();
    let fold_mark = if folded { format!("{} ", glyphs.folded) } else { String::new() };
    let shown = || vec![visible(&node.text)];
    match &node.kind {
        NodeKind::Section { .. } => {
            let mark = if folded { glyphs.folded } else { glyphs.unfolded };
            (LineClass::Section, format!("{mark} "), shown())
        }
        NodeKind::Step { label, .. } => {
            let label = label.as_deref().map_or_else(|| glyphs.bullet.to_owned(), visible);
            (LineClass::Step, format!("{fold_mark}{label} "), shown())
        }
        NodeKind::Command { script, .. } => {
            let lines = script.trim_end().split('\n').map(visible);
            (LineClass::Command, "$ ".to_owned(), lines.collect())
        }
        NodeKind::Output => {
            let lines = node.text.trim_end().split('\n').map(visible);
            (LineClass::Output, "  ".to_owned(), lines.collect())
        }
        NodeKind::Decision { question } => {
            (LineClass::Decision, format!("{} ", glyphs.decision), vec![visible(question)])
        }
        NodeKind::Branch { condition, origin } => {
            let words = match origin {
                BranchOrigin::Explicit => format!("if {}", visible(condition)),
                BranchOrigin::Otherwise => "otherwise".to_owned(),
                BranchOrigin::ImplicitElse => "otherwise (the document says nothing about this case)".to_owned(),
            };
            let mark = if folded { glyphs.folded } else { glyphs.border.bottom_left };
            (LineClass::Branch, format!("{mark} "), vec![words])
        }
        NodeKind::Note { level } => match level {
            NoteLevel::Warning => (LineClass::Warning, "! ".to_owned(), shown()),
            NoteLevel::Plain | NoteLevel::Hint => (LineClass::Note, String::new(), shown()),
        },
        NodeKind::Opaque { .. } => {
            let lines = node.text.trim_end().split('\n').map(visible);
            (LineClass::Output, "  ".to_owned(), lines.collect())
        }
    }
}

/// Breaks at spaces where prose allows it, anywhere in commands.
fn wrap(line: &str, width: usize, class: LineClass) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = line;
    loop {
        let (head, tail) = text::split_at_width(rest, width);
        if tail.is_empty() || head.is_empty() {
            wrapped.push(rest.to_owned());
            return wrapped;
        }
        let verbatim = matches!(class, LineClass::Command | LineClass::Output);
        let at = if verbatim || tail.starts_with(' ') {
            head.len()
        } else {
            head.rfind(' ').filter(|at| *at > 0).map_or(head.len(), |at| at + 1)
        };
        wrapped.push(rest[..at].trim_end().to_owned());
        rest = if verbatim { &rest[at..] } else { rest[at..].trim_start() };
    }
}

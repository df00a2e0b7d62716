//! The step tree as lines of a given width; shared by drawing and scrolling.
//!
//! Owns: what each node looks like as text, escaped and wrapped, and keeping that while nothing changes it. Does not: colour
//! it or know the cursor.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::Rect;

use crate::domain::alert::Labels;
use crate::domain::id::NodeId;
use crate::domain::procedure::params::{self, BoundFrom};
use crate::domain::procedure::{BranchOrigin, Node, NodeKind, NoteForm, NoteLevel, Procedure, Shell};
use crate::domain::sop::tree;
use crate::domain::text::{self, Repertoire};
use crate::engine::backend::SopDocument;
use crate::tui::glyphs::Glyphs;
use crate::tui::inline_code;
use crate::tui::wrap::{Break, wrap};

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

/// The lines of a document, and what they were laid out from. A frame and a key then cost what is on the screen, not the
/// document.
#[derive(Clone, Debug)]
pub struct Laid {
    document: Arc<SopDocument>,
    folded: HashSet<NodeId>,
    width: usize,
    repertoire: Repertoire,
    lines: Arc<[SopLine]>,
}

impl Laid {
    /// Lays out `document` for `width` columns.
    #[must_use]
    pub fn new(document: &Arc<SopDocument>, folded: &HashSet<NodeId>, width: usize, repertoire: Repertoire) -> Self {
        let lines = lay_out(&document.procedure, &document.source, folded, width, repertoire).into();
        Self { document: Arc::clone(document), folded: folded.clone(), width, repertoire, lines }
    }

    /// Whether laying out anew would give the same.
    #[must_use]
    pub fn is_of(
        &self,
        document: &Arc<SopDocument>,
        folded: &HashSet<NodeId>,
        width: usize,
        repertoire: Repertoire,
    ) -> bool {
        Arc::ptr_eq(&self.document, document)
            && (self.width, self.repertoire) == (width, repertoire)
            && self.folded == *folded
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> Arc<[SopLine]> {
        Arc::clone(&self.lines)
    }
}

/// The lines of the node at position `node`; empty when it has none. Lines stand in the order of their nodes.
#[must_use]
pub fn lines_of(lines: &[SopLine], node: usize) -> Range<usize> {
    lines.partition_point(|line| line.node < node)..lines.partition_point(|line| line.node <= node)
}

/// Columns that the gutter takes: cursor, state, space.
pub const GUTTER: usize = 3;

/// Lays out the visible nodes of a document, which was read from `source`, for `width` columns.
#[must_use]
pub fn lay_out(
    procedure: &Procedure,
    source: &str,
    folded: &HashSet<NodeId>,
    width: usize,
    repertoire: Repertoire,
) -> Vec<SopLine> {
    let mut lines = Vec::new();
    let root = title_node(procedure);
    let followed = followed(procedure);
    let glyphs = Glyphs::of(repertoire);
    for index in shown(procedure, folded) {
        let node = &procedure.nodes[index];
        let depth = procedure.depth(index) - usize::from(root.is_some());
        // Deep trees must not push the text off the screen.
        let indent = (depth * 2).min(width / 4);
        let fold = if folded.contains(&node.id) { Fold::Closed } else { Fold::Open };
        let place = if followed.contains(&index) { Place::Followed } else { Place::Last };
        let (class, lead, texts) = describe(node, source, fold, place, repertoire);
        let asks = class == LineClass::Step && repeats_parent(procedure, index + 1);
        let class = if asks { LineClass::Decision } else { class };
        let lead_width = text::width(&lead);
        let room = width.saturating_sub(GUTTER + indent + lead_width).max(8);
        let blank = " ".repeat(lead_width);
        let goes_on = if is_verbatim(class) { format!("{:<lead_width$}", glyphs.wrapped) } else { blank.clone() };
        let breaks = if is_verbatim(class) { Break::AfterSpaces } else { Break::AtSpaces };
        let mut first = true;
        for piece in texts {
            for (number, wrapped) in wrap(&piece, room, breaks).into_iter().enumerate() {
                let lead = match (first, number) {
                    (true, _) => &lead,
                    (false, 0) => &blank,
                    (false, _) => &goes_on,
                };
                lines.push(SopLine { node: index, first, indent, lead: lead.clone(), text: wrapped, class });
                first = false;
            }
        }
    }
    lines
}

/// The branches that another branch of the same decision follows.
fn followed(procedure: &Procedure) -> HashSet<usize> {
    let mut newest: HashMap<Option<usize>, usize> = HashMap::new();
    let branches = procedure.nodes.iter().enumerate().filter(|(_, node)| matches!(node.kind, NodeKind::Branch { .. }));
    branches.filter_map(|(index, node)| newest.insert(node.parent, index)).collect()
}

/// Whether what is below a node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    Open,
    Closed,
}

/// Where a branch stands among those of its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Followed,
    Last,
}

/// Positions of the nodes that have a line of their own, in document order.
#[must_use]
pub fn shown(procedure: &Procedure, folded: &HashSet<NodeId>) -> Vec<usize> {
    let root = title_node(procedure);
    let mut shown = tree::visible(procedure, folded);
    shown.retain(|index| Some(*index) != root && !repeats_parent(procedure, *index));
    shown
}

/// Whether a node is a question in the very words of the step that it stands in: one line is enough for both.
#[must_use]
pub fn repeats_parent(procedure: &Procedure, index: usize) -> bool {
    let Some(node) = procedure.nodes.get(index) else { return false };
    let NodeKind::Decision { question } = &node.kind else { return false };
    let parent = node.parent.and_then(|parent| procedure.nodes.get(parent));
    parent.is_some_and(|parent| matches!(parent.kind, NodeKind::Step { .. }) && parent.text.trim() == question.trim())
}

/// From this many rows on, the last one says which values a command would get.
const ROWS_FOR_VALUES: u16 = 8;

/// Cuts the body of the pane into the rows of the tree and the row of values.
#[must_use]
pub fn split(body: Rect) -> (Rect, Option<Rect>) {
    if body.height < ROWS_FOR_VALUES {
        return (body, None);
    }
    let lines = Rect { height: body.height - 1, ..body };
    (lines, Some(Rect { y: lines.bottom(), height: 1, ..body }))
}

/// A parameter of the command that would be proposed, as the row of values shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name, as values are given by it.
    pub name: String,
    /// How it stands in the document. Foreign text.
    pub surface: String,
    /// What it would get, and from which label; `None` when it will be asked for. Foreign text.
    pub bound: Option<(String, String)>,
    /// Why the label's value cannot be used; empty when it can or there is none.
    pub problem: String,
}

/// The parameters of the command that a proposal at `cursor` would take, with what `labels` give them.
#[must_use]
pub fn values(procedure: &Procedure, cursor: usize, labels: &Labels) -> Vec<Value> {
    let command = tree::command_at(procedure, cursor).and_then(|at| procedure.nodes.get(at));
    let Some(NodeKind::Command { script, shell, .. }) = command.map(|node| &node.kind) else {
        return Vec::new();
    };
    if not_run(*shell).is_some() {
        return Vec::new();
    }
    let bindings = params::bind(&params::find(script), labels, &BTreeMap::new());
    let value = |binding: params::Binding| {
        let bound = match (binding.from, binding.value) {
            (BoundFrom::Label(label), Some(value)) => Some((value, label)),
            _ => None,
        };
        Value { name: binding.name, surface: binding.surface, bound, problem: binding.problem }
    };
    bindings.into_iter().map(value).collect()
}

/// The heading that all other nodes stand below: the pane's title says it already, and its indent would be lost on all.
#[must_use]
pub fn title_node(procedure: &Procedure) -> Option<usize> {
    let first = procedure.nodes.first()?;
    let is_heading = matches!(first.kind, NodeKind::Section { level: 1, .. });
    let is_only = procedure.nodes.iter().skip(1).all(|node| node.parent.is_some());
    (is_heading && is_only && procedure.nodes.len() > 1).then_some(0)
}

fn describe(
    node: &Node,
    source: &str,
    fold: Fold,
    place: Place,
    repertoire: Repertoire,
) -> (LineClass, String, Vec<String>) {
    let glyphs = Glyphs::of(repertoire);
    let visible = |foreign: &str| text::visible_in(foreign, repertoire).into_owned();
    let written = source.get(node.span.start..node.span.end).unwrap_or_default();
    let prose = |text: &str| visible(&inline_code::marked(text, written));
    let folded = fold == Fold::Closed;
    let fold_mark = if folded { format!("{} ", glyphs.folded) } else { String::new() };
    let shown = || vec![prose(&node.text)];
    match &node.kind {
        NodeKind::Section { .. } => {
            let mark = if folded { glyphs.folded } else { glyphs.unfolded };
            (LineClass::Section, format!("{mark} "), shown())
        }
        NodeKind::Step { label, .. } => {
            let label = label.as_deref().map_or_else(|| glyphs.bullet.to_owned(), visible);
            (LineClass::Step, format!("{fold_mark}{label} "), shown())
        }
        NodeKind::Command { script, shell, interactive, .. } => {
            let lines = script.trim_end().split('\n').map(visible);
            let lead = match (not_run(*shell), interactive) {
                (Some(what), _) => format!("{what}> "),
                // It takes the terminal: nobody should be surprised by that.
                (None, true) => "interactive $ ".to_owned(),
                (None, false) => "$ ".to_owned(),
            };
            (LineClass::Command, lead, lines.collect())
        }
        NodeKind::Output => {
            let lines = node.text.trim_end().split('\n').map(visible);
            (LineClass::Output, "  ".to_owned(), lines.collect())
        }
        NodeKind::Decision { question } => {
            (LineClass::Decision, format!("{} ", glyphs.decision), vec![prose(question)])
        }
        NodeKind::Branch { condition, origin } => {
            let words = match origin {
                BranchOrigin::Explicit => format!("if {}", prose(condition)),
                BranchOrigin::Otherwise => "otherwise".to_owned(),
                BranchOrigin::ImplicitElse => "otherwise (the document says nothing about this case)".to_owned(),
            };
            let mark = match (fold, place) {
                (Fold::Closed, _) => glyphs.folded,
                (Fold::Open, Place::Followed) => glyphs.branch,
                (Fold::Open, Place::Last) => glyphs.border.bottom_left,
            };
            (LineClass::Branch, format!("{mark} "), vec![words])
        }
        NodeKind::Note { level, form } => {
            let item = match form {
                NoteForm::Paragraph => String::new(),
                NoteForm::Bullet => format!("{} ", glyphs.bullet),
                NoteForm::Numbered(number) => format!("{number}. "),
            };
            match level {
                NoteLevel::Warning => (LineClass::Warning, format!("{fold_mark}{item}! "), shown()),
                NoteLevel::Plain | NoteLevel::Hint => (LineClass::Note, format!("{fold_mark}{item}"), shown()),
            }
        }
        NodeKind::Opaque { .. } => {
            let lines = node.text.trim_end().split('\n').map(visible);
            (LineClass::Output, "  ".to_owned(), lines.collect())
        }
    }
}

/// What stands before a command that cannot be proposed, so that it does not look like one that can; `None` for a command
/// that can.
#[must_use]
pub const fn not_run(shell: Shell) -> Option<&'static str> {
    match shell {
        Shell::Sh => None,
        Shell::Sql => Some("SQL"),
        Shell::Promql => Some("PromQL"),
        Shell::Other => Some("not run"),
    }
}

/// Whether it is shown as it is, character by character; prose breaks at spaces.
const fn is_verbatim(class: LineClass) -> bool {
    match class {
        LineClass::Command | LineClass::Output => true,
        LineClass::Section
        | LineClass::Step
        | LineClass::Decision
        | LineClass::Branch
        | LineClass::Note
        | LineClass::Warning => false,
    }
}

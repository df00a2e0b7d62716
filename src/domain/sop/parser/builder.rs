//! From blocks to the tree: sections, lists, items and code.
//!
//! Owns: which node each block becomes and what it hangs on. Does not: read sentences (see `paragraphs`) or divide code
//! (see `commands`).

use super::blocks::{Block, BlockKind, is_known_tag};
use super::commands::{self, PartKind};
use super::draft::Tree;
use super::roles::{self, Position};
use crate::domain::procedure::{NodeKind, NoteLevel, SectionRole, Shell, params};

/// What the following blocks of a container are read with.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// Where new nodes go.
    pub(super) node: Option<usize>,
    /// Where `node` was before a "Step 1:" paragraph took its place.
    pub(super) base: Option<usize>,
    /// What the section is for.
    pub(super) role: SectionRole,
    /// What kind of container it is.
    pub(super) place: Place,
    /// Where code goes that follows now.
    pub(super) step: Option<usize>,
    /// Where a list goes that follows now.
    pub(super) list_goes_to: Option<usize>,
    /// The decision that "otherwise" refers to.
    pub(super) decision: Option<usize>,
    /// The sentence that "if so" refers to.
    pub(super) last_sentence: String,
}

/// What kind of container a context belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Section,
    List,
    Item,
    Quote(NoteLevel),
}

impl Context {
    fn new(node: Option<usize>, role: SectionRole, place: Place) -> Self {
        Self {
            node,
            base: node,
            role,
            place,
            step: None,
            list_goes_to: None,
            decision: None,
            last_sentence: String::new(),
        }
    }

    /// Whether orders are found here: not where the document explains.
    pub(super) const fn acts(&self) -> bool {
        match self.role {
            SectionRole::Prereq
            | SectionRole::Diagnosis
            | SectionRole::Mitigation
            | SectionRole::Verify
            | SectionRole::Rollback
            | SectionRole::Escalation => true,
            SectionRole::Meaning | SectionRole::Impact | SectionRole::Reference | SectionRole::Other => false,
        }
    }
}

/// Reads blocks in order and grows the tree.
pub(super) struct Builder<'a> {
    pub(super) blocks: &'a [Block],
    pub(super) tree: Tree,
    /// The text of the first heading.
    pub(super) first_heading: Option<String>,
    root: Context,
    /// The context of each container among the blocks.
    contexts: Vec<Option<Context>>,
    /// The block after each block in the same container.
    next: Vec<Option<usize>>,
    sections: Vec<OpenSection>,
}

struct OpenSection {
    level: u8,
    node: usize,
    role: SectionRole,
}

impl<'a> Builder<'a> {
    /// Reads all of `blocks`; the document ends at byte `end`.
    pub(super) fn build(blocks: &'a [Block], end: usize) -> Self {
        let mut builder = Self {
            blocks,
            tree: Tree::default(),
            first_heading: None,
            root: Context::new(None, SectionRole::Other, Place::Section),
            contexts: vec![None; blocks.len()],
            next: next_siblings(blocks),
            sections: Vec::new(),
        };
        for (index, block) in blocks.iter().enumerate() {
            builder.block(index, block);
        }
        builder.close_sections(1, end);
        builder
    }

    fn block(&mut self, index: usize, block: &'a Block) {
        match &block.kind {
            BlockKind::Heading { level } if block.parent.is_none() => self.heading(block, *level),
            BlockKind::Heading { .. } | BlockKind::Paragraph => {
                let is_lead = self.parent_item(block).is_some_and(|item| item + 1 == index);
                if !is_lead {
                    self.paragraph(index, block);
                }
            }
            BlockKind::Code { language, lines } => self.code(block, language, lines),
            BlockKind::List { .. } => self.list(index, block),
            BlockKind::Item { number } => self.item(index, block, *number),
            BlockKind::Quote(level) => self.quote(index, block, *level),
            BlockKind::Table => self.opaque(block, "table"),
            BlockKind::Html => self.html(index, block),
            BlockKind::Rule => {}
        }
    }

    /// The context that blocks with this parent are read with.
    pub(super) fn context(&mut self, parent: Option<usize>) -> &mut Context {
        match parent.and_then(|parent| self.contexts.get_mut(parent)).and_then(Option::as_mut) {
            Some(context) => context,
            None => &mut self.root,
        }
    }

    fn set_context(&mut self, index: usize, context: Context) {
        if let Some(slot) = self.contexts.get_mut(index) {
            *slot = Some(context);
        }
    }

    /// The block after `index` in the same container.
    pub(super) fn next_kind(&self, index: usize) -> Option<&'a BlockKind> {
        let next = self.next.get(index).copied().flatten()?;
        self.blocks.get(next).map(|block| &block.kind)
    }

    fn parent_item(&self, block: &Block) -> Option<usize> {
        block
            .parent
            .filter(|parent| matches!(self.blocks.get(*parent), Some(Block { kind: BlockKind::Item { .. }, .. })))
    }

    fn heading(&mut self, block: &Block, level: u8) {
        self.close_sections(level, block.span.start);
        let text = block.prose.text.trim();
        let position = if self.first_heading.is_none() && level == 1 { Position::Title } else { Position::Inner };
        let (parent, inherited) = match self.sections.last() {
            Some(section) => (Some(section.node), section.role),
            None => (None, SectionRole::Other),
        };
        let role = match roles::role_of(text, position) {
            SectionRole::Other => inherited,
            role => role,
        };
        let node = self.tree.add(parent, NodeKind::Section { role, level }, text, block.span);
        self.first_heading.get_or_insert_with(|| text.to_owned());
        self.sections.push(OpenSection { level, node, role });
        self.root = Context::new(Some(node), role, Place::Section);
    }

    /// Ends the open sections of `level` and below at byte `end`.
    fn close_sections(&mut self, level: u8, end: usize) {
        while let Some(section) = self.sections.pop_if(|section| section.level >= level) {
            self.tree.close_section(section.node, end);
        }
    }

    fn list(&mut self, index: usize, block: &Block) {
        let parent = self.context(block.parent);
        let target = parent.list_goes_to.take().or(parent.node);
        parent.step = None;
        let mut context = Context { place: Place::List, ..parent.clone() };
        let open = self.open_or(target, block.parent);
        context.node = self.tree.shallow(open);
        context.base = context.node;
        self.set_context(index, context);
    }

    /// `node` if it may still get children, else where the nodes of the container go.
    pub(super) fn open_or(&mut self, node: Option<usize>, parent: Option<usize>) -> Option<usize> {
        match node.filter(|node| self.tree.is_open(*node)) {
            Some(node) => Some(node),
            None => self.context(parent).node,
        }
    }

    fn item(&mut self, index: usize, block: &Block, number: Option<u64>) {
        let list = block.parent;
        let mut context = Context { place: Place::Item, step: None, list_goes_to: None, ..self.context(list).clone() };
        let lead = self.blocks.get(index + 1).filter(|lead| lead.parent == Some(index));
        let lead = lead.filter(|lead| matches!(lead.kind, BlockKind::Paragraph | BlockKind::Heading { .. }));
        let node = self.item_node(index, block, lead, number, &mut context);
        context.node = self.tree.shallow(Some(node));
        context.base = context.node;
        let decision = context.decision;
        // Code at column 0 right behind the list belongs to its last item, and "otherwise" to its last decision.
        let mut container = list;
        loop {
            let outer = self.context(container);
            outer.step = Some(context.step.unwrap_or(node));
            outer.decision = decision;
            match container.and_then(|container| self.blocks.get(container)) {
                Some(Block { kind: BlockKind::List { .. }, parent, .. }) => container = *parent,
                Some(_) | None => break,
            }
        }
        context.step.get_or_insert(node);
        self.set_context(index, context);
    }

    /// Whether the item at `index` has code of its own.
    pub(super) fn has_code(&self, index: usize) -> bool {
        let mut child =
            Some(index + 1).filter(|at| self.blocks.get(*at).is_some_and(|block| block.parent == Some(index)));
        while let Some(at) = child {
            if matches!(self.blocks.get(at).map(|block| &block.kind), Some(BlockKind::Code { .. })) {
                return true;
            }
            child = self.next.get(at).copied().flatten();
        }
        false
    }

    fn quote(&mut self, index: usize, block: &Block, level: NoteLevel) {
        let mut context = Context { place: Place::Quote(level), ..self.context(block.parent).clone() };
        let node = self.open_or(context.step.or(context.node), block.parent);
        context.node = self.tree.shallow(node);
        context.base = context.node;
        self.set_context(index, context);
    }

    fn code(&mut self, block: &Block, language: &str, lines: &[super::blocks::CodeLine]) {
        let step = self.context(block.parent).step;
        let target = self.open_or(step, block.parent);
        for part in commands::split(language, lines) {
            let kind = match part.kind {
                PartKind::Command { shell, interactive } => command(part.text.clone(), shell, interactive),
                PartKind::Output => NodeKind::Output,
                PartKind::Opaque(reason) => NodeKind::Opaque { reason },
            };
            self.tree.add(target, kind, &part.text, part.span);
        }
    }

    fn opaque(&mut self, block: &Block, reason: &str) {
        let context = self.context(block.parent);
        let (node, step) = (context.node, context.step);
        let target = self.open_or(step.or(node), block.parent);
        self.tree.add(target, NodeKind::Opaque { reason: reason.to_owned() }, &block.prose.text, block.span);
    }

    fn html(&mut self, index: usize, block: &Block) {
        let text = block.prose.text.trim();
        if text.starts_with("<!--") {
            self.opaque(block, "comment");
        } else if text.split('<').skip(1).any(is_known_tag) {
            self.opaque(block, "HTML");
        } else if !text.is_empty() {
            // A line that begins with a placeholder.
            self.paragraph(index, block);
        }
    }
}

/// A command node with the parameters of its script.
pub(super) fn command(script: String, shell: Shell, interactive: bool) -> NodeKind {
    let mut names: Vec<String> = Vec::new();
    for used in params::find(&script) {
        if !names.contains(&used.name) {
            names.push(used.name);
        }
    }
    NodeKind::Command { script, shell, params: names, interactive }
}

fn next_siblings(blocks: &[Block]) -> Vec<Option<usize>> {
    let mut next = vec![None; blocks.len()];
    // The first block seen so far (from the end) in each container; the last place is for the top level.
    let mut first: Vec<Option<usize>> = vec![None; blocks.len() + 1];
    for (index, block) in blocks.iter().enumerate().rev() {
        let slot = first.get_mut(block.parent.unwrap_or(blocks.len()));
        if let (Some(slot), Some(next)) = (slot, next.get_mut(index)) {
            *next = *slot;
            *slot = Some(index);
        }
    }
    next
}

//! Paragraphs and the text of list items: steps, notes, decisions and their branches.
//!
//! Owns: which node a sentence becomes. Does not: find decisions in text (see `decisions`) or read blocks (see `builder`).

use std::ops::Range;
use std::rc::Rc;

use super::blocks::{Block, BlockKind, Prose};
use super::builder::{Builder, Context, Place, command};
use super::decisions::{self, Chain, Guard, Reference, Segment};
use super::interactive::is_interactive;
use super::words;
use crate::domain::procedure::{BranchOrigin, NodeKind, NoteForm, NoteLevel, SectionRole, Shell, Span, StepMode};

/// A sentence longer than this many bytes is no question that a decision repeats.
const MAX_QUESTION: usize = 500;

/// What explains, in sentences.
const PROSE: NodeKind = NodeKind::Note { level: NoteLevel::Plain, form: NoteForm::Paragraph };

/// A text being read.
struct Reading<'a> {
    prose: &'a Prose,
    span: Span,
    /// Whether a code block follows.
    code_follows: bool,
    /// Whether a list or code block follows, so that "If C:" has a consequence.
    block_follows: bool,
}

impl Reading<'_> {
    fn text(&self, range: Range<usize>) -> &str {
        self.prose.text.get(range).unwrap_or_default()
    }

    /// The text, if it is short enough to be asked; else nothing.
    fn possible_question(&self, range: Range<usize>) -> Rc<str> {
        Rc::from(Some(self.text(range)).filter(|text| text.len() <= MAX_QUESTION).unwrap_or_default())
    }

    fn source(&self, range: Range<usize>) -> Span {
        self.prose.source(range).unwrap_or(Span { start: self.span.end, end: self.span.end })
    }
}

impl Builder<'_> {
    /// Reads a paragraph that is not the first one of a list item.
    pub(super) fn paragraph(&mut self, index: usize, block: &Block) {
        let reading = self.reading(index, block);
        let mut context = self.context(block.parent).clone();
        context.list_goes_to = None;
        let text = reading.prose.text.trim();
        if text.is_empty() {
            self.opaque(block, "image without a description");
            return;
        }
        if let Some((label, rest)) = step_heading(text) {
            let kind = NodeKind::Step { mode: mode_of(rest, context.role), label: Some(label) };
            let step = self.tree.add(context.base, kind, rest, block.span);
            context.node = self.tree.shallow(Some(step));
            context.step = Some(step);
            context.decision = None;
            self.inline_commands(step, &reading, 0..reading.prose.text.len());
        } else if let Some(level) = note_level(text, context.place) {
            let node = self.open_or(context.step.or(context.node), block.parent);
            self.tree.add(node, NodeKind::Note { level, form: NoteForm::Paragraph }, text, block.span);
        } else if context.acts() || (context.place == Place::Item && context.role == SectionRole::Other) {
            let masked = reading.prose.masked();
            let segments = self.settled(&reading, decisions::segments(&masked), &context);
            self.segments(&reading, segments, &mut context);
        } else {
            self.explanation(&reading, &mut context);
        }
        *self.context(block.parent) = context;
    }

    fn reading<'b>(&self, index: usize, block: &'b Block) -> Reading<'b> {
        let next = self.next_kind(index);
        let code_follows = matches!(next, Some(BlockKind::Code { .. }));
        Reading {
            prose: &block.prose,
            span: block.span,
            code_follows,
            block_follows: code_follows || matches!(next, Some(BlockKind::List { .. })),
        }
    }

    /// A paragraph where the document explains: a note, or a step when a command follows and the section has no known role.
    fn explanation(&mut self, reading: &Reading<'_>, context: &mut Context) {
        let text = reading.prose.text.trim();
        let ordered = context.role == SectionRole::Other && reading.code_follows;
        let kind = if ordered && words::mode_of(text).is_some() {
            NodeKind::Step { mode: mode_of(text, context.role), label: None }
        } else {
            PROSE
        };
        let is_step = matches!(kind, NodeKind::Step { .. });
        let node = self.tree.add(context.node, kind, text, reading.span);
        if context.place != Place::Item {
            context.step = is_step.then_some(node);
        }
    }

    /// Makes plain sentences of what turns out to decide nothing: "If C" without a consequence, and "otherwise" without a
    /// decision before it.
    fn settled(&self, reading: &Reading<'_>, segments: Vec<Segment>, context: &Context) -> Vec<Segment> {
        let mut decided = context.decision.is_some_and(|at| self.tree.is_open(at));
        let settle = |segment| match segment {
            Segment::If(guard) if guard.body.is_empty() && !reading.block_follows => Segment::Plain(guard.whole),
            Segment::Otherwise { whole, .. } if !decided => Segment::Plain(whole),
            segment => {
                // A plain sentence in between would become a step behind the decision.
                decided = matches!(segment, Segment::If(_) | Segment::Otherwise { .. });
                segment
            }
        };
        segments.into_iter().map(settle).collect()
    }

    /// Adds the nodes of a paragraph in a section that acts; the segments are settled.
    fn segments(&mut self, reading: &Reading<'_>, segments: Vec<Segment>, context: &mut Context) {
        let mut lead: Option<Range<usize>> = None;
        // What a decision in this paragraph hangs on: the step that its first sentences make.
        let mut step = None;
        for segment in segments {
            match segment {
                Segment::Plain(range) => {
                    context.last_sentence = reading.possible_question(range.clone());
                    lead = Some(lead.map_or(range.clone(), |lead| lead.start..range.end));
                }
                Segment::If(guard) => {
                    step = self.plain(reading, lead.take(), context).or(step);
                    self.guard(reading, &guard, step, context);
                }
                Segment::Otherwise { whole, body } => {
                    step = self.plain(reading, lead.take(), context).or(step);
                    if let Some(decision) = context.decision.filter(|at| self.tree.is_open(*at)) {
                        self.branch(decision, reading, ("Otherwise", BranchOrigin::Otherwise), (whole, body), context);
                    }
                }
            }
        }
        self.plain(reading, lead, context);
    }

    /// Adds sentences without a decision; returns the step that they make, if they do.
    fn plain(&mut self, reading: &Reading<'_>, range: Option<Range<usize>>, context: &mut Context) -> Option<usize> {
        let range = range?;
        let text = reading.text(range.clone());
        let in_item = context.place == Place::Item;
        let introduces_list = text.ends_with(':') && reading.block_follows && !reading.code_follows;
        let orders = words::mode_of(text).is_some() || reading.code_follows || text.ends_with('?');
        let span = reading.source(range.clone());
        if in_item || introduces_list || !orders {
            self.tree.add(context.node, PROSE, text, span);
            if !in_item {
                context.step = None;
            }
            return None;
        }
        let kind = NodeKind::Step { mode: mode_of(text, context.role), label: None };
        let step = self.tree.add(context.node, kind, text, span);
        self.inline_commands(step, reading, range);
        context.step = Some(step);
        context.decision = None;
        Some(step)
    }

    /// Adds "If C, X": a decision with one branch, or one more branch of the decision that it goes on with.
    fn guard(&mut self, reading: &Reading<'_>, guard: &Guard, step: Option<usize>, context: &mut Context) {
        let goes_on = guard.chain == Chain::Continues || guard.reference == Reference::No;
        let open = context.decision.filter(|at| goes_on && self.tree.is_open(*at));
        let decision = open.unwrap_or_else(|| self.decision(reading, guard, step.or(context.node), context));
        self.guard_branch(decision, open.is_some(), reading, guard, context);
    }

    fn guard_branch(
        &mut self,
        decision: usize,
        goes_on: bool,
        reading: &Reading<'_>,
        guard: &Guard,
        context: &mut Context,
    ) -> usize {
        let condition = reading.text(guard.condition.clone()).to_owned();
        let origin = match guard.reference {
            Reference::No if goes_on => BranchOrigin::Otherwise,
            Reference::No | Reference::Yes | Reference::Itself => BranchOrigin::Explicit,
        };
        context.decision = Some(decision);
        self.branch(decision, reading, (&condition, origin), (guard.whole.clone(), guard.body.clone()), context)
    }

    fn decision(&mut self, reading: &Reading<'_>, guard: &Guard, parent: Option<usize>, context: &Context) -> usize {
        let refers_back = guard.reference != Reference::Itself || context.last_sentence.ends_with('?');
        let question = if refers_back && !context.last_sentence.is_empty() {
            context.last_sentence.to_string()
        } else {
            question_of(reading.text(guard.condition.clone()))
        };
        let span = reading.source(guard.whole.clone());
        self.tree.add(parent, NodeKind::Decision { question: question.clone() }, &question, span)
    }

    /// Adds a branch with its consequence; code or a list that follows goes there.
    fn branch(
        &mut self,
        decision: usize,
        reading: &Reading<'_>,
        (condition, origin): (&str, BranchOrigin),
        (whole, body): (Range<usize>, Range<usize>),
        context: &mut Context,
    ) -> usize {
        let kind = NodeKind::Branch { condition: condition.to_owned(), origin };
        let branch = self.tree.add(Some(decision), kind, condition, reading.source(whole));
        let text = reading.text(body.clone()).to_owned();
        let mut inner = branch;
        if !text.is_empty() {
            let orders = words::mode_of(&text).is_some() || reading.code_follows;
            let kind = if orders { NodeKind::Step { mode: mode_of(&text, context.role), label: None } } else { PROSE };
            inner = self.tree.add(Some(branch), kind, &capitalised(&text), reading.source(body.clone()));
            if orders {
                self.inline_commands(inner, reading, body);
            }
        }
        context.step = Some(inner);
        context.list_goes_to = Some(inner).filter(|_| reading.prose.text.trim_end().ends_with(':'));
        branch
    }

    /// Adds the commands that stand as inline code in an order, unless a code block follows, which then is the command.
    fn inline_commands(&mut self, step: usize, reading: &Reading<'_>, range: Range<usize>) {
        let lower = reading.text(range.clone()).to_ascii_lowercase();
        let forbids = ["not ", "never ", "n't "].iter().any(|word| lower.contains(word));
        if reading.code_follows || forbids {
            return;
        }
        for (code, span) in reading.prose.code_in(range) {
            if words::is_surely_command(code) && code.split_whitespace().count() > 1 {
                let kind = command(code.to_owned(), Shell::Sh, is_interactive(code));
                self.tree.add(Some(step), kind, code, span);
            }
        }
    }

    /// Adds the node of a list item and what its first paragraph says; returns what the item's other blocks hang on.
    pub(super) fn item_node(
        &mut self,
        index: usize,
        block: &Block,
        lead: Option<&Block>,
        number: Option<u64>,
        context: &mut Context,
    ) -> usize {
        let Some(lead) = lead else {
            let kind =
                NodeKind::Step { mode: mode_of("", context.role), label: number.map(|number| number.to_string()) };
            // Only the mark; the node grows with what is hung on it.
            let mark = Span { start: block.span.start, end: block.span.end.min(block.span.start + 1) };
            return self.tree.add(context.node, kind, "", mark);
        };
        let mut reading = self.reading(index + 1, lead);
        let acts = context.acts() || (context.role == SectionRole::Other && number.is_some());
        let text = reading.prose.text.trim_start_matches(['[', ' ', 'x', ']']).trim();
        let text = if reading.prose.text.starts_with('[') { text } else { reading.prose.text.trim() };
        if !acts || note_level(text, context.place).is_some() {
            let level = note_level(text, context.place).unwrap_or(NoteLevel::Plain);
            return self.tree.add(context.node, NodeKind::Note { level, form: item_form(number) }, text, lead.span);
        }
        reading.code_follows = reading.code_follows || self.has_code(index);
        let segments = self.settled(&reading, decisions::segments(&reading.prose.masked()), context);
        let begins_case = matches!(segments.first(), Some(Segment::If(_))) && number.is_none();
        if (begins_case || matches!(segments.first(), Some(Segment::Otherwise { .. })))
            && let Some(branch) = self.item_branch(&reading, &segments, context)
        {
            return branch;
        }
        let orders = words::mode_of(text).is_some() || text.ends_with('?') || reading.code_follows;
        let guarded = segments.iter().any(|segment| matches!(segment, Segment::If(_)));
        if number.is_none() && !orders && !guarded {
            let kind = NodeKind::Note { level: NoteLevel::Plain, form: item_form(number) };
            return self.tree.add(context.node, kind, text, lead.span);
        }
        self.item_step(&reading, segments, number, context)
    }

    /// "- If C, X" and "- Otherwise, Y": branches without a step around them.
    fn item_branch(&mut self, reading: &Reading<'_>, segments: &[Segment], context: &mut Context) -> Option<usize> {
        let open = context.decision.filter(|at| self.tree.is_open(*at));
        match segments {
            [Segment::If(guard), rest @ ..] if guard.condition.start <= guard.body.start => {
                let decision = match open {
                    Some(open) => open,
                    None => self.decision(reading, guard, context.node, context),
                };
                let branch = self.guard_branch(decision, open.is_some(), reading, guard, context);
                self.rest_of_item(reading, rest, context);
                Some(branch)
            }
            [Segment::Otherwise { whole, body }, rest @ ..] => {
                let ranges = (whole.clone(), body.clone());
                let branch = self.branch(open?, reading, ("Otherwise", BranchOrigin::Otherwise), ranges, context);
                self.rest_of_item(reading, rest, context);
                Some(branch)
            }
            _ => None,
        }
    }

    fn rest_of_item(&mut self, reading: &Reading<'_>, rest: &[Segment], context: &mut Context) {
        let step = context.step;
        self.segments(reading, rest.to_vec(), context);
        context.step = context.step.or(step);
    }

    fn item_step(
        &mut self,
        reading: &Reading<'_>,
        segments: Vec<Segment>,
        number: Option<u64>,
        context: &mut Context,
    ) -> usize {
        let plain = segments.iter().take_while(|segment| matches!(segment, Segment::Plain(_))).count();
        let lead_end = match segments.get(plain) {
            Some(Segment::If(guard)) if plain > 0 => guard.whole.start,
            Some(Segment::Otherwise { whole, .. }) if plain > 0 => whole.start,
            Some(_) | None => reading.prose.text.len(),
        };
        let text = reading.text(0..lead_end).trim();
        let label = number.map(|number| number.to_string());
        let kind = NodeKind::Step { mode: mode_of(text, context.role), label };
        let span = reading.prose.source(0..lead_end.max(1)).unwrap_or(reading.span);
        let step = self.tree.add(context.node, kind, text, span);
        if let Some(Segment::Plain(last)) = plain.checked_sub(1).and_then(|last| segments.get(last)) {
            context.last_sentence = reading.possible_question(last.clone());
        }
        let rest: Vec<Segment> = segments.into_iter().skip(plain).collect();
        let guarded = rest.iter().any(|segment| matches!(segment, Segment::If(_)));
        if !guarded {
            self.inline_commands(step, reading, 0..lead_end);
        }
        context.decision = context.decision.filter(|_| matches!(rest.first(), Some(Segment::Otherwise { .. })));
        context.node = Some(step);
        context.step = Some(step);
        self.segments(reading, rest, context);
        step
    }
}

/// `Step 2: Do it` as `2` and `Do it`.
fn step_heading(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix("Step ").or_else(|| text.strip_prefix("STEP "))?;
    let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (label, rest) = rest.split_at(length);
    let rest =
        rest.strip_prefix([':', ')']).or_else(|| rest.strip_prefix(" - ")).or_else(|| rest.strip_prefix(" \u{2013} "));
    let rest = match rest {
        Some(rest) => rest,
        // `Step 2. Do it`
        None if label.ends_with('.') => text.get("Step ".len() + length..)?,
        None => return None,
    };
    let label = label.trim_end_matches('.');
    (!label.is_empty()).then(|| (label.to_owned(), rest.trim()))
}

/// How a note stands that is an item of a list.
fn item_form(number: Option<u64>) -> NoteForm {
    number.map_or(NoteForm::Bullet, NoteForm::Numbered)
}

/// How loud a text is that is marked as a remark; `None` when it is not.
fn note_level(text: &str, place: Place) -> Option<NoteLevel> {
    const WARNINGS: [&str; 5] = ["warning", "caution", "danger", "important", "attention"];
    const HINTS: [&str; 5] = ["note", "hint", "tip", "notice", "info"];
    let bare = text.trim_start_matches(['!', ' ', '[', '*']);
    let length = bare.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = bare.get(..length).unwrap_or_default().to_ascii_lowercase();
    let behind = bare.get(length..).unwrap_or_default();
    let marked = behind.starts_with([':', '!', ']']) || text.starts_with("!!!") || behind.starts_with("**:");
    match place {
        _ if marked && WARNINGS.contains(&word.as_str()) => Some(NoteLevel::Warning),
        _ if marked && HINTS.contains(&word.as_str()) => Some(NoteLevel::Hint),
        Place::Quote(level) => Some(level),
        Place::Section | Place::List | Place::Item => None,
    }
}

/// How a step is done: by its first verb, else by its section.
fn mode_of(text: &str, role: SectionRole) -> StepMode {
    let by_section = match role {
        SectionRole::Diagnosis | SectionRole::Verify => StepMode::Check,
        SectionRole::Escalation => StepMode::Escalate,
        SectionRole::Meaning
        | SectionRole::Impact
        | SectionRole::Prereq
        | SectionRole::Mitigation
        | SectionRole::Rollback
        | SectionRole::Reference
        | SectionRole::Other => StepMode::Do,
    };
    match words::mode_of(text) {
        Some(mode) => mode,
        None if text.ends_with('?') => StepMode::Check,
        None => by_section,
    }
}

fn question_of(condition: &str) -> String {
    let mut question = capitalised(condition.trim_end_matches(['.', ':', ',']));
    if !question.ends_with('?') {
        question.push('?');
    }
    question
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

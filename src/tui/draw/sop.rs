//! The step tree, with the state of each step.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::id::NodeId;
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::sop_lines::{self, LineClass};
use crate::tui::ui::Model;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    title(buffer, area, model, look);
    let Some(document) = &model.facts.sop else { return empty(buffer, area, model, look) };
    let marks = marks(model);
    let view = &model.ui.sop;
    let lines = sop_lines::lay_out(&document.procedure, &view.folded, usize::from(area.body.width), look.repertoire);
    let visible = lines.iter().skip(view.top).take(usize::from(area.body.height));
    for (line, y) in visible.zip(area.body.y..) {
        let row = Rect { y, height: 1, ..area.body };
        let under_cursor = line.node == view.cursor;
        let mut run = Run::new(buffer, row, look);
        let cursor = if under_cursor { look.glyphs.cursor } else { " " };
        run.put(cursor, if model.ui.focus == Pane::Sop { look.styles.cursor } else { look.styles.muted });
        let id = &document.procedure.nodes[line.node].id;
        match marks.get(id).filter(|_| line.first) {
            Some(mark) => run.put(glyph(*mark, look), mark_style(*mark, look)),
            None => run.put(" ", look.styles.text),
        };
        run.put(" ", look.styles.text).put(&" ".repeat(line.indent), look.styles.text);
        let style = class_style(line.class, look);
        run.put(&line.lead, if line.class == LineClass::Command { look.styles.muted } else { style });
        run.put(&line.text, style);
    }
}

fn class_style(class: LineClass, look: &Look) -> Style {
    match class {
        LineClass::Section => look.styles.heading,
        LineClass::Step => look.styles.text,
        LineClass::Command => look.styles.command,
        LineClass::Output | LineClass::Note => look.styles.muted,
        LineClass::Decision => look.styles.attention,
        LineClass::Branch => look.styles.attention,
        LineClass::Warning => look.styles.warning,
    }
}

/// What came of a command in this incident.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Pending,
    Running,
    Done,
    Failed,
    Unknown,
}

/// The newest attempt counts; a waiting proposal is newer than any.
fn marks(model: &Model) -> HashMap<NodeId, Mark> {
    let mut marks = HashMap::new();
    let Some(detail) = model.facts.detail() else { return marks };
    let sop = model.ui.sop.document.as_ref();
    for attempt in detail.record.attempts.iter().rev().filter(|attempt| Some(&attempt.step.sop) == sop) {
        marks.insert(attempt.step.node.clone(), mark(attempt));
    }
    for proposal in detail.record.proposals.iter().filter(|proposal| Some(&proposal.spec.step.sop) == sop) {
        marks.insert(proposal.spec.step.node.clone(), Mark::Pending);
    }
    marks
}

fn mark(attempt: &Attempt) -> Mark {
    match &attempt.state {
        AttemptState::IntentStored | AttemptState::Running { .. } => Mark::Running,
        AttemptState::Ended { outcome: Outcome::Unknown { .. }, .. } => Mark::Unknown,
        AttemptState::Ended { outcome, .. } if outcome.succeeded() => Mark::Done,
        AttemptState::Ended { .. } => Mark::Failed,
    }
}

fn glyph(mark: Mark, look: &Look) -> &str {
    match mark {
        Mark::Pending => look.glyphs.waiting,
        Mark::Running => look.glyphs.running,
        Mark::Done => look.glyphs.done,
        Mark::Failed => look.glyphs.failed,
        Mark::Unknown => "?",
    }
}

const fn mark_style(mark: Mark, look: &Look) -> Style {
    match mark {
        Mark::Pending => look.styles.attention,
        Mark::Running => look.styles.attention,
        Mark::Done => look.styles.good,
        Mark::Failed | Mark::Unknown => look.styles.bad,
    }
}

fn title(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let focused = model.ui.focus == Pane::Sop;
    let mut run = Run::new(buffer, area.title, look);
    run.put("2 SOP ", look.pane_title(focused));
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    run.fit(&look.visible(&procedure.title), 40, look.pane_title(focused));
    let why = model.facts.detail().and_then(|detail| {
        detail.matches.iter().find(|found| found.sop == procedure.sop).map(|found| found.why.clone())
    });
    let problems = procedure.diagnostics.len();
    if problems > 0 {
        run.put(&format!("  {problems} problems"), look.styles.warning);
    }
    if let Some(edit) = &model.ui.sop.editing {
        run.put("  /", look.styles.key)
            .put(&look.visible(edit.text()), look.styles.selected)
            .put("_", look.styles.cursor);
    } else if let Some(why) = why {
        let room = run.room();
        run.fit(&format!("  {}", look.visible(&why)), room, look.styles.muted);
    }
}

fn empty(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let lines = if model.facts.detail().is_some() {
        ["No SOP fits this incident.", "s lists all SOPs."]
    } else {
        ["No SOP is open.", "s lists all SOPs; they work with no network."]
    };
    for (line, y) in lines.iter().zip(area.body.y + 1..area.body.bottom()) {
        put(buffer, area.body.x + 1, y, area.body.width.saturating_sub(1), line, look.styles.muted);
    }
}

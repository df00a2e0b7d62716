//! The step tree, with the state of each step.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::id::NodeId;
use crate::domain::text;
use crate::tui::layout::{Area, Pane};
use crate::tui::sop_lines::{self, LineClass};
use crate::tui::theme::Styles;
use crate::tui::ui::Model;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, styles: &Styles) {
    title(buffer, area, model, styles);
    let Some(document) = &model.facts.sop else { return empty(buffer, area, model, styles) };
    let marks = marks(model);
    let view = &model.ui.sop;
    let lines = sop_lines::lay_out(&document.procedure, &view.folded, usize::from(area.body.width));
    let visible = lines.iter().skip(view.top).take(usize::from(area.body.height));
    for (line, y) in visible.zip(area.body.y..) {
        let row = Rect { y, height: 1, ..area.body };
        let under_cursor = line.node == view.cursor;
        let mut run = Run::new(buffer, row);
        let cursor = if under_cursor { styles.glyphs.cursor } else { " " };
        run.put(cursor, if model.ui.focus == Pane::Sop { styles.cursor } else { styles.dim });
        let id = &document.procedure.nodes[line.node].id;
        match marks.get(id).filter(|_| line.first) {
            Some(mark) => run.put(glyph(*mark, styles), mark_style(*mark, styles)),
            None => run.put(" ", styles.text),
        };
        run.put(" ", styles.text).put(&" ".repeat(line.indent), styles.text);
        let style = class_style(line.class, styles);
        run.put(&line.lead, if line.class == LineClass::Command { styles.dim } else { style });
        run.put(&line.text, style);
    }
}

fn class_style(class: LineClass, styles: &Styles) -> Style {
    match class {
        LineClass::Section => styles.section,
        LineClass::Step => styles.text,
        LineClass::Command => styles.command,
        LineClass::Output | LineClass::Note => styles.dim,
        LineClass::Decision => styles.decision,
        LineClass::Branch => styles.branch,
        LineClass::Warning => styles.warning,
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

fn glyph(mark: Mark, styles: &Styles) -> &str {
    match mark {
        Mark::Pending => styles.glyphs.pending,
        Mark::Running => styles.glyphs.running,
        Mark::Done => styles.glyphs.check,
        Mark::Failed => styles.glyphs.cross,
        Mark::Unknown => "?",
    }
}

const fn mark_style(mark: Mark, styles: &Styles) -> Style {
    match mark {
        Mark::Pending => styles.pending,
        Mark::Running => styles.running,
        Mark::Done => styles.good,
        Mark::Failed | Mark::Unknown => styles.bad,
    }
}

fn title(buffer: &mut Buffer, area: Area, model: &Model, styles: &Styles) {
    let focused = model.ui.focus == Pane::Sop;
    let mut run = Run::new(buffer, area.title);
    run.put("2 SOP ", styles.pane_title(focused));
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    run.fit(&text::visible(&procedure.title), 40, styles.pane_title(focused));
    let why = model.facts.detail().and_then(|detail| {
        detail.matches.iter().find(|found| found.sop == procedure.sop).map(|found| found.why.clone())
    });
    let problems = procedure.diagnostics.len();
    if problems > 0 {
        run.put(&format!("  {problems} problems"), styles.warning);
    }
    if let Some(edit) = &model.ui.sop.editing {
        run.put("  /", styles.key).put(&text::visible(edit.text()), styles.selected).put("_", styles.cursor);
    } else if let Some(why) = why {
        let room = run.room();
        run.fit(&format!("  {}", text::visible(&why)), room, styles.dim);
    }
}

fn empty(buffer: &mut Buffer, area: Area, model: &Model, styles: &Styles) {
    let lines = if model.facts.detail().is_some() {
        ["No SOP fits this incident.", "s lists all SOPs."]
    } else {
        ["No SOP is open.", "s lists all SOPs; they work with no network."]
    };
    for (line, y) in lines.iter().zip(area.body.y + 1..area.body.bottom()) {
        put(buffer, area.body.x + 1, y, area.body.width.saturating_sub(1), line, styles.dim);
    }
}

//! Output of an attempt, from its end upwards, below the reason when nobody knows how it ended.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::engine::backend::Output;
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::theme::Styles;
use crate::tui::ui::Model;
use crate::tui::{output_body, output_lines};

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    for x in area.title.x..area.title.right() {
        put(buffer, x, area.title.y, 1, look.glyphs.border.horizontal_top, look.styles.border);
    }
    let Some(attempt) = model.shown_attempt() else { return };
    title(buffer, area, attempt, model, look);
    let (reason, body) = output_body::split(area.body, model, attempt, look.repertoire);
    for (line, y) in reason.iter().zip(area.body.y..) {
        Run::new(buffer, Rect { y, height: 1, ..area.body }, look).fit(line, area.body.width, look.styles.bad);
    }
    match output_body::of(model, attempt) {
        Ok(output) => rows(buffer, body, output, model, look),
        Err(absent) => {
            put(buffer, body.x, body.y, body.width, &format!("({})", absent.words()), look.styles.muted);
        }
    }
}

/// The rows that are scrolled to, with the places that match what is being looked for.
fn rows(buffer: &mut Buffer, body: Rect, output: &Output, model: &Model, look: &Look) {
    let view = &model.ui.output;
    let (width, height) = (usize::from(body.width), usize::from(body.height));
    let rows = output_lines::screenful(&output.bytes, width, look.repertoire, view.up, height);
    let find = if view.sought.is_some() { view.find.as_str() } else { "" };
    for (row, y) in rows.iter().zip(body.y..) {
        let current = view.found == Some(row.line);
        let found = if current { Styles::under_cursor(look.styles.found) } else { look.styles.found };
        let mut run = Run::new(buffer, Rect { y, height: 1, ..body }, look);
        if row.part == output_lines::Part::GoesOn {
            run.put(look.glyphs.wrapped, look.styles.muted);
        }
        run.marked(&row.text, &output_lines::matches(&row.text, find), look.styles.output, found);
    }
}

fn title(buffer: &mut Buffer, area: Area, attempt: &Attempt, model: &Model, look: &Look) {
    let focused = model.ui.focus == Pane::Output;
    let (state, style) = standing(attempt, look);
    let mut run = Run::new(buffer, area.title, look);
    run.put(&format!("4 Attempt {} ", attempt.id), look.pane_title(focused));
    let room = run.room();
    run.fit(&state, room, style).put("  ", look.styles.text);
    if let Some(edit) = &model.ui.output.editing {
        let room = run.room().saturating_sub(2);
        run.put("/", look.styles.key).field(edit, room).put(" ", look.styles.text);
        return;
    }
    if let Some(sought) = model.ui.output.sought {
        let size = model.facts.snapshot.output.as_ref().map_or(0, |output| output.bytes.len());
        run.sought(&look.visible(&model.ui.output.find), sought, size).put("  ", look.styles.text);
    }
    if model.ui.output.up > 0 {
        run.put(&format!("{} more below  ", model.ui.output.up), look.styles.attention);
    }
    run.fit(&look.visible(&attempt.step.title), 40, look.styles.muted).put(" ", look.styles.text);
}

fn standing(attempt: &Attempt, look: &Look) -> (String, Style) {
    match &attempt.state {
        AttemptState::IntentStored => ("starting".to_owned(), look.styles.attention),
        AttemptState::Running { .. } => ("running".to_owned(), look.styles.attention),
        AttemptState::Ended { outcome, at } => {
            let style = if outcome.succeeded() { look.styles.good } else { look.styles.bad };
            let words = match outcome {
                // The reason needs more room than a title has: it stands below.
                Outcome::Unknown { .. } | Outcome::NotStarted { .. } => outcome.label(),
                Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::TimedOut | Outcome::Cancelled => {
                    let took = at.since(attempt.intent_at).as_secs_f32();
                    format!("{} after {took:.1} s", outcome.label())
                }
            };
            (words, style)
        }
    }
}

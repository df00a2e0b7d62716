//! Output of an attempt, from its end upwards.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::output_lines;
use crate::tui::ui::Model;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    for x in area.title.x..area.title.right() {
        put(buffer, x, area.title.y, 1, look.glyphs.border.horizontal_top, look.styles.border);
    }
    let Some(attempt) = model.shown_attempt() else { return };
    title(buffer, area, attempt, model, look);
    let output = model.facts.snapshot.output.as_ref().filter(|output| output.attempt == attempt.id);
    let Some(output) = output else { return };
    let (width, height) = (usize::from(area.body.width), usize::from(area.body.height));
    let rows = output_lines::screenful(&output.bytes, width, look.repertoire, model.ui.output.up, height);
    for (row, y) in rows.iter().zip(area.body.y..) {
        line(buffer, Rect { y, height: 1, ..area.body }, row, &model.ui.output.find, look);
    }
    if rows.is_empty() {
        let words = match attempt.state {
            AttemptState::Ended { .. } => "(no output)",
            _ => "(no output yet)",
        };
        put(buffer, area.body.x, area.body.y, area.body.width, words, look.styles.muted);
    }
}

/// A row, with the places that match what is being looked for.
fn line(buffer: &mut Buffer, place: Rect, text: &str, find: &str, look: &Look) {
    let mut run = Run::new(buffer, place, look);
    let mut done = 0;
    for found in output_lines::matches(text, find) {
        run.put(&text[done..found.start], look.styles.output);
        run.put(&text[found.clone()], look.styles.found);
        done = found.end;
    }
    run.put(&text[done..], look.styles.output);
}

fn title(buffer: &mut Buffer, area: Area, attempt: &Attempt, model: &Model, look: &Look) {
    let focused = model.ui.focus == Pane::Output;
    let (state, style) = standing(attempt, look);
    let mut run = Run::new(buffer, area.title, look);
    run.put(&format!("4 Attempt {} ", attempt.id), look.pane_title(focused));
    run.put(&state, style).put("  ", look.styles.text);
    if let Some(edit) = &model.ui.output.editing {
        let room = run.room().saturating_sub(2);
        run.put("/", look.styles.key).field(edit, room).put(" ", look.styles.text);
        return;
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
                Outcome::Unknown { reason } | Outcome::NotStarted { reason } => {
                    format!("{}: {}", outcome.label(), look.visible(reason))
                }
                _ => {
                    let took = at.since(attempt.intent_at).as_secs_f32();
                    format!("{} after {took:.1} s", outcome.label())
                }
            };
            (words, style)
        }
    }
}

//! Output of an attempt, from its end upwards.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::text;
use crate::tui::layout::{Area, Pane};
use crate::tui::theme::Styles;
use crate::tui::ui::Model;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, styles: &Styles) {
    for x in area.title.x..area.title.right() {
        put(buffer, x, area.title.y, 1, styles.glyphs.horizontal, styles.divider);
    }
    let Some(attempt) = model.shown_attempt() else { return };
    title(buffer, area, attempt, model, styles);
    let output = model.facts.snapshot.output.as_ref().filter(|output| output.attempt == attempt.id);
    let Some(output) = output else { return };
    let lines = text::visible_lines(&output.bytes);
    let height = usize::from(area.body.height);
    let up = model.ui.output.up.min(lines.len().saturating_sub(height));
    let end = lines.len() - up;
    let shown = &lines[end.saturating_sub(height)..end];
    for (line, y) in shown.iter().zip(area.body.y..) {
        let row = Rect { y, height: 1, ..area.body };
        let mut run = Run::new(buffer, row);
        let room = run.room();
        run.fit(line, room, styles.text);
    }
    if lines.is_empty() {
        let words = match attempt.state {
            AttemptState::Ended { .. } => "(no output)",
            _ => "(no output yet)",
        };
        put(buffer, area.body.x, area.body.y, area.body.width, words, styles.dim);
    }
}

fn title(buffer: &mut Buffer, area: Area, attempt: &Attempt, model: &Model, styles: &Styles) {
    let focused = model.ui.focus == Pane::Output;
    let (state, style) = standing(attempt, styles);
    let mut run = Run::new(buffer, area.title);
    run.put(&format!("3 Attempt {} ", attempt.id), styles.pane_title(focused));
    run.put(&state, style).put(" ", styles.text);
    run.fit(&text::visible(&attempt.step.title), 40, styles.dim).put(" ", styles.text);
    if model.ui.output.up > 0 {
        run.put("scrolled ", styles.pending);
    }
}

fn standing(attempt: &Attempt, styles: &Styles) -> (String, Style) {
    match &attempt.state {
        AttemptState::IntentStored => ("starting".to_owned(), styles.running),
        AttemptState::Running { .. } => ("running".to_owned(), styles.running),
        AttemptState::Ended { outcome, at } => {
            let style = if outcome.succeeded() { styles.good } else { styles.bad };
            let words = match outcome {
                Outcome::Unknown { reason } | Outcome::NotStarted { reason } => {
                    format!("{}: {}", outcome.label(), text::visible(reason))
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

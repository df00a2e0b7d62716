//! The box with what is suggested for a run: the choices above, what explains the chosen one below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::{frame, more_lines};
use super::paint::Run;
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::steer;
use crate::tui::suggestions::{self, SuggestionsView, Tone};
use crate::tui::ui::Model;

/// Columns of the box at most.
const WIDTH: u16 = 110;
/// Rows for the choices at most; more scroll with the cursor.
const CHOICES: usize = 8;
/// Rows besides choices and explanation: frame, blank, what is below, hints.
const OTHER_ROWS: usize = 5;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, view: &SuggestionsView, look: &Look) {
    let (columns, rows) = model.ui.size;
    let width = columns.saturating_sub(2).min(WIDTH);
    let inner = usize::from(width.saturating_sub(4)).max(8);
    let run = steer::run(model);
    let choices = run.map(suggestions::choices).unwrap_or_default();
    let at = view.at.min(choices.len().saturating_sub(1));
    let repertoire = model.ui.settings.repertoire;
    let explained = run
        .zip(choices.get(at))
        .map(|(run, choice)| suggestions::rows(run, choice.number, inner, repertoire))
        .unwrap_or_default();
    let listed = choices.len().clamp(1, CHOICES);
    let height = u16::try_from(listed + explained.len() + OTHER_ROWS).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let title = run.map_or_else(|| "Suggestions".to_owned(), |run| format!("Suggestions for run {}", run.id));
    let inside = frame(buffer, area, &title, look);
    let places: Vec<Rect> =
        (inside.y..inside.bottom().saturating_sub(2)).map(|y| Rect { y, height: 1, ..inside }).collect();
    let (above, below) = places.split_at(listed.min(places.len()));
    if choices.is_empty()
        && let Some(row) = above.first()
    {
        Run::new(buffer, *row, look).put("Nothing is suggested any more.", look.styles.muted);
    }
    let first = (at + 1).saturating_sub(above.len());
    for ((number, choice), place) in choices.iter().enumerate().skip(first).zip(above) {
        let mut line = Run::new(buffer, *place, look);
        line.put(if number == at { look.glyphs.cursor } else { " " }, look.styles.cursor);
        let room = line.room();
        let style = if number == at { look.styles.selected } else { look.styles.text };
        line.fit(&look.visible(&choice.words), room, style);
    }
    let below = below.get(1..).unwrap_or_default();
    let top = view.top.min(explained.len().saturating_sub(below.len()));
    for (row, place) in explained.iter().skip(top).zip(below) {
        let style = match row.tone {
            Tone::Label => look.styles.muted,
            Tone::Text => look.styles.text,
            Tone::Warning => look.styles.warning,
            Tone::Command => look.styles.command,
            Tone::Goes => look.styles.foreign,
            Tone::Comes => look.styles.attention,
        };
        Run::new(buffer, *place, look).put(&row.text, style);
    }
    let hidden = explained.len().saturating_sub(top + below.len());
    if hidden > 0 {
        let row = Rect { y: inside.bottom() - 2, height: 1, ..inside };
        Run::new(buffer, row, look).put(&format!("{} below (PgDn)", more_lines(hidden)), look.styles.warning);
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&model.ui.keymap.hints(Context::Prompt));
}

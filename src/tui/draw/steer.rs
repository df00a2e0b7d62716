//! The box in which a run is steered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::frame;
use super::paint::Run;
use crate::domain::run::RunState;
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::steer::{self, Asking, Steer};
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};

/// Columns of the box at most.
const WIDTH: u16 = 84;
/// Rows for why the run stands still.
const REASON: usize = 3;
/// Rows of the box besides reason and choices: frame, blank, hints.
const OTHER_ROWS: usize = 4;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, shown: &Steer, look: &Look) {
    let (columns, rows) = model.ui.size;
    let width = columns.saturating_sub(2).min(WIDTH);
    let inner = usize::from(width.saturating_sub(4)).max(8);
    let run = steer::run(model);
    let reason = run.map_or_else(
        || BEGIN.to_owned(),
        |run| match &run.state {
            RunState::Stopped { reason, .. } => format!("It stopped: {}.", reason.words()),
            RunState::Paused => "It is paused.".to_owned(),
            RunState::Active | RunState::Ended { .. } => steer::line(model).unwrap_or_default(),
        },
    );
    let mut explained = wrap(&look.visible(&reason), inner, Break::AtSpaces);
    explained.truncate(REASON);
    let offers = steer::offers(model);
    let height = u16::try_from(explained.len() + offers.len().max(2) + OTHER_ROWS).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let title = run.map_or_else(|| "Run".to_owned(), steer::title);
    let inside = frame(buffer, area, &title, look);
    let mut places = (inside.y..inside.bottom().saturating_sub(1)).map(|y| Rect { y, height: 1, ..inside });
    for (line, place) in explained.iter().zip(places.by_ref()) {
        Run::new(buffer, place, look).put(line, look.styles.attention);
    }
    let rest: Vec<Rect> = places.skip(1).collect();
    match &shown.asking {
        Some(asking) => ask(buffer, &rest, asking, look),
        None => {
            let first = (shown.at + 1).saturating_sub(rest.len());
            for ((number, offer), place) in offers.iter().enumerate().skip(first).zip(&rest) {
                let chosen = number == shown.at;
                let mut line = Run::new(buffer, *place, look);
                line.put(if chosen { look.glyphs.cursor } else { " " }, look.styles.cursor);
                let room = line.room();
                line.fit(
                    &look.visible(&offer.words),
                    room,
                    if chosen { look.styles.selected } else { look.styles.text },
                );
            }
        }
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&model.ui.keymap.hints(Context::Prompt));
}

const BEGIN: &str =
    "A run takes the steps of the SOP in order and proposes each by itself. Nothing runs without your yes.";

fn ask(buffer: &mut Buffer, rows: &[Rect], asking: &Asking, look: &Look) {
    let mut rows = rows.iter();
    if let Some(row) = rows.next() {
        let mut line = Run::new(buffer, *row, look);
        line.put("> ", look.styles.key);
        let room = line.room();
        line.field(&asking.edit, room);
    }
    if let Some(row) = rows.next() {
        let (words, style) = if asking.objection.is_empty() {
            (asking.what.words(), look.styles.muted)
        } else {
            (asking.objection.as_str(), look.styles.warning)
        };
        Run::new(buffer, *row, look).fit(words, row.width, style);
    }
}

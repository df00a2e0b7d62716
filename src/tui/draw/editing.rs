//! The command of a proposal while it is edited.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::frame;
use super::paint::{Run, put};
use crate::domain::text;
use crate::tui::editing::{Editing, Phase};
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::theme::Styles;
use crate::tui::ui::Model;
use crate::tui::worth;
use crate::tui::wrap::{Break, wrap};

/// Columns of the box at most.
const WIDTH: u16 = 140;
/// Rows for the text at least, and rows for the command as it was at most.
const TYPED_ROWS: usize = 4;
const BEFORE_ROWS: usize = 3;
/// Rows besides both texts: frame, two headings, what comes of it, hints.
const OTHER_ROWS: usize = 6;

const COMES_OF_IT: &str =
    "Accepting makes another proposal in its place. Nothing is approved by that: its review opens.";

pub(super) fn draw(buffer: &mut Buffer, model: &Model, editing: &Editing, look: &Look) {
    let (columns, rows) = model.ui.size;
    let width = columns.saturating_sub(2).min(WIDTH);
    let inner = usize::from(width.saturating_sub(4)).max(8);
    let before = before(editing, inner, look);
    let most = usize::from(rows.saturating_sub(2)).saturating_sub(OTHER_ROWS + before.len()).max(1);
    let view = editing.draft.view(inner, most, look.repertoire);
    let typed = view.lines.len().clamp(TYPED_ROWS.min(most), most);
    let height = u16::try_from(OTHER_ROWS + before.len() + typed).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let title = format!("Edit the command of proposal {}", editing.proposal);
    let inside = frame(buffer, area, &title, look);
    let mut places = (inside.y..inside.bottom().saturating_sub(1)).map(|y| Rect { y, height: 1, ..inside });
    let mut say = |buffer: &mut Buffer, words: &str, style| {
        if let Some(place) = places.next() {
            Run::new(buffer, place, look).fit(words, inside.width, style);
        }
    };
    say(buffer, "As it was:", look.styles.muted);
    before.iter().for_each(|line| say(buffer, line, look.styles.command));
    say(buffer, "As it is to be:", look.styles.muted);
    let top = inside.y + u16::try_from(before.len()).unwrap_or(0) + 2;
    for (line, y) in view.lines.iter().zip(top..) {
        put(buffer, inside.x, y, inside.width, line, look.styles.input);
    }
    cursor(buffer, Rect { y: top, ..inside }, &view, look);
    let last = Rect { y: inside.bottom() - 2, height: 1, ..inside };
    let words = match editing.phase {
        Phase::Typing => COMES_OF_IT.to_owned(),
        Phase::Sent => "It is being proposed.".to_owned(),
        Phase::Made(id) => format!("It is proposal {id}; its review opens."),
    };
    Run::new(buffer, last, look).fit(&words, inside.width, look.styles.muted);
    let hints = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, hints, look).hints(&worth::hints(model, Context::Edit));
}

/// The command as it was, with a sign when there is more of it.
fn before(editing: &Editing, width: usize, look: &Look) -> Vec<String> {
    let lines = editing.before.split('\n').take(BEFORE_ROWS + 1).map(|line| look.visible(line).into_owned());
    let mut lines: Vec<String> = lines.flat_map(|line| wrap(&line, width, Break::Anywhere)).collect();
    let whole = lines.len() <= BEFORE_ROWS;
    lines.truncate(BEFORE_ROWS);
    if let Some(last) = lines.last_mut().filter(|_| !whole) {
        let cut = text::split_at_width(last, width.saturating_sub(text::width(look.glyphs.cut))).0.to_owned();
        *last = cut + look.glyphs.cut;
    }
    lines
}

fn cursor(buffer: &mut Buffer, area: Rect, view: &crate::tui::chat::draft::DraftView, look: &Look) {
    let column = u16::try_from(view.column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    let (x, y) = (area.x + column, area.y.saturating_add(u16::try_from(view.row).unwrap_or(0)));
    let at_end = view.lines.get(view.row).is_none_or(|line| text::width(line) <= view.column);
    if at_end {
        put(buffer, x, y, 1, "_", look.styles.cursor);
    } else if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_style(Styles::under_cursor(look.styles.cursor));
    }
}

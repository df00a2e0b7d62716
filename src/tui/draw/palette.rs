//! The palette: what was typed, and what is offered for it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::frame;
use super::paint::Run;
use crate::domain::text;
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::palette::{Palette, area, visible_rows};
use crate::tui::ui::Model;
use crate::tui::worth;

/// Columns of a name at most, so that the key beside it stays on the screen.
const NAME: u16 = 46;

/// What can be typed besides a name.
const ALSO: &str = "A name, or: sop WORDS, search WORDS, #NUMBER of an incident";

pub(super) fn draw(buffer: &mut Buffer, model: &Model, palette: &Palette, look: &Look) {
    let inside = frame(buffer, area(model.ui.size), "Commands", look);
    let mut run = Run::new(buffer, Rect { height: 1, ..inside }, look);
    run.put(":", look.styles.key).field(&palette.edit, inside.width);
    let place = Rect { y: inside.y + 1, height: 1, ..inside };
    Run::new(buffer, place, look).fit(ALSO, inside.width, look.styles.muted);
    let shown = visible_rows(model.ui.size);
    let first = (palette.at + 1).saturating_sub(shown);
    for ((number, row), y) in palette.rows.iter().enumerate().skip(first).take(shown).zip(inside.y + 2..) {
        let chosen = number == palette.at;
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside }, look);
        run.put(if chosen { look.glyphs.cursor } else { " " }, look.styles.cursor);
        let style = if chosen { look.styles.selected } else { look.styles.text };
        run.fit(&look.visible(&row.words), NAME, style).put("  ", look.styles.text);
        let note = look.visible(&row.note);
        let columns = u16::try_from(text::width(&note)).unwrap_or(u16::MAX);
        let room = run.right(columns).room();
        run.fit(&note, room, look.styles.key);
    }
    if palette.rows.is_empty() {
        let place = Rect { y: inside.y + 2, height: 1, ..inside };
        let words = "No command has such a name here. Esc leaves.";
        Run::new(buffer, place, look).fit(words, inside.width, look.styles.muted);
    }
    let last = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
    let mut run = Run::new(buffer, last, look);
    if palette.rows.len() > shown {
        run.put(&format!("{} of {}  ", palette.at + 1, palette.rows.len()), look.styles.muted);
    }
    run.hints(&worth::hints(model, Context::Palette));
}

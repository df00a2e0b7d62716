//! The list of yeses that cover more than one command.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::frame;
use super::paint::Run;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::ui::Model;
use crate::tui::wider::{self, ScopesBox};

/// Columns of the box at most.
const WIDTH: u16 = 100;
/// Rows of each: what it covers, and how it stands.
const ROWS: usize = 2;
/// Rows of the box besides the list: frame, blank, hints.
const OTHER_ROWS: usize = 4;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, shown: ScopesBox, look: &Look) {
    let (columns, rows) = model.ui.size;
    let given = wider::given(model);
    let width = columns.saturating_sub(2).min(WIDTH);
    let height = u16::try_from(given.len() * ROWS + OTHER_ROWS).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let inside = frame(buffer, area, "Yeses that go on", look);
    let fits = (usize::from(inside.height).saturating_sub(2) / ROWS).max(1);
    let first = (shown.at + 1).saturating_sub(fits);
    let mut y = inside.y;
    for (number, scope) in given.iter().enumerate().skip(first).take(fits) {
        let (covers, stands) = wider::words(scope, model);
        let chosen = number == shown.at;
        let mut line = Run::new(buffer, Rect { y, height: 1, ..inside }, look);
        line.put(if chosen { look.glyphs.cursor } else { " " }, look.styles.cursor);
        let room = line.room();
        line.fit(&look.visible(&covers), room, if chosen { look.styles.selected } else { look.styles.text });
        let mut line = Run::new(buffer, Rect { y: y + 1, height: 1, ..inside }, look);
        let room = line.put("   ", look.styles.text).room();
        line.fit(&look.visible(&stands), room, look.styles.muted);
        y += 2;
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&hints(model));
}

/// The keys of the review that mean something here, by what they mean here.
fn hints(model: &Model) -> Vec<(String, &'static str)> {
    let keys = [(Intent::Reject, "revoke"), (Intent::Back, "close"), (Intent::Down, "next"), (Intent::Up, "previous")];
    let key = |intent| model.ui.keymap.key_for(Context::Review, intent);
    keys.into_iter().filter_map(|(intent, words)| Some((key(intent)?, words))).collect()
}

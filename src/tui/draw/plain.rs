//! The plain view: rows from the left margin on, and one row that says how to leave.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Run, put};
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::plain::PlainPage;
use crate::tui::ui::Model;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, page: &PlainPage, look: &Look) {
    let area = buffer.area;
    let shown = page.shown(area.height);
    for (row, y) in shown.iter().zip(area.y..area.bottom()) {
        put(buffer, area.x, y, area.width, row, look.styles.text);
    }
    let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    let (from, to) = (page.top + 1, page.top + shown.len());
    let mut run = Run::new(buffer, last, look);
    run.put(&format!("Plain text of {}, {from}-{to} of {}: ", page.title(), page.len()), look.styles.muted);
    let key = |intent| model.ui.keymap.key_for(Context::Help, intent);
    let keys: Vec<String> = [Intent::Plain, Intent::Back].into_iter().filter_map(key).collect();
    run.put(&look.visible(&keys.join(" ")), look.styles.key).put(" close", look.styles.key_help);
}

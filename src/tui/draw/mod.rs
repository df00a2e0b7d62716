//! Drawing: facts and state in, cells out. Changes nothing and asks nobody.
//!
//! Owns: the order of the parts. Each part has a file of its own.

mod chat;
mod editing;
mod footer;
mod header;
mod incident;
mod marks;
mod output;
mod overlay;
mod paint;
mod palette;
mod plain;
mod preview;
mod question;
mod queue;
mod scopes;
mod search;
mod sop;
mod steer;
mod suggestions;
mod tour;
mod workbench;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::SMALLEST;
use crate::tui::look::Look;
use crate::tui::ui::{Model, Overlay};

/// Draws the whole screen into `buffer`.
pub fn draw(buffer: &mut Buffer, model: &Model, look: &Look) {
    let area = buffer.area;
    let Some(layout) = model.layout() else { return too_small(buffer, area, look) };
    if let Some(Overlay::Plain(page)) = &model.ui.overlay {
        return plain::draw(buffer, model, page, look);
    }
    header::draw(buffer, layout.header, model, look);
    if let Some(area) = layout.queue {
        queue::draw(buffer, area, model, look);
    }
    if let Some(area) = layout.detail {
        incident::draw(buffer, area, model, look);
    }
    for divider in layout.dividers.into_iter().flatten() {
        for y in divider.y..divider.bottom() {
            paint::put(buffer, divider.x, y, 1, look.glyphs.border.vertical_left, look.styles.border);
        }
    }
    if let Some(area) = layout.sop {
        sop::draw(buffer, area, model, look);
    }
    if let Some(area) = layout.output {
        output::draw(buffer, area, model, look);
    }
    if let Some(area) = layout.chat {
        chat::draw(buffer, area, model, look);
    }
    footer::draw(buffer, layout.footer, model, look);
    overlay::draw(buffer, model, look);
    tour::draw(buffer, model, look);
}

fn too_small(buffer: &mut Buffer, area: Rect, look: &Look) {
    let (columns, rows) = SMALLEST;
    let lines = [
        "This terminal is too small.".to_owned(),
        format!("{}x{} is there,", area.width, area.height),
        format!("{columns}x{rows} is needed."),
        "Enlarge it, or press q to leave.".to_owned(),
    ];
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        paint::put(buffer, area.x, y, area.width, line, look.styles.text);
    }
}

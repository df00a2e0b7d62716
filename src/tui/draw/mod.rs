//! Drawing: facts and state in, cells out. Changes nothing and asks nobody.
//!
//! Owns: the order of the parts. Each part has a file of its own.

mod footer;
mod header;
mod incident;
mod output;
mod overlay;
mod paint;
mod queue;
mod sop;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::SMALLEST;
use crate::tui::theme::Styles;
use crate::tui::ui::Model;

/// Draws the whole screen into `buffer`.
pub fn draw(buffer: &mut Buffer, model: &Model, styles: &Styles) {
    let area = buffer.area;
    let Some(layout) = model.layout() else { return too_small(buffer, area, styles) };
    header::draw(buffer, layout.header, model, styles);
    if let Some(area) = layout.queue {
        queue::draw(buffer, area, model, styles);
    }
    if let Some(area) = layout.detail {
        incident::draw(buffer, area, model, styles);
    }
    if let Some(divider) = layout.divider {
        for y in divider.y..divider.bottom() {
            paint::put(buffer, divider.x, y, 1, styles.glyphs.vertical, styles.divider);
        }
    }
    if let Some(area) = layout.sop {
        sop::draw(buffer, area, model, styles);
    }
    if let Some(area) = layout.output {
        output::draw(buffer, area, model, styles);
    }
    footer::draw(buffer, layout.footer, model, styles);
    overlay::draw(buffer, model, styles);
}

fn too_small(buffer: &mut Buffer, area: Rect, styles: &Styles) {
    let (columns, rows) = SMALLEST;
    let lines = [
        "This terminal is too small.".to_owned(),
        format!("{}x{} is there,", area.width, area.height),
        format!("{columns}x{rows} is needed."),
        "Enlarge it, or press q to leave.".to_owned(),
    ];
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        paint::put(buffer, area.x, y, area.width, line, styles.text);
    }
}

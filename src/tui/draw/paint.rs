//! Putting text into cells, within limits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::look::Look;

/// Writes `line` (escaped already) at a position, cut to `width` columns; returns the column after it.
pub(super) fn put(buffer: &mut Buffer, x: u16, y: u16, width: u16, line: &str, style: Style) -> u16 {
    if width == 0 || !buffer.area.contains((x, y).into()) {
        return x;
    }
    let (end, _) = buffer.set_stringn(x, y, line, usize::from(width), style);
    end
}

/// A cursor that writes runs of text from left to right.
pub(super) struct Run<'a> {
    buffer: &'a mut Buffer,
    look: &'a Look,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Run<'a> {
    /// Starts at the left of the first row of `area`.
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, look: &'a Look) -> Self {
        Self { buffer, look, x: area.x, y: area.y, end: area.right() }
    }

    /// Writes `line` as far as it fits.
    pub(super) fn put(&mut self, line: &str, style: Style) -> &mut Self {
        self.x = put(self.buffer, self.x, self.y, self.room(), line, style);
        self
    }

    /// Writes `line`, with a sign at its end when it had to be cut to `width` columns or to the room there is.
    pub(super) fn fit(&mut self, line: &str, width: u16, style: Style) -> &mut Self {
        let width = width.min(self.room());
        let line = self.look.fit(line, usize::from(width));
        self.x = put(self.buffer, self.x, self.y, width, &line, style);
        self
    }

    /// Goes on `columns` from the right end, if that is ahead.
    pub(super) fn right(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.max(self.end.saturating_sub(columns));
        self
    }

    /// Columns left.
    pub(super) const fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }
}

/// Blanks an area, so that an overlay hides what lies below.
pub(super) fn clear(buffer: &mut Buffer, area: Rect, style: Style) {
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

//! Putting text into cells, within limits.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::text;
use crate::tui::line_edit::LineEdit;
use crate::tui::look::Look;
use crate::tui::sought::Sought;
use crate::tui::theme::Styles;

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

    /// Writes `line` with its parts at `marks`, which are in order, in another style.
    pub(super) fn marked(&mut self, line: &str, marks: &[Range<usize>], style: Style, mark: Style) -> &mut Self {
        let mut done = 0;
        for place in marks {
            self.put(&line[done..place.start], style).put(&line[place.clone()], mark);
            done = place.end;
        }
        self.put(&line[done..], style)
    }

    /// Writes what was looked for and which of the places that match one is at, in a text of this size: `/full  3 of 11`.
    /// Where room is short the count stays.
    pub(super) fn sought(&mut self, find: &str, sought: Sought, size: usize) -> &mut Self {
        let (styles, count) =
            (&self.look.styles, sought.words(size).map(|count| format!("  {count}")).unwrap_or_default());
        let room = self.room().saturating_sub(u16::try_from(text::width(&count)).unwrap_or(u16::MAX));
        self.fit(&format!("/{find}"), room, styles.selected).put(&count, styles.selected)
    }

    /// Goes on `columns` from the right end, if that is ahead.
    pub(super) fn right(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.max(self.end.saturating_sub(columns));
        self
    }

    /// Writes a line that is being typed, with a sign where the next character goes.
    pub(super) fn field(&mut self, edit: &LineEdit, width: u16) -> &mut Self {
        let width = width.min(self.room());
        let (shown, column) = edit.view(usize::from(width), self.look.repertoire);
        let start = self.x;
        self.x = put(self.buffer, start, self.y, width, &shown, self.look.styles.input);
        let at = start.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        if at >= self.x {
            self.put("_", self.look.styles.cursor);
        } else if let Some(cell) = self.buffer.cell_mut((at, self.y)) {
            cell.set_style(Styles::under_cursor(self.look.styles.cursor));
        }
        self
    }

    /// Writes as many key hints as fit.
    pub(super) fn hints(&mut self, hints: &[(String, &str)]) -> &mut Self {
        for (key, words) in hints {
            let key = &*self.look.visible(key);
            if usize::from(self.room()) < text::width(key) + 1 + text::width(words) {
                break;
            }
            let styles = &self.look.styles;
            self.put(key, styles.key).put(" ", styles.text).put(words, styles.key_help).put("  ", styles.text);
        }
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

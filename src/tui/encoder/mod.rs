//! A ratatui backend that writes few bytes: what changed on the screen, encoded into a buffer that the caller sends.
//!
//! Owns: what the terminal shows now, what it is to show, and the sequences from the one to the other. A frame is
//! complete at [`Backend::flush`]; [`Encoder::take`] hands its bytes over, to be written in one piece.
//!
//! Invariants:
//! - Nothing is asked of the terminal, ever: the cursor's position is known here.
//! - Nothing foreign becomes a sequence: every symbol is checked against `domain::text` again.
//! - The terminal never wraps a line, and scrolls only where it is told to.
//!
//! Does not: write to the terminal (see `terminal`), decide when to draw.

mod grid;
mod motion;
mod order;
mod pen;
mod pieces;
mod row;
mod scroll;

use std::convert::Infallible;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use grid::{Grid, Tile};
use motion::At;
pub use pen::ColorDepth;
use pen::Pen;
use row::Ink;
use scroll::Scroll;

use crate::domain::text::Repertoire;

/// Frames longer than this are sent as one synchronized update (mode 2026, ignored by terminals that do not know it);
/// shorter ones arrive in one packet anyway.
const SYNCHRONIZE_FROM: usize = 1024;

/// Changes longer than this are drawn with the cursor hidden, lest it be seen running over the screen.
const HIDE_CURSOR_FROM: usize = 128;

const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
const HIDE_CURSOR: &[u8] = b"\x1b[?25l";
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";
/// Resets the pen, goes home and erases from there on. Erasing the whole screen at once (`CSI 2 J`) would push its
/// content into the history of some terminals.
const CLEAR: &[u8] = b"\x1b[m\x1b[H\x1b[J";

/// Whether the terminal shows its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visibility {
    Shown,
    Hidden,
    /// Another program had the terminal.
    Unknown,
}

/// The backend. It cannot fail: its errors are `Infallible`.
#[derive(Debug)]
pub struct Encoder {
    size: Size,
    depth: ColorDepth,
    repertoire: Repertoire,
    shown: Grid,
    wanted: Grid,
    /// Rows of `wanted` that may differ from `shown`.
    touched: Vec<bool>,
    /// The screen has to be cleared before the next frame: what it shows is not known.
    stale: bool,
    /// Whether flushing leaves the drawing for later.
    holding: bool,
    /// What is being brought to the screen in pieces; `None` when nothing has been begun.
    goal: Option<Grid>,
    /// What was wanted before the keys that were not drawn yet.
    before: Option<Grid>,
    at: At,
    pen: Option<Pen>,
    visibility: Visibility,
    cursor_wanted: Visibility,
    cursor: Position,
    frame: Vec<u8>,
}

impl Encoder {
    /// A backend for a terminal of `size` whose content is not known.
    #[must_use]
    pub fn new(size: Size, depth: ColorDepth, repertoire: Repertoire) -> Self {
        Self {
            size,
            depth,
            repertoire,
            shown: Grid::blank(size.width, size.height),
            wanted: Grid::blank(size.width, size.height),
            touched: vec![true; usize::from(size.height)],
            stale: true,
            holding: false,
            goal: None,
            before: None,
            at: At::Unknown,
            pen: None,
            visibility: Visibility::Unknown,
            cursor_wanted: Visibility::Hidden,
            cursor: Position::ORIGIN,
            frame: Vec::new(),
        }
    }

    /// The bytes of the frames since the last call; empty when nothing changed.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.frame)
    }

    /// The terminal has another size now. What it shows after that is not known.
    pub fn resize(&mut self, size: Size) {
        if size != self.size {
            let mut fresh = Self::new(size, self.depth, self.repertoire);
            fresh.visibility = self.visibility;
            fresh.cursor_wanted = self.cursor_wanted;
            fresh.holding = self.holding;
            fresh.frame = self.take();
            *self = fresh;
        }
    }

    /// Something else wrote on the terminal: the next frame draws everything anew.
    pub fn repaint(&mut self) {
        self.stale = true;
        self.visibility = Visibility::Unknown;
    }

    /// Appends what changed to the frame.
    fn encode(&mut self) {
        let mut ink = self.ink();
        (self.goal, self.before) = (None, None);
        let cleared = std::mem::take(&mut self.stale);
        if cleared {
            self.shown = Grid::blank(self.size.width, self.size.height);
            self.touched.fill(true);
            ink.bytes.extend_from_slice(CLEAR);
            ink.at = At::Cell(0, 0);
            ink.pen = Some(Pen::default());
        }
        let mut rows: Vec<u16> = Vec::new();
        for (y, touched) in (0..self.size.height).zip(&mut self.touched) {
            if std::mem::take(touched) && self.shown.row(y) != self.wanted.row(y) {
                rows.push(y);
            }
        }
        if cleared {
            // There is nothing yet that could be moved.
            order::write(&mut ink, &self.shown, &self.wanted, &rows);
        } else {
            self.write_rows(&mut ink, &self.wanted, &rows);
        }
        for y in rows {
            self.shown.row_mut(y).clone_from_slice(self.wanted.row(y));
        }
        self.finish(ink);
    }

    /// What is written next begins where the terminal was left.
    const fn ink(&self) -> Ink {
        Ink { bytes: Vec::new(), at: self.at, pen: self.pen, columns: self.size.width }
    }

    /// Appends what `ink` has written, with the cursor in its place, to the frame.
    fn finish(&mut self, mut ink: Ink) {
        let begin = self.hide_while_drawing(ink.bytes.len());
        let end = self.place_cursor(&mut ink);
        (self.at, self.pen) = (ink.at, ink.pen);
        let synchronize = ink.bytes.len() > SYNCHRONIZE_FROM;
        for part in [
            if synchronize { BEGIN_UPDATE } else { b"" },
            begin,
            ink.bytes.as_slice(),
            end,
            if synchronize { END_UPDATE } else { b"" },
        ] {
            self.frame.extend_from_slice(part);
        }
    }

    /// Brings the rows that differ up to date, with the help of the terminal where moving rows saves bytes.
    fn write_rows(&self, ink: &mut Ink, wanted: &Grid, rows: &[u16]) {
        let in_place = |ink: &mut Ink| order::write(ink, &self.shown, wanted, rows);
        let scrolled = Scroll::worth_trying(&self.shown, wanted, rows).into_iter().map(|scroll| {
            let moved = scroll.apply(&self.shown);
            let rest: Vec<u16> = (0..self.size.height).filter(|y| moved.row(*y) != wanted.row(*y)).collect();
            move |ink: &mut Ink| {
                scroll.write(ink);
                order::write(ink, &moved, wanted, &rest);
            }
        });
        let scrolled: Vec<_> = scrolled.collect();
        let mut ways: Vec<&dyn Fn(&mut Ink)> = vec![&in_place];
        ways.extend(scrolled.iter().map(|way| way as &dyn Fn(&mut Ink)));
        ink.shortest(&ways);
    }

    fn hide_while_drawing(&mut self, length: usize) -> &'static [u8] {
        let hide = match self.visibility {
            Visibility::Hidden => false,
            Visibility::Unknown => true,
            Visibility::Shown => self.cursor_wanted != Visibility::Shown || length > HIDE_CURSOR_FROM,
        };
        if hide {
            self.visibility = Visibility::Hidden;
            HIDE_CURSOR
        } else {
            b""
        }
    }

    fn place_cursor(&mut self, ink: &mut Ink) -> &'static [u8] {
        if self.cursor_wanted != Visibility::Shown {
            return b"";
        }
        let last = |length: u16| length.saturating_sub(1);
        ink.move_to(self.cursor.x.min(last(self.size.width)), self.cursor.y.min(last(self.size.height)));
        let show = self.visibility != Visibility::Shown;
        self.visibility = Visibility::Shown;
        if show { SHOW_CURSOR } else { b"" }
    }

    fn touch(&mut self, y: u16) {
        if let Some(touched) = self.touched.get_mut(usize::from(y)) {
            *touched = true;
        }
    }

    /// Blanks the columns from `start` to before `end` of row `y`.
    fn blank(&mut self, y: u16, start: u16, end: u16) {
        if y < self.size.height && start < end {
            grid::clear(self.wanted.row_mut(y), usize::from(start), usize::from(end));
            self.touch(y);
        }
    }
}

impl Backend for Encoder {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            if x < self.size.width && y < self.size.height {
                let tile = Tile::of(cell, self.size.width - x, self.depth, self.repertoire);
                grid::put(self.wanted.row_mut(y), x, tile);
                self.touch(y);
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.cursor_wanted = Visibility::Hidden;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.cursor_wanted = Visibility::Shown;
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.cursor = position.into();
        Ok(())
    }

    /// Blanks everything; the next frame begins with clearing the terminal.
    fn clear(&mut self) -> Result<(), Infallible> {
        self.wanted = Grid::blank(self.size.width, self.size.height);
        self.stale = true;
        Ok(())
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        let Size { width, height } = self.size;
        let Position { x, y } = self.cursor;
        match clear_type {
            ClearType::All => self.clear()?,
            ClearType::AfterCursor => {
                self.blank(y, x, width);
                (y.saturating_add(1)..height).for_each(|row| self.blank(row, 0, width));
            }
            ClearType::BeforeCursor => {
                self.blank(y, 0, x.saturating_add(1).min(width));
                (0..y.min(height)).for_each(|row| self.blank(row, 0, width));
            }
            ClearType::CurrentLine => self.blank(y, 0, width),
            ClearType::UntilNewLine => self.blank(y, x, width),
        }
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    /// The size in columns and rows; the size in pixels is not known.
    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    /// Unless drawing is left for later, the frame is complete after this.
    fn flush(&mut self) -> Result<(), Infallible> {
        if !self.holding {
            self.encode();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

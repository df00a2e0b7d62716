//! What stands where on a screen.
//!
//! Invariants: a glyph of `n` columns is one head and `n - 1` tails behind it, all in one row, never overlapping another.
//! No tile holds a control character or anything else that `domain::text` would spell out.

use ratatui::buffer::{Cell, CellWidth as _};

use super::pen::{ColorDepth, Pen};
use crate::domain::text::{Repertoire, visible_in};

/// What a column of a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// One character.
    Char(char),
    /// A grapheme of several.
    Cluster(Box<str>),
    /// The continuation of the glyph to the left.
    Tail,
}

/// One column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) symbol: Symbol,
    /// Columns of the glyph; 0 for a tail.
    pub(super) width: u16,
    pub(super) pen: Pen,
}

impl Tile {
    /// A blank in the terminal's own colours.
    pub(super) const BLANK: Self = Self {
        symbol: Symbol::Char(' '),
        width: 1,
        pen: Pen {
            fg: super::pen::Paint::Default,
            bg: super::pen::Paint::Default,
            modifier: ratatui::style::Modifier::empty(),
        },
    };

    /// What to show for `cell` where there are `room` columns left in the row.
    pub(super) fn of(cell: &Cell, room: u16, depth: ColorDepth, repertoire: Repertoire) -> Self {
        let symbol = cell.symbol();
        let pen = Pen::of(cell, depth);
        let mut characters = symbol.chars();
        match (characters.next(), characters.next()) {
            (None, _) | (Some(' '), None) => Self { symbol: Symbol::Char(' '), width: 1, pen: pen.on_blank() },
            (Some(c), None) if c.is_ascii() => {
                let shown = if c.is_ascii_control() { '?' } else { c };
                Self { symbol: Symbol::Char(shown), width: 1, pen }
            }
            (Some(first), second) => {
                // Nothing foreign may reach the terminal unseen, whatever a widget let pass.
                let honest = visible_in(symbol, repertoire) == symbol;
                let width = symbol.cell_width().clamp(1, room.max(1));
                match second {
                    _ if !honest || width < symbol.cell_width() => {
                        Self { symbol: Symbol::Cluster("?".repeat(usize::from(width)).into()), width, pen }
                    }
                    None => Self { symbol: Symbol::Char(first), width, pen },
                    Some(_) => Self { symbol: Symbol::Cluster(symbol.into()), width, pen },
                }
            }
        }
    }

    pub(super) fn is_tail(&self) -> bool {
        self.symbol == Symbol::Tail
    }

    pub(super) fn is_blank(&self) -> bool {
        self.symbol == Symbol::Char(' ')
    }

    /// Whether erasing draws it.
    pub(super) fn is_erased(&self) -> bool {
        self.is_blank() && self.pen == Pen::default()
    }
}

/// A screen's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    columns: u16,
    tiles: Vec<Tile>,
}

impl Grid {
    pub(super) fn blank(columns: u16, rows: u16) -> Self {
        Self { columns, tiles: vec![Tile::BLANK; usize::from(columns) * usize::from(rows)] }
    }

    pub(super) fn row(&self, y: u16) -> &[Tile] {
        let start = usize::from(y) * usize::from(self.columns);
        self.tiles.get(start..start + usize::from(self.columns)).unwrap_or_default()
    }

    pub(super) fn row_mut(&mut self, y: u16) -> &mut [Tile] {
        let start = usize::from(y) * usize::from(self.columns);
        self.tiles.get_mut(start..start + usize::from(self.columns)).unwrap_or_default()
    }
}

/// Puts `tile` at column `x`; glyphs that it covers in part become blanks, as on a terminal.
pub(super) fn put(row: &mut [Tile], x: u16, tile: Tile) {
    let (start, end) = (usize::from(x), usize::from(x) + usize::from(tile.width.max(1)));
    if end > row.len() {
        return;
    }
    clear(row, start, end);
    let pen = tile.pen;
    if let Some(slot) = row.get_mut(start) {
        *slot = tile;
    }
    if let Some(tails) = row.get_mut(start + 1..end) {
        tails.fill(Tile { symbol: Symbol::Tail, width: 0, pen });
    }
}

/// Blanks the columns from `start` to before `end`, and what remains of glyphs that lie across the ends.
pub(super) fn clear(row: &mut [Tile], start: usize, end: usize) {
    let is_tail = |row: &[Tile], at: usize| row.get(at).is_some_and(Tile::is_tail);
    let mut first = start;
    while is_tail(row, first) {
        first -= 1;
    }
    let mut last = end;
    while is_tail(row, last) {
        last += 1;
    }
    if let Some(tiles) = row.get_mut(first..last) {
        tiles.fill(Tile::BLANK);
    }
}

//! Changing columns of one row of the terminal with few bytes.
//!
//! Owns: the choice between moving over unchanged columns and writing them again, between blanks and erasing. Does not:
//! choose in which order rows are changed (see `order`).
//! Invariant: an alternative is only taken when it is not longer than the plain way.

use super::grid::{Symbol, Tile};
use super::motion::{At, csi, csi_len, move_len, move_to};
use super::order::Run;
use super::pen::Pen;

/// Up to this many unchanged columns are considered for being written again: the longest relative move has six bytes.
const REWRITE_AT_MOST: u16 = 6;

/// The bytes of a frame, and the state that the terminal is in after them.
#[derive(Debug)]
pub(super) struct Ink {
    pub(super) bytes: Vec<u8>,
    pub(super) at: At,
    /// `None` when it is not known.
    pub(super) pen: Option<Pen>,
    /// Width of the screen.
    pub(super) columns: u16,
}

/// A place to return to when an alternative turns out longer.
#[derive(Clone, Copy)]
struct Mark {
    length: usize,
    at: At,
    pen: Option<Pen>,
}

impl Ink {
    fn mark(&self) -> Mark {
        Mark { length: self.bytes.len(), at: self.at, pen: self.pen }
    }

    /// Takes back what was written since `mark`.
    fn rewind(&mut self, mark: Mark) -> (Vec<u8>, Mark) {
        let end = self.mark();
        let written = self.bytes.split_off(mark.length);
        (self.at, self.pen) = (mark.at, mark.pen);
        (written, end)
    }

    /// Writes the shortest of several ways to the same end, of equals the first.
    pub(super) fn shortest(&mut self, ways: &[&dyn Fn(&mut Self)]) {
        let mark = self.mark();
        let mut best: Option<(Vec<u8>, Mark)> = None;
        for way in ways {
            way(self);
            let attempt = self.rewind(mark);
            if best.as_ref().is_none_or(|(bytes, _)| attempt.0.len() < bytes.len()) {
                best = Some(attempt);
            }
        }
        if let Some((bytes, end)) = best {
            self.bytes.extend_from_slice(&bytes);
            (self.at, self.pen) = (end.at, end.pen);
        }
    }

    pub(super) fn move_to(&mut self, x: u16, y: u16) {
        move_to(&mut self.bytes, self.at, x, y);
        self.at = At::Cell(x, y);
    }

    pub(super) fn select(&mut self, pen: Pen) {
        pen.select(self.pen, &mut self.bytes);
        self.pen = Some(pen);
    }

    /// Selects the pen for column `x`. For a blank any pen will do that looks the same on it, best the one needed next.
    fn select_for(&mut self, row: &[Tile], x: u16) {
        let Some(tile) = row.get(usize::from(x)) else { return };
        if !tile.is_blank() {
            self.select(tile.pen);
        } else if self.pen.map(Pen::on_blank) != Some(tile.pen) {
            let next = row.get(usize::from(x)..).unwrap_or_default().iter().find(|tile| !tile.is_blank());
            self.select(next.map(|next| next.pen).filter(|pen| pen.on_blank() == tile.pen).unwrap_or(tile.pen));
        }
    }

    /// Writes the glyph at column `x`, where the cursor is, and returns the column behind it.
    fn glyph(&mut self, row: &[Tile], x: u16, y: u16) -> u16 {
        let Some(tile) = row.get(usize::from(x)) else { return x + 1 };
        self.select_for(row, x);
        match &tile.symbol {
            Symbol::Char(c) => self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Symbol::Cluster(text) => self.bytes.extend_from_slice(text.as_bytes()),
            // Writing begins at heads only; a lone tail would be a blank.
            Symbol::Tail => self.bytes.push(b' '),
        }
        let after = x + tile.width.max(1);
        self.at = if after >= self.columns { At::PastEnd(y) } else { At::Cell(after, y) };
        after
    }

    /// Brings cursor and pen to column `x`, over unchanged columns or by writing them again.
    fn reach(&mut self, row: &[Tile], x: u16, y: u16) {
        if self.at == At::Cell(x, y) {
            return;
        }
        let rewrite = |ink: &mut Self, from: u16| {
            ink.move_to(from, y);
            let mut column = from;
            while column < x {
                column = ink.glyph(row, column, y);
            }
            ink.select_for(row, x);
        };
        let direct = |ink: &mut Self| {
            ink.move_to(x, y);
            ink.select_for(row, x);
        };
        let from_cursor = match self.at {
            At::Cell(column, at_row) if at_row == y && column < x && x - column <= REWRITE_AT_MOST => Some(column),
            _ => None,
        };
        let from_margin = (x <= REWRITE_AT_MOST).then_some(0);
        let starts: Vec<u16> = [from_cursor, from_margin]
            .into_iter()
            .flatten()
            .filter(|start| row.get(usize::from(*start)).is_some_and(|tile| !tile.is_tail()))
            .collect();
        match starts.as_slice() {
            [] => direct(self),
            [one] => self.shortest(&[&direct, &|ink| rewrite(ink, *one)]),
            [one, other, ..] => {
                self.shortest(&[&direct, &|ink| rewrite(ink, *one), &|ink| rewrite(ink, *other)]);
            }
        }
    }

    /// Writes what `run` changes.
    pub(super) fn run(&mut self, wanted: &[Tile], run: &Run) {
        let mut rest = run.columns.as_slice();
        while let [x, ..] = *rest {
            self.reach(wanted, x, run.y);
            let after = self.erase(wanted, rest, run.y).unwrap_or_else(|| self.glyph(wanted, x, run.y));
            let done = rest.partition_point(|column| *column < after);
            rest = rest.get(done..).unwrap_or_default();
        }
    }

    /// Bytes that bring cursor and pen to the beginning of `run`, not counting what rewriting could save.
    pub(super) fn distance(&self, run: &Run) -> usize {
        let pen = match run.pen {
            Some(pen) => pen.select_len(self.pen),
            None if self.pen.is_some_and(Pen::erases) => 0,
            None => Pen::default().select_len(self.pen),
        };
        move_len(self.at, run.first(), run.y) + pen
    }

    /// Erases the blanks that begin at the first of `changes`, where the cursor is, if that is shorter than writing
    /// them. Returns the column behind the last changed one of them.
    fn erase(&mut self, wanted: &[Tile], changes: &[u16], y: u16) -> Option<u16> {
        let first = *changes.first()?;
        let blanks = wanted.get(usize::from(first)..)?.iter().take_while(|tile| tile.is_erased()).count();
        let end = first + u16::try_from(blanks).ok()?;
        let count = changes.partition_point(|x| *x < end);
        let (erased, after) = changes.split_at(count);
        let behind = erased.last()? + 1;
        let length = behind - first;
        let written: usize = erased
            .windows(2)
            .map(|pair| usize::from(pair[1] - pair[0]) - 1)
            .map(|gap| 1 + gap.min(csi_len(u16::try_from(gap).unwrap_or(u16::MAX))))
            .sum::<usize>()
            + 1;
        let to_end = (end == self.columns).then(|| b"\x1b[K".to_vec());
        // Erasing some columns leaves the cursor where it is; what comes behind has to be reached over them.
        let detour = if after.is_empty() { 0 } else { csi_len(length) };
        let (sequence, cost) = match to_end {
            Some(sequence) => (sequence, 3),
            None => (csi(length, b'X'), csi_len(length) + detour),
        };
        if cost >= written {
            return None;
        }
        if !self.pen.is_some_and(Pen::erases) {
            self.select(Pen::default());
        }
        self.bytes.extend_from_slice(&sequence);
        self.at = At::Cell(first, y);
        Some(behind)
    }
}

//! Letting the terminal move rows that are only to stand elsewhere, instead of writing them again.
//!
//! Owns: finding the rows and the distance that save most, and the sequences. Does not: decide whether it is worth it; the
//! caller encodes both ways and takes the shorter one.
//!
//! Only what every terminal knows since the VT102: a region from one row to another (DECSTBM), deleting and inserting
//! lines within it. A region is as wide as the screen: what stands beside the rows in question moves with them and is
//! written anew, which is why a queue beside a document is scrolled only when the document is another one, too.

use super::grid::{Grid, Tile};
use super::motion::{At, csi, write_number};
use super::pen::Pen;
use super::row::Ink;

/// Fewer rows that differ are written: looking for a distance would cost more than it could save.
const ROWS_AT_LEAST: usize = 4;
/// Columns that have to stand right after scrolling and did not before; the sequences alone take about 20 bytes.
const GAIN_AT_LEAST: i64 = 32;

/// Which way the content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Moving the content of the rows from `top` to before `bottom` by `by` rows; blanks come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scroll {
    top: u16,
    bottom: u16,
    by: u16,
    way: Way,
}

impl Scroll {
    /// The scroll after which most columns stand right, if one saves enough to be tried. `rows` are those that differ.
    pub(super) fn find(shown: &Grid, wanted: &Grid, rows: &[u16]) -> Option<Self> {
        let (&first, &last) = (rows.first()?, rows.last()?);
        if rows.len() < ROWS_AT_LEAST {
            return None;
        }
        let height = last - first + 1;
        let still: Vec<i64> = (first..=last).map(|y| right(shown.row(y), wanted.row(y))).collect();
        let blank: Vec<i64> = (first..=last).map(|y| blanks(wanted.row(y))).collect();
        let mut best: Option<(i64, Self)> = None;
        for way in [Way::Up, Way::Down] {
            for by in 1..height {
                let found = Self::best_region(shown, wanted, (first, height), (by, way), (&still, &blank));
                if let Some(found) = found.filter(|(gain, _)| best.is_none_or(|(most, _)| *gain > most)) {
                    best = Some(found);
                }
            }
        }
        best.filter(|(gain, _)| *gain >= GAIN_AT_LEAST).map(|(_, scroll)| scroll)
    }

    /// The rows for which moving by `by` gains most, with the gain in columns.
    fn best_region(
        shown: &Grid,
        wanted: &Grid,
        (first, height): (u16, u16),
        (by, way): (u16, Way),
        (still, blank): (&[i64], &[i64]),
    ) -> Option<(i64, Self)> {
        let at = |values: &[i64], row: u16| values.get(usize::from(row)).copied().unwrap_or(0);
        // What row `row` gets from `by` rows away, compared with what stands there now.
        let gain = |row: u16| {
            let from = match way {
                Way::Up => row + by,
                Way::Down => row - by,
            };
            right(shown.row(first + from), wanted.row(first + row)) - at(still, row)
        };
        // What is lost where blanks come in.
        let lost = |rows: std::ops::Range<u16>| rows.map(|row| at(still, row) - at(blank, row)).sum::<i64>();
        let receiving = match way {
            Way::Up => 0..height - by,
            Way::Down => by..height,
        };
        let mut best: Option<(i64, Self)> = None;
        let (mut sum, mut start) = (0_i64, receiving.start);
        for row in receiving {
            if sum <= 0 {
                (sum, start) = (0, row);
            }
            sum += gain(row);
            let (top, bottom, blanked) = match way {
                Way::Up => (start, row + 1 + by, row + 1..row + 1 + by),
                Way::Down => (start - by, row + 1, start - by..start),
            };
            let total = sum - lost(blanked);
            if best.is_none_or(|(most, _)| total > most) {
                best = Some((total, Self { top: first + top, bottom: first + bottom, by, way }));
            }
        }
        best
    }

    /// What the screen shows afterwards.
    pub(super) fn apply(self, shown: &Grid) -> Grid {
        let mut moved = shown.clone();
        for y in self.top..self.bottom {
            let from = match self.way {
                Way::Up => y.checked_add(self.by).filter(|from| *from < self.bottom),
                Way::Down => y.checked_sub(self.by).filter(|from| *from >= self.top),
            };
            match from {
                Some(from) => moved.row_mut(y).clone_from_slice(shown.row(from)),
                None => moved.row_mut(y).fill(Tile::BLANK),
            }
        }
        moved
    }

    /// Appends the sequences.
    pub(super) fn write(self, ink: &mut Ink) {
        // Blanks come in with the pen's background.
        if !ink.pen.is_some_and(Pen::erases) {
            ink.select(Pen::default());
        }
        ink.bytes.extend_from_slice(b"\x1b[");
        write_number(&mut ink.bytes, self.top + 1);
        ink.bytes.push(b';');
        write_number(&mut ink.bytes, self.bottom);
        ink.bytes.push(b'r');
        // Setting a region takes the cursor home; nothing is built on it.
        ink.at = At::Unknown;
        ink.move_to(0, self.top);
        let last = match self.way {
            Way::Up => b'M',
            Way::Down => b'L',
        };
        ink.bytes.extend_from_slice(&csi(self.by, last));
        ink.bytes.extend_from_slice(b"\x1b[r");
        ink.at = At::Unknown;
    }
}

/// Columns that stand right and would have to be written if they did not: blanks are cheap to erase.
fn right(shown: &[Tile], wanted: &[Tile]) -> i64 {
    let same = shown.iter().zip(wanted).filter(|(shown, wanted)| !wanted.is_erased() && shown == wanted).count();
    i64::try_from(same).unwrap_or(i64::MAX)
}

/// As [`right`] for a row that is all blank.
fn blanks(wanted: &[Tile]) -> i64 {
    // Nothing that counts stands right, and nothing has to be erased: as much as one short sequence is worth.
    i64::from(wanted.iter().all(Tile::is_erased)) * 4
}

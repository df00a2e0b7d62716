//! Letting the terminal move rows that are only to stand elsewhere, instead of writing them again.
//!
//! Owns: finding rows and distances that may save something, and the sequences. Does not: decide whether it is worth it; the
//! caller encodes all ways and takes the shortest one.
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
/// Bytes that have to be saved by an estimate: the sequences alone take about 20.
const GAIN_AT_LEAST: i64 = 32;
/// So many scrolls are encoded to find the shortest: estimates are not exact.
const TRIED: usize = 3;
/// Bytes of a move, by estimate; unchanged columns up to as many are written again.
const MOVE: usize = 5;

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
    /// The scrolls that seem to save most, [`TRIED`] at most; none where too little changes. `rows` are those that differ.
    pub(super) fn worth_trying(shown: &Grid, wanted: &Grid, rows: &[u16]) -> Vec<Self> {
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else { return Vec::new() };
        if rows.len() < ROWS_AT_LEAST {
            return Vec::new();
        }
        let height = last - first + 1;
        let still: Vec<i64> = (first..=last).map(|y| cost(shown.row(y), wanted.row(y))).collect();
        let blank_row = vec![Tile::BLANK; shown.row(first).len()];
        let blank: Vec<i64> = (first..=last).map(|y| cost(&blank_row, wanted.row(y))).collect();
        let distances = (1..height).flat_map(|by| [(by, Way::Up), (by, Way::Down)]);
        let regions = distances
            .filter_map(|distance| Self::best_region(shown, wanted, (first, height), distance, (&still, &blank)));
        let mut found: Vec<(i64, Self)> = regions.filter(|(gain, _)| *gain >= GAIN_AT_LEAST).collect();
        found.sort_by_key(|(gain, _)| std::cmp::Reverse(*gain));
        found.into_iter().take(TRIED).map(|(_, scroll)| scroll).collect()
    }

    /// The rows for which moving by `by` gains most, with the gain in bytes.
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
            at(still, row) - cost(shown.row(first + from), wanted.row(first + row))
        };
        // What is lost where blanks come in.
        let lost = |rows: std::ops::Range<u16>| rows.map(|row| at(blank, row) - at(still, row)).sum::<i64>();
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

/// About how many bytes it takes to turn one row into another: a byte for each column, a move for each stretch.
fn cost(shown: &[Tile], wanted: &[Tile]) -> i64 {
    let inked = wanted.iter().rposition(|tile| !tile.is_erased()).map_or(0, |last| last + 1);
    let (mut bytes, mut behind) = (0, None);
    for (x, _) in shown.iter().zip(wanted).enumerate().filter(|(_, (shown, wanted))| shown != wanted) {
        if x >= inked {
            // The rest is erased with one sequence.
            bytes += MOVE;
            break;
        }
        let gap = behind.map_or(MOVE, |behind| MOVE.min(x - behind));
        bytes += gap + 1;
        behind = Some(x + 1);
    }
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

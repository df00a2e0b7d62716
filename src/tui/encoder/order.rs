//! In which order what has changed on a screen is written.
//!
//! Owns: cutting changes into runs, and their order. Does not: write (see `row`).
//!
//! Row by row is not the shortest way: a column of which every row changes by one digit, in a colour of its own, costs two
//! moves and two changes of colour in each row, but three bytes a row when it is written from top to bottom. What has the
//! same beginning and pen in rows below each other is therefore written together, and then whatever is nearest. A frame
//! that is longer this way than row by row is written row by row. Nobody sees the order: a long frame is shown as a whole.

use super::grid::{Grid, Tile};
use super::pen::Pen;
use super::row::Ink;

/// The nearest of so many is looked for each time; a frame of more pieces is written row by row.
const PIECES_AT_MOST: usize = 256;

/// Changed columns of one row that are written in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The row.
    pub(super) y: u16,
    /// The columns, from left to right; never none.
    pub(super) columns: Vec<u16>,
    /// The pen of its first ink; `None` for blanks alone that erasing draws.
    pub(super) pen: Option<Pen>,
}

impl Run {
    /// The leftmost column.
    pub(super) fn first(&self) -> u16 {
        self.columns.first().copied().unwrap_or(0)
    }
}

/// Runs below each other that begin in the same column with the same pen, from top to bottom.
type Piece = Vec<Run>;

/// Writes everything in which `shown` and `wanted` differ in the rows `rows`.
pub(super) fn write(ink: &mut Ink, shown: &Grid, wanted: &Grid, rows: &[u16]) {
    let runs: Vec<Run> = rows.iter().flat_map(|y| runs(shown.row(*y), wanted.row(*y), *y)).collect();
    let by_rows = |ink: &mut Ink| runs.iter().for_each(|run| ink.run(wanted.row(run.y), run));
    let pieces = pieces(&runs);
    if pieces.len() > PIECES_AT_MOST || rows.len() < 2 {
        return by_rows(ink);
    }
    let nearest_first = |ink: &mut Ink| {
        let mut rest: Vec<&Piece> = pieces.iter().collect();
        while let Some(next) = nearest(ink, &rest) {
            rest.remove(next).iter().for_each(|run| ink.run(wanted.row(run.y), run));
        }
    };
    ink.shortest(&[&by_rows, &nearest_first]);
}

/// Position of the piece that takes the fewest bytes to get to; of equals the first.
fn nearest(ink: &Ink, pieces: &[&Piece]) -> Option<usize> {
    let distances = pieces.iter().enumerate().filter_map(|(at, piece)| Some((ink.distance(piece.first()?), at)));
    distances.min().map(|(_, at)| at)
}

/// Puts together what is written from top to bottom.
fn pieces(runs: &[Run]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    // Pieces whose last run stands in the row above, and those that the present row goes on with or begins.
    let (mut above, mut here, mut row) = (Vec::new(), Vec::new(), 0);
    for run in runs {
        if run.y != row {
            above = if run.y == row + 1 { std::mem::take(&mut here) } else { Vec::new() };
            here.clear();
            row = run.y;
        }
        let joins = |at: &usize| {
            let last = pieces.get(*at).and_then(|piece: &Piece| piece.last());
            last.is_some_and(|last| last.first() == run.first() && last.pen == run.pen)
        };
        let at = above.iter().copied().find(joins).unwrap_or(pieces.len());
        match pieces.get_mut(at) {
            Some(piece) => piece.push(run.clone()),
            None => pieces.push(vec![run.clone()]),
        }
        here.push(at);
    }
    pieces
}

/// What has changed in row `y`, cut where another pen begins behind unchanged columns or blanks.
fn runs(shown: &[Tile], wanted: &[Tile], y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut columns = 0_u16..;
    for ((changed, tile), x) in changed_columns(shown, wanted).into_iter().zip(wanted).zip(&mut columns) {
        if !changed {
            continue;
        }
        let pen = (!tile.is_erased()).then_some(tile.pen);
        if let Some(run) = runs.last_mut() {
            let last = run.columns.last().copied().unwrap_or(x);
            let apart = last + 1 < x || wanted.get(usize::from(last)).is_some_and(Tile::is_blank);
            let other = pen.is_some() && !tile.is_blank() && run.ink(wanted).is_some_and(|ink| Some(ink) != pen);
            if !(apart && other) {
                run.columns.push(x);
                run.pen = run.pen.or(pen);
                continue;
            }
        }
        runs.push(Run { y, columns: vec![x], pen });
    }
    runs
}

impl Run {
    /// The pen of its last ink.
    fn ink(&self, wanted: &[Tile]) -> Option<Pen> {
        let tiles = self.columns.iter().rev().filter_map(|x| wanted.get(usize::from(*x)));
        tiles.filter(|tile| !tile.is_blank()).map(|tile| tile.pen).next()
    }
}

/// Which columns have to be written: those that differ, and all columns of glyphs of which one does, because terminals
/// disagree about what remains of a glyph that is covered in part.
fn changed_columns(shown: &[Tile], wanted: &[Tile]) -> Vec<bool> {
    let mut changed: Vec<bool> = shown.iter().zip(wanted).map(|(shown, wanted)| shown != wanted).collect();
    let joined = |x: usize| [shown, wanted].iter().any(|row| row.get(x).is_some_and(Tile::is_tail));
    for x in 1..changed.len() {
        if joined(x) && changed[x - 1] {
            changed[x] = true;
        }
    }
    for x in (1..changed.len()).rev() {
        if joined(x) && changed[x] {
            changed[x - 1] = true;
        }
    }
    changed
}

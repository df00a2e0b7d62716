//! Bringing a frame to the screen in pieces, and what keys have changed before the rest.
//!
//! Owns: which part of what is wanted is drawn next. Invariants: a frame that was begun is finished before the next one
//! is, so that what stands on the screen in the end was there at one moment; what keys have changed is drawn in it, too.
//! Does not: decide when (see `tui::pace`).

use super::grid::{Grid, put};
use super::order;
use super::scroll::Scroll;
use super::{Encoder, Tile};

impl Encoder {
    /// From now on flushing draws nothing: [`Encoder::piece`] and [`Encoder::echo`] do.
    pub(in crate::tui) const fn hold(&mut self) {
        self.holding = true;
    }

    /// From now on flushing draws everything.
    pub(in crate::tui) const fn let_go(&mut self) {
        self.holding = false;
    }

    /// What comes from now on is a key's doing, until the next [`Encoder::echo`].
    pub(in crate::tui) fn begin_echo(&mut self) {
        if self.before.is_none() {
            self.before = Some(self.wanted.clone());
        }
    }

    /// Whether the screen shows what is wanted.
    pub(in crate::tui) fn is_complete(&self) -> bool {
        !self.stale && self.goal.is_none() && self.shown == self.wanted
    }

    /// Draws what has changed since [`Encoder::begin_echo`], and nothing else.
    pub(in crate::tui) fn echo(&mut self) {
        let Some(before) = self.before.take().filter(|_| !self.stale) else { return self.encode() };
        let mut target = self.shown.clone();
        let mut rows = Vec::new();
        for y in 0..self.size.height {
            let wanted = self.wanted.row(y);
            let Some((first, end)) = difference(before.row(y), wanted) else { continue };
            overlay(target.row_mut(y), wanted, first, end);
            if let Some(goal) = &mut self.goal {
                overlay(goal.row_mut(y), wanted, first, end);
            }
            if target.row(y) != self.shown.row(y) {
                rows.push(y);
            }
        }
        let mut ink = self.ink();
        self.write_rows(&mut ink, &target, &rows);
        self.shown = target;
        self.finish(ink);
    }

    /// Draws about `budget` bytes of the frame that was begun, or of what is wanted now; at least a row, and all of it when
    /// that is not more.
    pub(in crate::tui) fn piece(&mut self, budget: usize) {
        if self.stale {
            return self.encode();
        }
        self.before = None;
        let (goal, begins) = match self.goal.take() {
            Some(goal) => (goal, false),
            None => (self.wanted.clone(), true),
        };
        let mut rows = self.differing(&goal);
        let mut ink = self.ink();
        self.write_rows(&mut ink, &goal, &rows);
        if ink.bytes.len() <= budget {
            self.shown = goal;
            return self.finish(ink);
        }
        let whole = ink.bytes.len();
        ink = self.ink();
        let scroll = if begins { self.shortening_scroll(&goal, &rows, whole) } else { None };
        if let Some(scroll) = scroll {
            scroll.write(&mut ink);
            self.shown = scroll.apply(&self.shown);
            rows = self.differing(&goal);
        }
        for y in rows {
            let mark = ink.bytes.len();
            order::write(&mut ink, &self.shown, &goal, &[y]);
            self.shown.row_mut(y).clone_from_slice(goal.row(y));
            // The next row is about as long as this one.
            if ink.bytes.len() + (ink.bytes.len() - mark) > budget {
                break;
            }
        }
        if self.shown != goal {
            self.goal = Some(goal);
        }
        self.finish(ink);
    }

    /// The rows that do not show what `goal` has there.
    fn differing(&self, goal: &Grid) -> Vec<u16> {
        (0..self.size.height).filter(|y| self.shown.row(*y) != goal.row(*y)).collect()
    }

    /// The scroll with which everything takes `whole` bytes, if that takes one.
    fn shortening_scroll(&self, goal: &Grid, rows: &[u16], whole: usize) -> Option<Scroll> {
        let mut in_place = self.ink();
        order::write(&mut in_place, &self.shown, goal, rows);
        if in_place.bytes.len() <= whole {
            return None;
        }
        Scroll::worth_trying(&self.shown, goal, rows).into_iter().find(|scroll| {
            let moved = scroll.apply(&self.shown);
            let rest: Vec<u16> = (0..self.size.height).filter(|y| moved.row(*y) != goal.row(*y)).collect();
            let mut ink = self.ink();
            scroll.write(&mut ink);
            order::write(&mut ink, &moved, goal, &rest);
            ink.bytes.len() == whole
        })
    }
}

/// From which column to before which one two rows differ, whole glyphs of both.
fn difference(before: &[Tile], after: &[Tile]) -> Option<(usize, usize)> {
    let differ = |(before, after): (&Tile, &Tile)| before != after;
    let mut first = before.iter().zip(after).position(differ)?;
    let last = before.iter().zip(after).rposition(differ)?;
    let is_tail = |row: &[Tile], at: usize| row.get(at).is_some_and(Tile::is_tail);
    while is_tail(after, first) {
        first -= 1;
    }
    let mut end = last + 1;
    while is_tail(after, end) {
        end += 1;
    }
    Some((first, end))
}

/// Puts the columns from `first` to before `end` of `from` into `row`.
fn overlay(row: &mut [Tile], from: &[Tile], first: usize, end: usize) {
    let tiles = from.iter().enumerate().take(end).skip(first);
    for (x, tile) in tiles.filter(|(_, tile)| !tile.is_tail()) {
        if let Ok(x) = u16::try_from(x) {
            put(row, x, tile.clone());
        }
    }
}

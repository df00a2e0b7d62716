//! The search over everything, as it stands on the screen; shared by drawing and choosing.
//!
//! Owns: its state and how many hits fit. Does not: look for anything, or draw.

use ratatui::layout::Rect;

use crate::engine::search::{Coverage, Hit, Scope};
use crate::tui::layout;
use crate::tui::line_edit::LineEdit;

/// Hits that are asked for. Whoever does not find it among so many types another word.
pub const HITS: usize = 60;

/// Rows of one hit: what it is, and why it was found.
pub const HIT_ROWS: usize = 2;

/// Columns of the box at most.
const WIDTH: u16 = 104;

/// Rows of the box besides the hits: frame, words, blank, state, hints.
const OTHER_ROWS: u16 = 6;

/// Words looked for everywhere.
#[derive(Debug, Default)]
pub struct Search {
    /// The words.
    pub edit: LineEdit,
    /// Where to look.
    pub scope: Scope,
    /// What was found for the words of the last answer, best first.
    pub hits: Vec<Hit>,
    /// How much of what there is could be found.
    pub coverage: Coverage,
    /// Why nothing could be looked for.
    pub trouble: Option<String>,
    /// The chosen hit.
    pub at: usize,
    /// Number of the question that counts; answers to others are dropped.
    pub generation: u64,
    /// Whether the hits are those of the words.
    pub standing: Standing,
}

/// Whether the hits are those of the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    #[default]
    Answered,
    /// The answer is still to come.
    Asked,
    /// The same, and the person has already said that the best one is the one.
    AskedToGo,
}

/// The box of the search.
#[must_use]
pub fn area(size: (u16, u16)) -> Rect {
    layout::overlay(size.0, size.1, WIDTH, size.1)
}

/// Hits that fit in the box.
#[must_use]
pub fn visible_hits(size: (u16, u16)) -> usize {
    (usize::from(area(size).height.saturating_sub(OTHER_ROWS)) / HIT_ROWS).max(1)
}

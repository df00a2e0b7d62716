//! What a suggestion would change: the plan as it is against the plan as it would be.
//!
//! Owns: which lines there are and how each differs. Does not: draw or escape; whoever shows it does.
//!
//! Invariant: both sides are the run itself, before and after the very events that taking the suggestion leads to.

use serde::Serialize;

use super::{Draft, after};
use crate::domain::run::item::{Item, ItemState};
use crate::domain::run::{Run, RunState, deviation_words};

/// Lines around a change that stay and are shown with it.
const AROUND: usize = 1;

/// How a line differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It stays.
    Both,
    /// It is so now.
    Before,
    /// It would be so.
    After,
    /// Lines that stay are left out here.
    Gap,
}

impl Side {
    /// One character, as in the diff of a text.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Before => '-',
            Self::After => '+',
            Self::Gap => ':',
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// How it differs.
    pub side: Side,
    /// The item in a line; empty for a gap. Foreign text.
    pub text: String,
}

/// The lines in which the plan would change, each with one around it; empty when it cannot be done any more.
#[must_use]
pub fn of(run: &Run, draft: &Draft) -> Vec<DiffLine> {
    let Some(then) = after(run, draft) else { return Vec::new() };
    let (before, after) = (lines(run), lines(&then));
    near(&merged(&before, &after))
}

fn lines(run: &Run) -> Vec<String> {
    let mut lines: Vec<String> = run.plan.items.iter().map(|item| line(run, item)).collect();
    if run.state.is_over() {
        lines.push("the run is over".to_owned());
    }
    lines
}

fn line(run: &Run, item: &Item) -> String {
    let mut notes = Vec::new();
    match &item.state {
        ItemState::Pending => {}
        ItemState::Decided { branch, .. } => notes.push(deviation_words::label(run, item.id, branch)),
        state => notes.push(state.name().to_owned()),
    }
    if !item.state.is_closed() {
        let left = matches!(run.state, RunState::Ended { .. }).then_some("left undone");
        let way = match run.on_the_way(item) {
            Some(true) => None,
            Some(false) => Some("not on the way"),
            None => Some("depends on a question"),
        };
        notes.extend([left, way].into_iter().flatten().map(str::to_owned));
        notes.extend(item.assigned.as_ref().map(|to| format!("for {to}")));
        notes.extend(item.group.map(|group| format!("together with group {group}")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{} {}{notes}", item.id, item.title)
}

/// Both texts in one, by their longest common subsequence; what goes stands before what comes.
fn merged(before: &[String], after: &[String]) -> Vec<DiffLine> {
    let (rows, columns) = (before.len(), after.len());
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if before[row] == after[column] {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut lines) = (0, 0, Vec::new());
    let mut push = |side, text: &String| lines.push(DiffLine { side, text: text.clone() });
    while row < rows || column < columns {
        if row < rows && column < columns && before[row] == after[column] {
            push(Side::Both, &before[row]);
            (row, column) = (row + 1, column + 1);
        } else if row < rows && (column == columns || common[row + 1][column] >= common[row][column + 1]) {
            push(Side::Before, &before[row]);
            row += 1;
        } else {
            push(Side::After, &after[column]);
            column += 1;
        }
    }
    lines
}

/// The changed lines with those around them; what is left out between is one gap.
fn near(lines: &[DiffLine]) -> Vec<DiffLine> {
    let changed = |at: usize| lines.get(at).is_some_and(|line| line.side != Side::Both);
    let shown = |at: usize| (at.saturating_sub(AROUND)..=at + AROUND).any(changed);
    let mut kept: Vec<DiffLine> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if shown(at) {
            kept.push(line.clone());
        } else if kept.last().is_some_and(|last| last.side != Side::Gap) {
            kept.push(DiffLine { side: Side::Gap, text: String::new() });
        }
    }
    if kept.last().is_some_and(|last| last.side == Side::Gap) {
        kept.pop();
    }
    kept
}

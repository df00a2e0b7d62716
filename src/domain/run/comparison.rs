//! The SOP as written against the run as done, line by line.
//!
//! Owns: which lines there are, in which order, and how each differs. Does not: draw or escape; whoever shows it does.
//!
//! Invariants: every step of the document is there once, in the document's order, with what was done in its place; what a
//! person added stands behind what it was put behind. Lines come from the run alone: the document may have changed since.

use serde::Serialize;

use super::deviation::{Deviation, DeviationKind};
use super::item::{Added, Item, ItemId, ItemKind, ItemState};
use super::{Run, deviation_words, summary};

/// How a line differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Done as written.
    Same,
    /// Not done yet.
    Open,
    /// On a branch that was not taken.
    OffTheWay,
    /// Left out.
    Missing,
    /// Not in the document.
    Extra,
    /// Done otherwise.
    Other,
}

impl Mark {
    /// One character, as in the diff of a text.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Same => '=',
            Self::Open => '?',
            Self::OffTheWay => ' ',
            Self::Missing => '-',
            Self::Extra => '+',
            Self::Other => '~',
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The item; `None` for a command that was run beside the run.
    pub item: Option<ItemId>,
    /// How it differs.
    pub mark: Mark,
    /// As written; `None` for what the document does not have. Foreign text.
    pub written: Option<String>,
    /// As done; `None` when it was not. Foreign text.
    pub done: Option<String>,
    /// In what it differs, and what can be done about it. Foreign text.
    pub notes: Vec<Note>,
}

/// A deviation of a line, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What sort it is.
    pub kind: DeviationKind,
    /// What was done otherwise, as a clause.
    pub words: String,
    /// What a person can do about it, as a sentence.
    pub correction: String,
}

/// The lines of a run.
#[must_use]
pub fn of(run: &Run) -> Vec<Line> {
    let mut document: Vec<&Item> = run.plan.items.iter().filter(|item| item.added == Added::Document).collect();
    document.sort_by_key(|item| item.id);
    let mut lines: Vec<Line> = document.iter().map(|item| line(run, item)).collect();
    // Each stands behind what it follows in the run: that is there already, since plans are walked in order.
    let mut before = None;
    for item in &run.plan.items {
        if item.added != Added::Document {
            let at = lines.iter().position(|line| before.is_some() && line.item == before).map_or(0, |at| at + 1);
            lines.insert(at, line(run, item));
        }
        before = Some(item.id);
    }
    let beside = run.deviations.iter().filter(|deviation| deviation.item().is_none());
    lines.extend(beside.map(|deviation| {
        let done = match deviation {
            Deviation::Added { what, .. } => Some(what.clone()),
            _ => None,
        };
        Line { item: None, mark: Mark::Extra, written: None, done, notes: vec![note(run, deviation)] }
    }));
    lines
}

fn note(run: &Run, deviation: &Deviation) -> Note {
    Note { kind: deviation.kind(), words: deviation.words(run), correction: deviation.correction(run) }
}

fn line(run: &Run, item: &Item) -> Line {
    let deviations: Vec<&Deviation> =
        run.deviations.iter().filter(|deviation| deviation.item() == Some(item.id)).collect();
    let written = (item.added == Added::Document).then(|| written(item));
    Line {
        item: Some(item.id),
        mark: mark(run, item, &deviations),
        written,
        done: done(run, item, &deviations),
        notes: deviations.into_iter().map(|deviation| note(run, deviation)).collect(),
    }
}

fn written(item: &Item) -> String {
    match (&item.kind, &item.written) {
        (ItemKind::Query { promql }, _) => promql.clone(),
        (ItemKind::Poll { .. }, _) => item.title.clone(),
        (_, Some(script)) => script.clone(),
        (_, None) => item.title.clone(),
    }
}

fn mark(run: &Run, item: &Item, deviations: &[&Deviation]) -> Mark {
    match &item.state {
        _ if item.added != Added::Document => Mark::Extra,
        ItemState::Skipped { .. } => Mark::Missing,
        _ if run.on_the_way(item) == Some(false) => Mark::OffTheWay,
        state if !state.is_closed() && run.state.is_over() => Mark::Missing,
        state if !state.is_closed() => Mark::Open,
        _ if deviations.is_empty() => Mark::Same,
        _ => Mark::Other,
    }
}

fn done(run: &Run, item: &Item, deviations: &[&Deviation]) -> Option<String> {
    let edited = deviations.iter().rev().find_map(|deviation| match deviation {
        Deviation::Edited { ran, .. } if !ran.is_empty() => Some(ran.clone()),
        _ => None,
    });
    match &item.state {
        // Nothing is written that would say what it is.
        ItemState::Pending | ItemState::Current { .. } if item.added != Added::Document => {
            Some(format!("{} (not done yet)", written(item)))
        }
        ItemState::Pending | ItemState::Current { .. } => None,
        ItemState::Proposed { .. } | ItemState::Running { .. } | ItemState::Waiting { .. } => {
            Some(summary::words(item))
        }
        ItemState::Skipped { reason } => Some(format!("left out: {reason}")),
        ItemState::Decided { branch, basis } => {
            Some(format!("{}: {}", deviation_words::label(run, item.id, branch), basis.words()))
        }
        ItemState::Done { .. } | ItemState::Failed { .. } | ItemState::Unknown { .. } => {
            let what = edited.unwrap_or_else(|| written(item));
            let evidence = item.state.evidence();
            Some(evidence.map_or_else(|| format!("{what} (by hand)"), |found| format!("{what}: {}", found.words())))
        }
    }
}

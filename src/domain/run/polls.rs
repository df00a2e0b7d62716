//! Which steps of a document become polls of a run.
//!
//! Owns: finding what a sentence that waits or verifies is about: a query or a command below it, the query or the command
//! directly before it, or a log. Does not: read the sentence (see `poll`).
//!
//! Invariant: where it is not plain what is to be looked at, the step stays what it is without this: a wait or a check for a
//! person, and its commands are steps of their own.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::item::{Item, ItemId, ItemKind};
use super::plan::{ancestors, role, section, words};
use super::poll::{AT_MOST, PollOf, Sentence};
use super::quoted;
use crate::domain::procedure::{NodeKind, Procedure, SectionRole, Shell, StepMode};

/// What a step is polled by.
pub(super) enum Found {
    /// A poll in the place of the step.
    Now(ItemKind),
    /// The same; the query at this index is a part of it and no step of its own.
    WithQuery(ItemKind, usize),
    /// A poll behind the command at this index, which it looks at.
    BehindCommand(Sentence, usize),
}

/// Polls and their parts that stand at other places of the document.
#[derive(Default)]
pub(super) struct Polled {
    taken: HashSet<usize>,
    behind: HashMap<usize, (usize, Sentence)>,
}

impl Polled {
    pub(super) fn has_taken(&self, index: usize) -> bool {
        self.taken.contains(&index)
    }

    pub(super) fn take(&mut self, query: usize) {
        self.taken.insert(query);
    }

    pub(super) fn put_behind(&mut self, command: usize, step: usize, sentence: Sentence) {
        self.behind.insert(command, (step, sentence));
    }

    /// The poll of the command at `index`, which is the item `id`: the step's index, and the poll.
    pub(super) fn behind(&mut self, index: usize, id: ItemId) -> Option<(usize, ItemKind)> {
        let (step, sentence) = self.behind.remove(&index)?;
        let poll = sentence.poll(PollOf::Command { item: id }, AT_MOST);
        Some((step, ItemKind::Poll { poll }))
    }
}

/// How the step at `index` is polled; `None` when it is no poll. `before` are the items so far.
pub(super) fn of(procedure: &Procedure, source: &str, index: usize, before: &[Item]) -> Option<Found> {
    let node = procedure.nodes.get(index)?;
    let NodeKind::Step { mode, .. } = &node.kind else { return None };
    let written = source.get(node.span.start..node.span.end).unwrap_or_default();
    let text = quoted::as_written(&words(node), written);
    // A check is one look; a wait is many.
    let (sentence, at_most) = match mode {
        StepMode::Wait => (Sentence::of_wait(&text)?, AT_MOST),
        StepMode::Check if section(procedure, index).and_then(role) == Some(SectionRole::Verify) => {
            (Sentence::of_check(&text)?, Duration::ZERO)
        }
        StepMode::Check | StepMode::Do | StepMode::Escalate => return None,
    };
    let now = |sentence: Sentence, of| ItemKind::Poll { poll: sentence.poll(of, at_most) };
    match below(procedure, index).as_slice() {
        [] if sentence.is_lines() => Some(Found::Now(now(sentence, PollOf::Lines))),
        [] if *mode == StepMode::Wait => {
            of_last(procedure, index, &sentence, before).map(|of| Found::Now(now(sentence, of)))
        }
        [only] => match &procedure.nodes.get(*only)?.kind {
            NodeKind::Command { script, shell: Shell::Promql, .. } if sentence.is_number() => {
                Some(Found::WithQuery(now(sentence, PollOf::Query { promql: script.clone() }), *only))
            }
            NodeKind::Command { shell: Shell::Sh, .. } if *mode == StepMode::Wait => {
                Some(Found::BehindCommand(sentence, *only))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Commands, questions and steps below a step.
fn below(procedure: &Procedure, index: usize) -> Vec<usize> {
    let inside = |at: &usize| ancestors(procedure, *at).any(|above| above == index);
    let matters = |at: &usize| {
        let kind = procedure.nodes.get(*at).map(|node| &node.kind);
        matches!(kind, Some(NodeKind::Command { .. } | NodeKind::Decision { .. } | NodeKind::Step { .. }))
    };
    (index + 1..procedure.nodes.len()).take_while(inside).filter(matters).collect()
}

/// What the last item looked at, when it stands directly before the step, in the same section and outside of any branch.
fn of_last(procedure: &Procedure, index: usize, sentence: &Sentence, before: &[Item]) -> Option<PollOf> {
    let last = before.last()?;
    let same = section(procedure, index).map(|node| &node.id) == last.section.as_ref();
    let branched = |at: usize| matches!(procedure.nodes.get(at).map(|node| &node.kind), Some(NodeKind::Branch { .. }));
    if !same || !last.within.is_empty() || last.group.is_some() || ancestors(procedure, index).any(branched) {
        return None;
    }
    match &last.kind {
        ItemKind::Query { promql } if sentence.is_number() => Some(PollOf::Query { promql: promql.clone() }),
        ItemKind::Command => Some(PollOf::Command { item: last.id }),
        ItemKind::Query { .. }
        | ItemKind::Manual
        | ItemKind::Wait { .. }
        | ItemKind::Poll { .. }
        | ItemKind::Decision { .. } => None,
    }
}

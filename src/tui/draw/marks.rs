//! What came of a command in this incident: a sign for the line that it stands on, the same in the SOP and in the chat.

use std::collections::HashMap;

use ratatui::style::Style;

use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::id::{NodeId, SopId};
use crate::domain::run::Run;
use crate::domain::run::item::{Item, ItemState};
use crate::tui::look::Look;
use crate::tui::sop_lines;
use crate::tui::steer;
use crate::tui::ui::Model;

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Pending,
    Running,
    Done,
    Failed,
    Unknown,
    Skipped,
}

/// What came of a command, in a sign and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Came {
    mark: Mark,
    /// `exit 1`, `to approve`.
    pub(super) words: String,
}

impl Came {
    pub(super) fn glyph<'a>(&self, look: &'a Look) -> &'a str {
        match self.mark {
            Mark::Pending => look.glyphs.waiting,
            Mark::Running => look.glyphs.running,
            Mark::Done => look.glyphs.done,
            Mark::Failed => look.glyphs.failed,
            Mark::Unknown => "?",
            Mark::Skipped => look.glyphs.separator,
        }
    }

    pub(super) const fn style(&self, look: &Look) -> Style {
        match self.mark {
            Mark::Pending | Mark::Running => look.styles.attention,
            Mark::Done => look.styles.good,
            Mark::Failed | Mark::Unknown => look.styles.bad,
            Mark::Skipped => look.styles.muted,
        }
    }
}

/// What came of each command of a document, or of an answer. The newest attempt counts; a waiting proposal is newer than any.
pub(super) fn marks<'a>(model: &'a Model, sop: &SopId) -> HashMap<&'a NodeId, Came> {
    let mut marks = HashMap::new();
    let Some(detail) = model.facts.detail() else { return marks };
    if let Some(run) = steer::run(model).filter(|run| run.plan.sop == *sop) {
        of_run(model, run, &mut marks);
    }
    for attempt in detail.record.attempts.iter().rev().filter(|attempt| attempt.step.sop == *sop) {
        marks.insert(&attempt.step.node, came(attempt));
    }
    for step in detail.record.proposals.iter().map(|proposal| &proposal.spec.step).filter(|step| step.sop == *sop) {
        marks.insert(&step.node, Came { mark: Mark::Pending, words: "to approve".to_owned() });
    }
    marks
}

/// What came of the steps of a run that are no commands, and of commands without an attempt. A question that stands in the
/// words of its step has no line, so that the step has its mark; the branch that was taken has one, too.
fn of_run<'a>(model: &'a Model, run: &'a Run, marks: &mut HashMap<&'a NodeId, Came>) {
    for item in &run.plan.items {
        let (Some(node), Some(came)) = (&item.node, of_item(item)) else { continue };
        marks.insert(node, came.clone());
        if let ItemState::Decided { branch, .. } = &item.state {
            marks.insert(branch, Came { mark: Mark::Done, words: "taken".to_owned() });
        }
        let procedure = model.facts.sop.as_ref().map(|document| &document.procedure);
        let parent = procedure.and_then(|procedure| {
            let at = procedure.index_of(node).filter(|at| sop_lines::repeats_parent(procedure, *at))?;
            procedure.nodes.get(procedure.nodes[at].parent?)
        });
        if let Some(parent) = parent {
            marks.insert(&parent.id, came);
        }
    }
}

fn of_item(item: &Item) -> Option<Came> {
    let mark = match &item.state {
        ItemState::Pending => return None,
        ItemState::Current { .. } | ItemState::Proposed { .. } => Mark::Pending,
        ItemState::Running { .. } | ItemState::Waiting { .. } => Mark::Running,
        ItemState::Done { .. } | ItemState::Decided { .. } => Mark::Done,
        ItemState::Failed { .. } => Mark::Failed,
        ItemState::Unknown { .. } => Mark::Unknown,
        ItemState::Skipped { .. } => Mark::Skipped,
    };
    Some(Came { mark, words: item.state.name().to_owned() })
}

fn came(attempt: &Attempt) -> Came {
    match &attempt.state {
        AttemptState::IntentStored => Came { mark: Mark::Running, words: "starting".to_owned() },
        AttemptState::Running { .. } => Came { mark: Mark::Running, words: "running".to_owned() },
        AttemptState::Ended { outcome, .. } => {
            let mark = match outcome {
                Outcome::Unknown { .. } => Mark::Unknown,
                outcome if outcome.succeeded() => Mark::Done,
                _ => Mark::Failed,
            };
            Came { mark, words: outcome.label() }
        }
    }
}

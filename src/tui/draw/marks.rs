//! What came of a command in this incident: a sign for the line that it stands on, the same in the SOP and in the chat.

use std::collections::HashMap;

use ratatui::style::Style;

use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::id::{NodeId, SopId};
use crate::tui::look::Look;
use crate::tui::ui::Model;

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Pending,
    Running,
    Done,
    Failed,
    Unknown,
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
        }
    }

    pub(super) const fn style(&self, look: &Look) -> Style {
        match self.mark {
            Mark::Pending | Mark::Running => look.styles.attention,
            Mark::Done => look.styles.good,
            Mark::Failed | Mark::Unknown => look.styles.bad,
        }
    }
}

/// What came of each command of a document, or of an answer. The newest attempt counts; a waiting proposal is newer than any.
pub(super) fn marks<'a>(model: &'a Model, sop: &SopId) -> HashMap<&'a NodeId, Came> {
    let mut marks = HashMap::new();
    let Some(detail) = model.facts.detail() else { return marks };
    for attempt in detail.record.attempts.iter().rev().filter(|attempt| attempt.step.sop == *sop) {
        marks.insert(&attempt.step.node, came(attempt));
    }
    for step in detail.record.proposals.iter().map(|proposal| &proposal.spec.step).filter(|step| step.sop == *sop) {
        marks.insert(&step.node, Came { mark: Mark::Pending, words: "to approve".to_owned() });
    }
    marks
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

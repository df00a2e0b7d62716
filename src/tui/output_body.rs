//! The body of the output pane: why nobody knows how an attempt ended, what to look at first, and below it its output or why
//! there is none.
//!
//! Owns: which rows are whose, and the words for output that is not there; shared by drawing, scrolling and the plain view.
//! Does not: break output into rows (see `output_lines`), or draw.

use ratatui::layout::Rect;

use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::text::{Repertoire, visible_in};
use crate::engine::backend::Output;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};

/// Why there is no output to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It has not been loaded.
    BeingRead,
    /// The attempt goes on and has written nothing.
    NotYet,
    /// The attempt ended without any.
    Never,
}

impl Absent {
    /// A few words for screens.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::BeingRead => "the output is being read",
            Self::NotYet => "no output yet",
            Self::Never => "no output",
        }
    }
}

/// The output of the attempt on the screen, or why there is nothing to be seen of it.
///
/// # Errors
/// When it is not loaded, or empty.
pub fn of<'m>(model: &'m Model, attempt: &Attempt) -> Result<&'m Output, Absent> {
    let loaded = model.facts.snapshot.output.as_ref().filter(|output| output.attempt == attempt.id);
    match (loaded, &attempt.state) {
        (None, _) => Err(Absent::BeingRead),
        (Some(output), _) if !output.bytes.is_empty() => Ok(output),
        (Some(_), AttemptState::Ended { .. }) => Err(Absent::Never),
        (Some(_), AttemptState::IntentStored | AttemptState::Running { .. }) => Err(Absent::NotYet),
    }
}

/// Why an attempt was not started, or why nobody knows how it ended. Foreign text.
#[must_use]
pub const fn reason(attempt: &Attempt) -> Option<&str> {
    match &attempt.state {
        AttemptState::Ended { outcome: Outcome::Unknown { reason } | Outcome::NotStarted { reason }, .. } => {
            Some(reason.as_str())
        }
        AttemptState::IntentStored | AttemptState::Running { .. } | AttemptState::Ended { .. } => None,
    }
}

/// What is to be looked at before the step of an attempt is proposed again, and with which keys. Foreign text.
#[must_use]
pub fn effect_first(model: &Model, attempt: &Attempt) -> Option<String> {
    let doubt = model.facts.detail()?.doubt_of(attempt.id)?;
    let key = |intent| model.ui.keymap.key_for(Context::Output, intent).unwrap_or_default();
    let keys = match (&doubt.settled, doubt.verifications.is_empty()) {
        (Some(_), _) => String::new(),
        (None, true) => format!(" {} notes what you saw.", key(Intent::EffectChecked)),
        (None, false) => {
            format!(" {} proposes that; {} notes what you saw.", key(Intent::CheckEffect), key(Intent::EffectChecked))
        }
    };
    Some(format!("{}{keys}", doubt.words()))
}

/// Cuts the body of the pane into the rows of the reason, in at most half of it, and the rest for the output.
#[must_use]
pub fn split(body: Rect, model: &Model, attempt: &Attempt, repertoire: Repertoire) -> (Vec<String>, Rect) {
    let Some(reason) = reason(attempt) else { return (Vec::new(), body) };
    let most = usize::from(body.height / 2).max(1);
    // What to do first stands first: it must not be what falls off a small pane.
    let first = effect_first(model, attempt);
    let block = |text: &str| wrap(&visible_in(text, repertoire), usize::from(body.width).max(8), Break::AtSpaces);
    let mut rows: Vec<String> = first.iter().map(String::as_str).chain([reason]).flat_map(block).collect();
    let whole = rows.len() <= most;
    rows.truncate(most);
    if let Some(last) = rows.last_mut().filter(|_| !whole) {
        last.push_str(repertoire.cut_mark());
    }
    let taken = u16::try_from(rows.len()).unwrap_or(u16::MAX).min(body.height);
    (rows, Rect { y: body.y + taken, height: body.height - taken, ..body })
}

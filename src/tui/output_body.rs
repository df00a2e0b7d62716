//! The body of the output pane: why nobody knows how an attempt ended, and below it its output or why there is none.
//!
//! Owns: which rows are whose, and the words for output that is not there; shared by drawing, scrolling and the plain view.
//! Does not: break output into rows (see `output_lines`), or draw.

use ratatui::layout::Rect;

use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::text::{Repertoire, visible_in};
use crate::engine::backend::Output;
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

/// Cuts the body of the pane into the rows of the reason, in at most half of it, and the rest for the output.
#[must_use]
pub fn split(body: Rect, attempt: &Attempt, repertoire: Repertoire) -> (Vec<String>, Rect) {
    let Some(reason) = reason(attempt) else { return (Vec::new(), body) };
    let most = usize::from(body.height / 2).max(1);
    let mut rows = wrap(&visible_in(reason, repertoire), usize::from(body.width).max(8), Break::AtSpaces);
    let whole = rows.len() <= most;
    rows.truncate(most);
    if let Some(last) = rows.last_mut().filter(|_| !whole) {
        last.push_str(repertoire.cut_mark());
    }
    let taken = u16::try_from(rows.len()).unwrap_or(u16::MAX).min(body.height);
    (rows, Rect { y: body.y + taken, height: body.height - taken, ..body })
}

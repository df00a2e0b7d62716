//! The guided tour: six hints in one row below everything else, each of which goes on when the person has done what it says.
//!
//! Owns: the hints, their order and when each is done. Does not: press keys, open anything or draw (see `draw::tour`).
//!
//! Invariants: the tour only goes forward, and past everything that the person has done already; it shows keys as the
//! person's own keymap has them; a console without a tour is the same to the last cell.

use crate::domain::incident::IncidentState;
use crate::tui::intent::Intent;
use crate::tui::keymap::{Context, Keymap};
use crate::tui::layout::{Pane, SMALLEST};
use crate::tui::review::Review;
use crate::tui::ui::{Model, Overlay, Page};
use crate::tui::update;

/// Whether a console begins with the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guidance {
    /// It does.
    Tour,
    /// It does not.
    None,
}

/// The tour while it is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tour {
    hint: Hint,
}

/// One hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    See,
    Sop,
    Propose,
    Approve,
    Clear,
    Ask,
}

/// A piece of a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Words(&'static str),
    /// A key.
    Key(String),
}

/// What is said when the tour has been gone to its end.
pub const FAREWELL: &str = "That was the tour. The other incidents go the same way.";

impl Hint {
    const ALL: [Self; 6] = [Self::See, Self::Sop, Self::Propose, Self::Approve, Self::Clear, Self::Ask];

    /// Its position, from 1.
    fn number(self) -> usize {
        Self::ALL.iter().position(|hint| *hint == self).map_or(1, |at| at + 1)
    }

    /// Whether what the hint says has just been done.
    fn is_done(self, model: &Model) -> bool {
        let ui = &model.ui;
        match self {
            Self::See => matches!(ui.overlay, Some(Overlay::Page { page: Page::Incident, .. })),
            Self::Sop => ui.focus == Pane::Sop && model.facts.sop.is_some(),
            Self::Propose => !model.facts.snapshot.tray.is_empty(),
            Self::Approve => model.shown_attempt().is_some(),
            Self::Clear => model.facts.snapshot.queue.rows.iter().any(|row| row.state == IncidentState::Resolved),
            Self::Ask => {
                let phase = ui.chat.turn.as_ref().map(|turn| &turn.phase);
                phase.is_some_and(|phase| phase.is_asked() && !phase.is_busy())
            }
        }
    }
}

impl Hint {
    /// What it says while nothing lies above the panes.
    fn parts(self, model: &Model) -> &'static [Part] {
        match self {
            Self::See if model.facts.detail().is_none() => &[Part::Words("An alert comes within seconds.")],
            Self::See => &[
                Part::Words("An incident. "),
                Part::Key(Intent::Details),
                Part::Words(" shows all that is known of it."),
            ],
            Self::Sop => &[Part::Key(Intent::FocusSop), Part::Words(" goes to its SOP: what to do about this alert.")],
            Self::Propose if model.ui.focus != Pane::Sop => {
                &[Part::Key(Intent::FocusSop), Part::Words(" goes back to the SOP.")]
            }
            Self::Propose => &[
                Part::Key(Intent::NextStep),
                Part::Words(" next step, "),
                Part::Key(Intent::Run),
                Part::Words(" proposes its command. Nothing runs."),
            ],
            Self::Approve => &[Part::Key(Intent::Approvals), Part::Words(" reviews word by word what would run.")],
            Self::Clear if model.ui.focus != Pane::Sop => {
                &[Part::Key(Intent::FocusSop), Part::Words(" goes to the SOP: its mitigation clears the alert.")]
            }
            Self::Clear => &[
                Part::Words("Output is below. "),
                Part::Key(Intent::NextStep),
                Part::Words(" to Mitigation, "),
                Part::Key(Intent::Run),
                Part::Words(", "),
                Part::Key(Intent::Approvals),
                Part::Words(": it clears."),
            ],
            Self::Ask if model.ui.chat.turn.as_ref().is_some_and(|turn| turn.phase.is_busy()) => {
                &[Part::Words("The answer is on its way.")]
            }
            Self::Ask if model.ui.focus == Pane::Chat => {
                &[Part::Key(Intent::Type), Part::Words(" types a question. An answer runs nothing.")]
            }
            Self::Ask => &[Part::Key(Intent::FocusChat), Part::Words(" goes to the chat: ask about an incident.")],
        }
    }
}

impl Tour {
    /// A tour that begins.
    #[must_use]
    pub const fn new() -> Self {
        Self { hint: Hint::See }
    }

    /// The tour after what `model` shows; `None` when it has been gone to its end.
    #[must_use]
    pub fn after(self, model: &Model) -> Option<Self> {
        // Questions can be asked at any time, so that one says nothing about the hints before.
        let done = Hint::ALL.into_iter().rev().find(|hint| *hint != Hint::Ask && hint.is_done(model));
        let next = done.and_then(|done| Hint::ALL.get(done.number()).copied());
        let hint = next.map_or(self.hint, |next| next.max(self.hint));
        (hint != Hint::Ask || !hint.is_done(model)).then_some(Self { hint })
    }

    /// How far it has come: the number of the hint and of all hints.
    #[must_use]
    pub fn progress(self) -> (usize, usize) {
        (self.hint.number(), Hint::ALL.len())
    }

    /// What is said now. Fits 80 columns with what stands around it.
    #[must_use]
    pub fn pieces(self, model: &Model) -> Vec<Piece> {
        let (context, parts) = match &model.ui.overlay {
            Some(overlay) => above(overlay),
            // Every other key is a letter of the question.
            None if update::context(model) == Context::Ask => (Context::Ask, TYPE_A_QUESTION),
            None if self.hint == Hint::Ask => (Context::Chat, self.hint.parts(model)),
            None => (Context::Sop, self.hint.parts(model)),
        };
        says(&model.ui.keymap, context, parts)
    }
}

impl Default for Tour {
    fn default() -> Self {
        Self::new()
    }
}

const TYPE_A_QUESTION: &[Part] = &[
    Part::Words("Type a question, "),
    Part::Key(Intent::Send),
    Part::Words(" sends it, "),
    Part::Key(Intent::Back),
    Part::Words(" leaves."),
];

/// What is said while `overlay` lies above the panes, and where its keys have their meaning.
fn above(overlay: &Overlay) -> (Context, &'static [Part]) {
    match overlay {
        Overlay::Review(review) => (Context::Review, still_needed(review)),
        Overlay::Edit(_) => (
            Context::Edit,
            &[
                Part::Key(Intent::Open),
                Part::Words(" proposes it in the place of the first, "),
                Part::Key(Intent::Back),
                Part::Words(" leaves."),
            ],
        ),
        Overlay::Prompt(_) | Overlay::Question(_) => (
            Context::Prompt,
            &[
                Part::Words("Type the value, "),
                Part::Key(Intent::Open),
                Part::Words(" accepts it, "),
                Part::Key(Intent::Back),
                Part::Words(" leaves."),
            ],
        ),
        Overlay::Preview(_) => (
            Context::Preview,
            &[
                Part::Words("All that would leave this host. "),
                Part::Key(Intent::Send),
                Part::Words(" sends it, "),
                Part::Key(Intent::Back),
                Part::Words(" does not."),
            ],
        ),
        Overlay::Search(_) => (Context::Search, &[Part::Key(Intent::Back), Part::Words(" closes this.")]),
        Overlay::Palette(_) => (Context::Palette, &[Part::Key(Intent::Back), Part::Words(" closes this.")]),
        Overlay::Workbench(_) => (Context::Workbench, &[Part::Key(Intent::Back), Part::Words(" closes this.")]),
        Overlay::Page { .. }
        | Overlay::Plain(_)
        | Overlay::Picker(_)
        | Overlay::Scopes(_)
        | Overlay::Steer(_)
        | Overlay::Suggestions(_) => (Context::Help, &[Part::Key(Intent::Back), Part::Words(" closes this.")]),
    }
}

/// What the review still needs.
fn still_needed(review: &Review) -> &'static [Part] {
    if !review.seen.iter().all(|seen| *seen) {
        &[Part::Words("Read it to its end: "), Part::Key(Intent::PageDown), Part::Words(".")]
    } else if review.typed.as_ref().is_some_and(|typed| typed.text().is_empty()) {
        &[Part::Words("It may change things: type the target's name.")]
    } else {
        &[Part::Words("Wait a breath, then "), Part::Key(Intent::Approve), Part::Words(" approves.")]
    }
}

/// A piece of a hint before its keys are known.
#[derive(Clone, Copy)]
enum Part {
    Words(&'static str),
    Key(Intent),
}

fn says(keymap: &Keymap, context: Context, parts: &[Part]) -> Vec<Piece> {
    let piece = |part: &Part| match *part {
        Part::Words(words) => Piece::Words(words),
        // What the person has taken every key from is still named.
        Part::Key(intent) => {
            Piece::Key(keymap.key_for(context, intent).unwrap_or_else(|| format!("({})", intent.name())))
        }
    };
    parts.iter().map(piece).collect()
}

/// Rows that the tour takes from a terminal with so many.
#[must_use]
pub const fn rows_of(tour: Option<&Tour>, rows: u16) -> u16 {
    if tour.is_some() && rows > SMALLEST.1 { 1 } else { 0 }
}

//! The command of a proposal while a person edits it, before anybody approves it.
//!
//! Owns: the text, and how far its proposal is. Does not: approve, or keep what was typed when the console ends.
//!
//! Invariant: what comes of it is another proposal, whose review opens unread.

use crate::domain::action::proposal::Proposal;
use crate::domain::id::ProposalId;
use crate::tui::chat::draft::Draft;

/// A command that is being edited.
#[derive(Debug)]
pub struct Editing {
    /// The proposal that it takes the place of.
    pub proposal: ProposalId,
    /// The command as it was. Foreign text.
    pub before: String,
    /// The command as it is typed.
    pub draft: Draft,
    /// How far it is.
    pub phase: Phase,
}

/// How far an edited command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is being typed.
    Typing,
    /// It was accepted; the answer is on its way.
    Sent,
    /// It is this proposal, whose review opens as soon as it has been loaded.
    Made(ProposalId),
}

impl Editing {
    /// The command of `proposal`, to be typed into; `None` when it holds characters that nobody can type, which must not get
    /// lost unseen.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Option<Self> {
        let before = proposal.spec.command_line();
        let mut draft = Draft::default();
        draft.set(&before);
        (draft.text() == before).then_some(Self { proposal: proposal.id, before, draft, phase: Phase::Typing })
    }
}

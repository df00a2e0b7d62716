//! Looking up what a proposal would touch: from its review to that of the look-up, and back.
//!
//! Invariants: the look-up is a proposal with a review of its own, which only the person approves; the review that it was asked
//! from comes back unread.

use super::{overlay, toast, want_load};
use crate::domain::id::ProposalId;
use crate::engine::backend::{BackendError, Command, Done};
use crate::tui::msg::{Asked, Effect};
use crate::tui::ui::{Model, Overlay, ToastLevel};

/// Asks for the look-up of what `of` would touch.
pub(super) fn ask(model: &mut Model, of: ProposalId, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send { asked: Asked::LookUp(of), command: Command::LookUp { proposal: of } });
    toast(model, ToastLevel::Done, "Asking for the look-up; it has a review of its own.".to_owned(), effects);
}

/// The look-up is proposed, or cannot be.
pub(super) fn answered(
    model: &mut Model,
    of: ProposalId,
    result: Result<Done, BackendError>,
    effects: &mut Vec<Effect>,
) {
    match result {
        Ok(Done::Proposed(look_up)) => {
            if shows(model, of) {
                model.ui.looking = Some((of, look_up.id));
            }
            let text = format!("Proposal {} looks up what proposal {of} would touch.", look_up.id);
            toast(model, ToastLevel::Done, text, effects);
        }
        Ok(_) => {}
        Err(error) => toast(model, ToastLevel::Refused, error.to_string(), effects),
    }
    want_load(model, effects);
}

/// Whether the review of `id` is what the person looks at, and they have not said yes to it.
fn shows(model: &Model, id: ProposalId) -> bool {
    matches!(&model.ui.overlay, Some(Overlay::Review(review)) if review.proposal == id && !review.sent)
}

/// After a load: opens the review of the look-up over that of the proposal.
pub(super) fn refresh(model: &mut Model) {
    let Some((of, id)) = model.ui.looking else { return };
    if model.facts.pending(id).is_none() {
        return;
    }
    model.ui.looking = None;
    if shows(model, of) {
        overlay::open_review_of(model, id);
        if let Some(Overlay::Review(review)) = &mut model.ui.overlay {
            review.back = Some(of);
        }
    }
}

//! Editing the command of a proposal: from its review, and back to a review.
//!
//! Invariants: nothing here approves; accepting only asks for another proposal, and the review of that opens unread. Leaving
//! opens the review that it was opened from, unread.

use crossterm::event::KeyEvent;

use super::{overlay, toast, want_load};
use crate::domain::action::edit;
use crate::domain::id::ProposalId;
use crate::engine::backend::{BackendError, Command, Done};
use crate::tui::chat::draft::TooLong;
use crate::tui::editing::{Editing, Phase};
use crate::tui::intent::Intent;
use crate::tui::msg::{Asked, Effect};
use crate::tui::ui::{Model, Overlay, ToastLevel};

/// Opens the command of a proposal that waits.
pub(super) fn open(model: &mut Model, id: ProposalId, effects: &mut Vec<Effect>) {
    let Some(proposal) = model.facts.pending(id) else { return };
    let opened = match edit::decide_edit(proposal) {
        Err(refusal) => Err(refusal.to_string()),
        Ok(()) => Editing::of(proposal).ok_or_else(|| UNTYPABLE.to_owned()),
    };
    match opened {
        Ok(editing) => model.ui.overlay = Some(Overlay::Edit(Box::new(editing))),
        Err(why) => toast(model, ToastLevel::Refused, why, effects),
    }
}

const UNTYPABLE: &str =
    "The command holds characters that cannot be typed here, and none may get lost. Edit the SOP, or reject it.";
const TOO_LONG: &str = "The command would be too long; nothing was put in.";

/// A key while a command is edited.
pub(super) fn key(model: &mut Model, key: &KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let Some(Overlay::Edit(editing)) = &mut model.ui.overlay else { return };
    let typing = editing.phase == Phase::Typing;
    let done = match intent {
        Some(Intent::Back) => return leave(model),
        Some(Intent::Open) if typing => return accept(model, effects),
        Some(Intent::Newline) if typing => editing.draft.newline(),
        _ if typing => editing.draft.key(key).map(|_| ()),
        _ => Ok(()),
    };
    if let Err(TooLong) = done {
        toast(model, ToastLevel::Refused, TOO_LONG.to_owned(), effects);
    }
}

/// A paste while a command is edited: it is text, line breaks too.
pub(super) fn pasted(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let Some(Overlay::Edit(editing)) = &mut model.ui.overlay else { return };
    if editing.phase == Phase::Typing && editing.draft.paste(text).is_err() {
        toast(model, ToastLevel::Refused, TOO_LONG.to_owned(), effects);
    }
}

fn leave(model: &mut Model) {
    let Some(Overlay::Edit(editing)) = model.ui.overlay.take() else { return };
    let of = match editing.phase {
        Phase::Typing | Phase::Sent => editing.proposal,
        Phase::Made(id) => id,
    };
    overlay::open_review_of(model, of);
}

fn accept(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Edit(editing)) = &mut model.ui.overlay else { return };
    editing.phase = Phase::Sent;
    let command = Command::Edit { proposal: editing.proposal, script: editing.draft.text() };
    effects.push(Effect::Send { asked: Asked::Edit(editing.proposal), command });
}

/// What came of an accepted command: its review opens with the next load, or it can be typed on.
pub(super) fn answered(
    model: &mut Model,
    from: ProposalId,
    result: Result<Done, BackendError>,
    effects: &mut Vec<Effect>,
) {
    let open = match &mut model.ui.overlay {
        Some(Overlay::Edit(editing)) if editing.proposal == from => Some(editing),
        _ => None,
    };
    let (level, text) = match result {
        Ok(Done::Proposed(made)) => {
            if let Some(editing) = open {
                editing.phase = Phase::Made(made.id);
            }
            let text = format!("Proposal {} took the place of {from}. Nothing is approved; read it anew.", made.id);
            (ToastLevel::Done, text)
        }
        Ok(_) => return,
        Err(error) => {
            if let Some(editing) = open {
                editing.phase = Phase::Typing;
            }
            (ToastLevel::Refused, said(error))
        }
    };
    toast(model, level, text, effects);
    want_load(model, effects);
}

fn said(error: BackendError) -> String {
    match error {
        BackendError::NeedsValues(needed) => {
            let names: Vec<&str> = needed.iter().map(|value| value.surface.as_str()).collect();
            format!("Not edited: type values in the place of {}.", names.join(", "))
        }
        other => other.to_string(),
    }
}

/// After a load: opens the review of what was made, and closes the text when what it was made of waits no more.
pub(super) fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Edit(editing)) = &model.ui.overlay else { return };
    let (from, phase) = (editing.proposal, editing.phase);
    match phase {
        Phase::Made(id) if model.facts.pending(id).is_some() => overlay::open_review_of(model, id),
        Phase::Typing if model.facts.pending(from).is_none() => {
            model.ui.overlay = None;
            let text = format!("Proposal {from} no longer waits: it was settled elsewhere. Nothing was edited.");
            toast(model, ToastLevel::Refused, text, effects);
        }
        Phase::Typing | Phase::Sent | Phase::Made(_) => {}
    }
}

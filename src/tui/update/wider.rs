//! Giving a yes to more than one action, and ending it.
//!
//! Invariants: the plain approval never gives more than one; the wider one needs a key of its own first, which shows what
//! it means, and then another one, which counts under the same conditions as the plain approval does. Revoking takes one key:
//! it only takes away.

use super::{keys, overlay};
use crate::domain::scope::Cover;
use crate::engine::backend::Command;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::msg::{Asked, Effect};
use crate::tui::ui::{Model, Overlay, ToastLevel};
use crate::tui::wider::{self, ScopesBox, Wider};

/// Shows in the review what the next wider yes would cover; after the widest, the plain review again.
pub(super) fn widen(model: &mut Model) {
    let Some(Overlay::Review(review)) = &model.ui.overlay else { return };
    let Some(proposal) = model.facts.pending(review.proposal).cloned() else { return };
    let offered = wider::offered(model, &proposal);
    let next = next(&offered, review.wider.as_ref().map(|wider| wider.cover)).cloned();
    let (title, now) = (keys::incident_title(model, proposal.spec.incident), model.ui.now);
    let Some(Overlay::Review(review)) = &mut model.ui.overlay else { return };
    if offered.is_empty() {
        review.objection = Some("No wider yes can be given to this: each time needs its own.".to_owned());
        return;
    }
    review.widen(&proposal, &title, next, now);
}

/// The one behind `shown`; the first when none is shown, none behind the last.
fn next(offered: &[Wider], shown: Option<Cover>) -> Option<&Wider> {
    match shown {
        None => offered.first(),
        Some(shown) => offered.iter().find(|wider| wider.cover > shown),
    }
}

/// Why the wider yes cannot be given before it is shown.
pub(super) fn unshown(model: &Model) -> String {
    match model.ui.keymap.key_for(Context::Review, Intent::Widen) {
        Some(key) => format!("{key} shows first what a wider yes would cover."),
        None => "No key shows what a wider yes would cover; bind `widen` in [review].".to_owned(),
    }
}

/// Opens the list.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    if wider::given(model).is_empty() {
        let text = "No yes covers more than one command now. A review in a run offers them.".to_owned();
        return super::toast(model, ToastLevel::Done, text, effects);
    }
    model.ui.overlay = Some(Overlay::Scopes(ScopesBox::default()));
}

/// A key for the list.
pub(super) fn key(model: &mut Model, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let count = wider::given(model).len();
    let Some(Overlay::Scopes(shown)) = &mut model.ui.overlay else { return };
    let last = count.saturating_sub(1);
    match intent {
        Some(Intent::Back) => model.ui.overlay = None,
        Some(Intent::Down) => shown.at = (shown.at + 1).min(last),
        Some(Intent::Up) => shown.at = shown.at.saturating_sub(1),
        Some(Intent::Top) => shown.at = 0,
        Some(Intent::Bottom) => shown.at = last,
        Some(Intent::Reject) => {
            let at = shown.at;
            if let Some(scope) = wider::given(model).get(at).map(|scope| scope.id) {
                effects.push(Effect::Send { asked: Asked::Revoke, command: Command::RevokeScope { scope } });
            }
        }
        _ => {}
    }
}

/// After a load: the list has as many lines as there are, and is gone with the last one.
pub(super) fn refresh(model: &mut Model) {
    let count = wider::given(model).len();
    if let Some(Overlay::Scopes(shown)) = &mut model.ui.overlay {
        shown.at = shown.at.min(count.saturating_sub(1));
        if count == 0 {
            model.ui.overlay = None;
        }
    }
}

/// What a person says yes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yes {
    /// The one action of the review.
    Once,
    /// That, and what the review says of a wider yes.
    Wider,
}

/// Gives what the review shows.
pub(super) fn approve(model: &mut Model, effects: &mut Vec<Effect>) {
    let shown = matches!(&model.ui.overlay, Some(Overlay::Review(review)) if review.wider.is_some());
    if shown {
        return overlay::approve(model, Yes::Wider, effects);
    }
    let why = unshown(model);
    let now = model.ui.monotonic;
    if let Some(Overlay::Review(review)) = &mut model.ui.overlay {
        review.objection = Some(why);
        review.disturbed(now);
    }
}

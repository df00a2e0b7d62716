//! Attempts of which nobody knows how they ended: looking at their effect, and saying that one did.
//!
//! Owns: which of them a key is about. Does not: decide whether their step may be proposed again (the store does), or run
//! anything: what looks at an effect is proposed like everything else.

use crate::domain::action::doubt::Doubt;
use crate::domain::id::AttemptId;
use crate::engine::backend::Command;
use crate::tui::layout::Pane;
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::{Asked, CommandFrom, Effect, ProposeRequest};
use crate::tui::steer::{Asking, Steer, Wanted};
use crate::tui::ui::{Model, Overlay, ToastLevel};

const NO_DOUBT: &str = "Of every attempt of this incident it is known how it ended.";

/// What a key is about: in the output the attempt on the screen, elsewhere the newest whose effect nobody looked at.
fn subject(model: &Model) -> Option<&Doubt> {
    let detail = model.facts.detail()?;
    let shown = model.shown_attempt().filter(|_| model.ui.focus == Pane::Output);
    shown.and_then(|attempt| detail.doubt_of(attempt.id)).or_else(|| detail.open_doubts().next())
}

/// Proposes the step that shows the effect of an attempt in doubt.
pub(super) fn check(model: &mut Model, effects: &mut Vec<Effect>) {
    match subject(model) {
        Some(doubt) => match request(doubt) {
            Some(request) => super::sop::send_proposal(request, effects),
            None => {
                let text = format!("{} Then say what you saw.", doubt.words());
                super::toast(model, ToastLevel::Refused, text, effects);
            }
        },
        None => super::toast(model, ToastLevel::Refused, NO_DOUBT.to_owned(), effects),
    }
}

/// Proposes the step that shows the effect of `attempt`.
pub(super) fn check_of(model: &mut Model, attempt: AttemptId, effects: &mut Vec<Effect>) {
    let found = model.facts.detail().and_then(|detail| detail.doubt_of(attempt)).and_then(request);
    match found {
        Some(request) => super::sop::send_proposal(request, effects),
        None => super::toast(model, ToastLevel::Refused, NO_DOUBT.to_owned(), effects),
    }
}

fn request(doubt: &Doubt) -> Option<ProposeRequest> {
    let first = doubt.verifications.first()?;
    Some(ProposeRequest {
        incident: doubt.incident,
        alert: doubt.alert.clone(),
        from: CommandFrom::Step { sop: doubt.step.sop.clone(), node: first.node.clone() },
        values: std::collections::BTreeMap::new(),
    })
}

/// Asks what a person saw who looked by hand.
pub(super) fn checked(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(attempt) = subject(model).map(|doubt| doubt.attempt) else {
        return super::toast(model, ToastLevel::Refused, NO_DOUBT.to_owned(), effects);
    };
    let asking = Asking { what: Wanted::EffectSeen(attempt), edit: LineEdit::default(), objection: String::new() };
    model.ui.overlay = Some(Overlay::Steer(Box::new(Steer { asking: Some(asking), ..Steer::default() })));
}

/// Sends what a person saw.
pub(super) fn said(attempt: AttemptId, words: &str, effects: &mut Vec<Effect>) {
    let command = Command::EffectChecked { attempt, words: words.to_owned() };
    effects.push(Effect::Send { asked: Asked::Run, command });
}

//! What is suggested for a run: asking for it, choosing, taking and leaving.
//!
//! Invariants: nothing is asked of a model, taken or left without a person's key; taking a suggestion changes the run's plan and
//! approves nothing.

use crossterm::event::{KeyCode, KeyEvent};

use super::{asking, steer as steering};
use crate::domain::run::decide::RunCommand;
use crate::tui::intent::Intent;
use crate::tui::msg::Effect;
use crate::tui::ui::{Model, Overlay, ToastLevel};
use crate::tui::{steer, suggestions};

/// Rows that a page key scrolls by.
const PAGE: usize = 5;

/// Asks how the run on the screen is to go on.
pub(super) fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    match steer::run(model).map(|run| run.id) {
        Some(run) => asking::ask_for_run(model, run, effects),
        None => {
            let text =
                "No run is on for this incident, so that nothing can be suggested for it. R begins one.".to_owned();
            super::toast(model, ToastLevel::Refused, text, effects);
        }
    }
}

/// A key for the list.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let choices = steer::run(model).map(suggestions::choices).unwrap_or_default();
    let Some(Overlay::Suggestions(view)) = &mut model.ui.overlay else { return };
    let last = choices.len().saturating_sub(1);
    view.at = view.at.min(last);
    let before = view.at;
    match (intent, key.code) {
        (Some(Intent::Back), _) => model.ui.overlay = None,
        (Some(Intent::Open), _) => {
            let Some(choice) = choices.get(view.at) else {
                model.ui.overlay = None;
                return;
            };
            // The next one is looked at with the plan as it is then.
            (view.at, view.top) = (0, 0);
            if choices.len() <= 2 {
                model.ui.overlay = None;
            }
            let command = RunCommand::AnswerSuggestion { number: choice.number, answer: choice.answer };
            steering::say(model, command, effects);
        }
        (_, KeyCode::Down | KeyCode::Char('j')) => view.at = (view.at + 1).min(last),
        (_, KeyCode::Up | KeyCode::Char('k')) => view.at = view.at.saturating_sub(1),
        (_, KeyCode::PageDown) => view.top += PAGE,
        (_, KeyCode::PageUp) => view.top = view.top.saturating_sub(PAGE),
        _ => {}
    }
    if let Some(Overlay::Suggestions(view)) = &mut model.ui.overlay
        && view.at / 2 != before / 2
    {
        view.top = 0;
    }
}

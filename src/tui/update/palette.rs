//! The palette: choosing by name, and doing what a key would do.
//!
//! Invariant: an intent that was chosen goes the way of a key press in the pane in focus, with no right of its own.

use crossterm::event::KeyEvent;

use super::{keys, queue, search, sop};
use crate::tui::intent::Intent;
use crate::tui::layout::Pane;
use crate::tui::line_edit::Edit;
use crate::tui::msg::Effect;
use crate::tui::palette::{self, Choice, Palette, visible_rows};
use crate::tui::ui::{Model, Overlay, ToastLevel};

/// Opens the palette.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    model.ui.overlay = Some(Overlay::Palette(Box::default()));
    effects.push(Effect::ListSops);
    refresh(model);
}

/// What is offered may be something else: other words were typed, or the list of SOPs has come.
pub(super) fn refresh(model: &mut Model) {
    let Some(Overlay::Palette(shown)) = &model.ui.overlay else { return };
    let rows = palette::offers(model, shown.edit.text());
    if let Some(shown) = palette(model) {
        shown.at = shown.at.min(rows.len().saturating_sub(1));
        shown.rows = rows;
    }
}

fn palette(model: &mut Model) -> Option<&mut Palette> {
    match &mut model.ui.overlay {
        Some(Overlay::Palette(palette)) => Some(palette),
        _ => None,
    }
}

fn typed(model: &mut Model) {
    if let Some(shown) = palette(model) {
        shown.at = 0;
    }
    refresh(model);
}

/// Text was pasted into the field.
pub(super) fn pasted(model: &mut Model, text: &str) {
    if let Some(shown) = palette(model) {
        shown.edit.paste(text);
        typed(model);
    }
}

/// A key for the palette.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let page = visible_rows(model.ui.size);
    let Some(shown) = palette(model) else { return };
    let last = shown.rows.len().saturating_sub(1);
    match intent {
        Some(Intent::Back) => model.ui.overlay = None,
        Some(Intent::Open) => {
            let chosen = shown.rows.get(shown.at).map(|row| row.choice.clone());
            let words = shown.edit.text().to_owned();
            match chosen {
                Some(choice) => {
                    model.ui.overlay = None;
                    carry_out(model, choice, effects);
                }
                // What was typed stays, to be mended; or the list of SOPs is still on its way.
                None => {
                    let text = format!("There is no command \"{words}\" here.");
                    super::toast(model, ToastLevel::Refused, text, effects);
                }
            }
        }
        Some(Intent::Down) => shown.at = (shown.at + 1).min(last),
        Some(Intent::Up) => shown.at = shown.at.saturating_sub(1),
        Some(Intent::PageDown) => shown.at = (shown.at + page).min(last),
        Some(Intent::PageUp) => shown.at = shown.at.saturating_sub(page),
        _ => {
            if shown.edit.handle(&key) == Edit::Changed {
                typed(model);
            }
        }
    }
}

fn carry_out(model: &mut Model, choice: Choice, effects: &mut Vec<Effect>) {
    match choice {
        Choice::Intent(intent) => keys::perform(model, intent, effects),
        Choice::Sop(id) => {
            keys::focus(model, Pane::Sop);
            sop::choose(model, id, effects);
        }
        Choice::Incident(id) => {
            keys::focus(model, Pane::Incidents);
            queue::seek(model, id, effects);
        }
        Choice::Search(words) => search::open(model, &words, effects),
    }
}

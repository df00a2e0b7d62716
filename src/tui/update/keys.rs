//! Keys and pastes: which part of the screen gets them, and what each intent does there.
//!
//! Owns: routing. Does not: name keys; those stand in the keymap file.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::sop::Fold;
use super::{overlay, queue, sop};
use crate::domain::id::IncidentId;
use crate::domain::incident::{IncidentCommand, IncidentState};
use crate::domain::sop::tree::Direction;
use crate::engine::backend::Command;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::Pane;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Asked, Effect};
use crate::tui::ui::{CONFIRM_WITHIN, Model, Overlay, QueueEnd, ToastLevel};

/// The context in which keys are looked up now.
#[must_use]
pub(crate) fn context(model: &Model) -> Context {
    match &model.ui.overlay {
        Some(Overlay::Review(_)) => Context::Review,
        Some(Overlay::Prompt(_) | Overlay::Picker(_)) => Context::Prompt,
        Some(Overlay::Help { .. }) => Context::Help,
        None if model.ui.queue.editing.is_some() || model.ui.sop.editing.is_some() => Context::Filter,
        None => match model.ui.focus {
            Pane::Incidents => Context::Incidents,
            Pane::Sop => Context::Sop,
            Pane::Output => Context::Output,
        },
    }
}

/// A key was pressed.
pub(super) fn pressed(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let intent = model.ui.keymap.lookup(context(model), &key);
    // These work everywhere, also while something is being typed.
    match intent {
        Some(Intent::Suspend) => return effects.push(Effect::Suspend),
        Some(Intent::Redraw) => return effects.push(Effect::Repaint),
        _ => {}
    }
    if model.ui.overlay.is_some() {
        return overlay::key(model, key, intent, effects);
    }
    if model.ui.queue.editing.is_some() || model.ui.sop.editing.is_some() {
        return typed(model, key, intent, effects);
    }
    let Some(intent) = intent else { return };
    model.ui.toast = None;
    if model.ui.queue.settling.is_some() && !moves(intent) {
        // Whatever comes next is meant for the incident under the cursor.
        queue::settle(model, effects);
    }
    if !common(model, intent, effects) {
        match model.ui.focus {
            Pane::Incidents => in_queue(model, intent, effects),
            Pane::Sop => in_sop(model, intent, effects),
            Pane::Output => in_output(model, intent, effects),
        }
    }
}

const fn moves(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::Down
            | Intent::Up
            | Intent::PageDown
            | Intent::PageUp
            | Intent::HalfPageDown
            | Intent::HalfPageUp
            | Intent::Top
            | Intent::Bottom
    )
}

/// Intents that mean the same in every pane. Returns whether this was one.
fn common(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) -> bool {
    match intent {
        Intent::Quit => effects.push(Effect::Quit),
        Intent::Help => model.ui.overlay = Some(Overlay::Help { top: 0 }),
        Intent::NextPane => focus(model, next_pane(model, Direction::Forward)),
        Intent::PreviousPane => focus(model, next_pane(model, Direction::Backward)),
        Intent::FocusIncidents => focus(model, Pane::Incidents),
        Intent::FocusSop => focus(model, Pane::Sop),
        Intent::FocusOutput => focus(model, Pane::Output),
        Intent::Approvals => overlay::open_review(model, effects),
        Intent::Acknowledge => acknowledge(model, effects),
        Intent::Sop => {
            focus(model, Pane::Sop);
            overlay::open_picker(model, effects);
        }
        _ => return false,
    }
    true
}

fn panes(model: &Model) -> Vec<Pane> {
    let mut panes = vec![Pane::Incidents, Pane::Sop];
    if model.shown_attempt().is_some() {
        panes.push(Pane::Output);
    }
    panes
}

fn next_pane(model: &Model, direction: Direction) -> Pane {
    let panes = panes(model);
    let at = panes.iter().position(|pane| *pane == model.ui.focus).unwrap_or(0);
    let next = match direction {
        Direction::Forward => (at + 1) % panes.len(),
        Direction::Backward => (at + panes.len() - 1) % panes.len(),
    };
    panes[next]
}

fn focus(model: &mut Model, pane: Pane) {
    if panes(model).contains(&pane) {
        model.ui.focus = pane;
        sop::keep_visible(model);
    }
}

fn acknowledge(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(id) = model.ui.queue.selected else { return };
    let row = model.facts.snapshot.queue.rows.iter().find(|row| row.id == id);
    let command = match row.map(|row| row.state) {
        Some(IncidentState::Acknowledged) => IncidentCommand::Unacknowledge,
        _ => IncidentCommand::Acknowledge,
    };
    effects.push(Effect::Send { asked: Asked::Incident, command: Command::Incident { id, command } });
}

fn in_queue(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    let page = i64::from(model.queue_rows());
    match intent {
        Intent::Down => queue::step(model, 1, effects),
        Intent::Up => queue::step(model, -1, effects),
        Intent::PageDown => queue::step(model, page, effects),
        Intent::PageUp => queue::step(model, -page, effects),
        Intent::HalfPageDown => queue::step(model, (page / 2).max(1), effects),
        Intent::HalfPageUp => queue::step(model, -(page / 2).max(1), effects),
        Intent::Top => queue::go(model, QueueEnd::Top, effects),
        Intent::Bottom => queue::go(model, QueueEnd::Bottom, effects),
        Intent::Filter => model.ui.queue.editing = Some(LineEdit::new(&model.ui.queue.filter)),
        Intent::Open => focus(model, Pane::Sop),
        Intent::Back => queue::set_filter(model, String::new(), effects),
        _ => {}
    }
}

fn in_sop(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    match intent {
        Intent::Down => sop::step(model, 1),
        Intent::Up => sop::step(model, -1),
        Intent::PageDown | Intent::HalfPageDown => sop::step(model, 8),
        Intent::PageUp | Intent::HalfPageUp => sop::step(model, -8),
        Intent::Top => sop::step(model, i64::from(i32::MIN)),
        Intent::Bottom => sop::step(model, i64::from(i32::MAX)),
        Intent::NextStep => sop::to_step(model, Direction::Forward),
        Intent::PreviousStep => sop::to_step(model, Direction::Backward),
        Intent::Fold => sop::fold(model, Fold::Toggle),
        Intent::FoldOpen => sop::fold(model, Fold::Open),
        Intent::FoldClose => sop::fold(model, Fold::Close),
        Intent::FoldAll => sop::fold_all(model),
        Intent::Filter => model.ui.sop.editing = Some(LineEdit::default()),
        Intent::FindNext => sop::find(model, Direction::Forward, effects),
        Intent::FindPrevious => sop::find(model, Direction::Backward, effects),
        Intent::Run => sop::propose(model, effects),
        Intent::Open => open_node(model, effects),
        Intent::Cancel => cancel(model, effects),
        Intent::Back => model.ui.focus = Pane::Incidents,
        _ => {}
    }
}

/// Enter: on a section it folds, on anything with a command it proposes.
fn open_node(model: &mut Model, effects: &mut Vec<Effect>) {
    let section = model.facts.sop.as_ref().and_then(|document| document.procedure.nodes.get(model.ui.sop.cursor));
    if section.is_some_and(|node| matches!(node.kind, crate::domain::procedure::NodeKind::Section { .. })) {
        sop::fold(model, Fold::Toggle);
    } else {
        sop::propose(model, effects);
    }
}

fn in_output(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    let output = &mut model.ui.output;
    match intent {
        Intent::Down => output.up = output.up.saturating_sub(1),
        Intent::Up => output.up += 1,
        Intent::PageDown | Intent::HalfPageDown => output.up = output.up.saturating_sub(10),
        Intent::PageUp | Intent::HalfPageUp => output.up += 10,
        Intent::Top => output.up = usize::MAX / 2,
        Intent::Bottom => output.up = 0,
        Intent::NextStep => other_attempt(model, Direction::Forward, effects),
        Intent::PreviousStep => other_attempt(model, Direction::Backward, effects),
        Intent::Cancel => cancel(model, effects),
        Intent::Back => model.ui.focus = Pane::Sop,
        _ => {}
    }
}

/// Shows the output of the next or previous attempt of this incident.
fn other_attempt(model: &mut Model, direction: Direction, effects: &mut Vec<Effect>) {
    let Some(shown) = model.shown_attempt().map(|attempt| attempt.id) else { return };
    let Some(detail) = model.facts.detail() else { return };
    let attempts = &detail.record.attempts; // newest first
    let at = attempts.iter().position(|attempt| attempt.id == shown).unwrap_or(0);
    let wanted = match direction {
        Direction::Forward => at.checked_sub(1),
        Direction::Backward => Some(at + 1),
    };
    if let Some(attempt) = wanted.and_then(|at| attempts.get(at)) {
        model.ui.output.attempt = Some(attempt.id);
        model.ui.output.up = 0;
        super::want_load(model, effects);
    }
}

/// Ends the attempt on the screen, when asked twice.
fn cancel(model: &mut Model, effects: &mut Vec<Effect>) {
    use crate::domain::action::attempt::AttemptState;
    let Some(attempt) = model.shown_attempt() else { return };
    if matches!(attempt.state, AttemptState::Ended { .. }) {
        return super::toast(model, ToastLevel::Refused, "This attempt has ended already.".to_owned(), effects);
    }
    let (id, now) = (attempt.id, model.ui.monotonic);
    match model.ui.output.cancel_asked {
        Some((asked, at)) if asked == id && now.saturating_sub(at) <= CONFIRM_WITHIN => {
            model.ui.output.cancel_asked = None;
            effects.push(Effect::Send { asked: Asked::Cancel, command: Command::Cancel { attempt: id } });
        }
        _ => {
            model.ui.output.cancel_asked = Some((id, now));
            let text = format!("Press again within 3 s to end attempt {id}.");
            super::toast(model, ToastLevel::Refused, text, effects);
        }
    }
}

/// A key while a filter or a search is being typed.
fn typed(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let in_queue = model.ui.queue.editing.is_some();
    match (intent, in_queue) {
        (Some(Intent::Back), true) => {
            model.ui.queue.editing = None;
            queue::set_filter(model, String::new(), effects);
        }
        (Some(Intent::Back), false) => model.ui.sop.editing = None,
        (Some(Intent::Open), true) => model.ui.queue.editing = None,
        (Some(Intent::Open), false) => {
            if let Some(edit) = model.ui.sop.editing.take() {
                model.ui.sop.find = edit.text().to_owned();
                sop::find(model, Direction::Forward, effects);
            }
        }
        // The queue can be looked through while the filter is being typed.
        _ if in_queue && key.code == KeyCode::Down => queue::step(model, 1, effects),
        _ if in_queue && key.code == KeyCode::Up => queue::step(model, -1, effects),
        (_, true) => edit_filter(model, |edit| edit.handle(&key), effects),
        (_, false) => {
            if let Some(edit) = &mut model.ui.sop.editing {
                edit.handle(&key);
            }
        }
    }
}

fn edit_filter(model: &mut Model, edit: impl FnOnce(&mut LineEdit) -> Edit, effects: &mut Vec<Effect>) {
    let Some(line) = &mut model.ui.queue.editing else { return };
    if edit(line) == Edit::Changed {
        let filter = line.text().to_owned();
        queue::set_filter(model, filter, effects);
    }
}

/// Text was pasted: it goes into the field that is being typed and nowhere else, never into a review.
pub(super) fn pasted(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    match &mut model.ui.overlay {
        Some(Overlay::Review(review)) => review.disturbed(model.ui.monotonic),
        Some(Overlay::Prompt(prompt)) => {
            prompt.edit.paste(text);
        }
        Some(Overlay::Picker(picker)) => {
            picker.edit.paste(text);
            picker.at = 0;
        }
        Some(Overlay::Help { .. }) => {}
        None if model.ui.queue.editing.is_some() => edit_filter(
            model,
            |edit| {
                edit.paste(text);
                Edit::Changed
            },
            effects,
        ),
        None => {
            if let Some(edit) = &mut model.ui.sop.editing {
                edit.paste(text);
            }
        }
    }
}

/// Whether a key is a plain printable one.
#[must_use]
pub(super) const fn printable(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(KeyModifiers::CONTROL.union(KeyModifiers::ALT))
}

/// The incident that an action of the person concerns.
#[must_use]
pub(super) fn incident_title(model: &Model, id: IncidentId) -> String {
    let row = model.facts.snapshot.queue.rows.iter().find(|row| row.id == id).map(|row| row.title.clone());
    let detail = model.facts.detail().filter(|detail| detail.record.incident.id == id);
    row.or_else(|| detail.map(|detail| detail.record.incident.title.clone()))
        .unwrap_or_else(|| format!("incident {id}"))
}

/// The context of the pane in focus, whatever lies above it.
#[must_use]
pub(crate) const fn pane_context(model: &Model) -> Context {
    match model.ui.focus {
        Pane::Incidents => Context::Incidents,
        Pane::Sop => Context::Sop,
        Pane::Output => Context::Output,
    }
}

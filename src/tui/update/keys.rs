//! Keys and pastes: which part of the screen gets them, and what each intent does there.
//!
//! Owns: routing. Does not: name keys; those stand in the keymap file.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::sop::{Fold, Share};
use super::{
    asking, chat, chat_find, concern, copy, doubt, editing, hands, mouse, output, overlay, palette, plain, queue,
    search, sop, split, steer, suggestions, wider, workbench,
};
use crate::domain::id::IncidentId;
use crate::domain::sop::tree::Direction;
use crate::tui::chat::view::Mode;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::Pane;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::Effect;
use crate::tui::plain::Subject;
use crate::tui::ui::{Model, Overlay, QueueEnd, ToastLevel};

/// The context in which keys are looked up now.
#[must_use]
pub(crate) fn context(model: &Model) -> Context {
    match &model.ui.overlay {
        // The list of yeses is moved through and taken from by the keys of the review.
        Some(Overlay::Review(_) | Overlay::Scopes(_)) => Context::Review,
        Some(Overlay::Edit(_)) => Context::Edit,
        Some(
            Overlay::Prompt(_)
            | Overlay::Question(_)
            | Overlay::Picker(_)
            | Overlay::Steer(_)
            | Overlay::Suggestions(_),
        ) => Context::Prompt,
        Some(Overlay::Preview(page)) if page.editing.is_some() => Context::Filter,
        Some(Overlay::Preview(_)) => Context::Preview,
        Some(Overlay::Page { .. } | Overlay::Plain(_)) => Context::Help,
        Some(Overlay::Search(_)) => Context::Search,
        Some(Overlay::Palette(_)) => Context::Palette,
        Some(Overlay::Workbench(bench)) if bench.naming.is_some() => Context::Prompt,
        Some(Overlay::Workbench(_)) => Context::Workbench,
        None if field(model).is_some() => Context::Filter,
        None => match model.ui.focus {
            Pane::Incidents => Context::Incidents,
            Pane::Sop => Context::Sop,
            Pane::Output => Context::Output,
            Pane::Chat if model.ui.chat.mode == Mode::Typing => Context::Ask,
            Pane::Chat => Context::Chat,
        },
    }
}

/// A key was pressed.
pub(super) fn pressed(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let intent = model.ui.keymap.lookup(context(model), &key);
    model.ui.returning = None;
    model.ui.looking = None;
    // These work everywhere, also while something is being typed.
    if let Some(intent @ (Intent::Suspend | Intent::Redraw)) = intent {
        overlay::disturb(model, effects);
        return perform(model, intent, effects);
    }
    if model.ui.overlay.is_some() {
        model.ui.toast = None;
        return overlay::key(model, key, intent, effects);
    }
    if let Some(field) = field(model) {
        return typed(model, field, key, intent, effects);
    }
    if context(model) == Context::Ask {
        return asking::typed(model, key, intent, effects);
    }
    if let Some(intent) = intent {
        perform(model, intent, effects);
    }
}

/// Does what an intent means in the pane in focus, whether a key or the palette asked for it.
pub(super) fn perform(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    match intent {
        Intent::Suspend => return effects.push(Effect::Suspend),
        Intent::Redraw => return effects.push(Effect::Repaint),
        _ => {}
    }
    model.ui.toast = None;
    if model.ui.queue.settling.is_some() && !moves(intent) {
        // Whatever comes next is meant for the incident under the cursor.
        queue::settle(model, effects);
    }
    if !common(model, intent, effects) {
        match model.ui.focus {
            Pane::Incidents => in_queue(model, intent, effects),
            Pane::Sop => in_sop(model, intent, effects),
            Pane::Output => output::intent(model, intent, effects),
            Pane::Chat => chat::intent(model, intent, effects),
        }
    }
}

/// Whether an intent moves the cursor.
pub(crate) const fn moves(intent: Intent) -> bool {
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
    if let Some(page) = overlay::page_of(intent) {
        overlay::open_page(model, page, effects);
        return true;
    }
    if split::intent(model, intent, effects) {
        return true;
    }
    match intent {
        Intent::Quit => effects.push(Effect::Quit),
        Intent::Plain => plain::open(model, Subject::Pane(model.ui.focus)),
        Intent::Mouse => mouse::switch(model, effects),
        Intent::TimeZone => model.ui.settings.zone.switch(),
        Intent::EndTour => super::end_tour(model, effects),
        Intent::Theme => next_theme(model, effects),
        Intent::NextPane => focus(model, next_pane(model, Direction::Forward)),
        Intent::PreviousPane => focus(model, next_pane(model, Direction::Backward)),
        Intent::FocusIncidents => focus(model, Pane::Incidents),
        Intent::FocusSop => focus(model, Pane::Sop),
        Intent::FocusOutput => focus(model, Pane::Output),
        Intent::FocusChat => focus(model, Pane::Chat),
        Intent::Search => search::open(model, "", effects),
        Intent::Palette => palette::open(model, effects),
        Intent::Approvals => overlay::open_review(model, effects),
        Intent::Scopes => wider::open(model, effects),
        Intent::Copy => copy::copy(model, effects),
        Intent::Acknowledge => hands::acknowledge(model, effects),
        Intent::Sop => {
            focus(model, Pane::Sop);
            overlay::open_picker(model, effects);
        }
        _ => return false,
    }
    true
}

/// Wears the next theme and says its name. The configuration keeps what it says.
fn next_theme(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(why) = model.ui.themes.colourless {
        return super::toast(model, ToastLevel::Refused, format!("No theme can be seen: {why}"), effects);
    }
    model.ui.themes.next();
    let Some((name, _)) = model.ui.themes.worn() else { return };
    let words = format!("Theme {name}; `[console] theme` in the configuration says which one comes first.");
    effects.push(Effect::Restyle);
    super::toast(model, ToastLevel::Done, words, effects);
}

fn panes(model: &Model) -> Vec<Pane> {
    let mut panes = vec![Pane::Incidents, Pane::Sop];
    if model.shown_attempt().is_some() {
        panes.push(Pane::Output);
    }
    panes.push(Pane::Chat);
    panes
}

pub(super) fn next_pane(model: &Model, direction: Direction) -> Pane {
    let panes = panes(model);
    let at = panes.iter().position(|pane| *pane == model.ui.focus).unwrap_or(0);
    let next = match direction {
        Direction::Forward => (at + 1) % panes.len(),
        Direction::Backward => (at + panes.len() - 1) % panes.len(),
    };
    panes[next]
}

/// Sends keys to this pane from now on, if there is something in it.
pub(super) fn focus(model: &mut Model, pane: Pane) {
    if panes(model).contains(&pane) {
        model.ui.focus = pane;
        sop::keep_visible(model);
    }
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
        Intent::NextQueue => queue::show_next(model, effects),
        Intent::CheckEffect => doubt::check(model, effects),
        Intent::EffectChecked => doubt::checked(model, effects),
        Intent::Draft => workbench::draft(model, effects),
        _ => hands::intent(model, intent, effects),
    }
}

fn in_sop(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    match intent {
        Intent::Down => sop::step(model, 1),
        Intent::Up => sop::step(model, -1),
        Intent::PageDown => sop::page(model, Direction::Forward, Share::Whole),
        Intent::PageUp => sop::page(model, Direction::Backward, Share::Whole),
        Intent::HalfPageDown => sop::page(model, Direction::Forward, Share::Half),
        Intent::HalfPageUp => sop::page(model, Direction::Backward, Share::Half),
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
        Intent::SteerRun => steer::open(model, effects),
        Intent::Counsel => suggestions::ask(model, effects),
        Intent::Improve => workbench::improve(model, effects),
        Intent::Draft => workbench::draft(model, effects),
        Intent::NextAlert => concern::next(model, effects),
        Intent::EditValues => sop::edit_values(model, effects),
        Intent::Open => open_node(model, effects),
        Intent::Cancel => output::cancel(model, effects),
        Intent::CheckEffect => doubt::check(model, effects),
        Intent::EffectChecked => doubt::checked(model, effects),
        Intent::Back if model.ui.sop.sought.is_some() => model.ui.sop.sought = None,
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

/// Whether a filter or a search is being typed.
pub(super) const fn is_typing(model: &Model) -> bool {
    field(model).is_some()
}

/// The field that keys are typed into while no overlay is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Filter,
    FindInSop,
    FindInOutput,
    FindInChat,
}

/// The field that keys are typed into; `None` when there is none.
const fn field(model: &Model) -> Option<Field> {
    if model.ui.queue.editing.is_some() {
        Some(Field::Filter)
    } else if model.ui.sop.editing.is_some() {
        Some(Field::FindInSop)
    } else if model.ui.output.editing.is_some() {
        Some(Field::FindInOutput)
    } else if model.ui.chat.editing.is_some() {
        Some(Field::FindInChat)
    } else {
        None
    }
}

/// Whether a filter or a text to find is being typed in a pane.
#[must_use]
pub(super) const fn types_in_a_pane(model: &Model) -> bool {
    field(model).is_some()
}

const fn line_of(model: &mut Model, field: Field) -> &mut Option<LineEdit> {
    match field {
        Field::Filter => &mut model.ui.queue.editing,
        Field::FindInSop => &mut model.ui.sop.editing,
        Field::FindInOutput => &mut model.ui.output.editing,
        Field::FindInChat => &mut model.ui.chat.editing,
    }
}

/// A key while a filter or a search is being typed.
fn typed(model: &mut Model, field: Field, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    if field == Field::Filter {
        return in_filter(model, key, intent, effects);
    }
    let line = line_of(model, field);
    match intent {
        Some(Intent::Back) => *line = None,
        Some(Intent::Open) => {
            if let Some(edit) = line.take() {
                look_for(model, field, edit.text(), effects);
            }
        }
        _ => {
            line.as_mut().map(|edit| edit.handle(&key));
        }
    }
}

fn look_for(model: &mut Model, field: Field, words: &str, effects: &mut Vec<Effect>) {
    match field {
        Field::Filter => {}
        Field::FindInSop => {
            words.clone_into(&mut model.ui.sop.find);
            model.ui.sop.sought = None;
            sop::find(model, Direction::Forward, effects);
        }
        Field::FindInOutput => output::look_for(model, words, effects),
        Field::FindInChat => chat_find::look_for(model, words, effects),
    }
}

/// A key while the filter of the queue is being typed: the rows follow each key, and can be looked through meanwhile.
fn in_filter(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    match intent {
        Some(Intent::Back) => {
            model.ui.queue.editing = None;
            queue::set_filter(model, String::new(), effects);
        }
        Some(Intent::Open) => model.ui.queue.editing = None,
        _ if key.code == KeyCode::Down => queue::step(model, 1, effects),
        _ if key.code == KeyCode::Up => queue::step(model, -1, effects),
        _ => edit_filter(model, |edit| edit.handle(&key), effects),
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
    let asks = context(model) == Context::Ask;
    match &mut model.ui.overlay {
        Some(Overlay::Review(_)) => overlay::disturb(model, effects),
        Some(Overlay::Edit(_)) => editing::pasted(model, text, effects),
        Some(Overlay::Prompt(prompt)) => {
            prompt.edit.paste(text);
        }
        Some(Overlay::Question(question)) => {
            question.edit.paste(text);
        }
        Some(Overlay::Picker(picker)) => {
            picker.edit.paste(text);
            picker.at = 0;
        }
        Some(Overlay::Steer(shown)) => steer::pasted(shown, text),
        Some(Overlay::Workbench(bench)) => workbench::pasted(bench, text),
        Some(Overlay::Preview(page)) => {
            page.editing.as_mut().map(|edit| edit.paste(text));
        }
        Some(Overlay::Page { .. } | Overlay::Plain(_) | Overlay::Scopes(_) | Overlay::Suggestions(_)) => {}
        None if asks => asking::pasted(model, text, effects),
        Some(Overlay::Search(_)) => search::pasted(model, text, effects),
        Some(Overlay::Palette(_)) => palette::pasted(model, text),
        None => match field(model) {
            Some(Field::Filter) => {
                let paste = |edit: &mut LineEdit| {
                    edit.paste(text);
                    Edit::Changed
                };
                edit_filter(model, paste, effects);
            }
            Some(field) => {
                line_of(model, field).as_mut().map(|edit| edit.paste(text));
            }
            None => {}
        },
    }
}

/// Whether a key is a plain printable one.
#[must_use]
pub(super) const fn printable(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(KeyModifiers::CONTROL.union(KeyModifiers::ALT))
}

/// The incident that an action of the person concerns.
#[must_use]
pub(crate) fn incident_title(model: &Model, id: IncidentId) -> String {
    let row = model.facts.snapshot.queue.rows.iter().find(|row| row.id == id).map(|row| row.title.clone());
    let detail = model.facts.detail().filter(|detail| detail.record.incident.id == id);
    row.or_else(|| detail.map(|detail| detail.record.incident.title.clone()))
        .unwrap_or_else(|| format!("incident {id}"))
}

/// The name of the pane in focus, for headings.
#[must_use]
pub(crate) const fn pane_name(model: &Model) -> &'static str {
    match model.ui.focus {
        Pane::Incidents => "In the incidents",
        Pane::Sop => "In the SOP",
        Pane::Output => "In the output",
        Pane::Chat => "In the chat",
    }
}

/// The context of the pane in focus, whatever lies above it.
#[must_use]
pub(crate) const fn pane_context(model: &Model) -> Context {
    match model.ui.focus {
        Pane::Incidents => Context::Incidents,
        Pane::Sop => Context::Sop,
        Pane::Output => Context::Output,
        Pane::Chat => Context::Chat,
    }
}

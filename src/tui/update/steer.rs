//! The box in which a run is steered: choosing, typing the words that a choice needs, sending.
//!
//! Invariants: nothing is sent before a person chose it; nothing here proposes or approves a command. What the rules refuse
//! is told as they say it.

use crossterm::event::{KeyCode, KeyEvent};

use super::sop;
use crate::domain::action::silence::{Silence, SilenceAction};
use crate::domain::id::RunId;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::Change;
use crate::domain::run::item::{ItemId, ItemKind, ItemState};
use crate::engine::backend::Command;
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Asked, Effect};
use crate::tui::steer::{self, Asking, Choice, Steer, Wanted};
use crate::tui::ui::{Model, Overlay, Page, ToastLevel};

/// Opens the box.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    if steer::offers(model).is_empty() {
        let why = "There is no SOP on the screen that a run could follow. s lists all SOPs.";
        return super::toast(model, ToastLevel::Refused, why.to_owned(), effects);
    }
    model.ui.overlay = Some(Overlay::Steer(Box::default()));
}

/// A key for the box.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let offers = steer::offers(model);
    let filled_in = concern::alert(model).map(|alert| Silence::proposed(&alert.labels)).unwrap_or_default();
    let Some(Overlay::Steer(box_)) = &mut model.ui.overlay else { return };
    if box_.asking.is_some() {
        return typed(model, key, intent, effects);
    }
    let last = offers.len().saturating_sub(1);
    box_.at = box_.at.min(last);
    match (intent, key.code) {
        (Some(Intent::Back), _) => model.ui.overlay = None,
        (Some(Intent::Open), _) => match offers.get(box_.at).map(|offer| offer.choice.clone()) {
            Some(Choice::Start) => start(model, effects),
            Some(Choice::Say(command)) => {
                model.ui.overlay = None;
                say(model, next_place(model, command), effects);
            }
            Some(Choice::CheckEffect(attempt)) => {
                model.ui.overlay = None;
                super::doubt::check_of(model, attempt, effects);
            }
            Some(Choice::Compare) => model.ui.overlay = Some(Overlay::Page { page: Page::Comparison, top: 0 }),
            Some(Choice::Suggestions) => model.ui.overlay = Some(Overlay::Suggestions(Box::default())),
            Some(Choice::Counsel) => {
                model.ui.overlay = None;
                super::suggestions::ask(model, effects);
            }
            Some(Choice::Ask(what)) => {
                let edit = LineEdit::new(&filled_in);
                let edit = if what == Wanted::Silence { edit } else { LineEdit::default() };
                box_.asking = Some(Asking { what, edit, objection: String::new() });
            }
            None => model.ui.overlay = None,
        },
        (_, KeyCode::Down | KeyCode::Char('j')) => box_.at = (box_.at + 1).min(last),
        (_, KeyCode::Up | KeyCode::Char('k')) => box_.at = box_.at.saturating_sub(1),
        _ => {}
    }
}

/// A key while words are typed.
fn typed(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let Some(Overlay::Steer(box_)) = &mut model.ui.overlay else { return };
    let Steer { asking: Some(asking), .. } = &mut **box_ else { return };
    match intent {
        Some(Intent::Back) => box_.asking = None,
        Some(Intent::Open) if asking.what == Wanted::Silence => match silence(asking.edit.text()) {
            Ok(action) => propose_silence(model, action, effects),
            Err(objection) => asking.objection = objection,
        },
        Some(Intent::Open) if let Wanted::EffectSeen(attempt) = asking.what => {
            if asking.edit.text().trim().is_empty() {
                asking.objection = "Say what you saw: others will read it.".to_owned();
                return;
            }
            let words = asking.edit.text().to_owned();
            model.ui.overlay = None;
            super::doubt::said(attempt, &words, effects);
        }
        Some(Intent::Open) => match command(&asking.what, asking.edit.text()) {
            Ok(command) => {
                model.ui.overlay = None;
                say(model, command, effects);
            }
            Err(objection) => asking.objection = objection,
        },
        _ => {
            if asking.edit.handle(&key) == Edit::Changed {
                asking.objection.clear();
            }
        }
    }
}

/// Text was pasted into the box: it goes into the field, if there is one.
pub(super) fn pasted(steer: &mut Steer, text: &str) {
    steer.asking.as_mut().map(|asking| asking.edit.paste(text));
}

/// What was typed, as a command; `Err` says what is wrong with it.
fn command(what: &Wanted, text: &str) -> Result<RunCommand, String> {
    let text = text.trim();
    let needed = |why: &str| if text.is_empty() { Err(why.to_owned()) } else { Ok(text.to_owned()) };
    match what {
        Wanted::SkipReason(item) => {
            let reason = needed("Say why: others will read it.")?;
            Ok(RunCommand::Change(Change::Skip { item: *item, reason }))
        }
        Wanted::Insertion(after) => {
            let title = needed("Say what is to be done.")?;
            Ok(RunCommand::Change(Change::Insert { after: *after, title, node: None, kind: ItemKind::Manual }))
        }
        Wanted::Assignee(item) => {
            let to = (!text.is_empty()).then(|| text.to_owned());
            Ok(RunCommand::Assign { item: *item, to })
        }
        Wanted::NewOwner => Ok(RunCommand::HandOver { to: needed("Type a login name.")? }),
        Wanted::EndReason => Ok(RunCommand::Abandon { reason: needed("Say why: others will read it.")? }),
        Wanted::Silence | Wanted::EffectSeen(_) => Err("That is no part of a run.".to_owned()),
    }
}

/// What was typed for a silence.
fn silence(text: &str) -> Result<SilenceAction, String> {
    match text.trim().strip_prefix("expire ") {
        Some(id) => Ok(SilenceAction::Expire { id: id.trim().to_owned() }),
        None => Silence::parse(text, "").map(SilenceAction::Create),
    }
}

fn propose_silence(model: &mut Model, action: SilenceAction, effects: &mut Vec<Effect>) {
    match sop::subject(model) {
        Ok((incident, alert)) => {
            model.ui.overlay = None;
            let command = Command::ProposeSilence { incident, alert, action };
            effects.push(Effect::Send { asked: Asked::Run, command });
        }
        Err(why) => {
            if let Some(Overlay::Steer(box_)) = &mut model.ui.overlay
                && let Some(asking) = &mut box_.asking
            {
                asking.objection = why;
            }
        }
    }
}

/// "Do it next" means behind the last step that was begun.
fn next_place(model: &Model, command: RunCommand) -> RunCommand {
    match command {
        RunCommand::Change(Change::Move { item, after: None }) => {
            let begun = steer::run(model).and_then(|run| {
                let mut items = run.plan.items.iter().rev();
                items.find(|found| found.id != item && found.state != ItemState::Pending).map(|found| found.id)
            });
            RunCommand::Change(Change::Move { item, after: begun })
        }
        other => other,
    }
}

fn start(model: &mut Model, effects: &mut Vec<Effect>) {
    model.ui.overlay = None;
    let Some(sop) = model.facts.sop.as_ref().map(|document| document.procedure.sop.clone()) else { return };
    match sop::subject(model) {
        Ok((incident, alert)) => {
            effects.push(Effect::Send { asked: Asked::Run, command: Command::StartRun { incident, alert, sop } });
        }
        Err(why) => super::toast(model, ToastLevel::Refused, why, effects),
    }
}

pub(super) fn say(model: &Model, command: RunCommand, effects: &mut Vec<Effect>) {
    let Some(run) = steer::run(model).map(|run| run.id) else { return };
    send(run, command, effects);
}

fn send(run: RunId, command: RunCommand, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send { asked: Asked::Run, command: Command::Run { run, command } });
}

/// After a load: the box has as many lines as there is to do, and words that were typed for a step that is gone stay until
/// they are refused.
pub(super) fn refresh(model: &mut Model) {
    let count = steer::offers(model).len();
    if let Some(Overlay::Steer(box_)) = &mut model.ui.overlay {
        box_.at = box_.at.min(count.saturating_sub(1));
    }
}

/// After a load: the cursor follows the run to the step whose turn has come, when it stood on the one before.
pub(super) fn follow_turn(model: &mut Model, before: Option<ItemId>) {
    let now = turn(model);
    let (Some(before), Some(now)) = (before, now) else { return };
    let Some(run) = steer::run_of_document(model) else { return };
    if before == now || steer::under_cursor(model, run).is_none_or(|item| item.id != before) {
        return;
    }
    let node = run.item(now).and_then(|item| item.node.clone());
    let at = model.facts.sop.as_ref().and_then(|document| document.procedure.index_of(&node?));
    if let Some(at) = at {
        sop::reveal(model, at);
    }
}

/// The step of the run whose turn it is.
pub(super) fn turn(model: &Model) -> Option<ItemId> {
    let run = steer::run_of_document(model)?;
    run.open_items().next().or_else(|| run.first_pending()).map(|item| item.id)
}

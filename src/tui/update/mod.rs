//! What a message does to the screen's state: pure, no I/O, no clock.
//!
//! Owns: the route from a message to the part that it concerns, and loading. Does not: draw or execute effects.

mod asking;
mod chat;
mod chat_find;
mod concern;
mod copy;
mod doubt;
mod editing;
mod hands;
mod keys;
mod looking;
mod mouse;
mod output;
mod overlay;
mod palette;
mod plain;
mod queue;
mod returning;
mod search;
mod sop;
mod split;
mod steer;
mod suggestions;
mod wider;
mod workbench;

pub(crate) use chat::{new_below, phase, preview_box, preview_rows, stored_block};
pub(crate) use hands::UNTIL_CHANGED;
pub(crate) use keys::{context, incident_title, moves, pane_context, pane_name};
pub(crate) use overlay::{drawn, picked, review_box, review_rows};
pub(crate) use returning::begin as return_to;
pub(crate) use workbench::{bench_box, bench_rows, rows as bench_lines};

use std::sync::Arc;
use std::time::Duration;

use crate::domain::action::attempt::{Attempt, AttemptState};
use crate::engine::ask::ChatQuery;
use crate::engine::backend::{
    BackendError, Detail, Done, HealthState, OutputQuery, QueueQuery, SnapshotQuery, SopDocument, SourceHealth,
    Trouble, TroubleEffect,
};
use crate::engine::policy_watch::PolicyState;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::msg::{Asked, Effect, Loaded, Moment, Msg, Timer};
use crate::tui::pages;
use crate::tui::tour;
use crate::tui::ui::{Behind, Model, Overlay, Settling, Toast, ToastLevel};

/// Changes of the store are loaded at most this often, so that a storm of alerts does not become a storm of bytes.
const RELOAD_EVERY: Duration = Duration::from_millis(250);
/// The page and the details follow the cursor after it has rested this long.
const SETTLE_AFTER: Duration = Duration::from_millis(200);
/// The details follow a jump to an end of the queue, which shows its page at once, this much later.
const DETAILS_AFTER_JUMP: Duration = Duration::from_millis(150);
/// A source that was noted as bad by an earlier console, and works this much later, was bad for longer than it takes to
/// start a console anew.
const LONGER_THAN_A_RESTART: Duration = Duration::from_secs(60);
/// A console that was just started has looked at its sources after this time; what is bad then is bad before its eyes.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// A toast stays this long.
const TOAST_FOR: Duration = Duration::from_secs(8);
/// How much of an attempt's output is loaded.
const OUTPUT_TAIL: usize = 256 * 1024;

/// Handles one message.
pub fn update(model: &mut Model, msg: Msg, moment: Moment) -> Vec<Effect> {
    model.ui.now = moment.wall;
    model.ui.monotonic = moment.monotonic;
    model.ui.started.get_or_insert(moment.wall);
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => keys::pressed(model, key, &mut effects),
        Msg::Mouse(event) => mouse::happened(model, event, &mut effects),
        Msg::Paste(text) => keys::pasted(model, &text, &mut effects),
        Msg::Resized(columns, rows) => {
            fit(model, (columns, rows), &mut effects);
            effects.push(Effect::Repaint);
        }
        Msg::Changed => changed(model, &mut effects),
        Msg::Loaded { generation, result } => loaded(model, generation, result, &mut effects),
        Msg::SopOpened { generation, result } => opened(model, generation, result, &mut effects),
        Msg::Answered { asked, result } => answered(model, asked, result, &mut effects),
        Msg::Sops(Ok(sops)) => {
            model.facts.sops = sops;
            palette::refresh(model);
        }
        Msg::Sops(Err(error)) => toast(model, ToastLevel::Refused, error.to_string(), &mut effects),
        Msg::Found { generation, result } => search::found(model, generation, result, &mut effects),
        Msg::Woken(timer) => woken(model, timer, &mut effects),
        Msg::Painted => {
            overlay::painted(model, &mut effects);
            chat::painted(model);
        }
        Msg::Notice(text) => model.ui.notices.push_back(text),
        Msg::Chat(msg) => asking::heard(model, msg, &mut effects),
        Msg::Workbench { number, result } => workbench::answered(model, number, result),
        Msg::Copied(copied) => copy::copied(model, copied, &mut effects),
    }
    chat::refresh(model, &mut effects);
    follow_tour(model, &mut effects);
    next_notice(model, &mut effects);
    effects
}

/// Everything follows the size of the terminal, or the row that the tour takes from it or gives back.
fn fit(model: &mut Model, terminal: (u16, u16), effects: &mut Vec<Effect>) {
    model.ui.fit(terminal);
    laid_out(model, effects);
}

/// Panes have other sizes now: cursors stay on the screen, and what became visible is loaded.
fn laid_out(model: &mut Model, effects: &mut Vec<Effect>) {
    queue::keep_visible(model);
    overlay::refresh(model);
    sop::keep_visible(model);
    want_load(model, effects);
}

/// The tour goes on when the person has done what it says.
fn follow_tour(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(tour) = model.ui.tour else { return };
    model.ui.tour = tour.after(model);
    if model.ui.tour.is_none() {
        fit(model, model.ui.terminal, effects);
        toast(model, ToastLevel::Done, tour::FAREWELL.to_owned(), effects);
    }
}

/// The tour ends because the person wants no more of it.
pub(super) fn end_tour(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.ui.tour.take().is_some() {
        fit(model, model.ui.terminal, effects);
    }
}

fn woken(model: &mut Model, timer: Timer, effects: &mut Vec<Effect>) {
    match timer {
        Timer::Settle(number) => match model.ui.queue.settling {
            Some(Settling { timer, behind: Behind::Page }) if timer == number => queue::rested(model, effects),
            Some(Settling { timer, behind: Behind::Details }) if timer == number => queue::settle(model, effects),
            _ => {} // the cursor has moved since, or the answer is on its way
        },
        Timer::Toast(number) if model.ui.timer >= number => clear_toast(model, number),
        Timer::Reload => {
            model.ui.loading.last_change = Some(model.ui.monotonic);
            want_load(model, effects);
        }
        Timer::Search(number) => search::due(model, number, effects),
        Timer::Retry(number) => asking::retry_comes_closer(model, number, effects),
        Timer::Toast(_) | Timer::Review(_) | Timer::Minute => {}
    }
}

/// Tells the person something for a while.
fn toast(model: &mut Model, level: ToastLevel, text: String, effects: &mut Vec<Effect>) {
    let number = model.ui.next_timer();
    model.ui.toast = Some(Toast { text, level, number });
    effects.push(Effect::Wake(TOAST_FOR, Timer::Toast(number)));
}

/// Says the next thing that waits to be said: one after the other, and nothing while something lies above the panes.
fn next_notice(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.ui.toast.is_none()
        && model.ui.overlay.is_none()
        && let Some(text) = model.ui.notices.pop_front()
    {
        toast(model, ToastLevel::Refused, text, effects);
    }
}

fn clear_toast(model: &mut Model, number: u64) {
    if model.ui.toast.as_ref().is_some_and(|toast| toast.number == number) {
        model.ui.toast = None;
    }
}

/// The store changed: load at once if the last such load is long enough ago, else when it will be.
fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.ui.monotonic;
    match model.ui.loading.last_change {
        Some(last) if now < last => {} // a reload is already scheduled
        Some(last) if now - last < RELOAD_EVERY => {
            let due = last + RELOAD_EVERY;
            model.ui.loading.last_change = Some(due);
            effects.push(Effect::Wake(due - now, Timer::Reload));
        }
        _ => {
            model.ui.loading.last_change = Some(now);
            want_load(model, effects);
        }
    }
}

/// Loads what is visible now, or as soon as the load under way has come back.
pub(super) fn want_load(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.ui.loading.in_flight {
        model.ui.loading.wanted = true;
        return;
    }
    model.ui.loading.in_flight = true;
    model.ui.loading.wanted = false;
    model.ui.loading.generation += 1;
    let query = query(model);
    let sop = match query.detail {
        Some(incident) => model.ui.sop.chosen.get(&incident).cloned(),
        None => model.ui.sop.browsing.clone(),
    };
    effects.push(Effect::Load { generation: model.ui.loading.generation, query, sop });
}

fn query(model: &Model) -> SnapshotQuery {
    let ui = &model.ui;
    let (anchor, limit) = queue::window(model);
    // While the cursor moves the details stay with the incident that they belong to.
    let detail = match ui.queue.settling {
        Some(Settling { behind: Behind::Page | Behind::Details, .. }) => {
            model.facts.detail().map(|detail| detail.record.incident.id)
        }
        Some(Settling { behind: Behind::Answer, .. }) | None => ui.queue.selected,
    };
    let output = model
        .shown_attempt()
        .filter(|attempt| Some(attempt.incident) == detail)
        .map(|attempt| OutputQuery { attempt: attempt.id, tail_bytes: OUTPUT_TAIL });
    SnapshotQuery {
        queue: QueueQuery {
            queue: ui.queue.queue,
            filter: ui.queue.filter.clone(),
            anchor,
            limit,
            pinned: ui.queue.selected,
            resolved_since: ui.now.minus(ui.settings.show_resolved_for),
        },
        detail,
        alert: detail.and_then(|incident| ui.sop.alerts.get(&incident).cloned()),
        output,
        chat: Some(ChatQuery { conversation: chat::conversation(model), limit: chat::MESSAGES }),
        quarantined: if overlay::shows_sources(model) { pages::QUARANTINED } else { 0 },
    }
}

fn loaded(model: &mut Model, generation: u64, result: Result<Box<Loaded>, BackendError>, effects: &mut Vec<Effect>) {
    if generation != model.ui.loading.generation {
        return;
    }
    model.ui.loading.in_flight = false;
    match result {
        Ok(loaded) => {
            model.ui.trouble = None;
            let attempt_before = model.shown_attempt().map(|attempt| attempt.id);
            let turn_before = steer::turn(model);
            let incident_before = model.facts.detail().map(|detail| detail.record.incident.id);
            let before = std::mem::replace(&mut model.facts.snapshot, loaded.snapshot);
            overlay::tell_restored(model, before.restored.is_some());
            tell_trouble(model, before.trouble.as_ref(), effects);
            tell_policy(model, &before.policy, effects);
            tell_health(model, &before.header.sources, effects);
            (model.facts.sop, model.facts.sop_trouble) = match loaded.sop {
                Ok(sop) => (sop, None),
                Err(error) => (None, Some(error.to_string())),
            };
            if !model.ui.loading.wanted {
                queue::answered(model);
            }
            let first_load = queue::follow_selection(model, effects);
            let incident_now = model.facts.detail().map(|detail| detail.record.incident.id);
            if incident_before != incident_now {
                model.ui.output.attempt = None;
                model.ui.output.up = 0;
                (model.ui.output.found, model.ui.output.sought) = (None, None);
            }
            concern::follow(model, incident_before, effects);
            output::follow(model, before.output.as_ref());
            if incident_before == incident_now {
                tell_end(model, before.detail.as_ref(), effects);
            }
            let attempt_now = model.shown_attempt().map(|attempt| attempt.id);
            // Details of a first selection and the output of a new attempt need a second question.
            if first_load || (attempt_now.is_some() && attempt_now != attempt_before) {
                model.ui.loading.wanted = true;
            }
            sop::follow_document(model);
            sop::arrive(model, effects);
            if incident_before == incident_now {
                steer::follow_turn(model, turn_before);
            }
            steer::refresh(model);
            wider::refresh(model);
            overlay::refresh(model);
            overlay::proposal_gone(model, effects);
            editing::refresh(model, effects);
            looking::refresh(model);
            returning::go_on(model, effects);
        }
        Err(error) => {
            model.ui.trouble = Some(error.to_string());
            queue::answered(model);
        }
    }
    if model.ui.loading.wanted {
        want_load(model, effects);
    }
}

/// A long document has been read; that of an older question is not the one that is wanted now.
fn opened(
    model: &mut Model,
    generation: u64,
    result: Result<Arc<SopDocument>, BackendError>,
    effects: &mut Vec<Effect>,
) {
    if generation != model.ui.loading.generation {
        return;
    }
    (model.facts.sop, model.facts.sop_trouble) = match result {
        Ok(sop) => (Some(sop), None),
        Err(error) => (None, Some(error.to_string())),
    };
    sop::follow_document(model);
    sop::arrive(model, effects);
    overlay::refresh(model);
    returning::go_on(model, effects);
}

/// Says at once that alerts are not stored, or that they are again.
fn tell_trouble(model: &mut Model, before: Option<&Trouble>, effects: &mut Vec<Effect>) {
    let effect = |trouble: &Trouble| trouble.effect;
    let now = model.facts.snapshot.trouble.as_ref();
    if now.map(effect) == before.map(effect) {
        return;
    }
    let key = model.ui.keymap.key_for(Context::Incidents, Intent::Sources);
    let key = key.map(|key| format!(" ({key} shows more)")).unwrap_or_default();
    let (level, text) = match now {
        Some(trouble) => {
            let what = match trouble.effect {
                TroubleEffect::Refused => "Alerts are refused with 503, since they cannot be stored",
                TroubleEffect::NotReceiving => "This console receives no alerts any more, since they cannot be stored",
            };
            (ToastLevel::Refused, format!("{what}{key}: {}", trouble.why))
        }
        None => (ToastLevel::Done, "Alerts are stored again.".to_owned()),
    };
    toast(model, level, text, effects);
}

/// Says at once that the policy broke, changed or is mended. What it was at the start is told by whoever started.
fn tell_policy(model: &mut Model, before: &PolicyState, effects: &mut Vec<Effect>) {
    let now = &model.facts.snapshot.policy;
    if before.hash.is_empty() || before == now {
        return;
    }
    let (level, text) = match (before.complaints.is_empty(), now.complaints.first()) {
        (_, Some(complaint)) => (ToastLevel::Refused, complaint.clone()),
        (false, None) => (ToastLevel::Done, "The policy counts again.".to_owned()),
        (true, None) => (ToastLevel::Done, "The policy changed; what waits is judged by the new one.".to_owned()),
    };
    toast(model, level, text, effects);
}

/// Says how an attempt ended whose output is not on the screen.
fn tell_end(model: &mut Model, before: Option<&Detail>, effects: &mut Vec<Effect>) {
    let (Some(before), Some(now)) = (before, model.facts.detail()) else { return };
    let known = |attempt: &Attempt| {
        before
            .record
            .attempts
            .iter()
            .any(|then| then.id == attempt.id && matches!(then.state, AttemptState::Ended { .. }))
    };
    let ended = now.record.attempts.iter().find_map(|attempt| match &attempt.state {
        AttemptState::Ended { outcome, .. } if !known(attempt) => Some((attempt.id, outcome)),
        _ => None,
    });
    let Some((id, outcome)) = ended else { return };
    let is_open = model.layout().is_some_and(|layout| layout.output.is_some()) && model.ui.overlay.is_none();
    if is_open && model.shown_attempt().is_some_and(|attempt| attempt.id == id) {
        return;
    }
    let key = model.ui.keymap.key_for(keys::pane_context(model), Intent::FocusOutput);
    let key = key.map(|key| format!("; {key} shows the output")).unwrap_or_default();
    let level = if outcome.succeeded() { ToastLevel::Done } else { ToastLevel::Refused };
    let text = format!("Attempt {id}: {}{key}.", outcome.label());
    if model.ui.overlay.is_some() {
        model.ui.notices.push_back(text);
    } else {
        toast(model, level, text, effects);
    }
}

/// Says what became of a source, unless something else is being said: the header shows it in any case.
fn tell_health(model: &mut Model, before: &[SourceHealth], effects: &mut Vec<Effect>) {
    if model.ui.toast.is_some() {
        return;
    }
    let bad = |state| matches!(state, HealthState::Down | HealthState::Degraded);
    let started = model.ui.started;
    let changed = model.facts.snapshot.header.sources.iter().find_map(|now| {
        let then = before.iter().find(|then| then.source == now.source && then.channel == now.channel)?;
        // What an earlier console has noted says nothing when the console has only been started anew.
        let here = started.is_none_or(|started| then.at >= started || now.at.since(started) >= FIRST_LOOK);
        let seen = here || now.at.since(then.at) >= LONGER_THAN_A_RESTART;
        (then.state != now.state && (bad(now.state) || bad(then.state) && seen)).then(|| (now.clone(), now.state))
    });
    let Some((source, state)) = changed else { return };
    let key = model.ui.keymap.key_for(Context::Incidents, Intent::Sources);
    let name = format!("{} {}", source.source, source.channel);
    let (level, text) = match state {
        HealthState::Ok => (ToastLevel::Done, format!("{name} works again.")),
        HealthState::Waiting => (ToastLevel::Done, format!("{name} listens again; nothing has come yet.")),
        HealthState::Degraded | HealthState::Down => {
            let word = if state == HealthState::Down { "down" } else { "degraded" };
            let why = key.map(|key| format!(" ({key} shows why)")).unwrap_or_default();
            (ToastLevel::Refused, format!("{name} is {word}{why}: {}", source.detail))
        }
    };
    toast(model, level, text, effects);
}

fn answered(model: &mut Model, asked: Asked, result: Result<Done, BackendError>, effects: &mut Vec<Effect>) {
    match (asked, result) {
        (Asked::Propose(request), Err(BackendError::NeedsValues(needed))) => {
            overlay::ask_values(model, request, needed);
        }
        (Asked::LookUp(of), result) => looking::answered(model, of, result, effects),
        (Asked::Edit(from), result) => editing::answered(model, from, result, effects),
        (_, Err(BackendError::AwaitsSecond { first })) => {
            if matches!(&model.ui.overlay, Some(Overlay::Review(review)) if review.sent) {
                model.ui.overlay = None;
            }
            let text = format!("Approved by {first}. It waits in the tray for a second person; nothing runs before.");
            toast(model, ToastLevel::Done, text, effects);
        }
        (asked, Err(error)) => {
            if asked == Asked::Approve {
                overlay::approval_failed(model);
            }
            if asked == Asked::Sop {
                workbench::written(model, false);
            }
            toast(model, ToastLevel::Refused, error.to_string(), effects);
        }
        (_, Ok(done)) => {
            let text = match done {
                Done::Incident(said) => Some(said),
                Done::Proposed(proposal) => {
                    let key = model.approvals_key();
                    Some(format!("Proposed, risk {}. {key} opens the review.", proposal.spec.risk.name()))
                }
                Done::Started(attempt) => {
                    if let Some(Overlay::Review(review)) = &model.ui.overlay
                        && review.sent
                    {
                        let back = review.back;
                        model.ui.overlay = None;
                        overlay::go_back(model, back);
                    }
                    model.ui.output.attempt = Some(attempt);
                    model.ui.output.up = 0;
                    Some(format!("Approved. Attempt {attempt} started."))
                }
                Done::Revoked => Some("Revoked: from now on each of those commands asks you again.".to_owned()),
                Done::Rejected => Some("Rejected. Nothing was run.".to_owned()),
                Done::Run(said) => Some(said),
                Done::Checked(attempt) => {
                    Some(format!("Noted what you saw of attempt {attempt}. The step can be proposed again."))
                }
                Done::Sop(said) => {
                    workbench::written(model, true);
                    Some(said)
                }
                Done::Cancelling => Some("Asked it to end: TERM now, KILL after its grace period.".to_owned()),
            };
            if let Some(text) = text {
                toast(model, ToastLevel::Done, text, effects);
            }
        }
    }
    want_load(model, effects);
}

/// Starts the timer after which what is `behind` follows the cursor.
pub(super) fn settle_later(model: &mut Model, behind: Behind, effects: &mut Vec<Effect>) {
    let timer = model.ui.next_timer();
    model.ui.queue.settling = Some(Settling { timer, behind });
    let after = match behind {
        Behind::Page | Behind::Answer => SETTLE_AFTER,
        Behind::Details => DETAILS_AFTER_JUMP,
    };
    effects.push(Effect::Wake(after, Timer::Settle(timer)));
}

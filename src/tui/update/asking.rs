//! Asking: the question that is typed, what would be sent, the answer on its way.
//!
//! Invariants: one question at a time; a question stays in its field until it is on its way, so that nothing typed is
//! lost; where the person has to see the bytes first, nothing is answered before they were on the screen for a while;
//! messages of an older question are dropped. Does not: know who answers.

use std::time::Duration;

use crossterm::event::KeyEvent;

use super::{chat, keys, search};
use crate::domain::chat::{Author, Conversation, thoughts};
use crate::domain::id::RunId;
use crate::domain::sop::tree::Direction;
use crate::engine::ask::{AnswerEvent, Ask, Prepared, PreparedId, Preview, Route};
use crate::engine::backend::{AlertRow, BackendError};
use crate::tui::chat::draft::{LONGEST, TooLong, Typed};
use crate::tui::chat::preview::{PreviewPage, READ};
use crate::tui::chat::view::{Asked, Follow, Look, Mode, Phase, Turn};
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::{ChatEffect, ChatMsg, Effect, Timer};
use crate::tui::ui::{Model, Overlay, ToastLevel};
use crate::tui::update;

/// The time until a model is asked again is shown in seconds.
const SECOND: Duration = Duration::from_secs(1);

/// A key while a question is typed.
pub(super) fn typed(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    model.ui.toast = None;
    match intent {
        Some(Intent::Send) => send(model, Look::No, effects),
        Some(Intent::LookFirst) => send(model, Look::First, effects),
        Some(Intent::Cancel) => stop(model, effects),
        Some(Intent::Search) => search::open(model, "", effects),
        Some(Intent::Back) => model.ui.chat.mode = Mode::Reading,
        Some(Intent::NextPane) => leave(model, Direction::Forward),
        Some(Intent::PreviousPane) => leave(model, Direction::Backward),
        Some(Intent::Newline) => {
            let done = model.ui.chat.draft_mut().newline();
            taken(model, done, effects);
        }
        _ => match model.ui.chat.draft_mut().key(&key) {
            Ok(Typed::Here) => {}
            Ok(Typed::Above) => recall(model, Direction::Backward),
            Ok(Typed::Below) => recall(model, Direction::Forward),
            Err(too_long) => taken(model, Err(too_long), effects),
        },
    }
}

fn leave(model: &mut Model, direction: Direction) {
    model.ui.chat.mode = Mode::Reading;
    model.ui.focus = keys::next_pane(model, direction);
}

/// Text was pasted into the question: it is text, whatever is in it.
pub(super) fn pasted(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let done = model.ui.chat.draft_mut().paste(text);
    taken(model, done, effects);
}

fn taken(model: &mut Model, done: Result<(), TooLong>, effects: &mut Vec<Effect>) {
    if done.is_err() {
        let text = format!("Not taken: a question has at most {} kB. Paste the part that matters.", LONGEST / 1024);
        super::toast(model, ToastLevel::Refused, text, effects);
    }
}

/// Shows an earlier or later question of this conversation.
fn recall(model: &mut Model, direction: Direction) {
    let conversation = model.ui.chat.conversation;
    let history = model.facts.snapshot.chat.as_ref().filter(|history| history.conversation == conversation);
    let messages = history.map_or(&[][..], |history| &history.messages);
    let mine = messages.iter().filter(|message| matches!(message.author, Author::Person { .. }));
    let questions: Vec<String> = mine.map(|message| message.text.clone()).collect();
    model.ui.chat.draft_mut().recall(&questions, direction);
}

fn key(model: &Model, context: Context, intent: Intent) -> String {
    model.ui.keymap.key_for(context, intent).unwrap_or_default()
}

/// Sends the question that was typed on its way: first what would leave this machine is built.
fn send(model: &mut Model, look: Look, effects: &mut Vec<Effect>) {
    let question = model.ui.chat.draft().map(|draft| draft.text().trim().to_owned()).unwrap_or_default();
    if question.is_empty() {
        let text = "Nothing to send yet: type a question.".to_owned();
        return super::toast(model, ToastLevel::Refused, text, effects);
    }
    if let Some(Turn { phase: Phase::Looking(prepared), .. }) = &mut model.ui.chat.turn {
        // It was prepared while something else lay above the panes; what was typed may have changed since.
        if let Some((id, preview)) =
            prepared.take().filter(|_| model.ui.chat.turn_here().is_some_and(|turn| turn.question == question))
        {
            return show(model, id, *preview);
        }
        model.ui.chat.turn = None;
    }
    if !is_free(model, effects) {
        return;
    }
    let conversation = model.ui.chat.conversation;
    // The SOP on the screen goes along only if it belongs to what is asked about.
    let shown =
        model.facts.detail().map_or(Conversation::General, |detail| Conversation::Incident(detail.record.incident.id));
    let document = model.facts.sop.as_ref().filter(|_| shown == conversation);
    let node = document.and_then(|document| document.procedure.nodes.get(model.ui.sop.cursor));
    let ask = Ask {
        conversation,
        question: question.clone(),
        sop: document.map(|document| document.procedure.sop.clone()),
        node: node.map(|node| node.id.clone()),
        alert: concern::alert(model).filter(|_| shown == conversation).map(AlertRow::key),
    };
    let number = begin(model, conversation, question, Asked::Typed, look);
    effects.push(Effect::Chat(ChatEffect::Prepare { number, ask }));
}

/// Asks how a run is to go on. What would be sent is shown first, always: one key must not cost money.
pub(super) fn ask_for_run(model: &mut Model, run: RunId, effects: &mut Vec<Effect>) {
    if !is_free(model, effects) {
        return;
    }
    let conversation = model.ui.chat.conversation;
    let question = format!("How should run {run} go on? Suggest changes of its plan.");
    let number = begin(model, conversation, question, Asked::ForRun(run), Look::First);
    effects.push(Effect::Chat(ChatEffect::PrepareSuggestions { number, run }));
}

/// Whether another question can be asked now; says why not.
fn is_free(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    let stop = key(model, Context::Ask, Intent::Cancel);
    let on_its_way = || format!("An answer is still on its way. Wait for its end, or stop it first ({stop}).");
    let busy = model.ui.chat.turn.as_ref().is_some_and(|turn| turn.phase.is_busy());
    match busy_elsewhere(model).or_else(|| busy.then(on_its_way)) {
        Some(text) => {
            super::toast(model, ToastLevel::Refused, text, effects);
            false
        }
        None => true,
    }
}

/// A question goes on its way; its number.
fn begin(model: &mut Model, conversation: Conversation, question: String, asked: Asked, look: Look) -> u64 {
    model.ui.chat.asked += 1;
    model.ui.chat.follow = Follow::End;
    let history = model.facts.snapshot.chat.as_ref().filter(|history| history.conversation == conversation);
    // The answer before may not have been loaded yet.
    let last = history.and_then(|history| history.messages.last()).map(|message| message.id);
    let before = model.ui.chat.turn_here().and_then(|turn| turn.finished.as_ref()).map(|message| message.id);
    let after = last.max(before);
    let number = model.ui.chat.asked;
    let (text, thoughts) = (String::new(), String::new());
    let (phase, model_name, fallback) = (Phase::Preparing, None, None);
    model.ui.chat.turn = Some(Turn {
        number,
        conversation,
        question,
        asked,
        at: model.ui.now,
        after,
        look,
        phase,
        model: model_name,
        fallback,
        text,
        thoughts,
        broken: None,
        finished: None,
    });
    number
}

/// Something was heard about a question.
pub(super) fn heard(model: &mut Model, msg: ChatMsg, effects: &mut Vec<Effect>) {
    let number = model.ui.chat.turn.as_ref().filter(|turn| turn.phase.is_busy()).map(|turn| turn.number);
    take(model, msg, effects);
    let over = model.ui.chat.turn.as_ref().filter(|turn| Some(turn.number) == number && !turn.phase.is_busy());
    let Some(conversation) = over.map(|turn| turn.conversation) else { return };
    let shown = model.layout().is_some_and(|layout| layout.chat.is_some()) && model.ui.overlay.is_none();
    if !shown || conversation != model.ui.chat.conversation {
        let key = key(model, update::pane_context(model), Intent::FocusChat);
        let text = match conversation == model.ui.chat.conversation {
            true => format!("The answer {} has come to its end: {key} shows it.", about(conversation)),
            false => format!("The answer {} has come to its end: its own chat shows it.", about(conversation)),
        };
        model.ui.notices.push_back(text);
    }
}

fn take(model: &mut Model, msg: ChatMsg, effects: &mut Vec<Effect>) {
    let current = |model: &Model, number: u64| model.ui.chat.turn.as_ref().is_some_and(|turn| turn.number == number);
    match msg {
        ChatMsg::Coloured { job, colouring } => {
            let chat = &mut model.ui.chat;
            chat.colours.learn(job.clone(), colouring);
            chat.transcript.recolour(&job, &chat.colours);
        }
        ChatMsg::Prepared { number, result } if current(model, number) => prepared(model, result, effects),
        ChatMsg::Came { number, events } if current(model, number) => {
            for event in events {
                came(model, event, effects);
            }
        }
        ChatMsg::Failed { number, error } if current(model, number) => failed(model, &error, effects),
        ChatMsg::Ended { number } if current(model, number) => {
            if let Some(turn) = model.ui.chat.turn.as_mut().filter(|turn| turn.phase.is_busy()) {
                let why = "No answer: it ended without a word. Ask again; the log file may say why.";
                turn.phase = Phase::Over(Some(why.to_owned()));
            }
        }
        // Of a question that was given up.
        ChatMsg::Prepared { .. } | ChatMsg::Came { .. } | ChatMsg::Failed { .. } | ChatMsg::Ended { .. } => {}
    }
}

fn prepared(model: &mut Model, result: Result<Prepared, BackendError>, effects: &mut Vec<Effect>) {
    let elsewhere = model.ui.overlay.is_some() || keys::types_in_a_pane(model);
    let Some(turn) = model.ui.chat.turn.as_mut().filter(|turn| matches!(turn.phase, Phase::Preparing)) else { return };
    match result {
        Err(error) => {
            model.ui.chat.turn = None;
            super::toast(model, ToastLevel::Refused, error.to_string(), effects);
        }
        Ok(Prepared { id, route: Route::Local { why } }) => {
            let look = turn.look;
            let typed = turn.asked == Asked::Typed;
            turn.fallback = Some(why);
            if look == Look::First && typed {
                let text = "Nothing is sent: no model is asked, the answer comes from SOPs and history.".to_owned();
                super::toast(model, ToastLevel::Done, text, effects);
            }
            answer(model, id, effects);
        }
        Ok(Prepared { id, route: Route::Model(preview) }) => {
            turn.model = Some(preview.model.clone());
            if !preview.first_ever && turn.look == Look::No {
                return answer(model, id, effects);
            }
            if !elsewhere {
                return show(model, id, *preview);
            }
            // Nothing but a person's key puts something above what they look at.
            turn.phase = Phase::Looking(Some((id, preview)));
            let send = key(model, Context::Ask, Intent::Send);
            let text = format!("The question is ready: {send} in its field shows what would be sent.");
            model.ui.notices.push_back(text);
        }
    }
}

/// Shows what would be sent.
fn show(model: &mut Model, id: PreparedId, preview: Preview) {
    let page = PreviewPage::new(id, preview, chat::preview_paper(model));
    if let Some(turn) = &mut model.ui.chat.turn {
        turn.phase = Phase::Looking(None);
    }
    model.ui.toast = None;
    model.ui.overlay = Some(Overlay::Preview(Box::new(page)));
}

/// The question goes on its way, and its field becomes empty.
fn answer(model: &mut Model, id: PreparedId, effects: &mut Vec<Effect>) {
    let Some(turn) = &mut model.ui.chat.turn else { return };
    turn.phase = Phase::Asking;
    let (number, conversation) = (turn.number, turn.conversation);
    let typed = turn.asked == Asked::Typed;
    let sent = model.ui.chat.drafts.get(&conversation).is_some_and(|draft| draft.text().trim() == turn.question);
    if sent && typed {
        model.ui.chat.drafts.remove(&conversation);
    }
    effects.push(Effect::Chat(ChatEffect::Answer { number, id }));
}

fn came(model: &mut Model, event: AnswerEvent, effects: &mut Vec<Effect>) {
    let now = model.ui.monotonic;
    let Some(turn) = model.ui.chat.turn.as_mut().filter(|turn| turn.phase.is_busy()) else { return };
    match event {
        AnswerEvent::Retrying { seconds, why } => {
            turn.phase = Phase::Retrying { at: now + Duration::from_secs(seconds), why };
            effects.push(Effect::Wake(SECOND, Timer::Retry(turn.number)));
        }
        AnswerEvent::Thought(thought) => {
            turn.phase = Phase::Thinking;
            thoughts::add(&mut turn.thoughts, &thought);
        }
        AnswerEvent::Text(text) => {
            turn.phase = Phase::Answering;
            turn.text.push_str(&text);
        }
        AnswerEvent::Broken(message) => {
            turn.text.clear();
            turn.broken = Some(*message);
        }
        AnswerEvent::Fallback { why } => {
            turn.phase = Phase::Answering;
            turn.text.clear();
            turn.thoughts.clear();
            turn.fallback = Some(why);
        }
        AnswerEvent::Done(message) => {
            turn.phase = Phase::Over(None);
            turn.finished = Some(*message);
            if let Asked::ForRun(run) = turn.asked {
                let key = key(model, Context::Sop, Intent::SteerRun);
                let text = format!(
                    "The answer for run {run} is there: {key} at the SOP shows what is suggested, if anything."
                );
                model.ui.notices.push_back(text);
            }
            super::want_load(model, effects);
        }
        AnswerEvent::Lost { why } => {
            turn.phase = Phase::Over(Some(why));
            super::want_load(model, effects);
        }
    }
}

/// A second less until a model is asked again.
pub(super) fn retry_comes_closer(model: &Model, number: u64, effects: &mut Vec<Effect>) {
    let Some(turn) = model.ui.chat.turn.as_ref().filter(|turn| turn.number == number) else { return };
    if matches!(turn.phase, Phase::Retrying { at, .. } if at > model.ui.monotonic) {
        effects.push(Effect::Wake(SECOND, Timer::Retry(number)));
    }
}

/// The question could not be answered: it comes back into its field.
fn failed(model: &mut Model, error: &BackendError, effects: &mut Vec<Effect>) {
    let Some(turn) = model.ui.chat.turn.take() else { return };
    if turn.asked != Asked::Typed {
        super::toast(model, ToastLevel::Refused, error.to_string(), effects);
        return super::want_load(model, effects);
    }
    let draft = model.ui.chat.drafts.entry(turn.conversation).or_default();
    // What was typed since is kept behind it: nothing that a person typed is thrown away.
    let since = draft.text();
    let both = if draft.is_empty() { turn.question } else { format!("{}\n{since}", turn.question) };
    draft.set(&both);
    super::toast(model, ToastLevel::Refused, error.to_string(), effects);
    super::want_load(model, effects);
}

/// That the one answer at a time is on its way in another conversation than the one that is shown, and what to do.
fn busy_elsewhere(model: &Model) -> Option<String> {
    let chat = &model.ui.chat;
    let turn = chat.turn.as_ref().filter(|turn| turn.phase.is_busy() && turn.conversation != chat.conversation)?;
    let (about, stop) = (about(turn.conversation), key(model, Context::Chat, Intent::Cancel));
    Some(format!("The answer {about} is still on its way. Wait for its end, or stop it in its own chat ({stop})."))
}

/// `for #6`: what a conversation is about, within a sentence.
fn about(conversation: Conversation) -> String {
    conversation.incident().map_or_else(|| "without an incident".to_owned(), |incident| format!("for #{incident}"))
}

/// Stops the answer on its way in the conversation that is shown; never that of another one.
pub(super) fn stop(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(text) = busy_elsewhere(model) {
        return super::toast(model, ToastLevel::Refused, text, effects);
    }
    match model.ui.chat.turn.as_mut().filter(|turn| turn.phase.is_busy()) {
        None => {
            let text = "No answer is on its way, so that there is nothing to stop.".to_owned();
            super::toast(model, ToastLevel::Refused, text, effects);
        }
        Some(turn) if !turn.phase.is_asked() => model.ui.chat.turn = None,
        Some(turn) => {
            turn.phase = Phase::Stopped;
            effects.push(Effect::Chat(ChatEffect::Stop));
        }
    }
}

/// A key while what would be sent is shown.
pub(super) fn in_preview(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let (now, size) = (model.ui.monotonic, model.ui.size);
    let Some(Overlay::Preview(page)) = &mut model.ui.overlay else { return };
    let rows = chat::preview_rows(size, page);
    let last = page.len().saturating_sub(rows);
    if let Some(edit) = &mut page.editing {
        match intent {
            Some(Intent::Back) => page.editing = None,
            Some(Intent::Open) => {
                let words = edit.take();
                page.editing = None;
                if !words.is_empty() {
                    page.look_for(&words);
                }
                look(model, Direction::Forward, rows, effects);
            }
            _ => {
                edit.handle(&key);
            }
        }
        return;
    }
    let by = rows.max(2) - 1;
    page.top = match intent {
        Some(Intent::Send) => return send_shown(model, now, effects),
        Some(Intent::Back) => {
            model.ui.overlay = None;
            let turn = model.ui.chat.turn.take();
            let typed = turn.is_none_or(|turn| turn.asked == Asked::Typed);
            let text =
                if typed { "Nothing was sent. The question is still in its field." } else { "Nothing was sent." };
            let text = text.to_owned();
            return super::toast(model, ToastLevel::Done, text, effects);
        }
        Some(Intent::Filter) => {
            page.editing = Some(LineEdit::default());
            return;
        }
        Some(Intent::FindNext) => return look(model, Direction::Forward, rows, effects),
        Some(Intent::FindPrevious) => return look(model, Direction::Backward, rows, effects),
        Some(Intent::Down) => page.top + 1,
        Some(Intent::Up) => page.top.saturating_sub(1),
        Some(Intent::PageDown | Intent::HalfPageDown) => page.top + by,
        Some(Intent::PageUp | Intent::HalfPageUp) => page.top.saturating_sub(by),
        Some(Intent::Top) => 0,
        Some(Intent::Bottom) => last,
        _ => page.top,
    }
    .min(last);
}

fn look(model: &mut Model, direction: Direction, rows: usize, effects: &mut Vec<Effect>) {
    let Some(Overlay::Preview(page)) = &mut model.ui.overlay else { return };
    if page.find.is_empty() || page.look(direction, rows) {
        return;
    }
    let text = format!("\"{}\" is not in what would be sent", page.find);
    super::toast(model, ToastLevel::Refused, text, effects);
}

fn send_shown(model: &mut Model, now: Duration, effects: &mut Vec<Effect>) {
    let Some(Overlay::Preview(page)) = &model.ui.overlay else { return };
    if page.shown_at.is_none_or(|at| now.saturating_sub(at) < READ) {
        let text = "Too early: it was hardly on the screen yet. Look at it, then press again.".to_owned();
        return super::toast(model, ToastLevel::Refused, text, effects);
    }
    let id = page.id;
    model.ui.overlay = None;
    answer(model, id, effects);
}

//! Copying what is under the cursor: what of it, and what the person has to know about it.
//!
//! Invariants: a text is copied as it is, byte for byte; what could surprise whoever pastes it is said. Nothing is copied
//! that was not asked for. Does not: reach the clipboard (see `terminal::clipboard`).

use crate::domain::chat::{Author, ChatMessage};
use crate::domain::excerpt;
use crate::domain::id::MessageId;
use crate::domain::procedure::NodeKind;
use crate::domain::sop::tree;
use crate::domain::text::visible;
use crate::tui::chat::transcript::Key;
use crate::tui::chat::view::{Follow, What};
use crate::tui::concern;
use crate::tui::layout::Pane;
use crate::tui::msg::{Copied, Copy, Effect};
use crate::tui::ui::{Model, ToastLevel};

/// Copies what is under the cursor of the pane in focus.
pub(super) fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let found = match model.ui.focus {
        Pane::Incidents => incident(model),
        Pane::Sop => step(model),
        Pane::Output => output(model),
        Pane::Chat => chat(model),
    };
    match found {
        Ok(copy) => effects.push(Effect::Copy(copy)),
        Err(why) => super::toast(model, ToastLevel::Refused, why.to_owned(), effects),
    }
}

/// The text has been sent to the terminal and to the file, or not.
pub(super) fn copied(model: &mut Model, copied: Copied, effects: &mut Vec<Effect>) {
    let Copied { copy, sent, file } = copied;
    let size = match copy.text.len() {
        1 => "1 byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    let what = &copy.what;
    let (level, text) = match (sent, file) {
        (true, Ok(path)) => {
            (ToastLevel::Done, format!("Copied {what}, {size}; if your terminal refuses: {}", path.display()))
        }
        (true, Err(error)) => (ToastLevel::Done, format!("Sent {what}, {size}, to your terminal's clipboard. {error}")),
        (false, Ok(path)) => {
            let why = "too long for a clipboard over the terminal, or the terminal has none";
            (ToastLevel::Done, format!("Copied {what}, {size}, into {} ({why})", path.display()))
        }
        (false, Err(error)) => {
            (ToastLevel::Refused, format!("Not copied: {what} cannot go to this terminal, and {error}"))
        }
    };
    let warning = copy.warning.or_else(|| danger(&copy.text));
    // First what must not be missed on a narrow screen.
    let text = warning.map_or_else(|| text.clone(), |warning| format!("{warning} {text}"));
    super::toast(model, level, text, effects);
}

/// What could surprise whoever pastes `text`.
fn danger(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let spelled = |c: char| !matches!(c, '\n' | '\t' | '\\') && visible(c.encode_utf8(&mut [0; 4])) != c.to_string();
    let hidden = text.chars().filter(|c| spelled(*c)).count();
    let breaks = text.trim_end_matches('\n').matches('\n').count() + usize::from(text.ends_with('\n'));
    let hidden = (hidden > 0).then(|| format!("{hidden} hidden or control characters"));
    let breaks = (breaks > 0).then(|| format!("{breaks} line break{}", if breaks == 1 { "" } else { "s" }));
    let parts: Vec<String> = hidden.into_iter().chain(breaks).collect();
    (!parts.is_empty()).then(|| format!("Careful when you paste: {}.", parts.join(" and ")))
}

/// Title, number and labels.
fn incident(model: &Model) -> Result<Copy, &'static str> {
    let selected = model.ui.queue.selected.ok_or("No incident is selected, so that there is nothing to copy.")?;
    let detail = model.facts.detail().filter(|detail| detail.record.incident.id == selected);
    let detail = detail.ok_or("The incident under the cursor is still being loaded; press again.")?;
    let mut lines = vec![detail.record.incident.title.clone(), format!("incident {selected}")];
    let labels = concern::alert(model).map(|alert| &alert.labels);
    let cut = labels.is_some_and(|labels| labels.values().any(|value| excerpt::is_cut(value)));
    lines.extend(labels.into_iter().flatten().map(|(name, value)| format!("{name}={value}")));
    let warning = cut.then(|| "A long label is cut, as on the screen.".to_owned());
    Ok(Copy { text: lines.join("\n").into_bytes(), what: format!("incident {selected}"), warning })
}

/// The command that a proposal would take, exactly; without one, the text under the cursor.
fn step(model: &Model) -> Result<Copy, &'static str> {
    let document = model.facts.sop.as_ref().ok_or("There is no SOP on the screen to copy from.")?;
    let procedure = &document.procedure;
    let cursor = model.ui.sop.cursor;
    let command = tree::command_at(procedure, cursor).and_then(|node| procedure.nodes.get(node));
    if let Some(NodeKind::Command { script, .. }) = command.map(|node| &node.kind) {
        return Ok(Copy { text: script.clone().into_bytes(), what: "the command".to_owned(), warning: None });
    }
    let node = procedure.nodes.get(cursor).ok_or("There is nothing under the cursor to copy.")?;
    Ok(Copy { text: node.text.clone().into_bytes(), what: "the text of the step".to_owned(), warning: None })
}

/// All of the output that is loaded.
fn output(model: &Model) -> Result<Copy, &'static str> {
    let none = "There is no output yet to copy.";
    let attempt = model.shown_attempt().ok_or(none)?.id;
    let output = model.facts.snapshot.output.as_ref().filter(|output| output.attempt == attempt).ok_or(none)?;
    if output.bytes.is_empty() {
        return Err(none);
    }
    let warning = (output.start > 0).then(|| "Only the end of a long output.".to_owned());
    Ok(Copy { text: output.bytes.clone(), what: format!("the output of attempt {attempt}"), warning })
}

/// The code block under the cursor; without one, the message that is being read.
fn chat(model: &Model) -> Result<Copy, &'static str> {
    let chat = &model.ui.chat;
    let copy = |text: &str, what: &str| Copy { text: text.as_bytes().to_vec(), what: what.to_owned(), warning: None };
    if let Some(spot) = chat.cursor
        && let What::Block(number) = spot.what
        && let Some(block) = chat.transcript.entry(spot.key).and_then(|entry| entry.sheet()?.block(number))
    {
        return Ok(copy(&block.code, "the code block"));
    }
    let first_read = match chat.follow {
        Follow::End => chat.transcript.len().checked_sub(1),
        Follow::Not { .. } => Some(chat.top),
    };
    let read = first_read.and_then(|line| chat.transcript.locate(line)).map(|(key, _)| key);
    let key = chat.cursor.map(|spot| spot.key).or(read);
    match key.ok_or("There is no message yet to copy.")? {
        Key::Message(id) => {
            let message = stored(model, id)?;
            let what = if matches!(message.author, Author::Person { .. }) { "the question" } else { "the answer" };
            Ok(copy(&message.text, what))
        }
        Key::Question(_) => Ok(copy(chat.turn.as_ref().map_or("", |turn| &turn.question), "the question")),
        Key::Thoughts(_) => Ok(copy(chat.turn.as_ref().map_or("", |turn| &turn.thoughts), "the thoughts")),
        Key::ThoughtsOf(id) => Ok(copy(&stored(model, id)?.thoughts, "the thoughts")),
        Key::Answer(_) => Ok(copy(chat.turn.as_ref().map_or("", |turn| &turn.text), "the answer so far")),
        Key::Earlier => Err("Older messages are not loaded and cannot be copied here."),
    }
}

/// A message of the conversation on the screen.
fn stored(model: &Model, id: MessageId) -> Result<&ChatMessage, &'static str> {
    let history = model.facts.snapshot.chat.as_ref();
    let finished = model.ui.chat.turn.as_ref().and_then(|turn| turn.finished.as_ref());
    let mut stored = history.into_iter().flat_map(|history| &history.messages).chain(finished);
    stored.find(|message| message.id == id).ok_or("The message is still being loaded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_surprise_is_said() {
        for quiet in ["df -h", "grep '\\n' x", "a\tb", "größe 漢字"] {
            assert_eq!(danger(quiet.as_bytes()), None, "{quiet}");
        }
        assert_eq!(danger(b"a\nb\n").unwrap(), "Careful when you paste: 2 line breaks.");
        assert_eq!(danger(b"a\n").unwrap(), "Careful when you paste: 1 line break.");
        let both = danger("ls\u{1b}[2J \u{202e}x\r\ny".as_bytes()).unwrap();
        assert_eq!(both, "Careful when you paste: 3 hidden or control characters and 1 line break.");
    }
}

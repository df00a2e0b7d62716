//! Finding in the conversation: the newest place first, then onwards and back, going round at the ends.

use super::chat;
use crate::domain::sop::tree::Direction;
use crate::domain::text::visible_in;
use crate::tui::chat::find::Found;
use crate::tui::msg::Effect;
use crate::tui::sought::Sought;
use crate::tui::ui::{Model, ToastLevel};

/// Looks for a text that was typed; an empty one means the one before.
pub(super) fn look_for(model: &mut Model, words: &str, effects: &mut Vec<Effect>) {
    if !words.is_empty() {
        // A conversation is searched as it is shown.
        model.ui.chat.find = visible_in(words, model.ui.settings.repertoire).into_owned();
        (model.ui.chat.found, model.ui.chat.sought) = (None, None);
    }
    find(model, Direction::Forward, effects);
}

/// Goes to the next or previous line that contains the text.
pub(super) fn find(model: &mut Model, direction: Direction, effects: &mut Vec<Effect>) {
    let chat = &model.ui.chat;
    if chat.find.is_empty() {
        return super::toast(model, ToastLevel::Refused, "Nothing to look for: / takes a text.".to_owned(), effects);
    }
    let places = chat.transcript.find(&chat.find);
    let here = chat.found.and_then(|found| chat.transcript.position(found.key, found.line));
    let Some((line, found)) = next(&places, here, direction) else {
        let text = nowhere(model);
        return super::toast(model, ToastLevel::Refused, text, effects);
    };
    let numbers: Vec<usize> = places.iter().map(|(line, _)| *line).collect();
    let sought = Sought::among(&numbers, line, model.ui.chat.transcript.len());
    (model.ui.chat.found, model.ui.chat.sought) = (Some(found), sought);
    chat::show_line(model, line);
}

/// The place behind or before the line `here`; the last one when nothing was found yet.
fn next(places: &[(usize, Found)], here: Option<usize>, direction: Direction) -> Option<(usize, Found)> {
    let next = match (here, direction) {
        (None, _) => places.last(),
        (Some(here), Direction::Forward) => places.iter().find(|(line, _)| *line > here).or(places.first()),
        (Some(here), Direction::Backward) => places.iter().rev().find(|(line, _)| *line < here).or(places.last()),
    };
    next.copied()
}

fn nowhere(model: &Model) -> String {
    let chat = &model.ui.chat;
    let history = model.facts.snapshot.chat.as_ref().filter(|history| history.conversation == chat.conversation);
    match history.map_or(0, |history| history.earlier) {
        0 => format!("\"{}\" is not in this conversation.", chat.find),
        earlier => format!("\"{}\" is not in the messages shown; {earlier} earlier ones are not looked at.", chat.find),
    }
}

//! The chat while it is read: which conversation, scrolling, the cursor on code blocks and citations, proposing.
//!
//! Invariants: the conversation follows the queue's cursor when it rests; who has scrolled up keeps reading the same lines
//! while more arrives; at the end, an arriving answer scrolls by a third of the pane at once, because every line that is
//! scrolled repaints the pane. Does not: ask (see `asking`).

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::{chat_find, output, overlay, sop};
use crate::domain::chat::citation::Source;
use crate::domain::chat::{Conversation, blocks};
use crate::domain::id::MessageId;
use crate::domain::sop::tree::Direction;
use crate::tui::chat::CodeBlock;
use crate::tui::chat::colours::ColourJob;
use crate::tui::chat::preview::PreviewPage;
use crate::tui::chat::text::Paper;
use crate::tui::chat::transcript::{Anchor, Key, Messages};
use crate::tui::chat::view::{ChatView, Follow, GUTTER, Mode, Phase, Places, Spot, Thoughts, What};
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::{self, OutputShown, Pane};
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::{ChatEffect, CommandFrom, Effect, ProposeRequest};
use crate::tui::ui::{Going, Model, Named, Overlay, Page, ToastLevel};

/// Messages of a conversation that are loaded.
pub(super) const MESSAGES: usize = 50;

/// The conversation that belongs to what is selected; while the cursor moves, the one that is shown.
#[must_use]
pub(super) fn conversation(model: &Model) -> Conversation {
    if model.ui.queue.settling.is_some() {
        return model.ui.chat.conversation;
    }
    model.ui.queue.selected.map_or(Conversation::General, Conversation::Incident)
}

/// Where the parts of the pane stand, also when it is not shown.
#[must_use]
fn places(model: &Model) -> Option<Places> {
    let shown = model.layout().and_then(|layout| layout.chat);
    let area = shown.or_else(|| layout::compute(model.ui.size, Pane::Chat, OutputShown::No, model.ui.splits)?.chat)?;
    Some(model.ui.chat.places(area.body, model.ui.settings.repertoire))
}

/// After every message: the lines follow what there is to show, and the screen follows the lines.
pub(super) fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    let wanted = conversation(model);
    if model.ui.chat.conversation != wanted {
        let chat = &mut model.ui.chat;
        chat.drafts.retain(|_, draft| !draft.is_empty());
        (chat.conversation, chat.follow, chat.cursor, chat.mode) = (wanted, Follow::End, None, Mode::Reading);
        chat.transcript = crate::tui::chat::transcript::Transcript::default();
        (chat.found, chat.sought) = (None, None);
        chat.top = 0;
        // What is being loaded was asked for after the change.
        if !model.ui.loading.in_flight {
            super::want_load(model, effects);
        }
    }
    let Some(places) = places(model) else { return };
    let before = model.ui.chat.transcript.locate(model.ui.chat.top);
    let lines_before = model.ui.chat.transcript.len();
    lay_out(model, places);
    settle(model, places, before, lines_before);
    want_colours(model, places, effects);
    if let Some(Overlay::Preview(_)) = &model.ui.overlay {
        let paper = preview_paper(model);
        let rows = preview_height(model);
        if let Some(Overlay::Preview(page)) = &mut model.ui.overlay {
            page.refresh(paper);
            page.top = page.top.min(page.len().saturating_sub(rows));
        }
    }
}

fn lay_out(model: &mut Model, places: Places) {
    let paper = Paper {
        width: usize::from(places.lines.width.saturating_sub(GUTTER)).max(8),
        repertoire: model.ui.settings.repertoire,
    };
    // While a question is typed the key types a character.
    let thoughts_key = match model.ui.chat.mode {
        Mode::Reading => model.ui.keymap.key_for(Context::Chat, Intent::FoldThoughts),
        Mode::Typing => None,
    };
    let (zone, now) = (&model.ui.settings.zone, model.ui.now);
    let minute = |at| zone.minute_of(at, now);
    let chat = &mut model.ui.chat;
    let history = model.facts.snapshot.chat.as_ref().filter(|history| history.conversation == chat.conversation);
    let messages = Messages {
        stored: history.map_or(&[], |history| &history.messages),
        earlier: history.map_or(0, |history| history.earlier),
        turn: chat.turn.as_ref().filter(|turn| turn.conversation == chat.conversation),
        thoughts: chat.thoughts,
        thoughts_key,
        person: &model.ui.settings.person,
        minute: &minute,
    };
    chat.transcript.follow(&messages, paper, &chat.colours);
}

/// Keeps the end on the screen, or the lines that somebody reads.
fn settle(model: &mut Model, places: Places, before: Option<(Key, usize)>, lines_before: usize) {
    let height = usize::from(places.lines.height).max(1);
    let chat = &mut model.ui.chat;
    let lines = chat.transcript.len();
    let bottom = lines.saturating_sub(height);
    // The number of an answer becomes that of a message when it is stored.
    let stored = chat.turn.as_ref().and_then(|turn| Some((turn.number, turn.finished.as_ref()?.id)));
    let renamed = |key: Key| match (key, stored) {
        (Key::Answer(number), Some((turn, id))) if number == turn => Key::Message(id),
        (Key::Thoughts(number), Some((turn, id))) if number == turn => Key::ThoughtsOf(id),
        _ => key,
    };
    if let Some(spot) = &mut chat.cursor {
        spot.key = renamed(spot.key);
    }
    if let Some(found) = &mut chat.found {
        found.key = renamed(found.key);
    }
    if chat.cursor.is_some_and(|spot| chat.transcript.entry(spot.key).is_none()) {
        chat.cursor = None;
    }
    match chat.follow {
        Follow::End if lines > chat.top + height => {
            let arriving = chat.turn.as_ref().is_some_and(|turn| turn.phase.is_busy()) && lines_before > 0;
            match at_once(chat).filter(|begin| chat.top <= *begin && lines > begin + height) {
                Some(begin) => {
                    chat.top = begin;
                    chat.follow = Follow::Not { seen: begin + height };
                }
                None if arriving => chat.top = bottom + height / 3,
                None => chat.top = bottom,
            }
        }
        Follow::End if lines <= chat.top => chat.top = bottom,
        Follow::End => {}
        Follow::Not { .. } => {
            let place = before.and_then(|(key, line)| chat.transcript.position(renamed(key), line));
            chat.top = place.unwrap_or(chat.top).min(bottom);
        }
    }
}

/// Where an answer begins that comes faster than anyone reads: the program's own, which is there at once. It is read from
/// its beginning.
fn at_once(chat: &ChatView) -> Option<usize> {
    let turn = chat.turn_here().filter(|turn| turn.fallback.is_some())?;
    let stored = turn.finished.as_ref().map(|message| Key::Message(message.id));
    [stored, Some(Key::Answer(turn.number))].into_iter().flatten().find_map(|key| chat.transcript.position(key, 0))
}

/// Asks for the colours of the code on the screen.
fn want_colours(model: &mut Model, places: Places, effects: &mut Vec<Effect>) {
    if model.layout().is_none_or(|layout| layout.chat.is_none()) {
        return;
    }
    let chat = &mut model.ui.chat;
    let on_screen = chat.transcript.window(chat.top).take(usize::from(places.lines.height));
    let blocks = on_screen.filter_map(|(entry, line)| entry.sheet()?.block(line?.block?));
    let job = |block: &CodeBlock| Some(ColourJob { language: block.language?, code: block.code.clone() });
    let mut jobs: Vec<ColourJob> = blocks.filter_map(job).collect();
    jobs.dedup();
    for job in jobs {
        if chat.colours.want(&job) {
            effects.push(Effect::Chat(ChatEffect::Colour(job)));
        }
    }
}

/// What an intent means while the chat is read.
pub(super) fn intent(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    let height = places(model).map_or(1, |places| usize::from(places.lines.height).max(2));
    let (top, page) = (model.ui.chat.top, height - 1);
    match intent {
        Intent::Down => scroll_to(model, top + 1, height),
        Intent::Up => scroll_to(model, top.saturating_sub(1), height),
        Intent::PageDown => scroll_to(model, top + page, height),
        Intent::PageUp => scroll_to(model, top.saturating_sub(page), height),
        Intent::HalfPageDown => scroll_to(model, top + page.div_ceil(2), height),
        Intent::HalfPageUp => scroll_to(model, top.saturating_sub(page.div_ceil(2)), height),
        Intent::Top => scroll_to(model, 0, height),
        Intent::Bottom => scroll_to(model, usize::MAX, height),
        Intent::NextStep => go(model, Direction::Forward, Wanted::Block, height, effects),
        Intent::PreviousStep => go(model, Direction::Backward, Wanted::Block, height, effects),
        Intent::NextCitation => go(model, Direction::Forward, Wanted::Citation, height, effects),
        Intent::PreviousCitation => go(model, Direction::Backward, Wanted::Citation, height, effects),
        Intent::Filter => model.ui.chat.editing = Some(LineEdit::default()),
        Intent::FindNext => chat_find::find(model, Direction::Forward, effects),
        Intent::FindPrevious => chat_find::find(model, Direction::Backward, effects),
        Intent::Type => model.ui.chat.mode = Mode::Typing,
        Intent::Open => open(model, effects),
        Intent::Run => propose(model, effects),
        Intent::Cancel => super::asking::stop(model, effects),
        Intent::FoldThoughts => {
            model.ui.chat.thoughts = match model.ui.chat.thoughts {
                Thoughts::Folded => Thoughts::Unfolded,
                Thoughts::Unfolded => Thoughts::Folded,
            };
        }
        Intent::Back if model.ui.chat.cursor.is_some() => model.ui.chat.cursor = None,
        Intent::Back if model.ui.chat.sought.is_some() => model.ui.chat.sought = None,
        Intent::Back => model.ui.focus = Pane::Incidents,
        _ => {}
    }
}

/// Brings a line to the middle of the pane, so that what led there and what comes of it are both to be seen.
pub(super) fn show_line(model: &mut Model, line: usize) {
    let height = places(model).map_or(1, |places| usize::from(places.lines.height).max(2));
    scroll_to(model, line.saturating_sub(height / 2), height);
}

/// Puts what stands at `anchor` at the top of the pane. A message that is not loaded is not gone back to.
pub(super) fn read_from(model: &mut Model, anchor: Anchor) {
    let Some(line) = model.ui.chat.transcript.line_of(anchor) else { return };
    let height = places(model).map_or(1, |places| usize::from(places.lines.height).max(2));
    scroll_to(model, line, height);
}

fn scroll_to(model: &mut Model, top: usize, height: usize) {
    let chat = &mut model.ui.chat;
    let lines = chat.transcript.len();
    let bottom = lines.saturating_sub(height);
    // At the end of an arriving answer the screen may stand further than its last line.
    let most = if chat.follow == Follow::End { bottom.max(chat.top) } else { bottom };
    chat.top = top.min(most);
    chat.follow = match chat.follow {
        _ if chat.top >= bottom => Follow::End,
        Follow::End => Follow::Not { seen: lines },
        kept @ Follow::Not { .. } => kept,
    };
}

/// What the cursor goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Block,
    Citation,
}

/// Moves the cursor to the next or previous code block or citation.
fn go(model: &mut Model, direction: Direction, wanted: Wanted, height: usize, effects: &mut Vec<Effect>) {
    let chat = &model.ui.chat;
    let mut spots: Vec<(usize, Spot)> = Vec::new();
    for (number, entry, line) in chat.transcript.numbered() {
        let here = match wanted {
            Wanted::Block => line.block.map(What::Block).into_iter().collect::<Vec<_>>(),
            Wanted::Citation => line.spans.iter().filter_map(|span| span.citation.map(What::Citation)).collect(),
        };
        for what in here {
            let spot = Spot { key: entry.key, what };
            if !spots.iter().rev().take(4).any(|(_, known)| *known == spot) {
                spots.push((number, spot));
            }
        }
    }
    let at = chat.cursor.and_then(|cursor| spots.iter().position(|(_, spot)| *spot == cursor));
    let next = match (at, direction) {
        (Some(at), Direction::Forward) => spots.get(at + 1),
        (Some(at), Direction::Backward) => at.checked_sub(1).and_then(|at| spots.get(at)),
        // The first time: what is on the screen, from the end that one comes from.
        (None, Direction::Forward) => spots.iter().find(|(line, _)| *line >= chat.top),
        (None, Direction::Backward) => spots.iter().rev().find(|(line, _)| *line < chat.top + height),
    };
    let next = next.or(if at.is_none() { spots.last() } else { None });
    let Some((line, spot)) = next.copied() else {
        let what = match wanted {
            Wanted::Block => "There is no code block there.",
            Wanted::Citation => "There is no citation there.",
        };
        return super::toast(model, ToastLevel::Refused, what.to_owned(), effects);
    };
    model.ui.chat.cursor = Some(spot);
    let top = model.ui.chat.top;
    if line < top || line + 1 >= top + height {
        scroll_to(model, line.saturating_sub(height / 3), height);
    }
}

/// Enter: opens the citation under the cursor; else one can type.
fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Spot { key, what: What::Citation(number) }) = model.ui.chat.cursor else {
        model.ui.chat.mode = Mode::Typing;
        return;
    };
    let sheet = model.ui.chat.transcript.entry(key).and_then(|entry| entry.sheet());
    let Some(source) = sheet.and_then(|sheet| sheet.citation(number)).cloned() else { return };
    match source {
        Source::Sop { sop, node } => {
            model.ui.focus = Pane::Sop;
            match node {
                Some(node) => sop::open_at(model, Going { sop, node, named: Named::ByAnswer }, effects),
                None => sop::choose(model, sop, effects),
            }
        }
        Source::Evidence(attempt) => output::open(model, attempt, effects),
        Source::Incident if model.facts.detail().is_some() => overlay::open_page(model, Page::Incident, effects),
        Source::Incident => {
            super::toast(model, ToastLevel::Refused, "There is no incident on the screen.".to_owned(), effects);
        }
    }
}

/// Proposes the code block under the cursor.
fn propose(model: &mut Model, effects: &mut Vec<Effect>) {
    match request(model) {
        Ok(request) => sop::send_proposal(request, effects),
        Err(why) => super::toast(model, ToastLevel::Refused, why, effects),
    }
}

fn request(model: &Model) -> Result<ProposeRequest, String> {
    let chat = &model.ui.chat;
    let Some(Spot { key, what: What::Block(number) }) = chat.cursor else {
        return Err("No code block is chosen. ] and [ go from one to the next.".to_owned());
    };
    if chat.conversation.incident().is_none() {
        return Err("Commands run for an incident. Choose one first; its conversation is its own.".to_owned());
    }
    let Key::Message(message) = key else {
        return Err("This answer is still coming. Propose from it when it is there.".to_owned());
    };
    let (incident, alert) = sop::subject(model)?;
    let sheet = chat.transcript.entry(key).and_then(|entry| entry.sheet());
    let (Some(text), Some(shown)) = (stored_text(model, message), sheet.and_then(|sheet| sheet.block(number))) else {
        return Err("This block is no longer there. Look at the answer again.".to_owned());
    };
    let Some(block) = number_in(text, shown, number) else {
        return Err("Where this block begins and ends cannot be told. Type the command by hand.".to_owned());
    };
    let from = CommandFrom::Chat { message, block, script: shown.code.to_string() };
    Ok(ProposeRequest { incident, alert, from, values: BTreeMap::new() })
}

/// Where the code block `number` of an entry stands, for what was proposed from it; `None` while the answer is arriving.
pub(crate) fn stored_block(model: &Model, key: Key, number: usize) -> Option<(MessageId, usize)> {
    let Key::Message(message) = key else { return None };
    let shown = model.ui.chat.transcript.entry(key)?.sheet()?.block(number)?;
    Some((message, number_in(stored_text(model, message)?, shown, number)?))
}

/// The text of an answer as it was stored.
fn stored_text(model: &Model, message: MessageId) -> Option<&str> {
    let chat = &model.ui.chat;
    let history = model.facts.snapshot.chat.as_ref().filter(|history| history.conversation == chat.conversation);
    let stored = history.and_then(|history| history.messages.iter().find(|stored| stored.id == message));
    let finished = chat.turn.as_ref().and_then(|turn| turn.finished.as_ref()).filter(|stored| stored.id == message);
    stored.or(finished).map(|stored| stored.text.as_str())
}

/// The number of a block that is shown within the whole message, which was laid out in parts.
fn number_in(text: &str, shown: &CodeBlock, number: usize) -> Option<usize> {
    let blocks = blocks::fenced(text);
    let same = |block: &blocks::FencedBlock| block.text.trim_end() == shown.code.trim_end();
    if blocks.get(number).is_some_and(same) { Some(number) } else { blocks.iter().position(same) }
}

/// A frame was written: a preview that was in it has been on the screen.
pub(super) fn painted(model: &mut Model) {
    let now = model.ui.monotonic;
    if let Some(Overlay::Preview(page)) = &mut model.ui.overlay {
        page.shown_at.get_or_insert(now);
    }
}

/// Columns of a preview at most, its frame and margins not counted.
const PREVIEW_WIDTH: u16 = 116;
/// Rows of a preview besides head and body: the frame, the count of rows below, the hints.
const PREVIEW_ROWS: u16 = 4;

/// What a preview is laid out for.
#[must_use]
pub(super) fn preview_paper(model: &Model) -> Paper {
    let width = model.ui.size.0.saturating_sub(6).min(PREVIEW_WIDTH);
    Paper { width: usize::from(width).max(8), repertoire: model.ui.settings.repertoire }
}

/// The box of a preview.
#[must_use]
pub(crate) fn preview_box(size: (u16, u16), page: &PreviewPage) -> Rect {
    let rows = u16::try_from(page.head.len() + page.len()).unwrap_or(u16::MAX);
    layout::overlay(size.0, size.1, PREVIEW_WIDTH + 4, rows.saturating_add(PREVIEW_ROWS))
}

/// Rows of the body of a preview that fit; at least one, so that it can be read on the smallest screen.
#[must_use]
pub(crate) fn preview_rows(size: (u16, u16), page: &PreviewPage) -> usize {
    let inside = usize::from(preview_box(size, page).height.saturating_sub(PREVIEW_ROWS));
    inside.saturating_sub(page.head.len()).max(1)
}

fn preview_height(model: &Model) -> usize {
    match &model.ui.overlay {
        Some(Overlay::Preview(page)) => preview_rows(model.ui.size, page),
        _ => 1,
    }
}

/// How many lines came below what is on the screen since its end was left.
#[must_use]
pub(crate) fn new_below(model: &Model) -> usize {
    match model.ui.chat.follow {
        Follow::End => 0,
        Follow::Not { seen } => model.ui.chat.transcript.len().saturating_sub(seen),
    }
}

/// Whether an answer is on its way in the conversation that is shown.
#[must_use]
pub(crate) fn phase(model: &Model) -> Option<&Phase> {
    model.ui.chat.turn_here().map(|turn| &turn.phase)
}

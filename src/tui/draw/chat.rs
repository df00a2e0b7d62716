//! The chat: the conversation, the question being typed, and how far the answer is.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::marks::{Came, marks};
use super::paint::{Run, put};
use crate::domain::action::spec::StepRef;
use crate::domain::chat::budget::usd;
use crate::domain::chat::citation::Source;
use crate::domain::text;
use crate::engine::ask::ModelStatus;
use crate::tui::chat::text::{Line, Role, Span, Stress};
use crate::tui::chat::transcript::{Entry, Key, UNSUPPORTED, size};
use crate::tui::chat::view::{GUTTER, Mode, PROMPT, Phase, Spot, What};
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::theme::Styles;
use crate::tui::ui::Model;
use crate::tui::update;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    title(buffer, area.title, model, look);
    let places = model.ui.chat.places(area.body, look.repertoire);
    let chat = &model.ui.chat;
    let loaded = model.facts.snapshot.chat.as_ref().is_some_and(|history| history.conversation == chat.conversation);
    if chat.transcript.is_empty() && loaded {
        empty(buffer, places.lines, model, look);
    }
    let find = if chat.sought.is_some() { chat.find.as_str() } else { "" };
    let found = chat.transcript.marks(find, chat.top, usize::from(places.lines.height));
    let current = chat.found.and_then(|found| chat.transcript.position(found.key, found.line));
    let shown = chat.transcript.window(chat.top).zip(chat.top..);
    let mut block_above = None;
    for (((entry, line), number), y) in shown.zip(places.lines.y..places.lines.bottom()) {
        let block = line.and_then(|line| line.block).map(|block| (entry.key, block));
        let begins = block.filter(|block| block_above.replace(*block) != Some(*block));
        if let Some(line) = line {
            let marks = found.iter().filter(|(marked, _)| *marked == number).map(|(_, bytes)| bytes.clone());
            let came = begins.and_then(|(key, number)| came_of(model, key, number));
            let place = Rect { y, height: 1, ..places.lines };
            let mark =
                if current == Some(number) { Styles::under_cursor(look.styles.found) } else { look.styles.found };
            let shown = Shown { entry, line, marks: marks.collect(), mark, came };
            draw_line(buffer, place, &shown, model, look);
        }
    }
    for x in places.rule.x..places.rule.right() {
        for y in places.rule.y..places.rule.bottom() {
            put(buffer, x, y, 1, look.glyphs.border.horizontal_top, look.styles.border);
        }
    }
    input(buffer, places.input, model, look);
}

/// What came of the code block `number` of an entry.
fn came_of(model: &Model, key: Key, number: usize) -> Option<Came> {
    let record = &model.facts.detail()?.record;
    if record.attempts.is_empty() && record.proposals.is_empty() {
        return None;
    }
    let (message, number) = update::stored_block(model, key, number)?;
    let (answer, block) = StepRef::place_in_answer(message, number);
    marks(model, &answer).remove(&block)
}

/// A line on the screen.
struct Shown<'a> {
    entry: &'a Entry,
    line: &'a Line,
    /// The bytes of it that match what is being looked for, in order.
    marks: Vec<Range<usize>>,
    /// How these look.
    mark: Style,
    /// What came of the command whose first line it is.
    came: Option<Came>,
}

fn draw_line(buffer: &mut Buffer, place: Rect, shown: &Shown<'_>, model: &Model, look: &Look) {
    let Shown { entry, line, marks, .. } = shown;
    let came = shown.came.as_ref();
    let cursor = model.ui.chat.cursor.filter(|spot| spot.key == entry.key);
    let is_cursor = |spot: &Spot| match spot.what {
        What::Block(number) => line.block == Some(number),
        What::Citation(number) => line.spans.iter().any(|span| span.citation == Some(number)),
    };
    let here = cursor.as_ref().is_some_and(is_cursor);
    let mut run = Run::new(buffer, place, look);
    let words = came.map(|came| format!("  {} {}", came.glyph(look), came.words));
    let room = usize::from(place.width.saturating_sub(GUTTER)).saturating_sub(line.width());
    match came.filter(|_| !here && words.as_ref().is_some_and(|words| text::width(words) > room)) {
        // Nothing of a command is covered.
        Some(came) => run.put(came.glyph(look), came.style(look)),
        None if here => run.put(look.glyphs.cursor, look.styles.cursor),
        None if entry.is_unsupported(line) => run.put(UNSUPPORTED, look.styles.warning),
        None => run.put(" ", look.styles.cursor),
    };
    let mut begin = 0;
    for span in &line.spans {
        let chosen = span.citation.is_some() && cursor.map(|spot| spot.what) == span.citation.map(What::Citation);
        let style = style(span, entry, look);
        let style = if chosen { Styles::under_cursor(style) } else { style };
        put_marked(&mut run, &span.text, begin, marks, (style, shown.mark));
        begin += span.text.len();
    }
    if let (Some(came), Some(words)) = (came, words.filter(|words| text::width(words) <= room)) {
        run.put(&words, came.style(look));
    }
}

/// A piece of a line that begins at its byte `begin`: what is marked in the second style.
fn put_marked(run: &mut Run<'_>, text: &str, begin: usize, marks: &[Range<usize>], styles: (Style, Style)) {
    let mut done = 0;
    for mark in marks.iter().filter(|mark| mark.start < begin + text.len() && mark.end > begin) {
        let (from, to) = (mark.start.max(begin) - begin, mark.end.min(begin + text.len()) - begin);
        run.put(&text[done..from], styles.0).put(&text[from..to], styles.1);
        done = to;
    }
    run.put(&text[done..], styles.0);
}

fn style(span: &Span, entry: &Entry, look: &Look) -> Style {
    let styles = &look.styles;
    let style = match span.role {
        Role::Text => styles.text,
        Role::Muted => styles.muted,
        Role::Heading => styles.heading,
        Role::Code => styles.command,
        Role::Coloured(kind) => styles.code(kind),
        Role::Link => styles.link,
        Role::Url => styles.muted,
        Role::Citation if supported(span, entry) => styles.citation,
        Role::Citation | Role::Unsupported => styles.suspicious,
        Role::Warning => styles.warning,
        Role::Bad => styles.bad,
        Role::Author => styles.author,
    };
    match span.stress {
        Stress::None => style,
        Stress::Emphasis => Styles::emphasised(style),
        Stress::Strong => Styles::strong(style),
        Stress::Both => Styles::emphasised(Styles::strong(style)),
    }
}

/// Whether the answer was given what it cites; as long as that is not known, nothing is held against it.
fn supported(span: &Span, entry: &Entry) -> bool {
    let cited = span.citation.and_then(|number| entry.sheet()?.citation(number));
    match (&entry.sources, cited) {
        (Some(sources), Some(Source::Sop { sop, .. })) => sources.contains(sop),
        // Below the answer stands which of the others point to nothing.
        _ => true,
    }
}

fn title(buffer: &mut Buffer, place: Rect, model: &Model, look: &Look) {
    let mut run = Run::new(buffer, place, look);
    let focused = model.ui.focus == Pane::Chat;
    run.put("3 Chat ", look.pane_title(focused));
    if let Some(edit) = &model.ui.chat.editing {
        let room = run.room().saturating_sub(1);
        run.put("/", look.styles.key).field(edit, room);
        return;
    }
    incident(&mut run, model, look);
    if let Some(sought) = model.ui.chat.sought {
        let chat = &model.ui.chat;
        run.sought(&chat.find, sought, chat.transcript.len()).put("  ", look.styles.text);
    }
    let below = update::new_below(model);
    if below > 0 {
        let lines = if below == 1 { "line" } else { "lines" };
        run.put(&format!("{} {below} new {lines} below ", look.glyphs.more_below), look.styles.attention);
    }
    match update::phase(model).filter(|phase| phase.is_busy()) {
        Some(phase) => {
            let room = run.room();
            run.fit(&state(phase, model, look), room, look.styles.attention);
        }
        None => model_status(&mut run, model, look),
    }
}

/// Columns of a title that are kept for how far the answer is.
const FOR_STATE: u16 = 34;

/// What the conversation is about: its number, and its title where no other pane shows it.
fn incident(run: &mut Run<'_>, model: &Model, look: &Look) {
    let Some(id) = model.ui.chat.conversation.incident() else { return };
    run.put(&format!("#{id} "), look.styles.text);
    if model.layout().is_some_and(|layout| layout.queue.is_none()) {
        let (title, room) = (update::incident_title(model, id), run.room().saturating_sub(FOR_STATE));
        run.fit(&look.visible(&title), room, look.styles.text).put("  ", look.styles.text);
    }
}

/// How far the answer is. Changes seldom: every change costs bytes.
fn state(phase: &Phase, model: &Model, look: &Look) -> String {
    let context = if model.ui.chat.mode == Mode::Typing { Context::Ask } else { Context::Chat };
    let stop = model.ui.keymap.key_for(context, Intent::Cancel).unwrap_or_default();
    let stop = look.visible(&stop);
    let turn = model.ui.chat.turn_here();
    let bytes = turn.map_or(0, |turn| turn.text.len());
    let state = match phase {
        Phase::Preparing => "preparing".to_owned(),
        Phase::Looking(_) => return "not sent yet".to_owned(),
        Phase::Asking => "asking".to_owned(),
        Phase::Retrying { at, why } => {
            let seconds = at.saturating_sub(model.ui.monotonic).as_secs_f32().ceil();
            return format!("{stop} stops, retry in {seconds} s: {}", look.visible(why));
        }
        Phase::Thinking => "thinking".to_owned(),
        Phase::Answering => format!("answering, {}", size(bytes)),
        Phase::Stopped | Phase::Over(_) => String::new(),
    };
    format!("{state}, {stop} stops")
}

fn model_status(run: &mut Run<'_>, model: &Model, look: &Look) {
    let room = run.room();
    match &model.facts.snapshot.model {
        ModelStatus::None => run.fit("no model: SOPs only", room, look.styles.muted),
        ModelStatus::Ready { model, spent_today_micro_usd } => {
            run.fit(&ready(model, *spent_today_micro_usd, look), room, look.styles.muted)
        }
        ModelStatus::Offline { model, why } => {
            run.put(look.glyphs.down, look.styles.attention).put(" ", look.styles.text);
            let room = run.room();
            run.fit(&format!("{} offline: {}", look.visible(model), look.visible(why)), room, look.styles.muted)
        }
    };
}

/// `gemini-3.8-flash $0.12`: who answers, and what was spent today.
fn ready(model: &str, spent_micro_usd: u64, look: &Look) -> String {
    let spent = usd(spent_micro_usd);
    format!("{} {}", look.visible(model), spent.strip_prefix("US").unwrap_or(&spent))
}

/// The model in the header: `gemini-3.8-flash $0.12`, or that it is offline.
pub(super) fn header(run: &mut Run<'_>, model: &Model, look: &Look) {
    match &model.facts.snapshot.model {
        ModelStatus::None => {}
        ModelStatus::Ready { model, spent_today_micro_usd } => {
            run.fit(&ready(model, *spent_today_micro_usd, look), 32, look.styles.muted).put("  ", look.styles.text);
        }
        ModelStatus::Offline { .. } => {
            run.put(look.glyphs.down, look.styles.attention).put(" model offline  ", look.styles.text);
        }
    }
}

fn empty(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let key = model.ui.keymap.key_for(Context::Chat, Intent::Type).unwrap_or_default();
    let key = look.visible(&key);
    let about = if model.ui.chat.conversation.incident().is_some() { "this incident" } else { "SOPs and this console" };
    let lines = ["Nothing was asked yet.".to_owned(), format!("{key} types a question about {about}.")];
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let place = Rect { x: area.x + GUTTER, width: area.width.saturating_sub(GUTTER), y, height: 1 };
        let width = place.width;
        Run::new(buffer, place, look).fit(line, width, look.styles.muted);
    }
}

fn input(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let typing = model.ui.chat.mode == Mode::Typing && model.ui.focus == Pane::Chat;
    let width = area.width.saturating_sub(PROMPT);
    put(buffer, area.x, area.y, 1, ">", if typing { look.styles.cursor } else { look.styles.muted });
    let Some(draft) = model.ui.chat.draft() else {
        if typing {
            put(buffer, area.x + PROMPT, area.y, width, "_", look.styles.cursor);
        }
        return;
    };
    let view = draft.view(usize::from(width), usize::from(area.height), look.repertoire);
    let style = if typing { look.styles.text } else { look.styles.muted };
    for (line, y) in view.lines.iter().zip(area.y..area.bottom()) {
        put(buffer, area.x + PROMPT, y, width, line, style);
    }
    let column = u16::try_from(view.column).unwrap_or(u16::MAX).min(width.saturating_sub(1));
    let y = area.y.saturating_add(u16::try_from(view.row).unwrap_or(0));
    let x = area.x + PROMPT + column;
    if typing && y < area.bottom() && x < area.right() {
        let at_end = view.lines.get(view.row).is_none_or(|line| crate::domain::text::width(line) <= view.column);
        if at_end {
            put(buffer, x, y, 1, "_", look.styles.cursor);
        } else if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_style(Styles::under_cursor(look.styles.cursor));
        }
    }
}

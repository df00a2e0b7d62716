//! Boxes above the panes: review, values, list of SOPs, help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Run, clear, put};
use super::{editing, palette, question, scopes, search, steer, suggestions, workbench};
use crate::domain::procedure::NodeKind;
use crate::domain::text;
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::msg::CommandFrom;
use crate::tui::pages;
use crate::tui::review::{Review, Tone};
use crate::tui::ui::{Model, Overlay, Page, Picker, Prompt};
use crate::tui::update;
use crate::tui::worth;
use crate::tui::wrap::{Break, wrap};

pub(super) fn draw(buffer: &mut Buffer, model: &Model, look: &Look) {
    match &model.ui.overlay {
        Some(Overlay::Review(shown)) => review(buffer, model, shown, look),
        Some(Overlay::Edit(shown)) => editing::draw(buffer, model, shown, look),
        Some(Overlay::Prompt(shown)) => prompt(buffer, model, shown, look),
        Some(Overlay::Question(shown)) => question::draw(buffer, model, shown, look),
        Some(Overlay::Picker(shown)) => picker(buffer, model, shown, look),
        Some(Overlay::Search(shown)) => search::draw(buffer, model, shown, look),
        Some(Overlay::Scopes(shown)) => scopes::draw(buffer, model, *shown, look),
        Some(Overlay::Steer(shown)) => steer::draw(buffer, model, shown, look),
        Some(Overlay::Suggestions(shown)) => suggestions::draw(buffer, model, shown, look),
        Some(Overlay::Workbench(shown)) => workbench::draw(buffer, model, shown, look),
        Some(Overlay::Palette(shown)) => palette::draw(buffer, model, shown, look),
        Some(Overlay::Preview(shown)) => super::preview::draw(buffer, model, shown, look),
        Some(Overlay::Page { page: shown, top }) => page(buffer, model, *shown, *top, look),
        // It has the whole screen to itself.
        Some(Overlay::Plain(_)) | None => {}
    }
}

/// Columns beside a box that are blanked with it, when there are no more than these.
const MARGIN: u16 = 3;

/// Draws a frame with a title and returns what is inside.
pub(super) fn frame(buffer: &mut Buffer, area: Rect, title: &str, look: &Look) -> Rect {
    // Less than a word of what lies below would only be in the way.
    let whole = buffer.area;
    let narrow = whole.width.saturating_sub(area.width) <= 2 * MARGIN;
    clear(buffer, if narrow { Rect { x: whole.x, width: whole.width, ..area } } else { area }, look.styles.text);
    let glyphs = look.glyphs;
    let across = glyphs.border.horizontal_top.repeat(usize::from(area.width.saturating_sub(2)));
    let top = format!("{}{across}{}", glyphs.border.top_left, glyphs.border.top_right);
    let bottom = format!("{}{across}{}", glyphs.border.bottom_left, glyphs.border.bottom_right);
    put(buffer, area.x, area.y, area.width, &top, look.styles.border_focused);
    put(buffer, area.x, area.bottom() - 1, area.width, &bottom, look.styles.border_focused);
    for y in area.y + 1..area.bottom() - 1 {
        put(buffer, area.x, y, 1, glyphs.border.vertical_left, look.styles.border_focused);
        put(buffer, area.right() - 1, y, 1, glyphs.border.vertical_left, look.styles.border_focused);
    }
    put(buffer, area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), look.styles.title_focused);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

pub(super) fn more_lines(count: usize) -> String {
    if count == 1 { "1 more line".to_owned() } else { format!("{count} more lines") }
}

fn review(buffer: &mut Buffer, model: &Model, review: &Review, look: &Look) {
    let area = update::review_box(model.ui.size, review);
    let inside = frame(buffer, area, &format!("Approve proposal {}?", review.proposal), look);
    let rows = update::review_rows(model.ui.size.1, review.lines.len());
    for (line, y) in review.lines.iter().skip(review.top).take(rows).zip(inside.y..) {
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside }, look);
        for span in &line.spans {
            let style = match span.tone {
                Tone::Label => look.styles.muted,
                Tone::Plain => look.styles.text,
                Tone::Word => look.styles.command,
                Tone::Foreign => look.styles.foreign,
                Tone::Warning => look.styles.warning,
                Tone::Risk(risk) => look.styles.risk(risk),
            };
            run.put(&span.text, style);
        }
    }
    let mut rest =
        (inside.y + u16::try_from(rows).unwrap_or(0)..inside.bottom()).map(|y| Rect { y, height: 1, ..inside });
    let below = review.lines.len().saturating_sub(review.top + rows);
    if let Some(row) = rest.next() {
        let mut run = Run::new(buffer, row, look);
        let words = match (below, review.unseen_above()) {
            (0, 0) => String::new(),
            (0, unseen) => format!("{} above: not on the screen yet", lines(unseen)),
            (below, _) => format!("{} below", more_lines(below)),
        };
        run.put(&words, look.styles.warning);
    }
    let target = model.facts.pending(review.proposal).map_or("", |proposal| proposal.spec.target.name());
    if let Some(row) = rest.next() {
        review_state(&mut Run::new(buffer, row, look), model, review, (target, rows), look);
    }
    if let Some(row) = rest.next() {
        Run::new(buffer, row, look).hints(&worth::hints(model, Context::Review));
    }
}

fn review_state(run: &mut Run<'_>, model: &Model, review: &Review, (target, rows): (&str, usize), look: &Look) {
    if let Some(typed) = &review.typed {
        run.put("Target's name: ", look.styles.text).field(typed, 24).put("  ", look.styles.text);
    }
    match (&review.objection, review.may_approve(target, rows, model.ui.monotonic)) {
        (Some(objection), _) => run.put(objection, look.styles.warning),
        (None, Ok(())) if review.wider.is_some() => run.put("Ready, for this alone or for more.", look.styles.good),
        (None, Ok(())) => run.put("Ready to approve.", look.styles.good),
        (None, Err(_)) if review.sent => run.put("Approved; starting.", look.styles.attention),
        (None, Err(why)) => run.put(&why, look.styles.muted),
    };
}

/// Rows of the command that values are asked for.
const COMMAND_ROWS: usize = 3;
/// Rows of the box for values besides the command and the values: frame, blank, problem, note, hints.
const PROMPT_ROWS: usize = 6;

fn prompt(buffer: &mut Buffer, model: &Model, prompt: &Prompt, look: &Look) {
    let (columns, rows) = model.ui.size;
    let width = columns.saturating_sub(2).min(80);
    let command = command_of(model, prompt, usize::from(width.saturating_sub(6)), look);
    let height = u16::try_from(prompt.needed.len() + command.len() + PROMPT_ROWS).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let title = if prompt.labels.is_empty() { "This command needs values" } else { "Values of this command" };
    let inside = frame(buffer, area, title, look);
    let mut places = (inside.y..inside.bottom()).map(|y| Rect { y, height: 1, ..inside });
    for (line, place) in command.iter().zip(places.by_ref()) {
        Run::new(buffer, place, look).put(line, look.styles.command);
    }
    places.next();
    let shown = usize::from(inside.height).saturating_sub(command.len() + PROMPT_ROWS - 2).max(1);
    let first = (prompt.at + 1).saturating_sub(shown);
    for (number, place) in (first..prompt.needed.len()).take(shown).zip(places.by_ref()) {
        value_row(buffer, place, prompt, number, look);
    }
    if let (Some(place), Some(needed)) = (places.next(), prompt.needed.get(prompt.at)) {
        let mut run = Run::new(buffer, place, look);
        match prompt.labels.get(&needed.name) {
            Some(from) => {
                let words = if prompt.edit.text() == prompt.field_of(&needed.name).text() {
                    "from"
                } else {
                    "instead of that of"
                };
                let note = format!("{words} the alert's label {}", look.visible(&from.label));
                run.fit(&note, inside.width, look.styles.muted)
            }
            None => run.fit(&look.visible(&needed.problem), inside.width, look.styles.warning),
        };
    }
    if let Some(place) = places.next() {
        let note = "A value is filled in as it is; nothing in it is read as a command.";
        Run::new(buffer, place, look).fit(note, inside.width, look.styles.muted);
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&worth::hints(model, Context::Prompt));
}

fn value_row(buffer: &mut Buffer, place: Rect, prompt: &Prompt, number: usize, look: &Look) {
    let Some(needed) = prompt.needed.get(number) else { return };
    let current = number == prompt.at;
    let mut run = Run::new(buffer, place, look);
    run.put(if current { look.glyphs.cursor } else { " " }, look.styles.cursor);
    run.fit(&look.visible(&needed.surface), 24, look.styles.foreign).put(" = ", look.styles.muted);
    if current {
        let room = run.room();
        run.field(&prompt.edit, room);
    } else {
        run.put(&look.visible(prompt.proposed(&needed.name)), look.styles.text);
    }
}

/// The command as the document has it, so that one sees what a value is for.
fn command_of(model: &Model, prompt: &Prompt, width: usize, look: &Look) -> Vec<String> {
    let script = match &prompt.request.from {
        CommandFrom::Chat { script, .. } => script,
        CommandFrom::Step { sop, node } => {
            let document = model.facts.sop.as_ref().filter(|document| document.procedure.sop == *sop);
            let node = document.and_then(|document| document.procedure.nodes.iter().find(|found| found.id == *node));
            let Some(NodeKind::Command { script, .. }) = node.map(|node| &node.kind) else { return Vec::new() };
            script
        }
    };
    let lines = script.trim_end().split('\n').map(|line| look.visible(line).into_owned());
    let mut lines: Vec<String> =
        lines.take(COMMAND_ROWS + 1).flat_map(|line| wrap(&line, width, Break::Anywhere)).collect();
    let whole = lines.len() <= COMMAND_ROWS;
    lines.truncate(COMMAND_ROWS);
    if let Some(last) = lines.last_mut().filter(|_| !whole) {
        last.push_str(look.glyphs.cut);
    }
    lines
}

/// Columns of a path in the list of SOPs at most.
const PATH: usize = 30;
/// The reason why an SOP fits the incident is shown where there are this many columns for it.
const WHY_FROM: u16 = 12;

fn picker(buffer: &mut Buffer, model: &Model, picker: &Picker, look: &Look) {
    let (columns, rows) = model.ui.size;
    let area = layout::overlay(columns, rows, 90, 24);
    let inside = frame(buffer, area, "SOPs", look);
    let mut run = Run::new(buffer, Rect { height: 1, ..inside }, look);
    run.put("/", look.styles.key).field(&picker.edit, inside.width);
    let found = update::picked(model, picker);
    let height = usize::from(inside.height.saturating_sub(2));
    let first = (picker.at + 1).saturating_sub(height);
    for ((number, (id, title, why)), y) in found.iter().enumerate().skip(first).take(height).zip(inside.y + 1..) {
        let current = number == picker.at;
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside }, look);
        run.put(if current { look.glyphs.cursor } else { " " }, look.styles.cursor);
        // Paths stand in a column at the right; the title has what they leave, and the reason what the title leaves.
        let path = look.visible(id.as_str());
        let path = look.fit(&path, PATH);
        let aside = u16::try_from(text::width(&path)).unwrap_or(0) + 2;
        let room = run.room().saturating_sub(aside);
        run.fit(&look.visible(title), room, if current { look.styles.selected } else { look.styles.text });
        let room = run.room().saturating_sub(aside + 2);
        if !why.is_empty() && room >= WHY_FROM {
            run.put("  ", look.styles.text).fit(&look.visible(why), room, look.styles.good);
        }
        run.right(aside).put("  ", look.styles.text).put(&path, look.styles.muted);
    }
    let mut run = Run::new(buffer, Rect { y: inside.bottom() - 1, height: 1, ..inside }, look);
    run.put(&format!("{} of {}  ", found.len(), model.facts.sops.len()), look.styles.muted);
    let mut hints = worth::hints(model, Context::Prompt);
    // Keys that no file gives another meaning: they belong to the field.
    hints.push(("down up".to_owned(), "choose"));
    run.hints(&hints).put("type to narrow", look.styles.muted);
}

fn page(buffer: &mut Buffer, model: &Model, page: Page, top: usize, look: &Look) {
    let rows = pages::rows(model, page);
    let area = pages::page_box(model, rows.len());
    let inside = frame(buffer, area, pages::title(page), look);
    let visible = pages::visible_rows(model, rows.len());
    for (row, y) in rows.iter().skip(top).take(visible).zip(inside.y..) {
        for part in row {
            let style = match part.tone {
                pages::Tone::Heading => look.styles.heading,
                pages::Tone::Key => look.styles.key,
                pages::Tone::Label => look.styles.muted,
                pages::Tone::Text => look.styles.text,
                pages::Tone::Health(state) => look.styles.health(state),
            };
            let column = u16::try_from(part.column).unwrap_or(u16::MAX).min(inside.width);
            put(buffer, inside.x + column, y, inside.width - column, &part.text, style);
        }
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    let mut run = Run::new(buffer, last, look);
    let below = rows.len().saturating_sub(top + visible);
    if below > 0 {
        run.put(&format!("{} below  ", more_lines(below)), look.styles.attention);
    }
    run.hints(&worth::hints(model, Context::Help));
}

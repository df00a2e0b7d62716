//! Boxes above the panes: review, values, list of SOPs, help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Run, clear, put};
use crate::domain::text;
use crate::tui::layout;
use crate::tui::review::{Review, Tone};
use crate::tui::theme::Styles;
use crate::tui::ui::{Model, Overlay, Picker, Prompt};
use crate::tui::update;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, styles: &Styles) {
    match &model.ui.overlay {
        Some(Overlay::Review(shown)) => review(buffer, model, shown, styles),
        Some(Overlay::Prompt(shown)) => prompt(buffer, model, shown, styles),
        Some(Overlay::Picker(shown)) => picker(buffer, model, shown, styles),
        Some(Overlay::Help { top }) => help(buffer, model, *top, styles),
        None => {}
    }
}

/// Draws a frame with a title and returns what is inside.
fn frame(buffer: &mut Buffer, area: Rect, title: &str, styles: &Styles) -> Rect {
    clear(buffer, area, styles.overlay);
    let glyphs = &styles.glyphs;
    let across = glyphs.horizontal.repeat(usize::from(area.width.saturating_sub(2)));
    let top = format!("{}{across}{}", glyphs.top_left, glyphs.top_right);
    let bottom = format!("{}{across}{}", glyphs.bottom_left, glyphs.bottom_right);
    put(buffer, area.x, area.y, area.width, &top, styles.overlay_frame);
    put(buffer, area.x, area.bottom() - 1, area.width, &bottom, styles.overlay_frame);
    for y in area.y + 1..area.bottom() - 1 {
        put(buffer, area.x, y, 1, glyphs.vertical, styles.overlay_frame);
        put(buffer, area.right() - 1, y, 1, glyphs.vertical, styles.overlay_frame);
    }
    put(buffer, area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), styles.title_focused);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

fn review(buffer: &mut Buffer, model: &Model, review: &Review, styles: &Styles) {
    let area = update::review_box(model.ui.size, review.lines.len());
    let inside = frame(buffer, area, &format!("Approve proposal {}?", review.proposal), styles);
    let rows = update::review_rows(model.ui.size.1, review.lines.len());
    for (line, y) in review.lines.iter().skip(review.top).take(rows).zip(inside.y..) {
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside });
        for span in &line.spans {
            let style = match span.tone {
                Tone::Label => styles.dim,
                Tone::Plain => styles.text,
                Tone::Word => styles.command,
                Tone::Foreign => styles.foreign,
                Tone::Warning => styles.warning,
                Tone::Risk(risk) => styles.risk(risk),
            };
            run.put(&span.text, style);
        }
    }
    let mut rest =
        (inside.y + u16::try_from(rows).unwrap_or(0)..inside.bottom()).map(|y| Rect { y, height: 1, ..inside });
    let below = review.lines.len().saturating_sub(review.top + rows);
    if let Some(row) = rest.next() {
        let mut run = Run::new(buffer, row);
        let words = match (below, review.unseen()) {
            (0, 0) => String::new(),
            (0, unseen) => format!("{unseen} lines above have not been on the screen"),
            (below, _) => format!("{below} more lines below"),
        };
        run.put(&words, styles.warning);
    }
    let target = model.facts.pending(review.proposal).map_or("", |proposal| proposal.spec.target.name());
    if let Some(row) = rest.next() {
        review_state(&mut Run::new(buffer, row), model, review, target, styles);
    }
    if let Some(row) = rest.next() {
        let mut run = Run::new(buffer, row);
        for (key, help) in model.ui.keymap.hints(crate::tui::keymap::Context::Review) {
            let width = text::width(&key) + 3 + text::width(help);
            if usize::from(run.room()) < width {
                break;
            }
            run.put(&key, styles.key).put(" ", styles.text).put(help, styles.dim).put("  ", styles.text);
        }
    }
}

fn review_state(run: &mut Run<'_>, model: &Model, review: &Review, target: &str, styles: &Styles) {
    if let Some(typed) = &review.typed {
        run.put("Target's name: ", styles.text).put(&text::visible(typed.text()), styles.selected);
        run.put("_  ", styles.cursor);
    }
    match (&review.objection, review.may_approve(target, model.ui.monotonic)) {
        (Some(objection), _) => run.put(objection, styles.warning),
        (None, Ok(())) => run.put("Ready to approve.", styles.good),
        (None, Err(_)) if review.sent => run.put("Approved; starting.", styles.running),
        (None, Err(why)) => run.put(&why, styles.dim),
    };
}

fn prompt(buffer: &mut Buffer, model: &Model, prompt: &Prompt, styles: &Styles) {
    let (columns, rows) = model.ui.size;
    let height = u16::try_from(prompt.needed.len()).unwrap_or(u16::MAX).saturating_add(5);
    let area = layout::overlay(columns, rows, 76, height);
    let inside = frame(buffer, area, "This step needs values", styles);
    let shown = usize::from(inside.height.saturating_sub(3)).max(1);
    let first = (prompt.at + 1).saturating_sub(shown);
    let mut y = inside.y;
    for (number, needed) in prompt.needed.iter().enumerate().skip(first).take(shown) {
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside });
        let current = number == prompt.at;
        run.put(if current { styles.glyphs.cursor } else { " " }, styles.cursor);
        run.fit(&text::visible(&needed.surface), 24, styles.foreign).put(" = ", styles.dim);
        if current {
            run.put(&text::visible(prompt.edit.text()), styles.selected).put("_", styles.cursor);
        } else {
            run.put(&text::visible(prompt.values.get(&needed.name).map_or("", String::as_str)), styles.text);
        }
        y += 1;
    }
    let problem = prompt.needed.get(prompt.at).map_or("", |needed| needed.problem.as_str());
    put(buffer, inside.x, y + 1, inside.width, &text::visible(problem), styles.warning);
    let words = "Enter next   Esc leave.   The value becomes one word; it is never parsed.";
    put(buffer, inside.x, inside.bottom() - 1, inside.width, words, styles.dim);
}

fn picker(buffer: &mut Buffer, model: &Model, picker: &Picker, styles: &Styles) {
    let (columns, rows) = model.ui.size;
    let area = layout::overlay(columns, rows, 90, 24);
    let inside = frame(buffer, area, "SOPs", styles);
    let mut run = Run::new(buffer, Rect { height: 1, ..inside });
    run.put("/", styles.key).put(&text::visible(picker.edit.text()), styles.selected).put("_", styles.cursor);
    let found = update::picked(model, picker);
    let height = usize::from(inside.height.saturating_sub(2));
    let first = (picker.at + 1).saturating_sub(height);
    for ((number, (id, title, why)), y) in found.iter().enumerate().skip(first).take(height).zip(inside.y + 1..) {
        let current = number == picker.at;
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside });
        run.put(if current { styles.glyphs.cursor } else { " " }, styles.cursor);
        run.fit(&text::visible(title), 36, if current { styles.selected } else { styles.text });
        run.put("  ", styles.text).fit(&text::visible(id.as_str()), 30, styles.dim).put("  ", styles.text);
        let room = run.room();
        run.fit(&text::visible(why), room, styles.good);
    }
    let words = format!("{} of {}   Enter opens   Esc leaves", found.len(), model.facts.sops.len());
    put(buffer, inside.x, inside.bottom() - 1, inside.width, &words, styles.dim);
}

fn help(buffer: &mut Buffer, model: &Model, top: usize, styles: &Styles) {
    let (columns, rows) = model.ui.size;
    let lines = model.ui.keymap.help(update::pane_context(model));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
    let area = layout::overlay(columns, rows, 60, height);
    let inside = frame(buffer, area, "Keys", styles);
    let visible = usize::from(inside.height.saturating_sub(1));
    let top = top.min(lines.len().saturating_sub(visible));
    for ((key, help), y) in lines.iter().skip(top).take(visible).zip(inside.y..) {
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside });
        run.fit(&format!("{key:<14}"), 14, styles.key).put(" ", styles.text).put(help, styles.text);
    }
    put(buffer, inside.x, inside.bottom() - 1, inside.width, "Esc leaves, j and k scroll", styles.dim);
}

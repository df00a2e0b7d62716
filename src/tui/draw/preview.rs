//! What would leave this machine, above the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::{frame, more_lines};
use super::paint::Run;
use crate::tui::chat::preview::PreviewPage;
use crate::tui::chat::text::Role;
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::ui::Model;
use crate::tui::update;
use crate::tui::worth;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, page: &PreviewPage, look: &Look) {
    let area = update::preview_box(model.ui.size, page);
    let first = page.preview.first_ever;
    let title = if first { "The first message from here: send this?" } else { "Send this?" };
    let inside = frame(buffer, area, title, look);
    let rows = update::preview_rows(model.ui.size, page);
    let mut places = (inside.y..inside.bottom().saturating_sub(2)).map(|y| Rect { y, height: 1, ..inside });
    // On the smallest screens the head gives way to at least one row of the body.
    let head = page.head.len().min(usize::from(inside.height).saturating_sub(2 + rows));
    for (line, place) in page.head.iter().take(head).zip(places.by_ref()) {
        let mut run = Run::new(buffer, place, look);
        for span in &line.spans {
            run.put(&span.text, if span.role == Role::Muted { look.styles.muted } else { look.styles.text });
        }
    }
    for (number, place) in (page.top..page.len()).take(rows).zip(places) {
        let Some((row, found)) = page.row(number) else { continue };
        let mut run = Run::new(buffer, place, look);
        let mut done = 0;
        for place in found {
            run.put(&row[done..place.start], look.styles.command);
            run.put(&row[place.clone()], look.styles.found);
            done = place.end;
        }
        run.put(&row[done..], look.styles.command);
    }
    let line = |up: u16| Rect { y: inside.bottom().saturating_sub(up), height: 1, ..inside };
    let mut run = Run::new(buffer, line(2), look);
    if let Some(edit) = &page.editing {
        let room = run.room().saturating_sub(1);
        run.put("/", look.styles.key).field(edit, room);
    } else {
        let below = page.len().saturating_sub(page.top + rows);
        if below > 0 {
            run.put(&format!("{} below", more_lines(below)), look.styles.warning);
        }
    }
    let context = if page.editing.is_some() { Context::Filter } else { Context::Preview };
    Run::new(buffer, line(1), look).hints(&worth::hints(model, context));
}

//! The page on which an SOP is improved or drafted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::{frame, more_lines};
use super::paint::Run;
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::ui::Model;
use crate::tui::update;
use crate::tui::workbench::{Content, Tone, Workbench};
use crate::tui::worth;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, bench: &Workbench, look: &Look) {
    let area = update::bench_box(model.ui.size);
    let inside = frame(buffer, area, bench.title(), look);
    let rows = update::bench_lines(model, bench);
    let visible = update::bench_rows(model.ui.size);
    for (row, y) in rows.iter().skip(bench.top).take(visible).zip(inside.y..) {
        let mut run = Run::new(buffer, Rect { y, height: 1, ..inside }, look);
        let chosen = row.finding == Some(bench.at) && row.tone == Tone::Heading;
        run.put(if chosen { look.glyphs.cursor } else { " " }, look.styles.cursor).put(" ", look.styles.text);
        let style = match row.tone {
            Tone::Heading if chosen => look.styles.selected,
            Tone::Heading => look.styles.heading,
            Tone::Muted => look.styles.muted,
            Tone::Text => look.styles.text,
            Tone::Added => look.styles.good,
            Tone::Gone => look.styles.bad,
        };
        run.put(&row.text, style);
    }
    let state = Rect { y: inside.bottom().saturating_sub(2), height: 1, ..inside };
    let mut run = Run::new(buffer, state, look);
    let below = rows.len().saturating_sub(bench.top + visible);
    match (&bench.naming, &bench.content) {
        (Some(edit), _) => {
            run.put("Save as: ", look.styles.text).field(edit, 40);
            run.put("  a name in your SOPs, such as team/disk-full", look.styles.muted);
        }
        (None, _) if bench.sent => {
            run.put("It is being written.", look.styles.attention);
        }
        (None, Content::Improvement(_, patch)) if below == 0 && !patch.diff.is_empty() => {
            run.put("What is written is this patch, and nothing else.", look.styles.muted);
        }
        (None, _) if below > 0 => {
            run.put(&format!("{} below", more_lines(below)), look.styles.attention);
        }
        (None, _) => {}
    }
    let context = if bench.naming.is_some() { Context::Prompt } else { Context::Workbench };
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&worth::hints(model, context));
}

//! The last row: what waits for the person, the last message, and the keys that count now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, clear};
use crate::domain::text;
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::ui::{Model, Overlay, ToastLevel};
use crate::tui::update;
use crate::tui::wrap::{Break, wrap};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let waiting = model.facts.snapshot.tray.len();
    let key = model.approvals_key();
    let mut run = Run::new(buffer, area, look);
    if waiting > 0 {
        let words = if waiting == 1 { "action" } else { "actions" };
        run.put(look.glyphs.waiting, look.styles.attention);
        run.put(&format!(" {waiting} {words} to approve"), look.styles.attention);
        // While something lies above the panes the key would not do it.
        if model.ui.overlay.is_none() {
            run.put(": ", look.styles.attention).put(&key, look.styles.key).put(" review", look.styles.attention);
        }
        run.put("  ", look.styles.text);
    }
    if let Some((text, style)) = message(model, look) {
        let room = usize::from(run.room());
        let visible = look.visible(text);
        if text::width(&visible) <= room || model.ui.overlay.is_some() {
            run.fit(&visible, area.width, style);
        } else {
            long_message(buffer, area, &visible, style, look);
        }
        return;
    }
    let keymap = &model.ui.keymap;
    let hints = match &model.ui.overlay {
        Some(Overlay::Review(review)) if review.typed.is_some() => keymap.hints_while_typing(Context::Review),
        _ => keymap.hints(update::context(model)),
    };
    // What opens the review stands beside what waits already.
    let wanted: Vec<_> = hints.into_iter().filter(|(hint, _)| waiting == 0 || *hint != key).collect();
    run.hints(&wanted);
}

/// What there is to say: trouble with the store first, since nothing else on the screen is true then.
fn message<'a>(model: &'a Model, look: &Look) -> Option<(&'a str, Style)> {
    if let Some(trouble) = &model.ui.trouble {
        return Some((trouble, look.styles.bad));
    }
    let toast = model.ui.toast.as_ref()?;
    let style = match toast.level {
        ToastLevel::Done => look.styles.good,
        ToastLevel::Refused => look.styles.warning,
    };
    Some((&toast.text, style))
}

/// Rows that a long message may take from the panes above.
const MESSAGE_ROWS: usize = 4;

/// A message that does not fit beside what waits: over the last rows, since what to do stands at its end.
fn long_message(buffer: &mut Buffer, area: Rect, visible: &str, style: Style, look: &Look) {
    let mut lines = wrap(visible, usize::from(area.width), Break::AtSpaces);
    let whole = lines.len() <= MESSAGE_ROWS;
    lines.truncate(MESSAGE_ROWS);
    if let Some(last) = lines.last_mut().filter(|_| !whole) {
        last.push_str(look.glyphs.cut);
    }
    let height = u16::try_from(lines.len()).unwrap_or(1).min(area.y + 1);
    let top = area.y + 1 - height;
    clear(buffer, Rect { y: top, height, ..area }, look.styles.text);
    for (line, y) in lines.iter().zip(top..=area.y) {
        Run::new(buffer, Rect { y, height: 1, ..area }, look).fit(line, area.width, style);
    }
}

//! The last row: what waits for the person, the last message, and the keys that count now.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, clear};
use crate::domain::text;
use crate::tui::look::Look;
use crate::tui::ui::{Model, ToastLevel};
use crate::tui::update;
use crate::tui::worth;
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
        let visible = look.visible(&text);
        if text::width(&visible) <= room || model.ui.overlay.is_some() {
            run.fit(&visible, area.width, style);
            if model.ui.trouble.is_some() {
                // It may stay for long, unlike other messages: the keys go on counting beside it.
                run.put("  ", look.styles.text).hints(&worth::hints(model, update::context(model)));
            }
        } else {
            long_message(buffer, area, &visible, style, look);
        }
        return;
    }
    // A box says at its own foot what its keys do.
    if model.ui.overlay.is_some() {
        return;
    }
    let hints = worth::hints(model, update::context(model));
    // What opens the review stands beside what waits already.
    let wanted: Vec<_> = hints.into_iter().filter(|(hint, _)| waiting == 0 || *hint != key).collect();
    run.hints(&wanted);
}

/// What there is to say: trouble with the store first, since nothing else on the screen is sure to be true then.
fn message<'a>(model: &'a Model, look: &Look) -> Option<(Cow<'a, str>, Style)> {
    if let Some(trouble) = &model.ui.trouble {
        let words = format!("{} {UNREADABLE} {} What is shown is old.", look.glyphs.failed, sentence(trouble));
        return Some((Cow::Owned(words), look.styles.bad));
    }
    let toast = model.ui.toast.as_ref()?;
    let style = match toast.level {
        ToastLevel::Done => look.styles.good,
        ToastLevel::Refused => look.styles.warning,
    };
    Some((Cow::Borrowed(&toast.text), style))
}

/// Comes before why the store cannot be read.
pub(super) const UNREADABLE: &str = "The store cannot be read:";

/// `words` with a full stop at its end.
fn sentence(words: &str) -> Cow<'_, str> {
    if words.ends_with(['.', '!', '?']) { Cow::Borrowed(words) } else { Cow::Owned(format!("{words}.")) }
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

//! The last row: what waits for the person, the last message, and the keys that count now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::domain::text;
use crate::tui::look::Look;
use crate::tui::ui::{Model, ToastLevel};
use crate::tui::update;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let waiting = model.facts.snapshot.tray.len();
    let mut run = Run::new(buffer, area, look);
    if waiting > 0 {
        let (words, key) = (if waiting == 1 { "action" } else { "actions" }, model.approvals_key());
        run.put(look.glyphs.waiting, look.styles.attention);
        run.put(&format!(" {waiting} {words} to approve: "), look.styles.attention).put(&key, look.styles.key);
        run.put(" review  ", look.styles.attention);
    }
    if let Some(trouble) = &model.ui.trouble {
        let room = run.room();
        run.fit(&look.visible(trouble), room, look.styles.bad);
        return;
    }
    if let Some(toast) = &model.ui.toast {
        let style = match toast.level {
            ToastLevel::Done => look.styles.good,
            ToastLevel::Refused => look.styles.warning,
        };
        let room = run.room();
        run.fit(&look.visible(&toast.text), room, style);
        return;
    }
    for (key, help) in model.ui.keymap.hints(update::context(model)) {
        let width = text::width(&key) + 1 + text::width(help) + 2;
        if usize::from(run.room()) < width {
            break;
        }
        run.put(&key, look.styles.key)
            .put(" ", look.styles.text)
            .put(help, look.styles.muted)
            .put("  ", look.styles.text);
    }
}

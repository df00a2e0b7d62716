//! The last row: what waits for the person, the last message, and the keys that count now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::tui::look::Look;
use crate::tui::ui::{Model, ToastLevel};
use crate::tui::update;

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
    // A box that lies above the panes shows its own keys.
    if model.ui.overlay.is_none() {
        let hints = model.ui.keymap.hints(update::context(model));
        let wanted: Vec<_> = hints.into_iter().filter(|(hint, _)| waiting == 0 || *hint != key).collect();
        run.hints(&wanted);
    }
}

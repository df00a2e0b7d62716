//! The last row: what waits for the person, the last message, and the keys that count now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::domain::text;
use crate::tui::theme::Styles;
use crate::tui::ui::{Model, ToastLevel};
use crate::tui::update;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, styles: &Styles) {
    let waiting = model.facts.snapshot.tray.len();
    let mut run = Run::new(buffer, area);
    if waiting > 0 {
        let (words, key) = (if waiting == 1 { "action" } else { "actions" }, model.ui.keymap.key_for_approvals());
        run.put(styles.glyphs.pending, styles.pending);
        run.put(&format!(" {waiting} {words} to approve: "), styles.pending).put(&key, styles.key);
        run.put(" review  ", styles.pending);
    }
    if let Some(trouble) = &model.ui.trouble {
        let room = run.room();
        run.fit(&text::visible(trouble), room, styles.bad);
        return;
    }
    if let Some(toast) = &model.ui.toast {
        let style = match toast.level {
            ToastLevel::Done => styles.good,
            ToastLevel::Refused => styles.warning,
        };
        let room = run.room();
        run.fit(&text::visible(&toast.text), room, style);
        return;
    }
    for (key, help) in model.ui.keymap.hints(update::context(model)) {
        let width = text::width(&key) + 1 + text::width(help) + 2;
        if usize::from(run.room()) < width {
            break;
        }
        run.put(&key, styles.key).put(" ", styles.text).put(help, styles.dim).put("  ", styles.text);
    }
}

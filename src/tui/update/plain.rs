//! The plain view: opening it, moving in it, leaving it.

use crate::tui::intent::Intent;
use crate::tui::plain::{PlainPage, Subject};
use crate::tui::ui::{Model, Overlay};

/// Shows `subject` over the whole screen; output and conversations from their end, where one reads first.
pub(super) fn open(model: &mut Model, subject: Subject) {
    use crate::tui::layout::Pane;
    let mut page = PlainPage::open(model, subject);
    if matches!(subject, Subject::Pane(Pane::Output | Pane::Chat)) {
        page.top = page.last_top(model.ui.size.1);
    }
    model.ui.toast = None;
    model.ui.overlay = Some(Overlay::Plain(Box::new(page)));
}

/// What an intent means while it is open.
pub(super) fn intent(model: &mut Model, intent: Option<Intent>) {
    let rows = model.ui.size.1;
    let Some(Overlay::Plain(page)) = &mut model.ui.overlay else { return };
    let (last, screen) = (page.last_top(rows), PlainPage::height(rows));
    let wanted = match intent {
        Some(Intent::Back | Intent::Quit | Intent::Open | Intent::Plain) => return model.ui.overlay = None,
        Some(Intent::Down) => page.top + 1,
        Some(Intent::Up) => page.top.saturating_sub(1),
        Some(Intent::PageDown) => page.top + screen,
        Some(Intent::PageUp) => page.top.saturating_sub(screen),
        Some(Intent::HalfPageDown) => page.top + screen.div_ceil(2),
        Some(Intent::HalfPageUp) => page.top.saturating_sub(screen.div_ceil(2)),
        Some(Intent::Top) => 0,
        Some(Intent::Bottom) => last,
        _ => page.top,
    };
    page.top = wanted.min(last);
}

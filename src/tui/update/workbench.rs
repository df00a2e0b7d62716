//! The page on which an SOP is improved or drafted: opening it, taking and leaving, writing.
//!
//! Invariants: nothing is written but by the key for it, and only what the page shows; the name of a new document is typed by
//! the person. What the rules refuse is told as they say it.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::engine::backend::{BackendError, Command};
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Asked, Effect};
use crate::tui::steer;
use crate::tui::ui::{Model, Overlay, ToastLevel};
use crate::tui::workbench::{Content, Found, Row, Subject, WIDTH, Workbench};

/// Rows of the box besides those of the page: frame, field or state, hints.
const OTHER_ROWS: u16 = 4;

/// The box of the page.
#[must_use]
pub(crate) fn bench_box(size: (u16, u16)) -> Rect {
    layout::overlay(size.0, size.1, WIDTH, size.1)
}

/// Rows of the page that fit in its box.
#[must_use]
pub(crate) fn bench_rows(size: (u16, u16)) -> usize {
    usize::from(bench_box(size).height.saturating_sub(OTHER_ROWS)).max(1)
}

/// The rows of the page as it is drawn.
#[must_use]
pub(crate) fn rows(model: &Model, bench: &Workbench) -> Vec<Row> {
    bench.rows(usize::from(bench_box(model.ui.size).width.saturating_sub(6)), model.ui.settings.repertoire)
}

/// Opens the page for the SOP on the screen.
pub(super) fn improve(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.facts.sop.as_ref().map(|document| document.procedure.sop.clone()) {
        Some(sop) => open(model, Subject::Improve(sop), effects),
        None => {
            let why = "There is no SOP on the screen that runs could improve.".to_owned();
            super::toast(model, ToastLevel::Refused, why, effects);
        }
    }
}

/// Opens the page for the incident on the screen: for its last run when that is over, else for all that was done.
pub(super) fn draft(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(incident) = model.facts.detail().map(|detail| detail.record.incident.id) else {
        let why = "Select an incident: a draft is made from what was done for it.".to_owned();
        return super::toast(model, ToastLevel::Refused, why, effects);
    };
    let run = steer::last_run(model).filter(|run| run.state.is_over()).map(|run| run.id);
    open(model, Subject::Draft { incident, run }, effects);
}

fn open(model: &mut Model, subject: Subject, effects: &mut Vec<Effect>) {
    let number = model.ui.next_timer();
    model.ui.overlay = Some(Overlay::Workbench(Box::new(Workbench::ask(subject.clone(), number))));
    effects.push(Effect::Workbench { number, subject });
}

/// The answer to the page's question.
pub(super) fn answered(model: &mut Model, number: u64, result: Result<Found, BackendError>) {
    let Some(Overlay::Workbench(bench)) = &mut model.ui.overlay else { return };
    if bench.number != number {
        return;
    }
    match result {
        Ok(found) => bench.show(found),
        Err(error) => bench.content = Content::Failed(error.to_string()),
    }
}

/// It was written, and the page has nothing more to say; or it was not, and may be sent again.
pub(super) fn written(model: &mut Model, is_done: bool) {
    if let Some(Overlay::Workbench(bench)) = &mut model.ui.overlay {
        bench.sent = false;
        if is_done {
            model.ui.overlay = None;
        }
    }
}

/// A key for the page.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let size = model.ui.size;
    let Some(Overlay::Workbench(bench)) = &model.ui.overlay else { return };
    let is_naming = bench.naming.is_some();
    let rows = rows(model, bench);
    let (page, last) = (bench_rows(size), rows.len().saturating_sub(bench_rows(size)));
    let Some(Overlay::Workbench(bench)) = &mut model.ui.overlay else { return };
    if is_naming {
        return name(model, key, intent, effects);
    }
    let wanted = match intent {
        Some(Intent::Back) => return model.ui.overlay = None,
        Some(Intent::Toggle) => {
            if let Err(why) = bench.toggle() {
                super::toast(model, ToastLevel::Refused, why, effects);
            }
            return;
        }
        Some(Intent::ApplyPatch) => return apply(model, effects),
        Some(step @ (Intent::Down | Intent::Up)) if bench.findings() > 0 => {
            let count = bench.findings();
            bench.at = if step == Intent::Down { (bench.at + 1).min(count - 1) } else { bench.at.saturating_sub(1) };
            visible_top(bench, &rows, page)
        }
        Some(Intent::Down) => bench.top + 1,
        Some(Intent::Up) => bench.top.saturating_sub(1),
        Some(Intent::PageDown) => bench.top + page,
        Some(Intent::PageUp) => bench.top.saturating_sub(page),
        Some(Intent::HalfPageDown) => bench.top + page / 2,
        Some(Intent::HalfPageUp) => bench.top.saturating_sub(page / 2),
        Some(Intent::Top) => 0,
        Some(Intent::Bottom) => last,
        Some(_) | None => bench.top,
    };
    bench.top = wanted.min(last);
}

/// The first row, so that all of the finding under the cursor can be seen.
fn visible_top(bench: &Workbench, rows: &[Row], page: usize) -> usize {
    let own = |row: &Row| row.finding == Some(bench.at);
    let (first, end) = (rows.iter().position(own), rows.iter().rposition(own).map(|last| last + 1));
    let (Some(first), Some(end)) = (first, end) else { return bench.top };
    bench.top.max(end.saturating_sub(page)).min(first)
}

/// The person says yes to what the page shows.
fn apply(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Workbench(bench)) = &mut model.ui.overlay else { return };
    if bench.sent {
        return;
    }
    let refused = match (&bench.content, &bench.subject) {
        (Content::Improvement(_, patch), Subject::Improve(sop)) if !patch.diff.is_empty() => {
            let (sop, taken, digest) = (sop.clone(), bench.taken.clone(), patch.digest.clone());
            bench.sent = true;
            let command = Command::PatchSop { sop, taken, digest };
            return effects.push(Effect::Send { asked: Asked::Sop, command });
        }
        (Content::Draft(_), _) => return bench.naming = Some(LineEdit::default()),
        (Content::Awaited, _) => "The runs are still being compared.",
        (Content::Improvement(..), _) => "No patch follows from what is taken.",
        (Content::Failed(_), _) => "There is nothing to write.",
    };
    super::toast(model, ToastLevel::Refused, refused.to_owned(), effects);
}

/// A key while the name of a new document is typed.
fn name(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let Some(Overlay::Workbench(bench)) = &mut model.ui.overlay else { return };
    let Some(edit) = &mut bench.naming else { return };
    match intent {
        Some(Intent::Back) => bench.naming = None,
        Some(Intent::Open) => {
            let name = edit.text().trim().to_owned();
            if let (Subject::Draft { incident, run }, Some(shown), false) =
                (&bench.subject, bench.shown_draft(), name.is_empty() || bench.sent)
            {
                let command = Command::SaveDraft { incident: *incident, run: *run, name, shown };
                bench.sent = true;
                effects.push(Effect::Send { asked: Asked::Sop, command });
            }
        }
        _ => {
            if edit.handle(&key) == Edit::Changed {
                bench.sent = false;
            }
        }
    }
}

/// Text was pasted: it goes into the name, if one is typed, and never writes anything.
pub(super) fn pasted(bench: &mut Workbench, text: &str) {
    bench.naming.as_mut().map(|edit| edit.paste(text));
}

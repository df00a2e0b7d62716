//! The page that holds the SOP as written against the run as done.
//!
//! Owns: its rows, side by side where there is room, below each other where there is not. Does not: find what differs (see
//! `domain::run::comparison`).
//!
//! Invariant: each row says by a sign how it differs, so that nothing hangs on colour. All text is escaped here.

use super::{Part, Row, Tone, paragraph, part, visible};
use crate::domain::run::comparison::{self, Line};
use crate::tui::steer;
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};

/// From this many columns on, the two stand side by side.
const SIDE_BY_SIDE: usize = 76;
/// Columns before the texts: the sign and a blank.
const SIGN: usize = 2;

/// The rows of the last run of the incident on the screen.
pub(super) fn of(model: &Model, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(run) = steer::last_run(model) else {
        paragraph(&mut rows, "This incident has no run. R begins one.", 0, width, Tone::Text);
        return rows;
    };
    let title = format!("{} ({})", run.plan.title, steer::title(run));
    paragraph(&mut rows, &visible(model, &title), 0, width, Tone::Heading);
    let signs = "= as written  ~ otherwise  - left out  + added  ? to come";
    paragraph(&mut rows, signs, 0, width, Tone::Label);
    rows.push(Row::new());
    for line in comparison::of(run) {
        both(&mut rows, model, &line, width);
        for note in &line.notes {
            let words = format!("{}: {}. {}", note.kind.name(), note.words, note.correction);
            paragraph(&mut rows, &visible(model, &words), 2 * SIGN, width, Tone::Label);
        }
    }
    for effect in &run.effects {
        let words = format!("{}.", effect.words(run));
        rows.push(Row::new());
        paragraph(&mut rows, &visible(model, &words), 0, width, Tone::Text);
    }
    rows
}

/// What is written and what was done, beside each other or one below the other.
fn both(rows: &mut Vec<Row>, model: &Model, line: &Line, width: usize) {
    let sign = part(0, line.mark.sign().to_string(), Tone::Key);
    let side_by_side = width >= SIDE_BY_SIDE;
    let room = if side_by_side { (width - SIGN) / 2 - 1 } else { width.saturating_sub(SIGN) };
    let texts = |text: &Option<String>| -> Vec<String> {
        let lines = text.iter().flat_map(|text| text.lines());
        lines.flat_map(|line| wrap(&visible(model, line), room.max(8), Break::AtSpaces)).collect()
    };
    let (written, done) = (texts(&line.written), texts(&line.done));
    let (left, right) = (SIGN, SIGN + room + 1);
    let mut block: Vec<Row> = if side_by_side {
        let count = written.len().max(done.len()).max(1);
        let cell = |texts: &[String], at: usize, column: usize, tone: Tone| -> Option<Part> {
            texts.get(at).map(|text| part(column, text.clone(), tone))
        };
        let row = |at: usize| {
            cell(&written, at, left, Tone::Text).into_iter().chain(cell(&done, at, right, Tone::Text)).collect()
        };
        (0..count).map(row).collect()
    } else {
        let written = written.into_iter().map(|text| vec![part(left, text, Tone::Text)]);
        let done = done.into_iter().map(|text| vec![part(left + SIGN, text, Tone::Label)]);
        written.chain(done).collect()
    };
    if let Some(first) = block.first_mut() {
        first.insert(0, sign);
    }
    rows.append(&mut block);
}

//! The output of attempts: scrolling, finding, other attempts, ending one.
//!
//! Invariant: who has scrolled up keeps reading the same lines while more output arrives.

use crate::domain::action::attempt::AttemptState;
use crate::domain::id::AttemptId;
use crate::domain::sop::tree::Direction;
use crate::engine::backend::{Command, Output};
use crate::tui::intent::Intent;
use crate::tui::layout::{self, OutputShown, Pane};
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::{Asked, Effect};
use crate::tui::sought::Sought;
use crate::tui::ui::{CONFIRM_WITHIN, Model, ToastLevel};
use crate::tui::{output_body, output_lines};

/// What an intent means in the output.
pub(super) fn intent(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    let page = size(model).map_or(1, |(_, rows)| rows.max(2) - 1);
    match intent {
        Intent::Down => scroll_to(model, model.ui.output.up.saturating_sub(1)),
        Intent::Up => scroll_to(model, model.ui.output.up + 1),
        Intent::PageDown => scroll_to(model, model.ui.output.up.saturating_sub(page)),
        Intent::PageUp => scroll_to(model, model.ui.output.up + page),
        Intent::HalfPageDown => scroll_to(model, model.ui.output.up.saturating_sub(page.div_ceil(2))),
        Intent::HalfPageUp => scroll_to(model, model.ui.output.up + page.div_ceil(2)),
        Intent::Top => scroll_to(model, usize::MAX),
        Intent::Bottom => scroll_to(model, 0),
        Intent::Filter => model.ui.output.editing = Some(LineEdit::default()),
        Intent::FindNext => find(model, Direction::Forward, effects),
        Intent::FindPrevious => find(model, Direction::Backward, effects),
        Intent::NextStep => other_attempt(model, Direction::Forward, effects),
        Intent::PreviousStep => other_attempt(model, Direction::Backward, effects),
        Intent::Cancel => cancel(model, effects),
        Intent::CheckEffect => super::doubt::check(model, effects),
        Intent::EffectChecked => super::doubt::checked(model, effects),
        // As in the queue, the first press shows everything as it was before something was looked for.
        Intent::Back if model.ui.output.sought.is_some() => model.ui.output.sought = None,
        Intent::Back => model.ui.focus = Pane::Sop,
        _ => {}
    }
}

/// Columns and rows of the output, also when its pane is not shown.
fn size(model: &Model) -> Option<(usize, usize)> {
    let shown = model.layout().and_then(|layout| layout.output);
    let area =
        shown.or_else(|| layout::compute(model.ui.size, Pane::Output, OutputShown::Below, model.ui.splits)?.output)?;
    let attempt = model.shown_attempt();
    let body = attempt.map(|attempt| output_body::split(area.body, model, attempt, model.ui.settings.repertoire).1);
    let body = body.unwrap_or(area.body);
    Some((usize::from(body.width), usize::from(body.height)))
}

fn shown(model: &Model) -> Option<&Output> {
    let attempt = model.shown_attempt()?.id;
    model.facts.snapshot.output.as_ref().filter(|output| output.attempt == attempt)
}

/// Shows the rows that stand `up` rows above the end.
pub(super) fn scroll_to(model: &mut Model, up: usize) {
    let (Some((width, height)), Some(output)) = (size(model), shown(model)) else { return };
    let rows = output_lines::rows(&output.bytes, width, model.ui.settings.repertoire).len();
    model.ui.output.up = up.min(rows.saturating_sub(height));
}

/// Looks for a text that was typed; an empty one means the one before.
pub(super) fn look_for(model: &mut Model, words: &str, effects: &mut Vec<Effect>) {
    if !words.is_empty() {
        words.clone_into(&mut model.ui.output.find);
        (model.ui.output.found, model.ui.output.sought) = (None, None);
    }
    find(model, Direction::Forward, effects);
}

fn find(model: &mut Model, direction: Direction, effects: &mut Vec<Effect>) {
    let words = model.ui.output.find.clone();
    if words.is_empty() {
        return super::toast(model, ToastLevel::Refused, "Nothing to look for: / takes a text.".to_owned(), effects);
    }
    let (Some((width, height)), Some(output)) = (size(model), shown(model)) else { return };
    let repertoire = model.ui.settings.repertoire;
    let lines = output_lines::lines(&output.bytes, repertoire);
    let Some(line) = output_lines::find(&lines, &words, model.ui.output.found, direction) else {
        let text = format!("\"{words}\" is not in this output.");
        return super::toast(model, ToastLevel::Refused, text, effects);
    };
    let hits = lines.iter().enumerate().filter(|(_, text)| !output_lines::matches(text, &words).is_empty());
    let hits: Vec<usize> = hits.map(|(number, _)| number).collect();
    let sought = Sought::among(&hits, line, output.bytes.len());
    let rows = output_lines::rows(&output.bytes, width, repertoire);
    let at = rows.iter().position(|row| row.line == line).unwrap_or(0);
    let below = rows.len() - at;
    // In the middle, so that what led there and what came of it are both to be seen.
    (model.ui.output.found, model.ui.output.sought) = (Some(line), sought);
    scroll_to(model, below.saturating_sub(height.div_ceil(2)));
}

/// After a load: keeps the lines on the screen that the person was reading.
pub(super) fn follow(model: &mut Model, before: Option<&Output>) {
    let (Some(before), Some(now), Some((width, _))) = (before, shown(model), size(model)) else { return };
    let same = before.attempt == now.attempt;
    let moved = !same || before.start != now.start;
    let known_to = before.start + u64::try_from(before.bytes.len()).unwrap_or(u64::MAX);
    let new = usize::try_from(known_to.saturating_sub(now.start)).ok().and_then(|at| now.bytes.get(at..));
    let new = new.filter(|_| same && model.ui.output.up > 0);
    let rows = output_lines::rows(new.unwrap_or_default(), width, model.ui.settings.repertoire).len();
    if moved {
        // Lines are counted from the start of what is loaded.
        (model.ui.output.found, model.ui.output.sought) = (None, None);
    }
    if rows > 0 {
        scroll_to(model, model.ui.output.up + rows);
    }
}

/// Shows the output of the next or previous attempt of this incident.
fn other_attempt(model: &mut Model, direction: Direction, effects: &mut Vec<Effect>) {
    let Some(shown) = model.shown_attempt().map(|attempt| attempt.id) else { return };
    let Some(detail) = model.facts.detail() else { return };
    let attempts = &detail.record.attempts; // newest first
    let at = attempts.iter().position(|attempt| attempt.id == shown).unwrap_or(0);
    let (wanted, words) = match direction {
        Direction::Forward => (at.checked_sub(1), "This is the newest attempt of the incident."),
        Direction::Backward => (Some(at + 1), "This is the oldest attempt of the incident."),
    };
    match wanted.and_then(|at| attempts.get(at)).map(|attempt| attempt.id) {
        Some(attempt) => show(model, attempt, effects),
        None => super::toast(model, ToastLevel::Refused, words.to_owned(), effects),
    }
}

fn show(model: &mut Model, attempt: AttemptId, effects: &mut Vec<Effect>) {
    model.ui.output.attempt = Some(attempt);
    model.ui.output.up = 0;
    (model.ui.output.found, model.ui.output.sought) = (None, None);
    super::want_load(model, effects);
}

/// Goes to the output of an attempt that somebody named, when it is one of this incident.
pub(super) fn open(model: &mut Model, attempt: AttemptId, effects: &mut Vec<Effect>) {
    let known = model.facts.detail().is_some_and(|detail| detail.record.attempts.iter().any(|one| one.id == attempt));
    if known {
        model.ui.focus = Pane::Output;
        show(model, attempt, effects);
    } else {
        let text = format!("Nothing with the number {attempt} was run for the incident on the screen.");
        super::toast(model, ToastLevel::Refused, text, effects);
    }
}

/// Ends the attempt on the screen, when asked twice.
pub(super) fn cancel(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(attempt) = model.shown_attempt() else {
        let text = "Nothing was started for this incident, so that there is nothing to end.";
        return super::toast(model, ToastLevel::Refused, text.to_owned(), effects);
    };
    if matches!(attempt.state, AttemptState::Ended { .. }) {
        let text = format!("Attempt {} has ended already.", attempt.id);
        return super::toast(model, ToastLevel::Refused, text, effects);
    }
    let (id, now) = (attempt.id, model.ui.monotonic);
    match model.ui.output.cancel_asked {
        Some((asked, at)) if asked == id && now.saturating_sub(at) <= CONFIRM_WITHIN => {
            model.ui.output.cancel_asked = None;
            effects.push(Effect::Send { asked: Asked::Cancel, command: Command::Cancel { attempt: id } });
        }
        _ => {
            model.ui.output.cancel_asked = Some((id, now));
            let text = format!("Press again within {} s to end attempt {id}.", CONFIRM_WITHIN.as_secs());
            super::toast(model, ToastLevel::Refused, text, effects);
        }
    }
}

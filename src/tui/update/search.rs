//! Searching everything: asking while one types, and going to what was found.
//!
//! Invariants: an answer counts only for the question that was asked last; Enter never takes a hit of other words than those
//! that stand in the field.

use std::time::Duration;

use crossterm::event::KeyEvent;

use super::{keys, queue, sop};
use crate::engine::backend::BackendError;
use crate::engine::search::{Coverage, HitKind, SearchAnswer, SearchQuery};
use crate::tui::chat::view::Mode;
use crate::tui::intent::Intent;
use crate::tui::layout::Pane;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Effect, Timer};
use crate::tui::search::{HITS, Search, Standing, visible_hits};
use crate::tui::ui::{Going, Model, Named, Overlay};

/// The words are looked for when nothing was typed for this long: shorter than a pause between words.
const TYPING_ENDS: Duration = Duration::from_millis(60);

/// While the index is being made, the same words are looked for again so much later.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Opens the search with these words in its field.
pub(super) fn open(model: &mut Model, words: &str, effects: &mut Vec<Effect>) {
    model.ui.toast = None;
    let search = Search { edit: LineEdit::new(words), ..Search::default() };
    model.ui.overlay = Some(Overlay::Search(Box::new(search)));
    changed(model, effects);
}

fn search(model: &mut Model) -> Option<&mut Search> {
    match &mut model.ui.overlay {
        Some(Overlay::Search(search)) => Some(search),
        _ => None,
    }
}

/// The words or the scope are others than before: a new question, asked when typing ends.
fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    let number = model.ui.next_timer();
    let Some(search) = search(model) else { return };
    search.generation = number;
    search.at = 0;
    search.trouble = None;
    if search.edit.text().trim().is_empty() {
        search.hits.clear();
        search.standing = Standing::Answered;
    } else {
        search.standing = Standing::Asked;
        effects.push(Effect::Wake(TYPING_ENDS, Timer::Search(number)));
    }
}

/// It is time to look for the words.
pub(super) fn due(model: &mut Model, number: u64, effects: &mut Vec<Effect>) {
    let Some(search) = search(model).filter(|search| search.generation == number) else { return };
    let query = SearchQuery { text: search.edit.text().to_owned(), scope: search.scope, limit: HITS };
    effects.push(Effect::Search { generation: number, query });
}

/// An answer has come.
pub(super) fn found(
    model: &mut Model,
    generation: u64,
    result: Result<SearchAnswer, BackendError>,
    effects: &mut Vec<Effect>,
) {
    let Some(search) = search(model).filter(|search| search.generation == generation) else { return };
    let before = std::mem::take(&mut search.standing);
    match result {
        Ok(answer) => {
            // An answer to the same words again, when the index was not whole: the choice stays where it was.
            let chosen =
                search.hits.get(search.at).map(|hit| hit.kind.clone()).filter(|_| before == Standing::Answered);
            let again = chosen.and_then(|kind| answer.hits.iter().position(|hit| hit.kind == kind));
            search.at = again.unwrap_or(0);
            search.hits = answer.hits;
            search.coverage = answer.coverage;
            if matches!(search.coverage, Coverage::Indexing { .. }) {
                effects.push(Effect::Wake(LOOK_AGAIN, Timer::Search(generation)));
            }
        }
        Err(error) => {
            search.hits.clear();
            search.trouble = Some(error.to_string());
        }
    }
    if before == Standing::AskedToGo {
        go(model, effects);
    }
}

/// A key for the search.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let page = visible_hits(model.ui.size);
    let Some(search) = search(model) else { return };
    let last = search.hits.len().saturating_sub(1);
    match intent {
        Some(Intent::Back) => model.ui.overlay = None,
        Some(Intent::Open) => go(model, effects),
        Some(Intent::Down) => search.at = (search.at + 1).min(last),
        Some(Intent::Up) => search.at = search.at.saturating_sub(1),
        Some(Intent::PageDown) => search.at = (search.at + page).min(last),
        Some(Intent::PageUp) => search.at = search.at.saturating_sub(page),
        Some(Intent::NextPane) => {
            search.scope = search.scope.next();
            changed(model, effects);
        }
        _ => {
            if search.edit.handle(&key) == Edit::Changed {
                changed(model, effects);
            }
        }
    }
}

/// Text was pasted into the field.
pub(super) fn pasted(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(search) = search(model) {
        search.edit.paste(text);
        changed(model, effects);
    }
}

/// Goes to the chosen hit; when the answer is still to come, to the best one of it.
fn go(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(search) = search(model) else { return };
    if search.standing != Standing::Answered {
        search.standing = Standing::AskedToGo;
        return;
    }
    let Some(kind) = search.hits.get(search.at).map(|hit| hit.kind.clone()) else { return };
    model.ui.overlay = None;
    // Whoever was typing a question finds it as it was; keys are for what was gone to.
    model.ui.chat.mode = Mode::Reading;
    match kind {
        HitKind::Sop { sop, node } => {
            keys::focus(model, Pane::Sop);
            sop::open_at(model, Going { sop, node, named: Named::BySearch }, effects);
        }
        HitKind::Incident { id, .. } => {
            keys::focus(model, Pane::Incidents);
            queue::seek(model, id, effects);
        }
    }
}

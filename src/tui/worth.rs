//! What a hint of a key is worth as things are: nobody is told of a key that leads nowhere now.
//!
//! Owns: which intents can do something in the present state, and which are what one wants first. Does not: know keys or
//! words (see `keymap`). Invariant: it depends on nothing that changes with every move of a cursor, since each change of the
//! last row costs bytes.

use crate::domain::action::attempt::{Attempt, AttemptState};
use crate::domain::action::edit;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::reach::seen::Looked;
use crate::domain::incident::Queue;
use crate::tui::chat::sheet::Sheet;
use crate::tui::chat::view::Phase;
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::pages;
use crate::tui::palette;
use crate::tui::review::Review;
use crate::tui::search;
use crate::tui::steer;
use crate::tui::ui::{Model, Overlay};
use crate::tui::update;
use crate::tui::wider;

/// What a hint is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It is what one wants now.
    Most,
    /// It can be done, as usual.
    Usual,
    /// It would lead nowhere.
    Nothing,
}

impl Worth {
    const fn when(possible: bool) -> Self {
        if possible { Self::Usual } else { Self::Nothing }
    }

    const fn most_when(wanted: bool) -> Self {
        if wanted { Self::Most } else { Self::Nothing }
    }
}

/// The hints of a context: what is wanted now first, what leads nowhere not at all, the rest in the order of the keymap.
#[must_use]
pub fn hints(model: &Model, context: Context) -> Vec<(String, &'static str)> {
    let keymap = &model.ui.keymap;
    let worth = |intent: Intent| of(model, context, intent);
    let types = matches!(&model.ui.overlay, Some(Overlay::Review(review)) if review.typed.is_some());
    if types && context == Context::Review {
        keymap.hints_while_typing(context, worth)
    } else {
        keymap.hints_worth(context, worth)
    }
}

/// What a hint of `intent` is worth in `context`.
#[must_use]
pub fn of(model: &Model, context: Context, intent: Intent) -> Worth {
    match context {
        Context::Incidents => in_queue(model, intent),
        Context::Sop => in_sop(model, intent),
        Context::Output => in_output(model, intent),
        Context::Chat => in_chat(model, intent),
        Context::Ask if intent == Intent::Cancel => Worth::most_when(answers(model)),
        Context::Preview | Context::Review | Context::Help | Context::Search | Context::Palette => {
            in_box(model, intent)
        }
        Context::Workbench if intent == Intent::Toggle => Worth::when(takes(model)),
        Context::Ask | Context::Edit | Context::Global | Context::Prompt | Context::Filter | Context::Workbench => {
            Worth::Usual
        }
    }
}

/// Whether there is a finding that can be taken or left.
fn takes(model: &Model) -> bool {
    matches!(&model.ui.overlay, Some(Overlay::Workbench(bench)) if bench.findings() > 0)
}

fn in_queue(model: &Model, intent: Intent) -> Worth {
    let queue = &model.ui.queue;
    let empty = model.facts.snapshot.queue.rows.is_empty();
    match intent {
        Intent::CheckEffect | Intent::EffectChecked => in_doubt(model),
        Intent::Back => Worth::most_when(!queue.filter.is_empty()),
        Intent::NextQueue if empty && queue.filter.is_empty() && queue.queue != Queue::All => Worth::Most,
        Intent::Open
        | Intent::Acknowledge
        | Intent::Details
        | Intent::Take
        | Intent::Note
        | Intent::Resolve
        | Intent::Undo => Worth::when(!empty),
        Intent::Filter => Worth::when(!empty || !queue.filter.is_empty()),
        Intent::FocusOutput => Worth::when(model.shown_attempt().is_some()),
        _ => Worth::Usual,
    }
}

fn in_sop(model: &Model, intent: Intent) -> Worth {
    let (document, incident) = (model.facts.sop.is_some(), model.facts.detail());
    match intent {
        Intent::CheckEffect | Intent::EffectChecked => in_doubt(model),
        Intent::Run | Intent::EditValues => Worth::when(document && incident.is_some()),
        Intent::NextStep | Intent::PreviousStep | Intent::Fold | Intent::FoldAll | Intent::Filter => {
            Worth::when(document)
        }
        Intent::FindNext | Intent::FindPrevious => Worth::most_when(!model.ui.sop.find.is_empty()),
        Intent::NextAlert => {
            let firing =
                incident.map_or(0, |detail| detail.record.alerts.iter().filter(|one| concern::fires(one)).count());
            Worth::when(firing > 1)
        }
        Intent::FocusOutput => Worth::when(model.shown_attempt().is_some()),
        Intent::Counsel => Worth::when(steer::run(model).is_some()),
        _ => Worth::Usual,
    }
}

/// Looking at an effect goes before everything else while nobody has.
fn in_doubt(model: &Model) -> Worth {
    Worth::most_when(model.facts.detail().is_some_and(|detail| detail.open_doubts().next().is_some()))
}

fn in_output(model: &Model, intent: Intent) -> Worth {
    let goes_on =
        |attempt: &Attempt| matches!(attempt.state, AttemptState::IntentStored | AttemptState::Running { .. });
    match intent {
        Intent::CheckEffect | Intent::EffectChecked => in_doubt(model),
        Intent::Cancel => Worth::most_when(model.shown_attempt().is_some_and(goes_on)),
        Intent::FindNext | Intent::FindPrevious => Worth::most_when(!model.ui.output.find.is_empty()),
        Intent::NextStep | Intent::PreviousStep => {
            Worth::when(model.facts.detail().is_some_and(|detail| detail.record.attempts.len() > 1))
        }
        _ => Worth::Usual,
    }
}

fn in_chat(model: &Model, intent: Intent) -> Worth {
    let chat = &model.ui.chat;
    let any = |has: fn(&Sheet) -> bool| {
        Worth::when(chat.transcript.entries().iter().filter_map(|entry| entry.sheet()).any(has))
    };
    match intent {
        Intent::Cancel => Worth::most_when(answers(model)),
        Intent::FindNext | Intent::FindPrevious => Worth::most_when(!chat.find.is_empty()),
        Intent::NextStep | Intent::PreviousStep | Intent::Run => any(|sheet| sheet.block(0).is_some()),
        Intent::NextCitation | Intent::PreviousCitation => any(|sheet| sheet.citation(0).is_some()),
        Intent::FoldThoughts => Worth::when(chat.transcript.has_thoughts()),
        Intent::Filter => Worth::when(!chat.transcript.is_empty()),
        _ => Worth::Usual,
    }
}

/// Whether there is an answer on its way that can be stopped.
fn answers(model: &Model) -> bool {
    update::phase(model).is_some_and(Phase::is_busy)
}

/// In what lies above the panes: scrolling where not all of it fits, choosing where there is something.
fn in_box(model: &Model, intent: Intent) -> Worth {
    let size = model.ui.size;
    let (lines, visible) = match &model.ui.overlay {
        Some(Overlay::Review(review)) => (review.lines.len(), update::review_rows(size.1, review.lines.len())),
        Some(Overlay::Preview(page)) => (page.len(), update::preview_rows(size, page)),
        Some(Overlay::Page { page, .. }) => {
            let rows = pages::rows(model, *page).len();
            (rows, pages::visible_rows(model, rows))
        }
        Some(Overlay::Search(search)) => (search.hits.len(), search::visible_hits(size)),
        Some(Overlay::Palette(palette)) => (palette.rows.len(), palette::visible_rows(size)),
        Some(
            Overlay::Edit(_)
            | Overlay::Prompt(_)
            | Overlay::Question(_)
            | Overlay::Picker(_)
            | Overlay::Plain(_)
            | Overlay::Scopes(_)
            | Overlay::Steer(_)
            | Overlay::Suggestions(_)
            | Overlay::Workbench(_),
        )
        | None => {
            return Worth::Usual;
        }
    };
    let chooses = matches!(model.ui.overlay, Some(Overlay::Search(_) | Overlay::Palette(_)));
    match intent {
        Intent::ApproveWider => {
            Worth::most_when(matches!(reviewed(model), Some((review, _)) if review.wider.is_some()))
        }
        Intent::Widen => {
            Worth::when(reviewed(model).is_some_and(|(_, proposal)| !wider::offered(model, proposal).is_empty()))
        }
        Intent::Open => Worth::when(!chooses || lines > 0),
        Intent::Down | Intent::Up if chooses => Worth::when(lines > 1),
        Intent::Down | Intent::Up | Intent::PageDown | Intent::PageUp => Worth::when(lines > visible),
        Intent::FindNext | Intent::FindPrevious => Worth::when(sought_in_preview(model)),
        Intent::EditCommand | Intent::LookUp => in_review(model, intent),
        _ => Worth::Usual,
    }
}

/// The review that is open, and its proposal.
fn reviewed(model: &Model) -> Option<(&Review, &Proposal)> {
    let Some(Overlay::Review(review)) = &model.ui.overlay else { return None };
    model.facts.pending(review.proposal).map(|proposal| (review.as_ref(), proposal))
}

/// What can be done with the command of a review besides saying yes or no.
fn in_review(model: &Model, intent: Intent) -> Worth {
    let Some(Overlay::Review(review)) = &model.ui.overlay else { return Worth::Nothing };
    let proposal = model.facts.pending(review.proposal);
    match intent {
        Intent::LookUp => Worth::when(review.beside.looked != Looked::Never),
        _ => Worth::when(proposal.is_some_and(|proposal| edit::decide_edit(proposal).is_ok())),
    }
}

fn sought_in_preview(model: &Model) -> bool {
    matches!(&model.ui.overlay, Some(Overlay::Preview(page)) if !page.find.is_empty())
}

//! Going back to where the person was before the connection was lost.
//!
//! Invariants: what is gone is left out and never in the way; the first key ends it, because the person is somewhere then; a
//! review comes back unread, with its quiet period to come. Does not: read the file (see `keeping`).

use super::{overlay, sop};
use crate::tui::chat::draft::Draft;
use crate::tui::chat::view::Mode;
use crate::tui::layout::Pane;
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::Effect;
use crate::tui::place::Place;
use crate::tui::ui::{Model, Returning};

/// Before the first load: puts back what needs no facts, and remembers the rest.
pub(crate) fn begin(model: &mut Model, place: Place) {
    let ui = &mut model.ui;
    ui.settings.zone.show(place.zone);
    ui.focus = place.focus;
    ui.queue.selected = place.selected;
    ui.queue.editing = place.filtering.then(|| LineEdit::new(&place.filter));
    ui.queue.filter = place.filter;
    ui.sop.chosen = place.chosen.into_iter().collect();
    ui.sop.alerts = place.alerts.into_iter().collect();
    ui.sop.browsing = place.browsing;
    for (conversation, text) in place.drafts {
        let mut draft = Draft::default();
        draft.set(&text);
        ui.chat.drafts.insert(conversation, draft);
    }
    ui.returning = Some(Returning {
        selected: place.selected,
        reading: place.reading,
        output_up: place.output_up,
        chat: place.chat,
        asking: place.asking,
        review: place.review,
        at: place.at,
    });
}

/// After a load: what can be put back now is.
pub(super) fn go_on(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(mut returning) = model.ui.returning.take() else { return };
    let here = model.ui.queue.selected;
    if returning.selected.is_some() && here != returning.selected {
        // The incident is over and out of the queue: there is no place to go back to.
        if model.ui.focus == Pane::Output {
            model.ui.focus = Pane::Sop;
        }
        return;
    }
    if model.facts.detail().map(|detail| detail.record.incident.id) == here {
        put_back(model, &mut returning, effects);
    }
    let waits = returning.reading.is_some()
        || returning.output_up > 0
        || returning.chat.is_some()
        || returning.review.is_some();
    model.ui.returning = (waits || returning.asking).then_some(returning);
}

fn put_back(model: &mut Model, returning: &mut Returning, effects: &mut Vec<Effect>) {
    if std::mem::take(&mut returning.asking) && model.ui.focus == Pane::Chat {
        super::chat::refresh(model, effects);
        model.ui.chat.mode = Mode::Typing;
    }
    let conversation = super::chat::conversation(model);
    let loaded = model.facts.snapshot.chat.as_ref().is_some_and(|history| history.conversation == conversation);
    if let Some(anchor) = returning.chat.take_if(|_| loaded) {
        super::chat::refresh(model, effects);
        super::chat::read_from(model, anchor);
    }
    if let Some(document) = &model.facts.sop
        && let Some(reading) = returning.reading.take_if(|reading| reading.sop == document.procedure.sop)
    {
        let nodes = &document.procedure.nodes;
        let cursor = reading.node.and_then(|id| document.procedure.index_of(&id));
        let known = |id: &crate::domain::id::NodeId| nodes.iter().any(|node| node.id == *id);
        model.ui.sop.folded = reading.folded.into_iter().filter(known).collect();
        model.ui.sop.cursor = cursor.unwrap_or(model.ui.sop.cursor);
        model.ui.sop.top = reading.top;
        sop::keep_visible(model);
    }
    let attempt = model.shown_attempt().map(|attempt| attempt.id);
    let loaded = model.facts.snapshot.output.as_ref().map(|output| output.attempt);
    if attempt.is_none() {
        returning.output_up = 0;
    } else if attempt == loaded {
        super::output::scroll_to(model, std::mem::take(&mut returning.output_up));
    }
    if model.ui.focus == Pane::Output && attempt.is_none() {
        model.ui.focus = Pane::Sop;
    }
    if let Some(id) = returning.review.take()
        && model.ui.overlay.is_none()
    {
        overlay::open_review_of(model, id);
    }
}

//! The step tree: cursor, folds, finding, choosing a document.
//!
//! Invariant: cursor and folds belong to one document and survive a refresh of it.

use crate::domain::alert::AlertStatus;
use crate::domain::id::{NodeId, SopId};
use crate::domain::procedure::NodeKind;
use crate::domain::sop::tree::{self, Direction};
use crate::tui::msg::{Asked, Effect, ProposeRequest};
use crate::tui::sop_lines;
use crate::tui::ui::{Model, ToastLevel};

/// After a load: begins anew when the document is another one.
pub(super) fn follow_document(model: &mut Model) {
    let id = model.facts.sop.as_ref().map(|document| document.procedure.sop.clone());
    let nodes = model.facts.sop.as_ref().map_or(0, |document| document.procedure.nodes.len());
    if id != model.ui.sop.document {
        model.ui.sop.document = id;
        model.ui.sop.folded.clear();
        model.ui.sop.top = 0;
        // A document opens at its first step: that is what one came for.
        model.ui.sop.cursor =
            model.facts.sop.as_ref().and_then(|document| tree::first_step(&document.procedure)).unwrap_or(0);
        model.ui.sop.top = 0;
    }
    model.ui.sop.cursor = model.ui.sop.cursor.min(nodes.saturating_sub(1));
    keep_visible(model);
}

/// Moves the cursor by visible nodes.
pub(super) fn step(model: &mut Model, nodes: i64) {
    let Some(document) = &model.facts.sop else { return };
    let visible = sop_lines::shown(&document.procedure, &model.ui.sop.folded);
    if visible.is_empty() {
        return;
    }
    let at = visible.iter().position(|node| *node >= model.ui.sop.cursor).unwrap_or(visible.len() - 1);
    let last = i64::try_from(visible.len() - 1).unwrap_or(0);
    let wanted = (i64::try_from(at).unwrap_or(0) + nodes).clamp(0, last);
    model.ui.sop.cursor = visible[usize::try_from(wanted).unwrap_or(0)];
    keep_visible(model);
}

/// How much of a page to move by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it but one line, which stays to read on from.
    Whole,
    /// Half of it.
    Half,
}

/// Moves the cursor and the text by a page of lines, or half of one.
pub(super) fn page(model: &mut Model, direction: Direction, share: Share) {
    let (Some((width, height)), Some(document)) = (sop_body(model), &model.facts.sop) else { return };
    let view = &model.ui.sop;
    let repertoire = model.ui.settings.repertoire;
    let lines = sop_lines::lay_out(&document.procedure, &view.folded, usize::from(width), repertoire);
    let Some(last) = lines.len().checked_sub(1) else { return };
    let height = usize::from(height);
    let by = match share {
        Share::Whole => height.saturating_sub(1),
        Share::Half => height / 2,
    }
    .max(1);
    let at = lines.iter().position(|line| line.node >= view.cursor).unwrap_or(last);
    let (wanted, top, one) = match direction {
        Direction::Forward => ((at + by).min(last), view.top + by, 1),
        Direction::Backward => (at.saturating_sub(by), view.top.saturating_sub(by), -1),
    };
    let (node, most) = (lines[wanted].node, lines.len().saturating_sub(height));
    if node == view.cursor {
        // A node that is longer than a page must not hold the cursor for ever.
        return step(model, one);
    }
    model.ui.sop.cursor = node;
    model.ui.sop.top = top.min(most);
    keep_visible(model);
}

/// Moves the cursor to the next or previous step.
pub(super) fn to_step(model: &mut Model, direction: Direction) {
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    let mut node = tree::next_step(procedure, model.ui.sop.cursor, direction);
    while let Some(hidden) = node.filter(|node| sop_lines::repeats_parent(procedure, *node)) {
        node = tree::next_step(procedure, hidden, direction);
    }
    if let Some(node) = node {
        reveal(model, node);
    }
}

/// Looks for the text; says so when it is not there.
pub(super) fn find(model: &mut Model, direction: Direction, effects: &mut Vec<Effect>) {
    let Some(document) = &model.facts.sop else { return };
    let words = model.ui.sop.find.clone();
    if words.is_empty() {
        return super::toast(model, ToastLevel::Refused, "Nothing to look for: / takes a text.".to_owned(), effects);
    }
    let mut found = tree::find(&document.procedure, &words, model.ui.sop.cursor, direction);
    // A node that has no line of its own has the same words as the one that it stands below.
    while let Some(node) = found.filter(|node| sop_lines::repeats_parent(&document.procedure, *node)) {
        found = tree::find(&document.procedure, &words, node, direction);
    }
    match found {
        Some(node) => reveal(model, node),
        None => super::toast(model, ToastLevel::Refused, format!("\"{words}\" is not in this SOP"), effects),
    }
}

/// Puts the cursor on a node and opens what hides it.
fn reveal(model: &mut Model, node: usize) {
    let Some(document) = &model.facts.sop else { return };
    let nodes = &document.procedure.nodes;
    let mut at = nodes.get(node).and_then(|found| found.parent);
    while let Some(parent) = at {
        model.ui.sop.folded.remove(&nodes[parent].id);
        at = nodes[parent].parent;
    }
    model.ui.sop.cursor = node;
    keep_visible(model);
}

/// What to do to a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// Close it if open, open it if closed.
    Toggle,
    /// Show what is below; on an open node, go to its first child.
    Open,
    /// Hide what is below; on a closed node or a leaf, go to the parent.
    Close,
}

/// Folds the node under the cursor.
pub(super) fn fold(model: &mut Model, fold: Fold) {
    let Some(document) = &model.facts.sop else { return };
    let cursor = model.ui.sop.cursor;
    let Some(node) = document.procedure.nodes.get(cursor) else { return };
    let title = sop_lines::title_node(&document.procedure);
    let first_child = document.procedure.nodes.iter().position(|child| child.parent == Some(cursor));
    let folded = model.ui.sop.folded.contains(&node.id);
    match (fold, first_child, folded) {
        (Fold::Toggle | Fold::Open, Some(_), true) => {
            model.ui.sop.folded.remove(&node.id);
        }
        (Fold::Toggle | Fold::Close, Some(_), false) => {
            model.ui.sop.folded.insert(node.id.clone());
        }
        (Fold::Open, Some(_), false) => return step(model, 1),
        (Fold::Close, _, _) => {
            let mut above = tree::ancestors(&document.procedure, cursor);
            let shows = |at: &usize| Some(*at) != title && !sop_lines::repeats_parent(&document.procedure, *at);
            if let Some(parent) = above.find(shows) {
                model.ui.sop.cursor = parent;
            }
        }
        (Fold::Toggle | Fold::Open, None, _) => {}
    }
    keep_visible(model);
}

/// Folds every section, or opens all when some are folded.
pub(super) fn fold_all(model: &mut Model) {
    let Some(document) = &model.facts.sop else { return };
    if model.ui.sop.folded.is_empty() {
        let title = sop_lines::title_node(&document.procedure);
        let nodes = document.procedure.nodes.iter().enumerate();
        let sections =
            nodes.filter(|(index, node)| Some(*index) != title && matches!(node.kind, NodeKind::Section { .. }));
        model.ui.sop.folded = sections.map(|(_, node)| node.id.clone()).collect();
        let mut at = model.ui.sop.cursor;
        let above = |at: usize| document.procedure.nodes.get(at).and_then(|node| node.parent);
        while let Some(parent) = above(at).filter(|parent| Some(*parent) != title) {
            at = parent;
        }
        model.ui.sop.cursor = at;
    } else {
        model.ui.sop.folded.clear();
    }
    keep_visible(model);
}

/// Scrolls so that the node under the cursor is on the screen, with as much of it as fits.
pub(super) fn keep_visible(model: &mut Model) {
    let Some(area) = sop_body(model) else { return };
    let Some(document) = &model.facts.sop else { return };
    let repertoire = model.ui.settings.repertoire;
    let lines = sop_lines::lay_out(&document.procedure, &model.ui.sop.folded, usize::from(area.0), repertoire);
    let height = usize::from(area.1).max(1);
    let cursor = model.ui.sop.cursor;
    let first = lines.iter().position(|line| line.node == cursor).unwrap_or(0);
    // With the command that a proposal would take: nobody should have to look for what they are about to propose.
    let ends = tree::command_at(&document.procedure, cursor);
    let shown = |node: usize| lines.iter().rposition(|line| line.node == node);
    let last = ends.and_then(shown).filter(|last| last - first < height).or_else(|| shown(cursor)).unwrap_or(first);
    let top = &mut model.ui.sop.top;
    if last >= *top + height {
        *top = last + 1 - height;
    }
    if first < *top {
        *top = first;
    }
    *top = (*top).min(lines.len().saturating_sub(height));
}

/// Width and height of the tree, also when its pane is not shown.
fn sop_body(model: &Model) -> Option<(u16, u16)> {
    let area = model.layout()?.sop.or_else(|| {
        let (columns, rows) = model.ui.size;
        let output = crate::tui::layout::OutputShown::No;
        crate::tui::layout::compute(columns, rows, crate::tui::layout::Pane::Sop, output)?.sop
    })?;
    let (lines, _) = sop_lines::split(area.body);
    Some((lines.width, lines.height))
}

/// Proposes the command under the cursor, or the first one of the step under the cursor.
pub(super) fn propose(model: &mut Model, effects: &mut Vec<Effect>) {
    let request = match request_under_cursor(model) {
        Ok(request) => request,
        Err(why) => return super::toast(model, ToastLevel::Refused, why, effects),
    };
    send_proposal(request, effects);
}

/// Asks for every value of the command under the cursor, each as the alert's labels give it, and proposes it then.
pub(super) fn edit_values(model: &mut Model, effects: &mut Vec<Effect>) {
    let request = match request_under_cursor(model) {
        Ok(request) => request,
        Err(why) => return super::toast(model, ToastLevel::Refused, why, effects),
    };
    let labels = model.facts.detail().and_then(|detail| detail.record.alerts.first()).map(|alert| &alert.labels);
    let values = match (&model.facts.sop, labels) {
        (Some(document), Some(labels)) => sop_lines::values(&document.procedure, model.ui.sop.cursor, labels),
        _ => Vec::new(),
    };
    if values.is_empty() {
        let why = "This command has no values to type: it can only be proposed as it is.";
        return super::toast(model, ToastLevel::Refused, why.to_owned(), effects);
    }
    super::overlay::edit_values(model, request, values);
}

/// Sends a request with the values that it has.
pub(super) fn send_proposal(request: ProposeRequest, effects: &mut Vec<Effect>) {
    let command = crate::engine::backend::Command::Propose {
        incident: request.incident,
        alert: request.alert.clone(),
        sop: request.sop.clone(),
        node: request.node.clone(),
        values: request.values.clone(),
    };
    effects.push(Effect::Send { asked: Asked::Propose(request), command });
}

fn request_under_cursor(model: &Model) -> Result<ProposeRequest, String> {
    let document = model.facts.sop.as_ref().ok_or("There is no SOP on the screen. s lists all SOPs.")?;
    let detail = model
        .facts
        .detail()
        .ok_or("There is no incident to run this for. Commands run for an incident; wait for one or read on.")?;
    // What is on the screen still belongs to the incident that was selected before.
    if model.ui.queue.selected != Some(detail.record.incident.id) {
        return Err("The SOP of the incident under the cursor is still being loaded; press again.".to_owned());
    }
    // The details show this one: firing alerts come first, the newest of them at the top.
    let mut alerts = detail.record.alerts.iter();
    let alert = alerts
        .find(|alert| alert.status == AlertStatus::Firing)
        .ok_or("No alert of this incident fires any more. Look whether anything is still to be done.")?;
    let procedure = &document.procedure;
    let node = tree::command_at(procedure, model.ui.sop.cursor)
        .ok_or("There is no command in this step. ] and [ go to the next and previous step.")?;
    Ok(ProposeRequest {
        incident: detail.record.incident.id,
        alert: alert.key(),
        sop: procedure.sop.clone(),
        node: procedure.nodes[node].id.clone(),
        values: std::collections::BTreeMap::new(),
    })
}

/// Shows this node of this document, at once when it is on the screen.
pub(super) fn open_at(model: &mut Model, sop: SopId, node: NodeId, effects: &mut Vec<Effect>) {
    choose(model, sop.clone(), effects);
    model.ui.sop.going = Some((sop, node));
    arrive(model, effects);
}

/// Goes to the node that was asked for when its document is on the screen.
pub(super) fn arrive(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    let Some((_, node)) = model.ui.sop.going.take_if(|(sop, _)| *sop == procedure.sop) else { return };
    match procedure.index_of(&node) {
        Some(at) => {
            // A node that has no line of its own stands on the line of the one that it is part of.
            let hidden = sop_lines::repeats_parent(procedure, at) || Some(at) == sop_lines::title_node(procedure);
            reveal(model, procedure.nodes[at].parent.filter(|_| hidden).unwrap_or(at));
        }
        None => {
            let text = "That step is no longer in the SOP: it was changed meanwhile.".to_owned();
            super::toast(model, ToastLevel::Refused, text, effects);
        }
    }
}

/// Shows this document from now on.
pub(super) fn choose(model: &mut Model, sop: SopId, effects: &mut Vec<Effect>) {
    model.ui.sop.going = None;
    match model.ui.queue.selected {
        Some(incident) => {
            model.ui.sop.chosen.insert(incident, sop);
        }
        None => model.ui.sop.browsing = Some(sop),
    }
    super::want_load(model, effects);
}

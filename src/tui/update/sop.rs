//! The step tree: cursor, folds, finding, choosing a document.
//!
//! Invariants: cursor and folds belong to one document and survive a refresh of it. A node that is taller than the pane is
//! moved through before the cursor goes on: no line of a command is out of reach. Lines are laid out when the document, a
//! fold or the width changes, and kept.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::alert::AlertKey;
use crate::domain::excerpt;
use crate::domain::id::{IncidentId, SopId};
use crate::domain::procedure::NodeKind;
use crate::domain::sop::tree::{self, Direction};
use crate::engine::backend::Command;
use crate::tui::concern;
use crate::tui::msg::{Asked, CommandFrom, Effect, ProposeRequest};
use crate::tui::sop_lines::{self, Laid, SopLine};
use crate::tui::sought::Sought;
use crate::tui::ui::{Going, Model, Named, ToastLevel};

/// After a load: begins anew when the document is another one.
pub(super) fn follow_document(model: &mut Model) {
    let id = model.facts.sop.as_ref().map(|document| document.procedure.sop.clone());
    let nodes = model.facts.sop.as_ref().map_or(0, |document| document.procedure.nodes.len());
    // One that is being read anew keeps its place until it is there.
    if id.is_some() && id != model.ui.sop.document {
        model.ui.sop.document = id;
        model.ui.sop.folded.clear();
        model.ui.sop.sought = None;
        model.ui.sop.top = 0;
        // A document opens at its first step: that is what one came for.
        model.ui.sop.cursor =
            model.facts.sop.as_ref().and_then(|document| tree::first_step(&document.procedure)).unwrap_or(0);
        model.ui.sop.top = 0;
    }
    if model.facts.sop.is_some() {
        model.ui.sop.cursor = model.ui.sop.cursor.min(nodes.saturating_sub(1));
    } else {
        model.ui.sop.laid = None;
    }
    keep_visible(model);
}

/// The lines of the document, laid out for the pane as it is now.
fn lines(model: &mut Model) -> Option<Arc<[SopLine]>> {
    let width = usize::from(sop_body(model)?.0);
    let document = model.facts.sop.as_ref()?;
    let (view, repertoire) = (&mut model.ui.sop, model.ui.settings.repertoire);
    if !view.laid.as_ref().is_some_and(|laid| laid.is_of(document, &view.folded, width, repertoire)) {
        view.laid = Some(Laid::new(document, &view.folded, width, repertoire));
    }
    view.laid.as_ref().map(Laid::lines)
}

/// Moves the cursor by visible nodes; by one, through a node that is taller than the pane line by line.
pub(super) fn step(model: &mut Model, nodes: i64) {
    let Some(lines) = lines(model).filter(|lines| !lines.is_empty()) else { return };
    if (nodes == 1 || nodes == -1) && scroll_within(model, &lines, nodes) {
        return;
    }
    let cursor = model.ui.sop.cursor;
    let firsts: Vec<usize> = lines.iter().filter(|line| line.first).map(|line| line.node).collect();
    let at = firsts.partition_point(|node| *node < cursor).min(firsts.len().saturating_sub(1));
    let last = i64::try_from(firsts.len()).unwrap_or(1) - 1;
    let wanted = i64::try_from(at).unwrap_or(0).saturating_add(nodes).clamp(0, last.max(0));
    let Some(node) = usize::try_from(wanted).ok().and_then(|at| firsts.get(at)) else { return };
    model.ui.sop.cursor = *node;
    keep_visible(model);
}

/// Scrolls by `rows` within the node under the cursor when that is taller than the pane and goes on in that direction.
fn scroll_within(model: &mut Model, lines: &[SopLine], rows: i64) -> bool {
    let Some(tops) = tops_within(model, lines) else { return false };
    let top = i64::try_from(model.ui.sop.top).unwrap_or(0).saturating_add(rows).max(0);
    let top = usize::try_from(top).unwrap_or(0).clamp(tops.start, tops.end);
    let moved = top != model.ui.sop.top;
    model.ui.sop.top = top;
    moved
}

/// The first and the last line that can stand at the top while the pane shows nothing but the node under the cursor;
/// `None` when all of that node fits.
fn tops_within(model: &Model, lines: &[SopLine]) -> Option<Range<usize>> {
    let height = usize::from(sop_body(model)?.1).max(1);
    let node = sop_lines::lines_of(lines, model.ui.sop.cursor);
    (node.len() > height).then(|| node.start..node.end - height)
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
    let (Some((_, height)), Some(lines)) = (sop_body(model), lines(model)) else { return };
    let Some(last) = lines.len().checked_sub(1) else { return };
    let height = usize::from(height);
    let by = match share {
        Share::Whole => height.saturating_sub(1),
        Share::Half => height / 2,
    }
    .max(1);
    let (rows, one) = match direction {
        Direction::Forward => (i64::try_from(by).unwrap_or(1), 1),
        Direction::Backward => (-i64::try_from(by).unwrap_or(1), -1),
    };
    if scroll_within(model, &lines, rows) {
        return;
    }
    let view = &model.ui.sop;
    let at = lines.partition_point(|line| line.node < view.cursor).min(last);
    let (wanted, top) = match direction {
        Direction::Forward => ((at + by).min(last), view.top + by),
        Direction::Backward => (at.saturating_sub(by), view.top.saturating_sub(by)),
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
        Some(node) => {
            let hits: Vec<usize> = tree::matches(&document.procedure, &words)
                .filter(|node| !sop_lines::repeats_parent(&document.procedure, *node))
                .collect();
            model.ui.sop.sought = Sought::among(&hits, node, document.procedure.nodes.len());
            reveal(model, node);
        }
        None => super::toast(model, ToastLevel::Refused, format!("\"{words}\" is not in this SOP."), effects),
    }
}

/// Puts the cursor on a node and opens what hides it.
pub(super) fn reveal(model: &mut Model, node: usize) {
    let Some(document) = &model.facts.sop else { return };
    let nodes = &document.procedure.nodes;
    let mut at = nodes.get(node).and_then(|found| found.parent);
    while let Some(parent) = at {
        model.ui.sop.folded.remove(&nodes[parent].id);
        at = nodes[parent].parent;
    }
    model.ui.sop.cursor = node;
    if let Some(tops) = lines(model).and_then(|lines| tops_within(model, &lines)) {
        // From wherever one comes, what one looks for is shown from its beginning.
        model.ui.sop.top = tops.start;
    }
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
    let (Some((_, height)), Some(lines)) = (sop_body(model), lines(model)) else { return };
    let Some(document) = &model.facts.sop else { return };
    let height = usize::from(height).max(1);
    if let Some(tops) = tops_within(model, &lines) {
        model.ui.sop.top = model.ui.sop.top.clamp(tops.start, tops.end);
        return;
    }
    let cursor = model.ui.sop.cursor;
    let node = sop_lines::lines_of(&lines, cursor);
    let (first, last) = (node.start, node.end.saturating_sub(1).max(node.start));
    // With the command that a proposal would take: nobody should have to look for what they are about to propose.
    let command = tree::command_at(&document.procedure, cursor).map(|node| sop_lines::lines_of(&lines, node));
    let ends = command.filter(|lines| !lines.is_empty()).map(|lines| lines.end - 1);
    let last = ends.filter(|end| *end >= first && end - first < height).unwrap_or(last);
    let top = &mut model.ui.sop.top;
    if last >= *top + height {
        *top = last + 1 - height;
    }
    if first < *top {
        *top = first;
    }
    *top = (*top).min(lines.len().saturating_sub(height));
}

/// The node on this row of the pane, from 0.
pub(super) fn node_at(model: &mut Model, row: usize) -> Option<usize> {
    let top = model.ui.sop.top;
    lines(model)?.get(top + row).map(|line| line.node)
}

/// Puts the cursor on a node that is on the screen.
pub(super) fn go_to(model: &mut Model, node: usize) {
    model.ui.sop.cursor = node;
    keep_visible(model);
}

/// Width and height of the tree, also when its pane is not shown.
fn sop_body(model: &Model) -> Option<(u16, u16)> {
    let area = model.layout()?.sop.or_else(|| {
        let output = crate::tui::layout::OutputShown::No;
        crate::tui::layout::compute(model.ui.size, crate::tui::layout::Pane::Sop, output, model.ui.splits)?.sop
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
    let labels = concern::alert(model).map(|alert| &alert.labels);
    let values = match (&model.facts.sop, labels) {
        (Some(document), Some(labels)) => sop_lines::values(&document.procedure, model.ui.sop.cursor, labels),
        _ => Vec::new(),
    };
    let is_cut = |value: &&sop_lines::Value| value.bound.as_ref().is_some_and(|(text, _)| excerpt::is_cut(text));
    if let Some((_, label)) = values.iter().find(is_cut).and_then(|value| value.bound.as_ref()) {
        let why = format!(
            "The label {label} is too long to be edited here. r proposes the command with all of it, and the review shows it."
        );
        return super::toast(model, ToastLevel::Refused, why, effects);
    }
    super::overlay::edit_values(model, request, values);
}

/// Sends a request with the values that it has.
pub(super) fn send_proposal(request: ProposeRequest, effects: &mut Vec<Effect>) {
    let (incident, alert, values) = (request.incident, request.alert.clone(), request.values.clone());
    let command = match &request.from {
        CommandFrom::Step { sop, node } => {
            Command::Propose { incident, alert, sop: sop.clone(), node: node.clone(), values }
        }
        CommandFrom::Chat { message, block, .. } => {
            Command::ProposeFromChat { incident, alert, message: *message, block: *block, values }
        }
    };
    effects.push(Effect::Send { asked: Asked::Propose(request), command });
}

/// The incident and the alert that a command would be run for; else why there is none.
pub(super) fn subject(model: &Model) -> Result<(IncidentId, AlertKey), String> {
    let detail = model
        .facts
        .detail()
        .ok_or("There is no incident to run this for. Commands run for an incident; wait for one or read on.")?;
    // What is on the screen still belongs to the incident that was selected before.
    if model.ui.queue.selected != Some(detail.record.incident.id) {
        return Err("The incident under the cursor is still being loaded; press again.".to_owned());
    }
    // After the end of all, one verifies the last; what may run then is not decided here.
    let others = detail.record.alerts.iter().any(concern::fires);
    let alert = concern::alert(model).ok_or("This incident has no alert that anything could run for.")?;
    if others && !concern::fires(alert) {
        return Err(super::concern::refusal(model));
    }
    Ok((detail.record.incident.id, alert.key()))
}

fn request_under_cursor(model: &Model) -> Result<ProposeRequest, String> {
    let document = model.facts.sop.as_ref().ok_or("There is no SOP on the screen. s lists all SOPs.")?;
    let (incident, alert) = subject(model)?;
    let procedure = &document.procedure;
    let node = tree::command_at(procedure, model.ui.sop.cursor)
        .ok_or("There is no command in this step. ] and [ go to the next and previous step.")?;
    Ok(ProposeRequest {
        incident,
        alert,
        from: CommandFrom::Step { sop: procedure.sop.clone(), node: procedure.nodes[node].id.clone() },
        values: std::collections::BTreeMap::new(),
    })
}

/// Shows this node of this document, at once when it is on the screen.
pub(super) fn open_at(model: &mut Model, going: Going, effects: &mut Vec<Effect>) {
    choose(model, going.sop.clone(), effects);
    model.ui.sop.going = Some(going);
    arrive(model, effects);
}

/// Goes to the node that was asked for when its document is on the screen. When another one has been loaded by now, the
/// person has gone elsewhere.
pub(super) fn arrive(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    let comes = model.ui.loading.in_flight || model.ui.loading.wanted;
    let Some(going) = model.ui.sop.going.take_if(|going| going.sop == procedure.sop || !comes) else { return };
    if going.sop != procedure.sop {
        return;
    }
    match procedure.index_of(&going.node) {
        Some(at) => {
            // A node that has no line of its own stands on the line of the one that it is part of.
            let hidden = sop_lines::repeats_parent(procedure, at) || Some(at) == sop_lines::title_node(procedure);
            reveal(model, procedure.nodes[at].parent.filter(|_| hidden).unwrap_or(at));
        }
        None => {
            let text = match going.named {
                Named::BySearch => "That step is no longer in the SOP: it was changed meanwhile.",
                Named::ByAnswer => "This SOP has no such step: it changed since, or the answer made it up.",
            };
            super::toast(model, ToastLevel::Refused, text.to_owned(), effects);
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

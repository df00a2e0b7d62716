//! The queue: cursor, paging, filter.
//!
//! Invariants: rows are identified by incident, so a refresh never moves the selection, and the selected row stays on its
//! line of the screen. While the cursor moves beyond the page, only the last (or first) line shows the row under it, with a
//! sign that rows are left out; the page follows when the cursor rests. A key then costs one line, not a page. The page and
//! the details follow in one frame: rows that only move up are then moved by the terminal, since what stands beside them is
//! another document anyway. A jump to an end shows its page at once and the details later: the key wants an answer.

use crate::domain::id::IncidentId;
use crate::engine::backend::{QueueAnchor, QueueWindow};
use crate::tui::msg::Effect;
use crate::tui::ui::{Behind, Model, QueueEnd, Settling};

/// A cursor that is farther from its page takes the page along at once: no more rows than this are loaded in between.
const FARTHEST: u32 = 500;
/// Load more rows when the cursor is this close to the end of those loaded.
const MARGIN: u32 = 30;

/// Moves the cursor by `rows`; stays within what is loaded.
pub(super) fn step(model: &mut Model, rows: i64, effects: &mut Vec<Effect>) {
    let window = &model.facts.snapshot.queue;
    if window.rows.is_empty() {
        return;
    }
    let first = i64::from(window.start);
    let last = first + i64::try_from(window.rows.len()).unwrap_or(0) - 1;
    let wanted = (i64::from(model.ui.queue.rank) + rows).clamp(first, last);
    let Ok(rank) = u32::try_from(wanted) else { return };
    if rank == model.ui.queue.rank {
        return;
    }
    select(model, rank);
    super::settle_later(model, Behind::Page, effects);
    if rank.abs_diff(model.ui.queue.top) > FARTHEST {
        keep_visible(model);
    }
    let window = &model.facts.snapshot.queue;
    let loaded_to = window.start + u32::try_from(window.rows.len()).unwrap_or(0);
    let near_start = window.start > 0 && rank < window.start + MARGIN;
    let near_end = loaded_to < window.total && rank + MARGIN >= loaded_to;
    if near_start || near_end {
        super::want_load(model, effects);
    }
}

/// Which rows to load: three pages around the cursor, so that a page in either direction is there when a key asks for it.
/// While the cursor is away from its page, the page too: its rows must not vanish before it follows.
pub(super) fn window(model: &Model) -> (QueueAnchor, u32) {
    let queue = &model.ui.queue;
    let rows = model.queue_rows();
    let limit = (rows * 3).max(4 * MARGIN);
    match (queue.going, queue.selected) {
        (Some(QueueEnd::Top), _) | (None, None) => (QueueAnchor::Rank(0), limit),
        (Some(QueueEnd::Bottom), _) => {
            let total = model.facts.snapshot.queue.total;
            (QueueAnchor::Rank(total.saturating_sub(limit / 2)), limit)
        }
        (None, Some(_)) if queue.page_waits() => {
            let start = queue.top.min(queue.rank).saturating_sub(MARGIN);
            let end = (queue.top + rows).max(queue.rank) + 2 * MARGIN;
            (QueueAnchor::Rank(start), (end - start).max(limit))
        }
        (None, Some(id)) => (QueueAnchor::Around(id), limit),
    }
}

/// Goes to an end of the queue, which may have to be loaded first.
pub(super) fn go(model: &mut Model, end: QueueEnd, effects: &mut Vec<Effect>) {
    let window = &model.facts.snapshot.queue;
    if window.total == 0 {
        return;
    }
    let rank = match end {
        QueueEnd::Top => 0,
        QueueEnd::Bottom => window.total - 1,
    };
    if row_at(window, rank).is_some() {
        select(model, rank);
        keep_visible(model);
        if details_differ(model) {
            super::settle_later(model, Behind::Details, effects);
        } else {
            settle(model, effects);
        }
    } else {
        model.ui.queue.going = Some(end);
        super::want_load(model, effects);
    }
}

fn select(model: &mut Model, rank: u32) {
    if let Some(id) = row_at(&model.facts.snapshot.queue, rank) {
        model.ui.queue.rank = rank;
        model.ui.queue.selected = Some(id);
    }
}

fn row_at(window: &QueueWindow, rank: u32) -> Option<IncidentId> {
    let at = usize::try_from(rank.checked_sub(window.start)?).ok()?;
    window.rows.get(at).map(|row| row.id)
}

/// The cursor has rested: the details are asked for, and the page follows it, with them when it has to be turned.
pub(super) fn rested(model: &mut Model, effects: &mut Vec<Effect>) {
    let before = model.ui.queue.top;
    keep_visible(model);
    if model.ui.queue.top != before && details_differ(model) {
        model.ui.queue.top = before;
        let timer = model.ui.next_timer();
        model.ui.queue.settling = Some(Settling { timer, behind: Behind::Answer });
        super::want_load(model, effects);
    } else {
        settle(model, effects);
    }
}

/// The answer to the newest question has come, or there is none: nothing waits for it any longer.
pub(super) fn answered(model: &mut Model) {
    if matches!(model.ui.queue.settling, Some(Settling { behind: Behind::Answer, .. })) {
        model.ui.queue.settling = None;
        keep_visible(model);
    }
}

fn details_differ(model: &Model) -> bool {
    let shown = model.facts.detail().map(|detail| detail.record.incident.id);
    shown != model.ui.queue.selected
}

/// The page and the details follow the cursor now.
pub(super) fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    model.ui.queue.settling = None;
    keep_visible(model);
    if details_differ(model) {
        super::want_load(model, effects);
    }
}

/// Brings the page to the cursor: when it left the page, to the middle, so that the next keys do not leave it again.
pub(super) fn keep_visible(model: &mut Model) {
    let rows = model.queue_rows();
    let queue = &mut model.ui.queue;
    if queue.rank < queue.top || queue.rank >= queue.top + rows {
        queue.top = queue.rank.saturating_sub(rows / 2);
    }
    let total = model.facts.snapshot.queue.total;
    queue.top = queue.top.min(total.saturating_sub(rows));
}

/// After a load: finds the selected incident again and keeps it on its line. Returns whether something was selected that
/// has no details yet and should have them at once.
pub(super) fn follow_selection(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    let rows = model.queue_rows();
    let window = &model.facts.snapshot.queue;
    let queue = &mut model.ui.queue;
    let jumped = queue.going.take();
    if let Some(end) = jumped {
        let rank = match end {
            QueueEnd::Top => 0,
            QueueEnd::Bottom => window.total.saturating_sub(1),
        };
        if let Some(id) = row_at(window, rank) {
            queue.selected = Some(id);
            queue.rank = rank;
            queue.top = rank.saturating_sub(rows - 1);
        }
    }
    let found = queue.selected.and_then(|id| window.rows.iter().position(|row| row.id == id));
    match found {
        Some(position) => {
            let rank = window.start + u32::try_from(position).unwrap_or(0);
            let line = queue.rank.saturating_sub(queue.top);
            if !queue.page_waits() && line < rows {
                queue.top = rank.saturating_sub(line);
            }
            queue.rank = rank;
        }
        None => {
            // It is not in the queue: what stands in its place is selected.
            let last = window.start + u32::try_from(window.rows.len()).unwrap_or(0);
            let rank = window.near.unwrap_or(queue.rank).clamp(window.start, last.saturating_sub(1).max(window.start));
            queue.selected = row_at(window, rank);
            queue.rank = if queue.selected.is_some() { rank } else { 0 };
        }
    }
    if !model.ui.queue.page_waits() {
        keep_visible(model);
    }
    if jumped.is_some() && model.ui.queue.settling.is_none() && details_differ(model) {
        super::settle_later(model, Behind::Details, effects);
    }
    model.ui.queue.settling.is_none() && details_differ(model)
}

/// Shows the next queue. The incident under the cursor stays there when it is in that queue too; otherwise the one that stands
/// where it would be takes its place.
pub(super) fn show_next(model: &mut Model, effects: &mut Vec<Effect>) {
    let queue = &mut model.ui.queue;
    queue.queue = queue.queue.next();
    queue.going = None;
    queue.settling = None;
    super::want_load(model, effects);
}

/// Uses `filter` from now on.
pub(super) fn set_filter(model: &mut Model, filter: String, effects: &mut Vec<Effect>) {
    if model.ui.queue.filter != filter {
        model.ui.queue.filter = filter;
        super::want_load(model, effects);
    }
}

//! Moving the lines between the panes.

use crate::tui::intent::Intent;
use crate::tui::layout::{Area, Layout, Pane};
use crate::tui::msg::Effect;
use crate::tui::splits::{Edge, Splits};
use crate::tui::ui::Model;

/// Hundredths of the width by which one key press moves a line.
const ACROSS: i8 = 2;
/// Hundredths of the height.
const DOWN: i8 = 5;

/// Moves the line that belongs to the pane in focus, or puts all of them back. Returns whether `intent` asked for that.
pub(super) fn intent(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) -> bool {
    let before = model.ui.splits;
    let Some(layout) = model.layout() else { return false };
    match intent {
        Intent::SplitLeft => across(model, &layout, -ACROSS),
        Intent::SplitRight => across(model, &layout, ACROSS),
        Intent::SplitUp => down(model, &layout, DOWN),
        Intent::SplitDown => down(model, &layout, -DOWN),
        Intent::SplitReset => model.ui.splits = Splits::default(),
        _ => return false,
    }
    if model.ui.splits != before {
        effects.push(Effect::KeepSplits(model.ui.splits));
        super::laid_out(model, effects);
    }
    true
}

/// The line at the right of the pane in focus, or the one at its left where there is none.
fn across(model: &mut Model, layout: &Layout, by: i8) {
    let edge = match (layout.dividers, model.ui.focus) {
        ([Some(_), Some(_)], Pane::Incidents) => Edge::QueueSop,
        ([Some(_), Some(_)], Pane::Sop | Pane::Output | Pane::Chat) => Edge::SopChat,
        ([Some(_), None], _) => Edge::TwoPanes,
        ([None, _], _) => return,
    };
    model.ui.splits.shift(edge, by);
}

/// The line above the lower part of the pane in focus; `by` is what the lower part gains.
fn down(model: &mut Model, layout: &Layout, by: i8) {
    let (edge, upper, lower) = match model.ui.focus {
        Pane::Incidents => (Edge::Detail, layout.queue, layout.detail),
        Pane::Sop | Pane::Output => (Edge::Output, layout.sop, layout.output),
        Pane::Chat => return,
    };
    let (Some(upper), Some(lower)) = (upper, lower) else { return };
    let rows = |area: Area| u32::from(area.title.height + area.body.height);
    let share = rows(lower) * 100 / (rows(upper) + rows(lower)).max(1);
    model.ui.splits.start_at(edge, u8::try_from(share).unwrap_or(50));
    model.ui.splits.shift(edge, by);
}

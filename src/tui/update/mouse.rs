//! The mouse: a click goes to a pane and a row, a second one on a heading folds it, the wheel scrolls what it is over.
//!
//! Invariants: nothing is approved, proposed, sent or ended by the mouse; what is hit is told by the very layout that was
//! drawn; in a review a click or the wheel counts as a disturbance, like a key. Does not: ask the terminal for reports (see
//! `terminal`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::sop::Fold;
use super::{chat, keys, output, overlay, queue, sop};
use crate::domain::procedure::NodeKind;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::{Area, Pane};
use crate::tui::msg::Effect;
use crate::tui::ui::{Model, Mouse, Overlay, ToastLevel};

/// Rows that one notch of the wheel scrolls.
const NOTCH: usize = 3;

/// Takes the mouse, or leaves it to the terminal.
pub(super) fn switch(model: &mut Model, effects: &mut Vec<Effect>) {
    let key = model.ui.keymap.key_for(Context::Incidents, Intent::Mouse).unwrap_or_default();
    let (mouse, words) = match model.ui.settings.mouse {
        Mouse::Terminal => {
            let words = format!(
                "The mouse selects rows and scrolls now. To select text hold Shift (in some terminals Alt), or press {key} again."
            );
            (Mouse::Console, words)
        }
        Mouse::Console => (Mouse::Terminal, "The mouse selects text again, as your terminal does it.".to_owned()),
    };
    model.ui.settings.mouse = mouse;
    effects.push(Effect::Mouse(mouse));
    super::toast(model, ToastLevel::Done, words, effects);
}

/// A button or the wheel was used.
pub(super) fn happened(model: &mut Model, event: MouseEvent, effects: &mut Vec<Effect>) {
    // What was under way when the mouse was given back.
    if model.ui.settings.mouse == Mouse::Terminal {
        return;
    }
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollDown => wheel(model, at, Wheel::Down, effects),
        MouseEventKind::ScrollUp => wheel(model, at, Wheel::Up, effects),
        MouseEventKind::Down(MouseButton::Left) => clicked(model, at, effects),
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => {}
    }
}

/// Which way the wheel was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wheel {
    Down,
    Up,
}

impl Wheel {
    const fn as_key(self) -> (KeyCode, Intent) {
        match self {
            Self::Down => (KeyCode::Down, Intent::Down),
            Self::Up => (KeyCode::Up, Intent::Up),
        }
    }
}

fn wheel(model: &mut Model, at: Position, wheel: Wheel, effects: &mut Vec<Effect>) {
    model.ui.returning = None;
    let (code, intent) = wheel.as_key();
    if model.ui.overlay.is_some() {
        for _ in 0..NOTCH {
            overlay::key(model, KeyEvent::new(code, KeyModifiers::NONE), Some(intent), effects);
        }
        return;
    }
    let by = match wheel {
        Wheel::Down => 1,
        Wheel::Up => -1,
    };
    for _ in 0..NOTCH {
        match pane_at(model, at) {
            Some(Pane::Incidents) => queue::step(model, by, effects),
            Some(Pane::Sop) => sop::step(model, by),
            Some(Pane::Output) => output::intent(model, intent, effects),
            Some(Pane::Chat) => chat::intent(model, intent, effects),
            None => return,
        }
    }
}

fn clicked(model: &mut Model, at: Position, effects: &mut Vec<Effect>) {
    model.ui.returning = None;
    if let Some(overlay) = &mut model.ui.overlay {
        if let Overlay::Review(review) = overlay {
            review.disturbed(model.ui.monotonic);
        }
        return;
    }
    // A field that is being typed into keeps its keys.
    if keys::is_typing(model) {
        return;
    }
    let Some((layout, pane)) = model.layout().zip(pane_at(model, at)) else { return };
    model.ui.toast = None;
    match pane {
        Pane::Incidents => {
            if let Some(row) = layout.queue.and_then(|area| row_in(area.body, at)) {
                let wanted = i64::from(model.ui.queue.top) + i64::from(row);
                queue::step(model, wanted - i64::from(model.ui.queue.rank), effects);
            }
        }
        Pane::Sop => {
            if let Some(row) = layout.sop.and_then(|area| row_in(crate::tui::sop_lines::split(area.body).0, at)) {
                in_sop(model, usize::from(row));
            }
        }
        Pane::Output | Pane::Chat => {}
    }
    keys::focus(model, pane);
}

/// Goes to the node on this row of the tree; on a heading that is under the cursor already, folds or unfolds it.
fn in_sop(model: &mut Model, row: usize) {
    let Some(node) = sop::node_at(model, row) else { return };
    if node != model.ui.sop.cursor {
        return sop::go_to(model, node);
    }
    let document = model.facts.sop.as_ref();
    let kind = document.and_then(|document| document.procedure.nodes.get(node)).map(|node| &node.kind);
    if matches!(kind, Some(NodeKind::Section { .. })) {
        sop::fold(model, Fold::Toggle);
    }
}

/// The pane at this place, its title included.
fn pane_at(model: &Model, at: Position) -> Option<Pane> {
    let layout = model.layout()?;
    let hit = |area: Option<Area>| area.is_some_and(|area| area.title.contains(at) || area.body.contains(at));
    let panes = [
        (Pane::Incidents, hit(layout.queue) || hit(layout.detail)),
        (Pane::Sop, hit(layout.sop)),
        (Pane::Output, hit(layout.output)),
        (Pane::Chat, hit(layout.chat)),
    ];
    panes.into_iter().find(|(_, hit)| *hit).map(|(pane, _)| pane)
}

/// Which row of `area` this is, from 0.
fn row_in(area: Rect, at: Position) -> Option<u16> {
    area.contains(at).then(|| at.y - area.y)
}

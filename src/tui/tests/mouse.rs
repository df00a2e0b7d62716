//! The mouse: what is hit, and what it never does.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::world::{World, snapshot, with_detail};
use crate::domain::id::IncidentId;
use crate::tui::layout::Pane;
use crate::tui::msg::{Effect, Msg};
use crate::tui::ui::Mouse;

fn mouse(world: &mut World, kind: MouseEventKind, column: u16, row: u16) {
    world.send(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

fn world() -> World {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(0..8), 0));
    world
}

#[test]
fn it_does_nothing_before_it_is_asked_for() {
    let mut world = world();
    let queue = world.model.layout().unwrap().queue.unwrap().body;
    mouse(&mut world, CLICK, queue.x + 3, queue.y + 2);
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(0)));
    world.take_effects();
    world.keys("M");
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Mouse(Mouse::Console))));
    mouse(&mut world, CLICK, queue.x + 3, queue.y + 2);
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(2)));
    world.keys("M");
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Mouse(Mouse::Terminal))));
}

#[test]
fn a_click_goes_to_the_pane_and_the_wheel_scrolls_what_it_is_over() {
    let mut world = world();
    world.keys("M");
    let layout = world.model.layout().unwrap();
    let (queue, tree, chat) = (layout.queue.unwrap(), layout.sop.unwrap(), layout.chat.unwrap());
    mouse(&mut world, CLICK, chat.title.x, chat.title.y);
    assert_eq!(world.model.ui.focus, Pane::Chat);
    mouse(&mut world, MouseEventKind::ScrollDown, queue.body.x, queue.body.y);
    assert_eq!((world.model.ui.queue.selected, world.model.ui.focus), (Some(IncidentId(3)), Pane::Chat));
    mouse(&mut world, MouseEventKind::ScrollUp, queue.body.x, queue.body.y);
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(0)));
    let before = world.model.ui.sop.cursor;
    mouse(&mut world, MouseEventKind::ScrollDown, tree.body.x, tree.body.y);
    assert!(world.model.ui.sop.cursor > before);
}

#[test]
fn a_second_click_on_a_heading_folds_it_and_none_proposes() {
    let mut world = world();
    world.keys("M2");
    let body = world.model.layout().unwrap().sop.unwrap().body;
    world.take_effects();
    for row in body.y..body.bottom() {
        mouse(&mut world, CLICK, body.x + 2, row);
        mouse(&mut world, CLICK, body.x + 2, row);
    }
    assert!(!world.model.ui.sop.folded.is_empty());
    assert!(!world.take_effects().iter().any(|effect| matches!(effect, Effect::Send { .. })));
}

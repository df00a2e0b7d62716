//! Reading the output of attempts.

use crossterm::event::KeyCode;

use super::screens::screen;
use super::world::{World, snapshot, with_attempt, with_detail};
use crate::engine::backend::Snapshot;
use crate::tui::msg::{Effect, Msg};
use crate::tui::ui::Overlay;

fn facts(output: &str) -> Snapshot {
    with_attempt(with_detail(snapshot(1..=5), 1), output, 0)
}

fn reading(output: &str) -> World {
    let mut world = World::new(100, 30);
    world.settle_with(&facts(output));
    world.keys("4");
    world
}

fn numbered(lines: std::ops::Range<usize>) -> String {
    lines.map(|line| format!("line {line}.\n")).collect()
}

#[test]
fn tabs_stand_at_stops_and_long_lines_go_on_below() {
    let long = "x".repeat(60);
    let world = reading(&format!("4.0K\t/srv\n{long}END\n"));
    let shown = screen(&world);
    assert!(shown.contains("4.0K    /srv"), "{shown}");
    assert!(shown.contains("END"), "{shown}");
}

#[test]
fn who_has_scrolled_up_keeps_reading_the_same_lines() {
    let mut world = reading(&numbered(0..200));
    for _ in 0..20 {
        world.press(KeyCode::Up);
    }
    let before = screen(&world);
    assert!(before.contains("20 more below"), "{before}");
    assert!(before.contains("line 179.") && !before.contains("line 180."), "{before}");
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&facts(&numbered(0..230)));
    let after = screen(&world);
    assert!(after.contains("line 179.") && !after.contains("line 180."), "{after}");
    world.keys("G");
    assert!(screen(&world).contains("line 229."));
}

#[test]
fn scrolling_ends_at_the_first_line_so_that_one_key_leads_back() {
    let mut world = reading(&numbered(0..60));
    for _ in 0..500 {
        world.press(KeyCode::Up);
    }
    assert!(screen(&world).contains("line 0."));
    let at_top = world.model.ui.output.up;
    world.press(KeyCode::Down);
    assert_eq!(world.model.ui.output.up, at_top - 1);
}

#[test]
fn a_text_is_found_from_the_end_and_then_around() {
    let mut world = reading(&format!("an Error here\n{}an error there\n{}", numbered(0..90), numbered(90..180)));
    world.keys("/error");
    assert!(screen(&world).contains("/error"), "what is typed is on the screen");
    world.press(KeyCode::Enter);
    assert!(screen(&world).contains("an error there"));
    world.keys("n");
    assert!(screen(&world).contains("an Error here"));
    world.keys("N");
    assert!(screen(&world).contains("an error there"));
    world.keys("/nowhere");
    world.press(KeyCode::Enter);
    assert!(screen(&world).contains("\"nowhere\" is not in this output"));
}

#[test]
fn keys_that_type_a_text_do_nothing_else() {
    let mut world = reading("one\n");
    world.take_effects();
    world.keys("/qA");
    assert!(!world.take_effects().iter().any(|effect| matches!(effect, Effect::Quit)));
    assert!(!matches!(world.model.ui.overlay, Some(Overlay::Review(_))));
    world.send(Msg::Paste("one".to_owned()));
    assert_eq!(world.model.ui.output.editing.as_ref().map(|edit| edit.text().to_owned()), Some("qAone".to_owned()));
    world.press(KeyCode::Esc);
    assert!(world.model.ui.output.editing.is_none());
}

#[test]
fn the_ends_of_the_attempts_are_said() {
    let mut world = reading("one\n");
    world.keys("[");
    assert!(screen(&world).contains("oldest attempt"));
    world.keys("]");
    assert!(screen(&world).contains("newest attempt"));
}

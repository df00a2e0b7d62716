//! Screens as snapshots, at the sizes that people have.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::world::{World, du, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::text::Repertoire;
use crate::tui::draw::draw;
use crate::tui::look::Look;
use crate::tui::msg::Msg;
use crate::tui::theme::Bundled;

/// The screen as text, one line a row, without trailing blanks.
pub(super) fn screen(world: &World) -> String {
    let (columns, rows) = world.model.ui.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
    draw(&mut buffer, &world.model, &look);
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut x = 0;
        while x < columns {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(crate::domain::text::width(symbol)).unwrap().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn world(columns: u16, rows: u16) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(&with_detail(snapshot(1..=60), 1));
    world
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

fn at_all_sizes(name: &str, prepare: impl Fn(&mut World)) {
    for (columns, rows) in SIZES {
        let mut world = world(columns, rows);
        prepare(&mut world);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen(&world));
    }
}

#[test]
fn incidents() {
    at_all_sizes("incidents", |_| {});
}

#[test]
fn sop() {
    at_all_sizes("sop", |world| world.keys("2"));
}

#[test]
fn output() {
    at_all_sizes("output", |world| {
        world.wait(1_000);
        world.send(Msg::Changed);
        let facts = with_detail(snapshot(1..=60), 1);
        world.settle_with(&with_attempt(facts, "4.0K\t/srv/data/tmp\n812M\t/srv/data/spool\n\u{1b}[31mred\n", 0));
        world.keys("4");
    });
}

#[test]
fn review_of_a_read() {
    at_all_sizes("review_read", |world| {
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Read)));
        world.keys("A");
    });
}

#[test]
fn review_of_an_unknown() {
    at_all_sizes("review_unknown", |world| {
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Unknown)));
        world.keys("A");
        world.paint();
        world.press(KeyCode::F(8));
    });
}

#[test]
fn help() {
    at_all_sizes("help", |world| world.keys("?"));
}

#[test]
fn nothing_to_see() {
    for (columns, rows) in SIZES {
        let mut world = World::new(columns, rows);
        world.settle_with(&snapshot([]));
        insta::assert_snapshot!(format!("empty_{columns}x{rows}"), screen(&world));
    }
}

#[test]
fn too_small() {
    let mut world = world(40, 10);
    world.send(Msg::Resized(40, 10));
    insta::assert_snapshot!("too_small_40x10", screen(&world));
}

#[test]
fn drawing_changes_nothing_and_is_repeatable() {
    let world = world(120, 40);
    assert_eq!(screen(&world), screen(&world));
}

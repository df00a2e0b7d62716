//! Themes, plain views and the lines between panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::screens::screen;
use super::world::{World, disk_full, du, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::text::Repertoire;
use crate::tui::draw::draw;
use crate::tui::look::Look;
use crate::tui::msg::{Effect, Msg};
use crate::tui::splits::Splits;
use crate::tui::theme::Bundled;
use crate::tui::ui::Overlay;

fn world(columns: u16, rows: u16) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(&with_detail(snapshot(1..=60), 1));
    world
}

fn with_output(columns: u16, rows: u16, output: &str) -> World {
    let mut world = world(columns, rows);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_attempt(with_detail(snapshot(1..=60), 1), output, 0));
    world
}

fn ctrl(world: &mut World, code: KeyCode) {
    world.send(Msg::Key(KeyEvent::new(code, KeyModifiers::CONTROL)));
}

#[test]
fn one_key_goes_through_the_themes_and_says_the_name() {
    let mut world = world(80, 24);
    let mut seen = Vec::new();
    for _ in Bundled::ALL {
        world.take_effects();
        ctrl(&mut world, KeyCode::Char('t'));
        let name = world.model.ui.themes.worn().unwrap().0.to_owned();
        assert!(screen(&world).contains(&format!("Theme {name};")), "{}", screen(&world));
        assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Restyle)));
        seen.push(name);
    }
    seen.rotate_right(1);
    assert_eq!(seen, Bundled::ALL.map(Bundled::name));
}

/// A style in few characters: the colour's name or value, then `b`, `d`, `i`, `u`, `r` for attributes.
fn brief(color: Color, modifier: Modifier) -> String {
    let mut text = match color {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        other => format!("{other:?}").to_ascii_lowercase(),
    };
    let attributes = [
        (Modifier::BOLD, 'b'),
        (Modifier::DIM, 'd'),
        (Modifier::ITALIC, 'i'),
        (Modifier::UNDERLINED, 'u'),
        (Modifier::REVERSED, 'r'),
    ];
    text.extend(attributes.into_iter().filter(|(bit, _)| modifier.contains(*bit)).map(|(_, letter)| letter));
    text
}

/// Each line as runs of one style, `style|text`; blanks have no ink and take the style of what stands before them.
fn styled(world: &World, theme: Bundled) -> String {
    let (columns, rows) = world.model.ui.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    draw(&mut buffer, &world.model, &Look::new(theme.styles().unwrap(), Repertoire::Unicode));
    let mut text = String::new();
    for y in 0..rows {
        let mut before = String::new();
        for x in 0..columns {
            let cell = &buffer[(x, y)];
            let now = brief(cell.fg, cell.modifier);
            let shows = cell.symbol() != " " || cell.modifier.intersects(Modifier::UNDERLINED | Modifier::REVERSED);
            if shows && now != before {
                text.push_str(&format!("⟦{now}⟧"));
                before = now;
            }
            text.push_str(cell.symbol());
        }
        text = text.trim_end().to_owned();
        text.push('\n');
    }
    text
}

#[test]
fn a_review_in_every_theme() {
    for theme in Bundled::ALL {
        let mut world = world(80, 24);
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Unknown)));
        world.keys("A");
        insta::assert_snapshot!(format!("theme_{}", theme.name()), styled(&world, theme));
    }
}

/// What a terminal's selection over the rows of text would copy.
fn selected(world: &World) -> Vec<String> {
    let shown = screen(world);
    let lines: Vec<String> = shown.lines().map(str::to_owned).collect();
    lines[..lines.len() - 1].to_vec()
}

#[test]
fn the_document_stands_as_it_is_written() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut world = world(columns, rows);
        world.keys("2w");
        let source = disk_full().source.clone();
        let shown = selected(&world);
        let mut wanted = source.lines().flat_map(|line| {
            let characters: Vec<char> = line.chars().collect();
            let rows: Vec<String> = characters.chunks(usize::from(columns)).map(|row| row.iter().collect()).collect();
            if rows.is_empty() { vec![String::new()] } else { rows }
        });
        for row in &shown {
            assert_eq!(row, wanted.next().unwrap().trim_end(), "{columns}x{rows}");
        }
        let first = shown[0].clone();
        world.keys("j");
        assert_eq!(selected(&world)[0], shown[1]);
        world.keys("G");
        let last = selected(&world).pop().unwrap();
        assert!(!last.is_empty() && source.trim_end().ends_with(&last), "{last:?}");
        world.keys("g");
        assert_eq!(selected(&world)[0], first);
        assert!(screen(&world).contains("w esc close"), "{}", screen(&world));
        world.keys("w");
        assert!(world.model.ui.overlay.is_none());
    }
}

#[test]
fn output_stands_from_the_margin_on_and_stands_still() {
    let mut world = with_output(80, 24, "4.0K\t/srv/data/tmp\n\u{1b}[31mred\n");
    world.keys("4w");
    assert_eq!(selected(&world)[..2], ["4.0K    /srv/data/tmp", r"\u{1b}[31mred"]);
    world.wait(1_000);
    world.send(Msg::Changed);
    let more = with_attempt(with_detail(snapshot(1..=60), 1), "other\n", 0);
    world.settle_with(&more);
    assert_eq!(selected(&world)[0], "4.0K    /srv/data/tmp", "a selection is not lost to what is new");
    world.send(Msg::Resized(60, 15));
    assert_eq!(selected(&world)[0], "4.0K    /srv/data/tmp");
    world.press(KeyCode::Esc);
    world.keys("w");
    assert_eq!(selected(&world)[0], "other");
}

#[test]
fn rows_of_the_queue_and_fields_of_the_incident_can_be_selected() {
    let mut world = world(80, 24);
    world.keys("w");
    let shown = selected(&world);
    assert_eq!(shown[0], "1 critical open 2026-02-28 07:04:00 UTC DiskFull eu1 team-1/orders-db");
    world.press(KeyCode::Esc);
    world.keys("dw");
    let shown = selected(&world).join("\n");
    for part in ["db-3:9100", "/srv/data is 97 % full", "mountpoint"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains('│') && !shown.contains('┌'), "{shown}");
    world.keys("q");
    assert!(world.model.ui.overlay.is_none(), "it is closed, the console is not left");
    world.keys("3w");
    assert_eq!(selected(&world)[0], "[nothing was said yet]");
}

#[test]
fn a_line_moves_with_the_pane_in_focus_and_is_kept() {
    let mut world = with_output(120, 40, "x\n");
    let before = world.model.layout().unwrap();
    let at = |world: &World| world.model.layout().unwrap();
    world.take_effects();
    world.keys(">");
    let kept: Vec<Splits> = world
        .take_effects()
        .iter()
        .filter_map(|effect| if let Effect::KeepSplits(splits) = effect { Some(*splits) } else { None })
        .collect();
    assert_eq!(kept, [world.model.ui.splits]);
    let moved = at(&world);
    assert!(moved.dividers[0].unwrap().x > before.dividers[0].unwrap().x);
    world.keys("2<");
    assert!(at(&world).dividers[1].unwrap().x < moved.dividers[1].unwrap().x);
    world.keys("+");
    assert!(at(&world).output.unwrap().body.height > moved.output.unwrap().body.height);
    world.keys("1");
    world.keys("-");
    assert!(at(&world).detail.unwrap().body.height < moved.detail.unwrap().body.height);
    world.keys("=");
    assert_eq!((world.model.ui.splits, at(&world)), (Splits::default(), before));
}

#[test]
fn two_panes_have_one_line_and_one_pane_has_none() {
    let mut world = world(100, 30);
    let before = world.model.layout().unwrap().dividers[0].unwrap().x;
    world.keys("3<");
    assert!(world.model.layout().unwrap().dividers[0].unwrap().x < before);
    world.keys("=");
    world.send(Msg::Resized(80, 24));
    world.take_effects();
    world.keys("<>");
    assert_eq!(world.model.ui.splits, Splits::default());
    assert!(world.take_effects().is_empty());
}

/// However often a key is pressed, every pane keeps its room, and the cursor stays on the screen.
#[test]
fn no_line_can_be_moved_so_far_that_a_pane_is_of_no_use() {
    for keys in ["1<", "1>", "2<", "2>", "3<", "3>"] {
        let mut world = with_output(120, 30, "x\n");
        (0..60).for_each(|_| world.keys(keys));
        for key in ["+", "-"] {
            (0..40).for_each(|_| world.keys(key));
            let layout = world.model.layout().unwrap();
            for area in [layout.queue, layout.detail, layout.sop, layout.output, layout.chat] {
                let body = area.unwrap().body;
                assert!(
                    body.width >= crate::tui::layout::NARROWEST && body.height + 1 >= crate::tui::layout::LOWEST,
                    "{keys}: {body:?}"
                );
            }
            assert!(!matches!(world.model.ui.overlay, Some(Overlay::Plain(_))));
        }
    }
}

#[test]
fn without_colours_the_theme_stays_and_it_is_said_why() {
    let mut world = world(80, 24);
    world.model.ui.themes.colourless = Some("colours are off because NO_COLOR is set.");
    let worn = world.model.ui.themes.worn().map(|(name, _)| name.to_owned());
    world.take_effects();
    ctrl(&mut world, KeyCode::Char('t'));
    assert!(screen(&world).contains("No theme can be seen: colours are off because NO_COLOR"), "{}", screen(&world));
    assert_eq!(world.model.ui.themes.worn().map(|(name, _)| name.to_owned()), worn);
    assert!(world.take_effects().iter().all(|effect| !matches!(effect, Effect::Restyle)));
}

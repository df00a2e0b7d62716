//! Every theme on the main screen and on the review, at the sizes that people have: which cell has which style.
//!
//! The text stands in other snapshots. Here each style is a letter, so that a screen of styles is no larger than one of text,
//! and what the letters mean stands below it.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::gallery::{SIZES, facts};
use super::world::{World, du, with_attempt, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::text::Repertoire;
use crate::tui::draw::draw;
use crate::tui::look::Look;
use crate::tui::theme::Bundled;

/// A style in words: colour of the letters, colour behind them where it is not the terminal's own, attributes.
fn words(cell: &Cell) -> String {
    let mut words = format!("{}", cell.fg).to_lowercase();
    if cell.bg != ratatui::style::Color::Reset {
        let _ = write!(words, " on {}", cell.bg);
    }
    for (name, _) in cell.modifier.iter_names() {
        let _ = write!(words, " {}", name.to_lowercase());
    }
    words
}

/// A letter for each cell: `.` where nothing is seen, else that of its style.
fn letters(world: &World, theme: Bundled) -> String {
    let (columns, rows) = world.model.ui.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    draw(&mut buffer, &world.model, &Look::new(theme.styles().unwrap(), Repertoire::Unicode));
    let mut styles: Vec<String> = Vec::new();
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        for x in 0..columns {
            let cell = &buffer[(x, y)];
            let seen = cell.symbol() != " "
                || cell.bg != ratatui::style::Color::Reset
                || cell.modifier.intersects(Modifier::UNDERLINED | Modifier::REVERSED);
            if !seen {
                line.push('.');
                continue;
            }
            let style = words(cell);
            let number = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            line.push(char::from(b'a' + u8::try_from(number).unwrap()));
        }
        let _ = writeln!(text, "{}", line.trim_end_matches('.'));
    }
    assert!(styles.len() <= 26, "{styles:?}");
    for (number, style) in styles.iter().enumerate() {
        let _ = writeln!(text, "{}: {style}", char::from(b'a' + u8::try_from(number).unwrap()));
    }
    text
}

#[test]
fn the_panes_and_a_review_in_every_theme() {
    for theme in Bundled::ALL {
        let name = theme.name();
        for (columns, rows) in SIZES {
            let mut world = World::new(columns, rows);
            let facts = with_attempt(facts(), "first\nlast line\n", 1);
            world.settle_with(&with_proposal(facts, du(2, Risk::Unknown)));
            insta::assert_snapshot!(format!("panes_{name}_{columns}x{rows}"), letters(&world, theme));
            world.keys("A");
            world.paint();
            insta::assert_snapshot!(format!("review_{name}_{columns}x{rows}"), letters(&world, theme));
        }
    }
}

//! Styles of the cells that a person decides by: which row is selected, how bad it is, what a command may do.
//!
//! Snapshots hold the text only; a screen whose text is right and whose warning looks like prose would pass them.

use crossterm::event::KeyCode;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::world::{World, du, row, snapshot, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::text::Repertoire;
use crate::tui::draw::draw;
use crate::tui::look::Look;
use crate::tui::msg::{Msg, Timer};
use crate::tui::theme::{Bundled, Styles};

struct Screen {
    look: Look,
    buffer: Buffer,
}

impl Screen {
    fn of(world: &World) -> Self {
        let (columns, rows) = world.model.ui.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
        draw(&mut buffer, &world.model, &look);
        Self { look, buffer }
    }

    fn line(&self, y: u16) -> Vec<&Cell> {
        (0..self.buffer.area.width).map(|x| &self.buffer[(x, y)]).collect()
    }

    /// The cells of the first place where `text` stands. Every character of it takes one column.
    fn cells(&self, text: &str) -> Vec<&Cell> {
        let wanted: Vec<String> = text.chars().map(String::from).collect();
        let found = (0..self.buffer.area.height).find_map(|y| {
            let line = self.line(y);
            let at = line
                .windows(wanted.len())
                .position(|cells| cells.iter().zip(&wanted).all(|(cell, symbol)| cell.symbol() == symbol))?;
            Some(line[at..at + wanted.len()].to_vec())
        });
        found.unwrap_or_else(|| panic!("{text:?} is not on the screen"))
    }

    fn assert_style(&self, text: &str, style: Style) {
        for cell in self.cells(text) {
            assert!(has(cell, style), "{text:?}: {:?} instead of {style:?}", cell.style());
        }
    }
}

/// The styles of the cells where `text` stands, as `Dark` gives them.
pub(super) fn cells_of(world: &World, text: &str) -> Vec<Style> {
    let screen = Screen::of(world);
    let bare = |cell: &Cell| Style::new().fg(cell.fg).add_modifier(cell.modifier);
    screen.cells(text).into_iter().map(bare).collect()
}

/// The styles of the theme that the screens here wear.
pub(super) fn dark() -> Styles {
    Bundled::Dark.styles().unwrap()
}

/// Whether a cell looks as if `style` alone had been put on an empty one.
fn has(cell: &Cell, style: Style) -> bool {
    let mut expected = Cell::default();
    expected.set_symbol(cell.symbol()).set_style(style);
    cell.style() == expected.style()
}

fn world() -> World {
    // Two panes: a title of the queue is shown in full.
    let mut world = World::new(119, 40);
    world.settle_with(&with_detail(snapshot(1..=40), 1));
    world
}

#[test]
fn only_the_row_under_the_cursor_looks_selected() {
    let mut world = world();
    world.keys("j");
    let screen = Screen::of(&world);
    let styles = &screen.look.styles;
    assert_ne!(styles.selected, styles.text);
    screen.assert_style(&row(2).title, styles.selected);
    screen.assert_style(&row(3).title, styles.text);
    let area = world.model.layout().unwrap().queue.unwrap().body;
    let gutter: Vec<&Cell> = (area.y..area.bottom()).map(|y| &screen.buffer[(area.x, y)]).collect();
    for (line, cell) in gutter.iter().enumerate() {
        let sign = if line == 1 { screen.look.glyphs.cursor } else { " " };
        assert_eq!(cell.symbol(), sign, "line {line}");
    }
    assert!(has(gutter[1], styles.cursor));
}

#[test]
fn each_row_carries_the_colour_of_its_severity() {
    let world = world();
    let screen = Screen::of(&world);
    let area = world.model.layout().unwrap().queue.unwrap().body;
    let mut severities = Vec::new();
    for line in 0..area.height {
        let shown = row(i64::from(line) + 1);
        let sign = shown.severity.sign();
        for (at, symbol) in sign.chars().enumerate() {
            let cell = &screen.buffer[(area.x + 1 + u16::try_from(at).unwrap(), area.y + line)];
            assert_eq!(cell.symbol(), symbol.to_string());
            assert!(has(cell, screen.look.styles.severity(shown.severity)), "{sign}: {:?}", cell.style());
        }
        severities.push(shown.severity);
    }
    severities.dedup();
    assert!(severities.len() >= 3, "several severities were looked at");
}

#[test]
fn the_header_counts_what_the_queue_lists() {
    let screen = Screen::of(&world());
    screen.cells("40 open");
    screen.cells("of 40");
}

#[test]
fn a_review_shows_its_risk_and_foreign_words_in_their_own_styles() {
    for risk in [Risk::Read, Risk::Unknown] {
        let mut world = world();
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(&with_proposal(with_detail(snapshot(1..=40), 1), du(1, risk)));
        world.keys("A");
        let screen = Screen::of(&world);
        let styles = &screen.look.styles;
        screen.assert_style(risk.name(), styles.risk(risk));
        screen.assert_style("--max-depth=1", styles.command);
        screen.assert_style("/srv/data", styles.foreign);
        assert_ne!(styles.risk(Risk::Read), styles.risk(Risk::Unknown));
    }
}

#[test]
fn ready_to_approve_is_said_in_the_good_style_and_only_when_it_is_true() {
    let mut world = world();
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_proposal(with_detail(snapshot(1..=40), 1), du(1, Risk::Read)));
    world.keys("A");
    let said = |world: &World| super::screens::screen(world).contains("Ready to approve.");
    assert!(!said(&world), "nothing was painted yet");
    for _ in 0..60 {
        world.paint();
        world.press(KeyCode::Down);
    }
    world.paint();
    assert!(!said(&world), "the keyboard was not quiet yet");
    world.wait(500);
    // The clock of the screen is that of the last message.
    world.send(Msg::Woken(Timer::Minute));
    let screen = Screen::of(&world);
    screen.assert_style("Ready to approve.", screen.look.styles.good);
}

#[test]
fn what_is_to_be_read_looks_like_text() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Unknown)));
    let panes = Screen::of(&world);
    panes.assert_style("A filesystem is full", panes.look.styles.text);
    panes.assert_style("/srv/data is 97 % full", panes.look.styles.text);
    world.keys("A");
    let review = Screen::of(&world);
    review.assert_style("du is not known to be read-only", review.look.styles.text);
}

#[test]
fn no_theme_needs_plain_blue_on_black() {
    use ratatui::style::Color;
    let low = Bundled::Dark.styles().unwrap().severity(crate::domain::alert::Severity::Low);
    assert_eq!(low.fg, Some(Color::LightBlue));
    let sixteen = Bundled::Sixteen.styles().unwrap();
    for style in [sixteen.cursor, sixteen.key, sixteen.border_focused, sixteen.title_focused] {
        assert_eq!(style.fg, Some(Color::Reset), "no background swallows the terminal's own colour of letters");
    }
    assert_ne!(sixteen.title_focused, sixteen.title);
    assert_ne!(sixteen.key, sixteen.key_help);
}

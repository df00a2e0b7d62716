//! Hostile text in every place that shows foreign text, through drawing and encoding to the bytes of a terminal.
//!
//! What reaches the terminal has to be printable characters and the encoder's own sequences, nothing else; and an emulator
//! that obeys those bytes has to show exactly what was drawn.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::KeyCode;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::chat::{ask, came, message, prepared, preview, with_chat};
use super::world::{World, proposal, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Invocation, Origin, Piece};
use crate::domain::alert::AlertKey;
use crate::domain::chat::{Author, MessageState};
use crate::domain::id::MessageId;
use crate::domain::text::Repertoire;
use crate::engine::ask::{AnswerEvent, ModelStatus, Preview, Route};
use crate::engine::backend::{BackendError, LeaseView, NeededValue, Snapshot, SopDocument, SopMatch};
use crate::tui::draw::draw;
use crate::tui::encoder::{ColorDepth, Encoder};
use crate::tui::look::Look;
use crate::tui::msg::{Asked, CommandFrom, Loaded, Msg, ProposeRequest};
use crate::tui::theme::Bundled;

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

/// A proposal with `text` wherever a proposal can have text.
fn hostile_proposal(text: &str, risk: Risk) -> Proposal {
    let label = Origin::Label(text.to_owned());
    let words = [("rm", Origin::Sop), (text, Origin::Sop), (text, label.clone()), (text, Origin::Operator)];
    let mut hostile = proposal(1, risk, &words);
    let spec = &mut hostile.spec;
    spec.subject.title = text.to_owned();
    spec.subject.hosts = vec![text.to_owned()];
    spec.step.title = text.to_owned();
    spec.step.sop = text.into();
    spec.cwd = text.to_owned();
    spec.env.insert(text.to_owned(), text.to_owned());
    spec.risk_reasons.push(text.to_owned());
    if risk == Risk::Unknown {
        let values = BTreeMap::from([(text.to_owned(), Piece { text: text.to_owned(), origin: label })]);
        spec.invocation = Invocation::Bash { script: text.to_owned(), reason: text.to_owned(), values };
    }
    hostile.digest = hostile.spec.digest(true);
    hostile
}

/// Facts with `text` wherever facts have text.
fn hostile_facts(text: &str) -> Snapshot {
    let mut facts = with_attempt(with_detail(snapshot(1..=20), 1), text, 0);
    for row in &mut facts.queue.rows {
        row.title = text.to_owned();
        row.owner = Some(text.to_owned());
    }
    for source in &mut facts.header.sources {
        source.source = text.into();
        source.channel = text.to_owned();
        source.detail = text.to_owned();
    }
    let markdown = hostile_markdown(text);
    let fallback = Author::Fallback { why: text.to_owned() };
    let mut failed = message(4, fallback, &markdown);
    failed.state = MessageState::Failed { reason: text.to_owned() };
    let name = text.to_owned();
    let messages = vec![
        message(1, Author::Person { name: name.clone() }, text),
        message(2, Author::Model { name: name.clone() }, &markdown),
        message(3, Author::Person { name: name.clone() }, text),
        failed,
    ];
    facts = with_chat(facts, messages);
    facts.model = ModelStatus::Ready { model: name, spent_today_micro_usd: 1 };
    facts.header.receiver = Some(LeaseView { holder: text.to_owned(), is_self: false, fence: 1 });
    let detail = facts.detail.as_mut().unwrap();
    detail.matches = vec![SopMatch { sop: text.into(), why: text.to_owned() }];
    let record = &mut detail.record;
    record.incident.title = text.to_owned();
    record.incident.severity_raw = text.to_owned();
    record.incident.owner = Some(text.to_owned());
    for alert in &mut record.alerts {
        alert.labels.insert(text.to_owned(), text.to_owned());
        alert.annotations.insert("summary".to_owned(), text.to_owned());
    }
    for line in &mut record.timeline {
        line.what = text.to_owned();
        line.who = text.to_owned();
    }
    for attempt in &mut record.attempts {
        attempt.step.title = text.to_owned();
        if let AttemptState::Ended { outcome, .. } = &mut attempt.state {
            *outcome = Outcome::Unknown { reason: text.to_owned() };
        }
    }
    facts
}

/// An answer with `text` in everything that Markdown has.
fn hostile_markdown(text: &str) -> String {
    let one_line = text.replace(['\n', '\r'], " ");
    format!(
        "# {one_line}\n{text}\n\n- {one_line}\n\n> {text}\n\n| a | {one_line} |\n|---|---|\n| {one_line} | b |\n\n[{one_line}](<{one_line}>) \
         `{one_line}` [sop:{one_line}#{one_line}]\n\n```sh {one_line}\n{text}\n```\n<b {one_line}>\n"
    )
}

/// A document with `text` in its title, its headings, steps, commands and tables.
fn hostile_document(text: &str) -> Arc<SopDocument> {
    let one_line = text.replace(['\n', '\r'], " ");
    let source = format!(
        "# {one_line}\n\n## Mitigation {one_line}\n\n1. {text}\n\n   ```sh\n   rm {one_line}\n   ```\n\n2. If {one_line}, do {text}.\n\n\
         > {text}\n\n| a | {one_line} |\n|---|---|\n| {one_line} | b |\n"
    );
    let mut procedure = crate::domain::sop::parse(&text.into(), source.as_bytes());
    procedure.title = text.to_owned();
    Arc::new(SopDocument { procedure, source, place: text.to_owned() })
}

/// A widget, or what covers the others.
#[derive(Clone, Copy, Debug)]
enum Scene {
    Queue,
    Sop,
    Output,
    Review(Risk),
    Picker,
    Prompt,
    Toast,
    Trouble,
    EmptyTrouble,
    Filter,
    TypedName,
    Chat,
    ChatComing,
    ChatTyping,
    ChatPrompt,
    Preview,
}

const SCENES: [Scene; 17] = [
    Scene::Queue,
    Scene::Sop,
    Scene::Output,
    Scene::Review(Risk::Read),
    Scene::Review(Risk::Unknown),
    Scene::Picker,
    Scene::Prompt,
    Scene::Toast,
    Scene::Trouble,
    Scene::EmptyTrouble,
    Scene::Filter,
    Scene::TypedName,
    Scene::Chat,
    Scene::ChatComing,
    Scene::ChatTyping,
    Scene::ChatPrompt,
    Scene::Preview,
];

/// A question about `text` that a model answers.
fn stream(world: &mut World, text: &str) -> u64 {
    world.keys("3");
    let number = ask(world, &format!("why {text}"));
    prepared(world, number, Route::Model(Box::new(Preview { model: text.to_owned(), ..preview(false) })));
    number
}

fn request(text: &str) -> ProposeRequest {
    let values = BTreeMap::from([(text.to_owned(), text.to_owned())]);
    let alert = AlertKey {
        source: text.into(),
        fingerprint: text.to_owned(),
        starts_at: crate::domain::time::Timestamp::from_millis(0),
    };
    let from = CommandFrom::Step { sop: text.into(), node: text.into() };
    ProposeRequest { incident: crate::domain::id::IncidentId(1), alert, from, values }
}

/// A console that shows `scene` with `text` in it.
fn console(scene: Scene, text: &str, size: (u16, u16), repertoire: Repertoire) -> World {
    let mut world = World::new(size.0, size.1);
    world.model.ui.settings.repertoire = repertoire;
    world.model.ui.settings.name = text.to_owned();
    let facts = match scene {
        Scene::Review(risk) => with_proposal(hostile_facts(text), hostile_proposal(text, risk)),
        Scene::TypedName => with_proposal(hostile_facts(text), hostile_proposal(text, Risk::Destroy)),
        Scene::EmptyTrouble => snapshot([]),
        _ => hostile_facts(text),
    };
    for _ in 0..4 {
        if world.model.ui.loading.in_flight {
            let generation = world.model.ui.loading.generation;
            let loaded = Loaded { snapshot: facts.clone(), sop: Ok(Some(hostile_document(text))) };
            world.send(Msg::Loaded { generation, result: Ok(Box::new(loaded)) });
        }
    }
    match scene {
        Scene::Queue => {}
        Scene::Sop => world.keys("2"),
        Scene::Output => world.keys("4"),
        Scene::Review(_) => world.keys("A"),
        Scene::Chat => world.keys("3]}"),
        Scene::ChatComing => {
            let number = stream(&mut world, text);
            came(&mut world, number, AnswerEvent::Thought(text.to_owned()));
            came(&mut world, number, AnswerEvent::Fallback { why: text.to_owned() });
            came(&mut world, number, AnswerEvent::Text(text.to_owned()));
            came(&mut world, number, AnswerEvent::Thought(text.to_owned()));
            world.press(KeyCode::Esc);
            world.keys("t");
        }
        Scene::ChatTyping => {
            let number = stream(&mut world, text);
            came(&mut world, number, AnswerEvent::Retrying { seconds: 9, why: text.to_owned() });
            world.send(Msg::Paste(text.to_owned()));
            text.chars().for_each(|key| world.press(KeyCode::Char(key)));
        }
        Scene::ChatPrompt => {
            let value = NeededValue { name: text.to_owned(), surface: text.to_owned(), problem: text.to_owned() };
            let from = CommandFrom::Chat { message: MessageId(2), block: 0, script: text.to_owned() };
            let request = ProposeRequest { from, ..request(text) };
            let result = Err(BackendError::NeedsValues(vec![value]));
            world.send(Msg::Answered { asked: Asked::Propose(request), result });
        }
        Scene::Preview => {
            world.keys("3");
            let number = ask(&mut world, "why?");
            let body = Arc::from(format!("{text}\n{text}").as_bytes());
            let hostile = Preview {
                model: text.to_owned(),
                destination: text.to_owned(),
                body,
                replaced: BTreeMap::from([(text.to_owned(), 1)]),
                ..preview(true)
            };
            prepared(&mut world, number, Route::Model(Box::new(hostile)));
            world.keys("/");
            world.send(Msg::Paste(text.to_owned()));
        }
        Scene::TypedName => {
            world.keys("A");
            text.chars().for_each(|key| world.press(KeyCode::Char(key)));
        }
        Scene::Picker => {
            world.keys("s");
            world.send(Msg::Sops(Ok(vec![(text.into(), text.to_owned()); 3])));
        }
        Scene::Prompt => {
            let value = NeededValue { name: text.to_owned(), surface: text.to_owned(), problem: text.to_owned() };
            let result = Err(BackendError::NeedsValues(vec![value; 2]));
            world.send(Msg::Answered { asked: Asked::Propose(request(text)), result });
            world.send(Msg::Paste(text.to_owned()));
        }
        Scene::Toast => world.send(Msg::Notice(text.to_owned())),
        Scene::Trouble | Scene::EmptyTrouble => {
            world.send(Msg::Changed);
            world.wait(1_000);
            world.send(Msg::Changed);
            let generation = world.model.ui.loading.generation;
            world.send(Msg::Loaded { generation, result: Err(BackendError::Failed(text.to_owned())) });
        }
        Scene::Filter => {
            world.keys("/");
            world.send(Msg::Paste(text.to_owned()));
        }
    }
    world
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

/// The bytes of a first frame.
fn encoded(world: &World, size: (u16, u16), repertoire: Repertoire) -> Vec<u8> {
    let look = Look::new(Bundled::Dark.styles().unwrap(), repertoire);
    let encoder = Encoder::new(Size::new(size.0, size.1), ColorDepth::TrueColor, repertoire);
    let Ok(mut terminal) = Terminal::new(encoder);
    let Ok(_) = terminal.draw(|frame| draw(frame.buffer_mut(), &world.model, &look));
    terminal.backend_mut().take()
}

/// Draws and encodes; fails unless an emulator shows what was drawn.
fn assert_harmless(scene: Scene, text: &str, size: (u16, u16), repertoire: Repertoire) {
    let world = console(scene, text, size, repertoire);
    let look = Look::new(Bundled::Dark.styles().unwrap(), repertoire);
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
    #![proptest_config(ProptestConfig::with_cases(24))]

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
            let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
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

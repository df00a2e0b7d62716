//! Ten thousand keys and pastes that meant something else, all within five seconds of a review opening, approve nothing;
//! a thousand deliberate approvals are all accepted. And without both of its own keys no yes covers more than one command,
//! however deliberate the approval itself is.
//!
//! Whoever presses the chord after half a second without any other key, with everything on the screen and the name typed
//! where one is needed, has approved: that is the gesture. So every kind of haste here lacks one part of it, and has all others
//! as often as chance gives them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::wider;
use super::world::{World, du, proposal, snapshot, with_detail, with_proposal};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::Origin;
use crate::engine::backend::{Command, Snapshot};
use crate::tui::msg::{Effect, Msg};
use crate::tui::ui::Overlay;

/// Keys and pastes in haste, of all kinds together.
const HASTE: usize = 10_000;
/// Deliberate approvals.
const DELIBERATE: usize = 1_000;
/// How long after the opening of a review the keys come, in milliseconds.
const WINDOW: u64 = 5_000;

/// What is missing for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    /// The chord: somebody types on, as into a chat or a shell.
    TypedOn,
    /// Half a second of quiet: keys are held or hammered, the chord among them.
    Hammered,
    /// The end: the chord comes whenever it likes, but the command is longer than the screen, and nobody scrolls.
    Unread,
    /// The name: it is guessed, or pasted.
    Unnamed,
    /// Frames: the line is so slow that no frame with the whole review arrives.
    Unpainted,
}

const KINDS: [Haste; 5] = [Haste::TypedOn, Haste::Hammered, Haste::Unread, Haste::Unnamed, Haste::Unpainted];

/// Numbers that look random and are the same every time: SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// The chord.
const CHORD: KeyCode = KeyCode::F(8);
/// The chord of a wider yes, which the review shows after Ctrl-W.
const WIDER: KeyCode = KeyCode::F(9);
/// What leads through a text.
const SCROLL: [KeyCode; 6] =
    [KeyCode::Down, KeyCode::Up, KeyCode::PageDown, KeyCode::PageUp, KeyCode::Home, KeyCode::End];
/// What is pasted by mistake: a yes, the target's name, and what terminals send for F8.
const PASTES: [&str; 5] = ["y\n", "db-3", "\u{1b}[19~", "yes\r\n\u{1b}[19~\u{1b}[19~", "db-3\n\u{1b}[19~"];

/// Any key but the chord.
fn key(draw: &mut Draw) -> KeyEvent {
    let printable = char::from(u8::try_from(0x20 + draw.below(0x5f)).unwrap());
    let (code, modifiers) = match draw.below(10) {
        0 => (KeyCode::Enter, KeyModifiers::NONE),
        1 => (
            draw.of(&[KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace, KeyCode::Delete]),
            KeyModifiers::NONE,
        ),
        2 => (draw.of(&SCROLL), draw.of(&[KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL])),
        3 => (KeyCode::Char(printable.to_ascii_lowercase()), KeyModifiers::CONTROL),
        4 => (KeyCode::F(draw.of(&[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12])), KeyModifiers::NONE),
        _ => (KeyCode::Char(printable), KeyModifiers::NONE),
    };
    KeyEvent::new(code, modifiers)
}

/// A key that does not scroll and leaves the review open.
fn harmless(draw: &mut Draw) -> KeyEvent {
    loop {
        let found = key(draw);
        let scrolls =
            SCROLL.contains(&found.code) || matches!(found.code, KeyCode::Char('j' | 'k' | 'g' | 'G' | 'd' | 'u'));
        let leaves = matches!(found.code, KeyCode::Esc | KeyCode::F(4 | 5));
        if !scrolls && !leaves && !found.modifiers.contains(KeyModifiers::CONTROL) {
            return found;
        }
    }
}

/// A console with an open review.
fn opened(size: (u16, u16), proposal: Proposal) -> World {
    facts_opened(size, &with_proposal(with_detail(snapshot(1..=5), 1), proposal))
}

fn facts_opened(size: (u16, u16), facts: &Snapshot) -> World {
    let mut world = World::new(size.0, size.1);
    world.settle_with(facts);
    world.keys("A");
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Review(_))));
    world
}

fn approvals(world: &mut World) -> usize {
    let effects = world.take_effects();
    let approves = |effect: &&Effect| {
        matches!(effect, Effect::Send { command: Command::Approve { .. } | Command::ApproveWider { .. }, .. })
    };
    effects.iter().filter(approves).count()
}

/// A command of a run, to which a wider yes can be given where its risk lets that.
fn of_a_run(proposal: Proposal) -> World {
    let facts = wider::facts(|place| {
        let (subject, revision) = (place.spec.subject.clone(), place.spec.step.revision.clone());
        *place = proposal;
        place.spec.subject = subject;
        place.spec.step.revision = revision;
    });
    facts_opened((120, 40), &facts)
}

/// More words than any screen has lines.
fn long(risk: Risk) -> Proposal {
    let words: Vec<String> = (0..90).map(|number| format!("--word-{number}")).collect();
    proposal(1, risk, &words.iter().map(|word| (word.as_str(), Origin::Sop)).collect::<Vec<_>>())
}

/// One review, opened and met by keys of this kind; returns how many there were, and fails on an approval.
fn hurry(kind: Haste, draw: &mut Draw) -> usize {
    let risk = match kind {
        Haste::Unnamed => draw.of(&[Risk::Destroy, Risk::Unknown]),
        _ => draw.of(&[Risk::Read, Risk::Change]),
    };
    let size = draw.of(&[(80, 24), (120, 40), (200, 50)]);
    let subject = if kind == Haste::Unread { long(risk) } else { du(1, risk) };
    let mut world = if draw.below(2) == 0 { of_a_run(subject) } else { opened(size, subject) };
    if draw.below(2) == 0 {
        // What it would mean is on the screen, so that only the chord itself is missing.
        wider::ctrl(&mut world, 'w');
    }
    if kind != Haste::Unpainted {
        world.paint();
    }
    let (mut gone, mut keys) = (0, 0);
    loop {
        let longest = draw.of(&[30, 60, if kind == Haste::Hammered { 499 } else { 1_200 }]);
        let pause = draw.below(longest);
        gone += pause;
        if gone > WINDOW {
            break;
        }
        world.wait(pause);
        match (kind, draw.below(6)) {
            (_, 0) => world.send(Msg::Paste(draw.of(&PASTES).to_owned())),
            (Haste::TypedOn, _) => world.send(Msg::Key(key(draw))),
            (_, 1..=3) => world.press(draw.of(&[CHORD, CHORD, WIDER])),
            (Haste::Hammered, _) => world.send(Msg::Key(key(draw))),
            (Haste::Unread | Haste::Unnamed | Haste::Unpainted, _) => world.send(Msg::Key(harmless(draw))),
        }
        keys += 1;
        match kind {
            Haste::Unpainted => {}
            // A frame is no key: it does not begin the half second anew, so that only the keys' own pauses count.
            _ => world.paint(),
        }
        if world.model.ui.overlay.is_none() {
            world.keys("A");
        }
    }
    assert_eq!(approvals(&mut world), 0, "{kind:?}, {risk:?}, {size:?}");
    keys
}

#[test]
fn ten_thousand_hasty_keys_and_pastes_approve_nothing() {
    let (mut draw, mut counts) = (Draw(1), [0; KINDS.len()]);
    for (kind, count) in KINDS.into_iter().zip(&mut counts) {
        while *count < HASTE / KINDS.len() {
            *count += hurry(kind, &mut draw);
        }
    }
    let all: usize = counts.iter().sum();
    println!("{all} keys and pastes within {WINDOW} ms of a review opening ({counts:?} of {KINDS:?}): 0 approvals");
    assert!(all >= HASTE);
}

/// Reads the review to its end, as a person does: page by page, or line by line.
fn read(world: &mut World, draw: &mut Draw) {
    let step = draw.of(&[KeyCode::PageDown, KeyCode::Down]);
    loop {
        world.wait(draw.below(3_000));
        world.paint();
        let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
        if review.unseen() == 0 {
            return;
        }
        world.press(step);
    }
}

#[test]
fn a_thousand_deliberate_approvals_are_all_accepted() {
    let mut draw = Draw(2);
    let mut accepted = 0;
    for _ in 0..DELIBERATE {
        let risk = draw.of(&[Risk::Read, Risk::Change, Risk::Destroy, Risk::Unknown]);
        let size = draw.of(&[(80, 24), (120, 40), (200, 50)]);
        let proposal = if draw.below(4) == 0 { long(risk) } else { du(1, risk) };
        let named = proposal.needs_typed_target();
        let mut world = opened(size, proposal);
        if draw.below(2) == 0 {
            // Too early, and taken back.
            world.press(CHORD);
            world.send(Msg::Key(harmless(&mut draw)));
        }
        read(&mut world, &mut draw);
        if named {
            (0..9).for_each(|_| world.press(KeyCode::Backspace));
            world.keys("db-3");
        }
        world.wait(500 + draw.below(60_000));
        world.press(CHORD);
        accepted += approvals(&mut world);
    }
    println!("{accepted} of {DELIBERATE} deliberate approvals were accepted");
    assert_eq!(accepted, DELIBERATE);
}

/// One of the two keys of a wider yes is missing; everything else that an approval needs may be there.
#[test]
fn without_both_of_its_keys_no_yes_covers_more_than_one_command() {
    let (mut draw, mut keys, mut approved) = (Draw(3), 0, 0);
    while keys < HASTE {
        let missing_chord = draw.below(2) == 0;
        let mut world = of_a_run(du(1, draw.of(&[Risk::Read, Risk::Change])));
        for _ in 0..20 {
            world.paint();
            world.wait(draw.below(2_000));
            match draw.below(4) {
                0 => world.press(if missing_chord { CHORD } else { WIDER }),
                1 if missing_chord => wider::ctrl(&mut world, 'w'),
                1 => world.send(Msg::Paste("\u{17}\u{1b}[20~".to_owned())),
                _ => {
                    let found = key(&mut draw);
                    let is_widen = found == KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL);
                    if found.code != WIDER && (missing_chord || !is_widen) {
                        world.send(Msg::Key(found));
                    }
                }
            }
            keys += 1;
            if world.model.ui.overlay.is_none() {
                world.keys("A");
            }
        }
        let effects = world.take_effects();
        let of = |wanted: fn(&Command) -> bool| {
            effects.iter().filter(|effect| matches!(effect, Effect::Send { command, .. } if wanted(command))).count()
        };
        assert_eq!(of(|command| matches!(command, Command::ApproveWider { .. })), 0);
        approved += of(|command| matches!(command, Command::Approve { .. }));
    }
    println!("{keys} keys without both keys of a wider yes: {approved} plain approvals, 0 wider ones");
    assert!(approved > 0, "the plain yes was possible");
}

#[test]
fn a_hundred_deliberate_wider_yeses_are_all_accepted() {
    let mut draw = Draw(4);
    for _ in 0..100 {
        let mut world = of_a_run(du(1, Risk::Read));
        let widen = 1 + draw.below(2);
        (0..widen).for_each(|_| wider::ctrl(&mut world, 'w'));
        read(&mut world, &mut draw);
        world.wait(500 + draw.below(60_000));
        world.press(WIDER);
        let effects = world.take_effects();
        let given =
            effects.iter().any(|effect| matches!(effect, Effect::Send { command: Command::ApproveWider { .. }, .. }));
        assert!(given);
    }
}

//! Bytes from the terminal as events: keys, pastes, the mouse, and the reply to a question for its status.
//!
//! Owns: what the bytes of a terminal mean. Invariants: any bytes give events or nothing, never an error; a sequence that is
//! not known, broken or too long gives nothing, so that no part of it can pass for keys; nothing is kept without bound but
//! a paste whose end has not come. Does not: read (see `reader`), know what a key means (see `keymap`).

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// What has come from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The person did something.
    Event(Event),
    /// The terminal has processed everything that was sent before the question (`CSI 5 n`).
    Arrived,
}

/// Whether more bytes can be read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Yes: an escape at the end begins something.
    More,
    /// No: an escape at the end is the key.
    Nothing,
}

const ESC: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// No control sequence of a terminal that means something is longer, in bytes.
const LONGEST: usize = 64;

/// The bytes that have come and mean nothing yet.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// The end of a paste does not begin before this byte.
    searched: usize,
}

/// What stands first in the bytes.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// So many bytes mean this.
    Means(usize, Input),
    /// So many bytes mean nothing.
    Nothing(usize),
    /// The rest of it has not come yet.
    Incomplete,
}

impl Decoder {
    /// Takes bytes and returns what they mean together with those before, in order.
    pub(super) fn decode(&mut self, bytes: &[u8], behind: Behind) -> Vec<Input> {
        self.bytes.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        let mut done = 0;
        while let Some(rest) = self.bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let first =
                if rest.starts_with(PASTE_BEGINS) { paste(rest, &mut self.searched) } else { first(rest, behind) };
            match first {
                First::Means(count, input) => {
                    inputs.push(input);
                    done += count;
                }
                First::Nothing(count) => done += count.max(1),
                First::Incomplete => break,
            }
        }
        self.bytes.drain(..done);
        inputs
    }

    /// Whether the key Escape, or the beginning of something, has come last.
    pub(super) fn ends_in_escape(bytes: &[u8]) -> bool {
        bytes.last() == Some(&ESC)
    }
}

fn paste(bytes: &[u8], searched: &mut usize) -> First {
    let from = (*searched).max(PASTE_BEGINS.len());
    let found = bytes.get(from..).and_then(|rest| memchr::memmem::find(rest, PASTE_ENDS));
    let Some(end) = found.map(|at| from + at) else {
        *searched = bytes.len().saturating_sub(PASTE_ENDS.len());
        return First::Incomplete;
    };
    *searched = 0;
    let text = bytes.get(PASTE_BEGINS.len()..end).unwrap_or_default();
    let text = String::from_utf8_lossy(text).into_owned();
    First::Means(end + PASTE_ENDS.len(), Input::Event(Event::Paste(text)))
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

fn first(bytes: &[u8], behind: Behind) -> First {
    match *bytes {
        [ESC] if behind == Behind::Nothing => First::Means(1, key(KeyCode::Esc, KeyModifiers::NONE)),
        [ESC] | [ESC, b'O'] => First::Incomplete,
        // Escape twice, or before a sequence: the key.
        [ESC, ESC, ..] => First::Means(1, key(KeyCode::Esc, KeyModifiers::NONE)),
        [ESC, b'[', ref rest @ ..] => match control(rest) {
            First::Means(count, input) => First::Means(count + 2, input),
            First::Nothing(count) => First::Nothing(count + 2),
            First::Incomplete => First::Incomplete,
        },
        [ESC, b'O', last, ..] => match letter(last) {
            Some(code) => First::Means(3, key(code, KeyModifiers::NONE)),
            None => First::Nothing(3),
        },
        // With Alt.
        [ESC, ref rest @ ..] => match character(rest) {
            First::Means(count, Input::Event(Event::Key(plain))) => {
                First::Means(count + 1, key(plain.code, plain.modifiers | KeyModifiers::ALT))
            }
            First::Means(count, _) | First::Nothing(count) => First::Nothing(count + 1),
            First::Incomplete => First::Incomplete,
        },
        _ => character(bytes),
    }
}

/// A key that is one character, or one with Ctrl.
fn character(bytes: &[u8]) -> First {
    let Some(&byte) = bytes.first() else { return First::Incomplete };
    let control = |base: u8, from: u8| key(KeyCode::Char(char::from(byte - from + base)), KeyModifiers::CONTROL);
    let input = match byte {
        b'\r' => key(KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => key(KeyCode::Tab, KeyModifiers::NONE),
        0x7f => key(KeyCode::Backspace, KeyModifiers::NONE),
        0 => key(KeyCode::Char(' '), KeyModifiers::CONTROL),
        0x01..=0x1a => control(b'a', 0x01),
        0x1c..=0x1f => control(b'4', 0x1c),
        _ => return printable(bytes),
    };
    First::Means(1, input)
}

/// A character in UTF-8.
fn printable(bytes: &[u8]) -> First {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let bytes = bytes.get(..length).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => match text.chars().next() {
            // Beyond ASCII there are control characters, too (U+0080 to U+009F); no keyboard has them.
            Some(c) if !c.is_control() => {
                let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                First::Means(c.len_utf8(), key(KeyCode::Char(c), modifiers))
            }
            Some(c) => First::Nothing(c.len_utf8()),
            None => First::Incomplete,
        },
        // What is there could be the beginning of a character.
        Err(error) if error.error_len().is_none() => First::Incomplete,
        Err(error) => First::Nothing(error.error_len().unwrap_or(1)),
    }
}

/// Keys that are named by the last letter of their sequence.
const fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// A control sequence (ECMA-48, 5.4) without its introducer.
fn control(bytes: &[u8]) -> First {
    match *bytes {
        // The Linux console's F1 to F5.
        [b'[', last @ b'A'..=b'E', ..] => First::Means(2, key(KeyCode::F(last - b'A' + 1), KeyModifiers::NONE)),
        [b'['] => First::Incomplete,
        [b'[', ..] => First::Nothing(1),
        // The mouse as terminals report it that do not know mode 1006: three bytes follow.
        [b'M', button, column, row, ..] => {
            let place = |byte: u8| u16::from(byte.saturating_sub(33));
            let mouse = button.checked_sub(32).and_then(|button| mouse(u16::from(button), (place(column), place(row))));
            mouse.map_or(First::Nothing(4), |mouse| First::Means(4, mouse))
        }
        [b'M', ..] => First::Incomplete,
        _ => match bytes.iter().position(|byte| !(0x20..=0x3f).contains(byte)) {
            Some(at) if at >= LONGEST => First::Nothing(at),
            Some(at) => match bytes.get(at) {
                Some(last @ 0x40..=0x7e) => {
                    let meaning = bytes.get(..at).and_then(|parameters| sequence(parameters, *last));
                    meaning.map_or(First::Nothing(at + 1), |input| First::Means(at + 1, input))
                }
                // It was cut off; what comes now is something else.
                _ => First::Nothing(at),
            },
            None if bytes.len() >= LONGEST => First::Nothing(bytes.len()),
            None => First::Incomplete,
        },
    }
}

/// What a whole control sequence means.
fn sequence(parameters: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(report) = text.strip_prefix('<') {
        return sgr_mouse(report, last);
    }
    let mut numbers = text.split(';');
    let code: u32 = match numbers.next() {
        None | Some("") => 1,
        Some(number) => number.split(':').next()?.parse().ok()?,
    };
    let (modifiers, kind) = held(numbers.next())?;
    let code = match last {
        b'n' => return matches!(text, "0" | "3").then_some(Input::Arrived),
        b'I' if text.is_empty() => return Some(Input::Event(Event::FocusGained)),
        b'O' if text.is_empty() => return Some(Input::Event(Event::FocusLost)),
        b'Z' => return Some(key(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT)),
        b'~' => numbered(code)?,
        b'u' => unicode(code)?,
        _ => letter(last)?,
    };
    Some(Input::Event(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind))))
}

/// Which keys are held besides, and whether this is the release: `modifiers[:kind]`, as xterm and kitty count them.
fn held(parameter: Option<&str>) -> Option<(KeyModifiers, KeyEventKind)> {
    let Some(parameter) = parameter.filter(|parameter| !parameter.is_empty()) else {
        return Some((KeyModifiers::NONE, KeyEventKind::Press));
    };
    let mut parts = parameter.split(':');
    let mask = parts.next()?.parse::<u16>().ok()?.saturating_sub(1);
    let known = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    let modifiers = known.into_iter().filter(|(bit, _)| mask & bit != 0).map(|(_, modifier)| modifier).collect();
    let kind = match parts.next() {
        Some("2") => KeyEventKind::Repeat,
        Some("3") => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    };
    Some((modifiers, kind))
}

/// Keys that are named by a number (xterm, the Linux console, rxvt).
fn numbered(code: u32) -> Option<KeyCode> {
    let function = |number: u32| u8::try_from(number).ok().map(KeyCode::F);
    match code {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(code - 10),
        17..=21 => function(code - 11),
        23..=26 => function(code - 12),
        28..=29 => function(code - 15),
        31..=34 => function(code - 17),
        _ => None,
    }
}

/// Keys that are named by their character (`CSI u`).
fn unicode(code: u32) -> Option<KeyCode> {
    match code {
        9 => Some(KeyCode::Tab),
        13 => Some(KeyCode::Enter),
        27 => Some(KeyCode::Esc),
        127 => Some(KeyCode::Backspace),
        _ => char::from_u32(code).filter(|c| !c.is_control()).map(KeyCode::Char),
    }
}

/// `button;column;row` and whether it was pressed (`M`) or released (`m`), as mode 1006 has it.
fn sgr_mouse(report: &str, last: u8) -> Option<Input> {
    let mut numbers = report.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let input = mouse(button, (column.saturating_sub(1), row.saturating_sub(1)))?;
    match (input, last) {
        (Input::Event(Event::Mouse(event)), b'm') => {
            let kind = match event.kind {
                MouseEventKind::Down(button) => MouseEventKind::Up(button),
                other => other,
            };
            Some(Input::Event(Event::Mouse(MouseEvent { kind, ..event })))
        }
        (input, b'M') => Some(input),
        (_, _) => None,
    }
}

/// A report of the mouse by the number of its button: two low bits and two high ones are the button, 4, 8 and 16 the keys
/// that are held, 32 a movement (xterm, `ctlseqs`).
fn mouse(button: u16, (column, row): (u16, u16)) -> Option<Input> {
    let number = button & 3 | (button & 0xc0) >> 4;
    let kind = match (number, button & 32 != 0) {
        (0, false) => MouseEventKind::Down(MouseButton::Left),
        (1, false) => MouseEventKind::Down(MouseButton::Middle),
        (2, false) => MouseEventKind::Down(MouseButton::Right),
        (0, true) => MouseEventKind::Drag(MouseButton::Left),
        (1, true) => MouseEventKind::Drag(MouseButton::Middle),
        (2, true) => MouseEventKind::Drag(MouseButton::Right),
        (3, false) => MouseEventKind::Up(MouseButton::Left),
        (3..=5, true) => MouseEventKind::Moved,
        (4, false) => MouseEventKind::ScrollUp,
        (5, false) => MouseEventKind::ScrollDown,
        (6, false) => MouseEventKind::ScrollLeft,
        (7, false) => MouseEventKind::ScrollRight,
        _ => return None,
    };
    let held = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = held.into_iter().filter(|(bit, _)| button & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(Input::Event(Event::Mouse(MouseEvent { kind, column, row, modifiers })))
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;

//! Keys as they are written in files: `j`, `G`, `ctrl-d`, `f8`, `shift-tab`, `space`.
//!
//! Invariants: a chord is something a terminal can tell from every other chord; what arrives as another key (`ctrl-i` as
//! Tab) cannot be written. A chord can be shown: a character that is hidden or deceives is no key.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::domain::text::visible;

const NAMED: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// The chord of a key press; `None` for the release of a key.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = event.code;
        match code {
            // The character itself says whether Shift was held, except with Ctrl, where terminals do not tell.
            KeyCode::Char(c) => {
                modifiers.remove(KeyModifiers::SHIFT);
                if modifiers.contains(KeyModifiers::CONTROL) {
                    code = KeyCode::Char(c.to_ascii_lowercase());
                }
            }
            KeyCode::BackTab => modifiers.remove(KeyModifiers::SHIFT),
            _ => {}
        }
        Some(Self { code, modifiers })
    }

    /// Reads a chord.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((name, after)) =
            rest.split_once('-').filter(|(name, after)| !name.is_empty() && !after.is_empty())
        {
            modifiers |= match name {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return Err(format!("`{name}` is no modifier; there are ctrl, alt and shift")),
            };
            rest = after;
        }
        let code = key_code(rest).ok_or_else(|| unknown_key(rest))?;
        Self { code, modifiers }.normalised(text)
    }

    fn normalised(mut self, text: &str) -> Result<Self, String> {
        let shift = self.modifiers.contains(KeyModifiers::SHIFT);
        let ctrl = self.modifiers.contains(KeyModifiers::CONTROL);
        match self.code {
            KeyCode::Tab if shift => {
                self.code = KeyCode::BackTab;
                self.modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::Char(_) if shift => {
                return Err(format!("`{text}`: write the character that Shift makes, such as `G` or `?`"));
            }
            KeyCode::Char(c) if ctrl && !c.is_ascii_lowercase() => {
                return Err(format!("`{text}`: terminals send Ctrl with the letters a to z only"));
            }
            KeyCode::Char(c @ ('i' | 'm' | 'h')) if ctrl => {
                let other = match c {
                    'i' => "tab",
                    'm' => "enter",
                    _ => "backspace",
                };
                return Err(format!("`{text}` is `{other}` to a terminal"));
            }
            _ => {}
        }
        Ok(self)
    }

    /// Whether the key types a character.
    #[must_use]
    pub fn is_printable(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    }

    /// Whether the key may approve something: a function key, or Ctrl with a letter. Neither is in pasted text (which
    /// is why Ctrl-J, a newline, is left out) nor pressed while typing, as printable keys, Enter and Escape are.
    #[must_use]
    pub fn may_approve(self) -> bool {
        match self.code {
            KeyCode::F(_) => true,
            KeyCode::Char(c) => self.modifiers == KeyModifiers::CONTROL && c != 'j',
            _ => false,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::F(number) => write!(f, "f{number}"),
            code => match (NAMED.iter().find(|(_, named)| *named == code), code) {
                (Some((name, _)), _) => f.write_str(name),
                (None, KeyCode::Char(c)) => write!(f, "{c}"),
                (None, code) => write!(f, "{code}"),
            },
        }
    }
}

fn key_code(name: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(named, _)| *named == name) {
        return Some(*code);
    }
    let mut characters = name.chars();
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return (!c.is_whitespace() && visible(name) == name).then_some(KeyCode::Char(c));
    }
    let number: u8 = name.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

fn unknown_key(name: &str) -> String {
    let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    let name = visible(name);
    format!("`{name}` is no key; there are single characters, f1 to f12, {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_nobody_can_see_is_no_key_and_is_spelled_out() {
        for (key, spelled) in [("\u{202e}", "\\u{202e}"), ("\u{1b}", "\\u{1b}"), ("alt-\u{200b}", "\\u{200b}")] {
            let error = Chord::parse(key).unwrap_err();
            assert!(error.contains(spelled) && !error.contains(key), "{error:?}");
        }
        assert!(Chord::parse("ü").is_ok() && Chord::parse("\\").is_ok());
    }

    #[rstest]
    #[case("j", KeyCode::Char('j'), KeyModifiers::NONE)]
    #[case("G", KeyCode::Char('G'), KeyModifiers::SHIFT)]
    #[case("?", KeyCode::Char('?'), KeyModifiers::SHIFT)]
    #[case("-", KeyCode::Char('-'), KeyModifiers::NONE)]
    #[case("ctrl-d", KeyCode::Char('d'), KeyModifiers::CONTROL)]
    #[case("f8", KeyCode::F(8), KeyModifiers::NONE)]
    #[case("shift-f8", KeyCode::F(8), KeyModifiers::SHIFT)]
    #[case("shift-tab", KeyCode::BackTab, KeyModifiers::SHIFT)]
    #[case("space", KeyCode::Char(' '), KeyModifiers::NONE)]
    #[case("alt-x", KeyCode::Char('x'), KeyModifiers::ALT)]
    #[case("pagedown", KeyCode::PageDown, KeyModifiers::NONE)]
    fn written_keys_are_what_arrives(#[case] text: &str, #[case] code: KeyCode, #[case] modifiers: KeyModifiers) {
        let chord = Chord::parse(text).unwrap();
        assert_eq!(Chord::of(&KeyEvent::new(code, modifiers)), Some(chord));
        assert_eq!(chord.to_string(), text);
    }

    #[rstest]
    #[case("ctrl-i", "is `tab`")]
    #[case("shift-g", "write the character")]
    #[case("hyper-x", "no modifier")]
    #[case("f13", "no key")]
    #[case("ctrl-", "no key")]
    #[case("", "no key")]
    #[case("ctrl-G", "letters a to z")]
    fn wrong_keys_are_explained(#[case] text: &str, #[case] why: &str) {
        let message = Chord::parse(text).unwrap_err();
        assert!(message.contains(why), "{message}");
    }

    #[rstest]
    #[case("f8", true)]
    #[case("ctrl-y", true)]
    #[case("ctrl-j", false)]
    #[case("enter", false)]
    #[case("space", false)]
    #[case("y", false)]
    #[case("esc", false)]
    #[case("alt-y", false)]
    fn only_deliberate_keys_may_approve(#[case] text: &str, #[case] may: bool) {
        assert_eq!(Chord::parse(text).unwrap().may_approve(), may);
    }
}

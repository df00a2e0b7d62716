//! One line of text that a person types: for filters, values of parameters, names of targets.
//!
//! Owns: the text and the cursor in it. Invariants: the text has no control characters; the cursor stands between two
//! graphemes. Does not: know what the text is for, or draw itself.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::text::{Repertoire, visible_in, width};

/// Longest text in bytes; what goes beyond is refused. A command word is far shorter.
pub const MAX_BYTES: usize = 4096;

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The text changed.
    Changed,
    /// Only the cursor moved, or there was nothing to change.
    Unchanged,
    /// The key means nothing here.
    Ignored,
}

/// What was not taken from a paste, so that the person can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pasted {
    /// Line breaks, each replaced by a space; those at the very end are not counted.
    pub line_breaks: usize,
    /// Other control characters, left out.
    pub controls: usize,
    /// Characters that did not fit.
    pub cut: usize,
}

/// A line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEdit {
    text: String,
    /// Byte position, on a grapheme boundary.
    cursor: usize,
}

impl LineEdit {
    /// A line with `text` in it (control characters left out) and the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.paste(text);
        line
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the text out and leaves the line empty.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Does what a key stands for while typing.
    pub fn handle(&mut self, event: &KeyEvent) -> Edit {
        if event.kind == KeyEventKind::Release {
            return Edit::Ignored;
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        match event.code {
            KeyCode::Char(c) if !ctrl && !alt => self.insert(c),
            KeyCode::Left => self.move_to(self.before()),
            KeyCode::Right => self.move_to(self.after()),
            KeyCode::Home => self.move_to(0),
            KeyCode::End => self.move_to(self.text.len()),
            KeyCode::Backspace if alt => self.remove(self.word_start(), self.cursor),
            KeyCode::Backspace => self.remove(self.before(), self.cursor),
            KeyCode::Delete => self.remove(self.cursor, self.after()),
            KeyCode::Char(c) if ctrl && !alt => self.handle_ctrl(c),
            _ => Edit::Ignored,
        }
    }

    /// The editing keys of shells.
    fn handle_ctrl(&mut self, c: char) -> Edit {
        match c {
            'a' => self.move_to(0),
            'e' => self.move_to(self.text.len()),
            'b' => self.move_to(self.before()),
            'f' => self.move_to(self.after()),
            'h' => self.remove(self.before(), self.cursor),
            'd' => self.remove(self.cursor, self.after()),
            'k' => self.remove(self.cursor, self.text.len()),
            'u' => self.remove(0, self.cursor),
            'w' => self.remove(self.word_start(), self.cursor),
            _ => Edit::Ignored,
        }
    }

    /// Puts pasted text in at the cursor, on one line.
    pub fn paste(&mut self, text: &str) -> Pasted {
        let mut report = Pasted::default();
        let text = text.trim_end_matches(['\n', '\r']).replace("\r\n", "\n");
        for c in text.chars() {
            let c = match c {
                '\n' | '\r' => {
                    report.line_breaks += 1;
                    ' '
                }
                '\t' => ' ',
                c if c.is_control() => {
                    report.controls += 1;
                    continue;
                }
                c => c,
            };
            if self.insert(c) == Edit::Unchanged {
                report.cut += 1;
            }
        }
        report
    }

    /// What to show in `columns`, and the column of the cursor in it. The part around the cursor is shown when the whole
    /// does not fit; the cursor may stand behind the last character, so at least one column is left for it.
    #[must_use]
    pub fn view(&self, columns: usize, repertoire: Repertoire) -> (String, usize) {
        let (before, after) = self.text.split_at(self.cursor);
        let before = visible_in(before, repertoire);
        let after = visible_in(after, repertoire);
        let room = columns.saturating_sub(1);
        let mut start = before.len();
        let mut column = 0;
        for (at, grapheme) in before.grapheme_indices(true).rev() {
            if column + width(grapheme) > room {
                break;
            }
            column += width(grapheme);
            start = at;
        }
        let mut shown = before[start..].to_owned();
        let mut used = column;
        for grapheme in after.graphemes(true) {
            used += width(grapheme);
            if used > columns {
                break;
            }
            shown.push_str(grapheme);
        }
        (shown, column)
    }

    fn insert(&mut self, c: char) -> Edit {
        if c.is_control() || self.text.len() + c.len_utf8() > MAX_BYTES {
            return Edit::Unchanged;
        }
        self.text.insert(self.cursor, c);
        self.cursor += c.len_utf8();
        // What was put in may have joined the graphemes around it.
        self.cursor = self.boundary_from(self.cursor);
        Edit::Changed
    }

    fn remove(&mut self, start: usize, end: usize) -> Edit {
        if start == end {
            return Edit::Unchanged;
        }
        self.text.replace_range(start..end, "");
        self.cursor = self.boundary_from(start);
        Edit::Changed
    }

    fn move_to(&mut self, position: usize) -> Edit {
        self.cursor = position;
        Edit::Unchanged
    }

    /// The first grapheme boundary at or behind `position`.
    fn boundary_from(&self, position: usize) -> usize {
        let mut starts = self.text.grapheme_indices(true).map(|(at, _)| at);
        starts.find(|at| *at >= position).unwrap_or(self.text.len())
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.cursor + self.text[self.cursor..].graphemes(true).next().map_or(0, str::len)
    }

    /// Where the word before the cursor begins; words are separated by spaces.
    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end_matches(' ');
        before.rfind(' ').map_or(0, |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn ctrl(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn typing_and_deleting_by_grapheme() {
        let mut line = LineEdit::new("käse e\u{301}x");
        assert_eq!(line.handle(&key(KeyCode::Left)), Edit::Unchanged);
        assert_eq!(line.handle(&key(KeyCode::Backspace)), Edit::Changed);
        assert_eq!(line.text(), "käse x");
        line.handle(&key(KeyCode::Home));
        line.handle(&key(KeyCode::Delete));
        line.handle(&key(KeyCode::Char('K')));
        assert_eq!(line.text(), "Käse x");
        line.handle(&key(KeyCode::End));
        assert_eq!(line.handle(&key(KeyCode::Delete)), Edit::Unchanged);
        assert_eq!(line.handle(&key(KeyCode::F(8))), Edit::Ignored);
    }

    #[test]
    fn keys_of_shells() {
        let mut line = LineEdit::new("one two  three");
        line.handle(&ctrl('w'));
        assert_eq!(line.text(), "one two  ");
        line.handle(&ctrl('w'));
        assert_eq!(line.text(), "one ");
        line.handle(&ctrl('a'));
        line.handle(&ctrl('f'));
        line.handle(&ctrl('k'));
        assert_eq!(line.text(), "o");
        line.handle(&ctrl('u'));
        assert_eq!(line.text(), "");
    }

    #[test]
    fn a_paste_stays_on_one_line_and_says_what_it_lost() {
        let mut line = LineEdit::default();
        let report = line.paste("a\r\nb\nc\u{1b}[31m\td\n\n");
        assert_eq!(line.text(), "a b c[31m d");
        assert_eq!(report, Pasted { line_breaks: 2, controls: 1, cut: 0 });
        assert_eq!(line.paste(&"x".repeat(MAX_BYTES)).cut, 11);
    }

    #[test]
    fn the_view_follows_the_cursor() {
        let mut line = LineEdit::new("0123456789");
        assert_eq!(line.view(20, Repertoire::Unicode), ("0123456789".to_owned(), 10));
        assert_eq!(line.view(5, Repertoire::Unicode), ("6789".to_owned(), 4));
        line.handle(&key(KeyCode::Home));
        assert_eq!(line.view(5, Repertoire::Unicode), ("01234".to_owned(), 0));
        assert_eq!(LineEdit::new("a\u{202e}").view(20, Repertoire::Unicode), (r"a\u{202e}".to_owned(), 9));
        assert_eq!(line.view(0, Repertoire::Unicode), (String::new(), 0));
    }

    proptest! {
        #[test]
        fn any_keys_keep_the_invariants(text in any::<String>(), keys in proptest::collection::vec(0_usize..12, 0..40)) {
            let mut line = LineEdit::new(&text);
            let events = [
                key(KeyCode::Left), key(KeyCode::Right), key(KeyCode::Home), key(KeyCode::End), key(KeyCode::Backspace),
                key(KeyCode::Delete), key(KeyCode::Char('\u{301}')), key(KeyCode::Char('🇩')), ctrl('w'), ctrl('u'),
                ctrl('k'), key(KeyCode::Char('x')),
            ];
            for at in keys {
                line.handle(&events[at]);
                prop_assert!(!line.text.chars().any(char::is_control));
                prop_assert_eq!(line.boundary_from(line.cursor), line.cursor);
                let (shown, column) = line.view(9, Repertoire::Unicode);
                prop_assert!(width(&shown) <= 9 && column <= 8);
            }
        }
    }
}

//! The question that is being typed: several lines, with the keys of shells and editors.
//!
//! Owns: the text and the cursor (the editing model of `ratatui-textarea`), the way through earlier questions, and the
//! lines to show. Invariants: the text has no control characters but tabs; what is shown has been spelled by
//! `domain::text`, which the crate's own widget would not do. Does not: send anything.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui_textarea::{CursorMove, DataCursor, TextArea};

use super::text::{Breaks, broken};
use crate::domain::sop::tree::Direction;
use crate::domain::text::{Repertoire, visible_in, width};

/// Longest question in bytes. What goes beyond is refused, not cut.
pub const LONGEST: usize = 32 * 1024;

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The text or the cursor changed, or the key means nothing here.
    Here,
    /// The cursor was to go up from the first line.
    Above,
    /// The cursor was to go down from the last line.
    Below,
}

/// Text that was not taken because the whole would be longer than [`LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A question that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    area: TextArea<'static>,
    /// Which earlier question is shown, from the newest, and what was typed before.
    recalled: Option<(usize, String)>,
}

/// The lines of a draft, and where the cursor stands in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftView {
    /// Spelled lines.
    pub lines: Vec<String>,
    /// Line of the cursor.
    pub row: usize,
    /// Column of the cursor.
    pub column: usize,
}

impl Draft {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Puts `text` in the place of what was typed, the cursor behind it.
    pub fn set(&mut self, text: &str) {
        self.area = TextArea::new(clean(text).split('\n').map(str::to_owned).collect());
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Begins a new line.
    ///
    /// # Errors
    /// When the whole would be too long.
    pub fn newline(&mut self) -> Result<(), TooLong> {
        self.insert("\n")
    }

    /// Puts pasted text in at the cursor, with all its lines.
    ///
    /// # Errors
    /// When the whole would be too long; nothing is put in then.
    pub fn paste(&mut self, text: &str) -> Result<(), TooLong> {
        self.insert(&clean(text))
    }

    fn insert(&mut self, text: &str) -> Result<(), TooLong> {
        let length: usize = self.area.lines().iter().map(|line| line.len() + 1).sum();
        if length + text.len() > LONGEST {
            return Err(TooLong);
        }
        self.area.insert_str(text);
        Ok(())
    }

    /// Does what a key stands for while typing.
    ///
    /// # Errors
    /// When the whole would be too long; the key does nothing then.
    pub fn key(&mut self, event: &KeyEvent) -> Result<Typed, TooLong> {
        if event.kind == KeyEventKind::Release {
            return Ok(Typed::Here);
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let area = &mut self.area;
        match event.code {
            KeyCode::Char(c) if !ctrl && !alt && !c.is_control() => self.insert(c.encode_utf8(&mut [0; 4]))?,
            KeyCode::Up if area.cursor().0 == 0 => return Ok(Typed::Above),
            KeyCode::Down if area.cursor().0 + 1 == area.lines().len() => return Ok(Typed::Below),
            KeyCode::Up => area.move_cursor(CursorMove::Up),
            KeyCode::Down => area.move_cursor(CursorMove::Down),
            KeyCode::Left if ctrl || alt => area.move_cursor(CursorMove::WordBack),
            KeyCode::Right if ctrl || alt => area.move_cursor(CursorMove::WordForward),
            KeyCode::Left => area.move_cursor(CursorMove::Back),
            KeyCode::Right => area.move_cursor(CursorMove::Forward),
            KeyCode::Home => area.move_cursor(CursorMove::Head),
            KeyCode::End => area.move_cursor(CursorMove::End),
            KeyCode::Backspace if alt => drop(area.delete_word()),
            KeyCode::Backspace => drop(area.delete_char()),
            KeyCode::Delete => drop(area.delete_next_char()),
            KeyCode::Char(c) if ctrl != alt => word_key(area, c, ctrl),
            _ => {}
        }
        Ok(Typed::Here)
    }

    /// Shows the question before or after the one that is shown; what was typed comes back at the end. `earlier` are the
    /// questions that were asked, oldest first.
    pub fn recall(&mut self, earlier: &[String], direction: Direction) {
        let wanted = match (&self.recalled, direction) {
            (None, Direction::Backward) => 0,
            (Some((at, _)), Direction::Backward) => at + 1,
            (None, Direction::Forward) => return,
            (Some((0, typed)), Direction::Forward) => {
                let typed = typed.clone();
                self.recalled = None;
                return self.set(&typed);
            }
            (Some((at, _)), Direction::Forward) => at - 1,
        };
        let Some(question) = earlier.iter().rev().nth(wanted) else { return };
        let typed = self.recalled.take().map_or_else(|| self.text(), |(_, typed)| typed);
        self.set(question);
        self.recalled = Some((wanted, typed));
    }

    /// The lines of it in `columns`, at most `rows` of them, those around the cursor.
    #[must_use]
    pub fn view(&self, columns: usize, rows: usize, repertoire: Repertoire) -> DraftView {
        let DataCursor(at, behind) = self.area.cursor();
        // The cursor may stand behind the last character.
        let columns = columns.saturating_sub(1).max(2);
        let mut view = DraftView { lines: Vec::new(), row: 0, column: 0 };
        for (number, line) in self.area.lines().iter().enumerate() {
            let split =
                if number == at { line.char_indices().nth(behind).map_or(line.len(), |(byte, _)| byte) } else { 0 };
            let (before, after) = line.split_at(split);
            let before = spelled(before, repertoire);
            let cursor = before.len();
            let line = before + &spelled(after, repertoire);
            let ranges = broken(&line, columns, columns, Breaks::AfterSpaces);
            if number == at {
                let row = ranges.iter().rposition(|range| range.start <= cursor).unwrap_or(0);
                view.row = view.lines.len() + row;
                let column = ranges.get(row).map_or(0, |range| width(&line[range.start..cursor.min(range.end)]));
                // Spaces at the end of a line may stand beyond it.
                view.column = column.min(columns);
            }
            view.lines.extend(ranges.into_iter().map(|range| line[range].to_owned()));
        }
        let first = (view.row + 1).saturating_sub(rows.max(1));
        view.lines.drain(..first);
        view.lines.truncate(rows.max(1));
        view.row -= first;
        view
    }
}

fn word_key(area: &mut TextArea<'_>, c: char, ctrl: bool) {
    match (c, ctrl) {
        ('a', true) => area.move_cursor(CursorMove::Head),
        ('e', true) => area.move_cursor(CursorMove::End),
        ('b', true) => area.move_cursor(CursorMove::Back),
        ('f', true) => area.move_cursor(CursorMove::Forward),
        ('h', true) => drop(area.delete_char()),
        ('d', true) => drop(area.delete_next_char()),
        ('u', true) => drop(area.delete_line_by_head()),
        ('w', true) => drop(area.delete_word()),
        ('b', false) => area.move_cursor(CursorMove::WordBack),
        ('f', false) => area.move_cursor(CursorMove::WordForward),
        ('d', false) => drop(area.delete_next_word()),
        _ => {}
    }
}

/// `text` with `\n` for every kind of line break; control characters that nobody meant to paste are left out.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// A tab is shown as blanks: a question is prose.
fn spelled(text: &str, repertoire: Repertoire) -> String {
    text.split('\t').map(|part| visible_in(part, repertoire)).collect::<Vec<_>>().join("    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(draft: &mut Draft, code: KeyCode, modifiers: KeyModifiers) -> Typed {
        draft.key(&KeyEvent::new(code, modifiers)).unwrap()
    }

    fn typed(text: &str) -> Draft {
        let mut draft = Draft::default();
        draft.set(text);
        draft
    }

    #[test]
    fn keys_of_shells() {
        let mut draft = typed("why is it\nfull today");
        press(&mut draft, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(draft.text(), "why is it\nfull ");
        press(&mut draft, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(draft.text(), "why is it\n");
        press(&mut draft, KeyCode::Up, KeyModifiers::NONE);
        press(&mut draft, KeyCode::Right, KeyModifiers::ALT);
        press(&mut draft, KeyCode::Char('X'), KeyModifiers::SHIFT);
        assert_eq!(draft.text(), "why Xis it\n");
        assert_eq!(press(&mut draft, KeyCode::Up, KeyModifiers::NONE), Typed::Above);
        press(&mut draft, KeyCode::Down, KeyModifiers::NONE);
        assert_eq!(press(&mut draft, KeyCode::Down, KeyModifiers::NONE), Typed::Below);
    }

    #[test]
    fn a_paste_keeps_its_lines_and_loses_only_controls() {
        let mut draft = Draft::default();
        draft.paste("a\r\nb\rc\u{1b}[31m\td\u{202e}\n").unwrap();
        assert_eq!(draft.text(), "a\nb\nc[31m\td\u{202e}\n");
        assert_eq!(draft.paste(&"x".repeat(LONGEST)), Err(TooLong));
        assert_eq!(draft.text().len(), 15, "nothing of it was taken");
    }

    #[test]
    fn earlier_questions_come_back_and_so_does_the_draft() {
        let earlier = ["one".to_owned(), "two".to_owned()];
        let mut draft = typed("mine");
        draft.recall(&earlier, Direction::Forward);
        assert_eq!(draft.text(), "mine");
        for expected in ["two", "one", "one"] {
            draft.recall(&earlier, Direction::Backward);
            assert_eq!(draft.text(), expected);
        }
        for expected in ["two", "mine", "mine"] {
            draft.recall(&earlier, Direction::Forward);
            assert_eq!(draft.text(), expected);
        }
    }

    #[test]
    fn lines_break_between_words_and_the_cursor_stands_where_the_next_letter_goes() {
        let mut draft = typed("why is it so full");
        let view = draft.view(10, 5, Repertoire::Unicode);
        assert_eq!(view.lines, ["why is it ", "so full"]);
        assert_eq!((view.row, view.column), (1, 7));
        press(&mut draft, KeyCode::Home, KeyModifiers::NONE);
        for (letters, place) in [(9, (0, 9)), (1, (1, 0)), (3, (1, 3))] {
            for _ in 0..letters {
                press(&mut draft, KeyCode::Right, KeyModifiers::NONE);
            }
            let view = draft.view(10, 5, Repertoire::Unicode);
            assert_eq!((view.row, view.column), place);
        }
        let spaces = typed("why is it     ");
        let view = spaces.view(10, 5, Repertoire::Unicode);
        assert_eq!((view.lines.concat().as_str(), view.row, view.column), ("why is it     ", 1, 0));
        let long = typed("abcdefghijkl mn");
        assert_eq!(long.view(10, 5, Repertoire::Unicode).lines, ["abcdefghi", "jkl mn"]);
    }

    #[test]
    fn the_view_follows_the_cursor_and_spells_what_is_hidden() {
        let draft = typed("abcdefgh\nij\u{202e}");
        let view = draft.view(6, 3, Repertoire::Unicode);
        assert_eq!(view.lines, ["fgh", "ij\\u{", "202e}"]);
        assert_eq!((view.row, view.column), (2, 5));
        let view = draft.view(40, 1, Repertoire::Unicode);
        assert_eq!((view.lines, view.row, view.column), (vec![r"ij\u{202e}".to_owned()], 0, 10));
    }
}

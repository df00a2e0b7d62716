//! Untrusted text, made visible and harmless.
//!
//! Owns: the spelling of characters that a screen would hide, reorder or obey, the width of text in columns, and
//! cutting text to a width. The tables are in `signs`, the look-alikes in `lookalike`.
//!
//! Invariants:
//! - Injective: two different texts are never spelled the same; the tests hold the inverse function. Nothing is dropped.
//! - Every character of the result is printable, and each grapheme is as wide as its characters together, so that
//!   terminals with and without knowledge of graphemes agree about the columns.
//! - Plain ASCII is returned as it is, without a copy.
//!
//! The spelling: `\u{202e}` for a character that is not shown, `\xff` for a byte that is not UTF-8. A run of backslashes of
//! the text stands for itself unless a `u`, an `x` or a spelling follows it; then the whole run is doubled. So `printf
//! 'a\n'` looks as it is written, and can be copied.
//!
//! Does not: mark text as foreign (a style's task) or wrap lines.

mod lookalike;
mod signs;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub use lookalike::{Script, Suspicion, suspicion};
use signs::{Sign, sign};

/// Which characters the screen can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Repertoire {
    /// Everything that is printable.
    #[default]
    Unicode,
    /// Everything that is printable and as wide on every terminal: without the characters of ambiguous width (East Asian
    /// Width "A", UAX #11), which take two columns in fonts for Chinese, Japanese or Korean, and one in others.
    Narrow,
    /// ASCII only, as under `LANG=C`.
    Ascii,
}

impl Repertoire {
    /// The sign that stands where text was cut: one column.
    #[must_use]
    pub const fn cut_mark(self) -> &'static str {
        match self {
            Self::Unicode => "…",
            // The ellipsis is of ambiguous width.
            Self::Narrow | Self::Ascii => "~",
        }
    }
}

/// At most this many marks may follow each other; more would run into the lines above and below.
const MAX_MARKS: usize = 2;

/// At most this many characters may join the first one of a grapheme; conjuncts of real words need five.
const MAX_JOINED: usize = 8;

/// `text` on one line, everything that would not be seen as it is spelled out.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    visible_in(text, Repertoire::Unicode)
}

/// [`visible`] with every character outside ASCII spelled out too.
#[must_use]
pub fn visible_ascii(text: &str) -> Cow<'_, str> {
    visible_in(text, Repertoire::Ascii)
}

/// [`visible`] for a screen that can show `repertoire`.
#[must_use]
pub fn visible_in(text: &str, repertoire: Repertoire) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut spelling = Spelling::new(repertoire, text.len());
    text.chars().for_each(|c| spelling.character(c));
    Cow::Owned(spelling.finish())
}

/// A piece of a text of which `rest` follows, spelled so that all pieces together read as the whole does: whether the
/// backslashes at the end of a piece stand for themselves depends on what comes behind them.
#[must_use]
pub fn visible_before<'a>(piece: &'a str, rest: &str, repertoire: Repertoire) -> Cow<'a, str> {
    let next = rest.trim_start_matches('\\').chars().next();
    let Some(next) = next.filter(|_| piece.ends_with('\\')) else { return visible_in(piece, repertoire) };
    let mut buffer = [0; 4];
    let next: &str = next.encode_utf8(&mut buffer);
    // Behind a backslash a character is spelled as it is alone.
    let spelled = visible_in(&format!("{piece}{next}"), repertoire).into_owned();
    let length = spelled.len() - visible_in(next, repertoire).len();
    Cow::Owned(spelled.get(..length).unwrap_or_default().to_owned())
}

/// Bytes that ought to be UTF-8, on one line; other bytes are spelled `\xNN`.
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    visible_bytes_in(bytes, Repertoire::Unicode)
}

/// [`visible_bytes`] for a screen that can show `repertoire`.
#[must_use]
pub fn visible_bytes_in(bytes: &[u8], repertoire: Repertoire) -> String {
    let mut spelling = Spelling::new(repertoire, bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| spelling.character(c));
        chunk.invalid().iter().for_each(|byte| spelling.byte(*byte));
    }
    spelling.finish()
}

/// The lines of a program's output. A line ends with a newline, or a carriage return and a newline; a carriage return
/// elsewhere is spelled out. Nothing for no bytes, and no empty line after a final newline.
#[must_use]
pub fn visible_lines(bytes: &[u8]) -> Vec<String> {
    visible_lines_in(bytes, Repertoire::Unicode)
}

/// [`visible_lines`] for a screen that can show `repertoire`.
#[must_use]
pub fn visible_lines_in(bytes: &[u8], repertoire: Repertoire) -> Vec<String> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
            visible_bytes_in(line, repertoire)
        })
        .collect()
}

/// Columns that `text` takes on the screen. `text` has been through [`visible`].
#[must_use]
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| byte.is_ascii()) { text.len() } else { text.graphemes(true).map(|g| g.width()).sum() }
}

/// `text`, cut at a grapheme so that it takes at most `columns`; where something was cut, it ends with `…`.
#[must_use]
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    fit_in(text, columns, Repertoire::Unicode)
}

/// [`fit`] for a screen that can show `repertoire`.
#[must_use]
pub fn fit_in(text: &str, columns: usize, repertoire: Repertoire) -> Cow<'_, str> {
    // No character is wider than its bytes are many, so short text needs no measuring.
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let mut end = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > room {
            break;
        }
        end = start + grapheme.len();
    }
    Cow::Owned(format!("{}{}", &text[..end], repertoire.cut_mark()))
}

/// `text` cut in two at a grapheme: the longest head that takes at most `columns`, and the rest.
#[must_use]
pub fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return text.split_at(start);
        }
    }
    (text, "")
}

/// Whether a byte stands for itself wherever it is.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'\\'
}

/// A text that is being spelled, character by character.
struct Spelling {
    out: String,
    repertoire: Repertoire,
    /// The grapheme at the end of `out`, as long as it stands there unspelled.
    cluster: String,
    /// How many characters joined its first one.
    joined: usize,
    /// How many marks it ends with.
    marks: usize,
    /// Backslashes that were read and are not written yet: what follows decides whether they are doubled.
    backslashes: usize,
}

impl Spelling {
    fn new(repertoire: Repertoire, bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes + 16),
            repertoire,
            cluster: String::new(),
            joined: 0,
            marks: 0,
            backslashes: 0,
        }
    }

    fn character(&mut self, c: char) {
        let shown = self.shows(c);
        if c == '\\' {
            self.backslashes += 1;
            return;
        }
        self.settle_backslashes(!shown || matches!(c, 'u' | 'x'));
        if shown {
            self.out.push(c);
        } else {
            self.cluster.clear();
            // Writing to a string cannot fail.
            let _ = write!(self.out, "\\u{{{:x}}}", u32::from(c));
        }
    }

    fn byte(&mut self, byte: u8) {
        self.settle_backslashes(true);
        self.cluster.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.out, "\\x{byte:02x}");
    }

    fn finish(mut self) -> String {
        self.settle_backslashes(false);
        self.out
    }

    fn settle_backslashes(&mut self, ambiguous: bool) {
        let count = std::mem::take(&mut self.backslashes) * if ambiguous { 2 } else { 1 };
        self.out.extend(std::iter::repeat_n('\\', count));
    }

    /// Whether `c` is shown as it is after what has been written so far; keeps `cluster` up to date if so.
    fn shows(&mut self, c: char) -> bool {
        if c.is_ascii() {
            self.cluster.clear();
            return is_plain(c as u8) || c == '\\';
        }
        let kind = sign(c);
        let lacking = match self.repertoire {
            Repertoire::Unicode => false,
            Repertoire::Narrow => c.width_cjk() != c.width(),
            Repertoire::Ascii => true,
        };
        if lacking || kind == Sign::Spelled {
            return false;
        }
        let before = self.cluster.len();
        self.cluster.push(c);
        let joins = before > 0 && self.cluster.graphemes(true).nth(1).is_none();
        if !joins {
            self.cluster.drain(..before);
            (self.joined, self.marks) = (0, 0);
            return kind == Sign::Plain;
        }
        self.joined += 1;
        self.marks = if kind == Sign::Mark { self.marks + 1 } else { 0 };
        let (base, _) = self.cluster.split_at(before);
        self.joined <= MAX_JOINED
            && self.marks <= MAX_MARKS
            && base.starts_with(char::is_alphanumeric)
            && self.cluster.width() == base.width() + c.width().unwrap_or(0)
    }
}

/// A regular expression (RE2) that matches `value` and nothing else.
#[must_use]
pub fn pattern_of(value: &str) -> String {
    let mut pattern = String::with_capacity(value.len());
    for c in value.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
pub(crate) mod tests;

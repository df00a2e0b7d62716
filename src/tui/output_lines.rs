//! The output of an attempt as rows of a given width; shared by drawing, scrolling and finding.
//!
//! Owns: tab stops, wrapping and finding. Does not: colour rows or know which part of them is on the screen.
//!
//! Nothing of a line is cut off: what does not fit goes on in the next row, one column further right so that a sign has room
//! before it. A tab leads to the next multiple of eight
//! columns, as it would on a terminal; everything else that would not be seen is spelled out.

use std::ops::Range;

use crate::domain::sop::tree::Direction;
use crate::domain::text::{self, Repertoire};
use crate::tui::wrap::{Break, wrap_hanging};

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// A row of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRow {
    /// Which line of the output it belongs to, from 0.
    pub line: usize,
    /// Which part of that line it is.
    pub part: Part,
    /// Escaped text.
    pub text: String,
}

/// Which part of a line a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its beginning.
    Begins,
    /// What did not fit in the row above; one column is left free before it.
    GoesOn,
}

/// Columns before a row that goes on with the line above.
const HANG: usize = 1;

/// The rows of a spelled line.
fn broken(line: usize, text: &str, width: usize) -> impl DoubleEndedIterator<Item = OutputRow> {
    // Behind the sign there has to be room for a character of two columns, or there would be no end.
    let width = width.max(HANG + 2);
    let pieces = wrap_hanging(text, (width, width - HANG), Break::AfterSpaces);
    pieces.into_iter().enumerate().map(move |(number, text)| {
        let part = if number == 0 { Part::Begins } else { Part::GoesOn };
        OutputRow { line, part, text }
    })
}

/// How many lines `bytes` are.
#[must_use]
pub fn count(bytes: &[u8]) -> usize {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    ends + usize::from(bytes.last().is_some_and(|last| *last != b'\n'))
}

/// The lines of `bytes`, escaped, with tabs as spaces.
#[must_use]
pub fn lines(bytes: &[u8], repertoire: Repertoire) -> Vec<String> {
    let whole = bytes.split_inclusive(|byte| *byte == b'\n');
    let ended = whole.map(|line| line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line));
    ended.map(|line| expand(line, repertoire)).collect()
}

fn expand(line: &[u8], repertoire: Repertoire) -> String {
    let mut pieces = line.split(|byte| *byte == b'\t').map(|piece| text::visible_bytes_in(piece, repertoire));
    let mut expanded = pieces.next().unwrap_or_default();
    let mut column = text::width(&expanded);
    for piece in pieces {
        let gap = TAB - column % TAB;
        expanded.extend(std::iter::repeat_n(' ', gap));
        column += gap + text::width(&piece);
        expanded.push_str(&piece);
    }
    expanded
}

/// The rows of `bytes` for `width` columns.
#[must_use]
pub fn rows(bytes: &[u8], width: usize, repertoire: Repertoire) -> Vec<OutputRow> {
    let lines = lines(bytes, repertoire);
    lines.iter().enumerate().flat_map(|(line, text)| broken(line, text, width)).collect()
}

/// The rows that stand `up` rows above the end and, from there up, as many as `height`: what is on the screen. Where there
/// are fewer rows than `up` and `height` together, the first ones. Spells no more of `bytes` than it needs, so that a long
/// output costs a frame hardly more than a short one.
#[must_use]
pub fn screenful(bytes: &[u8], width: usize, repertoire: Repertoire, up: usize, height: usize) -> Vec<OutputRow> {
    let wanted = up.saturating_add(height);
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut upwards: Vec<OutputRow> = Vec::new();
    let mut number = count(bytes);
    // A carriage return belongs to the end of a line; the last line may have none yet.
    let mut ended = bytes.ends_with(b"\n");
    for line in body.rsplit(|byte| *byte == b'\n').take_while(|_| !bytes.is_empty()) {
        let line = if std::mem::replace(&mut ended, true) { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        number = number.saturating_sub(1);
        upwards.extend(broken(number, &expand(line, repertoire), width).rev());
        if upwards.len() >= wanted {
            break;
        }
    }
    let from = up.min(upwards.len().saturating_sub(height));
    upwards.into_iter().skip(from).take(height).rev().collect()
}

/// The next line that contains `needle`, going round at the end; `from` itself comes last. With no `from`, the last line
/// that contains it: the end of an output is what one reads first. An empty needle is found nowhere.
#[must_use]
pub fn find(lines: &[String], needle: &str, from: Option<usize>, direction: Direction) -> Option<usize> {
    let hit = |line: &usize| lines.get(*line).is_some_and(|text| !matches(text, needle).is_empty());
    let count = lines.len();
    let Some(from) = from.filter(|from| *from < count) else { return (0..count).rev().find(hit) };
    let mut around = (1..=count).map(|step| match direction {
        Direction::Forward => (from + step) % count,
        Direction::Backward => (from + count - step) % count,
    });
    around.find(hit)
}

/// Where `needle` stands in `text`, regardless of the case of ASCII letters; places do not overlap.
#[must_use]
pub fn matches(text: &str, needle: &str) -> Vec<Range<usize>> {
    let (hay, needle) = (text.to_ascii_lowercase(), needle.to_ascii_lowercase());
    if needle.is_empty() {
        return Vec::new();
    }
    // ASCII case does not change lengths, so that positions are those in `text`.
    hay.match_indices(&needle).map(|(at, found)| at..at + found.len()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(bytes: &[u8], width: usize) -> Vec<String> {
        rows(bytes, width, Repertoire::Unicode).into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn tabs_lead_to_the_next_stop() {
        assert_eq!(texts(b"4.0K\t/srv\n12345678\tx\n\ty\n", 40), ["4.0K    /srv", "12345678        x", "        y"]);
        assert_eq!(texts("ü\tz".as_bytes(), 40), ["ü       z"]);
    }

    #[test]
    fn long_lines_go_on_below_and_nothing_is_lost() {
        let found = rows(b"abcdefgh\nij\n", 5, Repertoire::Unicode);
        let seen: Vec<_> = found.iter().map(|row| (row.line, row.part, row.text.as_str())).collect();
        assert_eq!(seen, [(0, Part::Begins, "abcde"), (0, Part::GoesOn, "fgh"), (1, Part::Begins, "ij")]);
    }

    #[test]
    fn a_line_is_broken_between_words_with_room_for_a_sign() {
        assert_eq!(texts(b"one two three four", 8), ["one two ", "three ", "four"]);
        assert_eq!(texts("三三三".as_bytes(), 1), ["三", "三", "三"], "the narrowest there is");
    }

    #[test]
    fn lines_are_counted_as_they_are_shown() {
        for bytes in [&b""[..], b"a", b"a\n", b"a\nb", b"\n\n"] {
            assert_eq!(count(bytes), lines(bytes, Repertoire::Unicode).len(), "{bytes:?}");
        }
    }

    #[test]
    fn a_carriage_return_before_an_end_that_has_not_come_is_shown() {
        let shown = screenful(b"a\r\nb\r", 40, Repertoire::Unicode, 0, 5);
        assert_eq!(shown.into_iter().map(|row| row.text).collect::<Vec<_>>(), texts(b"a\r\nb\r", 40));
        assert_eq!(texts(b"a\r\nb\r", 40), ["a", r"b\u{d}"]);
    }

    #[test]
    fn what_would_not_be_seen_is_still_spelled() {
        assert_eq!(texts(b"a\x1b[31m\xff\r\n", 80), ["a\\u{1b}[31m\\xff".replace("\\u{1b}", &text::visible("\u{1b}"))]);
    }

    proptest! {
        #[test]
        fn a_screenful_is_a_part_of_all_rows(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(b'\t'), any::<u8>()], 0..120),
            up in 0_usize..40,
            height in 1_usize..12,
        ) {
            let all = rows(&bytes, 7, Repertoire::Unicode);
            let up_at_most = up.min(all.len().saturating_sub(height));
            let end = all.len() - up_at_most;
            let expected = &all[end.saturating_sub(height)..end];
            prop_assert_eq!(screenful(&bytes, 7, Repertoire::Unicode, up, height), expected);
        }
    }

    #[test]
    fn finding_goes_round_and_begins_at_the_end() {
        let lines = lines(b"error one\nfine\nERROR two\nfine\n", Repertoire::Unicode);
        assert_eq!(find(&lines, "error", None, Direction::Forward), Some(2));
        assert_eq!(find(&lines, "error", Some(2), Direction::Forward), Some(0));
        assert_eq!(find(&lines, "error", Some(2), Direction::Backward), Some(0));
        assert_eq!(find(&lines, "two", Some(2), Direction::Forward), Some(2));
        assert_eq!(find(&lines, "", None, Direction::Forward), None);
        assert_eq!(find(&lines, "nothing", Some(1), Direction::Backward), None);
    }

    #[test]
    fn places_are_those_of_the_text() {
        assert_eq!(matches("Über Error error", "ERROR"), [6..11, 12..17]);
    }
}

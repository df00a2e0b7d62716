//! The output of an attempt as rows of a given width; shared by drawing, scrolling and finding.
//!
//! Owns: tab stops, wrapping and finding. Does not: colour rows or know which part of them is on the screen.
//!
//! Nothing of a line is cut off: what does not fit goes on in the next row. A tab leads to the next multiple of eight
//! columns, as it would on a terminal; everything else that would not be seen is spelled out.

use std::ops::Range;

use crate::domain::sop::tree::Direction;
use crate::domain::text::{self, Repertoire};
use crate::tui::wrap::{Break, wrap};

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// A row of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRow {
    /// Which line of the output it belongs to, from 0.
    pub line: usize,
    /// Escaped text.
    pub text: String,
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
    let rows = lines.iter().enumerate().flat_map(|(line, text)| {
        wrap(text, width.max(2), Break::Anywhere).into_iter().map(move |text| OutputRow { line, text })
    });
    rows.collect()
}

/// The rows that stand `up` rows above the end and, from there up, as many as `height`: what is on the screen. Where there
/// are fewer rows than `up` and `height` together, the first ones. Looks at no more of `bytes` than it needs, so that a
/// long output costs a frame no more than a short one.
#[must_use]
pub fn screenful(bytes: &[u8], width: usize, repertoire: Repertoire, up: usize, height: usize) -> Vec<String> {
    let wanted = up.saturating_add(height);
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut upwards: Vec<String> = Vec::new();
    // A carriage return belongs to the end of a line; the last line may have none yet.
    let mut ended = bytes.ends_with(b"\n");
    for line in body.rsplit(|byte| *byte == b'\n').take_while(|_| !bytes.is_empty()) {
        let line = if std::mem::replace(&mut ended, true) { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        upwards.extend(wrap(&expand(line, repertoire), width.max(2), Break::Anywhere).into_iter().rev());
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
        let seen: Vec<_> = found.iter().map(|row| (row.line, row.text.as_str())).collect();
        assert_eq!(seen, [(0, "abcde"), (0, "fgh"), (1, "ij")]);
    }

    #[test]
    fn a_carriage_return_before_an_end_that_has_not_come_is_shown() {
        assert_eq!(screenful(b"a\r\nb\r", 40, Repertoire::Unicode, 0, 5), texts(b"a\r\nb\r", 40));
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
            let all = texts(&bytes, 7);
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

//! The part of a text that shows why it was found.
//!
//! Owns: which part, and where the hits are in it. Does not: escape: the text is as foreign as it was.

use std::ops::Range;

use serde::Serialize;

use super::query::Query;

/// Bytes of a snippet at most.
const LENGTH: usize = 160;

/// Bytes of text before the first hit at most.
const LEAD: usize = 40;

/// A part of a text. Foreign text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// On one line: breaks and tabs have become spaces.
    pub text: String,
    /// The hits in it: ranges of bytes, in order.
    pub marks: Vec<Range<usize>>,
    /// Whether something stands before it in the whole text.
    pub cut_before: bool,
    /// Whether something stands after it.
    pub cut_after: bool,
}

impl Snippet {
    /// Its text with `open` before each hit and `close` behind it, and `…` where it was cut.
    #[must_use]
    pub fn marked(&self, open: &str, close: &str) -> String {
        let mut out = String::from(if self.cut_before { "…" } else { "" });
        for (piece, is_hit) in self.pieces() {
            match is_hit {
                Part::Hit => out.extend([open, piece, close]),
                Part::Rest => out.push_str(piece),
            }
        }
        out.push_str(if self.cut_after { "…" } else { "" });
        out
    }

    /// Its text in pieces, hits and what is between them.
    #[must_use]
    pub fn pieces(&self) -> Vec<(&str, Part)> {
        let mut pieces = Vec::new();
        let mut end = 0;
        for mark in &self.marks {
            pieces.push((self.text.get(end..mark.start).unwrap_or_default(), Part::Rest));
            pieces.push((self.text.get(mark.clone()).unwrap_or_default(), Part::Hit));
            end = mark.end;
        }
        pieces.push((self.text.get(end..).unwrap_or_default(), Part::Rest));
        pieces.retain(|(piece, _)| !piece.is_empty());
        pieces
    }
}

/// What a piece of a snippet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A hit.
    Hit,
    /// What stands around it.
    Rest,
}

/// The part of `text` with the most hits; its beginning when there are none.
#[must_use]
pub fn snippet(query: &Query, text: &str) -> Snippet {
    let marks = query.marks(text);
    let (start, end) = window(text, &marks);
    let within = marks.iter().filter(|mark| mark.start >= start && mark.end <= end);
    // Each of these characters has one byte, as the space has, so that positions stay.
    let shown = text[start..end].replace(['\n', '\r', '\t'], " ");
    Snippet {
        text: shown,
        marks: within.map(|mark| mark.start - start..mark.end - start).collect(),
        cut_before: !text[..start].trim().is_empty(),
        cut_after: !text[end..].trim().is_empty(),
    }
}

/// Where the snippet begins and ends.
fn window(text: &str, marks: &[Range<usize>]) -> (usize, usize) {
    let hits_from = |first: usize| {
        let reach = marks[first].start + (LENGTH - LEAD);
        marks[first..].iter().take_while(|mark| mark.end <= reach).count()
    };
    // The first of those with the most hits.
    let best = (0..marks.len()).rev().max_by_key(|first| hits_from(*first));
    let from = best.map_or(0, |best| marks[best].start);
    let earliest = text.ceil_char_boundary(from.saturating_sub(LEAD));
    let start = if from <= LEAD || text.trim_end().len() <= LENGTH {
        0
    } else {
        // At the beginning of a word, when there is one.
        text[earliest..from].find(char::is_whitespace).map_or(earliest, |space| earliest + space)
    };
    let start = start + (text[start..].len() - text[start..].trim_start().len());
    let start = if from < start { from } else { start };
    let latest = text.floor_char_boundary((start + LENGTH).min(text.len()));
    // The hit itself is never cut, however long it is.
    let hit_end = best.map_or(0, |best| marks[best].end);
    let end = latest.max(hit_end);
    (start, start + text[start..end].trim_end().len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_whole() {
        let found = snippet(&Query::parse("full"), "  Disk\nis full.\n");
        assert_eq!(found.text, "Disk is full.");
        assert_eq!(found.marked("[", "]"), "Disk is [full].");
    }

    #[test]
    fn of_a_long_text_the_part_with_the_most_hits_is_shown() {
        let far = "x ".repeat(300);
        let text = format!("disk {far} a disk that is full {far}");
        let found = snippet(&Query::parse("disk full"), &text);
        assert!(found.cut_before && found.cut_after);
        assert!(found.marked("[", "]").contains("a [disk] that is [full] x"), "{found:?}");
        assert!(found.text.len() <= LENGTH);
    }

    #[test]
    fn without_a_hit_the_beginning_is_shown() {
        let found = snippet(&Query::parse("nowhere"), &"word ".repeat(100));
        assert!(found.text.starts_with("word word") && found.marks.is_empty() && found.cut_after && !found.cut_before);
        assert_eq!(snippet(&Query::default(), ""), Snippet::default());
    }

    proptest! {
        #[test]
        fn any_text_has_a_snippet(query in ".{0,8}", text in any::<String>(), times in 1_usize..20) {
            let text = text.repeat(times);
            let query = Query::parse(&query);
            let found = snippet(&query, &text);
            let pieces: String = found.pieces().into_iter().map(|(piece, _)| piece).collect();
            prop_assert_eq!(&pieces, &found.text);
            prop_assert_eq!(found.marks.is_empty(), query.marks(&text).is_empty());
        }
    }
}

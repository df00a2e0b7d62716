//! Finding in a conversation as it is shown.
//!
//! Owns: where a text stands in the lines of a transcript. Invariant: where a line was broken only because the pane is
//! narrow makes no difference; where the text itself begins a new line, nothing is found across. Does not: scroll.

use std::ops::Range;

use super::text::{Line, Start};
use super::transcript::{Entry, Key, Transcript};
use crate::tui::output_lines;

/// The line where a text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// In which entry.
    pub key: Key,
    /// Which line of it, from 0.
    pub line: usize,
}

/// A part of a line that matches: number of the line within its entry, and which bytes of [`Line::plain`].
type Mark = (usize, Range<usize>);

/// The lines of an entry as one text.
struct Joined {
    text: String,
    /// Of each line: where it begins in the text, where it ends, and how many of its bytes stand before that.
    pieces: Vec<(Range<usize>, usize)>,
}

impl Joined {
    fn new<'a>(lines: impl Iterator<Item = &'a Line>) -> Self {
        let mut joined = Self { text: String::new(), pieces: Vec::new() };
        for line in lines {
            let plain = line.plain();
            let (gap, before) = match line.start {
                Start::Own => ("\n", 0),
                Start::AfterSpace { prefix } => (" ", prefix),
                Start::Within { prefix } => ("", prefix),
            };
            joined.text.push_str(gap);
            let begin = joined.text.len();
            joined.text.push_str(plain.get(before..).unwrap_or_default());
            joined.pieces.push((begin..joined.text.len(), before));
        }
        joined
    }

    /// The parts of lines that one match covers, first to last.
    fn marks(&self, found: &Range<usize>) -> Vec<Mark> {
        let first = self.pieces.partition_point(|(piece, _)| piece.end <= found.start);
        let pieces = self.pieces.iter().enumerate().skip(first);
        let covered = pieces.take_while(|(_, (piece, _))| piece.start < found.end);
        let mark = |(line, (piece, before)): (usize, &(Range<usize>, usize))| {
            let (from, to) = (found.start.max(piece.start), found.end.min(piece.end));
            (line, before + from - piece.start..before + to - piece.start)
        };
        covered.map(mark).filter(|(_, bytes)| !bytes.is_empty()).collect()
    }
}

/// Every match in an entry, as the parts of lines that it covers.
fn matches(entry: &Entry, needle: &str) -> Vec<Vec<Mark>> {
    if needle.is_empty() {
        return Vec::new();
    }
    let joined = Joined::new(entry.lines(0));
    output_lines::matches(&joined.text, needle).iter().map(|found| joined.marks(found)).collect()
}

impl Transcript {
    /// The lines on which `needle` begins, top to bottom, each once, with their numbers in the transcript. ASCII case does
    /// not count; an empty needle is found nowhere.
    #[must_use]
    pub fn find(&self, needle: &str) -> Vec<(usize, Found)> {
        let mut lines: Vec<(usize, Found)> = Vec::new();
        let mut before = 0;
        for entry in self.entries() {
            for line in matches(entry, needle).iter().filter_map(|marks| Some(marks.first()?.0)) {
                lines.push((before + line, Found { key: entry.key, line }));
            }
            before += entry.len();
        }
        lines.dedup();
        lines
    }

    /// What matches `needle` on the `rows` lines from number `top` on: numbers of lines, and which bytes of [`Line::plain`],
    /// in this order. Looks at no entries but those that have such a line.
    #[must_use]
    pub fn marks(&self, needle: &str, top: usize, rows: usize) -> Vec<(usize, Range<usize>)> {
        let shown = top..top.saturating_add(rows);
        let mut marks = Vec::new();
        let mut before = 0;
        for entry in self.entries() {
            let here = before..before + entry.len();
            if here.start < shown.end && here.end > shown.start {
                let parts = matches(entry, needle).into_iter().flatten();
                let numbered = parts.map(|(line, bytes)| (here.start + line, bytes));
                marks.extend(numbered.filter(|(line, _)| shown.contains(line)));
            }
            before = here.end;
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::chat::text::{Breaks, Role, Span, flow};

    fn lines(text: &str, width: usize, rest: &str, breaks: Breaks) -> Vec<Line> {
        flow(&[Span::new(text, Role::Text)], width, &[], &[Span::new(rest, Role::Muted)], breaks)
    }

    fn found(lines: &[Line], needle: &str) -> Vec<Vec<(usize, String)>> {
        let joined = Joined::new(lines.iter());
        let shown = |(line, bytes): Mark| (line, lines[line].plain()[bytes].to_owned());
        let places = output_lines::matches(&joined.text, needle);
        places.iter().map(|place| joined.marks(place).into_iter().map(shown).collect()).collect()
    }

    #[test]
    fn a_break_that_the_width_made_is_looked_through() {
        let prose = lines("the disk is full again", 9, "  ", Breaks::AtSpaces);
        assert_eq!(prose.iter().map(Line::plain).collect::<Vec<_>>(), ["the disk", "  is full", "  again"]);
        assert_eq!(found(&prose, "DISK is"), [[(0, "disk".to_owned()), (1, "is".to_owned())]]);
        assert_eq!(found(&prose, "full"), [[(1, "full".to_owned())]]);
        let code = lines("kubectl rollout", 10, "| ", Breaks::Anywhere);
        assert_eq!(found(&code, "rollout"), [[(0, "ro".to_owned()), (1, "llout".to_owned())]]);
    }

    #[test]
    fn lines_of_the_text_itself_stay_apart() {
        let two = [lines("df -h", 20, "", Breaks::Anywhere), lines("du -s", 20, "", Breaks::Anywhere)].concat();
        assert_eq!(found(&two, "hdu"), Vec::<Vec<(usize, String)>>::new());
        assert_eq!(found(&two, "h du"), Vec::<Vec<(usize, String)>>::new());
        assert_eq!(found(&two, "d").len(), 2);
    }
}

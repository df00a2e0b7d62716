//! Styled lines of the chat, and breaking styled text into lines of a width.
//!
//! Owns: [`Span`], [`Line`] and the roles that a theme gives a look. Invariant: the text of a span has been spelled by
//! `domain::text` already, so that nothing of it can reach the terminal unseen. Does not: know Markdown or colours.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::chat::statements::BlockStart;
use crate::domain::text::{self, Repertoire};

/// What a piece of text is; the theme decides how it looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Prose.
    #[default]
    Text,
    /// Signs, explanations, what matters less.
    Muted,
    /// A heading.
    Heading,
    /// Code in prose, and code that has no colours (yet).
    Code,
    /// Coloured code.
    Coloured(CodeKind),
    /// The words of a link.
    Link,
    /// Where a link leads.
    Url,
    /// A citation of an SOP that the answer was given.
    Citation,
    /// A citation of something that the answer was not given.
    Unsupported,
    /// What the person has to know about the answer.
    Warning,
    /// That there is no answer.
    Bad,
    /// Who said it.
    Author,
}

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// A comment.
    Comment,
    /// A string.
    String,
    /// A keyword, or an operator that works like one.
    Keyword,
    /// A number or another constant.
    Number,
    /// A function or command.
    Function,
    /// A variable, key or parameter.
    Variable,
    /// Nothing in particular.
    Plain,
}

/// How a piece of prose is stressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stress {
    /// Not at all.
    #[default]
    None,
    /// `*so*`.
    Emphasis,
    /// `**so**`.
    Strong,
    /// `***so***`.
    Both,
}

/// A run of text of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Spelled text.
    pub text: String,
    /// What it is.
    pub role: Role,
    /// How it is stressed.
    pub stress: Stress,
    /// Number of the citation that it is part of, within its message.
    pub citation: Option<usize>,
}

impl Span {
    /// A span of text that has been spelled already.
    pub(super) fn new(text: impl Into<String>, role: Role) -> Self {
        Self { text: text.into(), role, ..Self::default() }
    }
}

/// One line of the chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its spans.
    pub spans: Vec<Span>,
    /// Number of the code block that it is part of, within its message.
    pub block: Option<usize>,
    /// Whether its text begins here, or goes on from the line above.
    pub start: Start,
    /// Of the first line of a paragraph, list item or table: where that begins in the message (see `domain::chat::statements`).
    pub at: Option<BlockStart>,
}

/// How a line begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The text begins here.
    #[default]
    Own,
    /// It goes on behind a space that was dropped; `prefix` bytes of the line stand before it.
    AfterSpace {
        /// Bytes that stand before the text.
        prefix: usize,
    },
    /// It goes on where the line above was full; `prefix` bytes of the line stand before it.
    Within {
        /// Bytes that stand before the text.
        prefix: usize,
    },
}

impl Line {
    /// The line as plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Columns that it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        width(&self.spans)
    }
}

/// What text is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Columns of a line.
    pub width: usize,
    /// Characters that the terminal can show.
    pub repertoire: Repertoire,
}

/// Where lines may be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaks {
    /// At spaces where there are any; spaces at a break are dropped.
    AtSpaces,
    /// Anywhere between two characters; nothing is dropped.
    Anywhere,
    /// After spaces where there are any; they may stand beyond the end of the line, and nothing is dropped.
    AfterSpaces,
}

/// Columns of `spans`.
pub(super) fn width(spans: &[Span]) -> usize {
    spans.iter().map(|span| text::width(&span.text)).sum()
}

/// The parts of `whole` that stand on one line each, the first at most `first` columns wide, the others `rest`.
pub(super) fn broken(whole: &str, first: usize, rest: usize, breaks: Breaks) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    loop {
        let room = if ranges.is_empty() { first } else { rest }.max(1);
        let left = &whole[at..];
        let (mut head, mut tail) = text::split_at_width(left, room);
        if head.is_empty() && !left.is_empty() {
            // A glyph wider than the line: it is cut by the screen, but there has to be an end.
            let next = left.grapheme_indices(true).nth(1).map_or(left.len(), |(next, _)| next);
            (head, tail) = left.split_at(next);
        }
        if tail.is_empty() {
            ranges.push(at..whole.len());
            return ranges;
        }
        let cut = match breaks {
            Breaks::Anywhere => head.len(),
            Breaks::AtSpaces if tail.starts_with(' ') => head.len(),
            Breaks::AfterSpaces if tail.starts_with(' ') => left.len() - tail.trim_start_matches(' ').len(),
            Breaks::AtSpaces | Breaks::AfterSpaces => {
                head.rfind(' ').filter(|space| *space > 0).map_or(head.len(), |space| space + 1)
            }
        };
        match breaks {
            Breaks::Anywhere | Breaks::AfterSpaces => {
                ranges.push(at..at + cut);
                at += cut;
            }
            Breaks::AtSpaces => {
                let kept = left[..cut].trim_end_matches(' ').len();
                ranges.push(at..at + kept);
                at += cut + (left.len() - cut - left[cut..].trim_start_matches(' ').len());
            }
        }
    }
}

/// Breaks `spans` into lines of `width` columns; `first` stands before the first of them and `rest` before the others.
pub(super) fn flow(spans: &[Span], width: usize, first: &[Span], rest: &[Span], breaks: Breaks) -> Vec<Line> {
    let whole: String = spans.iter().map(|span| span.text.as_str()).collect();
    let room = |prefix: &[Span]| width.saturating_sub(self::width(prefix)).max(1);
    let mut lines = Vec::new();
    let (mut at, mut begun, mut ended) = (0, 0, 0);
    let prefix = rest.iter().map(|span| span.text.len()).sum();
    for range in broken(&whole, room(first), room(rest), breaks) {
        let mut line = if lines.is_empty() { first.to_vec() } else { rest.to_vec() };
        // Spans that end before this line are done with.
        while spans.get(at).is_some_and(|span| begun + span.text.len() <= range.start && range.start < whole.len()) {
            begun += spans[at].text.len();
            at += 1;
        }
        let mut start = begun;
        for span in &spans[at.min(spans.len())..] {
            if start >= range.end {
                break;
            }
            let end = start + span.text.len();
            let (from, to) = (range.start.max(start) - start, range.end.min(end).max(start) - start);
            if from < to {
                // Not a clone of the span: of a long one only this line's part is to be copied.
                let Span { role, stress, citation, .. } = *span;
                line.push(Span { text: span.text[from..to].to_owned(), role, stress, citation });
            }
            start = end;
        }
        let start_of_line = match ended {
            _ if lines.is_empty() => Start::Own,
            ended if ended < range.start => Start::AfterSpace { prefix },
            _ => Start::Within { prefix },
        };
        ended = range.end;
        lines.push(Line { spans: line, start: start_of_line, ..Line::default() });
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::plain).collect()
    }

    #[test]
    fn prose_breaks_at_spaces_and_keeps_its_styles() {
        let spans = [Span::new("one two ", Role::Text), Span::new("three", Role::Code)];
        let lines = flow(&spans, 9, &[Span::new("- ", Role::Muted)], &[Span::new("  ", Role::Text)], Breaks::AtSpaces);
        assert_eq!(plain(&lines), ["- one two", "  three"]);
        assert_eq!(lines[1].spans[1].role, Role::Code);
    }

    #[test]
    fn code_breaks_anywhere_and_drops_nothing() {
        let spans = [Span::new("ab cd", Role::Code), Span::new("   ef", Role::Text)];
        assert_eq!(plain(&flow(&spans, 3, &[], &[], Breaks::Anywhere)), ["ab ", "cd ", "  e", "f"]);
        assert_eq!(plain(&flow(&[], 3, &[], &[], Breaks::AtSpaces)), [""]);
        assert_eq!(plain(&flow(&[Span::new("漢字", Role::Text)], 1, &[], &[], Breaks::Anywhere)), ["漢", "字"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(
            pieces in prop::collection::vec("[ a-c漢]{0,12}", 0..6), width in 2_usize..20, anywhere: bool,
        ) {
            let spans: Vec<Span> = pieces.iter().map(|piece| Span::new(piece.clone(), Role::Text)).collect();
            let breaks = if anywhere { Breaks::Anywhere } else { Breaks::AtSpaces };
            let lines = flow(&spans, width, &[], &[], breaks);
            for line in &lines {
                prop_assert!(line.width() <= width);
            }
            let whole = pieces.concat();
            let shown = plain(&lines).concat();
            match breaks {
                Breaks::Anywhere | Breaks::AfterSpaces => prop_assert_eq!(shown, whole),
                Breaks::AtSpaces => prop_assert_eq!(shown.replace(' ', ""), whole.replace(' ', "")),
            }
        }
    }
}

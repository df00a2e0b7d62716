//! Lines that Markdown has become, with the code blocks and citations in them.
//!
//! Owns: gaps between blocks, code with its bar and colours, and finding citations in prose. Blocks and citations are
//! numbered through the whole message, also when a part of it was laid out before. Does not: parse Markdown.

use std::sync::Arc;

use super::colours::{Colouring, Colours, Language};
use super::text::{Breaks, CodeKind, Line, Paper, Role, Span, flow};
use crate::domain::chat::citation::{self, Cited, Source};
use crate::domain::text;

/// Columns from one tab stop to the next in code.
const TAB: usize = 4;

/// A code block of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeBlock {
    /// In which language it is, as far as it can be coloured.
    pub language: Option<Language>,
    /// Its text. Foreign.
    pub code: Arc<str>,
}

/// What came last, for the gap before what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    /// Nothing.
    #[default]
    Nothing,
    /// Prose.
    Prose,
    /// Code.
    Code,
}

/// Lines, blocks and citations of a part of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendered {
    pub(super) lines: Vec<Line>,
    pub(super) blocks: Vec<CodeBlock>,
    pub(super) citations: Vec<Source>,
    first_block: usize,
    first_citation: usize,
    last: Last,
}

impl Rendered {
    /// Nothing yet of what follows `before`.
    pub(super) fn after(before: &Self) -> Self {
        Self {
            first_block: before.next_block(),
            first_citation: before.first_citation + before.citations.len(),
            last: before.last,
            ..Self::default()
        }
    }

    /// The number of the next code block.
    pub(super) fn next_block(&self) -> usize {
        self.first_block + self.blocks.len()
    }

    /// An empty line between blocks of prose and behind code; `prefix` stands on it.
    pub(super) fn gap(&mut self, prefix: &[Span]) {
        if std::mem::replace(&mut self.last, Last::Prose) != Last::Nothing {
            self.lines.push(Line { spans: prefix.to_vec(), ..Line::default() });
        }
    }

    /// The lines that follow are prose.
    pub(super) fn prose(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
        self.last = Last::Prose;
    }

    /// A block of code begins: parted from other code only, since its bar parts it from prose.
    pub(super) fn code_begins(&mut self, prefix: &[Span]) {
        if self.last == Last::Code {
            self.lines.push(Line { spans: prefix.to_vec(), ..Line::default() });
        }
        self.last = Last::Code;
    }

    /// One line of the code of the next block, with its colours when they are known.
    pub(super) fn code_line(&mut self, code: &str, colours: &[(usize, CodeKind)], prefix: &[Span], paper: Paper) {
        let (bar, on) = match paper.repertoire {
            text::Repertoire::Unicode => ("│ ", "│↪"),
            text::Repertoire::Narrow | text::Repertoire::Ascii => ("| ", "|\\"),
        };
        let first: Vec<Span> = prefix.iter().cloned().chain([Span::new(bar, Role::Muted)]).collect();
        let rest: Vec<Span> = prefix.iter().cloned().chain([Span::new(on, Role::Muted)]).collect();
        let block = self.next_block();
        let spans = coloured(code, colours, paper);
        let lines = flow(&spans, paper.width, &first, &rest, Breaks::Anywhere);
        self.lines.extend(lines.into_iter().map(|line| Line { block: Some(block), ..line }));
        self.last = Last::Code;
    }

    /// All lines of a block, and the block itself.
    pub(super) fn code(&mut self, info: &str, code: &str, prefix: &[Span], paper: Paper, colours: &Colours) {
        let block = CodeBlock { language: Language::of(info), code: code.into() };
        let coloured = block.language.and_then(|language| colours.find(language, code));
        for (number, line) in code.strip_suffix('\n').unwrap_or(code).split('\n').enumerate() {
            let colours = coloured.as_deref().map_or(&[][..], |found| found.line(number));
            self.code_line(line.strip_suffix('\r').unwrap_or(line), colours, prefix, paper);
        }
        self.blocks.push(block);
    }

    /// What stands behind the signs of an opening fence, when it is more than a language that is coloured.
    pub(super) fn info(&mut self, info: &str, prefix: &[Span], paper: Paper) {
        let info = info.trim();
        if info.is_empty() || Language::of(info).is_some_and(|_| !info.contains(char::is_whitespace)) {
            return;
        }
        let block = self.next_block();
        let spans = [Span::new(text::visible_in(info, paper.repertoire), Role::Muted)];
        let lines = flow(&spans, paper.width, prefix, prefix, Breaks::AtSpaces);
        self.lines.extend(lines.into_iter().map(|line| Line { block: Some(block), ..line }));
    }

    /// `words` as spans of `role`, citations marked.
    pub(super) fn words(&mut self, words: &str, span: &Span, paper: Paper) -> Vec<Span> {
        let plain = |words: &str| Span { text: text::visible_in(words, paper.repertoire).into_owned(), ..span.clone() };
        let (mut spans, mut rest) = (Vec::new(), words);
        while let Some(Cited { at, length, source }) = citation::first(rest) {
            let cited = &rest[at..at + length];
            spans.push(plain(&rest[..at]));
            let number = self.first_citation + self.citations.len();
            self.citations.push(source);
            spans.push(Span { role: Role::Citation, citation: Some(number), ..plain(cited) });
            rest = &rest[at + length..];
        }
        spans.push(plain(rest));
        spans.retain(|span| !span.text.is_empty());
        spans
    }
}

/// A line of code as spans: tabs as spaces, everything else spelled. `colours` says what begins at which byte.
fn coloured(code: &str, colours: &[(usize, CodeKind)], paper: Paper) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut column = 0;
    let mut put = |piece: &str, role: Role| {
        for (number, part) in piece.split('\t').enumerate() {
            if number > 0 {
                let gap = TAB - column % TAB;
                spans.push(Span::new(" ".repeat(gap), role));
                column += gap;
            }
            if !part.is_empty() {
                let spelled = text::visible_in(part, paper.repertoire);
                column += text::width(&spelled);
                spans.push(Span::new(spelled, role));
            }
        }
    };
    let (mut at, mut role) = (0, Role::Code);
    for (start, kind) in colours {
        if *start > at && parts_cleanly(code, *start) {
            put(&code[at..*start], role);
            at = *start;
            role = Role::Coloured(*kind);
        } else if *start == at {
            role = Role::Coloured(*kind);
        }
    }
    put(&code[at..], role);
    spans
}

/// Whether `code` is spelled the same when it is spelled in two parts, cut at byte `at`.
fn parts_cleanly(code: &str, at: usize) -> bool {
    let plain = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let bytes = code.as_bytes();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    plain(before) && before != Some(&b'\\') && plain(bytes.get(at))
}

impl Colouring {
    /// What begins at which byte of a line.
    pub(super) fn line(&self, number: usize) -> &[(usize, CodeKind)] {
        self.lines.get(number).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::id::AttemptId;
    use crate::domain::text::Repertoire;

    const PAPER: Paper = Paper { width: 40, repertoire: Repertoire::Unicode };

    #[test]
    fn citations_are_found_in_prose_and_numbered_through() {
        let mut rendered = Rendered::default();
        let plain = Span::new("", Role::Text);
        let spans = rendered.words("[E1] see [sop: x] or [sop:bundled/disk-full.md#m/1-ab] now", &plain, PAPER);
        let more = rendered.words("as [incident] says", &plain, PAPER);
        let cited = |spans: &[Span]| -> Vec<(usize, String)> {
            spans.iter().filter_map(|span| Some((span.citation?, span.text.clone()))).collect()
        };
        let sop = "[sop:bundled/disk-full.md#m/1-ab]".to_owned();
        assert_eq!(cited(&spans), [(0, "[E1]".to_owned()), (1, sop)]);
        assert_eq!(cited(&more), [(2, "[incident]".to_owned())]);
        let node = Source::Sop { sop: "bundled/disk-full.md".into(), node: Some("m/1-ab".into()) };
        assert_eq!(rendered.citations, [Source::Evidence(AttemptId(1)), node, Source::Incident]);
    }

    #[test]
    fn tabs_lead_to_stops() {
        let spans = coloured("a\tb", &[], PAPER);
        assert_eq!(spans.iter().map(|span| span.text.as_str()).collect::<String>(), "a   b");
    }

    proptest! {
        #[test]
        fn colours_do_not_change_the_spelling(
            code in "[a-z\\\\u{}\u{202e}e\u{301} ]{0,20}", cuts in prop::collection::vec(0_usize..40, 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| code.is_char_boundary(*cut)).collect();
            cuts.sort_unstable();
            let colours: Vec<_> = cuts.into_iter().map(|cut| (cut, CodeKind::String)).collect();
            let spans = coloured(&code, &colours, PAPER);
            let shown: String = spans.iter().map(|span| span.text.as_str()).collect();
            prop_assert_eq!(shown, text::visible(&code).into_owned());
        }
    }
}

//! Block structure: headings, paragraphs, code, lists, quotes, tables and HTML, flat and in document order.
//!
//! Owns: the walk over pulldown-cmark's events, and the way from a place in plain text back to the source. Does not: say
//! what a block means. Placeholders such as `<pod>` are text here, although Markdown takes them for HTML.
//!
//! Invariant: a block stands after its parent, and a parent's blocks follow it without a gap (pre-order).

use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::domain::procedure::{NoteLevel, Span};

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is.
    pub(super) kind: BlockKind,
    /// The list, item or quote that it stands in.
    pub(super) parent: Option<usize>,
    /// Its bytes in the document.
    pub(super) span: Span,
    /// Its text, for the kinds that have one.
    pub(super) prose: Prose,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Heading { level: u8 },
    Paragraph,
    Code { language: String, lines: Vec<CodeLine> },
    List { first: Option<u64> },
    Item { number: Option<u64> },
    Quote(NoteLevel),
    Table,
    Html,
    Rule,
}

/// A line of code, without the indentation of the list it stands in and without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CodeLine {
    pub(super) text: String,
    pub(super) span: Span,
}

/// Plain text that knows where each part of it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prose {
    /// The text on one line, Markdown marks removed.
    pub(super) text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    at: usize,
    length: usize,
    source: Span,
    code: bool,
}

impl Prose {
    fn push(&mut self, text: &str, source: Range<usize>, code: bool) {
        if !text.is_empty() {
            self.pieces.push(Piece {
                at: self.text.len(),
                length: text.len(),
                source: Span { start: source.start, end: source.end },
                code,
            });
            self.text.push_str(text);
        }
    }

    /// The bytes of the document that `range` of the text came from; `None` for an empty range.
    pub(super) fn source(&self, range: Range<usize>) -> Option<Span> {
        let first = self.pieces.partition_point(|piece| piece.at + piece.length <= range.start);
        let end = self.pieces.partition_point(|piece| piece.at < range.end);
        let pieces = self.pieces.get(first..end).filter(|pieces| !pieces.is_empty())?;
        let (head, tail) = (pieces.first()?, pieces.last()?);
        // Text that is in the document as it is can be divided; code and entities cannot.
        let exact = |piece: &Piece| piece.length == piece.source.end - piece.source.start;
        let start =
            if exact(head) { head.source.start + range.start.saturating_sub(head.at) } else { head.source.start };
        let past = (tail.at + tail.length).saturating_sub(range.end);
        let end = if exact(tail) { tail.source.end - past } else { tail.source.end };
        Some(Span { start, end: end.max(start) })
    }

    /// The inline code in `range`, with its bytes in the document.
    pub(super) fn code_in(&self, range: Range<usize>) -> impl Iterator<Item = (&str, Span)> {
        self.pieces
            .iter()
            .filter(move |piece| piece.code && piece.at >= range.start && piece.at + piece.length <= range.end)
            .filter_map(|piece| Some((self.text.get(piece.at..piece.at + piece.length)?, piece.source)))
    }

    /// The text with each byte of inline code replaced by U+0001, so that code is never taken for grammar. Same length.
    pub(super) fn masked(&self) -> String {
        let mut masked = String::with_capacity(self.text.len());
        let mut at = 0;
        for piece in self.pieces.iter().filter(|piece| piece.code) {
            masked.push_str(self.text.get(at..piece.at).unwrap_or_default());
            masked.extend(std::iter::repeat_n('\u{1}', piece.length));
            at = piece.at + piece.length;
        }
        masked.push_str(self.text.get(at..).unwrap_or_default());
        masked
    }
}

/// Reads `text[start..end]` and appends its blocks to `blocks`.
pub(super) fn read(text: &str, start: usize, end: usize, blocks: &mut Vec<Block>) {
    let chunk = text.get(start..end).unwrap_or_default();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    let mut reader = Reader { blocks, open: Vec::new(), numbers: Vec::new(), leaf: None };
    for (event, range) in Parser::new_ext(chunk, options).into_offset_iter() {
        reader.event(event, range.start + start..range.end + start);
    }
}

struct Reader<'a> {
    blocks: &'a mut Vec<Block>,
    /// Lists, items and quotes that are open.
    open: Vec<usize>,
    /// The next number of each open list; `None` for bullets.
    numbers: Vec<Option<u64>>,
    /// The block that text goes to.
    leaf: Option<usize>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => self.inline(&code, range, true),
            // A placeholder such as `<pod>` reads like a tag; a comment is for those who edit the document.
            Event::InlineHtml(html) if html.starts_with("<!--") => {}
            Event::InlineHtml(html) if is_known_tag(&html) => self.inline(" ", range, false),
            Event::InlineHtml(html) => self.inline(&html, range, false),
            Event::Html(html) => self.text(&html, range),
            Event::SoftBreak | Event::HardBreak => self.inline(" ", range, false),
            Event::TaskListMarker(done) => self.inline(if done { "[x] " } else { "[ ] " }, range, false),
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.inline(&text, range, false);
            }
            Event::Rule => {
                self.push(BlockKind::Rule, range);
                self.leaf = None;
            }
        }
    }

    fn push(&mut self, kind: BlockKind, range: Range<usize>) -> usize {
        let span = Span { start: range.start, end: range.end };
        self.blocks.push(Block { kind, parent: self.open.last().copied(), span, prose: Prose::default() });
        self.blocks.len() - 1
    }

    fn open_leaf(&mut self, kind: BlockKind, range: Range<usize>) {
        self.leaf = Some(self.push(kind, range));
    }

    fn open_container(&mut self, kind: BlockKind, range: Range<usize>) {
        self.leaf = None;
        let index = self.push(kind, range);
        self.open.push(index);
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.open_leaf(BlockKind::Paragraph, range),
            Tag::Heading { level, .. } => self.open_leaf(BlockKind::Heading { level: level as u8 }, range),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Indented => String::new(),
                    CodeBlockKind::Fenced(info) => language_of(&info),
                };
                self.open_leaf(BlockKind::Code { language, lines: Vec::new() }, range);
            }
            Tag::HtmlBlock => self.open_leaf(BlockKind::Html, range),
            Tag::Table(_) => self.open_leaf(BlockKind::Table, range),
            Tag::List(first) => {
                self.open_container(BlockKind::List { first }, range);
                self.numbers.push(first);
            }
            Tag::Item => {
                let number = self.numbers.last_mut().and_then(|next| {
                    let number = *next;
                    *next = number.map(|number| number.saturating_add(1));
                    number
                });
                self.open_container(BlockKind::Item { number }, range);
            }
            Tag::BlockQuote(kind) => self.open_container(BlockKind::Quote(quote_level(kind)), range),
            // An address in angle brackets is more often a placeholder (`<user@host>`).
            Tag::Link { link_type: LinkType::Email, .. } => self.inline("<", range.start..range.start + 1, false),
            Tag::TableRow => self.inline("\n", range.start..range.start, false),
            Tag::TableHead
            | Tag::TableCell
            | Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::List(_) => {
                self.numbers.pop();
                self.close_container();
            }
            TagEnd::Item | TagEnd::BlockQuote(_) => self.close_container(),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Table => {
                self.leaf = None;
            }
            TagEnd::TableCell => self.inline(" | ", range.end..range.end, false),
            TagEnd::Link if range.end > range.start => self.close_address(range),
            _ => {}
        }
    }

    fn close_container(&mut self) {
        self.leaf = None;
        self.open.pop();
    }

    fn close_address(&mut self, range: Range<usize>) {
        let opened = self
            .leaf
            .and_then(|leaf| self.blocks.get(leaf))
            .and_then(|block| block.prose.pieces.iter().rev().take(2).find(|piece| piece.source.start == range.start))
            .is_some_and(|piece| piece.length == 1 && piece.source.end == range.start + 1);
        if opened {
            self.inline(">", range.end - 1..range.end, false);
        }
    }

    /// Text that may belong to code, to HTML or to a paragraph.
    fn text(&mut self, text: &str, range: Range<usize>) {
        match self.leaf.and_then(|leaf| self.blocks.get_mut(leaf)) {
            Some(Block { kind: BlockKind::Code { lines, .. }, .. }) => push_code(lines, text, range),
            Some(_) | None => self.inline(text, range, false),
        }
    }

    /// Text in a line; the items of a tight list have no paragraph of their own, so one is made.
    fn inline(&mut self, text: &str, range: Range<usize>, code: bool) {
        let leaf = match self.leaf {
            Some(leaf) => leaf,
            None => self.push(BlockKind::Paragraph, range.clone()),
        };
        self.leaf = Some(leaf);
        if let Some(block) = self.blocks.get_mut(leaf) {
            block.span.end = block.span.end.max(range.end);
            block.prose.push(text, range, code);
        }
    }
}

/// Appends `text`, which may hold several lines or a part of one, to `lines`.
fn push_code(lines: &mut Vec<CodeLine>, text: &str, range: Range<usize>) {
    let mut at = range.start;
    for part in text.split_inclusive('\n') {
        let line = part.trim_end_matches(['\n', '\r']);
        let span = Span { start: at.min(range.end), end: (at + line.len()).min(range.end) };
        at += part.len();
        match lines.last_mut() {
            // A line that pulldown gives in two events, for instance around an end of `\r\n`.
            Some(last) if !last.text.ends_with('\n') => {
                last.text.push_str(part);
                last.span.end = span.end;
            }
            Some(_) | None => lines.push(CodeLine { text: part.to_owned(), span }),
        }
    }
}

/// The first word of an info string, in lower case: `Bash {.numberLines}` is `bash`.
fn language_of(info: &str) -> String {
    info.split([' ', ',', '{', '\t']).find(|word| !word.is_empty()).unwrap_or_default().to_ascii_lowercase()
}

const fn quote_level(kind: Option<BlockQuoteKind>) -> NoteLevel {
    match kind {
        Some(BlockQuoteKind::Note | BlockQuoteKind::Tip) => NoteLevel::Hint,
        Some(BlockQuoteKind::Important | BlockQuoteKind::Warning | BlockQuoteKind::Caution) => NoteLevel::Warning,
        None => NoteLevel::Plain,
    }
}

/// Tags that documents use for layout. `<name>` of HTML that could as well be a placeholder is not among them.
const LAYOUT_TAGS: [&str; 30] = [
    "a", "b", "br", "center", "code", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "hr", "i", "img",
    "kbd", "li", "ol", "p", "pre", "span", "strong", "sub", "summary", "sup", "table", "u", "ul",
];

/// Whether `html` is a tag of HTML and not a placeholder.
pub(super) fn is_known_tag(html: &str) -> bool {
    let inner = html.trim_start_matches(['<', '/']);
    let name = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
    LAYOUT_TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn blocks(text: &str) -> Vec<Block> {
        let mut blocks = Vec::new();
        read(text, 0, text.len(), &mut blocks);
        blocks
    }

    fn texts(text: &str) -> Vec<String> {
        blocks(text).into_iter().map(|block| block.prose.text).filter(|text| !text.is_empty()).collect()
    }

    #[rstest]
    #[case::placeholder("Restart <pod> in **<namespace>**.", &["Restart <pod> in <namespace>."])]
    #[case::address("Log in as <user@host>, then go.", &["Log in as <user@host>, then go."])]
    #[case::tight_items("- a\n- b `c`\n", &["a", "b c"])]
    #[case::layout("a<br>b", &["a b"])]
    #[case::wrapped("one\ntwo", &["one two"])]
    #[case::comment("a <!-- x -->b", &["a b"])]
    #[case::table("|a|b|\n|-|-|\n|c|d|\n", &["a | b | \nc | d | "])]
    fn text_is_kept(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn code_lines_know_their_places() {
        let text = "1. a\n\n   ```sh\n   ls\n     id\n   ```\n";
        let all = blocks(text);
        let Some(BlockKind::Code { language, lines }) =
            all.iter().map(|block| &block.kind).find(|kind| matches!(kind, BlockKind::Code { .. }))
        else {
            panic!("no code in {all:?}");
        };
        assert_eq!(language, "sh");
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["ls\n", "  id\n"]);
        assert_eq!(lines.iter().map(|line| &text[line.span.start..line.span.end]).collect::<Vec<_>>(), ["ls", "  id"]);
    }

    #[test]
    fn prose_finds_its_source() {
        let text = "Run **this** `a b` &amp; that.";
        let prose = blocks(text).remove(0).prose;
        assert_eq!(prose.text, "Run this a b & that.");
        let source = |part: &str| {
            let at = prose.text.find(part).unwrap();
            let span = prose.source(at..at + part.len()).unwrap();
            &text[span.start..span.end]
        };
        assert_eq!(source("this"), "this");
        assert_eq!(source("a b"), "`a b`");
        assert_eq!(source("that"), "that");
        assert_eq!(source("&"), "&amp;");
        assert_eq!(prose.masked(), "Run this \u{1}\u{1}\u{1} & that.");
        assert_eq!(prose.code_in(0..prose.text.len()).map(|(code, _)| code).collect::<Vec<_>>(), ["a b"]);
    }

    #[test]
    fn numbers_and_parents() {
        let all = blocks("3. a\n4. b\n   - c\n");
        let numbers: Vec<_> = all
            .iter()
            .filter_map(|block| match block.kind {
                BlockKind::Item { number } => Some(number),
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [Some(3), Some(4), None]);
        for (index, block) in all.iter().enumerate() {
            assert!(block.parent.is_none_or(|parent| parent < index));
        }
    }
}

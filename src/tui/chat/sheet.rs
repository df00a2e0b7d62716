//! One text of a conversation, laid out while it arrives.
//!
//! Owns: the stable region, which is laid out once, and the tail, which is laid out anew with every chunk. Invariant: the
//! lines depend on the text alone, not on the chunks that it came in. Does not: know who said it.

use super::colours::{ColourJob, Colours};
use super::markdown;
use super::rendered::{CodeBlock, Rendered};
use super::scan::{Piece, Rest, Scanner};
use super::text::{Line, Paper};
use crate::domain::chat::citation::Source;

/// A text and its lines.
#[derive(Clone, Debug)]
pub struct Sheet {
    text: String,
    paper: Paper,
    scanner: Scanner,
    stable: Rendered,
    tail: Rendered,
    open: Option<OpenFence>,
    /// Bytes at the end of `text` that were not pushed.
    added: usize,
    extent: Extent,
}

/// Whether more of a text will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// More may come.
    Begun,
    /// That is all.
    Whole,
}

/// A fence that is open.
#[derive(Clone, Debug)]
struct OpenFence {
    info: String,
    /// First line of its code in the stable region.
    line: usize,
    /// First byte of its code.
    start: usize,
    /// The byte behind the last line of code that came.
    end: usize,
}

impl Sheet {
    /// An empty text.
    #[must_use]
    pub fn new(paper: Paper) -> Self {
        Self {
            text: String::new(),
            paper,
            scanner: Scanner::new(),
            stable: Rendered::default(),
            tail: Rendered::default(),
            open: None,
            added: 0,
            extent: Extent::Begun,
        }
    }

    /// A text that has come to its end.
    #[must_use]
    pub fn whole(text: &str, paper: Paper, colours: &Colours) -> Self {
        let mut sheet = Self::new(paper);
        sheet.push(text, colours);
        sheet.finish(colours);
        sheet
    }

    /// More of the text has come.
    pub fn push(&mut self, chunk: &str, colours: &Colours) {
        self.text.push_str(chunk);
        self.advance(colours);
    }

    /// Nothing more will come.
    pub fn finish(&mut self, colours: &Colours) {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
            self.added = 1;
        }
        self.advance(colours);
        if self.scanner.in_code() {
            self.close(colours);
            self.tail = Rendered::after(&self.stable);
        }
        self.extent = Extent::Whole;
    }

    /// The same text for other paper, or with other colours.
    #[must_use]
    pub fn again(&self, paper: Paper, colours: &Colours) -> Self {
        let mut sheet = Self::new(paper);
        sheet.push(self.source().0, colours);
        if self.extent == Extent::Whole {
            sheet.finish(colours);
        }
        sheet
    }

    /// The text that was pushed, and whether it has come to its end.
    pub(super) fn source(&self) -> (&str, Extent) {
        (&self.text[..self.text.len() - self.added], self.extent)
    }

    /// Number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stable.lines.len() + self.tail.lines.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lines that will not change any more.
    #[must_use]
    pub fn stable_lines(&self) -> usize {
        self.stable.lines.len()
    }

    /// The lines from number `from` on.
    pub fn lines(&self, from: usize) -> impl Iterator<Item = &Line> {
        let stable = self.stable.lines.iter().skip(from);
        stable.chain(self.tail.lines.iter().skip(from.saturating_sub(self.stable.lines.len())))
    }

    /// The code block with this number. A block that is still arriving is none yet.
    #[must_use]
    pub fn block(&self, number: usize) -> Option<&CodeBlock> {
        let stable = self.stable.blocks.len();
        self.stable.blocks.get(number).or_else(|| self.tail.blocks.get(number.checked_sub(stable)?))
    }

    /// The citation with this number.
    #[must_use]
    pub fn citation(&self, number: usize) -> Option<&Source> {
        let stable = self.stable.citations.len();
        self.stable.citations.get(number).or_else(|| self.tail.citations.get(number.checked_sub(stable)?))
    }

    /// Whether a block of it is the one of `job`.
    pub(super) fn has(&self, job: &ColourJob) -> bool {
        let mut blocks = self.stable.blocks.iter().chain(&self.tail.blocks);
        blocks.any(|block| block.language == Some(job.language) && block.code == job.code)
    }

    fn advance(&mut self, colours: &Colours) {
        while let Some(piece) = self.scanner.next(&self.text) {
            match piece {
                Piece::Prose(range) => {
                    let base = range.start;
                    markdown::render(&self.text[range], base, &mut self.stable, self.paper, colours);
                }
                Piece::FenceOpens(info) => {
                    self.stable.code_begins(&[]);
                    self.stable.info(&self.text[info.clone()], &[], self.paper);
                    let line = self.stable.lines.len();
                    let text = self.text[info.clone()].trim().to_owned();
                    self.open = Some(OpenFence { info: text, line, start: info.end, end: info.end });
                }
                Piece::Code(range) => {
                    self.stable.code_line(&self.text[range.clone()], &[], &[], self.paper);
                    if let Some(open) = &mut self.open {
                        open.end = range.end;
                    }
                }
                Piece::FenceCloses => self.close(colours),
            }
        }
        self.tail = Rendered::after(&self.stable);
        match self.scanner.rest(&self.text) {
            Rest::Prose(range) => {
                let base = range.start;
                markdown::render(&self.text[range], base, &mut self.tail, self.paper, colours);
            }
            Rest::Code(range) if range.is_empty() => {}
            Rest::Code(range) => self.tail.code_line(&self.text[range], &[], &[], self.paper),
        }
    }

    /// The open block has ended: now that all of it is known, it gets its colours.
    fn close(&mut self, colours: &Colours) {
        let Some(open) = self.open.take() else { return };
        let code = &self.text[open.start..open.end.max(open.start)];
        self.stable.lines.truncate(open.line);
        self.stable.code(&open.info, code, &[], self.paper, colours);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::chat::{blocks, statements};
    use crate::domain::text::{Repertoire, width};
    use crate::tui::chat::colours::{Language, colour};
    use crate::tui::chat::text::Role;

    const PAPER: Paper = Paper { width: 30, repertoire: Repertoire::Unicode };

    fn shown(text: &str) -> Vec<String> {
        let sheet = Sheet::whole(text, PAPER, &Colours::default());
        sheet.lines(0).map(|line| line.plain().trim_end().to_owned()).collect()
    }

    #[test]
    fn what_markdown_looks_like() {
        let text = "# Title\nThe *disk* is **full** of `wal`:\n\n1. one\n   - deep item that goes on and on\n2. two\n\n> said\n> so\n\n---\n<pod> [here](http://x/y)\n";
        let expected = [
            "Title",
            "",
            "The disk is full of wal:",
            "",
            "1. one",
            "   • deep item that goes on",
            "     and on",
            "2. two",
            "",
            "▎ said so",
            "",
            "────────────────────────",
            "",
            "<pod> here (http://x/y)",
        ];
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn code_is_shown_in_full() {
        let text = "Do:\n```sh\ndu -xh /srv | sort -rh | head -20\n\tx\n```\nthen\n\n```weird words\nb\n```";
        let expected =
            ["Do:", "│ du -xh /srv | sort -rh | hea", "│↪d -20", "│     x", "", "then", "weird words", "│ b"];
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn nothing_that_is_written_is_swallowed() {
        let text = "[ref]: http://evil/ \"t\"\n\n<!-- hidden -->\n\n![alt](http://img 'cap')\n\n<a href=x>y</a>\n";
        let shown = shown(text).join("\n");
        for part in ["[ref]: http://evil/", "<!-- hidden -->", "image: alt (http://img", "cap", "<a href=x>y</a>"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn blocks_are_numbered_as_the_engine_numbers_them() {
        let text =
            "1. a\n   ```sh\n   ls\n   ```\n\n```\nb\n```\n\n- ```yaml\n  c: 1\n  ```\n\n> ```\n> d\n> ```\n\nend";
        let sheet = Sheet::whole(text, PAPER, &Colours::default());
        let expected = blocks::fenced(text);
        assert_eq!(expected.len(), 4);
        for (number, block) in expected.iter().enumerate() {
            let found = sheet.block(number).map(|block| block.code.trim_end().to_owned());
            assert_eq!(found.as_deref(), Some(block.text.trim_end()));
        }
        assert_eq!(sheet.block(4), None);
    }

    #[test]
    fn colours_come_when_they_are_known() {
        let text = "```sh\necho 1 # c\n```\n";
        let mut colours = Colours::default();
        let plain = Sheet::whole(text, PAPER, &colours);
        let job = ColourJob { language: Language::Shell, code: plain.block(0).unwrap().code.clone() };
        assert!(plain.has(&job));
        let colouring = colour(&job);
        colours.learn(job, colouring);
        let coloured = plain.again(PAPER, &colours);
        let text = |sheet: &Sheet| sheet.lines(0).map(Line::plain).collect::<Vec<_>>();
        assert_eq!(text(&plain), text(&coloured));
        let roles = |sheet: &Sheet| {
            sheet.lines(0).flat_map(|line| &line.spans).any(|span| matches!(span.role, Role::Coloured(_)))
        };
        assert!(!roles(&plain) && roles(&coloured));
    }

    #[test]
    fn hostile_markdown_is_harmless() {
        let patterns: [(&str, usize); 12] = [
            (">", 40_000),
            ("- ", 40_000),
            ("> - ", 10_000),
            ("[", 40_000),
            ("*a_", 20_000),
            ("`", 40_000),
            ("<a ", 20_000),
            ("|", 40_000),
            ("[a](", 10_000),
            ("\u{202e}", 20_000),
            ("1. ", 20_000),
            ("![", 20_000),
        ];
        for (pattern, count) in patterns {
            for end in ["", "\n", "\nx\n\ny"] {
                let text = format!("{}{end}", pattern.repeat(count));
                let begun = std::time::Instant::now();
                let sheet = Sheet::whole(&text, PAPER, &Colours::default());
                println!("{} bytes of {pattern:?}: {:?}", text.len(), begun.elapsed());
                for line in sheet.lines(0) {
                    assert!(line.width() <= PAPER.width, "{pattern:?}: {:?}", line.plain());
                    assert!(!line.plain().contains(|c: char| c.is_control() || c == '\u{202e}'));
                }
            }
        }
    }

    fn markdown() -> impl Strategy<Value = String> {
        let line = prop::sample::select(vec![
            "",
            "",
            "plain words that go on for a while",
            "# head",
            "```sh",
            "```",
            "~~~",
            "- item",
            "  - inner",
            "1. one",
            "   ```",
            "> quote",
            "| a | b |",
            "|---|---|",
            "| 1 | [sop:x.md#n] |",
            "see [sop:bundled/a.md#s/1-ff] and `x`",
            "[a](http://b)",
            "<b>",
            "***",
            "\u{1b}[2J\u{202e}",
            "    indented",
            "===",
            "x  ",
            "[r]: http://u",
            "\tt",
        ]);
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn chunks_do_not_change_the_lines(text in markdown(), cuts in prop::collection::vec(0_usize..400, 0..12)) {
            let colours = Colours::default();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
            cuts.sort_unstable();
            let mut sheet = Sheet::new(PAPER);
            let mut at = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                let stable: Vec<Line> = sheet.stable.lines.clone();
                let open = sheet.open.is_some();
                sheet.push(&text[at..cut], &colours);
                at = cut;
                // What was laid out before is not laid out again, and what is shown is the text so far.
                prop_assert!(open || sheet.stable.lines.starts_with(&stable));
                let mut so_far = Sheet::new(PAPER);
                so_far.push(&text[..cut], &colours);
                prop_assert!(sheet.lines(0).eq(so_far.lines(0)));
            }
            sheet.finish(&colours);
            let whole = Sheet::whole(&text, PAPER, &colours);
            prop_assert!(sheet.lines(0).eq(whole.lines(0)));
            // Every statement begins with a line that can be marked; raw HTML is read in another way.
            let begins: Vec<usize> = whole.lines(0).filter_map(|line| line.at).collect();
            for statement in statements::check(&text, |_| false).unsupported {
                prop_assert!(begins.contains(&statement) || text.contains('<'), "{statement} is none of {begins:?}");
            }
            for line in whole.lines(0) {
                prop_assert!(line.width() <= PAPER.width, "{:?}", line.plain());
                prop_assert!(line.spans.iter().all(|span| width(&span.text) <= PAPER.width));
            }
        }
    }
}

//! The statements of an answer: which of its paragraphs, list items and tables assert something, and which of these name a
//! source.
//!
//! Owns: cutting Markdown into these blocks, and what counts as their source. Does not: decide what is a claim (see `claim`), or
//! whether a source says what the answer says; that a claim has a source only means that a person can look there.
//!
//! The rule: a statement is a paragraph, a list item (its own words, not those of the list inside of it), or a table, in which
//! at least one sentence is a claim. It has a source when a valid citation stands in it, or in the own words of a list item around
//! it. Headings and code are none. One citation covers its whole block.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset};
use serde::{Deserialize, Serialize};

use super::citation::{self, Source};
use super::claim;

/// What was found out about the sources of an answer; stored with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCheck {
    /// How many statements there are.
    pub statements: usize,
    /// Where those begin that have no source, in bytes of the answer's text, ascending.
    pub unsupported: Vec<usize>,
}

/// Where a block begins, for whoever lays it out: the byte of its first words, not of the marks before them; of a table, its
/// own first byte.
pub type BlockStart = usize;

/// Finds the statements of `markdown`. `is_valid` says whether a source is one that the answer was given.
#[must_use]
pub fn check(markdown: &str, is_valid: impl Fn(&Source) -> bool) -> SourceCheck {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter();
    let mut finder =
        Finder { is_valid, found: SourceCheck::default(), block: None, items: Vec::new(), silent: 0, table: None };
    for (event, range) in TextMergeWithOffset::new(parser) {
        finder.event(&event, range.start);
    }
    finder.close();
    finder.found
}

/// A block whose words are being gathered.
struct Block {
    start: BlockStart,
    words: String,
}

struct Finder<F> {
    is_valid: F,
    found: SourceCheck,
    block: Option<Block>,
    /// For each open list item, whether a valid citation stands in its own words.
    items: Vec<bool>,
    /// Open headings and code blocks: what is in them counts for nothing.
    silent: usize,
    /// Where the open table begins.
    table: Option<BlockStart>,
}

impl<F: Fn(&Source) -> bool> Finder<F> {
    fn event(&mut self, event: &Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => self.words(text, at),
            Event::Code(_) => self.words(claim::CODE, at),
            Event::InlineHtml(_) | Event::Html(_) => self.html(event, at),
            Event::SoftBreak | Event::HardBreak => self.more(" "),
            Event::Rule => self.close(),
            // Not switched on.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, at: usize) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock | Tag::BlockQuote(_) | Tag::List(_) => self.close(),
            Tag::Item => {
                self.close();
                self.items.push(false);
            }
            Tag::Heading { .. } | Tag::CodeBlock(_) => {
                self.close();
                self.silent += 1;
            }
            Tag::Table(_) => {
                self.close();
                self.table = Some(at);
            }
            // What its columns are called is no statement.
            Tag::TableHead => self.silent += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::BlockQuote(_) => self.close(),
            TagEnd::Item => {
                self.close();
                self.items.pop();
            }
            TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::TableHead => self.silent = self.silent.saturating_sub(1),
            TagEnd::TableCell => self.more(" "),
            // Each row is a sentence.
            TagEnd::TableRow => self.more(". "),
            TagEnd::Table => {
                self.close();
                self.table = None;
            }
            _ => {}
        }
    }

    fn words(&mut self, words: &str, at: usize) {
        if self.silent == 0 {
            let start = self.table.unwrap_or(at);
            self.block.get_or_insert_with(|| Block { start, words: String::new() }).words.push_str(words);
        }
    }

    /// More of a block that has begun.
    fn more(&mut self, words: &str) {
        if let Some(block) = &mut self.block {
            block.words.push_str(words);
        }
    }

    /// Words may hide in HTML: what is no tag counts.
    fn html(&mut self, event: &Event<'_>, at: usize) {
        if let Event::Html(html) | Event::InlineHtml(html) = event {
            let outside = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, behind)| behind));
            self.words(&outside.collect::<Vec<_>>().join(" "), at);
        }
    }

    /// The block ends.
    fn close(&mut self) {
        let Some(Block { start, words }) = self.block.take() else { return };
        let (prose, sources) = citation::strip(&words);
        let is_cited = sources.iter().any(&self.is_valid);
        if let Some(item) = self.items.last_mut() {
            *item |= is_cited;
        }
        if !claim::holds_claim(&prose) {
            return;
        }
        self.found.statements += 1;
        if !is_cited && !self.items.contains(&true) {
            self.found.unsupported.push(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// How many statements there are, and the words with which those without a source begin. Only `good.md` and `[E1]` are
    /// valid.
    fn found(markdown: &str) -> (usize, Vec<String>) {
        let valid = |source: &Source| match source {
            Source::Sop { sop, .. } => sop.as_str() == "good.md",
            Source::Evidence(attempt) => attempt.0 == 1,
            Source::Incident => false,
        };
        let check = check(markdown, valid);
        let begins = |at: &usize| markdown[*at..].split([' ', '\n']).next().unwrap_or_default().to_owned();
        (check.statements, check.unsupported.iter().map(begins).collect())
    }

    #[rstest]
    #[case::nothing("", 0, &[])]
    #[case::cited("The disk is full [sop:good.md#n].", 1, &[])]
    #[case::by_evidence("The disk is full [E1].", 1, &[])]
    #[case::behind_the_stop("The disk is full. [sop:good.md]", 1, &[])]
    #[case::not_cited("The disk is full.", 1, &["The"])]
    #[case::false_citation("The disk is full [sop:bad.md].", 1, &["The"])]
    #[case::false_evidence("The disk is full [E2] [incident].", 1, &["The"])]
    #[case::one_of_them_is_good("The disk is full [E2] [E1].", 1, &[])]
    #[case::two_paragraphs("The disk is full [E1].\n\n**Logs** have grown a lot.", 2, &["Logs**"])]
    #[case::soft_break("The disk\nis full.", 1, &["The"])]
    #[case::heading("# The disk is full\n\n## It is full", 0, &[])]
    #[case::code("```sh\nthe disk is full\n```\n\n    the disk is full\n", 0, &[])]
    #[case::no_claim("Is it full?\n\nRun this:\n\n- Look at the disk.", 0, &[])]
    #[case::list("- The disk is full.\n- Logs have grown [E1].\n- Rotated logs", 2, &["The"])]
    #[case::numbers("1. `df` shows 97 %.\n2. Look at it.", 1, &["`df`"])]
    #[case::item_covers_its_inner_list("- The disk is full [E1].\n  - It has 3 GB left.\n- It has no room.", 3, &["It"])]
    #[case::inner_list_does_not_cover_the_item("- The disk is full.\n  - It has 3 GB left [E1].", 2, &["The"])]
    #[case::item_covers_its_paragraphs("- The disk is full [E1].\n\n  It has 3 GB left.\n\nIt has no room.", 3, &["It"])]
    #[case::quote("> The disk is full.", 1, &["The"])]
    #[case::table("| a | b |\n|---|---|\n| /srv | is full |\n", 1, &["|"])]
    #[case::cited_table("| what it is | b |\n|---|---|\n| /srv | is full [E1] |\n", 1, &[])]
    #[case::table_of_names("| what it is | b |\n|---|---|\n| /srv | x |\n", 0, &[])]
    #[case::html("<p>The disk is full</p>\n", 1, &["<p>The"])]
    #[case::comment("<!-- -->\n", 0, &[])]
    #[case::in_code_it_is_no_citation("The disk is full `[E1]`.", 1, &["The"])]
    fn statements_are_found(#[case] markdown: &str, #[case] statements: usize, #[case] unsupported: &[&str]) {
        let (count, begins) = found(markdown);
        assert_eq!((count, begins.iter().map(String::as_str).collect::<Vec<_>>()), (statements, unsupported.to_vec()));
    }

    proptest! {
        #[test]
        fn any_text_has_statements_that_begin_within_it(text in "[a-z .:?*_\\[\\]#|`<>\\-\n]{0,200}") {
            let check = check(&text, |_| false);
            prop_assert_eq!(check.statements, check.unsupported.len());
            prop_assert!(check.unsupported.iter().all(|at| text.is_char_boundary(*at) && *at < text.len()));
            prop_assert!(check.unsupported.is_sorted());
        }
    }
}

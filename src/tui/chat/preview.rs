//! What would leave this machine, to be read before it does.
//!
//! Owns: the body as rows, finding in it, and when it may be sent. Invariants: every byte is shown, spelled by
//! `domain::text`; rows are a matter of the screen only, and a line break of the body is spelled before it breaks the row;
//! a key that was pressed before the page was on the screen sends nothing. Does not: build the body or send it.

use std::ops::Range;
use std::time::Duration;

use super::text::{Breaks, Line, Paper, Role, Span, broken, flow};
use crate::domain::chat::budget::usd;
use crate::domain::sop::tree::Direction;
use crate::domain::text::{visible_bytes_in, visible_in};
use crate::engine::ask::{PreparedId, Preview};
use crate::tui::line_edit::LineEdit;
use crate::tui::output_lines;

/// How long the page has to be on the screen before it can be sent: a second press of the key that asked sends nothing.
pub const READ: Duration = Duration::from_millis(500);

/// The page.
#[derive(Debug)]
pub struct PreviewPage {
    /// To answer it with.
    pub id: PreparedId,
    /// What would be sent.
    pub preview: Preview,
    /// Where it goes and what it may cost.
    pub head: Vec<Line>,
    /// The body, spelled.
    text: String,
    rows: Vec<Range<usize>>,
    paper: Paper,
    /// First visible row of the body.
    pub top: usize,
    /// What is looked for.
    pub find: String,
    /// What is being typed to look for.
    pub editing: Option<LineEdit>,
    found: Option<usize>,
    /// When it was first on the screen.
    pub shown_at: Option<Duration>,
}

impl PreviewPage {
    /// The page of `preview` for `paper`.
    #[must_use]
    pub fn new(id: PreparedId, preview: Preview, paper: Paper) -> Self {
        // A line break is spelled too: what is one byte of the body is told from what is none.
        let lines: Vec<String> = preview
            .body
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| visible_bytes_in(line, paper.repertoire))
            .collect();
        let mut rows = Vec::new();
        let mut at = 0;
        for line in &lines {
            let ranges = broken(line, paper.width, paper.width, Breaks::Anywhere);
            rows.extend(ranges.into_iter().map(|range| at + range.start..at + range.end));
            at += line.len();
        }
        let head = head(&preview, paper);
        let text = lines.concat();
        let (find, editing) = (String::new(), None);
        Self { id, preview, head, text, rows, paper, top: 0, find, editing, found: None, shown_at: None }
    }

    /// The same page for other paper.
    pub fn refresh(&mut self, paper: Paper) {
        if self.paper != paper {
            let fresh = Self::new(self.id, self.preview.clone(), paper);
            let kept = self.rows.get(self.top).map_or(0, |row| row.start);
            self.top = fresh.row_of(kept);
            (self.head, self.text, self.rows, self.paper) = (fresh.head, fresh.text, fresh.rows, fresh.paper);
            self.found = None;
        }
    }

    /// Number of rows of the body.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the body is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row with this number, with the places in it that match what is looked for.
    #[must_use]
    pub fn row(&self, number: usize) -> Option<(&str, Vec<Range<usize>>)> {
        let row = self.rows.get(number)?.clone();
        // A match may begin in the row before and end in the one behind.
        let slack = self.find.len();
        let from = self.text.floor_char_boundary(row.start.saturating_sub(slack));
        let to = self.text.ceil_char_boundary((row.end + slack).min(self.text.len()));
        let matches = output_lines::matches(&self.text[from..to], &self.find);
        let matches = matches.into_iter().map(|found| found.start + from..found.end + from);
        let inside = matches.filter(|found| found.start < row.end && found.end > row.start);
        let places = inside.map(|found| found.start.max(row.start) - row.start..found.end.min(row.end) - row.start);
        Some((&self.text[row.clone()], places.collect()))
    }

    /// Goes to the next place that matches, going round; returns whether there is one.
    pub fn look(&mut self, direction: Direction, height: usize) -> bool {
        let places = output_lines::matches(&self.text, &self.find);
        let here = self.found.unwrap_or_else(|| self.rows.get(self.top).map_or(0, |row| row.start));
        let first_time = self.found.is_none();
        let next = match direction {
            Direction::Forward => {
                places.iter().find(|place| place.start > here || (first_time && place.start == here)).or(places.first())
            }
            Direction::Backward => places.iter().rev().find(|place| place.start < here).or(places.last()),
        };
        let Some(place) = next else { return false };
        self.found = Some(place.start);
        self.top = self.row_of(place.start).saturating_sub(height / 2);
        true
    }

    /// Looks for something else from now on.
    pub fn look_for(&mut self, words: &str) {
        // The body is searched as it is shown.
        self.find = visible_in(words, self.paper.repertoire).into_owned();
        self.found = None;
    }

    fn row_of(&self, at: usize) -> usize {
        self.rows.partition_point(|row| row.end <= at).min(self.rows.len().saturating_sub(1))
    }
}

fn head(preview: &Preview, paper: Paper) -> Vec<Line> {
    let replaced = if preview.replaced.is_empty() {
        "nothing had to be".to_owned()
    } else {
        let each: Vec<String> = preview.replaced.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        each.join(", ")
    };
    let cost = format!(
        "at most {} tokens, at most {}; {} is left for today",
        preview.prompt_tokens,
        usd(preview.cost_micro_usd),
        usd(preview.left_today_micro_usd)
    );
    let fields = [
        ("To", preview.destination.clone()),
        ("Model", preview.model.clone()),
        ("Replaced", replaced),
        ("Cost", cost),
        ("Bytes", format!("{}, exactly these:", preview.body.len())),
    ];
    let mut lines = Vec::new();
    for (name, value) in fields {
        let first = [Span::new(format!("{name:<FIELD$}"), Role::Muted)];
        let rest = [Span::new(" ".repeat(FIELD), Role::Muted)];
        let value = Span::new(visible_in(&value, paper.repertoire), Role::Text);
        lines.extend(flow(&[value], paper.width, &first, &rest, Breaks::AtSpaces));
    }
    lines
}

/// Columns of the names of fields.
const FIELD: usize = 10;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::domain::text::Repertoire;

    fn page(body: &[u8], width: usize) -> PreviewPage {
        let preview = Preview {
            model: "m".to_owned(),
            destination: "https://x/y".to_owned(),
            body: Arc::from(body),
            replaced: BTreeMap::from([("host name".to_owned(), 2)]),
            prompt_tokens: 1_200,
            cost_micro_usd: 1_234,
            left_today_micro_usd: 4_990_000,
            first_ever: true,
        };
        PreviewPage::new(PreparedId(1), preview, Paper { width, repertoire: Repertoire::Unicode })
    }

    fn rows(page: &PreviewPage) -> Vec<String> {
        (0..page.len()).filter_map(|row| page.row(row)).map(|(row, _)| row.to_owned()).collect()
    }

    #[test]
    fn every_byte_is_shown() {
        let body = page(b"{\"a\":\n\"\xff\xe2\x80\xae\"}", 8);
        assert_eq!(rows(&body), ["{\"a\":\\u{", "a}", "\"\\xff\\u{", "202e}\"}"]);
        let page = page(b"x", 60);
        let head: Vec<String> = page.head.iter().map(Line::plain).collect();
        let head = head.join("\n");
        for part in ["https://x/y", "2 host name", "at most 1200 tokens, at most US$0.0013", "1, exactly these"] {
            assert!(head.contains(part), "{part} in {head}");
        }
    }

    #[test]
    fn finding_looks_across_the_ends_of_rows() {
        let mut page = page(b"aaaa needle bbbb Needle", 8);
        page.look_for("needle");
        assert!(page.look(Direction::Forward, 1) && page.top == 0);
        assert_eq!(page.row(0).unwrap().1.first(), Some(&(5..8)));
        assert_eq!(page.row(1).unwrap().1.first(), Some(&(0..3)));
        assert!(page.look(Direction::Forward, 1) && page.top == 2);
        assert!(page.look(Direction::Forward, 1) && page.top == 0, "it goes round");
        assert!(page.look(Direction::Backward, 1) && page.top == 2);
        page.look_for("nothing");
        assert!(!page.look(Direction::Forward, 1));
    }

    #[test]
    fn a_megabyte_is_laid_out_too() {
        let page = page(&vec![b'x'; 1 << 20], 80);
        assert_eq!(page.len(), (1 << 20) / 80 + 1);
    }
}

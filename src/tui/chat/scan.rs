//! Cutting Markdown that is still arriving into blocks that will not change any more.
//!
//! Owns: where one block ends and the next begins. Invariants: every decision depends only on text that has arrived, so
//! that any way of cutting a text into chunks gives the same blocks; no block is longer than [`LIMIT`] bytes, so that a
//! parser's worst case is bounded; the scan is linear.
//!
//! A block ends at a blank line before text that is not indented, at a heading, at a fence, or where it grows too long.
//! Does not: parse what is in a block (see `markdown`).

use std::ops::Range;

/// Bytes of a block at most. An honest paragraph, list or table is far shorter; a longer one is parsed in parts.
pub(super) const LIMIT: usize = 8 * 1024;

/// A part of the text that will not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Markdown without a fence at its left edge.
    Prose(Range<usize>),
    /// A fence opens; the range is what stands behind its signs.
    FenceOpens(Range<usize>),
    /// A line of code, or a part of one that is very long.
    Code(Range<usize>),
    /// The fence closes.
    FenceCloses,
}

/// What has arrived and may still change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The beginning of a block of prose.
    Prose(Range<usize>),
    /// The beginning of a line of code.
    Code(Range<usize>),
}

/// A fence: its sign and how often it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fence {
    sign: u8,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Prose(Prose),
    Code(Code),
}

/// A block of prose so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Prose {
    /// A blank line was seen since it began.
    blank: bool,
    /// A fence inside of a list is open.
    inner: Option<Fence>,
}

/// A block of code so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code {
    fence: Fence,
    /// What comes is the rest of a line of which a part was handed out already: it cannot close the fence.
    mid_line: bool,
}

/// A line that has arrived, as far as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrived {
    /// The byte behind it.
    end: usize,
    /// Its line break has come.
    whole: bool,
}

const PROSE: State = State::Prose(Prose { blank: false, inner: None });

/// The place that a scan has reached.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    /// Where the block begins that is not handed out yet.
    start: usize,
    /// The line that was not looked at yet.
    line: usize,
    state: State,
}

impl Scanner {
    pub(super) const fn new() -> Self {
        Self { start: 0, line: 0, state: PROSE }
    }

    /// The next piece of `text`, which begins with everything that was seen before.
    pub(super) fn next(&mut self, text: &str) -> Option<Piece> {
        loop {
            let found = text[self.line..].find('\n');
            let end = found.map_or(text.len(), |at| self.line + at + 1);
            let line = Arrived { end, whole: found.is_some() };
            let step = match self.state {
                State::Code(code) => self.code(text, line, code),
                State::Prose(prose) => self.prose(text, line, prose),
            };
            match step {
                Step::Found(piece) => return Some(piece),
                Step::Wait => return None,
                Step::Next => {}
            }
        }
    }

    /// What has arrived and was not handed out.
    pub(super) fn rest(&self, text: &str) -> Rest {
        match self.state {
            State::Prose(_) => Rest::Prose(self.start..text.len()),
            State::Code(Code { fence, mid_line }) => {
                let line = &text[self.line..];
                // What may become the closing fence is not shown as code for a moment.
                let signs = line.trim_matches(' ');
                let closing = !mid_line && !signs.is_empty() && signs.bytes().all(|byte| byte == fence.sign);
                Rest::Code(if closing { text.len() } else { self.line }..text.len())
            }
        }
    }

    /// Whether a fence is open.
    pub(super) const fn in_code(&self) -> bool {
        matches!(self.state, State::Code(_))
    }

    fn code(&mut self, text: &str, arrived: Arrived, code: Code) -> Step {
        let (Arrived { end, whole }, Code { fence, mid_line }) = (arrived, code);
        if end - self.line > LIMIT {
            let cut = text.floor_char_boundary(self.line + LIMIT);
            let piece = Piece::Code(self.line..cut);
            self.line = cut;
            self.state = State::Code(Code { fence, mid_line: true });
            return Step::Found(piece);
        }
        if !whole {
            return Step::Wait;
        }
        let line = self.line..end;
        (self.line, self.start) = (end, end);
        if !mid_line && closes(&text[line.clone()], fence) {
            self.state = PROSE;
            return Step::Found(Piece::FenceCloses);
        }
        self.state = State::Code(Code { fence, mid_line: false });
        let shown = &text[line.clone()];
        let shown = shown.strip_suffix("\r\n").or_else(|| shown.strip_suffix('\n')).unwrap_or(shown);
        Step::Found(Piece::Code(line.start..line.start + shown.len()))
    }

    fn prose(&mut self, text: &str, arrived: Arrived, prose: Prose) -> Step {
        let (Arrived { end, whole }, Prose { blank, inner }) = (arrived, prose);
        if end - self.start > LIMIT {
            let cut = if self.start < self.line { self.line } else { text.floor_char_boundary(self.start + LIMIT) };
            return self.hand_out(cut);
        }
        if !whole {
            return Step::Wait;
        }
        let line = &text[self.line..end];
        let mut state = State::Prose(Prose { blank, inner });
        if let Some(fence) = inner {
            if closes(line, fence) {
                state = State::Prose(Prose { blank, inner: None });
            }
        } else if line.trim().is_empty() {
            state = State::Prose(Prose { blank: true, inner });
        } else {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            let first = self.start == self.line;
            if let Some(fence) = opens(line).filter(|_| indent == 0 || (first && indent <= 3)) {
                if !first {
                    return self.hand_out(self.line);
                }
                let info = line.trim_start_matches(' ').len() - fence.length;
                let info = end - info..end;
                (self.start, self.line) = (end, end);
                self.state = State::Code(Code { fence, mid_line: false });
                return Step::Found(Piece::FenceOpens(info));
            }
            let heading = line.starts_with('#');
            if indent == 0 && !first && (blank || heading) {
                return self.hand_out(self.line);
            }
            if indent == 0 && heading {
                return self.hand_out(end);
            }
            state = State::Prose(Prose { blank, inner: opens(behind_marker(line)) });
        }
        self.state = state;
        self.line = end;
        Step::Next
    }

    /// Ends the block at `end`.
    fn hand_out(&mut self, end: usize) -> Step {
        let piece = Piece::Prose(self.start..end);
        (self.start, self.line, self.state) = (end, end, PROSE);
        Step::Found(piece)
    }
}

enum Step {
    Found(Piece),
    /// More text is needed.
    Wait,
    /// Look at the next line.
    Next,
}

/// The fence that `line` opens, at any indentation.
fn opens(line: &str) -> Option<Fence> {
    let line = line.trim_start_matches([' ', '\t']);
    let sign = *line.as_bytes().first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let length = line.bytes().take_while(|byte| *byte == sign).count();
    // Behind backticks there are none, or it would be code in a line.
    (length >= 3 && !(sign == b'`' && line[length..].contains('`'))).then_some(Fence { sign, length })
}

fn closes(line: &str, fence: Fence) -> bool {
    let line = line.trim();
    line.len() >= fence.length && line.bytes().all(|byte| byte == fence.sign)
}

/// `line` without the mark of a list at its beginning.
fn behind_marker(line: &str) -> &str {
    let line = line.trim_start_matches([' ', '\t']);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let behind = match line.strip_prefix(['-', '*', '+']) {
        None if digits.len() < line.len() => digits.strip_prefix(['.', ')']),
        behind => behind,
    };
    behind.filter(|behind| behind.starts_with([' ', '\t'])).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(chunks: &[&str]) -> (Vec<Piece>, Rest) {
        let (mut scanner, mut text, mut found) = (Scanner::new(), String::new(), Vec::new());
        for chunk in chunks {
            text.push_str(chunk);
            found.extend(std::iter::from_fn(|| scanner.next(&text)));
        }
        let rest = scanner.rest(&text);
        (found, rest)
    }

    fn shown(text: &str) -> Vec<String> {
        let (found, rest) = pieces(&[text]);
        let show = |piece: &Piece| match piece {
            Piece::Prose(range) => format!("prose {:?}", &text[range.clone()]),
            Piece::FenceOpens(range) => format!("open {:?}", &text[range.clone()]),
            Piece::Code(range) => format!("code {:?}", &text[range.clone()]),
            Piece::FenceCloses => "close".to_owned(),
        };
        let rest = match rest {
            Rest::Prose(range) => format!("rest {:?}", &text[range]),
            Rest::Code(range) => format!("rest of code {:?}", &text[range]),
        };
        found.iter().map(show).chain([rest]).collect()
    }

    #[test]
    fn blocks_end_where_markdown_says_so() {
        assert_eq!(shown("a\nb\n\nc"), [r#"rest "a\nb\n\nc""#]);
        assert_eq!(shown("a\n\nc\n"), [r#"prose "a\n\n""#, r#"rest "c\n""#]);
        assert_eq!(shown("1. a\n\n   b\n"), [r#"rest "1. a\n\n   b\n""#]);
        assert_eq!(shown("a\n# b\nc"), [r#"prose "a\n""#, r##"prose "# b\n""##, r#"rest "c""#]);
        let fenced = [r#"prose "a\n""#, r#"open "sh\n""#, r#"code "ls""#, "close", r#"rest "b""#];
        assert_eq!(shown("a\n```sh\nls\n```\nb"), fenced);
        assert_eq!(shown("~~~\n```\n``"), [r#"open "\n""#, r#"code "```""#, r#"rest of code "``""#]);
        assert_eq!(shown("```\n``"), [r#"open "\n""#, r#"rest of code """#], "it may become the closing fence");
        let inner = "- ```sh\n  a\n\nb\n  ```\n";
        assert_eq!(shown(inner), [format!("rest {inner:?}")], "blank lines of code in a list do not end it");
    }

    #[test]
    fn what_never_ends_is_cut() {
        let (found, _) = pieces(&["x".repeat(3 * LIMIT).as_str()]);
        assert_eq!(found.len(), 2);
        let (found, _) = pieces(&["```\n", "ä".repeat(2 * LIMIT).as_str()]);
        assert!(found.len() > 3, "{}", found.len());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            lines in prop::collection::vec(prop::sample::select(vec![
                "", "a b", "# h", "```", "```sh", "~~~~", "- x", "  ```", "1. y", "   z", "| a | b |", "> q", "- ```sh",
            ]), 0..24),
            cuts in prop::collection::vec(0_usize..200, 0..10),
        ) {
            let text = lines.join("\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let ends = cuts.iter().copied().chain([text.len()]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            let chunks: Vec<&str> = starts.zip(ends).map(|(start, end)| &text[start..end]).collect();
            prop_assert_eq!(pieces(&chunks), pieces(&[text.as_str()]));
        }
    }
}

//! Marks of code in the sentences of a document.
//!
//! Owns: putting the backticks back that the document has around code and the text of a node has not, so that a name can be
//! told from a word on every terminal. Invariants: nothing but backticks (and a space beside one that is code itself) is
//! added; where it is not clear which words of the text are the code, none are marked; the time is bounded by the length of
//! both, whatever is in them. Does not: read Markdown otherwise.

use std::borrow::Cow;
use std::ops::Range;

/// So many letters and digits before a code are compared, to tell it from the same word elsewhere.
const CONTEXT: usize = 16;
/// So many places with the same words are looked at.
const PLACES: usize = 32;
/// Bytes of text that are looked through for one code at most.
const WINDOW: usize = 4096;

/// `text` with backticks around what has them in `source`, the Markdown that it was read from.
#[must_use]
pub fn marked<'t>(text: &'t str, source: &str) -> Cow<'t, str> {
    let mut out = String::new();
    // How far `text` has been taken over, where that is in `source`, and how far `source` has been read.
    let (mut done, mut from, mut read) = (0, 0, 0);
    let mut before = String::new();
    while let Some(code) = next_code(source, read) {
        before.extend(source[read..code.begin].chars().filter(|c| c.is_alphanumeric()));
        read = code.end;
        let content = content(&source[code.inner.clone()]);
        // No text is longer than the Markdown that it was read from.
        let window = (code.begin - from + content.len()).min(WINDOW);
        if let Some(at) = place(text, done, window, &content, &before) {
            out.push_str(&text[done..at]);
            push_code(&mut out, code.ticks, &content);
            done = at + content.len();
            from = code.end;
        }
        before.extend(content.chars().filter(|c| c.is_alphanumeric()));
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// A code in Markdown, by its bytes.
struct Code {
    begin: usize,
    end: usize,
    /// What stands between the backticks.
    inner: Range<usize>,
    /// How many of them there are on either side.
    ticks: usize,
}

/// The first code from `read` on: as many backticks end it as begin it.
fn next_code(source: &str, read: usize) -> Option<Code> {
    let mut at = read;
    // A run that nothing closes is text; how long the runs are that were looked for in vain.
    let mut unclosed = [false; CONTEXT];
    loop {
        let begin = at + source.get(at..)?.find('`')?;
        let ticks = run(source, begin);
        let inner = begin + ticks;
        at = inner;
        let Some(known) = unclosed.get_mut(ticks) else { continue };
        if *known {
            continue;
        }
        let mut look = inner;
        while let Some(found) = source[look..].find('`') {
            let close = look + found;
            look = close + run(source, close);
            if look - close == ticks {
                return Some(Code { begin, end: look, inner: inner..close, ticks });
            }
        }
        *known = true;
    }
}

/// How many backticks stand at `at`.
fn run(source: &str, at: usize) -> usize {
    source.as_bytes()[at..].iter().take_while(|byte| **byte == b'`').count()
}

/// Code as Markdown shows it: a line break is a space, and one space at either end belongs to the backticks.
fn content(inner: &str) -> String {
    let one_line = inner.split('\n').map(str::trim_start).collect::<Vec<_>>().join(" ");
    let one_line = if inner.starts_with(' ') { format!(" {one_line}") } else { one_line };
    let padded = one_line.strip_prefix(' ').and_then(|rest| rest.strip_suffix(' '));
    padded.filter(|rest| !rest.trim().is_empty()).map(str::to_owned).unwrap_or(one_line)
}

/// Where `content` stands in `text`, from `done` on within `window` bytes, behind the same letters as in the source; of
/// several places the one with the most of them.
fn place(text: &str, done: usize, window: usize, content: &str, before: &str) -> Option<usize> {
    if content.trim().is_empty() {
        return None;
    }
    let end = text.floor_char_boundary(done.saturating_add(window).min(text.len()));
    let mut best: Option<(usize, usize)> = None;
    for (found, _) in text.get(done..end)?.match_indices(content).take(PLACES) {
        let at = done + found;
        let letters = text[..at].chars().rev().filter(|c| c.is_alphanumeric());
        let same = letters.zip(before.chars().rev()).take(CONTEXT).take_while(|(a, b)| a == b).count();
        if best.is_none_or(|(most, _)| same > most) {
            best = Some((same, at));
        }
        if same == CONTEXT {
            break;
        }
    }
    best.filter(|(same, _)| *same > 0 || before.is_empty()).map(|(_, at)| at)
}

fn push_code(out: &mut String, ticks: usize, content: &str) {
    let pad = if content.starts_with('`') || content.ends_with('`') { " " } else { "" };
    let ticks = "`".repeat(ticks);
    out.extend([&ticks, pad, content, pad, &ticks]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("See the log.", "See the log.", "See the log.")]
    #[case::names(
        "the place in its mountpoint label",
        "the place in its `mountpoint`\nlabel",
        "the place in its `mountpoint` label"
    )]
    #[case::same_word("a file a", "a file `a`", "a file `a`")]
    #[case::twice("run x, then x", "run `x`, then `x`", "run `x`, then `x`")]
    #[case::first("df -h shows it", "- `df -h` shows it", "`df -h` shows it")]
    #[case::broken_line("use kubectl get pods now", "use `kubectl\n  get pods` now", "use `kubectl get pods` now")]
    #[case::behind_a_link("See docs and x.", "See [docs](http://h/x) and `x`.", "See docs and `x`.")]
    #[case::two_ticks("say a`b now", "say ``a`b`` now", "say ``a`b`` now")]
    #[case::padded("say `b now", "say `` `b `` now", "say `` `b `` now")]
    #[case::unclosed("a ` b", "a ` b", "a ` b")]
    #[case::part_of_a_sentence("restart it with x", "If `y` is full, restart it with `x`", "restart it with `x`")]
    #[case::not_there("something else", "see `x`", "something else")]
    fn code_is_told_from_words(#[case] text: &str, #[case] source: &str, #[case] expected: &str) {
        assert_eq!(marked(text, source), expected);
    }

    #[test]
    fn a_text_that_is_made_to_cost_much_does_not() {
        for source in ["`a` ".repeat(50_000), "a`".repeat(100_000), "``` `` ` ".repeat(20_000), "`b` x ".repeat(30_000)]
        {
            let text = "a ".repeat(100_000);
            let shown = marked(&text, &source);
            assert_eq!(shown.replace('`', ""), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_but_backticks_is_added(text in "[ab `.]{0,40}", source in "[ab `.\n]{0,60}") {
            let strip = |text: &str| text.replace(['`', ' '], "");
            prop_assert_eq!(strip(&marked(&text, &source)), strip(&text));
        }
    }
}

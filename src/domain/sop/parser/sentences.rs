//! Sentences of a paragraph.
//!
//! Owns: where one sentence ends. Does not: read them. Works on masked text (see `Prose::masked`), so that a full stop in
//! inline code ends nothing.

use std::ops::Range;

/// Words whose full stop ends no sentence, in lower case.
const ABBREVIATIONS: &[&str] =
    &["approx", "cf", "e.g", "eg", "esp", "etc", "fig", "i.e", "ie", "incl", "max", "min", "no", "resp", "vs"];

/// The sentences of `masked` in order, without the space around them. A semicolon ends one when a new condition follows.
pub(super) fn split(masked: &str) -> Vec<Range<usize>> {
    let bytes = masked.as_bytes();
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let ends = match byte {
            b'.' | b'!' | b'?' => {
                let close = bytes.get(at + 1).copied();
                let spaced = match close {
                    None | Some(b' ') => true,
                    Some(b')' | b'"' | b'\'') => matches!(bytes.get(at + 2), None | Some(b' ')),
                    Some(_) => false,
                };
                spaced && !(*byte == b'.' && is_abbreviation(masked.get(start..at).unwrap_or_default()))
            }
            b';' => begins_condition(masked.get(at + 1..).unwrap_or_default()),
            _ => false,
        };
        if ends {
            let closes = usize::from(matches!(bytes.get(at + 1), Some(b')' | b'"' | b'\'')));
            push_trimmed(masked, start..at + 1 + closes, &mut sentences);
            start = at + 1 + closes;
        }
    }
    push_trimmed(masked, start..masked.len(), &mut sentences);
    sentences
}

fn push_trimmed(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let part = text.get(range.clone()).unwrap_or_default();
    let trimmed = part.trim();
    if !trimmed.is_empty() {
        let start = range.start + (part.len() - part.trim_start().len());
        sentences.push(start..start + trimmed.len());
    }
}

fn is_abbreviation(before: &str) -> bool {
    // A word can only be an abbreviation when it is short, so a long text is not searched.
    let tail_start =
        (before.len().saturating_sub(8)..=before.len()).find(|at| before.is_char_boundary(*at)).unwrap_or(0);
    let tail = before.get(tail_start..).unwrap_or_default();
    let word = tail.rsplit([' ', '(']).next().unwrap_or(tail).to_ascii_lowercase();
    let numbering = before.trim_start() == word && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    ABBREVIATIONS.contains(&word.as_str()) || numbering
}

fn begins_condition(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or_default().trim_end_matches([',', ':']).to_ascii_lowercase();
    matches!(word.as_str(), "otherwise" | "else" | "if")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("One. Two? Three!", &["One.", "Two?", "Three!"])]
    #[case("Use e.g. this one. Then v1.2.3 of it.", &["Use e.g. this one.", "Then v1.2.3 of it."])]
    #[case("If a, do b; otherwise do c.", &["If a, do b;", "otherwise do c."])]
    #[case("First; second.", &["First; second."])]
    #[case("(It is so.) Then go", &["(It is so.)", "Then go"])]
    #[case("1. Do it. Now.", &["1. Do it.", "Now."])]
    #[case("  ", &[])]
    #[case("", &[])]
    fn sentences(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(split(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>(), expected);
    }
}

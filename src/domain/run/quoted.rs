//! Quotation marks that the step tree has lost.
//!
//! Owns: finding the words of a condition in the document and what stood around them. Does not: parse Markdown.
//!
//! Invariant: what comes out has the same words as what went in; only marks of code are put back. Where the words are not
//! found, they stay as they are, so that at worst a condition is left to a person.

/// `words` with the backquotes that they have in `source`.
#[must_use]
pub(super) fn as_written(words: &str, source: &str) -> String {
    let plain: Vec<(usize, char)> = normalised(source.char_indices());
    let wanted: Vec<char> = normalised(words.char_indices()).into_iter().map(|(_, c)| c).collect();
    if wanted.is_empty() {
        return words.to_owned();
    }
    let same = |window: &[(usize, char)]| window.iter().zip(&wanted).all(|((_, c), wanted)| c == wanted);
    let Some(window) = plain.windows(wanted.len()).find(|window| same(window)) else { return words.to_owned() };
    let (Some((first, _)), Some((last, end))) = (window.first(), window.last()) else { return words.to_owned() };
    let end = last + end.len_utf8();
    let (before, found, after) = (source.get(..*first), source.get(*first..end), source.get(end..));
    let (Some(before), Some(found), Some(after)) = (before, found, after) else { return words.to_owned() };
    let opening = if before.ends_with('`') { "`" } else { "" };
    let closing = if after.starts_with('`') { "`" } else { "" };
    let text = format!("{opening}{found}{closing}").replace(['*', '\n'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The characters that are no marks, in lower case, with one space for any space.
fn normalised(text: impl Iterator<Item = (usize, char)>) -> Vec<(usize, char)> {
    let mut kept: Vec<(usize, char)> = Vec::new();
    for (at, c) in text {
        match c {
            '`' | '*' => {}
            c if c.is_whitespace() => {
                if kept.last().is_some_and(|(_, last)| *last != ' ') {
                    kept.push((at, ' '));
                }
            }
            c => kept.push((at, c.to_ascii_lowercase())),
        }
    }
    while kept.last().is_some_and(|(_, last)| *last == ' ') {
        kept.pop();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::as_written;

    #[test]
    fn marks_of_code_come_back_and_nothing_else_changes() {
        let source = "- If it says `no route` or `timeout`, restart it.";
        assert_eq!(as_written("it says no route or timeout", source), "it says `no route` or `timeout`");
        assert_eq!(as_written("Failed is a word", "**`failed`** is\n  a word"), "`failed` is a word");
        assert_eq!(as_written("plain words", source), "plain words");
        assert_eq!(as_written("", source), "");
        assert_eq!(as_written("é is über", "so é is `über` x"), "é is `über`");
    }
}

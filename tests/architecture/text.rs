//! Rust sources without what only looks like code: comments, strings, and modules that are compiled for tests only.
//!
//! Invariant: what is taken out is replaced by blanks, so that lines and columns stay where they were.

use std::path::{Path, PathBuf};

/// `source` with comments, strings and character literals blanked.
pub(crate) fn code_of(source: &str) -> String {
    let characters: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < characters.len() {
        let end = blank_end(&characters, at);
        if end == at {
            code.push(characters[at]);
            at += 1;
        } else {
            blank(characters[at..end].iter(), &mut code);
            at = end;
        }
    }
    code
}

/// As many bytes of blanks as `characters` have, with their line ends.
fn blank<'a>(characters: impl Iterator<Item = &'a char>, code: &mut String) {
    for c in characters {
        if *c == '\n' {
            code.push('\n');
        } else {
            code.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn blank_end(characters: &[char], at: usize) -> usize {
    let rest = &characters[at..];
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment_length(rest),
        ['"', ..] => at + quoted_length(rest, '"'),
        ['r', '"' | '#', ..] if !continues_word(characters, at) => at + raw_length(rest),
        ['b' | 'c', 'r', '"' | '#', ..] if !continues_word(characters, at) => match raw_length(&rest[1..]) {
            0 => at,
            length => at + 1 + length,
        },
        // A lifetime is no character: 'a is followed by no closing quote.
        ['\'', '\\', ..] => at + quoted_length(rest, '\''),
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn continues_word(characters: &[char], at: usize) -> bool {
    at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_')
}

fn block_comment_length(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of the raw string that begins with the `r` at the start; 0 when none does (`r#type` is a name).
fn raw_length(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let start = 2 + hashes;
    let found = rest[start..].windows(closing.len()).position(|window| window == closing.as_slice());
    found.map_or(rest.len(), |position| start + position + closing.len())
}

const MARK: &str = "#[cfg(test)]";

/// `code` with the items after `#[cfg(test)]` blanked: to the end of their braces, or to their semicolon.
pub(crate) fn without_tests(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::with_capacity(code.len());
    while let Some(position) = rest.find(MARK) {
        let (before, after) = rest.split_at(position);
        kept.push_str(before);
        let end = item_end(after);
        blank(after[..end].chars().collect::<Vec<_>>().iter(), &mut kept);
        rest = &after[end..];
    }
    kept.push_str(rest);
    kept
}

fn item_end(text: &str) -> usize {
    let mut depth = 0_usize;
    for (position, c) in text.char_indices().skip(MARK.len()) {
        match c {
            ';' if depth == 0 => return position + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return position + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The paths, without `.rs`, of the modules that `source`, which stands in `path`, declares for tests only.
pub(crate) fn test_modules_of(path: &Path, source: &str) -> Vec<PathBuf> {
    let code = code_of(source);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = path.parent().unwrap_or(Path::new(""));
    let directory = if matches!(stem.as_str(), "mod" | "lib" | "main") { parent.into() } else { parent.join(stem) };
    let mut found = Vec::new();
    for (position, _) in code.match_indices(MARK) {
        let start = position + MARK.len();
        let declaration = code[start..].split([';', '{']).next().unwrap_or_default();
        let end = start + declaration.len();
        let mut words = declaration.split_whitespace().rev();
        if let (true, Some(name), Some("mod")) = (code[end..].starts_with(';'), words.next(), words.next()) {
            // The blanks of the code are where the strings of the source are.
            let named = source[start..end].split_once("#[path = \"").and_then(|(_, rest)| rest.split('"').next());
            found.push(named.map_or_else(|| directory.join(name), |file| parent.join(file).with_extension("")));
        }
    }
    found
}

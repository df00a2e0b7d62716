//! The words of a command as they are written, quotes and all.
//!
//! Owns: cutting a command line where a shell would, so that the words of two of them can be compared and kept as somebody
//! wrote them. Does not: run, expand or judge anything; `action::grammar` reads what is to run.
//!
//! Invariant: a parameter (`<pod name>`) is never cut.

use std::ops::Range;

use crate::domain::procedure::params;

/// Stands for a parameter while quotes are removed; of the private use area.
const HOLE: char = '\u{e000}';

/// A word, a sign between commands, or the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// As written.
    pub(super) raw: String,
    /// What a shell makes of it, in pieces between which the parameters stand: one piece more than there are parameters.
    pub(super) fixed: Vec<String>,
}

impl Token {
    /// Whether `other`, which has no parameters, is this word with some text for each of its parameters.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let [text] = other.fixed.as_slice() else { return self.raw == other.raw };
        let (Some(first), Some(last)) = (self.fixed.first(), self.fixed.last()) else { return false };
        if self.fixed.len() == 1 {
            return text == first;
        }
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        for part in self.fixed.get(1..self.fixed.len() - 1).unwrap_or_default() {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        // A parameter never stands for an option: that would be another command.
        !(first.is_empty() && text.starts_with('-'))
    }
}

/// The words and signs of `script`, in order. An end of line that ends a command is `;`.
pub(super) fn cut(script: &str) -> Vec<Token> {
    let uses = params::find(script);
    let holes: Vec<Range<usize>> = uses
        .iter()
        .filter(|used| used.surface.starts_with(['<', '{']))
        .map(|used| used.span.start..used.span.end)
        .collect();
    let mut cutter = Cutter { script, holes, tokens: Vec::new(), raw: String::new(), plain: String::new() };
    cutter.run();
    cutter.tokens
}

struct Cutter<'a> {
    script: &'a str,
    holes: Vec<Range<usize>>,
    tokens: Vec<Token>,
    raw: String,
    plain: String,
}

impl Cutter<'_> {
    fn run(&mut self) {
        let script = self.script;
        let mut quote: Option<char> = None;
        let mut at = 0;
        while let Some(c) = script.get(at..).and_then(|rest| rest.chars().next()) {
            if let Some(hole) = self.holes.iter().find(|hole| hole.start == at).cloned() {
                self.raw.push_str(script.get(hole.clone()).unwrap_or_default());
                self.plain.push(HOLE);
                at = hole.end.max(at + 1);
                continue;
            }
            let rest = script.get(at + c.len_utf8()..).unwrap_or_default();
            let next = rest.chars().next();
            let mut taken = c.len_utf8();
            match (quote, c) {
                (Some(open), c) if c == open => {
                    quote = None;
                    self.raw.push(c);
                }
                (Some('"'), '\\') | (None, '\\') => taken += self.escaped(quote.is_some(), next),
                (Some(_), c) => self.both(c),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    self.raw.push(c);
                }
                (None, '\n' | ';') => self.sign(";"),
                (None, '|') if next == Some('|') => {
                    taken += 1;
                    self.sign("||");
                }
                (None, '&') if next == Some('&') => {
                    taken += 1;
                    self.sign("&&");
                }
                (None, '|') => self.sign("|"),
                (None, c) if c.is_whitespace() => self.end(),
                (None, c) => self.both(c),
            }
            at += taken;
        }
        self.end();
        while self.tokens.last().is_some_and(|token| token.raw == ";") {
            self.tokens.pop();
        }
    }

    fn both(&mut self, c: char) {
        self.raw.push(c);
        self.plain.push(c);
    }

    /// A backslash and what follows; gives the bytes of what follows.
    fn escaped(&mut self, quoted: bool, next: Option<char>) -> usize {
        match next {
            // A line that goes on.
            Some('\n') => return 1,
            Some(c) if !quoted || matches!(c, '$' | '`' | '"' | '\\') => {
                self.raw.push('\\');
                self.both(c);
                return c.len_utf8();
            }
            Some(_) | None => self.both('\\'),
        }
        0
    }

    fn end(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let fixed = self.plain.split(HOLE).map(str::to_owned).collect();
        self.tokens.push(Token { raw: std::mem::take(&mut self.raw), fixed });
        self.plain.clear();
    }

    fn sign(&mut self, sign: &str) {
        self.end();
        let follows_sign = self.tokens.last().is_none_or(|token| matches!(token.raw.as_str(), ";" | "|" | "||" | "&&"));
        // An empty line says nothing.
        if !(sign == ";" && follows_sign) {
            self.tokens.push(Token { raw: sign.to_owned(), fixed: vec![sign.to_owned()] });
        }
    }
}

/// Tokens as one line.
pub(super) fn joined(words: impl IntoIterator<Item = String>) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() && word != ";" {
            line.push(' ');
        }
        line.push_str(&word);
    }
    line
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("df -h <mount point>", &["df", "-h", "<mount point>"])]
    #[case("a 'b c' \"d <x> e\"|f;g&&h||i", &["a", "'b c'", "\"d <x> e\"", "|", "f", ";", "g", "&&", "h", "||", "i"])]
    #[case("a \\\n  b\\ c\n\nd\n", &["a", "b\\ c", ";", "d"])]
    #[case("", &[])]
    fn words_are_cut_as_a_shell_would(#[case] script: &str, #[case] expected: &[&str]) {
        assert_eq!(cut(script).iter().map(|token| token.raw.as_str()).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case("'*.log'", "*.log", true)]
    #[case("<pod>", "orders-1", true)]
    #[case("<pod>", "--all", false)]
    #[case("http://<host>:9100/<path>", "http://a:9100/b/c", true)]
    #[case("http://<host>:9100/<path>", "http://a:9200/b/c", false)]
    #[case("-h", "-k", false)]
    fn a_word_fits_with_any_values(#[case] written: &str, #[case] ran: &str, #[case] expected: bool) {
        assert_eq!(cut(written)[0].fits(&cut(ran)[0]), expected);
    }
}

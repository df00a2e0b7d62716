//! The paths in a piece of Rust code (`a::b::{c, d::e}`), spelled out (`a::b::c`, `a::b::d::e`), with their lines.

/// A word or a sign of code.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Join,
    Other(char),
}

/// All paths of at least two words in `code`, which holds no comments and strings, and imported single words.
pub(crate) fn paths_in(code: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens_of(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if matches!(&tokens[at].1, Token::Word(word) if word != "use") {
            at = path(&tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn tokens_of(code: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let (token, length) = if is_word(first) {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Some(Token::Word(rest[..length].to_owned())), length)
            } else if rest.starts_with("::") {
                (Some(Token::Join), 2)
            } else {
                ((!first.is_whitespace()).then_some(Token::Other(first)), first.len_utf8())
            };
            tokens.extend(token.map(|token| (number + 1, token)));
            rest = &rest[length..];
        }
    }
    tokens
}

/// Reads the path that begins with the word at `at`, after `prefix`; returns the position behind it.
fn path(tokens: &[(usize, Token)], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let mut words = prefix.to_vec();
    let line = tokens[at].0;
    let mut before = tokens[..at].iter().rev().map(|(_, token)| token).skip_while(|token| **token == Token::Join);
    let imported = matches!(before.next(), Some(Token::Word(word)) if word == "use");
    while let Some((_, Token::Word(word))) = tokens.get(at) {
        // `{self}` means the words before it.
        if word != "self" || words.is_empty() {
            words.push(word.clone());
        }
        at += 1;
        if tokens.get(at).map(|(_, token)| token) != Some(&Token::Join) {
            break;
        }
        at += 1;
        if matches!(tokens.get(at), Some((_, Token::Other('{')))) {
            return group(tokens, at + 1, &words, found);
        }
    }
    if words.len() > 1 || imported {
        found.push((line, words));
    }
    at
}

/// Reads the alternatives from `at` to the closing brace.
fn group(tokens: &[(usize, Token)], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match token {
            Token::Other('}') => return at + 1,
            Token::Word(word) if word == "as" => at += 2,
            Token::Word(_) => at = path(tokens, at, prefix, found),
            Token::Join | Token::Other(_) => at += 1,
        }
    }
    at
}

#[test]
fn groups_are_spelled_out() {
    let spelled = |code: &str| -> Vec<String> { paths_in(code).iter().map(|(_, words)| words.join("::")).collect() };
    assert_eq!(spelled("use a::{b, c::{d, self}, e as f};"), ["a::b", "a::c::d", "a::c", "a::e"]);
    assert_eq!(spelled("fn f(x: a::b::C<d::E>) -> g { x.y::<h::I>() }"), ["a::b::C", "d::E", "h::I"]);
    assert_eq!(spelled("use ::a as b; use c;"), ["a", "c"]);
    assert_eq!(spelled("use ::a::b;"), ["a::b"]);
}

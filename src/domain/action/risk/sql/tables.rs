//! The tables and other things that statements name, for saying what they touch.
//!
//! Does not: judge. What stands behind a keyword that a name follows counts as a name; subqueries count too.

use super::Dialect;
use super::lexer::{Lexer, Token};

/// Words behind which the name of a table, or of another thing, stands.
const BEFORE_NAMES: [&str; 13] = [
    "FROM", "INTO", "UPDATE", "TABLE", "JOIN", "TRUNCATE", "DATABASE", "SCHEMA", "INDEX", "VIEW", "USER", "ROLE", "ON",
];
/// Words between those and the name.
const BETWEEN: [&str; 8] = ["IF", "EXISTS", "NOT", "ONLY", "TABLE", "CONCURRENTLY", "IGNORE", "LOW_PRIORITY"];
/// Words that can follow and are no names.
const NO_NAMES: [&str; 8] = ["SELECT", "SET", "STDIN", "STDOUT", "LATERAL", "VALUES", "CONFLICT", "DUPLICATE"];

/// The names, as they are written, each once; `None` when the text cannot be read as the server would read it.
pub(in crate::domain::action) fn named(text: &str, dialect: Dialect) -> Option<Vec<String>> {
    let tokens = Lexer::new(text, dialect).tokens().ok()?;
    let mut names: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        // `JOIN … ON a = b` names no table; `CREATE INDEX … ON table` does.
        let begins = matches!(token, Token::Word(word) if BEFORE_NAMES.contains(&word.as_str()) && (word != "ON" || makes_index(&tokens)));
        if !begins {
            continue;
        }
        while matches!(tokens.get(at), Some(Token::Word(word)) if BETWEEN.contains(&word.as_str())) {
            at += 1;
        }
        loop {
            let (name, next) = name_at(&tokens, at);
            let Some(name) = name else { break };
            let name = as_written(text, &name);
            if !names.contains(&name) {
                names.push(name);
            }
            at = next;
            match tokens.get(at) {
                Some(Token::Sign(',')) => at += 1,
                _ => break,
            }
        }
    }
    Some(names)
}

fn makes_index(tokens: &[Token]) -> bool {
    tokens.iter().take(4).any(|token| matches!(token, Token::Word(word) if word == "INDEX"))
}

/// The name at `at`, with the schema before it, and where it ends.
fn name_at(tokens: &[Token], at: usize) -> (Option<String>, usize) {
    let part = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) if !NO_NAMES.contains(&word.as_str()) => Some(word.clone()),
        Some(Token::Name(name)) => Some(name.clone()),
        _ => None,
    };
    let Some(mut name) = part(at) else { return (None, at) };
    let mut next = at + 1;
    while let (Some(Token::Sign('.')), Some(more)) = (tokens.get(next), part(next + 1)) {
        name.push('.');
        name.push_str(&more);
        next += 2;
    }
    (Some(name), next)
}

/// Names are read in capital letters; here is how `text` spells one.
fn as_written(text: &str, name: &str) -> String {
    let (wanted, bytes) = (name.as_bytes(), text.as_bytes());
    let part_of_word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let here = |at: &usize| {
        let same = bytes.get(*at..*at + wanted.len()).is_some_and(|found| found.eq_ignore_ascii_case(wanted));
        same && !part_of_word(at.checked_sub(1)) && !part_of_word(Some(*at + wanted.len()))
    };
    let found = (0..bytes.len()).find(here);
    found.and_then(|at| text.get(at..at + wanted.len())).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("DELETE FROM orders WHERE id = 1", &["orders"])]
    #[case("update shop.Orders set a = 1", &["shop.Orders"])]
    #[case("TRUNCATE TABLE a, b", &["a", "b"])]
    #[case("DROP TABLE IF EXISTS \"old orders\"", &["old orders"])]
    #[case("INSERT INTO a SELECT * FROM b JOIN c ON b.x = c.x", &["a", "b", "c"])]
    #[case("CREATE INDEX CONCURRENTLY i ON orders (id)", &["i", "orders"])]
    #[case("DROP DATABASE shop; DELETE FROM x", &["shop", "x"])]
    #[case("DELETE FROM a WHERE x IN (SELECT y FROM b)", &["a", "b"])]
    #[case("SELECT 1", &[])]
    fn tables_are_named_as_written(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(named(text, Dialect::Postgres).unwrap(), expected);
    }

    #[test]
    fn what_the_server_would_read_otherwise_is_not_read() {
        assert_eq!(named("DELETE FROM a /*! WHERE b */", Dialect::Mysql), None);
    }
}

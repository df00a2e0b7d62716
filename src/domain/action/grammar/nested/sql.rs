//! Values in SQL.
//!
//! Owns: where in a statement a value stands. Invariant: inside quotes the quote is doubled, which all three dialects read back
//! as the same text; a backslash is refused everywhere, since whether it means something depends on a setting of the server
//! (`standard_conforming_strings`, `NO_BACKSLASH_ESCAPES`).

use super::is_name_or_number;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
}

/// What a place in a statement is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Code,
    /// Between two of these quotes.
    Quoted(char),
    /// A comment, a dollar-quoted text, brackets: only a plain name or number stays what it is.
    Other,
}

/// Words with which a text in a statement can itself be run: as a statement or as a program.
const RUNS_TEXTS: [&str; 8] =
    ["program", "execute", "dblink", "prepare", "query_to_xml", "load_extension", "pg_read", "sys_e"];

/// `value` behind `before` in a statement of which authors wrote `literal`.
pub(super) fn write(dialect: Dialect, literal: &str, before: &str, value: &str) -> Result<String, String> {
    let begins_statement = matches!(before.trim_end().chars().last(), None | Some(';' | '\\' | '!'));
    let own = before.trim_start().starts_with(['\\', '.']);
    if is_name_or_number(value) && !begins_statement && !own {
        return Ok(value.to_owned());
    }
    let lower = literal.to_ascii_lowercase();
    if RUNS_TEXTS.iter().any(|word| lower.contains(word)) {
        return Err("it stands in a statement that may run texts, where it may only be a name or a number".to_owned());
    }
    if value.contains('\\') {
        return Err("it contains a backslash, which servers read in SQL in different ways".to_owned());
    }
    match state_at(dialect, before) {
        State::Quoted(quote) => Ok(value.replace(quote, &format!("{quote}{quote}"))),
        State::Code | State::Other => Err(
            "it stands outside quotes in SQL, where it may only be a name or a number; put quotes around it in the \
                 document"
                .to_owned(),
        ),
    }
}

fn state_at(dialect: Dialect, before: &str) -> State {
    // A command of the client itself (\copy, .shell) has another syntax.
    if before.trim_start().starts_with(['\\', '.']) {
        return State::Other;
    }
    let mut state = State::Code;
    let mut previous = ' ';
    for c in before.chars() {
        match state {
            State::Code => match c {
                '\'' | '"' => state = State::Quoted(c),
                '`' if dialect == Dialect::Mysql => state = State::Quoted(c),
                '`' | '[' | '$' | '#' | '\\' => return State::Other,
                '-' if previous == '-' => return State::Other,
                '*' if previous == '/' => return State::Other,
                _ => {}
            },
            // A doubled quote leaves and enters again, which comes to the same.
            State::Quoted(quote) => match c {
                '\\' => return State::Other,
                c if c == quote => state = State::Code,
                _ => {}
            },
            State::Other => return State::Other,
        }
        previous = c;
    }
    // `E'…'`, `U&'…'`, `X'…'` and their like have escapes of their own.
    match state {
        State::Quoted(_) if has_prefix(before) => State::Other,
        state => state,
    }
}

/// Whether the open quote of `before` follows a letter or `&` directly.
fn has_prefix(before: &str) -> bool {
    let mut open: Option<(char, Option<char>)> = None;
    let mut previous = None;
    for c in before.chars() {
        match open {
            None if matches!(c, '\'' | '"' | '`') => open = Some((c, previous)),
            Some((quote, _)) if c == quote => open = None,
            None | Some(_) => {}
        }
        previous = Some(c);
    }
    matches!(open, Some((_, Some(c))) if c.is_alphanumeric() || matches!(c, '&' | '_'))
}

//! Commands of `psql`, `mysql` and `sqlite3` themselves.

use super::{Dialect, Judged};
use crate::domain::action::risk::Risk;

/// What a command of the client does; it begins with its backslash or dot.
pub(super) fn judge(command: &str, dialect: Dialect) -> Judged {
    let mut words = command.split_whitespace();
    let name = words.next().unwrap_or_default();
    let risk = match dialect {
        // One line can hold several: `\d t \! id`. Behind a doubled backslash, and behind `\G` in mysql, SQL goes on.
        Dialect::Postgres if command.get(1..).is_some_and(|rest| rest.contains('\\')) => Risk::Unknown,
        Dialect::Mysql if words.next().is_some() => Risk::Unknown,
        Dialect::Postgres => psql(name, command),
        Dialect::Mysql => match name {
            "\\G" | "\\g" | "\\c" | "\\q" | "\\s" | "\\W" | "\\w" | "\\G;" | "\\g;" => Risk::Read,
            _ => Risk::Unknown,
        },
        Dialect::Sqlite => match name {
            ".schema" | ".tables" | ".databases" | ".indexes" | ".indices" | ".headers" | ".header" | ".mode"
            | ".dbinfo" | ".show" | ".stats" | ".width" | ".timeout" | ".explain" | ".nullvalue" | ".separator"
            | ".dump" | ".timer" | ".fullschema" | ".version" | ".help" | ".quit" | ".exit" | ".lint" | ".print"
            | ".bail" | ".echo" => Risk::Read,
            ".backup" | ".save" | ".clone" | ".output" | ".once" | ".log" if !command.contains('|') => Risk::Change,
            ".restore" => Risk::Destroy,
            _ => Risk::Unknown,
        },
    };
    (risk, format!("{name} is a command of the client"))
}

/// Variables of psql itself that take a few words only.
const OWN_VARIABLES: [&str; 8] =
    ["AUTOCOMMIT", "ECHO", "ECHO_HIDDEN", "FETCH_COUNT", "ON_ERROR_ROLLBACK", "ON_ERROR_STOP", "QUIET", "VERBOSITY"];

fn psql(name: &str, command: &str) -> Risk {
    let alone = command.split_whitespace().nth(1).is_none();
    match name {
        // `\d` and all that begin so describe; `\do`, `\l`, `\z` too.
        _ if name.starts_with("\\d") || command.contains('|') && name != "\\copy" => {
            if command.contains('|') || command.contains('`') { Risk::Unknown } else { Risk::Read }
        }
        _ if command.contains('`') => Risk::Unknown,
        "\\l" | "\\l+" | "\\z" | "\\conninfo" | "\\timing" | "\\x" | "\\a" | "\\t" | "\\pset" | "\\q" | "\\echo"
        | "\\qecho" | "\\encoding" | "\\errverbose" | "\\f" | "\\h" | "\\help" | "\\?" | "\\sf" | "\\sv"
        | "\\unset" | "\\copyright" | "\\watch" | "\\c" | "\\connect" | "\\crosstabview" | "\\gx" | "\\warn"
        | "\\H" | "\\C" | "\\T" => Risk::Read,
        "\\g" if alone => Risk::Read,
        // Other variables hold what `:NAME` puts into later statements.
        "\\set" if command.split_whitespace().nth(1).is_none_or(|name| OWN_VARIABLES.contains(&name)) => Risk::Read,
        "\\copy" => copy(command),
        _ => Risk::Unknown,
    }
}

/// `\copy … to stdout` prints; another end is a file, or a program.
fn copy(command: &str) -> Risk {
    let upper = command.to_ascii_uppercase();
    let words: Vec<&str> = upper.split_whitespace().collect();
    if words.contains(&"PROGRAM") {
        Risk::Unknown
    } else if words.windows(2).any(|pair| matches!(pair, ["TO", "STDOUT" | "PSTDOUT"])) {
        // A query may stand in brackets.
        match upper.split_once('(') {
            Some((_, query)) => {
                super::judge(query.rsplit_once(')').map_or(query, |(query, _)| query), Dialect::Postgres).0
            }
            None => Risk::Read,
        }
    } else {
        Risk::Change
    }
}

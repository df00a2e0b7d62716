//! Words in which another program reads a language of its own: SQL, PromQL, JSON, programs for `awk`, commands for a shell.
//!
//! Owns: which word is in which language, and that a value in it stays a value. Does not: know where a script's words end (see
//! `assembly`).
//!
//! Invariants: a value is written in the quotes of the language that it stands in, so that reading gives exactly the value back;
//! or it is a name or a number that means nothing else there; or it is refused. A language that is not known here gets plain
//! values only. Which words are in a language is taken from the whole command, never from a value.

mod code;
mod shell;
mod sql;
mod strings;
mod tools;
mod url;

use super::expand::Cooked;
use super::session::{Bit, word_of};
use super::values::{BadValue, Depth, NOT_PLAIN, is_plain};

pub(super) use tools::ssh_command;

/// What reads a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The program takes it as it is.
    Argument,
    /// Something may parse it; nobody knows what.
    Plain,
    /// From this byte on it is in this language.
    Written(Language, usize),
    /// It and all others of the kind are joined by blanks and read by a shell.
    Joined,
}

/// A language that is known well enough to write a value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Language {
    /// Commands for a shell.
    Shell,
    /// SQL of PostgreSQL, MySQL or SQLite.
    Sql(sql::Dialect),
    /// Selectors of Prometheus or Loki.
    Promql,
    /// A JSON text.
    Json,
    /// A filter for `jq`.
    Jq,
    /// A Go template.
    GoTemplate,
    /// kubectl's JSONPath.
    Jsonpath,
    /// A program for `awk`.
    Awk,
    /// A program for `sed`.
    Sed,
    /// An address with a scheme.
    Url,
    /// `name=value` pairs as forms send them.
    Form,
    /// What `curl --data-urlencode` takes: it encodes what follows the first `=` itself.
    UrlencodedByCurl,
    /// A label or field selector of Kubernetes.
    Selector,
}

/// Programs that parse (some of) their arguments as a language of their own or hand them to a shell.
///
/// The list cannot be complete; words that look like program text are held to plain values whatever the program is.
#[rustfmt::skip]
const INTERPRETERS: &[&str] = &[
    "ash", "awk", "bash", "busybox", "chroot", "clickhouse-client", "cqlsh", "csh", "dash", "doas", "ed", "env", "expect", "fish",
    "gawk", "influx", "jq", "ksh", "lua", "mariadb", "mawk", "mongo", "mongosh", "mysql", "nawk", "node", "parallel", "perl",
    "php", "psql", "python", "python2", "python3", "redis-cli", "ruby", "runuser", "sed", "setpriv", "sh", "socat", "sqlite3",
    "ssh", "su", "sudo", "tclsh", "timeout", "watch", "xargs", "yq", "zsh",
];

/// What reads the words of a command.
pub(super) struct Places {
    of_words: Vec<Place>,
    /// Another program may parse the words as well: their values have to be plain in any case.
    shared: bool,
}

/// For each word of a command what reads it.
pub(super) fn places(words: &[Cooked]) -> Places {
    let texts: Vec<String> = words.iter().map(|word| word_of(word).text()).collect();
    let written: Vec<String> = words.iter().map(|word| literal(word)).collect();
    let interpreted = texts.iter().chain(&written).any(|word| is_interpreter(word));
    let mut places: Vec<Place> = written
        .iter()
        .map(|word| match word {
            word if !interpreted && url::begins(word) => Place::Written(Language::Url, 0),
            word if interpreted || looks_like_program_text(word) => Place::Plain,
            _ => Place::Argument,
        })
        .collect();
    let shared = tools::assign(&texts, &written, &mut places);
    Places { of_words: places, shared }
}

/// Writes all values as their places need them; returns those for which there is no way.
pub(super) fn write(words: &mut [Cooked], places: &Places, depth: Depth) -> Vec<BadValue> {
    let mut bad: Vec<BadValue> =
        if places.shared { words.iter().flat_map(|word| plain_only(word)).collect() } else { Vec::new() };
    let mut joined: Vec<&mut Cooked> = Vec::new();
    for (word, place) in words.iter_mut().zip(&places.of_words) {
        match *place {
            Place::Argument => {}
            Place::Plain => bad.extend(plain_only(word)),
            Place::Joined => joined.push(word),
            Place::Written(Language::Shell, from) => bad.extend(shell::write(&mut [word], from, depth)),
            Place::Written(language, from) => bad.extend(write_word(word, language, from)),
        }
    }
    bad.extend(shell::write(&mut joined, 0, depth));
    bad
}

/// The values of `word` that are not plain.
fn plain_only(word: &[Bit]) -> Vec<BadValue> {
    let values = word.iter().filter(|bit| !is_plain(&bit.piece.text)).filter_map(|bit| bit.hole.as_ref());
    values.map(|name| BadValue { name: name.clone(), problem: NOT_PLAIN.to_owned() }).collect()
}

fn write_word(word: &mut Cooked, language: Language, from: usize) -> Vec<BadValue> {
    let mut bad = Vec::new();
    let mut before = String::new();
    let literal = literal(word);
    for bit in word.iter_mut() {
        if let Some(name) = &bit.hole {
            // What stands before the text in the language cannot be a value: it is the name of an option.
            let inside = before.get(from..).unwrap_or_default();
            match write_value(language, &literal, inside, &bit.piece.text) {
                Ok(text) => bit.piece.text = text,
                Err(problem) => bad.push(BadValue { name: name.clone(), problem }),
            }
        }
        before.push_str(&bit.piece.text);
    }
    bad
}

/// `value` as it has to be written behind `before` in a word of which authors wrote `literal`.
fn write_value(language: Language, literal: &str, before: &str, value: &str) -> Result<String, String> {
    match language {
        Language::Sql(dialect) => sql::write(dialect, literal, before, value),
        Language::Promql => strings::promql(before, value),
        Language::Json => strings::json(before, value),
        Language::Jq => strings::jq(before, value),
        Language::GoTemplate => strings::go_template(before, value),
        Language::Jsonpath => strings::jsonpath(before, value),
        Language::Awk => code::awk(literal, before, value),
        Language::Sed => code::sed(before, value),
        Language::Url => url::write(before, value),
        Language::Form => url::form(before, value),
        Language::UrlencodedByCurl => url::urlencoded_by_curl(before, value),
        Language::Selector => code::selector(value),
        // Handled for whole words; see `shell`.
        Language::Shell => Err(NOT_PLAIN.to_owned()),
    }
}

/// Whether `value` is a name or a number in nearly every language.
fn is_name_or_number(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    super::lexer::is_name(value)
        || match value.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(value),
        }
}

/// The text of the script in a word, without values.
fn literal(word: &[Bit]) -> String {
    word.iter().filter(|bit| bit.hole.is_none()).map(|bit| bit.piece.text.as_str()).collect()
}

/// Whether the text around a value has signs of a language: blanks, quotes, operators, brackets.
fn looks_like_program_text(literal: &str) -> bool {
    literal
        .contains([' ', '\t', '\n', '\'', '"', '`', '$', ';', '|', '&', '<', '>', '(', ')', '[', ']', '{', '}', '\\'])
}

fn is_interpreter(word: &str) -> bool {
    INTERPRETERS.contains(&base_name(word))
}

/// Whether a command may take what it reads for a program, statements or further words.
pub(super) fn reads_programs(words: &[String]) -> bool {
    /// Their program stands in their arguments; what they read is data.
    const READ_DATA: [&str; 7] = ["awk", "gawk", "jq", "mawk", "nawk", "sed", "yq"];
    words.iter().any(|word| is_interpreter(word) && !READ_DATA.contains(&base_name(word)))
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests;

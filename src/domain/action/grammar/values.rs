//! Puts the values of parameters into words.
//!
//! Owns: where which value may stand. A value is foreign text: it comes from an alert or was typed in a hurry.
//!
//! Invariants: a value never begins a word with `-`, never is empty, never holds a control or invisible character, and is
//! plain (see [`is_plain`]) wherever something behind the program's argv might parse it again.

use std::collections::BTreeMap;

use super::lexer::{Part, RawWord};
use super::words::is_invisible;
use crate::domain::action::spec::{Origin, Piece, Word};
use crate::domain::procedure::params::ParamUse;

/// A value that cannot stand where it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The parameter's name.
    pub name: String,
    /// Why, and what to do, as a sentence without the final stop.
    pub problem: String,
}

/// Programs that parse (some of) their arguments as a language of their own or hand them to a shell.
///
/// The list cannot be complete; words that look like program text are held to plain values whatever the program is.
#[rustfmt::skip]
const INTERPRETERS: &[&str] = &[
    "ash", "awk", "bash", "busybox", "chroot", "csh", "dash", "doas", "ed", "env", "expect", "fish", "gawk", "influx", "jq", "ksh",
    "lua", "mawk", "mongo", "mongosh", "mysql", "nawk", "node", "parallel", "perl", "php", "psql", "python", "python2", "python3",
    "redis-cli", "ruby", "sed", "setpriv", "sh", "socat", "sqlite3", "ssh", "su", "sudo", "tclsh", "timeout", "watch", "xargs",
    "yq", "zsh",
];

/// What came of putting values into the words of one stage.
pub(super) struct Filled {
    pub(super) argv: Vec<Word>,
    pub(super) unbound: Vec<String>,
    pub(super) bad: Vec<BadValue>,
}

/// Puts values into the words of one stage.
pub(super) fn fill(raw: &[RawWord], uses: &[ParamUse], values: &BTreeMap<String, Piece>) -> Filled {
    let mut filled = Filled { argv: Vec::with_capacity(raw.len()), unbound: Vec::new(), bad: Vec::new() };
    let interpreted = raw.iter().any(|word| is_interpreter(&word.literal()));
    for word in raw {
        let literal = word.literal();
        let plain_only = interpreted || looks_like_program_text(&literal);
        let mut pieces = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            match part {
                Part::Literal(text) if text.is_empty() => {}
                Part::Literal(text) => push_literal(&mut pieces, text),
                Part::Value(index) => {
                    let Some(used) = uses.get(*index) else { continue };
                    let Some(piece) = values.get(&used.name) else {
                        filled.unbound.push(used.name.clone());
                        continue;
                    };
                    let place = Place { first: pieces.is_empty(), plain_only };
                    if let Some(problem) = problem_at(&piece.text, place) {
                        filled.bad.push(BadValue { name: used.name.clone(), problem });
                    }
                    pieces.push(piece.clone());
                }
            }
        }
        filled.argv.push(Word { pieces });
    }
    filled
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece { text: before, origin: Origin::Sop }) => before.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), origin: Origin::Sop }),
    }
}

/// Where a value would stand.
#[derive(Clone, Copy)]
struct Place {
    /// At the start of a word.
    first: bool,
    /// In a text that may be parsed again.
    plain_only: bool,
}

fn problem_at(value: &str, place: Place) -> Option<String> {
    if let Some(problem) = problem_anywhere(value) {
        return Some(problem);
    }
    if place.first && value.starts_with('-') {
        // Also after `--`: behind it may stand a command with options of its own (`kubectl exec pod -- rm <file>`).
        return Some("it looks like an option; for a file put ./ before it".to_owned());
    }
    if place.plain_only && !is_plain(value) {
        return Some(
            "it would be parsed again where it stands, so it may only have letters, digits and _ . / : @ % + , -"
                .to_owned(),
        );
    }
    None
}

fn problem_anywhere(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some("it is empty".to_owned());
    }
    let strange = value.chars().find(|c| c.is_control() || is_invisible(*c))?;
    Some(format!("it contains the character U+{:04X}, which cannot be seen", u32::from(strange)))
}

/// Why `value` cannot be handed to a script that runs through bash; `None` when it can.
///
/// bash splits and expands an unquoted `$NAME`, and evaluates it in arithmetic and in `[[ … -eq … ]]`; a plain value that
/// is no option is the same in all of them.
#[must_use]
pub fn value_for_bash(value: &str) -> Option<String> {
    problem_at(value, Place { first: true, plain_only: true })
}

/// Whether no shell and no common language sees anything but a plain word in `value`.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',' | '-'))
}

/// Whether the text around a value has signs of a language: blanks, quotes, operators, brackets.
fn looks_like_program_text(literal: &str) -> bool {
    literal
        .contains([' ', '\t', '\n', '\'', '"', '`', '$', ';', '|', '&', '<', '>', '(', ')', '[', ']', '{', '}', '\\'])
}

fn is_interpreter(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    INTERPRETERS.contains(&name)
}

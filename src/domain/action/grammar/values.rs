//! Puts the values of parameters into words.
//!
//! Owns: where which value may stand, and how it is written there. A value is foreign text: it comes from an alert or was typed
//! in a hurry. Does not: know the languages in which a word may be written (see `nested`).
//!
//! Invariant: a value never begins a word with `-`, never is empty, never holds a control or invisible character. Where
//! something behind the program's argv may parse the word again, the value is written in that language's quotes, or it is plain
//! (see [`is_plain`]), or it is refused.

use std::collections::BTreeMap;

use super::expand::Cooked;
use super::nested;
use super::session::{Bit, word_of};
use super::words::is_invisible;
use crate::domain::action::spec::{Stage, Word};

/// A value that cannot stand where it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The parameter's name.
    pub name: String,
    /// Why, and what to do, as a sentence without the final stop.
    pub problem: String,
}

/// How many shells stand between this program and the words being read: none, or one inside the other (`ssh`, `sh -c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Depth(u8);

impl Depth {
    /// The words that this program reads itself.
    pub(super) const OWN: Self = Self(0);

    /// One shell further; `None` where nobody could follow any more.
    pub(super) const fn deeper(self) -> Option<Self> {
        if self.0 < 3 { Some(Self(self.0 + 1)) } else { None }
    }
}

/// What came of putting values into the words of one stage.
pub(super) struct Filled {
    pub(super) argv: Vec<Word>,
    pub(super) bad: Vec<BadValue>,
    /// The text of each value as it stands in its word.
    pub(super) written: BTreeMap<String, String>,
}

/// Puts values into the words of one stage.
pub(super) fn fill(cooked: &[Cooked], depth: Depth) -> Filled {
    let mut filled = Filled { argv: Vec::new(), bad: Vec::new(), written: BTreeMap::new() };
    let mut words: Vec<Cooked> = cooked.to_vec();
    if cooked.iter().flatten().any(|bit| bit.hole.is_some()) {
        for word in cooked {
            filled.bad.extend(check_argument(word));
        }
        if filled.bad.is_empty() {
            let places = nested::places(cooked);
            filled.bad.extend(nested::write(&mut words, &places, depth));
        }
    }
    for bit in words.iter().flatten() {
        if let Some(name) = &bit.hole {
            filled.written.insert(name.clone(), bit.piece.text.clone());
        }
    }
    filled.argv = words.iter().map(|word| word_of(word)).collect();
    filled
}

/// What is wrong with the values of an argument, whatever program gets it.
pub(super) fn check_argument(word: &[Bit]) -> Vec<BadValue> {
    let mut bad = check_value(word);
    if let Some(Bit { piece, hole: Some(name) }) = word.first()
        && piece.text.starts_with('-')
    {
        // Also after `--`: behind it may stand a command with options of its own (`kubectl exec pod -- rm <file>`).
        let problem = "it looks like an option; for a file put ./ before it".to_owned();
        bad.push(BadValue { name: name.clone(), problem });
    }
    bad
}

/// What is wrong with the values of a variable.
pub(super) fn check_value(value: &[Bit]) -> Vec<BadValue> {
    let values = value.iter().filter_map(|bit| Some((bit.hole.as_ref()?, problem_anywhere(&bit.piece.text)?)));
    values.map(|(name, problem)| BadValue { name: name.clone(), problem }).collect()
}

/// What is wrong with values in a pipeline: what one stage says may be read by the next one as its program.
pub(super) fn check_piped(stages: &[Stage], values: &[Vec<(String, String)>]) -> Vec<BadValue> {
    let reads = |stage: &Stage| nested::reads_programs(&stage.argv.iter().map(Word::text).collect::<Vec<_>>());
    let Some(last) = stages.iter().rposition(reads) else { return Vec::new() };
    let before = values.iter().take(last).flatten();
    let bad = before.filter(|(_, value)| !is_plain(value));
    bad.map(|(name, _)| BadValue { name: name.clone(), problem: NOT_PLAIN.to_owned() }).collect()
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
    if let Some(problem) = problem_anywhere(value) {
        return Some(problem);
    }
    if value.starts_with('-') {
        return Some("it looks like an option; for a file put ./ before it".to_owned());
    }
    (!is_plain(value)).then(|| NOT_PLAIN.to_owned())
}

/// Said of a value that is not plain where it has to be.
pub(super) const NOT_PLAIN: &str =
    "it would be parsed again where it stands, so it may only have letters, digits and _ . / : @ % + , -";

/// Whether no shell and no common language sees anything but a plain word in `value`.
pub(super) fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',' | '-'))
}

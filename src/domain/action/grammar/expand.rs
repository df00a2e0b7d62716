//! From a word as it is written to the argv words that it becomes.
//!
//! Owns: what `$NAME` stands for, and where a value without quotes is split. Does not: check values (see `values`).
//!
//! Invariant: the value of a parameter is never split and never dropped; only what an author wrote is treated as a shell would.

use std::collections::BTreeMap;

use super::Stop;
use super::lexer::{Part, Quoting, RawWord};
use super::session::{Bit, Session};
use crate::domain::action::spec::{Origin, Piece};
use crate::domain::procedure::params::{ParamForm, ParamUse};

/// Longest that all words of a script may become together, in bytes. Linux starts nothing with more than 2 MiB of arguments
/// by default (a quarter of the stack's limit, execve(2)).
const MAX_EXPANDED_BYTES: usize = 1024 * 1024;

/// The parameters of a script and their values.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) uses: &'a [ParamUse],
    pub(super) values: &'a BTreeMap<String, Piece>,
}

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Among the words of a command: an unquoted variable is split.
    Argument,
    /// The value in `NAME=value`: nothing is split.
    Value,
}

/// An argv word in the making.
pub(super) type Cooked = Vec<Bit>;

/// What is noted while words are expanded.
pub(super) struct Notes {
    /// Parameters without a value, each once.
    pub(super) unbound: Vec<String>,
    /// How many more bytes words and variables may become; a few variables of each other could grow without bounds.
    room: usize,
}

impl Notes {
    pub(super) const fn new() -> Self {
        Self { unbound: Vec::new(), room: MAX_EXPANDED_BYTES }
    }

    /// Takes note of `bytes` more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Stop> {
        match self.room.checked_sub(bytes) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => Stop::outside(format!("its words become longer than {MAX_EXPANDED_BYTES} bytes together")),
        }
    }
}

/// Expands `word`.
pub(super) fn expand(
    word: &RawWord,
    role: Role,
    bound: Bound<'_>,
    session: &Session,
    notes: &mut Notes,
) -> Result<Vec<Cooked>, Stop> {
    let mut cooking = Cooking { words: Vec::new(), current: Vec::new(), present: false };
    for part in &word.parts {
        match part {
            Part::Quoted => cooking.present = true,
            Part::Literal(text) => {
                notes.grow(text.len())?;
                cooking.keep(Bit::written(text.clone(), Origin::Sop));
            }
            Part::Parameter(index, quoting) => {
                let Some(used) = bound.uses.get(*index) else { continue };
                match session_value(used, bound, session) {
                    Some(value) => {
                        notes.grow(length(&value))?;
                        cooking.variable(&used.name, value, *quoting, role)?;
                    }
                    None => match bound.values.get(&used.name) {
                        Some(piece) => {
                            notes.grow(piece.text.len())?;
                            cooking.keep(Bit { piece: piece.clone(), hole: Some(used.name.clone()) });
                        }
                        None => {
                            if !notes.unbound.contains(&used.name) {
                                notes.unbound.push(used.name.clone());
                            }
                            cooking.present = true;
                        }
                    },
                }
            }
            Part::Variable(name, quoting) => {
                let Some(value) = session.value(name) else {
                    return Stop::outside(format!("it uses the shell's variable {name}, whose value is not known"));
                };
                notes.grow(length(&value))?;
                cooking.variable(name, value, *quoting, role)?;
            }
        }
    }
    cooking.end();
    Ok(cooking.words)
}

/// Bytes of a value; at least one, so that empty ones count too.
fn length(value: &[Bit]) -> usize {
    value.iter().map(|bit| bit.piece.text.len()).sum::<usize>().max(1)
}

/// The value that an earlier step gave the variable behind a parameter. What a person types for it goes first.
fn session_value(used: &ParamUse, bound: Bound<'_>, session: &Session) -> Option<Vec<Bit>> {
    let name = match used.form() {
        ParamForm::Variable => used.variable()?,
        ParamForm::Angle | ParamForm::Braces | ParamForm::Operand => return None,
    };
    let typed = bound.values.get(&used.name).is_some_and(|piece| piece.origin == Origin::Operator);
    if typed || !session.is_set_by_run(name) { None } else { session.value(name) }
}

struct Cooking {
    words: Vec<Cooked>,
    current: Cooked,
    /// Whether the present word stays even when it is empty.
    present: bool,
}

impl Cooking {
    fn keep(&mut self, bit: Bit) {
        self.present = self.present || !bit.piece.text.is_empty() || bit.hole.is_some();
        if let (Some(before), None) = (self.current.last_mut(), &bit.hole)
            && before.hole.is_none()
            && before.piece.origin == bit.piece.origin
        {
            before.piece.text.push_str(&bit.piece.text);
        } else if !bit.piece.text.is_empty() || bit.hole.is_some() {
            self.current.push(bit);
        }
    }

    fn end(&mut self) {
        if self.present {
            self.words.push(std::mem::take(&mut self.current));
        }
        self.present = false;
    }

    fn variable(&mut self, name: &str, value: Vec<Bit>, quoting: Quoting, role: Role) -> Result<(), Stop> {
        let splits = quoting == Quoting::Bare && role == Role::Argument;
        for bit in value {
            let bit = match bit.hole {
                None => Bit::written(bit.piece.text, Origin::Script),
                Some(_) => bit,
            };
            if splits && bit.hole.is_none() {
                self.split(name, &bit.piece.text)?;
            } else {
                self.keep(bit);
            }
        }
        Ok(())
    }

    /// Splits at blanks, as bash does with an unquoted variable.
    fn split(&mut self, name: &str, text: &str) -> Result<(), Stop> {
        if text.contains(['*', '?', '[', '\\']) {
            return Stop::outside(format!("the value of {name} has a file name pattern and stands without quotes"));
        }
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n');
        for (at, field) in text.split(blank).enumerate() {
            if at > 0 {
                self.end();
            }
            self.keep(Bit::written(field.to_owned(), Origin::Script));
        }
        Ok(())
    }
}

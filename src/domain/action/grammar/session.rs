//! What the shell of a script would remember while it reads on: variables and the directory.
//!
//! Owns: the table of variables, which of them are exported, and the present directory. Does not: expand words (see
//! `expand`).
//!
//! Invariant: a variable that bash itself gives a meaning is never in the table as set by a script.

use std::collections::BTreeMap;

use super::Stop;
use super::words::is_the_shells_own;
use crate::domain::action::container::OWN_DIRECTORY;
use crate::domain::action::script::{Leaves, SetVariable, logical};
use crate::domain::action::spec::{Origin, Piece, Word};
use crate::domain::procedure::variables::RunVariables;

/// Most variables of a script, those of its environment included; reading stays fast whatever a script sets.
const MAX_VARIABLES: usize = 1024;

/// What a script begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The directory, absolute, or [`OWN_DIRECTORY`] of a container.
    pub directory: String,
    /// The action's environment; a `$NAME` or `~` that nothing else sets is taken from it.
    pub environment: BTreeMap<String, String>,
    /// What earlier steps of the run have left.
    pub run: RunVariables,
}

impl Default for Surroundings {
    /// The root directory, and nothing else.
    fn default() -> Self {
        Self { directory: "/".to_owned(), environment: BTreeMap::new(), run: RunVariables::default() }
    }
}

/// A piece of an expanded word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bit {
    pub(super) piece: Piece,
    /// The parameter whose value it is; `None` for what an author wrote.
    pub(super) hole: Option<String>,
}

impl Bit {
    pub(super) const fn written(text: String, origin: Origin) -> Self {
        Self { piece: Piece { text, origin }, hole: None }
    }
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The action's own environment.
    Environment,
    /// An earlier step of the run.
    Run,
    /// This script.
    Script,
}

#[derive(Clone, Debug)]
struct Variable {
    value: Vec<Bit>,
    exported: bool,
    source: Source,
}

/// The state of the shell that there is none of.
#[derive(Clone, Debug)]
pub(super) struct Session {
    table: BTreeMap<String, Variable>,
    base: String,
    directory: Option<Vec<Bit>>,
    /// Whether this script changed it.
    moved: bool,
}

impl Session {
    pub(super) fn new(surroundings: &Surroundings) -> Self {
        let mut table = BTreeMap::new();
        for (name, value) in &surroundings.environment {
            let value = vec![Bit::written(value.clone(), Origin::Script)];
            table.insert(name.clone(), Variable { value, exported: true, source: Source::Environment });
        }
        for (name, variable) in surroundings.run.variables() {
            let exported = variable.exported || table.contains_key(name);
            let value = kept(name, &variable.value);
            table.insert(name.clone(), Variable { value, exported, source: Source::Run });
        }
        let directory = surroundings.run.directory().map(|word| kept("directory", word));
        Self { table, base: surroundings.directory.clone(), directory, moved: false }
    }

    /// The value of the variable `name`.
    pub(super) fn value(&self, name: &str) -> Option<Vec<Bit>> {
        match name {
            // In the directory of another host nothing is known.
            "PWD" if self.base.is_empty() || (self.base == OWN_DIRECTORY && self.directory.is_none()) => None,
            "PWD" => Some(self.directory.clone().unwrap_or_else(|| vec![self.base_bit()])),
            name => self.table.get(name).map(|variable| variable.value.clone()),
        }
    }

    /// Whether a script of the run has set `name`; the action's environment does not count.
    pub(super) fn is_set_by_run(&self, name: &str) -> bool {
        self.table.get(name).is_some_and(|variable| variable.source != Source::Environment)
    }

    /// `NAME=value`.
    pub(super) fn set(&mut self, name: &str, value: Vec<Bit>) -> Result<(), Stop> {
        if is_the_shells_own(name) {
            return Stop::outside(format!("it sets {name}, which changes how a shell reads what follows"));
        }
        let known = self.table.get(name);
        if known.is_none() && self.table.len() >= MAX_VARIABLES {
            return Stop::outside(format!("it sets more than {MAX_VARIABLES} variables"));
        }
        let exported = known.is_some_and(|variable| variable.exported);
        self.table.insert(name.to_owned(), Variable { value, exported, source: Source::Script });
        Ok(())
    }

    /// `export NAME`.
    pub(super) fn export(&mut self, name: &str) -> Result<(), Stop> {
        let Some(variable) = self.table.get_mut(name) else {
            return Stop::outside(format!("it exports {name}, which has no value yet"));
        };
        if !variable.exported {
            variable.exported = true;
            variable.source = Source::Script;
        }
        Ok(())
    }

    /// `cd`; the directory is taken from the words alone.
    pub(super) fn change_directory(&mut self, target: Vec<Bit>) -> Result<(), Stop> {
        let text: String = target.iter().map(|bit| bit.piece.text.as_str()).collect();
        let mut path = if text.starts_with('/') {
            Vec::new()
        } else if self.table.contains_key("CDPATH") {
            return Stop::outside("it changes to a directory that is looked for in CDPATH");
        } else if self.base == OWN_DIRECTORY && self.directory.is_none() {
            return Stop::outside(
                "it changes to a directory below the one that the container begins in, which is not known",
            );
        } else {
            let mut path = self.directory.clone().unwrap_or_else(|| vec![self.base_bit()]);
            path.push(Bit::written("/".to_owned(), Origin::Sop));
            path
        };
        path.extend(target);
        self.directory = Some(tidy(path));
        self.moved = true;
        Ok(())
    }

    fn base_bit(&self) -> Bit {
        Bit::written(self.base.clone(), Origin::Script)
    }

    /// The directory that a program would start in; `None` for the action's own.
    pub(super) fn directory(&self) -> Option<Word> {
        self.directory.as_deref().map(word_of)
    }

    /// The variables that programs get on top of the action's environment.
    pub(super) fn exports(&self) -> BTreeMap<String, Word> {
        let exported =
            self.table.iter().filter(|(_, variable)| variable.exported && variable.source != Source::Environment);
        exported.map(|(name, variable)| (name.clone(), word_of(&variable.value))).collect()
    }

    /// What this script leaves.
    pub(super) fn leaves(&self) -> Leaves {
        let set = self.table.iter().filter(|(_, variable)| variable.source == Source::Script);
        let variables = set.map(|(name, variable)| {
            (name.clone(), SetVariable { value: word_of(&variable.value), exported: variable.exported })
        });
        Leaves { variables: variables.collect(), directory: self.directory().filter(|_| self.moved) }
    }
}

/// Words of an earlier step: values stay values.
fn kept(name: &str, word: &Word) -> Vec<Bit> {
    let bits = word.pieces.iter().map(|piece| match &piece.origin {
        Origin::Sop | Origin::Script => Bit::written(piece.text.clone(), Origin::Script),
        Origin::Label(_) | Origin::Operator | Origin::Model => {
            Bit { piece: piece.clone(), hole: Some(name.to_owned()) }
        }
    });
    bits.collect()
}

/// A path without detours. Where a value is in a path with detours, all of it counts as that value: nobody else wrote what is
/// left of it.
fn tidy(mut path: Vec<Bit>) -> Vec<Bit> {
    if let Some(Bit { piece, hole: None }) = path.last_mut() {
        let kept = piece.text.trim_end_matches('/').len();
        piece.text.truncate(kept);
    }
    let text: String = path.iter().map(|bit| bit.piece.text.as_str()).collect();
    let tidied = logical(&text);
    if tidied == text {
        return path;
    }
    let foreign = path.iter().find(|bit| bit.hole.is_some()).cloned();
    let written = path.iter().all(|bit| bit.piece.origin == Origin::Sop);
    vec![match foreign {
        Some(Bit { piece, hole }) => Bit { piece: Piece { text: tidied, ..piece }, hole },
        None => Bit::written(tidied, if written { Origin::Sop } else { Origin::Script }),
    }]
}

/// The pieces together; what one author wrote in a row is one piece.
pub(super) fn word_of(bits: &[Bit]) -> Word {
    let mut pieces: Vec<Piece> = Vec::with_capacity(bits.len());
    for bit in bits.iter().filter(|bit| !bit.piece.text.is_empty()) {
        match pieces.last_mut() {
            Some(before) if bit.hole.is_none() && before.origin == bit.piece.origin => {
                before.text.push_str(&bit.piece.text);
            }
            _ => pieces.push(bit.piece.clone()),
        }
    }
    Word { pieces }
}

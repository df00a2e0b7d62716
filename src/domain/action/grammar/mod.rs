//! The command grammar: the part of shell that the program understands well enough to run without a shell.
//!
//! Owns: reading a script into argv words, pipelines and connectors, with the values of parameters as pieces of words, and what
//! it sets for itself and for later steps. Does not: find parameters (see `procedure::params`), judge risk (see `risk`) or
//! run anything.
//!
//! Inside: words, quotes, backslashes, continued lines, comments, pipes, `&&`, `||`, `;`, new lines, redirections to
//! /dev/null and between standard output and error; `NAME=value`, `export`, `NAME=value program`, `cd`, and `$NAME`, `${NAME}`
//! and `~` where their value is known. Everything else is outside, and so is everything in doubt.
//!
//! Invariants: a script that is inside gives exactly the argv words, directories and variables that bash would give it, in the
//! same order (`tests/runner/grammar_bash.rs` and `corpus_bash.rs` compare the two), as long as its directories are there: where
//! one is missing, nothing behind its `cd` runs. A value is never parsed: it cannot end a word, a quote or a command, cannot
//! become an option, and cannot become a part of a text that something else would parse, other than as a value there.

mod assembly;
mod expand;
mod lexer;
mod nested;
mod remote;
mod session;
mod values;
mod words;

use std::collections::BTreeMap;

use super::spec::{Piece, Script};
use crate::domain::procedure::params::ParamUse;
use assembly::Assembly;
use expand::Bound;
use values::Depth;

pub use remote::{Remote, remote, remote_script};
pub use session::Surroundings;
pub use values::{BadValue, value_for_bash};

/// Longest script that is read, in bytes. `bash -c` could not be given more than 128 KiB (the kernel's `MAX_ARG_STRLEN`).
pub const MAX_SCRIPT_BYTES: usize = 64 * 1024;

/// A script that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Inside the grammar: it runs without a shell.
    Argv(Script),
    /// Outside the grammar: only a shell can run it.
    Outside {
        /// What is outside, as the end of the sentence "it needs a shell: …".
        reason: String,
    },
}

/// Why a script cannot be run in any way, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// These parameters have no value; by name, in order of appearance.
    #[error("no value for: {}", .0.join(", "))]
    Unbound(Vec<String>),
    /// These values cannot stand where they would.
    #[error("{}", .0.iter().map(|bad| format!("{}: {}", bad.name, bad.problem)).collect::<Vec<_>>().join("; "))]
    BadValues(Vec<BadValue>),
    /// The script itself is broken, or too long.
    #[error("{0}")]
    Broken(String),
}

/// Why reading stopped early.
#[derive(Debug)]
enum Stop {
    Outside(String),
    Broken(String),
}

impl Stop {
    fn outside<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Outside(reason.into()))
    }

    fn broken<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Broken(reason.into()))
    }
}

/// Reads `script` on its own, as [`parse_in`] does.
///
/// # Errors
/// When a parameter has no value or an unusable one, or when no shell would run the script either.
pub fn parse(script: &str, uses: &[ParamUse], values: &BTreeMap<String, Piece>) -> Result<Parsed, GrammarError> {
    parse_in(script, uses, values, &Surroundings::default())
}

/// Reads `script`. `uses` are its parameters as [`params::find`](crate::domain::procedure::params::find) gives them,
/// `values` the pieces that take their place, by parameter name; `surroundings` is what else a shell would know.
///
/// # Errors
/// When a parameter has no value or an unusable one, or when no shell would run the script either.
pub fn parse_in(
    script: &str,
    uses: &[ParamUse],
    values: &BTreeMap<String, Piece>,
    surroundings: &Surroundings,
) -> Result<Parsed, GrammarError> {
    if script.len() > MAX_SCRIPT_BYTES {
        return Err(GrammarError::Broken(format!("the command is longer than {MAX_SCRIPT_BYTES} bytes")));
    }
    if script.contains('\0') {
        return Err(GrammarError::Broken("the command contains a NUL byte, which no program can be given".to_owned()));
    }
    let mut assembly = Assembly::new(Bound { uses, values }, surroundings, Depth::OWN);
    let end = match words::strange_character(script) {
        Some(reason) => Err(Stop::Outside(reason)),
        None => assembly.read(script),
    };
    match end {
        Err(Stop::Outside(reason)) => Ok(Parsed::Outside { reason }),
        Err(Stop::Broken(reason)) => Err(GrammarError::Broken(reason)),
        Ok(()) if !assembly.notes.unbound.is_empty() => Err(GrammarError::Unbound(assembly.notes.unbound)),
        Ok(()) if !assembly.bad.is_empty() => Err(GrammarError::BadValues(assembly.bad)),
        Ok(()) if assembly.is_nothing() => {
            Err(GrammarError::Broken("there is nothing in it that could run".to_owned()))
        }
        Ok(()) => Ok(Parsed::Argv(assembly.script())),
    }
}

#[cfg(test)]
mod tests;

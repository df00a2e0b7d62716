//! The command grammar: the part of shell that the program understands well enough to run without a shell.
//!
//! Owns: reading a script into argv words, pipelines and connectors, with the values of parameters as pieces of words.
//! Does not: find parameters (see `procedure::params`), judge risk (see `risk`) or run anything.
//!
//! Inside: words, quotes, backslashes, continued lines, comments, pipes, `&&`, `||`, `;`, new lines, redirections to
//! /dev/null and between standard output and error. Everything else is outside, and so is everything in doubt.
//!
//! Invariants: a script that is inside gives exactly the argv words that bash would give it, in the same order
//! (`tests/runner/grammar_bash.rs` compares the two). A value is never parsed: it cannot end a word, a quote or a command,
//! cannot become an option, and cannot become a part of a text that something else would parse.

mod lexer;
mod values;
mod words;

use std::collections::BTreeMap;

use super::spec::{Connector, Piece, Pipeline, Redirect, Script, Stage};
use crate::domain::procedure::params::ParamUse;
use lexer::{Lexer, RawWord, Token};

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

/// Reads `script`. `uses` are its parameters as [`params::find`](crate::domain::procedure::params::find) gives them,
/// `values` the pieces that take their place, by parameter name.
///
/// # Errors
/// When a parameter has no value or an unusable one, or when no shell would run the script either.
pub fn parse(script: &str, uses: &[ParamUse], values: &BTreeMap<String, Piece>) -> Result<Parsed, GrammarError> {
    if script.len() > MAX_SCRIPT_BYTES {
        return Err(GrammarError::Broken(format!("the command is longer than {MAX_SCRIPT_BYTES} bytes")));
    }
    if script.contains('\0') {
        return Err(GrammarError::Broken("the command contains a NUL byte, which no program can be given".to_owned()));
    }
    let mut assembly = Assembly::new(uses, values);
    let end = match words::strange_character(script) {
        Some(reason) => Err(Stop::Outside(reason)),
        None => assembly.read(script),
    };
    match end {
        Err(Stop::Outside(reason)) => Ok(Parsed::Outside { reason }),
        Err(Stop::Broken(reason)) => Err(GrammarError::Broken(reason)),
        Ok(()) if !assembly.unbound.is_empty() => Err(GrammarError::Unbound(assembly.unbound)),
        Ok(()) if !assembly.bad.is_empty() => Err(GrammarError::BadValues(assembly.bad)),
        Ok(()) if assembly.parts.is_empty() => {
            Err(GrammarError::Broken("there is nothing in it that could run".to_owned()))
        }
        Ok(()) => Ok(Parsed::Argv(Script { parts: assembly.parts })),
    }
}

/// What has to follow before the script may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A command may follow, or nothing.
    Any,
    /// A command has to follow (after `|`, `&&`, `||`).
    Command,
}

/// Puts tokens together to pipelines.
struct Assembly<'a> {
    uses: &'a [ParamUse],
    values: &'a BTreeMap<String, Piece>,
    parts: Vec<(Connector, Pipeline)>,
    /// How the pipeline being read is connected to the one before.
    connector: Option<Connector>,
    stages: Vec<Stage>,
    words: Vec<RawWord>,
    redirects: Vec<Redirect>,
    expect: Expect,
    unbound: Vec<String>,
    bad: Vec<BadValue>,
}

impl<'a> Assembly<'a> {
    const fn new(uses: &'a [ParamUse], values: &'a BTreeMap<String, Piece>) -> Self {
        Self {
            uses,
            values,
            parts: Vec::new(),
            connector: None,
            stages: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            expect: Expect::Any,
            unbound: Vec::new(),
            bad: Vec::new(),
        }
    }

    fn read(&mut self, script: &str) -> Result<(), Stop> {
        let mut lexer = Lexer::new(script, self.uses);
        loop {
            match lexer.next_token()? {
                Token::Word(word) => self.word(word)?,
                Token::Redirects(redirects) => {
                    self.redirects.extend(redirects);
                    self.expect = Expect::Any;
                }
                Token::Pipe => {
                    self.end_stage("|")?;
                    self.expect = Expect::Command;
                }
                Token::Connector(connector, sign) => {
                    self.end_pipeline(sign)?;
                    self.connector = Some(connector);
                    self.expect = if connector == Connector::Always { Expect::Any } else { Expect::Command };
                }
                Token::Newline if self.is_empty() => {}
                Token::Newline => {
                    self.end_pipeline("a new line")?;
                    self.connector = Some(Connector::Always);
                }
                Token::End if self.is_empty() && self.expect == Expect::Any => return Ok(()),
                Token::End => return self.end_pipeline("the end"),
            }
        }
    }

    /// Whether the stage being read has nothing in it.
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirects.is_empty()
    }

    fn word(&mut self, word: RawWord) -> Result<(), Stop> {
        if self.words.is_empty() {
            words::check_program(&word)?;
        }
        self.words.push(word);
        self.expect = Expect::Any;
        Ok(())
    }

    fn end_stage(&mut self, before: &str) -> Result<(), Stop> {
        if self.is_empty() {
            return Stop::broken(format!("a command is missing before {before}"));
        }
        let raw = std::mem::take(&mut self.words);
        let redirects = std::mem::take(&mut self.redirects);
        if raw.is_empty() {
            return Stop::outside("it redirects without a command");
        }
        let filled = values::fill(&raw, self.uses, self.values);
        for name in filled.unbound {
            if !self.unbound.contains(&name) {
                self.unbound.push(name);
            }
        }
        self.bad.extend(filled.bad);
        self.stages.push(Stage { argv: filled.argv, redirects });
        Ok(())
    }

    fn end_pipeline(&mut self, before: &str) -> Result<(), Stop> {
        self.end_stage(before)?;
        let connector = if self.parts.is_empty() { None } else { self.connector };
        let pipeline = Pipeline { stages: std::mem::take(&mut self.stages) };
        self.parts.push((connector.unwrap_or(Connector::Always), pipeline));
        self.connector = None;
        self.expect = Expect::Any;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Puts words together to pipelines, and follows what the script sets meanwhile.
//!
//! Owns: `NAME=value`, `export`, `cd`, connectors, and what of it holds for which program. Does not: split text (see `lexer`) or
//! expand words (see `expand`).
//!
//! Invariant: what a script sets has one value at each place, whatever its programs do; a script in which that depends on a
//! program is outside.

use std::collections::BTreeMap;

use super::expand::{Bound, Cooked, Notes, Role, expand};
use super::lexer::{Lexer, Part, Quoting, RawWord, Token, is_name};
use super::session::{Bit, Session, Surroundings, word_of};
use super::values::{self, BadValue, Depth};
use super::{Stop, words};
use crate::domain::action::spec::{Connector, Pipeline, Redirect, Script, Stage, Word};

/// What has to follow before the script may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A command may follow, or nothing.
    Any,
    /// A command has to follow (after `|`, `&&`, `||`).
    Command,
}

/// The commands since the last `;` or new line.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    /// A program of it runs, or may run.
    runs: bool,
    /// It changes the directory, which can fail.
    moves: bool,
    /// It sets something only when a program before succeeds.
    conditional: bool,
    /// Its last command sets something.
    just_set: bool,
}

/// A script in the making.
pub(super) struct Assembly<'a> {
    bound: Bound<'a>,
    session: Session,
    depth: Depth,
    parts: Vec<(Connector, Pipeline)>,
    /// How the pipeline being read is connected to the command before.
    connector: Connector,
    /// How the next program is connected to the program before.
    link: Connector,
    chain: Chain,
    stages: Vec<Stage>,
    /// The values in each of the stages, by the name of their parameter.
    stage_values: Vec<Vec<(String, String)>>,
    words: Vec<RawWord>,
    redirects: Vec<Redirect>,
    expect: Expect,
    sets: bool,
    pub(super) notes: Notes,
    pub(super) bad: Vec<BadValue>,
    /// For each value how it has been written, and what stands around it.
    pub(super) written: BTreeMap<String, Written>,
}

/// How a value stands in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) quoting: Quoting,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(bound: Bound<'a>, surroundings: &Surroundings, depth: Depth) -> Self {
        Self {
            bound,
            session: Session::new(surroundings),
            depth,
            parts: Vec::new(),
            connector: Connector::Always,
            link: Connector::Always,
            chain: Chain::default(),
            stages: Vec::new(),
            stage_values: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            expect: Expect::Any,
            sets: false,
            notes: Notes::new(),
            bad: Vec::new(),
            written: BTreeMap::new(),
        }
    }

    /// The script, when it has been read.
    pub(super) fn script(self) -> Script {
        let leaves = self.session.leaves();
        Script { parts: self.parts, leaves }
    }

    /// Whether it neither runs nor sets anything.
    pub(super) fn is_nothing(&self) -> bool {
        self.parts.is_empty() && self.session.leaves().is_empty()
    }

    /// Whether a variable or the directory is set by it.
    pub(super) const fn sets_anything(&self) -> bool {
        self.sets
    }

    pub(super) fn read(&mut self, script: &str) -> Result<(), Stop> {
        let mut lexer = Lexer::new(script, self.bound.uses);
        loop {
            match lexer.next_token()? {
                Token::Word(word) => {
                    self.words.push(word);
                    self.expect = Expect::Any;
                }
                Token::Redirects(redirects) => {
                    self.redirects.extend(redirects);
                    self.expect = Expect::Any;
                }
                Token::Pipe => {
                    self.end_stage("|")?;
                    self.expect = Expect::Command;
                }
                Token::Connector(connector, sign) => {
                    self.end_command(sign)?;
                    self.connect(connector)?;
                    self.expect = if connector == Connector::Always { Expect::Any } else { Expect::Command };
                }
                Token::Newline if self.is_empty() && self.stages.is_empty() => {}
                Token::Newline if self.is_empty() && self.expect == Expect::Command => {}
                Token::Newline => {
                    self.end_command("a new line")?;
                    self.connect(Connector::Always)?;
                }
                Token::End if self.is_empty() && self.stages.is_empty() && self.expect == Expect::Any => return Ok(()),
                Token::End => return self.end_command("the end"),
            }
        }
    }

    /// Whether the stage being read has nothing in it.
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirects.is_empty()
    }

    /// Takes note of the sign between two commands.
    fn connect(&mut self, connector: Connector) -> Result<(), Stop> {
        match connector {
            Connector::OrElse if self.chain.just_set || self.chain.conditional || self.chain.moves => {
                return Stop::outside("what follows || would run when a variable or the directory could not be set");
            }
            Connector::Always => {
                let conditional = self.chain.conditional;
                self.chain = Chain { conditional, ..Chain::default() };
            }
            Connector::AndThen | Connector::OrElse => {}
        }
        self.connector = connector;
        Ok(())
    }

    /// Ends a command: programs, or something that sets.
    fn end_command(&mut self, before: &str) -> Result<(), Stop> {
        if self.chain.conditional && self.connector == Connector::Always {
            return Stop::outside("it sets a variable or the directory only when a command before succeeds");
        }
        if self.stages.is_empty() && self.sets_something()? {
            self.chain.just_set = true;
            return Ok(());
        }
        self.end_stage(before)?;
        self.link = if self.chain.runs { self.connector } else { Connector::Always };
        let values = std::mem::take(&mut self.stage_values);
        self.bad.extend(values::check_piped(&self.stages, &values));
        let pipeline = Pipeline { stages: std::mem::take(&mut self.stages), directory: self.session.directory() };
        self.parts.push((self.link, pipeline));
        self.chain.runs = true;
        self.chain.just_set = false;
        self.expect = Expect::Any;
        Ok(())
    }

    /// Does what the words say when they set variables or the directory and run no program.
    fn sets_something(&mut self) -> Result<bool, Stop> {
        let Some(first) = self.words.first() else { return Ok(false) };
        let name = first.only_literal().unwrap_or_default();
        let setting = if self.words.iter().all(|word| word.assigns.is_some()) {
            Setting::Variables
        } else if name == "export" {
            Setting::Exports
        } else if name == "cd" {
            Setting::Directory
        } else {
            return Ok(false);
        };
        if !self.redirects.is_empty() {
            return Stop::outside("it redirects where a variable or the directory is set");
        }
        match self.connector {
            Connector::OrElse => {
                return Stop::outside("it sets a variable or the directory only when a command before fails");
            }
            Connector::AndThen if self.chain.runs => self.chain.conditional = true,
            Connector::AndThen | Connector::Always => {}
        }
        let words = std::mem::take(&mut self.words);
        match setting {
            Setting::Variables => words.iter().try_for_each(|word| self.set_variable(word).map(drop))?,
            Setting::Exports => self.export(words.get(1..).unwrap_or_default())?,
            Setting::Directory => self.change_directory(words.get(1..).unwrap_or_default())?,
        }
        self.sets = true;
        Ok(true)
    }

    /// Sets the variable of a word `NAME=value`; returns its name.
    fn set_variable(&mut self, word: &RawWord) -> Result<String, Stop> {
        let (name, value) = assignment(word, self.bound, &self.session, &mut self.notes)?;
        self.note_value(word, &value);
        self.session.set(&name, value)?;
        Ok(name)
    }

    /// Takes note of the values in `value`, which is set as it is.
    fn note_value(&mut self, word: &RawWord, value: &[Bit]) {
        self.bad.extend(values::check_value(value));
        let as_they_are = value.iter().filter_map(|bit| Some((bit.hole.clone()?, bit.piece.text.clone())));
        let as_they_are = as_they_are.collect();
        self.note_written(&[word], as_they_are);
    }

    /// Takes note of how the parameters in `words` are written, of which `texts` has the texts.
    fn note_written(&mut self, words: &[&RawWord], mut texts: BTreeMap<String, String>) {
        for part in words.iter().flat_map(|word| &word.parts) {
            if let Part::Parameter(index, quoting) = part
                && let Some(used) = self.bound.uses.get(*index)
                && let Some(text) = texts.remove(&used.name)
            {
                self.written.insert(used.name.clone(), Written { text, quoting: *quoting });
            }
        }
    }

    fn export(&mut self, words: &[RawWord]) -> Result<(), Stop> {
        if words.is_empty() {
            return Stop::outside("it lists what is exported");
        }
        for word in words {
            let name = match word.only_literal() {
                _ if word.assigns.is_some() => self.set_variable(word)?,
                Some(name) if is_name(&name) => name,
                Some(_) | None => return Stop::outside("it uses export with more than names and plain values"),
            };
            self.session.export(&name)?;
        }
        Ok(())
    }

    fn change_directory(&mut self, words: &[RawWord]) -> Result<(), Stop> {
        let words = match words {
            [first, rest @ ..] if first.only_literal().as_deref() == Some("--") => rest,
            words => words,
        };
        let mut targets = Vec::new();
        for word in words {
            targets.extend(expand(word, Role::Argument, self.bound, &self.session, &mut self.notes)?);
        }
        let target: Cooked = match targets.len() {
            0 if words.is_empty() => match self.session.value("HOME") {
                Some(home) => home,
                None => return Stop::outside("it changes to the home directory, which is not known"),
            },
            1 => targets.remove(0),
            _ if !self.notes.unbound.is_empty() => return Ok(()),
            _ => return Stop::outside("it uses cd with more than a directory"),
        };
        let text = word_of(&target).text();
        let written = target.first().is_some_and(|bit| bit.hole.is_none());
        if text.is_empty() || (written && text.starts_with('-')) {
            return Stop::outside("it uses cd with more than a directory");
        }
        self.bad.extend(values::check_argument(&target));
        self.chain.moves = true;
        self.session.change_directory(target)
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
        let prefix = raw.iter().take_while(|word| word.assigns.is_some()).count();
        let (settings, command) = raw.split_at(prefix);
        let Some(first) = command.first() else {
            return Stop::outside("it sets a variable in a pipeline or with a redirection, where it is lost");
        };
        let env = self.environment(settings)?;
        words::check_written(first)?;
        let mut cooked: Vec<Cooked> = Vec::with_capacity(command.len());
        for word in command {
            cooked.extend(expand(word, Role::Argument, self.bound, &self.session, &mut self.notes)?);
        }
        words::check_program(first, cooked.first())?;
        let values = cooked.iter().flatten().filter_map(|bit| Some((bit.hole.clone()?, bit.piece.text.clone())));
        self.stage_values.push(values.collect());
        let filled = values::fill(&cooked, self.depth);
        self.bad.extend(filled.bad);
        self.note_written(&command.iter().collect::<Vec<_>>(), filled.written);
        self.stages.push(Stage { argv: filled.argv, redirects, env });
        Ok(())
    }

    /// What a program gets that has `settings` before its name.
    fn environment(&mut self, settings: &[RawWord]) -> Result<BTreeMap<String, Word>, Stop> {
        let mut env = self.session.exports();
        self.notes.grow(env.iter().map(|(name, value)| name.len() + value.text().len()).sum())?;
        if settings.is_empty() {
            return Ok(env);
        }
        let mut inner = self.session.clone();
        for word in settings {
            let (name, value) = assignment(word, self.bound, &inner, &mut self.notes)?;
            self.note_value(word, &value);
            env.insert(name.clone(), word_of(&value));
            inner.set(&name, value)?;
        }
        Ok(env)
    }
}

/// Name and value of a word `NAME=value`, as they are in `session`.
fn assignment(
    word: &RawWord,
    bound: Bound<'_>,
    session: &Session,
    notes: &mut Notes,
) -> Result<(String, Vec<Bit>), Stop> {
    let literal = word.literal();
    let name = word.assigns.and_then(|length| literal.get(..length)).unwrap_or_default().to_owned();
    let mut value: Vec<Bit> = expand(word, Role::Value, bound, session, notes)?.into_iter().flatten().collect();
    // The name and its sign stand at the beginning of the first piece, since they are written without quotes.
    if let Some(first) = value.first_mut() {
        first.piece.text = first.piece.text.get(name.len() + 1..).unwrap_or_default().to_owned();
    }
    value.retain(|bit| bit.hole.is_some() || !bit.piece.text.is_empty());
    Ok((name, value))
}

/// What a command without a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Variables,
    Exports,
    Directory,
}

//! What a script does beside starting programs: variables that it sets, the directory that it changes to.
//!
//! Owns: what is left to later steps, every word of a script, and the remote part of an `ssh`. Does not: parse (see
//! `grammar`), print (see `print`) or remember anything (see `procedure::variables`).
//!
//! Invariant: everything that came into a script as a value is reached by [`Script::words`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spec::{Connector, Pipeline, Redirect, Script, Stage, Word};
use crate::domain::digest::FieldHasher;

/// A variable that a script has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetVariable {
    /// Its value.
    pub value: Word,
    /// Whether programs get it in their environment.
    pub exported: bool,
}

/// What a script that succeeded leaves to the later steps of its run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaves {
    /// Variables by name.
    pub variables: BTreeMap<String, SetVariable>,
    /// The directory that it changed to, absolute; `None` when it changed to none.
    pub directory: Option<Word>,
}

impl Leaves {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.directory.is_none()
    }
}

impl Stage {
    /// A program with its arguments and nothing else.
    #[must_use]
    pub fn new(argv: Vec<Word>) -> Self {
        Self { argv, ..Self::default() }
    }

    /// Its variables as the program gets them, on top of the action's environment.
    pub fn environment(&self) -> impl Iterator<Item = (&str, String)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.text()))
    }
}

impl Pipeline {
    /// Stages in the directory of the action.
    #[must_use]
    pub fn new(stages: Vec<Stage>) -> Self {
        Self { stages, directory: None }
    }
}

impl Script {
    /// A script that leaves nothing.
    #[must_use]
    pub fn new(parts: Vec<(Connector, Pipeline)>) -> Self {
        Self { parts, leaves: Leaves::default() }
    }

    /// Every stage, in order.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages)
    }

    /// Every word in it: arguments, variables and directories.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        let running = self.parts.iter().flat_map(|(_, pipeline)| {
            let words = pipeline.stages.iter().flat_map(|stage| stage.argv.iter().chain(stage.env.values()));
            words.chain(pipeline.directory.as_ref())
        });
        let left = self.leaves.variables.values().map(|variable| &variable.value);
        running.chain(left).chain(self.leaves.directory.as_ref())
    }

    /// As [`Script::words`], to change them.
    pub fn words_mut(&mut self) -> impl Iterator<Item = &mut Word> {
        let running = self.parts.iter_mut().flat_map(|(_, pipeline)| {
            let stages = pipeline.stages.iter_mut();
            let words = stages.flat_map(|stage| stage.argv.iter_mut().chain(stage.env.values_mut()));
            words.chain(pipeline.directory.as_mut())
        });
        let left = self.leaves.variables.values_mut().map(|variable| &mut variable.value);
        running.chain(left).chain(self.leaves.directory.as_mut())
    }

    /// Adds all of its meaning to `hasher`.
    pub(super) fn hash(&self, hasher: &mut FieldHasher) {
        count(hasher, self.parts.len());
        for (connector, pipeline) in &self.parts {
            hasher.number(*connector as i64);
            hash_optional(hasher, pipeline.directory.as_ref());
            count(hasher, pipeline.stages.len());
            for stage in &pipeline.stages {
                hash_stage(hasher, stage);
            }
        }
        count(hasher, self.leaves.variables.len());
        for (name, variable) in &self.leaves.variables {
            hasher.field(name.as_bytes());
            hasher.number(i64::from(variable.exported));
            hash_word(hasher, &variable.value);
        }
        hash_optional(hasher, self.leaves.directory.as_ref());
    }
}

fn count(hasher: &mut FieldHasher, number: usize) {
    hasher.number(i64::try_from(number).unwrap_or(i64::MAX));
}

fn hash_stage(hasher: &mut FieldHasher, stage: &Stage) {
    count(hasher, stage.argv.len());
    stage.argv.iter().for_each(|word| hash_word(hasher, word));
    count(hasher, stage.env.len());
    for (name, value) in &stage.env {
        hasher.field(name.as_bytes());
        hash_word(hasher, value);
    }
    count(hasher, stage.redirects.len());
    let redirects: &[Redirect] = &stage.redirects;
    redirects.iter().for_each(|redirect| hasher.number(*redirect as i64));
}

fn hash_word(hasher: &mut FieldHasher, word: &Word) {
    count(hasher, word.pieces.len());
    word.pieces.iter().for_each(|piece| super::spec::hash_piece(hasher, piece));
}

/// `None` and every word are told apart by the number before them.
fn hash_optional(hasher: &mut FieldHasher, word: Option<&Word>) {
    hasher.number(i64::from(word.is_some()));
    if let Some(word) = word {
        hash_word(hasher, word);
    }
}

/// An absolute path without `.`, `..`, doubled and trailing slashes, taken from the words alone, as `cd` does it in bash.
#[must_use]
pub fn logical(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::action::spec::Origin;

    #[rstest]
    #[case("/", "/")]
    #[case("/a/b", "/a/b")]
    #[case("/a/./b//c/", "/a/b/c")]
    #[case("/a/../b", "/b")]
    #[case("/../..", "/")]
    fn paths_are_taken_from_their_words(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(logical(path), expected);
    }

    #[test]
    fn every_word_is_reached_and_hashed() {
        let word = |text: &str| Word::new(text, Origin::Sop);
        let stage = Stage { env: BTreeMap::from([("A".to_owned(), word("env"))]), ..Stage::new(vec![word("argv")]) };
        let pipeline = Pipeline { directory: Some(word("/in")), ..Pipeline::new(vec![stage]) };
        let variable = SetVariable { value: word("set"), exported: false };
        let variables = BTreeMap::from([("B".to_owned(), variable)]);
        let leaves = Leaves { variables, directory: Some(word("/left")) };
        let script = Script { parts: vec![(Connector::Always, pipeline)], leaves };
        let texts: Vec<String> = script.words().map(Word::text).collect();
        assert_eq!(texts, ["argv", "env", "/in", "set", "/left"]);
        let digest = |script: &Script| {
            let mut hasher = FieldHasher::new("test");
            script.hash(&mut hasher);
            hasher.finish()
        };
        let before = digest(&script);
        for (at, text) in texts.iter().enumerate() {
            let mut other = script.clone();
            other.words_mut().nth(at).unwrap().pieces[0].text.push('x');
            assert_ne!(digest(&other), before, "{text}");
        }
        let mut exported = script;
        exported.leaves.variables.get_mut("B").unwrap().exported = true;
        assert_ne!(digest(&exported), before);
    }
}

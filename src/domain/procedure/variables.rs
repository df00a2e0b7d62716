//! What the steps of a run know of each other: variables and the directory.
//!
//! Owns: the state that a shell session would have carried from one step to the next. Does not: store it; it follows from the
//! steps that succeeded, in their order, so that it can never say anything else than what ran.
//!
//! Invariant: only what a step that succeeded has set is in it. What a script does through `bash` is not known and sets nothing.

use std::collections::BTreeMap;

use crate::domain::action::script::{Leaves, SetVariable};
use crate::domain::action::spec::{Invocation, Word};

/// Variables and the directory of a run, as its next step finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunVariables {
    variables: BTreeMap<String, SetVariable>,
    directory: Option<Word>,
}

impl RunVariables {
    /// What is left by these invocations, which have succeeded, the oldest first.
    #[must_use]
    pub fn after<'a>(succeeded: impl IntoIterator<Item = &'a Invocation>) -> Self {
        let mut run = Self::default();
        for invocation in succeeded {
            match invocation {
                Invocation::Argv { script } => run.leave(&script.leaves),
                Invocation::Bash { .. } => {}
            }
        }
        run
    }

    /// Takes over what a step left.
    pub fn leave(&mut self, leaves: &Leaves) {
        for (name, variable) in &leaves.variables {
            self.set(name, variable.clone());
        }
        if leaves.directory.is_some() {
            self.directory.clone_from(&leaves.directory);
        }
    }

    /// Sets the variable `name`.
    pub fn set(&mut self, name: &str, variable: SetVariable) {
        self.variables.insert(name.to_owned(), variable);
    }

    /// The variable `name`, spelled exactly so; `None` when no step has set it.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<&SetVariable> {
        self.variables.get(name)
    }

    /// All variables, by name.
    #[must_use]
    pub const fn variables(&self) -> &BTreeMap<String, SetVariable> {
        &self.variables
    }

    /// The directory that the run changed to, absolute; `None` when it is still where it began.
    #[must_use]
    pub const fn directory(&self) -> Option<&Word> {
        self.directory.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::spec::{Origin, Script};

    fn leaving(variables: &[(&str, &str)], directory: Option<&str>) -> Invocation {
        let word = |text: &str| Word::new(text, Origin::Sop);
        let set =
            |(name, text): &(&str, &str)| ((*name).to_owned(), SetVariable { value: word(text), exported: false });
        let leaves = Leaves { variables: variables.iter().map(set).collect(), directory: directory.map(word) };
        Invocation::Argv { script: Script { parts: Vec::new(), leaves } }
    }

    #[test]
    fn the_last_step_that_set_something_counts_and_bash_counts_for_nothing() {
        let bash = Invocation::Bash { script: "NS=c".to_owned(), reason: String::new(), values: BTreeMap::new() };
        let steps = [leaving(&[("NS", "a"), ("POD", "p")], Some("/srv")), leaving(&[("NS", "b")], None), bash];
        let run = RunVariables::after(&steps);
        let text = |name: &str| run.resolve(name).map(|variable| variable.value.text());
        assert_eq!([text("NS"), text("POD"), text("ns")], [Some("b".to_owned()), Some("p".to_owned()), None]);
        assert_eq!(run.directory().map(Word::text), Some("/srv".to_owned()));
        assert_eq!(RunVariables::after(&[]), RunVariables::default());
    }
}

//! Secrets that programs of an action get as a file, without anyone seeing them.
//!
//! Owns: which program gets which secret, and under which variable. Does not: hold a secret, or fetch one.
//!
//! Invariant: a program is known by the plain name under which PATH has it. Another file of the same name (`./psql`), a
//! shell, and what a program of another name starts, get nothing.

use serde::{Deserialize, Serialize};

use super::spec::{Execution, Invocation, Stage, Word};
use super::target::Target;
use crate::domain::digest::FieldHasher;

/// A secret that some programs get: a variable of their environment names a file that only they have open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedSecret {
    /// The name of the secret; what it is, is nowhere.
    pub name: String,
    /// The variable that names the file (`PGPASSFILE`).
    pub variable: String,
    /// Plain names of the programs that get it.
    pub programs: Vec<String>,
}

impl HandedSecret {
    /// Whether the program of `stage` gets it.
    #[must_use]
    pub fn is_for(&self, stage: &Stage) -> bool {
        stage.argv.first().map(Word::text).is_some_and(|name| self.programs.contains(&name))
    }

    /// Adds all of its meaning to `hasher`.
    pub(super) fn hash(&self, hasher: &mut FieldHasher) {
        hasher.field(b"secret");
        hasher.field(self.name.as_bytes());
        hasher.field(self.variable.as_bytes());
        hasher.number(i64::try_from(self.programs.len()).unwrap_or(i64::MAX));
        self.programs.iter().for_each(|program| hasher.field(program.as_bytes()));
    }
}

/// Those of `all` that a program of an action gets: none on another host, through bash or with the terminal.
#[must_use]
pub fn wanted(all: &[HandedSecret], invocation: &Invocation, target: &Target, mode: Execution) -> Vec<HandedSecret> {
    let (Invocation::Argv { script }, Execution::Supervised, true) = (invocation, mode, target.is_here()) else {
        return Vec::new();
    };
    let stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
    all.iter().filter(|secret| stages.clone().any(|stage| secret.is_for(stage))).cloned().collect::<Vec<_>>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::domain::action::grammar::{self, Parsed};

    fn invocation(script: &str) -> Invocation {
        match grammar::parse(script, &[], &BTreeMap::new()).unwrap() {
            Parsed::Argv(script) => Invocation::Argv { script },
            Parsed::Outside { reason } => {
                Invocation::Bash { script: script.to_owned(), reason, values: BTreeMap::new() }
            }
        }
    }

    #[rstest]
    #[case::alone("psql -c 'select 1'", true)]
    #[case::in_a_pipeline("echo a | psql", true)]
    #[case::another("echo psql", false)]
    #[case::another_file("./psql", false)]
    #[case::its_path("/usr/bin/psql", false)]
    #[case::below_another("sudo psql", false)]
    #[case::in_a_shell("for x in 1; do psql; done", false)]
    fn only_a_program_of_that_name_gets_it(#[case] script: &str, #[case] expected: bool) {
        let all = [HandedSecret { name: "db".into(), variable: "PGPASSFILE".into(), programs: vec!["psql".into()] }];
        let here = Target::ThisHost { name: "web-1".to_owned() };
        let of = |target: &Target, mode| !wanted(&all, &invocation(script), target, mode).is_empty();
        assert_eq!(of(&here, Execution::Supervised), expected);
        let there = Target::Ssh(super::super::target::SshHost::parse("db-1").unwrap());
        assert!(!of(&there, Execution::Supervised) && !of(&here, Execution::Interactive));
    }
}

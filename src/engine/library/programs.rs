//! Which programs the commands of a library call, so that a person can see beforehand what is not installed.
//!
//! Owns: collecting their names. Does not: look for them. What the restricted grammar does not read is left out: what a shell
//! would call is not known from its words.

use std::collections::{BTreeMap, BTreeSet};

use super::Library;
use crate::domain::action::grammar::{Parsed, parse};
use crate::domain::action::spec::{Origin, Piece};
use crate::domain::id::SopId;
use crate::domain::procedure::{NodeKind, Shell, params};

impl Library {
    /// Programs by name, each with the SOPs whose commands call it.
    #[must_use]
    pub fn programs(&self) -> BTreeMap<String, BTreeSet<SopId>> {
        let mut programs: BTreeMap<String, BTreeSet<SopId>> = BTreeMap::new();
        for summary in self.summaries() {
            let Some(document) = self.get(&summary.id) else { continue };
            for node in &document.procedure.nodes {
                let NodeKind::Command { script, shell: Shell::Sh, .. } = &node.kind else { continue };
                for program in called(script) {
                    programs.entry(program).or_default().insert(summary.id.clone());
                }
            }
        }
        programs
    }
}

/// The programs that a command calls by name.
fn called(script: &str) -> Vec<String> {
    let uses = params::find(script);
    // Which values it has makes no difference to what is called; a parameter that is the program itself names none.
    let value = |name: &str| (name.to_owned(), Piece { text: "1".to_owned(), origin: Origin::Operator });
    let values = uses.iter().map(|used| value(&used.name)).collect();
    let Ok(Parsed::Argv(script)) = parse(script, &uses, &values) else { return Vec::new() };
    let stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
    let programs = stages.filter_map(|stage| match stage.argv.first()?.pieces.as_slice() {
        [Piece { text, origin: Origin::Sop }] if !text.contains('/') => Some(text.clone()),
        _ => None,
    });
    programs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_counts_and_what_a_shell_would_run_does_not() {
        assert_eq!(called("du -xh <mountpoint> | sort -h && kubectl get pods"), ["du", "sort", "kubectl"]);
        assert_eq!(called("<tool> --help"), [""; 0]);
        assert_eq!(called("/opt/x/y run"), [""; 0]);
        assert_eq!(called("for i in a b; do echo $i; done"), [""; 0]);
    }

    #[test]
    fn the_bundled_documents_call_df_and_it_is_known_where() {
        let programs = Library::bundled().programs();
        assert!(programs["df"].contains(&SopId::from("bundled/disk-full.md")), "{programs:?}");
    }
}

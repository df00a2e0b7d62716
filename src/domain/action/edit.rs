//! Editing a proposal: what a person types in the place of its command becomes a new action.
//!
//! Owns: which words of the new command count as typed, and what may be edited. Does not: approve anything, or store the
//! answer; the new action has a proposal and a review of its own.
//!
//! Invariants: a word keeps its origin only where the same word stood in the command before, in the same order; every other
//! one is the person's. Risk, confinement and digest are made anew from the new words. Nothing is left of an approval.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::build::{self, BuildError, BuildRequest};
use super::proposal::{Proposal, ProposalState};
use super::spec::{ActionSpec, Invocation, Origin, Word};
use crate::domain::alert::Labels;
use crate::domain::digest::FieldHasher;
use crate::domain::id::ProposalId;
use crate::domain::incident::Refusal;
use crate::domain::procedure::params;
use crate::domain::procedure::variables::RunVariables;

/// Comparisons of words at most; what lies beyond counts as typed.
const MOST_COMPARISONS: usize = 1_000_000;

const WHAT: &str = "Not edited";

/// Whose words took the place of those of another proposal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edited {
    /// The proposal that they read.
    pub from: ProposalId,
    /// Login name of the person.
    pub by: String,
}

impl Edited {
    /// Adds all of its meaning to `hasher`.
    pub(super) fn hash(&self, hasher: &mut FieldHasher) {
        hasher.field(b"edited");
        hasher.number(self.from.0);
        hasher.field(self.by.as_bytes());
    }
}

/// May the command of `proposal` be edited?
///
/// # Errors
/// A [`Refusal`] with the reason and what the person can do.
pub fn decide_edit(proposal: &Proposal) -> Result<(), Refusal> {
    if proposal.state != ProposalState::Pending {
        let why = "it does not wait for an answer any more";
        return Err(Refusal::new(WHAT, why, "Look at the step for what came of it, or propose it again"));
    }
    if proposal.spec.step.is_of_program() {
        let why = "the command is one that aiops made from what you asked for";
        return Err(Refusal::new(WHAT, why, "Reject it, and ask for something else"));
    }
    Ok(())
}

/// Values that a person had typed for shell variables of `before`, for the variables that `script` still has.
#[must_use]
pub fn typed_before(before: &ActionSpec, script: &str) -> BTreeMap<String, String> {
    let Invocation::Bash { values, .. } = &before.invocation else { return BTreeMap::new() };
    let typed = |variable: &str| values.get(variable).filter(|piece| piece.origin == Origin::Operator);
    let uses = params::find(script);
    uses.iter().filter_map(|used| Some((used.name.clone(), typed(used.variable()?)?.text.clone()))).collect()
}

/// Builds the action that `request` asks for, whose script is what a person made of `before`.
///
/// # Errors
/// [`BuildError`] as [`build::build_in_run`]; also when nothing was changed, or a label that `before` uses has another value.
pub fn build_edited(
    request: BuildRequest<'_>,
    run: &RunVariables,
    before: &ActionSpec,
    edited: Edited,
) -> Result<ActionSpec, BuildError> {
    check(request.script, request.labels, before)?;
    let spec = build::build_marked(request, run, |after| marked(after, &before.invocation))?;
    if spec.invocation == before.invocation && spec.mode == before.mode {
        return Err(unchanged());
    }
    Ok(ActionSpec { edited: Some(edited), ..spec })
}

fn check(script: &str, labels: &Labels, before: &ActionSpec) -> Result<(), BuildError> {
    if script.trim() == before.command_line().trim() {
        return Err(unchanged());
    }
    match before.labels_used.iter().find(|(name, value)| labels.get(*name) != Some(*value)) {
        None => Ok(()),
        Some((name, _)) => {
            let why = format!("the alert's label {name} changed");
            Err(BuildError::NotRunnable(Refusal::new(WHAT, why, "Propose the step again")))
        }
    }
}

fn unchanged() -> BuildError {
    let remedy = "Change a word, or go back to the review of the command as it is";
    BuildError::NotRunnable(Refusal::new(WHAT, "the command is the same as before", remedy))
}

/// `after` with its words marked: those that `before` has keep their origins, the others are typed.
fn marked(mut after: Invocation, before: &Invocation) -> Invocation {
    let known: Vec<&Word> = match before {
        Invocation::Argv { script } => script.words().collect(),
        Invocation::Bash { .. } => Vec::new(),
    };
    if let Invocation::Argv { script } = &mut after {
        let mut words: Vec<&mut Word> = script.words_mut().collect();
        let texts: Vec<String> = words.iter().map(|word| word.text()).collect();
        let kept = alignment(&known.iter().map(|word| word.text()).collect::<Vec<_>>(), &texts);
        for (word, kept) in words.iter_mut().zip(kept) {
            match kept.and_then(|at| known.get(at)) {
                Some(known) => word.pieces.clone_from(&known.pieces),
                None => word.pieces.iter_mut().for_each(|piece| match piece.origin {
                    Origin::Sop | Origin::Model => piece.origin = Origin::Operator,
                    // What stands for a parameter or a variable is still not the person's text.
                    Origin::Label(_) | Origin::Operator | Origin::Script => {}
                }),
            }
        }
    }
    after
}

/// For each of `after` which of `before` it is: a longest common subsequence.
fn alignment(before: &[String], after: &[String]) -> Vec<Option<usize>> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (old, new) = (before.get(head..).unwrap_or_default(), after.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (middle_old, middle_new) = (old.len() - tail, new.len() - tail);
    let mut kept: Vec<Option<usize>> = (0..head).map(Some).collect();
    let old_words = old.get(..middle_old).unwrap_or_default();
    let new_words = new.get(..middle_new).unwrap_or_default();
    kept.extend(common(old_words, new_words).into_iter().map(|at| at.map(|at| at + head)));
    kept.extend((before.len() - tail..before.len()).map(Some));
    kept
}

/// [`alignment`] of words that differ at both ends.
fn common(before: &[String], after: &[String]) -> Vec<Option<usize>> {
    let (rows, columns) = (before.len(), after.len());
    if rows.saturating_mul(columns) > MOST_COMPARISONS {
        return vec![None; columns];
    }
    let width = columns + 1;
    // How long a common subsequence of what is left from here on is.
    let mut longest = vec![0_u32; (rows + 1) * width];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let place = row * width + column;
            longest[place] = if before[row] == after[column] {
                longest[place + width + 1] + 1
            } else {
                longest[place + width].max(longest[place + 1])
            };
        }
    }
    let (mut row, mut kept) = (0, vec![None; columns]);
    for (column, slot) in kept.iter_mut().enumerate() {
        while row < rows
            && before[row] != after[column]
            && longest[(row + 1) * width + column] == longest[row * width + column]
        {
            row += 1;
        }
        if row < rows && before[row] == after[column] {
            *slot = Some(row);
            row += 1;
        }
    }
    kept
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

//! Choosing a branch of a question by evidence.
//!
//! Owns: when exactly one branch follows from the evidence. Does not: evaluate single conditions (see `condition`) or decide
//! for a person.
//!
//! Invariant: a branch is chosen only when every written condition has an answer and they leave exactly one branch. A
//! document that says nothing about the other case leaves its implicit branch.

use super::condition::{Condition, evaluate};
use super::evidence::{Facts, Proof};
use super::item::Fork;
use super::lines::LineCount;
use crate::domain::id::NodeId;
use crate::domain::procedure::BranchOrigin;

/// A branch that follows from the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The branch.
    pub branch: NodeId,
    /// What it rests on.
    pub proof: Proof,
}

/// Answers that a document gives to its question in one word.
const YES: &[&str] = &["yes", "so", "true", "it is", "it does", "they are", "they do"];
const NO: &[&str] = &["no", "not", "false", "it is not", "it does not", "they are not", "they do not"];

/// The condition of a branch, where the question itself may be the condition.
fn condition_of(question: &str, fork: &Fork) -> Option<Condition> {
    let written = fork.condition.trim().trim_end_matches(['.', ',', ':']).to_lowercase();
    if YES.contains(&written.as_str()) {
        return Condition::parse(question);
    }
    if NO.contains(&written.as_str()) {
        return Condition::parse(question).map(Condition::negated);
    }
    Condition::parse(&fork.condition)
}

/// Whether rules read every written condition, so that it is the evidence's fault when nothing can be chosen.
#[must_use]
pub fn is_readable(question: &str, forks: &[Fork]) -> bool {
    let mut written = forks.iter().filter(|fork| fork.origin == BranchOrigin::Explicit).peekable();
    written.peek().is_some() && written.all(|fork| condition_of(question, fork).is_some())
}

/// What a question asks of logs; `None` unless every written condition is about one.
#[must_use]
pub fn about_logs(question: &str, forks: &[Fork]) -> Option<Vec<LineCount>> {
    let written = forks.iter().filter(|fork| fork.origin == BranchOrigin::Explicit);
    let questions = written.map(|fork| match condition_of(question, fork)? {
        Condition::Lines(asked) => Some(asked),
        // "It does not" of a condition that was turned around.
        Condition::Not(inner) => match *inner {
            Condition::Lines(asked) => Some(asked),
            _ => None,
        },
        _ => None,
    });
    questions.collect::<Option<Vec<_>>>().filter(|questions| !questions.is_empty())
}

/// Chooses the branch that follows from `facts`.
///
/// # Errors
/// Why the question is for a person, as a clause.
pub fn choose(question: &str, forks: &[Fork], facts: &Facts<'_>) -> Result<Chosen, String> {
    let mut holding: Vec<(&Fork, Proof)> = Vec::new();
    let mut against: Option<Proof> = None;
    let (written, others): (Vec<&Fork>, Vec<&Fork>) =
        forks.iter().partition(|fork| fork.origin == BranchOrigin::Explicit);
    if written.is_empty() {
        return Err("the question has no written condition".to_owned());
    }
    for fork in written {
        let condition =
            condition_of(question, fork).ok_or_else(|| format!("no rule reads the condition {:?}", fork.condition))?;
        let finding = evaluate(&condition, facts)?;
        if finding.holds {
            holding.push((fork, finding.proof));
        } else {
            against.get_or_insert(finding.proof);
        }
    }
    match (holding.as_slice(), others.as_slice(), against) {
        ([(fork, proof)], ..) => Ok(Chosen { branch: fork.node.clone(), proof: proof.clone() }),
        ([], [other], Some(proof)) => Ok(Chosen { branch: other.node.clone(), proof }),
        ([], [], _) => Err("no condition holds, and the document has no other case".to_owned()),
        ([], ..) => Err("no condition holds, and the document has several other cases".to_owned()),
        _ => Err("more than one condition holds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::attempt::Outcome;
    use crate::domain::id::AttemptId;
    use crate::domain::run::evidence::OutputText;

    fn fork(node: &str, condition: &str, origin: BranchOrigin) -> Fork {
        Fork { node: node.into(), condition: condition.to_owned(), origin }
    }

    fn chosen(question: &str, forks: &[Fork], output: &str) -> Result<String, String> {
        let (outcome, output) = (Outcome::Exited { code: 0 }, OutputText { text: output.to_owned(), whole: true });
        let facts = Facts::Attempt { attempt: AttemptId(1), outcome: &outcome, output: Some(&output) };
        choose(question, forks, &facts).map(|chosen| chosen.branch.0)
    }

    fn yes_and_otherwise() -> Vec<Fork> {
        vec![fork("y", "yes", BranchOrigin::Explicit), fork("n", "", BranchOrigin::Otherwise)]
    }

    #[test]
    fn the_question_is_the_condition_of_yes_and_of_no() {
        assert_eq!(chosen("Is usage above 95 %?", &yes_and_otherwise(), "98%"), Ok("y".to_owned()));
        assert_eq!(chosen("Is usage above 95 %?", &yes_and_otherwise(), "12%"), Ok("n".to_owned()));
        let forks = [fork("y", "yes", BranchOrigin::Explicit), fork("n", "no", BranchOrigin::Explicit)];
        assert_eq!(chosen("Is usage above 95 %?", &forks, "12%"), Ok("n".to_owned()));
    }

    #[test]
    fn a_case_that_the_document_does_not_mention_is_its_implicit_branch() {
        let forks =
            [fork("a", "usage is above 95 %", BranchOrigin::Explicit), fork("rest", "", BranchOrigin::ImplicitElse)];
        assert_eq!(chosen("Usage is above 95 %?", &forks, "97%"), Ok("a".to_owned()));
        assert_eq!(chosen("Usage is above 95 %?", &forks, "40%"), Ok("rest".to_owned()));
    }

    #[test]
    fn one_condition_that_nobody_reads_leaves_all_to_a_person() {
        let forks = [
            fork("a", "usage is above 95 %", BranchOrigin::Explicit),
            fork("b", "the owner agrees", BranchOrigin::Explicit),
        ];
        assert!(chosen("?", &forks, "97%").unwrap_err().contains("the owner agrees"));
    }

    #[test]
    fn two_conditions_that_hold_or_none_without_another_case_are_for_a_person() {
        let forks = [
            fork("a", "usage is above 90 %", BranchOrigin::Explicit),
            fork("b", "usage is above 95 %", BranchOrigin::Explicit),
        ];
        assert!(chosen("?", &forks, "97%").unwrap_err().contains("more than one"));
        assert_eq!(chosen("?", &forks, "92%"), Ok("a".to_owned()));
        assert!(chosen("?", &forks, "10%").unwrap_err().contains("no other case"));
        assert!(chosen("?", &[], "10%").is_err());
    }
}

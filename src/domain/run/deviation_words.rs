//! Deviations in words: what was done otherwise, and what a person can do about it.
//!
//! Owns: the sentences. Does not: find deviations (see `deviation`), or escape foreign text; whoever shows it does.

use std::time::Duration;

use super::Run;
use super::deviation::Deviation;
use super::item::{ItemId, ItemKind};
use crate::domain::id::NodeId;

impl Deviation {
    /// What was done otherwise, as a clause. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> String {
        let step = |item: &ItemId| step(run, *item);
        match self {
            Self::Skipped { item, reason } => format!("{} was left out ({reason})", step(item)),
            Self::Reordered { item, first } => format!("{} was done before {}", step(first), step(item)),
            Self::Edited { item, attempt: None, .. } => format!("{} was done by hand, not as written", step(item)),
            Self::Edited { item, attempt: Some(attempt), written, ran } => {
                format!("{} ran as `{ran}` [E{attempt}], written is `{written}`", step(item))
            }
            Self::Added { attempt: Some(attempt), what, .. } => {
                format!("`{what}` was run beside the run [E{attempt}]")
            }
            Self::Added { attempt: None, what, .. } => format!("\"{what}\" was put in"),
            Self::Repeated { item, attempt: Some(attempt) } => format!("{} was run again [E{attempt}]", step(item)),
            Self::Repeated { item, attempt: None } => format!("{} is to be done again", step(item)),
            Self::WrongBranch { item, taken, evident, proof, attempt } => {
                let (taken, evident) = (label(run, *item, taken), label(run, *item, evident));
                let how = match attempt {
                    Some(attempt) => format!("a command of \"{taken}\" was run [E{attempt}]"),
                    None => format!("\"{taken}\" was taken"),
                };
                format!("at {} {how}, and the evidence says \"{evident}\": {}", step(item), proof.words())
            }
            Self::UnexpectedExit { item, attempt, outcome } => {
                format!("{} ended with {} [E{attempt}]", step(item), outcome.label())
            }
            Self::UnexpectedOutput { item, question, why } => {
                format!("{} does not answer {}: {why}", step(item), step(question))
            }
            Self::Slow { item, attempt, took_ms, usual_ms, earlier } => {
                let (took, usual) = (seconds(*took_ms), seconds(*usual_ms));
                format!("{} took {took} [E{attempt}]; of {earlier} earlier ones 95 % took at most {usual}", step(item))
            }
        }
    }

    /// What a person can do about it, as a sentence.
    #[must_use]
    pub fn correction(&self, run: &Run) -> String {
        match self {
            Self::Skipped { item, .. } if run.state.is_over() => {
                format!("Do step {} in another run when it is still needed, or say in a note why it is not.", item)
            }
            Self::Skipped { item, .. } => {
                format!("Repeat step {} to take it up again; when it is never needed, take it out of the SOP.", item)
            }
            Self::Reordered { item, .. } => {
                format!("Go back to step {}, or say in the run why it is not needed.", item)
            }
            Self::Edited { item, attempt: None, .. } => {
                format!("Note what was done for step {}: its output cannot decide anything.", item)
            }
            Self::Edited { item, .. } => {
                format!("See that it did what step {} is for; when it is better so, correct the SOP.", item)
            }
            Self::Added { .. } => {
                "Say in a note what it was for; when it is needed each time, add it to the SOP.".to_owned()
            }
            Self::Repeated { item, .. } => {
                format!("See why once was not enough; when that is usual, have step {} say until when.", item)
            }
            Self::WrongBranch { item, evident, .. } => {
                let evident = label(run, *item, evident);
                format!("Ask step {} again and take \"{evident}\", or say in a note why the evidence is wrong.", item)
            }
            Self::UnexpectedExit { item, attempt, .. } => {
                format!("Read E{attempt}; then repeat step {}, or skip it with the reason.", item)
            }
            Self::UnexpectedOutput { question, .. } => {
                format!("Answer step {} yourself; then have the SOP ask for what is really printed.", question)
            }
            Self::Slow { attempt, .. } => {
                format!("See in E{attempt} what it waited for, and whether what it asks is overloaded.")
            }
        }
    }
}

/// An item as people call it.
fn step(run: &Run, id: ItemId) -> String {
    let title = run.item(id).map_or("", |item| item.title.as_str());
    format!("step {id} \"{title}\"")
}

/// A branch of a question as people call it.
pub(super) fn label(run: &Run, question: ItemId, branch: &NodeId) -> String {
    match run.item(question).map(|item| &item.kind) {
        Some(ItemKind::Decision { forks, .. }) => {
            let fork = forks.iter().find(|fork| fork.node == *branch);
            fork.map_or_else(String::new, |fork| fork.label().to_owned())
        }
        _ => String::new(),
    }
}

fn seconds(millis: u64) -> String {
    format!("{:.1} s", Duration::from_millis(millis).as_secs_f64())
}

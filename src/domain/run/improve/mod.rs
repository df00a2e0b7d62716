//! Improving an SOP from the history of its runs: what was found, and a patch of the document that a person may take.
//!
//! Owns: the findings, how many runs they need, and the edits that follow from them. Counting is in `counts`, words of people
//! become the words of a document in `generalise`, edits become lines in `surgery`, `outline` says what tree has to come of
//! them, and `diff` prints. Does not: read or write files, or change a document by itself; a patch is text until a person
//! applies it.
//!
//! Invariants: the same document and runs give the same findings and the same patch. A patched document parses to exactly
//! the tree that its edits mean, with no more diagnostics than before; an edit of which that is not true is left out and
//! said. What ran in one place never gets into a document with the names of that place: values of labels become parameters
//! again, other names become placeholders, and what holds a secret is not patched at all.

mod counts;
pub mod diff;
mod generalise;
mod outline;
mod patch;
mod surgery;
#[cfg(test)]
mod tests;
mod tokens;

use serde::Serialize;

use super::statistics::RunStory;
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{Invocation, Origin, Piece};
use crate::domain::alert::Labels;
use crate::domain::id::{NodeId, RunId};
use crate::domain::procedure::{Procedure, Shell, params};
use crate::domain::time::Timestamp;

pub use generalise::{Refused, generalise, in_general};
pub use patch::{Patch, digest_of, propose};

/// So many runs have to show something before a patch follows from it. Five of five that do the same by chance, where in
/// truth it is a matter of taste, happen once in 32 times; of four it would be once in 16.
pub const LEAST_RUNS: usize = 5;

/// In so large a share of the runs it has to be seen, in percent: what is not so in one of three runs is a matter of the
/// case, and the document is right to leave it to the person.
pub const LEAST_PERCENT: usize = 67;

/// What is seen in fewer runs is not even told: once is an accident.
pub const LEAST_TOLD: usize = 2;

/// A document and its text.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The tree.
    pub procedure: &'a Procedure,
    /// The text, byte for byte what the tree was read from.
    pub source: &'a str,
}

/// A run with what its history is read with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The run and what happened to it.
    pub told: RunStory,
    /// The labels of the alert that it was for. Foreign text.
    pub labels: Labels,
}

/// A run in which something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Which run.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
}

/// What sort of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A step is left out.
    Skipped,
    /// A step is done with other words, the same each time.
    Edited,
    /// A command is done by hand, not as written.
    ByHand,
    /// Steps are done in another order.
    Reordered,
    /// Something is done that the document does not have.
    Added,
    /// Something changes and nothing verifies it, or what verified it is not in the document.
    NotVerified,
    /// A step is done more than once.
    Repeated,
    /// A branch was never taken.
    NeverTaken,
    /// A branch is taken against the evidence.
    WrongBranch,
    /// A command ends otherwise than expected.
    UnexpectedExit,
    /// An output does not answer the question behind it.
    UnexpectedOutput,
    /// A step takes longer than the document says.
    TooLong,
}

impl FindingKind {
    /// A word or two for screens; in JSON with `_` for a blank.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Edited => "edited",
            Self::ByHand => "by hand",
            Self::Reordered => "reordered",
            Self::Added => "added",
            Self::NotVerified => "not verified",
            Self::Repeated => "repeated",
            Self::NeverTaken => "never taken",
            Self::WrongBranch => "wrong branch",
            Self::UnexpectedExit => "unexpected exit",
            Self::UnexpectedOutput => "unexpected output",
            Self::TooLong => "too long",
        }
    }
}

/// A step that a document does not have yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewStep {
    /// What it says, as Markdown that ends with a colon.
    pub title: String,
    /// What is run or asked.
    pub script: String,
    /// In which language: `Sh` or `Promql`.
    pub shell: Shell,
}

/// Where a step goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "place", content = "node", rename_all = "snake_case")]
pub enum Place {
    /// Behind the item of a list that this node stands in.
    After(NodeId),
    /// Into a section for verification, which the document does not have.
    NewVerification,
}

/// A change of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum SopEdit {
    /// Other words for a command.
    Command {
        /// Its node.
        node: NodeId,
        /// The words.
        script: String,
    },
    /// The item of a list that this node stands in is taken out.
    Remove {
        /// The node.
        node: NodeId,
    },
    /// The item of a list that a node stands in is put before another one of the same list.
    Move {
        /// The node.
        node: NodeId,
        /// A node of the other item.
        before: NodeId,
    },
    /// A step is put in.
    Insert {
        /// Where.
        place: Place,
        /// What.
        step: NewStep,
    },
    /// A time that is written in the item that a node stands in.
    Limit {
        /// The node.
        node: NodeId,
        /// As written (`2 minutes`).
        from: String,
        /// As it is to be.
        to: String,
    },
}

/// What can be done about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// This change of the document.
    Patch {
        /// The change.
        edit: SopEdit,
        /// The risk of a command that would be written, and of the one that stands there now, if there is one.
        risk: Option<(Risk, Option<Risk>)>,
    },
    /// Nothing that a program could write.
    Told {
        /// Why, as a clause.
        why: String,
    },
}

/// Something that the runs of a document have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its number, from 1: what is taken or left is named by it.
    pub number: usize,
    /// What sort of thing it is.
    pub kind: FindingKind,
    /// The node of the document.
    pub node: Option<NodeId>,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// What was found, as a sentence. May contain foreign text.
    pub words: String,
    /// In so many runs.
    pub seen: usize,
    /// Of so many in which it could have been.
    pub of: usize,
    /// The runs in which it was seen, oldest first.
    pub sightings: Vec<Sighting>,
    /// What can be done about it.
    pub correction: Correction,
}

impl Finding {
    /// Whether a patch follows from it.
    #[must_use]
    pub const fn is_patch(&self) -> bool {
        matches!(self.correction, Correction::Patch { .. })
    }
}

/// What the runs of `document` have in common. A patch that cannot be applied to it alone is told instead.
#[must_use]
pub fn findings(document: Document<'_>, runs: &[Past]) -> Vec<Finding> {
    let mut found = counts::of(document, runs);
    found.sort_by_key(|finding| (finding.line.unwrap_or(u32::MAX), finding.kind));
    for (at, finding) in found.iter_mut().enumerate() {
        finding.number = at + 1;
        if let Correction::Patch { edit, .. } = &finding.correction
            && let Err(why) = patch::try_edits(document, &[edit])
        {
            finding.correction = Correction::Told { why };
        }
    }
    found
}

/// Whether so many of so many are enough for a patch.
#[must_use]
pub(super) const fn is_enough(seen: usize, of: usize) -> bool {
    seen >= LEAST_RUNS && seen * 100 >= of * LEAST_PERCENT
}

/// The risk of a command as a document has it, with any value for each parameter.
#[must_use]
pub fn risk_of(script: &str) -> Risk {
    let uses = params::find(script);
    let any = || Piece { text: "value1".to_owned(), origin: Origin::Operator };
    let values = uses.iter().map(|used| (used.name.clone(), any())).collect();
    match grammar::parse(script, &uses, &values) {
        Ok(Parsed::Argv(script)) => risk::classify(&Invocation::Argv { script }).0,
        Ok(Parsed::Outside { .. }) | Err(_) => Risk::Unknown,
    }
}

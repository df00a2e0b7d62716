//! The patch: the edits that a person takes, made together.
//!
//! Owns: making them one after the other, so that one that does not go with the others is left out and said, and the digest
//! that an approval names. Does not: choose; the person does.
//!
//! Invariant: the patched document parses to exactly the tree that the edits mean, with no more diagnostics than before.

use std::collections::BTreeSet;

use super::diff::{self, Hunk};
use super::outline;
use super::surgery::Surgery;
use super::{Correction, Document, Finding, SopEdit};
use crate::domain::digest::{FieldHasher, sha256_hex};
use crate::domain::id::SopId;
use crate::domain::sop::parse;

/// A document as it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The whole text.
    pub text: String,
    /// The findings that it follows, by number.
    pub taken: Vec<usize>,
    /// Those that were wanted and do not go with the others, with why, as a clause.
    pub left: Vec<(usize, String)>,
    /// What changes, as a unified diff; each hunk names its findings. Empty when nothing changes.
    pub diff: String,
    /// What a person approves: covers the document as it is and as it would be.
    pub digest: String,
}

/// What a person approves when they approve that the document `sop` of this revision becomes `text`.
#[must_use]
pub fn digest_of(sop: &SopId, revision: &str, text: &str) -> String {
    let mut hasher = FieldHasher::new("aiops sop patch v1");
    hasher.field(sop.as_str().as_bytes());
    hasher.field(revision.as_bytes());
    hasher.field(text.as_bytes());
    hasher.finish()
}

/// The patch that the findings with the numbers `wanted` make together; those without a patch are passed over.
#[must_use]
pub fn propose(document: Document<'_>, findings: &[Finding], wanted: &BTreeSet<usize>) -> Patch {
    let mut edits: Vec<(usize, &SopEdit)> = Vec::new();
    let mut left = Vec::new();
    let mut text = document.source.to_owned();
    for finding in findings.iter().filter(|finding| wanted.contains(&finding.number)) {
        let Correction::Patch { edit, .. } = &finding.correction else { continue };
        edits.push((finding.number, edit));
        let all: Vec<&SopEdit> = edits.iter().map(|(_, edit)| *edit).collect();
        match try_edits(document, &all) {
            Ok(done) => text = done,
            Err(why) => {
                edits.pop();
                left.push((finding.number, why));
            }
        }
    }
    let places: Vec<(usize, Vec<diff::Change>)> = edits
        .iter()
        .filter_map(|(number, edit)| {
            Some((*number, diff::changes(document.source, &try_edits(document, &[edit]).ok()?)))
        })
        .collect();
    let name = document.procedure.sop.as_str();
    let diff = diff::unified(name, document.source, &text, |hunk| note(hunk, &places));
    let digest = digest_of(&document.procedure.sop, &document.procedure.revision, &text);
    Patch { text, taken: edits.into_iter().map(|(number, _)| number).collect(), left, diff, digest }
}

/// Which findings a hunk follows: those that change its lines by themselves.
fn note(hunk: &Hunk, places: &[(usize, Vec<diff::Change>)]) -> String {
    let here = |change: &diff::Change| change.old.start <= hunk.old.end && hunk.old.start <= change.old.end;
    let found = places.iter().filter(|(_, changes)| changes.iter().any(here));
    let numbers: Vec<String> = found.map(|(number, _)| number.to_string()).collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!("finding {one}"),
        _ => format!("findings {}", numbers.join(", ")),
    }
}

/// The document after `edits`.
///
/// # Errors
/// Why they cannot be made, or why what comes of them is not what they mean, as a clause.
pub(super) fn try_edits(document: Document<'_>, edits: &[&SopEdit]) -> Result<String, String> {
    let procedure = document.procedure;
    if sha256_hex(document.source.as_bytes()) != procedure.revision {
        return Err("the document has bytes that are no UTF-8 text".to_owned());
    }
    let surgery = Surgery::new(document);
    let plans = surgery.plan(edits)?;
    let text = surgery.text(&plans)?;
    let intended = outline::intended(document, edits, &plans, surgery.level())?;
    let patched = parse(&procedure.sop, text.as_bytes());
    if outline::of(&patched) != intended {
        return Err("the document would not be read as it is meant afterwards".to_owned());
    }
    let worse = |before: &BTreeSet<&str>| patched.diagnostics.iter().any(|found| !before.contains(found.code.as_str()));
    let before = procedure.diagnostics.iter().map(|found| found.code.as_str()).collect();
    if patched.diagnostics.len() > procedure.diagnostics.len() || worse(&before) {
        return Err("the document would have more problems than before".to_owned());
    }
    Ok(text)
}

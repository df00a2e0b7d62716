//! Citations in an answer, and whether they point to something that the model was given.
//!
//! Owns: checking them. Does not: find them in a text (see `domain::chat::citation`), or judge whether a source says what the
//! answer claims.

use std::fmt::Write as _;

use super::material::Material;
use crate::domain::chat::citation::{self, Source};
use crate::domain::id::{AttemptId, SopId};
use crate::engine::library::Library;

/// More than this many false citations are not listed one by one.
const LISTED: usize = 8;

/// What a model was given to rely on.
pub(super) struct Given<'a> {
    /// SOPs that the context held.
    pub(super) sops: &'a [SopId],
    /// Where these are read. Reads documents: not for a thread that others wait for.
    pub(super) library: &'a Library,
    /// Attempts that the context told of.
    pub(super) evidence: Vec<AttemptId>,
    /// Whether it told of an incident.
    pub(super) incident: bool,
}

impl<'a> Given<'a> {
    /// What was given in `material`, of whose SOPs `sops` were in the context.
    pub(super) fn new(material: &'a Material, sops: &'a [SopId]) -> Self {
        let evidence = material.attempts.iter().map(|past| past.attempt.id).collect();
        Self { sops, library: &material.library, evidence, incident: material.incident.is_some() }
    }

    /// Whether `source` was given.
    pub(super) fn has(&self, source: &Source) -> bool {
        match source {
            Source::Incident => self.incident,
            Source::Evidence(attempt) => self.evidence.contains(attempt),
            Source::Sop { sop, node } => {
                let read = || self.library.get(sop);
                let has_node = |node| read().is_some_and(|document| document.procedure.index_of(node).is_some());
                self.sops.contains(sop) && node.as_ref().map_or_else(|| read().is_some(), has_node)
            }
        }
    }
}

/// The citations of `text`, in order, each once.
pub(super) fn find(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for source in citation::strip(text).1 {
        if !found.contains(&source) {
            found.push(source);
        }
    }
    found
}

/// What has to be said below an answer that cites what it was not given; `None` when every citation is good.
pub(super) fn remark(answer: &str, given: &Given<'_>) -> Option<String> {
    let false_ones: Vec<Source> = find(answer).into_iter().filter(|source| !given.has(source)).collect();
    if false_ones.is_empty() {
        return None;
    }
    let mut remark =
        "\n\n> aiops: these citations point to nothing that the model was given; do not rely on them:".to_owned();
    for source in false_ones.iter().take(LISTED) {
        // In code marks, so that they do not look like citations. Writing to a string cannot fail.
        let _ = match source {
            Source::Incident => write!(remark, " `incident`"),
            Source::Evidence(attempt) => write!(remark, " `E{attempt}`"),
            Source::Sop { sop, node } => {
                let node = node.as_ref().map(|node| format!("#{node}")).unwrap_or_default();
                write!(remark, " `{}{}`", sop.as_str().replace('`', "'"), node.replace('`', "'"))
            }
        };
    }
    if false_ones.len() > LISTED {
        let _ = write!(remark, " and {} more", false_ones.len() - LISTED);
    }
    remark.push('\n');
    Some(remark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given<'a>(sops: &'a [SopId], library: &'a Library) -> Given<'a> {
        Given { sops, library, evidence: vec![AttemptId(7)], incident: false }
    }

    #[test]
    fn citations_are_found_once_and_broken_ones_are_not() {
        let text = "a [sop:x.md#n1] b [sop:x.md] c [sop:x.md#n1] [E7] [sop:] [sop:y\n] [E7] [sop:z";
        let expected = [
            Source::Sop { sop: "x.md".into(), node: Some("n1".into()) },
            Source::Sop { sop: "x.md".into(), node: None },
            Source::Evidence(AttemptId(7)),
        ];
        assert_eq!(find(text), expected);
    }

    #[test]
    fn what_was_not_given_is_named() {
        let library = Library::bundled();
        let id = SopId::from("bundled/disk-full.md");
        let node = library.get(&id).unwrap().procedure.nodes[3].id.clone();
        let good = format!("See [sop:{id}#{node}] and [sop:{id}], after [E7].");
        let sops = [id];
        assert_eq!(remark(&good, &given(&sops, &library)), None);
        assert!(remark(&good, &given(&[], &library)).is_some(), "it exists and was not in the context");
        let bad = "[sop:bundled/disk-full.md#nowhere] [sop:../etc/passwd] [E8] [incident]";
        let told = remark(bad, &given(&sops, &library)).unwrap();
        for named in ["`bundled/disk-full.md#nowhere`", "`../etc/passwd`", "`E8`", "`incident`"] {
            assert!(told.contains(named), "{named}: {told}");
        }
        assert!(find(&told).is_empty());
    }
}

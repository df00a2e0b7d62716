//! Citations in an answer: `[sop:ID#NODE]`, and whether they point to something.
//!
//! Owns: finding and checking them. Does not: judge whether the SOP says what the answer claims.

use std::fmt::Write as _;

use crate::domain::id::{NodeId, SopId};
use crate::engine::library::Library;

/// More than this many false citations are not listed one by one.
const LISTED: usize = 8;

/// A citation as it stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Citation {
    /// The document.
    pub(super) sop: SopId,
    /// The node, if one is named.
    pub(super) node: Option<NodeId>,
}

/// The citations of `text`, in order, each once.
pub(super) fn find(text: &str) -> Vec<Citation> {
    let mut found: Vec<Citation> = Vec::new();
    for (at, mark) in text.match_indices("[sop:") {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let Some(inner) = rest.split_once(']').map(|(inner, _)| inner) else { continue };
        if inner.is_empty() || inner.contains(['\n', '[']) {
            continue;
        }
        let (sop, node) = match inner.split_once('#') {
            Some((sop, node)) => (sop, Some(NodeId::from(node.trim()))),
            None => (inner, None),
        };
        let citation = Citation { sop: SopId::from(sop.trim()), node };
        if !found.contains(&citation) {
            found.push(citation);
        }
    }
    found
}

/// What has to be said below an answer that cites what it was not given; `None` when every citation is good.
///
/// `sources` are the SOPs that the context held. Reads documents: not for a thread that others wait for.
pub(super) fn remark(answer: &str, sources: &[SopId], library: &Library) -> Option<String> {
    let is_good = |citation: &Citation| {
        sources.contains(&citation.sop)
            && library.get(&citation.sop).is_some_and(|document| {
                citation.node.as_ref().is_none_or(|node| document.procedure.index_of(node).is_some())
            })
    };
    let false_ones: Vec<Citation> = find(answer).into_iter().filter(|citation| !is_good(citation)).collect();
    if false_ones.is_empty() {
        return None;
    }
    let mut remark =
        "\n\n> aiops: these citations point to nothing that the model was given; do not rely on them:".to_owned();
    for citation in false_ones.iter().take(LISTED) {
        let node = citation.node.as_ref().map(|node| format!("#{node}")).unwrap_or_default();
        // In code marks, so that they do not look like citations.
        let _ = write!(remark, " `{}{node}`", citation.sop.as_str().replace('`', "'"));
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

    #[test]
    fn citations_are_found_once_and_broken_ones_are_not() {
        let text = "a [sop:x.md#n1] b [sop:x.md] c [sop:x.md#n1] [sop:] [sop:y\n] [sop:z";
        let shown: Vec<String> = find(text).iter().map(|found| format!("{}/{:?}", found.sop, found.node)).collect();
        assert_eq!(shown, ["x.md/Some(NodeId(\"n1\"))", "x.md/None"]);
    }

    #[test]
    fn what_was_not_given_is_named() {
        let library = Library::bundled();
        let id = SopId::from("bundled/disk-full.md");
        let node = library.get(&id).unwrap().procedure.nodes[3].id.clone();
        let good = format!("See [sop:{id}#{node}] and [sop:{id}].");
        assert_eq!(remark(&good, std::slice::from_ref(&id), &library), None);
        assert!(remark(&good, &[], &library).is_some(), "it exists and was not in the context");
        let told = remark("[sop:bundled/disk-full.md#nowhere] [sop:../etc/passwd]", &[id], &library).unwrap();
        assert!(told.contains("`bundled/disk-full.md#nowhere`") && told.contains("`../etc/passwd`"), "{told}");
        assert!(find(&told).is_empty());
    }
}

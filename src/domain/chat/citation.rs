//! Citations as they stand in an answer: `[sop:ID]`, `[sop:ID#NODE]`, `[E7]`, `[incident]`.
//!
//! Owns: finding them. Does not: know whether they point to something (the engine knows what the model was given).

use crate::domain::id::{AttemptId, NodeId, SopId};

/// Longest citation in bytes; what is longer is none.
const LONGEST: usize = 512;

/// What an answer names as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An SOP, or one of its nodes.
    Sop {
        /// Which SOP.
        sop: SopId,
        /// Which of its nodes; `None` for all of it.
        node: Option<NodeId>,
    },
    /// Evidence: what was run for the incident, by the number of the attempt.
    Evidence(AttemptId),
    /// What is stored of the incident itself: its labels, annotations and timeline.
    Incident,
}

/// A citation in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// The byte at which it begins.
    pub at: usize,
    /// Its length in bytes, brackets included.
    pub length: usize,
    /// What it names.
    pub source: Source,
}

/// The first citation of `words`.
#[must_use]
pub fn first(words: &str) -> Option<Cited> {
    words.match_indices('[').find_map(|(at, _)| {
        let near = &words[at + 1..];
        let near = &near[..near.floor_char_boundary(LONGEST)];
        let end = near.find([']', '[', '\n']).filter(|end| near[*end..].starts_with(']'))?;
        source(&near[..end]).map(|source| Cited { at, length: end + 2, source })
    })
}

/// What stands between the brackets of a citation.
fn source(inner: &str) -> Option<Source> {
    if inner == "incident" {
        return Some(Source::Incident);
    }
    if let Some(number) = inner.strip_prefix('E').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
        return number.parse().ok().map(|number| Source::Evidence(AttemptId(number)));
    }
    let cited = inner.strip_prefix("sop:")?;
    let (sop, node) = cited.rsplit_once('#').map_or((cited, None), |(sop, node)| (sop, Some(node)));
    if sop.is_empty() || cited.contains(char::is_whitespace) {
        return None;
    }
    let node = node.filter(|node| !node.is_empty()).map(NodeId::from);
    Some(Source::Sop { sop: sop.into(), node })
}

/// `words` without their citations, and what these name.
#[must_use]
pub fn strip(words: &str) -> (String, Vec<Source>) {
    let (mut left, mut sources, mut rest) = (String::with_capacity(words.len()), Vec::new(), words);
    while let Some(Cited { at, length, source }) = first(rest) {
        left.push_str(&rest[..at]);
        sources.push(source);
        rest = &rest[at + length..];
    }
    left.push_str(rest);
    (left, sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sop(sop: &str, node: Option<&str>) -> Source {
        Source::Sop { sop: sop.into(), node: node.map(NodeId::from) }
    }

    #[test]
    fn the_first_one_is_found_where_it_stands() {
        let found = first("see [sop: x] or [sop:bundled/disk-full.md#m/1-ab] now").unwrap();
        let source = sop("bundled/disk-full.md", Some("m/1-ab"));
        assert_eq!(found, Cited { at: 16, length: 33, source });
        assert_eq!(first("[sop:a.md]").unwrap().source, sop("a.md", None));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        let long = format!("[sop:{}]", "x".repeat(LONGEST));
        for words in
            ["[sop:] [sop:a", "[E] [e7] [E7a] [ E7]", "[Incident]", "[1]", "[99999]", "[E99999999999999999999]", &long]
        {
            assert_eq!(first(words), None, "{words}");
        }
    }

    #[test]
    fn words_and_sources_are_parted() {
        let (left, sources) = strip("Full [E7][incident], see [this](x) [sop:a.md#n].");
        assert_eq!(left, "Full , see [this](x) .");
        assert_eq!(sources, [Source::Evidence(AttemptId(7)), Source::Incident, sop("a.md", Some("n"))]);
    }
}

//! The detectors as data.
//!
//! Owns: what a rule is, and the tables by theme. A rule is tried where one of its keywords stands: the pattern is anchored
//! at the keyword, so that text without keywords costs one automaton and nothing else. Tests check that every pattern
//! compiles; `tests/redaction` measures what they find.

mod cloud;
mod config;
mod forge;
mod hash;
mod observe;
mod services;
mod shell;
mod wire;
mod words;

use super::Kind;
use super::value::{is_placeholder, is_reference};

/// What has to stand before and after a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// No letter or digit on either side.
    Word,
    /// No letter or digit before it; anything after it.
    Start,
    /// Anything.
    Any,
}

/// One detector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Stable name, shown to people.
    pub(super) id: &'static str,
    /// What kind of secret it finds.
    pub(super) kind: Kind,
    /// Texts, without regard to case, at which the pattern is tried.
    pub(super) keywords: &'static [&'static str],
    /// What stands from the keyword on; its first group that takes part, or else the whole, is the secret.
    pub(super) pattern: &'static str,
    /// What has to stand around it.
    pub(super) edge: Edge,
    /// Has the last word about the secret that was matched.
    pub(super) check: fn(&str) -> bool,
    /// A match is not longer than this; in bytes.
    pub(super) reach: usize,
    /// So many bytes before the keyword the match begins.
    pub(super) back: usize,
}

/// Longest match of a rule that does not say otherwise; in bytes.
const REACH: usize = 640;

impl Rule {
    /// A key that its own form gives away.
    const fn key(id: &'static str, kind: Kind, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self { id, kind, keywords, pattern, edge: Edge::Word, check: is_no_sample, reach: REACH, back: 0 }
    }

    /// A value that its surroundings give away.
    const fn context(id: &'static str, kind: Kind, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self { id, kind, keywords, pattern, edge: Edge::Any, check: is_value, reach: REACH, back: 0 }
    }

    const fn edge(self, edge: Edge) -> Self {
        Self { edge, ..self }
    }

    const fn check(self, check: fn(&str) -> bool) -> Self {
        Self { check, ..self }
    }

    const fn back(self, back: usize) -> Self {
        Self { back, ..self }
    }

    const fn reach(self, reach: usize) -> Self {
        Self { reach, ..self }
    }
}

/// Nothing more to say.
fn anything(_: &str) -> bool {
    true
}

/// Documents show keys like `AKIAIOSFODNN7EXAMPLE` and `ghp_xxxxxxxx`.
fn is_no_sample(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let drawn = value.rsplit(['_', '-', '.']).next().unwrap_or(value);
    let repeated = drawn.len() >= 12 && super::value::entropy(drawn) < 1.6;
    !(lower.contains("example") || lower.contains("xxxx") || lower.contains("....") || repeated)
}

/// A value that could be a secret: neither a placeholder nor a place.
fn is_value(value: &str) -> bool {
    !is_placeholder(value) && !is_reference(value)
}

/// All tables; where two rules find the same, the earlier one names it.
pub(super) const TABLES: [&[Rule]; 9] = [
    cloud::RULES,
    forge::RULES,
    observe::RULES,
    services::RULES,
    hash::RULES,
    wire::RULES,
    shell::RULES,
    config::RULES,
    words::RULES,
];

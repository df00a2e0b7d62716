//! Choosing among names that overlap.
//!
//! Owns: which bytes of a text are taken. Invariants: the names that were chosen do not overlap, and of two that do, the one
//! that was offered first stays; an offer takes the same time however many names there are. Does not: look for names.

use std::ops::Range;

use super::super::pseudonym::{NameKind, Pseudonyms, Token};

/// A name, where it stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::redact) struct Name {
    /// Bytes of the text.
    pub(in crate::domain::redact) span: Range<usize>,
    /// What it is.
    pub(in crate::domain::redact) kind: NameKind,
    /// Its token, when it has been given one.
    pub(in crate::domain::redact) token: Option<Token>,
}

/// Names that do not overlap; who comes first stays.
#[derive(Default)]
pub(in crate::domain::redact) struct Choice {
    /// A bit for each byte of the text, up to the last one that is taken.
    taken: Vec<u64>,
    names: Vec<Name>,
}

/// Bits of one number of `Choice::taken`.
const WORD: usize = u64::BITS as usize;

impl Choice {
    /// Takes `span` for a name, unless some of it is taken already.
    pub(super) fn offer(&mut self, span: Range<usize>, kind: NameKind) {
        if self.take(&span) {
            self.names.push(Name { span, kind, token: None });
        }
    }

    /// Takes `span`, in which nothing is a name, unless some of it is taken already.
    pub(super) fn bar(&mut self, span: &Range<usize>) {
        self.take(span);
    }

    /// True when the byte at `place` belongs to what is taken.
    pub(super) fn is_taken(&self, place: usize) -> bool {
        self.taken.get(place / WORD).is_some_and(|bits| bits >> (place % WORD) & 1 == 1)
    }

    /// Marks `span` as taken; false, and nothing is marked, when some of it was or when it is empty.
    fn take(&mut self, span: &Range<usize>) -> bool {
        if span.is_empty() || parts(span).any(|(at, bits)| self.taken.get(at).is_some_and(|taken| taken & bits != 0)) {
            return false;
        }
        if self.taken.len() * WORD < span.end {
            self.taken.resize(span.end.div_ceil(WORD), 0);
        }
        parts(span).for_each(|(at, bits)| self.taken[at] |= bits);
        true
    }

    /// Brings what was chosen into the order of the text.
    pub(super) fn sort(&mut self) {
        // A few runs that are in order already, one for each way of looking: a stable sort only merges them.
        self.names.sort_by_key(|name| name.span.start);
    }

    /// Gives tokens to what was chosen in `text`, in order.
    pub(in crate::domain::redact) fn issue(&mut self, text: &str, tokens: &mut Pseudonyms) {
        for name in &mut self.names {
            if name.token.is_none() {
                name.token = Some(tokens.token(name.kind, &text[name.span.clone()]));
            }
        }
    }

    /// What was chosen, in order.
    pub(in crate::domain::redact) fn names(&self) -> &[Name] {
        &self.names
    }
}

/// The numbers of `Choice::taken` in which the bytes of `span` stand, with their bits.
fn parts(span: &Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let Range { start, end } = *span;
    (start / WORD..end.div_ceil(WORD)).map(move |at| {
        let from = start.saturating_sub(at * WORD);
        let to = (end - at * WORD).min(WORD);
        (at, u64::MAX << from & u64::MAX >> (WORD - to))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn who_comes_first_stays_and_nothing_overlaps(
            offers in prop::collection::vec((0_usize..300, 0_usize..140, any::<bool>()), 0..60),
        ) {
            let mut choice = Choice::default();
            let mut expected: Vec<(Range<usize>, bool)> = Vec::new();
            for (start, length, is_name) in offers {
                let span = start..start + length;
                if is_name { choice.offer(span.clone(), NameKind::Host) } else { choice.bar(&span) }
                let free = expected.iter().all(|(other, _)| span.end <= other.start || other.end <= span.start);
                if free && !span.is_empty() { expected.push((span, is_name)) }
            }
            for place in 0..500 {
                prop_assert_eq!(choice.is_taken(place), expected.iter().any(|(span, _)| span.contains(&place)));
            }
            choice.sort();
            let mut names: Vec<_> = expected.into_iter().filter(|(_, is_name)| *is_name).map(|(span, _)| span).collect();
            names.sort_by_key(|span| span.start);
            prop_assert_eq!(choice.names().iter().map(|name| name.span.clone()).collect::<Vec<_>>(), names);
        }
    }
}

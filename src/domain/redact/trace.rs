//! Where a place of an edited text was before the edit.
//!
//! Owns: applying replacements to a text, and mapping spans back through them. Invariant: a span that is mapped back covers
//! every byte from which the span's bytes came.

use std::borrow::Cow;
use std::ops::Range;

/// One replacement: `span` of the text becomes `text`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Edit<'a> {
    /// Bytes that go.
    pub(super) span: Range<usize>,
    /// What stands there instead.
    pub(super) text: Cow<'a, str>,
}

/// What an edit did: where the bytes stood before, and where their replacement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moved {
    before: Range<usize>,
    after: Range<usize>,
}

/// All replacements of one pass, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace(Vec<Moved>);

impl Trace {
    /// `text` with `edits` applied, which are in order and do not overlap, and the way back.
    pub(super) fn apply(text: &str, edits: &[Edit<'_>]) -> (String, Self) {
        let mut out = String::with_capacity(text.len());
        let mut trace = Self::default();
        let mut done = 0;
        for edit in edits {
            out.push_str(&text[done..edit.span.start]);
            let start = out.len();
            out.push_str(&edit.text);
            trace.note(edit.span.clone(), start..out.len());
            done = edit.span.end;
        }
        out.push_str(&text[done..]);
        (out, trace)
    }

    /// Notes that `before` became `after`; to be called in order.
    pub(super) fn note(&mut self, before: Range<usize>, after: Range<usize>) {
        self.0.push(Moved { before, after });
    }

    /// The span of the text before the edits from which `span` of the text after them came.
    pub(super) fn back(&self, span: &Range<usize>) -> Range<usize> {
        self.back_start(span.start)..self.back_end(span.end)
    }

    fn back_start(&self, place: usize) -> usize {
        let index = self.0.partition_point(|moved| moved.after.start <= place);
        match index.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some(moved) if place < moved.after.end => moved.before.start,
            Some(moved) => moved.before.end + (place - moved.after.end),
            None => place,
        }
    }

    fn back_end(&self, place: usize) -> usize {
        let index = self.0.partition_point(|moved| moved.after.start < place);
        match index.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some(moved) if place <= moved.after.end => moved.before.end,
            Some(moved) => moved.before.end + (place - moved.after.end),
            None => place,
        }
    }

    /// Where `span` of the text before the edits stands after them; `None` when an edit touches it.
    pub(super) fn forward(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let index = self.0.partition_point(|moved| moved.before.end <= span.start);
        if self.0.get(index).is_some_and(|moved| moved.before.start < span.end) {
            return None;
        }
        let start = match index.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some(moved) => moved.after.end + (span.start - moved.before.end),
            None => span.start,
        };
        Some(start..start + span.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_find_their_way_back_and_forth() {
        let edits = [Edit { span: 2..4, text: "LONGER".into() }, Edit { span: 6..9, text: "x".into() }];
        let (text, trace) = Trace::apply("abCDefGHIjkl", &edits);
        assert_eq!(text, "abLONGERefxjkl");
        for (after, before) in
            [(0..2, 0..2), (2..8, 2..4), (3..5, 2..4), (8..10, 4..6), (10..11, 6..9), (11..14, 9..12)]
        {
            assert_eq!(trace.back(&after), before, "{after:?}");
        }
        assert_eq!(trace.back(&(0..14)), 0..12);
        assert_eq!(trace.forward(&(4..6)), Some(8..10));
        assert_eq!(trace.forward(&(9..12)), Some(11..14));
        assert_eq!(trace.forward(&(3..5)), None);
        assert_eq!(trace.forward(&(0..2)), Some(0..2));
    }
}

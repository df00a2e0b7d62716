//! The list of known names, and looking up the one that stands at a place of a text.
//!
//! Owns: the order of the list, and the ways into it: by first word, and by whole name. Invariants: a name stands in it once,
//! in lower case; a look-up at one place takes as long as there are names of different lengths with that first word, however
//! many of each length there are, so that a thousand hosts below one name (`web.c1.prod`, `web.c2.prod`, …) are no trouble.
//! Does not: say what a name is, or where it counts.

use std::ops::Range;

use super::super::keyed::{ByHash, Keyed};
use super::is_word;
use super::known::words;

/// A name.
#[derive(Clone)]
struct Entry {
    /// Where it stands in [`Register::names`].
    name: Range<usize>,
    /// Where its first word begins in it; not 0 when signs stand before it.
    offset: usize,
    /// The next name with the same hash.
    next: Option<usize>,
}

/// Names of one length with the same first word at the same place.
#[derive(Clone)]
struct Shape {
    /// Of the whole name, in bytes.
    length: usize,
    /// See [`Entry::offset`].
    offset: usize,
    /// The first entry of this shape.
    first: usize,
    /// There are others of this shape; they are found by their whole name.
    are_more: bool,
    /// The next shape whose first word has the same hash; it is not longer.
    next: Option<usize>,
}

/// What first words of names begin with a letter.
#[derive(Clone, Copy, Default)]
struct Firsts {
    /// A bit for each length of one in bytes; the last for all that are as long or longer.
    lengths: u64,
    /// One of the names has more than its first word.
    are_longer: bool,
}

impl Firsts {
    /// The bit of `length`.
    fn bit(length: usize) -> u64 {
        1 << length.min(63)
    }
}

/// Which sort of text is looked up.
#[derive(Clone, Copy)]
enum Sort {
    Word,
    Name,
}

/// Names by number, in the order in which they came.
#[derive(Clone)]
pub(super) struct Register {
    keyed: Keyed,
    /// All names, one behind the other.
    names: String,
    entries: Vec<Entry>,
    shapes: Vec<Shape>,
    /// By first word: the longest shape. Words that share a hash share a chain; the names of the other one do not fit where a
    /// word stands.
    by_word: ByHash,
    /// By whole name: the last entry, for names that are not the first of their shape.
    by_name: ByHash,
    /// By first byte of a word, in any case of letters: which words may be the first one of a name.
    firsts: Vec<Firsts>,
}

impl Register {
    /// The empty list, whose names will be looked up by `keyed`.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self {
            keyed,
            names: String::new(),
            entries: Vec::new(),
            shapes: Vec::new(),
            by_word: ByHash::default(),
            by_name: ByHash::default(),
            firsts: vec![Firsts::default(); 256],
        }
    }

    /// How many names there are.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of `name`, which is added when it is new, with the next number; `None` when it has no word.
    pub(super) fn add(&mut self, name: &str) -> Option<usize> {
        let start = self.names.len();
        self.names.push_str(name);
        self.names[start..].make_ascii_lowercase();
        let Some(word) = words(&self.names, start).next() else {
            self.names.truncate(start);
            return None;
        };
        let offset = word.start - start;
        let hash = self.keyed.of(Sort::Word as u8, &self.names.as_bytes()[word.clone()]);
        // The last shape that is as long at least, and the one behind it.
        let (mut before, mut next) = (None, self.by_word.get(&hash).copied());
        while let Some(at) = next.filter(|at| self.shapes[*at].length >= name.len()) {
            if (self.shapes[at].length, self.shapes[at].offset) == (name.len(), offset) {
                return Some(self.add_to(at, start));
            }
            (before, next) = (next, self.shapes[at].next);
        }
        self.note_first(&word, name.len());
        let first = self.push(start, offset, None);
        let at = self.shapes.len();
        self.shapes.push(Shape { length: name.len(), offset, first, are_more: false, next });
        match before {
            Some(before) => self.shapes[before].next = Some(at),
            None => _ = self.by_word.insert(hash, at),
        }
        Some(first)
    }

    /// The number of the last one of `names`, which begins at `start` and is of the shape `at`.
    fn add_to(&mut self, at: usize, start: usize) -> usize {
        let Shape { first, offset, .. } = self.shapes[at];
        let name = &self.names[start..];
        let known = if self.name(first) == name { Some(first) } else { self.by_name(name) };
        if let Some(known) = known {
            self.names.truncate(start);
            return known;
        }
        let hash = self.keyed.of(Sort::Name as u8, name.as_bytes());
        let next = self.by_name.get(&hash).copied();
        let index = self.push(start, offset, next);
        self.by_name.insert(hash, index);
        self.shapes[at].are_more = true;
        index
    }

    fn push(&mut self, start: usize, offset: usize, next: Option<usize>) -> usize {
        self.entries.push(Entry { name: start..self.names.len(), offset, next });
        self.entries.len() - 1
    }

    /// Notes that a name of `length` bytes has its first word at `word` of `names`.
    fn note_first(&mut self, word: &Range<usize>, length: usize) {
        let first = self.names.as_bytes()[word.start];
        for first in [first, first.to_ascii_uppercase()] {
            let firsts = &mut self.firsts[usize::from(first)];
            firsts.lengths |= Firsts::bit(word.len());
            firsts.are_longer |= word.len() < length;
        }
    }

    fn name(&self, index: usize) -> &str {
        &self.names[self.entries[index].name.clone()]
    }

    /// The number of `name`, in lower case, when it is not the first of its shape.
    fn by_name(&self, name: &str) -> Option<usize> {
        let last = self.by_name.get(&self.keyed.of(Sort::Name as u8, name.as_bytes())).copied();
        std::iter::successors(last, |index| self.entries[*index].next).find(|index| self.name(*index) == name)
    }

    /// False when no name has a first word of `length` bytes that begins with `first`.
    pub(super) fn may_begin(&self, first: u8, length: usize) -> bool {
        self.firsts[usize::from(first)].lengths & Firsts::bit(length) != 0
    }

    /// True when some name whose first word begins with `first` has more than that word.
    pub(super) fn may_go_on(&self, first: u8) -> bool {
        self.firsts[usize::from(first)].are_longer
    }

    /// Of the names whose first word is `word` of `text`, which stand there as words, and of which `counts` says something for
    /// their number and place: the longest, and of several the first. `lower` is memory to work in.
    pub(super) fn longest<T>(
        &self,
        text: &str,
        word: &Range<usize>,
        lower: &mut String,
        counts: impl Fn(usize, &Range<usize>) -> Option<T>,
    ) -> Option<(Range<usize>, T)> {
        lower_into(lower, &text[word.clone()]);
        let first = self.by_word.get(&self.keyed.of(Sort::Word as u8, lower.as_bytes())).copied();
        let mut best: Option<(usize, Range<usize>, T)> = None;
        for at in std::iter::successors(first, |at| self.shapes[*at].next) {
            let shape = &self.shapes[at];
            if best.as_ref().is_some_and(|(_, span, _)| span.len() > shape.length) {
                break;
            }
            let Some((index, span)) = self.fitting(shape, text, word.start, lower) else { continue };
            if best.as_ref().is_none_or(|(other, ..)| index < *other)
                && let Some(said) = counts(index, &span)
            {
                best = Some((index, span, said));
            }
        }
        best.map(|(_, span, said)| (span, said))
    }

    /// The name of `shape` whose first word begins at `place` of `text`, and where it stands.
    fn fitting(&self, shape: &Shape, text: &str, place: usize, lower: &mut String) -> Option<(usize, Range<usize>)> {
        let start = place.checked_sub(shape.offset)?;
        let span = start..start + shape.length;
        let there = text.get(span.clone()).filter(|_| is_word(text, &span))?;
        if there.eq_ignore_ascii_case(self.name(shape.first)) {
            return Some((shape.first, span));
        }
        if !shape.are_more {
            return None;
        }
        lower_into(lower, there);
        let index = self.by_name(lower).filter(|index| self.entries[*index].offset == shape.offset)?;
        Some((index, span))
    }
}

/// Makes `lower` what `text` is in lower case.
fn lower_into(lower: &mut String, text: &str) {
    lower.clear();
    lower.push_str(text);
    lower.make_ascii_lowercase();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn register(names: &[&str]) -> Register {
        let mut register = Register::new(Keyed::new(&[5; 32]));
        names.iter().for_each(|name| _ = register.add(name));
        register
    }

    #[test]
    fn a_name_has_one_number_in_any_case() {
        let mut register = register(&[]);
        let numbers = ["web", "web.a", "web.b", "WEB.A", "(web", "web.b", "web.c", "..", "Web"];
        let numbers: Vec<_> = numbers.map(|name| register.add(name)).into();
        assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(1), Some(3), Some(2), Some(4), None, Some(0)]);
        assert_eq!(register.len(), 5);
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[(.]?(web|db|w)([.](a|b|web|ab)){0,3}", 0..40)
    }

    proptest! {
        /// The longest name, of several the first, and of these the ones that count: what going through the whole list gives.
        #[test]
        fn the_longest_name_is_found(names in names(), text in "([(. ]?(web|db|w|a|b|WEB|ab)[. ]?){1,8}", odd in any::<bool>()) {
            let mut register = register(&[]);
            let mut list: Vec<String> = Vec::new();
            for name in &names {
                let index = register.add(name).unwrap();
                if index == list.len() { list.push(name.clone()) }
                prop_assert_eq!(&list[index], name);
            }
            let counts = |index: usize, _: &Range<usize>| (!odd || index % 2 == 1).then_some(index);
            let mut lower = String::new();
            for word in words(&text, 0) {
                let mut expected: Option<(Range<usize>, usize)> = None;
                for (index, name) in list.iter().enumerate() {
                    let first = words(name, 0).next().unwrap();
                    let Some(start) = word.start.checked_sub(first.start) else { continue };
                    let span = start..start + name.len();
                    let is_there = text.get(span.clone()).is_some_and(|there| there.eq_ignore_ascii_case(name));
                    let is_better = expected.as_ref().is_none_or(|(best, _)| best.len() < span.len());
                    if is_there && is_word(&text, &span) && is_better && counts(index, &span).is_some() {
                        expected = Some((span, index));
                    }
                }
                prop_assert_eq!(register.longest(&text, &word, &mut lower, counts), expected);
            }
        }
    }
}

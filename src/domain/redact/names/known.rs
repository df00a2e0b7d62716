//! Names that are known, and finding them as words in a text.
//!
//! Owns: where a known name counts. Invariants: a name is found as a whole word, in any case; two finds never overlap, and
//! the longest of those that begin at one place counts. A text takes the same time whether one name is known or a million.
//! Does not: give tokens, or keep the list of names; that is done by `register`.
//!
//! **Where a name counts.** A typed place (the label `instance`, the owner of an incident, the author of an entry) says that
//! something is a name; free text does not. A host that is called `db` and a person who is called `test` must not turn every
//! `db` and `test` of an SOP into a token, or its sense is lost. So:
//! - A name that is no word of any text ([`Spread::Anywhere`]) is replaced wherever it stands as a word: it has a digit, a
//!   hyphen or a dot in it, or is at least three letters that no list of common words has.
//! - A name that is a common word, or shorter than three bytes ([`Spread::InContext`]), is replaced where its surroundings say
//!   that it is a host or a person: as the value of a field (`instance="db"`, `owner: test`), joined (`test@`, `@db`, `//db`,
//!   `db:5432`), or after a word that announces it (`host db`, `user test`, `by test`). `place` has the whole list.
//! - What is nobody's name (`root`, `localhost`, `none`) is never one, and neither is a number.

use std::ops::Range;

use super::super::keyed::Keyed;
use super::super::pseudonym::NameKind;
use super::place::{self, Said};
use super::register::Register;
use super::{Choice, common};

/// Where a known name counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain::redact) enum Spread {
    /// Where its surroundings say what it is.
    InContext,
    /// Wherever it stands as a word.
    Anywhere,
}

/// How far a name spreads that a typed place has told; `None` when it is nobody's.
pub(in crate::domain::redact) fn spread(name: &str) -> Option<Spread> {
    if common::is_nobodys(name) || !name.contains(char::is_alphabetic) || name.contains(char::is_whitespace) {
        return None;
    }
    let is_short = name.len() < 3;
    Some(if is_short || common::is_common_word(name) { Spread::InContext } else { Spread::Anywhere })
}

/// What is known of a name: how far it spreads as that of a host, and of a person.
#[derive(Clone, Copy, Default)]
struct Spreads {
    host: Option<Spread>,
    user: Option<Spread>,
}

/// The known names of hosts and people.
#[derive(Clone)]
pub(in crate::domain::redact) struct Known {
    register: Register,
    /// By number in the register.
    spreads: Vec<Spreads>,
}

impl Known {
    /// None yet; they will be looked up by `keyed`.
    pub(in crate::domain::redact) fn new(keyed: Keyed) -> Self {
        Self { register: Register::new(keyed), spreads: Vec::new() }
    }

    /// How many names are known.
    pub(in crate::domain::redact) const fn len(&self) -> usize {
        self.register.len()
    }

    /// `name` is one. What was known to spread further stays so.
    pub(in crate::domain::redact) fn learn(&mut self, kind: NameKind, name: &str, spread: Spread) {
        let Some(index) = self.register.add(name) else { return };
        self.spreads.resize(self.register.len(), Spreads::default());
        let spreads = &mut self.spreads[index];
        match kind {
            NameKind::Host => spreads.host = spreads.host.max(Some(spread)),
            NameKind::User => spreads.user = spreads.user.max(Some(spread)),
            NameKind::Address | NameKind::Mail | NameKind::Lookalike => {}
        }
    }

    /// Offers every place of `text` where a known name counts.
    pub(in crate::domain::redact) fn find(&self, text: &str, choice: &mut Choice) {
        if self.len() == 0 {
            return;
        }
        let mut done = 0;
        let mut lower = String::new();
        let bytes = text.as_bytes();
        for word in words(text, 0) {
            // The letter of `\n` may stand before the first word of a line.
            let escaped = word.start > 0
                && bytes[word.start - 1] == b'\\'
                && matches!(bytes[word.start], b'n' | b't' | b'r')
                && text.is_char_boundary(word.start + 1);
            for start in word.start..=word.start + usize::from(escaped) {
                let word = start..word.end;
                if word.is_empty() || word.start < done {
                    continue;
                }
                let first = bytes[word.start];
                // What is a name already need not be looked up, when no name can go on behind it.
                let is_name = !escaped && choice.is_taken(word.start) && !self.register.may_go_on(first);
                if is_name || !self.register.may_begin(first, word.len()) {
                    continue;
                }
                let counts = |index: usize, span: &Range<usize>| self.spreads[index].kind(text, span);
                let name = self.register.longest(text, &word, &mut lower, counts);
                if let Some((span, kind)) = name.filter(|(span, _)| span.start >= done) {
                    done = span.end;
                    choice.offer(span, kind);
                }
            }
        }
    }
}

impl Spreads {
    /// What the name is at `span`; `None` where it does not count.
    fn kind(&self, text: &str, span: &Range<usize>) -> Option<NameKind> {
        let anywhere = Some(Spread::Anywhere);
        match (self.host, self.user) {
            (host, None) if host == anywhere => return Some(NameKind::Host),
            (None, user) if user == anywhere => return Some(NameKind::User),
            _ => {}
        }
        match place::says(text, span) {
            Some(Said::Host) if self.host.is_some() => Some(NameKind::Host),
            Some(Said::User) if self.user.is_some() => Some(NameKind::User),
            _ if self.host == anywhere => Some(NameKind::Host),
            _ if self.user == anywhere => Some(NameKind::User),
            _ => None,
        }
    }
}

/// Runs of letters, digits and signs that join them, from `place` on.
pub(super) fn words(text: &str, mut place: usize) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    std::iter::from_fn(move || {
        while !JOINS[usize::from(*bytes.get(place)?)] {
            place += 1;
        }
        let start = place;
        while bytes.get(place).is_some_and(|byte| JOINS[usize::from(*byte)]) {
            place += 1;
        }
        Some(start..place)
    })
}

/// Bytes that make one word with their neighbours.
pub(super) const JOINS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-') || byte >= 0x80;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn nothing() -> Known {
        Known::new(Keyed::new(&[5; 32]))
    }

    fn found<'a>(known: &Known, text: &'a str) -> Vec<(&'a str, NameKind)> {
        let mut choice = Choice::default();
        known.find(text, &mut choice);
        choice.names().iter().map(|name| (&text[name.span.clone()], name.kind)).collect()
    }

    #[rstest]
    #[case("alice", Some(Spread::Anywhere))]
    #[case("webserver7", Some(Spread::Anywhere))]
    #[case("db1", Some(Spread::Anywhere))]
    #[case("db", Some(Spread::InContext))]
    #[case("w1", Some(Spread::InContext))]
    #[case("test", Some(Spread::InContext))]
    #[case("Backup", Some(Spread::InContext))]
    #[case("root", None)]
    #[case("localhost", None)]
    #[case("42", None)]
    #[case("two words", None)]
    fn names_spread_as_far_as_they_are_no_words(#[case] name: &str, #[case] expected: Option<Spread>) {
        assert_eq!(spread(name), expected);
    }

    #[test]
    fn whole_words_are_found_in_any_case_and_the_longest_counts() {
        let mut known = nothing();
        for name in ["web-01", "web-01.corp", "alice", "Jürgen"] {
            known.learn(NameKind::Host, name, Spread::Anywhere);
        }
        let text = "WEB-01.corp, web-01:9100 (alice) malice alice_x \\nalice jürgen web-01.corpx";
        let names: Vec<_> = found(&known, text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["WEB-01.corp", "web-01", "alice", "alice", "jürgen", "web-01"]);
    }

    #[test]
    fn a_name_of_both_kinds_is_what_its_surroundings_say() {
        let mut known = nothing();
        known.learn(NameKind::Host, "ymir", Spread::Anywhere);
        known.learn(NameKind::User, "ymir", Spread::Anywhere);
        let kinds: Vec<_> = found(&known, "user ymir on host ymir, ymir").into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [NameKind::User, NameKind::Host, NameKind::Host]);
    }
}

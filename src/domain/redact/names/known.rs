//! Names that are known, and finding them as words in a text.
//!
//! Owns: where a known name counts. Invariants: a name is found as a whole word, in any case; two finds never overlap, and
//! the longest of those that begin at one place counts. A text takes the same time whether one name is known or a million.
//! Does not: give tokens.
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

use std::collections::HashMap;
use std::ops::Range;

use super::super::pseudonym::NameKind;
use super::place::{self, Said};
use super::{common, is_word};

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

/// A name, under its first word.
#[derive(Clone)]
struct Entry {
    /// In lower case.
    name: String,
    /// Where its first word begins; not 0 when signs stand before it.
    offset: usize,
    host: Option<Spread>,
    user: Option<Spread>,
}

/// The known names of hosts and people.
#[derive(Clone, Default)]
pub(in crate::domain::redact) struct Known {
    /// By first word in lower case; the longest names first.
    by_word: HashMap<String, Vec<Entry>>,
    /// First bytes of first words.
    firsts: Vec<u8>,
    /// The longest first word; in bytes.
    longest: usize,
    count: usize,
}

impl Known {
    /// How many names are known.
    pub(in crate::domain::redact) const fn len(&self) -> usize {
        self.count
    }

    /// `name` is one. What was known to spread further stays so.
    pub(in crate::domain::redact) fn learn(&mut self, kind: NameKind, name: &str, spread: Spread) {
        let name = name.to_ascii_lowercase();
        let Some(word) = words(&name, 0).next() else { return };
        let first = name.as_bytes()[word.start];
        if !self.firsts.contains(&first) {
            self.firsts.push(first);
        }
        self.longest = self.longest.max(word.len());
        let entries = self.by_word.entry(name[word.clone()].to_owned()).or_default();
        let index = entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
            self.count += 1;
            let before = entries.partition_point(|entry| entry.name.len() >= name.len());
            entries.insert(before, Entry { name, offset: word.start, host: None, user: None });
            before
        });
        let entry = &mut entries[index];
        match kind {
            NameKind::Host => entry.host = entry.host.max(Some(spread)),
            NameKind::User => entry.user = entry.user.max(Some(spread)),
            NameKind::Address | NameKind::Mail | NameKind::Lookalike => {}
        }
    }

    /// Calls `found` for every place of `text` where a known name counts.
    pub(in crate::domain::redact) fn find(&self, text: &str, mut found: impl FnMut(Range<usize>, NameKind)) {
        if self.count == 0 {
            return;
        }
        let mut may_begin = [false; 256];
        for first in &self.firsts {
            may_begin[usize::from(*first)] = true;
            may_begin[usize::from(first.to_ascii_uppercase())] = true;
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
                if word.is_empty() || word.start < done || word.len() > self.longest {
                    continue;
                }
                if may_begin[usize::from(bytes[word.start])]
                    && let Some((span, kind)) = self.at(text, word, &mut lower).filter(|(span, _)| span.start >= done)
                {
                    done = span.end;
                    found(span, kind);
                }
            }
        }
    }

    /// The longest name whose first word is `word`, and what it is there.
    fn at(&self, text: &str, word: Range<usize>, lower: &mut String) -> Option<(Range<usize>, NameKind)> {
        lower.clear();
        lower.push_str(&text[word.clone()]);
        lower.make_ascii_lowercase();
        self.by_word.get(lower.as_str())?.iter().find_map(|entry| {
            let start = word.start.checked_sub(entry.offset)?;
            let span = start..start + entry.name.len();
            let is_there = text.get(span.clone()).is_some_and(|there| there.eq_ignore_ascii_case(&entry.name));
            (is_there && is_word(text, &span)).then_some(())?;
            Some((span.clone(), entry.kind(text, &span)?))
        })
    }
}

impl Entry {
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
fn words(text: &str, mut place: usize) -> impl Iterator<Item = Range<usize>> {
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

    fn found<'a>(known: &Known, text: &'a str) -> Vec<(&'a str, NameKind)> {
        let mut names = Vec::new();
        known.find(text, |span, kind| names.push((&text[span], kind)));
        names
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
        let mut known = Known::default();
        for name in ["web-01", "web-01.corp", "alice", "Jürgen"] {
            known.learn(NameKind::Host, name, Spread::Anywhere);
        }
        let text = "WEB-01.corp, web-01:9100 (alice) malice alice_x \\nalice jürgen web-01.corpx";
        let names: Vec<_> = found(&known, text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["WEB-01.corp", "web-01", "alice", "alice", "jürgen", "web-01"]);
    }

    #[test]
    fn a_name_of_both_kinds_is_what_its_surroundings_say() {
        let mut known = Known::default();
        known.learn(NameKind::Host, "ymir", Spread::Anywhere);
        known.learn(NameKind::User, "ymir", Spread::Anywhere);
        let kinds: Vec<_> = found(&known, "user ymir on host ymir, ymir").into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [NameKind::User, NameKind::Host, NameKind::Host]);
    }
}

//! What a person typed, as terms to look for.
//!
//! Owns: the meaning of a query and where it matches in a text. Does not: write it in the language of any index.
//!
//! There is no syntax: quotes, operators and brackets are not words and count for nothing, so that nothing that is typed or
//! pasted can be wrong. What stands between two spaces is one term; its words have to follow each other. The last term may
//! be the beginning of a word, as long as no space follows it. A plural finds the singular and the other way round, by the
//! letter `s` alone.

use std::ops::Range;

use super::words::{Joined, Word, joined, words};

/// Terms of a query that are looked for; further ones are left out.
const TERMS: usize = 16;

/// Words of one term that are looked for.
const PARTS: usize = 24;

/// Letters that a word has at least when its plural counts as the same.
const SHORTEST_PLURAL: usize = 4;

/// Something to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Words that follow each other; at least one.
    pub parts: Vec<String>,
    /// Another form of the word, when there is only one.
    pub other: Option<String>,
    /// Whether the last word may go on.
    pub ending: Ending,
}

/// How the last word of a term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it was typed.
    Closed,
    /// Anything may follow: it is still being typed.
    Open,
}

impl Term {
    fn new(parts: Vec<String>, ending: Ending) -> Self {
        let other = match parts.as_slice() {
            [word] => other_number(word),
            _ => None,
        };
        Self { parts, other, ending }
    }

    /// Whether a single word is this term.
    fn is(&self, word: &str) -> bool {
        let [part] = self.parts.as_slice() else { return false };
        let fits = |part: &str| match self.ending {
            Ending::Closed => word == part,
            Ending::Open => word.starts_with(part),
        };
        fits(part) || self.other.as_deref().is_some_and(fits)
    }

    /// How many words from the beginning of `words` are this term; 0 when they are not.
    fn matches(&self, words: &[Word]) -> usize {
        if words.first().is_some_and(|word| self.is(&word.folded)) {
            return 1;
        }
        let count = self.parts.len();
        let (Some(words), Some((last, body))) = (words.get(..count), self.parts.split_last()) else { return 0 };
        let same = body.iter().zip(words).all(|(part, word)| *part == word.folded);
        let ends = words.last().is_some_and(|word| match self.ending {
            Ending::Closed => word.folded == *last,
            Ending::Open => word.folded.starts_with(last.as_str()),
        });
        if same && ends { count } else { 0 }
    }
}

/// The plural of a word, or its singular, as far as the letter `s` makes them.
fn other_number(word: &str) -> Option<String> {
    if word.len() < SHORTEST_PLURAL || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    match word.strip_suffix('s') {
        Some(singular) if singular.ends_with('s') => None,
        Some(singular) => Some(singular.to_owned()),
        None => Some(format!("{word}s")),
    }
}

/// What a person looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What has to be found.
    pub terms: Vec<Term>,
}

impl Query {
    /// Reads what was typed. Never fails; without a letter or a digit there are no terms.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let ended = text.chars().next_back().is_none_or(char::is_whitespace);
        let pieces = text
            .split_whitespace()
            .map(|piece| words(piece).into_iter().take(PARTS).map(|word| word.folded).collect::<Vec<String>>());
        let pieces: Vec<Vec<String>> = pieces.filter(|parts| !parts.is_empty()).take(TERMS).collect();
        let last = pieces.len();
        let terms = (1..).zip(pieces).map(|(number, parts)| {
            let ending = if number == last && !ended { Ending::Open } else { Ending::Closed };
            Term::new(parts, ending)
        });
        Self { terms: terms.collect() }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Where terms stand in `text`: ranges of bytes, in order, none touching another.
    #[must_use]
    pub fn marks(&self, text: &str) -> Vec<Range<usize>> {
        let words = words(text);
        let joined = joined(&words);
        let mut found: Vec<Range<usize>> = Vec::new();
        for at in 0..words.len() {
            let longest = self.terms.iter().map(|term| term.matches(&words[at..])).max().unwrap_or(0);
            if longest > 0 {
                found.push(words[at].start..words[at + longest - 1].end);
            }
        }
        let is_term = |joined: &&Joined| self.terms.iter().any(|term| term.is(&joined.folded));
        // The shortest compound from each place: `crashl` marks `CrashLoop`, not all of `CrashLoopBackOff`.
        for joined in joined.iter().filter(is_term) {
            let start = words[joined.first].start;
            if !found.iter().any(|known| known.start == start) {
                found.push(start..words[joined.first + joined.count - 1].end);
            }
        }
        united(found)
    }
}

/// Ranges in order, with those that overlap made one.
fn united(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut united: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match united.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("disk full", "Disk is full", "Disk|full")]
    #[case("disk full ", "diskette fullness", "")]
    #[case("disk ful", "the disk was filled, disks full", "disk|disks|full")]
    #[case("crashloop back", "CrashLoopBackOff", "CrashLoop|Back")]
    #[case("crashl", "KubePodCrashLooping", "CrashLooping")]
    #[case("podcrash", "KubePodCrashLooping", "PodCrash")]
    #[case("orders-db", "in orders_db-0 of orders", "orders_db")]
    #[case("ordersdb ", "in orders-db-0", "orders-db")]
    #[case("/var/lib", "rm /var/lib/x and /var lib", "var/lib|var lib")]
    #[case("盘已", "磁盘已满", "盘已")]
    #[case("uber", "Überlauf", "Überlauf")]
    #[case("5xx", "HighHttp5xxRate", "5xx")]
    #[case("pods ", "a pod, pods, podspec", "pod|pods")]
    #[case("access ", "acces, access", "access")]
    #[case("alerts ", "an alert, alerts, alertspec", "alert|alerts")]
    fn marks(#[case] query: &str, #[case] text: &str, #[case] expected: &str) {
        let marked: Vec<&str> = Query::parse(query).marks(text).into_iter().map(|range| &text[range]).collect();
        let expected: Vec<&str> = expected.split('|').filter(|mark| !mark.is_empty()).collect();
        assert_eq!(marked, expected);
    }

    #[rstest]
    #[case("\"disk AND (full* OR -x:y")]
    #[case("NEAR(a b, 5) ^ {title} : 'x'")]
    fn operators_are_words_or_nothing(#[case] text: &str) {
        let query = Query::parse(text);
        assert!(query.terms.iter().flat_map(|term| &term.parts).all(|part| part.chars().all(char::is_alphanumeric)));
    }

    #[test]
    fn nothing_typed_is_nothing_to_look_for() {
        assert!(Query::parse("").is_empty() && Query::parse(" -- \"* ").is_empty());
        assert_eq!(Query::parse(&"word ".repeat(1_000)).terms.len(), TERMS);
    }

    proptest! {
        #[test]
        fn marks_are_in_order_and_on_characters(query in ".{0,20}", text in any::<String>()) {
            let mut end = 0;
            for mark in Query::parse(&query).marks(&text) {
                prop_assert!(mark.start >= end && mark.end > mark.start);
                prop_assert!(text.get(mark.clone()).is_some());
                end = mark.end;
            }
        }

        #[test]
        fn every_word_of_a_text_finds_it(text in "[a-zA-Z0-9äß盘 _-]{1,60}") {
            for word in text.split_whitespace() {
                if !words(word).is_empty() {
                    prop_assert!(!Query::parse(word).marks(&text).is_empty(), "{word}");
                }
            }
        }
    }
}

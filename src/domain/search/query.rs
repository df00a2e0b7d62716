//! What a person typed, as terms to look for.
//!
//! Owns: the meaning of a query and where it matches in a text. Does not: write it in the language of any index.
//!
//! There is no syntax: quotes, operators and brackets are not words and count for nothing, so that nothing that is typed or
//! pasted can be wrong. What stands between two spaces is one term; its words have to follow each other. The last term may
//! be the beginning of a word, as long as no space follows it; a single letter is too little of a beginning to say anything.

use std::ops::Range;

use super::words::{Joined, Word, joined, words};

/// Terms of a query that are looked for; further ones are left out.
const TERMS: usize = 16;

/// Words of one term that are looked for.
const PARTS: usize = 24;

/// Something to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Stems of words that follow each other; at least one.
    pub parts: Vec<String>,
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
    /// Whether a single word with this stem is the term.
    fn is(&self, stem: &str) -> bool {
        match (self.parts.as_slice(), self.ending) {
            ([part], Ending::Closed) => stem == part,
            ([part], Ending::Open) => stem.starts_with(part.as_str()),
            _ => false,
        }
    }

    /// How many words from the beginning of `words` are this term; 0 when they are not.
    fn matches(&self, words: &[Word]) -> usize {
        let count = self.parts.len();
        let (Some(words), Some((last, body))) = (words.get(..count), self.parts.split_last()) else { return 0 };
        let same = body.iter().zip(words).all(|(part, word)| part == word.stem());
        let ends = words.last().is_some_and(|word| match self.ending {
            Ending::Closed => word.stem() == last,
            Ending::Open => word.stem().starts_with(last.as_str()),
        });
        if same && ends { count } else { 0 }
    }
}

/// What a person looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What has to be found.
    pub terms: Vec<Term>,
}

impl Query {
    /// Reads what was typed. Words of questions (`how do I …`) count only when there are no others. Never fails; without a letter or a digit there are no terms.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let ended = text.chars().next_back().is_none_or(char::is_whitespace);
        let pieces = text.split_whitespace().map(|piece| {
            words(piece).into_iter().take(PARTS).map(|word| word.stem().to_owned()).collect::<Vec<String>>()
        });
        let pieces = pieces.filter(|parts| !parts.is_empty()).take(TERMS);
        let mut terms: Vec<Term> = pieces.map(|parts| Term { parts, ending: Ending::Closed }).collect();
        if terms.iter().any(|term| !is_filler(&term.parts)) {
            terms.retain(|term| !is_filler(&term.parts));
        }
        let others = terms.len().saturating_sub(1);
        if let Some(last) = terms.last_mut().filter(|_| !ended) {
            if !is_letter(&last.parts) {
                last.ending = Ending::Open;
            } else if others > 0 {
                terms.pop();
            }
        }
        Self { terms }
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
        let is_term = |joined: &&Joined| self.terms.iter().any(|term| term.is(joined.stem()));
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

/// Words of English questions that say nothing about what is looked for; they stand in thousands of places. `not`, `no`, `up`,
/// `down` and `off` are none of them: in operations they are what it is about.
const FILLERS: [&str; 31] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "how", "i", "if", "in", "is",
    "it", "of", "on", "or", "the", "there", "this", "to", "we", "what", "when", "why", "with",
];

/// Whether a term is such a word.
fn is_filler(parts: &[String]) -> bool {
    matches!(parts, [part] if FILLERS.contains(&part.as_str()))
}

/// Whether a term is one letter, of which thousands of words begin.
fn is_letter(parts: &[String]) -> bool {
    matches!(parts, [part] if matches!(part.as_bytes(), [b'a'..=b'z']))
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
    #[case("how do I free the disk", "I do free a disk", "free|disk")]
    #[case("the", "the other", "the")]
    #[case("disk f", "a full disk of f", "disk")]
    #[case("f", "a full disk of f", "f")]
    #[case("node 7", "node 71", "node|71")]
    #[case("pods ", "a pod, pods, podspec", "pod|pods")]
    #[case("access ", "accesses, access", "access")]
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
                if !Query::parse(word).is_empty() {
                    prop_assert!(!Query::parse(word).marks(&text).is_empty(), "{word}");
                }
            }
        }
    }
}

//! Common words: what stands in runbooks, logs and instructions and says nothing about anyone.
//!
//! Owns: the list (`words.txt`, sorted, in lower case). It need not be complete: a word that it lacks costs a token where a
//! host or a person is called like it, and the token comes back as the word.

use std::sync::LazyLock;

use super::list::WordList;

static WORDS: LazyLock<WordList> = LazyLock::new(|| WordList::new(include_str!("words.txt").split_ascii_whitespace()));

/// True when `word` is a common word, in any case.
pub(super) fn contains(word: &str) -> bool {
    WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::redact::PREAMBLE;

    #[test]
    fn the_words_of_our_own_instructions_are_common() {
        let words = PREAMBLE.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() >= 3);
        let missing: Vec<&str> = words.filter(|word| !word.starts_with("zq") && !contains(word)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn names_of_people_and_hosts_are_not() {
        for name in ["alice", "mallory", "jdoe", "ymir", "webserver", "hans", "priya"] {
            assert!(!contains(name), "{name}");
        }
    }
}

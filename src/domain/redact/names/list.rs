//! Fixed lists of words, looked up without regard to case.
//!
//! Owns: the look-up. Invariants: it takes no memory and does not copy the word; a list is made once, of words that this
//! program brings along, so that no text can add to it and make it slow. Does not: know what the words mean.

/// A list of words in lower case.
pub(super) struct WordList {
    /// By hash of the word: where its neighbours begin in `words`; one more than there are hashes.
    starts: Vec<usize>,
    /// Words with the same hash are neighbours.
    words: Vec<&'static str>,
}

impl WordList {
    /// The list of `words`, which are in lower case.
    pub(super) fn new(words: impl IntoIterator<Item = &'static str>) -> Self {
        let mut words: Vec<&'static str> = words.into_iter().collect();
        // Half of the places are empty, so that most words that are not in the list are compared with none.
        let places = (words.len() * 2).next_power_of_two();
        let place = |word: &&str| hash(word.as_bytes()) & (places - 1);
        words.sort_by_key(place);
        let starts = (0..=places).map(|at| words.partition_point(|word| place(word) < at)).collect();
        Self { starts, words }
    }

    /// True when `word` is in the list, in any case of ASCII letters.
    pub(super) fn contains(&self, word: &str) -> bool {
        let place = hash(word.as_bytes()) & (self.starts.len() - 2);
        let neighbours = &self.words[self.starts[place]..self.starts[place + 1]];
        neighbours.iter().any(|known| known.eq_ignore_ascii_case(word))
    }
}

/// A number that is the same for words that differ in the case of ASCII letters only: from the length and the first and last
/// eight bytes, which tell words apart well enough.
fn hash(word: &[u8]) -> usize {
    /// The bit in which capitals and small letters of ASCII differ; that it makes others alike does no harm.
    const CASE: u64 = 0x2020_2020_2020_2020;
    /// 2⁶⁴ divided by the golden ratio, as Knuth proposes for hashing by multiplication.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = match (word.first_chunk::<8>(), word.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word.iter().fold(0, |number, byte| number << 8 | u64::from(*byte | 0x20)), 0),
    };
    let mixed = ((first | CASE).wrapping_mul(GOLDEN) ^ (last | CASE)).wrapping_add(word.len() as u64);
    // The highest bits depend on all others.
    (mixed.wrapping_mul(GOLDEN) >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 6] = ["a", "db", "web-data", "administrator", "node_exporter", "ubuntu.com"];

    #[test]
    fn words_are_found_in_any_case_and_others_are_not() {
        let list = WordList::new(WORDS);
        for word in WORDS {
            assert!(list.contains(word) && list.contains(&word.to_ascii_uppercase()), "{word}");
            assert!(!list.contains(&format!("{word}x")) && !list.contains(&word[1..]), "{word}");
        }
        for other in ["", "é", "web\rdata", "node\u{7f}exporter", "administratos", "bdministrator"] {
            assert!(!list.contains(other), "{other}");
        }
    }

    #[test]
    fn an_empty_list_has_no_word() {
        assert!(!WordList::new([]).contains("a"));
    }
}

//! Which of the places that match a text one stands at.
//!
//! Owns: the count, as it was when the place was gone to, and its words for the title of a pane. Does not: find anything.
//!
//! Counting reads all of an output or a conversation, so it is done by the key that goes to a place and not by every frame.

/// A place among those that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Which one, from 1.
    pub nth: usize,
    /// How many there were.
    pub of: usize,
    /// How large the text was that was looked through: bytes, lines or nodes.
    pub size: usize,
}

impl Sought {
    /// The place at position `at` of the ascending `places` in a text of this size; `None` when it is none of them.
    #[must_use]
    pub fn among(places: &[usize], at: usize, size: usize) -> Option<Self> {
        let nth = places.binary_search(&at).ok()? + 1;
        Some(Self { nth, of: places.len(), size })
    }

    /// `3 of 11`; `None` when the text has another size by now: it is not counted again.
    #[must_use]
    pub fn words(self, size: usize) -> Option<String> {
        (self.size == size).then(|| format!("{} of {}", self.nth, self.of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_shown_as_long_as_it_is_true() {
        let sought = Sought::among(&[2, 5, 9], 5, 100).unwrap();
        assert_eq!(sought.words(100).as_deref(), Some("2 of 3"));
        assert_eq!(sought.words(120), None);
        assert_eq!(Sought::among(&[2, 5, 9], 4, 100), None);
    }
}

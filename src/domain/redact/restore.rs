//! Tokens become names again while an answer streams in.
//!
//! Owns: holding back what may be the beginning of a token until it is whole. Invariant: what comes out, put together, is
//! what [`Pseudonyms::restore`] makes of the whole answer, however it was cut.

use super::pseudonym::{Pseudonyms, TOKEN_LENGTH, could_be_token};

/// Restores an answer piece by piece; one for each stream.
#[derive(Clone, Default)]
pub struct Restorer {
    held: String,
}

impl std::fmt::Debug for Restorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restorer").field("held", &self.held.len()).finish()
    }
}

impl Restorer {
    /// A restorer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece and returns what can be shown; at most 13 bytes are held back.
    #[must_use]
    pub fn push(&mut self, piece: &str, names: &Pseudonyms) -> String {
        self.held.push_str(piece);
        let bytes = self.held.as_bytes();
        let first = bytes.len().saturating_sub(TOKEN_LENGTH - 1);
        // No token begins inside another, so the first place that may be a beginning is the only one.
        let cut = (first..bytes.len()).find(|start| could_be_token(&bytes[*start..])).unwrap_or(bytes.len());
        let rest = self.held.split_off(cut);
        let ready = std::mem::replace(&mut self.held, rest);
        names.restore(&ready)
    }

    /// The end of the stream: returns what was held back.
    #[must_use]
    pub fn finish(self, names: &Pseudonyms) -> String {
        names.restore(&self.held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pseudonym::NameKind;
    use super::*;

    #[test]
    fn only_the_beginning_of_a_token_is_held_back() {
        let names = Pseudonyms::new([1; 32]);
        let mut restorer = Restorer::new();
        assert_eq!(restorer.push("a puzzle zq", &names), "a puzzle ");
        assert_eq!(restorer.push("uick z", &names), "zquick ");
        assert_eq!(restorer.finish(&names), "z");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_answer_is_the_same(
            parts in prop::collection::vec(prop_oneof![Just(0_usize), Just(1), Just(2), 3_usize..9], 1..20),
            cuts in prop::collection::vec(1_usize..9, 1..80),
        ) {
            let mut names = Pseudonyms::new([3; 32]);
            let mut token = |kind, value| {
                let token = names.token(kind, value);
                names.spelled(token).to_owned()
            };
            let tokens = [token(NameKind::Host, "web-01"), token(NameKind::Mail, "ä@b.example"), token(NameKind::User, "alice")];
            let fillers = ["z", "zq", "zqhost", "zqhost2222", "é 's ", "ZQUSER"];
            let text: String =
                parts.iter().map(|part| tokens.get(*part).map_or_else(|| fillers[part - 3].to_owned(), Clone::clone)).collect();
            let mut restorer = Restorer::new();
            let mut out = String::new();
            let mut rest = text.as_str();
            for length in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let mut at = (*length).min(rest.len());
                while !rest.is_char_boundary(at) { at += 1; }
                out.push_str(&restorer.push(&rest[..at], &names));
                rest = &rest[at..];
            }
            out.push_str(&restorer.finish(&names));
            prop_assert_eq!(out, names.restore(&text));
        }
    }
}

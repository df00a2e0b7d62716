//! Look-up of texts that anybody may have written.
//!
//! Owns: a hash that only who has the key of the conversation can foresee, and the map from it to places of a list.
//! Invariant: whoever writes the texts cannot make many of them meet in one place of the map, and so make it slow. Does not:
//! tell two texts with the same hash apart; whoever looks one up compares, and follows the chain of those that meet.
//!
//! The hash is a polynomial over the field of 2⁶¹ − 1 elements, at a point that is drawn from the key (Carter and Wegman 1979):
//! two texts of `n` bytes meet for at most `n / 7 + 2` of the 2⁶¹ points, and in the lowest `b` bits with a probability of
//! about that many in 2ᵇ. For names it takes a third of the time of `SipHash`, which the standard library uses.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest as _, Sha256};

/// The prime 2⁶¹ − 1.
const PRIME: u64 = (1 << 61) - 1;
/// Bytes of a coefficient: as many as surely are less than [`PRIME`].
const WIDTH: usize = 7;

/// A hash of texts that belongs to one key.
#[derive(Clone)]
pub(super) struct Keyed {
    point: u64,
}

impl Keyed {
    /// The hash for `key`, which nobody can derive the key from.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update("point of the hash of names").chain_update(key).finalize();
        let drawn = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Self { point: drawn % PRIME }
    }

    /// The hash of `text`, of the sort `sort`, at most 255; texts of different sorts have different ones.
    pub(super) fn of(&self, sort: u8, text: &[u8]) -> u64 {
        // The length tells texts apart that differ in zeros at their end.
        let start = (text.len() as u64) << 8 | u64::from(sort);
        let mut blocks = text.chunks_exact(WIDTH);
        let mut hash = blocks.by_ref().fold(self.step(start), |hash, block| {
            let mut bytes = [0; 8];
            bytes[..WIDTH].copy_from_slice(block);
            self.step(hash + u64::from_le_bytes(bytes))
        });
        let rest = blocks.remainder();
        if !rest.is_empty() {
            hash = self.step(hash + rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        hash
    }

    /// `sum` times the point; `sum` is less than 2⁶².
    fn step(&self, sum: u64) -> u64 {
        let product = u128::from(sum) * u128::from(self.point);
        // 2⁶¹ is 1 in this field. Both parts are less than 2⁶², and so is their sum after the second fold.
        let folded = (product as u64 & PRIME) + (product >> 61) as u64;
        let folded = (folded & PRIME) + (folded >> 61);
        if folded >= PRIME { folded - PRIME } else { folded }
    }
}

/// From hashes of [`Keyed`], or other numbers that nobody can choose, to places of a list.
pub(super) type ByHash = HashMap<u64, usize, BuildHasherDefault<Spread>>;

/// Spreads a number over all bits, so that those that a map looks at differ; the number itself cannot be foreseen.
#[derive(Clone, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        /// 2⁶⁴ divided by the golden ratio, as Knuth proposes for hashing by multiplication.
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(GOLDEN);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_step_multiplies_in_the_field() {
        for sum in [0, 1, PRIME - 1, PRIME, PRIME + 1, (1 << 62) - 1, 0x1234_5678_9abc_def0] {
            for point in [0, 1, 2, PRIME - 1, 0x0fed_cba9_8765_4321] {
                let expected = u128::from(sum) * u128::from(point) % u128::from(PRIME);
                assert_eq!(u128::from(Keyed { point }.step(sum)), expected, "{sum} {point}");
            }
        }
    }

    #[test]
    fn texts_sorts_and_keys_differ() {
        let keyed = Keyed::new(&[1; 32]);
        let texts = ["", "\0", "\0\0", "a", "a\0", "web-001", "web-001\0", "web-0012", "10.0.0.1", "10.0.0.2"];
        let numbers: HashSet<u64> =
            texts.iter().flat_map(|text| [0, 1].map(|sort| keyed.of(sort, text.as_bytes()))).collect();
        assert_eq!(numbers.len(), texts.len() * 2);
        assert_ne!(keyed.of(0, b"web-001"), Keyed::new(&[2; 32]).of(0, b"web-001"));
    }

    /// Names that follow a pattern meet no more often than drawn numbers would.
    #[test]
    fn names_with_a_pattern_do_not_gather_in_few_places() {
        let keyed = Keyed::new(&[3; 32]);
        let mut places = vec![0_u32; 1 << 12];
        for number in 0..1 << 14 {
            let mut hasher = Spread::default();
            hasher.write_u64(keyed.of(0, format!("node-{number}.prod.internal").as_bytes()));
            places[(hasher.finish() & 0xfff) as usize] += 1;
        }
        let fullest = places.iter().max().copied().unwrap_or_default();
        // Four in each on average; of drawn numbers the fullest place has about 14.
        assert!(fullest <= 24, "{fullest}");
    }
}

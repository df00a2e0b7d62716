//! Values that must never leave: the keys and tokens that the program itself holds.
//!
//! Owns: finding them in outgoing bytes, in any of the spellings in which text travels. Invariant: a value never shows, not
//! even in `Debug`.
//!
//! The spellings: as it is; in base64 of both alphabets at each of the three alignments, so also as part of something
//! longer; in hexadecimal; and each of these behind escapes of JSON or percent signs, up to four layers deep.
//!
//! Short values: from eight bytes on all spellings count. Four to seven bytes count only as they are and as a whole word,
//! because their encodings turn up by chance. Shorter ones would block everything; they are left out and counted by
//! [`Canaries::too_short`].

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

/// From this length on all spellings are looked for; in bytes.
const LONG: usize = 8;
/// From this length on a value is looked for at all; in bytes.
const SHORT: usize = 4;
/// Layers of escapes that are taken off.
const LAYERS: usize = 4;
/// Up to this many bytes of spellings the fastest automaton is made, at some hundred bytes of memory for each; beyond it, one
/// that is three times slower and needs a tenth.
const FAST: usize = 32 * 1024;

/// The values that block a body.
#[derive(Clone)]
pub struct Canaries {
    /// All spellings, in any case: one look at a text that has none of them is enough.
    any: Option<AhoCorasick>,
    /// Spellings in which case counts.
    exact: Option<AhoCorasick>,
    /// Hexadecimal, in which it does not.
    hexadecimal: Option<AhoCorasick>,
    /// Values that count as whole words only.
    words: Vec<Vec<u8>>,
    too_short: usize,
    /// Set when the automata could not be made: then everything is blocked.
    broken: bool,
}

impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canaries").field("too_short", &self.too_short).finish_non_exhaustive()
    }
}

impl Canaries {
    /// Takes the values; white space around them does not count.
    pub fn new<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Self {
        let mut exact: Vec<Vec<u8>> = Vec::new();
        let mut hexadecimal = Vec::new();
        let mut words = Vec::new();
        let mut too_short = 0;
        for value in values {
            let value = value.as_ref().trim_ascii();
            match value.len() {
                0 => {}
                LONG.. => {
                    exact.push(value.to_vec());
                    exact.extend(base64_spellings(value));
                    hexadecimal
                        .push(value.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<u8>>());
                }
                SHORT.. => words.push(value.to_vec()),
                _ => too_short += 1,
            }
        }
        let exact_build = (!exact.is_empty()).then(|| automaton(&exact, Case::Counts));
        let hexadecimal_build = (!hexadecimal.is_empty()).then(|| automaton(&hexadecimal, Case::Ignored));
        let all = [exact.as_slice(), &hexadecimal].concat();
        let any_build = (!all.is_empty()).then(|| automaton(&all, Case::Ignored));
        let broken = [&any_build, &exact_build, &hexadecimal_build].iter().any(|build| matches!(build, Some(Err(_))));
        Self {
            any: any_build.and_then(Result::ok),
            exact: exact_build.and_then(Result::ok),
            hexadecimal: hexadecimal_build.and_then(Result::ok),
            words,
            too_short,
            broken,
        }
    }

    /// How many values were too short to be looked for; whoever holds them should be told.
    #[must_use]
    pub const fn too_short(&self) -> usize {
        self.too_short
    }

    /// True when one of the values stands in `bytes`, in any spelling.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> bool {
        self.find_below(bytes, LAYERS)
    }

    /// True when one of the values stands in the serialised document `json`, or in a text of it. All texts are looked at
    /// together: taking one layer of escapes off the document reads every one of them, and none runs into the next, because a
    /// quote stands at its end.
    pub(super) fn find_in_document(&self, json: &[u8]) -> bool {
        self.find_below(json, LAYERS + 1)
    }

    fn find_below(&self, bytes: &[u8], layers: usize) -> bool {
        self.broken || !(self.exact.is_none() && self.words.is_empty()) && self.find_layered(bytes, layers)
    }

    fn find_layered(&self, bytes: &[u8], layers: usize) -> bool {
        if self.find_plain(bytes) {
            return true;
        }
        if layers == 0 {
            return false;
        }
        [json_unescaped(bytes), percent_decoded(bytes)]
            .into_iter()
            .any(|view| matches!(view, Cow::Owned(_)) && self.find_layered(&view, layers - 1))
    }

    fn find_plain(&self, bytes: &[u8]) -> bool {
        let is_in = |automaton: &Option<AhoCorasick>| automaton.as_ref().is_some_and(|one| one.is_match(bytes));
        is_in(&self.any) && (is_in(&self.exact) || is_in(&self.hexadecimal))
            || self.words.iter().any(|word| has_word(bytes, word))
    }
}

/// Whether `a` and `A` differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Counts,
    Ignored,
}

/// An automaton that takes the same time for every text: a prefilter would be faster on most, and several times slower on
/// those in which the byte that it looks for is frequent.
fn automaton(spellings: &[Vec<u8>], case: Case) -> Result<AhoCorasick, BuildError> {
    let size: usize = spellings.iter().map(Vec::len).sum();
    let kind = if size <= FAST { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    AhoCorasick::builder()
        .ascii_case_insensitive(case == Case::Ignored)
        .prefilter(false)
        .kind(Some(kind))
        .build(spellings)
}

/// True when `word` stands in `bytes` without a letter or digit on either side.
fn has_word(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, word).any(|start| {
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(start + word.len()).copied();
        !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
            && !after.is_some_and(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What `value` makes of base64 wherever it stands in what is encoded: without the characters that its neighbours share.
fn base64_spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = Vec::new();
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for lead in 0..3 {
            let padded = [vec![0; lead], value.to_vec()].concat();
            let encoded = engine.encode(&padded);
            // Six bits a character: the first ones hold bits of the lead, the last one may hold bits of what follows.
            let first = (lead * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            spellings.push(encoded.as_bytes()[first..last].to_vec());
        }
    }
    spellings.sort();
    spellings.dedup();
    spellings
}

/// One layer of JSON's escapes taken off; borrowed when there is none.
fn json_unescaped(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(rest) = bytes.get(place..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        if plain == rest.len() {
            break;
        }
        place += plain + 2;
        match bytes.get(place - 1) {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'u') => match unicode_escape(bytes, place) {
                Some((c, length)) => {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    place += length;
                }
                None => out.extend_from_slice(b"\\u"),
            },
            Some(other) => out.push(*other),
            None => out.push(b'\\'),
        }
    }
    Cow::Owned(out)
}

/// The character after `\u` at `place`, a pair of surrogates included, and how many bytes it takes.
fn unicode_escape(bytes: &[u8], place: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(place)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 4));
    }
    let second = (bytes.get(place + 4..place + 6)? == b"\\u").then(|| unit(place + 6))??;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, 10))
}

/// One layer of percent signs taken off; borrowed when there is none.
fn percent_decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let value = |byte: Option<&u8>| {
        byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |place: usize| Some(value(bytes.get(place + 1))? << 4 | value(bytes.get(place + 2))?);
    if !memchr::memchr_iter(b'%', bytes).any(|place| pair(place).is_some()) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(rest) = bytes.get(place..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        place += plain;
        match pair(place) {
            Some(decoded) => {
                out.push(decoded);
                place += 3;
            }
            None => {
                out.extend(bytes.get(place));
                place += 1;
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use rstest::rstest;

    use super::*;

    const VALUE: &str = "k~y/+\"1 ü?z-9";

    fn percent(text: &str, all: bool, upper: bool) -> String {
        text.bytes()
            .map(|byte| match (all || !byte.is_ascii_alphanumeric(), upper) {
                (false, _) => char::from(byte).to_string(),
                (true, true) => format!("%{byte:02X}"),
                (true, false) => format!("%{byte:02x}"),
            })
            .collect()
    }

    #[test]
    fn every_spelling_is_found() {
        let canaries = Canaries::new([VALUE]);
        let unicode: String = VALUE.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut spellings = vec![
            VALUE.to_owned(),
            serde_json::to_string(VALUE).unwrap(),
            serde_json::to_string(&serde_json::to_string(VALUE).unwrap()).unwrap(),
            unicode,
            hex.to_uppercase(),
            hex,
        ];
        for all in [true, false] {
            for upper in [true, false] {
                spellings.push(percent(VALUE, all, upper));
            }
        }
        for lead in ["", "a", "bc"] {
            let text = format!("{lead}{VALUE} tail");
            spellings.push(BASE64_STANDARD.encode(&text));
            spellings.push(BASE64_URL_SAFE_NO_PAD.encode(&text));
            spellings.push(percent(&BASE64_STANDARD.encode(&text), false, true));
        }
        for spelling in spellings {
            assert!(canaries.find(format!("x {spelling} y").as_bytes()), "{spelling}");
        }
        assert!(!canaries.find(b"nothing of it, 100% sure, C:\\new"));
    }

    #[rstest]
    #[case("tok5", "a tok5 b", true)]
    #[case("tok5", "atok5", false)]
    #[case("tok5", "\\u0074ok5", true)]
    #[case("ab", "ab", false)]
    fn short_values_follow_their_rule(#[case] value: &str, #[case] text: &str, #[case] expected: bool) {
        let canaries = Canaries::new([value]);
        assert_eq!(canaries.find(text.as_bytes()), expected);
        assert_eq!(canaries.too_short(), usize::from(value.len() < 4));
    }

    #[test]
    fn nothing_is_printed() {
        assert!(!format!("{:?}", Canaries::new([VALUE, "tok5"])).contains("tok5"));
    }
}

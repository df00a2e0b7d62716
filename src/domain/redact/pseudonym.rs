//! Tokens that stand for names in what a model sees.
//!
//! Owns: the form of a token, which value each one stands for, and the names that are known. Invariants:
//! - One value, one token, for the whole conversation; two values never share one.
//! - A token cannot be guessed: it comes from the conversation's key. Text that looks like a token but is none is given a
//!   token of its own ([`NameKind::Lookalike`]), so that it comes back as it was and never as somebody's host. A token that
//!   was given out stays itself, so that what a model said can be sent again.
//! - `Debug` prints counts only.
//!
//! The form: `zq`, four letters for the kind, eight letters and digits without vowels, such as `zqhost7k2mx4tp`. It is one
//! word in prose, Markdown, shells, URLs and JSON, it is no word of any language, and case does not matter.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use memchr::memchr2_iter;
use sha2::{Digest as _, Sha256};

use super::Kind;
use super::keyed::{ByHash, Keyed};
use super::names::{Known, Spread, spread, spreads};

/// What the instructions of a model have to say about tokens and placeholders.
pub const PREAMBLE: &str = "Names in this conversation are replaced by placeholders: words such as zqhost7k2mx4tp \
(zqhost… is a host, zqaddr… an IP address, zquser… a person's account, zqmail… a mail address, zqtext… a quoted word). They \
are not mistakes and not the real names; the same placeholder always means the same thing, and different ones mean different \
things. Copy them letter by letter wherever you would write the name, also in commands and URLs; never alter, shorten, \
explain or invent one. [REDACTED:…] marks a secret that was removed; never ask for it and never guess it.";

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A host.
    Host,
    /// An IP address.
    Address,
    /// A person's account.
    User,
    /// A mail address.
    Mail,
    /// Text in the form of a token.
    Lookalike,
}

impl NameKind {
    const ALL: [Self; 5] = [Self::Host, Self::Address, Self::User, Self::Mail, Self::Lookalike];

    /// The four letters in a token.
    const fn letters(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Address => "addr",
            Self::User => "user",
            Self::Mail => "mail",
            Self::Lookalike => "text",
        }
    }

    /// Which kind of finding it is.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Host => Kind::Host,
            Self::Address => Kind::Address,
            Self::User => Kind::User,
            Self::Mail => Kind::Mail,
            Self::Lookalike => Kind::Lookalike,
        }
    }

    /// The rule that a finding of this kind names.
    pub(super) const fn rule(self) -> &'static str {
        match self {
            Self::Host => "name-host",
            Self::Address => "name-address",
            Self::User => "name-user",
            Self::Mail => "name-mail",
            Self::Lookalike => "name-lookalike",
        }
    }
}

/// The beginning of every token.
const MARK: &[u8] = b"zq";
/// Letters and digits of a token: no vowels, so that no word comes about, and nothing of [`MARK`], so that no token begins
/// inside another.
const ALPHABET: &[u8; 25] = b"23456789bcdfghjkmnprstvwx";
/// Drawn letters of a token: 25⁸ is about 37 bits.
const DRAWN: usize = 8;
/// Tokens of a kind.
const NUMBERS: u64 = 25_u64.pow(DRAWN as u32);
/// Where the drawn letters begin.
const DRAWN_AT: usize = MARK.len() + 4;
/// Bytes of a token.
pub(super) const TOKEN_LENGTH: usize = DRAWN_AT + DRAWN;

/// A token that was given out, by its place in the order in which they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(usize);

/// What a token stands for.
#[derive(Clone)]
struct Issued {
    kind: NameKind,
    /// Where the value stands in [`Pseudonyms::values`].
    value: Range<usize>,
    /// The one given out before it whose value has the same hash.
    next: Option<usize>,
}

/// Which names stand behind which tokens, in one conversation.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
    keyed: Keyed,
    /// The tokens that were given out, in order; what they stand for is in `values`, how they are spelled in `spelled`.
    issued: Vec<Issued>,
    /// All values, one behind the other.
    values: String,
    /// All tokens, one behind the other, each of [`TOKEN_LENGTH`] bytes.
    spelled: String,
    /// By kind and value: the last one of `issued` with that hash.
    by_value: ByHash,
    /// By kind and the number that is drawn: which of `issued` it is. The number comes from the conversation's key, so nobody
    /// can choose it.
    by_number: ByHash,
    /// Text in the form of a token that was never given out, in lower case: never to be given out.
    lookalikes: BTreeSet<String>,
    /// Domains whose hosts are one's own, in lower case, without a dot before them.
    domains: BTreeSet<String>,
    /// Hosts and users that are replaced elsewhere, too.
    known: Known,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("tokens", &self.issued.len())
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

impl Pseudonyms {
    /// The empty map of one conversation. `key` is drawn at random for it and kept with it: the same key gives the same
    /// tokens again; who does not know it cannot guess a token.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let keyed = Keyed::new(&key);
        Self {
            key,
            known: Known::new(keyed.clone()),
            keyed,
            issued: Vec::new(),
            values: String::new(),
            spelled: String::new(),
            by_value: ByHash::default(),
            by_number: ByHash::default(),
            lookalikes: BTreeSet::new(),
            domains: BTreeSet::new(),
        }
    }

    /// Hosts of `domain` (`example.com`, with or without a dot before it) are one's own and get tokens wherever they stand.
    pub fn add_domain(&mut self, domain: &str) {
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        if !domain.is_empty() {
            self.domains.insert(domain);
        }
    }

    /// `value` is the name of a host or a person, as a typed place says: the label of an alert, the owner of an incident. It
    /// gets a token wherever it stands as a word; a common word (`db`, `test`) only where its surroundings say that it is a
    /// host or a person. `root`, `localhost`, numbers and the like are nobody's and are ignored.
    pub fn learn(&mut self, kind: NameKind, value: &str) {
        if let Some(spread) = spread(value) {
            self.known.learn(kind, value, spread);
        }
    }

    /// How many values have tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.issued.len()
    }

    /// True when nothing has a token yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.issued.is_empty()
    }

    /// `text` with every token that was given out replaced by what it stands for. Restores once: what a value holds is not
    /// looked into.
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (span, _, value) in self.issued_in(text) {
            out.push_str(&text[done..span.start]);
            out.push_str(value);
            done = span.end;
        }
        out.push_str(&text[done..]);
        out
    }

    /// The tokens in `text` that were given out, with kind and value.
    pub(super) fn issued_in<'a>(&'a self, text: &str) -> impl Iterator<Item = (Range<usize>, NameKind, &'a str)> {
        shapes(text).filter_map(|span| {
            let (kind, number) = parse(text[span.clone()].as_bytes())?;
            let index = self.by_number.get(&numbered(kind, number))?;
            Some((span, kind, &self.values[self.issued[*index].value.clone()]))
        })
    }

    pub(super) fn domains(&self) -> &BTreeSet<String> {
        &self.domains
    }

    pub(super) const fn known(&self) -> &Known {
        &self.known
    }

    /// The token of `value`; the same one each time.
    pub(super) fn token(&mut self, kind: NameKind, value: &str) -> Token {
        let hash = self.keyed.of(kind as u8, value.as_bytes());
        let last = self.by_value.get(&hash).copied();
        let mut chain = std::iter::successors(last, |index| self.issued[*index].next);
        let known = chain.find(|index| {
            let issued = &self.issued[*index];
            issued.kind == kind && self.values[issued.value.clone()] == *value
        });
        Token(known.unwrap_or_else(|| self.issue(kind, value, hash, last)))
    }

    /// How `token` is spelled.
    pub(super) fn spelled(&self, Token(index): Token) -> &str {
        &self.spelled[index * TOKEN_LENGTH..(index + 1) * TOKEN_LENGTH]
    }

    /// Gives a token to `value`, which has none; `hash` is its hash, `next` the last one with the same.
    fn issue(&mut self, kind: NameKind, value: &str, hash: u64, next: Option<usize>) -> usize {
        let index = self.issued.len();
        let number = self.draw(kind, value);
        let start = self.values.len();
        self.values.push_str(value);
        self.issued.push(Issued { kind, value: start..self.values.len(), next });
        self.by_number.insert(numbered(kind, number), index);
        self.by_value.insert(hash, index);
        if kind == NameKind::Lookalike {
            self.lookalikes.insert(value.to_ascii_lowercase());
        }
        if spreads(kind, value) {
            self.known.learn(kind, value, Spread::Anywhere);
        }
        index
    }

    /// Adds the first token to `spelled` that is drawn for `value`, stands for nothing else, and was quoted by no text before
    /// it was given out; returns its number.
    fn draw(&mut self, kind: NameKind, value: &str) -> u64 {
        let start = self.spelled.len();
        let mut attempt = 0_u32;
        loop {
            let mut hash = Sha256::new();
            hash.update(self.key);
            hash.update(kind.letters());
            hash.update(attempt.to_be_bytes());
            hash.update(value);
            let drawn = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let number = drawn % NUMBERS;
            spell(&mut self.spelled, kind, number);
            let is_quoted = self.lookalikes.contains(&self.spelled[start..]);
            if !is_quoted && !self.by_number.contains_key(&numbered(kind, number)) {
                return number;
            }
            self.spelled.truncate(start);
            attempt += 1;
        }
    }
}

/// One number for `kind` and `number`.
const fn numbered(kind: NameKind, number: u64) -> u64 {
    kind as u64 * NUMBERS + number
}

/// Adds the token of `kind` with `number` to `out`, the lowest digit first.
fn spell(out: &mut String, kind: NameKind, mut number: u64) {
    out.push_str("zq");
    out.push_str(kind.letters());
    for _ in 0..DRAWN {
        out.push(char::from(ALPHABET[(number % 25) as usize]));
        number /= 25;
    }
}

/// Kind and number of the token `shape`, in any case of letters; the way back of [`spell`].
fn parse(shape: &[u8]) -> Option<(NameKind, u64)> {
    let letters = shape.get(MARK.len()..DRAWN_AT)?;
    let kind = NameKind::ALL.into_iter().find(|kind| kind.letters().as_bytes().eq_ignore_ascii_case(letters))?;
    let digit = |byte: &u8| ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase());
    let number = shape[DRAWN_AT..].iter().rev().try_fold(0, |number, byte| Some(number * 25 + digit(byte)? as u64))?;
    Some((kind, number))
}

/// Where something in the form of a token stands, given out or not.
pub(super) fn shapes(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    memchr2_iter(b'z', b'Z', bytes).filter_map(|start| {
        let end = start + TOKEN_LENGTH;
        bytes.get(start..end).is_some_and(could_be_token).then_some(start..end)
    })
}

/// True when `bytes`, at most [`TOKEN_LENGTH`] of them, are a token or the beginning of one, in any case of letters.
pub(super) fn could_be_token(bytes: &[u8]) -> bool {
    let fits = |range: Range<usize>, expected: &[u8]| {
        let piece = bytes.get(range.start..range.end.min(bytes.len())).unwrap_or_default();
        piece.eq_ignore_ascii_case(&expected[..piece.len()])
    };
    fits(0..MARK.len(), MARK)
        && NameKind::ALL.iter().any(|kind| fits(MARK.len()..DRAWN_AT, kind.letters().as_bytes()))
        && bytes.iter().skip(DRAWN_AT).all(|byte| ALPHABET.contains(&byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(names: &mut Pseudonyms, kind: NameKind, value: &str) -> String {
        let token = names.token(kind, value);
        names.spelled(token).to_owned()
    }

    #[test]
    fn one_value_one_token_and_the_way_back_in_any_case_and_surroundings() {
        let mut names = Pseudonyms::new([7; 32]);
        let web = token(&mut names, NameKind::Host, "Web-01.corp");
        assert_eq!(web, token(&mut names, NameKind::Host, "Web-01.corp"));
        assert_ne!(web, token(&mut names, NameKind::Host, "web-01.corp"));
        for (said, meant) in [
            (format!("`{web}`'s disk"), "`Web-01.corp`'s disk"),
            (format!("ssh {}:/x", web.to_uppercase()), "ssh Web-01.corp:/x"),
            (format!("**{web}**, https://{web}:9090/."), "**Web-01.corp**, https://Web-01.corp:9090/."),
        ] {
            assert_eq!(names.restore(&said), meant);
        }
    }

    #[test]
    fn the_same_key_gives_the_same_tokens_and_another_key_does_not() {
        let alice = |key| token(&mut Pseudonyms::new([key; 32]), NameKind::User, "alice");
        assert_eq!(alice(1), alice(1));
        assert_ne!(alice(1), alice(2));
    }

    #[test]
    fn what_was_never_given_out_is_not_restored() {
        let names = Pseudonyms::new([7; 32]);
        assert_eq!(names.restore("zqhost22222222"), "zqhost22222222");
    }

    #[test]
    fn nothing_of_a_name_is_printed() {
        let mut names = Pseudonyms::new([7; 32]);
        names.learn(NameKind::Host, "secret-host");
        assert_eq!(format!("{names:?}"), "Pseudonyms { tokens: 0, known: 1, .. }");
    }

    #[test]
    fn the_example_of_the_preamble_has_the_form_of_a_token() {
        assert!(shapes(PREAMBLE).count() >= 1);
    }
}

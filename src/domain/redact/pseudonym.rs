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

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memchr::memchr2_iter;
use sha2::{Digest as _, Sha256};

use super::Kind;
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

/// Which names stand behind which tokens, in one conversation.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
    /// By kind (as in [`NameKind::ALL`]) and value: which of `issued` is its token.
    tokens: [HashMap<Arc<str>, usize>; NameKind::ALL.len()],
    /// The tokens that were given out, with what they stand for.
    issued: Vec<(String, Arc<str>)>,
    /// By kind and the number that is drawn: which of `issued` it is.
    numbers: HashMap<(NameKind, u64), usize>,
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
        Self {
            key,
            tokens: Default::default(),
            issued: Vec::new(),
            numbers: HashMap::new(),
            lookalikes: BTreeSet::new(),
            domains: BTreeSet::new(),
            known: Known::default(),
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
    pub(super) fn issued_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (Range<usize>, NameKind, &'a str)> {
        shapes(text).filter_map(|span| {
            let (kind, number) = parse(text[span.clone()].as_bytes())?;
            let (_, value) = &self.issued[*self.numbers.get(&(kind, number))?];
            Some((span, kind, &**value))
        })
    }

    pub(super) fn domains(&self) -> &BTreeSet<String> {
        &self.domains
    }

    pub(super) const fn known(&self) -> &Known {
        &self.known
    }

    /// The token of `value`; the same one each time.
    pub(super) fn token(&mut self, kind: NameKind, value: &str) -> &str {
        let known = self.tokens[kind as usize].get(value).copied();
        let index = known.unwrap_or_else(|| self.issue(kind, value));
        &self.issued[index].0
    }

    fn issue(&mut self, kind: NameKind, value: &str) -> usize {
        let (number, token) = self.unused(kind, value);
        let index = self.issued.len();
        let shared: Arc<str> = Arc::from(value);
        self.issued.push((token, Arc::clone(&shared)));
        self.numbers.insert((kind, number), index);
        self.tokens[kind as usize].insert(shared, index);
        if kind == NameKind::Lookalike {
            self.lookalikes.insert(value.to_ascii_lowercase());
        }
        if spreads(kind, value) {
            self.known.learn(kind, value, Spread::Anywhere);
        }
        index
    }

    /// The first token drawn for `value` that stands for nothing else, and that no text quoted before it was given out; with
    /// its number.
    fn unused(&self, kind: NameKind, value: &str) -> (u64, String) {
        let mut attempt = 0_u32;
        loop {
            let mut hash = Sha256::new();
            hash.update(self.key);
            hash.update(kind.letters());
            hash.update(attempt.to_be_bytes());
            hash.update(value);
            let drawn = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let number = drawn % NUMBERS;
            let token = spelled(kind, number);
            if !self.numbers.contains_key(&(kind, number)) && !self.lookalikes.contains(&token) {
                return (number, token);
            }
            attempt += 1;
        }
    }
}

/// The token of `kind` with `number`, the lowest digit first.
fn spelled(kind: NameKind, mut number: u64) -> String {
    let mut token = format!("zq{}", kind.letters());
    for _ in 0..DRAWN {
        token.push(char::from(ALPHABET[(number % 25) as usize]));
        number /= 25;
    }
    token
}

/// Kind and number of the token `shape`, in any case of letters; the way back of [`spelled`].
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

    #[test]
    fn one_value_one_token_and_the_way_back_in_any_case_and_surroundings() {
        let mut names = Pseudonyms::new([7; 32]);
        let web = names.token(NameKind::Host, "Web-01.corp").to_owned();
        assert_eq!(web, names.token(NameKind::Host, "Web-01.corp"));
        assert_ne!(web, names.token(NameKind::Host, "web-01.corp"));
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
        let token = |key| Pseudonyms::new([key; 32]).token(NameKind::User, "alice").to_owned();
        assert_eq!(token(1), token(1));
        assert_ne!(token(1), token(2));
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

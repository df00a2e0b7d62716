//! Reading the most frequent clues without a regular expression.
//!
//! Owns: readers for the patterns of `context` that stand on nearly every line of some logs. Invariant: a reader says what its
//! pattern would match, or that it does not know; a property test holds it to that. Whatever depends on a character outside
//! ASCII it does not know. Does not: judge whether what stands there is a name.

use std::ops::Range;

use super::host::in_host;

/// What a clue points at, as bytes of the text that begins with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clued {
    /// Where an account stands.
    pub(super) user: Option<Range<usize>>,
    /// Where a host stands.
    pub(super) host: Option<Range<usize>>,
}

/// What a reader knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The pattern would match, and this is what it would find.
    Found(Clued),
    /// The pattern would not match.
    Nothing,
    /// Only the pattern can tell.
    Unknown,
}

/// Reads a text that begins with a keyword of the given length in bytes.
pub(super) type Reader = fn(&str, usize) -> Reading;

/// Longest host, in bytes.
const HOST: usize = 253;
/// Longest account, in characters.
const USER: usize = 32;

/// Reads `host="name`, `instance = name`, `node_name: https://name`.
pub(super) fn label(text: &str, keyword: usize) -> Reading {
    let mut walk = Walk { bytes: text.as_bytes(), place: keyword };
    if matches!(text.as_bytes().first(), Some(b'h' | b'H' | b'n' | b'N' | b's' | b'S')) {
        walk.suffix(&[b"name"]);
    }
    walk.quote();
    walk.skip(|byte| matches!(byte, b'\t'..=b'\r' | b' '));
    match walk.ahead() {
        [b'=', b'~', ..] | [b'!', b'=', ..] => walk.place += 2,
        [b'=' | b':', ..] => walk.place += 1,
        // It may be white space of another sort.
        [0x80..=0xff, ..] => return Reading::Unknown,
        _ => return Reading::Nothing,
    }
    walk.skip(|byte| matches!(byte, b'\t'..=b'\r' | b' '));
    if let [0x80..=0xff, ..] = walk.ahead() {
        return Reading::Unknown;
    }
    walk.quote();
    let scheme = [b"http://".as_slice(), b"https://"].into_iter().find(|scheme| walk.ahead().starts_with(scheme));
    let behind = walk.place + scheme.map_or(0, <[u8]>::len);
    // Without a host behind it, the scheme is one itself.
    match host(walk.bytes, behind).or_else(|| host(walk.bytes, walk.place)) {
        Some(host) => Reading::Found(Clued { user: None, host: Some(host) }),
        None => Reading::Nothing,
    }
}

/// Reads `ssh name`, `scp account@name`; not what has options or other words between.
pub(super) fn remote(text: &str, keyword: usize) -> Reading {
    let mut walk = Walk { bytes: text.as_bytes(), place: keyword };
    if walk.bytes[..keyword].iter().any(u8::is_ascii_uppercase) {
        return Reading::Nothing;
    }
    walk.skip(|byte| byte == b' ');
    let start = walk.place;
    let is_account = matches!(walk.ahead(), [b'_' | b'a'..=b'z' | b'A'..=b'Z', ..]);
    walk.skip(in_host);
    match walk.ahead() {
        [0x80..=0xff, ..] if is_account => return Reading::Unknown,
        [b'@', ..] if is_account && (2..=USER).contains(&(walk.place - start)) => {
            if let Some(host) = host(walk.bytes, walk.place + 1) {
                return Reading::Found(Clued { user: Some(start..walk.place), host: Some(host) });
            }
        }
        _ => {}
    }
    match host(walk.bytes, start) {
        Some(host) => Reading::Found(Clued { user: None, host: Some(host) }),
        None => Reading::Unknown,
    }
}

/// Reads `user=name`, `"login": "name`.
pub(super) fn account(text: &str, keyword: usize) -> Reading {
    let mut walk = Walk { bytes: text.as_bytes(), place: keyword };
    if matches!(text.as_bytes().first(), Some(b'u' | b'U')) {
        walk.suffix(&[b"name", b"id"]);
    }
    walk.quote();
    walk.skip(|byte| matches!(byte, b' ' | b'\t'));
    match walk.ahead() {
        [b'=', ..] => walk.place += 1,
        [b':', ..] => {
            walk.place += 1;
            walk.skip(|byte| matches!(byte, b' ' | b'\t'));
        }
        _ => return Reading::Nothing,
    }
    walk.quote();
    let start = walk.place;
    if !matches!(walk.ahead(), [b'_' | b'a'..=b'z' | b'A'..=b'Z', ..]) {
        return Reading::Nothing;
    }
    walk.skip(in_host);
    match (walk.place - start, walk.ahead()) {
        (..USER, [0x80..=0xff, ..]) => Reading::Unknown,
        (..2, _) => Reading::Nothing,
        (length, _) => Reading::Found(Clued { user: Some(start..start + length.min(USER)), host: None }),
    }
}

/// The host that begins at `start`, two bytes long at least.
fn host(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let here = &bytes[start..];
    here.first().filter(|byte| byte.is_ascii_alphanumeric())?;
    let length = here.iter().take(HOST).take_while(|byte| in_host(**byte)).count();
    (length >= 2).then_some(start..start + length)
}

/// A place that moves through a text.
struct Walk<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Walk<'a> {
    fn ahead(&self) -> &'a [u8] {
        self.bytes.get(self.place..).unwrap_or_default()
    }

    fn skip(&mut self, is_in: impl Fn(u8) -> bool) {
        self.place += self.ahead().iter().take_while(|byte| is_in(**byte)).count();
    }

    /// Backslashes, and one quote behind them.
    fn quote(&mut self) {
        self.skip(|byte| byte == b'\\');
        self.place += usize::from(matches!(self.ahead(), [b'"' | b'\'', ..]));
    }

    /// One of `words` in any case, perhaps behind `_`; nothing when none stands here.
    fn suffix(&mut self, words: &[&[u8]]) {
        let joined = usize::from(matches!(self.ahead(), [b'_', ..]));
        let rest = &self.ahead()[joined..];
        let is_here = |word: &&&[u8]| rest.get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word));
        self.place += words.iter().find(is_here).map_or(0, |word| joined + word.len());
    }
}

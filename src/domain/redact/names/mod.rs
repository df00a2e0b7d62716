//! Finding names: hosts, IP addresses, people's accounts, mail addresses.
//!
//! Owns: the order in which names are looked for (of two that overlap, the one that is found first counts; `choice`), and which
//! names are replaced wherever they stand. Invariants: names are in order and do not overlap; nothing in a placeholder of a
//! secret is a name. Does not: give tokens.

mod address;
mod choice;
mod common;
mod context;
mod host;
mod known;
mod list;
mod owned;
mod place;
mod reader;
mod register;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

pub(super) use choice::{Choice, Name};
pub(super) use known::{Known, Spread, spread};

pub use owned::{is_public_suffix, own_domain};

use super::detect::PLACEHOLDER;
use super::pseudonym::{NameKind, Pseudonyms, shapes};

/// True when a name that was found by its surroundings is replaced wherever else it stands: hosts that are no plain word,
/// accounts that are none either.
pub(super) fn spreads(kind: NameKind, value: &str) -> bool {
    match kind {
        NameKind::Host => {
            value.len() >= 4 && value.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        }
        NameKind::User => value.len() >= 4 && !common::is_word(value),
        NameKind::Address | NameKind::Mail | NameKind::Lookalike => false,
    }
}

/// The names that stand in `text` for what surrounds them or by their form; `restored` are known to be names.
pub(super) fn by_surroundings(text: &str, domains: &BTreeSet<String>, restored: &[(Range<usize>, NameKind)]) -> Choice {
    let mut choice = Choice::default();
    for start in PLACEHOLDER.find_iter(text.as_bytes()) {
        let end = text[start..].find(']').map_or(text.len(), |length| start + length + 1);
        choice.bar(&(start..end));
    }
    restored.iter().for_each(|(span, kind)| choice.offer(span.clone(), *kind));
    shapes(text).for_each(|span| choice.offer(span, NameKind::Lookalike));
    address::find(text, |span| choice.offer(span, NameKind::Address));
    host::mails(text, |span, kind| choice.offer(span, kind));
    context::find(text, domains, |span, kind| choice.offer(span, kind));
    choice.sort();
    choice
}

/// All names of `text`: those of `choice`, and those that `names` knows, where they count.
pub(super) fn all(text: &str, names: &Pseudonyms, mut choice: Choice) -> Choice {
    names.known().find(text, &mut choice);
    choice.sort();
    choice
}

/// True when no letter, digit or joining sign stands on either side.
fn is_word(text: &str, span: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let joins = |byte: u8| known::JOINS[usize::from(byte)];
    let before = span.start.checked_sub(1).map(|index| bytes[index]);
    let escaped = span.start >= 2 && bytes[span.start - 2] == b'\\' && matches!(before, Some(b'n' | b't' | b'r'));
    let joined = before.is_some_and(joins) && !escaped;
    !joined && !bytes.get(span.end).copied().is_some_and(joins)
}

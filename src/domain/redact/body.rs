//! Redacting a serialised body, just before it leaves.
//!
//! Owns: the walk over every string of a JSON document. Invariants: what is no string, and every string in which nothing was
//! found, comes out byte for byte; the result is valid JSON; a body that is no valid JSON, or that holds a canary, is
//! refused. Does not: know any model's wire format, except for the two places where bytes that are no text travel.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::assign::Promise;
use super::canary::Canaries;
use super::literal::{Literal, literals};
use super::pseudonym::Pseudonyms;
use super::text::{Draft, Redacted};
use super::{Finding, assign};

/// A body that may leave, and what was replaced in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedBody {
    /// Valid JSON without secrets and names.
    pub body: Vec<u8>,
    /// What was replaced; spans are bytes of the body that was given.
    pub findings: Vec<Finding>,
}

/// Why a body may not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It cannot be read, so nobody can say what is in it.
    #[error(
        "The request was not sent: it is not valid JSON, so it cannot be searched for secrets. This is a mistake of the \
         program; please report it."
    )]
    NotJson,
    /// One of the program's own secrets is in it.
    #[error(
        "The request was not sent: one of this program's own secrets stands in it. Look for a key or token in the \
         documents, outputs or questions of this conversation and remove it there."
    )]
    Canary,
}

/// `json` without secrets and with tokens for names.
///
/// # Errors
/// [`Blocked`], when it may not leave at all.
pub fn redact_body(json: &[u8], canaries: &Canaries, names: &mut Pseudonyms) -> Result<RedactedBody, Blocked> {
    let text = std::str::from_utf8(json).map_err(|_| Blocked::NotJson)?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| Blocked::NotJson)?;
    let literals = literals(text).ok_or(Blocked::NotJson)?;
    // What is redacted was a canary all the same: a body that held one is suspicious as a whole.
    if canaries.find_in_document(json) {
        return Err(Blocked::Canary);
    }
    // A body has few keys and many strings.
    let mut promises = HashMap::new();
    let mut drafts: Vec<Option<Draft<'_>>> = Vec::with_capacity(literals.len());
    for literal in &literals {
        let promise =
            literal.key.as_deref().and_then(|key| *promises.entry(key).or_insert_with(|| assign::promise(key)));
        drafts.push(draft(literal, promise, names));
    }
    drafts.iter_mut().flatten().for_each(|draft| draft.learn(names));
    let mut body = Vec::with_capacity(json.len());
    let mut findings = Vec::new();
    let mut done = 0;
    for (literal, draft) in literals.iter().zip(drafts) {
        let Some(draft) = draft else { continue };
        let Redacted { text: redacted, findings: found } = draft.finish(Some(names));
        let raw = &text[literal.span.clone()];
        let places = raw_places(raw, found.iter().flat_map(|finding| [finding.span.start, finding.span.end]));
        findings.extend(found.into_iter().zip(places.chunks_exact(2)).map(|(finding, ends)| Finding {
            span: literal.span.start + ends[0]..literal.span.start + ends[1],
            ..finding
        }));
        if redacted == literal.text {
            continue;
        }
        body.extend_from_slice(&json[done..literal.span.start]);
        serde_json::to_writer(&mut body, &redacted).map_err(|_| Blocked::NotJson)?;
        done = literal.span.end;
    }
    body.extend_from_slice(&json[done..]);
    // A name that was restored, or two strings put together, could make one up: look at what really leaves.
    if canaries.find_in_document(&body) { Err(Blocked::Canary) } else { Ok(RedactedBody { body, findings }) }
}

/// What becomes of one string under a key that makes `promise`; `None` when it is left as it is.
fn draft<'a>(literal: &'a Literal<'_>, promise: Option<Promise>, names: &Pseudonyms) -> Option<Draft<'a>> {
    if literal.is_opaque {
        return None;
    }
    let by_key = match (promise, literal.secret) {
        (_, Some(secret)) => Some(secret),
        (Some(promise), None) => assign::keeps(promise, &literal.text).map(|kind| (kind, "assigned-by-key")),
        (None, None) => None,
    };
    match by_key {
        Some((kind, rule)) if !is_redacted(&literal.text) => Some(Draft::of_secret(&literal.text, kind, rule)),
        Some(_) | None => Some(Draft::new(&literal.text, Some(names))),
    }
}

/// True when an earlier redaction left nothing but its placeholder.
fn is_redacted(text: &str) -> bool {
    text.strip_prefix(super::PLACEHOLDER_START)
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|kind| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

/// Where `places` of a string's text stand in `raw`, the literal with its quotes; in the same order.
///
/// One walk for all of them, so that a long string with many findings takes no longer than a short one for each byte.
fn raw_places(raw: &str, places: impl Iterator<Item = usize>) -> Vec<usize> {
    if !raw.contains('\\') {
        return places.map(|place| place + 1).collect();
    }
    let mut wanted: Vec<(usize, usize)> = places.enumerate().map(|(index, place)| (place, index)).collect();
    wanted.sort_unstable();
    let mut found = vec![raw.len() - 1; wanted.len()];
    let bytes = raw.as_bytes();
    let (mut decoded, mut place) = (0, 1);
    for (wish, index) in wanted {
        while decoded < wish && place + 1 < bytes.len() {
            let (length, width) = match (bytes[place], bytes.get(place + 1)) {
                (b'\\', Some(b'u')) => unicode(raw, place),
                (b'\\', _) => (2, 1),
                _ => (1, 1),
            };
            place += length;
            decoded += width;
        }
        found[index] = place;
    }
    found
}

/// Bytes of the escape at `place`, and of the character that it stands for.
fn unicode(raw: &str, place: usize) -> (usize, usize) {
    let unit =
        raw.get(place + 2..place + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    match char::from_u32(unit) {
        Some(c) => (6, c.len_utf8()),
        // A pair of surrogates, which is four bytes long.
        None => (12, 4),
    }
}

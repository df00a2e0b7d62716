//! Redacting one text.
//!
//! Owns: the order of things. Tokens that were given out become their names, so that secrets are looked for in what was
//! really said; secrets are removed until none is found any more; names become tokens. Invariants: see the module above.

use std::borrow::Cow;
use std::ops::Range;

use super::detect::{Found, secrets};
use super::names::{self, Name};
use super::pseudonym::{NameKind, Pseudonyms, TOKEN_LENGTH};
use super::trace::{Edit, Trace};
use super::{Finding, Kind, Names};

/// Layers of base64 that are looked into.
const LAYERS: u8 = 2;
/// Removing a secret may uncover another one next to it; after so many rounds the text is refused as a whole.
const ROUNDS: usize = 8;

/// A text without secrets, and what was replaced in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedText {
    /// What may be shown.
    pub text: String,
    /// What was replaced, by place.
    pub findings: Vec<Finding>,
}

/// [`RedactedText`] of bytes that need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedBytes {
    /// What may be shown.
    pub bytes: Vec<u8>,
    /// What was replaced, by place.
    pub findings: Vec<Finding>,
}

/// `text` without secrets, and with tokens for names unless they are kept.
#[must_use]
pub fn redact_text(text: &str, names: Names<'_>) -> RedactedText {
    match names {
        Names::Keep => Draft::new(text, None).finish(None).into(),
        Names::Replace(names) => {
            let mut draft = Draft::new(text, Some(names));
            draft.learn(names);
            draft.finish(Some(names)).into()
        }
    }
}

/// [`redact_text`] for bytes: what is not UTF-8 counts as characters of its own, so that it neither hides a secret nor ends
/// one early, and comes out as it was.
#[must_use]
pub fn redact_bytes(bytes: &[u8], names: Names<'_>) -> RedactedBytes {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let RedactedText { text, findings } = redact_text(text, names);
        return RedactedBytes { bytes: text.into_bytes(), findings };
    }
    let (text, trace) = stand_ins(bytes);
    let RedactedText { text, findings } = redact_text(&text, names);
    let findings = findings.into_iter().map(|finding| Finding { span: trace.back(&finding.span), ..finding }).collect();
    RedactedBytes { bytes: without_stand_ins(&text), findings }
}

/// Byte 0x80 becomes this character of the private use area, and so on; characters of this range themselves are taken
/// apart into bytes, so that the way back is clear.
const FIRST_STAND_IN: u32 = 0xF_0000;

fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST_STAND_IN + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn stood_for(c: char) -> Option<u8> {
    u32::from(c).checked_sub(FIRST_STAND_IN).and_then(|byte| u8::try_from(byte).ok())
}

fn stand_ins(bytes: &[u8]) -> (String, Trace) {
    let mut text = String::with_capacity(bytes.len());
    let mut trace = Trace::default();
    let mut place = 0;
    let mut put = |text: &mut String, byte: u8, place: usize| {
        let start = text.len();
        text.push(stand_in(byte));
        trace.note(place..place + 1, start..text.len());
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if stood_for(c).is_some() {
                let mut buffer = [0; 4];
                c.encode_utf8(&mut buffer)
                    .bytes()
                    .enumerate()
                    .for_each(|(index, byte)| put(&mut text, byte, place + index));
            } else {
                text.push(c);
            }
            place += c.len_utf8();
        }
        for byte in chunk.invalid() {
            put(&mut text, *byte, place);
            place += 1;
        }
    }
    (text, trace)
}

fn without_stand_ins(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match stood_for(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// True for a few letters, such as the keys of a body: too short for a token, and without anything that could give a secret or
/// a name away. What is known as a name is one all the same.
fn is_bare_word(text: &str) -> bool {
    text.len() < TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// [`RedactedText`], which is the given text itself where nothing was replaced.
pub(super) struct Redacted<'a> {
    /// What may be shown.
    pub(super) text: Cow<'a, str>,
    /// What was replaced, by place.
    pub(super) findings: Vec<Finding>,
}

impl From<Redacted<'_>> for RedactedText {
    fn from(Redacted { text, findings }: Redacted<'_>) -> Self {
        Self { text: text.into_owned(), findings }
    }
}

/// A text on its way: without secrets, names not yet replaced.
pub(super) struct Draft<'a> {
    text: Cow<'a, str>,
    /// Tokens of the input: where the names that they stand for are now.
    restored: Vec<(Range<usize>, NameKind)>,
    traces: Vec<Trace>,
    findings: Vec<Finding>,
    /// The names that were found when others were to learn them.
    choice: Option<names::Choice>,
}

impl<'a> Draft<'a> {
    /// Removes the secrets of `text`; `names` are the tokens that were given out.
    pub(super) fn new(text: &'a str, names: Option<&Pseudonyms>) -> Self {
        let is_bare = is_bare_word(text);
        let mut draft = Self {
            text: Cow::Borrowed(text),
            restored: Vec::new(),
            traces: Vec::new(),
            findings: Vec::new(),
            choice: is_bare.then(names::Choice::default),
        };
        if is_bare {
            return draft;
        }
        if let Some(names) = names {
            draft.restore(names);
        }
        draft.settle();
        draft
    }

    /// The same for a text that is a secret as a whole, as its key says.
    pub(super) fn of_secret(text: &str, kind: Kind, rule: &'static str) -> Self {
        let findings = vec![Finding { rule, kind, span: 0..text.len() }];
        let text = Cow::Owned(kind.placeholder());
        Self { text, restored: Vec::new(), traces: Vec::new(), findings, choice: None }
    }

    fn restore(&mut self, names: &Pseudonyms) {
        let issued: Vec<_> = names
            .issued_in(&self.text)
            .map(|(span, kind, value)| (kind, Edit { span, text: Cow::Borrowed(value) }))
            .collect();
        if issued.is_empty() {
            return;
        }
        let mut start = 0;
        let mut done = 0;
        for (kind, edit) in &issued {
            start += edit.span.start - done;
            done = edit.span.end;
            self.restored.push((start..start + edit.text.len(), *kind));
            start += edit.text.len();
        }
        let edits: Vec<Edit<'_>> = issued.into_iter().map(|(_, edit)| edit).collect();
        self.apply(&edits);
    }

    fn apply(&mut self, edits: &[Edit<'_>]) {
        let (text, trace) = Trace::apply(&self.text, edits);
        self.text = Cow::Owned(text);
        self.traces.push(trace);
    }

    /// Removes secrets until none is found.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let found = secrets(&self.text, LAYERS);
            if found.is_empty() {
                return;
            }
            self.remove(&found);
        }
        let span = 0..self.text.len();
        self.remove(&[Found { rule: "unsettled", kind: Kind::Secret, span, rank: 0 }]);
    }

    fn remove(&mut self, found: &[Found]) {
        for Found { rule, kind, span, .. } in found {
            let finding = Finding { rule, kind: *kind, span: self.origin(span) };
            self.findings.push(finding);
        }
        let placeholder = |found: &Found| Edit { span: found.span.clone(), text: Cow::Owned(found.kind.placeholder()) };
        let edits: Vec<Edit<'_>> = found.iter().map(placeholder).collect();
        self.apply(&edits);
        if let Some(trace) = self.traces.last() {
            self.restored =
                self.restored.iter().filter_map(|(span, kind)| Some((trace.forward(span)?, *kind))).collect();
        }
    }

    /// Where `span` came from in the input.
    fn origin(&self, span: &Range<usize>) -> Range<usize> {
        self.traces.iter().rev().fold(span.clone(), |span, trace| trace.back(&span))
    }

    /// Gives tokens to the names that their surroundings give away, so that other texts can know them.
    pub(super) fn learn(&mut self, names: &mut Pseudonyms) {
        if self.choice.is_some() {
            return;
        }
        let mut choice = names::by_surroundings(&self.text, names.domains(), &self.restored);
        choice.issue(&self.text, names);
        self.choice = Some(choice);
    }

    /// The redacted text; with `names`, every name becomes a token.
    pub(super) fn finish(mut self, names: Option<&mut Pseudonyms>) -> Redacted<'a> {
        if let Some(names) = names {
            let choice = self.choice.take();
            let choice = choice.unwrap_or_else(|| names::by_surroundings(&self.text, names.domains(), &self.restored));
            self.replace(&names::all(&self.text, names, choice), names);
        }
        self.findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
        Redacted { text: self.text, findings: self.findings }
    }

    /// Puts tokens of `names` in the place of what was chosen.
    fn replace(&mut self, choice: &names::Choice, names: &mut Pseudonyms) {
        if choice.names().is_empty() {
            return;
        }
        let mut out = String::with_capacity(self.text.len());
        let mut done = 0;
        for Name { span, kind, token } in choice.names() {
            let token = token.unwrap_or_else(|| names.token(*kind, &self.text[span.clone()]));
            out.push_str(&self.text[done..span.start]);
            out.push_str(names.spelled(token));
            done = span.end;
            let finding = Finding { rule: kind.rule(), kind: kind.kind(), span: self.origin(span) };
            self.findings.push(finding);
        }
        out.push_str(&self.text[done..]);
        self.text = Cow::Owned(out);
    }
}

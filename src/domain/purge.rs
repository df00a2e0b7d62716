//! Purging: making texts unreadable for ever wherever the program kept them.
//!
//! Owns: what can be purged ([`Concerns`]), finding texts in whatever form they were stored, and writing [`PURGED`] in their
//! place without making a stored value unreadable. Does not: know where anything is stored, or touch a file.
//!
//! Invariants: nothing but text in the place of text changes: numbers, names of fields of ours, words of our own enumerations
//! and hashes stay, so that what was JSON of a type still is. Where a text can only go by breaking that, it is one of our own
//! words (`proposed`, `warning`) and stays.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::{AttemptId, IncidentId};
use super::text;

/// What stands where a text was purged.
pub const PURGED: &str = "[purged]";

/// A text that is shorter, in characters, stands in too many places by chance.
pub const SHORTEST: usize = 4;

/// Digits of a SHA-256 in hexadecimal: strings of this form name other things and are left alone.
const HASH_DIGITS: usize = 64;

/// Fields that name a place, a kind or a hash. They are left alone where only texts of an incident are to go.
pub const NAMING: &[&str] = &[
    "type", "event", "sop", "node", "revision", "digest", "rendered", "policy", "origin", "state", "severity", "risk",
];

/// What is to go, as it is told. The text itself is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Concerns {
    /// The output of an attempt.
    Attempt {
        /// Which.
        attempt: AttemptId,
    },
    /// The texts of an incident: of its alerts, notes, chat and outputs.
    Incident {
        /// Which.
        incident: IncidentId,
    },
    /// A text wherever it stands.
    Text,
}

impl Concerns {
    /// What it is called in sentences.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Attempt { attempt } => format!("the output of attempt {attempt}"),
            Self::Incident { incident } => format!("the texts of incident {incident}"),
            Self::Text => "a text wherever it stood".to_owned(),
        }
    }
}

/// Texts to be found, in the forms in which this program writes them: as they are, spelled out for a screen, and escaped in
/// JSON (also in JSON that is a string of JSON).
#[derive(Clone, Debug)]
pub struct Needles {
    forms: AhoCorasick,
    count: usize,
}

impl Needles {
    /// These texts; empty ones and what stands for a purged text are left out.
    ///
    /// # Errors
    /// When they are too many to be looked for at once: gigabytes.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, BuildError> {
        let mut forms: Vec<String> = Vec::new();
        for text in texts.into_iter().filter(|text| !text.is_empty() && !PURGED.contains(text)) {
            let escaped = escape(text);
            forms.extend([text.to_owned(), text::visible(text).into_owned(), escape(&escaped), escaped]);
        }
        forms.sort_unstable();
        forms.dedup();
        let count = forms.len();
        let forms = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms)?;
        Ok(Self { forms, count })
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether one of them stands in `bytes`.
    #[must_use]
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        !self.is_empty() && self.forms.is_match(bytes)
    }

    /// Bytes of the longest form: whoever reads a file in pieces lets them overlap by so much.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.forms.max_pattern_len()
    }

    /// `text` with [`PURGED`] for each of them; `None` when none stands in it.
    #[must_use]
    pub fn mask(&self, text: &str) -> Option<String> {
        if !self.are_in(text.as_bytes()) || is_hash(text) {
            return None;
        }
        let mut masked = String::with_capacity(text.len());
        self.forms.replace_all_with(text, &mut masked, |_, _, masked| {
            masked.push_str(PURGED);
            true
        });
        Some(masked)
    }

    /// `bytes` with an asterisk for each byte of them; the length stays. `None` when none stands in it.
    #[must_use]
    pub fn blot_out(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.are_in(bytes) {
            return None;
        }
        let mut blotted = bytes.to_vec();
        for found in self.forms.find_iter(bytes) {
            blotted.get_mut(found.range()).into_iter().flatten().for_each(|byte| *byte = b'*');
        }
        Some(blotted)
    }

    /// As [`Self::mask`] for a text that may be JSON, whose strings are then looked at as what they mean. `reads` says whether
    /// a text is still what it has to be; fields named in `keep` are left alone.
    #[must_use]
    pub fn mask_document(&self, document: &str, keep: &[&str], reads: &dyn Fn(&str) -> bool) -> Option<String> {
        let parsed = document.starts_with(['{', '[', '"']).then(|| serde_json::from_str::<Value>(document).ok());
        let Some(value) = parsed.flatten() else { return self.mask(document) };
        let places = self.count_places(&value, keep);
        if places == 0 {
            return None;
        }
        let masked = |chosen: &dyn Fn(usize) -> bool| {
            let mut next = 0;
            let mut take = || {
                next += 1;
                chosen(next - 1)
            };
            self.walk(&value, keep, &mut take).to_string()
        };
        let all = masked(&|_| true);
        if !reads(document) || reads(&all) {
            return Some(all);
        }
        // Some of them are words of our own: each is tried by itself.
        let mut accepted = vec![false; places];
        for place in 0..places {
            let trial = masked(&|at| at == place || accepted.get(at) == Some(&true));
            if let (true, Some(slot)) = (reads(&trial), accepted.get_mut(place)) {
                *slot = true;
            }
        }
        accepted.contains(&true).then(|| masked(&|at| accepted.get(at) == Some(&true)))
    }

    fn count_places(&self, value: &Value, keep: &[&str]) -> usize {
        let mut places = 0;
        self.walk(value, keep, &mut || {
            places += 1;
            false
        });
        places
    }

    /// A copy in which each place that `take` accepts is masked; the places come in a fixed order.
    fn walk(&self, value: &Value, keep: &[&str], take: &mut dyn FnMut() -> bool) -> Value {
        let text = |text: &str, take: &mut dyn FnMut() -> bool| {
            let masked = self.mask(text)?;
            take().then_some(masked)
        };
        match value {
            Value::String(string) => Value::String(text(string, take).unwrap_or_else(|| string.clone())),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.walk(item, keep, take)).collect()),
            Value::Object(fields) => {
                let mut copy = Map::new();
                for (name, field) in fields {
                    if keep.contains(&name.as_str()) && field.is_string() {
                        copy.insert(name.clone(), field.clone());
                        continue;
                    }
                    let new_name = text(name, take).unwrap_or_else(|| name.clone());
                    let field = self.walk(field, keep, take);
                    copy.insert(free_name(&copy, new_name), field);
                }
                Value::Object(copy)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// A name that is not in `fields` yet: two that differed only in what was purged stay two.
fn free_name(fields: &Map<String, Value>, name: String) -> String {
    if !fields.contains_key(&name) {
        return name;
    }
    let free = (2_u64..).map(|number| format!("{name} {number}")).find(|name| !fields.contains_key(name));
    free.unwrap_or(name)
}

/// Whether a text is a hash, which names something and says nothing.
fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `text` as it stands between the quotation marks of JSON.
fn escape(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::journal::Payload;

    fn needles(texts: &[&str]) -> Needles {
        Needles::new(texts.iter().copied()).unwrap()
    }

    fn reads_as_payload(text: &str) -> bool {
        serde_json::from_str::<Payload>(text).is_ok()
    }

    #[test]
    fn a_text_is_found_in_every_form_in_which_we_write_it() {
        let secret = "pa\"ss\u{202e}\nword";
        let needles = needles(&[secret]);
        let json = serde_json::to_string(&[secret]).unwrap();
        let nested = serde_json::to_string(&json).unwrap();
        let shown = format!("it was {}", text::visible(secret));
        for form in [secret, &json, &nested, &shown] {
            assert!(needles.are_in(form.as_bytes()), "{form}");
            let masked = needles.mask_document(form, &[], &|_| true).unwrap();
            assert!(!needles.are_in(masked.as_bytes()) && masked.contains(PURGED), "{masked}");
            assert_eq!(needles.mask_document(&masked, &[], &|_| true), None);
        }
        assert_eq!(needles.blot_out(b"nothing"), None);
        let blotted = needles.blot_out(shown.as_bytes()).unwrap();
        assert!(blotted.starts_with(b"it was *") && blotted.len() == shown.len());
    }

    #[test]
    fn words_of_our_own_stay_so_that_the_entry_can_be_read() {
        let json = r#"{"type":"voided","proposal":7,"reason":"voided by proposal of bob"}"#;
        let masked = needles(&["voided", "proposal"]).mask_document(json, &[], &reads_as_payload).unwrap();
        assert_eq!(masked, r#"{"proposal":7,"reason":"[purged] by [purged] of bob","type":"voided"}"#);
        let only_ours = r#"{"type":"rejected","proposal":7}"#;
        assert_eq!(needles(&["rejected"]).mask_document(only_ours, &[], &reads_as_payload), None);
    }

    #[test]
    fn hashes_and_kept_fields_are_left_alone_and_names_do_not_fall_together() {
        let hash = "abcd".repeat(16);
        assert_eq!(needles(&["abcd"]).mask(&hash), None);
        let json = r#"{"sop":"disk","text":"disk","disk1":1,"disk2":2}"#;
        let masked = needles(&["disk1", "disk2", "disk"]).mask_document(json, NAMING, &|_| true).unwrap();
        assert_eq!(masked, r#"{"[purged]":1,"[purged] 2":2,"sop":"disk","text":"[purged]"}"#);
    }

    #[test]
    fn nothing_to_look_for_is_in_nothing() {
        let none = needles(&["", PURGED]);
        assert!(none.is_empty() && !none.are_in(b"x") && none.mask("x").is_none());
    }

    proptest! {
        #[test]
        fn no_document_holds_a_text_after_it_was_masked(before in ".{0,20}", secret in ".{4,12}", after in ".{0,20}") {
            prop_assume!(!PURGED.contains(&secret));
            let document = serde_json::json!({"a": [format!("{before}{secret}{after}")], "n": 1}).to_string();
            let needles = needles(&[&secret]);
            let masked = needles.mask_document(&document, &[], &|_| true).unwrap();
            let value: Value = serde_json::from_str(&masked).unwrap();
            let left = value["a"][0].as_str().unwrap();
            let holds = left.split(PURGED).any(|piece| piece.contains(&secret));
            prop_assert!(!holds, "{left:?}");
        }
    }
}

//! Secrets that something else on their line or in their object gives away.
//!
//! Owns: the secret key that stands with its id, as `AKIA…` and forty characters do, and the value of an object that says
//! `"sensitive": true`, as Terraform prints its outputs.

use std::ops::Range;

use super::Kind;
use super::cut::closing;
use super::detect::{Found, RANK_STRUCTURE, floor_boundary, starts_word};
use super::value::{entropy, is_placeholder};

/// How the ids of long-lived and temporary keys begin.
pub(super) const KEY_IDS: [&str; 2] = ["akia", "asia"];

/// What an object says of itself, lower case.
pub(super) const SENSITIVE: [&str; 2] = ["\"sensitive\"", "\\\"sensitive\\\""];

/// The id of a key, in bytes.
const ID: usize = 20;
/// The secret of a key, in bytes.
const SECRET: usize = 40;
/// On each side of an id so much is looked at, in bytes.
const AROUND: usize = 200;
/// So much of an object is looked at, in bytes.
const OBJECT: usize = 4096;

/// Adds the secret keys on the line of the id at `hit`, and on the next.
pub(super) fn secret_keys(text: &str, hit: usize, found: &mut Vec<Found>) {
    let end = hit + ID;
    let id = text.get(hit..end).is_some_and(|id| id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    if !id || !starts_word(text, hit) {
        return;
    }
    let lowest = floor_boundary(text, hit.saturating_sub(AROUND));
    let lowest = text[lowest..hit].rfind('\n').map_or(lowest, |index| lowest + index + 1);
    let highest = floor_boundary(text, end.saturating_add(AROUND));
    // The line ends are those of the text or spelled `\n`; the second of them ends what is looked at.
    let lines = text[end..highest].match_indices('\n').nth(1).map_or(highest, |(index, _)| end + index);
    let mut start = lowest;
    for run in text[lowest..lines].split_inclusive(|c: char| !is_key_letter(c)) {
        let word = run.trim_end_matches(|c: char| !is_key_letter(c));
        // What was cut off may be longer.
        let whole = start + word.len() < highest || highest == text.len();
        if word.len() == SECRET && whole && looks_like_secret_key(word) {
            let span = start..start + word.len();
            found.push(Found { rule: "secret-beside-key-id", kind: Kind::Secret, span, rank: RANK_STRUCTURE });
        }
        start += run.len();
    }
}

fn is_key_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '+')
}

/// Capitals, small letters and digits or signs; so neither a commit nor a path.
fn looks_like_secret_key(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(|byte| !byte.is_ascii_alphabetic())
        && !word.contains("EXAMPLE")
        && entropy(word) > 3.8
}

/// Adds the `"value"` of the object in which `"sensitive"` stands at `hit`; gives back how far it looked.
pub(super) fn sensitive_value(text: &str, hit: usize, from: usize, found: &mut Vec<Found>) -> usize {
    let slashes = text[hit..].len() - text[hit..].trim_start_matches('\\').len();
    let highest = floor_boundary(text, hit.saturating_add(OBJECT));
    let mut members = Members { text, place: hit, end: highest, slashes };
    match members.next() {
        Some((_, value)) if text[value.clone()] == *"true" => {}
        Some(_) | None => return hit + 1,
    }
    for (key, value) in members.by_ref() {
        push(text, &key, &value, found);
    }
    let done = members.place;
    // The members before it: from the nearest `"value"` on, when it belongs to the same object.
    let lowest = floor_boundary(text, hit.saturating_sub(OBJECT).max(from.min(hit)));
    let quote = format!("{}\"", "\\".repeat(slashes));
    if let Some(index) = text[lowest..hit].rfind(&format!("{quote}value{quote}")) {
        let before = Members { text, place: lowest + index, end: highest, slashes };
        let mut before: Vec<_> = before.take_while(|(key, _)| key.start <= hit + slashes + 1).collect();
        if before.pop().is_some_and(|(key, _)| key.start == hit + slashes + 1) {
            before.iter().for_each(|(key, value)| push(text, key, value, found));
        }
    }
    done
}

fn push(text: &str, key: &Range<usize>, value: &Range<usize>, found: &mut Vec<Found>) {
    // An object of values is no placeholder, though braces are around it.
    let object = text[value.clone()].starts_with(['{', '[']);
    let said = text[value.clone()].trim_matches(['"', '\\']);
    if text[key.clone()] != *"value" || matches!(said, "null" | "true" | "false") || !object && is_placeholder(said) {
        return;
    }
    let lead = text[value.clone()].len() - text[value.clone()].trim_start_matches(['"', '\\']).len();
    let span = value.start + lead..value.start + lead + said.len();
    found.push(Found { rule: "sensitive-value", kind: Kind::Secret, span, rank: RANK_STRUCTURE });
}

/// The members of an object of JSON from `place` on: key without and value with its quotes. Ends with the object.
struct Members<'a> {
    text: &'a str,
    place: usize,
    end: usize,
    /// Backslashes before each quote, as when JSON stands in a string of JSON.
    slashes: usize,
}

impl Members<'_> {
    fn skip_space(&mut self) {
        let rest = &self.text[self.place..self.end];
        let mut blank = rest.len() - rest.trim_start().len();
        // In a string of JSON line ends are spelled.
        while self.slashes > 0 && ["\\n", "\\t", "\\r"].iter().any(|sign| rest[blank..].starts_with(sign)) {
            blank += 2;
            blank += rest[blank..].len() - rest[blank..].trim_start().len();
        }
        self.place += blank;
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.skip_space();
        self.place += self.text[self.place..self.end].strip_prefix(sign).map(|_| sign.len_utf8())?;
        Some(())
    }

    /// What stands between the quotes of the string here.
    fn string(&mut self) -> Option<Range<usize>> {
        self.skip_space();
        let opening = self.place + self.slashes;
        let rest = self.text[..self.end].get(opening..)?.strip_prefix('"')?;
        let length = closing(rest, '"', self.slashes)?;
        let inner = opening + 1..opening + 1 + length;
        self.place = inner.end + self.slashes + 1;
        (self.place <= self.end).then_some(inner)
    }

    /// Whatever value stands here, to its end.
    fn value(&mut self) -> Option<Range<usize>> {
        self.skip_space();
        let start = self.place;
        let mut depth = 0_usize;
        loop {
            let quoted = self.text[self.place..self.end].trim_start_matches('\\').starts_with('"');
            let next = self.text[self.place..self.end].chars().next()?;
            match next {
                '"' | '\\' if quoted => {
                    self.string()?;
                }
                '{' | '[' => (depth, self.place) = (depth + 1, self.place + 1),
                '}' | ']' if depth > 0 => (depth, self.place) = (depth - 1, self.place + 1),
                '}' | ']' | ',' if depth == 0 => return Some(start..self.place),
                other => self.place += other.len_utf8(),
            }
            let closed = matches!(next, '}' | ']' | '"' | '\\');
            if depth == 0 && closed {
                return Some(start..self.place);
            }
        }
    }
}

impl Iterator for Members<'_> {
    type Item = (Range<usize>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.string()?;
        self.take(':')?;
        let value = self.value()?;
        let value = value.start..value.start + self.text[value].trim_end().len();
        // Behind the last member there is no comma, and no further string either.
        let _ = self.take(',');
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::detect::secrets;

    fn found<'a>(text: &'a str, rule: &str) -> Vec<&'a str> {
        secrets(text, 0).into_iter().filter(|found| found.rule == rule).map(|found| &text[found.span]).collect()
    }

    #[rstest]
    #[case(r#"{"a":{"sensitive":true,"type":"string","value":"brass"}}"#, &["brass"])]
    #[case(r#"{"a":{"value":"b{r}a,ss","type":"string","sensitive":true}}"#, &["b{r}a,ss"])]
    #[case("{\"a\": {\n  \"sensitive\": true,\n  \"type\": \"string\",\n  \"value\": \"a\\\"b\"\n}}", &["a\\\"b"])]
    #[case(r#"{\"a\":{\"sensitive\":true,\n  \"type\":\"string\",\"value\":\"brass\"}}"#, &["brass"])]
    #[case(r#"{"sensitive":true,"type":["object",{"u":"string"}],"value":{"u":"x","p":"y"}}"#, &[r#"{"u":"x","p":"y"}"#])]
    #[case(r#"{"sensitive":true,"type":"number","value":4711}"#, &["4711"])]
    #[case(r#"{"sensitive":false,"type":"string","value":"eu-central-1"}"#, &[])]
    #[case(r#"{"a":{"value":"eu","sensitive":false},"b":{"sensitive":true,"type":"string"}}"#, &[])]
    #[case(r#"{"sensitive":true,"value":null}"#, &[])]
    #[case(r#"{"sensitive":true,"value":"cut off"#, &[])]
    #[case(r#"the word "sensitive" is true of "value" here"#, &[])]
    fn the_value_of_a_sensitive_output_is_found(#[case] text: &str, #[case] secrets: &[&str]) {
        assert_eq!(found(text, "sensitive-value"), secrets);
    }

    const KEY: &str = "Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B";

    #[rstest]
    #[case(format!("AKIAX2W5LMQRTBVC7N3K {KEY}"), 1)]
    #[case(format!("{KEY},AKIAX2W5LMQRTBVC7N3K"), 1)]
    #[case(format!("id: ASIAX2W5LMQRTBVC7N3K\nsecret: {KEY}\nregion"), 1)]
    #[case(format!("AKIAX2W5LMQRTBVC7N3K\n\n{KEY}"), 0)]
    #[case(format!("{KEY}\nAKIAX2W5LMQRTBVC7N3K"), 0)]
    #[case(format!("AKIAX2W5LMQRTBVC7N3K {KEY}x"), 0)]
    #[case("AKIAX2W5LMQRTBVC7N3K 9fceb02d0ae598e95dc970b74767f19372d61af8".to_owned(), 0)]
    #[case("AKIAX2W5LMQRTBVC7N3K wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(), 0)]
    fn the_secret_beside_the_id_of_a_key_is_found(#[case] text: String, #[case] count: usize) {
        assert_eq!(found(&text, "secret-beside-key-id"), vec![KEY; count]);
    }
}

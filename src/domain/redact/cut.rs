//! Cutting a value out of its surroundings, and judging whether it keeps what its name promised.
//!
//! Owns: separators, quotes, and where an unquoted value ends. Does not: judge names; that is done by `assign`.

use std::ops::Range;

use super::assign::{Promise, in_name};
use super::detect::floor_boundary;
use super::value::{entropy, is_name, is_placeholder, is_reference, is_uuid, looks_random, password_like};

/// Longest value; in bytes.
const LONGEST_VALUE: usize = 2048;

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Equals,
    Colon,
    /// White space after an option.
    Option,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Separator {
    /// Where the value begins, with its quote.
    pub(super) after: usize,
    pub(super) sign: Sign,
}

impl Separator {
    /// The separator that stands at `end`, after a name; after an option a space is one.
    pub(super) fn after(text: &str, end: usize, option: bool) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut place = end;
        let skip = |mut place: usize, signs: &[u8], most: usize| {
            let stop = (place + most).min(bytes.len());
            while place < stop && signs.contains(&bytes[place]) {
                place += 1;
            }
            place
        };
        place = skip(place, b"\\\"'`*]", 6);
        let quoted = place > end;
        let spaced = skip(place, b" \t", 24);
        let sign = match bytes.get(spaced)? {
            b'=' => {
                place = skip(spaced, b"=>~", 2);
                // `==` and `=~` compare.
                if place - spaced == 2 && bytes[spaced + 1] != b'>' {
                    return None;
                }
                Sign::Equals
            }
            b':' if bytes.get(spaced + 1) == Some(&b'=') => {
                place = spaced + 2;
                Sign::Equals
            }
            b':' if !matches!(bytes.get(spaced + 1), Some(b':' | b'/')) => {
                place = spaced + 1;
                Sign::Colon
            }
            // `define('NAME', 'value')`
            b',' if quoted && matches!(bytes[skip(spaced + 1, b" \t", 8).min(bytes.len() - 1)], b'\'' | b'"') => {
                place = spaced + 1;
                Sign::Equals
            }
            _ if option && (spaced > place || quoted) => {
                place = skip(spaced, b",\"' \t", 8).min(spaced + 8);
                // The opening quote belongs to the value.
                let opening = quoted && place > spaced && matches!(bytes[place - 1], b'"' | b'\'');
                return Some(Self { after: if opening { place - 1 } else { spaced }, sign: Sign::Option });
            }
            _ => return None,
        };
        Some(Self { after: skip(place, b" \t", 40), sign })
    }
}

/// What an assignment gives.
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
    pub(super) quoted: bool,
    /// Nothing but a comment or the end of a list follows on its line.
    pub(super) alone: bool,
}

impl<'a> Value<'a> {
    pub(super) fn at(text: &'a str, separator: &Separator) -> Option<Self> {
        let start = separator.after;
        let rest = &text[start..floor_boundary(text, start.saturating_add(LONGEST_VALUE))];
        let slashes = rest.len() - rest.trim_start_matches('\\').len();
        let opening = rest[slashes..].chars().next()?;
        if matches!(opening, '"' | '\'' | '`') {
            let inner = start + slashes + 1;
            let end = inner + closing(&rest[slashes + 1..], opening, slashes)?;
            return Some(Self { text: &text[inner..end], span: inner..end, quoted: true, alone: true });
        }
        let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')).unwrap_or(rest.len());
        let word = trimmed(&rest[..length]);
        let after = rest[length..].split('\n').next().unwrap_or_default().trim_start();
        let alone = after.is_empty()
            || after.starts_with(['#', '}', ']', ')', '&', '|', ';', '\\', '"', '\'', '`', '-'])
            || after.contains('=') && !after.contains(". ");
        Some(Self { text: word, span: start..start + word.len(), quoted: false, alone })
    }

    /// True when this is what `promise` promised; `loud` names are in capitals, as in an environment.
    pub(super) fn keeps(&self, promise: Promise, loud: bool, separator: &Separator) -> bool {
        // Some frameworks say how the value is encoded.
        let text = self.text.strip_prefix("base64:").unwrap_or(self.text);
        if text.len() < 3
            || text.starts_with("--")
            || is_placeholder(text)
            || is_template(text)
            || (is_reference(text) && !(self.quoted && promise == Promise::Password))
        {
            return false;
        }
        if self.quoted && is_reference(text) && (text.starts_with('/') || text.contains("://") || text.contains('(')) {
            return false;
        }
        // In a sentence, `password: ask the team` goes on.
        let prose = separator.sign != Sign::Equals && !self.quoted && !self.alone;
        match promise {
            // Some tools obscure the password, which leaves a long word of base64.
            Promise::Pass => {
                password_like(text)
                    && (text.contains(|c: char| c.is_ascii_digit()) || text.len() >= 20 && entropy(text) > 3.6)
            }
            Promise::Password if prose => password_like(text),
            Promise::Password => !(self.is_switch() || self.quoted && text.contains(' ') && is_sentence(text)),
            Promise::Token if loud && !prose => {
                text.len() >= 6 && !is_name(text) || looks_random(text) || is_uuid(text)
            }
            Promise::Token => {
                looks_random(text)
                    || is_uuid(text)
                    || text.len() >= 16 && !text.contains(' ') && !is_name(text) && entropy(text) >= 3.0
                    || text.len() >= 8
                        && !text.contains(' ')
                        && password_like(text)
                        && !is_name(text)
                        && (self.quoted || self.alone)
            }
            // A name of Kubernetes ends with letters that were drawn; a key has no brackets and commas.
            Promise::Key
                if is_resource(text)
                    || text.contains(|c: char| !(c.is_ascii_alphanumeric() || "+/=_.~-".contains(c))) =>
            {
                false
            }
            Promise::Key => {
                text.len() >= 12 && looks_random(text) && !text.contains(' ') && !is_uuid(text) && !is_digest(text)
                    || loud && !prose && text.len() >= 8 && looks_random(text) && !is_digest(text)
            }
        }
    }

    /// Words that switch something on or off, or say that there is nothing.
    fn is_switch(&self) -> bool {
        const SWITCHES: [&str; 22] = [
            "required",
            "optional",
            "enabled",
            "disabled",
            "never",
            "always",
            "incorrect",
            "invalid",
            "expired",
            "missing",
            "prompt",
            "ask",
            "sufficient",
            "requisite",
            "include",
            "authentication",
            "prohibit-password",
            "without-password",
            "not",
            "set",
            "unknown",
            "unbekannt",
        ];
        SWITCHES.contains(&self.text.to_ascii_lowercase().as_str())
    }
}

/// Where the string that was opened by `quote`, itself behind `slashes` backslashes, ends in `rest`.
pub(super) fn closing(rest: &str, quote: char, slashes: usize) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut place = 0;
    while place < bytes.len() {
        match bytes[place] {
            b'\n' => return None,
            b'\\' => {
                let run = bytes[place..].iter().take_while(|byte| **byte == b'\\').count();
                if bytes.get(place + run) == Some(&(quote as u8)) && run <= slashes {
                    return Some(place);
                }
                place += run + 1;
            }
            // SQL and YAML double a quote inside.
            b'\'' if quote == '\'' && slashes == 0 && place > 0 && bytes.get(place + 1) == Some(&b'\'') => place += 2,
            byte if byte == quote as u8 && slashes == 0 => return Some(place),
            _ => place += 1,
        }
    }
    None
}

/// An unquoted value without what belongs to its surroundings: the next `&name=`, brackets and punctuation at its end.
fn trimmed(word: &str) -> &str {
    let mut word = word;
    for (index, _) in word.match_indices(['&', ';', ',', '|']) {
        let next = &word[index + 1..];
        let name = next.find(|c: char| !in_name(c) && c != ' ').unwrap_or(next.len());
        if name > 0 && next[name..].starts_with(['=', ':']) || next.is_empty() {
            word = &word[..index];
            break;
        }
    }
    for sign in ["\\n", "\\r", "\\t", "\\u0026", "&amp;", "</"] {
        if let Some(index) = word.find(sign) {
            word = &word[..index];
        }
    }
    let closed = |word: &str, open: char, close: char| {
        word.ends_with(close) && word.matches(close).count() > word.matches(open).count()
    };
    loop {
        let shorter = word.trim_end_matches([',', ';', '\\']);
        let end =
            [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>')].iter().any(|(open, close)| closed(shorter, *open, *close));
        let shorter = if end { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter.len() == word.len() {
            return word.strip_suffix('.').unwrap_or(word);
        }
        word = shorter;
    }
}

/// `prefix-${X}`, `{{ x }}`, `%(x)s`: something is still to be filled in.
fn is_template(text: &str) -> bool {
    [("${", "}"), ("{{", "}}"), ("$(", ")"), ("%(", ")"), ("<", ">")]
        .iter()
        .any(|(open, close)| text.find(open).is_some_and(|at| text[at..].contains(close) && (at == 0 || *open != "<")))
}

/// A message rather than a passphrase: five words or more, or words that speak about passwords.
fn is_sentence(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.split_whitespace().count() >= 6
        || [
            "must ",
            "should ",
            "cannot",
            "password",
            "invalid",
            "incorrect",
            "is required",
            "please",
            "the ",
            "failed",
            " for ",
        ]
        .iter()
        .any(|word| lower.contains(word))
}

/// `sha256:…`, or the length of a commit or a digest in hexadecimal.
fn is_digest(text: &str) -> bool {
    text.starts_with("sha256:")
        || text.starts_with("sha1:")
        || matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `prometheus-k8s-token-nwtrf`: words joined by hyphens, and a short drawn ending.
fn is_resource(text: &str) -> bool {
    let small = |part: &str| {
        !part.is_empty() && part.len() <= 16 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let word = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() <= 2;
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.iter().all(|part| small(part))
        && parts.last().is_some_and(|last| last.len() <= 10)
        && parts[..parts.len() - 1].iter().all(|part| word(part))
}

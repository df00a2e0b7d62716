//! `name: value`, `NAME=value`, `"name": "value"`, `--name value`: a name that promises a secret, and its value.
//!
//! Owns: which names promise one, how a value is cut out of its surroundings, and which values keep the promise. The value
//! has the last word: `token: expired`, `key=id` and `password: {{ x }}` are none.

use std::ops::Range;

use super::Kind;
use super::detect::{Found, RANK_ASSIGNED, floor_boundary};
use super::value::{entropy, is_name, is_placeholder, is_reference, is_uuid, looks_random, password_like};

/// Parts of names at which an assignment is looked for, lower case.
pub(super) const KEYWORDS: [&str; 24] = [
    "passw",
    "pwd",
    "passphrase",
    "_pass",
    "pass=",
    "pass:",
    "pass\"",
    "-pass",
    "kennwort",
    "contrase",
    "senha",
    "secret",
    "token",
    "key",
    "cred",
    "_auth",
    "auth\"",
    "auth:",
    "sshpass",
    "psk",
    "_pw",
    "pw=",
    "signature",
    "salt",
];

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// A password: whatever is not a placeholder keeps it.
    Password,
    /// A secret or a token.
    Token,
    /// A key, which may also be the key of a map: only what looks random keeps it.
    Key,
}

/// Longest name and value; in bytes.
const LONGEST_NAME: usize = 96;
const LONGEST_VALUE: usize = 2048;

/// Last words of names that speak about a secret without holding it.
const ABOUT: [&str; 84] = [
    "file",
    "path",
    "dir",
    "name",
    "names",
    "ref",
    "refs",
    "id",
    "ids",
    "url",
    "uri",
    "endpoint",
    "type",
    "kind",
    "length",
    "len",
    "size",
    "count",
    "policy",
    "ttl",
    "expiry",
    "expires",
    "expire",
    "expiration",
    "expired",
    "timeout",
    "age",
    "version",
    "rotation",
    "rotate",
    "enabled",
    "enable",
    "required",
    "algorithm",
    "issuer",
    "audience",
    "scope",
    "format",
    "field",
    "prompt",
    "hint",
    "manager",
    "provider",
    "store",
    "mount",
    "mounts",
    "namespace",
    "label",
    "labels",
    "selector",
    "class",
    "column",
    "index",
    "usage",
    "limit",
    "limits",
    "budget",
    "rate",
    "total",
    "max",
    "min",
    "seconds",
    "bytes",
    "created",
    "at",
    "server",
    "generator",
    "reset",
    "authentication",
    "location",
    "fingerprint",
    "review",
    "reviews",
    "bucket",
    "refresh",
    "source",
    "separator",
    "engine",
    "range",
    "ring",
    "map",
    "attempts",
    "failed",
    "error",
];

/// What `name` promises; `None` when it promises no secret.
pub(super) fn promise(name: &str) -> Option<Promise> {
    let words = words(name);
    let last = words.last()?.as_str();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let approle = words.len() >= 2 && last == "id" && words[words.len() - 2] == "secret";
    if ABOUT.contains(&last) && !approle {
        return None;
    }
    let password = |word: &String| {
        [
            "password",
            "passwd",
            "passphrase",
            "passwort",
            "kennwort",
            "contraseña",
            "contrasena",
            "senha",
            "passcode",
            "bindpw",
            "rootpw",
        ]
        .iter()
        .any(|end| word.ends_with(end))
    };
    if words.iter().any(password)
        || has(&["pwd", "sshpass", "psk", "mdp"])
        || words.len() > 1 && matches!(last, "pass" | "pw" | "pin")
    {
        return Some(Promise::Password);
    }
    if approle
        || words.iter().any(|word| word.ends_with("secret") || word.ends_with("token"))
        || has(&["jwt", "credential", "credentials", "creds", "apikey", "authkey"])
    {
        return Some(Promise::Token);
    }
    if words.len() > 1 && matches!(last, "auth") {
        return Some(Promise::Token);
    }
    let keyed = last == "key" && words.len() > 1 || last.len() > 5 && last.ends_with("key");
    (keyed || has(&["pass", "pw", "auth", "signature"]) || matches!(last, "salt" | "secrets" | "tokens"))
        .then_some(Promise::Key)
}

/// `camelCase`, `SNAKE_CASE`, `kebab-case` and `dotted.names`, as words in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        let part = c == '_' || c == '-' || c == '.';
        if part || small && c.is_uppercase() {
            words.push(String::new());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
        if let (false, Some(word)) = (part, words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The secret of the assignment in whose name the keyword at `hit` stands.
pub(super) fn find(text: &str, hit: Range<usize>) -> Option<Found> {
    let from = floor_boundary(text, hit.start.saturating_sub(LONGEST_NAME));
    let start = text[from..hit.start]
        .rfind(|c| !in_name(c))
        .map_or(from, |index| from + index + text[from + index..].chars().next().map_or(1, char::len_utf8));
    // A keyword may end with the sign after the name.
    let inside = hit.start + 1;
    let end = inside + text.get(inside..)?.find(|c| !in_name(c))?;
    let name = text[start..end].trim_start_matches('-');
    let separator = Separator::after(text, end, text[start..].starts_with("--"))?;
    let promise = promise(name)?;
    let value = Value::at(text, &separator)?;
    let loud = name.contains('_') && !name.contains(|c: char| c.is_lowercase());
    value.keeps(promise, loud, &separator).then(|| Found {
        rule: match promise {
            Promise::Password => "assigned-password",
            Promise::Token => "assigned-token",
            Promise::Key => "assigned-key",
        },
        kind: match promise {
            Promise::Password => Kind::Password,
            Promise::Token => Kind::Token,
            Promise::Key => Kind::ApiKey,
        },
        span: value.span,
        rank: RANK_ASSIGNED,
    })
}

/// True when the string `value` of a JSON document, under the key `name`, is a secret. `None`: the name promises nothing.
pub(super) fn keeps(name: &str, value: &str) -> Option<Kind> {
    let promise = promise(name)?;
    let value = Value { text: value, span: 0..value.len(), quoted: true, alone: true };
    let separator = Separator { after: 0, sign: Sign::Equals };
    let kind = match promise {
        Promise::Password => Kind::Password,
        Promise::Token => Kind::Token,
        Promise::Key => Kind::ApiKey,
    };
    value.keeps(promise, false, &separator).then_some(kind)
}

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Equals,
    Colon,
    /// White space after an option.
    Option,
}

#[derive(Clone, Copy, Debug)]
struct Separator {
    /// Where the value begins, with its quote.
    after: usize,
    sign: Sign,
}

impl Separator {
    /// The separator that stands at `end`, after a name; after an option a space is one.
    fn after(text: &str, end: usize, option: bool) -> Option<Self> {
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
struct Value<'a> {
    text: &'a str,
    span: Range<usize>,
    quoted: bool,
    /// Nothing but a comment or the end of a list follows on its line.
    alone: bool,
}

impl<'a> Value<'a> {
    fn at(text: &'a str, separator: &Separator) -> Option<Self> {
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
    fn keeps(&self, promise: Promise, loud: bool, separator: &Separator) -> bool {
        let text = self.text;
        if text.len() < 3
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
            Promise::Password if prose => password_like(text),
            Promise::Password => !self.is_switch() && !(self.quoted && text.contains(' ') && is_sentence(text)),
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
            Promise::Key => {
                text.len() >= 12 && looks_random(text) && !text.contains(' ') && !is_uuid(text) && !is_digest(text)
                    || loud && !prose && text.len() >= 8 && looks_random(text) && !is_digest(text)
            }
        }
    }

    /// Words that switch something on or off, or say that there is nothing.
    fn is_switch(&self) -> bool {
        const SWITCHES: [&str; 20] = [
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
        ];
        SWITCHES.contains(&self.text.to_ascii_lowercase().as_str())
    }
}

/// Where the string that was opened by `quote`, itself behind `slashes` backslashes, ends in `rest`.
fn closing(rest: &str, quote: char, slashes: usize) -> Option<usize> {
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

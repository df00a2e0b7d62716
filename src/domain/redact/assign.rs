//! `name: value`, `NAME=value`, `"name": "value"`, `--name value`: a name that promises a secret, and its value.
//!
//! Owns: which names promise one, and what. Cutting out and judging the value is done by `cut`. The value
//! has the last word: `token: expired`, `key=id` and `password: {{ x }}` are none.

use std::ops::Range;

use super::Kind;
use super::cut::{Separator, Sign, Value};
use super::detect::{Found, RANK_ASSIGNED, floor_boundary};

/// Parts of names at which an assignment is looked for, lower case.
pub(super) const KEYWORDS: [&str; 27] = [
    "passw",
    "pwd",
    "passphrase",
    "_pass",
    "pass=",
    "pass:",
    "pass =",
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
    "pw:",
    "pw =",
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
    /// A password or a result, as in `pass=3`: what looks like a password keeps it.
    Pass,
}

impl Promise {
    const fn rule(self) -> &'static str {
        match self {
            Self::Password | Self::Pass => "assigned-password",
            Self::Token => "assigned-token",
            Self::Key => "assigned-key",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Password | Self::Pass => Kind::Password,
            Self::Token => Kind::Token,
            Self::Key => Kind::ApiKey,
        }
    }
}

/// Longest name; in bytes.
const LONGEST_NAME: usize = 96;

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
    if matches!(last, "pass" | "pw") {
        return Some(Promise::Pass);
    }
    if last.ends_with("key") && (has(&["public", "pub"]) || last == "pubkey" || last == "publickey") {
        return None;
    }
    let keyed = last == "key" && words.len() > 1 || last.len() > 5 && last.ends_with("key");
    (keyed || has(&["auth", "signature"]) || matches!(last, "salt" | "secrets" | "tokens")).then_some(Promise::Key)
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

/// True for a character of a name.
pub(super) fn in_name(c: char) -> bool {
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
        rule: promise.rule(),
        kind: promise.kind(),
        span: value.span,
        rank: RANK_ASSIGNED,
    })
}

/// What the string `value` of a JSON document is, under a key that makes `promise`; `None` when it does not keep it.
pub(super) fn keeps(promise: Promise, value: &str) -> Option<Kind> {
    let value = Value { text: value, span: 0..value.len(), quoted: true, alone: true };
    let separator = Separator { after: 0, sign: Sign::Equals };
    value.keeps(promise, false, &separator).then(|| promise.kind())
}

//! Secrets in words: `the api key 9f8e7d6c5b4a`, `PIN 471199`, `mot de passe Hirondelle42`, a passphrase of plain words.
//!
//! What stands directly behind `:`, `=` or `is` is believed sooner than what follows without a sign or after other words:
//! there only what looks drawn counts. Verbs and further languages are in `config`.

use super::{Edge, Rule, is_no_sample, is_value};
use crate::domain::redact::Kind::{ApiKey, Hash, Password, Seed, Token, Webhook};
use crate::domain::redact::value::{is_name, is_uuid, looks_random, password_like};

/// What people call a key that a service gave out.
const KEY_WORDS: &[&str] = &[
    "api key",
    "api-key",
    "apikey",
    "access key",
    "secret key",
    "auth key",
    "access-key",
    "secret-key",
    "auth-key",
    "authkey",
    "account key",
    "license key",
    "licence key",
    "signing key",
    "encryption key",
    "integration key",
    "master key",
    "shared key",
    "client secret",
    "shared secret",
    "auth token",
    "access token",
    "bot token",
    "clé api",
    "api-schlüssel",
    "clave api",
];

/// Words for a password besides the English ones.
const PASSWORD_WORDS: &[&str] = &[
    "passwort",
    "kennwort",
    "zugangswort",
    "mot de passe",
    "contraseña",
    "contrasena",
    "senha",
    "wachtwoord",
    "lösenord",
    "adgangskode",
    "passord",
    "hasło",
    "heslo",
    "salasana",
    "parola",
    "пароль",
];

pub(super) const RULES: &[Rule] = &[
    Rule::context("worded-key", ApiKey, KEY_WORDS, r#"(?i:(?:api|access|secret|auth|account|licen[sc]e|signing|encryption|integration|master|shared)[ -]?key|(?:client|shared) secret|(?:auth|access|bot) token|clé api|api-schlüssel|clave api)\*{0,2}[ \t]*(?:is|was|ist|lautet|est|es|:|=>?|→|->)\*{0,2}[ \t]*["'`]?([^\s"'`,;()<>|*]{4,127}[^\s"'`,;()<>|*.:])"#).edge(Edge::Start).check(is_said),
    Rule::context("worded-key-for", ApiKey, KEY_WORDS, r#"(?i:(?:api|access|secret|auth|account|licen[sc]e|signing|encryption|integration|master|shared)[ -]?key|(?:client|shared) secret|(?:auth|access|bot) token|clé api|api-schlüssel|clave api)(?:[ \t]+(?:for|of|to|on|from|für|von|pour|de|para)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,3}?[ \t]*(?:[ \t]is|:|=>?|→|->))?[ \t]+["'`]?([^\s"'`,;()<>|*:=]{7,127}[^\s"'`,;()<>|*.:])"#).edge(Edge::Start).check(is_drawn),
    Rule::context("worded-new-one", Token, &["new one is", "new one:", "neue ist", "neuer ist"], r#"(?i:new one(?: is|:)|neuer? ist)(?:[ \t]+now)?[ \t]+["'`]?([A-Za-z0-9_+/=.~-]{11,127}[A-Za-z0-9_+/=~-])"#).edge(Edge::Start).check(is_drawn),
    Rule::context("worded-password", Password, PASSWORD_WORDS, r#"(?i:pass[wo]ort|kennwort|zugangswort|mots? de passe|contraseña|contrasena|senha|wachtwoord|lösenord|adgangskode|passord|hasło|heslo|salasana|parola|пароль)[ \t]+(?:["'`„«][  ]?([^"'`“»\n]{4,64}?)[  ]?["'`“»]|([^\s"'`:=„«]{5,64}))"#).check(is_strong),
    Rule::context("worded-password-for", Password, PASSWORD_WORDS, r#"(?i:passwort|kennwort|zugangswort|mots? de passe|contraseña|contrasena|senha|wachtwoord|lösenord|adgangskode|passord|hasło|heslo|salasana|parola|пароль)(?:[ \t]+[^\s:=]{1,40}){0,4}?[ \t]*(?:[ \t](?:is|är|er|to|je|on|è|é|это)[ \t]|:|=)[ \t]*["'`„«]?([^\s"'`“»]{5,64})"#).check(is_said),
    Rule::context("worded-password-italian", Password, &["password"], r#"(?i:password)(?:[ \t]+(?:di|del|della|dell'\S+|per|da)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,2}?)?[ \t]+(?:è|e'|era|sarà)[ \t]+(?:ora[ \t]+|adesso[ \t]+)?["'`«]?([^\s"'`»]{5,64})"#).edge(Edge::Start).check(is_said),
    Rule::context("passphrase-of-words", Password, &["passphrase"], r#"(?i:passphrase)(?:[ \t]+(?:for|of|to|on)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,3}?)?[ \t]*(?:(?:\bis|\bwas|:|=|→|->)[ \t]*)?(?:"([^"\n]{6,90})"|'([^'\n]{6,90})'|`([^`\n]{6,90})`)"#).edge(Edge::Start).check(is_words),
    Rule::context("passphrase-of-bare-words", Password, &["passphrase"], r#"(?i:passphrase)[ \t]*(?:(?:\bis|\bwas|:|=|→|->)[ \t]*|[ \t])([a-z]{3,12}(?:[ \t]+[a-z]{3,12}){1,9})[ \t]*(?:[\n\r.,;)]|\\n|\z)"#).edge(Edge::Start).check(is_words),
    Rule::context("pin", Password, &["pin ", "pin:", "pin=", "pin-", "puk ", "puk:"], r#"(?:(?:PIN|PUK)(?i:[- ]?code)?[ \t]*(?:(?i:is|was|ist|lautet|:|=|→|->)[ \t]*)?|(?i:pin|puk)(?i:-value)?[ \t]*[:=][ \t]*|pin[ \t]+(?i:is|was|ist)[ \t]+)["'`]?(\d{4,12})(?:[^\w-]|\z)"#).edge(Edge::Start).check(is_pin),
    Rule::context("pin-option", Password, &["--pin", "--so-pin", "--new-pin"], r#"--(?:so-|new-|user-)?pin[ =]["']?(\d{4,12})\b"#).check(is_pin),
    Rule::context("recovery-codes", Seed, &["recovery code", "backup code", "scratch code", "emergency code"], r#"(?i:(?:recovery|backup|scratch|emergency) codes?)[ \t]*(?:is|are|:|=)?\s*((?:(?:[A-Za-z0-9]{4,10}(?:-[A-Za-z0-9]{4,10}){1,4}|\d{6,10})[\s,;]*)+)"#).check(has_digits),
    Rule::key("ceph-key", ApiKey, &["AQ"], r"AQ[A-Za-z0-9+/]{36}==").edge(Edge::Start),
    // A digest can be guessed offline, as a hash can.
    Rule::context("digest-response", Hash, &["response=", "rspauth="], r#"(?i:response|rspauth)=\\*["']?([A-Fa-f0-9]{32,128})\b"#).edge(Edge::Start),
    Rule::context("secret-path", Webhook, &["/hook", "/webhook", "/web-hook", "/incoming", "/invoke/", "/reset-password/", "/password-reset/", "/invite/", "/magic/"], r"/(?i:(?:web-?)?hooks?|incoming(?:-?(?:web)?hooks?)?|invoke|reset-password|password-reset|invite|magic)/(?:[\w.-]{1,15}/){0,3}?([A-Za-z0-9_~-]{16,256})").check(is_path_secret),
];

/// Behind a sign: letters and digits, as long as it is no date, version, measure or name of an algorithm.
fn is_said(value: &str) -> bool {
    is_value(value)
        && password_like(value)
        && value.contains(|c: char| c.is_ascii_digit())
        && !is_fact(value)
        && !value.contains("://")
}

/// Without a sign: it has to look drawn as well.
fn is_drawn(value: &str) -> bool {
    is_said(value)
        && value.len() >= 10
        && looks_random(value)
        && !value.contains(['/', '[', '{'])
        && is_no_sample(value)
}

/// A word of other languages is followed by a password: one that looks drawn, a word with a number, or four words in one.
fn is_strong(value: &str) -> bool {
    let number = value.len() - value.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let joined = value.split('-').count() >= 4;
    is_said(value)
        && (!is_name(value) || joined || number >= 2 && !value.contains(['-', '.', '_', '/', ':', '@']))
        && !value.contains(['/', '(', '[', '<', '|'])
}

/// `2026-03-01T00:00Z`, `v2.14.3`, `2048-bit`, `sha256`: what documents say about keys.
fn is_fact(value: &str) -> bool {
    const UNITS: [&str; 16] = [
        "bit", "bits", "bytes", "byte", "chars", "ms", "sec", "min", "mins", "days", "day", "hours", "weeks", "th",
        "nd", "st",
    ];
    const ALGORITHMS: [&str; 14] = [
        "sha", "md5", "rsa", "aes", "hmac", "ed25519", "ecdsa", "base64", "bcrypt", "pbkdf2", "argon2", "rs256",
        "hs256", "x509",
    ];
    let value = value.trim_end_matches(['.', ',', ':', '!', '?', ')']).to_ascii_lowercase();
    let unversioned = value.strip_prefix('v').unwrap_or(&value);
    let rest = unversioned.trim_start_matches(|c: char| c.is_ascii_digit());
    let counted = rest.len() < unversioned.len();
    let date =
        counted && unversioned.len() - rest.len() == 4 && rest.starts_with('-') && rest[1..].starts_with(['0', '1']);
    let version = counted
        && (rest.starts_with('.') || value.starts_with('v') && rest.starts_with(['-', 'a', 'b']) && value.len() < 10);
    date || version
        || counted && UNITS.contains(&rest.trim_start_matches('-'))
        || ALGORITHMS.iter().any(|name| value.strip_prefix(name).is_some_and(is_variant))
}

/// What may follow the name of an algorithm: `256`, `-512`, `256-hashed`; so `shark77` is none of them.
fn is_variant(rest: &str) -> bool {
    let word = rest.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit());
    let size = rest.len() - word.len();
    size <= 5 && (word.is_empty() || rest[..size].ends_with('-') && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Two words or more, and none that sentences about passphrases have.
fn is_words(value: &str) -> bool {
    const ABOUT: [&str; 88] = [
        "the",
        "for",
        "and",
        "are",
        "was",
        "has",
        "have",
        "had",
        "not",
        "you",
        "your",
        "our",
        "their",
        "its",
        "this",
        "that",
        "these",
        "from",
        "with",
        "when",
        "then",
        "than",
        "must",
        "should",
        "can",
        "cannot",
        "could",
        "may",
        "might",
        "will",
        "would",
        "into",
        "onto",
        "only",
        "never",
        "always",
        "please",
        "again",
        "here",
        "there",
        "see",
        "ask",
        "kept",
        "stored",
        "wrong",
        "bad",
        "invalid",
        "incorrect",
        "empty",
        "required",
        "missing",
        "prompt",
        "prompts",
        "file",
        "files",
        "dialog",
        "entry",
        "cache",
        "caches",
        "timeout",
        "agent",
        "policy",
        "policies",
        "strength",
        "length",
        "change",
        "changes",
        "failed",
        "fails",
        "failure",
        "error",
        "errors",
        "guidelines",
        "storage",
        "key",
        "keys",
        "password",
        "passwords",
        "but",
        "any",
        "all",
        "none",
        "one",
        "does",
        "did",
        "via",
        "per",
        "out",
    ];
    let words: Vec<String> = value.split_whitespace().map(str::to_lowercase).collect();
    let speaks = |word: &String| {
        ABOUT.contains(&word.as_str())
            || word.len() > 5 && ["ing", "ed", "tion", "ment"].iter().any(|end| word.ends_with(end))
    };
    is_value(value)
        && words.len() >= 2
        && words.iter().all(|word| word.chars().any(char::is_alphanumeric))
        && !words.iter().any(speaks)
}

/// The numbers that makers of tokens and cards document as what they deliver (YubiKey: PIN 123456, PUK 12345678) are none.
fn is_pin(value: &str) -> bool {
    is_value(value) && !matches!(value, "123456" | "12345678")
}

/// A code has digits; `recovery codes are-kept-there` has none.
fn has_digits(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 4
}

/// A part of a path that was drawn; neither the digest of a commit nor words.
fn is_path_secret(value: &str) -> bool {
    let digest = matches!(value.len(), 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_uuid(value) || looks_random(value) && !digest && is_no_sample(value)
}

//! Private keys, tokens that carry their own form, and password hashes, which can be guessed offline.

use super::{Edge, Rule, anything, is_no_sample};
use crate::domain::redact::Kind::{Hash, PrivateKey, Secret, Seed, Token};

/// A key file is not longer; in bytes.
const KEY_REACH: usize = 16 * 1024;

pub(super) const RULES: &[Rule] = &[
    // Up to its end or, where that was cut off, as long as it looks like the inside of a key. Line ends may be spelled `\n`.
    Rule::context(
        "private-key",
        PrivateKey,
        &["-----BEGIN", "---- BEGIN SSH2"],
        r#"-----? ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-----?(?s:.*?-----? ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?|(?:[\s>|]|\\+[nrt]|[A-Za-z0-9+/=_-]{8,}|[A-Za-z-]+: [^\n\\]+)*)"#,
    )
    .reach(KEY_REACH)
    .check(has_material),
    Rule::context(
        "putty-key",
        PrivateKey,
        &["PuTTY-User-Key-File"],
        r"PuTTY-User-Key-File-\d:(?s:.*?Private-(?:MAC|Hash): [a-f0-9]+|.*)",
    )
    .reach(KEY_REACH)
    .check(anything),
    Rule::context("wireguard-key", PrivateKey, &["privatekey", "presharedkey"], r"(?i:PrivateKey|PresharedKey)\s*[:=]\s*([A-Za-z0-9+/]{42,43}=)"),
    Rule::context(
        "ansible-vault",
        Secret,
        &["$ANSIBLE_VAULT"],
        r"\$ANSIBLE_VAULT;[0-9.]+;AES(?:256)?(?:;[\w-]+)?((?:(?:\s|\\n)+[a-f0-9]{10,80})+)",
    )
    .reach(KEY_REACH),
    Rule::key("sealed-by-sops", Secret, &["ENC[AES256_GCM,data:"], r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+)").check(anything).edge(Edge::Any),
    Rule::key("jwt", Token, &["eyJ"], r"eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ)?[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}").reach(8192).edge(Edge::Start),
    Rule::key("otpauth", Seed, &["otpauth://", "otpauth-migration://"], r#"otpauth(?:-migration)?://[^\s"'<>]*?(?:secret|data)=([A-Za-z0-9%+/=_-]{8,})"#).reach(1400),
    Rule::context("totp-seed", Seed, &["totp", "otp_secret", "mfa"], r#"(?i:[\w. -]{0,24}(?:secret|seed|key))?(?i:totp|otp_secret|mfa)?[\w. -]{0,20}\\*["']?\s*(?:[:=]|is)\s*\\*["']?([A-Z2-7]{16,64}=*)"#).check(is_no_sample),
    Rule::key("bcrypt", Hash, &["$2a$", "$2b$", "$2y$", "$2x$"], r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{22,53}").edge(Edge::Any),
    Rule::key(
        "crypt-hash",
        Hash,
        &["$1$", "$5$", "$6$", "$y$", "$7$", "$gy$", "$apr1$", "$sha1$", "$md5$", "$8$", "$9$"],
        r"\$(?:1|5|6|7|8|9|y|gy|apr1|sha1|md5)\$(?:rounds=\d+\$)?[./A-Za-z0-9=,]{0,64}\$[./A-Za-z0-9$]{8,120}",
    )
    .edge(Edge::Any),
    Rule::key("argon2", Hash, &["$argon2"], r"\$argon2(?:id|i|d)\$[A-Za-z0-9=,$+/]{20,200}").edge(Edge::Any),
    Rule::key("scrypt-or-pbkdf2", Hash, &["$pbkdf2", "pbkdf2_sha", "$scrypt", "scrypt:"], r"\$?(?:pbkdf2|scrypt)[\w:-]*[$:][A-Za-z0-9=,$+/._:-]{30,300}").edge(Edge::Any),
    Rule::key("scram", Hash, &["SCRAM-SHA-"], r"SCRAM-SHA-\d+\$\d+:[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{20,}:[A-Za-z0-9+/=]{20,}").edge(Edge::Any),
    Rule::key("ldap-hash", Hash, &["{SSHA", "{SHA", "{SMD5}", "{MD5}", "{CRYPT}", "{PBKDF2"], r"(?i:\{(?:SSHA|SHA|SSHA256|SSHA384|SSHA512|SHA256|SHA512|SMD5|MD5|CRYPT|PBKDF2[\w-]*)\})([A-Za-z0-9+/=.$,]{12,})").edge(Edge::Any),
    Rule::context("postgres-md5", Hash, &["md5"], r#"md5[a-f0-9]{32}"#).edge(Edge::Word),
    Rule::context("mysql-native-hash", Hash, &["*"], r"\*[A-F0-9]{40}").edge(Edge::Word),
    Rule::context("django-or-werkzeug-hash", Hash, &["pbkdf2:sha", "sha256$", "bcrypt_sha256$"], r"(?:pbkdf2:sha\d+:\d+|sha256|bcrypt_sha256)\$[A-Za-z0-9./$]{8,40}\$?[A-Za-z0-9./+=]{20,128}"),
    Rule::context("grub-hash", Hash, &["grub.pbkdf2"], r"grub\.pbkdf2\.sha512\.\d+\.[A-F0-9.]{60,300}"),
];

/// Something of the key itself is there: documents name the first line alone.
fn has_material(value: &str) -> bool {
    value.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))).any(|run| run.len() >= 16)
}

//! Secrets that stand before what gives them away.
//!
//! Owns: the end of a private key whose beginning was cut off, and the password before the address in the DSNs of Go.

use std::ops::Range;

use super::Kind;
use super::detect::{Found, RANK_STRUCTURE};
use super::value::is_placeholder;

/// The last line of a private key.
pub(super) const KEY_TAILS: [&str; 7] = [
    "-----end private key",
    "-----end rsa private key",
    "-----end ec private key",
    "-----end dsa private key",
    "-----end openssh private key",
    "-----end encrypted private key",
    "-----end pgp private key block",
];

/// What follows the password in `user:password@tcp(host:3306)/db`.
pub(super) const SOCKETS: [&str; 2] = ["@tcp(", "@unix("];

/// No key is longer; in bytes.
const LONGEST_KEY: usize = 16 * 1024;

/// The lines of base64 before the last line of a private key, up to and with that line's words.
pub(super) fn key_tail(text: &str, hit: Range<usize>) -> Option<Found> {
    let bytes = text.as_bytes();
    let inside = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r' | b' ' | b'\t' | b'\\')
    };
    let lowest = hit.start.saturating_sub(LONGEST_KEY);
    let mut start = hit.start;
    while start > lowest && inside(bytes[start - 1]) {
        start -= 1;
    }
    // Words before the first line of base64 are prose: begin at the first long run.
    let run = text[start..hit.start].split_inclusive(|c: char| c.is_whitespace() || c == '\\');
    let mut skipped = 0;
    for piece in run {
        if piece.trim_end().trim_start_matches('n').len() >= 24 {
            break;
        }
        skipped += piece.len();
    }
    let start = start + skipped;
    (start < hit.start).then_some(Found {
        rule: "private-key-tail",
        kind: Kind::PrivateKey,
        span: start..hit.end,
        rank: RANK_STRUCTURE,
    })
}

/// The password of `user:password@tcp(`.
pub(super) fn user_at_socket(text: &str, at: usize) -> Option<Found> {
    let lowest = super::detect::floor_boundary(text, at.saturating_sub(200));
    let word = &text[lowest..at];
    // What ends the word before it may be longer than a byte.
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '=');
    let word_start = word.rfind(ends).map_or(0, |index| index + word[index..].chars().next().map_or(1, char::len_utf8));
    let colon = word[word_start..].find(':')? + word_start + 1;
    let password = &word[colon..];
    (!password.is_empty() && !is_placeholder(password)).then(|| Found {
        rule: "go-dsn",
        kind: Kind::Password,
        span: lowest + colon..at,
        rank: RANK_STRUCTURE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_key_is_found() {
        let text = "here it ends:\nMIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePz\nNm0tRgeLezV6ffAt0g==\n-----END RSA PRIVATE KEY-----\n";
        let at = text.find("-----END").unwrap();
        let found = key_tail(text, at..at + 24).unwrap();
        assert!(text[found.span.clone()].starts_with("MIIEow") && text[found.span].ends_with("PRIVATE KEY"));
        assert_eq!(key_tail("cut -----END RSA PRIVATE KEY-----", 4..28), None);
    }

    #[test]
    fn the_password_of_a_go_dsn_is_found() {
        let text = "dsn: \"app:s3:cr@t@tcp(db:3306)/x\"";
        let at = text.find("@tcp(").unwrap();
        assert_eq!(user_at_socket(text, at).map(|found| &text[found.span]), Some("s3:cr@t"));
        // White space of several bytes.
        let text = "dsn\u{2003}app:s3cr@t@tcp(db:3306)/x";
        let at = text.find("@tcp(").unwrap();
        assert_eq!(user_at_socket(text, at).map(|found| &text[found.span]), Some("s3cr@t"));
    }
}

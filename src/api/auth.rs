//! Who may deliver: compares the `Authorization` header with the token of the receiver.
//!
//! Invariant: how long a comparison takes does not depend on where two tokens differ, nor on how long they are.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::digest::sha256_hex;

/// Whether a request may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It may.
    Granted,
    /// It brings no credentials.
    Missing,
    /// It brings others.
    Wrong,
}

/// The token as it is compared; nothing is kept of it but its hash.
#[derive(Clone)]
pub(super) struct Gatekeeper {
    expected: Option<String>,
}

impl Gatekeeper {
    /// Lets in who knows `token`; everyone when there is none.
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        Self { expected: token.map(|token| sha256_hex(token.expose_secret().as_bytes())) }
    }

    /// Accepts `Bearer TOKEN`, and `Basic` with any user name and the token as password.
    pub(super) fn check(&self, headers: &HeaderMap) -> Entry {
        let Some(expected) = &self.expected else {
            return Entry::Granted;
        };
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Entry::Missing;
        };
        match presented(value.as_bytes()) {
            Some(token) if same(&sha256_hex(&token), expected) => Entry::Granted,
            Some(_) | None => Entry::Wrong,
        }
    }
}

/// The secret in an `Authorization` header.
fn presented(value: &[u8]) -> Option<Vec<u8>> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&value[..space], value[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.to_vec());
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let pair = decode_base64(rest)?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// Compares two hashes without stopping at the first difference.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// Standard Base64 (RFC 4648, section 4) with its padding; `None` for anything else.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len().checked_sub(padding).filter(|_| padding <= 2)?)?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u8);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(((bits >> held) & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn check(header: Option<&str>) -> Entry {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        Gatekeeper::new(Some(&"open sesame".to_owned().into())).check(&headers)
    }

    #[rstest]
    #[case(None, Entry::Missing)]
    #[case(Some("Bearer open sesame"), Entry::Granted)]
    #[case(Some("bearer  open sesame"), Entry::Granted)]
    #[case(Some("Bearer open sesam"), Entry::Wrong)]
    #[case(Some("Bearer open sesame!"), Entry::Wrong)]
    #[case(Some("Bearer "), Entry::Wrong)]
    #[case(Some("Bearer"), Entry::Wrong)]
    #[case(Some("open sesame"), Entry::Wrong)]
    #[case::basic_am_open_sesame(Some("Basic YW06b3BlbiBzZXNhbWU="), Entry::Granted)]
    #[case::basic_wrong_password(Some("Basic YW06b3BlbiBzZXNhbQ=="), Entry::Wrong)]
    #[case::basic_without_colon(Some("Basic b3BlbiBzZXNhbWU="), Entry::Wrong)]
    #[case::basic_no_base64(Some("Basic open!"), Entry::Wrong)]
    #[case::digest(Some("Digest open sesame"), Entry::Wrong)]
    fn only_the_token_comes_in(#[case] header: Option<&str>, #[case] expected: Entry) {
        assert_eq!(check(header), expected);
    }

    #[test]
    fn without_a_token_everyone_comes_in() {
        assert_eq!(Gatekeeper::new(None).check(&HeaderMap::new()), Entry::Granted);
    }

    /// RFC 4648, section 10.
    #[rstest]
    #[case("", Some(""))]
    #[case("Zg==", Some("f"))]
    #[case("Zm8=", Some("fo"))]
    #[case("Zm9v", Some("foo"))]
    #[case("Zm9vYmFy", Some("foobar"))]
    #[case("Zm9", None)]
    #[case("Z===", None)]
    #[case("====", None)]
    #[case("Zm=v", None)]
    fn base64_vectors(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(decode_base64(text.as_bytes()).as_deref(), expected.map(str::as_bytes));
    }
}

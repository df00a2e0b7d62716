//! Going on with an answer: a provider that broke off hands out a token, and wants the same body with that token in it.
//!
//! Owns: the one change that may be made to a cleared body. Does not: know what the member is called; the adapter says so.
//!
//! Invariants: everything that was cleared stays as it was, byte for byte. What is added is one member at the end of the
//! object, whose name is a constant of the program and whose value is text in the base64 alphabet that this provider itself
//! handed out in answer to this very body; so nothing that redaction looks for can get in, and the provider learns nothing
//! that it does not have. A second token takes the place of the first. Each is a further call that costs money, so there
//! are only as many as the reservation covers.

use super::Cleared;

/// A token is not longer; in bytes. Those that were seen have some hundreds.
const LONGEST_TOKEN: usize = 64 * 1024;

/// Why a body cannot be sent again with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotContinued {
    /// The reservation covers no further call.
    #[error("going on would cost more than was reserved for this question")]
    NotReserved,
    /// It is empty, too long, or not in the base64 alphabet.
    #[error("the token to go on with is no token")]
    NoToken,
    /// The body is no JSON object with members, or the name is no plain word: an error of the adapter.
    #[error("the body cannot take a token")]
    NoObject,
}

impl Cleared {
    /// Puts `member` with `token` at the end of the body, in the place of the token before.
    ///
    /// # Errors
    /// [`NotContinued`]; the body is then unchanged.
    pub fn continue_with(&mut self, member: &'static str, token: &str) -> Result<(), NotContinued> {
        if self.continuations == 0 {
            return Err(NotContinued::NotReserved);
        }
        if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(is_base64) {
            return Err(NotContinued::NoToken);
        }
        if member.is_empty() || !member.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(NotContinued::NoObject);
        }
        let opening = format!(",\"{member}\":\"");
        let end = self.end_without(opening.as_bytes())?;
        self.continuations -= 1;
        self.body.truncate(end);
        self.body.extend_from_slice(opening.as_bytes());
        self.body.extend_from_slice(token.as_bytes());
        self.body.extend_from_slice(b"\"}");
        Ok(())
    }

    /// Where the members end that were cleared: before the token that `opening` opens, or before the last brace.
    fn end_without(&self, opening: &[u8]) -> Result<usize, NotContinued> {
        let body = self.body.as_slice();
        let inner = body.strip_suffix(b"}").ok_or(NotContinued::NoObject)?;
        if !body.starts_with(b"{") || inner.len() < 2 || inner.ends_with(b",") {
            return Err(NotContinued::NoObject);
        }
        let Some(quoted) = inner.strip_suffix(b"\"") else { return Ok(inner.len()) };
        // Base64 has no quotes, so whatever stands between the opening and the last quote is the token and nothing else,
        // and the brace behind it is that of the whole object.
        let length = quoted.iter().rev().take_while(|byte| is_base64(**byte)).count();
        let before = &quoted[..quoted.len() - length];
        Ok(before.strip_suffix(opening).map_or(inner.len(), <[u8]>::len))
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEMBER: &str = "continuationToken";

    #[test]
    fn a_token_is_added_and_replaced_and_nothing_else_changes() {
        let mut cleared = Cleared::for_test(br#"{"a":"x","b":{"c":1}}"#.to_vec()).covering(2);
        cleared.continue_with(MEMBER, "dG9r").unwrap();
        assert_eq!(cleared.body(), br#"{"a":"x","b":{"c":1},"continuationToken":"dG9r"}"#);
        cleared.continue_with(MEMBER, "bmV4dA==").unwrap();
        assert_eq!(cleared.body(), br#"{"a":"x","b":{"c":1},"continuationToken":"bmV4dA=="}"#);
        assert_eq!(cleared.continue_with(MEMBER, "bmV4dA=="), Err(NotContinued::NotReserved));
    }

    #[test]
    fn what_is_no_token_and_what_is_no_object_is_refused() {
        for token in ["", "a\"", "a b", "ä", "a\n", "{}", &"A".repeat(LONGEST_TOKEN + 1)] {
            let mut cleared = Cleared::for_test(b"{\"a\":1}".to_vec()).covering(1);
            assert_eq!(cleared.continue_with(MEMBER, token), Err(NotContinued::NoToken));
            assert_eq!(cleared.body(), b"{\"a\":1}");
        }
        for body in ["", "{}", "[1]", "{", "}", "{\"a\":1} ", "{\"a\":1,}"] {
            let mut cleared = Cleared::for_test(body.as_bytes().to_vec()).covering(1);
            assert_eq!(cleared.continue_with(MEMBER, "dG9r"), Err(NotContinued::NoObject), "{body}");
        }
        let mut cleared = Cleared::for_test(b"{\"a\":1}".to_vec()).covering(1);
        assert_eq!(cleared.continue_with("a\":1,\"b", "dG9r"), Err(NotContinued::NoObject));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
            "[A-Za-z0-9+/=]{0,8}".prop_map(serde_json::Value::from),
        ];
        let key = prop_oneof![Just("continuationToken".to_owned()), any::<String>()];
        leaf.prop_recursive(3, 16, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_body_stays_what_it_was_but_for_the_token(
            value in json(),
            first in "[A-Za-z0-9+/]{1,20}={0,2}",
            second in "[A-Za-z0-9_-]{1,20}",
        ) {
            // The adapter's own bodies have no such member at the top.
            let mut wanted = serde_json::Map::from_iter([("contents".to_owned(), value)]);
            let body = serde_json::to_vec(&wanted).unwrap();
            let mut cleared = Cleared::for_test(body.clone()).covering(2);
            cleared.continue_with(MEMBER, &first).unwrap();
            cleared.continue_with(MEMBER, &second).unwrap();
            prop_assert!(cleared.body().starts_with(&body[..body.len() - 1]));
            wanted.insert(MEMBER.to_owned(), second.into());
            let read: serde_json::Value = serde_json::from_slice(cleared.body()).unwrap();
            prop_assert_eq!(read, serde_json::Value::Object(wanted));
        }
    }
}

//! IP addresses.
//!
//! Owns: telling an address from a version, a time or a path in code. Stays as it is what says nothing about anyone's
//! network: loopback, unspecified, netmasks, the metadata service, public resolvers.

// Types of addresses only, without sockets: what `domain` may use.
use core::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use memchr::memchr_iter;

/// Calls `found` for every address in `text`.
pub(super) fn find(text: &str, mut found: impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut done = 0;
    // Of an address of version 4, the first dot stands after one to three digits.
    for dot in memchr_iter(b'.', bytes) {
        if dot >= done
            && dot > 0
            && bytes[dot - 1].is_ascii_digit()
            && let Some(span) = version_4(text, dot)
        {
            done = span.end;
            found(span);
        }
    }
    let mut done = 0;
    for colon in memchr_iter(b':', bytes) {
        if colon >= done {
            let span = run(bytes, colon);
            done = span.end.max(colon + 1);
            if let Some(span) = version_6(text, span) {
                found(span);
            }
        }
    }
}

fn version_4(text: &str, dot: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = dot - bytes[..dot].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let digits = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let mut end = start + bytes[start..].iter().take(16).take_while(digits).count();
    // A full stop ends the sentence.
    if bytes[end - 1] == b'.' {
        end -= 1;
    }
    let address: Ipv4Addr = text.get(start..end)?.parse().ok()?;
    let before = start.checked_sub(1).map(|index| bytes[index]);
    let escaped = start >= 2 && bytes[start - 2] == b'\\' && matches!(before, Some(b'n' | b't' | b'r'));
    let joined =
        before.is_some_and(|byte| (byte.is_ascii_alphanumeric() && !escaped) || matches!(byte, b'.' | b'_' | b'-'));
    let after = bytes.get(end).copied();
    let goes_on = after.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        || matches!(after, Some(b'-' | b'+')) && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
        || after == Some(b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    (!joined && !goes_on && !is_everybodys(address) && !is_version(text, start)).then_some(start..end)
}

/// Loopback, unspecified, broadcast, netmasks, multicast, the metadata service, public resolvers.
fn is_everybodys(address: Ipv4Addr) -> bool {
    const RESOLVERS: [[u8; 4]; 7] = [
        [8, 8, 8, 8],
        [8, 8, 4, 4],
        [1, 1, 1, 1],
        [1, 0, 0, 1],
        [9, 9, 9, 9],
        [169, 254, 169, 254],
        [208, 67, 222, 222],
    ];
    let [first, ..] = address.octets();
    first == 0 || first == 127 || first >= 224 || RESOLVERS.contains(&address.octets())
}

/// A word like `version` before it says that it is none.
fn is_version(text: &str, start: usize) -> bool {
    let from = super::super::detect::floor_boundary(text, start.saturating_sub(16));
    let before = text[from..start].trim_end_matches([' ', ':', '=', '"', '\'', '(', '`']).to_ascii_lowercase();
    ["version", "release", "ver.", "firmware", "build", "chart", "revision"].iter().any(|word| before.ends_with(word))
}

/// The run of hexadecimal digits, colons and dots around `colon`.
fn run(bytes: &[u8], colon: usize) -> Range<usize> {
    let inside = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b':' || **byte == b'.';
    let before = bytes[..colon].iter().rev().take(40).take_while(inside).count();
    let after = bytes[colon..].iter().take(48).take_while(inside).count();
    colon - before..colon + after
}

fn version_6(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut candidate = text.get(span.clone())?;
    if candidate.len() < 4 || candidate.bytes().filter(|byte| *byte == b':').count() < 2 {
        return None;
    }
    // A sentence's colon or full stop.
    while candidate.ends_with('.') || candidate.ends_with(':') && !candidate.ends_with("::") {
        candidate = &candidate[..candidate.len() - 1];
    }
    let end = span.start + candidate.len();
    let address: Ipv6Addr = candidate.parse().ok()?;
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let joined = span.start.checked_sub(1).is_some_and(|index| joins(bytes[index]))
        || bytes.get(end).copied().is_some_and(joins);
    let groups: Vec<&str> = candidate.split(':').filter(|group| !group.is_empty()).collect();
    // `dead::beef` may be a path in code, and eight pairs of digits are a hardware address.
    let code = groups.len() <= 2 && !candidate.contains(|c: char| c.is_ascii_digit());
    let hardware = groups.len() == 8 && groups.iter().all(|group| group.len() == 2);
    let plain = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    (!joined && !code && !hardware && !plain).then_some(span.start..end)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        find(text, |span| spans.push(span));
        spans.into_iter().map(|span| &text[span]).collect()
    }

    #[rstest]
    #[case("at 10.2.3.4.", &["10.2.3.4"])]
    #[case("10.0.0.1:9100 172.16.0.0/12,192.168.1.7", &["10.0.0.1", "172.16.0.0", "192.168.1.7"])]
    #[case("[2001:db8::17]:443 fe80::1%eth0", &["2001:db8::17", "fe80::1"])]
    #[case("::ffff:10.0.0.9", &["10.0.0.9", "::ffff:10.0.0.9"])]
    #[case("v1.2.3.4 version 1.2.3.4 1.2.3.4-r1 1.2.3.4.5 300.1.1.1 foo-1.2.3.4", &[])]
    #[case("127.0.0.1 0.0.0.0 255.255.255.0 ::1 :: 8.8.8.8 169.254.169.254", &[])]
    #[case("12:34:56 std::vec a::b aa:bb:cc:dd:ee:ff 00:11:22:33:44:55:66:77", &[])]
    fn addresses_are_told_from_what_looks_like_them(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found(text), expected);
    }
}

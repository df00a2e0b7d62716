//! Hosts by their form, and mail addresses.

use std::ops::Range;

use memchr::memchr_iter;

use super::super::pseudonym::NameKind;
use super::common::{is_account, is_public};

/// What the names of hosts on private networks end with, without the dot before it.
pub(super) const INTERNAL: [&str; 15] = [
    "local",
    "internal",
    "corp",
    "lan",
    "intra",
    "intranet",
    "localdomain",
    "private",
    "svc",
    "home.arpa",
    "prod",
    "stage",
    "staging",
    "consul",
    "dc1",
];

/// Units of systemd are named `name@instance.service`.
const UNITS: [&str; 8] = ["service", "socket", "timer", "target", "mount", "slice", "path", "scope"];

/// True for a byte of a host's name.
pub(super) fn in_host(byte: u8) -> bool {
    IN_HOST[usize::from(byte)]
}

const IN_HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

/// The run of characters of a host name around `place`, without dots and hyphens at its ends.
pub(super) fn run(text: &str, place: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let before = bytes[..place].iter().rev().take(255).take_while(|byte| in_host(**byte)).count();
    let after = bytes[place..].iter().take(255).take_while(|byte| in_host(**byte)).count();
    let mut start = place - before;
    let mut end = place + after;
    // The letter of `\n` is not the first of the name.
    if start < end && start > 0 && bytes[start - 1] == b'\\' && matches!(bytes[start], b'n' | b't' | b'r') {
        start += 1;
    }
    while start < end && matches!(bytes[start], b'-' | b'.' | b'_') {
        start += 1;
    }
    while end > start && matches!(bytes[end - 1], b'-' | b'.' | b'_') {
        end -= 1;
    }
    start..end
}

/// True when `name` may name a host: labels of letters, digits and hyphens, and not only digits.
pub(super) fn is_host(name: &str) -> bool {
    name.len() >= 2
        && name.contains(|c: char| c.is_ascii_alphabetic())
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-'))
        && !is_public(name)
}

/// Calls `found` for mail addresses, and for account and host of `account@host` where the host is no public domain.
pub(super) fn mails(text: &str, mut found: impl FnMut(Range<usize>, NameKind)) {
    let bytes = text.as_bytes();
    for at in memchr_iter(b'@', bytes) {
        let local = bytes[..at].iter().rev().take(64).take_while(|byte| in_local(**byte)).count();
        let mut start = at - local;
        if start > 0 && bytes[start - 1] == b'\\' && local > 1 && matches!(bytes[start], b'n' | b't' | b'r') {
            start += 1;
        }
        while start < at && matches!(bytes[start], b'.' | b'-' | b'+' | b'%') {
            start += 1;
        }
        let host = run(text, at + 1);
        let (name, domain) = (&text[start..at], &text[host.start.max(at + 1)..host.end.max(at + 1)]);
        if name.is_empty() || host.start != at + 1 || !domain.contains('.') {
            continue;
        }
        let last = domain.rsplit('.').next().unwrap_or_default();
        let top = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !top || domain.starts_with(|c: char| c.is_ascii_digit()) || UNITS.contains(&last) {
            continue;
        }
        if name == "git" && is_public(domain) {
            continue;
        }
        let url = text[..start].ends_with("://");
        if INTERNAL.contains(&last) || url {
            if !is_account(name) && name.len() >= 2 {
                found(start..at, NameKind::User);
            }
            if is_host(domain) && !url {
                found(host, NameKind::Host);
            }
        } else {
            found(start..host.end, NameKind::Mail);
        }
    }
}

fn in_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%')
}

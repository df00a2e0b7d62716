//! Values in addresses and forms.
//!
//! Owns: percent-encoding (RFC 3986), and that a value in an address changes neither its host nor its query. A whole address may
//! not be a value here: the words of a command say where it goes.

use super::strings;

/// Whether a word is an address with a scheme (`https://…`), or an option with one behind its `=`.
pub(super) fn begins(word: &str) -> bool {
    let address = match word.split_once('=') {
        Some((option, rest)) if option.starts_with('-') => rest,
        _ => word,
    };
    address.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// `value` behind `before` in an address.
pub(super) fn write(before: &str, value: &str) -> Result<String, String> {
    let Some((_, address)) = before.split_once("://") else {
        return Err("it would be the scheme of an address; write the scheme into the document".to_owned());
    };
    if address.contains('#') {
        return Ok(encoded(value));
    }
    if let Some((_, query)) = address.split_once('?') {
        return in_query(query, value);
    }
    if address.contains('/') {
        if value.split('/').any(|name| matches!(name, "." | "..")) {
            return Err("it has . or .. as a part of a path, which would lead to another address".to_owned());
        }
        return Ok(encoded_but(value, &['/', ':']));
    }
    if is_host(value) {
        return Ok(value.to_owned());
    }
    Err("it stands where the host of an address is, so it may only be a host name or address, with or without a port"
        .to_owned())
}

/// `value` in a query, of which `query` has been written.
fn in_query(query: &str, value: &str) -> Result<String, String> {
    let pair = query.rsplit('&').next().unwrap_or_default();
    match pair.split_once('=') {
        // The parameters of Prometheus's interface that are queries.
        Some(("query" | "match[]" | "match%5B%5D", expression)) => strings::promql_in_url(&decoded(expression), value),
        Some(_) | None => Ok(encoded(value)),
    }
}

/// `value` in what `curl --data` sends.
pub(super) fn form(before: &str, value: &str) -> Result<String, String> {
    if before.contains('=') {
        return in_query(before, value);
    }
    // A leading @ would name a file to be sent.
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if value.chars().all(fine) {
        return Ok(value.to_owned());
    }
    Err("it stands where a form's name is, so it may only have letters, digits and _ - .".to_owned())
}

/// `value` in what `curl --data-urlencode` encodes by itself.
pub(super) fn urlencoded_by_curl(before: &str, value: &str) -> Result<String, String> {
    match before.split_once('=') {
        Some(("query" | "match[]", expression)) => strings::promql(expression, value),
        Some(_) => Ok(value.to_owned()),
        None => form(before, value),
    }
}

/// Host name, address or address with port; `[…]` for IPv6.
fn is_host(value: &str) -> bool {
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    match value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => name(address) && name(port) && (port.is_empty() || port.starts_with(':')),
        None => name(value),
    }
}

/// Everything but unreserved characters in percent-encoding.
pub(super) fn encoded(value: &str) -> String {
    encoded_but(value, &[])
}

fn encoded_but(value: &str, kept: &[char]) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || kept.contains(&c) {
            text.push(c);
            continue;
        }
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// What a server reads; broken encodings stay as they are.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == b'%') {
            Some(code) => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if byte == b'+' { b' ' } else { byte });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

//! Judging a value: is it a placeholder, a name, or something that could be a secret?
//!
//! Owns: what stands in documents in place of a secret, and how random a word looks. The rule for defaults that everyone
//! knows (`changeme`): they are no secret, and naming them is often the answer, so they stay.

/// Words that stand where a secret would, compared without case and without separators around them.
const STAND_INS: [&str; 52] = [
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
    "default",
    "dummy",
    "example",
    "sample",
    "password",
    "passwd",
    "passwort",
    "pass",
    "secret",
    "token",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "mypassword",
    "my-password",
    "my_password",
    "mysecret",
    "my-secret",
    "my_secret",
    "mytoken",
    "my-token",
    "my_token",
    "yourpassword",
    "username",
    "none",
    "null",
    "nil",
    "undefined",
    "empty",
    "unset",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "string",
    "str",
    "text",
    "value",
    "redacted",
    "hidden",
    "masked",
    "omitted",
    "censored",
];

/// Beginnings of words that stand where a secret would.
const STAND_IN_STARTS: [&str; 14] = [
    "your-",
    "your_",
    "your ",
    "<",
    "${",
    "{{",
    "{%",
    "$(",
    "%(",
    "%{",
    "example-",
    "example_",
    "placeholder",
    "insert",
];

/// True when `value` only says that a secret belongs here: `<password>`, `$PGPASSWORD`, `${X}`, `{{ x }}`, `****`, `xxxx`,
/// `changeme`, `YOUR_TOKEN`, `…EXAMPLE`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let trimmed = value.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | ' ' | ',' | ';'));
    if !trimmed.chars().any(char::is_alphanumeric) {
        return true;
    }
    let lower = trimmed.to_ascii_lowercase();
    STAND_INS.contains(&lower.as_str())
        || STAND_IN_STARTS.iter().any(|start| lower.starts_with(start))
        || is_variable(trimmed)
        || is_filler(&lower)
        || lower.contains("xxxx")
        || lower.contains("****")
        || lower.starts_with("...")
        || lower.ends_with("...")
        || lower.contains('…')
        || trimmed.ends_with("EXAMPLE")
        || trimmed.contains("EXAMPLEKEY")
        || (trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains(|c: char| c.is_ascii_digit()))
        || (trimmed.starts_with('{') && trimmed.ends_with('}'))
        || (trimmed.starts_with('%') && trimmed.len() <= 4)
}

/// `$NAME`, `$1`, `%NAME%`, `@name@`: a reference that something else fills in.
fn is_variable(value: &str) -> bool {
    let name = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let between = |sign: char| value.strip_prefix(sign).and_then(|rest| rest.strip_suffix(sign)).is_some_and(name);
    let dollar = value.strip_prefix('$').is_some_and(|rest| {
        // `$ecret1` is a password that someone thought clever; a variable is in one case.
        name(rest)
            && (rest.contains('_')
                || !rest.contains(|c: char| c.is_ascii_lowercase())
                || !rest.contains(|c: char| c.is_ascii_digit()))
    });
    dollar || between('%') || between('@') || between('_') && value.starts_with("__")
}

/// One or two different characters only, as in `xxxxxxxx`, `--------` or `0000-0000`.
fn is_filler(value: &str) -> bool {
    let mut seen: Vec<char> = Vec::new();
    for c in value.chars().filter(|c| c.is_alphanumeric()) {
        if !seen.contains(&c) {
            seen.push(c);
        }
    }
    let count = value.chars().count();
    seen.len() <= 1 && count >= 3 || seen.len() <= 2 && count >= 16
}

/// Shannon entropy of the bytes of `value`, in bits a byte: 0 for one letter repeated, about 4 for random hexadecimal.
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// True when `value` looks drawn at random: letters and digits mixed, not words joined by separators.
pub(super) fn looks_random(value: &str) -> bool {
    value.len() >= 8
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
        && entropy(value) >= 2.5
        && !is_name(value)
}

/// Words and numbers joined by separators, as resources are named: `db-credentials-2`, `my.app_config`, `v1beta1`.
pub(super) fn is_name(value: &str) -> bool {
    let plain = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = part.len() - letters.len();
        letters.len() >= 2 * digits.saturating_sub(1) && letters.bytes().all(|b| b.is_ascii_lowercase())
            || letters.is_empty()
    };
    let short = |part: &str| part.len() <= 14;
    value.split(['-', '.', '_', '/', ':', '@']).all(|part| plain(part) && short(part))
}

/// True when a word of prose looks like a password: a digit, a sign inside, or capitals inside.
pub(super) fn password_like(value: &str) -> bool {
    let inner = value.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
    let digit = inner.contains(|c: char| c.is_ascii_digit()) && inner.contains(|c: char| c.is_alphabetic());
    let sign =
        inner.chars().any(|c| matches!(c, '!' | '$' | '%' | '^' | '&' | '*' | '#' | '@' | '+' | '=' | '~' | '?'));
    let capital = inner.chars().skip(1).any(char::is_uppercase) && inner.chars().any(char::is_lowercase);
    inner.len() >= 5 && (digit || sign || capital) && !is_reference(inner)
}

/// A place rather than a value: a path, a URL, a call, a field of a variable.
pub(super) fn is_reference(value: &str) -> bool {
    let path = ["/", "./", "../", "~/", "file:"].iter().any(|start| value.starts_with(start))
        && value.chars().skip(1).any(|c| c == '/' || c == '.');
    let url = ["http://", "https://", "vault:", "ref+", "arn:aws:", "ssm:", "secretsmanager:", "op://"];
    let field = value.contains('.')
        && value
            .split('.')
            .all(|part| (1..=20).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'));
    let call = value
        .find('(')
        .is_some_and(|at| at > 1 && value[..at].bytes().all(|b| b.is_ascii_alphanumeric() || b"._:".contains(&b)));
    // A path is made of words; base64 may begin with a slash, too.
    let drawn = value.len() >= 20 && !value.contains(['.', '-', '_']) && entropy(value) > 4.2;
    path && !drawn || url.iter().any(|start| value.starts_with(start)) || field || call
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(value: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = value.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn what_stands_for_a_secret_is_no_secret(
        #[values(
            "<password>",
            "$PGPASSWORD",
            "${X}",
            "****",
            "changeme",
            "xxx",
            "REDACTED",
            "{{ .Values.pw }}",
            "YOUR_TOKEN",
            "AKIAIOSFODNN7EXAMPLE",
            "%s",
            "...",
            "%PASSWORD%",
            "your-api-key-here",
            "xxxxxxxxxxxx",
            "[password]",
            "$(cat x)"
        )]
        value: &str,
    ) {
        assert!(is_placeholder(value), "{value}");
    }

    #[rstest]
    fn what_could_be_a_secret_is_not_taken_for_a_placeholder(
        #[values("hunter2", "$ecret1", "Sommer2024!", "s3cr3t", "p@ss", "abc", "correct horse", "12345678")]
        value: &str,
    ) {
        assert!(!is_placeholder(value), "{value}");
    }

    #[test]
    fn random_words_differ_from_names() {
        for value in ["a8f3k2l9x0", "Zx81kQp2Lm", "9f8e7d6c5b4a"] {
            assert!(looks_random(value), "{value}");
        }
        for value in ["db-credentials-2", "my-app-config", "node-exporter-7", "kube-system", "v1beta1", "password"] {
            assert!(!looks_random(value), "{value}");
        }
    }
}

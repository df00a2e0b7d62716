//! Values in languages with strings in double quotes and backslashes: JSON, jq, PromQL, Go templates, JSONPath.
//!
//! Owns: their strings. Invariant: reading a string gives exactly the value back; outside of strings a value is a name or a
//! number.

use super::is_name_or_number;
use super::url;
use crate::domain::text::pattern_of;

/// What a place is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Code,
    /// A string in these quotes.
    String(char),
    /// A comment, or something that is not followed here.
    Other,
}

/// Follows strings in any of `quotes` through `before`; a backslash escapes in all but backticks. `comment` begins a comment,
/// `interpolation` follows a backslash and begins code inside a string.
fn follow(before: &str, quotes: &[char], comment: Option<char>, interpolation: Option<char>) -> Inside {
    let mut inside = Inside::Code;
    let mut escaped = false;
    for c in before.chars() {
        match inside {
            Inside::Code if quotes.contains(&c) => inside = Inside::String(c),
            Inside::Code if Some(c) == comment => return Inside::Other,
            Inside::Code => {}
            Inside::String(_) if escaped => {
                if Some(c) == interpolation {
                    return Inside::Other;
                }
                escaped = false;
            }
            Inside::String(quote) if c == '\\' && quote != '`' => escaped = true,
            Inside::String(quote) if c == quote => inside = Inside::Code,
            Inside::String(_) => {}
            Inside::Other => return Inside::Other,
        }
    }
    // A value cannot be what a backslash escapes.
    if escaped { Inside::Other } else { inside }
}

/// `value` in a string in double quotes; the escapes are the same in JSON, Go and PromQL.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"")
}

fn name_or_number(value: &str, language: &str) -> Result<String, String> {
    if is_name_or_number(value) {
        return Ok(value.to_owned());
    }
    Err(format!("it stands outside quotes in {language}, where it may only be a name or a number"))
}

/// In a JSON text.
pub(super) fn json(before: &str, value: &str) -> Result<String, String> {
    match follow(before, &['"'], None, None) {
        Inside::String(_) => Ok(escaped(value)),
        Inside::Code
            if value.bytes().all(|byte| byte.is_ascii_digit()) || matches!(value, "true" | "false" | "null") =>
        {
            Ok(value.to_owned())
        }
        Inside::Code | Inside::Other => {
            Err("it stands outside quotes in JSON, where it may only be a number, true, false or null".to_owned())
        }
    }
}

/// In a filter for `jq`.
pub(super) fn jq(before: &str, value: &str) -> Result<String, String> {
    match follow(before, &['"'], Some('#'), Some('(')) {
        Inside::String(_) => Ok(escaped(value)),
        // Behind a dot it is the name of a field; a bare name would be a function.
        Inside::Code if before.ends_with('.') => name_or_number(value, "a filter of jq"),
        Inside::Code if value.bytes().all(|byte| byte.is_ascii_digit()) => Ok(value.to_owned()),
        Inside::Code | Inside::Other => {
            Err("it stands outside quotes in a filter of jq, where it may only be a number or the name of a field"
                .to_owned())
        }
    }
}

/// In PromQL or LogQL.
pub(super) fn promql(before: &str, value: &str) -> Result<String, String> {
    match follow(before, &['"', '\'', '`'], Some('#'), None) {
        Inside::String('`') if value.contains('`') => {
            Err("it contains a backtick and stands between backticks".to_owned())
        }
        Inside::String(quote) => {
            let value = if opened_by_regular_expression(before, quote) { pattern_of(value) } else { value.to_owned() };
            Ok(match quote {
                '`' => value,
                '"' => escaped(&value),
                _ => value.replace('\\', r"\\").replace(quote, &format!("\\{quote}")),
            })
        }
        Inside::Code if is_duration(value) => Ok(value.to_owned()),
        Inside::Code => name_or_number(value, "a query"),
        Inside::Other => Err("it stands in a comment of a query".to_owned()),
    }
}

/// Whether the open string of `before` is matched as a regular expression.
fn opened_by_regular_expression(before: &str, quote: char) -> bool {
    let mut open = false;
    let mut escaped = false;
    let mut at = 0;
    for (index, c) in before.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if open && quote != '`' => escaped = true,
            c if c == quote => {
                open = !open;
                at = index;
            }
            _ => {}
        }
    }
    let head = before.get(..at).unwrap_or_default().trim_end();
    head.ends_with("=~") || head.ends_with("!~") || head.ends_with("|~")
}

/// `5m`, `1h30m`.
fn is_duration(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit())
        && value.ends_with(['s', 'm', 'h', 'd', 'w', 'y'])
        && value.bytes().all(|byte| byte.is_ascii_digit() || b"mshdwy".contains(&byte))
}

/// In a Go template.
pub(super) fn go_template(before: &str, value: &str) -> Result<String, String> {
    let Some(action) = open_action(before) else {
        let fine = !value.contains(['{', '}']);
        return if fine { Ok(value.to_owned()) } else { Err("it contains braces and stands in a template".to_owned()) };
    };
    match follow(action, &['"', '\'', '`'], None, None) {
        Inside::String('"') => Ok(escaped(value)),
        Inside::String('`') if !value.contains('`') => Ok(value.to_owned()),
        Inside::Code if action.ends_with('.') => name_or_number(value, "a template"),
        Inside::Code if value.bytes().all(|byte| byte.is_ascii_digit()) => Ok(value.to_owned()),
        Inside::Code | Inside::String(_) | Inside::Other => {
            Err("it stands outside quotes in a template, where it may only be a number or the name of a field"
                .to_owned())
        }
    }
}

/// What follows the last `{{` of `before` that is not closed. Comments count as closed by nothing and are refused elsewhere.
fn open_action(before: &str) -> Option<&str> {
    let mut rest = before;
    while let Some(start) = rest.find("{{") {
        let action = rest.get(start + 2..)?;
        match end_of_action(action) {
            Some(end) => rest = action.get(end..)?,
            None => return Some(action),
        }
    }
    None
}

/// One past the `}}` that is in no string of `action`.
fn end_of_action(action: &str) -> Option<usize> {
    let ends = action.match_indices("}}").map(|(at, _)| at);
    ends.into_iter()
        .find(|at| {
            let before = action.get(..*at).unwrap_or_default();
            follow(before, &['"', '\'', '`'], None, None) == Inside::Code
        })
        .map(|at| at + 2)
}

/// In kubectl's JSONPath.
pub(super) fn jsonpath(before: &str, value: &str) -> Result<String, String> {
    const PROBLEM: &str = "it stands in a JSONPath, where it may not have quotes, braces, parentheses or backslashes";
    if value.contains(['\'', '"', '\\', '{', '}', '(', ')', '`']) {
        return Err(PROBLEM.to_owned());
    }
    match follow(before, &['"', '\''], None, None) {
        Inside::String(_) => Ok(value.to_owned()),
        Inside::Code if value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')) => {
            Ok(value.replace('.', r"\."))
        }
        Inside::Code | Inside::Other => {
            Err("it stands outside quotes in a JSONPath, where it may only be the name of a field".to_owned())
        }
    }
}

/// In the query of an address: its own language first, then that of addresses.
pub(super) fn promql_in_url(before: &str, value: &str) -> Result<String, String> {
    promql(before, value).map(|text| url::encoded(&text))
}

//! Values in programs for `awk` and `sed`, and in selectors of Kubernetes.
//!
//! Owns: the few places in which a value stays a value. Both languages can start programs and write files (`system`, `s///e`,
//! `w`), with letters alone; so outside of strings next to nothing is let in.

use super::is_name_or_number;

/// In a program for `awk` of which authors wrote `literal`.
pub(super) fn awk(literal: &str, before: &str, value: &str) -> Result<String, String> {
    // A string can be run by a shell, be a file that is written, or name a function to be called.
    if literal.contains("system") || literal.contains(['|', '>', '@']) || literal.contains("getline") {
        return name_or_number(value, "in a program for awk that may start programs or write files");
    }
    let mut in_string = false;
    let mut escaped = false;
    let mut slash = false;
    for c in before.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            // Whether it begins a regular expression or divides, only a parser of awk could tell.
            '/' if !in_string => slash = true,
            '#' if !in_string && !slash => return Err("it stands in a comment of a program for awk".to_owned()),
            _ => {}
        }
    }
    let quiet = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match (in_string, slash) {
        _ if escaped => Err("a backslash stands before it".to_owned()),
        // A quote in a regular expression would make the two look the same.
        (true, false) => Ok(value.replace('\\', r"\\").replace('"', "\\\"")),
        (false, false) if is_name_or_number(value) => Ok(value.to_owned()),
        (_, true) if value.chars().all(quiet) => Ok(value.to_owned()),
        (false, false) | (_, true) => Err(
            "it stands outside quotes in a program for awk, where it may only be a name or a number; hand it over with -v"
                .to_owned(),
        ),
    }
}

fn name_or_number(value: &str, place: &str) -> Result<String, String> {
    if is_name_or_number(value) {
        return Ok(value.to_owned());
    }
    Err(format!("it stands {place}, where it may only be a name or a number"))
}

/// In a program for `sed`: a number as an address, or letters in a regular expression or its replacement.
pub(super) fn sed(before: &str, value: &str) -> Result<String, String> {
    const PROBLEM: &str = "it stands in a program for sed, where it may only be a number, or letters, digits, - and _ between \
                           the first three delimiters of an s command";
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value.to_owned());
    }
    let mut signs = before.chars();
    let delimiter = match signs.next() {
        Some('s') => signs.next(),
        Some('/') => Some('/'),
        Some(_) | None => None,
    };
    // Behind `s` and its delimiter one more may follow; of an address none, or the command would have begun.
    let most = if before.starts_with('s') { 1 } else { 0 };
    let quiet = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match delimiter {
        Some(delimiter)
            if !delimiter.is_ascii_alphanumeric()
                && !matches!(delimiter, '\\' | '-' | '_')
                && !before.contains(['\\', '\n'])
                && signs.filter(|c| *c == delimiter).count() <= most
                && value.chars().all(quiet) =>
        {
            Ok(value.to_owned())
        }
        Some(_) | None => Err(PROBLEM.to_owned()),
    }
}

/// In a selector: a comma would begin another condition.
pub(super) fn selector(value: &str) -> Result<String, String> {
    if value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':')) {
        return Ok(value.to_owned());
    }
    Err("it stands in a selector, where it may only have letters, digits and _ - . / :".to_owned())
}

//! Reading keymap and theme files: TOML tables of strings, with the line of every entry, so that errors can name it.
//!
//! Does not: know what the entries mean, or read from disk.

use std::fmt;

use toml::de::{DeTable, DeValue};

/// What is wrong with a keymap or theme file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// The file's name or path.
    pub file: String,
    /// Line, from 1; `None` when the error concerns the file as a whole.
    pub line: Option<usize>,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// `key = "value"` in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) table: String,
    pub(super) key: String,
    pub(super) value: String,
    /// From 1.
    pub(super) line: usize,
}

/// The entries of `text` in the order in which they are written.
pub(super) fn entries(file: &str, text: &str) -> Result<Vec<Entry>, SettingsError> {
    let line_at = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let error =
        |line, message: &str| SettingsError { file: file.to_owned(), line, message: message.trim_end().to_owned() };
    let document = DeTable::parse(text).map_err(|problem| {
        let line = problem.span().map(|span| line_at(span.start));
        let doubled = line.filter(|_| problem.message().contains("duplicate key")).and_then(|line| doubled(text, line));
        error(line, doubled.as_deref().unwrap_or(problem.message()))
    })?;
    let mut found = Vec::new();
    for (table, content) in document.get_ref() {
        let DeValue::Table(content) = content.get_ref() else {
            let message = format!("`{}` stands outside a table; put it below a line like `[name]`", table.get_ref());
            return Err(error(Some(line_at(table.span().start)), &message));
        };
        for (key, value) in content {
            let line = line_at(key.span().start);
            let DeValue::String(value) = value.get_ref() else {
                return Err(error(
                    Some(line),
                    &format!("the value of `{}` has to be a string in quotes", key.get_ref()),
                ));
            };
            let entry = Entry {
                table: table.get_ref().to_string(),
                key: key.get_ref().to_string(),
                value: value.to_string(),
                line,
            };
            found.push((key.span().start, entry));
        }
    }
    found.sort_by_key(|(offset, _)| *offset);
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

/// What stands on `line` (from 1) and on an earlier line of the same table; `None` when that cannot be told.
fn doubled(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let (key, value) = written(lines.last()?)?;
    let begin = lines.iter().rposition(|line| line.trim_start().starts_with('[')).map_or(0, |table| table + 1);
    let table = lines.get(begin..line - 1)?;
    let (number, (_, first)) = table
        .iter()
        .enumerate()
        .find_map(|(number, line)| Some((number, written(line)?)).filter(|(_, (known, _))| *known == key))?;
    Some(format!("`{key}` is {first} in line {} and {value} in line {line}; keep one of the two", begin + number + 1))
}

/// The key, without quotes, and the value, as it is written, of a line of a file.
fn written(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let quoted = line.strip_prefix(['"', '\'']).zip(line.chars().next());
    let (key, rest) = match quoted {
        Some((rest, quote)) => rest.split_once(quote)?,
        None => line.split_at(line.find(['=', ' ', '\t'])?),
    };
    let value = rest.trim_start().strip_prefix('=')?.trim();
    let end = value.strip_prefix('"').and_then(|inner| inner.find('"')).map_or(value.len(), |end| end + 2);
    Some((key, &value[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_file_order_with_their_lines() {
        let found = entries("f", "[b]\nz = \"1\"\n\na = \"2\"\n[a]\nx = \"3\"\n").unwrap();
        let seen: Vec<_> = found.iter().map(|e| (e.table.as_str(), e.key.as_str(), e.value.as_str(), e.line)).collect();
        assert_eq!(seen, [("b", "z", "1", 2), ("b", "a", "2", 4), ("a", "x", "3", 6)]);
    }

    #[test]
    fn two_values_of_a_key_are_both_named_with_their_lines() {
        for (key, again) in [("x", "x"), ("x", "\"x\""), ("\"=\"", "'='")] {
            let text = format!("[a]\n{key} = \"one\"\n[b]\n{key} = \"acknowledge\" # mine\n\n{again}=\"take\"\n");
            let error = entries("keys.toml", &text).unwrap_err().to_string();
            let key = key.trim_matches('"');
            let both = format!("`{key}` is \"acknowledge\" in line 4 and \"take\" in line 6; keep one of the two");
            assert_eq!(error, format!("keys.toml, line 6: {both}"));
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line) in [("[a]\nx = 1", 2), ("x = \"1\"", 1), ("[a]\n\nx = \"1", 3), ("[a]\nx=\"1\"\nx=\"2\"", 3)] {
            let error = entries("keys.toml", text).unwrap_err();
            assert_eq!(error.line, Some(line), "{error}");
            assert!(error.to_string().starts_with("keys.toml, line "));
        }
    }
}

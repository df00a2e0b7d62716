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
    let document = DeTable::parse(text)
        .map_err(|problem| error(problem.span().map(|span| line_at(span.start)), problem.message()))?;
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
    fn errors_name_the_line() {
        for (text, line) in [("[a]\nx = 1", 2), ("x = \"1\"", 1), ("[a]\n\nx = \"1", 3), ("[a]\nx=\"1\"\nx=\"2\"", 3)] {
            let error = entries("keys.toml", text).unwrap_err();
            assert_eq!(error.line, Some(line), "{error}");
            assert!(error.to_string().starts_with("keys.toml, line "));
        }
    }
}

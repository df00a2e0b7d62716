//! `[[secret]]`: secrets that commands need, each with the programs that get it.
//!
//! Owns: its keys and forms. Does not: fetch a secret.

use std::path::Path;

use super::Secret;
use super::document::Raw;
use super::forms::{Form, Name, Wrong, quote, quote_list, texts_of};
use super::paths::SecretPlace;
use super::reader::Reader;

/// Keys of `[[secret]]`, for the time when there is no such table.
const KEYS: &[&str] = &["name", "value", "variable", "programs"];

/// A secret that some programs get as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSection {
    /// Its name, unique.
    pub name: String,
    /// Where it is.
    pub value: Secret,
    /// The variable that names the file.
    pub variable: String,
    /// Plain names of programs. Not empty.
    pub programs: Vec<String>,
}

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Vec<SecretSection> {
    reader.declare("secret", KEYS);
    let mut names: Vec<String> = Vec::new();
    let read = reader.tables("secret", KEYS, |section| {
        let name = section.read_required("name", &Name { longest: 64 });
        if let Some(name) = &name {
            if names.contains(name) {
                section.mistake("name", &format!("there is another secret {name}"), "a name for each");
            }
            names.push(name.clone());
        }
        let place = SecretPlace { key: section.name("value"), home };
        let value = section.read_required("value", &place);
        let variable = section.read_required("variable", &VariableName);
        let programs = section.read_required("programs", &Programs);
        Some(SecretSection { name: name?, value: value?, variable: variable?, programs: programs? })
    });
    // What is incomplete has been reported, and the whole configuration is refused for it.
    read.into_iter().flatten().collect()
}

/// The name of a variable that may name a file.
struct VariableName;

impl Form for VariableName {
    type Value = String;

    fn allowed(&self) -> String {
        "the name of the variable by which the programs find the file, such as PGPASSFILE".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = super::forms::text_of(raw)?;
        if !super::forms::is_variable_name(text) || text.starts_with("LD_") || text == "PATH" {
            return Err(Wrong::new(format!("{} cannot be that variable", quote(text))));
        }
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// Plain names of programs.
struct Programs;

impl Form for Programs {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of one or more names of programs, without directories, such as [\"psql\"]".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Vec<String>, Wrong> {
        let texts = texts_of(raw, ',')?;
        let is_name = |text: &str| !text.is_empty() && !text.contains(|c: char| c == '/' || c.is_whitespace());
        if let Some((text, line)) = texts.iter().find(|(text, _)| !is_name(text)) {
            return Err(Wrong { problem: format!("{} is not the plain name of a program", quote(text)), line: *line });
        }
        if texts.is_empty() {
            return Err(Wrong::new("this list is empty"));
        }
        Ok(texts.into_iter().map(|(text, _)| text).collect())
    }

    fn show(&self, value: &Vec<String>) -> String {
        quote_list(value.iter().map(String::as_str))
    }
}

//! Reads keys from the layers: flag over environment over file over what is said to all programs over default.
//!
//! Owns: precedence, and the collecting of everything that is wrong. A key is declared by being read, so the known keys,
//! the known variables, the suggestions and what `config show` prints cannot disagree.
//!
//! Only the value that counts is checked: a flag can get a person past a bad value in a file.

use serde::Serialize;

use super::document::{Document, Field, Located, Raw};
use super::environment::{Environment, Said};
use super::forms::{Form, Wrong, quote};
use super::mistake::{ConfigError, Mistake, Origin, Warning, nearest};

/// One value as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// The key (`receiver.listen`, `alertmanager[1].url`; tables are counted from 1).
    pub key: String,
    /// The value as TOML; of a secret only its place; `None` when there is none.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// A value given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagValue {
    /// The flag with its dashes.
    pub flag: &'static str,
    /// Section of the key that it sets.
    pub section: &'static str,
    /// Name of the key that it sets.
    pub key: &'static str,
    /// The value.
    pub text: String,
}

/// The layers, and what was found while reading them.
pub(super) struct Reader<'a> {
    document: &'a Document,
    environment: &'a Environment,
    flags: &'a [FlagValue],
    /// Section and name of every key that was asked for.
    known: Vec<(&'static str, &'static str)>,
    /// Names of sections of which there may be several.
    repeated: Vec<&'static str>,
    mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Warning>,
    pub(super) effective: Vec<Effective>,
}

/// One section (or one of several tables) while its keys are read.
pub(super) struct Scope<'r, 'a> {
    reader: &'r mut Reader<'a>,
    section: &'static str,
    /// The section, with its number when there are several.
    label: String,
    fields: &'a [Field],
    /// Where the section begins; for keys that are missing.
    pub(super) origin: Origin,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document, environment: &'a Environment, flags: &'a [FlagValue]) -> Self {
        let (known, repeated, mistakes) = (Vec::new(), Vec::new(), Vec::new());
        let (warnings, effective) = (Vec::new(), Vec::new());
        Self { document, environment, flags, known, repeated, mistakes, warnings, effective }
    }

    /// Reads the section `name`, which is there at most once.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Scope<'_, 'a>) -> T) -> T {
        let document = self.document;
        let found = document.fields.iter().find(|field| field.name == name);
        let (fields, origin) = match found {
            None => (&[][..], Origin::Default),
            Some(field @ Field { value: Located { value: Raw::Table(fields), .. }, line, .. }) => {
                (fields.as_slice(), document.origin(field, *line))
            }
            Some(field) => {
                let problem = "this has to be a section".to_owned();
                self.mistake(document.origin(field, field.line), name.to_owned(), problem, format!("[{name}]"));
                (&[][..], document.origin(field, field.line))
            }
        };
        read(&mut Scope { reader: self, section: name, label: name.to_owned(), fields, origin })
    }

    /// Reads the tables `[[name]]`. Variables count when there is one table, or none: then they make one.
    pub(super) fn tables<T>(
        &mut self,
        name: &'static str,
        keys: &[&str],
        mut read: impl FnMut(&mut Scope<'_, 'a>) -> T,
    ) -> Vec<T> {
        self.repeated.push(name);
        let document = self.document;
        let mut tables: Vec<(&[Field], Origin)> = Vec::new();
        if let Some(field) = document.fields.iter().find(|field| field.name == name) {
            let items = if let Raw::List(items) = &field.value.value { items.as_slice() } else { &[] };
            for item in items {
                if let Raw::Table(fields) = &item.value {
                    tables.push((fields, document.origin(field, item.line)));
                }
            }
            if items.is_empty() || tables.len() != items.len() {
                let problem = "this has to be a list of tables".to_owned();
                let allowed = format!("[[{name}]] with two brackets on each side, once for each");
                self.mistake(document.origin(field, field.line), name.to_owned(), problem, allowed);
                return Vec::new();
            }
        }
        let spoken = keys.iter().find_map(|key| self.environment.about(name, key)).map(|said| said.variable);
        if let Some(variable) = spoken {
            let origin = Origin::Environment { variable };
            match tables.len() {
                0 => tables.push((&[], origin)),
                1 => {}
                several => {
                    let problem =
                        format!("there are {several} tables [[{name}]], and it cannot be known which is meant");
                    let allowed = "this variable only with at most one such table".to_owned();
                    self.mistake(origin, name.to_owned(), problem, allowed);
                }
            }
        }
        let one = tables.len() == 1;
        let mut values = Vec::new();
        for (index, (fields, origin)) in tables.into_iter().enumerate() {
            let label = if one { name.to_owned() } else { format!("{name}[{}]", index + 1) };
            values.push(read(&mut Scope { reader: self, section: name, label, fields, origin }));
        }
        values
    }

    pub(super) fn mistake(&mut self, origin: Origin, key: String, problem: String, allowed: String) {
        self.mistakes.push(Mistake { origin, key, problem, allowed });
    }

    /// Declares keys that were not read because no table is there, so that their variables and names are known.
    pub(super) fn declare(&mut self, section: &'static str, keys: &'static [&'static str]) {
        for key in keys {
            self.learn(section, key);
        }
    }

    fn learn(&mut self, section: &'static str, key: &'static str) {
        if !self.known.contains(&(section, key)) {
            self.known.push((section, key));
        }
    }

    /// Looks for what nobody asked for.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file, what is outside it last.
    pub(super) fn finish(mut self) -> Result<(Vec<Effective>, Vec<Warning>), ConfigError> {
        for field in &self.document.fields {
            self.check_names(field);
        }
        self.warnings.extend(self.environment.unknown(&self.known));
        if self.mistakes.is_empty() {
            return Ok((self.effective, self.warnings));
        }
        self.mistakes.sort_by_key(|mistake| match &mistake.origin {
            Origin::File { line, .. } => *line,
            Origin::Default | Origin::Environment { .. } | Origin::Flag { .. } => usize::MAX,
        });
        Err(ConfigError { mistakes: self.mistakes })
    }

    /// Checks the names of a field at the top level and of those inside it.
    fn check_names(&mut self, top: &Field) {
        let sections: Vec<&'static str> = self.known.iter().map(|(section, _)| *section).collect();
        let Some(section) = sections.iter().find(|section| **section == top.name) else {
            return self.unknown_section(top, &sections);
        };
        let tables: Vec<&[Field]> = match &top.value.value {
            Raw::Table(fields) => vec![fields],
            Raw::List(items) => items
                .iter()
                .filter_map(|item| if let Raw::Table(fields) = &item.value { Some(fields.as_slice()) } else { None })
                .collect(),
            _ => Vec::new(),
        };
        for field in tables.into_iter().flatten() {
            if !self.known.contains(&(section, field.name.as_str())) {
                self.unknown_key(section, field);
            }
        }
    }

    fn unknown_section(&mut self, top: &Field, sections: &[&'static str]) {
        let home = self.known.iter().find(|(_, key)| *key == top.name);
        let problem = if let Some((section, key)) = home {
            format!("this key belongs into a section: [{section}] {key}")
        } else if let Some(near) = nearest(&top.name, sections.iter().copied()) {
            format!("there is no such section; did you mean {}?", self.header(near))
        } else {
            "there is no such section".to_owned()
        };
        let mut names: Vec<String> = Vec::new();
        for section in sections {
            let header = self.header(section);
            if !names.contains(&header) {
                names.push(header);
            }
        }
        self.mistake(self.document.origin(top, top.line), printable(&top.name), problem, names.join(", "));
    }

    fn unknown_key(&mut self, section: &'static str, field: &Field) {
        let keys: Vec<&'static str> = self.known.iter().filter(|(s, _)| *s == section).map(|(_, key)| *key).collect();
        let elsewhere = self.known.iter().find(|(_, key)| *key == field.name);
        let problem = if let Some(near) = nearest(&field.name, keys.iter().copied()) {
            format!("there is no such key; did you mean {near}?")
        } else if let Some((other, _)) = elsewhere {
            format!("there is no such key here, but there is one in {}", self.header(other))
        } else {
            "there is no such key".to_owned()
        };
        let key = format!("{section}.{}", printable(&field.name));
        self.mistake(self.document.origin(field, field.line), key, problem, keys.join(", "));
    }

    fn header(&self, section: &str) -> String {
        if self.repeated.contains(&section) { format!("[[{section}]]") } else { format!("[{section}]") }
    }
}

/// A key as it is written in a file: with quotes and escapes when it needs them.
fn printable(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quote(name) }
}

impl Scope<'_, '_> {
    /// The full name of `key` in this section.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.label)
    }

    /// Says that the section, or `key` in it, is wrong in a way that no single value shows.
    pub(super) fn mistake(&mut self, key: &str, problem: &str, allowed: &str) {
        let field = self.fields.iter().find(|field| field.name == key);
        let name = self.name(key);
        let said = self.reader.effective.iter().rev().find(|value| value.key == name && value.value.is_some());
        let origin = match (said.map(|value| value.origin.clone()), field) {
            (Some(origin), _) if origin != Origin::Default => origin,
            (_, Some(field)) => self.reader.document.origin(field, field.line),
            (_, None) => self.origin.clone(),
        };
        self.reader.mistake(origin, name, problem.to_owned(), allowed.to_owned());
    }

    /// The value of `key`, or `default` when it is not set or wrong.
    pub(super) fn read<F: Form>(&mut self, key: &'static str, form: &F, default: F::Value) -> F::Value {
        let (value, origin) = match self.lookup(key, form) {
            Some((value, origin)) => (value, origin),
            None => (default, Origin::Default),
        };
        self.note(key, Some(form.show(&value)), origin.clone());
        if let Some(text) = form.doubt(&value) {
            let key = self.name(key);
            self.reader.warnings.push(Warning { origin, key, text });
        }
        value
    }

    /// The value of `key`; `None` when it is not set or wrong.
    pub(super) fn read_optional<F: Form>(&mut self, key: &'static str, form: &F) -> Option<F::Value> {
        let found = self.lookup(key, form);
        let origin = found.as_ref().map_or(Origin::Default, |(_, origin)| origin.clone());
        self.note(key, found.as_ref().map(|(value, _)| form.show(value)), origin);
        found.map(|(value, _)| value)
    }

    /// The value of `key`, which has to be there. `None` when it is not or is wrong; that it is wrong has been said.
    pub(super) fn read_required<F: Form>(&mut self, key: &'static str, form: &F) -> Option<F::Value> {
        if self.raw(key).is_none() {
            self.reader.learn(self.section, key);
            let (name, origin) = (self.name(key), self.origin.clone());
            self.reader.mistake(origin, name, "this key is missing".to_owned(), form.allowed());
            return None;
        }
        self.read_optional(key, form)
    }

    /// Whether any layer says something about `key`.
    pub(super) fn is_set(&self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    fn note(&mut self, key: &'static str, value: Option<String>, origin: Origin) {
        let key = self.name(key);
        self.reader.effective.push(Effective { key, value, origin });
    }

    fn lookup<F: Form>(&mut self, key: &'static str, form: &F) -> Option<(F::Value, Origin)> {
        self.reader.learn(self.section, key);
        let (raw, origin) = self.raw(key)?;
        match raw.and_then(|raw| form.read(&raw)) {
            Ok(value) => Some((value, origin)),
            Err(wrong) => {
                let origin = match (origin, wrong.line) {
                    (Origin::File { path, .. }, Some(line)) => Origin::File { path, line },
                    (origin, _) => origin,
                };
                let name = self.name(key);
                self.reader.mistake(origin, name, wrong.problem, form.allowed());
                None
            }
        }
    }

    /// The strongest layer's value of `key`.
    fn raw(&self, key: &'static str) -> Option<(Result<Raw, Wrong>, Origin)> {
        let flag = self.reader.flags.iter().find(|flag| flag.section == self.section && flag.key == key);
        if let Some(flag) = flag {
            let raw = Raw::Spoken { text: flag.text.clone(), variable: None };
            return Some((Ok(raw), Origin::Flag { flag: flag.flag.to_owned() }));
        }
        if let Some(said) = self.reader.environment.about(self.section, key) {
            return Some(spoken(said));
        }
        if let Some(field) = self.fields.iter().find(|field| field.name == key) {
            return Some((Ok(field.value.value.clone()), self.reader.document.origin(field, field.value.line)));
        }
        self.reader.environment.said_to_all(self.section, key).map(spoken)
    }
}

/// What a variable says, as a value.
fn spoken(said: Said<'_>) -> (Result<Raw, Wrong>, Origin) {
    let origin = Origin::Environment { variable: said.variable.clone() };
    let raw = match (said.text, said.rival) {
        (_, Some(rival)) => Err(Wrong::new(format!("{rival} is set, too; unset one of them"))),
        (None, None) => Err(Wrong::new("this is not UTF-8")),
        (Some(text), None) => Ok(Raw::Spoken { text: text.to_owned(), variable: Some(said.variable) }),
    };
    (raw, origin)
}

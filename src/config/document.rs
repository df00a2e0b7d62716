//! The configuration files as a list of sections, fields and values that know their files and lines.
//!
//! Owns: reading the file and TOML's syntax. Does not: know which keys there are or what they mean.
//!
//! Invariant: an error says line and reason but never quotes the line, which may hold a secret.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{ConfigError, Mistake, Origin};
use super::policy::check_owner;

/// A larger file is no configuration of ours; in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// At most this many syntax errors are listed: the later ones are mostly consequences of the first.
const SYNTAX_ERRORS_SHOWN: usize = 5;

const ALLOWED_SYNTAX: &str = "TOML, as described on https://toml.io";

/// A value as it was written, before anyone asked what it is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// A quoted string of the file.
    Text(String),
    /// Words of the environment or the command line, which know no types.
    Spoken {
        /// The words.
        text: String,
        /// The variable that they come from; `None` for the command line.
        variable: Option<String>,
    },
    /// An integer.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// `[…]`
    List(Vec<Located>),
    /// `{…}`
    Table(Vec<Field>),
    /// Anything that no key takes, by the name of its type.
    Other(&'static str),
}

/// A value and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Located {
    pub(super) value: Raw,
    pub(super) line: usize,
}

/// `name = value`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Which of the document's files it stands in.
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) value: Located,
}

/// One file that is valid TOML, or several, one over the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document {
    /// The files; none when there is none.
    pub(super) paths: Vec<PathBuf>,
    /// Everything at the top level, by line.
    pub(super) fields: Vec<Field>,
}

/// Whether a missing file is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It was named explicitly.
    Required,
    /// It is the default place.
    Optional,
}

impl Document {
    /// Reads `path`; `None` when it is not there and need not be.
    pub(super) fn read(path: &Path, presence: Presence) -> Result<Option<Self>, ConfigError> {
        let fail = |problem: String, allowed: &str| ConfigError::of_file(path.to_path_buf(), 1, problem, allowed);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && presence == Presence::Optional => {
                return Ok(None);
            }
            Err(error) => {
                return Err(fail(format!("the file cannot be opened: {error}"), "a file that this user can read"));
            }
        };
        check_trust(path, &file).map_err(|(problem, allowed)| fail(problem, &allowed))?;
        let mut bytes = Vec::new();
        file.take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| fail(format!("the file cannot be read: {error}"), "a file that this user can read"))?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(fail("the file is larger than 1 MiB".to_owned(), "a configuration file of at most 1 MiB"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
                let problem = "a byte that is not UTF-8".to_owned();
                Err(ConfigError::of_file(path.to_path_buf(), line, problem, "text in UTF-8"))
            }
        }
    }

    /// Parses `text`, which stands in the file `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let lines = Lines::of(text);
        if errors.is_empty() {
            return Ok(Self { paths: vec![path.to_path_buf()], fields: fields_of(table.get_ref(), &lines) });
        }
        let mistakes = errors
            .iter()
            .take(SYNTAX_ERRORS_SHOWN)
            .map(|error| Mistake {
                origin: Origin::File {
                    path: path.to_path_buf(),
                    line: error.span().map_or(1, |span| lines.line_at(span.start)),
                },
                key: String::new(),
                problem: format!("not valid TOML: {}", error.message()),
                allowed: ALLOWED_SYNTAX.to_owned(),
            })
            .collect();
        Err(ConfigError { mistakes })
    }

    /// This document with `upper` over it: what both name counts as `upper` has it, of sections key by key, of lists (such as
    /// `[[alertmanager]]`) as a whole.
    pub(super) fn under(mut self, mut upper: Self) -> Self {
        let first = self.paths.len();
        upper.fields.iter_mut().for_each(|field| field.move_to(first));
        for field in upper.fields {
            match self.fields.iter_mut().find(|known| known.name == field.name) {
                None => self.fields.push(field),
                Some(known) => match (&mut known.value.value, field.value.value) {
                    (Raw::Table(below), Raw::Table(above)) => {
                        below.retain(|old| above.iter().all(|new| new.name != old.name));
                        below.extend(above);
                    }
                    (_, value) => *known = Field { value: Located { value, ..field.value }, ..field },
                },
            }
        }
        self.paths.extend(upper.paths);
        self
    }

    /// This document without the key `name` of `section`.
    pub(super) fn without(mut self, section: &str, name: &str) -> Self {
        for field in self.fields.iter_mut().filter(|field| field.name == section) {
            if let Raw::Table(fields) = &mut field.value.value {
                fields.retain(|field| field.name != name);
            }
        }
        self
    }

    /// The origin of something on `line` of the file in which `field` stands.
    pub(super) fn origin(&self, field: &Field, line: usize) -> Origin {
        Origin::File { path: self.paths.get(field.file).cloned().unwrap_or_default(), line }
    }
}

impl Field {
    /// Says that it stands in another file, with all that is in it.
    fn move_to(&mut self, file: usize) {
        self.file = file;
        if let Raw::Table(fields) = &mut self.value.value {
            fields.iter_mut().for_each(|field| field.move_to(file));
        }
        if let Raw::List(items) = &mut self.value.value {
            let tables = items
                .iter_mut()
                .filter_map(|item| if let Raw::Table(fields) = &mut item.value { Some(fields) } else { None });
            tables.flatten().for_each(|field| field.move_to(file));
        }
    }
}

/// A configuration can name commands to run, so that whoever may write it may act as this user.
fn check_trust(path: &Path, file: &File) -> Result<(), (String, String)> {
    let unreadable = |error: std::io::Error| (format!("the file cannot be examined: {error}"), "a file".to_owned());
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(("this is not a file".to_owned(), "a regular file".to_owned()));
    }
    let allowed = "a file, in a directory, that belong to you or to root and that nobody else can write to";
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let of_directory = std::fs::metadata(directory).map_err(unreadable)?;
    check_owner(path, &metadata)
        .and_then(|()| check_owner(directory, &of_directory))
        .map_err(|problem| (problem, allowed.to_owned()))
}

fn fields_of(table: &DeTable<'_>, lines: &Lines) -> Vec<Field> {
    let mut fields: Vec<Field> = table
        .iter()
        .map(|(name, value)| Field {
            name: name.get_ref().to_string(),
            file: 0,
            line: lines.line_at(name.span().start),
            value: located(value, lines),
        })
        .collect();
    fields.sort_by_key(|field| field.line);
    fields
}

fn located(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Located {
    let raw = match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Raw::Other("number beyond 64 bits"), Raw::Integer),
        DeValue::Boolean(boolean) => Raw::Boolean(*boolean),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| located(item, lines)).collect()),
        DeValue::Table(table) => Raw::Table(fields_of(table, lines)),
        DeValue::Float(_) => Raw::Other("number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("date or time"),
    };
    Located { value: raw, line: lines.line_at(value.span().start) }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(position, _)| position).collect())
    }

    /// The line, from 1, of the byte at `position`.
    fn line_at(&self, position: usize) -> usize {
        1 + self.0.partition_point(|newline| *newline < position)
    }
}

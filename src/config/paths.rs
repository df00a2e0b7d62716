//! Forms of values that name files and directories, and the form of secrets.
//!
//! Invariant: every path that comes out of here is absolute. `~/` is the home directory; in the environment and on the
//! command line, and only there, a path may be relative to the current directory.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::document::{Field, Raw};
use super::forms::{Form, Wrong, is_variable_name, quote, quote_list, text_of, texts_of};
use super::secret::{Secret, SecretSource};

/// Makes `text` absolute.
fn absolute(text: &str, raw: &Raw, home: &Path) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return Err(Wrong::new(format!("{} is not a path", quote(text))));
    }
    if text == "~" {
        return Ok(home.to_path_buf());
    }
    if let Some(rest) = text.strip_prefix("~/") {
        return Ok(home.join(rest));
    }
    if Path::new(text).is_absolute() {
        return Ok(PathBuf::from(text));
    }
    match raw {
        Raw::Spoken { .. } => std::path::absolute(text)
            .map_err(|error| Wrong::new(format!("{} cannot be made absolute ({error})", quote(text)))),
        _ => Err(Wrong::new(format!("{} is relative", quote(text)))),
    }
}

/// A directory is looked at for so long: a local file system answers in microseconds, and a file server that is gone never
/// does.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// What stands at the place of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Directory,
    /// Something else, such as a file.
    Other,
    Nothing,
    /// The file system did not answer in time.
    NoAnswer,
}

/// Looks at `path`, not longer than [`ANSWER_WITHIN`].
fn look_at(path: &Path) -> Found {
    let path = path.to_path_buf();
    let look = move || match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Found::Directory,
        Ok(_) => Found::Other,
        Err(_) => Found::Nothing,
    };
    within(ANSWER_WITHIN, look).unwrap_or(Found::NoAnswer)
}

/// The result of `work`, done on a thread of its own; `None` when it takes longer than `limit`. The thread goes on then:
/// what waits for a file server cannot be called back.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens any more when the limit was reached.
        let _ = sender.send(work());
    });
    receiver.recv_timeout(limit).ok()
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

/// A file, which need not exist yet.
pub(super) struct FilePath<'a> {
    pub(super) home: &'a Path,
}

impl Form for FilePath<'_> {
    type Value = PathBuf;

    fn allowed(&self) -> String {
        "the absolute path of a file, or one that begins with ~/".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<PathBuf, Wrong> {
        let text = text_of(raw)?;
        let path = absolute(text, raw, self.home)?;
        if text.ends_with('/') || path.is_dir() {
            return Err(Wrong::new(format!("{} is a directory", quote(text))));
        }
        Ok(path)
    }

    fn show(&self, value: &PathBuf) -> String {
        shown(value)
    }
}

/// A directory. One that is missing is doubtful but allowed: a console must start while a file system is away.
pub(super) struct DirectoryPath<'a> {
    pub(super) home: &'a Path,
}

const ALLOWED_DIRECTORY: &str = "the absolute path of a directory, or one that begins with ~/";

fn directory(text: &str, raw: &Raw, home: &Path) -> Result<PathBuf, Wrong> {
    let path = absolute(text, raw, home)?;
    match look_at(&path) {
        Found::Other => Err(Wrong::new(format!("{} is not a directory", quote(text)))),
        Found::Directory | Found::Nothing | Found::NoAnswer => Ok(path),
    }
}

/// What is doubtful about directories that are allowed.
fn doubts(paths: &[&PathBuf]) -> Option<String> {
    let looked: Vec<(Found, String)> = paths.iter().map(|path| (look_at(path), shown(path))).collect();
    let those = |wanted: Found| {
        let names: Vec<&str> =
            looked.iter().filter(|(found, _)| *found == wanted).map(|(_, name)| name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let missing = those(Found::Nothing)
        .map(|names| format!("there is no directory {names}. Create or mount it, or remove it here"));
    let silent = those(Found::NoAnswer).map(|names| {
        format!("the file system of {names} does not answer. Look after its server, unmount it, or remove it here")
    });
    match (missing, silent) {
        (Some(missing), Some(silent)) => Some(format!("{missing}; {silent}")),
        (missing, silent) => missing.or(silent),
    }
}

impl Form for DirectoryPath<'_> {
    type Value = PathBuf;

    fn allowed(&self) -> String {
        ALLOWED_DIRECTORY.to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<PathBuf, Wrong> {
        directory(text_of(raw)?, raw, self.home)
    }

    fn show(&self, value: &PathBuf) -> String {
        shown(value)
    }

    fn doubt(&self, value: &PathBuf) -> Option<String> {
        doubts(&[value])
    }
}

/// Directories; separated by colons in the environment.
pub(super) struct DirectoryPaths<'a> {
    pub(super) home: &'a Path,
}

impl Form for DirectoryPaths<'_> {
    type Value = Vec<PathBuf>;

    fn allowed(&self) -> String {
        format!("a list, each item {ALLOWED_DIRECTORY}")
    }

    fn read(&self, raw: &Raw) -> Result<Vec<PathBuf>, Wrong> {
        let texts = texts_of(raw, ':')?;
        texts
            .iter()
            .map(|(text, line)| {
                directory(text, raw, self.home).map_err(|wrong| match line {
                    Some(line) => wrong.at(*line),
                    None => wrong,
                })
            })
            .collect()
    }

    fn show(&self, value: &Vec<PathBuf>) -> String {
        let texts: Vec<_> = value.iter().map(|path| path.to_string_lossy()).collect();
        quote_list(texts.iter().map(AsRef::as_ref))
    }

    fn doubt(&self, value: &Vec<PathBuf>) -> Option<String> {
        doubts(&value.iter().collect::<Vec<_>>())
    }
}

/// Files, which need not exist yet.
pub(super) struct FilePaths<'a> {
    pub(super) home: &'a Path,
}

impl Form for FilePaths<'_> {
    type Value = Vec<PathBuf>;

    fn allowed(&self) -> String {
        "a list of absolute paths, or paths that begin with ~/".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Vec<PathBuf>, Wrong> {
        let texts = texts_of(raw, ':')?;
        let path = |(text, line): &(String, Option<usize>)| {
            absolute(text, raw, self.home).map_err(|wrong| match line {
                Some(line) => wrong.at(*line),
                None => wrong,
            })
        };
        texts.iter().map(path).collect()
    }

    fn show(&self, value: &Vec<PathBuf>) -> String {
        let texts: Vec<_> = value.iter().map(|path| path.to_string_lossy()).collect();
        quote_list(texts.iter().map(AsRef::as_ref))
    }
}

/// Directories in which commands are looked up. An empty or relative one would let the current directory supply programs.
pub(super) struct SearchPath;

impl Form for SearchPath {
    type Value = String;

    fn allowed(&self) -> String {
        "absolute directories separated by colons, such as \"/usr/local/bin:/usr/bin:/bin\"".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        let bad = text.split(':').find(|part| !part.starts_with('/') || part.contains('\0'));
        match bad {
            Some(part) => Err(Wrong::new(format!("{} is not an absolute directory", quote(part)))),
            None => Ok(text.to_owned()),
        }
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// Where a secret is; never the secret. A variable of our own that holds one is itself the place.
pub(super) struct SecretPlace<'a> {
    /// The key that wants it, for later errors.
    pub(super) key: String,
    pub(super) home: &'a Path,
}

impl SecretPlace<'_> {
    fn source(&self, field: &Field) -> Result<SecretSource, Wrong> {
        let at = |wrong: Wrong| wrong.at(field.value.line);
        match (field.name.as_str(), &field.value.value) {
            ("env", Raw::Text(name)) if is_variable_name(name) => Ok(SecretSource::Environment(name.clone())),
            // What is no name may be the secret itself: it is not quoted.
            ("env", Raw::Text(_)) => Err(at(Wrong::new("env has to be the name of an environment variable"))),
            ("file", raw @ Raw::Text(text)) => absolute(text, raw, self.home).map(SecretSource::File).map_err(at),
            ("command", raw @ Raw::List(items)) if !items.is_empty() => {
                let words = texts_of(raw, ' ').map_err(|_| at(Wrong::new("the command has a word that is no text")))?;
                if words[0].0.is_empty() {
                    return Err(at(Wrong::new("the command has no program")));
                }
                Ok(SecretSource::Command(words.into_iter().map(|(word, _)| word).collect()))
            }
            ("env" | "file" | "command", _) => {
                Err(at(Wrong::new(format!("the value of {} is not of the right kind", field.name))))
            }
            (unknown, _) => Err(at(Wrong::new(format!("{} is no place for a secret", quote(unknown))))),
        }
    }
}

impl Form for SecretPlace<'_> {
    type Value = Secret;

    fn allowed(&self) -> String {
        "where the secret is, one of { env = \"NAME\" }, { file = \"/path\" }, { command = [\"pass\", \"show\", \"x\"] }"
            .to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Secret, Wrong> {
        let source = match raw {
            Raw::Spoken { variable: Some(variable), .. } => SecretSource::Environment(variable.clone()),
            Raw::Table(fields) => match fields.as_slice() {
                [field] => self.source(field)?,
                _ => return Err(Wrong::new(format!("this names {} places", fields.len()))),
            },
            Raw::Text(_) | Raw::Spoken { .. } | Raw::Integer(_) => {
                return Err(Wrong::new("a secret must not stand in the configuration itself"));
            }
            Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => return Err(Wrong::new("this is not a place")),
        };
        Ok(Secret::new(&self.key, source))
    }

    fn show(&self, value: &Secret) -> String {
        match value.source() {
            SecretSource::Environment(name) => format!("{{ env = {} }}", quote(name)),
            SecretSource::File(path) => format!("{{ file = {} }}", shown(path)),
            // Arguments are left out, as in every print of a source.
            SecretSource::Command(argv) => {
                format!("{{ command = [{}, …] }}", quote(argv.first().map_or("", String::as_str)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_not_waited_for() {
        let (hold, held) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(1), move || held.recv().is_ok()), None);
        drop(hold);
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
    }

    #[test]
    fn places_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(look_at(directory.path()), Found::Directory);
        assert_eq!(look_at(&file), Found::Other);
        assert_eq!(look_at(&directory.path().join("none")), Found::Nothing);
    }
}

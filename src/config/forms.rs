//! What a value of the configuration may look like: one type per form, each able to read, to describe and to show.
//!
//! Owns: syntax and ranges of single values. Does not: know keys, files or precedence.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo};

use super::document::Raw;

/// Why a value is not of its form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong, beginning with what was found.
    pub(super) problem: String,
    /// The line of the part that is wrong, when that is not the line of the whole.
    pub(super) line: Option<usize>,
}

impl Wrong {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), line: None }
    }

    /// Found something of another type.
    pub(super) fn kind(raw: &Raw) -> Self {
        Self::new(match raw {
            Raw::Text(text) | Raw::Spoken { text, .. } => format!("{} is a text", quote(text)),
            Raw::Integer(number) => format!("{number} is a number"),
            Raw::Boolean(boolean) => format!("{boolean} is a truth value"),
            Raw::List(_) => "this is a list".to_owned(),
            Raw::Table(_) => "this is a table".to_owned(),
            Raw::Other(kind) => format!("this is a {kind}"),
        })
    }

    pub(super) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

/// A form of values.
pub(super) trait Form {
    /// What a value becomes.
    type Value;
    /// What is allowed, to follow "Allowed: ".
    fn allowed(&self) -> String;
    /// Reads a value.
    fn read(&self, raw: &Raw) -> Result<Self::Value, Wrong>;
    /// The value as TOML; for secrets, where it is.
    fn show(&self, value: &Self::Value) -> String;
    /// What a person should know about a value that is allowed.
    fn doubt(&self, _value: &Self::Value) -> Option<String> {
        None
    }
}

/// `text` as a TOML string.
pub(super) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `items` as a TOML list.
pub(super) fn quote_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(quote).collect::<Vec<_>>().join(", "))
}

/// The text of a value that has to be one.
pub(super) fn text_of(raw: &Raw) -> Result<&str, Wrong> {
    match raw {
        Raw::Text(text) | Raw::Spoken { text, .. } => Ok(text),
        other => Err(Wrong::kind(other)),
    }
}

/// The texts of a list; words of the environment are split at `separator`.
pub(super) fn texts_of(raw: &Raw, separator: char) -> Result<Vec<(String, Option<usize>)>, Wrong> {
    match raw {
        Raw::Spoken { text, .. } => {
            let words = text.split(separator).map(str::trim).filter(|word| !word.is_empty());
            Ok(words.map(|word| (word.to_owned(), None)).collect())
        }
        Raw::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Raw::Text(text) => Ok((text.clone(), Some(item.line))),
                other => Err(Wrong::kind(other).at(item.line)),
            })
            .collect(),
        other => Err(Wrong::kind(other)),
    }
}

/// One of a few names. `true` and `false` may be among them; in a file these stand without quotes.
pub(super) struct Choice<T: 'static>(pub(super) &'static [(&'static str, T)]);

/// `true` or `false`
pub(super) const SWITCH: Choice<bool> = Choice(&[("true", true), ("false", false)]);

const BOOLEANS: [&str; 2] = ["true", "false"];

impl<T: Copy + PartialEq> Form for Choice<T> {
    type Value = T;

    fn allowed(&self) -> String {
        let shown = |name: &str| if BOOLEANS.contains(&name) { name.to_owned() } else { quote(name) };
        let names: Vec<String> = self.0.iter().map(|(name, _)| shown(name)).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => names.concat(),
        }
    }

    fn read(&self, raw: &Raw) -> Result<T, Wrong> {
        let name = match raw {
            Raw::Boolean(true) => BOOLEANS[0],
            Raw::Boolean(false) => BOOLEANS[1],
            // "true" in quotes is not a truth value, here as in all of TOML.
            Raw::Text(text) if BOOLEANS.contains(&text.as_str()) => return Err(Wrong::kind(raw)),
            Raw::Text(text) | Raw::Spoken { text, .. } => text,
            other => return Err(Wrong::kind(other)),
        };
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value).ok_or_else(|| match raw {
            Raw::Boolean(_) => Wrong::kind(raw),
            _ => Wrong::new(format!("{} is not among the choices", quote(name))),
        })
    }

    fn show(&self, value: &T) -> String {
        let name = self.0.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name);
        if BOOLEANS.contains(&name) { name.to_owned() } else { quote(name) }
    }
}

/// A span of time with its unit (`90s`, `1h 30m`).
pub(super) struct Span {
    pub(super) least: Duration,
    pub(super) most: Duration,
}

fn friendly(span: Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| format!("{}s", span.as_secs()), |span| format!("{span:#}"))
}

impl Form for Span {
    type Value = Duration;

    fn allowed(&self) -> String {
        let (least, most) = (friendly(self.least), friendly(self.most));
        format!("a span of time from {least} to {most}, in quotes and with its unit, such as \"90s\" or \"1h 30m\"")
    }

    fn read(&self, raw: &Raw) -> Result<Duration, Wrong> {
        if let Raw::Integer(number) = raw {
            return Err(Wrong::new(format!("{number} has no unit")));
        }
        let text = text_of(raw)?;
        let span: jiff::Span =
            text.parse().map_err(|_| Wrong::new(format!("{} is not a span of time", quote(text))))?;
        // Months and years have no fixed length and fail here; a day is 24 hours.
        let span = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| Wrong::new(format!("{} has no fixed length", quote(text))))?;
        let span = Duration::try_from(span).map_err(|_| Wrong::new(format!("{} is less than nothing", quote(text))))?;
        if span < self.least || span > self.most {
            let side = if span < self.least { "short" } else { "long" };
            return Err(Wrong::new(format!("{} is too {side}", quote(text))));
        }
        Ok(span)
    }

    fn show(&self, value: &Duration) -> String {
        quote(&friendly(*value))
    }
}

/// A number of bytes, plain or with a unit (`4MiB`).
pub(super) struct Size {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// Units of sizes, largest first. Only powers of 1024: nobody means 4,000,000 by a limit of 4 MB.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

fn human_size(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, unit)| bytes != 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}

impl Form for Size {
    type Value = u64;

    fn allowed(&self) -> String {
        let (least, most) = (human_size(self.least), human_size(self.most));
        format!("a size from {least} to {most}, in bytes or in quotes with KiB, MiB or GiB, such as \"4MiB\"")
    }

    fn read(&self, raw: &Raw) -> Result<u64, Wrong> {
        let (shown, bytes) = match raw {
            Raw::Integer(number) => (number.to_string(), u64::try_from(*number).ok()),
            other => {
                let text = text_of(other)?;
                let unit = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)));
                let (digits, unit) = unit.unwrap_or((text, 1));
                let count: Option<u64> = digits.trim_end().parse().ok();
                (quote(text), count.and_then(|count| count.checked_mul(unit)))
            }
        };
        let bytes = bytes.ok_or_else(|| Wrong::new(format!("{shown} is not a size")))?;
        if bytes < self.least || bytes > self.most {
            let side = if bytes < self.least { "small" } else { "large" };
            return Err(Wrong::new(format!("{shown} is too {side}")));
        }
        Ok(bytes)
    }

    fn show(&self, value: &u64) -> String {
        if UNITS.iter().any(|(_, unit)| value.is_multiple_of(*unit)) {
            quote(&human_size(*value))
        } else {
            value.to_string()
        }
    }
}

/// A number of things.
pub(super) struct Count {
    pub(super) least: u32,
    pub(super) most: u32,
}

impl Form for Count {
    type Value = u32;

    fn allowed(&self) -> String {
        format!("a whole number from {} to {}", self.least, self.most)
    }

    fn read(&self, raw: &Raw) -> Result<u32, Wrong> {
        let (shown, number) = match raw {
            Raw::Integer(number) => (number.to_string(), u32::try_from(*number).ok()),
            Raw::Spoken { text, .. } => (quote(text), text.trim().parse().ok()),
            other => return Err(Wrong::kind(other)),
        };
        let fits = number.filter(|number| (self.least..=self.most).contains(number));
        fits.ok_or_else(|| Wrong::new(format!("{shown} is not in this range")))
    }

    fn show(&self, value: &u32) -> String {
        value.to_string()
    }
}

/// An address to listen on.
pub(super) struct Address;

impl Form for Address {
    type Value = SocketAddr;

    fn allowed(&self) -> String {
        "an IP address and a port, such as \"127.0.0.1:9911\" or \"[::1]:9911\"".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<SocketAddr, Wrong> {
        let text = text_of(raw)?;
        text.parse().map_err(|_| Wrong::new(format!("{} is not an address", quote(text))))
    }

    fn show(&self, value: &SocketAddr) -> String {
        quote(&value.to_string())
    }
}

/// The base address of a web service, kept without a slash at its end.
pub(super) struct WebAddress;

impl Form for WebAddress {
    type Value = String;

    fn allowed(&self) -> String {
        "an http:// or https:// URL without user, password, query and fragment, such as \
         \"https://alertmanager.example.org:9093\""
            .to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        // Something that may hold a password is not quoted.
        let shown = if text.contains('@') { "this".to_owned() } else { quote(text) };
        let url = reqwest::Url::parse(text).map_err(|error| Wrong::new(format!("{shown} is not a URL ({error})")))?;
        let problem = if !url.username().is_empty() || url.password().is_some() {
            "this URL holds a user or a password; use the keys username and password".to_owned()
        } else if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            format!("{shown} is not a web address")
        } else if url.query().is_some() || url.fragment().is_some() {
            format!("{shown} has a query or a fragment")
        } else {
            return Ok(url.as_str().trim_end_matches('/').to_owned());
        };
        Err(Wrong::new(problem))
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// A name that stands in rows, URLs and journals.
pub(super) struct Name {
    /// Most characters.
    pub(super) longest: usize,
}

impl Form for Name {
    type Value = String;

    fn allowed(&self) -> String {
        format!("1 to {} letters, digits, dots, dashes and underscores", self.longest)
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if text.is_empty() || text.len() > self.longest || !text.chars().all(fits) {
            return Err(Wrong::new(format!("{} is not a name", quote(text))));
        }
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// A user of HTTP basic authentication, which ends the user at the first colon.
pub(super) struct UserName;

impl Form for UserName {
    type Value = String;

    fn allowed(&self) -> String {
        "a user name without colons and control characters".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        if text.is_empty() || text.contains(|c: char| c == ':' || c.is_control()) {
            return Err(Wrong::new(format!("{} is not a user name", quote(text))));
        }
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// Names of environment variables that commands may see.
pub(super) struct VariableNames;

/// Whether `name` can name an environment variable in every shell.
pub(super) fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Words of names that stand for a secret itself, not for the file that has it (`PGPASSFILE`, `KUBECONFIG`).
const SECRET_WORDS: [&str; 9] =
    ["PASSWORD", "PASSWD", "PGPASSWORD", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS", "PASSPHRASE"];

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split('_').collect();
    let file = matches!(words.last(), Some(&("FILE" | "PATH" | "DIR")));
    let key = words.windows(2).any(|pair| matches!(pair, ["API" | "ACCESS" | "PRIVATE" | "SECRET" | "AUTH", "KEY"]));
    !file && (key || words.iter().any(|word| SECRET_WORDS.contains(word)))
}

/// Why a variable must not be handed to commands.
fn unsafe_variable(name: &str) -> Option<&'static str> {
    match name {
        "PATH" => Some("is set by run.path"),
        "BASH_ENV" | "ENV" | "SHELLOPTS" | "BASHOPTS" | "PS4" | "IFS" | "PROMPT_COMMAND" => {
            Some("changes what a shell runs")
        }
        _ if name.starts_with("LD_") => Some("loads foreign code into every command"),
        _ if name.starts_with("AIOPS_") => Some("belongs to this program and may hold secrets"),
        _ if names_a_secret(name) => Some(
            "is named like a secret, and the environment of a command is shown and kept in the journal; use a file",
        ),
        _ => None,
    }
}

impl Form for VariableNames {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of names of environment variables, such as [\"KUBECONFIG\"], without PATH, LD_*, AIOPS_* and those that \
         steer shells"
            .to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Vec<String>, Wrong> {
        let mut names: Vec<String> = Vec::new();
        for (name, line) in texts_of(raw, ',')? {
            let wrong = |problem: String| Wrong { problem, line };
            if !is_variable_name(&name) {
                return Err(wrong(format!("{} is not the name of a variable", quote(&name))));
            }
            if let Some(why) = unsafe_variable(&name) {
                return Err(wrong(format!("{} {why}", quote(&name))));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn show(&self, value: &Vec<String>) -> String {
        quote_list(value.iter().map(String::as_str))
    }
}

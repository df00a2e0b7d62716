//! Front matter: what a document says about itself before its text.
//!
//! Owns: TOML between `+++` lines, and of YAML between `---` lines the plain keys and lists that documents elsewhere use.
//! Does not: fail. What cannot be read becomes a diagnostic, and the document is read all the same.

use crate::domain::procedure::{Diagnostic, DiagnosticSeverity};

/// What a document says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// `title`.
    pub title: Option<String>,
    /// `alerts`: exact names of the alerts that the document is for.
    pub alerts: Vec<String>,
    /// `owner`: who looks after the document.
    pub owner: Option<String>,
    /// `runbook_url` (one or several): addresses under which alerts refer to the document.
    pub runbook_urls: Vec<String>,
    /// Where the document's text begins, in bytes.
    pub body_start: usize,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the front matter of `text`, which begins at byte `start` (after a byte order mark).
#[must_use]
pub fn read(text: &str, start: usize) -> FrontMatter {
    let none = FrontMatter { body_start: start, ..FrontMatter::default() };
    let mut lines = Lines::new(text, start);
    let Some(fence) = lines.next().map(|line| line.text.trim_end()) else {
        return none;
    };
    if fence != "+++" && fence != "---" {
        return none;
    }
    let inner_start = lines.at;
    let close = lines.find(|line| line.text.trim_end() == fence || (fence == "---" && line.text.trim_end() == "..."));
    match (fence, close) {
        ("+++", Some(close)) => read_toml(text.get(inner_start..close.start).unwrap_or_default(), close.end),
        ("+++", None) => FrontMatter {
            diagnostics: vec![broken(
                1,
                "the `+++` at the top is never closed; put a second `+++` line after the last key",
            )],
            ..none
        },
        (_, Some(close)) => read_yaml(text.get(inner_start..close.start).unwrap_or_default(), close.end),
        // A lone `---` at the top is a rule across the page.
        (_, None) => none,
    }
}

fn broken(line: usize, message: &str) -> Diagnostic {
    Diagnostic {
        code: "front-matter".to_owned(),
        severity: DiagnosticSeverity::Warning,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        message: format!("front matter: {message}"),
    }
}

fn read_toml(inner: &str, body_start: usize) -> FrontMatter {
    let mut front = FrontMatter { body_start, ..FrontMatter::default() };
    let table = match inner.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let line = 2 + inner.bytes().take(offset).filter(|byte| *byte == b'\n').count();
            front.diagnostics.push(broken(line, &format!("{}; none of its keys is used", error.message())));
            return front;
        }
    };
    for (key, value) in &table {
        if let Some(key) = Key::of(key) {
            match toml_texts(value) {
                Some(texts) => front.set(key, texts),
                None => front.diagnostics.push(broken(
                    line_of_key(inner, key.name()),
                    &format!("`{}` has to be a text or a list of texts; it is not used", key.name()),
                )),
            }
        }
    }
    front
}

fn toml_texts(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => None,
    }
}

fn line_of_key(inner: &str, key: &str) -> usize {
    2 + inner.lines().position(|line| line.trim_start().starts_with(key)).unwrap_or(0)
}

/// Reads `key: value`, `key: [a, b]` and `key:` with `- item` lines; anything else of YAML is passed over.
fn read_yaml(inner: &str, body_start: usize) -> FrontMatter {
    let mut front = FrontMatter { body_start, ..FrontMatter::default() };
    let mut list_of: Option<Key> = None;
    for line in inner.lines() {
        let trimmed = line.trim();
        if let (Some(item), Some(key)) = (trimmed.strip_prefix("- "), list_of) {
            front.set(key, vec![yaml_text(item)]);
            continue;
        }
        if line.starts_with([' ', '\t', '#']) || trimmed.is_empty() {
            continue;
        }
        list_of = None;
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let Some(key) = Key::of(name.trim()) else {
            continue;
        };
        match value.trim() {
            "" => list_of = Some(key),
            value => match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(items) => {
                    front.set(key, items.split(',').map(yaml_text).filter(|item| !item.is_empty()).collect());
                }
                None => front.set(key, vec![yaml_text(value)]),
            },
        }
    }
    front
}

/// A YAML scalar without its quotes or the comment behind it.
fn yaml_text(raw: &str) -> String {
    let raw = raw.trim();
    for quote in ['"', '\''] {
        if let Some((text, _)) = raw.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return text.to_owned();
        }
    }
    raw.split_once(" #").map_or(raw, |(text, _)| text.trim_end()).to_owned()
}

#[derive(Clone, Copy)]
enum Key {
    Title,
    Alerts,
    Owner,
    RunbookUrl,
}

impl Key {
    fn of(name: &str) -> Option<Self> {
        match name {
            "title" => Some(Self::Title),
            "alerts" | "alert" | "alertname" => Some(Self::Alerts),
            "owner" | "team" => Some(Self::Owner),
            "runbook_url" | "runbook_urls" | "aliases" => Some(Self::RunbookUrl),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Alerts => "alert",
            Self::Owner => "owner",
            Self::RunbookUrl => "runbook_url",
        }
    }
}

impl FrontMatter {
    fn set(&mut self, key: Key, texts: Vec<String>) {
        let first = || texts.iter().find(|text| !text.trim().is_empty()).map(|text| text.trim().to_owned());
        match key {
            Key::Title => self.title = first(),
            Key::Owner => self.owner = first(),
            Key::Alerts => self.alerts.extend(texts),
            Key::RunbookUrl => self.runbook_urls.extend(texts),
        }
    }
}

/// A line without its end, and where it lies.
pub(super) struct Line<'a> {
    /// The text without `\n` or `\r\n`.
    pub(super) text: &'a str,
    /// First byte.
    pub(super) start: usize,
    /// One past the line's end mark.
    pub(super) end: usize,
}

/// The lines of a text from an offset on.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let length = rest.bytes().position(|byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        self.at = start + length;
        let line = rest.get(..length)?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        Some(Line { text: line.strip_suffix('\r').unwrap_or(line), start, end: self.at })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn toml_is_read() {
        let text = "+++\ntitle = \"Disk full\"\nalerts = [\"A\", \"B\"]\nowner = \"team\"\nrunbook_url = \"https://x/y\"\n\
                    weight = 3\n+++\n# Text\n";
        let front = read(text, 0);
        assert_eq!(front.title.as_deref(), Some("Disk full"));
        assert_eq!(front.alerts, ["A", "B"]);
        assert_eq!(front.owner.as_deref(), Some("team"));
        assert_eq!(front.runbook_urls, ["https://x/y"]);
        assert_eq!(front.diagnostics, []);
        assert_eq!(&text[front.body_start..], "# Text\n");
    }

    #[rstest]
    #[case::inline("---\ntitle: \"Disk: full\"\nalerts: [A, 'B']\n---\nx", &["A", "B"])]
    #[case::dashes("---\ntitle: 'Disk: full' # note\nalerts:\n  - A\n- \"B\"\nother:\n  - C\n---\nx", &["A", "B"])]
    #[case::single("---\r\ntitle: Disk: full\r\nalert: A\r\n---\r\nx", &["A"])]
    #[case::ignored("---\n? weird\n  title: no\n%TAG\ntitle: Disk: full\n...\nx", &[])]
    fn yaml_is_read(#[case] text: &str, #[case] alerts: &[&str]) {
        let front = read(text, 0);
        assert_eq!(front.title.as_deref(), Some("Disk: full"));
        assert_eq!(front.alerts, alerts);
        assert_eq!(front.diagnostics, []);
        assert_eq!(&text[front.body_start..], "x");
    }

    #[rstest]
    #[case::syntax("+++\ntitle = \"x\"\nalerts = [\n+++\nText", 3, "Text")]
    #[case::kind("+++\nalerts = 3\n+++\nText", 2, "Text")]
    #[case::unclosed("+++\nalerts = []\nText", 1, "+++\nalerts = []\nText")]
    fn broken_toml_is_a_diagnostic(#[case] text: &str, #[case] line: u32, #[case] body: &str) {
        let front = read(text, 0);
        assert_eq!(front.diagnostics.len(), 1);
        assert_eq!(front.diagnostics[0].code, "front-matter");
        assert!(front.diagnostics[0].line.abs_diff(line) <= 1, "{:?}", front.diagnostics);
        assert_eq!(&text[front.body_start..], body);
    }

    #[rstest]
    #[case("")]
    #[case("# Heading")]
    #[case("---\nno second rule")]
    #[case("----\n----")]
    fn no_front_matter(#[case] text: &str) {
        assert_eq!(read(text, 0), FrontMatter::default());
    }
}

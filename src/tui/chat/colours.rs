//! Colours of code: which part of a line is a comment, a string, a keyword.
//!
//! Owns: the languages, the work itself, its limits, and a store of what came of it. Invariants: the work is done by a
//! thread of its own (reading the grammars alone takes some 30 ms); a block without colours yet is shown plain; text that
//! is long or takes long stays plain, so that no text can hold up anything. Does not: know what a colour looks like.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::text::CodeKind;

/// Longer code stays plain: bytes.
const LONGEST: usize = 32 * 1024;
/// Longer lines stay plain: bytes. Some grammars are slow on them.
const LONGEST_LINE: usize = 2 * 1024;
/// What is not coloured after this long stays plain.
const TIME_LIMIT: Duration = Duration::from_millis(250);
/// Blocks whose colours are kept.
const KEPT: usize = 256;

/// A language that can be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Shells.
    Shell,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// SQL.
    Sql,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Dockerfiles.
    Dockerfile,
    /// INI files and systemd units.
    Ini,
}

impl Language {
    /// The language that the words behind an opening fence name.
    #[must_use]
    pub fn of(info: &str) -> Option<Self> {
        let word = info.split_whitespace().next()?.to_ascii_lowercase();
        Some(match word.as_str() {
            "sh" | "bash" | "shell" | "zsh" => Self::Shell,
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "toml" => Self::Toml,
            "sql" | "psql" => Self::Sql,
            "python" | "py" => Self::Python,
            "go" | "golang" => Self::Go,
            "dockerfile" | "docker" => Self::Dockerfile,
            "ini" | "systemd" | "conf" => Self::Ini,
            _ => return None,
        })
    }

    /// Its name among the grammars.
    const fn token(self) -> &'static str {
        match self {
            Self::Shell => "bash",
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Sql => "sql",
            Self::Python => "python",
            Self::Go => "go",
            Self::Dockerfile => "dockerfile",
            Self::Ini => "ini",
        }
    }
}

/// The colours of a block: per line, what begins at which byte of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colouring {
    pub(super) lines: Vec<Vec<(usize, CodeKind)>>,
}

/// A block that is to be coloured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColourJob {
    /// In which language it is.
    pub language: Language,
    /// Its text.
    pub code: Arc<str>,
}

/// Colours that are known, and those that were asked for.
#[derive(Debug, Default)]
pub struct Colours {
    known: HashMap<ColourJob, Option<Arc<Colouring>>>,
}

impl Colours {
    /// The colours of a block, when they are known.
    pub(super) fn find(&self, language: Language, code: &str) -> Option<Arc<Colouring>> {
        self.known.get(&ColourJob { language, code: code.into() })?.clone()
    }

    /// Notes that a block is to be coloured. Returns whether that has to be asked for.
    pub(in crate::tui) fn want(&mut self, job: &ColourJob) -> bool {
        if job.code.len() > LONGEST || self.known.contains_key(job) {
            return false;
        }
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(job.clone(), None);
        true
    }

    /// Keeps what came of a job.
    pub(in crate::tui) fn learn(&mut self, job: ColourJob, colouring: Colouring) {
        self.known.insert(job, Some(Arc::new(colouring)));
    }
}

/// The grammars, read once. Tens of milliseconds the first time.
fn grammars() -> &'static SyntaxSet {
    static GRAMMARS: OnceLock<SyntaxSet> = OnceLock::new();
    GRAMMARS.get_or_init(two_face::syntax::extra_newlines)
}

/// Colours a block; what exceeds a limit stays plain. Takes long: not for the task that draws.
#[must_use]
pub fn colour(job: &ColourJob) -> Colouring {
    let begun = Instant::now();
    let grammars = grammars();
    let mut colouring = Colouring::default();
    let Some(grammar) = grammars.find_syntax_by_token(job.language.token()) else { return colouring };
    let mut state = ParseState::new(grammar);
    let mut scopes = ScopeStack::new();
    for line in job.code.split_inclusive('\n') {
        if line.len() > LONGEST_LINE || begun.elapsed() > TIME_LIMIT {
            return colouring;
        }
        let Ok(changes) = state.parse_line(line, grammars) else { return colouring };
        let mut begins: Vec<(usize, CodeKind)> = kind(&scopes).map(|kind| (0, kind)).into_iter().collect();
        for (at, change) in changes {
            if scopes.apply(&change).is_err() {
                return colouring;
            }
            // What is nothing in particular is a word like any other.
            let now = kind(&scopes).unwrap_or(CodeKind::Plain);
            match begins.last_mut() {
                Some((last, kind)) if *last == at => *kind = now,
                _ => begins.push((at, now)),
            }
        }
        begins.dedup_by_key(|(_, kind)| *kind);
        colouring.lines.push(begins);
    }
    colouring
}

/// The beginnings of scopes and what they stand for; the innermost scope that is listed decides.
const SCOPES: [(&str, CodeKind); 14] = [
    ("comment", CodeKind::Comment),
    ("string", CodeKind::String),
    ("constant.character.escape", CodeKind::Number),
    ("constant", CodeKind::Number),
    ("keyword", CodeKind::Keyword),
    ("storage", CodeKind::Keyword),
    ("entity.name.tag", CodeKind::Variable),
    ("entity.name.function", CodeKind::Function),
    ("support.function", CodeKind::Function),
    ("variable.function", CodeKind::Function),
    ("variable", CodeKind::Variable),
    ("support.type.property-name", CodeKind::Variable),
    ("entity.name", CodeKind::Function),
    ("meta.interpolation", CodeKind::Plain),
];

fn kind(scopes: &ScopeStack) -> Option<CodeKind> {
    static KNOWN: OnceLock<Vec<(Scope, CodeKind)>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        SCOPES.iter().filter_map(|(name, kind)| Scope::new(name).ok().map(|scope| (scope, *kind))).collect()
    });
    scopes
        .as_slice()
        .iter()
        .rev()
        .find_map(|scope| known.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, kind)| *kind))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn kinds(language: Language, code: &str) -> Vec<(String, CodeKind)> {
        let colouring = colour(&ColourJob { language, code: code.into() });
        let mut found = Vec::new();
        for (line, begins) in code.lines().zip(&colouring.lines) {
            let ends = begins.iter().skip(1).map(|(at, _)| *at).chain([line.len()]);
            for ((start, kind), end) in begins.iter().zip(ends) {
                found.push((line[(*start).min(line.len())..end.min(line.len())].to_owned(), *kind));
            }
        }
        found
    }

    #[rstest]
    #[case(Language::Shell, "# why\nfor x in 1; do echo \"$x\"; done\n", "# why", CodeKind::Comment)]
    #[case(Language::Yaml, "replicas: 3 # n\n", "3", CodeKind::Number)]
    #[case(Language::Yaml, "replicas: 3\n", "replicas", CodeKind::Variable)]
    #[case(Language::Json, "{\"a\": 12}\n", "12", CodeKind::Number)]
    #[case(Language::Toml, "a = true\n", "a", CodeKind::Variable)]
    #[case(Language::Sql, "SELECT 1;\n", "SELECT", CodeKind::Keyword)]
    #[case(Language::Python, "def f(): pass\n", "f", CodeKind::Function)]
    #[case(Language::Go, "package main\n", "package", CodeKind::Keyword)]
    #[case(Language::Dockerfile, "FROM debian\n", "FROM", CodeKind::Keyword)]
    #[case(Language::Ini, "[Unit]\nAfter=x ; c\n", "After", CodeKind::Keyword)]
    fn languages_are_coloured(
        #[case] language: Language,
        #[case] code: &str,
        #[case] word: &str,
        #[case] kind: CodeKind,
    ) {
        let found = kinds(language, code);
        assert!(found.iter().any(|(text, found)| text.trim() == word && *found == kind), "{word} in {found:?}");
    }

    #[test]
    fn too_long_is_left_plain() {
        let mut colours = Colours::default();
        let job = |code: String| ColourJob { language: Language::Shell, code: code.into() };
        assert!(!colours.want(&job("x".repeat(LONGEST + 1))));
        assert!(colours.want(&job("ls".to_owned())) && !colours.want(&job("ls".to_owned())), "asked for once");
        let long_line = colour(&job(format!("ls\n{}\nls\n", "(".repeat(LONGEST_LINE))));
        assert_eq!(long_line.lines.len(), 1);
    }
}

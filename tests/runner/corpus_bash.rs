//! Compares the command grammar with the real bash on every labelled command line: words of each program, directory,
//! environment, and the variables and directory that are left. Parameters get plain values, and hostile ones.

use std::collections::{BTreeMap, BTreeSet};

use aiops::domain::action::grammar::{self, GrammarError, Parsed, Surroundings};
use aiops::domain::action::spec::{Origin, Piece, Script, Word};
use aiops::domain::procedure::params::{self, ParamUse};

use super::bash_stub::{Bash, Ending, Fields, agree, number_of};

/// Values that a shell would take for more than a word.
const HOSTILE: [&str; 12] = [
    "a b",
    "x;touch owned",
    "$(touch owned)",
    "`id`",
    "*",
    "it's",
    "\"q\"",
    "a\\b",
    "~",
    "{a,b}",
    "é|&<>",
    "a  $HOME #b",
];

/// The lines of both files, as they are in a document.
pub(crate) fn lines() -> Vec<String> {
    let read = |file: &str| {
        let path = format!("{}/tests/risk/{file}.tsv", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let text = read("runbooks") + &read("own");
    text.lines().map(|row| written_out(row.split('\t').nth(4).unwrap())).collect()
}

fn written_out(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        text.push(match c {
            '\\' => match rest.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.unwrap(),
            },
            c => c,
        });
    }
    text
}

/// How the parameters of `script` are written for bash: as quoted variables, which are one word whatever is in them.
fn for_bash(script: &str, uses: &[ParamUse]) -> String {
    let mut text = String::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(c) = script.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(used) = uses.iter().find(|used| used.span.start == at) {
            let variable = variable_of(&used.name);
            text.push_str(&match quote {
                None => format!("\"${{{variable}}}\""),
                Some('"') => format!("${{{variable}}}"),
                Some(_) => format!("'\"${{{variable}}}\"'"),
            });
            at = used.span.end;
            continue;
        }
        text.push(c);
        at += c.len_utf8();
        match (quote, c) {
            (None | Some('"'), '\\') => {
                if let Some(next) = script.get(at..).and_then(|rest| rest.chars().next()) {
                    text.push(next);
                    at += next.len_utf8();
                }
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    text
}

fn variable_of(name: &str) -> String {
    let name: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("AIOPS_P{name}")
}

/// A line with values for its parameters.
struct Case<'a> {
    script: &'a str,
    uses: &'a [ParamUse],
    value: &'a str,
}

impl Case<'_> {
    fn read(&self, bash: &Bash) -> Result<Parsed, GrammarError> {
        let piece = Piece { text: self.value.to_owned(), origin: Origin::Operator };
        let values: BTreeMap<String, Piece> = self.uses.iter().map(|used| (used.name.clone(), piece.clone())).collect();
        let surroundings =
            Surroundings { directory: bash.work(), environment: bash.environment(), ..Surroundings::default() };
        grammar::parse_in(self.script, self.uses, &values, &surroundings)
    }

    /// The difference to bash; `None` when there is none.
    fn difference(&self, bash: &Bash, script: &Script, ending: Ending, fields: Fields) -> Option<String> {
        let names: BTreeSet<&str> = self.uses.iter().map(|used| used.name.as_str()).collect();
        let values: Vec<(String, String)> =
            names.iter().map(|name| (variable_of(name), self.value.to_owned())).collect();
        let started = bash.run(&for_bash(self.script, self.uses), script, &values, ending, fields);
        // bash puts the value in as it is, where the grammar writes it in the language of the word.
        let raw = |word: &Word| {
            let texts = word.pieces.iter().map(|piece| match piece.origin {
                Origin::Operator => self.value,
                _ => piece.text.as_str(),
            });
            texts.collect::<String>()
        };
        let predicted = bash.predict(script, raw, ending);
        let same = agree(&started, &predicted);
        (!same).then(|| format!("{:?}\n  bash:    {started:?}\n  grammar: {predicted:?}", self.script))
    }

    /// Whether a value is written in another language somewhere.
    fn is_translated(&self, script: &Script) -> bool {
        let mut pieces = script.words().flat_map(|word| &word.pieces);
        pieces.any(|piece| piece.origin == Origin::Operator && piece.text != self.value)
    }
}

#[derive(Default)]
struct Counts {
    lines: usize,
    inside: usize,
    unsafe_here: usize,
    compared: usize,
    hostile: usize,
    refused: usize,
    translated: usize,
    split: usize,
    outside: BTreeMap<String, usize>,
    different: Vec<String>,
}

impl Counts {
    fn print(&self) {
        let mut text = format!(
            "grammar and bash: {} lines, {} inside the grammar ({:.1} %)\n\
             compared with plain values: {}, with hostile values: {} (of these written in another language: {}; refused: {})\n\
             not compared: {} name a program by its path or a directory outside; {} rely on splitting a variable (hostile only)\n\
             differing: {}\n",
            self.lines,
            self.inside,
            100.0 * self.inside as f64 / self.lines as f64,
            self.compared,
            self.hostile,
            self.translated,
            self.refused,
            self.unsafe_here,
            self.split,
            self.different.len(),
        );
        let mut outside: Vec<_> = self.outside.iter().collect();
        outside.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), (*reason).clone()));
        for (reason, count) in outside {
            text.push_str(&format!("{count:5} outside: {reason}\n"));
        }
        super::support::say(&text);
    }
}

/// A line in which absolute directories are some of our own.
fn moved(line: &str, root: &str) -> String {
    if line.contains("cd /") { line.replace("cd /", &format!("cd {root}/")) } else { line.to_owned() }
}

fn compare(bash: &Bash, line: &str, most: usize, counts: &mut Counts) {
    counts.lines += 1;
    let uses = params::find(line);
    let plain = Case { script: line, uses: &uses, value: "bound1" };
    let script = match plain.read(bash) {
        Ok(Parsed::Argv(script)) => script,
        Ok(Parsed::Outside { reason }) => {
            *counts.outside.entry(reason).or_default() += 1;
            return;
        }
        Err(error) => {
            *counts.outside.entry(format!("refused: {error}")).or_default() += 1;
            return;
        }
    };
    counts.inside += 1;
    if !bash.is_safe(&for_bash(line, &uses), &script) {
        counts.unsafe_here += 1;
        return;
    }
    counts.compared += 1;
    counts.different.extend(plain.difference(bash, &script, Ending::Succeed, Fields::Split));
    if line.contains("||") {
        counts.different.extend(plain.difference(bash, &script, Ending::Fail, Fields::Split));
    }
    if uses.is_empty() {
        return;
    }
    if !script.leaves.variables.is_empty() && plain.difference(bash, &script, Ending::Succeed, Fields::Whole).is_some()
    {
        counts.split += 1;
        return;
    }
    let first = number_of(line);
    for offset in 0..most {
        let value = HOSTILE[(first + offset) % HOSTILE.len()];
        let hostile = Case { value, ..plain };
        match hostile.read(bash) {
            Ok(Parsed::Argv(script)) if bash.is_safe(&for_bash(line, &uses), &script) => {
                counts.hostile += 1;
                counts.translated += usize::from(hostile.is_translated(&script));
                counts.different.extend(hostile.difference(bash, &script, Ending::Succeed, Fields::Whole));
            }
            Ok(Parsed::Argv(_)) => counts.unsafe_here += 1,
            Err(GrammarError::BadValues(_)) => counts.refused += 1,
            other => counts.different.push(format!("{line:?} with {value:?}: {other:?}")),
        }
    }
}

#[test]
fn labelled_lines_run_the_same_in_bash() {
    let bash = Bash::new();
    let most = if std::env::var_os("AIOPS_LONG").is_some() { HOSTILE.len() } else { 1 };
    let mut counts = Counts::default();
    for line in lines() {
        compare(&bash, &moved(&line, &bash.root()), most, &mut counts);
    }
    counts.print();
    super::support::say(&format!("hostile values for each line: {most} of {}; AIOPS_LONG=1 takes all", HOSTILE.len()));
    assert!(counts.different.is_empty(), "{} differ:\n{}", counts.different.len(), counts.different.join("\n"));
    assert!(counts.compared > 2_500 && counts.hostile > 100, "{} {}", counts.compared, counts.hostile);
    assert!(counts.inside * 100 > counts.lines * 90, "{} of {}", counts.inside, counts.lines);
}

/// What the other shell of `sh -c` reads: its words have the values whole, whatever is in them.
#[test]
fn values_arrive_whole_in_the_shell_of_another() {
    let bash = Bash::new();
    let scripts =
        ["ls <x>", "ls a<x>b", "ls '<x>'", "ls \"<x>\"", "ls '-n'<x>x\"a\" | sort <x>", "A=1 ls --f=<x> && echo <x>"];
    let mut compared = 0;
    for text in scripts {
        for value in HOSTILE {
            for outer in [format!("ssh h {}", aiops::domain::action::print::quoted(text)), format!("ssh h {text}")] {
                let uses = params::find(&outer);
                let case = Case { script: &outer, uses: &uses, value };
                let Ok(Parsed::Argv(script)) = case.read(&bash) else { continue };
                // The first stage is the ssh; what follows its `|` or `&&` is local.
                let Some(remote) = grammar::remote(&script.parts[0].1.stages[0]) else { panic!("{outer}") };
                let inner_text = remote.text;
                let inner = remote.script.unwrap_or_else(|| panic!("{inner_text:?}"));
                let started = bash.run(&inner_text, &inner, &[], Ending::Succeed, Fields::Split);
                let words: Vec<&String> = started.iter().flat_map(|started| &started.argv).collect();
                assert!(
                    agree(&started, &bash.predict(&inner, Word::text, Ending::Succeed)),
                    "{inner_text:?}: {words:?}"
                );
                assert!(words.iter().any(|word| word.contains(value)), "{inner_text:?} {value:?}: {words:?}");
                compared += 1;
            }
        }
    }
    super::support::say(&format!("{compared} texts for another shell read by bash as written"));
    assert!(compared > 40, "{compared}");
}

//! What is known of programs: tables read from `tools/*.toml`.
//!
//! Owns: the shape of the tables and how a program and its command are found in them. Does not: judge. A table that cannot be
//! read, or that names a check that does not exist, is an error of the whole; then no program is known.
//!
//! A table says for each program: how it reads its arguments, which options are harmless and which raise the risk, its
//! commands, what kind of operands it takes, and which code looks at them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Risk;
use super::checks::{self, Check};
use super::options::{Arguments, Given, Style, Table, Until};

/// The tables, by name.
pub(super) const FILES: &[(&str, &str)] = &[
    ("archives", include_str!("tools/archives.toml")),
    ("cloud", include_str!("tools/cloud.toml")),
    ("cluster", include_str!("tools/cluster.toml")),
    ("containers", include_str!("tools/containers.toml")),
    ("databases", include_str!("tools/databases.toml")),
    ("deploy", include_str!("tools/deploy.toml")),
    ("development", include_str!("tools/development.toml")),
    ("files", include_str!("tools/files.toml")),
    ("host", include_str!("tools/host.toml")),
    ("kubernetes", include_str!("tools/kubernetes.toml")),
    ("network", include_str!("tools/network.toml")),
    ("packages", include_str!("tools/packages.toml")),
    ("services", include_str!("tools/services.toml")),
    ("storage", include_str!("tools/storage.toml")),
    ("text", include_str!("tools/text.toml")),
    ("wrappers", include_str!("tools/wrappers.toml")),
];

static TOOLS: LazyLock<HashMap<String, Tool>> = LazyLock::new(|| read_all().unwrap_or_default());

/// What is known of the program `name`.
pub(super) fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.get(name)
}

/// Every program that is known.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Tool)> {
    TOOLS.iter().map(|(name, tool)| (name.as_str(), tool))
}

/// Reads every table.
///
/// # Errors
/// What is wrong, with the name of the table.
pub(super) fn read_all() -> Result<HashMap<String, Tool>, String> {
    let mut tools = HashMap::new();
    for (file, text) in FILES {
        let wrong = |error: &dyn std::fmt::Display| format!("{file}.toml: {error}");
        let table: toml::Table = text.parse().map_err(|error| wrong(&error))?;
        check_keys(&table).map_err(|error| wrong(&error))?;
        let read: FileText = table.try_into().map_err(|error| wrong(&error))?;
        for text in read.tool {
            let names: Vec<String> = text.names.split_whitespace().map(str::to_owned).collect();
            let tool = Tool::compile(text).map_err(|error| format!("{file}.toml: {}: {error}", names.join(" ")))?;
            for name in names {
                if tools.insert(name.clone(), tool.clone()).is_some() {
                    return Err(format!("{file}.toml: {name} is described twice"));
                }
            }
        }
    }
    Ok(tools)
}

/// Keys of a program, and of its commands too.
const RULE_KEYS: [&str; 13] = [
    "risk",
    "options",
    "change",
    "destroy",
    "unknown",
    "dry",
    "operands",
    "most",
    "least",
    "otherwise",
    "wraps",
    "stops",
    "check",
];

/// A misspelt key would silently leave out what it says. (serde cannot refuse unknown keys of flattened structs.)
fn check_keys(file: &toml::Table) -> Result<(), String> {
    const OF_TOOL: [&str; 8] =
        ["names", "argument_files", "style", "groups", "asks", "directories", "ignore_case", "command"];
    let tables =
        |value: &toml::Value| value.as_array().into_iter().flatten().filter_map(|v| v.as_table().cloned()).collect();
    let check = |table: &toml::Table, more: &[&str]| {
        let strange = table.keys().find(|key| !RULE_KEYS.contains(&key.as_str()) && !more.contains(&key.as_str()));
        strange.map_or(Ok(()), |key| Err(format!("{key} is no key that is known")))
    };
    let tools: Vec<toml::Table> = file.get("tool").map(tables).unwrap_or_default();
    for tool in &tools {
        check(tool, &OF_TOOL)?;
        let commands: Vec<toml::Table> = tool.get("command").map(tables).unwrap_or_default();
        commands.iter().try_for_each(|command| check(command, &["words"]))?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    tool: Vec<ToolText>,
}

#[derive(Deserialize)]
struct ToolText {
    names: String,
    #[serde(default)]
    style: Style,
    /// Words that stand before a command and only say what it is about.
    #[serde(default)]
    groups: String,
    /// Options whose values, or `*` for words, choose whom it asks over the network.
    #[serde(default)]
    asks: String,
    /// Further directories where this program counts as itself.
    #[serde(default)]
    directories: String,
    #[serde(default)]
    ignore_case: bool,
    /// `@file` stands for arguments in a file.
    #[serde(default)]
    argument_files: bool,
    #[serde(flatten)]
    rule: RuleText,
    #[serde(default)]
    command: Vec<CommandText>,
}

#[derive(Deserialize)]
struct CommandText {
    words: String,
    #[serde(flatten)]
    rule: RuleText,
}

#[derive(Deserialize)]
struct RuleText {
    /// What it does when nothing raises it.
    risk: Option<Risk>,
    /// Options that raise nothing, and those that raise to the level of their name.
    #[serde(default)]
    options: String,
    #[serde(default)]
    change: String,
    #[serde(default)]
    destroy: String,
    #[serde(default)]
    unknown: String,
    /// Options with which it only shows what it would do; a value after a colon.
    #[serde(default)]
    dry: String,
    #[serde(default)]
    operands: Operands,
    /// How many operands are harmless, and the least there have to be.
    most: Option<usize>,
    #[serde(default)]
    least: usize,
    /// What it is when there are more or fewer.
    #[serde(default = "unknown")]
    otherwise: Risk,
    /// What follows this many operands is another command.
    wraps: Option<usize>,
    /// Options end at the first operand; a check looks at what follows.
    #[serde(default)]
    stops: bool,
    check: Option<String>,
}

const fn unknown() -> Risk {
    Risk::Unknown
}

/// What operands are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operands {
    /// Names, patterns, numbers, or paths that are not opened.
    #[default]
    Any,
    /// Files that are read to their end; devices could have none, or could lose what is read.
    Files,
}

/// How one command is judged.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) risk: Risk,
    pub(super) table: Table,
    pub(super) dry: Vec<(String, Option<String>)>,
    pub(super) operands: Operands,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) otherwise: Risk,
    pub(super) wraps: Option<usize>,
    stops: bool,
    pub(super) check: Option<Check>,
}

impl Rule {
    fn compile(text: RuleText) -> Result<Self, String> {
        let mut table = Table::default();
        table.add(&text.options, Risk::Read);
        table.add(&text.change, Risk::Change);
        table.add(&text.destroy, Risk::Destroy);
        table.add(&text.unknown, Risk::Unknown);
        let mut dry = Vec::new();
        for word in text.dry.split_whitespace() {
            let (shape, value) = word.split_once(':').map_or((word, None), |(shape, value)| (shape, Some(value)));
            table.add(shape, Risk::Read);
            dry.push((shape.trim_end_matches(['=', '?']).to_owned(), value.map(str::to_owned)));
        }
        if let Some(name) = table.contradiction() {
            return Err(format!("whether {name} takes a value is said in two ways"));
        }
        let check =
            text.check.map(|name| checks::find(&name).ok_or(format!("there is no check {name}"))).transpose()?;
        Ok(Self {
            risk: text.risk.unwrap_or(Risk::Unknown),
            table,
            dry,
            operands: text.operands,
            least: text.least,
            most: text.most.unwrap_or(usize::MAX),
            otherwise: text.otherwise,
            wraps: text.wraps,
            stops: text.stops,
            check,
        })
    }

    /// Where options end: before the command that is wrapped, of a program whose command has a name of `length` words.
    pub(super) fn until(&self, length: usize) -> Until {
        if self.stops || self.wraps.is_some() { Until::Operand(length + 1) } else { Until::End }
    }

    /// Whether the options ask it only to show what it would do.
    pub(super) fn is_dry(&self, arguments: &Arguments<'_>) -> bool {
        let named = |name: &str| self.dry.iter().any(|(dry, _)| dry == name);
        // Of two that contradict each other the last one counts, in one program; in another the first, or both are refused.
        let taken_back = arguments.options.iter().any(|given| {
            let opposite = given.name.strip_prefix("--no-").map(|name| format!("--{name}"));
            (named(&given.name) && !self.asks_to_show(given)) || opposite.is_some_and(|name| named(&name))
        });
        !taken_back && arguments.options.iter().any(|given| named(&given.name))
    }

    /// Whether one of the `dry` options, as it was given, has a value with which it is one.
    fn asks_to_show(&self, given: &Given<'_>) -> bool {
        self.dry.iter().filter(|(name, _)| *name == given.name).any(|(name, wanted)| match (wanted, given.value) {
            (Some(wanted), value) => value == Some(wanted),
            (None, None) => true,
            // `--dry-run=false`; where a value always follows, any will do (`--print-avail NAME`).
            (None, Some(value)) => value == "true" || self.table.takes_next(name) == Some(true),
        })
    }
}

/// One word of the name of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    /// Any word that begins so.
    Start(String),
    /// Any number of words of the program's groups, none too.
    Groups,
}

#[derive(Clone, Debug)]
struct Command {
    words: Vec<Pattern>,
    rule: Rule,
}

/// One program.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    pub(super) style: Style,
    pub(super) asks: Vec<String>,
    pub(super) directories: Vec<String>,
    groups: Vec<String>,
    ignore_case: bool,
    pub(super) argument_files: bool,
    commands: Vec<Command>,
    /// What holds for every command, and for none.
    pub(super) rule: Rule,
}

/// The command of a program that is meant.
pub(super) struct Meant<'t> {
    /// How many operands name it.
    pub(super) length: usize,
    pub(super) rule: &'t Rule,
}

impl Tool {
    fn compile(text: ToolText) -> Result<Self, String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
        let mut commands = Vec::new();
        for command in text.command {
            let rule = Rule::compile(command.rule)?;
            for name in command.words.split('|') {
                let words: Vec<Pattern> = name.split_whitespace().map(pattern).collect();
                if words.is_empty() {
                    return Err(format!("a command of {} has no name", command.words));
                }
                commands.push(Command { words, rule: rule.clone() });
            }
        }
        Ok(Self {
            style: text.style,
            asks: words(&text.asks),
            directories: words(&text.directories),
            groups: words(&text.groups),
            ignore_case: text.ignore_case,
            argument_files: text.argument_files,
            commands,
            rule: Rule::compile(text.rule)?,
        })
    }

    /// Whether it has commands at all.
    pub(super) fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// The described command that `operands` begin with: the one with the longest name, of several the first.
    pub(super) fn meant(&self, operands: &[&str]) -> Option<Meant<'_>> {
        let mut best: Option<Meant<'_>> = None;
        for command in &self.commands {
            if let Some(length) = self.length(&command.words, operands)
                && best.as_ref().is_none_or(|best| best.length < length)
            {
                best = Some(Meant { length, rule: &command.rule });
            }
        }
        best
    }

    /// Whether some of its commands take the word after the option `name` for its value, and none does not.
    pub(super) fn any_takes_next(&self, name: &str) -> bool {
        let said = || self.commands.iter().filter_map(|command| command.rule.table.takes_next(name));
        said().any(|takes| takes) && said().all(|takes| takes)
    }

    /// How many operands the name `words` covers.
    fn length(&self, words: &[Pattern], operands: &[&str]) -> Option<usize> {
        let mut at = 0;
        for word in words {
            let operand = operands.get(at).copied();
            let same = |a: &str, b: &str| if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b };
            match (word, operand) {
                (Pattern::Groups, _) => {
                    while operands.get(at).is_some_and(|operand| self.groups.iter().any(|group| same(group, operand))) {
                        at += 1;
                    }
                }
                (Pattern::Exactly(word), Some(operand)) if same(word, operand) => at += 1,
                (Pattern::Start(start), Some(operand)) if operand.starts_with(start.as_str()) => at += 1,
                (Pattern::Exactly(_) | Pattern::Start(_), _) => return None,
            }
        }
        Some(at)
    }
}

fn pattern(word: &str) -> Pattern {
    match word.strip_suffix('*') {
        Some("*") => Pattern::Groups,
        Some(start) => Pattern::Start(start.to_owned()),
        None => Pattern::Exactly(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        let tools = read_all().unwrap_or_else(|error| panic!("{error}"));
        assert!(tools.len() > 200, "{}", tools.len());
    }
}

//! Judging the words of one command with what is known of its program.
//!
//! Owns: finding the program and its command, putting together what the tables and the checks say. Does not: know any program.
//!
//! Invariant: what a check says can only raise what the table says.

use super::options::{Arguments, Reader};
use super::tool::{self, Operands, Rule, Tool};
use super::{Risk, asked};

/// Directories whose programs are trusted to be what their names say.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"];

/// Commands inside commands that are looked into. More are no command that a person would read.
const MAX_DEPTH: u8 = 8;

/// Longest name of a command, in words, that is looked for.
const LONGEST_COMMAND: usize = 6;

/// What was found of a part of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) risk: Risk,
    /// One sentence without its full stop.
    pub(super) why: String,
}

impl Finding {
    pub(super) fn new(risk: Risk, why: impl Into<String>) -> Self {
        Self { risk, why: why.into() }
    }

    /// `name` only looks.
    pub(super) fn read(name: &str) -> Self {
        Self::new(Risk::Read, format!("{name} only looks"))
    }

    /// The finding `name: why` of this level.
    pub(super) fn of(risk: Risk, name: &str, why: &str) -> Self {
        Self::new(risk, format!("{name}: {why}"))
    }

    /// The word of `name` that is not known.
    pub(super) fn not_known(name: &str, word: &str) -> Self {
        Self::of(Risk::Unknown, name, &format!("{word} is not among the arguments that are known"))
    }

    /// The higher of both; this one when they are equal.
    #[must_use]
    pub(super) fn or_higher(self, other: Self) -> Self {
        if other.risk > self.risk { other } else { self }
    }
}

/// What a program can read from its standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Input {
    /// Nothing.
    #[default]
    Nothing,
    /// This text, which stands in the command line.
    Text(String),
    /// Something that other programs make.
    Content,
}

impl Input {
    /// What the next stage of a pipeline reads when this one is `words`.
    pub(super) fn after(words: &[&str], input: &Self) -> Self {
        match words {
            ["echo", rest @ ..] => {
                let rest = rest.strip_prefix(&["-n"]).unwrap_or(rest);
                match rest.first() {
                    Some(flag) if flag.starts_with('-') && flag.len() > 1 => Self::Content,
                    _ => Self::Text(format!("{}\n", rest.join(" "))),
                }
            }
            ["printf", format] if !format.contains('%') => unescaped(format).map_or(Self::Content, Self::Text),
            ["true" | ":"] => Self::Nothing,
            ["cat"] => input.clone(),
            _ => Self::Content,
        }
    }
}

/// The text that `printf` makes of a format without conversions; `None` when it is not plain.
fn unescaped(format: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        text.push(match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '\\' => '\\',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

/// Where a command stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Context<'a> {
    pub(super) input: Input,
    /// Words that someone outside has a part in.
    pub(super) outside: &'a [&'a str],
    /// How many commands this one is inside of.
    pub(super) depth: u8,
}

impl Context<'_> {
    /// For a command inside this one.
    pub(super) fn inner(&self) -> Self {
        Self { input: self.input.clone(), outside: self.outside, depth: self.depth.saturating_add(1) }
    }

    /// As [`Context::inner`], with another standard input.
    pub(super) fn fed(&self, input: Input) -> Self {
        Self { input, ..self.inner() }
    }
}

/// A command of a known program, taken apart.
pub(super) struct Call<'a> {
    /// The program's bare name.
    pub(super) name: &'a str,
    /// The words that name the command, empty for a program without commands.
    pub(super) command: &'a [&'a str],
    /// Operands after the command's name.
    pub(super) operands: &'a [&'a str],
    pub(super) arguments: &'a Arguments<'a>,
    /// All words after the program's name, as they were given.
    pub(super) words: &'a [&'a str],
    pub(super) context: &'a Context<'a>,
}

impl Call<'_> {
    /// A finding that names the program.
    pub(super) fn finding(&self, risk: Risk, why: &str) -> Finding {
        Finding::of(risk, self.name, why)
    }

    /// It only looks.
    pub(super) fn reads(&self) -> Finding {
        Finding::read(self.name)
    }
}

/// The finding of one command.
pub(super) fn words(words: &[&str], context: &Context<'_>) -> Finding {
    let Some((program, arguments)) = words.split_first() else {
        return Finding::new(Risk::Unknown, "No program is named");
    };
    if context.depth > MAX_DEPTH {
        return Finding::new(Risk::Unknown, format!("{program} stands inside more than {MAX_DEPTH} other commands"));
    }
    let (name, known, trusted) = program_of(program);
    if !trusted {
        return Finding::new(
            Risk::Unknown,
            format!("{program} is named by a path outside the system's directories, so it can be any program"),
        );
    }
    match known {
        Some(tool) => of_tool(tool, name, arguments, context),
        None => Finding::new(Risk::Unknown, format!("{name} is not among the programs that are known")),
    }
}

/// The bare name of `program`, what is known of it, and whether it is the program of that name.
pub(super) fn program_of(program: &str) -> (&str, Option<&'static Tool>, bool) {
    let (directory, name) = program.rsplit_once('/').map_or((None, program), |(path, name)| (Some(path), name));
    let known = tool::find(name);
    let trusted = directory.is_none_or(|directory| {
        SYSTEM_DIRECTORIES.contains(&directory)
            || known.is_some_and(|tool| tool.directories.iter().any(|trusted| trusted == directory))
    });
    (name, known, trusted)
}

/// The finding of `words` by the table `key`, which no command line can name since it contains a slash.
pub(super) fn by_table(key: &str, name: &str, words: &[&str], context: &Context<'_>) -> Finding {
    match tool::find(key) {
        Some(tool) => of_tool(tool, name, words, context),
        None => Finding::new(Risk::Unknown, format!("{name} is not among the programs that are known")),
    }
}

fn of_tool(tool: &Tool, name: &str, words: &[&str], context: &Context<'_>) -> Finding {
    if let Some(finding) = asked::by_outside(tool, name, words, context) {
        return finding;
    }
    // Programs built on kingpin replace `@file` by the arguments in that file.
    if let Some(word) = words.iter().find(|word| tool.argument_files && word.starts_with('@')) {
        return Finding::of(Risk::Unknown, name, &format!("{word} stands for arguments in a file"));
    }
    let (rule, length, arguments) = match meaning(tool, words) {
        Ok(meaning) => meaning,
        Err(Unclear::Word(word)) => return Finding::not_known(name, &word),
        Err(Unclear::Command) => {
            return Finding::of(Risk::Unknown, name, "which of its commands is meant is not clear");
        }
    };
    let (command, operands) = arguments.operands.split_at(length.min(arguments.operands.len()));
    let call = Call { name, command, operands, arguments: &arguments, words, context };
    by_rule(rule, &tool.rule, &call)
}

/// Why it cannot be told what the words of a command mean.
pub(super) enum Unclear {
    /// This word, or these words, are not known.
    Word(String),
    /// Which of its commands is meant is not clear.
    Command,
}

/// The rule for `words` of `tool`, how many operands name its command, and all arguments.
pub(super) fn meaning<'t, 'a>(tool: &'t Tool, words: &[&'a str]) -> Result<(&'t Rule, usize, Arguments<'a>), Unclear> {
    let mut reader =
        Reader { tables: [Some(&tool.rule.table), None], style: tool.style, until: super::options::Until::End };
    let guessed = if tool.has_commands() {
        reader.guess(words, LONGEST_COMMAND, |name| tool.any_takes_next(name))
    } else {
        Vec::new()
    };
    let (rule, length) = match tool.meant(&guessed) {
        Some(meant) => (meant.rule, meant.length),
        None if guessed.is_empty() => (&tool.rule, 0),
        None => {
            let command: Vec<&str> = guessed.iter().take(2).copied().collect();
            return Err(Unclear::Word(command.join(" ")));
        }
    };
    reader.tables = [Some(&rule.table), Some(&tool.rule.table)];
    reader.until = rule.until(length);
    let arguments = reader.read(words).map_err(Unclear::Word)?;
    // With the options of this command known, it has to be the same command still.
    let confirmed = match tool.meant(&arguments.operands) {
        Some(meant) => std::ptr::eq(meant.rule, rule) && meant.length == length,
        None => length == 0 && (arguments.operands.is_empty() || !tool.has_commands()),
    };
    if confirmed && arguments.operands.len() >= length { Ok((rule, length, arguments)) } else { Err(Unclear::Command) }
}

/// What the table and the check of a command say.
fn by_rule(rule: &Rule, whole: &Rule, call: &Call<'_>) -> Finding {
    let raised = call.arguments.options.iter().max_by_key(|given| given.raises);
    let raised = raised.filter(|given| given.raises > Risk::Read);
    let dry = rule.is_dry(call.arguments) || whole.is_dry(call.arguments);
    if dry && call.operands.len() <= rule.most && raised.is_none_or(|given| given.raises < Risk::Unknown) {
        return Finding::of(Risk::Read, call.name, "it only shows what it would do");
    }
    let label = if call.command.is_empty() {
        call.name.to_owned()
    } else {
        format!("{} {}", call.name, call.command.join(" "))
    };
    let mut finding = Finding::new(rule.risk, sentence(&label, rule.risk));
    if let Some(given) = raised {
        finding =
            finding.or_higher(Finding::new(given.raises, sentence(&format!("{label} {}", given.name), given.raises)));
    }
    finding.or_higher(by_operands(rule, call, &label))
}

fn sentence(what: &str, risk: Risk) -> String {
    match risk {
        Risk::Query | Risk::Read => format!("{what} only looks"),
        Risk::Change => format!("{what} changes what can be changed back"),
        Risk::Destroy => format!("{what} takes something away or is hard to undo"),
        Risk::Unknown => format!("{what} can do anything"),
    }
}

fn by_operands(rule: &Rule, call: &Call<'_>, label: &str) -> Finding {
    let mut finding = Finding::read(label);
    let count = call.operands.len();
    if rule.wraps.is_none() && (count < rule.least || count > rule.most) {
        finding = finding.or_higher(Finding::new(
            rule.otherwise,
            format!("{} with {count} operands", sentence(label, rule.otherwise)),
        ));
    }
    if rule.operands == Operands::Files {
        finding = finding.or_higher(files(call.name, call.operands));
    }
    if let Some(skipped) = rule.wraps {
        finding = finding.or_higher(match call.operands.get(skipped..) {
            Some(inner @ [_, ..]) => self::words(inner, &call.context.inner()),
            _ => Finding::new(rule.otherwise, sentence(label, rule.otherwise)),
        });
    }
    match rule.check {
        Some(check) => finding.or_higher(check(call)),
        None => finding,
    }
}

/// Files that are read to their end.
pub(super) fn files(name: &str, paths: &[&str]) -> Finding {
    match paths.iter().find(|path| is_device(path)) {
        Some(path) => {
            let why = format!("{path} is a device, and reading a device can have effects or no end");
            Finding::of(Risk::Unknown, name, &why)
        }
        None => Finding::read(name),
    }
}

/// Whether a path leads into /dev, other than to /dev/null and /dev/shm. Taken from the words alone: a path that does not
/// begin at the root is taken as if it did.
pub(super) fn is_device(path: &str) -> bool {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    match names.as_slice() {
        ["dev", "null"] | ["dev", "shm", _, ..] => false,
        ["dev", _, ..] => true,
        ["proc", "kmsg"] => true,
        // /proc/self/fd/3, /sys/kernel/debug/tracing/trace_pipe
        ["proc", _, "fd", ..] | ["sys", "kernel", "debug" | "tracing", ..] => true,
        _ => false,
    }
}

//! Which commands only look.
//!
//! Owns: the list of programs and arguments that are plainly harmless. Does not: try to tell a small change from a
//! disaster; everything that is not on the list is `Unknown`, which needs the strongest approval.
//!
//! Invariants: nothing is harmless by a prefix: every word of a command has been looked at and is known. A program counts
//! only by its bare name or in a directory of the system, since `./cat` may be anything.
//!
//! "Only looks" means: starts no other program, writes no file, sends nothing but the request for what it reads, does not
//! run without end. Whoever is asked over the network is named by the document, never by a value that came from outside:
//! the request itself can have effects there. It says nothing about load (`find /`) or about secrets in what is read.

mod containers;
mod environment;
mod files;
mod jq;
mod network;
mod options;
mod system;

use super::risk::Risk;
use super::spec::{Invocation, Stage, Word};
use options::{Arguments, Options};

/// Directories whose programs are trusted to be what their names say.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"];

/// The risk of `invocation`, the highest of its stages, and why, one sentence for each different program.
#[must_use]
pub fn classify(invocation: &Invocation) -> (Risk, Vec<String>) {
    let script = match invocation {
        Invocation::Bash { reason, .. } => {
            return (
                Risk::Unknown,
                vec![format!("Only a shell can run it, and what a shell does is not judged: {reason}")],
            );
        }
        Invocation::Argv { script } => script,
    };
    let mut risk = Risk::Read;
    let mut reasons: Vec<String> = Vec::new();
    for (_, pipeline) in &script.parts {
        let mut input = Input::Nothing;
        for stage in &pipeline.stages {
            let reason = match check(stage, input) {
                Ok(name) => format!("{name} only looks"),
                Err(why) => {
                    risk = Risk::Unknown;
                    why
                }
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            input = output_of(stage);
        }
    }
    (risk, reasons)
}

/// What a program can read from its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// Nothing, or an empty line.
    Nothing,
    /// The output of another stage.
    Content,
}

/// `echo | openssl s_client …` is the usual way to end a connection after the handshake; `Q` asks for that in words.
fn output_of(stage: &Stage) -> Input {
    let words: Vec<String> = stage.argv.iter().map(Word::text).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo"] | ["echo", "Q"] | ["true"] => Input::Nothing,
        _ => Input::Content,
    }
}

/// The name of the program when the stage only looks, else why that is not known.
fn check(stage: &Stage, input: Input) -> Result<String, String> {
    let words: Vec<String> = stage.argv.iter().map(Word::text).collect();
    let mut words = words.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let name = bare_name(program).ok_or_else(|| {
        format!("{program} is named by a path outside the system's directories, so it can be any program")
    })?;
    let arguments: Vec<&str> = words.collect();
    let rule = rule(name).ok_or_else(|| format!("{name} is not on the list of programs that only look"))?;
    let checked = match rule {
        Rule::Anything => Ok(()),
        Rule::Known(options, operands) => options::parse(&options, &arguments)
            .map_err(|word| not_known(&word))
            .and_then(|arguments| operands.check(&arguments.operands)),
        Rule::Checked(options, check) => options::parse(&options, &arguments)
            .map_err(|word| not_known(&word))
            .and_then(|arguments| check(&arguments)),
        Rule::Own(check) => check(&arguments),
        Rule::Fed(check) => check(&arguments, input),
    };
    let checked = checked.and_then(|()| environment::check(stage)).and_then(|()| network::host_is_ours(name, stage));
    checked.map(|()| name.to_owned()).map_err(|why| format!("{name}: {why}"))
}

fn not_known(word: &str) -> String {
    format!("{word} is not on its list of harmless arguments")
}

fn bare_name(program: &str) -> Option<&str> {
    let name = SYSTEM_DIRECTORIES.iter().find_map(|directory| program.strip_prefix(directory)).unwrap_or(program);
    (!name.contains('/') && !name.is_empty()).then_some(name)
}

/// What is known of a program. An error is the end of a sentence that begins with the program's name and a colon.
#[derive(Clone, Copy)]
enum Rule {
    /// No argument can make it do more than look.
    Anything,
    /// These options, these operands.
    Known(Options, Operands),
    /// These options, and a check of what they and the operands say.
    Checked(Options, fn(&Arguments<'_>) -> Result<(), String>),
    /// A syntax of its own.
    Own(fn(&[&str]) -> Result<(), String>),
    /// As `Own`, but what it does with its standard input matters too.
    Fed(fn(&[&str], Input) -> Result<(), String>),
}

/// Which operands are harmless.
#[derive(Clone, Copy)]
enum Operands {
    /// Any: they are patterns, names, numbers or paths that are not opened.
    Any,
    /// At most this many.
    AtMost(usize),
    /// Files that are read to their end; devices could have none or could lose what is read.
    Files,
}

impl Operands {
    fn check(self, operands: &[&str]) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::AtMost(most) if operands.len() <= most => Ok(()),
            Self::AtMost(most) => Err(format!("only {most} arguments that are no options are harmless")),
            Self::Files => operands.iter().find(|path| is_device(path)).map_or(Ok(()), |path| {
                Err(format!("{path} is a device, and reading a device can have effects or no end"))
            }),
        }
    }
}

/// Whether a path leads into /dev, other than to /dev/null and /dev/shm. Taken from the words alone: a path that does not
/// begin at the root is taken as if it did.
fn is_device(path: &str) -> bool {
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

fn rule(name: &str) -> Option<Rule> {
    files::rule(name).or_else(|| system::rule(name)).or_else(|| network::rule(name)).or_else(|| containers::rule(name))
}

/// A rule of options and operands.
const fn known(short: &'static str, long: &'static [&'static str], operands: Operands) -> Option<Rule> {
    Some(Rule::Known(Options { short, long }, operands))
}

/// A rule of options and a check.
const fn checked(
    short: &'static str,
    long: &'static [&'static str],
    check: fn(&Arguments<'_>) -> Result<(), String>,
) -> Option<Rule> {
    Some(Rule::Checked(Options { short, long }, check))
}

#[cfg(test)]
mod labelled;
#[cfg(test)]
mod tests;

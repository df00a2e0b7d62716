//! Finds parameters in a script by one pass over its bytes.
//!
//! Owns: just enough of shell syntax to tell a hole from a redirection, a quoted text or a variable that the script sets
//! itself. Does not: parse commands (see `action::grammar`). Works on any text, in linear time, without recursion.

use std::collections::BTreeSet;

use super::{ParamUse, normalise};
use crate::domain::procedure::Span;

/// A placeholder longer than this is taken for something else.
const MAX_PLACEHOLDER: usize = 64;

/// Variables that a login shell or bash itself sets.
#[rustfmt::skip]
const ENVIRONMENT: &[&str] = &[
    "BASH", "BASH_VERSION", "COLUMNS", "EDITOR", "EUID", "HOME", "HOSTNAME", "IFS", "LANG", "LC_ALL", "LINENO", "LINES",
    "LOGNAME", "OLDPWD", "OPTARG", "OPTIND", "PAGER", "PATH", "PIPESTATUS", "PPID", "PS1", "PWD", "RANDOM", "REPLY",
    "SECONDS", "SHELL", "SHLVL", "TERM", "TMPDIR", "TZ", "UID", "USER", "_",
];

/// Words of Go templates that stand alone in braces.
const TEMPLATE_WORDS: &[&str] =
    &["end", "else", "break", "continue", "block", "define", "range", "if", "with", "template"];

/// Every occurrence of a parameter in `script`, in order.
///
/// Not parameters: comments, `$` in single quotes, `$?`, `$1`, `$$`, `$(…)`, variables that the script sets before, the
/// variables that every shell has, redirections (`< file`, `<<EOF`) and template words (`{{end}}`, `{{.name}}`).
#[must_use]
pub fn find(script: &str) -> Vec<ParamUse> {
    let mut scanner = Scanner::new(script);
    scanner.run();
    scanner.uses
}

/// What the current byte stands inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Double,
    Substitution,
    Backtick,
}

/// The command being read.
struct CommandState<'a> {
    role: WordRole,
    /// The variable that the present word sets; its old value is what the rest of the word sees.
    setting: Option<&'a str>,
    /// Variables set by earlier words; they last only if no program follows.
    pending: BTreeSet<&'a str>,
}

impl CommandState<'_> {
    const fn new() -> Self {
        Self { role: WordRole::Command, setting: None, pending: BTreeSet::new() }
    }
}

/// What the next word means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WordRole {
    /// A program, an assignment or a reserved word.
    Command,
    /// An argument.
    Argument,
    /// Arguments that set variables (`export A=1`, `read a b`).
    Declaration,
    /// The variable of a `for`.
    LoopVariable,
}

struct HereDoc {
    delimiter: String,
    expands: bool,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// What is open, with the command that it interrupted.
    contexts: Vec<(Context, CommandState<'a>)>,
    /// Where the open backtick stands among them; a second one always closes the first.
    backtick: Option<usize>,
    command: CommandState<'a>,
    word_start: bool,
    assigned: BTreeSet<&'a str>,
    heredocs: Vec<HereDoc>,
    uses: Vec<ParamUse>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            contexts: Vec::new(),
            backtick: None,
            command: CommandState::new(),
            word_start: true,
            assigned: BTreeSet::new(),
            heredocs: Vec::new(),
            uses: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.inside() == Some(Context::Double) {
                self.in_double_quotes(byte);
            } else {
                self.unquoted(byte);
            }
        }
    }

    fn inside(&self) -> Option<Context> {
        self.contexts.last().map(|(context, _)| *context)
    }

    /// Begins a command inside the present one; double quotes go on with the present one.
    fn open(&mut self, context: Context) {
        let interrupted = match context {
            Context::Double => CommandState::new(),
            Context::Substitution | Context::Backtick => std::mem::replace(&mut self.command, CommandState::new()),
        };
        self.word_start = context != Context::Double;
        self.contexts.push((context, interrupted));
    }

    /// Ends what `open` began; the word around it goes on.
    fn close(&mut self) {
        match self.contexts.pop() {
            Some((Context::Substitution | Context::Backtick, interrupted)) => {
                self.end_command();
                self.command = interrupted;
            }
            Some((Context::Double, _)) | None => {}
        }
        self.word_start = false;
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn in_double_quotes(&mut self, byte: u8) {
        match byte {
            b'\\' => self.at += 2,
            b'"' => {
                self.close();
                self.at += 1;
            }
            b'$' => self.dollar(),
            b'<' => self.angle(),
            b'{' => self.braces(),
            b'`' => self.backtick(),
            _ => self.at += 1,
        }
    }

    fn unquoted(&mut self, byte: u8) {
        if self.word_start && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'#') {
            self.begin_word();
        }
        match byte {
            b'\\' => self.at += 2,
            b'\'' => self.single_quotes(),
            b'"' => {
                self.open(Context::Double);
                self.at += 1;
            }
            b'$' => self.dollar(),
            b'<' => self.angle(),
            b'{' => self.braces(),
            b'`' => self.backtick(),
            b'#' if self.word_start => self.at = self.line_end(self.at),
            b'\n' => self.newline(),
            b' ' | b'\t' | b'\r' => {
                self.word_start = true;
                self.at += 1;
            }
            b';' | b'&' | b'|' => self.separator(),
            b'(' => {
                if self.contexts.is_empty() {
                    self.end_command();
                } else {
                    self.open(Context::Substitution);
                }
                self.at += 1;
            }
            b')' => {
                if self.inside() == Some(Context::Substitution) {
                    self.close();
                } else {
                    self.end_command();
                }
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    fn line_end(&self, from: usize) -> usize {
        self.bytes
            .get(from..)
            .and_then(|rest| rest.iter().position(|b| *b == b'\n'))
            .map_or(self.bytes.len(), |n| from + n)
    }

    fn separator(&mut self) {
        // `2>&1` and `&>` belong to a redirection.
        let redirection = self.bytes.get(self.at) == Some(&b'&')
            && (self.at.checked_sub(1).and_then(|i| self.bytes.get(i)) == Some(&b'>') || self.peek(1) == Some(b'>'));
        if !redirection {
            self.end_command();
        }
        self.at += 1;
    }

    fn end_command(&mut self) {
        self.assigned.extend(self.command.setting.take());
        self.assigned.append(&mut self.command.pending);
        self.command.role = WordRole::Command;
        self.word_start = true;
    }

    fn newline(&mut self) {
        self.end_command();
        self.at += 1;
        for heredoc in std::mem::take(&mut self.heredocs) {
            self.heredoc_body(&heredoc);
        }
    }

    /// Looks at the word that begins here and decides what the following ones mean.
    fn begin_word(&mut self) {
        self.word_start = false;
        self.command.pending.extend(self.command.setting.take());
        let name = self.identifier(self.at);
        let after = self.bytes.get(self.at + name.len()).copied();
        let assigns = !name.is_empty()
            && (after == Some(b'=') || (after == Some(b'+') && self.peek(name.len() + 1) == Some(b'=')));
        let ends = matches!(after, None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')'));
        match self.command.role {
            WordRole::Command if assigns => self.command.setting = Some(name),
            WordRole::Command if ends => self.role_after(name),
            WordRole::Command => {
                // `{` opens a group: a command follows. Anything else is the program.
                if self.bytes.get(self.at) != Some(&b'{') && self.bytes.get(self.at) != Some(&b'!') {
                    self.command.pending.clear();
                    self.command.role = WordRole::Argument;
                }
            }
            WordRole::Declaration if assigns || (ends && !name.is_empty()) => self.command.setting = Some(name),
            WordRole::LoopVariable => {
                self.assigned.insert(name);
                self.command.role = WordRole::Argument;
            }
            WordRole::Argument | WordRole::Declaration => {}
        }
    }

    fn role_after(&mut self, word: &str) {
        match word {
            "then" | "do" | "else" | "elif" | "if" | "while" | "until" | "time" => {}
            "for" | "select" => self.command.role = WordRole::LoopVariable,
            "export" | "local" | "readonly" | "declare" | "typeset" | "read" | "mapfile" => {
                self.command.role = WordRole::Declaration;
            }
            _ => {
                self.command.pending.clear();
                self.command.role = WordRole::Argument;
            }
        }
    }

    /// The shell identifier at `from`; empty when there is none.
    fn identifier(&self, from: usize) -> &'a str {
        let rest = self.bytes.get(from..).unwrap_or_default();
        if !rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
            return "";
        }
        let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len());
        self.text.get(from..from + length).unwrap_or_default()
    }

    fn single_quotes(&mut self) {
        self.at += 1;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\'').map_or(self.bytes.len(), |n| self.at + n);
        self.placeholders_until(end);
        self.at = end + 1;
    }

    /// Reads text in which `$` means nothing.
    fn placeholders_until(&mut self, end: usize) {
        while self.at < end {
            match self.bytes.get(self.at) {
                Some(b'<') => self.angle_in_text(),
                Some(b'{') => self.braces(),
                _ => self.at += 1,
            }
        }
    }

    fn backtick(&mut self) {
        self.at += 1;
        match self.backtick.take() {
            Some(opened) => {
                while self.contexts.len() > opened {
                    self.close();
                }
            }
            None => {
                self.backtick = Some(self.contexts.len());
                self.open(Context::Backtick);
            }
        }
    }

    fn dollar(&mut self) {
        match self.peek(1) {
            Some(b'(') => {
                self.open(Context::Substitution);
                self.at += 2;
            }
            Some(b'{') => self.braced_variable(),
            Some(b'$') => self.at += 2,
            _ => {
                let name = self.identifier(self.at + 1);
                self.variable(name, self.at, self.at + 1 + name.len());
                self.at += 1 + name.len();
            }
        }
    }

    /// `${NS}` is a parameter as a whole; of `${NS%x}` it is the name; `${NS:-x}` has its value with it.
    fn braced_variable(&mut self) {
        let start = self.at + 2;
        let name = self.identifier(start);
        let end = start + name.len();
        let rest = self.bytes.get(end..).unwrap_or_default();
        match rest {
            [b'}', ..] => self.variable(name, self.at, end + 1),
            [b':', b'-' | b'=' | b'+', ..] | [b'-' | b'=' | b'+' | b'[' | b'@', ..] => {}
            _ => self.variable(name, start, end),
        }
        self.at = end;
    }

    fn variable(&mut self, name: &str, start: usize, end: usize) {
        let own = self.assigned.contains(name) || self.command.pending.contains(name);
        if !name.is_empty() && !own && !ENVIRONMENT.contains(&name) {
            self.push(name, start, end);
        }
    }

    fn push(&mut self, name: &str, start: usize, end: usize) {
        let surface = self.text.get(start..end).unwrap_or_default().to_owned();
        self.uses.push(ParamUse { name: normalise(name), surface, span: Span { start, end } });
    }

    fn angle(&mut self) {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"<<")) {
            self.heredoc_operator();
        } else {
            self.angle_in_text();
        }
    }

    fn angle_in_text(&mut self) {
        let start = self.at;
        let rest = self.bytes.get(start + 1..).unwrap_or_default();
        let window = rest.get(..rest.len().min(MAX_PLACEHOLDER + 1)).unwrap_or_default();
        let length = window.iter().position(|b| !is_placeholder_byte(*b)).filter(|n| window.get(*n) == Some(&b'>'));
        match length.and_then(|length| self.text.get(start + 1..start + 1 + length)) {
            Some(name) if is_placeholder_name(name) => {
                let end = start + name.len() + 2;
                self.push(name, start, end);
                self.at = end;
            }
            _ => self.at += 1,
        }
    }

    fn braces(&mut self) {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let window_end = rest.len().min(MAX_PLACEHOLDER);
        let inner = rest.strip_prefix("{{").and_then(|rest| {
            let close = rest.as_bytes().iter().take(window_end).position(|b| *b == b'}')?;
            rest.as_bytes().get(close..)?.starts_with(b"}}").then(|| rest.get(..close)).flatten()
        });
        let Some(inner) = inner else {
            self.at += 1;
            return;
        };
        let end = start + inner.len() + 4;
        let name = inner.trim();
        let name = name.strip_prefix("$labels.").or_else(|| name.strip_prefix(".Labels.")).unwrap_or(name);
        if is_template_name(name) {
            self.push(name, start, end);
            self.at = end;
        } else {
            // A template of its own may have parameters in it.
            self.at = start + 2;
        }
    }

    fn heredoc_operator(&mut self) {
        if self.peek(2) == Some(b'<') {
            self.at += 3;
            return;
        }
        let in_quotes = self.inside() == Some(Context::Double);
        self.at += 2;
        if in_quotes {
            return;
        }
        while matches!(self.peek(0), Some(b'-' | b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        while self.peek(0).is_some_and(|b| !b.is_ascii_whitespace() && !matches!(b, b';' | b'|' | b'&' | b')' | b'>')) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        let delimiter = word.replace(['\'', '"', '\\'], "");
        if !delimiter.is_empty() {
            self.heredocs.push(HereDoc { expands: delimiter.len() == word.len(), delimiter });
        }
    }

    fn heredoc_body(&mut self, heredoc: &HereDoc) {
        while self.at < self.bytes.len() {
            let end = self.line_end(self.at);
            let line = self.text.get(self.at..end).unwrap_or_default();
            if line.trim() == heredoc.delimiter {
                self.at = end;
                return;
            }
            if heredoc.expands {
                while self.at < end {
                    match self.bytes.get(self.at) {
                        Some(b'\\') => self.at += 2,
                        Some(b'$') if self.peek(1) != Some(b'(') => self.dollar(),
                        Some(b'<') => self.angle_in_text(),
                        Some(b'{') => self.braces(),
                        _ => self.at += 1,
                    }
                }
            } else {
                self.placeholders_until(end);
            }
            self.at = self.at.max(end) + 1;
        }
    }
}

const fn is_placeholder_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b' ' | b'_' | b'-' | b'.' | b':' | b'/' | b'|' | b',' | b'@' | b'\'' | b'#')
}

/// `<pod name>` is a placeholder; `<in >out`, `<https://x>` and `</p>` are not.
fn is_placeholder_name(name: &str) -> bool {
    name.starts_with(char::is_alphabetic)
        && !name.ends_with([' ', '/', '\''])
        && !name.contains("://")
        && !name.contains(" |")
        && !name.contains("  ")
}

fn is_template_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '))
        && !name.split(' ').next().is_some_and(|word| TEMPLATE_WORDS.contains(&word))
}

#[cfg(test)]
mod tests;

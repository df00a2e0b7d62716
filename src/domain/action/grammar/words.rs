//! Words and characters that put a script outside the grammar wherever they stand.

use super::Stop;
use super::expand::Cooked;
use super::lexer::{Part, RawWord};
use super::session::word_of;

/// Reserved words of bash 5.2, as `compgen -k` lists them.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "!", "[[", "]]", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

/// Builtins of bash 5.2 (`compgen -b`) that change the shell itself or read from it. A program of the same name, if there is
/// one, would do something else. Left out are those for which the program does the same: `echo`, `false`, `kill`, `printf`,
/// `pwd`, `test`, `true`.
#[rustfmt::skip]
const BUILTINS: &[&str] = &[
    ".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen", "complete", "compopt",
    "continue", "declare", "dirs", "disown", "enable", "eval", "exec", "exit", "export", "fc", "fg", "getopts", "hash", "help",
    "history", "jobs", "let", "local", "logout", "mapfile", "popd", "pushd", "read", "readarray", "readonly", "return", "set",
    "shift", "shopt", "source", "suspend", "times", "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
];

/// Says which character of `script` cannot be seen or is a control character; `None` when there is none.
///
/// A person has to be able to see what they approve, and a space that is none is a mistake in the document.
pub(super) fn strange_character(script: &str) -> Option<String> {
    let strange = script.chars().find(|c| match c {
        '\n' | '\t' | ' ' => false,
        c => c.is_control() || c.is_whitespace() || is_invisible(*c),
    })?;
    Some(format!("it contains the character U+{:04X}, which cannot be seen", u32::from(strange)))
}

/// Soft hyphen, zero-width and direction marks, variation selectors, byte order mark, tags.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Variables that change how bash reads or runs what follows, and those that it keeps for itself (bash manual, "Shell
/// Variables"). All whose names begin with `BASH` belong to them.
#[rustfmt::skip]
const THE_SHELLS_OWN: &[&str] = &[
    "CDPATH", "CHILD_MAX", "COMP_CWORD", "COMP_KEY", "COMP_LINE", "COMP_POINT", "COMP_TYPE", "COMP_WORDBREAKS", "COMP_WORDS",
    "COMPREPLY", "DIRSTACK", "ENV", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "EXECIGNORE", "FCEDIT", "FIGNORE", "FUNCNAME",
    "FUNCNEST", "GLOBIGNORE", "GROUPS", "HISTCMD", "IFS", "IGNOREEOF", "LINENO", "MAPFILE", "OLDPWD", "OPTARG", "OPTERR",
    "OPTIND", "PATH", "PIPESTATUS", "POSIXLY_CORRECT", "PPID", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "PWD",
    "RANDOM", "READLINE_LINE", "REPLY", "SECONDS", "SHELL", "SHELLOPTS", "SHLVL", "SRANDOM", "TIMEFORMAT", "TMOUT", "UID", "_",
];

/// Whether bash itself gives the variable `name` a meaning, so that setting it is more than setting a variable.
pub(super) fn is_the_shells_own(name: &str) -> bool {
    name.starts_with("BASH") || THE_SHELLS_OWN.contains(&name)
}

/// Refuses first words that mean something to a shell as they are written.
pub(super) fn check_written(word: &RawWord) -> Result<(), Stop> {
    let Some(name) = word.only_literal() else { return Ok(()) };
    if RESERVED.contains(&name.as_str()) {
        return Stop::outside(format!("it uses the reserved word \"{name}\""));
    }
    if name == "export" || name == "cd" {
        return Stop::outside(format!("it uses {name} in a pipeline or with a variable of its own, where it is lost"));
    }
    Ok(())
}

/// Refuses first words that a shell would not take as the name of a program, once values are in them.
pub(super) fn check_program(written: &RawWord, word: Option<&Cooked>) -> Result<(), Stop> {
    let parameter = written.parts.iter().any(|part| matches!(part, Part::Parameter(..)));
    if parameter || word.is_some_and(|word| word.iter().any(|bit| bit.hole.is_some())) {
        return Stop::broken("a parameter decides which program would run; write the program's name into the document");
    }
    let Some(word) = word else {
        return Stop::outside("an empty variable stands where the program should");
    };
    let name = word_of(word).text();
    if RESERVED.contains(&name.as_str()) {
        return Stop::outside(format!("it uses the reserved word \"{name}\""));
    }
    if BUILTINS.contains(&name.as_str()) {
        return Stop::outside(format!("it uses the shell's own command {name}"));
    }
    if name.contains('=') {
        return Stop::outside("it sets a variable in a way that only a shell understands");
    }
    if name.is_empty() {
        return Stop::broken("the name of a program is empty");
    }
    Ok(())
}

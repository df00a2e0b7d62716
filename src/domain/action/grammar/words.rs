//! Words and characters that put a script outside the grammar wherever they stand.

use super::Stop;
use super::lexer::RawWord;

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

/// Refuses first words that a shell would not take as the name of a program.
pub(super) fn check_program(word: &RawWord) -> Result<(), Stop> {
    if word.has_value() {
        return Stop::broken("a parameter decides which program would run; write the program's name into the document");
    }
    let name = word.literal();
    if RESERVED.contains(&name.as_str()) {
        return Stop::outside(format!("it uses the reserved word \"{name}\""));
    }
    if BUILTINS.contains(&name.as_str()) {
        return Stop::outside(format!("it uses the shell's own command {name}"));
    }
    if name.contains('=') {
        return Stop::outside("it sets a variable");
    }
    if name.is_empty() {
        return Stop::broken("the name of a program is empty");
    }
    Ok(())
}

//! Expressions of `find`.
//!
//! Owns: its tests and actions, which are single words. Not known on purpose: `-files0-from`.

use super::Risk;
use super::items::{self, Seen};
use super::judge::{self, Call, Finding, Input};
use super::wrappers::ITEM;

/// Tests and actions that only look, and how many words each takes.
#[rustfmt::skip]
const HARMLESS: &[(&str, usize)] = &[
    ("!", 0), ("(", 0), (")", 0), (",", 0), ("-a", 0), ("-and", 0), ("-daystart", 0), ("-depth", 0), ("-d", 0), ("-empty", 0),
    ("-executable", 0), ("-false", 0), ("-follow", 0), ("-ignore_readdir_race", 0), ("-ls", 0), ("-mount", 0), ("-nogroup", 0),
    ("-noleaf", 0), ("-not", 0), ("-nouser", 0), ("-nowarn", 0), ("-o", 0), ("-or", 0), ("-print", 0), ("-print0", 0),
    ("-prune", 0), ("-quit", 0), ("-readable", 0), ("-true", 0), ("-warn", 0), ("-writable", 0), ("-xdev", 0),
    ("-amin", 1), ("-anewer", 1), ("-atime", 1), ("-cmin", 1), ("-cnewer", 1), ("-ctime", 1), ("-fstype", 1), ("-gid", 1),
    ("-group", 1), ("-ilname", 1), ("-iname", 1), ("-inum", 1), ("-ipath", 1), ("-iregex", 1), ("-links", 1), ("-lname", 1),
    ("-maxdepth", 1), ("-mindepth", 1), ("-mmin", 1), ("-mtime", 1), ("-name", 1), ("-newer", 1), ("-newerat", 1),
    ("-newerct", 1), ("-newermt", 1), ("-path", 1), ("-perm", 1), ("-printf", 1), ("-regex", 1), ("-regextype", 1),
    ("-samefile", 1), ("-size", 1), ("-type", 1), ("-uid", 1), ("-used", 1), ("-user", 1), ("-wholename", 1), ("-xtype", 1),
];

/// Every word of an expression.
pub(super) fn check(call: &Call<'_>) -> Finding {
    let mut finding = call.reads();
    let mut rest = call.words.iter().copied().skip_while(|word| matches!(*word, "-H" | "-L" | "-P")).peekable();
    while rest.next_if(|word| !word.starts_with('-') && !matches!(*word, "(" | ")" | "," | "!")).is_some() {}
    while let Some(word) = rest.next() {
        match word {
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let mut command = Vec::new();
                let closed = loop {
                    match rest.next() {
                        None => break false,
                        Some(";") => break true,
                        Some("+") if command.last() == Some(&"{}") => break true,
                        Some(word) => command.push(word),
                    }
                };
                if !closed {
                    return call.finding(Risk::Unknown, &format!("the command of {word} has no end"));
                }
                finding = finding.or_higher(run(call, &command));
            }
            "-delete" => finding = finding.or_higher(call.finding(Risk::Destroy, "-delete removes what is found")),
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                let words = 1 + usize::from(word == "-fprintf");
                if rest.by_ref().take(words).count() < words {
                    return call.finding(Risk::Unknown, &format!("a value of {word} is missing"));
                }
                finding = finding.or_higher(call.finding(Risk::Change, &format!("{word} writes a file")));
            }
            word => match HARMLESS.iter().find(|(known, _)| *known == word) {
                None => return Finding::not_known(call.name, word),
                Some((_, values)) => {
                    if rest.by_ref().take(*values).count() < *values {
                        return call.finding(Risk::Unknown, &format!("the value of {word} is missing"));
                    }
                }
            },
        }
    }
    finding
}

/// The command that runs for what is found: one word stands for the paths.
fn run(call: &Call<'_>, command: &[&str]) -> Finding {
    let path = format!("./{ITEM}");
    let words: Vec<String> = command.iter().map(|word| word.replace("{}", &path)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let finding = judge::words(&words, &call.context.fed(Input::Nothing));
    items::judged(finding, &words, &path, Seen::AsPaths)
}

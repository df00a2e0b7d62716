//! Which words of which programs are in a language of their own.
//!
//! Owns: the options and positions of some programs, from their manuals. Does not: judge what they do. A program that is not
//! known here is left to the rules for all programs.

use super::sql::Dialect;
use super::{Language, Place, base_name, is_interpreter};

/// Programs that run the program named by a later word, with the words behind it as they are.
const WRAPPERS: [&str; 9] = ["sudo", "doas", "env", "timeout", "nice", "ionice", "nohup", "stdbuf", "setsid"];

/// Options with which `sudo` and `env` hand the words to a shell or split them anew.
const REREAD: [&str; 7] = ["-s", "-i", "--shell", "--login", "-S", "--split-string", "-si"];

/// Programs that run a command inside something, behind `--`.
const CONTAINERS: [&str; 5] = ["kubectl", "oc", "docker", "podman", "crictl"];

/// Sets the places of the words that are known; `texts` are the words with their values, `written` without. Returns whether
/// another program than the one that is known may parse them too.
pub(super) fn assign(texts: &[String], written: &[String], places: &mut [Place]) -> bool {
    let Some(at) = program(texts) else { return false };
    let command = Command { texts, written, at };
    let known = command.places();
    let shared = !known.is_empty() && !is_alone(texts, written, at);
    for (index, place) in known {
        if let Some(slot) = places.get_mut(index) {
            *slot = place;
        }
    }
    shared
}

/// The position of the program that is finally run; `None` when that is not sure.
fn program(texts: &[String]) -> Option<usize> {
    let first = base_name(texts.first()?);
    if CONTAINERS.contains(&first) {
        let runs = texts.iter().any(|word| matches!(word.as_str(), "exec" | "rsh" | "run" | "debug"));
        let Some(dashes) = texts.iter().position(|word| word == "--").filter(|_| runs) else { return Some(0) };
        return Some(dashes + 1).filter(|at| *at < texts.len());
    }
    if !WRAPPERS.contains(&first) {
        return Some(0);
    }
    if texts.iter().any(|word| REREAD.contains(&word.as_str()) || word.starts_with("--split-string=")) {
        return None;
    }
    // The first word that names a program of a known language, unless another program that parses stands before it.
    let known = |word: &String| !WRAPPERS.contains(&base_name(word)) && is_interpreter(word);
    texts.iter().position(known)
}

/// Whether nothing but the program at `at` can parse the words. A shell gets all of them, so what they name does not count;
/// and a value behind the program is no program.
fn is_alone(texts: &[String], written: &[String], at: usize) -> bool {
    const SHELLS: [&str; 7] = ["ash", "bash", "dash", "ksh", "sh", "ssh", "zsh"];
    let name = texts.get(at).map(|word| base_name(word)).unwrap_or_default();
    let before = texts.iter().take(at).all(|word| !is_interpreter(word) || WRAPPERS.contains(&base_name(word)));
    before && (SHELLS.contains(&name) || !written.iter().skip(at + 1).any(|word| is_interpreter(word)))
}

/// The first word that is no option of `ssh`: the host; and the first word of the remote command.
///
/// Options may stand before and behind the host (OpenSSH, `ssh.c`, `getopt` with the string below).
pub(in super::super) fn ssh_command(texts: &[String]) -> Option<(usize, usize)> {
    const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";
    if base_name(texts.first()?) != "ssh" {
        return None;
    }
    let mut host = None;
    let mut at = 1;
    while let Some(word) = texts.get(at) {
        match word.strip_prefix('-') {
            Some("-") => {
                at += 1;
                let host = host.unwrap_or(at);
                let command = if host == at { at + 1 } else { at };
                return (command < texts.len()).then_some((host, command));
            }
            Some(letters) if !letters.is_empty() => {
                // The value of an option is the rest of its word, or the next word.
                let value = letters.find(|letter| WITH_VALUE.contains(letter));
                at += if value.is_some_and(|index| index + 1 == letters.len()) { 2 } else { 1 };
            }
            Some(_) | None => match host {
                None => {
                    host = Some(at);
                    at += 1;
                }
                Some(host) => return Some((host, at)),
            },
        }
    }
    None
}

/// A program with its words.
struct Command<'a> {
    texts: &'a [String],
    written: &'a [String],
    at: usize,
}

impl Command<'_> {
    fn places(&self) -> Vec<(usize, Place)> {
        let name = self.texts.get(self.at).map(|word| base_name(word)).unwrap_or_default();
        match name {
            "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" => self.shell(),
            "su" | "runuser" => self.options(&["-c", "--command"], Language::Shell),
            "ssh" => self.ssh(),
            "psql" => self.options(&["-c", "--command"], Language::Sql(Dialect::Postgres)),
            "mysql" | "mariadb" => self.options(&["-e", "--execute"], Language::Sql(Dialect::Mysql)),
            "sqlite3" => self.operand(1, &[], Language::Sql(Dialect::Sqlite)),
            "jq" => self.jq(),
            "awk" | "gawk" | "mawk" | "nawk" => self.operand(0, &["-F", "-v"], Language::Awk),
            "sed" => self.sed(),
            "curl" => self.curl(),
            "promtool" | "logcli" => self.queries(),
            "kubectl" | "oc" => self.kubectl(),
            "docker" | "podman" => self.options(&["--format", "-f"], Language::GoTemplate),
            _ => Vec::new(),
        }
    }

    /// The words behind the program, with their positions.
    fn arguments(&self) -> impl Iterator<Item = (usize, &str)> {
        self.texts.iter().enumerate().skip(self.at + 1).map(|(index, word)| (index, word.as_str()))
    }

    /// The command of a shell: the word behind an option with a `c` in it.
    fn shell(&self) -> Vec<(usize, Place)> {
        for (index, word) in self.arguments() {
            match word.strip_prefix('-') {
                Some(letters) if !letters.starts_with('-') && letters.ends_with('c') => {
                    return vec![(index + 1, Place::Written(Language::Shell, 0))];
                }
                Some(_) => {}
                None => return Vec::new(),
            }
        }
        Vec::new()
    }

    fn ssh(&self) -> Vec<(usize, Place)> {
        let texts = self.texts.get(self.at..).unwrap_or_default();
        let Some((_, command)) = ssh_command(texts) else { return Vec::new() };
        (self.at + command..self.texts.len()).map(|index| (index, Place::Joined)).collect()
    }

    /// The values of these options, in the same word or the next one.
    fn options(&self, names: &[&str], language: Language) -> Vec<(usize, Place)> {
        let mut places = Vec::new();
        for (index, word) in self.arguments() {
            for name in names {
                let Some(rest) = word.strip_prefix(name) else { continue };
                match rest.strip_prefix('=') {
                    Some(_) if name.starts_with("--") => {
                        places.push((index, Place::Written(language, name.len() + 1)));
                    }
                    _ if rest.is_empty() => places.push((index + 1, Place::Written(language, 0))),
                    _ if !name.starts_with("--") => places.push((index, Place::Written(language, name.len()))),
                    _ => {}
                }
            }
        }
        places
    }

    /// The operand with this number (from 0), when all options before it are known to have no value or one of `with_value`.
    fn operand(&self, number: usize, with_value: &[&str], language: Language) -> Vec<(usize, Place)> {
        let mut seen = 0;
        let mut skip = false;
        for (index, word) in self.arguments() {
            if std::mem::take(&mut skip) {
                continue;
            }
            if with_value.contains(&word) {
                skip = true;
            } else if word == "--" || with_value.iter().any(|name| word.starts_with(name)) {
                // Its value is in the same word.
            } else if word.starts_with('-') && word.len() > 1 {
                return Vec::new();
            } else if seen == number {
                return vec![(index, Place::Written(language, 0))];
            } else {
                seen += 1;
            }
        }
        Vec::new()
    }

    /// The filter is the first operand; what follows `--arg NAME` is taken as it is.
    fn jq(&self) -> Vec<(usize, Place)> {
        let mut places = Vec::new();
        let mut skip = 0;
        for (index, word) in self.arguments() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            match word {
                "--arg" => {
                    places.push((index + 2, Place::Argument));
                    skip = 2;
                }
                "--argjson" | "--slurpfile" | "--rawfile" => skip = 2,
                "--indent" | "-L" => skip = 1,
                word if word.starts_with("--") => {}
                word if word.starts_with('-') && !word.contains('f') => {}
                word if word.starts_with('-') => return Vec::new(),
                _ => {
                    places.push((index, Place::Written(Language::Jq, 0)));
                    return places;
                }
            }
        }
        places
    }

    /// Every program behind `-e`, else the first operand.
    fn sed(&self) -> Vec<(usize, Place)> {
        let mut by_option = Vec::new();
        for (index, word) in self.arguments() {
            match word {
                "-e" | "-ne" | "--expression" => by_option.push((index + 1, Place::Written(Language::Sed, 0))),
                "-n" | "-E" | "-r" | "-i" | "-s" | "-u" | "-z" | "-nE" | "-nr" | "--quiet" | "--silent"
                | "--regexp-extended" => {}
                _ if by_option.iter().any(|(program, _)| *program == index) => {}
                word if word.starts_with('-') => return Vec::new(),
                _ if by_option.is_empty() => return vec![(index, Place::Written(Language::Sed, 0))],
                _ => {}
            }
        }
        by_option
    }

    fn curl(&self) -> Vec<(usize, Place)> {
        const DATA: [&str; 6] = ["-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"];
        let mut places = Vec::new();
        for (index, word) in self.arguments() {
            let next = self.written.get(index + 1).map(String::as_str).unwrap_or_default();
            match word {
                "--data-urlencode" => places.push((index + 1, Place::Written(Language::UrlencodedByCurl, 0))),
                word if DATA.contains(&word) && next.trim_start().starts_with(['{', '[']) => {
                    places.push((index + 1, Place::Written(Language::Json, 0)));
                }
                word if DATA.contains(&word) => places.push((index + 1, Place::Written(Language::Form, 0))),
                "-H" | "--header" if next.contains(':') => places.push((index + 1, Place::Argument)),
                "-F" | "--form" | "-T" | "--upload-file" | "-K" | "--config" | "-w" | "--write-out" | "-H"
                | "--header" => {
                    places.push((index + 1, Place::Plain));
                }
                _ => {}
            }
        }
        places
    }

    /// What follows `query` and has the signs of a selector.
    fn queries(&self) -> Vec<(usize, Place)> {
        let arguments: Vec<(usize, &str)> = self.arguments().collect();
        let Some(at) = arguments.iter().position(|(_, word)| matches!(*word, "query" | "instant-query")) else {
            return Vec::new();
        };
        let behind = arguments.get(at + 1..).unwrap_or_default().iter().map(|(index, _)| *index);
        let in_language = |index: &usize| {
            self.written.get(*index).is_some_and(|word| !word.starts_with('-') && word.contains(['{', '(', '[']))
        };
        behind.filter(in_language).map(|index| (index, Place::Written(Language::Promql, 0))).collect()
    }

    fn kubectl(&self) -> Vec<(usize, Place)> {
        const JSONPATHS: [&str; 4] = ["jsonpath=", "jsonpath-as-json=", "go-template=", "template="];
        // `-p` is something else for other verbs.
        let patches = self.texts.iter().any(|word| word == "patch");
        let mut places = if patches { self.options(&["-p", "--patch"], Language::Json) } else { Vec::new() };
        places.extend(self.options(&["--template"], Language::GoTemplate));
        places.extend(self.options(&["-l", "--selector", "--field-selector"], Language::Selector));
        for (index, _) in self.arguments() {
            let word = self.written.get(index).map(String::as_str).unwrap_or_default();
            let Some((kind, start)) = JSONPATHS.iter().find_map(|kind| {
                let start = ["", "-o", "-o=", "--output="].iter().find_map(|option| {
                    word.strip_prefix(option)?.starts_with(kind).then_some(option.len() + kind.len())
                })?;
                Some((*kind, start))
            }) else {
                continue;
            };
            let language = if kind.starts_with("json") { Language::Jsonpath } else { Language::GoTemplate };
            places.push((index, Place::Written(language, start)));
        }
        places
    }
}

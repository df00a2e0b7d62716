//! What programs touch that have their names in their words: files, units, processes, tables.
//!
//! Owns: finding those words, with the table `touches.toml` and with code where a language stands in an argument. Does not:
//! tell options from operands (see `risk`). A table that cannot be read says nothing of any program.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Says, Things};
use crate::domain::action::risk::apart::Apart;
use crate::domain::action::risk::sql::{Dialect, tables};

const UNTOLD: &str = "its words do not say what it changes";

/// Which words of a program name what it touches; the file says what each key means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Touch {
    programs: String,
    commands: Option<String>,
    what: String,
    #[serde(default)]
    skip: usize,
    #[serde(default)]
    take: Take,
    #[serde(default)]
    without: String,
    #[serde(default)]
    options: String,
    raw: Option<String>,
    whole: Option<String>,
}

/// Which operands are names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Take {
    #[default]
    All,
    First,
    Last,
    None,
    /// The first word of the command: `service NAME restart`.
    Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    touch: Vec<Touch>,
}

static TOUCHES: LazyLock<Vec<Touch>> = LazyLock::new(|| read().unwrap_or_default());

fn read() -> Result<Vec<Touch>, toml::de::Error> {
    toml::from_str::<File>(include_str!("touches.toml")).map(|file| file.touch)
}

/// What the words of a program say.
pub(super) fn says(found: &Apart<'_>) -> Says {
    match found.name {
        "psql" | "gitlab-psql" => of_sql(found, found.values(&["-c", "--command"]), Dialect::Postgres),
        "mysql" | "mariadb" | "gitlab-mysql" => of_sql(found, found.values(&["-e", "--execute"]), Dialect::Mysql),
        "sqlite3" => of_sql(found, found.operands.iter().skip(1).copied(), Dialect::Sqlite),
        "find" => searched(found),
        "sed" => edited_in_place(found),
        "tar" => unpacked(found),
        "dd" => written_by_dd(found),
        _ => by_table(found),
    }
}

fn by_table(found: &Apart<'_>) -> Says {
    let Some(touch) = TOUCHES.iter().find(|touch| touch.is_about(found)) else { return Says::untold(UNTOLD) };
    let names = touch.names(found);
    match &touch.whole {
        _ if !names.is_empty() => Says::Named(vec![Things::new(touch.what.clone(), names)]),
        Some(whole) => Says::Named(vec![Things::new(whole.clone(), Vec::new())]),
        None => Says::untold(UNTOLD),
    }
}

impl Touch {
    fn is_about(&self, found: &Apart<'_>) -> bool {
        let command = |pattern: &str| match pattern.trim().strip_suffix('*') {
            Some(start) => found.command.starts_with(start.trim_end()),
            None => found.command == pattern.trim(),
        };
        self.programs.split_whitespace().any(|program| program == found.name)
            && self.commands.as_deref().is_none_or(|commands| commands.split('|').any(command))
    }

    fn names(&self, found: &Apart<'_>) -> Vec<String> {
        let options: Vec<&str> = self.options.split_whitespace().collect();
        let operands = if found.is_raw {
            without_options(&found.operands, self.raw.as_deref().unwrap_or_default())
        } else {
            found.operands.clone()
        };
        let behind = found.behind_dashes.as_deref().unwrap_or_default();
        let operands: Vec<&str> = operands.into_iter().chain(behind.iter().copied()).skip(self.skip).collect();
        let taken: Vec<&str> = match self.take {
            Take::All => operands,
            Take::First => operands.into_iter().take(1).collect(),
            Take::Last => operands.last().copied().into_iter().collect(),
            Take::None => Vec::new(),
            Take::Command => found.command.split(' ').take(1).filter(|word| !word.is_empty()).collect(),
        };
        let kept = |word: &&str| !word.is_empty() && !word.contains(|c| self.without.contains(c));
        found.values(&options).chain(taken.into_iter().filter(kept)).map(str::to_owned).collect()
    }
}

/// Words without options, and without the values of these options.
fn without_options<'a>(words: &[&'a str], with_value: &str) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if *word == "--" {
            kept.extend(rest);
            break;
        }
        if with_value.split_whitespace().any(|option| option == *word) {
            rest.next();
        } else if !word.starts_with('-') {
            kept.push(*word);
        }
    }
    kept
}

/// The tables, databases and other things that statements name.
fn of_sql<'a>(found: &Apart<'_>, statements: impl Iterator<Item = &'a str>, dialect: Dialect) -> Says {
    let mut names: Vec<String> = Vec::new();
    for statement in statements {
        match tables::named(statement, dialect) {
            Some(more) => more.into_iter().for_each(|name| {
                if !names.contains(&name) {
                    names.push(name);
                }
            }),
            None => return Says::untold("its statements cannot be read as the server would read them"),
        }
    }
    let file = (dialect == Dialect::Sqlite).then(|| found.operands.first().copied()).flatten();
    let place = file.map(|file| format!(" of {file}")).unwrap_or_default();
    let things = if names.is_empty() { Vec::new() } else { vec![Things::new(format!("tables{place}"), names)] };
    Says::named_or(things, "its statements name no table")
}

/// `find PLACE… -delete`: what is found there is not known before.
fn searched(found: &Apart<'_>) -> Says {
    let words = found.operands.iter().chain(found.behind_dashes.iter().flatten());
    let words = words.skip_while(|word| matches!(**word, "-H" | "-L" | "-P"));
    let places: Vec<String> =
        words.take_while(|word| !word.starts_with(['-', '(', '!'])).map(|word| (*word).to_owned()).collect();
    let places = if places.is_empty() { vec![".".to_owned()] } else { places };
    Says::Named(vec![Things::new("what it finds below", places)])
}

/// `sed -i SCRIPT FILE…`
fn edited_in_place(found: &Apart<'_>) -> Says {
    let words = without_options(&found.operands, "-e --expression -f --file");
    let has_script = found.operands.iter().any(|word| word.starts_with("-e") || word.starts_with("--expression"));
    let files: Vec<String> = words.iter().skip(usize::from(!has_script)).map(|word| (*word).to_owned()).collect();
    let things = if files.is_empty() { Vec::new() } else { vec![Things::new("files", files)] };
    Says::named_or(things, UNTOLD)
}

/// `tar -x -C DIRECTORY`, `tar -c -f FILE`.
fn unpacked(found: &Apart<'_>) -> Says {
    let words: Vec<&str> = found.operands.clone();
    let value = |names: [&str; 2]| {
        let given = found.values(&names).last();
        let raw = words.iter().position(|word| names.contains(word)).and_then(|at| words.get(at + 1)).copied();
        given.or(raw)
    };
    match (value(["-C", "--directory"]), value(["-f", "--file"])) {
        (Some(directory), _) => Says::Named(vec![Things::new("files in the directory", vec![directory.to_owned()])]),
        (None, Some(file)) => {
            Says::Named(vec![Things::new("the archive, or files that it holds", vec![file.to_owned()])])
        }
        (None, None) => Says::untold(UNTOLD),
    }
}

/// `dd of=FILE`
fn written_by_dd(found: &Apart<'_>) -> Says {
    let written: Vec<String> =
        found.operands.iter().filter_map(|word| word.strip_prefix("of=")).map(str::to_owned).collect();
    let things = if written.is_empty() { Vec::new() } else { vec![Things::new("files or devices", written)] };
    Says::named_or(things, UNTOLD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::risk::apart::apart;

    #[test]
    fn the_table_can_be_read_and_names_only_programs_that_risk_knows() {
        let touches = read().unwrap_or_else(|error| panic!("{error}"));
        assert!(touches.len() > 40, "{}", touches.len());
        for program in touches.iter().flat_map(|touch| touch.programs.split_whitespace()) {
            // `xyz` alone is read by every table that has no commands, and by none that is not there.
            let known = crate::domain::action::risk::is_known(program);
            assert!(known || apart(&[program]).is_some(), "{program} is in no table of risk");
        }
    }
}

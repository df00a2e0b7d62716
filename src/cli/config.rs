//! `aiops config check` and `aiops config show`, and the way to `init` (see the module of that name).

use std::io::{self, Write};

use clap::Subcommand;
use color_eyre::eyre::Report;
use serde::Serialize;

use super::init::{self, Existing};
use super::{Exit, Format, harmless_words, json_line};
use crate::config::{ConfigError, Loaded, Mistake, Request, Warning, file_of, load, look_at_secrets};

/// What can be done with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong or doubtful; exit 1 when there is anything
    Check,
    /// Print every value with its origin; of secrets only the place
    Show,
    /// Write a configuration file with every key and its default, commented out
    Init {
        /// Write it although there is a file; that one is kept beside it
        #[arg(long)]
        force: bool,
    },
}

/// A line of `config check --json`.
#[derive(Serialize)]
#[serde(tag = "severity", rename_all = "snake_case")]
enum Finding<'a> {
    Error(&'a Mistake),
    Warning(&'a Warning),
}

/// Looks at the files that a valid configuration names and that this layer cannot read: `Err` says what is wrong in them.
pub type LookCloser = fn(&Loaded) -> Result<(), ConfigError>;

/// Runs `command` and prints to `out`; `check` also asks `look_closer`, and tries whether the secrets can be fetched.
///
/// # Errors
/// When the output cannot be written, and `show` when there is no valid configuration ([`crate::config::ConfigError`]);
/// mistakes are the result of `check`, not its failure.
pub fn run(
    command: ConfigCommand,
    request: &Request,
    look_closer: LookCloser,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    match command {
        ConfigCommand::Check => Ok(check(request, look_closer, format, out)?),
        ConfigCommand::Show => Ok(show(&load(request)?, format, out)?),
        ConfigCommand::Init { force } => {
            let existing = if force { Existing::Replace } else { Existing::Keep };
            init::run(&file_of(request)?, existing, format, out)
        }
    }
}

fn check(request: &Request, look_closer: LookCloser, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let loaded = load(request);
    let (mistakes, warnings) = match &loaded {
        Ok(loaded) => {
            let mistakes = look_closer(loaded).err().map(|error| error.mistakes).unwrap_or_default();
            (mistakes, [loaded.warnings.clone(), look_at_secrets(loaded)].concat())
        }
        Err(error) => (error.mistakes.clone(), Vec::new()),
    };
    let findings: Vec<Finding<'_>> =
        mistakes.iter().map(Finding::Error).chain(warnings.iter().map(Finding::Warning)).collect();
    for finding in &findings {
        match (format, finding) {
            (Format::Json, finding) => json_line(out, finding)?,
            (Format::Text, Finding::Error(mistake)) => {
                writeln!(out, "error: {}", harmless_words(&mistake.to_string()))?;
            }
            (Format::Text, Finding::Warning(warning)) => {
                writeln!(out, "warning: {}", harmless_words(&warning.to_string()))?;
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Exit::Failed);
    }
    if format == Format::Text {
        match loaded.ok().and_then(|loaded| loaded.files.last().cloned()) {
            Some(path) => writeln!(out, "{} is valid.", path.display())?,
            None => writeln!(
                out,
                "There is no file {}; the defaults and the environment are valid.",
                request.places.config_file().display()
            )?,
        }
    }
    Ok(Exit::Done)
}

fn show(loaded: &Loaded, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    for effective in &loaded.effective {
        match (format, &effective.value) {
            (Format::Json, _) => json_line(out, effective)?,
            (Format::Text, Some(value)) => writeln!(out, "{} = {value}  # {}", effective.key, effective.origin)?,
            (Format::Text, None) => writeln!(out, "# {} is not set", effective.key)?,
        }
    }
    if format == Format::Text {
        for warning in &loaded.warnings {
            writeln!(out, "# warning: {warning}")?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Environment, Mistake, Origin, Places};

    fn printed(command: ConfigCommand, text: &str, format: Format) -> (Result<Exit, Report>, String) {
        printed_with(command, text, |_| Ok(()), format)
    }

    fn printed_with(
        command: ConfigCommand,
        text: &str,
        look_closer: LookCloser,
        format: Format,
    ) -> (Result<Exit, Report>, String) {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        fs::create_dir(&places.config).unwrap();
        if !text.is_empty() {
            fs::write(places.config_file(), text).unwrap();
        }
        let environment = Environment::default();
        let request = Request {
            file: None,
            profile: None,
            flags: Vec::new(),
            environment,
            places,
            host_name: "web-1".to_owned(),
        };
        let mut out = Vec::new();
        let result = run(command, &request, look_closer, format, &mut out);
        (result, String::from_utf8(out).unwrap().replace(&directory.path().display().to_string(), "DIR"))
    }

    #[test]
    fn check_says_that_all_is_well() {
        let (exit, text) = printed(ConfigCommand::Check, "[console]\nutc = false\n", Format::Text);
        assert_eq!((exit.unwrap(), text.as_str()), (Exit::Done, "DIR/config/config.toml is valid.\n"));
        let (exit, text) = printed(ConfigCommand::Check, "", Format::Text);
        assert_eq!(exit.unwrap(), Exit::Done);
        assert!(text.starts_with("There is no file DIR/config/config.toml;"), "{text}");
    }

    #[test]
    fn check_prints_every_mistake_and_fails() {
        let wrong = "[console]\nutc = 1\n[log]\nlevel = 2\n";
        let (exit, text) = printed(ConfigCommand::Check, wrong, Format::Text);
        assert_eq!(exit.unwrap(), Exit::Failed);
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("error: DIR/config/config.toml:2: console.utc: 1 is a number. Allowed: "), "{text}");
        let (_, json) = printed(ConfigCommand::Check, wrong, Format::Json);
        let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1]["severity"], "error");
        assert_eq!(lines[1]["key"], "log.level");
        assert_eq!(lines[1]["origin"]["line"], 4);
    }

    #[test]
    fn check_fails_on_what_is_only_doubtful() {
        let (exit, text) = printed(ConfigCommand::Check, "[sops]\ndirectories = [\"/nonexistent\"]\n", Format::Text);
        assert_eq!(exit.unwrap(), Exit::Failed);
        assert!(text.starts_with("warning: DIR/config/config.toml:2: sops.directories: "), "{text}");
    }

    #[test]
    fn check_says_what_is_wrong_in_the_files_that_are_named() {
        let look: LookCloser = |_| {
            let (origin, key) = (Origin::Default, "console.keymap".to_owned());
            let (problem, allowed) = ("line 3 is broken".to_owned(), "a keymap".to_owned());
            Err(ConfigError { mistakes: vec![Mistake { origin, key, problem, allowed }] })
        };
        let (exit, text) = printed_with(ConfigCommand::Check, "[console]\nutc = true\n", look, Format::Text);
        assert_eq!(exit.unwrap(), Exit::Failed);
        assert_eq!(text, "error: default: console.keymap: line 3 is broken. Allowed: a keymap\n");
    }

    #[test]
    fn check_fetches_the_secrets_and_never_prints_them() {
        let config = "[receiver]\ntoken = { command = [\"printf\", \"hunter2\"] }\n[[alertmanager]]\nname = \"am\"\n\
                      url = \"http://am\"\ntoken = { env = \"SURELY_NOT_SET\" }\n";
        let (exit, text) = printed(ConfigCommand::Check, config, Format::Text);
        assert_eq!(exit.unwrap(), Exit::Failed);
        let expected = "warning: DIR/config/config.toml:6: alertmanager.token: no secret from environment variable \
                        SURELY_NOT_SET: it is not set. Export SURELY_NOT_SET before the program is started\n";
        assert_eq!(text, expected);
        let receiver_alone = config.split("[[").next().unwrap();
        let (exit, text) = printed(ConfigCommand::Check, receiver_alone, Format::Text);
        assert_eq!((exit.unwrap(), text.as_str()), (Exit::Done, "DIR/config/config.toml is valid.\n"));
    }

    #[test]
    fn show_prints_values_with_origins() {
        let (exit, text) = printed(ConfigCommand::Show, "[console]\nutc = false\n", Format::Text);
        assert_eq!(exit.unwrap(), Exit::Done);
        assert!(text.contains("console.utc = false  # DIR/config/config.toml:2\n"), "{text}");
        assert!(text.contains("receiver.listen = \"127.0.0.1:9911\"  # default\n"), "{text}");
        assert!(text.contains("# receiver.token is not set\n"), "{text}");
        let (_, json) = printed(ConfigCommand::Show, "[console]\nutc = false\n", Format::Json);
        let utc = json.lines().find(|line| line.contains("console.utc")).unwrap();
        let utc: serde_json::Value = serde_json::from_str(utc).unwrap();
        assert_eq!((&utc["value"], &utc["origin"]["kind"]), (&"false".into(), &"file".into()));
    }

    #[test]
    fn show_of_a_broken_configuration_is_an_error() {
        let (result, text) = printed(ConfigCommand::Show, "[console]\nutc = 1\n", Format::Text);
        assert!(result.unwrap_err().is::<ConfigError>());
        assert_eq!(text, "");
    }
}

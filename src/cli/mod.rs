//! The command line: what can be asked for, and how a command reports how it ended.
//!
//! Owns: flags, subcommands (one file each), exit codes, printing for people and for programs. Does not: choose adapters;
//! what a command needs of the outside world is handed to it.

pub mod config;
pub mod journal;
pub mod redact;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::config::{Environment, FlagValue, LogLevel, Places, Request};

/// A full-screen terminal console for on-call engineers: incidents, runbooks and approved actions, side by side.
///
/// Without a command, the console starts.
#[derive(Clone, Debug, Parser)]
#[command(name = "aiops", version, max_term_width = 100)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// Do not go back to where you were when the connection was lost
    #[arg(long)]
    pub fresh: bool,
    /// What to do; the console when there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Configuration file [default: $XDG_CONFIG_HOME/aiops/config.toml; environment: AIOPS_CONFIG]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// SQLite file [default: $XDG_DATA_HOME/aiops/aiops.db; environment: AIOPS_DB]
    #[arg(long, global = true, value_name = "PATH")]
    pub db: Option<PathBuf>,
    /// From which urgency on something is logged [environment: AIOPS_LOG_LEVEL]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
}

/// What the program can do besides showing the console.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Show the console against an embedded world; nothing needs to be installed
    Demo,
    /// Look into the journal
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Copy standard input to standard output without secrets, and with tokens for names of hosts and people
    Redact(redact::RedactCommand),
    /// Run one approved action and record how it ends; started by the console
    #[command(hide = true)]
    Supervise {
        /// Directory of the attempt
        directory: PathBuf,
        /// Digest of the action that was approved
        digest: String,
    },
    /// Fill a directory with logs until it holds this many bytes; started by the demo
    #[command(hide = true)]
    DemoFiller {
        /// Directory to fill
        volume: PathBuf,
        /// Bytes at which it ends
        quota: u64,
    },
    /// Stand in for Gemini on this host until the standard input ends; prints its base URL
    #[command(hide = true)]
    DemoModel {
        /// Port on 127.0.0.1; 0 takes any that is free
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The key that is accepted
        #[arg(long, default_value = "demo")]
        key: String,
        /// Scenarios in TOML that go before those of the demo
        #[arg(long, value_name = "PATH")]
        script: Option<PathBuf>,
    },
}

impl clap::ValueEnum for LogLevel {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// How a command ended. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It did not, or found what it was to look for.
    Failed = 1,
    /// It was called or configured wrongly.
    Usage = 2,
    /// The policy says no.
    Refused = 3,
    /// A person has to approve first.
    AwaitsApproval = 4,
    /// A source cannot be reached.
    Unreachable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Global {
    /// For whom to print.
    #[must_use]
    pub const fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }

    /// What a configuration is to be made from.
    #[must_use]
    pub fn request(&self, environment: Environment, places: Places, host_name: String) -> Request {
        let flag = |flag, section, key, text: String| FlagValue { flag, section, key, text };
        let db = self.db.as_ref().map(|path| flag("--db", "store", "path", path.to_string_lossy().into_owned()));
        let level = self.log_level.map(|level| flag("--log-level", "log", "level", level.name().to_owned()));
        Request {
            file: self.config.clone(),
            flags: db.into_iter().chain(level).collect(),
            environment,
            places,
            host_name,
        }
    }
}

/// Prints one object as a line of JSON.
///
/// # Errors
/// When `out` cannot be written.
pub fn json_line(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::config::ConfigCommand;
    use super::journal::JournalCommand;
    use super::redact::RedactCommand;
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case(&[], None)]
    #[case(&["demo"], Some(Command::Demo))]
    #[case(&["journal", "verify"], Some(Command::Journal(JournalCommand::Verify)))]
    #[case(&["config", "check"], Some(Command::Config(ConfigCommand::Check)))]
    #[case(&["config", "show", "--json"], Some(Command::Config(ConfigCommand::Show)))]
    #[case(
        &["demo-model", "--port", "7"],
        Some(Command::DemoModel { port: 7, key: "demo".to_owned(), script: None })
    )]
    #[case(&["redact", "--keep-names"], Some(Command::Redact(RedactCommand { keep_names: true, domains: Vec::new() })))]
    #[case(&["supervise", "/a/b", "d1"], Some(Command::Supervise { directory: "/a/b".into(), digest: "d1".to_owned() }))]
    fn commands_are_understood(#[case] words: &[&str], #[case] expected: Option<Command>) {
        let cli = Cli::try_parse_from([&["aiops"], words].concat()).unwrap();
        assert_eq!(cli.command, expected);
    }

    #[rstest]
    #[case(&["dmeo"])]
    #[case(&["journal"])]
    #[case(&["config"])]
    #[case(&["supervise"])]
    #[case(&["supervise", "/a/b"])]
    #[case(&["--log-level", "loud"])]
    #[case(&["--db"])]
    #[case(&["--frobnicate"])]
    fn mistakes_end_with_the_exit_code_for_usage(#[case] words: &[&str]) {
        let error = Cli::try_parse_from([&["aiops"], words].concat()).unwrap_err();
        assert_eq!(error.exit_code(), Exit::Usage as i32);
    }

    #[test]
    fn flags_stand_before_or_after_the_command_and_become_values() {
        for words in [
            ["aiops", "--db", "/d", "--log-level", "debug", "--config", "/c", "config", "show"],
            ["aiops", "config", "show", "--config", "/c", "--log-level", "debug", "--db", "/d"],
        ] {
            let cli = Cli::try_parse_from(words).unwrap();
            let places = Places { home: "/h".into(), config: "/c".into(), data: "/d".into(), state: "/s".into() };
            let request = cli.global.request(Environment::default(), places, "h".to_owned());
            assert_eq!(request.file, Some("/c".into()));
            let values: Vec<_> = request.flags.iter().map(|flag| (flag.flag, flag.text.as_str())).collect();
            assert_eq!(values, [("--db", "/d"), ("--log-level", "debug")]);
        }
    }

    #[test]
    fn internal_commands_are_not_advertised() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("journal") && !help.contains("supervise") && !help.contains("demo-"), "{help}");
    }
}

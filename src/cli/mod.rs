//! The command line: what can be asked for, and how a command reports how it ended.
//!
//! Owns: flags, subcommands (one file each), exit codes, printing for people and for programs. Does not: choose adapters;
//! what a command needs of the outside world is handed to it.

pub mod backup;
pub mod config;
pub mod doctor;
pub mod export;
pub mod generated;
pub mod incidents;
pub mod init;
pub mod journal;
pub mod keys;
pub mod policy;
pub mod policy_explain;
pub mod purge;
pub mod redact;
pub mod replay;
pub mod restore;
mod run_engine;
pub mod runs;
pub mod silence;
pub mod sop;
pub mod sop_draft;
pub mod sop_improve;
pub mod sop_stats;
pub mod transcript;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use color_eyre::eyre::{Report, eyre};
use serde::Serialize;

use crate::config::{Environment, FlagValue, LogLevel, Places, Request};
use crate::domain::text;
use crate::store::{OpenOptions, Store};

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
    /// Configuration, database and log of their own under this name: config.NAME.toml goes over config.toml
    /// [environment: AIOPS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
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
    Demo(DemoOptions),
    /// Look at incidents and work on them
    #[command(subcommand)]
    Incidents(incidents::IncidentsCommand),
    /// Propose, approve and follow the commands of SOPs
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// Look into the journal
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Make, list and check backups of the database
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Restore the database from a backup, and from what can still be read of it
    Restore(restore::RestoreArgs),
    /// Make texts unreadable for ever, wherever they are kept; without --yes only show what would go
    Purge(purge::PurgeArgs),
    /// Show on the screen what happened to an incident, moment by moment; nothing can be done there
    Replay(replay::ReplayArgs),
    /// Write down what happened to an incident, as Markdown, for a post-mortem to start from
    Transcript(transcript::TranscriptArgs),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check this installation: sources, receiver, secrets, database, terminal, clock, tools; exit 1 when something fails
    Doctor {
        /// Also ask services on the network that cost something when they are asked
        #[arg(long)]
        online: bool,
    },
    /// Print what a shell needs to complete words
    Completions {
        /// For which shell
        shell: generated::Shell,
    },
    /// Print the manual page, as roff
    Man,
    /// Look at SOPs: search, list, show
    Sop(sop::SopArgs),
    /// Print the keys of the console in effect, and which file and line binds each
    Keys,
    /// Ask what the gate says of a command
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Copy standard input to standard output without secrets, and with tokens for names of hosts and people
    Redact(redact::RedactCommand),
    /// Make or end a silence of an Alertmanager at once; the console proposes it first
    #[command(subcommand)]
    Silence(silence::SilenceCommand),
    /// Run one approved action and record how it ends; started by the console
    #[command(hide = true)]
    Supervise {
        /// Directory of the attempt
        directory: PathBuf,
        /// Digest of the action that was approved
        digest: String,
    },
    /// Play a part in the embedded world until the standard input is closed; started by the demo
    #[command(subcommand, hide = true)]
    DemoPart(DemoPart),
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

/// How the demo goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct DemoOptions {
    /// Start without the guided tour
    #[arg(long)]
    pub no_tour: bool,
    /// Ask a stand-in for a model, on this host and with answers that were written in advance
    #[arg(long)]
    pub fake_model: bool,
    /// Seconds between the causes of two incidents
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub stagger: u64,
}

/// A process of the embedded world.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum DemoPart {
    /// Fill a directory with logs until it holds this many bytes
    Filler {
        /// Directory to fill
        volume: PathBuf,
        /// Bytes at which it ends
        quota: u64,
    },
    /// Keep the worker alive
    Supervisor {
        /// Directory of the demo
        directory: PathBuf,
    },
    /// Send orders
    Worker {
        /// Directory of the demo
        directory: PathBuf,
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
            profile: self.profile.clone(),
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
    let mut line = harmless(&serde_json::to_string(object)?);
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// JSON with the characters that a terminal would obey or hide as escapes. It means the same.
fn harmless(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    let mut buffer = [0; 4];
    for c in json.chars() {
        let one: &str = c.encode_utf8(&mut buffer);
        if c.is_ascii() || text::visible(one) == one {
            harmless.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                harmless.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    harmless
}

/// A message of one or more lines with the characters spelled out that a terminal would obey or hide. Parts of it may have
/// been spelled out already, which stays as it is.
pub(crate) fn harmless_words(words: &str) -> String {
    let mut harmless = String::with_capacity(words.len());
    let mut buffer = [0; 4];
    for c in words.chars() {
        match c {
            '\n' => harmless.push(c),
            _ => harmless.push_str(&text::visible(c.encode_utf8(&mut buffer))),
        }
    }
    harmless
}

/// Opens the store that is at `path`; never makes one.
pub(crate) fn open_existing(path: &Path, options: OpenOptions) -> Result<Store, Report> {
    // Opening would create it, and there would be nothing in it to look at.
    if !path.exists() {
        let place = path.display();
        return Err(eyre!("{place}: there is no database here. Name the one that is meant with --db or AIOPS_DB"));
    }
    Ok(Store::open(path, options)?)
}

/// Waits for the engine, for commands that do one thing.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::config::ConfigCommand;
    use super::journal::{JournalCommand, VerifyArgs};
    use super::redact::RedactCommand;
    use super::sop::{SopArgs, SopCommand};
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case(&[], None)]
    #[case(&["demo"], Some(Command::Demo(DemoOptions { no_tour: false, fake_model: false, stagger: 20 })))]
    #[case(
        &["demo", "--no-tour", "--stagger", "0", "--fake-model"],
        Some(Command::Demo(DemoOptions { no_tour: true, fake_model: true, stagger: 0 }))
    )]
    #[case(&["demo-part", "worker", "/d"], Some(Command::DemoPart(DemoPart::Worker { directory: "/d".into() })))]
    #[case(&["journal", "verify"], Some(Command::Journal(JournalCommand::Verify(VerifyArgs::default()))))]
    #[case(&["config", "check"], Some(Command::Config(ConfigCommand::Check)))]
    #[case(&["config", "show", "--json"], Some(Command::Config(ConfigCommand::Show)))]
    #[case(
        &["demo-model", "--port", "7"],
        Some(Command::DemoModel { port: 7, key: "demo".to_owned(), script: None })
    )]
    #[case(&["redact", "--keep-names"], Some(Command::Redact(RedactCommand { keep_names: true, domains: Vec::new() })))]
    #[case(&["keys"], Some(Command::Keys))]
    #[case(&["sop", "list"], Some(Command::Sop(SopArgs { directories: Vec::new(), command: SopCommand::List })))]
    #[case(
        &["sop", "--sops", "/a", "search", "disk", "full", "--sops", "/b"],
        Some(Command::Sop(SopArgs {
            directories: vec!["/b".into()],
            command: SopCommand::Search { words: vec!["disk".to_owned(), "full".to_owned()], limit: 20 },
        }))
    )]
    #[case(&["supervise", "/a/b", "d1"], Some(Command::Supervise { directory: "/a/b".into(), digest: "d1".to_owned() }))]
    fn commands_are_understood(#[case] words: &[&str], #[case] expected: Option<Command>) {
        let cli = Cli::try_parse_from([&["aiops"], words].concat()).unwrap();
        assert_eq!(cli.command, expected);
    }

    #[rstest]
    #[case(&["dmeo"])]
    #[case(&["demo", "--stagger", "3601"])]
    #[case(&["demo-part"])]
    #[case(&["journal"])]
    #[case(&["config"])]
    #[case(&["incidents", "ack", "x"])]
    #[case(&["incidents", "ack", "0"])]
    #[case(&["incidents", "assign", "1"])]
    #[case(&["incidents", "assign", "1", "bob", "--me"])]
    #[case(&["incidents", "suppress", "1"])]
    #[case(&["incidents", "suppress", "1", "--for", "2h", "--off"])]
    #[case(&["incidents", "list", "--queue", "ours"])]
    #[case(&["incidents", "resolve", "1"])]
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
    fn json_is_harmless_on_a_terminal_and_means_the_same() {
        let text = "a\u{9b}2J\u{202e}\u{1b}[2Jä😀\u{e0041}";
        let mut out = Vec::new();
        json_line(&mut out, &text).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert!(line.contains('ä') && line.contains('😀'));
        assert!(!line.contains('\u{9b}') && !line.contains('\u{202e}') && !line.contains('\u{e0041}'), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn messages_are_harmless_and_keep_their_lines_and_what_was_spelled_out_already() {
        let words = harmless_words("a: \u{1b}]0;x\u{7}é\nb: \\u{202e}\u{202e} C:\\users");
        assert_eq!(words, "a: \\u{1b}]0;x\\u{7}é\nb: \\u{202e}\\u{202e} C:\\users");
    }

    #[test]
    fn internal_commands_are_not_advertised() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("journal") && !help.contains("supervise") && !help.contains("demo-"), "{help}");
    }
}

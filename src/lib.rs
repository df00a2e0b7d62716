//! `aiops`: a full-screen terminal console for on-call engineers.
//!
//! The module tree, and the one place where adapters are plugged into the engine.

pub mod adapters;
pub mod cli;
pub mod config;
pub mod api;
pub mod domain;
pub mod engine;
pub mod logging;
pub mod store;
pub mod tui;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use color_eyre::eyre::Report;

use crate::adapters::host::Host;
use crate::cli::{Cli, Command, Exit};
use crate::config::{ConfigError, Environment, Places};

/// Runs one approved action and records how it ends: the body of the hidden subcommand.
#[must_use]
pub fn supervise(directory: &Path) -> ExitCode {
    adapters::process::supervise(directory)
}

/// Does what the command line asks for.
///
/// # Errors
/// A report whose texts are for the person at the terminal; [`exit_of`] tells the exit code that belongs to it.
pub fn run(cli: &Cli) -> Result<Exit, Report> {
    let request = cli.global.request(Environment::of_process(), Places::detect()?, Host::detect().name);
    let mut out = io::stdout().lock();
    match &cli.command {
        Some(Command::Config(command)) => cli::config::run(*command, &request, cli.global.format(), &mut out),
        None | Some(Command::Demo | Command::Journal(_) | Command::Supervise { .. }) => {
            write!(out, "{}", Cli::command().render_help())?;
            Ok(Exit::Usage)
        }
    }
}

/// The exit code that tells programs what `report` tells people.
///
/// A reader that went away (`aiops … | head`) has what it wanted.
#[must_use]
pub fn exit_of(report: &Report) -> Exit {
    for cause in report.chain() {
        if cause.is::<ConfigError>() {
            return Exit::Usage;
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Done;
        }
    }
    Exit::Failed
}

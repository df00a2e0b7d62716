//! `aiops`: a full-screen terminal console for on-call engineers.
//!
//! The module tree, and the one place where adapters are plugged into the engine.

pub mod adapters;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod logging;
pub mod store;

use std::io::{self, Write as _};
use std::sync::Arc;

use clap::CommandFactory as _;
use color_eyre::eyre::Report;

use crate::adapters::host::{Host, SystemClock};
use crate::cli::{Cli, Command, Exit};
use crate::config::{ConfigError, Environment, Places};
use crate::engine::ports::Clock as _;
use crate::store::{Identity, OpenOptions};

/// Does what the command line asks for.
///
/// # Errors
/// A report whose texts are for the person at the terminal; [`exit_of`] tells the exit code that belongs to it.
pub fn run(cli: &Cli) -> Result<Exit, Report> {
    let host = Host::detect();
    let request = cli.global.request(Environment::of_process(), Places::detect()?, host.name.clone());
    let format = cli.global.format();
    let mut out = io::stdout().lock();
    match &cli.command {
        Some(Command::Config(command)) => cli::config::run(*command, &request, format, &mut out),
        Some(Command::Journal(command)) => {
            let config = config::load(&request)?.config;
            cli::journal::run(*command, &config.store.path, store_options(host), format, &mut out)
        }
        None | Some(Command::Demo | Command::Supervise { .. }) => {
            write!(out, "{}", Cli::command().render_help())?;
            Ok(Exit::Usage)
        }
    }
}

/// Who writes to the store, and by which clock.
fn store_options(host: Host) -> OpenOptions {
    let Host { name, boot_id, pid } = host;
    let identity = Identity { host: name, boot_id, pid, person: adapters::host::person() };
    OpenOptions { identity, now: Arc::new(|| (SystemClock.now(), SystemClock.monotonic())) }
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

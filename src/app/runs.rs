//! The engine without a screen, for `aiops runs`.
//!
//! Owns: which parts of the engine those commands get. Does not: lend a terminal, so that interactive actions are refused, or
//! receive alerts.

use std::io;
use std::sync::Arc;

use color_eyre::eyre::Report;

use super::{
    App, assistant, attempts_root, console, handed_secrets, limits, other_hosts, policy, run_settings, secrets_of,
    store_options,
};
use crate::adapters::host::{self, SystemClock};
use crate::adapters::process::ProcessRunner;
use crate::cli::runs::{Desk, RunsCommand};
use crate::cli::{Exit, Format};
use crate::config::Config;
use crate::domain::action::proposal::Proposal;
use crate::domain::actor::Actor;
use crate::domain::text::Repertoire;
use crate::engine::backend::Beside;
use crate::engine::library::Library;
use crate::engine::local::LocalBackend;
use crate::engine::ports::Clock;
use crate::engine::runner::Runner;
use crate::tui::review::{Paper, Review};

/// Columns of a review that is printed: as in a console of 120 columns.
const REVIEW_COLUMNS: usize = 100;

/// Runs `command` as the person of this process.
///
/// # Errors
/// When there is no database, or the command fails.
pub(super) fn run(command: &RunsCommand, config: &Config, format: Format) -> Result<Exit, Report> {
    let library = Library::load(&config.sops.directories);
    let done = console::block_on(async {
        let path = &config.store.path;
        let store = crate::cli::open_existing(path, store_options())?;
        policy::govern(&store, config);
        let actor = Actor::Person(host::person());
        let (processes, clock) = (
            Arc::new(ProcessRunner { secrets: secrets_of(config), ..App::processes() }),
            Arc::new(SystemClock) as Arc<dyn Clock>,
        );
        let runner = Runner::new(store.clone(), processes, Arc::clone(&clock), actor.clone(), attempts_root(path));
        let library = Arc::new(library);
        let assistant = assistant::of(config, &store, &runner, &clock, &actor, &host::Host::detect().name);
        let backend = LocalBackend::new(store.clone(), library, runner.clone(), run_settings(config), actor)
            .with_other_hosts(other_hosts(config))
            .with_secrets(handed_secrets(config))
            .with_scopes(config.scopes)
            .with_assistant(assistant)
            .with_limits(limits(&config.run));
        let desk = Desk { backend: &backend, runner: &runner, store: &store, review: &review };
        crate::cli::runs::run(command, &desk, format, &mut io::stdout()).await
    });
    done?
}

/// The review as the console lays it out.
fn review(proposal: &Proposal, incident_title: &str, beside: &Beside) -> String {
    let paper = Paper { width: REVIEW_COLUMNS, repertoire: Repertoire::Unicode };
    Review::open_with(proposal, incident_title, paper, beside, SystemClock.now()).rendered()
}

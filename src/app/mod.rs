//! The wiring: puts store, engine and adapters together for the console, the demo and the subcommands.
//!
//! Owns: which adapter serves which port. Does not: decide anything; every part can be tested without this folder.

mod console;
mod demo;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Report;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapters::alertmanager::{Access, Alertmanager, Connection, WebhookV4};
use crate::adapters::host::{self, Host, SystemClock};
use crate::adapters::process::ProcessRunner;
use crate::api::receiver::{ReceiverConfig, Receivers};
use crate::cli::{Cli, Command, Exit};
use crate::config::{AlertmanagerSection, Config, ConfigError, Environment, Login, Places, Secret};
use crate::domain::action::spec::Target;
use crate::domain::actor::Actor;
use crate::domain::id::SourceId;
use crate::engine::ingest::{Door, Ingest, IngestPlan, Role, WatchedSource};
use crate::engine::library::Library;
use crate::engine::local::{LocalBackend, RunSettings};
use crate::engine::ports::{AlertSource, Clock};
use crate::engine::runner::Runner;
use crate::store::{Identity, OpenOptions, Store, StoreError};

/// Does what the command line asks for.
///
/// # Errors
/// A report whose texts are for the person at the terminal; [`exit_of`] tells the exit code that belongs to it.
pub fn run(cli: &Cli) -> Result<Exit, Report> {
    let request = cli.global.request(Environment::of_process(), Places::detect()?, Host::detect().name);
    let format = cli.global.format();
    match &cli.command {
        Some(Command::Config(command)) => crate::cli::config::run(*command, &request, format, &mut io::stdout().lock()),
        Some(Command::Journal(command)) => {
            let config = crate::config::load(&request)?.config;
            let path = &config.store.path;
            let hash_output = |directory: &str| crate::adapters::process::output_digest(Path::new(directory));
            crate::cli::journal::run(*command, path, store_options(), hash_output, format, &mut io::stdout().lock())
        }
        None => console::run(crate::config::load(&request)?),
        Some(Command::Demo) => demo::run(crate::config::load(&request)?),
        // `main` does these two before the configuration is looked at.
        Some(Command::Supervise { .. } | Command::DemoFiller { .. }) => {
            write!(io::stderr(), "This is an internal command.")?;
            Ok(Exit::Usage)
        }
    }
}

/// Runs the approved action that `digest` names and records how it ends: the body of the hidden subcommand `supervise`.
#[must_use]
pub fn supervise(directory: &Path, digest: &str) -> ExitCode {
    crate::adapters::process::supervise(directory, digest)
}

/// Fills the demo's volume: the body of the hidden subcommand `demo-filler`.
#[must_use]
pub fn fill_demo_volume(volume: &Path, quota: u64) -> ExitCode {
    // Its output goes nowhere; the exit code is all that anyone sees.
    if crate::demo::fill(volume, quota).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Who writes to the store, and by which clock.
fn store_options() -> OpenOptions {
    let Host { name, boot_id, pid } = Host::detect();
    let identity = Identity { host: name, boot_id, pid, person: host::person() };
    OpenOptions { identity, now: Arc::new(|| (SystemClock.now(), SystemClock.monotonic())) }
}

/// The lease is held this long after its last heartbeat: a crashed receiver is followed within this time.
const LEASE: Duration = Duration::from_secs(10);
/// The source of deliveries whose address names none.
const DEFAULT_SOURCE: &str = "alertmanager";

/// Store, engine and identity, ready to be used.
struct App {
    /// The database.
    store: Store,
    /// What a console or a command may do.
    backend: LocalBackend,
    /// Attempts.
    runner: Runner,
    /// The clocks of this host.
    clock: Arc<dyn Clock>,
    /// Things to tell the person: SOPs that could not be read, sources that cannot be used.
    notices: Vec<String>,
    host: Host,
}

impl App {
    /// Opens the store and puts the engine together. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be opened.
    fn open(config: &Config) -> Result<Self, StoreError> {
        // Hundreds of documents take as long to read as everything else before the first frame: both at once.
        let directories = config.sops.directories.clone();
        let reading = std::thread::spawn(move || Library::load(&directories));
        let store = Store::open(&config.store.path, store_options())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let actor = Actor::Person(host::person());
        // Without the directories there are still the documents in the binary.
        let library = Arc::new(reading.join().unwrap_or_else(|_| Library::bundled()));
        let notices = library.problems().iter().map(|problem| problem.message.clone()).collect();
        let processes = Arc::new(Self::processes());
        let root = attempts_root(&config.store.path);
        let runner = Runner::new(store.clone(), processes, Arc::clone(&clock), actor.clone(), root);
        let backend = LocalBackend::new(store.clone(), library, runner.clone(), run_settings(config), actor);
        tokio::spawn(backend.clone().renew_library(config.sops.directories.clone()));
        Ok(Self { store, backend, runner, clock, notices, host: Host::detect() })
    }

    /// What starts actions and finds them again.
    fn processes() -> ProcessRunner {
        // `/proc/self/exe` stays this very program when the file is replaced by an update meanwhile.
        ProcessRunner::new(PathBuf::from("/proc/self/exe"))
    }

    /// Starts receiving and reconciling in the background, as soon as this process holds the lease.
    fn start_ingest(&mut self, config: &Config) -> Background {
        let mut sources = Vec::new();
        for section in &config.alertmanagers {
            match alertmanager(section) {
                Ok(source) => {
                    let source: Arc<dyn AlertSource> = Arc::new(source);
                    sources.push(WatchedSource { source, interval: section.interval });
                }
                Err(problem) => self.notices.push(problem),
            }
        }
        let names: Vec<SourceId> = config.alertmanagers.iter().map(|section| section.name.clone()).collect();
        let door = match receivers(config, &names) {
            Ok(door) => door,
            Err(problem) => {
                self.notices.push(problem);
                None
            }
        };
        let plan = IngestPlan {
            holder: format!("{}@{}", self.host.pid, self.host.name),
            lease: LEASE,
            reopen_within: config.incidents.reopen_within,
            sources,
            door,
        };
        let ingest = Ingest::new(self.store.clone(), Arc::clone(&self.clock), plan);
        let role = ingest.follow();
        let stop = CancellationToken::new();
        let task = tokio::spawn(ingest.run(stop.clone()));
        Background { stop, task, role }
    }
}

/// A service that runs until it is told to stop.
struct Background {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    role: watch::Receiver<Role>,
}

impl Background {
    /// Tells it to stop and waits until it has, at most `patience`.
    async fn stop(self, patience: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(patience, self.task).await.is_err() {
            tracing::warn!("a service did not stop in time; it is left to end with the process");
        }
    }
}

/// Directories of attempts stand beside the database that tells about them.
fn attempts_root(database: &Path) -> String {
    let directory = database.parent().unwrap_or(Path::new("."));
    directory.join("attempts").display().to_string()
}

fn run_settings(config: &Config) -> RunSettings {
    let mut env = BTreeMap::from([("PATH".to_owned(), config.run.path.clone())]);
    for name in &config.run.pass_env {
        if let Ok(value) = std::env::var(name) {
            env.insert(name.clone(), value);
        }
    }
    RunSettings {
        target: Target::ThisHost { name: config.run.target_name.clone() },
        directory: config.run.directory.display().to_string(),
        env,
        time_limit: config.run.time_limit,
    }
}

fn alertmanager(section: &AlertmanagerSection) -> Result<Alertmanager, String> {
    let secret = |secret: &Secret| secret.resolve().map_err(|error| error.to_string());
    let access = match &section.login {
        Login::Anonymous => Access::Open,
        Login::Bearer(token) => Access::Bearer(secret(token)?),
        Login::Basic { username, password } => {
            Access::Basic { username: username.clone(), password: secret(password)? }
        }
    };
    let connection =
        Connection { id: section.name.clone(), url: section.url.clone(), access, timeout: section.timeout };
    Alertmanager::new(connection).map_err(|error| error.to_string())
}

fn receivers(config: &Config, names: &[SourceId]) -> Result<Option<Door>, String> {
    let section = &config.receiver;
    if !section.enabled {
        return Ok(None);
    }
    let default_source = names.first().cloned().unwrap_or_else(|| DEFAULT_SOURCE.into());
    let mut receiver = ReceiverConfig::new(section.listen, default_source.clone());
    receiver.token = match &section.token {
        Some(token) => Some(token.resolve().map_err(|error| error.to_string())?),
        None => None,
    };
    receiver.body_limit = usize::try_from(section.body_limit).unwrap_or(usize::MAX);
    receiver.in_flight_limit = usize::try_from(section.in_flight_limit).unwrap_or(usize::MAX);
    let sources = if names.is_empty() { vec![default_source] } else { names.to_vec() };
    Ok(Some(Door { receivers: Arc::new(Receivers::new(receiver, Arc::new(WebhookV4))), sources }))
}

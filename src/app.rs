//! The wiring: puts store, engine and adapters together for the console, the demo and the subcommands.
//!
//! Owns: which adapter serves which port. Does not: decide anything; every part can be tested without this file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::adapters::alertmanager::{Access, Alertmanager, Connection, WebhookV4};
use crate::adapters::host::{self, Host, SystemClock};
use crate::adapters::process::ProcessRunner;
use crate::api::receiver::{ReceiverConfig, Receivers};
use crate::config::{AlertmanagerSection, Config, Login, Secret};
use crate::domain::action::spec::Target;
use crate::domain::actor::Actor;
use crate::domain::id::SourceId;
use crate::engine::ingest::{Door, Ingest, IngestPlan, WatchedSource};
use crate::engine::library::Library;
use crate::engine::local::{LocalBackend, RunSettings};
use crate::engine::ports::{AlertSource, Clock};
use crate::engine::runner::Runner;
use crate::store::{Identity, OpenOptions, Store, StoreError};

/// The lease is held this long after its last heartbeat: a crashed receiver is followed within this time.
const LEASE: Duration = Duration::from_secs(10);
/// The source of deliveries whose address names none.
const DEFAULT_SOURCE: &str = "alertmanager";

/// Store, engine and identity, ready to be used.
pub struct App {
    /// The database.
    pub store: Store,
    /// What a console or a command may do.
    pub backend: LocalBackend,
    /// Attempts.
    pub runner: Runner,
    /// The clocks of this host.
    pub clock: Arc<dyn Clock>,
    /// Things to tell the person: SOPs that could not be read, sources that cannot be used.
    pub notices: Vec<String>,
    host: Host,
}

/// Opens the store as this process and this person.
///
/// # Errors
/// A [`StoreError`] that says what is wrong with the file and what to do about it.
pub fn open_store(path: &Path) -> Result<Store, StoreError> {
    let host = Host::detect();
    let identity =
        Identity { host: host.name, boot_id: host.boot_id, pid: host.pid, person: host::person() };
    let now = Arc::new(|| (SystemClock.now(), SystemClock.monotonic()));
    Store::open(path, OpenOptions { identity, now })
}

impl App {
    /// Opens the store and puts the engine together. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(config: &Config) -> Result<Self, StoreError> {
        let store = open_store(&config.store.path)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let actor = Actor::Person(host::person());
        let library = Arc::new(Library::load(&config.sops.directories));
        let notices = library.problems().iter().map(ToString::to_string).collect();
        // `/proc/self/exe` stays this very program when the file is replaced by an update meanwhile.
        let processes = Arc::new(ProcessRunner::new(PathBuf::from("/proc/self/exe")));
        let root = attempts_root(&config.store.path);
        let runner = Runner::new(store.clone(), processes, Arc::clone(&clock), actor.clone(), root);
        let backend = LocalBackend::new(store.clone(), library, runner.clone(), run_settings(config), actor);
        Ok(Self { store, backend, runner, clock, notices, host: Host::detect() })
    }

    /// Starts receiving and reconciling in the background, as soon as this process holds the lease.
    pub fn start_ingest(&mut self, config: &Config) -> Background {
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
        let stop = CancellationToken::new();
        let task = tokio::spawn(ingest.run(stop.clone()));
        Background { stop, task }
    }
}

/// A service that runs until it is told to stop.
pub struct Background {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Background {
    /// Tells it to stop and waits until it has, at most `patience`.
    pub async fn stop(self, patience: Duration) {
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

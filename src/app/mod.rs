//! The wiring: puts store, engine and adapters together for the console, the demo and the subcommands.
//!
//! Owns: which adapter serves which port. Does not: decide anything; every part can be tested without this folder.

mod anchors;
mod appearance;
mod assistant;
mod console;
mod demo;
mod doctor;
mod doctor_ways;
mod kept;
mod model;
mod policy;
mod purge;
mod replay;
mod runs;
mod sops;
mod sources;
mod stand_in;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Report;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::adapters::host::{self, Host, SystemClock};
use crate::adapters::process::{self, ProcessRunner, Scope, Secrets};
use crate::adapters::sop_files::SopDirectories;
use crate::cli::doctor::PATIENCE;
use crate::cli::incidents::Streams;
use crate::cli::journal::Outside;
use crate::cli::policy::PolicyCommand;
use crate::cli::runs::RefusedByRules;
use crate::cli::sop::{SopArgs, SopCommand};
use crate::cli::{Cli, Command, DemoPart, Exit};
use crate::config::{
    AnchorPlace, Config, ConfigError, ContainerSection, Environment, Places, RunSection, Secret, SecretSection,
    TargetSection,
};
use crate::domain::action::build::Reads;
use crate::domain::action::choice::{ContainerRule, Rule};
use crate::domain::action::handed::HandedSecret;
use crate::domain::action::spec::{Confinement, Target};
use crate::domain::actor::Actor;
use crate::domain::run::Limits;
use crate::engine::ingest::{Ingest, IngestPlan, LEASE, Role, Trouble};
use crate::engine::library::{Library, LibraryProblem};
use crate::engine::local::{LocalBackend, OtherHosts, RunSettings};
use crate::engine::ports::Clock;
use crate::engine::runner::Runner;
use crate::store::{Identity, OpenOptions, Store, StoreError};
use crate::tui::console::Start;
use crate::tui::lending::{self, LoanRequests};

/// Does what the command line asks for.
///
/// # Errors
/// A report whose texts are for the person at the terminal; [`exit_of`] tells the exit code that belongs to it.
pub fn run(cli: &Cli) -> Result<Exit, Report> {
    let request = cli.global.request(Environment::of_process(), Places::detect()?, Host::detect().name);
    let format = cli.global.format();
    match &cli.command {
        Some(Command::Config(command)) => {
            crate::cli::config::run(*command, &request, appearance::check, format, &mut io::stdout().lock())
        }
        Some(Command::Journal(command)) => {
            let config = crate::config::load(&request)?.config;
            let outside = Outside {
                anchors: match &config.journal.anchor {
                    AnchorPlace::File(path) => Some(path.as_path()),
                    AnchorPlace::Off | AnchorPlace::Syslog | AnchorPlace::Journald => None,
                },
                hash_output: |directory: &str| crate::adapters::process::output_digest(Path::new(directory)),
            };
            let path = &config.store.path;
            crate::cli::journal::run(command, path, store_options(), outside, format, &mut io::stdout().lock())
        }
        Some(Command::Transcript(args)) => {
            let path = crate::config::load(&request)?.config.store.path;
            let read = |directory: &str| replay::output_part(directory, crate::cli::transcript::EXCERPT);
            crate::cli::transcript::run(args, &path, read, format, &mut io::stdout().lock())
        }
        Some(Command::Replay(args)) => replay::run(crate::config::load(&request)?, *args),
        Some(Command::Incidents(command)) => {
            let path = crate::config::load(&request)?.config.store.path;
            let streams = Streams { input: &mut io::stdin().lock(), out: &mut io::stdout().lock() };
            crate::cli::incidents::run(command, &path, store_options(), format, streams)
        }
        Some(Command::Runs(command)) => runs::run(command, &crate::config::load(&request)?.config, format),
        Some(Command::Backup(command)) => {
            let config = crate::config::load(&request)?.config;
            let (path, retention) = (&config.store.path, config.keep.retention);
            crate::cli::backup::run(command, path, retention, store_options(), format, &mut io::stdout().lock())
        }
        Some(Command::Restore(args)) => {
            let path = crate::config::load(&request)?.config.store.path;
            crate::cli::restore::run(args, &path, store_options(), format, &mut io::stdout().lock())
        }
        Some(Command::Purge(args)) => purge::run(args, &crate::config::load(&request)?.config, format),
        Some(Command::Policy(PolicyCommand::Check { command })) => {
            policy::check_command(command, &crate::config::load(&request)?.config, format)
        }
        Some(Command::Policy(PolicyCommand::Explain(args))) => {
            policy::explain(args, &crate::config::load(&request)?.config, format)
        }
        Some(Command::Doctor { online }) => {
            let network = if *online { doctor::Network::Online } else { doctor::Network::Offline };
            let checks = doctor::checks(&crate::config::load(&request)?, network);
            Ok(crate::cli::doctor::run(checks, PATIENCE, format, &mut io::stdout().lock())?)
        }
        Some(Command::Completions { shell }) => {
            crate::cli::generated::completions(*shell, &mut io::stdout().lock())?;
            Ok(Exit::Done)
        }
        Some(Command::Man) => {
            crate::cli::generated::manual(&mut io::stdout().lock())?;
            Ok(Exit::Done)
        }
        Some(Command::Redact(command)) => {
            // Where names stay, no configuration is needed, and a mistake in it is in nobody's way.
            let configured =
                if command.keep_names { Vec::new() } else { crate::config::load(&request)?.config.redact.domains };
            let streams = Streams { input: &mut io::stdin().lock(), out: &mut io::stdout().lock() };
            crate::cli::redact::run(command, &configured, format, streams)
        }
        Some(Command::Sop(SopArgs { command: SopCommand::Stats { id }, .. })) => {
            let path = crate::config::load(&request)?.config.store.path;
            crate::cli::sop_stats::run(id.as_deref(), &path, store_options(), format, &mut io::stdout().lock())
        }
        Some(Command::Sop(SopArgs { command: SopCommand::Improve(improve), directories })) => {
            sops::improve(improve, directories, &crate::config::load(&request)?.config, format)
        }
        Some(Command::Sop(SopArgs { command: SopCommand::Draft(draft), directories })) => {
            sops::draft(draft, directories, &crate::config::load(&request)?.config, format)
        }
        Some(Command::Sop(args)) => {
            // With directories of its own a command needs no configuration, and a mistake in it is in nobody's way.
            let configured = match args.directories.as_slice() {
                [] => crate::config::load(&request)?.config.sops.directories,
                _ => Vec::new(),
            };
            let library = crate::cli::sop::library(args, &configured)?;
            crate::cli::sop::run(&args.command, &library, format, &mut io::stdout().lock(), &mut io::stderr().lock())
        }
        Some(Command::Silence(command)) => {
            let config = crate::config::load(&request)?.config;
            console::block_on(async {
                let silencer = match sources::silencer(&config, command.place()).await {
                    Ok(silencer) => silencer,
                    Err(error) => {
                        writeln!(io::stdout(), "{}", crate::cli::harmless_words(&error.to_string()))?;
                        return Ok(Exit::Unreachable);
                    }
                };
                crate::cli::silence::run(command, &silencer, SystemClock.now(), format, &mut io::stdout()).await
            })?
        }
        Some(Command::Keys) => {
            let keys = appearance::keys(&crate::config::load(&request)?)?;
            Ok(crate::cli::keys::run(&keys, format, &mut io::stdout().lock())?)
        }
        None => {
            let start = if cli.fresh { Start::Fresh } else { Start::WhereLeft };
            console::run(crate::config::load(&request)?, start)
        }
        Some(Command::Demo(options)) => demo::run(crate::config::load(&request)?, *options),
        Some(Command::DemoModel { port, key, script }) => stand_in::serve(*port, key, script.as_deref()),
        // `main` does these two before the configuration is looked at.
        Some(Command::Supervise { .. } | Command::DemoPart(_)) => {
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

/// Plays a part in the demo's world: the body of the hidden subcommand `demo-part`.
#[must_use]
pub fn play_demo_part(part: &DemoPart) -> ExitCode {
    use crate::demo::{Leash, WorkerPlace, fill, supervise_worker, work};
    let leash = Leash::of_this_process();
    // What they print goes nowhere: the exit code and their logs are all that anyone sees.
    let done = match part {
        DemoPart::Filler { volume, quota } => fill(volume, *quota, &leash).is_ok(),
        DemoPart::Supervisor { directory } => supervise_worker(directory, Path::new(demo::PROGRAM), &leash).is_ok(),
        DemoPart::Worker { directory } => work(&WorkerPlace::of(directory), &leash).is_ok(),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
        if cause.is::<RefusedByRules>() {
            return Exit::Refused;
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Done;
        }
    }
    Exit::Failed
}

/// What `report` tells people. It may quote a file or a service: what a terminal would obey or hide is spelled out.
#[must_use]
pub fn words_of(report: &Report) -> String {
    crate::cli::harmless_words(&format!("{report:#}"))
}

/// Who writes to the store, and by which clock.
fn store_options() -> OpenOptions {
    let Host { name, boot_id, pid } = Host::detect();
    let identity = Identity { host: name, boot_id, pid, person: host::person() };
    OpenOptions { identity, now: Arc::new(|| (SystemClock.now(), SystemClock.monotonic())) }
}

/// The first frame waits this long, after the store is open, for the SOPs of configured directories: hundreds of documents
/// on a local disk are read by then. Others are used as soon as they are there.
const LIBRARY_WITHIN: Duration = Duration::from_millis(15);
/// So many problems with SOPs are told one by one; the log has them all.
const PROBLEMS_TOLD: usize = 3;

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
    /// Things to tell the person: what is doubtful in the configuration, SOPs that could not be read.
    notices: Notices,
    /// Commands that need the console's terminal.
    loans: LoanRequests,
    host: Host,
    /// Who is told when alerts cannot be stored.
    trouble: watch::Sender<Option<Trouble>>,
}

/// What is to be told to the person, now and later.
struct Notices {
    tell: UnboundedSender<String>,
    told: UnboundedReceiver<String>,
}

impl Notices {
    fn new(first: Vec<String>) -> Self {
        let (tell, told) = unbounded_channel();
        for notice in first {
            // The receiver stands beside this very sender.
            let _ = tell.send(notice);
        }
        Self { tell, told }
    }
}

impl App {
    /// Opens the store and puts the engine together; `notices` are told to the person. Waits for nothing else: neither for
    /// directories of SOPs that do not answer nor for secrets.
    ///
    /// # Errors
    /// When the store cannot be opened.
    async fn open(config: &Config, notices: Vec<String>) -> Result<Self, StoreError> {
        // Hundreds of documents take as long to read as everything else before the first frame: both at once.
        let directories = config.sops.directories.clone();
        let (sender, mut reading) = oneshot::channel();
        std::thread::spawn(move || {
            // Nobody listens when the console was left before.
            let _ = sender.send(Library::load(&directories));
        });
        let store = Store::open(&config.store.path, store_options())?;
        let notices = notices.into_iter().chain(policy::govern(&store, config)).collect();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let actor = Actor::Person(host::person());
        let notices = Notices::new(notices);
        let (library, late) = match tokio::time::timeout(LIBRARY_WITHIN, &mut reading).await {
            Ok(Ok(library)) => {
                tell_problems(&notices.tell, library.problems());
                (library, None)
            }
            // Without the directories there are still the documents in the binary.
            Ok(Err(_)) => (Library::bundled(), None),
            Err(_) => (Library::bundled(), Some(reading)),
        };
        let processes = Arc::new(ProcessRunner { secrets: secrets_of(config), ..Self::processes() });
        let root = attempts_root(&config.store.path);
        let runner = Runner::new(store.clone(), processes, Arc::clone(&clock), actor.clone(), root);
        let host = Host::detect();
        let (lender, loans) = lending::lender();
        runner.borrow_terminals_from(Arc::new(lender));
        let assistant = assistant::of(config, &store, &runner, &clock, &actor, &host.name);
        let trouble = watch::Sender::default();
        let backend = LocalBackend::new(store.clone(), Arc::new(library), runner.clone(), run_settings(config), actor)
            .with_other_hosts(other_hosts(config))
            .with_secrets(handed_secrets(config))
            .with_scopes(config.scopes)
            .with_assistant(assistant)
            .with_silences(sources::silence_places(config))
            .with_policy(policy::watched(config))
            .with_logs(sources::logs(config))
            .with_limits(limits(&config.run))
            .with_sop_files(Arc::new(SopDirectories::new(config.sops.directories.clone())))
            .with_trouble(trouble.subscribe());
        let tell = notices.tell.clone();
        let tell = move |problems: &[LibraryProblem]| tell_problems(&tell, problems);
        tokio::spawn(backend.clone().renew_library(config.sops.directories.clone(), late, tell));
        Ok(Self { store, backend, runner, clock, notices, loans, host, trouble })
    }

    /// What starts actions and finds them again.
    fn processes() -> ProcessRunner {
        // `/proc/self/exe` stays this very program when the file is replaced by an update meanwhile.
        ProcessRunner { scope: Scope::detect(), ..ProcessRunner::new(PathBuf::from("/proc/self/exe")) }
    }

    /// Starts receiving and reconciling in the background, as soon as this process holds the lease.
    fn start_ingest(&self, config: &Config) -> Background {
        let plan = IngestPlan {
            holder: format!("{}@{}", self.host.pid, self.host.name),
            lease: LEASE,
            reopen_within: config.incidents.reopen_within,
            sources: sources::watched(config),
            door: sources::door(config),
        };
        let ingest = Ingest::new(self.store.clone(), Arc::clone(&self.clock), plan).telling(self.trouble.clone());
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

/// What a program on a terminal has to know about it (environ(7), and COLORTERM by custom).
const TERMINAL_ENV: [&str; 3] = ["TERM", "COLORTERM", "LC_CTYPE"];

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
        terminal_env: TERMINAL_ENV
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect(),
        reads: reads(&config.run),
        time_limit: config.run.time_limit,
    }
}

/// What `ssh` and the programs that it calls have to know of the person's session (ssh(1), ssh-agent(1)).
const SSH_ENV: [&str; 4] = ["HOME", "LOGNAME", "SSH_AUTH_SOCK", "USER"];

/// Which programs get which secrets.
fn handed_secrets(config: &Config) -> Vec<HandedSecret> {
    let handed = |section: &SecretSection| HandedSecret {
        name: section.name.clone(),
        variable: section.variable.clone(),
        programs: section.programs.clone(),
    };
    config.secrets.iter().map(handed).collect()
}

/// Those secrets themselves, fetched when they are needed.
fn secrets_of(config: &Config) -> Secrets {
    let named = config.secrets.iter().map(|section| (section.name.clone(), section.value.clone()));
    let places: BTreeMap<String, Secret> = named.chain(sources::silence_secrets(config)).collect();
    Secrets::new(move |name| match places.get(name) {
        Some(place) => place.resolve().map_err(|error| error.to_string()),
        None => Err(format!("there is no [[secret]] {name} in the configuration any more")),
    })
}

fn other_hosts(config: &Config) -> OtherHosts {
    let rule = |target: &TargetSection| Rule {
        hosts: target.hosts.clone(),
        login: target.ssh.clone(),
        port: target.port,
        config: target.ssh_config.as_ref().map(|path| path.display().to_string()),
        directory: target.directory.clone(),
    };
    let variable = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    let container = |section: &ContainerSection| ContainerRule {
        namespaces: section.namespaces.clone(),
        pods: section.pods.clone(),
        context: section.context.clone(),
        container: section.container.clone(),
        directory: section.directory.clone(),
    };
    OtherHosts {
        rules: config.targets.iter().map(rule).collect(),
        containers: config.containers.iter().map(container).collect(),
        env: SSH_ENV.iter().filter_map(|name| variable(name)).collect(),
    }
}

/// How much a run of an SOP may take before a person has to look.
pub(super) const fn limits(run: &RunSection) -> Limits {
    Limits { time: run.look_after, attempts: run.look_after_commands }
}

/// How commands run that only read, on this kernel.
fn reads(run: &RunSection) -> Reads {
    let confinement =
        if run.confine_reads && process::reads_can_be_confined() { Confinement::ReadsOnly } else { Confinement::Free };
    let kubeconfig = run.kubeconfig_read.as_ref().map(|path| ("KUBECONFIG".to_owned(), path.display().to_string()));
    Reads { confinement, env: kubeconfig.into_iter().collect() }
}

/// Tells the first of `problems`, and how many there are more.
fn tell_problems(tell: &UnboundedSender<String>, problems: &[LibraryProblem]) {
    for problem in problems {
        tracing::warn!(problem = problem.message, "an SOP cannot be read");
    }
    let (told, more) = problems.split_at(problems.len().min(PROBLEMS_TOLD));
    let more = (!more.is_empty()).then(|| format!("{} more SOPs have problems; the log names them.", more.len()));
    for notice in told.iter().map(|problem| problem.message.clone()).chain(more) {
        // When the console has been left there is nobody to tell.
        let _ = tell.send(notice);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Request;
    use crate::engine::backend::Backend as _;

    use super::*;

    fn config(home: &Path) -> Config {
        let at = |name: &str| home.join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        let (environment, host_name) = (Environment::default(), "web-1".to_owned());
        crate::config::load(&Request { file: None, profile: None, flags: Vec::new(), environment, places, host_name })
            .unwrap()
            .config
    }

    #[tokio::test]
    async fn a_library_that_comes_late_is_used_and_its_problems_are_told() {
        let home = tempfile::tempdir().unwrap();
        let sops = home.path().join("sops");
        std::fs::create_dir(&sops).unwrap();
        std::fs::write(sops.join("Own.md"), "# Own\n\n1. Look.\n").unwrap();
        std::os::unix::fs::symlink(&sops, sops.join("loop")).unwrap();
        let mut app = App::open(&config(home.path()), vec!["from before".to_owned()]).await.unwrap();
        let backend = app.backend.clone();
        let listed = |sops: Vec<(crate::domain::id::SopId, String)>| sops.iter().any(|(id, _)| id.as_str() == "Own.md");
        assert!(!listed(backend.sops().await.unwrap()));

        let (sender, late) = oneshot::channel();
        let mut changes = backend.follow();
        let tell = app.notices.tell.clone();
        let tell = move |problems: &[LibraryProblem]| tell_problems(&tell, problems);
        let directories = vec![sops.clone()];
        let renewing = tokio::spawn(backend.clone().renew_library(directories.clone(), Some(late), tell));
        assert!(sender.send(Library::load(&directories)).is_ok());
        changes.changed().await.unwrap();
        assert!(listed(backend.sops().await.unwrap()));
        assert_eq!(app.notices.told.recv().await.unwrap(), "from before");
        assert!(app.notices.told.recv().await.unwrap().contains("loop"));
        renewing.abort();
    }

    #[test]
    fn many_problems_are_told_in_few_words() {
        let mut notices = Notices::new(Vec::new());
        let problems: Vec<LibraryProblem> = (0..600)
            .map(|number| LibraryProblem { path: PathBuf::from("/x"), message: format!("problem {number}") })
            .collect();
        tell_problems(&notices.tell, &problems);
        let told: Vec<String> = std::iter::from_fn(|| notices.told.try_recv().ok()).collect();
        assert_eq!(told, ["problem 0", "problem 1", "problem 2", "597 more SOPs have problems; the log names them."]);
    }
}

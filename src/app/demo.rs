//! `aiops demo`: the console against the embedded world.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Report, eyre};
use tokio::sync::watch;

use super::appearance::Appearance;
use super::{App, console};
use crate::adapters::alertmanager::WebhookPublisher;
use crate::adapters::host::{Host, SystemClock};
use crate::adapters::process::{DEFAULT_GRACE, start_ticks};
use crate::cli::Exit;
use crate::config::{Config, Loaded};
use crate::demo::World;
use crate::demo::fake_gemini::{FakeGemini, Script};
use crate::engine::ingest::Role;
use crate::engine::ports::{ActionRunner as _, Clock as _, GivenUp, Probe};
use crate::store::Store;
use crate::tui::console::Start;

/// The name that is typed to approve something dangerous in the demo.
const TARGET: &str = "demo";
/// The receiver is open within this time, or the demo says why not.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// Commands that run when the demo is left get this long to end: the time between TERM and KILL, and the kernel's.
const END_WITHIN: Duration = DEFAULT_GRACE.saturating_add(Duration::from_secs(6));
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs the demo until the person leaves; everything that it made is removed then.
///
/// # Errors
/// When the world or the console cannot be set up.
pub(super) fn run(loaded: Loaded) -> Result<Exit, Report> {
    let appearance = Appearance::of(&loaded)?;
    let mut config = loaded.config;
    let world = World::create(start_ticks)?;
    furnish(&mut config, world.directory());
    let log = crate::logging::start(&config.log.path, &config.log.filter);
    let notices = log.as_ref().err().map(ToString::to_string).into_iter().collect();
    let ended = console::block_on(show(world, &config, appearance, notices))?;
    drop(log);
    ended
}

/// The configuration of the demo: everything in its own directory, nothing of the person's sources.
fn furnish(config: &mut Config, directory: &Path) {
    config.store.path = directory.join("aiops.db");
    config.log.path = directory.join("aiops.log");
    config.receiver.listen = ([127, 0, 0, 1], 0).into();
    config.receiver.enabled = true;
    config.receiver.token = None;
    config.alertmanagers.clear();
    config.sops.directories.clear();
    config.run.directory = directory.to_owned();
    config.run.target_name = TARGET.to_owned();
}

async fn show(mut world: World, config: &Config, appearance: Appearance, notices: Vec<String>) -> Result<Exit, Report> {
    let app = App::open(config, notices).await?;
    let store = app.store.clone();
    let ingest = app.start_ingest(config);
    let place = receiver_place(ingest.role.clone()).await?;
    // `/proc/self/exe` stays this very program when the file is replaced meanwhile.
    world.start_filling(Path::new("/proc/self/exe"))?;
    let publisher = Arc::new(WebhookPublisher::new(format!("http://{place}/webhook/alertmanager"))?);
    let check = world.check(publisher, &Host::detect().name);
    let measuring = tokio::spawn(check.run(|| SystemClock.now()));
    let ended = console::show(app, config, appearance, ("demo", Start::Fresh)).await;
    measuring.abort();
    ingest.stop(console::PATIENCE).await;
    end_attempts(&store, Instant::now() + END_WITHIN).await;
    drop(world);
    ended
}

/// Ends what still runs of approved commands: their directory is about to be removed, and with it their output.
async fn end_attempts(store: &Store, deadline: Instant) {
    let mut asked = HashSet::new();
    loop {
        let unfinished = match store.unfinished_attempts().await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::warn!(%error, "commands that may still run could not be looked for");
                return;
            }
        };
        let places: Vec<String> = unfinished.into_iter().map(|attempt| attempt.directory).collect();
        let looked = tokio::task::spawn_blocking(move || {
            let alive = places.iter().filter(|place| end_attempt(place, &mut asked)).count();
            (alive, asked)
        });
        let Ok((alive, known)) = looked.await else { return };
        asked = known;
        if alive == 0 {
            return;
        }
        if Instant::now() >= deadline {
            tracing::warn!(alive, "commands of the demo did not end in time");
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks the attempt in `place` once to end, or sees to it that it never begins; whether it may still run.
fn end_attempt(place: &str, asked: &mut HashSet<String>) -> bool {
    let processes = App::processes();
    match processes.probe(place) {
        Probe::Ended(_) | Probe::Lost { spawned: true, .. } => false,
        // It is about to begin, and finds that it may not; before its directory is there, that cannot be arranged.
        Probe::Lost { spawned: false, .. } => !matches!(processes.give_up(place), Ok(GivenUp::NeverBegan)),
        Probe::Running { .. } => {
            if asked.insert(place.to_owned())
                && let Err(error) = processes.cancel(place)
            {
                // It ended meanwhile; the next look tells.
                tracing::debug!(%error, "a command of the demo could not be asked to end");
            }
            true
        }
    }
}

/// Stands in for Gemini until the standard input ends: the body of the hidden subcommand `demo-model`.
///
/// # Errors
/// When the scenarios cannot be read or the port cannot be had.
pub(super) fn stand_in(port: u16, key: &str, script: Option<&Path>) -> Result<Exit, Report> {
    let own = match script {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| eyre!("{} cannot be read: {error}. Name a file that you may read", path.display()))?;
            Script::parse(&text).map_err(|error| eyre!("{}: {error}", path.display()))?
        }
        None => Script::default(),
    };
    let script = own.and(Script::demo()?);
    console::block_on(async move {
        let fake = FakeGemini::start(script, key, port)
            .await
            .map_err(|error| eyre!("port {port} of 127.0.0.1 cannot be had: {error}. Choose another one"))?;
        writeln!(io::stdout(), "{}", fake.base_url())?;
        // Whoever started it closes the pipe, or ends and thereby closes it.
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink())).await??;
        Ok(Exit::Done)
    })?
}

async fn receiver_place(mut role: watch::Receiver<Role>) -> Result<String, Report> {
    let open = role.wait_for(|role| matches!(role, Role::Holder { place: Some(_) }));
    let role = tokio::time::timeout(OPEN_WITHIN, open).await.map_err(|_| {
        eyre!("The demo's receiver did not open within {} s. Loopback has to be usable.", OPEN_WITHIN.as_secs())
    })??;
    match &*role {
        Role::Holder { place: Some(place) } => Ok(place.clone()),
        other => Err(eyre!("The demo's receiver did not open: {other:?}")),
    }
}

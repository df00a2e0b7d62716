//! `aiops demo`: the console against the embedded world.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Report, eyre};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::appearance::Appearance;
use super::{App, console, stand_in};
use crate::adapters::alertmanager::WebhookPublisher;
use crate::adapters::host::{Host, SystemClock};
use crate::adapters::process::{DEFAULT_GRACE, start_ticks};
use crate::cli::{DemoOptions, Exit};
use crate::config::{Config, Loaded};
use crate::demo::{Authority, Checks, World};
use crate::domain::chat::budget::Budget;
use crate::engine::ingest::Role;
use crate::engine::ports::{ActionRunner as _, AlertPublisher, Clock as _, GivenUp, Probe};
use crate::store::Store;
use crate::tui::console::Start;
use crate::tui::tour::Guidance;

/// This very program, also when its file was replaced meanwhile.
pub(super) const PROGRAM: &str = "/proc/self/exe";
/// The name that is typed to approve something dangerous in the demo.
const TARGET: &str = "demo";
/// The database of a demo, in its directory.
const DATABASE: &str = "aiops.db";
/// What may be spent on a model in one demo, in millionths of a US dollar: 0.25, a few questions to the default model.
const BUDGET: u64 = 250_000;
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
pub(super) fn run(loaded: Loaded, options: DemoOptions) -> Result<Exit, Report> {
    let appearance = Appearance::of(&loaded)?;
    let mut config = loaded.config;
    let world = World::create(start_ticks, end_left_over)?;
    furnish(&mut config, &world);
    let log = crate::logging::start(&config.log.path, &config.log.filter);
    let notices = log.as_ref().err().map(ToString::to_string).into_iter().collect();
    let ended = console::block_on(show(world, config, appearance, options, notices))?;
    drop(log);
    ended
}

/// The configuration of the demo: everything in its own directory, nothing of the person's sources. Their model is asked if
/// there is one, for little money.
fn furnish(config: &mut Config, world: &World) {
    let directory = world.directory();
    config.store.path = directory.join(DATABASE);
    config.log.path = directory.join("aiops.log");
    config.receiver.listen = ([127, 0, 0, 1], 0).into();
    config.receiver.enabled = true;
    config.receiver.token = None;
    config.alertmanagers.clear();
    config.prometheus.clear();
    config.logs.clear();
    config.sops.directories.clear();
    config.run.directory = directory.to_owned();
    config.run.target_name = TARGET.to_owned();
    config.run.path = format!("{}:{}", world.programs().display(), config.run.path);
    config.budget.limits = little(config.budget.limits);
}

/// The person's own limits, and none above that of a demo.
fn little(own: Budget) -> Budget {
    Budget {
        per_call: own.per_call.min(BUDGET),
        per_incident: own.per_incident.min(BUDGET),
        per_day: own.per_day.min(BUDGET),
    }
}

async fn show(
    mut world: World,
    mut config: Config,
    appearance: Appearance,
    options: DemoOptions,
    notices: Vec<String>,
) -> Result<Exit, Report> {
    // It answers until the console has been left.
    let _stand_in = match options.fake_model {
        true => Some(stand_in::start(&mut config, world.directory()).await?),
        false => None,
    };
    let app = App::open(&config, notices).await?;
    let store = app.store.clone();
    let ingest = app.start_ingest(&config);
    let place = receiver_place(ingest.role.clone()).await?;
    world.start(Path::new(PROGRAM))?;
    let authority = world.authority(SystemClock.now())?;
    let publisher: Arc<dyn AlertPublisher> =
        Arc::new(WebhookPublisher::new(format!("http://{place}/webhook/alertmanager"))?);
    let checks = world.checks(&authority, &publisher, &Host::detect().name);
    let stop = CancellationToken::new();
    let stagger = Duration::from_secs(options.stagger);
    let living = tokio::spawn(live(world, authority, checks, stagger, stop.clone()));
    let guidance = if options.no_tour { Guidance::None } else { Guidance::Tour };
    let person = console::Person { name: "demo", kept: None, guidance, start: Start::Fresh, role: None };
    let ended = console::show(app, &config, appearance, person).await;
    stop.cancel();
    let world = living.await;
    ingest.stop(console::PATIENCE).await;
    end_attempts(&store, Instant::now() + END_WITHIN).await;
    // Only now: the database and the outputs are in its directory.
    drop(world);
    ended
}

/// What happens in the world until `stop`: the volume fills at once, `stagger` later a deployment breaks the worker, and as
/// much later someone looks at the certificate. Gives the world back, so that it ends when nothing in it is in use.
async fn live(
    mut world: World,
    authority: Authority,
    checks: Checks,
    stagger: Duration,
    stop: CancellationToken,
) -> World {
    let now = || SystemClock.now();
    let story = async {
        tokio::time::sleep(stagger).await;
        if let Err(error) = world.deploy() {
            tracing::error!(%error, "the demo's deployment failed");
        }
        tokio::time::sleep(stagger).await;
        checks.certificate.run(now).await;
    };
    let life = async { tokio::join!(checks.disk.run(now), checks.worker.run(now), authority.run(now), story) };
    stop.run_until_cancelled(life).await;
    world
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
        let looked = tokio::task::spawn_blocking(move || (end_each(&places, &mut asked), asked));
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

/// The same for a demo that was killed: what it had approved may still run in its directory.
fn end_left_over(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(super::attempts_root(&directory.join(DATABASE))) else { return };
    let places: Vec<String> = entries.flatten().map(|entry| entry.path().display().to_string()).collect();
    let (mut asked, deadline) = (HashSet::new(), Instant::now() + END_WITHIN);
    while end_each(&places, &mut asked) > 0 && Instant::now() < deadline {
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Asks each attempt once to end; how many may still run.
fn end_each(places: &[String], asked: &mut HashSet<String>) -> usize {
    places.iter().filter(|place| end_attempt(place, asked)).count()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_spends_little_and_never_more_than_the_person_allows() {
        let Budget { per_call, per_incident, per_day } = little(Budget::default());
        assert!(per_call == Budget::default().per_call && per_incident == BUDGET && per_day == BUDGET);
        let none = Budget { per_call: 0, per_incident: 0, per_day: 7 };
        assert_eq!(little(none), none);
    }
}

//! `aiops demo`: the console against the embedded world.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Report, eyre};
use tokio::sync::watch;

use super::appearance::Appearance;
use super::{App, console};
use crate::adapters::alertmanager::WebhookPublisher;
use crate::adapters::host::{Host, SystemClock};
use crate::cli::Exit;
use crate::config::{Config, Loaded};
use crate::demo::World;
use crate::engine::ingest::Role;
use crate::engine::ports::Clock as _;

/// The name that is typed to approve something dangerous in the demo.
const TARGET: &str = "demo";
/// The receiver is open within this time, or the demo says why not.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// Runs the demo until the person leaves; everything that it made is removed then.
///
/// # Errors
/// When the world or the console cannot be set up.
pub(super) fn run(loaded: Loaded) -> Result<Exit, Report> {
    let appearance = Appearance::of(&loaded)?;
    let mut config = loaded.config;
    let world = World::create()?;
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
    let ingest = app.start_ingest(config);
    let place = receiver_place(ingest.role.clone()).await?;
    // `/proc/self/exe` stays this very program when the file is replaced meanwhile.
    world.start_filling(Path::new("/proc/self/exe"))?;
    let publisher = Arc::new(WebhookPublisher::new(format!("http://{place}/webhook/alertmanager"))?);
    let check = world.check(publisher, &Host::detect().name);
    let measuring = tokio::spawn(check.run(|| SystemClock.now()));
    let ended = console::show(app, config, appearance, "demo").await;
    measuring.abort();
    ingest.stop(console::PATIENCE).await;
    drop(world);
    ended
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

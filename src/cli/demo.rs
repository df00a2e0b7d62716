//! `aiops demo`: the console against the embedded world.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::console;
use crate::adapters::alertmanager::WebhookPublisher;
use crate::adapters::host::{Host, SystemClock};
use crate::app::App;
use crate::config::Config;
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
pub async fn run(mut config: Config) -> color_eyre::Result<()> {
    let mut world = World::create()?;
    let directory = world.directory().to_owned();
    config.store.path = directory.join("aiops.db");
    config.receiver.listen = ([127, 0, 0, 1], 0).into();
    config.receiver.enabled = true;
    config.receiver.token = None;
    config.alertmanagers.clear();
    config.sops.directories.clear();
    config.run.directory = directory.clone();
    config.run.target_name = TARGET.to_owned();

    let mut app = App::open(&config)?;
    let ingest = app.start_ingest(&config);
    let place = receiver_place(ingest.role()).await?;
    let program = PathBuf::from("/proc/self/exe");
    world.start_filling(&program)?;
    let publisher = Arc::new(WebhookPublisher::new(format!("http://{place}/webhook/alertmanager"))?);
    let check = world.check(publisher, &Host::detect().name);
    let measuring = tokio::spawn(check.run(|| SystemClock.now()));

    let ended = console::show(app, &config, "demo").await;
    measuring.abort();
    ingest.stop(Duration::from_secs(2)).await;
    drop(world);
    ended
}

async fn receiver_place(mut role: watch::Receiver<Role>) -> color_eyre::Result<String> {
    let open = role.wait_for(|role| matches!(role, Role::Holder { place: Some(_) }));
    let role = tokio::time::timeout(OPEN_WITHIN, open).await;
    match role {
        Ok(Ok(role)) => match &*role {
            Role::Holder { place: Some(place) } => Ok(place.clone()),
            _ => Err(color_eyre::eyre::eyre!("The demo's receiver did not open.")),
        },
        _ => Err(color_eyre::eyre::eyre!(
            "The demo's receiver did not open within {} s. Loopback connections have to be possible.",
            OPEN_WITHIN.as_secs()
        )),
    }
}

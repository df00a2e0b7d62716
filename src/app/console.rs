//! The console over the engine in this process: builds the look and the keys, shows the screen, stops the services.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Report;

use super::App;
use super::appearance::Appearance;
use crate::adapters::host::SystemClock;
use crate::adapters::personal::FilesBesideDatabase;
use crate::cli::Exit;
use crate::config::{Ascii, Config, Loaded};
use crate::domain::text::Repertoire;
use crate::engine::ports::Clock as _;
use crate::tui::console::{Console, Ended, Start};
use crate::tui::look::Look;
use crate::tui::terminal::Caps;
use crate::tui::ui::{Model, Mouse, Settings};
use crate::tui::zone::{Shown, Zone};

/// Services get this long to stop when the console is left.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Runs the console until the person leaves.
///
/// # Errors
/// When there is no terminal, the keymap file is wrong, or the store cannot be opened.
pub(super) fn run(loaded: Loaded, start: Start) -> Result<Exit, Report> {
    let appearance = Appearance::of(&loaded)?;
    let config = loaded.config;
    let mut notices: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let log = crate::logging::start(&config.log.path, &config.log.filter);
    notices.extend(log.as_ref().err().map(ToString::to_string));
    let ended = block_on(async {
        let app = App::open(&config, notices).await?;
        let ingest = app.start_ingest(&config);
        let ended = show(app, &config, appearance, (&config.run.target_name, start)).await;
        ingest.stop(PATIENCE).await;
        ended
    })?;
    drop(log);
    ended
}

/// Runs `work` on three threads: the screen, and two for everything that it waits for. What still blocks at its end, such as
/// a file system that does not answer, is left behind after [`PATIENCE`].
///
/// # Errors
/// When the system gives no threads.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(PATIENCE);
    Ok(result)
}

/// Shows the console; `name` stands in the header, and `start` says where it begins.
///
/// # Errors
/// When there is no terminal.
pub(super) async fn show(
    app: App,
    config: &Config,
    appearance: Appearance,
    (name, start): (&str, Start),
) -> Result<Exit, Report> {
    let caps = Caps::detect(&environment());
    let unicode = match config.console.ascii {
        Ascii::Auto => caps.unicode,
        Ascii::Only => false,
        Ascii::Off => true,
    };
    let repertoire = if unicode { Repertoire::Unicode } else { Repertoire::Ascii };
    let shown = if config.console.utc { Shown::Utc } else { Shown::Local };
    let settings = Settings {
        name: name.to_owned(),
        show_resolved_for: config.incidents.show_resolved_for,
        repertoire,
        zone: Zone::new(jiff::tz::TimeZone::system(), shown),
        mouse: if config.console.mouse { Mouse::Console } else { Mouse::Terminal },
    };
    let tell = app.notices.tell.clone();
    let console = Console {
        model: Model::new((0, 0), appearance.keymap, settings),
        look: Look::new(appearance.styles, repertoire),
        caps,
        backend: Arc::new(app.backend.clone()),
        clock: Arc::clone(&app.clock),
        notices: app.notices.told,
        loans: app.loans,
        files: Arc::new(FilesBesideDatabase::new(config.store.path.clone())),
        start,
    };
    let (store, runner) = (app.store.clone(), app.runner.clone());
    let ended = Box::pin(console.run(move || after_first_frame(store, runner, tell))).await;
    match ended? {
        Ended::Quit | Ended::HungUp => Ok(Exit::Done),
        Ended::Panicked => Ok(Exit::Failed),
    }
}

/// What can wait until the person sees something: attempts of earlier consoles, overdue proposals, the state of the file.
fn after_first_frame(
    store: crate::store::Store,
    runner: crate::engine::runner::Runner,
    tell: tokio::sync::mpsc::UnboundedSender<String>,
) {
    tokio::spawn(async move {
        if let Err(error) = runner.check_store().await {
            tracing::error!(%error, "nothing is approved before the database was found whole");
            // Nobody should learn it only when a command is urgent. Without a console there is nobody to tell.
            let _ = tell.send(format!("Nothing can be approved: {error}"));
        }
        let mut changes = store.follow();
        loop {
            changes.mark_unchanged();
            // Also those of other consoles: any of them may be killed, and this one has to know the end all the same.
            if let Err(error) = runner.resume().await {
                tracing::error!(%error, "attempts of other consoles could not be taken up");
            }
            if let Err(error) = store.expire(SystemClock.now()).await {
                tracing::warn!(%error, "overdue proposals could not be looked for");
            }
            tokio::time::sleep(TIDY_PAUSE).await;
            // Whether there was a change or not, it is time to look.
            let _ = tokio::time::timeout(TIDY_EVERY, changes.changed()).await;
        }
    });
}

/// Overdue proposals, and attempts that nobody follows, are looked for this often when nothing changes.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// They are not looked for more often than this while a storm of alerts changes something all the time.
const TIDY_PAUSE: Duration = Duration::from_secs(1);

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

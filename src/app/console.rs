//! The console over the engine in this process: builds the look and the keys, shows the screen, stops the services.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Report;

use super::App;
use crate::adapters::host::SystemClock;
use crate::cli::Exit;
use crate::config::{Ascii, Config, Loaded};
use crate::domain::text::Repertoire;
use crate::engine::ports::Clock as _;
use crate::tui::console::{Console, Ended};
use crate::tui::keymap::Keymap;
use crate::tui::look::Look;
use crate::tui::terminal::{Caps, EnterError};
use crate::tui::theme::{Bundled, Styles};
use crate::tui::ui::{Model, Settings};
use crate::tui::zone::{Shown, Zone};

/// Services get this long to stop when the console is left.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Runs the console until the person leaves.
///
/// # Errors
/// When there is no terminal or the store cannot be opened.
pub(super) fn run(loaded: Loaded) -> Result<Exit, Report> {
    let config = loaded.config;
    let mut notices: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let log = crate::logging::start(&config.log.path, &config.log.filter);
    notices.extend(log.as_ref().err().map(ToString::to_string));
    let ended = runtime()?.block_on(async {
        let mut app = App::open(&config)?;
        app.notices.extend(notices);
        let ingest = app.start_ingest(&config);
        let ended = show(app, &config, &config.run.target_name).await;
        ingest.stop(PATIENCE).await;
        ended
    });
    drop(log);
    ended
}

/// Three threads: the screen, and two for everything that it waits for.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Shows the console; `name` stands in the header.
///
/// # Errors
/// When there is no terminal, or a theme or keymap file is wrong.
pub(super) async fn show(app: App, config: &Config, name: &str) -> Result<Exit, Report> {
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
    };
    let console = Console {
        model: Model::new((0, 0), keymap(config)?, settings),
        look: Look::new(styles(config)?, repertoire),
        caps,
        backend: Arc::new(app.backend.clone()),
        clock: Arc::clone(&app.clock),
        notices: app.notices.clone(),
    };
    let (store, runner) = (app.store.clone(), app.runner.clone());
    let ended = console.run(move || after_first_frame(store, runner)).await;
    match ended {
        Ok(Ended::Quit | Ended::HungUp) => Ok(Exit::Done),
        Ok(Ended::Panicked) => Ok(Exit::Failed),
        Err(error @ (EnterError::NotATerminal | EnterError::Dumb)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

/// What can wait until the person sees something: attempts of earlier consoles, overdue proposals, the state of the file.
fn after_first_frame(store: crate::store::Store, runner: crate::engine::runner::Runner) {
    tokio::spawn(async move {
        if let Err(error) = runner.check_store().await {
            tracing::error!(%error, "nothing is approved before the database was found whole");
        }
        loop {
            // Also those that a console has left behind since, which was killed while this one ran.
            if let Err(error) = runner.resume().await {
                tracing::error!(%error, "attempts of other consoles could not be taken up");
            }
            if let Err(error) = store.expire(SystemClock.now()).await {
                tracing::warn!(%error, "overdue proposals could not be looked for");
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    });
}

/// Overdue proposals, and attempts that nobody follows, are looked for this often.
const TIDY_EVERY: Duration = Duration::from_secs(30);

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn keymap(config: &Config) -> Result<Keymap, Report> {
    let bundled = Keymap::bundled()?;
    match &config.console.keymap {
        None => Ok(bundled),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Report::from(error).wrap_err(format!("the keymap {} cannot be read", path.display()))
            })?;
            Ok(bundled.merge(&path.display().to_string(), &text)?)
        }
    }
}

fn styles(config: &Config) -> Result<Styles, Report> {
    let name = &config.console.theme;
    match Bundled::from_name(name) {
        Some(theme) => Ok(theme.styles()?),
        None => {
            let names = Bundled::ALL.map(Bundled::name).join(", ");
            Err(color_eyre::eyre::eyre!("console.theme: there is no theme {name:?}; there are {names}"))
        }
    }
}

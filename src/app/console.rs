//! The console over the engine in this process: builds the look and the keys, shows the screen, stops the services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Report;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use super::App;
use super::anchors::Anchors;
use super::appearance::{self, Appearance};
use super::{kept, sources};
use crate::adapters::host::{self, SystemClock};
use crate::adapters::personal::FilesBesideDatabase;
use crate::adapters::process::AttemptOutputs;
use crate::cli::Exit;
use crate::config::{Config, Loaded};
use crate::engine::attention::Attention;
use crate::engine::ingest::Role;
use crate::engine::keeping::{KeepPlan, Keeping};
use crate::engine::ports::Clock as _;
use crate::engine::run::RunEngine;
use crate::store::Store;
use crate::tui::console::{Console, Ended, Start};
use crate::tui::look::Look;
use crate::tui::pace::Pace;
use crate::tui::splits::Splits;
use crate::tui::terminal::Caps;
use crate::tui::theme::Bundled;
use crate::tui::tour::Guidance;
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
    let kept = kept::file_in(&loaded.state);
    let config = loaded.config;
    let name = match &loaded.profile {
        Some(profile) => format!("{profile}: {}", config.run.target_name),
        None => config.run.target_name.clone(),
    };
    let mut notices: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let log = crate::logging::start(&config.log.path, &config.log.filter);
    notices.extend(log.as_ref().err().map(ToString::to_string));
    let ended = block_on(async {
        let app = App::open(&config, notices).await?;
        let ingest = app.start_ingest(&config);
        let role = Some(ingest.role.clone());
        let anchors = Anchors::start(&app, &config);
        let person = Person { name: &name, kept: Some(kept), guidance: Guidance::None, start, role };
        let ended = show(app, &config, appearance, person).await;
        ingest.stop(PATIENCE).await;
        anchors.stop(PATIENCE).await;
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

/// For whom the console is shown.
pub(super) struct Person<'a> {
    /// The name that stands in the header.
    pub(super) name: &'a str,
    /// The file that keeps where the lines between the panes stand; `None` when nothing is to be left behind.
    pub(super) kept: Option<PathBuf>,
    /// Whether a tour leads through it.
    pub(super) guidance: Guidance,
    /// Where it begins.
    pub(super) start: Start,
    /// Whether this process receives, and so keeps the store well; `None` for a store that does not outlive the console.
    pub(super) role: Option<watch::Receiver<Role>>,
}

/// Shows the console.
///
/// # Errors
/// When there is no terminal.
pub(super) async fn show(
    app: App,
    config: &Config,
    appearance: Appearance,
    person: Person<'_>,
) -> Result<Exit, Report> {
    let environment = environment();
    let caps = appearance::caps(Caps::detect(&environment), &config.console);
    let no_color = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let repertoire = caps.repertoire;
    let shown = if config.console.utc { Shown::Utc } else { Shown::Local };
    let settings = Settings {
        name: person.name.to_owned(),
        person: host::person().name,
        show_resolved_for: config.incidents.show_resolved_for,
        repertoire,
        zone: Zone::new(jiff::tz::TimeZone::system(), shown),
        mouse: if config.console.mouse { Mouse::Console } else { Mouse::Terminal },
    };
    let tell = app.notices.tell.clone();
    let styles = appearance.themes.worn().map_or_else(|| Bundled::Dark.styles(), |(_, styles)| Ok(styles.clone()))?;
    let mut model = Model::new((0, 0), appearance.keymap, settings);
    model.ui.themes = appearance.themes;
    model.ui.themes.colourless = appearance::colourless(caps, &config.console, no_color);
    model.ui.splits = person.kept.as_deref().map_or_else(Splits::default, kept::read);
    let (splits, moved) = unbounded_channel();
    let keeping = person.kept.map(|path| tokio::spawn(kept::keep(path, moved)));
    let attention = Attention::default();
    let console = Console {
        model: model.guided(person.guidance),
        look: Look::new(styles, repertoire),
        caps,
        pace: Pace::of(&environment),
        backend: Arc::new(app.backend.clone()),
        clock: Arc::clone(&app.clock),
        notices: app.notices.told,
        loans: app.loans,
        splits,
        files: Arc::new(FilesBesideDatabase::new(config.store.path.clone())),
        start: person.start,
        attention: attention.clone(),
    };
    let (store, runner, backend) = (app.store.clone(), app.runner.clone(), app.backend.clone());
    let kept_well = person.role.map(|role| (keeping_of(config, store.clone(), tell.clone()), role));
    let metrics = sources::metrics(config);
    let runs =
        RunEngine::new(store.clone(), backend.clone(), metrics, Arc::clone(&app.clock)).with_attention(attention);
    let ended = Box::pin(console.run(move || {
        after_first_frame(store, runner, tell);
        tokio::spawn(runs.drive());
        if let Some((service, role)) = kept_well {
            tokio::spawn(service.run(role));
        }
        tokio::spawn(backend.keep_search_index());
    }));
    let ended = ended.await;
    if let Some(keeping) = keeping {
        // The console is gone, so that nothing comes any more; a disk that does not answer is not waited for.
        let _ = tokio::time::timeout(PATIENCE, keeping).await;
    }
    match ended? {
        Ended::Quit | Ended::HungUp => Ok(Exit::Done),
        Ended::Panicked => Ok(Exit::Failed),
    }
}

/// What keeps the store well, with what the configuration says of it.
fn keeping_of(config: &Config, store: Store, tell: tokio::sync::mpsc::UnboundedSender<String>) -> Keeping {
    let keep = &config.keep;
    let plan = KeepPlan {
        backups: keep.backups.then_some(keep.retention),
        ballast: keep.ballast,
        budget: Some(keep.budget),
        outputs_for: keep.outputs_for,
        details_for: keep.details_for,
    };
    let outputs = AttemptOutputs::new(PathBuf::from(super::attempts_root(&config.store.path)));
    Keeping::new(store, plan, Arc::new(outputs), move |notice| {
        // When the console has been left there is nobody to tell.
        let _ = tell.send(notice);
    })
}

/// What can wait until the person sees something, besides the search index: attempts of earlier consoles, overdue proposals,
/// suppressions whose time is over, the state of the file.
fn after_first_frame(
    store: Store,
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
            if let Err(error) = store.end_lost_answers().await {
                tracing::warn!(%error, "answers whose console is gone could not be ended");
            }
            if let Err(error) = store.expire(SystemClock.now()).await {
                tracing::warn!(%error, "overdue proposals could not be looked for");
            }
            if let Err(error) = store.end_suppressions(SystemClock.now()).await {
                tracing::warn!(%error, "suppressions whose time is over could not be ended");
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

/// The variables of this process that are UTF-8.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

//! The configured sources and the receiver, which fetch their secrets when they are first needed.
//!
//! Owns: turning sections of the configuration into ports. Invariants: nothing blocks the caller, since a secret may come
//! from a command or a slow file system; a secret that cannot be fetched is a failure of its source like any other: shown
//! with its remedy, and tried again, so that `chmod` or `export` in time is enough.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::adapters::alertmanager::{Access, Alertmanager, Connection, Probed, WebhookV4};
use crate::adapters::host::SystemClock;
use crate::adapters::logs::LogFiles;
use crate::adapters::prometheus::Prometheus;
use crate::api::receiver::{ReceiverConfig, Receivers};
use crate::cli::silence::PlaceArgs;
use crate::config::{
    AlertmanagerSection, Config, HANDED_VARIABLE, Login, PrometheusSection, ReceiverSection, Secret, SecretSource,
};
use crate::domain::action::handed::HandedSecret;
use crate::domain::action::silence::SilencePlace;
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ingest::{Door, WatchedSource};
use crate::engine::ports::{
    AlertSink, AlertSource, BoxFuture, Clock as _, Fetched, Instant, LogSource, MetricSource, OpenReceiver, Range,
    RangeQuery, ReceiverFactory, SourceError,
};

/// The source of deliveries whose address names none.
const DEFAULT_SOURCE: &str = "alertmanager";

/// Every Alertmanager that is to be asked.
pub(super) fn watched(config: &Config) -> Vec<WatchedSource> {
    let sources = config.alertmanagers.iter().map(|section| WatchedSource {
        source: Arc::new(LazyAlertmanager { section: section.clone(), ready: OnceCell::new() }),
        interval: section.interval,
    });
    sources.collect()
}

/// Every Prometheus that can be asked.
pub(super) fn metrics(config: &Config) -> Vec<Arc<dyn MetricSource>> {
    let sources = config.prometheus.iter();
    sources.map(|section| Arc::new(LazyPrometheus::new(section.clone())) as Arc<dyn MetricSource>).collect()
}

/// Every set of log files.
pub(super) fn logs(config: &Config) -> Vec<Arc<dyn LogSource>> {
    let sets = config.logs.iter().filter(|section| !section.files.is_empty());
    sets.map(|section| Arc::new(LogFiles::new(section.name.clone(), section.files.clone())) as Arc<dyn LogSource>)
        .collect()
}

/// The receiver; `None` when it is switched off.
pub(super) fn door(config: &Config) -> Option<Door> {
    let section = config.receiver.clone();
    if !section.enabled {
        return None;
    }
    let names: Vec<SourceId> = config.alertmanagers.iter().map(|section| section.name.clone()).collect();
    let default_source = names.first().cloned().unwrap_or_else(|| DEFAULT_SOURCE.into());
    let sources = if names.is_empty() { vec![default_source.clone()] } else { names };
    Some(Door { receivers: Arc::new(LazyReceivers { section, default_source }), sources })
}

/// An Alertmanager whose secret is fetched with the first question that it can be fetched for.
struct LazyAlertmanager {
    section: AlertmanagerSection,
    ready: OnceCell<Alertmanager>,
}

impl LazyAlertmanager {
    async fn connect(&self) -> Result<Alertmanager, SourceError> {
        let section = &self.section;
        let access = access(&section.login).await?;
        let (id, url, timeout) = (section.name.clone(), section.url.clone(), section.timeout);
        Alertmanager::new(Connection { id, url, access, timeout })
    }
}

/// Fetches what a login needs.
async fn access(login: &Login) -> Result<Access, SourceError> {
    Ok(match login {
        Login::Anonymous => Access::Open,
        Login::Bearer(token) => Access::Bearer(fetch(token).await?),
        Login::Basic { username, password } => {
            Access::Basic { username: username.clone(), password: fetch(password).await? }
        }
    })
}

/// A Prometheus whose secret is fetched with the first question that it can be fetched for.
struct LazyPrometheus {
    section: PrometheusSection,
    ready: OnceCell<Prometheus>,
}

impl LazyPrometheus {
    const fn new(section: PrometheusSection) -> Self {
        Self { section, ready: OnceCell::const_new() }
    }

    async fn ready(&self) -> Result<&Prometheus, SourceError> {
        self.ready
            .get_or_try_init(|| async {
                let access = access(&self.section.login).await?;
                let (id, url, timeout) = (self.section.name.clone(), self.section.url.clone(), self.section.timeout);
                Prometheus::new(Connection { id, url, access, timeout })
            })
            .await
    }
}

impl MetricSource for LazyPrometheus {
    fn id(&self) -> SourceId {
        self.section.name.clone()
    }

    fn instant<'a>(&'a self, query: &'a str, at: Timestamp) -> BoxFuture<'a, Result<Instant, SourceError>> {
        Box::pin(async move { self.ready().await?.instant(query, at).await })
    }

    fn range<'a>(&'a self, query: &'a RangeQuery) -> BoxFuture<'a, Result<Range, SourceError>> {
        Box::pin(async move { self.ready().await?.range(query).await })
    }
}

/// What of the environment decides where the configuration and what it names is (XDG base directories).
const PLACES_ENV: [&str; 4] = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];

/// The Alertmanagers at which silences can be made, by this very program with this very configuration.
pub(super) fn silence_places(config: &Config) -> Vec<SilencePlace> {
    // Without its own path nothing can be proposed that would start it.
    let Ok(program) = std::env::current_exe() else { return Vec::new() };
    let program = program.display().to_string();
    let variable = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    let place = |section: &AlertmanagerSection| SilencePlace {
        config: config.origin.file.as_ref().map(|path| path.display().to_string()),
        profile: config.origin.profile.clone(),
        env: PLACES_ENV.iter().filter_map(|name| variable(name)).collect(),
        secret: secret_of(&section.login).map(|_| HandedSecret {
            name: handed_name(section),
            variable: HANDED_VARIABLE.to_owned(),
            programs: vec![program.clone()],
        }),
        program: program.clone(),
        source: section.name.clone(),
        url: section.url.clone(),
    };
    config.alertmanagers.iter().map(place).collect()
}

/// The secrets that silences need, by the names under which they are handed to the command that makes one: it has neither
/// the environment nor the agents of the console, so that it could not fetch them itself.
pub(super) fn silence_secrets(config: &Config) -> impl Iterator<Item = (String, Secret)> {
    config.alertmanagers.iter().filter_map(|section| Some((handed_name(section), secret_of(&section.login)?.clone())))
}

/// No `[[secret]]` can have this name: those have no colon.
fn handed_name(section: &AlertmanagerSection) -> String {
    format!("alertmanager:{}", section.name)
}

const fn secret_of(login: &Login) -> Option<&Secret> {
    match login {
        Login::Anonymous => None,
        Login::Bearer(secret) | Login::Basic { password: secret, .. } => Some(secret),
    }
}

/// The Alertmanager that a command names. It gets credentials only when the configuration has the same URL under the same
/// name: what was approved for one must not carry the password to another.
///
/// # Errors
/// When its secret cannot be fetched or the URL is none.
pub(super) async fn silencer(config: &Config, place: &PlaceArgs) -> Result<Alertmanager, SourceError> {
    let known = config.alertmanagers.iter().find(|section| section.name == place.id() && section.url == place.url);
    let (access, timeout) = match known {
        Some(section) => (access(&handed(&section.login)).await?, section.timeout),
        None => (Access::Open, UNKNOWN_TIMEOUT),
    };
    Alertmanager::new(Connection { id: place.id(), url: place.url.clone(), access, timeout })
}

/// The login with the secret that this process was handed, if it was.
fn handed(login: &Login) -> Login {
    let Some(file) = std::env::var_os(HANDED_VARIABLE) else { return login.clone() };
    let from = |secret: &Secret| Secret::new(secret.key(), SecretSource::File(file.clone().into()));
    match login {
        Login::Anonymous => Login::Anonymous,
        Login::Bearer(token) => Login::Bearer(from(token)),
        Login::Basic { username, password } => Login::Basic { username: username.clone(), password: from(password) },
    }
}

/// How long an Alertmanager may take that the configuration does not know.
const UNKNOWN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Asks an Alertmanager whether it is there, with its secret.
///
/// # Errors
/// When its secret cannot be fetched or it does not answer.
pub(super) async fn probe(section: AlertmanagerSection) -> Result<Probed, SourceError> {
    LazyAlertmanager { section, ready: OnceCell::new() }.connect().await?.probe(|| SystemClock.now()).await
}

/// Asks a Prometheus whether it is ready, with its secret; how long that took.
///
/// # Errors
/// When its secret cannot be fetched or it is not ready.
pub(super) async fn ready(section: PrometheusSection) -> Result<std::time::Duration, SourceError> {
    LazyPrometheus::new(section).ready().await?.is_ready().await
}

impl AlertSource for LazyAlertmanager {
    fn id(&self) -> SourceId {
        self.section.name.clone()
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, SourceError>> {
        Box::pin(async { self.ready.get_or_try_init(|| self.connect()).await?.fetch().await })
    }
}

/// Receivers whose token is fetched each time one is opened.
struct LazyReceivers {
    section: ReceiverSection,
    default_source: SourceId,
}

impl ReceiverFactory for LazyReceivers {
    fn open(&self, sink: Arc<dyn AlertSink>) -> BoxFuture<'_, Result<Box<dyn OpenReceiver>, SourceError>> {
        Box::pin(async move {
            let section = &self.section;
            let mut receiver = ReceiverConfig::new(section.listen, self.default_source.clone());
            // A receiver whose token cannot be had stays shut: without it everyone on this host could deliver.
            receiver.token = match &section.token {
                Some(token) => Some(fetch(token).await?),
                None => None,
            };
            receiver.body_limit = usize::try_from(section.body_limit).unwrap_or(usize::MAX);
            receiver.in_flight_limit = usize::try_from(section.in_flight_limit).unwrap_or(usize::MAX);
            Receivers::new(receiver, Arc::new(WebhookV4)).open(sink).await
        })
    }
}

/// Fetches a secret on a thread that may block.
async fn fetch(secret: &Secret) -> Result<SecretString, SourceError> {
    let (key, wanted) = (secret.key().to_owned(), secret.clone());
    match tokio::task::spawn_blocking(move || wanted.resolve()).await {
        Ok(Ok(secret)) => Ok(secret),
        Ok(Err(error)) => Err(SourceError {
            what: format!("{}: no secret from {}: {}", error.key, error.place, error.problem),
            remedy: error.remedy,
        }),
        Err(error) => Err(SourceError {
            what: format!("{key}: the secret could not be fetched: {error}"),
            remedy: "Look into the log".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;
    use crate::config::SecretSource;
    use crate::engine::ports::{Delivery, SinkError, TurnedAway};

    struct Nowhere;

    impl AlertSink for Nowhere {
        fn accept(&self, _: Delivery) -> BoxFuture<'_, Result<(), SinkError>> {
            Box::pin(async { Err(SinkError::NotReceiving) })
        }

        fn quarantine(&self, _: SourceId, _: Vec<u8>, _: String) -> BoxFuture<'_, Result<(), SinkError>> {
            Box::pin(async { Err(SinkError::NotReceiving) })
        }

        fn turned_away(&self, _: SourceId, _: TurnedAway) -> BoxFuture<'_, ()> {
            Box::pin(async {})
        }
    }

    fn set_mode(path: &std::path::Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn a_receiver_opens_as_soon_as_its_token_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "hunter2\n").unwrap();
        set_mode(&file, 0o644);
        let section = ReceiverSection {
            enabled: true,
            listen: ([127, 0, 0, 1], 0).into(),
            token: Some(Secret::new("receiver.token", SecretSource::File(file.clone()))),
            body_limit: 1024,
            in_flight_limit: 1024,
        };
        let receivers = LazyReceivers { section, default_source: DEFAULT_SOURCE.into() };
        let error = receivers.open(Arc::new(Nowhere)).await.err().unwrap().to_string();
        assert!(error.starts_with("receiver.token: no secret from file "), "{error}");
        assert!(error.contains("Run: chmod 600 ") && !error.contains("hunter2"), "{error}");
        set_mode(&file, 0o600);
        receivers.open(Arc::new(Nowhere)).await.ok().unwrap().close().await;
    }

    #[tokio::test]
    async fn a_source_without_its_secret_fails_like_any_other_and_asks_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let section = AlertmanagerSection {
            name: "am".into(),
            // Nothing listens on the port for discarding things; whether it does makes no difference here.
            url: "http://127.0.0.1:9".to_owned(),
            login: Login::Bearer(Secret::new("alertmanager.token", SecretSource::File(file.clone()))),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(1),
        };
        let source = LazyAlertmanager { section, ready: OnceCell::new() };
        let error = source.fetch().await.unwrap_err().to_string();
        assert!(error.starts_with("alertmanager.token: no secret from file "), "{error}");
        std::fs::write(&file, "hunter2\n").unwrap();
        set_mode(&file, 0o600);
        let error = source.fetch().await.unwrap_err().to_string();
        assert!(!error.contains("no secret"), "the secret is there now: {error}");
    }
}

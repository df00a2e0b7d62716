//! The client: one per console, for all its questions.
//!
//! Owns: the HTTP client, the key, what stands in the way of any question. Does not: follow one question (see [`super::exchange`]).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::endpoint::{Credential, Endpoint};
use super::error::Failure;
use super::exchange::Exchange;
use super::key::{Key, digest};
use super::obstacles::Obstacles;
use super::retry::{Retry, RetryPolicy};
use crate::adapters::http::{builder, innermost, io_kind};
use crate::domain::chat::ModelRequest;
use crate::engine::outbound::Cleared;
use crate::engine::ports::{BoxFuture, Model, ModelError, ModelErrorKind, ModelStream, Unavailable};

/// A connection may take this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The header for keys of AI Studio.
const KEY_HEADER: &str = "x-goog-api-key";

/// How long silence is borne. There is no limit on the whole: a long answer that comes is a good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the question to the first event.
    pub first: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
}

impl Default for Patience {
    /// 20 s to the first event, 30 s between pieces.
    fn default() -> Self {
        Self { first: Duration::from_secs(20), idle: Duration::from_secs(30) }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name of the model; letters, digits, dots and dashes.
    pub model: String,
    /// Where it is asked.
    pub endpoint: Endpoint,
    /// How long silence is borne.
    pub patience: Patience,
    /// How often a question is sent.
    pub retries: RetryPolicy,
}

/// A number from 0 to 1, for the waits between attempts.
pub(super) type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Gemini.
#[derive(Clone)]
pub struct Gemini {
    pub(super) shared: Arc<Shared>,
}

/// What all questions share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) key: Key,
    pub(super) chance: Chance,
    obstacles: Mutex<Obstacles>,
    begun: Instant,
    /// Built at first use: a machine without certificates is reported like any other failure, and tried again.
    client: OnceLock<Client>,
}

impl Gemini {
    /// A client with `settings` that uses `key`. Nothing is sent or fetched yet.
    #[must_use]
    pub fn new(settings: Settings, key: Key) -> Self {
        Self::with_chance(settings, key, Arc::new(chance))
    }

    pub(super) fn with_chance(settings: Settings, key: Key, chance: Chance) -> Self {
        let (obstacles, begun, client) = (Mutex::default(), Instant::now(), OnceLock::new());
        Self { shared: Arc::new(Shared { settings, key, chance, obstacles, begun, client }) }
    }
}

/// The standard library's own source of keys for its hash maps is random enough for waits.
fn chance() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::hash::RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}

impl Model for Gemini {
    fn name(&self) -> String {
        self.shared.settings.model.clone()
    }

    fn destination(&self) -> String {
        let mut url = self.shared.settings.endpoint.stream_url(&self.shared.settings.model);
        url.set_query(None);
        url.to_string()
    }

    fn encode(&self, request: &ModelRequest) -> Result<Vec<u8>, ModelError> {
        super::encode::body(request, &self.shared.settings.model)
    }

    fn unavailable(&self) -> BoxFuture<'static, Option<Unavailable>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.unavailable().await })
    }

    fn stream(&self, body: Cleared) -> BoxFuture<'static, Result<ModelStream, ModelError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if let Some(why) = shared.unavailable().await {
                return Err(why.into_error());
            }
            let (key, freshness) = shared.key.get().await?;
            shared.obstacles().admit(shared.now()).map_err(Unavailable::into_error)?;
            shared.client().map_err(|failure| failure.error)?;
            Ok(Exchange::new(shared, body, key, freshness).into_stream())
        })
    }
}

impl Shared {
    /// Why no question should be sent now. A refused key is forgotten, so that it is fetched anew each time one looks.
    async fn unavailable(&self) -> Option<Unavailable> {
        let has_refused_key = {
            let obstacles = self.obstacles();
            if let Some(why) = obstacles.look(self.now()) {
                return Some(why);
            }
            obstacles.has_refused_key()
        };
        if !has_refused_key {
            return None;
        }
        let why = match self.key.get().await {
            Ok((key, _)) => self.obstacles().look_at_key(&digest(&key), self.now()),
            Err(error) => Some(Unavailable::of(&error, None)),
        };
        if why.is_some() {
            self.key.forget();
        }
        why
    }

    /// The provider does not want `key`.
    pub(super) fn refuse_key(&self, key: &SecretString, error: &ModelError) {
        self.key.forget();
        self.obstacles().refuse_key(digest(key), error.clone(), self.now());
    }

    /// The provider asked for a wait, perhaps.
    pub(super) fn asked_to_wait(&self, error: &ModelError, retry: Retry) {
        self.obstacles().asked_to_wait(error, retry, self.now());
    }

    /// Remembers how a question ended.
    pub(super) fn ended(&self, result: Result<(), &ModelError>) {
        self.obstacles().ended(result, self.now());
    }

    /// The time since this client was made.
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn obstacles(&self) -> std::sync::MutexGuard<'_, Obstacles> {
        // Every change is made as a whole.
        self.obstacles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = builder(self.settings.endpoint.base()).connect_timeout(CONNECT_WITHIN).build();
        let client = client.map_err(|error| {
            let what = format!("Gemini cannot be asked because no TLS client could be made: {}", innermost(&error));
            let remedy = "Install the system's CA certificates (package ca-certificates)";
            Failure::new(ModelErrorKind::Unserved, Retry::Never, what, remedy)
        })?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Sends `body` and returns the answer's head, whatever it is.
    pub(super) async fn send(&self, body: Vec<u8>, key: &SecretString) -> Result<reqwest::Response, Failure> {
        let url = self.settings.endpoint.stream_url(&self.settings.model);
        let request = self.client()?.post(url).header(CONTENT_TYPE, "application/json").body(body);
        self.authorized(request, key)?.send().await.map_err(|error| self.failure(&error))
    }

    /// `request` with `key` in the header where it belongs.
    pub(super) fn authorized(&self, request: RequestBuilder, key: &SecretString) -> Result<RequestBuilder, Failure> {
        let (header, value) = match self.settings.endpoint.credential() {
            Credential::ApiKey => (KEY_HEADER, key.expose_secret().to_owned()),
            Credential::Bearer => (AUTHORIZATION.as_str(), format!("Bearer {}", key.expose_secret())),
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            let what = "the key has characters that no key has";
            let remedy = "Look whether `model.key`, GOOGLE_API_KEY or GEMINI_API_KEY holds the key and nothing else";
            Failure::new(ModelErrorKind::Key, Retry::Never, what, remedy)
        })?;
        value.set_sensitive(true);
        Ok(request.header(header, value))
    }

    /// What a failure of the connection means.
    pub(super) fn failure(&self, error: &reqwest::Error) -> Failure {
        let host = self.settings.endpoint.base().host_str().unwrap_or_default();
        // Before there is a connection nothing has left.
        let kind = if error.is_connect() { ModelErrorKind::Unserved } else { ModelErrorKind::Unreachable };
        let unreachable =
            |retry, what: String, remedy: &str| Failure::new(kind, retry, format!("{host} {what}"), remedy);
        let cause = innermost(error);
        if error.is_dns() {
            let what = "has a name that cannot be resolved".to_owned();
            return unreachable(Retry::Soon, what, "Check the network and the DNS settings, or `model.base_url`");
        }
        if io_kind(error) == Some(std::io::ErrorKind::ConnectionRefused) {
            let what = "refused the connection".to_owned();
            return unreachable(Retry::Soon, what, "Check the network, the proxy and `model.base_url`");
        }
        if cause.contains("certificate") {
            let what = format!("has a TLS certificate that is not accepted: {cause}");
            return unreachable(Retry::Never, what, "Add the CA of your proxy to the system's certificates");
        }
        let what = if error.is_connect() { "could not be connected to" } else { "broke off" };
        unreachable(Retry::Soon, format!("{what}: {cause}"), "Check the network and the proxy, then ask again")
    }
}

impl std::fmt::Debug for Gemini {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gemini").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

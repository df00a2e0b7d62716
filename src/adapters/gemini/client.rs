//! The client: one per console, for all its questions.
//!
//! Owns: the HTTP client, the key, the breaker over all questions. Does not: follow one question (see [`super::exchange`]).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::breaker::{Admission, Breaker};
use super::endpoint::{Credential, Endpoint};
use super::error::Failure;
use super::exchange::Exchange;
use super::key::Key;
use super::retry::{Retry, RetryPolicy};
use crate::adapters::http::{builder, innermost, io_kind};
use crate::domain::chat::ModelRequest;
use crate::engine::outbound::Cleared;
use crate::engine::ports::{BoxFuture, Model, ModelError, ModelErrorKind, ModelStream};

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
    breaker: Mutex<Breaker>,
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
        let (breaker, begun, client) = (Mutex::default(), Instant::now(), OnceLock::new());
        Self { shared: Arc::new(Shared { settings, key, chance, breaker, begun, client }) }
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

    fn stream(&self, body: Cleared) -> BoxFuture<'static, Result<ModelStream, ModelError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            shared.admit()?;
            let (key, freshness) = shared.key.get().await?;
            shared.client().map_err(|failure| failure.error)?;
            Ok(Exchange::new(shared, body, key, freshness).into_stream())
        })
    }
}

impl Shared {
    /// Whether the breaker lets a question through.
    fn admit(&self) -> Result<(), ModelError> {
        match self.breaker().admit(self.begun.elapsed()) {
            Admission::Open | Admission::Probe => Ok(()),
            Admission::Refused(left) => Err(ModelError {
                kind: ModelErrorKind::BreakerOpen,
                what: "Gemini failed several times in a row and is not asked for the moment".to_owned(),
                remedy: format!("Ask again in {} s", left.as_secs() + 1),
            }),
        }
    }

    /// Tells the breaker how a question ended.
    pub(super) fn ended(&self, result: Result<(), &ModelError>) {
        let mut breaker = self.breaker();
        match result.map_err(|error| error.kind) {
            Err(ModelErrorKind::Unserved | ModelErrorKind::Unreachable | ModelErrorKind::Garbled) => {
                breaker.failed(self.begun.elapsed());
            }
            // A refusal is an answer. That the breaker was open is no news of the provider.
            Ok(()) | Err(ModelErrorKind::Key | ModelErrorKind::Refused) => breaker.answered(),
            Err(ModelErrorKind::Quota | ModelErrorKind::Blocked) => breaker.answered(),
            Err(ModelErrorKind::BreakerOpen) => {}
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // A breaker is a value that is replaced as a whole.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
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

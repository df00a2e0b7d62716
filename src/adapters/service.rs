//! Bounded questions to a service over HTTP, and what their failures mean to a person.
//!
//! Owns: the client, credentials, time-outs, the size limit, the wording of errors. Does not: know what an answer means.
//!
//! Invariants: redirects are not followed (they could carry credentials elsewhere); no text of an answer gets into an error
//! made here.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};

use secrecy::{ExposeSecret as _, SecretString};

use super::http::{builder, innermost, io_kind};
use crate::domain::id::SourceId;
use crate::engine::ports::SourceError;

/// A connection may take at most this part of the whole time.
const CONNECT_SHARE: u32 = 2;

/// How a service is entered.
#[derive(Clone, Debug)]
pub enum Access {
    /// Without credentials.
    Open,
    /// With a bearer token.
    Bearer(SecretString),
    /// With a name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
}

/// Which service is asked, and how.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its name in the configuration.
    pub id: SourceId,
    /// `http://` or `https://`, with the path prefix if it has one, without the path of the API and without credentials.
    pub url: String,
    /// How it is entered.
    pub access: Access,
    /// How long one question may take.
    pub timeout: Duration,
}

/// What kind of service it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Its name, for people.
    pub(super) name: &'static str,
    /// An address of one, for people.
    pub(super) example: &'static str,
    /// What to check when it answers something else.
    pub(super) check: &'static str,
    /// What its address is, for someone who has a wrong one.
    pub(super) address: &'static str,
    /// Most bytes of an answer.
    pub(super) most: usize,
}

/// What goes with a question.
pub(super) enum Sent<'a> {
    /// Nothing.
    Nothing,
    /// The fields of a form.
    Form(&'a [(&'a str, &'a str)]),
    /// JSON.
    Json(Vec<u8>),
}

/// An answer, whatever its status.
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The body, not longer than [`Kind::most`].
    pub(super) body: Vec<u8>,
}

/// Asks one service.
pub(super) struct Service {
    kind: Kind,
    base: Url,
    access: Access,
    timeout: Duration,
    /// Built at first use: a machine without certificates is reported like any other failure, and tried again.
    client: OnceLock<Client>,
}

impl Service {
    /// Prepares to ask; nothing is connected yet.
    ///
    /// # Errors
    /// When the URL cannot be one of such a service.
    pub(super) fn new(kind: Kind, connection: Connection) -> Result<Self, SourceError> {
        let wrong = |what: &str, remedy: String| SourceError {
            what: format!("the URL of {} {:?} {what}", kind.name, connection.id.as_str()),
            remedy,
        };
        let like = || format!("Write it like {}", kind.example);
        let base: Url = connection.url.parse().map_err(|error| wrong(&format!("cannot be read: {error}"), like()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("is not an http:// or https:// URL", like()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("has credentials in it", "Put them into `username` and `password`".to_owned()));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("has a query or a fragment", "Leave out everything from `?` or `#` on".to_owned()));
        }
        let Connection { access, timeout, .. } = connection;
        Ok(Self { kind, base, access, timeout, client: OnceLock::new() })
    }

    /// The header `Date` of the answer to `path`, as it is sent.
    pub(super) async fn date(&self, path: &str) -> Result<Option<String>, SourceError> {
        let response = self.send(Method::GET, path, &[], Sent::Nothing).await?;
        self.check_status(response.status())?;
        let date = response.headers().get(reqwest::header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// The body that `path` with `query` is answered with.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, SourceError> {
        let response = self.send(Method::GET, path, query, Sent::Nothing).await?;
        self.check_status(response.status())?;
        self.read(response).await
    }

    /// The answer to a question, whatever its status.
    pub(super) async fn exchange(&self, method: Method, path: &str, sent: Sent<'_>) -> Result<Answer, SourceError> {
        let response = self.send(method, path, &[], sent).await?;
        let status = response.status();
        Ok(Answer { status, body: self.read(response).await? })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, SourceError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + chunk.len() > self.kind.most {
                let what = format!("answered with more than {} MiB", self.kind.most >> 20);
                return Err(self.error(&what, self.kind.check));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        sent: Sent<'_>,
    ) -> Result<reqwest::Response, SourceError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        if let Sent::Form(fields) = &sent {
            // Encoded by the same rules as a query; the form itself needs a feature of the client that nothing else does.
            url.query_pairs_mut().extend_pairs(*fields);
        }
        let form = match sent {
            Sent::Form(_) => {
                let encoded = url.query().unwrap_or_default().to_owned();
                url.set_query(None);
                Some(("application/x-www-form-urlencoded", encoded.into_bytes()))
            }
            Sent::Json(body) => Some(("application/json", body)),
            Sent::Nothing => None,
        };
        let mut request = self.client()?.request(method, url).query(query);
        if let Some((content_type, body)) = form {
            request = request.header(reqwest::header::CONTENT_TYPE, content_type).body(body);
        }
        request = match &self.access {
            Access::Open => request,
            Access::Bearer(token) => request.bearer_auth(token.expose_secret()),
            Access::Basic { username, password } => request.basic_auth(username, Some(password.expose_secret())),
        };
        request.send().await.map_err(|error| self.failure(&error))
    }

    /// A failure of this service: `<its URL> <what>`.
    pub(super) fn error(&self, what: &str, remedy: &str) -> SourceError {
        SourceError { what: format!("{} {what}", self.base), remedy: remedy.to_owned() }
    }

    /// What to check when it answers something else than such a service.
    pub(super) const fn check(&self) -> &'static str {
        self.kind.check
    }

    fn client(&self) -> Result<&Client, SourceError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.build().map_err(|error| {
            self.error(
                &format!("cannot be asked because no TLS client could be made: {}", innermost(&error)),
                "Install the system's CA certificates (package ca-certificates) or use an http:// URL",
            )
        })?;
        Ok(self.client.get_or_init(|| client))
    }

    fn build(&self) -> Result<Client, reqwest::Error> {
        builder(&self.base).timeout(self.timeout).connect_timeout(self.timeout / CONNECT_SHARE).build()
    }

    /// Whether a status says that it was answered.
    ///
    /// # Errors
    /// When it does not, with what to do.
    pub(super) fn check_status(&self, status: StatusCode) -> Result<(), SourceError> {
        let name = self.kind.name;
        let remedy = match status {
            status if status.is_success() => return Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => match self.access {
                Access::Open => format!("Set `token`, or `username` and `password`, for this {name}"),
                Access::Bearer(_) => format!("Check the `token` of this {name}"),
                Access::Basic { .. } => format!("Check the `username` and `password` of this {name}"),
            },
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => self.kind.address.to_owned(),
            status if status.is_redirection() => {
                "Set the URL to where it redirects; redirects are not followed because they could carry credentials away"
                    .to_owned()
            }
            status if status.is_server_error() => format!("Look at {name}'s log, or at that of the proxy before it"),
            _ => self.kind.check.to_owned(),
        };
        Err(self.error(&format!("answered HTTP {}", status.as_u16()), &remedy))
    }

    fn failure(&self, error: &reqwest::Error) -> SourceError {
        let cause = innermost(error);
        if error.is_timeout() {
            let what = format!("did not answer within {} s", self.timeout.as_secs_f32());
            return self.error(&what, "Check the host and the firewall, or set a longer `timeout`");
        }
        if error.is_dns() {
            return self.error("has a host name that cannot be resolved", "Check the name and the DNS settings");
        }
        if io_kind(error) == Some(std::io::ErrorKind::ConnectionRefused) {
            let remedy = format!("Check that {} runs and that host and port are right", self.kind.name);
            return self.error("refused the connection", &remedy);
        }
        if cause.contains("certificate") {
            let what = format!("has a TLS certificate that is not accepted: {cause}");
            return self.error(&what, "Add its CA to the system's certificates, or use the name in the certificate");
        }
        if error.is_connect() {
            let what = format!("could not be connected to: {cause}");
            return self.error(&what, "Check scheme (http or https), host and port");
        }
        let remedy = format!("It is tried again; if it stays so, look at {}'s log", self.kind.name);
        self.error(&format!("broke off: {cause}"), &remedy)
    }
}

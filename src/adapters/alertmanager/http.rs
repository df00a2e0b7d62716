//! One bounded HTTP GET against an Alertmanager, and what its failures mean to a person.
//!
//! Owns: the client, time-outs, the size limit, the wording of errors. Does not: know what the answer means.
//!
//! Invariants: redirects are not followed (they could carry credentials elsewhere); no text of an answer gets into an error.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};

use super::api::Access;
use crate::adapters::http::{builder, innermost, io_kind};
use crate::engine::ports::SourceError;
use secrecy::ExposeSecret as _;

/// More than any Alertmanager is expected to answer: about 100,000 alerts.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A connection may take at most this part of the whole time.
const CONNECT_SHARE: u32 = 2;

/// Asks one Alertmanager.
pub(super) struct Http {
    base: Url,
    access: Access,
    timeout: Duration,
    /// Built at first use: a machine without certificates is reported like any other failure, and tried again.
    client: OnceLock<Client>,
}

impl Http {
    pub(super) fn new(base: Url, access: Access, timeout: Duration) -> Self {
        Self { base, access, timeout, client: OnceLock::new() }
    }

    /// The header `Date` of the answer to `path`, as it is sent.
    pub(super) async fn date(&self, path: &str) -> Result<Option<String>, SourceError> {
        let response = self.send(path, &[]).await?;
        let date = response.headers().get(reqwest::header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// The body that `path` with `query` is answered with.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, SourceError> {
        let mut response = self.send(path, query).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.error("answered with more than 64 MiB", "Check that the URL is an Alertmanager's"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Asks; an answer has the status 200.
    async fn send(&self, path: &str, query: &[(&str, &str)]) -> Result<reqwest::Response, SourceError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let mut request = self.client()?.get(url).query(query);
        request = match &self.access {
            Access::Open => request,
            Access::Bearer(token) => request.bearer_auth(token.expose_secret()),
            Access::Basic { username, password } => request.basic_auth(username, Some(password.expose_secret())),
        };
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        self.check_status(&response)?;
        Ok(response)
    }

    /// A failure of this Alertmanager: `<its URL> <what>`.
    pub(super) fn error(&self, what: &str, remedy: &str) -> SourceError {
        SourceError { what: format!("{} {what}", self.base), remedy: remedy.to_owned() }
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

    fn check_status(&self, response: &reqwest::Response) -> Result<(), SourceError> {
        let status = response.status();
        let remedy = match status {
            StatusCode::OK => return Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => match self.access {
                Access::Open => "Set `token`, or `username` and `password`, for this Alertmanager",
                Access::Bearer(_) => "Check the `token` of this Alertmanager",
                Access::Basic { .. } => "Check the `username` and `password` of this Alertmanager",
            },
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                "Check the URL: it is the one that Alertmanager's own page has, with its path prefix, without /api"
            }
            status if status.is_redirection() => {
                "Set the URL to where it redirects; redirects are not followed because they could carry credentials away"
            }
            status if status.is_server_error() => "Look at Alertmanager's log, or at that of the proxy before it",
            _ => "Check that the URL is an Alertmanager's, version 0.16 or newer",
        };
        Err(self.error(&format!("answered HTTP {}", status.as_u16()), remedy))
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
            return self
                .error("refused the connection", "Check that Alertmanager runs and that host and port are right");
        }
        if cause.contains("certificate") {
            let what = format!("has a TLS certificate that is not accepted: {cause}");
            return self.error(&what, "Add its CA to the system's certificates, or use the name in the certificate");
        }
        if error.is_connect() {
            let what = format!("could not be connected to: {cause}");
            return self.error(&what, "Check scheme (http or https), host and port");
        }
        self.error(&format!("broke off: {cause}"), "It is tried again; if it stays so, look at Alertmanager's log")
    }
}

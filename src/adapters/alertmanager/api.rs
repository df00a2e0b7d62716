//! The API, version 2: asks which alerts fire.
//!
//! Owns: the request and reading its answer. Does not: decide when to ask or what absence means (`engine::ingest`).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::wire::WireAlert;
use crate::adapters::service::{Connection, Kind, Service};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::digest::sha256_hex;
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ports::{AlertSource, BoxFuture, Fetched, SourceError};

/// What an Alertmanager is, for whoever asks one.
pub(super) const KIND: Kind = Kind {
    name: "Alertmanager",
    example: "http://alertmanager:9093",
    check: "Check that the URL is an Alertmanager's, version 0.16 or newer",
    address: "Check the URL: it is the one that Alertmanager's own page has, with its path prefix, without /api",
    // More than any is expected to answer: about 100,000 alerts.
    most: 64 * 1024 * 1024,
};

/// What an Alertmanager answered to the question whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// How long the answer took.
    pub latency: Duration,
    /// How far its clock is ahead of ours, in milliseconds; the header that says so has whole seconds. `None` when it says
    /// nothing.
    pub skew_ms: Option<i64>,
}

/// An Alertmanager that is asked through its API.
pub struct Alertmanager {
    id: SourceId,
    http: Service,
}

impl Alertmanager {
    /// Prepares to ask; nothing is connected yet.
    ///
    /// # Errors
    /// When the URL cannot be one of an Alertmanager.
    pub fn new(connection: Connection) -> Result<Self, SourceError> {
        let id = connection.id.clone();
        Ok(Self { id, http: Service::new(KIND, connection)? })
    }

    /// Asks whether it is there, how fast it answers and what time it has; `now` is our clock.
    ///
    /// # Errors
    /// When it does not answer, or not like one.
    pub async fn probe(&self, now: impl Fn() -> Timestamp) -> Result<Probed, SourceError> {
        let begun = std::time::Instant::now();
        let date = self.http.date("api/v2/status").await?;
        let latency = begun.elapsed();
        let theirs = date.as_deref().and_then(http_date);
        let skew_ms = theirs.map(|theirs| theirs.as_millis().saturating_sub(now().as_millis()));
        Ok(Probed { latency, skew_ms })
    }

    /// What is asked.
    pub(super) const fn service(&self) -> &Service {
        &self.http
    }

    /// When this Alertmanager was started; `None` when it does not say so in a way that we understand.
    async fn running_since(&self) -> Option<Timestamp> {
        let body = self.http.get("api/v2/status", &[]).await.ok()?;
        let status: Status = serde_json::from_slice(&body).ok()?;
        Timestamp::parse_rfc3339(&status.uptime)
    }

    async fn ask(&self) -> Result<Fetched, SourceError> {
        let all = [("active", "true"), ("silenced", "true"), ("inhibited", "true"), ("unprocessed", "true")];
        let body = self.http.get("api/v2/alerts", &all).await?;
        let alerts = parse(&self.id, &body).map_err(|reason| {
            self.http.error(
                &format!("does not answer like an Alertmanager: {reason}"),
                "Check that the URL is an Alertmanager's, version 0.16 or newer",
            )
        })?;
        // Asked second: if it restarts between the two, its start is too late rather than too early, which is the safe side.
        let running_since = self.running_since().await;
        Ok(Fetched { alerts, running_since, digest: sha256_hex(&body) })
    }
}

impl AlertSource for Alertmanager {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, SourceError>> {
        Box::pin(self.ask())
    }
}

impl fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alertmanager").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Reads the preferred form of a date in HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let stamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(stamp.as_millisecond()))
}

/// The part of `/api/v2/status` that is needed. The field is called `uptime` and holds the time of the start.
#[derive(Deserialize)]
struct Status {
    uptime: String,
}

/// Reads the answer of `/api/v2/alerts`.
///
/// The API leaves out what has ended, so everything in it fires; `endsAt` is when it would lapse without news, and comparing
/// it with our clock would end alerts early on a host whose clock is ahead.
fn parse(source: &SourceId, body: &[u8]) -> Result<Vec<Alert>, String> {
    let entries: Vec<WireAlert<IgnoredAny>> = serde_json::from_slice(body)
        .map_err(|error| format!("not the expected JSON at line {}, column {}", error.line(), error.column()))?;
    let alerts = entries.into_iter().enumerate().map(|(index, entry)| {
        entry.into_alert(source, AlertStatus::Firing).map_err(|what| format!("alert {}: {what}", index + 1))
    });
    alerts.collect()
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;

//! Prometheus: instant and range queries over its HTTP API, version 1.
//!
//! Owns: the wire format, and which answers are answers. Does not: bind values into queries (see `domain::run::query`) or
//! decide what a value means.
//!
//! Invariants: a query is asked once and never repeated by itself; what is answered in part is an error, since a decision
//! could rest on it. The text with which Prometheus refuses a query is told, cut to a bound: without it nobody can mend one.

mod wire;

use std::fmt;
use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::service::{Kind, Sent, Service};
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ports::{BoxFuture, Instant, MOST_POINTS, MetricSource, Range, RangeQuery, SourceError};

pub use super::service::{Access, Connection};

const KIND: Kind = Kind {
    name: "Prometheus",
    example: "http://prometheus:9090",
    check: "Check that the URL is a Prometheus's, version 2.1 or newer",
    address: "Check the URL: it is the one that Prometheus's own page has, with its path prefix, without /api",
    // About 300,000 points; a range of all series of a large system belongs on a dashboard.
    most: 16 * 1024 * 1024,
};

/// Characters of a refusal's text that are told.
const REFUSAL_CHARACTERS: usize = 300;

/// A Prometheus that is asked through its API.
pub struct Prometheus {
    id: SourceId,
    timeout: Duration,
    service: Service,
}

impl Prometheus {
    /// Prepares to ask; nothing is connected yet.
    ///
    /// # Errors
    /// When the URL cannot be one of a Prometheus.
    pub fn new(connection: Connection) -> Result<Self, SourceError> {
        let (id, timeout) = (connection.id.clone(), connection.timeout);
        Ok(Self { id, timeout, service: Service::new(KIND, connection)? })
    }

    /// Whether it is ready to answer queries; how long it took to say so. What speaks its API and has no such page, such as
    /// Mimir, is asked the smallest query.
    ///
    /// # Errors
    /// When it is not ready or does not answer like a Prometheus.
    pub async fn is_ready(&self) -> Result<Duration, SourceError> {
        let begun = std::time::Instant::now();
        let answer = self.service.exchange(Method::GET, "-/ready", Sent::Nothing).await?;
        match answer.status {
            StatusCode::NOT_FOUND => {
                self.ask("api/v1/query", &[("query", "vector(1)")]).await?;
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                return Err(self
                    .service
                    .error("is not ready yet", "Wait until it has read its data, or look at its log"));
            }
            status => self.service.check_status(status)?,
        }
        Ok(begun.elapsed())
    }

    async fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Result<wire::Answer, SourceError> {
        // A query may be longer than an address may be.
        let answer = self.service.exchange(Method::POST, path, Sent::Form(fields)).await?;
        let said = wire::read(&answer.body);
        match said {
            // It says why with status 400, 422 and 503.
            Ok(wire::Said::Refusal { kind, text }) => {
                let text: String = text.chars().take(REFUSAL_CHARACTERS).collect();
                let what = format!("refused the query ({kind}): {text}");
                Err(self.service.error(&what, "Correct the query, or look at Prometheus itself"))
            }
            Ok(wire::Said::Answer(_)) | Err(_) if !answer.status.is_success() => {
                self.service.check_status(answer.status)?;
                Err(self.service.error("answered and did not", self.service.check()))
            }
            Ok(wire::Said::Answer(answer)) => Ok(answer),
            Err(why) => {
                Err(self.service.error(&format!("does not answer like a Prometheus: {why}"), self.service.check()))
            }
        }
    }

    /// How long the query itself may take: a little less than we wait, so that its own refusal arrives.
    fn limit(&self) -> String {
        format!("{}ms", self.timeout.as_millis().saturating_mul(9) / 10)
    }

    async fn ask_instant(&self, query: &str, at: Timestamp) -> Result<Instant, SourceError> {
        let (at, limit) = (seconds(at), self.limit());
        let fields = [("query", query), ("time", at.as_str()), ("timeout", limit.as_str())];
        let wire::Answer { result, warnings } = self.ask("api/v1/query", &fields).await?;
        match result {
            wire::Outcome::Samples(samples) => Ok(Instant { samples, warnings }),
            wire::Outcome::Series(_) => {
                let remedy = "Ask for a moment, without a range in square brackets at its end";
                Err(self.service.error("answered with ranges: the query selects spans of time", remedy))
            }
            wire::Outcome::Text => Err(self.service.error("answered with a text", "Ask for a number")),
        }
    }

    async fn ask_range(&self, query: &RangeQuery) -> Result<Range, SourceError> {
        let refuse = |what: &str, remedy: &str| Err(SourceError { what: what.to_owned(), remedy: remedy.to_owned() });
        let span = query.until.since(query.from);
        if query.until < query.from || query.step.as_millis() == 0 {
            return refuse(
                "the range has no length",
                "Give a beginning before the end, and a step of a millisecond or more",
            );
        }
        if u64::try_from(span.as_millis() / query.step.as_millis()).unwrap_or(u64::MAX) >= MOST_POINTS {
            return refuse("the range has too many points", "Take a longer step, or a shorter range");
        }
        let (from, until, limit) = (seconds(query.from), seconds(query.until), self.limit());
        let step = format!("{}.{:03}", query.step.as_secs(), query.step.subsec_millis());
        let fields = [
            ("query", query.query.as_str()),
            ("start", from.as_str()),
            ("end", until.as_str()),
            ("step", step.as_str()),
            ("timeout", limit.as_str()),
        ];
        let wire::Answer { result, warnings } = self.ask("api/v1/query_range", &fields).await?;
        match result {
            wire::Outcome::Series(series) => Ok(Range { series, warnings }),
            wire::Outcome::Samples(_) | wire::Outcome::Text => {
                Err(self.service.error("answered a range query with no ranges", self.service.check()))
            }
        }
    }
}

/// Seconds since the epoch with three decimals, as the API takes them.
fn seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", (millis / 1_000).abs(), (millis % 1_000).abs())
}

impl MetricSource for Prometheus {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn instant<'a>(&'a self, query: &'a str, at: Timestamp) -> BoxFuture<'a, Result<Instant, SourceError>> {
        Box::pin(self.ask_instant(query, at))
    }

    fn range<'a>(&'a self, query: &'a RangeQuery) -> BoxFuture<'a, Result<Range, SourceError>> {
        Box::pin(self.ask_range(query))
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

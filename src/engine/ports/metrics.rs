//! Ports for metrics and logs: typed questions, which no process is started for.
//!
//! Owns: the vocabulary. Does not: bind values into queries (see `domain::run::query`).

use std::time::Duration;

use super::{BoxFuture, SourceError};
use crate::domain::alert::Labels;
use crate::domain::id::SourceId;
use crate::domain::run::evidence::Sample;
use crate::domain::run::reading::Reading;
use crate::domain::time::Timestamp;

/// A system that can be asked for metrics.
pub trait MetricSource: Send + Sync + 'static {
    /// The name that the configuration gives it.
    fn id(&self) -> SourceId;
    /// The values of `query` at the moment `at`; a plain number is one sample without labels.
    ///
    /// # Errors
    /// When it cannot be reached, refuses the query, or answers something else.
    fn instant<'a>(&'a self, query: &'a str, at: Timestamp) -> BoxFuture<'a, Result<Instant, SourceError>>;
    /// The values of a query over time.
    ///
    /// # Errors
    /// As [`Self::instant`]; and when the range has no length or more points than [`MOST_POINTS`].
    fn range<'a>(&'a self, query: &'a RangeQuery) -> BoxFuture<'a, Result<Range, SourceError>>;
}

/// Points of a series at most: Prometheus itself refuses more.
pub const MOST_POINTS: u64 = 11_000;

/// The answer to an instant query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The series in the order of the answer.
    pub samples: Vec<Sample>,
    /// What the source says about its answer. Foreign text.
    pub warnings: Vec<String>,
}

/// A question about a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeQuery {
    /// What.
    pub query: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when, the end included.
    pub until: Timestamp,
    /// From one point to the next; at least a millisecond.
    pub step: Duration,
}

/// The answer to a range query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The series in the order of the answer.
    pub series: Vec<Series>,
    /// What the source says about its answer. Foreign text.
    pub warnings: Vec<String>,
}

/// One series over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its labels. Foreign text.
    pub labels: Labels,
    /// Its points, oldest first; where there is no value there is no point.
    pub points: Vec<(Timestamp, Reading)>,
}

/// A system that can be asked for lines of logs.
pub trait LogSource: Send + Sync + 'static {
    /// The name that the configuration gives it.
    fn id(&self) -> SourceId;
    /// The newest lines that fit.
    ///
    /// # Errors
    /// When nothing of it can be read. What can be read in part is answered, and said in [`LogLines::problems`].
    fn lines<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogLines, SourceError>>;
}

/// Which lines of a log are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Not before this. A line without a time of its own has that of the one before it.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
    /// Only lines with this text in them, regardless of case (ASCII); empty for all.
    pub contains: String,
    /// At most so many, the newest.
    pub limit: usize,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, as far as it says so.
    pub at: Option<Timestamp>,
    /// Where it stands: a file, a unit.
    pub place: String,
    /// The line, without its end. Foreign text.
    pub text: String,
}

/// Lines of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLines {
    /// The newest that fit, oldest first.
    pub lines: Vec<LogLine>,
    /// Whether there may be more that fit: of the limit, or because not all of a log was read.
    pub more: bool,
    /// What could not be read, each as a sentence.
    pub problems: Vec<String>,
}

//! Answers of Prometheus' HTTP API, version 1.
//!
//! Tolerant where nothing is lost by it (unknown fields), strict about values: a sample that cannot be read is no sample, and
//! an answer with one is no answer. Native histograms are refused: they are no number.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::alert::Labels;
use crate::domain::run::evidence::Sample;
use crate::domain::run::reading::Reading;
use crate::domain::time::Timestamp;
use crate::engine::ports::Series;

/// What the body says.
#[derive(Debug)]
pub(super) enum Said {
    /// It is an answer.
    Answer(Answer),
    /// It is a refusal.
    Refusal {
        /// `bad_data`, `execution`, `timeout`, ...
        kind: String,
        /// Why. Foreign text.
        text: String,
    },
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) result: Outcome,
    pub(super) warnings: Vec<String>,
}

/// What a query came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Values at one moment.
    Samples(Vec<Sample>),
    /// Values over time.
    Series(Vec<Series>),
    /// A text.
    Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: String,
    data: Option<Data>,
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct VectorEntry {
    #[serde(default)]
    metric: Labels,
    value: Option<Point>,
}

#[derive(Deserialize)]
struct MatrixEntry {
    #[serde(default)]
    metric: Labels,
    values: Option<Vec<Point>>,
}

/// Seconds with a fraction, and the value as a text.
#[derive(Deserialize)]
struct Point(f64, String);

impl Point {
    fn read(self) -> Result<(Timestamp, Reading), String> {
        let value = Reading::parse(&self.1).ok_or("a value that is no number")?;
        let millis = (self.0 * 1_000.0).round();
        // The range of exact whole numbers: far beyond any date.
        if !(-9.0e15..=9.0e15).contains(&millis) {
            return Err("a time that is none".to_owned());
        }
        #[allow(clippy::cast_possible_truncation, reason = "a whole number within the range that was just checked")]
        Ok((Timestamp::from_millis(millis as i64), value))
    }
}

/// Reads a body; `Err` says what is wrong with it, as a clause.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| format!("not the expected JSON at line {}, column {}", error.line(), error.column()))?;
    if body.status != "success" {
        let kind = body.error_type.unwrap_or_else(|| body.status.clone());
        return Ok(Said::Refusal { kind, text: body.error.unwrap_or_default() });
    }
    let data = body.data.ok_or("it has no `data`")?;
    let wrong = |_| format!("its `result` is no {}", data.result_type);
    let result = match data.result_type.as_str() {
        "scalar" => {
            let point: Point = serde_json::from_value(data.result).map_err(wrong)?;
            Outcome::Samples(vec![Sample { labels: Labels::new(), value: point.read()?.1 }])
        }
        "vector" => {
            let entries: Vec<VectorEntry> = serde_json::from_value(data.result).map_err(wrong)?;
            Outcome::Samples(entries.into_iter().map(sample).collect::<Result<_, _>>()?)
        }
        "matrix" => {
            let entries: Vec<MatrixEntry> = serde_json::from_value(data.result).map_err(wrong)?;
            Outcome::Series(entries.into_iter().map(series).collect::<Result<_, _>>()?)
        }
        "string" => Outcome::Text,
        _ => return Err("its `resultType` is unknown".to_owned()),
    };
    Ok(Said::Answer(Answer { result, warnings: body.warnings }))
}

const HISTOGRAM: &str = "a result that is a histogram and no number";

fn sample(entry: VectorEntry) -> Result<Sample, String> {
    let (_, value) = entry.value.ok_or(HISTOGRAM)?.read()?;
    Ok(Sample { labels: entry.metric, value })
}

fn series(entry: MatrixEntry) -> Result<Series, String> {
    let points = entry.values.ok_or(HISTOGRAM)?.into_iter().map(Point::read).collect::<Result<_, _>>()?;
    Ok(Series { labels: entry.metric, points })
}

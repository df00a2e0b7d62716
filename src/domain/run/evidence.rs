//! Evidence of a run: recorded facts that a decision rests on.
//!
//! Owns: what is kept of a command's end or a query's result, and what a decision says it rests on. Does not: fetch any of
//! it. The journal holds digests of outputs, never the outputs, so that they can be erased; numbers and the texts that a
//! document itself looks for are short and are kept.

use serde::{Deserialize, Serialize};

use super::lines::Counted;
use super::poll::Seen;
use super::reading::Reading;
use crate::domain::action::attempt::Outcome;
use crate::domain::alert::Labels;
use crate::domain::id::{AttemptId, SourceId};
use crate::domain::time::Timestamp;

/// Samples of one result that are kept at most; of more the run knows how many there were.
pub const MOST_SAMPLES: usize = 20;

/// One series of a result. Labels are foreign text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: Reading,
}

/// A recorded fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum Evidence {
    /// The end of a command.
    Attempt {
        /// Which attempt; cited as `E` and this number.
        attempt: AttemptId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The result of a query.
    Metric {
        /// Which source was asked.
        source: SourceId,
        /// What it was asked, with every value in it.
        query: String,
        /// For which moment.
        at: Timestamp,
        /// The series, at most [`MOST_SAMPLES`].
        samples: Vec<Sample>,
        /// How many there were in all.
        total: usize,
    },
    /// What was looked at until it was so, or until its time was over.
    Condition {
        /// What was found at last.
        proof: Proof,
        /// Whether it was so.
        held: bool,
        /// What was noted on the way, oldest first.
        seen: Vec<Seen>,
    },
}

impl Evidence {
    /// What it says, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Attempt { attempt, outcome } => format!("{} [E{attempt}]", outcome.label()),
            Self::Metric { samples, total, .. } => match samples.as_slice() {
                [] => "no result".to_owned(),
                [one] if *total == 1 => one.value.to_string(),
                [first, ..] => format!("{} and {} more", first.value, total - 1),
            },
            Self::Condition { proof, held: true, .. } => proof.words(),
            Self::Condition { proof, held: false, .. } => format!("not so: {}", proof.words()),
        }
    }
}

/// The output of an attempt, as far as it was read. Foreign text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputText {
    /// The text, with what was no UTF-8 replaced.
    pub text: String,
    /// Whether it is all of it.
    pub whole: bool,
}

/// The evidence that a condition is evaluated on.
#[derive(Clone, Copy, Debug)]
pub enum Facts<'a> {
    /// The end of a command.
    Attempt {
        /// Which.
        attempt: AttemptId,
        /// How it ended.
        outcome: &'a Outcome,
        /// What it printed; `None` when that cannot be read.
        output: Option<&'a OutputText>,
    },
    /// The result of a query.
    Metric {
        /// The query.
        query: &'a str,
        /// The series, all of them.
        samples: &'a [Sample],
    },
    /// Lines of logs that were counted.
    Lines {
        /// For each question what came of it.
        counted: &'a [Counted],
    },
}

impl Facts<'_> {
    /// All that a command printed.
    ///
    /// # Errors
    /// Why it is not to be had, as a clause.
    pub(super) fn whole_output(&self) -> Result<(AttemptId, &str), String> {
        match self {
            Self::Metric { .. } => Err("the question is about an output, and the evidence is a query".to_owned()),
            Self::Lines { .. } => Err("the question is about an output, and the evidence is a log".to_owned()),
            Self::Attempt { output: None, .. } => Err("the output cannot be read".to_owned()),
            Self::Attempt { output: Some(output), .. } if !output.whole => {
                Err("the output is too long to be read whole".to_owned())
            }
            Self::Attempt { attempt, output: Some(output), .. } => Ok((*attempt, &output.text)),
        }
    }

    /// The query, if it is one.
    pub(super) fn query(&self) -> Option<String> {
        match self {
            Self::Attempt { .. } | Self::Lines { .. } => None,
            Self::Metric { query, .. } => Some((*query).to_owned()),
        }
    }
}

/// What a decision by evidence rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub enum Proof {
    /// An exit status.
    Exit {
        /// Of which attempt.
        attempt: AttemptId,
        /// The status, 0 to 255.
        code: i32,
    },
    /// A text that the document names, and the output has or has not.
    Text {
        /// Of which attempt.
        attempt: AttemptId,
        /// What was looked for, as the document has it.
        looked_for: String,
        /// What was found; `None` when nothing was.
        found: Option<String>,
    },
    /// A number against a threshold, both in base units.
    Number {
        /// The query that it came from; `None` for a number in an output.
        query: Option<String>,
        /// The number; the first of several that all give the same answer.
        value: Reading,
        /// How many there were.
        values: usize,
        /// `>`, `>=`, `<`, `<=`, `=` or `!=`.
        operator: String,
        /// The threshold.
        threshold: Reading,
    },
    /// Lines of a log against a threshold.
    Lines {
        /// The attempt whose output the log is; `None` for log files.
        attempt: Option<AttemptId>,
        /// The log files; `None` for an output.
        log: Option<SourceId>,
        /// What the lines have in them, as the document has it.
        looked_for: String,
        /// How many there were.
        lines: u64,
        /// Whether there may be more.
        at_least: bool,
        /// From when on; `None` for an output.
        from: Option<Timestamp>,
        /// Until when; `None` for an output.
        until: Option<Timestamp>,
        /// As in a number.
        operator: String,
        /// How many the document names.
        threshold: u64,
    },
}

impl Proof {
    /// What was found as a number, to be drawn over time: a text that was found is 1, one that was not is 0.
    #[must_use]
    pub fn value(&self) -> Reading {
        match self {
            Self::Exit { code, .. } => Reading(f64::from(*code)),
            Self::Text { found, .. } => Reading(f64::from(u8::from(found.is_some()))),
            Self::Number { value, .. } => *value,
            Self::Lines { lines, .. } => Reading(f64::from(u32::try_from(*lines).unwrap_or(u32::MAX))),
        }
    }

    /// What was found, against what, in a few words. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Exit { attempt, code } => format!("exit {code} [E{attempt}]"),
            Self::Text { attempt, looked_for, found: None } => format!("no {looked_for:?} in [E{attempt}]"),
            Self::Text { attempt, found: Some(found), .. } => format!("{found:?} in [E{attempt}]"),
            Self::Number { query, value, values, operator, threshold } => {
                let several = if *values > 1 { format!(" ({values} values agree)") } else { String::new() };
                let query = query.as_ref().map(|query| format!(": {query}")).unwrap_or_default();
                format!("{value} against {operator} {threshold}{several}{query}")
            }
            Self::Lines { attempt, log, looked_for, lines, at_least, from, until, operator, threshold } => {
                let or_more = if *at_least { " or more" } else { "" };
                let place = match (log, from, until, attempt) {
                    (Some(log), Some(from), Some(until), _) => {
                        let minutes = until.since(*from).as_secs().div_ceil(60);
                        format!(": log {log}, {minutes} min until {}", until.to_minute())
                    }
                    (_, _, _, Some(attempt)) => format!(" in [E{attempt}]"),
                    _ => String::new(),
                };
                format!("{lines}{or_more} lines with {looked_for:?} against {operator} {threshold}{place}")
            }
        }
    }
}

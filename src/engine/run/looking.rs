//! Looks of a run at the world that start no process: polls of queries and logs, and counts of log lines for questions.
//!
//! Owns: asking for what a poll or a question is about, within bounds of time and size, and remembering when this process
//! asked last. Does not: decide what follows (`domain::run::polling`), or keep any line: what is stored is how many there were
//! and the text that the document itself looks for.
//!
//! Invariant: a count comes from whole answers only. Where something of a log could not be read, or its lines do not say when
//! they were written, there is no count, and a person decides.

use std::sync::Arc;
use std::time::Duration;

use super::{Heard, RunEngine};
use crate::domain::alert::Labels;
use crate::domain::id::RunId;
use crate::domain::run::Run;
use crate::domain::run::condition::{Condition, Finding};
use crate::domain::run::decide::RunCommand;
use crate::domain::run::evidence::{Evidence, Facts};
use crate::domain::run::item::ItemId;
use crate::domain::run::lines::{Counted, LineCount, Lines};
use crate::domain::run::poll::{Poll, PollOf};
use crate::domain::run::polling::{self, Look};
use crate::domain::time::Timestamp;
use crate::engine::backend::BackendError;
use crate::engine::ports::{LogQuery, LogSource};

/// A log that has not answered by then is not waited for: other runs have to go on.
const LOG_WITHIN: Duration = Duration::from_secs(5);
/// Lines counted at most. More than any document asks for, and what comes above it is said to be at least so many.
const MOST_COUNTED: usize = 10_000;

impl RunEngine {
    /// Looks at what a poll is about, and says so when that is news.
    pub(super) async fn look(&self, run: &Run, id: ItemId) -> Result<Heard, BackendError> {
        let at = self.clock.now();
        self.remember_look(run.id, id, at);
        let Some((item, poll)) = run.item(id).and_then(|item| Some((item, Poll::of(item)?))) else {
            return Ok(Heard::No);
        };
        let found = self.find_out(run, poll).await?;
        let look = Look { at, attempt: None, found };
        if !look.is_news(item) {
            // Nothing to say, and this poll is not due any more: others may be.
            return Ok(Heard::Yes);
        }
        self.say(run.id, RunCommand::NoteLook { item: id, look }).await
    }

    async fn find_out(&self, run: &Run, poll: &Poll) -> Result<Result<Finding, String>, BackendError> {
        match &poll.of {
            PollOf::Query { promql } => Ok(match self.ask(run, promql).await? {
                Ok(Evidence::Metric { samples, total, .. }) if total > samples.len() => {
                    Err(format!("the query has {total} results, too many to look at all of them"))
                }
                Ok(Evidence::Metric { query, samples, .. }) => {
                    polling::judge(poll, &Facts::Metric { query: &query, samples: &samples })
                }
                Ok(Evidence::Attempt { .. } | Evidence::Condition { .. }) => Err("no query was asked".to_owned()),
                Err(why) => Err(why),
            }),
            PollOf::Lines => {
                let Some(Condition::Lines(question)) = Condition::parse(&poll.condition) else {
                    return Ok(Err("no rule reads what has to be so".to_owned()));
                };
                let counted = self.count(run, vec![question]).await?;
                Ok(polling::judge(poll, &Facts::Lines { counted: &counted }))
            }
            PollOf::Command { .. } => Ok(Err("a command is looked at when it was run".to_owned())),
        }
    }

    /// Counts the lines that questions are about.
    pub(super) async fn count(&self, run: &Run, questions: Vec<LineCount>) -> Result<Vec<Counted>, BackendError> {
        let labels = self.labels_of(run).await?;
        let (logs, until) = (self.backend.logs(), self.clock.now());
        let mut counted = Vec::new();
        for question in questions {
            let result = match source_of(logs, &question, &labels) {
                Ok(source) => count_lines(source.as_ref(), &question, until).await,
                Err(why) => Err(why),
            };
            counted.push(Counted { question, result });
        }
        Ok(counted)
    }

    fn remember_look(&self, run: RunId, item: ItemId, at: Timestamp) {
        let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        looked.insert((run, item), at);
    }
}

/// The log that a question is about: the one with that name, or the only one.
fn source_of<'a>(
    logs: &'a [Arc<dyn LogSource>],
    question: &LineCount,
    labels: &Labels,
) -> Result<&'a Arc<dyn LogSource>, String> {
    let names = || logs.iter().map(|log| log.id().0).collect::<Vec<_>>().join(", ");
    match (&question.log, logs) {
        (_, []) => Err("no [[logs]] is configured that the log could be looked for in".to_owned()),
        (None, [only]) => Ok(only),
        (None, _) => Err(format!("the SOP does not say which of the logs it means: {}", names())),
        (Some(name), _) => {
            let parameter = name.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
            let name = parameter.and_then(|name| labels.get(name)).unwrap_or(name);
            let found = logs.iter().find(|log| log.id().0.eq_ignore_ascii_case(name));
            found.ok_or_else(|| format!("no [[logs]] is called {name:?}; there are: {}", names()))
        }
    }
}

async fn count_lines(source: &dyn LogSource, question: &LineCount, until: Timestamp) -> Result<Lines, String> {
    let id = source.id();
    let from = until.minus(question.span());
    let contains = match question.texts.as_slice() {
        [only] => only.clone(),
        _ => String::new(),
    };
    let query = LogQuery { from: Some(from), until: Some(until), contains, limit: MOST_COUNTED };
    let Ok(answer) = tokio::time::timeout(LOG_WITHIN, source.lines(&query)).await else {
        return Err(format!("the log {id} did not answer within {} s", LOG_WITHIN.as_secs()));
    };
    let answer = answer.map_err(|error| error.to_string())?;
    if let Some(problem) = answer.problems.first() {
        return Err(format!("not all of the log {id} can be counted: {}", problem.trim_end_matches('.')));
    }
    // The source disregards case, the document does not.
    let lines = answer.lines.iter().filter(|line| question.fits(&line.text)).count();
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    Ok(Lines { source: id, from, until, lines, at_least: answer.more })
}

#[cfg(test)]
#[path = "looking_tests.rs"]
mod tests;

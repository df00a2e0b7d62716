//! Conditions about the lines of a log: "the log of orders shows `timeout` more than 10 times in the last 5 minutes".
//!
//! Owns: the grammar of such conditions, the whole of it, and counting against a threshold. Does not: read a log; whoever
//! does hands in how many lines there were.
//!
//! Invariants: a text is read completely or not at all, as in `condition`. Texts are looked for as they stand, never as
//! patterns, and their case counts. A count that may be too small decides only what a larger one would decide the same way.

use std::time::Duration;

use super::condition::{Finding, Operator, Token, comparator};
use super::evidence::Proof;
use super::plan::digits;
use super::reading::{Dimension, Quantity};
use crate::domain::id::{AttemptId, SourceId};
use crate::domain::time::Timestamp;

/// How far back a log is looked at when the document does not say: long enough for what raised an alert, and short enough
/// that what happened hours ago does not count.
pub const LOOKED_BACK: Duration = Duration::from_secs(15 * 60);

/// The longest span that is taken from a text; who writes more means something else.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a document asks of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCount {
    /// Which log, as the document calls it; `None` for "the log". Foreign text.
    pub log: Option<String>,
    /// A line counts when it has one of these in it. Foreign text.
    pub texts: Vec<String>,
    /// Only lines of this last span of time; `None` when the document does not say.
    pub within: Option<Duration>,
    /// How the count is compared.
    pub operator: Operator,
    /// With what.
    pub threshold: u64,
}

/// How many lines of a log there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Which log.
    pub source: SourceId,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many.
    pub lines: u64,
    /// Whether there may be more, because not all could be read.
    pub at_least: bool,
}

/// What came of counting for one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The question.
    pub question: LineCount,
    /// The count, or why there is none, as a clause.
    pub result: Result<Lines, String>,
}

impl LineCount {
    /// Reads a condition; `None` when a word of it is not understood.
    pub(super) fn parse(words: &[&Token]) -> Option<Self> {
        let mut rest = Words(words);
        if rest.take(&["there"]) {
            return there_are(rest);
        }
        if let Some(texts) = rest.texts() {
            return appears(texts, rest);
        }
        if rest.take_any(&["does", "do", "did"]) {
            return asks(rest);
        }
        shows(rest)
    }

    /// The span of time that is looked at.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.within.unwrap_or(LOOKED_BACK)
    }

    /// Whether a line counts.
    #[must_use]
    pub fn fits(&self, line: &str) -> bool {
        self.texts.iter().any(|text| line.contains(text.as_str()))
    }

    /// What is looked for, in a few words. Foreign text.
    #[must_use]
    pub fn looked_for(&self) -> String {
        self.texts.join(" or ")
    }

    /// Compares the lines of an output, all of which it is about.
    ///
    /// # Errors
    /// Why it says nothing, as a clause.
    pub(super) fn of_output(&self, attempt: AttemptId, output: &str) -> Result<Finding, String> {
        if self.within.is_some() {
            return Err(
                "the question is about a span of time, and the output does not say when its lines are from".into()
            );
        }
        let lines = output.lines().filter(|line| self.fits(line)).count();
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        let holds = self.operator.holds(number(lines), number(self.threshold));
        Ok(Finding { holds, proof: self.proof(Some(attempt), None, lines) })
    }

    /// Compares what was counted.
    ///
    /// # Errors
    /// Why it says nothing, as a clause.
    pub(super) fn of_log(&self, counted: &[Counted]) -> Result<Finding, String> {
        let own = counted.iter().find(|counted| counted.question == *self);
        let found = own.ok_or("no log was looked at for it")?.result.as_ref().map_err(Clone::clone)?;
        let holds = self.operator.holds(number(found.lines), number(self.threshold));
        if found.at_least && !self.is_settled(found.lines) {
            return Err(format!("not all of the log {} could be read", found.source));
        }
        Ok(Finding { holds, proof: self.proof(None, Some(found), found.lines) })
    }

    /// Whether more lines than these would give the same answer.
    const fn is_settled(&self, lines: u64) -> bool {
        match self.operator {
            Operator::Above | Operator::AtMost | Operator::Equal | Operator::Other => lines > self.threshold,
            Operator::AtLeast | Operator::Below => lines >= self.threshold,
        }
    }

    fn proof(&self, attempt: Option<AttemptId>, log: Option<&Lines>, lines: u64) -> Proof {
        Proof::Lines {
            attempt,
            log: log.map(|log| log.source.clone()),
            looked_for: self.looked_for(),
            lines,
            at_least: log.is_some_and(|log| log.at_least),
            from: log.map(|log| log.from),
            until: log.map(|log| log.until),
            operator: self.operator.sign().to_owned(),
            threshold: self.threshold,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "logs of more than 2^53 lines are not read")]
const fn number(count: u64) -> f64 {
    count as f64
}

/// Words that are still to be read.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [&'a Token]);

const LOG: &[&str] = &["log", "logs", "journal"];
const LINES: &[&str] = &["line", "lines", "entry", "entries", "message", "messages"];
const SHOWS: &[&str] = &["shows", "contains", "has", "says", "mentions", "prints", "includes"];
const SHOW: &[&str] = &["show", "contain", "have", "say", "mention", "print", "include"];

impl<'a> Words<'a> {
    /// Takes these words if they come next.
    fn take(&mut self, words: &[&str]) -> bool {
        let fits = self.0.len() >= words.len() && words.iter().zip(self.0).all(|(wanted, word)| word.is(wanted));
        if fits {
            self.skip(words.len());
        }
        fits
    }

    /// Takes one of these words if it comes next.
    fn take_any(&mut self, words: &[&str]) -> bool {
        let fits = self.0.first().is_some_and(|word| word.is_one_of(words));
        if fits {
            self.skip(1);
        }
        fits
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Quoted texts with "or" between them.
    fn texts(&mut self) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        loop {
            let Some(Token::Quoted(text)) = self.0.first() else { return None };
            texts.push(text.clone());
            self.skip(1);
            let more = matches!(self.0, [or, Token::Quoted(_), ..] if or.is("or"));
            if !more {
                return Some(texts);
            }
            self.skip(1);
        }
    }

    /// "the log", "the orders log", "the log of `orders`", "its logs".
    fn log(&mut self) -> Option<Option<String>> {
        if self.take_any(&["its", "their"]) {
            return self.take_any(LOG).then_some(None);
        }
        if !self.take(&["the"]) {
            return None;
        }
        if let [name, log, ..] = self.0
            && log.is_one_of(LOG)
            && !name.is_one_of(LOG)
        {
            self.skip(2);
            return name_of(name).map(Some);
        }
        let journal = self.0.first().is_some_and(|word| word.is("journal"));
        if !self.take_any(LOG) {
            return None;
        }
        if !self.take(&["of"]) {
            return Some(journal.then(|| "journal".to_owned()));
        }
        // The article is left out, whether it is there or not.
        let _ = self.take(&["the"]);
        self.next().and_then(name_of).map(Some)
    }

    /// "more than 10", "at least once": how many.
    fn bound(&mut self) -> Option<(Operator, u64)> {
        let (operator, rest) = comparator(self.0)?;
        self.0 = rest;
        let word = self.next()?.word()?;
        let count = match word {
            "once" => 1,
            "twice" => 2,
            word => digits(word).replace(',', "").parse().ok()?,
        };
        Some((operator, count))
    }

    /// "in the last 5 minutes", "within the past hour"; `Some(None)` when there is nothing.
    fn span(&mut self) -> Option<Option<Duration>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let begins = self.take_any(&["in", "within", "during", "over", "for", "of"]) && self.take(&["the"]);
        if !begins || !self.take_any(&["last", "past"]) {
            return None;
        }
        let first = self.next()?.word()?;
        let found = match self.next() {
            Some(unit) => Quantity::parse(digits(first))?.counted_in(unit.word()?)?,
            None => Quantity::parse("1")?.counted_in(first).or_else(|| Quantity::parse(first))?,
        };
        let seconds = found.value.0;
        let fits = found.dimension == Dimension::Time && seconds > 0.0 && seconds <= LONGEST.as_secs_f64();
        (fits && self.0.is_empty()).then(|| Some(Duration::from_secs_f64(seconds)))
    }
}

fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Quoted(text) => Some(text.clone()),
        Token::Word(word) if ["last", "past", "whole", "old", "new", "other"].contains(&word.as_str()) => None,
        Token::Word(word) => Some(word.clone()),
    }
}

/// Any at all.
const ANY: (Operator, u64) = (Operator::Above, 0);
/// None at all.
const NONE: (Operator, u64) = (Operator::Equal, 0);

/// "the log shows …", "the log does not show …".
fn shows(mut rest: Words<'_>) -> Option<LineCount> {
    let log = rest.log()?;
    let negated = if rest.take_any(&["does", "did", "do"]) {
        (rest.take(&["not"]) && rest.take_any(SHOW)).then_some(true)?
    } else {
        (rest.take_any(SHOWS) || rest.take_any(SHOW)).then_some(false)?
    };
    let (texts, count) = object(&mut rest)?;
    let within = rest.span()?;
    let (operator, threshold) = match (count, negated) {
        (NONE, true) => return None,
        (count, false) => count,
        (ANY, true) => NONE,
        ((operator, count), true) => (operator.negated(), count),
    };
    Some(LineCount { log, texts, within, operator, threshold })
}

/// "does the log show …".
fn asks(mut rest: Words<'_>) -> Option<LineCount> {
    let log = rest.log()?;
    if !rest.take_any(SHOW) {
        return None;
    }
    let (texts, (operator, threshold)) = object(&mut rest)?;
    Some(LineCount { log, texts, within: rest.span()?, operator, threshold })
}

/// "`X`", "no `X`", "more than 10 lines with `X`", "`X` more than 10 times".
fn object(rest: &mut Words<'_>) -> Option<(Vec<String>, (Operator, u64))> {
    let before = if rest.take(&["no"]) {
        Some(NONE)
    } else if rest.take_any(&["any", "a", "an", "the"]) {
        None
    } else if rest.0.first().is_some_and(|word| matches!(word, Token::Word(_))) && !rest.0.first()?.is_one_of(LINES) {
        Some(rest.bound()?)
    } else {
        None
    };
    if rest.take_any(LINES) && !rest.take_any(&["with", "containing"]) {
        return None;
    }
    let texts = rest.texts()?;
    // "`X` lines" are lines with `X`.
    let _ = rest.take_any(LINES);
    let after = times(rest)?;
    match (before, after) {
        (Some(_), Some(_)) => None,
        (before, after) => Some((texts, before.or(after).unwrap_or(ANY))),
    }
}

/// "more than 10 times", "at least once"; `Some(None)` when something else comes.
fn times(rest: &mut Words<'_>) -> Option<Option<(Operator, u64)>> {
    if comparator(rest.0).is_none() {
        return Some(None);
    }
    let counts_itself = rest.0.iter().any(|word| word.is_one_of(&["once", "twice"]));
    let bound = rest.bound()?;
    (rest.take(&["times"]) || counts_itself).then_some(Some(bound))
}

/// "there are more than 10 lines with `X` in the log of orders".
fn there_are(mut rest: Words<'_>) -> Option<LineCount> {
    if !rest.take_any(&["is", "are", "was", "were"]) {
        return None;
    }
    let (texts, (operator, threshold)) = object(&mut rest)?;
    let log = rest.take(&["in"]).then(|| rest.log())??;
    Some(LineCount { log, texts, within: rest.span()?, operator, threshold })
}

/// "`X` appears more than 10 times in the log".
fn appears(texts: Vec<String>, mut rest: Words<'_>) -> Option<LineCount> {
    let negated = if rest.take_any(&["does", "did", "do"]) {
        (rest.take(&["not"]) && rest.take_any(&["appear", "occur"])).then_some(true)?
    } else {
        rest.take_any(&["appears", "occurs", "appear", "occur", "is", "stands"]).then_some(false)?
    };
    let (operator, threshold) = match (times(&mut rest)?, negated) {
        (None, false) => ANY,
        (None, true) => NONE,
        (Some(bound), false) => bound,
        (Some((operator, count)), true) => (operator.negated(), count),
    };
    let log = rest.take(&["in"]).then(|| rest.log())??;
    Some(LineCount { log, texts, within: rest.span()?, operator, threshold })
}

/// Whether a command reads a log, so that its output is one.
#[must_use]
pub(super) fn reads_log(command: &str) -> bool {
    let mut words = command.split(|c: char| c.is_whitespace() || matches!(c, '|' | ';' | '&'));
    words.any(|word| {
        matches!(word, "journalctl" | "logs" | "dmesg" | "zcat")
            || word.starts_with("/var/log/")
            || word.ends_with(".log")
    })
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

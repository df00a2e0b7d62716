//! Polls: looking at something again and again until it is so, at most for a stated time.
//!
//! Owns: which sentences of a document are polls and of what, when it is time to look again, and which looks are worth an
//! entry of the journal. Does not: ask or run anything; a command is looked at again only through a proposal of its own.
//!
//! Invariants: a sentence is read completely or stays a wait for a person. What is kept of a poll is bounded whatever its
//! interval, and everything that its schedule needs is kept with the run, so that another process continues it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::item::{Item, ItemId, ItemKind, ItemState};
use super::plan::digits;
use super::reading::{Dimension, Quantity, Reading};
use crate::domain::id::AttemptId;
use crate::domain::time::Timestamp;

/// How often a query or a log is looked at when the document does not say: as often as Prometheus scrapes by custom.
pub const EVERY: Duration = Duration::from_secs(15);
/// The same for a command, each run of which a person approves.
pub const COMMAND_EVERY: Duration = Duration::from_secs(60);
/// How long is waited when the document does not say.
pub const AT_MOST: Duration = Duration::from_secs(10 * 60);
/// Looks that are noted at most, with the first and the last: what a line of a screen can show.
pub const MOST_SEEN: u32 = 40;
/// A number that moved by this part is worth a note.
const MOVED: f64 = 0.02;

/// The shortest interval that is taken from a document.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest time and interval that are taken from a document.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Something that is looked at until it is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// What has to be so, as written. Foreign text, which [`Condition::parse`] reads.
    pub condition: String,
    /// What is looked at.
    pub of: PollOf,
    /// From one look to the next.
    pub every: Duration,
    /// For how long; zero for one look.
    pub at_most: Duration,
}

/// What a poll looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum PollOf {
    /// The value of a query.
    Query {
        /// As written, parameters unbound.
        promql: String,
    },
    /// The lines of a log.
    Lines,
    /// The end and the output of a command of the run, which is proposed anew for each look.
    Command {
        /// Which.
        item: ItemId,
    },
}

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// The number that was found; `None` when nothing could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Reading>,
    /// Why not, as a clause; empty otherwise. May contain foreign text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trouble: String,
    /// The attempt whose end was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
}

impl Poll {
    /// The poll of this item, if it is one.
    #[must_use]
    pub const fn of(item: &Item) -> Option<&Self> {
        match &item.kind {
            ItemKind::Poll { poll } => Some(poll),
            ItemKind::Command
            | ItemKind::Query { .. }
            | ItemKind::Manual
            | ItemKind::Wait { .. }
            | ItemKind::Decision { .. } => None,
        }
    }

    /// Whether it looks at the command `id`.
    #[must_use]
    pub fn looks_at(&self, id: ItemId) -> bool {
        self.of == PollOf::Command { item: id }
    }

    /// Whether the end of a command is what has to be so: then a failure is no surprise.
    #[must_use]
    pub fn is_about_end(&self) -> bool {
        is_about_end(&self.condition)
    }

    /// Whether a look at `at` is the last, when the time is over at `until`.
    #[must_use]
    pub fn is_last(&self, at: Timestamp, until: Timestamp) -> bool {
        match self.of {
            // Nobody is asked for a yes that would come too late.
            PollOf::Command { .. } => at.plus(self.every) > until,
            PollOf::Query { .. } | PollOf::Lines => at >= until,
        }
    }

    /// Whether it is time to look, when the last look of this process was at `looked`.
    #[must_use]
    pub fn is_due(&self, state: &ItemState, looked: Option<Timestamp>, now: Timestamp) -> bool {
        let ItemState::Waiting { until, seen, .. } = state else { return false };
        let last = seen.last().map(|seen| seen.at).max(looked);
        let Some(last) = last else { return true };
        let ends = until.is_some_and(|until| until <= now && last < until);
        ends || last.plus(self.every) <= now
    }

    /// Whether a look that decides nothing is worth a note beside those before it.
    #[must_use]
    pub fn is_worth_noting(&self, before: &[Seen], seen: &Seen) -> bool {
        let Some(last) = before.last() else { return true };
        if seen.attempt.is_some() {
            // Each was a person's yes.
            return true;
        }
        let since = seen.at.since(last.at);
        if since < self.at_most / MOST_SEEN {
            return false;
        }
        match (last.value, seen.value) {
            (Some(last), Some(now)) => moved(last, now) || since >= self.at_most / (MOST_SEEN / 4),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        }
    }
}

/// Whether a condition is about how a command ended.
#[must_use]
pub(super) fn is_about_end(condition: &str) -> bool {
    Condition::parse(condition).is_some_and(|condition| {
        let inner = match condition {
            Condition::Not(inner) => *inner,
            other => other,
        };
        matches!(inner, Condition::Succeeded | Condition::Exit(_))
    })
}

fn moved(last: Reading, now: Reading) -> bool {
    let scale = last.0.abs().max(now.0.abs());
    scale.is_nan() || (last.0 - now.0).abs() > scale * MOVED
}

/// What a sentence asks to be looked at: the condition, and the times that it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// As written.
    pub(super) condition: String,
    /// The same, read.
    pub(super) parsed: Condition,
    every: Option<Duration>,
    at_most: Option<Duration>,
}

impl Sentence {
    /// Reads "Wait until the lag is below 5 s, at most 10 minutes, looking every 30 s". `None` when it says anything else.
    pub(super) fn of_wait(text: &str) -> Option<Self> {
        Self::read(after_any(text, &["wait until ", "wait till ", "then wait until ", "then, wait until "])?)
    }

    /// Reads "Verify that the log shows no `timeout` within the last 5 minutes".
    pub(super) fn of_check(text: &str) -> Option<Self> {
        let rest = after_any(text, &["verify ", "check ", "make sure ", "ensure ", "confirm ", "see "])?;
        Self::read(after_any(rest, &["that "]).unwrap_or(rest))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = parts(text).into_iter();
        let mut first = parts.next()?;
        let mut bounds: Vec<String> = parts.collect();
        for bound in [" for at most ", " for up to ", " for no longer than "] {
            if let Some(at) = first.to_lowercase().find(bound) {
                bounds.push(first.get(at..)?.to_owned());
                first.truncate(at);
                break;
            }
        }
        let condition = first.trim().to_owned();
        let parsed = Condition::parse(&condition)?;
        let (mut every, mut at_most) = (None, None);
        for part in bounds {
            let lower = part.trim().to_lowercase();
            let interval = ["looking every ", "checking every ", "look every ", "check every ", "every "];
            let bound = [
                "for at most ",
                "at most ",
                "for up to ",
                "up to ",
                "for no longer than ",
                "no longer than ",
                "within ",
            ];
            let (slot, rest) = match (after_any(&lower, &interval), after_any(&lower, &bound)) {
                (Some(rest), _) => (&mut every, rest),
                (None, Some(rest)) => (&mut at_most, rest),
                (None, None) => return None,
            };
            if slot.replace(span(rest)?).is_some() {
                return None;
            }
        }
        Some(Self { condition, parsed, every, at_most })
    }

    /// The poll, with what it looks at.
    pub(super) fn poll(self, of: PollOf, otherwise: Duration) -> Poll {
        let usual = match of {
            PollOf::Command { .. } => COMMAND_EVERY,
            PollOf::Query { .. } | PollOf::Lines => EVERY,
        };
        Poll {
            condition: self.condition,
            of,
            every: self.every.unwrap_or(usual),
            at_most: self.at_most.unwrap_or(otherwise),
        }
    }

    /// Whether the value of a query can be compared with it.
    pub(super) const fn is_number(&self) -> bool {
        matches!(self.parsed, Condition::Compare { .. })
    }

    /// Whether it is about the lines of a log.
    pub(super) const fn is_lines(&self) -> bool {
        matches!(self.parsed, Condition::Lines(_))
    }
}

fn after_any<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    let text = text.trim_start();
    beginnings.iter().find_map(|beginning| {
        let head = text.get(..beginning.len())?;
        head.eq_ignore_ascii_case(beginning).then(|| text.get(beginning.len()..))?
    })
}

/// The parts of a sentence between commas, semicolons and brackets that stand outside of quotations.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut open) = (Vec::new(), String::new(), None);
    for c in text.trim().trim_end_matches(['.', ':']).chars() {
        match (open, c) {
            (Some(quote), _) => {
                open = (c != quote).then_some(quote);
                part.push(c);
            }
            (None, '`' | '"') => {
                open = Some(c);
                part.push(c);
            }
            // 1,000 is one number.
            (None, ',' | ';' | '(' | ')') => parts.push(std::mem::take(&mut part)),
            (None, _) => part.push(c),
        }
    }
    parts.push(part);
    join_thousands(parts).into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// Puts numbers together again that a comma groups.
fn join_thousands(parts: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        match joined.last_mut() {
            Some(last) if digits == 3 && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(',');
                last.push_str(&part);
            }
            _ => joined.push(part),
        }
    }
    joined
}

/// "10 minutes", "ten minutes", "30s": from [`SHORTEST`] to [`LONGEST`].
fn span(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_end_matches('.')).collect();
    let found = match words.as_slice() {
        [number, unit] => Quantity::parse(digits(number))?.counted_in(unit)?,
        [joined] => Quantity::parse(joined)?,
        _ => return None,
    };
    let fits =
        found.dimension == Dimension::Time && (SHORTEST.as_secs_f64()..=LONGEST.as_secs_f64()).contains(&found.value.0);
    fits.then(|| Duration::from_secs_f64(found.value.0))
}

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;

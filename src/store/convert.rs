//! Columns: how enumerations and counts of the domain stand in the tables.
//!
//! Owns: the integer codes of the schema. A code is never given a new meaning.
//! Does not: know any table.

use serde::de::DeserializeOwned;

use super::error::Fault;
use super::view::HealthState;
use crate::domain::action::proposal::ProposalState;
use crate::domain::alert::{AlertStatus, Severity};
use crate::domain::incident::IncidentState;
use crate::domain::incident::delivery::EndedBy;
use crate::domain::time::Timestamp;

/// An enumeration that stands as an integer in a column.
pub(super) trait Code: Copy + PartialEq + Sized + 'static {
    /// Every value with its code.
    const CODES: &'static [(Self, i64)];
    /// What a message calls it.
    const WHAT: &'static str;

    /// The code of this value.
    fn code(self) -> i64 {
        Self::CODES.iter().find(|(value, _)| *value == self).map_or(-1, |(_, code)| *code)
    }

    /// The value with this code.
    fn from_code(code: i64) -> Result<Self, Fault> {
        let found = Self::CODES.iter().find(|(_, known)| *known == code);
        found.map(|(value, _)| *value).ok_or_else(|| Fault::Unreadable(format!("{code} is no {}", Self::WHAT)))
    }
}

impl Code for IncidentState {
    const CODES: &'static [(Self, i64)] = &[(Self::Open, 0), (Self::Acknowledged, 1), (Self::Resolved, 2)];
    const WHAT: &'static str = "state of an incident";
}

impl Code for AlertStatus {
    const CODES: &'static [(Self, i64)] = &[(Self::Firing, 0), (Self::Resolved, 1)];
    const WHAT: &'static str = "status of an alert";
}

impl Code for EndedBy {
    const CODES: &'static [(Self, i64)] = &[(Self::Source, 0), (Self::Absence, 1), (Self::Successor, 2)];
    const WHAT: &'static str = "kind of an end";
}

impl Code for ProposalState {
    const CODES: &'static [(Self, i64)] =
        &[(Self::Pending, 0), (Self::Granted, 1), (Self::Spent, 2), (Self::Rejected, 3), (Self::Void, 4)];
    const WHAT: &'static str = "state of a proposal";
}

impl Code for HealthState {
    const CODES: &'static [(Self, i64)] = &[(Self::Ok, 0), (Self::Waiting, 1), (Self::Degraded, 2), (Self::Down, 3)];
    const WHAT: &'static str = "state of a source";
}

/// Codes of an attempt's state; what belongs to it stands in columns of its own.
pub(super) mod attempt_state {
    /// The intent is stored.
    pub(in crate::store) const INTENT: i64 = 0;
    /// The supervisor runs.
    pub(in crate::store) const RUNNING: i64 = 1;
    /// It is over.
    pub(in crate::store) const ENDED: i64 = 2;
}

/// Codes of a message's author; what belongs to it stands in a column of its own.
pub(super) mod author_code {
    use crate::domain::chat::Author;

    pub(in crate::store) const PERSON: i64 = 0;
    pub(in crate::store) const MODEL: i64 = 1;
    pub(in crate::store) const FALLBACK: i64 = 2;

    /// The code of `author` and what belongs to it.
    pub(in crate::store) fn of(author: &Author) -> (i64, &str) {
        match author {
            Author::Person { name } => (PERSON, name),
            Author::Model { name } => (MODEL, name),
            Author::Fallback { why } => (FALLBACK, why),
        }
    }

    /// Its name in the journal.
    pub(in crate::store) const fn name(author: &Author) -> &'static str {
        match author {
            Author::Person { .. } => "person",
            Author::Model { .. } => "model",
            Author::Fallback { .. } => "fallback",
        }
    }
}

/// Codes of a message's state; the reason stands in a column of its own.
pub(super) mod message_state {
    use crate::domain::chat::MessageState;

    pub(in crate::store) const COMPLETE: i64 = 0;
    pub(in crate::store) const CUT: i64 = 1;
    pub(in crate::store) const FAILED: i64 = 2;

    /// The code of `state` and its reason.
    pub(in crate::store) fn of(state: &MessageState) -> (i64, &str) {
        match state {
            MessageState::Complete => (COMPLETE, ""),
            MessageState::Cut { reason } => (CUT, reason),
            MessageState::Failed { reason } => (FAILED, reason),
        }
    }
}

/// Codes of a model call's state.
pub(super) mod call_state {
    /// It counts with all that it may cost.
    pub(in crate::store) const RESERVED: i64 = 0;
    /// It counts with what it cost, or with all, when that is not known.
    pub(in crate::store) const SETTLED: i64 = 1;
    /// It costs nothing.
    pub(in crate::store) const RELEASED: i64 = 2;
}

/// The severity with this rank.
pub(super) fn severity(rank: i64) -> Result<Severity, Fault> {
    let known = u8::try_from(rank).ok().filter(|rank| usize::from(*rank) < Severity::ALL.len());
    known.map(Severity::from_rank).ok_or_else(|| Fault::Unreadable(format!("{rank} is no severity")))
}

/// A count, which SQLite holds as a signed number.
pub(super) fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(if value < 0 { 0 } else { u32::MAX })
}

/// The time in an optional column.
pub(super) fn time(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

/// A value stored as JSON; `what` names the column.
pub(super) fn json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Unreadable(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn round_trips<T: Code + Debug>(all: &[T]) {
        assert_eq!(all.len(), T::CODES.len(), "a value of {} has no code", T::WHAT);
        for value in all {
            assert_eq!(T::from_code(value.code()).unwrap(), *value);
        }
        assert!(T::from_code(99).is_err() && T::from_code(-1).is_err());
    }

    #[test]
    fn every_value_has_its_own_code() {
        round_trips(&[IncidentState::Open, IncidentState::Acknowledged, IncidentState::Resolved]);
        round_trips(&[AlertStatus::Firing, AlertStatus::Resolved]);
        round_trips(&[EndedBy::Source, EndedBy::Absence, EndedBy::Successor]);
        round_trips(&[
            ProposalState::Pending,
            ProposalState::Granted,
            ProposalState::Spent,
            ProposalState::Rejected,
            ProposalState::Void,
        ]);
        round_trips(&[HealthState::Ok, HealthState::Waiting, HealthState::Degraded, HealthState::Down]);
        for expected in Severity::ALL {
            assert_eq!(severity(i64::from(expected.rank())).unwrap(), expected);
        }
        assert!(severity(7).is_err() && severity(-1).is_err() && severity(300).is_err());
    }
}

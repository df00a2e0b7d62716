//! Attempts: one start of a granted action, and how it ended.

use serde::{Deserialize, Serialize};

use super::spec::StepRef;
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::time::Timestamp;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every process exited. `code` is that of the last pipeline that ran: of its first stage that failed, else 0.
    Exited {
        /// Exit status, 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// Signal number.
        signal: i32,
    },
    /// It was ended because its time limit ran out.
    TimedOut,
    /// A person cancelled it.
    Cancelled,
    /// No process was started.
    NotStarted {
        /// What the operating system said.
        reason: String,
    },
    /// It may have run, wholly or in part: nobody recorded the end, or not all of it is known to have ended.
    Unknown {
        /// What is known.
        reason: String,
    },
}

impl Outcome {
    /// Whether the action did what it was meant to, as far as exit statuses tell.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// A few words for screens.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Exited { code } => format!("exit {code}"),
            Self::Signalled { signal } => format!("ended by signal {signal}"),
            Self::TimedOut => "time limit reached".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
            Self::NotStarted { .. } => "not started".to_owned(),
            Self::Unknown { .. } => "unknown".to_owned(),
        }
    }
}

/// The end of an attempt, as whoever saw it recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// When, by the wall clock; `None` when nobody saw it.
    pub ended_at: Option<Timestamp>,
    /// Bytes of output.
    pub output_bytes: u64,
    /// SHA-256 of the output file; empty when it is not known.
    pub output_digest: String,
}

impl AttemptEnd {
    /// An end that nobody saw, with as many bytes of output as were found.
    #[must_use]
    pub const fn unseen(outcome: Outcome, output_bytes: u64) -> Self {
        Self { outcome, ended_at: None, output_bytes, output_digest: String::new() }
    }
}

/// What identifies a process beyond the reuse of its number: start time in clock ticks since boot (field 22 of
/// `/proc/PID/stat`) and the boot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AttemptState {
    /// It is stored that it will be started; whether it was is not.
    IntentStored,
    /// Its supervisor runs.
    Running {
        /// The supervisor.
        supervisor: ProcessId,
    },
    /// It is over, or nobody knows.
    Ended {
        /// How.
        outcome: Outcome,
        /// When it ended; where nobody saw that, when it was found out.
        at: Timestamp,
    },
}

/// One start of a granted action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number.
    pub id: AttemptId,
    /// The proposal that was granted.
    pub proposal: ProposalId,
    /// The incident it is for.
    pub incident: IncidentId,
    /// The step it comes from.
    pub step: StepRef,
    /// Where it stands.
    pub state: AttemptState,
    /// When the intent was stored.
    pub intent_at: Timestamp,
    /// Directory with the specification, the output and the exit status; mode 0700.
    pub directory: String,
    /// Login name of the person who approved it.
    pub approved_by: String,
}

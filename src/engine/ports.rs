//! What the engine needs from outside, as traits named by capability. Adapters implement them; `lib.rs` plugs them in.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::domain::action::attempt::{Outcome, ProcessId};
use crate::domain::action::grant::Grant;
use crate::domain::alert::Alert;
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;

/// A boxed future, so that ports can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// Time since boot; never steps back.
    fn monotonic(&self) -> Duration;
}

/// A system that can be asked which alerts it has now.
pub trait AlertSource: Send + Sync + 'static {
    /// The name that the configuration gives it.
    fn id(&self) -> SourceId;
    /// Every alert that it has now, silenced and inhibited ones included.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Alert>, SourceError>>;
}

/// Why a source could not be asked, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {remedy}")]
pub struct SourceError {
    /// What went wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Starts what a grant allows, and finds again what was started.
pub trait ActionRunner: Send + Sync + 'static {
    /// Starts the supervisor of the attempt in `directory` (exists, empty, mode 0700) and returns once it runs.
    ///
    /// # Errors
    /// When no process of the action was or will be started; the attempt is then over.
    fn run(&self, grant: Grant, directory: &str) -> Result<ProcessId, RunError>;
    /// What is known of an attempt, from its supervisor's files and the process table.
    fn probe(&self, directory: &str) -> Probe;
    /// Asks the supervisor to end it: TERM to the group, KILL after its grace period.
    fn cancel(&self, directory: &str) -> Result<(), RunError>;
    /// Bytes of output from `offset` on, at most `limit`.
    ///
    /// # Errors
    /// When the output file cannot be read.
    fn output(&self, directory: &str, offset: u64, limit: usize) -> Result<Vec<u8>, RunError>;
}

/// Why an action could not be started, ended or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunError(pub String);

/// What is known of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Its supervisor lives.
    Running {
        /// The supervisor.
        supervisor: ProcessId,
        /// Bytes of output so far.
        output_bytes: u64,
    },
    /// Its end is recorded.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// Bytes of output.
        output_bytes: u64,
        /// SHA-256 of the output file.
        output_digest: String,
    },
    /// There is neither a living supervisor nor a recorded end.
    Lost {
        /// Whether the supervisor is known to have lived; if not, the action may never have begun.
        spawned: bool,
        /// Bytes of output.
        output_bytes: u64,
    },
}

/// Something that alerts can be told to, as a monitoring system would.
pub trait AlertPublisher: Send + Sync + 'static {
    /// Delivers the alerts; returns once the receiver has confirmed them.
    fn publish(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), SourceError>>;
}

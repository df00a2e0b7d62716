//! What the engine needs from outside, as traits named by capability. Adapters implement them; `app` plugs them in.

mod anchor;
mod metrics;
mod model;
mod outputs;
mod personal;
mod silencer;
mod sop_files;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::domain::action::attempt::{AttemptEnd, ProcessId};
use crate::domain::action::grant::Grant;
use crate::domain::alert::{Alert, AlertBatch};
use crate::domain::id::{AttemptId, SourceId};
use crate::domain::time::Timestamp;

pub use anchor::{AnchorError, AnchorKeeper};
pub use metrics::{
    Instant, LogLine, LogLines, LogQuery, LogSource, MOST_POINTS, MetricSource, Range, RangeQuery, Series,
};
pub use model::{Model, ModelError, ModelErrorKind, ModelEvent, ModelStream, Unavailable};
pub use outputs::Outputs;
pub use personal::{PersonalFile, PersonalFileError, PersonalFiles};
pub use silencer::Silencer;
pub use sop_files::{ChangeWay, SopChange, SopFileError, SopFiles, StagedChange};

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
    /// Every alert that fires there now, silenced and inhibited ones included.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or answers something else.
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, SourceError>>;
}

/// What a source has at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The complete set of its firing alerts.
    pub alerts: Vec<Alert>,
    /// When it began to collect them, by its own clock, if it says so. A source that keeps alerts in memory only has
    /// forgotten what it knew before.
    pub running_since: Option<Timestamp>,
    /// SHA-256 of the answer as received.
    pub digest: String,
}

/// What one body that was sent to us says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its alerts.
    pub batch: AlertBatch,
    /// How many alerts the sender left out of it.
    pub left_out: u64,
}

/// Reads bodies in the wire format of one kind of sender.
pub trait AlertDecoder: Send + Sync + 'static {
    /// Reads one body.
    ///
    /// # Errors
    /// What is wrong with the body, as a phrase for a person.
    fn decode(&self, source: &SourceId, body: &[u8]) -> Result<Delivery, DecodeError>;
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// Where a receiver hands over what was sent to it.
pub trait AlertSink: Send + Sync + 'static {
    /// Stores the alerts; returns once they would survive a loss of power.
    ///
    /// # Errors
    /// When they are not stored: the sender has to send them again.
    fn accept(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), SinkError>>;
    /// Puts a body aside that could not be read; returns once it is stored.
    ///
    /// # Errors
    /// When it is not stored: the sender has to send it again.
    fn quarantine(&self, source: SourceId, body: Vec<u8>, reason: String) -> BoxFuture<'_, Result<(), SinkError>>;
    /// Makes visible that a delivery for `source` was turned away.
    fn turned_away(&self, source: SourceId, why: TurnedAway) -> BoxFuture<'_, ()>;
}

/// Why a delivery was turned away for good: its sender has to be configured otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// It came without the token.
    NoToken,
    /// It came with a wrong token.
    WrongToken,
    /// It went to a path that takes none.
    WrongPath {
        /// The path, or its beginning. Foreign text.
        path: String,
    },
}

/// Why a delivery was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Another process receives by now, or this one is about to end.
    #[error("this process does not receive alerts any more; send it again")]
    NotReceiving,
    /// The store cannot write at present.
    #[error("the alerts could not be stored: {0}")]
    Unavailable(String),
}

/// Opens the door for deliveries.
pub trait ReceiverFactory: Send + Sync + 'static {
    /// Begins to receive and to hand everything to `sink`.
    ///
    /// # Errors
    /// When that is not possible now, with what to do about it.
    fn open(&self, sink: Arc<dyn AlertSink>) -> BoxFuture<'_, Result<Box<dyn OpenReceiver>, SourceError>>;
}

/// A receiver at work. Dropping it closes it without waiting for requests in flight.
pub trait OpenReceiver: Send + Sync + 'static {
    /// Where it listens, for people: `127.0.0.1:9911`.
    fn place(&self) -> String;
    /// Accepts nothing more and returns when the requests in flight are answered.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Why a source could not be asked or a receiver not be opened, in words for a person.
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
    /// Sees to it that the attempt in `directory` (exists) never begins, if it has not yet.
    ///
    /// # Errors
    /// When that cannot be had: it may still begin.
    fn give_up(&self, directory: &str) -> Result<GivenUp, RunError>;
    /// Bytes of output from `offset` on, at most `limit`.
    ///
    /// # Errors
    /// When the output file cannot be read.
    fn output(&self, directory: &str, offset: u64, limit: usize) -> Result<Vec<u8>, RunError>;
}

/// Whoever has the person's terminal and can step aside for an interactive action.
pub trait TerminalLender: Send + Sync + 'static {
    /// Steps aside for `attempt`, which runs `command` (foreign text). Returns once nobody else reads from the terminal or
    /// writes to it, and until the loan ends nobody does.
    ///
    /// # Errors
    /// When there is no terminal to be had.
    fn lend(&self, attempt: AttemptId, command: String) -> BoxFuture<'static, Result<TerminalLoan, RunError>>;
}

/// The terminal while it is lent. It goes back when this is dropped.
#[derive(Debug)]
pub struct TerminalLoan {
    over: Option<oneshot::Sender<String>>,
}

impl TerminalLoan {
    /// A loan, and what tells the lender that it is over: how the action ended, in a few words, or an error when nothing
    /// was started.
    #[must_use]
    pub fn new() -> (Self, oneshot::Receiver<String>) {
        let (over, told) = oneshot::channel();
        (Self { over: Some(over) }, told)
    }

    /// Gives the terminal back after an action that ended as `how` says.
    pub fn give_back(mut self, how: String) {
        if let Some(over) = self.over.take() {
            // A lender that is gone has given the terminal back already.
            let _ = over.send(how);
        }
    }
}

/// Why an action could not be started, ended or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunError(pub String);

/// What became of an attempt that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Nothing of it ran, and nothing ever will.
    NeverBegan,
    /// Nothing of it will begin any more; whether something ran cannot be told, since its directory was missing.
    Unmade,
    /// Its supervisor was there already.
    Began,
}

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
    Ended(AttemptEnd),
    /// There is neither a living supervisor nor a recorded end.
    Lost {
        /// Whether the supervisor is known to have lived; if not, the action may never have begun.
        spawned: bool,
        /// Processes that its supervisor left behind and that still run.
        left: Vec<i32>,
        /// Bytes of output.
        output_bytes: u64,
    },
}

/// Something that alerts can be told to, as a monitoring system would.
pub trait AlertPublisher: Send + Sync + 'static {
    /// Delivers the alerts; returns once the receiver has confirmed them.
    fn publish(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), SourceError>>;
}

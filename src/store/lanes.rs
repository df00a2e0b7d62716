//! The thread that writes, and the two lanes in front of it.
//!
//! Owns: the writing connection, transactions, group commit. Does not: know what the jobs do.
//!
//! Invariants: a job of a person never waits behind more than the one job that runs. Replies go out after the commit.
//! A job that panics is rolled back; the jobs beside it and after it are done and answered all the same.
//!
//! A panic in any thread ends a console in order: its hook gives the terminal back and says what happened. That the thread
//! here lives on is what makes the order: what was accepted is still stored, and the lease is released.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{oneshot, watch};

use super::error::{Fault, StoreError, from_sqlite};
use super::write::{Write, bump_changes};
use super::{Identity, Now, restore};
use crate::domain::time::Timestamp;

/// Ingest jobs that share one commit at most; bounds how long the first of them waits for its answer.
const GROUP_LIMIT: usize = 64;

/// A job with a transaction of its own.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// A job that may share its transaction with others.
pub(super) trait GroupJob: Send {
    /// Does the work inside a savepoint; `false` rolls it back.
    fn run(&mut self, write: &mut Write<'_>) -> bool;
    /// Answers, once it is known how the shared commit went.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

/// A group job that answers through a channel.
pub(super) struct Replying<T, F> {
    job: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    path: PathBuf,
}

impl<T, F> Replying<T, F>
where
    F: FnOnce(&mut Write<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    /// Wraps `job`; the answer goes to `reply`.
    pub(super) fn new(job: F, path: PathBuf, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { job: Some(job), result: None, reply, path }
    }
}

impl<T, F> GroupJob for Replying<T, F>
where
    F: FnOnce(&mut Write<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn run(&mut self, write: &mut Write<'_>) -> bool {
        let Some(job) = self.job.take() else { return false };
        let result = job(write).map_err(|fault| fault.at(&self.path));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        // A job that failed by itself has the better reason.
        let answer = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(StoreError::Aborted { path: self.path }),
        };
        // The caller may have gone; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// What waits for the writing thread.
#[derive(Default)]
pub(super) struct Lanes {
    queues: Mutex<Queues>,
    wake: Condvar,
}

#[derive(Default)]
struct Queues {
    people: VecDeque<Job>,
    ingest: VecDeque<Box<dyn GroupJob>>,
    closed: bool,
}

enum Work {
    One(Job),
    Group(Box<dyn GroupJob>),
}

impl Lanes {
    /// Queues a job of a person.
    pub(super) fn push(&self, job: Job) {
        self.lock().people.push_back(job);
        self.wake.notify_one();
    }

    /// Queues an ingest job.
    pub(super) fn push_grouped(&self, job: Box<dyn GroupJob>) {
        self.lock().ingest.push_back(job);
        self.wake.notify_one();
    }

    /// Lets the thread end when the queues are empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// How many jobs of people and of ingest wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> (usize, usize) {
        let queues = self.lock();
        (queues.people.len(), queues.ingest.len())
    }

    /// Waits for work; `None` when closed and empty.
    fn next(&self) -> Option<Work> {
        let mut queues = self.lock();
        loop {
            if let Some(job) = queues.people.pop_front() {
                return Some(Work::One(job));
            }
            if let Some(job) = queues.ingest.pop_front() {
                return Some(Work::Group(job));
            }
            if queues.closed {
                return None;
            }
            queues = self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One more job for the present group, unless a person waits.
    fn next_of_group(&self) -> Option<Box<dyn GroupJob>> {
        let mut queues = self.lock();
        if queues.people.is_empty() { queues.ingest.pop_front() } else { None }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the writing thread owns.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    pub(super) identity: Arc<Identity>,
    pub(super) now: Now,
    pub(super) feed: watch::Sender<u64>,
}

impl Writer {
    /// Works until the lanes are closed and empty.
    pub(super) fn run(mut self, lanes: &Lanes) {
        while let Some(work) = lanes.next() {
            match work {
                Work::One(job) => {
                    if catch_unwind(AssertUnwindSafe(|| job(&mut self))).is_err() {
                        tracing::error!("a write job panicked; it was rolled back");
                    }
                }
                Work::Group(first) => self.run_group(first, lanes),
            }
        }
    }

    /// Runs `job` in a transaction of its own; an error rolls it back.
    pub(super) fn transact<T>(
        &mut self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let result = self.try_transact(job);
        restore::note_if_damaged(&result);
        result
    }

    fn try_transact<T>(&mut self, job: impl FnOnce(&mut Write<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        let path = self.path.clone();
        let of_sqlite = |error: rusqlite::Error| from_sqlite(&path, &error);
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(of_sqlite)?;
        let (at, monotonic) = (self.now)();
        let mut write = Write::new(&transaction, &self.identity, at, millis(monotonic));
        let value = job(&mut write).map_err(|fault| fault.at(&path))?;
        let announced = write.is_announced();
        let changes = commit(transaction, announced).map_err(of_sqlite)?;
        announce(&self.feed, changes);
        Ok(value)
    }

    fn run_group(&mut self, first: Box<dyn GroupJob>, lanes: &Lanes) {
        let mut members = Vec::new();
        let committed = self.commit_group(first, lanes, &mut members);
        for member in members {
            member.finish(committed.clone());
        }
    }

    /// Every job taken from the lanes ends up in `members`, whatever goes wrong, so that it gets an answer.
    fn commit_group(
        &mut self,
        first: Box<dyn GroupJob>,
        lanes: &Lanes,
        members: &mut Vec<Box<dyn GroupJob>>,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let of_sqlite = |error: rusqlite::Error| from_sqlite(&path, &error);
        let begun = self.conn.transaction_with_behavior(TransactionBehavior::Immediate);
        let mut transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) => {
                members.push(first);
                return Err(of_sqlite(error));
            }
        };
        let (at, monotonic) = (self.now)();
        let mut announced = false;
        let mut next = Some(first);
        while let Some(mut job) = next {
            let kept = run_member(job.as_mut(), &mut transaction, &self.identity, at, millis(monotonic));
            members.push(job);
            announced |= kept.map_err(of_sqlite)?;
            // A full disk or a failed write makes SQLite roll back the whole transaction by itself.
            if transaction.is_autocommit() {
                return Err(StoreError::Io {
                    path: path.clone(),
                    what: "SQLite rolled the transaction back after a failed write".to_owned(),
                });
            }
            next = if members.len() < GROUP_LIMIT { lanes.next_of_group() } else { None };
        }
        let changes = commit(transaction, announced).map_err(of_sqlite)?;
        announce(&self.feed, changes);
        Ok(())
    }
}

/// Runs one job of a group in a savepoint and says whether it announced something.
fn run_member(
    job: &mut dyn GroupJob,
    transaction: &mut Transaction<'_>,
    identity: &Identity,
    at: Timestamp,
    monotonic_ms: i64,
) -> rusqlite::Result<bool> {
    let savepoint = transaction.savepoint()?;
    let mut write = Write::new(&savepoint, identity, at, monotonic_ms);
    let keep = catch_unwind(AssertUnwindSafe(|| job.run(&mut write))).unwrap_or_else(|_| {
        tracing::error!("an ingest job panicked; it was rolled back");
        false
    });
    let announced = write.is_announced();
    if keep {
        savepoint.commit()?;
    }
    Ok(keep && announced)
}

fn commit(transaction: Transaction<'_>, announced: bool) -> rusqlite::Result<Option<u64>> {
    let changes = if announced { Some(bump_changes(&transaction)?) } else { None };
    transaction.commit()?;
    Ok(changes)
}

/// Tells followers, unless the other thread that watches the counter was faster.
pub(super) fn announce(feed: &watch::Sender<u64>, changes: Option<u64>) {
    if let Some(changes) = changes {
        feed.send_if_modified(|known| {
            let newer = changes > *known;
            *known = changes.max(*known);
            newer
        });
    }
}

/// Whole milliseconds, as the journal and the leases count time since boot.
pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

//! The threads that read.
//!
//! Owns: read-only connections and their queue. Does not: know what the jobs read.
//!
//! Invariant: a job sees one moment: it runs inside one read transaction.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// A job for whichever reading thread is free.
pub(super) type ReadJob = Box<dyn FnOnce(&mut Connection) + Send>;

/// What waits for the reading threads.
#[derive(Default)]
pub(super) struct ReadQueue {
    queue: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<ReadJob>,
    closed: bool,
}

impl ReadQueue {
    /// Queues a job.
    pub(super) fn push(&self, job: ReadJob) {
        self.lock().jobs.push_back(job);
        self.wake.notify_one();
    }

    /// Lets the threads end when the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Works on `connection` until the queue is closed and empty.
    pub(super) fn serve(&self, mut connection: Connection) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
                tracing::error!("a read job panicked");
            }
        }
    }

    fn next(&self) -> Option<ReadJob> {
        let mut waiting = self.lock();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The change feed: noticing the commits of other processes.
//!
//! Owns: the thread that polls `PRAGMA data_version`. Does not: announce own commits; the writing thread does that at
//! once. Both announce the value of the change counter, so a change is announced once whoever is first, and commits
//! with nothing to see (a repeated delivery, a heartbeat) are not announced at all.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::error::from_sqlite;
use super::lanes::announce;
use super::write::changes;

/// How often the file is looked at. One look reads the WAL index in shared memory and costs a few microseconds.
const INTERVAL: Duration = Duration::from_millis(200);

/// Ends the polling thread.
#[derive(Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    /// Ends it now.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    /// Waits one interval; `true` when it is over.
    fn pause(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(stopped, INTERVAL, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Polls until stopped. A failing look is logged once and tried again: the next one may succeed.
pub(super) fn watch_file(connection: &Connection, path: &Path, feed: &watch::Sender<u64>, stop: &Stop) {
    let mut seen = None;
    let mut failing = false;
    while !stop.pause() {
        match look(connection, seen) {
            Ok((version, found)) => {
                seen = Some(version);
                failing = false;
                announce(feed, found);
            }
            Err(error) if !failing => {
                failing = true;
                tracing::warn!("changes of other processes are not seen: {}", from_sqlite(path, &error));
            }
            Err(_) => {}
        }
    }
}

/// The data version, and the change counter when the version is another one than `seen`.
fn look(connection: &Connection, seen: Option<i64>) -> rusqlite::Result<(i64, Option<u64>)> {
    let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
    if seen == Some(version) {
        return Ok((version, None));
    }
    Ok((version, Some(changes(connection)?)))
}

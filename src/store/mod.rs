//! The SQLite file: everything that the product remembers.
//!
//! Owns: the file, its schema, the thread that writes, the threads that read, and the change feed. Each subject has a
//! file of its own, which adds its methods to [`Store`] (writing) and [`Reader`] (reading).
//! Does not: decide. What may happen is decided by pure functions of `domain`; the store loads what they need, calls
//! them inside one `BEGIN IMMEDIATE` transaction, and writes down what they say.
//!
//! Invariants: one thread writes. What happened is in the journal and in the tables after the same commit, or in neither.
//! Futures of this module may be dropped at any time: the job is still carried out, only its answer is lost.

mod about;
mod actions;
mod answers;
mod attempts;
mod backup;
mod ballast;
mod budget;
mod calls;
mod chat;
mod checkup;
mod checkup_keeping;
mod convert;
mod detail;
mod doubts;
mod edits;
mod effects;
mod error;
mod feed;
mod filesystem;
mod governed;
mod header;
mod health;
mod history;
mod improving;
mod incidents;
mod ingest;
mod journal;
mod lanes;
mod lease;
mod look_ups;
mod migrations;
mod open;
mod presence;
mod proposals;
mod purge;
mod quarantine;
mod queue;
mod readers;
mod restore;
mod runs;
mod scopes;
mod search;
mod statistics;
mod tape;
mod verify;
mod write;

pub mod view;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{oneshot, watch};

pub use actions::Action;
pub use answers::UnderWay;
pub use backup::{Backup, BackupContent, backup_directory, backups_of, look_into};
pub use budget::OldOutput;
pub use checkup::{check_database, receiver_of, spent_today};
pub use checkup_keeping::check_keeping;
pub use doubts::DoubtFacts;
pub use effects::RunFacts;
pub use error::{CommandError, StoreError};
pub use governed::{Governance, PolicyNow};
pub use incidents::Changed;
pub use ingest::IngestReport;
pub use journal::JournalHead;
pub use lease::{Fence, INGEST_LEASE, LeaseOutcome};
pub use purge::{Depth, Fate, PurgeError, PurgePlaces, PurgeReport, PurgedFile, Selection, purge};
pub use quarantine::{QUARANTINE_BODY_LIMIT, QUARANTINE_ROWS, QUARANTINE_SHOWN};
pub use restore::{damaged_directory, restore};
pub use runs::{RunEventRow, RunSurroundings};
pub use search::{FoundIn, IncidentFound, MemoryIndex, Needs, SopFound};
pub use tape::{OutputPart, ReadOutput, read_tape};
pub use verify::{AnchorNeed, AnchorsReport, HashOutput, JournalReport, KnownAnchors, LostHeads, Part, PayloadReport};

use crate::domain::actor::{Actor, Person};
use crate::domain::journal::Payload;
use crate::domain::keeping::Restored;
use crate::domain::time::Timestamp;
use error::{Fault, from_io, from_sqlite};
use feed::Stop;
use lanes::{Lanes, Replying, Writer, millis};
use lease::Presences;
use readers::ReadQueue;
use write::Write;

/// Reading threads: one for what the screen shows, one more so that a long read (verifying, exporting) is not in its way.
const READERS: usize = 2;

/// The clock: wall time, and time since boot, which must be the same count in all processes of this host.
pub type Now = Arc<dyn Fn() -> (Timestamp, Duration) + Send + Sync>;

/// Who this process is, for the journal and the leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Host name.
    pub host: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
    /// The person who runs it.
    pub person: Person,
}

/// What opening needs besides the path.
#[derive(Clone)]
pub struct OpenOptions {
    /// Who this process is.
    pub identity: Identity,
    /// The clock.
    pub now: Now,
}

/// Bytes in which a delivery of hundreds of alerts fits, with its log.
const ENOUGH_ROOM: u64 = 1024 * 1024;

/// An open database. Clones share it; dropping the last one finishes what is queued and closes the file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    identity: Arc<Identity>,
    now: Now,
    lanes: Arc<Lanes>,
    reads: Arc<ReadQueue>,
    stop: Arc<Stop>,
    feed: watch::Sender<u64>,
    /// Shows others that the holder of these leases is there.
    presences: Presences,
    /// What came of restoring it, if that was necessary.
    restored: Option<Restored>,
    /// The policy; none until somebody says where it comes from.
    governance: OnceLock<Governance>,
    reading: Vec<JoinHandle<()>>,
    writing: Option<JoinHandle<()>>,
    /// Says to other processes that the file is in use; the last thing to go.
    _lock: File,
}

/// The database at one moment.
pub struct Reader<'c> {
    conn: &'c Connection,
    path: &'c Path,
    identity: &'c Identity,
    at: Timestamp,
    monotonic_ms: i64,
}

impl Store {
    /// Opens the database at `path`, creates it (mode 0600, in a directory of mode 0700) when it is missing, and brings
    /// its schema up to date. Blocks for the few milliseconds that this takes, longer when another process is migrating.
    ///
    /// A database that is damaged is put aside and restored first, if nobody else has it open; [`Store::restored`] tells.
    ///
    /// # Errors
    /// A [`StoreError`] that says what is wrong with the place or the file and what to do about it.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        if let Some(restored) = restore::unfinished(path, &options)? {
            return Self::open_whole(path, options, Some(restored));
        }
        match Self::open_whole(path, options.clone(), None) {
            // Tried once: what was restored and cannot be opened either is for a person to look at.
            Err(error) => {
                let restored = restore::recover(path, &options, error)?;
                Self::open_whole(path, options, Some(restored))
            }
            opened => opened,
        }
    }

    fn open_whole(path: &Path, options: OpenOptions, restored: Option<Restored>) -> Result<Self, StoreError> {
        let opened = open::open(path, open::LOCK_PATIENCE)?;
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(open::connect_reader(path)?);
        }
        let watcher = open::connect_reader(path)?;
        let OpenOptions { identity, now } = options;
        let identity = Arc::new(identity);
        let changes = write::changes(&watcher).map_err(|error| from_sqlite(path, &error))?;
        let feed = watch::Sender::new(changes);
        let mut writer = Writer {
            conn: opened.writer,
            path: path.to_owned(),
            identity: Arc::clone(&identity),
            now: Arc::clone(&now),
            feed: feed.clone(),
        };
        begin_journal(&mut writer)?;
        let (lanes, reads, stop) = (Arc::new(Lanes::default()), Arc::new(ReadQueue::default()), Arc::default());
        let mut inner = Inner {
            path: path.to_owned(),
            identity,
            now,
            lanes,
            reads,
            stop,
            feed,
            presences: Presences::default(),
            restored,
            governance: OnceLock::new(),
            reading: Vec::new(),
            writing: None,
            _lock: opened.lock,
        };
        // From here on `Inner` ends the threads that did start when a later one does not.
        inner.start_threads(writer, readers, watcher)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What came of restoring the database when it was opened; `None` when it was not damaged.
    #[must_use]
    pub fn restored(&self) -> Option<&Restored> {
        self.inner.restored.as_ref()
    }

    /// Whether the disk has room for more than a few alerts; `true` where the system does not say.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let directory = self.path().parent().unwrap_or(Path::new("."));
        filesystem::room(directory).map_or(true, |bytes| bytes >= ENOUGH_ROOM)
    }

    /// What time it is, by the clock that this store writes by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.inner.now)().0
    }

    /// The person who runs this process, as an author of journal entries.
    #[must_use]
    pub fn person(&self) -> Actor {
        Actor::Person(self.inner.identity.person.clone())
    }

    /// A counter that goes up with every change that someone may want to see: at once for changes of this process,
    /// within about 200 ms for those of others.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.inner.feed.subscribe()
    }

    /// Reads several things at one moment, on a reading thread.
    ///
    /// # Errors
    /// What `view` returns, or that the read failed.
    pub async fn read_view<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue_read(view, move |result| {
            // The caller may have gone: a newer read replaced this one.
            let _ = reply.send(result);
        });
        answer.await.unwrap_or_else(|_| Err(self.aborted()))
    }

    /// Like [`Store::read_view`] for callers without a runtime, such as the first frame.
    ///
    /// # Errors
    /// As [`Store::read_view`].
    pub fn read_view_blocking<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.queue_read(view, move |result| {
            let _ = reply.send(result);
        });
        answer.recv().unwrap_or_else(|_| Err(self.aborted()))
    }

    /// Looks for damage in the file (`PRAGMA quick_check`). Takes time in proportion to the file's size: call it after the
    /// first frame, and run no action before it succeeded. Damage is noted beside the file, so that the next process that has
    /// it alone restores it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first finding, or why the check could not be made.
    pub async fn quick_check(&self) -> Result<(), StoreError> {
        self.read_view(|reader| {
            match restore::first_damage(reader.conn).map_err(|error| from_sqlite(reader.path, &error))? {
                None => Ok(()),
                Some(detail) => Err(StoreError::Corrupt { path: reader.path.to_owned(), detail }),
            }
        })
        .await
    }

    /// Runs `job` in a transaction of its own, before anything that waits in the ingest lane.
    fn write<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Write<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.inner.lanes.push(Box::new(move |writer: &mut Writer| {
            let _ = reply.send(writer.transact(job));
        }));
        let aborted = self.aborted();
        async move { answer.await.unwrap_or(Err(aborted)) }
    }

    /// Runs `job` in the ingest lane, in a transaction that it may share with its neighbours.
    fn write_grouped<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Write<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.inner.lanes.push_grouped(Box::new(Replying::new(job, self.inner.path.clone(), reply)));
        let aborted = self.aborted();
        async move { answer.await.unwrap_or(Err(aborted)) }
    }

    fn queue_read<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
        reply: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let path = self.inner.path.clone();
        let identity = Arc::clone(&self.inner.identity);
        let now = Arc::clone(&self.inner.now);
        self.inner.reads.push(Box::new(move |connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Deferred);
            let result = match begun {
                Ok(transaction) => {
                    let (at, since_boot) = now();
                    let monotonic_ms = millis(since_boot);
                    view(&Reader { conn: &transaction, path: &path, identity: &identity, at, monotonic_ms })
                }
                Err(error) => Err(from_sqlite(&path, &error)),
            };
            restore::note_if_damaged(&result);
            reply(result);
        }));
    }

    fn aborted(&self) -> StoreError {
        StoreError::Aborted { path: self.inner.path.clone() }
    }
}

impl Reader<'_> {
    /// Adds the file's name to an error.
    fn named<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault.at(self.path))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Inner {
    fn start_threads(
        &mut self,
        writer: Writer,
        readers: Vec<Connection>,
        watcher: Connection,
    ) -> Result<(), StoreError> {
        for connection in readers {
            let reads = Arc::clone(&self.reads);
            self.reading.push(spawn(&self.path, "store-read", move || reads.serve(connection))?);
        }
        let (path, feed, stop) = (self.path.clone(), self.feed.clone(), Arc::clone(&self.stop));
        let watching = move || feed::watch_file(&watcher, &path, &feed, &stop);
        self.reading.push(spawn(&self.path, "store-feed", watching)?);
        let lanes = Arc::clone(&self.lanes);
        self.writing = Some(spawn(&self.path, "store-write", move || writer.run(&lanes))?);
        Ok(())
    }
}

impl Drop for Inner {
    /// Readers end first, so that the writing connection is the last one and folds the WAL into the database.
    fn drop(&mut self) {
        self.stop.stop();
        self.reads.close();
        self.reading.drain(..).for_each(join);
        self.lanes.close();
        self.writing.take().into_iter().for_each(join);
    }
}

/// Waits for the end of a thread, unless it is the one that waits (a job may hold the last handle).
fn join(handle: JoinHandle<()>) {
    if handle.thread().id() != thread::current().id() && handle.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

fn spawn(path: &Path, name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|error| from_io(path, &error))
}

/// Writes the first entry of a new journal.
fn begin_journal(writer: &mut Writer) -> Result<(), StoreError> {
    const EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM journal)";
    let is_empty = |conn: &Connection| conn.query_row(EMPTY, [], |row| row.get::<_, bool>(0));
    // Without a transaction first: opening must not wait for a busy writer just to find nothing to do.
    if !is_empty(&writer.conn).map_err(|error| from_sqlite(&writer.path, &error))? {
        return Ok(());
    }
    writer.transact(|write| {
        if is_empty(write.conn)? {
            let program = env!("CARGO_PKG_VERSION").to_owned();
            write.journal(None, &Actor::engine("store"), &Payload::Begun { program })?;
        }
        Ok(())
    })
}

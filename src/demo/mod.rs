//! The embedded world of `aiops demo`: three things that go wrong on a small host. A process fills a directory, a
//! deployment makes a worker crash again and again, a certificate is about to end. Checks raise and clear their alerts. All of
//! it is real and small; nothing is scripted text.
//!
//! Owns: that world, its creation and its end, also after a crash. Does not: know how alerts travel (an [`AlertPublisher`])
//! or anything about the console.
//!
//! Invariants: everything that the demo makes lies below one directory of its own, which only the user can enter; every
//! process that it starts ends with it, however it ends.

mod alarm;
mod authority;
mod certificate;
mod crash_loop;
mod disk;
pub mod fake_gemini;
mod filler;
mod leash;
mod place;
mod supervisor;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub use alarm::Check;
pub use authority::{Authority, AuthorityError, HOOK_NAME};
pub use filler::fill;
pub use leash::Leash;
pub use place::{EndLeftOver, Place, PlaceError, StartTicks};
pub use worker::{WorkerError, WorkerPlace, work};

use crate::domain::time::Timestamp;
use crate::engine::ports::AlertPublisher;
use certificate::Validity;
use crash_loop::RestartCount;
use disk::Volume;
use leash::Leashed;
use supervisor::supervise;

/// Size of the volume that fills up: large enough to watch, small enough to fill within seconds.
pub const QUOTA_BYTES: u64 = 8 * 1024 * 1024;

/// The hidden subcommand that plays one of these parts, and what is behind it on the command line.
const PART: &str = "demo-part";

/// The world while it runs. Dropping it ends it.
#[derive(Debug)]
pub struct World {
    place: Place,
    filler: Option<Leashed>,
    supervisor: Option<Leashed>,
}

/// The checks of the world.
pub struct Checks {
    /// How full the volume is.
    pub disk: Check,
    /// How often the worker failed.
    pub worker: Check,
    /// How long the certificate is valid.
    pub certificate: Check,
}

impl World {
    /// Makes the directory, after removing what crashed demos left behind: `start_ticks` tells which ones crashed,
    /// `end_left_over` ends what still runs there.
    ///
    /// # Errors
    /// When the directory cannot be made or belongs to someone else.
    pub fn create(start_ticks: StartTicks, end_left_over: EndLeftOver) -> Result<Self, PlaceError> {
        let place = Place::create(start_ticks, end_left_over)?;
        Ok(Self { place, filler: None, supervisor: None })
    }

    /// The directory of this demo.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.path()
    }

    /// The directory of programs that procedures name and that only this world has.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.directory().join(authority::HOOKS)
    }

    /// Starts the world's processes: `program` with the hidden subcommand for each.
    ///
    /// # Errors
    /// When a directory or a process cannot be made.
    pub fn start(&mut self, program: &Path) -> io::Result<()> {
        let volume = self.volume();
        std::fs::create_dir_all(&volume.directory)?;
        let mut filler = Command::new(program);
        filler.args([PART, "filler"]).arg(&volume.directory).arg(volume.quota.to_string());
        self.filler = Some(Leashed::start(&mut filler)?);
        self.worker().furnish()?;
        let mut supervisor = Command::new(program);
        supervisor.args([PART, "supervisor"]).arg(self.directory());
        self.supervisor = Some(Leashed::start(&mut supervisor)?);
        Ok(())
    }

    /// The authority, with a certificate that ends within hours of `now`.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn authority(&self, now: Timestamp) -> Result<Authority, AuthorityError> {
        Authority::create(self.directory(), now)
    }

    /// Deploys a new configuration of the worker, which does not work.
    ///
    /// # Errors
    /// When it cannot be written, or the worker's supervisor has ended.
    pub fn deploy(&mut self) -> io::Result<()> {
        self.worker().deploy()?;
        let supervisor = self.supervisor.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        supervisor.restart()
    }

    /// The checks of this world, which tell `publisher` what they find; `host` is the instance in their alerts.
    #[must_use]
    pub fn checks(&self, authority: &Authority, publisher: &Arc<dyn AlertPublisher>, host: &str) -> Checks {
        let volume = self.volume();
        let restarts = RestartCount { place: self.worker() };
        let validity = Validity { file: authority.certificate() };
        let labels = (volume.labels(host), restarts.labels(host), validity.labels(host));
        Checks {
            disk: Check::new(volume, labels.0, Arc::clone(publisher)),
            worker: Check::new(restarts, labels.1, Arc::clone(publisher)),
            certificate: Check::new(validity, labels.2, Arc::clone(publisher)),
        }
    }

    fn volume(&self) -> Volume {
        Volume { directory: self.directory().join("srv").join("log-archive"), quota: QUOTA_BYTES }
    }

    fn worker(&self) -> WorkerPlace {
        WorkerPlace::of(self.directory())
    }
}

/// The supervisor of the worker of the demo in `directory`; starts `program` with the hidden subcommand for the worker.
///
/// # Errors
/// When the worker cannot be started, or what is said of it cannot be written.
pub fn supervise_worker(directory: &Path, program: &Path, leash: &Leash) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args([PART, "worker"]).arg(directory);
    supervise(&WorkerPlace::of(directory), command, leash)
}

impl Drop for World {
    fn drop(&mut self) {
        // They write into the place: first they end, then it is removed.
        drop(self.filler.take());
        drop(self.supervisor.take());
        self.place.remove();
    }
}

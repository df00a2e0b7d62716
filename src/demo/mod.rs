//! The embedded world of `aiops demo`: a directory with a quota, a process that fills it, a check that raises and clears an
//! alert. All of it is real and small; nothing is scripted text.
//!
//! Owns: that world, its creation and its end, also after a crash. Does not: know how alerts travel (an [`AlertPublisher`])
//! or anything about the console.
//!
//! Invariant: everything that the demo makes lies below one directory of its own, which only the user can enter.

mod check;
pub mod fake_gemini;
mod filler;
mod place;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;

pub use check::DiskCheck;
pub use filler::fill;
pub use place::{Place, PlaceError, StartTicks};

use crate::engine::ports::AlertPublisher;

/// Size of the volume that fills up: large enough to watch, small enough to fill within seconds.
pub const QUOTA_BYTES: u64 = 8 * 1024 * 1024;

/// The world while it runs. Dropping it ends it.
#[derive(Debug)]
pub struct World {
    place: Place,
    filler: Option<Child>,
}

impl World {
    /// Makes the directory, after removing what crashed demos left behind; `start_ticks` tells which ones crashed.
    ///
    /// # Errors
    /// When the directory cannot be made or belongs to someone else.
    pub fn create(start_ticks: StartTicks) -> Result<Self, PlaceError> {
        let place = Place::create(start_ticks)?;
        Ok(Self { place, filler: None })
    }

    /// The directory of this demo.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.path()
    }

    /// The directory that fills up.
    #[must_use]
    pub fn volume(&self) -> PathBuf {
        self.place.path().join("srv").join("log-archive")
    }

    /// Starts the process that fills the volume: `program` with the hidden subcommand for it.
    ///
    /// # Errors
    /// When the directory or the process cannot be made.
    pub fn start_filling(&mut self, program: &Path) -> std::io::Result<()> {
        let volume = self.volume();
        std::fs::create_dir_all(&volume)?;
        let child = std::process::Command::new(program)
            .arg("demo-filler")
            .arg(&volume)
            .arg(QUOTA_BYTES.to_string())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()?;
        self.filler = Some(child);
        Ok(())
    }

    /// The check of the volume, which tells `publisher` what it finds.
    #[must_use]
    pub fn check(&self, publisher: Arc<dyn AlertPublisher>, host: &str) -> DiskCheck {
        DiskCheck::new(self.volume(), QUOTA_BYTES, host, publisher)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut filler) = self.filler.take() {
            // It may have ended by itself; then there is nothing to end.
            let _ = filler.kill();
            let _ = filler.wait();
        }
        self.place.remove();
    }
}

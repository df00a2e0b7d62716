//! Ballast: room on the disk that is given up when an outcome could not be stored otherwise.
//!
//! Owns: `FILE.ballast`, a file beside the database whose blocks are really allocated. Does not: decide who may give it up;
//! only what records the end of an attempt does (see `attempts`).
//!
//! Invariant: nothing is approved while there is neither ballast nor room, so whatever was started can be recorded as ended.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::posix_fallocate;

use super::open::{beside, sync_directory};
use super::{Store, StoreError, filesystem};

/// Room that storing an intent and an outcome takes at most: the pages of both transactions in the log, twice over.
const OUTCOME_ROOM: u64 = 1024 * 1024;

/// The ballast is laid down only where it takes at most this part of the free room.
const PART_OF_ROOM: u64 = 4;

/// Bytes of a block as stat(2) counts them.
const BLOCK: u64 = 512;

impl Store {
    /// Lays down ballast of `bytes` if it is missing and the disk has plenty of room. Returns whether it is there.
    ///
    /// # Errors
    /// When the file cannot be made. The store works all the same.
    pub fn lay_ballast(&self, bytes: u64) -> io::Result<bool> {
        lay(self.path(), bytes)
    }

    /// Fails when an action must not be started now, because its intent and its outcome might not find room: the ballast was
    /// given up, and the disk is full.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    pub fn check_reserve(&self) -> Result<(), StoreError> {
        if is_there(self.path()) || room_beside(self.path()) >= OUTCOME_ROOM {
            return Ok(());
        }
        Err(StoreError::Full { path: self.path().to_owned() })
    }
}

/// The ballast of the database at `database`.
fn path_of(database: &Path) -> PathBuf {
    beside(database, ".ballast")
}

/// Whether there is ballast, with blocks of its own.
pub(super) fn is_there(database: &Path) -> bool {
    fs::metadata(path_of(database)).is_ok_and(|found| found.len() > 0 && found.blocks() * BLOCK >= found.len())
}

fn room_beside(database: &Path) -> u64 {
    let directory = database.parent().unwrap_or(Path::new("."));
    // Where the system does not say, writing will tell.
    filesystem::room(directory).unwrap_or(u64::MAX)
}

fn lay(database: &Path, bytes: u64) -> io::Result<bool> {
    if is_there(database) {
        return Ok(true);
    }
    if bytes == 0 || room_beside(database) / PART_OF_ROOM < bytes {
        return Ok(false);
    }
    let path = path_of(database);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
    let allocated = posix_fallocate(&file, 0, i64::try_from(bytes).unwrap_or(i64::MAX))
        .map_err(io::Error::from)
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_directory(&path));
    match allocated {
        // A file system without allocation has written zeros, or nothing: then there is no ballast.
        Ok(()) => Ok(is_there(database)),
        Err(error) => {
            // Half of it would only be in the way.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

/// Gives the ballast up; whether there was any.
pub(super) fn release(database: &Path) -> bool {
    let released = fs::remove_file(path_of(database)).is_ok();
    if released {
        tracing::warn!(database = %database.display(), "the disk is full: the ballast was given up to store an outcome");
    }
    released
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::Bench;
    use super::*;

    #[tokio::test]
    async fn it_takes_real_room_is_private_and_is_given_up_once() {
        let bench = Bench::new();
        let path = bench.path();
        assert!(!is_there(&path) && !release(&path));
        assert!(bench.store.lay_ballast(256 * 1024).unwrap());
        let found = fs::metadata(path_of(&path)).unwrap();
        assert_eq!((found.len(), found.mode() & 0o777), (256 * 1024, 0o600));
        assert!(found.blocks() * BLOCK >= 256 * 1024);
        assert!(bench.store.lay_ballast(256 * 1024).unwrap(), "once is enough");
        assert!(release(&path) && !is_there(&path));
        bench.store.check_reserve().unwrap();
    }

    #[test]
    fn a_file_with_holes_is_no_ballast() {
        let bench = Bench::new();
        fs::File::create(path_of(&bench.path())).unwrap().set_len(1 << 30).unwrap();
        assert!(!is_there(&bench.path()));
    }

    #[test]
    fn more_than_the_disk_has_is_not_tried() {
        let bench = Bench::new();
        assert!(!bench.store.lay_ballast(u64::MAX / 2).unwrap());
        assert!(!path_of(&bench.path()).exists());
    }
}

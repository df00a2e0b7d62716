//! Whether the holder of a lease is still there: a lock that the kernel takes away with its process.
//!
//! Owns: `FILE.NAME`, an empty file beside the database in which the holder of a lease locks the byte that its token names.
//! Does not: decide who holds a lease (see `lease`); a process that is stopped keeps its lock and loses its lease by time.
//!
//! Unlike a process id a lock cannot be taken for another one's, also between containers that share the file. These are
//! locks of the open file (`F_OFD_SETLK`, fcntl(2)): two stores of one process tell each other apart too.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The sign that a process is there. It ends when this is dropped, however the process ends.
#[derive(Debug)]
pub(super) struct Presence {
    token: i64,
    _file: File,
}

impl Presence {
    /// Shows that the holder with `token` is there; `None` when another open file says so already.
    pub(super) fn show(database: &Path, lease: &str, token: i64) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path_of(database, lease))?;
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&byte(token))) {
            Ok(_) => Ok(Some(Self { token, _file: file })),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The token that it stands for.
    pub(super) const fn token(&self) -> i64 {
        self.token
    }
}

/// Whether the holder with `token` is certainly gone. Where that cannot be found out it is not.
pub(super) fn is_gone(database: &Path, lease: &str, token: i64) -> bool {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path_of(database, lease)) else { return false };
    let mut found = byte(token);
    fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut found)).is_ok() && i32::from(found.l_type) == libc::F_UNLCK
}

fn path_of(database: &Path, lease: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(lease);
    PathBuf::from(name)
}

/// An exclusive lock on the byte at `token`. The file has no such byte, which locks do not need.
#[allow(clippy::cast_possible_truncation, reason = "the constants are small; their type differs between platforms")]
const fn byte(token: i64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: token,
        l_len: 1,
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_as_long_as_it_is_held_and_tokens_are_apart() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("aiops.db");
        assert!(!is_gone(&database, "ingest", 1), "without a file nothing is known");
        let first = Presence::show(&database, "ingest", 1).unwrap().unwrap();
        assert!(!is_gone(&database, "ingest", 1));
        assert!(is_gone(&database, "ingest", 2));
        assert!(Presence::show(&database, "ingest", 1).unwrap().is_none());
        let second = Presence::show(&database, "ingest", 2).unwrap().unwrap();
        assert_eq!((first.token(), second.token()), (1, 2));
        drop(first);
        assert!(is_gone(&database, "ingest", 1) && !is_gone(&database, "ingest", 2));
    }

    #[test]
    fn programs_that_are_started_do_not_keep_it() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("aiops.db");
        let presence = Presence::show(&database, "ingest", 1).unwrap().unwrap();
        let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        drop(presence);
        assert!(is_gone(&database, "ingest", 1));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

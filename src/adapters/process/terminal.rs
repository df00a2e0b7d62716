//! The person's terminal in the hands of the supervisor of an interactive action.
//!
//! Owns: opening it, and making the supervisor's process group the one in the foreground. Does not: give it back: the
//! console takes it again when the action is over, and so does a shell when the console is gone.
//!
//! Invariant: the started programs are in the supervisor's own group, which is in the foreground before any of them is
//! started; so none is stopped for reading too early, and Ctrl-C reaches all of them and not the console.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpgrp, getpid, setpgid, tcsetpgrp, ttyname};

/// The controlling terminal, open for reading and writing.
#[derive(Debug)]
pub(super) struct Terminal(File);

impl Terminal {
    /// The terminal that standard output is, for a supervisor.
    ///
    /// # Errors
    /// When it is none or cannot be opened.
    pub(super) fn of_console() -> io::Result<Self> {
        Self::open(&name_of(io::stdout())).map_err(|error| no_terminal(&error))
    }

    /// The terminal that standard input is, which becomes this process's to use: this process leads a group of its own,
    /// and that group is in the foreground.
    ///
    /// # Errors
    /// When it is none, or not the terminal of this session.
    pub(super) fn take() -> io::Result<Self> {
        // From the background this asks for the foreground, which is answered with a stop unless it is blocked. Programs
        // that are started get an empty mask from the standard library.
        let mut asking = SigSet::empty();
        asking.add(Signal::SIGTTOU);
        asking.thread_block()?;
        if getpgrp() != getpid() {
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        }
        let terminal = Self::open(&name_of(io::stdin())).map_err(|error| no_terminal(&error))?;
        terminal.to_foreground().map_err(|error| no_terminal(&error))?;
        Ok(terminal)
    }

    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        Ok(Self(options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(path)?))
    }

    /// Makes this process's group the one that keys go to; a program before may have left another one there.
    pub(super) fn to_foreground(&self) -> io::Result<()> {
        tcsetpgrp(&self.0, getpgrp()).map_err(|error| match error {
            Errno::ENOTTY => io::Error::other("it is not the terminal of this login session"),
            error => error.into(),
        })
    }

    /// The terminal as a standard stream of a program.
    pub(super) fn stream(&self) -> io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }

    /// The terminal to write to.
    pub(super) const fn file(&self) -> &File {
        &self.0
    }
}

/// The path of the terminal that `stream` is. In a container it may have none of its own; then the one of the session.
fn name_of(stream: impl AsFd) -> PathBuf {
    ttyname(stream).unwrap_or_else(|_| PathBuf::from("/dev/tty"))
}

fn no_terminal(error: &io::Error) -> io::Error {
    io::Error::other(format!("the terminal cannot be handed to it: {error}"))
}

//! The pipe between a process of the demo and the one that started it. Whoever holds its other end is alive; when that end is
//! closed, by intention or by a `kill -9`, everything behind it ends.
//!
//! Owns: starting such a process, what may be said to it, and hearing that the pipe was closed. Does not: know what the
//! process does.
//!
//! Invariant: a process on a leash ends by itself within a moment of the death of the one that started it, at whatever
//! instant that was: a pipe cannot miss it, as a look at the parent's number can.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A process whose leash was let go gets this long to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What stands on the pipe when the process is to start its work anew.
const RESTART: &str = "restart";

/// A process that ends with the one that started it. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Leashed {
    child: Child,
    leash: Option<ChildStdin>,
}

impl Leashed {
    /// Starts `command` with the leash as its standard input and no output.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let leash = child.stdin.take();
        Ok(Self { child, leash })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system cannot say.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Tells it to start its work anew.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        let leash = self.leash.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(leash, "{RESTART}")
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.leash.take());
        let deadline = Instant::now() + END_WITHIN;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        // It does not listen, as when someone has stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was heard on a leash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing: go on.
    Nothing,
    /// Start the work anew.
    Restart,
    /// The one that held the other end is gone: end.
    Gone,
}

/// The end of the pipe that the started process listens on.
#[derive(Debug)]
pub struct Leash {
    restarts: Receiver<()>,
}

impl Leash {
    /// The leash of this process: its standard input.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::on(io::stdin())
    }

    /// Listens on `pipe`, on a thread of its own.
    pub(super) fn on(pipe: impl Read + Send + 'static) -> Self {
        let (sender, restarts) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if line == RESTART && sender.send(()).is_err() {
                    return;
                }
            }
        });
        Self { restarts }
    }

    /// Waits until something is heard, at most `patience`.
    pub(super) fn wait(&self, patience: Duration) -> Heard {
        match self.restarts.recv_timeout(patience) {
            Ok(()) => Heard::Restart,
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn restarts_are_heard_in_order_and_then_that_nobody_holds_it_any_more() {
        let (reader, mut writer) = io::pipe().unwrap();
        let leash = Leash::on(reader);
        assert_eq!(leash.wait(Duration::from_millis(1)), Heard::Nothing);
        writer.write_all(b"restart\nnoise\nrestart\n").unwrap();
        assert_eq!([leash.wait(LONG), leash.wait(LONG)], [Heard::Restart; 2]);
        drop(writer);
        assert_eq!([leash.wait(LONG), leash.wait(LONG)], [Heard::Gone; 2]);
    }

    #[test]
    fn a_process_ends_when_its_leash_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let heard = directory.path().join("heard");
        let script = format!("read word; echo \"$word\" > '{0}.new'; mv '{0}.new' '{0}'; cat", heard.display());
        let mut leashed = Leashed::start(Command::new("sh").args(["-c", &script])).unwrap();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(leashed.child.id()).unwrap());
        leashed.restart().unwrap();
        let deadline = Instant::now() + LONG;
        while !heard.exists() {
            assert!(Instant::now() < deadline, "the process heard nothing");
            std::thread::yield_now();
        }
        assert_eq!(std::fs::read_to_string(&heard).unwrap(), "restart\n");
        assert!(leashed.ended().unwrap().is_none());
        drop(leashed);
        assert!(nix::sys::signal::kill(pid, None).is_err(), "it is still there");
    }

    #[test]
    fn one_that_does_not_listen_is_killed() {
        let leashed = Leashed::start(Command::new("sleep").arg("1000")).unwrap();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(leashed.child.id()).unwrap());
        drop(leashed);
        assert!(nix::sys::signal::kill(pid, None).is_err(), "it is still there");
    }
}

//! Signals that concern the terminal, as a stream for the event loop.

use std::io;

use nix::sys::signal::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalSignal {
    /// The console is asked to end (TERM).
    Terminate,
    /// The same by keys of a terminal that is not raw, or in their way (INT, QUIT).
    Interrupt,
    /// The terminal has gone: nothing can be shown any more, and nothing is written to it from here on.
    HangUp,
    /// The console is asked to stop (TSTP from outside; Ctrl-Z is a key).
    Suspend,
    /// The console goes on after having been stopped, by whatever.
    Continued,
}

/// The stream.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    suspend: Signal,
    go_on: Signal,
}

impl Signals {
    /// Takes over the signals' handling for the rest of the process's life. Needs a tokio runtime.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            suspend: signal(SignalKind::from_raw(Number::SIGTSTP as i32))?,
            go_on: signal(SignalKind::from_raw(Number::SIGCONT as i32))?,
        })
    }

    /// The next one. Safe to cancel.
    pub async fn next(&mut self) -> TerminalSignal {
        tokio::select! {
            _ = self.hang_up.recv() => {
                super::abandon();
                TerminalSignal::HangUp
            }
            _ = self.terminate.recv() => TerminalSignal::Terminate,
            _ = self.interrupt.recv() => TerminalSignal::Interrupt,
            _ = self.quit.recv() => TerminalSignal::Interrupt,
            _ = self.suspend.recv() => TerminalSignal::Suspend,
            _ = self.go_on.recv() => TerminalSignal::Continued,
        }
    }
}

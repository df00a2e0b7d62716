//! Places at which a test can make this program die, to see what the next start makes of what it left behind.
//!
//! Owns: the names of the places and what happens there. A process that is started with [`VARIABLE`] set to the name of a
//! place is killed there (SIGKILL); with `stop:` before the name it is stopped instead (SIGSTOP), so that a test can look
//! around before it kills it or lets it go on. Each takes effect in the calling thread before the next instruction.
//!
//! Invariant: only builds with debug assertions have any of this. In a release build [`reached`] and [`pass_on`] are empty,
//! the variable is not read and its name is not in the program.
//!
//! Does not: inject errors, or do anything but end or stop the process.

use std::process::Command;

/// Names the place at which the process dies.
#[cfg(debug_assertions)]
const VARIABLE: &str = "AIOPS_FAILPOINT";

/// A place between the approval of an action and the record of its end, in the order in which they are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The console has stored the grant, and has not begun to store the intent.
    GrantStored,
    /// The intent is written in a transaction that is not committed.
    IntentWritten,
    /// The intent is committed; the directory of the attempt is not made.
    IntentStored,
    /// The directory is made and empty.
    DirectoryMade,
    /// What is to run is written down; the supervisor is started next.
    JobWritten,
    /// The supervisor was started; what became of it is not known yet.
    SupervisorStarted,
    /// The supervisor has said that it runs; that is not stored.
    SpawnKnown,
    /// It is stored that the supervisor runs.
    SpawnStored,
    /// The supervisor is about to take the attempt.
    ClaimDue,
    /// The supervisor has the attempt; nothing of the action was started.
    Claimed,
    /// The processes of the action have ended; nothing is written about that.
    ActionEnded,
    /// How it ended is noted, and the record of it is written to a draft that is not on the disk and that nobody reads.
    OutcomeDrafted,
    /// The console has read the end, and has not begun to store it.
    EndRead,
    /// The console has stored the end.
    EndStored,
}

#[cfg(debug_assertions)]
impl Point {
    /// What a test writes into [`VARIABLE`].
    const fn name(self) -> &'static str {
        match self {
            Self::GrantStored => "grant-stored",
            Self::IntentWritten => "intent-written",
            Self::IntentStored => "intent-stored",
            Self::DirectoryMade => "directory-made",
            Self::JobWritten => "job-written",
            Self::SupervisorStarted => "supervisor-started",
            Self::SpawnKnown => "spawn-known",
            Self::SpawnStored => "spawn-stored",
            Self::ClaimDue => "claim-due",
            Self::Claimed => "claimed",
            Self::ActionEnded => "action-ended",
            Self::OutcomeDrafted => "outcome-drafted",
            Self::EndRead => "end-read",
            Self::EndStored => "end-stored",
        }
    }
}

/// Ends or stops this process if a test asked for that at `point`.
#[cfg(debug_assertions)]
pub(crate) fn reached(point: Point) {
    use nix::sys::signal::{Signal, raise};

    let Ok(wanted) = std::env::var(VARIABLE) else { return };
    let (signal, name) = match wanted.strip_prefix("stop:") {
        Some(name) => (Signal::SIGSTOP, name),
        None => (Signal::SIGKILL, wanted.as_str()),
    };
    if name == point.name() {
        // To this thread, not to the process: it handles the signal before it returns from the call.
        if let Err(error) = raise(signal) {
            tracing::error!(%error, "the place {name} was passed alive");
        }
    }
}

/// Does nothing: release builds have no such places.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) const fn reached(_point: Point) {}

/// Lets the supervisor, which otherwise gets an empty environment, know the place, too.
#[cfg(debug_assertions)]
pub(crate) fn pass_on(command: &mut Command) {
    if let Some(wanted) = std::env::var_os(VARIABLE) {
        command.env(VARIABLE, wanted);
    }
}

/// Does nothing: release builds have no such places.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) const fn pass_on(_command: &mut Command) {}

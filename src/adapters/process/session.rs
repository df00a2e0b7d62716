//! Ending what is left of an action: every process of the supervisor's session.
//!
//! The session id is the supervisor's own process id, which nobody else can get while the supervisor lives; so no foreign
//! process can be hit, unlike with a remembered group number.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::files::StageStatus;
use super::identity::{self, Stat};
use crate::domain::action::attempt::ProcessId;

/// How often it is looked whether processes have gone. They may be nobody's children that we are told of.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long a process may take to vanish after KILL before it counts as stuck in the kernel.
const KILL_TAKES: Duration = Duration::from_secs(5);

/// Ends all other processes of this session: TERM, after `grace` KILL. Returns those that did not go.
///
/// `collect` is called again and again, to collect the children of this process.
pub(super) async fn end(own: i32, grace: Duration, mut collect: impl FnMut()) -> Vec<i32> {
    for (signal, patience) in [(Signal::SIGTERM, grace), (Signal::SIGKILL, KILL_TAKES)] {
        let until = Instant::now() + patience;
        let mut signalled = BTreeSet::new();
        loop {
            collect();
            let left = members(own);
            if left.is_empty() {
                return Vec::new();
            }
            // Each group gets it once; groups that appear meanwhile get it too.
            for group in left.iter().map(|stat| stat.group).collect::<BTreeSet<_>>() {
                if signalled.insert(group) {
                    send(own, group, signal);
                }
            }
            if Instant::now() >= until {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    members(own).into_iter().map(|stat| stat.pid).collect()
}

/// Living processes of the session other than its leader.
fn members(own: i32) -> Vec<Stat> {
    identity::list(|stat| stat.session == own && stat.pid != own && stat.is_alive()).unwrap_or_default()
}

/// Living processes of the session of a supervisor that is gone. They keep the session's number from being given to anyone
/// else; when it was given away all the same, since there was none left, they are not the supervisor's.
pub(super) fn left_behind(supervisor: &ProcessId) -> Vec<i32> {
    let given_away = identity::stat(supervisor.pid).is_some_and(|stat| stat.start_ticks != supervisor.start_ticks);
    if given_away || !identity::is_of_this_boot(supervisor) {
        return Vec::new();
    }
    members(supervisor.pid).into_iter().map(|stat| stat.pid).collect()
}

fn send(own: i32, group: i32, signal: Signal) {
    if group == own {
        // Our own group: everyone in it but us.
        for stat in members(own).into_iter().filter(|stat| stat.group == own) {
            ignore_gone(kill(Pid::from_raw(stat.pid), signal));
        }
        return;
    }
    ignore_gone(killpg(Pid::from_raw(group), signal));
    // A stopped process acts on TERM only after it is continued.
    ignore_gone(killpg(Pid::from_raw(group), Signal::SIGCONT));
}

/// A process that ended meanwhile, or that changed its user (sudo), cannot be signalled: the next look tells.
fn ignore_gone(result: Result<(), Errno>) {
    let _ = result;
}

/// The children that this process started, and their ends.
#[derive(Default)]
pub(super) struct Children {
    running: Vec<(usize, Child)>,
}

impl Children {
    /// Adds the child that is known as `key`.
    pub(super) fn add(&mut self, key: usize, child: Child) {
        self.running.push((key, child));
    }

    /// Whether all of them have ended and were collected.
    pub(super) const fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Collects those that ended, then also ended processes whose parents ended before them: they became children of this
    /// process (it is a subreaper), and their status belongs to nobody.
    pub(super) fn collect(&mut self, own: i32, mut ended: impl FnMut(usize, StageStatus)) {
        self.running.retain_mut(|(key, child)| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                ended(*key, status_of(status));
                false
            }
            Err(error) => {
                ended(*key, StageStatus::Lost { reason: error.to_string() });
                false
            }
        });
        let ours = |pid: i32| self.running.iter().any(|(_, child)| i64::from(child.id()) == i64::from(pid));
        let orphans = identity::list(|stat| stat.parent == own && !stat.is_alive() && !ours(stat.pid));
        for stat in orphans.unwrap_or_default() {
            let _ = waitpid(Pid::from_raw(stat.pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

fn status_of(status: ExitStatus) -> StageStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => StageStatus::Exited { code },
        (None, signal) => StageStatus::Signalled { signal: signal.unwrap_or(0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_somebody_else_took_is_lost_and_not_made_up() {
        let child = std::process::Command::new("true").spawn().unwrap();
        let taken = waitpid(Pid::from_raw(i32::try_from(child.id()).unwrap()), None).unwrap();
        assert_eq!(taken.pid().map(Pid::as_raw), i32::try_from(child.id()).ok());
        let mut children = Children::default();
        children.add(3, child);
        let mut ends = Vec::new();
        // No process has this number, so that no orphans of this test program are collected.
        children.collect(i32::MAX, |key, status| ends.push((key, status)));
        assert!(matches!(ends.as_slice(), [(3, StageStatus::Lost { .. })]), "{ends:?}");
        assert!(children.is_empty());
    }
}

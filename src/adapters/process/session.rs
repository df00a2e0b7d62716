//! Ending what is left of an action.
//!
//! A supervisor in a session of its own ends every process of that session. The session id is its own process id, which
//! nobody else can get while it lives; so no foreign process can be hit, unlike with a remembered group number. A
//! supervisor in the console's session, for an interactive action, ends its descendants there: it adopts orphans, so that
//! no descendant is lost to it.

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

/// Which processes belong to the action of the supervisor with this process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All others of the session that it leads.
    Session(i32),
    /// Its descendants, as long as they stay in the session that it shares with the console.
    Descendants(i32),
}

/// Ends the processes that `reach` names: TERM, after `grace` KILL. Returns those that did not go.
///
/// `collect` is called again and again, to collect the children of this process.
pub(super) async fn end(reach: Reach, grace: Duration, mut collect: impl FnMut()) -> Vec<i32> {
    for (signal, patience) in [(Signal::SIGTERM, grace), (Signal::SIGKILL, KILL_TAKES)] {
        let until = Instant::now() + patience;
        let mut signalled = BTreeSet::new();
        loop {
            collect();
            let left = members(reach);
            if left.is_empty() {
                return Vec::new();
            }
            match reach {
                // Each group gets it once; groups that appear meanwhile get it too.
                Reach::Session(own) => {
                    for group in left.iter().map(|stat| stat.group).collect::<BTreeSet<_>>() {
                        if signalled.insert(group) {
                            send_group(own, group, signal);
                        }
                    }
                }
                // One by one: others of the session, such as a shell, are none of our business.
                Reach::Descendants(_) => {
                    left.iter().filter(|stat| signalled.insert(stat.pid)).for_each(|stat| send(stat.pid, signal));
                }
            }
            if Instant::now() >= until {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    members(reach).into_iter().map(|stat| stat.pid).collect()
}

/// Living processes that `reach` names.
fn members(reach: Reach) -> Vec<Stat> {
    match reach {
        Reach::Session(own) => {
            identity::list(|stat| stat.session == own && stat.pid != own && stat.is_alive()).unwrap_or_default()
        }
        Reach::Descendants(own) => {
            let Some(session) = identity::stat(own).map(|stat| stat.session) else { return Vec::new() };
            let all = identity::list(|_| true).unwrap_or_default();
            let mut below = descendants(&all, own);
            below.retain(|stat| stat.session == session && stat.is_alive());
            below
        }
    }
}

/// Living processes of the session of a supervisor that is gone. They keep the session's number from being given to anyone
/// else; when it was given away all the same, since there was none left, they are not the supervisor's.
pub(super) fn left_behind(supervisor: &ProcessId) -> Vec<i32> {
    let given_away = identity::stat(supervisor.pid).is_some_and(|stat| stat.start_ticks != supervisor.start_ticks);
    if given_away || !identity::is_of_this_boot(supervisor) {
        return Vec::new();
    }
    members(Reach::Session(supervisor.pid)).into_iter().map(|stat| stat.pid).collect()
}

/// All processes below `root`, in no order.
fn descendants(all: &[Stat], root: i32) -> Vec<Stat> {
    let mut found: Vec<Stat> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for stat in all.iter().filter(|stat| stat.parent == parent && stat.pid != root) {
            parents.push(stat.pid);
            found.push(stat.clone());
        }
    }
    found
}

fn send_group(own: i32, group: i32, signal: Signal) {
    if group == own {
        // Our own group: everyone in it but us.
        for stat in members(Reach::Session(own)).into_iter().filter(|stat| stat.group == own) {
            ignore_gone(kill(Pid::from_raw(stat.pid), signal));
        }
        return;
    }
    ignore_gone(killpg(Pid::from_raw(group), signal));
    // A stopped process acts on TERM only after it is continued.
    ignore_gone(killpg(Pid::from_raw(group), Signal::SIGCONT));
}

fn send(pid: i32, signal: Signal) {
    ignore_gone(kill(Pid::from_raw(pid), signal));
    ignore_gone(kill(Pid::from_raw(pid), Signal::SIGCONT));
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

    /// Lets the whole group of this process go on when one of the children was stopped.
    pub(super) fn continue_stopped(&self) {
        let is_stopped = |child: &Child| {
            let stat = i32::try_from(child.id()).ok().and_then(identity::stat);
            stat.is_some_and(|stat| stat.state == 'T')
        };
        if self.running.iter().any(|(_, child)| is_stopped(child)) {
            ignore_gone(kill(Pid::from_raw(0), Signal::SIGCONT));
        }
    }

    /// Collects those that ended, then also ended processes whose parents ended before them: they became children of this
    /// process (it is a subreaper), and their status belongs to nobody.
    pub(super) fn collect(&mut self, own: i32, ended: impl FnMut(usize, StageStatus)) {
        self.collect_own(ended);
        self.collect_orphans(own);
    }

    /// Collects those that ended, and nobody else: this takes no time, unlike going through all processes.
    pub(super) fn collect_own(&mut self, mut ended: impl FnMut(usize, StageStatus)) {
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
    }

    /// Collects ended processes whose parents ended before them.
    pub(super) fn collect_orphans(&self, own: i32) {
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

    #[test]
    fn descendants_are_found_however_deep_and_nobody_else() {
        let stat = |pid, parent| Stat { pid, state: 'S', parent, group: 1, session: 1, start_ticks: 0 };
        let all = [stat(9, 5), stat(5, 2), stat(2, 1), stat(7, 3), stat(3, 1), stat(6, 2)];
        let mut below: Vec<i32> = descendants(&all, 2).into_iter().map(|stat| stat.pid).collect();
        below.sort_unstable();
        assert_eq!(below, [5, 6, 9]);
    }
}

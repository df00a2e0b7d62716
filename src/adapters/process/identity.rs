//! Telling processes apart beyond the reuse of their numbers, and listing those of a session.

use std::io;

use crate::adapters::host::boot_id;
use crate::domain::action::attempt::ProcessId;

/// The fields of `/proc/PID/stat` that are needed here (proc(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) state: char,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    pub(super) start_ticks: u64,
}

impl Stat {
    /// Whether it still can do anything: a zombie or a dead process cannot.
    pub(super) const fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Reads what the kernel says of process `pid`; `None` when there is no such process.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&text))
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The second field is the program's name in parentheses; it may contain blanks and parentheses.
    let (pid, rest) = text.split_once(' ')?;
    let (_, rest) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Stat {
        pid: pid.parse().ok()?,
        state: fields.first()?.chars().next()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        // Field 22 of the line; the third is the first here.
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// All processes for which `wanted` holds.
pub(super) fn list(wanted: impl Fn(&Stat) -> bool) -> io::Result<Vec<Stat>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        // A process may end between the listing and the reading.
        let Some(stat) = name.to_str().and_then(|name| name.parse().ok()).and_then(stat) else { continue };
        if wanted(&stat) {
            found.push(stat);
        }
    }
    Ok(found)
}

/// The identity of the living process `pid`.
pub(super) fn identify(pid: i32) -> io::Result<ProcessId> {
    let stat =
        stat(pid).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no process {pid}")))?;
    Ok(ProcessId { pid, start_ticks: stat.start_ticks, boot_id: boot_id()? })
}

/// When process `pid` was started, in clock ticks since boot; `None` when there is no such process.
#[must_use]
pub fn start_ticks(pid: u32) -> Option<u64> {
    stat(i32::try_from(pid).ok()?).map(|stat| stat.start_ticks)
}

/// Whether exactly this process still runs: not another one with its number, not its zombie, not after a reboot.
pub(super) fn is_alive(process: &ProcessId) -> bool {
    is_of_this_boot(process)
        && stat(process.pid).is_some_and(|stat| stat.start_ticks == process.start_ticks && stat.is_alive())
}

/// Whether it was started since the machine was.
pub(super) fn is_of_this_boot(process: &ProcessId) -> bool {
    boot_id().is_ok_and(|boot| boot == process.boot_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_parentheses_do_not_shift_the_fields() {
        let line = "42 (a) R 1 (b) S 7 8 9 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 12345 1 1";
        let expected = Stat { pid: 42, state: 'S', parent: 7, group: 8, session: 9, start_ticks: 12345 };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("42 (a"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn a_number_alone_is_no_identity() {
        let own = identify(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(is_alive(&own));
        assert!(!is_alive(&ProcessId { start_ticks: own.start_ticks + 1, ..own.clone() }));
        assert!(!is_alive(&ProcessId { pid: i32::MAX, ..own.clone() }));
        assert!(!is_alive(&ProcessId { boot_id: "another boot".to_owned(), ..own }));
    }
}

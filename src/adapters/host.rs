//! This host as the kernel knows it: its clocks, its name, its boot, and the person at the terminal.
//!
//! Invariant: nothing here believes `USER`, `LOGNAME` or `SUDO_UID`, which anyone can set. `SSH_CONNECTION` is passed on
//! as what it is, a claim.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{User, gethostname, getuid, ttyname};

use crate::domain::actor::Person;
use crate::domain::time::Timestamp;
use crate::engine::ports::Clock;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const LOGIN_UID: &str = "/proc/self/loginuid";

/// What the kernel reports as login uid when none was set: (uid_t)-1, see audit(7).
const NO_LOGIN_UID: u32 = u32::MAX;

/// The clocks of this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let signed = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => signed(after),
            Err(before) => -signed(before.duration()),
        })
    }

    /// Time since boot with the time in which the host was suspended, which a timeout on a laptop has to count.
    fn monotonic(&self) -> Duration {
        // CLOCK_BOOTTIME cannot fail on Linux since 2.6.39; CLOCK_MONOTONIC is there always.
        let read = clock_gettime(ClockId::CLOCK_BOOTTIME).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
        read.map_or(Duration::ZERO, Duration::from)
    }
}

/// Where this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Host name; `localhost` when the kernel has none that is text.
    pub name: String,
    /// Identifies this boot: times since boot and process ids of another boot mean nothing. Empty when the kernel does
    /// not tell.
    pub boot_id: String,
    /// This process.
    pub pid: u32,
}

impl Host {
    /// Asks the kernel.
    #[must_use]
    pub fn detect() -> Self {
        let name = gethostname().ok().and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty());
        Self {
            name: name.unwrap_or_else(|| "localhost".to_owned()),
            boot_id: boot_id().unwrap_or_default(),
            pid: std::process::id(),
        }
    }
}

/// Identifies this boot.
pub(super) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string(BOOT_ID)?.trim().to_owned())
}

/// The person that this process acts for: the real uid, with what the kernel knows of the login.
#[must_use]
pub fn person() -> Person {
    let uid = getuid();
    let entry = User::from_uid(uid).ok().flatten();
    let connection = std::env::var("SSH_CONNECTION").ok();
    Person {
        uid: uid.as_raw(),
        name: entry.map_or_else(|| uid.to_string(), |user| user.name),
        login_uid: fs::read_to_string(LOGIN_UID).ok().and_then(|text| login_uid(&text)),
        ssh_peer: connection.as_deref().and_then(ssh_peer),
        tty: terminal(),
    }
}

/// The path of the terminal that one of the standard streams is.
fn terminal() -> Option<String> {
    let path = ttyname(io::stdin()).or_else(|_| ttyname(io::stdout())).or_else(|_| ttyname(io::stderr()));
    path.ok().map(|path| path.to_string_lossy().into_owned())
}

fn login_uid(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN_UID)
}

/// Address and port of the other end from `address port address port`, as sshd writes it. Anything else is no claim.
fn ssh_peer(connection: &str) -> Option<String> {
    let words: Vec<&str> = connection.split(' ').collect();
    let [address, port, _, _] = words.as_slice() else { return None };
    // A scope as in fe80::1%eth0 is kept by sshd but is no part of the address's syntax here.
    let plain = address.split('%').next().unwrap_or(address);
    let (address, port) = (plain.parse().ok()?, port.parse().ok()?);
    Some(std::net::SocketAddr::new(address, port).to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_clocks_go_forward() {
        let clock = SystemClock;
        let (wall, since_boot) = (clock.now(), clock.monotonic());
        // 2020-01-01: a clock before the program was written is a clock that was not read.
        assert!(wall > Timestamp::from_millis(1_577_836_800_000));
        assert!(since_boot > Duration::ZERO);
        while clock.monotonic() == since_boot {}
        assert!(clock.monotonic() > since_boot);
    }

    #[test]
    fn time_since_boot_is_that_of_the_kernel() {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // /proc/uptime was read before and has hundredths of a second.
        assert!(SystemClock.monotonic().as_secs_f64() + 0.01 >= seconds);
    }

    #[test]
    fn the_host_tells_who_and_where_it_is() {
        let host = Host::detect();
        assert_eq!(host.name, fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim());
        assert_eq!(host.boot_id.len(), 36);
        assert_eq!(host.pid, std::process::id());
    }

    #[test]
    fn the_person_is_the_real_uid_of_the_process() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
        let uid: u32 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let person = person();
        assert_eq!(person.uid, uid);
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        if let Some(entry) = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid.to_string())) {
            assert_eq!(Some(person.name.as_str()), entry.split(':').next());
        }
    }

    #[rstest]
    #[case("1000\n", Some(1000))]
    #[case("0", Some(0))]
    #[case("4294967295", None)]
    #[case("", None)]
    fn an_unset_login_uid_is_none(#[case] text: &str, #[case] expected: Option<u32>) {
        assert_eq!(login_uid(text), expected);
    }

    #[rstest]
    #[case("192.0.2.7 50022 198.51.100.1 22", Some("192.0.2.7:50022"))]
    #[case("2001:db8::7 50022 2001:db8::1 22", Some("[2001:db8::7]:50022"))]
    #[case("fe80::1%eth0 50022 fe80::2%eth0 22", Some("[fe80::1]:50022"))]
    #[case("", None)]
    #[case("192.0.2.7 50022", None)]
    #[case("<script> 1 2 3", None)]
    #[case("192.0.2.7 99999 198.51.100.1 22", None)]
    fn the_ssh_peer_is_read_strictly(#[case] connection: &str, #[case] expected: Option<&str>) {
        assert_eq!(ssh_peer(connection).as_deref(), expected);
    }
}

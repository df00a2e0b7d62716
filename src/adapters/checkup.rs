//! A look at this host for `aiops doctor`: port, directories, clock, login manager, programs, the way to a service.
//!
//! Owns: asking the system and judging its answers. Invariants: nothing is changed; programs that are asked are ended when
//! they do not answer in time.

use std::fs;
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};

use crate::domain::checkup::{Finding, Level};

/// A program that is asked gets this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked whether it has answered.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A connection may take this long.
const CONNECT_WITHIN: Duration = Duration::from_millis(2_500);

/// Whether `listen` can be listened on. `holder` is who receives now according to the database.
#[must_use]
pub fn port(listen: SocketAddr, holder: Option<&str>) -> Vec<Finding> {
    vec![match (TcpListener::bind(listen), holder) {
        (Ok(_), None) => Finding::ok(format!("{listen} is free; the next console receives there")),
        (Ok(_), Some(holder)) => {
            let fix = format!("Look whether {holder} has another receiver.listen, and at its log");
            Finding::warn(format!("{holder} holds the receiver, and nothing listens on {listen}"), fix)
        }
        (Err(error), Some(holder)) if error.kind() == io::ErrorKind::AddrInUse => {
            Finding::ok(format!("{listen} is in use while {holder}, an aiops of this database, receives"))
        }
        (Err(error), None) if error.kind() == io::ErrorKind::AddrInUse => {
            let fix = format!("See who has it with `ss -ltnp sport = :{}`, or set receiver.listen", listen.port());
            Finding::fail(format!("{listen} is held by another program, or an aiops with another database"), fix)
        }
        (Err(error), _) => Finding::fail(
            format!("{listen} cannot be listened on: {error}"),
            "Set receiver.listen to an address of this host",
        ),
    }]
}

/// Whether files can be made in `directory`, or in the nearest one above that is there; `what` says what for.
#[must_use]
pub fn directory(what: &str, directory: &Path) -> Vec<Finding> {
    let Some(existing) = directory.ancestors().find(|above| above.exists()) else {
        return vec![Finding::fail(format!("{what}: {} cannot be made", directory.display()), "Choose another place")];
    };
    let place = existing.display();
    let writable = access(existing, AccessFlags::W_OK | AccessFlags::X_OK);
    let mode = fs::metadata(existing).map(|found| found.mode() & 0o7777);
    vec![match (writable, mode) {
        (Ok(()), _) if existing != directory => {
            Finding::ok(format!("{what}: {} is not there yet and can be made", directory.display()))
        }
        (Ok(()), Ok(mode)) if mode & 0o022 != 0 && mode & 0o1000 == 0 => {
            let fix = format!("Run: chmod go-w {place}");
            Finding::fail(format!("{what}: others may change {place} (mode {mode:04o})"), fix)
        }
        (Ok(()), Ok(mode)) => Finding::ok(format!("{what}: {place} can be written (mode {mode:04o})")),
        (Ok(()), Err(error)) => Finding::warn(format!("{what}: {place}: {error}"), "Look at that directory"),
        (Err(error), _) => {
            let fix = "Make it writable for this user, or choose another place in the configuration";
            Finding::fail(format!("{what}: {place} cannot be written: {error}"), fix)
        }
    }]
}

/// SOPs that are named for one program at most.
const SOPS_NAMED: usize = 3;

/// Which of `programs` are on `path`. `own` gives the names of the person's own SOPs that use a program; those that only
/// bundled SOPs use are one remark, since nobody needs all of them.
#[must_use]
pub fn programs<'a>(path: &str, programs: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) -> Vec<Finding> {
    let is_there = |name: &str| path.split(':').any(|directory| is_program(&Path::new(directory).join(name)));
    let (found, missing): (Vec<_>, Vec<_>) = programs.into_iter().partition(|(name, _)| is_there(name));
    let (bundled, own): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(_, sops)| sops.is_empty());
    let names = |programs: &[(&str, Vec<&str>)]| programs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    let mut findings = Vec::new();
    if !found.is_empty() {
        findings.push(Finding::ok(format!("found: {}", names(&found))));
    }
    if !own.is_empty() {
        let each: Vec<String> = own.iter().map(|(name, sops)| format!("{name} ({})", some_of(sops))).collect();
        let fix = "Install them, or add their directories to run.path; steps with other programs work without them";
        findings.push(Finding::warn(format!("your SOPs use what is not on run.path: {}", each.join(", ")), fix));
    }
    if !bundled.is_empty() {
        let what = "only bundled SOPs use what is not on run.path, which matters where you want those";
        findings.push(Finding::ok(format!("{what}: {}", names(&bundled))));
    }
    findings
}

/// The first names, and how many there are more.
fn some_of(names: &[&str]) -> String {
    let (named, more) = names.split_at(names.len().min(SOPS_NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("{}{more}", named.join(", "))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether the clock of this host is kept right by something.
#[must_use]
pub fn clock() -> Vec<Finding> {
    let fix = "Start a time service (systemd-timesyncd, chrony): times of alerts and of the journal are compared";
    vec![match ask("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).as_deref() {
        Some("yes") => Finding::ok("the clock is synchronized"),
        Some("no") => Finding::warn("the clock is not synchronized", fix),
        _ => Finding::warn("whether the clock is synchronized cannot be found out (timedatectl does not say)", fix),
    }]
}

/// Whether the login manager ends running commands when a person logs out.
#[must_use]
pub fn logout() -> Vec<Finding> {
    if !Path::new("/run/systemd/system").exists() {
        return vec![Finding::ok("systemd does not run here; a logout ends nothing")];
    }
    let manager = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"];
    let words = [&["get-property"][..], &manager, &["KillUserProcesses"]].concat();
    vec![match ask("busctl", &words).as_deref() {
        Some("b false") => Finding::ok("a logout ends no running command (KillUserProcesses=no)"),
        Some("b true") => Finding::warn(
            "a logout ends running commands (KillUserProcesses=yes); they are shown as unknown then",
            "Set KillUserProcesses=no in /etc/systemd/logind.conf, or run: loginctl enable-linger",
        ),
        _ => Finding::warn(
            "whether a logout ends running commands cannot be found out (systemd-logind does not say)",
            "Look for KillUserProcesses in /etc/systemd/logind.conf: yes ends them",
        ),
    }]
}

/// Whether `host` can be connected to on `port`.
#[must_use]
pub fn reach(host: &str, port: u16) -> Finding {
    let begun = Instant::now();
    let fix = "Check the network, the firewall and the proxy";
    let addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Finding::warn(format!("{host} cannot be resolved: {error}"), fix),
    };
    let mut last = "it has no address".to_owned();
    for address in addresses {
        let Some(left) = CONNECT_WITHIN.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else { break };
        match TcpStream::connect_timeout(&address, left) {
            Ok(_) => return Finding::ok(format!("{host} answers after {} ms", begun.elapsed().as_millis())),
            Err(error) => last = error.to_string(),
        }
    }
    Finding::warn(format!("{host} cannot be reached: {last}"), fix)
}

/// The answer of an Alertmanager, judged: how fast, and how far its clock is from ours (in milliseconds, positive when it is
/// ahead).
#[must_use]
pub fn answer(name: &str, latency: Duration, skew_ms: Option<i64>) -> Finding {
    /// The header has whole seconds, and the answer took a while: less than this is no difference.
    const NO_SKEW: u64 = 2_000;
    let what = format!("{name} answers after {} ms", latency.as_millis());
    match skew_ms {
        None => Finding { level: Level::Ok, what: format!("{what}; it does not say its time"), fix: String::new() },
        Some(skew) if skew.unsigned_abs() <= NO_SKEW => Finding::ok(format!("{what}, its clock agrees with this one")),
        Some(skew) => {
            let side = if skew > 0 { "ahead of" } else { "behind" };
            let what = format!("{what}, its clock is {} s {side} this one", skew.unsigned_abs() / 1_000);
            Finding::warn(what, "Synchronize both clocks: ends and durations are wrong otherwise")
        }
    }
}

/// The first line that a program prints; `None` when it is not there, fails, or takes too long.
fn ask(program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let deadline = Instant::now() + ANSWER_WITHIN;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => {
                // It may have ended meanwhile; then there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut text = String::new();
    // Only programs that print one short line are asked: it is in the pipe by now.
    child.stdout.take()?.take(1_024).read_to_string(&mut text).ok()?;
    status.success().then(|| text.lines().next().unwrap_or("").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_port_is_free_ours_or_of_others() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        assert_eq!(port(listen, Some("7@web-1"))[0].level, Level::Ok);
        assert_eq!(port(listen, None)[0].level, Level::Fail);
        drop(taken);
        assert_eq!(port(listen, None)[0].level, Level::Ok);
        assert_eq!(port(listen, Some("7@web-1"))[0].level, Level::Warn);
        // An address of TEST-NET-1 (RFC 5737), which no host has.
        assert_eq!(port(([192, 0, 2, 1], 9).into(), None)[0].level, Level::Fail);
    }

    #[test]
    fn directories_are_judged_as_they_are_and_not_made() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("a/b");
        assert_eq!(directory("attempts", &deep)[0].level, Level::Ok);
        assert!(!home.path().join("a").exists());
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(directory("attempts", home.path())[0].level, Level::Fail);
    }

    #[test]
    fn programs_are_found_on_the_path_only_when_they_can_run() {
        let home = tempfile::tempdir().unwrap();
        for (name, mode) in [("runs", 0o755), ("reads", 0o644)] {
            fs::write(home.path().join(name), "").unwrap();
            fs::set_permissions(home.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = format!("/nonexistent:{}", home.path().display());
        let many = vec!["a.md", "b.md", "c.md", "d.md", "e.md"];
        let called =
            [("runs", vec!["a.md"]), ("reads", vec!["a.md"]), ("absent", many), ("far", vec![]), ("off", vec![])];
        let findings = programs(&path, called);
        assert_eq!(findings[0], Finding::ok("found: runs"));
        assert_eq!(findings[1].level, Level::Warn);
        let expected = "your SOPs use what is not on run.path: reads (a.md), absent (a.md, b.md, c.md and 2 more)";
        assert_eq!(findings[1].what, expected);
        assert_eq!((findings[2].level, findings.len()), (Level::Ok, 3), "one remark for all that is bundled");
        assert!(findings[2].what.ends_with(": far off"), "{}", findings[2].what);
    }

    #[rstest]
    #[case(None, Level::Ok, "does not say its time")]
    #[case(Some(1_500), Level::Ok, "agrees")]
    #[case(Some(-1_500), Level::Ok, "agrees")]
    #[case(Some(90_000), Level::Warn, "90 s ahead")]
    #[case(Some(-90_000), Level::Warn, "90 s behind")]
    fn skew_is_told_beyond_what_the_header_can_say(
        #[case] skew: Option<i64>,
        #[case] level: Level,
        #[case] words: &str,
    ) {
        let finding = answer("am", Duration::from_millis(5), skew);
        assert_eq!(finding.level, level);
        assert!(finding.what.contains(words), "{}", finding.what);
    }

    #[test]
    fn programs_that_are_asked_answer_in_one_line_or_not_at_all() {
        assert_eq!(ask("printf", &["one\\ntwo"]).as_deref(), Some("one"));
        assert_eq!(ask("false", &[]), None);
        assert_eq!(ask("/nonexistent/program", &[]), None);
    }
}

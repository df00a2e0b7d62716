//! A look at the database from outside, for `aiops doctor`: nothing is created, migrated or changed.
//!
//! Owns: what is said of the file, its place and the end of its journal. Does not: verify the whole journal, which takes time
//! in proportion to its length; `aiops journal verify` does.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::statvfs::statvfs;
use rusqlite::Connection;

use super::error::Fault;
use super::{Identity, Now, StoreError, calls, filesystem, journal, lanes, lease, migrations, open};
use crate::domain::checkup::Finding;
use crate::domain::journal::PartVerifier;
use crate::domain::time::Timestamp;

/// Entries at the end of the journal that are looked at.
const TAIL: u32 = 200;

/// Less free space than this is worth a warning: a storm of alerts and the output of some commands.
const FREE_ENOUGH: u64 = 512 * 1024 * 1024;

/// Less free space than this is a failure: intents could soon not be stored.
const FREE_LEAST: u64 = 16 * 1024 * 1024;

/// What is to be said of the database at `path`.
#[must_use]
pub fn check_database(path: &Path) -> Vec<Finding> {
    let place = path.display();
    let mut findings = Vec::new();
    let directory = path.parent().unwrap_or(Path::new("."));
    if let Some(existing) = directory.ancestors().find(|above| above.exists()) {
        findings.extend(place_of(existing));
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.push(Finding::ok(format!("{place} is not there yet; the first console makes it")));
            return findings;
        }
        Err(error) => {
            findings
                .push(Finding::fail(format!("{place}: {error}"), "Make it and its directory readable for this user"));
            return findings;
        }
    };
    let mode = metadata.mode() & 0o7777;
    if metadata.uid() != nix::unistd::Uid::effective().as_raw() {
        let fix = "Use a database of your own: --db or AIOPS_DB";
        findings.push(Finding::fail(format!("{place} belongs to uid {}", metadata.uid()), fix));
    } else if mode & 0o077 != 0 {
        let fix = format!("Run: chmod 600 {place}");
        findings.push(Finding::warn(format!("{place} can be read by others (mode {mode:04o})"), fix));
    } else {
        findings.push(Finding::ok(format!("{place}, mode {mode:04o}, {} KiB", metadata.len() / 1024)));
    }
    match open::connect_reader(path) {
        Ok(connection) => findings.extend(inside(&connection, path)),
        Err(error) => findings.push(Finding::fail(error.to_string(), "Do what stands there")),
    }
    findings
}

/// Who receives according to the database: `process@host`, when there is such a process.
#[must_use]
pub fn receiver_of(path: &Path, identity: &Identity, now: &Now) -> Option<String> {
    let connection = path.exists().then(|| open::connect_reader(path).ok())??;
    let view = lease::view(&connection, super::INGEST_LEASE, identity, path, lanes::millis(now().1));
    view.ok()?.map(|view| view.holder)
}

/// What counts as spent on models on the day of `at` in UTC, in millionths of a US dollar; `None` when there is no database,
/// or one of another schema than ours.
///
/// # Errors
/// When the database cannot be read.
pub fn spent_today(path: &Path, at: Timestamp) -> Result<Option<u64>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = open::connect_reader(path)?;
    let spent = || -> Result<Option<u64>, Fault> {
        if migrations::is_foreign(&connection)? || migrations::version(&connection)? != migrations::VERSION {
            return Ok(None);
        }
        Ok(Some(calls::spent(&connection, at, None)?.day))
    };
    spent().map_err(|fault| fault.at(path))
}

/// The file system that the database lies or will lie on.
fn place_of(directory: &Path) -> Vec<Finding> {
    let place = directory.display();
    let mut findings = Vec::new();
    match filesystem::network_kind(directory) {
        Ok(None) => findings.push(Finding::ok(format!("{place} is on a local file system"))),
        Ok(Some(kind)) => {
            let fix = "Choose a place on a local disk with --db, for example under /var/tmp";
            findings.push(Finding::fail(format!("{place} is on a network file system ({kind})"), fix));
        }
        Err(error) => findings.push(Finding::warn(format!("{place}: {error}"), "Look at that directory")),
    }
    // The sizes of these fields differ between platforms.
    #[allow(clippy::useless_conversion, reason = "the width of the numbers differs between platforms")]
    let free = statvfs(directory).map(|found| u64::from(found.blocks_available()) * u64::from(found.fragment_size()));
    match free {
        Ok(free) => {
            let what = format!("{} MiB are free on the file system of {place}", free / (1024 * 1024));
            let fix = "Free some space: nothing is run when it cannot be stored what is run";
            findings.push(match free {
                _ if free < FREE_LEAST => Finding::fail(what, fix),
                _ if free < FREE_ENOUGH => Finding::warn(what, fix),
                _ => Finding::ok(what),
            });
        }
        Err(error) => findings.push(Finding::warn(format!("free space of {place}: {error}"), "Look at that directory")),
    }
    findings
}

fn inside(connection: &Connection, path: &Path) -> Vec<Finding> {
    let found = [schema(connection), whole(connection), tail(connection)];
    let failed = |fault: Fault| Finding::fail(fault.at(path).to_string(), "Do what stands there");
    found.into_iter().map(|finding| finding.unwrap_or_else(failed)).collect()
}

fn schema(connection: &Connection) -> Result<Finding, Fault> {
    let (found, ours) = (migrations::version(connection)?, migrations::VERSION);
    if migrations::is_foreign(connection)? {
        return Ok(Finding::fail("the file belongs to another program", "Choose another one with --db"));
    }
    Ok(match found.cmp(&ours) {
        std::cmp::Ordering::Equal => Finding::ok(format!("schema {found}, SQLite {}", rusqlite::version())),
        std::cmp::Ordering::Less => Finding::warn(
            format!("schema {found}, this program writes {ours}"),
            "The next console brings it up to date; end older ones first",
        ),
        std::cmp::Ordering::Greater => Finding::fail(
            format!("schema {found}, and this program knows {ours} at most"),
            "Use the newer aiops that wrote it, or another file with --db",
        ),
    })
}

fn whole(connection: &Connection) -> Result<Finding, Fault> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(if found == "ok" {
        Finding::ok("the database is whole (quick check)")
    } else {
        Finding::fail(
            format!("the database is damaged: {found}"),
            "Leave all consoles of it and start one: it is then restored",
        )
    })
}

fn tail(connection: &Connection) -> Result<Finding, Fault> {
    let mut verifier = PartVerifier::default();
    for entry in journal::tail(connection, TAIL)? {
        if let Err(broken) = verifier.check(&entry) {
            let what = format!("the journal is broken at entry {}: {}", broken.seq, broken.reason);
            return Ok(Finding::fail(what, "Keep the file as it is and run `aiops journal verify`"));
        }
    }
    if let Some(claim) = verifier.claims().take_open().first() {
        let broken = claim.unsealed();
        let what = format!("the journal is broken at entry {}: {}", broken.seq, broken.reason);
        return Ok(Finding::fail(what, "Keep the file as it is and run `aiops journal verify`"));
    }
    if verifier.gaps() > 0 {
        let fix = "Keep the file as it is and run `aiops journal verify`";
        return Ok(Finding::fail("entries of the journal are missing", fix));
    }
    let last = verifier.last().map_or(0, |(seq, _)| seq.0);
    Ok(Finding::ok(format!("the last {} of {last} entries of the journal are in order", verifier.entries())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::tests::support::{Bench, actor, firing};
    use super::*;
    use crate::domain::checkup::Level;
    use crate::domain::id::IncidentId;
    use crate::domain::incident::IncidentCommand;

    fn worst(findings: &[Finding]) -> Level {
        findings.iter().map(|finding| finding.level).max().unwrap()
    }

    fn said(findings: &[Finding]) -> String {
        findings.iter().map(|finding| format!("{} {}\n", finding.level.name(), finding.what)).collect()
    }

    #[test]
    fn a_database_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/aiops.db");
        let findings = check_database(&path);
        assert!(said(&findings).contains("is not there yet"), "{}", said(&findings));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_sound_one_is_found_sound_and_a_changed_journal_is_found() {
        let bench = Bench::new();
        let fence = bench.fence().await;
        bench.ingest(&fence, vec![firing("A", "a", 1)]).await;
        bench.store.incident_command(IncidentId(1), IncidentCommand::Acknowledge, &actor("ada")).await.unwrap();
        let findings = check_database(&bench.path());
        assert!(worst(&findings) < Level::Fail, "{}", said(&findings));
        for words in ["mode 0600", "schema", "whole", "entries of the journal are in order"] {
            assert!(said(&findings).contains(words), "{words}: {}", said(&findings));
        }
        fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(said(&check_database(&bench.path())).contains("warn "));
        let raw = bench.raw();
        raw.execute_batch("DROP TRIGGER journal_is_append_only_update").unwrap();
        raw.execute("UPDATE journal SET payload = payload || ' ' WHERE seq = 2", []).unwrap();
        let findings = check_database(&bench.path());
        assert!(said(&findings).contains("fail the journal is broken at entry 2"), "{}", said(&findings));
    }
}

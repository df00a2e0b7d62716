//! A look at what keeps a database from being lost, for `aiops doctor`: backups, ballast, files that were put aside.
//!
//! Owns: what is said of them. Does not: read backups, which takes time in proportion to their size; `aiops backup check` does.

use std::fs;
use std::path::Path;

use super::backup::{backup_directory, backups_of};
use super::restore::damaged_directory;
use super::{ballast, open};
use crate::domain::checkup::Finding;
use crate::domain::keeping::{BACKUP_EVERY, Retention, bytes_for_people};
use crate::domain::time::Timestamp;

/// A newest backup that is so many times older than it should be is worth a warning: consoles are closed at night.
const LATE: u32 = 48;

/// What is to be said of the backups of the database at `path`, of which so many are to be kept; `None` when none are made.
#[must_use]
pub fn check_keeping(path: &Path, retention: Option<Retention>, now: Timestamp) -> Vec<Finding> {
    if !path.exists() {
        return vec![Finding::ok("there is no database yet, and nothing to back up")];
    }
    let mut findings = vec![backups(path, retention, now)];
    if ballast::is_there(path) {
        findings.push(Finding::ok("there is ballast: the end of a command can be stored on a full disk"));
    } else {
        let fix = "Free some space: it is laid down when four times its size (keep.ballast) is free";
        findings.push(Finding::warn("there is no ballast, or no console has run since it was given up", fix));
    }
    if open::beside(path, ".damaged").exists() || open::beside(path, ".restoring").exists() {
        let fix = "Leave all consoles of this database and start one: it is then restored";
        findings.push(Finding::fail("the database was found damaged and is not restored yet", fix));
    }
    let kept = fs::read_dir(damaged_directory(path)).map_or(0, Iterator::count);
    if kept > 0 {
        let what = format!("{kept} damaged databases are kept in {}", damaged_directory(path).display());
        findings
            .push(Finding::warn(what, "Look at what was lost, and at the disk; remove them when nobody needs them"));
    }
    findings
}

fn backups(path: &Path, retention: Option<Retention>, now: Timestamp) -> Finding {
    let (all, place) = (backups_of(path), backup_directory(path));
    let Some(newest) = all.first() else {
        let what = format!("there is no backup in {}", place.display());
        let fix = "Run `aiops backup make`, or let a console receive: it makes one every hour (keep.backups)";
        return Finding::warn(what, fix);
    };
    let bytes = bytes_for_people(all.iter().map(|backup| backup.bytes).sum());
    let what =
        format!("{} backups ({bytes}) in {}, the newest of {}", all.len(), place.display(), newest.at.to_minute());
    if retention.is_none() {
        return Finding::warn(what, "Backups are switched off; set keep.backups = true");
    }
    if now.since(newest.at) > BACKUP_EVERY * LATE {
        return Finding::warn(what, "Run `aiops backup make`, and look into the log for why none was made");
    }
    Finding::ok(what)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::support::Bench;
    use super::*;
    use crate::domain::checkup::Level;

    fn said(path: &Path, now: Timestamp) -> Vec<(Level, String)> {
        check_keeping(path, Some(Retention::default()), now)
            .into_iter()
            .map(|finding| (finding.level, finding.what))
            .collect()
    }

    #[tokio::test]
    async fn missing_and_old_backups_and_damage_are_said() {
        let bench = Bench::new();
        let path = bench.path();
        assert!(said(&path, bench.clock.now())[0].1.contains("no backup"));
        bench.store.back_up(Retention::default()).await.unwrap().unwrap();
        bench.store.lay_ballast(64 * 1024).unwrap();
        let findings = said(&path, bench.clock.now());
        assert!(findings.iter().all(|(level, _)| *level == Level::Ok), "{findings:?}");
        bench.clock.advance(Duration::from_secs(3 * 24 * 3_600));
        assert_eq!(said(&path, bench.clock.now())[0].0, Level::Warn);
        fs::write(open::beside(&path, ".damaged"), "page 7").unwrap();
        fs::create_dir_all(damaged_directory(&path).join("one")).unwrap();
        let findings = said(&path, bench.clock.now());
        assert_eq!(findings.iter().filter(|(level, _)| *level == Level::Fail).count(), 1, "{findings:?}");
        assert!(findings.iter().any(|(_, what)| what.contains("1 damaged databases")), "{findings:?}");
        assert_eq!(check_keeping(&path.join("absent"), None, bench.clock.now()).len(), 1);
    }
}

//! Keeping the store well: which backups stay, what goes when the disk budget is used up, and what a restored store has lost.
//!
//! Owns: these rules and their words. Does not: look at files, erase anything, or know the time.
//!
//! Invariants: the newest backup is never superseded. The journal, intents and outcomes are in no [`Erasable`], so that no
//! budget can take them.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A backup is made this often.
pub const BACKUP_EVERY: Duration = Duration::from_secs(3_600);

/// Milliseconds of an hour and of a day.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Which backups are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest one of each of so many hours.
    pub hourly: u32,
    /// The newest one of each of so many days (in UTC).
    pub daily: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { hourly: 24, daily: 7 }
    }
}

impl Retention {
    /// Those of `backups` that need not be kept, the oldest first.
    ///
    /// Hours and days without a backup do not count: a console that was closed for a week finds its backups again.
    #[must_use]
    pub fn superseded(self, backups: &[Timestamp]) -> Vec<Timestamp> {
        let mut newest_first = backups.to_vec();
        newest_first.sort_unstable();
        newest_first.reverse();
        let mut kept: HashSet<Timestamp> = newest_first.first().copied().into_iter().collect();
        for (length, most) in [(HOUR, self.hourly), (DAY, self.daily)] {
            let mut slots = HashSet::new();
            for backup in &newest_first {
                if slots.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                    break;
                }
                if slots.insert(backup.as_millis().div_euclid(length)) {
                    kept.insert(*backup);
                }
            }
        }
        newest_first.retain(|backup| !kept.contains(backup));
        newest_first.reverse();
        newest_first
    }
}

/// Whether a backup is due at `now`. A clock that was set back does not put it off for ever.
#[must_use]
pub fn is_backup_due(newest: Option<Timestamp>, now: Timestamp) -> bool {
    newest.is_none_or(|newest| newest > now || now.since(newest) >= BACKUP_EVERY)
}

/// What may be erased when the disk budget is used up, in the order in which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erasable {
    /// The search index; it is made again from documents and incidents when there is room.
    SearchIndex,
    /// Outputs of attempts that are older than they have to be kept. How they ended stays.
    Outputs,
    /// Backups, the oldest first; the newest stays.
    Backups,
    /// Annotations of alerts whose incident was resolved long ago.
    Details,
}

impl Erasable {
    /// All of them, first to last.
    pub const ORDER: [Self; 4] = [Self::SearchIndex, Self::Outputs, Self::Backups, Self::Details];

    /// What it is called in sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SearchIndex => "the search index",
            Self::Outputs => "old outputs",
            Self::Backups => "old backups",
            Self::Details => "details of alerts resolved long ago",
        }
    }
}

/// What the store takes up on the disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The database with its log, the search index in it included; pages that are free inside the file are not counted,
    /// because they are used again before the file grows.
    pub database: u64,
    /// Outputs and records of attempts.
    pub outputs: u64,
    /// Backups.
    pub backups: u64,
}

impl Usage {
    /// All of it.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.database.saturating_add(self.outputs).saturating_add(self.backups)
    }

    /// By how much it is more than `budget`; 0 when it is not.
    #[must_use]
    pub const fn over(self, budget: u64) -> u64 {
        self.total().saturating_sub(budget)
    }

    /// Whether there is so much room again that the search index can come back without being dropped soon after.
    #[must_use]
    pub const fn has_room_for_index(self, budget: u64) -> bool {
        self.total() < budget / 5 * 4
    }
}

/// What was erased in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// What.
    pub what: Erasable,
    /// How many: tables, outputs, files or alerts.
    pub count: u64,
    /// Bytes that became free.
    pub bytes: u64,
}

/// A number of bytes for people: whole KiB, MiB or GiB.
#[must_use]
pub fn bytes_for_people(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        1_048_576..10_737_418_240 => format!("{} MiB", bytes / 1_048_576),
        _ => format!("{} GiB", bytes / 1_073_741_824),
    }
}

/// What came of restoring a damaged store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What was found damaged.
    pub damage: String,
    /// The directory in which the damaged files are kept.
    pub kept_in: String,
    /// The backup that it was restored from, with the time at which that was made; `None` when there was no good one.
    pub backup: Option<(String, Timestamp)>,
    /// Entries of the journal that were read from the damaged file and verified, and are there again.
    pub salvaged: u64,
    /// The last entry that is there again; 0 when there is none.
    pub last_entry: i64,
    /// What is lost of the journal.
    pub lost: Lost,
    /// Proposals and grants that waited and are void now, because it is not known what happened to them since.
    pub voided: u32,
    /// Directories of attempts that the restored store knows nothing of: something was started then.
    pub strays: Vec<String>,
}

/// What is lost of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lost {
    /// No entry: the damaged file could be read to the end of its journal.
    Nothing,
    /// At least these entries.
    Entries {
        /// The first that is lost.
        first: i64,
        /// The last one that the damaged file is known to have had.
        last: i64,
        /// When the last entry that is left was written; `None` when there is none.
        from: Option<Timestamp>,
        /// When the damage was noticed.
        to: Timestamp,
    },
    /// It cannot be told whether there were more entries.
    Unknown {
        /// When the last entry that is left was written; `None` when there is none.
        from: Option<Timestamp>,
        /// When the damage was noticed.
        to: Timestamp,
    },
}

impl Restored {
    /// What a person has to know, one sentence or two for each matter, from what happened to what to do.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let base = match &self.backup {
            Some((_, at)) => format!("from the backup of {}", at.to_minute()),
            None => "without a backup, since there was no good backup".to_owned(),
        };
        let salvaged = match self.salvaged {
            0 => String::new(),
            salvaged => format!(", and with {salvaged} later entries of the journal that the damaged file still had"),
        };
        let mut words = vec![format!("The database was damaged and has been restored {base}{salvaged}.")];
        words.push(self.lost.words());
        let alerts = match &self.backup {
            Some((_, at)) => format!("since {}", at.to_minute()),
            None => "all".to_owned(),
        };
        words.push(format!("Alerts and chats ({alerts}) are not in it: firing alerts come back from their sources."));
        if self.voided > 0 {
            words.push(format!("{} waiting approvals are void: propose these steps again.", self.voided));
        }
        if !self.strays.is_empty() {
            let strays = self.strays.join(", ");
            words.push(format!("Attempts whose record is lost, by the directories of their output: {strays}."));
        }
        words.push(format!("The damaged files ({}) are kept in {}.", self.damage, self.kept_in));
        words
    }
}

impl Lost {
    fn words(&self) -> String {
        let since = |from: Option<Timestamp>| from.map_or_else(|| "the beginning".to_owned(), Timestamp::to_minute);
        match self {
            Self::Nothing => "No entry of the journal is lost.".to_owned(),
            Self::Entries { first, last, from, to } => format!(
                "LOST: entries {first} to {last} of the journal, written between {} and {}. Check by hand what was run then.",
                since(*from),
                to.to_minute()
            ),
            Self::Unknown { from, to } => format!(
                "LOST: whatever was done between {} and {}. Check by hand what was run then.",
                since(*from),
                to.to_minute()
            ),
        }
    }
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hours: i64, minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_000 * DAY + hours * HOUR + minutes * 60_000)
    }

    #[test]
    fn the_newest_of_each_hour_and_of_each_day_stay() {
        // Two an hour for twelve days.
        let all: Vec<Timestamp> = (0..12 * 24).flat_map(|hour| [at(hour, 5), at(hour, 35)]).collect();
        let gone = Retention::default().superseded(&all);
        let kept: Vec<&Timestamp> = all.iter().filter(|backup| !gone.contains(backup)).collect();
        // The newest day is among the hourly ones, so that six more days remain.
        assert_eq!(kept.len(), 24 + 6);
        assert!(kept.iter().all(|backup| backup.as_millis() % HOUR == 35 * 60_000), "the newer one of each hour");
        assert_eq!(*kept[0], at(5 * 24 + 23, 35));
        assert!(gone.is_sorted());
    }

    #[test]
    fn a_pause_takes_nothing_away() {
        let few = [at(0, 0), at(500, 0), at(9_000, 0)];
        assert_eq!(Retention::default().superseded(&few), []);
        assert_eq!(Retention { hourly: 0, daily: 0 }.superseded(&few), [at(0, 0), at(500, 0)]);
    }

    proptest! {
        #[test]
        fn the_newest_is_always_kept_and_no_more_than_asked(
            times in prop::collection::vec(0_i64..40 * DAY, 1..200), hourly in 0_u32..30, daily in 0_u32..10
        ) {
            let mut all: Vec<Timestamp> = times.into_iter().map(Timestamp::from_millis).collect();
            all.sort_unstable();
            all.dedup();
            let gone = Retention { hourly, daily }.superseded(&all);
            prop_assert!(!gone.contains(all.last().unwrap()));
            prop_assert!(all.len() - gone.len() <= (hourly + daily).max(1) as usize);
            prop_assert!(gone.iter().all(|one| all.contains(one)));
        }
    }

    #[test]
    fn a_backup_is_due_after_an_hour_and_when_the_clock_was_set_back() {
        assert!(is_backup_due(None, at(0, 0)));
        assert!(!is_backup_due(Some(at(0, 0)), at(0, 59)));
        assert!(is_backup_due(Some(at(0, 0)), at(1, 0)));
        assert!(is_backup_due(Some(at(9, 0)), at(1, 0)));
    }

    #[test]
    fn the_index_goes_first_and_only_comes_back_with_room_to_spare() {
        assert_eq!(Erasable::ORDER[0], Erasable::SearchIndex);
        assert!(Erasable::ORDER.is_sorted());
        let usage = Usage { database: 70, outputs: 20, backups: 20 };
        assert_eq!((usage.total(), usage.over(100), usage.over(200)), (110, 10, 0));
        assert!(!usage.has_room_for_index(130) && usage.has_room_for_index(150));
    }

    #[test]
    fn what_was_lost_is_said_with_its_times() {
        let mut restored = Restored {
            damage: "page 7 is wrong".to_owned(),
            kept_in: "/d/damaged/1".to_owned(),
            backup: Some(("/d/backups/x".to_owned(), at(1, 0))),
            salvaged: 12,
            last_entry: 40,
            lost: Lost::Entries { first: 41, last: 44, from: Some(at(1, 30)), to: at(2, 0) },
            voided: 2,
            strays: vec!["9-1000".to_owned()],
        };
        let said = restored.to_string();
        for words in [
            "restored",
            "12 later entries",
            "LOST: entries 41 to 44",
            "01:30 UTC",
            "02:00 UTC",
            "9-1000",
            "/d/damaged/1",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(said.contains("2 waiting approvals are void"), "{said}");
        restored.lost = Lost::Nothing;
        restored.backup = None;
        let said = restored.to_string();
        assert!(said.contains("no good backup") && !said.contains("LOST"), "{said}");
        restored.lost = Lost::Unknown { from: None, to: at(2, 0) };
        assert!(restored.to_string().contains("between the beginning and"), "{restored}");
    }

    #[test]
    fn sizes_for_people() {
        let shown = [5, 2_048, 3 << 20, 11 << 30].map(bytes_for_people);
        assert_eq!(shown, ["5 bytes", "2 KiB", "3 MiB", "11 GiB"]);
    }
}

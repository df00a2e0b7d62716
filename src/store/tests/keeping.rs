//! Backups, damage and restoration, and the disk budget, on real files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::acting::{approve, spec, start};
use super::support::{Bench, TestClock, actor, firing, open_as};
use crate::domain::action::attempt::{AttemptEnd, AttemptState, Outcome};
use crate::domain::action::proposal::ProposalState;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq, ProposalId};
use crate::domain::incident::IncidentCommand;
use crate::domain::journal::Payload;
use crate::domain::keeping::{Erasable, Lost, Retention};
use crate::domain::time::Timestamp;
use crate::store::backup::{self, Backup};
use crate::store::open::beside;
use crate::store::{Store, StoreError, backup_directory, backups_of, damaged_directory, look_into};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(super) async fn back_up(store: &Store) -> Backup {
    store.back_up(Retention::default()).await.unwrap().unwrap()
}

/// Overwrites the whole of `table` in a closed file: the pages of its tree, not those of others.
fn spoil(path: &Path, table: &str) {
    let connection = Connection::open(path).unwrap();
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let pages: Vec<i64> = {
        let mut statement = connection.prepare("SELECT pageno FROM dbstat WHERE name = ?1").unwrap();
        statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    connection.close().unwrap();
    let mut bytes = fs::read(path).unwrap();
    for page in pages {
        let start = usize::try_from((page - 1) * size).unwrap();
        bytes[start..start + usize::try_from(size).unwrap()].fill(0xa5);
    }
    fs::write(path, bytes).unwrap();
}

/// An incident with a proposal that was approved and started; the number of the attempt.
async fn act(bench: &Bench) -> AttemptId {
    let proposal = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    approve(&bench.store, &proposal).await.unwrap();
    start(&bench.store, &proposal).await.unwrap()
}

fn entries_of(store: &Store) -> impl Future<Output = Vec<Payload>> {
    let entries = store.read_view(|reader| reader.entries(JournalSeq(0), 10_000));
    async move { entries.await.unwrap().iter().map(|entry| serde_json::from_str(&entry.payload).unwrap()).collect() }
}

#[tokio::test]
async fn a_backup_is_private_whole_and_needs_nothing_beside_it() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let before = bench.store.verify().await.unwrap();
    let made = back_up(&bench.store).await;
    assert_eq!(made.at, bench.clock.now());
    assert_eq!(backups_of(&bench.path()), std::slice::from_ref(&made));
    assert_eq!((mode(&made.path), mode(&backup_directory(&bench.path()))), (0o600, 0o700));
    let content = look_into(&made.path).unwrap();
    assert_eq!((content.last_entry.0, content.head), (before.entries, before.head));
    let mut names: Vec<String> = fs::read_dir(backup_directory(&bench.path()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "the lock and the backup, no log beside it: {names:?}");
    let entries = entries_of(&bench.store).await;
    let Some(Payload::BackedUp { bytes, last_entry, .. }) = entries.last() else { panic!("{entries:?}") };
    assert_eq!((*bytes, *last_entry), (made.bytes, content.last_entry));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_shows_one_moment_while_others_write() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, (0..2_000).map(|n| firing("Disk", &format!("a{n}"), n)).collect()).await;
    let writing = {
        let store = bench.store.clone();
        tokio::spawn(async move {
            for note in 0..200 {
                let command = IncidentCommand::Note(format!("note {note}"));
                store.incident_command(IncidentId(1), command, &actor("ada")).await.unwrap();
            }
        })
    };
    let made = back_up(&bench.store).await;
    writing.await.unwrap();
    let content = look_into(&made.path).unwrap();
    let entry = bench.store.read_view(move |reader| reader.entries(JournalSeq(content.last_entry.0 - 1), 1)).await;
    assert_eq!(entry.unwrap()[0].hash, content.head, "a true beginning of the journal");
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn old_backups_go_and_what_was_interrupted_is_cleared_away() {
    let bench = Bench::new();
    let partial = backup_directory(&bench.path()).join("aiops.db-20200101T000000.000Z.partial");
    fs::create_dir(backup_directory(&bench.path())).unwrap();
    fs::write(&partial, "half").unwrap();
    for _ in 0..30 {
        back_up(&bench.store).await;
        bench.clock.advance(Duration::from_secs(3_600));
    }
    assert!(!partial.exists());
    let kept = backups_of(&bench.path());
    // The newest 24, and the last one of the day before, unless it is among them.
    assert!((24..=26).contains(&kept.len()), "{}", kept.len());
    assert!(kept.windows(2).all(|pair| pair[0].at > pair[1].at));
    let entries = entries_of(&bench.store).await;
    let erased = entries.iter().filter(|entry| matches!(entry, Payload::Erased { what: Erasable::Backups, .. }));
    assert_eq!(erased.count(), 30 - kept.len());
    assert_eq!(bench.store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn while_one_process_makes_a_backup_another_does_not() {
    let bench = Bench::new();
    fs::create_dir(backup_directory(&bench.path())).unwrap();
    let lock = fs::File::create(backup_directory(&bench.path()).join(".lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(bench.store.back_up(Retention::default()).await.unwrap(), None);
    drop(lock);
    assert!(bench.store.back_up(Retention::default()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_database_makes_no_backup_and_takes_none_away() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let good = back_up(&bench.store).await;
    let path = bench.path();
    let (_directory, clock) = bench.close();
    spoil(&path, "alert");
    let error = backup::make(&path, clock.now()).unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { path: named, .. } if *named == path), "{error:?}");
    assert_eq!(backups_of(&path), [good]);
}

#[tokio::test]
async fn what_a_damaged_file_still_tells_is_restored_and_what_waited_is_void() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let waiting = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    back_up(&bench.store).await;
    bench.clock.advance(Duration::from_secs(600));
    bench.store.reject(waiting.id, &actor("ada")).await.unwrap();
    let attempt = act(&bench).await;
    let end = AttemptEnd::unseen(Outcome::Exited { code: 3 }, 7);
    bench.store.ended(attempt, end).await.unwrap();
    bench.ingest(&fence, vec![firing("Later", "b", 5)]).await;
    let second = bench.store.incident_command(IncidentId(2), IncidentCommand::Acknowledge, &actor("bob")).await;
    second.unwrap();
    let open = bench.store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    let before = bench.store.verify().await.unwrap();
    let path = bench.path();
    let (_directory, clock) = bench.close();
    spoil(&path, "timeline");
    let damaged = fs::read(&path).unwrap();

    let store = open_as(&path, &clock, 2).unwrap();
    // Opening does not read the timeline: the check after the first frame finds it.
    assert!(store.restored().is_none());
    assert!(matches!(store.quick_check().await, Err(StoreError::Corrupt { .. })));
    drop(store);

    let store = open_as(&path, &clock, 3).unwrap();
    let restored = store.restored().unwrap().clone();
    assert_eq!((&restored.lost, restored.voided), (&Lost::Nothing, 1), "{restored}");
    assert_eq!(restored.last_entry, before.entries);
    store.quick_check().await.unwrap();
    let verified = store.verify().await.unwrap();
    assert!(verified.broken.is_none() && verified.entries > before.entries, "{verified:?}");
    let state = store.attempt(attempt).await.unwrap().unwrap().state;
    assert!(matches!(state, AttemptState::Ended { outcome: Outcome::Exited { code: 3 }, .. }), "{state:?}");
    let proposal = |id: ProposalId| store.proposal(id);
    assert_eq!(proposal(waiting.id).await.unwrap().unwrap().state, ProposalState::Rejected);
    let void = proposal(open.id).await.unwrap().unwrap();
    assert_eq!(void.state, ProposalState::Void);
    assert!(void.reason.contains("restored"), "{}", void.reason);
    let later = store.detail(IncidentId(2)).await.unwrap().unwrap();
    assert_eq!(later.incident.owner.as_deref(), Some("bob"));
    assert_eq!(later.alerts.len(), 1, "its alert could be read");
    // The damaged file is as it was.
    let kept = PathBuf::from(&restored.kept_in).join("aiops.db");
    assert_eq!(fs::read(kept).unwrap(), damaged);
    assert_eq!(mode(&damaged_directory(&path)), 0o700);
    for gone in [".restoring", ".damaged", ".new"] {
        assert!(!beside(&path, gone).exists(), "{gone}");
    }
    let entries = entries_of(&store).await;
    assert!(entries.iter().any(|entry| matches!(entry, Payload::Restored { .. })));
    drop(store);
    assert!(open_as(&path, &clock, 4).unwrap().restored().is_none(), "once");
}

#[tokio::test]
async fn when_the_journal_itself_is_damaged_it_is_said_what_is_lost_and_no_number_comes_again() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let made = back_up(&bench.store).await;
    bench.clock.advance(Duration::from_secs(600));
    let lost = act(&bench).await;
    let stray = bench.path().parent().unwrap().join(format!("attempts/{lost}-{}", bench.clock.now().as_millis()));
    fs::create_dir_all(&stray).unwrap();
    let path = bench.path();
    let (_directory, clock) = bench.close();
    let mut bytes = fs::read(&path).unwrap();
    bytes[..4096].fill(0);
    fs::write(&path, bytes).unwrap();
    clock.advance(Duration::from_secs(60));
    let store = open_as(&path, &clock, 2).unwrap();
    let restored = store.restored().unwrap();
    let Lost::Unknown { from: Some(from), to } = &restored.lost else { panic!("{restored}") };
    assert!(*from <= made.at && *to == clock.now(), "{restored}");
    assert_eq!(restored.strays, [stray.file_name().unwrap().to_str().unwrap()]);
    let said = restored.to_string();
    assert!(said.contains("LOST") && said.contains("Check by hand") && said.contains(&restored.strays[0]), "{said}");
    let proposal = store.propose(spec("/srv"), &actor("ada")).await.unwrap();
    approve(&store, &proposal).await.unwrap();
    assert!(start(&store, &proposal).await.unwrap() > lost);
    assert!(store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn without_a_backup_the_journal_is_what_is_left() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let attempt = act(&bench).await;
    let before = bench.store.verify().await.unwrap();
    let path = bench.path();
    let (_directory, clock) = bench.close();
    spoil(&path, "change_counter");
    let store = open_as(&path, &clock, 2).unwrap();
    let restored = store.restored().unwrap();
    assert_eq!((&restored.backup, &restored.lost), (&None, &Lost::Nothing), "{restored}");
    assert_eq!(restored.salvaged, u64::try_from(before.entries).unwrap());
    assert_eq!(store.attempt(attempt).await.unwrap().unwrap().state, AttemptState::IntentStored);
    assert!(store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn nothing_is_restored_while_another_process_has_the_file_open() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    back_up(&bench.store).await;
    fs::write(beside(&bench.path(), ".damaged"), "page 7").unwrap();
    let other = bench.open_again(2);
    assert!(other.restored().is_none());
    drop(other);
    // Alone, it is looked at again, and found sound.
    let path = bench.path();
    let (_directory, clock) = bench.close();
    let alone = open_as(&path, &clock, 3).unwrap();
    assert!(alone.restored().is_none() && !beside(&path, ".damaged").exists());
}

#[tokio::test]
async fn a_restoration_that_was_interrupted_goes_on_wherever_it_was() {
    // After the note; after the move; with half a new database; with a whole one beside its place.
    for stage in 0..4 {
        let bench = Bench::new();
        let fence = bench.fence().await;
        bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
        back_up(&bench.store).await;
        let attempt = act(&bench).await;
        let path = bench.path();
        let (_directory, clock) = bench.close();
        let aside = damaged_directory(&path).join("aside");
        fs::create_dir_all(&aside).unwrap();
        fs::write(beside(&path, ".restoring"), "aside\n\npage 7 is wrong\n").unwrap();
        if stage >= 1 {
            fs::rename(&path, aside.join("aiops.db")).unwrap();
        }
        if stage == 2 {
            fs::write(beside(&path, ".new"), "half").unwrap();
        }
        if stage == 3 {
            fs::copy(&backups_of(&path)[0].path, beside(&path, ".new")).unwrap();
        }
        let store = open_as(&path, &clock, 2).unwrap();
        let restored = store.restored().unwrap();
        assert_eq!((&restored.lost, restored.damage.as_str()), (&Lost::Nothing, "page 7 is wrong"), "{stage}");
        assert_eq!(store.attempt(attempt).await.unwrap().unwrap().state, AttemptState::IntentStored);
        assert!(!beside(&path, ".restoring").exists() && !beside(&path, ".new").exists());
    }
}

#[tokio::test]
async fn a_restoration_whose_last_step_was_cut_off_is_not_done_again() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    back_up(&bench.store).await;
    let path = bench.path();
    let (_directory, clock) = bench.close();
    let damaged = b"not a page of it".repeat(256);
    fs::write(&path, &damaged).unwrap();
    let restored = open_as(&path, &clock, 2).unwrap().restored().unwrap().clone();
    let aside = PathBuf::from(&restored.kept_in);
    let note = format!("{}\n\n{}\n", aside.file_name().unwrap().to_str().unwrap(), restored.damage);
    fs::write(beside(&path, ".restoring"), note).unwrap();
    let again = open_as(&path, &clock, 3).unwrap();
    assert_eq!(again.restored(), Some(&restored));
    assert!(!beside(&path, ".restoring").exists());
    assert_eq!(fs::read(aside.join("aiops.db")).unwrap(), damaged, "the damaged file is not overwritten");
    let told = entries_of(&again).await;
    assert_eq!(told.iter().filter(|entry| matches!(entry, Payload::Restored { .. })).count(), 1);
}

#[tokio::test]
async fn an_emptied_file_with_backups_is_no_new_database() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    back_up(&bench.store).await;
    let path = bench.path();
    let (_directory, clock) = bench.close();
    fs::write(&path, b"").unwrap();
    let store = open_as(&path, &clock, 2).unwrap();
    assert!(store.restored().is_some());
    assert_eq!(store.header().await.unwrap().firing, 1);
}

#[tokio::test]
async fn the_newest_good_backup_is_taken() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let good = back_up(&bench.store).await;
    bench.clock.advance(Duration::from_secs(3_600));
    let bad = back_up(&bench.store).await;
    spoil(&bad.path, "alert");
    let path = bench.path();
    let (_directory, clock) = bench.close();
    fs::write(&path, b"").unwrap();
    let store = open_as(&path, &clock, 2).unwrap();
    assert_eq!(store.restored().unwrap().backup, Some((good.path.display().to_string(), good.at)));
}

#[tokio::test]
async fn a_file_of_somebody_else_is_never_put_aside() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    fs::write(&path, "shopping list\n".repeat(1_000)).unwrap();
    for _ in 0..2 {
        assert!(matches!(open_as(&path, &TestClock::start(), 1).unwrap_err(), StoreError::NotADatabase { .. }));
    }
    assert!(path.exists() && !damaged_directory(&path).exists());
}

#[tokio::test]
async fn what_the_budget_takes_is_noted_and_the_journal_stays() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let attempt = act(&bench).await;
    bench.store.ended(attempt, AttemptEnd::unseen(Outcome::Exited { code: 0 }, 7)).await.unwrap();
    assert!(bench.store.prepare_search().await.unwrap());
    for _ in 0..3 {
        back_up(&bench.store).await;
        bench.clock.advance(Duration::from_secs(3_600));
    }
    bench
        .store
        .incident_command(IncidentId(1), IncidentCommand::Resolve("over".to_owned()), &actor("ada"))
        .await
        .unwrap();
    let usage = bench.store.usage(10).await.unwrap();
    let backups: u64 = backups_of(&bench.path()).iter().map(|backup| backup.bytes).sum();
    assert!(usage.database > 100_000 && usage.backups == backups && usage.outputs == 10, "{usage:?}");

    let dropped = bench.store.drop_search_index("full").await.unwrap().unwrap();
    assert!(dropped.bytes > 0 && dropped.what == Erasable::SearchIndex, "{dropped:?}");
    assert_eq!(bench.store.drop_search_index("full").await.unwrap(), None);
    assert_eq!(bench.store.prepare_search().await.unwrap_err(), StoreError::IndexDropped);
    assert!(bench.store.allow_search_index().await.unwrap());
    assert!(bench.store.prepare_search().await.unwrap());

    let old = bench.store.old_outputs(Timestamp::from_millis(0), bench.clock.now()).await.unwrap();
    assert_eq!(old.len(), 1);
    let gone = bench.store.erase_old_backups(1, "full").await.unwrap().unwrap();
    assert_eq!((gone.count, backups_of(&bench.path()).len()), (1, 2));
    bench.store.erase_old_backups(u64::MAX, "full").await.unwrap().unwrap();
    assert_eq!(bench.store.erase_old_backups(u64::MAX, "full").await.unwrap(), None, "the newest stays");

    let month = Duration::from_secs(30 * 24 * 3_600);
    assert_eq!(bench.store.erase_details(month, "full").await.unwrap(), None, "not yet");
    bench.clock.advance(month * 2);
    assert_eq!(bench.store.erase_details(month, "full").await.unwrap().unwrap().count, 1);
    assert_eq!(bench.store.erase_details(month, "full").await.unwrap(), None);
    let detail = bench.store.detail(IncidentId(1)).await.unwrap().unwrap();
    assert!(detail.alerts[0].annotations.is_empty() && !detail.alerts[0].labels.is_empty());
    let entries = entries_of(&bench.store).await;
    let erased: Vec<Erasable> = entries
        .iter()
        .filter_map(|entry| if let Payload::Erased { what, .. } = entry { Some(*what) } else { None })
        .collect();
    assert_eq!(erased, [Erasable::SearchIndex, Erasable::Backups, Erasable::Backups, Erasable::Details]);
    assert!(entries.iter().any(|entry| matches!(entry, Payload::Ended { .. })));
    assert!(bench.store.verify().await.unwrap().ok);
}

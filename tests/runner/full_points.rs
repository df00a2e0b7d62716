//! A disk that is full at any point of an approval, and while a command runs. The disk is a small tmpfs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aiops::domain::action::attempt::{AttemptEnd, AttemptState, Outcome};
use aiops::domain::action::grant::Approval;
use aiops::domain::actor::Actor;
use aiops::domain::id::JournalSeq;
use aiops::domain::incident::IncidentCommand;
use aiops::domain::journal::Payload;
use nix::sys::statvfs::statvfs;

use crate::engine::{Console, INCIDENT, Scene, person};
use crate::small_disk::SmallDisk;
use crate::support::{runner, say, spec};

/// Points at which the disk is full.
const POINTS: u64 = 50;

/// So much more is free at each point, in bytes: up to a little more than what an approval, its start and its attempt take.
const STEP: u64 = 12 * 1024;

/// Commands that fill the disk while they run.
const FILLING: usize = 5;

/// Bytes of ballast on the small disk.
const BALLAST: u64 = 2 * 1024 * 1024;

/// Bytes that are free on the disk at `place`.
#[allow(clippy::useless_conversion, reason = "the width of the numbers differs between platforms")]
fn free(place: &Path) -> u64 {
    let found = statvfs(place).unwrap();
    u64::from(found.blocks_available()) * u64::from(found.fragment_size())
}

/// Fills the disk at `place` until about `left` bytes are free.
fn leave(place: &Path, left: u64) {
    let length = usize::try_from(free(place).saturating_sub(left)).unwrap();
    // Where the last page does not fit, the disk is as full as it was to be.
    let _ = fs::write(place.join("filler"), vec![0; length]);
}

fn make_room(place: &Path) {
    fs::remove_file(place.join("filler")).unwrap();
}

/// The intents in the journal.
async fn intents(console: &Console) -> usize {
    let entries = console.store.read_view(|reader| reader.entries(JournalSeq(0), 100_000)).await.unwrap();
    let is_intent = |payload: &str| matches!(serde_json::from_str(payload), Ok(Payload::IntentStored { .. }));
    entries.iter().filter(|entry| is_intent(&entry.payload)).count()
}

async fn check(console: &Console) {
    console.store.quick_check().await.unwrap();
    let report = console.store.verify().await.unwrap();
    assert!(report.ok, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_disk_is_full_nothing_runs_without_a_stored_intent() {
    let directory = tempfile::tempdir().unwrap();
    let test = "wherever_the_disk_is_full_nothing_runs_without_a_stored_intent";
    let Some(disk) = SmallDisk::mount(directory.path(), "32m", test) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let ledger = elsewhere.path().join("ledger");
    let scene = Scene::new_in(disk.path()).await;
    let console = scene.console(Arc::new(runner()));
    let (mut started, mut refused) = (0_usize, 0_usize);
    for point in 0..POINTS {
        // With ballast no approval is refused before it is tried, and none may use it up.
        assert!(console.store.lay_ballast(BALLAST).unwrap());
        let proposal = console.propose(spec(&format!("echo {point} >> {}", ledger.display()))).await;
        leave(disk.path(), point * STEP);
        match console.approve(&proposal).await {
            Ok(_) => started += 1,
            Err(_) => refused += 1,
        }
        make_room(disk.path());
    }
    // Without it, and without room, nothing is even tried.
    let proposal = console.propose(spec(&format!("echo last >> {}", ledger.display()))).await;
    let _ = fs::remove_file(scene.path().join("aiops.db.ballast"));
    leave(disk.path(), POINTS * STEP);
    let why = console.approve(&proposal).await.unwrap_err().to_string();
    assert!(why.contains("the disk is full"), "{why}");
    make_room(disk.path());
    let has_ended =
        |attempt: &aiops::domain::action::attempt::Attempt| matches!(attempt.state, AttemptState::Ended { .. });
    console.runner.resume().await.unwrap();
    scene.clock.advance(std::time::Duration::from_secs(60));
    console.until_all("all have ended", has_ended).await;
    let ran = fs::read_to_string(&ledger).unwrap_or_default().lines().count();
    let stored = intents(&console).await;
    assert!(ran <= stored && started <= stored, "{ran} ran, {started} were said to be started, {stored} intents");
    let exited = |attempt: &&aiops::domain::action::attempt::Attempt| {
        matches!(attempt.state, AttemptState::Ended { outcome: Outcome::Exited { code: 0 }, .. })
    };
    assert_eq!(console.attempts().await.iter().filter(exited).count(), ran, "every line has an end, and only these");
    assert!(refused > 0 && started > 0, "{refused} refused, {started} started: the points lie on both sides");
    check(&console).await;
    say(&format!(
        "disk-full points: {POINTS}: {started} started, {refused} refused, {ran} ran, {stored} intents stored; 0 actions \
         without a stored intent, the database is whole"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_command_that_filled_the_disk_is_stored_while_it_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let test = "the_end_of_a_command_that_filled_the_disk_is_stored_while_it_is_full";
    let Some(disk) = SmallDisk::mount(directory.path(), "32m", test) else { return };
    let scene = Scene::new_in(disk.path()).await;
    let console = scene.console(Arc::new(runner()));
    for round in 0..FILLING {
        assert!(console.store.lay_ballast(BALLAST).unwrap());
        // The log begins anew, so that an end needs room for it.
        let raw = rusqlite::Connection::open(scene.path().join("aiops.db")).unwrap();
        raw.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(raw);
        let junk = disk.path().join("filler");
        let script = format!("head -c 100M /dev/zero > {} ; for i in 1; do exit {}; done", junk.display(), 40 + round);
        let proposal = console.propose(spec(&script)).await;
        console.approve(&proposal).await.unwrap();
        let code = i32::try_from(40 + round).unwrap();
        let ended = |attempt: &aiops::domain::action::attempt::Attempt| matches!(attempt.state, AttemptState::Ended { outcome: Outcome::Exited { code: found }, .. } if found == code);
        console.until("its end is stored", ended).await;
        assert!(junk.exists(), "the disk was never made room on");
        say(&format!("round {round}: the end is stored; {} bytes are free", free(disk.path())));
        make_room(disk.path());
    }
    check(&console).await;
}

#[tokio::test]
async fn where_not_a_byte_is_free_the_ballast_is_given_up_for_an_outcome_and_for_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let test = "where_not_a_byte_is_free_the_ballast_is_given_up_for_an_outcome_and_for_nothing_else";
    let Some(disk) = SmallDisk::mount(directory.path(), "32m", test) else { return };
    let scene = Scene::new_in(disk.path()).await;
    let console = scene.console(Arc::new(runner()));
    let (store, actor) = (&console.store, Actor::Person(person()));
    let proposal = console.propose(spec("echo once")).await;
    let revision = Some(proposal.spec.step.revision.clone());
    let approval = Approval {
        digest: proposal.digest.clone(),
        typed_target: Some(proposal.spec.target.name().to_owned()),
        rendered: String::new(),
        terminal: (80, 24),
    };
    store.approve(proposal.id, approval, revision.clone(), &actor).await.unwrap();
    let attempt = store.start(proposal.id, revision, "/attempts", &actor).await.unwrap().attempt();
    assert!(store.lay_ballast(BALLAST).unwrap());
    let ballast = scene.path().join("aiops.db.ballast");
    leave(disk.path(), 0);
    // Notes of the size of a page each, until the room that the log has left is used up.
    let mut refused = None;
    for _ in 0..10_000 {
        let note = IncidentCommand::Note("x".repeat(4_000));
        if let Err(error) = store.incident_command(INCIDENT, note, &actor).await {
            refused = Some(error.to_string());
            break;
        }
    }
    assert!(refused.is_some_and(|why| why.contains("the disk is full")));
    assert!(ballast.exists(), "a note is no outcome");
    store.ended(attempt, AttemptEnd::unseen(Outcome::Exited { code: 7 }, 0)).await.unwrap();
    assert!(!ballast.exists());
    let state = store.attempt(attempt).await.unwrap().unwrap().state;
    assert!(matches!(state, AttemptState::Ended { outcome: Outcome::Exited { code: 7 }, .. }), "{state:?}");
    make_room(disk.path());
    assert!(store.lay_ballast(BALLAST).unwrap(), "it is laid down again when there is room");
    check(&console).await;
}

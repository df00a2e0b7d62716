//! Attempts on a disk that is full, before they begin and while they run. The disk is a small tmpfs.

use std::path::{Path, PathBuf};

use aiops::domain::action::attempt::Outcome;
use aiops::domain::digest::sha256_hex;
use aiops::engine::ports::{ActionRunner as _, Probe};

use crate::small_disk::SmallDisk;
use crate::support::{grant, read_record, runner, spec, until};

/// The directory of an attempt on this disk.
fn attempt_on(disk: &SmallDisk) -> PathBuf {
    let path = disk.path().join("attempt");
    std::fs::create_dir(&path).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_command_that_fills_the_disk_does_not_lose_how_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let test = "a_command_that_fills_the_disk_does_not_lose_how_it_ended";
    let Some(disk) = SmallDisk::mount(directory.path(), "512k", test) else { return };
    let attempt = attempt_on(&disk);
    let script = "head -c 3000000 /dev/zero; for i in 1; do exit 3; done";
    runner().run(grant(spec(script)), text(&attempt)).unwrap();
    until("the end is recorded", || matches!(runner().probe(text(&attempt)), Probe::Ended(_)));
    let record = read_record(&attempt);
    assert_eq!(record.outcome, Outcome::Exited { code: 3 });
    assert!(record.dropped_bytes > 0);
    assert!(record.notes.iter().any(|note| note.contains("output was lost")), "{:?}", record.notes);
    let output = std::fs::read(attempt.join("output")).unwrap();
    let end = String::from_utf8_lossy(&output[output.len() - 300..]).into_owned();
    assert!(end.contains("\naiops: output was lost: ") && end.contains(" bytes of output were not kept\n"), "{end}");
    assert_eq!((record.output_bytes, record.output_digest), (output.len() as u64, sha256_hex(&output)));
}

#[test]
fn on_a_full_disk_nothing_is_started_and_nothing_is_called_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let test = "on_a_full_disk_nothing_is_started_and_nothing_is_called_given_up";
    let Some(disk) = SmallDisk::mount(directory.path(), "512k", test) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let ledger = elsewhere.path().join("ledger");
    let attempt = attempt_on(&disk);
    disk.fill();
    let error = runner().run(grant(spec(&format!("echo ran >> {}", ledger.display()))), text(&attempt)).unwrap_err();
    assert!(error.to_string().contains("Nothing of it ran"), "{error}");
    assert_eq!(runner().probe(text(&attempt)), Probe::Lost { spawned: false, left: Vec::new(), output_bytes: 0 });
    assert!(runner().give_up(text(&attempt)).is_err());
    assert!(!ledger.exists());
}

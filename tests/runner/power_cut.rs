//! Power cuts: what a store has written up to some moment, as a disk may have kept it, is opened again.
//!
//! A process of its own does the work of a console while a small library below it records every write, length, sync and name
//! (`record_writes.c`). A cut is a beginning of that record. What was synced before it is on the disk; of what was written after
//! the last sync of a file each write is kept, lost, or torn between sectors; names in a directory are kept up to some moment
//! after the last sync of the directory.
//!
//! After each cut the database is whole without being restored, its chain verifies, and every approval, intent and end that
//! the process was told of is in it.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aiops::domain::action::attempt::{AttemptEnd, AttemptState, Outcome};
use aiops::domain::action::grant::Approval;
use aiops::domain::action::proposal::ProposalState;
use aiops::domain::actor::Actor;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::id::{AttemptId, ProposalId};
use aiops::domain::keeping::Retention;
use aiops::domain::time::Timestamp;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions as StoreOptions, Store, backups_of, look_into};

use crate::chance::{Chance, rounds};
use crate::engine::{INCIDENT, person};
use crate::support::{say, spec};

/// Cuts that are made every time, and with `AIOPS_LONG=1`.
const CUTS: (usize, usize) = (40, 200);

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Actions that the recorded process approves.
const ACTIONS: u32 = 60;

/// Actions after which it makes a backup.
const BACKUP_EACH: u32 = 20;

/// Alerts that come between two actions, so that the log is folded into the database several times.
const ALERTS: i64 = 40;

/// One thing that a process did to a file.
#[derive(Clone, Debug)]
enum Step {
    Created(String),
    Wrote(String, usize, Vec<u8>),
    Set(String, usize),
    Synced(String),
    Unlinked(String),
    Renamed(String, String),
}

/// The store at `path`, with a clock that goes on by a second with each look.
fn open(path: &Path) -> Store {
    let moment = Arc::new(std::sync::atomic::AtomicI64::new(1_000_000_000));
    let now = Arc::new(move || {
        let millis = moment.fetch_add(10, std::sync::atomic::Ordering::SeqCst);
        (Timestamp::from_millis(millis), Duration::from_millis(millis.unsigned_abs()))
    });
    let identity = Identity { host: "test".to_owned(), boot_id: "boot".to_owned(), pid: 7, person: person() };
    Store::open(path, StoreOptions { identity, now }).unwrap()
}

fn alerts(from: i64) -> AlertBatch {
    let alert = |number: i64| Alert {
        key: AlertKey {
            source: "am".into(),
            // The first is the one that actions are for.
            fingerprint: if number == 0 { "f".to_owned() } else { format!("f{number}") },
            starts_at: Timestamp::from_millis(1_000_000_000),
        },
        status: AlertStatus::Firing,
        ends_at: None,
        labels: BTreeMap::from([("alertname".to_owned(), "Disk".to_owned())]),
        annotations: BTreeMap::from([("summary".to_owned(), format!("{number} ").repeat(400))]),
        generator_url: None,
    };
    let alerts = (from..from + ALERTS).map(alert).collect();
    AlertBatch { source: "am".into(), origin: BatchOrigin::Webhook, alerts, digest: "0".repeat(64) }
}

/// The work of a console, in the recorded process: a line in `acks` for everything that it was told was stored. Does nothing in
/// any other process.
#[tokio::test]
async fn recorded_work() {
    let Some(directory) = std::env::var_os("RECORD_DIR").map(PathBuf::from) else { return };
    let mut acks = OpenOptions::new().create(true).append(true).open(directory.join("acks")).unwrap();
    // In one write, so that a cut finds a whole line or none.
    let mut ack = |what: &str, number: i64| acks.write_all(format!("{what} {number}\n").as_bytes()).unwrap();
    let store = open(&directory.join("aiops.db"));
    let held = store.acquire_lease(INGEST_LEASE, "test", Duration::from_secs(1_000_000)).await.unwrap();
    let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
    let actor = Actor::Person(person());
    for number in 0..ACTIONS {
        let batch = alerts(i64::from(number) * ALERTS);
        store.ingest(fence.clone(), batch, Duration::from_secs(60)).await.unwrap();
        let mut spec = spec(&format!("echo {number}"));
        spec.incident = INCIDENT;
        let proposal = store.propose(spec, &actor).await.unwrap();
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: Some("here".to_owned()),
            rendered: format!("echo {number}"),
            terminal: (80, 24),
        };
        let revision = Some(proposal.spec.step.revision.clone());
        store.approve(proposal.id, approval, revision.clone(), &actor).await.unwrap();
        ack("granted", proposal.id.0);
        let grant = store.start(proposal.id, revision, "/attempts", &actor).await.unwrap();
        ack("intent", grant.attempt().0);
        store.ended(grant.attempt(), AttemptEnd::unseen(Outcome::Exited { code: 0 }, 0)).await.unwrap();
        ack("ended", grant.attempt().0);
        if number % BACKUP_EACH == BACKUP_EACH - 1 {
            store.back_up(Retention { hourly: 1, daily: 0 }).await.unwrap();
        }
    }
}

/// Compiles the library that records; `None`, said on the output, where there is no C compiler.
fn recorder(directory: &Path) -> Option<PathBuf> {
    let library = directory.join("record_writes.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runner/record_writes.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    match cc.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(library)
        }
        Err(error) => {
            println!("SKIPPED: power cuts: there is no C compiler ({error})");
            None
        }
    }
}

/// What the process wrote below `place`, in order.
fn recorded(library: &Path, directory: &Path, place: &Path) -> Vec<Step> {
    let log = directory.join("log");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["power_cut::recorded_work", "--exact", "--nocapture"])
        .env("LD_PRELOAD", library)
        .env("RECORD_DIR", place)
        .env("RECORD_LOG", &log)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    parse(&fs::read(&log).unwrap(), place)
}

fn parse(log: &[u8], place: &Path) -> Vec<Step> {
    let place = format!("{}/", place.display());
    let relative = |path: &[u8]| {
        let path = String::from_utf8(path.to_vec()).unwrap();
        path.strip_prefix(&place).unwrap_or("").to_owned()
    };
    let mut steps = Vec::new();
    let mut rest = log;
    let mut take = |length: usize| {
        let (taken, left) = rest.split_at(length.min(rest.len()));
        rest = left;
        taken
    };
    loop {
        let Some(operation) = take(1).first().copied() else { return steps };
        let length = u32::from_ne_bytes(take(4).try_into().unwrap());
        let path = relative(take(length as usize));
        let mut number = || usize::try_from(u64::from_ne_bytes(take(8).try_into().unwrap())).unwrap();
        let (offset, length) = (number(), number());
        steps.push(match operation {
            b'C' => Step::Created(path),
            b'W' => Step::Wrote(path, offset, take(length).to_vec()),
            b'T' => Step::Set(path, length),
            b'S' => Step::Synced(path),
            b'U' => Step::Unlinked(path),
            b'R' => Step::Renamed(path, relative(take(length))),
            other => panic!("{other} is no operation"),
        });
    }
}

/// A change of a file that is not synced yet.
#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }

    /// What a cut may leave of it: all, nothing, or some of its sectors.
    fn torn(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        match (chance.below(4), self) {
            (0, _) => {}
            (1, Self::Write(offset, data)) => {
                for (number, sector) in data.chunks(SECTOR).enumerate() {
                    if chance.below(2) == 0 {
                        Self::Write(offset + number * SECTOR, sector.to_vec()).apply(bytes);
                    }
                }
            }
            _ => self.apply(bytes),
        }
    }
}

/// A disk: files by number, names for them, and what of both is not synced.
#[derive(Default)]
struct Disk {
    files: Vec<(Vec<u8>, Vec<Change>)>,
    /// As the process sees them.
    names: HashMap<String, usize>,
    /// As they are on the disk.
    synced_names: HashMap<String, usize>,
    /// Names that changed since, in order, with their directory: a file, or none.
    renamed: Vec<(String, Option<usize>)>,
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Disk {
    fn name(&mut self, path: &str, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(path.to_owned(), file),
            None => self.names.remove(path),
        };
        self.renamed.push((path.to_owned(), file));
    }

    fn file(&mut self, path: &str) -> &mut (Vec<u8>, Vec<Change>) {
        if !self.names.contains_key(path) {
            self.files.push(Default::default());
            self.name(path, Some(self.files.len() - 1));
        }
        &mut self.files[self.names[path]]
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Created(path) => {
                self.file(path);
            }
            Step::Wrote(path, offset, data) => self.file(path).1.push(Change::Write(*offset, data.clone())),
            Step::Set(path, length) => self.file(path).1.push(Change::Length(*length)),
            Step::Synced(path) if self.names.contains_key(path) => {
                let (bytes, changes) = self.file(path);
                for change in changes.drain(..) {
                    change.apply(bytes);
                }
            }
            // A directory; that of everything has no name here.
            Step::Synced(path) => {
                let names = std::mem::take(&mut self.renamed);
                let (here, elsewhere) = names.into_iter().partition(|(name, _)| directory_of(name) == path);
                self.renamed = elsewhere;
                settle(&mut self.synced_names, here);
            }
            Step::Unlinked(path) => self.name(path, None),
            Step::Renamed(from, to) => {
                let file = self.names.get(from).copied();
                self.name(from, None);
                self.name(to, file);
            }
        }
    }

    /// Writes below `place` what a cut at this moment leaves.
    fn cut(mut self, place: &Path, chance: &mut Chance) {
        let kept = chance.below(self.renamed.len() + 1);
        self.renamed.truncate(kept);
        settle(&mut self.synced_names, self.renamed);
        for (name, file) in &self.synced_names {
            if name.ends_with("-shm") {
                continue;
            }
            let (bytes, changes) = &self.files[*file];
            let mut bytes = bytes.clone();
            for change in changes {
                change.torn(&mut bytes, chance);
            }
            let path = place.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn settle(names: &mut HashMap<String, usize>, changes: Vec<(String, Option<usize>)>) {
    for (name, file) in changes {
        match file {
            Some(file) => names.insert(name, file),
            None => names.remove(&name),
        };
    }
}

/// The lines that were written to `acks` in these steps.
fn acknowledged(steps: &[Step]) -> Vec<(String, i64)> {
    let of_acks = |step: &Step| match step {
        Step::Wrote(path, _, data) if path == "acks" => Some(data.clone()),
        _ => None,
    };
    let bytes: Vec<u8> = steps.iter().filter_map(of_acks).flatten().collect();
    let line = |line: &str| {
        let (what, number) = line.split_once(' ').unwrap();
        (what.to_owned(), number.parse().unwrap())
    };
    String::from_utf8(bytes).unwrap().lines().map(line).collect()
}

/// Opens what a cut left, and looks for everything that was acknowledged before it.
async fn check(place: &Path, acknowledged: &[(String, i64)]) -> usize {
    let path = place.join("aiops.db");
    let backups = backups_of(&path);
    for backup in &backups {
        look_into(&backup.path).unwrap();
    }
    let store = open(&path);
    assert!(store.restored().is_none(), "it is whole as it is: {:?}", store.restored());
    store.quick_check().await.unwrap();
    let report = store.verify().await.unwrap();
    assert!(report.ok, "{report:?}");
    for (what, number) in acknowledged {
        match what.as_str() {
            "granted" => {
                let proposal = store.proposal(ProposalId(*number)).await.unwrap().expect("an approval is lost");
                assert!(matches!(proposal.state, ProposalState::Granted | ProposalState::Spent), "{proposal:?}");
            }
            "intent" => assert!(store.attempt(AttemptId(*number)).await.unwrap().is_some(), "intent {number} is lost"),
            "ended" => {
                let attempt = store.attempt(AttemptId(*number)).await.unwrap().expect("an intent is lost");
                assert!(matches!(attempt.state, AttemptState::Ended { .. }), "{attempt:?}");
            }
            other => panic!("{other}"),
        }
    }
    backups.len()
}

#[tokio::test]
async fn after_every_power_cut_the_database_is_whole_and_what_was_acknowledged_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = recorder(directory.path()) else { return };
    let place = directory.path().canonicalize().unwrap().join("place");
    fs::create_dir(&place).unwrap();
    let steps = recorded(&library, directory.path(), &place);
    let syncs = steps.iter().filter(|step| matches!(step, Step::Synced(_))).count();
    let folded = |step: &&Step| matches!(step, Step::Wrote(path, ..) if path == "aiops.db");
    let all = acknowledged(&steps);
    assert_eq!(all.len(), 3 * ACTIONS as usize);
    assert!(
        syncs > all.len() && steps.iter().filter(folded).count() > 100,
        "the record tells of syncs and checkpoints"
    );
    let (cuts, full) = (rounds(CUTS.0, CUTS.1), CUTS.1);
    let (mut lost_nothing, mut backups) = (0, 0);
    for number in 0..cuts {
        let mut chance = Chance::new(number as u64 + 1);
        // Evenly spread, and at any step around there.
        let part = steps.len() / cuts;
        let end = (number * part + chance.below(part.max(1))).min(steps.len());
        let mut disk = Disk::default();
        for step in &steps[..end] {
            disk.take(step);
        }
        let left = tempfile::tempdir_in(directory.path()).unwrap();
        disk.cut(left.path(), &mut chance);
        let before = acknowledged(&steps[..end]);
        backups += check(left.path(), &before).await;
        lost_nothing += before.len();
    }
    assert!(lost_nothing > 0 && backups > 0);
    say(&format!(
        "power cuts: {cuts} (of {full} with AIOPS_LONG=1) over {} recorded steps with {syncs} syncs: 0 databases damaged, 0 of \
         {lost_nothing} acknowledged approvals, intents and ends lost, {backups} backups all good",
        steps.len()
    ));
}

//! Damaged databases: flipped bits, cut files, lost logs, pages of zeros. Each is opened as it is, or put aside and restored;
//! nothing panics, nothing hangs, and what was opened can be worked with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use aiops::domain::actor::Actor;
use aiops::domain::id::JournalSeq;
use aiops::domain::keeping::{Lost, Restored, Retention};
use aiops::store::{OpenOptions, Store, StoreError, restore};

use crate::chance::{Chance, rounds};
use crate::engine::{INCIDENT, Scene, approve, person};
use crate::support::{runner, say, spec};

/// Databases that are damaged every time, and with `AIOPS_LONG=1`.
const DAMAGED: (usize, usize) = (100, 500);

/// Nothing of this takes so long, unless it hangs.
const HANGS: Duration = Duration::from_secs(120);

/// Bytes of a page of these databases.
const PAGE: usize = 4096;

/// A way to damage a database.
#[derive(Clone, Copy, Debug)]
enum Damage {
    FlippedBits,
    FlippedBitsInLog,
    Cut,
    CutLog,
    LostLog,
    ZeroedPages,
    ForeignPages,
    SpoiltHeader,
    SwappedPages,
    Emptied,
}

const DAMAGES: [Damage; 10] = [
    Damage::FlippedBits,
    Damage::FlippedBitsInLog,
    Damage::Cut,
    Damage::CutLog,
    Damage::LostLog,
    Damage::ZeroedPages,
    Damage::ForeignPages,
    Damage::SpoiltHeader,
    Damage::SwappedPages,
    Damage::Emptied,
];

impl Damage {
    fn inflict(self, database: &Path, chance: &mut Chance) {
        let log = PathBuf::from(format!("{}-wal", database.display()));
        match self {
            Self::FlippedBits => change(database, |bytes| flip(bytes, chance)),
            Self::FlippedBitsInLog => change(&log, |bytes| flip(bytes, chance)),
            Self::Cut => change(database, |bytes| bytes.truncate(chance.below(bytes.len()))),
            Self::CutLog => change(&log, |bytes| bytes.truncate(chance.below(bytes.len()))),
            Self::LostLog => fs::remove_file(&log).unwrap(),
            Self::ZeroedPages => on_pages(database, chance, |page, _| page.fill(0)),
            Self::ForeignPages => on_pages(database, chance, |page, chance| {
                page.iter_mut().for_each(|byte| *byte = chance.next().to_le_bytes()[3]);
            }),
            Self::SpoiltHeader => change(database, |bytes| {
                // The first 100 bytes are the header of the file.
                for _ in 0..=chance.below(4) {
                    bytes[chance.below(100)] = chance.next().to_le_bytes()[2];
                }
            }),
            Self::SwappedPages => change(database, |bytes| {
                let pages = bytes.len() / PAGE;
                let (one, other) = (chance.below(pages), chance.below(pages));
                for at in 0..PAGE {
                    bytes.swap(one * PAGE + at, other * PAGE + at);
                }
            }),
            Self::Emptied => change(database, Vec::clear),
        }
    }
}

fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    how(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn flip(bytes: &mut [u8], chance: &mut Chance) {
    for _ in 0..=chance.below(64) {
        let at = chance.below(bytes.len());
        bytes[at] ^= 1 << chance.below(8);
    }
}

fn on_pages(path: &Path, chance: &mut Chance, mut how: impl FnMut(&mut [u8], &mut Chance)) {
    change(path, |bytes| {
        for _ in 0..=chance.below(4) {
            let start = chance.below(bytes.len() / PAGE) * PAGE;
            how(&mut bytes[start..start + PAGE], chance);
        }
    });
}

/// What came of one damaged database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// It could be opened and read as it was.
    Opened,
    /// It was put aside and restored, and no entry of the journal is lost.
    RestoredWhole,
    /// It was put aside and restored, and it was said what is lost.
    RestoredInPart,
    /// It says of itself that a newer program wrote it, and was left alone.
    LeftAlone,
}

fn of(restored: &Restored) -> Came {
    match restored.lost {
        Lost::Nothing => Came::RestoredWhole,
        Lost::Entries { .. } | Lost::Unknown { .. } => Came::RestoredInPart,
    }
}

/// What a console does with a database: everything that it shows, and the check before the first action.
async fn use_it(store: &Store) -> Result<(), StoreError> {
    store.quick_check().await?;
    store.header().await?;
    store.tray().await?;
    store.unfinished_attempts().await?;
    store.detail(INCIDENT).await?;
    store.verify().await?;
    store.read_view(|reader| reader.entries(JournalSeq(0), 100_000)).await?;
    Ok(())
}

/// Opens a damaged database as one console after the other would, until one can work with it.
async fn open_until_well(path: &Path, options: &OpenOptions) -> Came {
    let mut came = Came::Opened;
    // Opened and found damaged; restored and used: more rounds would be a loop.
    for round in 0..3 {
        let store = match Store::open(path, options.clone()) {
            Ok(store) => store,
            Err(StoreError::Newer { .. }) => return Came::LeftAlone,
            Err(other) => panic!("round {round}: {other}"),
        };
        if let Some(restored) = store.restored() {
            assert!(Path::new(&restored.kept_in).is_dir(), "{restored}");
            came = of(restored);
        }
        match use_it(&store).await {
            Ok(()) => {
                let actor = Actor::Person(person());
                let mut spec = spec("echo again");
                spec.incident = INCIDENT;
                // A person may be refused; the store must not fail.
                if let Err(aiops::store::CommandError::Store(error)) = store.propose(spec, &actor).await {
                    panic!("it cannot be written: {error}");
                }
                return came;
            }
            // The next console restores it.
            Err(StoreError::Corrupt { .. }) => {}
            // Damage that only whoever reads the value can see: the message says which command puts it right.
            Err(StoreError::Unreadable { .. }) => {
                drop(store);
                came = of(&restore(path, None, options).unwrap());
            }
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    panic!("it is restored again and again");
}

/// A database with a backup and, in its log, more work since; as a crash leaves it.
async fn template() -> Scene {
    let scene = Scene::new().await;
    let console = scene.console(std::sync::Arc::new(runner()));
    for number in 0..12 {
        if number == 6 {
            console.store.back_up(Retention::default()).await.unwrap().unwrap();
        }
        let proposal = console.propose(spec(&format!("echo {number}"))).await;
        approve(console.runner.clone(), proposal).await.unwrap();
        console
            .until("it has ended", |attempt| {
                matches!(attempt.state, aiops::domain::action::attempt::AttemptState::Ended { .. })
            })
            .await;
    }
    let snapshot = scene.path().join("snapshot");
    fs::create_dir_all(snapshot.join("backups")).unwrap();
    for name in ["aiops.db", "aiops.db-wal"] {
        fs::copy(scene.path().join(name), snapshot.join(name)).unwrap();
    }
    // Half of it is in the file and half in the log, so that each can be damaged.
    let connection = rusqlite::Connection::open(snapshot.join("aiops.db")).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let store = Store::open(&snapshot.join("aiops.db"), scene.options()).unwrap();
    let mut spec = spec("echo in the log");
    spec.incident = INCIDENT;
    store.propose(spec, &Actor::Person(person())).await.unwrap();
    let crashed = scene.path().join("crashed");
    fs::create_dir_all(crashed.join("backups")).unwrap();
    for name in ["aiops.db", "aiops.db-wal"] {
        fs::copy(snapshot.join(name), crashed.join(name)).unwrap();
    }
    for entry in fs::read_dir(scene.path().join("backups")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), crashed.join("backups").join(entry.file_name())).unwrap();
    }
    scene
}

fn copy_of(template: &Path, to: &Path) {
    fs::create_dir_all(to.join("backups")).unwrap();
    for name in ["aiops.db", "aiops.db-wal"] {
        fs::copy(template.join(name), to.join(name)).unwrap();
    }
    for entry in fs::read_dir(template.join("backups")).unwrap() {
        let entry = entry.unwrap();
        // A link would let a damaged database reach its backup.
        fs::copy(entry.path(), to.join("backups").join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_damaged_database_is_opened_or_put_aside_and_restored() {
    let scene = template().await;
    let (count, full) = (rounds(DAMAGED.0, DAMAGED.1), DAMAGED.1);
    let mut came = Vec::new();
    for number in 0..count {
        let mut chance = Chance::new(number as u64 + 1);
        let damage = DAMAGES[number % DAMAGES.len()];
        let place = tempfile::tempdir().unwrap();
        copy_of(&scene.path().join("crashed"), place.path());
        let path = place.path().join("aiops.db");
        damage.inflict(&path, &mut chance);
        let (done, waiting) = mpsc::channel();
        let (options, opened) = (scene.options(), path.clone());
        // A thread of its own: one that hangs would take the runtime with it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let _ = done.send(runtime.block_on(open_until_well(&opened, &options)));
        });
        let result = waiting.recv_timeout(HANGS);
        came.push((damage, result.unwrap_or_else(|error| panic!("number {number}, {damage:?}: {error}"))));
    }
    let count_of = |wanted: Came| came.iter().filter(|(_, came)| *came == wanted).count();
    // Only a version in the header can say that the file is a newer program's.
    assert!(came.iter().all(|(damage, came)| {
        *came != Came::LeftAlone || matches!(damage, Damage::SpoiltHeader | Damage::FlippedBits | Damage::SwappedPages)
    }));
    assert!(count_of(Came::RestoredWhole) > 0 && count_of(Came::RestoredInPart) > 0 && count_of(Came::Opened) > 0);
    say(&format!(
        "damaged databases: {count} (of {full} with AIOPS_LONG=1): {} opened as they were, {} restored without a loss, {} restored \
         with the loss said, {} left alone as a newer program's; 0 panics, 0 hung",
        count_of(Came::Opened),
        count_of(Came::RestoredWhole),
        count_of(Came::RestoredInPart),
        count_of(Came::LeftAlone)
    ));
}

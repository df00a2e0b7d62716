//! Opening: permissions, and every kind of file that is refused.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::support::{Bench, TestClock, firing, open_as};
use crate::domain::alert::BatchOrigin;
use crate::store::error::from_io;
use crate::store::{StoreError, migrations, open};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn sibling(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn refusal(path: &Path) -> StoreError {
    open_as(path, &TestClock::start(), 1).unwrap_err()
}

#[tokio::test]
async fn everything_is_private_from_the_start() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state/deep/aiops.db");
    let store = open_as(&path, &TestClock::start(), 1).unwrap();
    store.quick_check().await.unwrap();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&sibling(&path, suffix)), 0o600, "{suffix}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&directory.path().join("state")), 0o700);
}

#[test]
fn a_file_that_others_could_read_is_made_private() {
    let bench = Bench::new();
    let path = bench.path();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let _again = bench.open_again(2);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_place_where_others_can_exchange_the_file_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("aiops.db");
    for mode in [0o777, 0o775, 0o757] {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Unsafe { .. }) && error.to_string().contains("chmod go-w"), "{error}");
        assert!(!path.exists());
    }
    // As /tmp: nobody can touch the files of others.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
    drop(open_as(&path, &TestClock::start(), 1).unwrap());
}

#[test]
fn a_database_of_another_user_is_refused_and_left_alone() {
    if !nix::unistd::Uid::effective().is_root() {
        println!("SKIPPED: a_database_of_another_user_is_refused_and_left_alone: only root can give a file away");
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("aiops.db");
    for foreign in [path.clone(), sibling(&path, ".lock")] {
        drop(open_as(&path, &TestClock::start(), 1).unwrap());
        std::os::unix::fs::chown(&foreign, Some(65_534), None).unwrap();
        let refused = refusal(&path).to_string();
        assert!(refused.contains("uid 65534") && refused.contains("--db"), "{refused}");
        assert!(!sibling(&path, "-wal").exists(), "nothing is left beside it");
        std::os::unix::fs::chown(&foreign, Some(0), None).unwrap();
    }
}

#[test]
fn an_empty_file_becomes_a_database_and_opens_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("aiops.db");
    fs::write(&path, b"").unwrap();
    for _ in 0..2 {
        drop(open_as(&path, &TestClock::start(), 1).unwrap());
    }
    assert_eq!(migrations::version(&Connection::open(&path).unwrap()).unwrap(), migrations::VERSION);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let bench = Bench::new();
    bench.raw().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&bench.path());
    assert_eq!(error, StoreError::Newer { path: bench.path(), found: 99, ours: migrations::VERSION });
    assert!(error.to_string().contains("schema 99") && error.to_string().contains("--db"), "{error}");
    assert_eq!(migrations::version(&bench.raw()).unwrap(), 99);
}

#[test]
fn garbage_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "shopping list\n".repeat(1_000);
    fs::write(&path, &text).unwrap();
    assert_eq!(refusal(&path), StoreError::NotADatabase { path: path.clone() });
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("places.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(refusal(&path), StoreError::Foreign { path: path.clone() });
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    // Nobody can create files in sysfs, not even root.
    let error = refusal(Path::new("/sys/aiops.db"));
    assert!(matches!(&error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains("/sys/aiops.db") && error.to_string().contains("--db"), "{error}");
    let read_only = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
    assert!(matches!(from_io(Path::new("x"), &read_only), StoreError::ReadOnly { .. }));
    let full = io::Error::from(io::ErrorKind::StorageFull);
    assert!(matches!(from_io(Path::new("x"), &full), StoreError::Full { .. }));
}

#[test]
fn a_directory_is_no_database() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("aiops.db");
    fs::create_dir(&path).unwrap();
    assert!(matches!(refusal(&path), StoreError::Io { .. }));
}

#[test]
fn an_old_schema_is_not_migrated_while_someone_has_it_open() {
    let bench = Bench::new();
    bench.raw().pragma_update(None, "user_version", 0).unwrap();
    let error = open::open(&bench.path(), Duration::from_millis(50)).unwrap_err();
    assert_eq!(error, StoreError::InUse { path: bench.path() });
    assert_eq!(migrations::version(&bench.raw()).unwrap(), 0);
}

#[test]
fn two_processes_that_create_the_file_at_once_both_get_it() {
    for _ in 0..10 {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("aiops.db");
        thread::scope(|scope| {
            let opening: Vec<_> = (1..=3)
                .map(|pid| {
                    scope.spawn({
                        let path = &path;
                        move || open_as(path, &TestClock::start(), pid)
                    })
                })
                .collect();
            let stores: Vec<_> = opening.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
            assert_eq!(stores.len(), 3);
        });
    }
}

#[tokio::test]
async fn what_was_answered_is_in_the_files() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    // What a crash at this moment would leave: the files as they are, nothing closed.
    let crashed = TempDir::new().unwrap();
    let path = crashed.path().join("aiops.db");
    fs::copy(bench.path(), &path).unwrap();
    fs::copy(sibling(&bench.path(), "-wal"), sibling(&path, "-wal")).unwrap();
    let restarted = open_as(&path, &bench.clock, 2).unwrap();
    assert_eq!(restarted.header().await.unwrap().firing, 1);
    assert_eq!(restarted.verify().await.unwrap(), bench.store.verify().await.unwrap());
}

#[tokio::test]
async fn a_full_disk_is_named_and_spoils_nothing() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let limit = |pages: Option<i64>| {
        bench.store.write(move |write| {
            let used: i64 = write.conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let sql = format!("PRAGMA max_page_count = {}", pages.unwrap_or(used + 4));
            Ok(write.conn.query_row(&sql, [], |row| row.get::<_, i64>(0))?)
        })
    };
    limit(None).await.unwrap();
    let storm = || (0..1_000).map(|n| firing("Disk", &format!("f{n}"), n)).collect();
    let full = bench.try_ingest(&fence, BatchOrigin::Webhook, storm()).await;
    assert_eq!(full.unwrap_err(), StoreError::Full { path: bench.path() });
    assert_eq!(bench.store.header().await.unwrap().unresolved_total(), 0);
    limit(Some(1_000_000)).await.unwrap();
    assert_eq!(bench.ingest(&fence, storm()).await.news, 1_000);
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn quick_check_finds_damage() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, (0..500).map(|n| firing("Disk", &format!("f{n}"), n)).collect()).await;
    bench.store.quick_check().await.unwrap();
    let path = bench.path();
    // The last handle folds the log into the file.
    let (directory, clock) = bench.close();
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length - 8_192..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let damaged = open_as(&path, &clock, 1).unwrap();
    assert!(matches!(damaged.quick_check().await, Err(StoreError::Corrupt { .. })));
    drop(directory);
}

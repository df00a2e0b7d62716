//! Databases of older and newer programs while another process has them open.

use std::fs;
use std::process::{Child, Command, Stdio};

use aiops::store::{Store, StoreError};
use rusqlite::Connection;

use crate::engine::Scene;
use crate::support::until;

/// A process that has the database open, as far as the lock tells; ended when dropped.
struct Other(Child);

impl Other {
    fn with_open(lock: &std::path::Path, sign: &std::path::Path) -> Self {
        // One process, so that its end is the end of the lock.
        let script = format!("touch {}; exec sleep 600", sign.display());
        let mut flock = Command::new("flock");
        flock.args(["--shared", "--no-fork"]).arg(lock).args(["sh", "-c", &script]).stdin(Stdio::null());
        let other = Self(flock.spawn().unwrap());
        until("the other process has the lock", || sign.exists());
        other
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn version(path: &std::path::Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn nobody_migrates_a_file_that_another_process_has_open() {
    let scene = Scene::new().await;
    let path = scene.path().join("older.db");
    // A database before its first migration, as the oldest program would leave it.
    fs::write(&path, b"").unwrap();
    let other = Other::with_open(&scene.path().join("older.db.lock"), &scene.path().join("sign"));
    let refused = Store::open(&path, scene.options()).unwrap_err();
    assert_eq!(refused, StoreError::InUse { path: path.clone() });
    assert!(refused.to_string().contains("End the other aiops processes"), "{refused}");
    assert_eq!(version(&path), 0, "it is left as it was");
    drop(other);
    let store = Store::open(&path, scene.options()).unwrap();
    drop(store);
    assert!(version(&path) > 0);
}

#[tokio::test]
async fn a_newer_file_is_refused_while_its_program_has_it_open_and_after() {
    let scene = Scene::new().await;
    let path = scene.path().join("aiops.db");
    let ours = version(&path);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = || Store::open(&path, scene.options()).unwrap_err();
    let newer = StoreError::Newer { path: path.clone(), found: 999, ours };
    let other = Other::with_open(&scene.path().join("aiops.db.lock"), &scene.path().join("sign"));
    assert_eq!(refused(), newer);
    drop(other);
    assert_eq!(refused(), newer);
    assert_eq!(fs::read(&path).unwrap(), before, "neither migrated nor put aside");
}

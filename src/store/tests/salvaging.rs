//! Salvaging files whose schema is older than this program's.

use rusqlite::{Connection, params};

use super::support::{Bench, firing};
use crate::domain::id::JournalSeq;
use crate::domain::journal::{GENESIS, StoredEntry};
use crate::domain::keeping::{Lost, Retention};
use crate::store::{backups_of, look_into, restore};

/// Makes of the journal what the first version of its format would have written: without the column `about`.
fn as_of_old(conn: &Connection) -> i64 {
    let mut statement = conn.prepare("SELECT seq, incident, context, payload FROM journal ORDER BY seq").unwrap();
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?, row.get(3)?)));
    let rows: Vec<(i64, Option<i64>, String, String)> = rows.unwrap().map(Result::unwrap).collect();
    drop(statement);
    conn.execute_batch(
        "DROP TRIGGER journal_is_append_only_update; DROP TRIGGER journal_is_append_only_delete; DELETE FROM journal;
         ALTER TABLE journal DROP COLUMN about;",
    )
    .unwrap();
    let mut previous = GENESIS.to_owned();
    for (seq, incident, context, payload) in &rows {
        let mut entry = StoredEntry {
            seq: JournalSeq(*seq),
            incident: incident.map(crate::domain::id::IncidentId),
            version: 1,
            about: None,
            context: context.clone(),
            payload: payload.clone(),
            previous: previous.clone(),
            hash: String::new(),
        };
        entry.hash = entry.compute_hash().unwrap();
        conn.execute(
            "INSERT INTO journal (seq, incident, version, context, payload, previous, hash) VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)",
            params![seq, incident, context, payload, previous, entry.hash],
        )
        .unwrap();
        previous = entry.hash;
    }
    conn.execute_batch(
        "CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
PRAGMA user_version = 6;",
    )
    .unwrap();
    rows.len() as i64
}

#[tokio::test]
async fn a_damaged_file_of_an_older_schema_gives_all_its_entries() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1), firing("Other", "b", 1)]).await;
    let path = bench.path();
    let (_directory, _clock) = bench.close();
    let entries = as_of_old(&Connection::open(&path).unwrap());
    assert!(entries >= 3);
    let options = super::purging::options();
    let restored = restore(&path, None, &options).unwrap();
    assert_eq!(restored.salvaged, u64::try_from(entries).unwrap(), "{restored:?}");
    assert_eq!(restored.lost, Lost::Nothing, "{restored:?}");
    let store = crate::store::Store::open(&path, options).unwrap();
    assert!(store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_good() {
    let bench = Bench::new();
    bench.store.back_up(Retention::default()).await.unwrap().unwrap();
    let backup = backups_of(&bench.path()).remove(0);
    let entries = as_of_old(&Connection::open(&backup.path).unwrap());
    let content = look_into(&backup.path).unwrap();
    assert_eq!((content.version, content.last_entry), (6, JournalSeq(entries)));
}

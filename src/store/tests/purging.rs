//! Purging: a text that stood everywhere stands nowhere afterwards, and the journal is whole all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::acting::{approve, revision, spec};
use super::support::{Bench, actor, firing, identity};
use crate::domain::action::attempt::{AttemptEnd, Outcome, ProcessId};
use crate::domain::action::proposal::ProposalState;
use crate::domain::action::spec::ActionSpec;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageDraft, MessageState};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq};
use crate::domain::incident::IncidentCommand;
use crate::domain::journal::tape::Attached;
use crate::domain::journal::{Payload, ocsf};
use crate::domain::keeping::Retention;
use crate::domain::purge::PURGED;
use crate::domain::search::Query;
use crate::store::{
    Depth, Needs, OpenOptions, PurgeError, PurgePlaces, PurgeReport, Selection, Store, backups_of, damaged_directory,
    purge, restore,
};

/// What is not to be found anywhere; with characters that JSON and screens write in other ways.
const CANARY: &str = "Kanarie\"n-7f3\u{202e}q\\vogel";

/// Without those, for words of a command and of the search.
const PLAIN: &str = "kanarienvogel7f3q";

struct Scene {
    bench: Bench,
    places: PurgePlaces,
}

impl Scene {
    /// A database with the canaries wherever a text can be, with a backup, and files beside it.
    async fn new() -> Self {
        let bench = Bench::new();
        let fence = bench.fence().await;
        let mut alert = firing("Disk", "a", 1);
        alert.annotations.insert("summary".to_owned(), format!("it says {CANARY} and {PLAIN}"));
        alert.labels.insert("note".to_owned(), format!("{CANARY}{PLAIN}"));
        bench.ingest(&fence, vec![alert, firing("Other", "b", 1)]).await;
        bench.clock.advance(Duration::from_secs(1));
        let body = format!("{{\"{CANARY} {PLAIN}").into_bytes();
        bench.store.quarantine(&fence, &"am".into(), &format!("cannot read {CANARY} {PLAIN}"), body).await.unwrap();
        let note = IncidentCommand::Note(format!("the password was {CANARY} {PLAIN}"));
        bench.store.incident_command(IncidentId(1), note, &actor("ada")).await.unwrap();
        for author in [Author::Person { name: "ada".to_owned() }, Author::Model { name: "m".to_owned() }] {
            let text = format!("what is {CANARY} or {PLAIN}?");
            let conversation = Conversation::Incident(IncidentId(1));
            let draft = ChatMessage::draft(conversation, author, text, MessageState::Complete);
            let draft = MessageDraft { thoughts: format!("thinking of {CANARY} {PLAIN}"), ..draft };
            bench.store.say(draft, &actor("ada")).await.unwrap();
        }
        let places = Self::files(&bench.path());
        let scene = Self { bench, places };
        scene.run(spec(PLAIN)).await;
        // One that waits.
        scene.bench.store.propose(spec(&format!("{PLAIN}/other")), &actor("ada")).await.unwrap();
        scene.bench.store.prepare_search().await.unwrap();
        while scene.bench.store.index_incidents(100).await.unwrap() > 0 {}
        scene.bench.store.back_up(Retention::default()).await.unwrap().unwrap();
        scene
    }

    /// Files beside the database with the canaries in them.
    fn files(database: &Path) -> PurgePlaces {
        let directory = database.parent().unwrap();
        let state = directory.join("state");
        let damaged = damaged_directory(database).join("aiops.db-1");
        for made in [&state, &damaged] {
            fs::create_dir_all(made).unwrap();
        }
        let text = format!("a {CANARY} b {PLAIN} c\n");
        fs::write(state.join("aiops.log"), format!("before\n{text}after\n")).unwrap();
        fs::write(state.join("aiops.log.1"), &text).unwrap();
        fs::write(directory.join("aiops.db.copied.txt"), &text).unwrap();
        let draft = serde_json::json!({ "drafts": [[1, text]] }).to_string();
        fs::write(directory.join("aiops.db.place.1-2-3.json"), draft).unwrap();
        fs::write(damaged.join("aiops.db"), format!("SQLite format 3 {text}")).unwrap();
        let attempts = directory.join("attempts");
        PurgePlaces { attempts, output: "output".to_owned(), log: Some(state.join("aiops.log")), evidence: Vec::new() }
    }

    /// Runs an action through; its output holds the canaries.
    async fn run(&self, spec: ActionSpec) {
        let store = &self.bench.store;
        let proposal = store.propose(spec, &actor("ada")).await.unwrap();
        approve(store, &proposal).await.unwrap();
        let root = format!("{}/", self.places.attempts.display());
        let grant = store.start(proposal.id, revision(), &root, &actor("ada")).await.unwrap();
        let attempts = store.unfinished_attempts().await.unwrap();
        let directory = PathBuf::from(&attempts.iter().find(|one| one.id == grant.attempt()).unwrap().directory);
        fs::create_dir_all(&directory).unwrap();
        let output = format!("a line\n{CANARY}\n{PLAIN}\n");
        fs::write(directory.join("output"), &output).unwrap();
        fs::write(directory.join("job.json"), format!("{{\"argv\":[\"du\",\"{PLAIN}\"]}}")).unwrap();
        let supervisor = ProcessId { pid: 7, start_ticks: 9, boot_id: "b".to_owned() };
        store.spawned(grant.attempt(), supervisor).await.unwrap();
        let digest = sha256_hex(output.as_bytes());
        let end = AttemptEnd { output_digest: digest, ..AttemptEnd::unseen(Outcome::Exited { code: 0 }, 3) };
        store.ended(grant.attempt(), end).await.unwrap();
    }

    /// Closes the store and gives everything that stays.
    fn close(self) -> Closed {
        let path = self.bench.path();
        let (directory, clock) = self.bench.close();
        let now = move || (clock.now(), Duration::from_secs(9));
        Closed {
            _directory: directory,
            path,
            places: self.places,
            options: OpenOptions { identity: identity(5), now: Arc::new(now) },
        }
    }
}

/// Whoever opens the file again.
pub(super) fn options() -> OpenOptions {
    let later = crate::domain::time::Timestamp::from_millis(super::support::START + 60_000);
    OpenOptions { identity: identity(5), now: Arc::new(move || (later, Duration::from_secs(9))) }
}

struct Closed {
    _directory: tempfile::TempDir,
    path: PathBuf,
    places: PurgePlaces,
    options: OpenOptions,
}

impl Closed {
    fn purge(&self, selection: &Selection, depth: Depth) -> Result<PurgeReport, PurgeError> {
        purge(&self.path, &self.options, selection, "a person asked for it", &self.places, depth)
    }

    fn text(&self, text: &str) -> PurgeReport {
        self.purge(&Selection::Text(text.to_owned()), Depth::Purge).unwrap()
    }

    fn open(&self) -> Store {
        Store::open(&self.path, self.options.clone()).unwrap()
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.path).unwrap()
    }

    /// Files below the directory that hold one of `texts` in any form that we write.
    fn holding(&self, texts: &[&str]) -> Vec<PathBuf> {
        let needles = crate::domain::purge::Needles::new(texts.iter().copied()).unwrap();
        let mut waiting = vec![self.path.parent().unwrap().to_owned()];
        let mut found = Vec::new();
        let mut seen = 0;
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            seen += 1;
            if needles.are_in(&fs::read(&path).unwrap()) {
                found.push(path);
            }
        }
        assert!(seen > 1, "there is something to look at");
        found.sort();
        found
    }
}

fn verified(store: &Store) -> crate::store::JournalReport {
    store
        .read_view_blocking(|reader| {
            reader.verify(&mut |directory| match fs::read(Path::new(directory).join("output")) {
                Ok(bytes) => Ok(Some(sha256_hex(&bytes))),
                Err(_) => Ok(None),
            })
        })
        .unwrap()
}

#[tokio::test]
async fn after_a_purge_no_file_holds_the_text_and_the_journal_is_whole() {
    let closed = Scene::new().await.close();
    let before = closed.holding(&[CANARY, PLAIN]);
    assert!(before.len() >= 9, "the scene has it everywhere: {before:?}");
    let would = closed.purge(&Selection::Text(CANARY.to_owned()), Depth::Look).unwrap();
    assert!(!would.purged && !would.is_empty());
    assert_eq!(closed.holding(&[CANARY, PLAIN]), before, "looking changes nothing");
    let report = closed.text(CANARY);
    assert_eq!((&report.counts, report.entries), (&would.counts, would.entries), "it took what it had shown");
    assert_eq!(report.left, Vec::<PathBuf>::new());
    assert_eq!(closed.holding(&[CANARY]), Vec::<PathBuf>::new());
    let report = closed.text(PLAIN);
    assert!(report.purged && !report.takes_backups(), "{report:?}");
    assert_eq!(closed.holding(&[CANARY, PLAIN]), Vec::<PathBuf>::new());
    assert_eq!(fs::read_to_string(closed.places.log.as_ref().unwrap()).unwrap().lines().count(), 3, "lines stay");

    let store = closed.open();
    let found = verified(&store);
    assert!(found.ok, "{found:?}");
    assert!(found.purged >= 5 && found.payloads.altered == 0, "{found:?}");
    // Whoever purges again finds nothing.
    drop(store);
    let again = closed.text(PLAIN);
    assert!(again.is_empty() && !again.purged && again.entry.is_none(), "{again:?}");
}

#[tokio::test]
async fn what_was_purged_is_shown_as_such_and_what_waited_is_void() {
    let closed = Scene::new().await.close();
    closed.text(CANARY);
    let purge_entry = closed.text(PLAIN).entry.unwrap();
    let store = closed.open();
    store.prepare_search().await.unwrap();
    while store.index_incidents(100).await.unwrap() > 0 {}
    let query = Query::parse(PLAIN);
    let hits = store.read_view(move |reader| reader.find_incidents(&query, Needs::Any, 20)).await.unwrap();
    assert_eq!(hits.len(), 0);
    let tape = store.read_view_blocking(|reader| reader.tape(IncidentId(1), &mut |_| Ok(None))).unwrap().unwrap();
    assert_eq!(tape.broken, None);
    let words: Vec<String> = tape.moments.iter().map(|moment| moment.telling().words).collect();
    assert!(
        words.iter().any(|words| words.contains(PURGED) && words.contains(&format!("entry {purge_entry}"))),
        "{words:?}"
    );
    let messages = tape.moments.iter().filter_map(|moment| match &moment.what {
        crate::domain::journal::tape::What::Entry { payload, attached, .. }
            if matches!(payload.as_ref(), Payload::Said { .. }) =>
        {
            Some(attached.clone())
        }
        _ => None,
    });
    for attached in messages {
        let Attached::Bytes { beginning, seal, .. } = attached else { panic!("{attached:?}") };
        assert!(String::from_utf8(beginning).unwrap().contains(PURGED));
        assert_eq!(seal, crate::domain::journal::tape::Seal::Whole);
    }
    let entries = store.read_view_blocking(|reader| reader.entries(JournalSeq(0), 1_000)).unwrap();
    let events: Vec<String> = entries.iter().map(|entry| ocsf::event(entry).to_string()).collect();
    assert!(events.iter().any(|event| event.contains("texts purged by entry")));
    let payload = entries.last().map(|entry| serde_json::from_str::<Payload>(&entry.payload).unwrap());
    let Some(Payload::Purged { reason, seals, .. }) = payload else { panic!("{payload:?}") };
    assert_eq!((reason.as_str(), seals.is_empty()), ("a person asked for it", false));
    let waited = store.proposal(crate::domain::id::ProposalId(2)).await.unwrap().unwrap();
    assert_eq!(waited.state, ProposalState::Void);
}

#[tokio::test]
async fn tampering_is_found_in_purged_entries_and_beside_them() {
    let closed = Scene::new().await.close();
    closed.text(PLAIN);
    let total: i64 = closed.raw().query_row("SELECT max(seq) FROM journal", [], |row| row.get(0)).unwrap();
    let mut tried = 0;
    for seq in 1..=total {
        for change in [
            "payload = replace(payload, '[purged]', 'harmless') || ' '",
            "payload = replace(payload, '\"purged_by\"', '\"purged_bx\"') || ' '",
            "context = context || ' '",
            "about = '{}'",
        ] {
            let raw = closed.raw();
            raw.execute_batch("DROP TRIGGER journal_is_append_only_update; BEGIN").unwrap();
            let keep: (String, String, Option<String>) = raw
                .query_row("SELECT payload, context, about FROM journal WHERE seq = ?1", [seq], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .unwrap();
            raw.execute(&format!("UPDATE journal SET {change} WHERE seq = ?1"), [seq]).unwrap();
            raw.execute_batch("COMMIT").unwrap();
            let found = verified(&closed.open());
            assert!(!found.ok, "entry {seq}: {change}");
            raw.execute(
                "UPDATE journal SET payload = ?2, context = ?3, about = ?4 WHERE seq = ?1",
                rusqlite::params![seq, keep.0, keep.1, keep.2],
            )
            .unwrap();
            raw.execute_batch(
                "CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;",
            )
            .unwrap();
            tried += 1;
        }
    }
    println!("{tried} changes of {total} entries, of which some are purged: all found");
    assert!(verified(&closed.open()).ok);
}

#[tokio::test]
async fn a_purge_does_not_cover_up_what_somebody_else_changed() {
    let closed = Scene::new().await.close();
    let raw = closed.raw();
    raw.execute_batch("DROP TRIGGER journal_is_append_only_update").unwrap();
    let changed = raw
        .execute(
            "UPDATE journal SET payload = replace(payload, 'the password', 'a password') WHERE payload LIKE '%noted%'",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    drop(raw);
    let refused = closed.purge(&Selection::Text(PLAIN.to_owned()), Depth::Purge).unwrap_err().to_string();
    assert!(refused.contains("journal verify"), "{refused}");
    assert!(!closed.holding(&[PLAIN]).is_empty(), "nothing was changed");
}

#[tokio::test]
async fn the_texts_of_an_incident_go_and_those_of_others_stay() {
    let closed = Scene::new().await.close();
    let report = closed.purge(&Selection::Incident(IncidentId(1)), Depth::Purge).unwrap();
    assert!(report.purged && report.takes_backups() && report.firing == 1, "{report:?}");
    assert!(backups_of(&closed.path).is_empty());
    let left = closed.holding(&[CANARY, PLAIN]);
    let store = closed.open();
    assert!(verified(&store).ok, "{:?}", verified(&store));
    let first = store.read_view_blocking(|reader| reader.incident(IncidentId(1))).unwrap().unwrap();
    let other = store.read_view_blocking(|reader| reader.incident(IncidentId(2))).unwrap().unwrap();
    assert_eq!((first.title.as_str(), other.title == PURGED), (PURGED, false));
    // The delivery that could not be read belongs to no incident, and a log line is not the incident's.
    let names: Vec<_> = left.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|name| name == "aiops.db" || name.starts_with("aiops.log")), "{names:?}");
    for (sql, what) in [
        ("SELECT count(*) FROM alert WHERE incident = 1 AND (labels || annotations) LIKE '%kanarienvogel%'", "alerts"),
        ("SELECT count(*) FROM message WHERE text <> '[purged]' OR thoughts <> ''", "messages"),
        ("SELECT count(*) FROM timeline WHERE what LIKE '%kanarienvogel%'", "lines"),
        ("SELECT count(*) FROM journal WHERE incident = 1 AND payload LIKE '%password%'", "entries"),
    ] {
        let count: i64 = closed.raw().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{what}");
    }
}

#[tokio::test]
async fn the_output_of_an_attempt_goes_and_its_end_stays() {
    let closed = Scene::new().await.close();
    let report = closed.purge(&Selection::Attempt(AttemptId(1)), Depth::Purge).unwrap();
    assert_eq!((report.entries, report.takes_backups()), (1, false), "{report:?}");
    assert_eq!(fs::read_dir(&closed.places.attempts).unwrap().count(), 0);
    let store = closed.open();
    let found = verified(&store);
    assert!(found.ok && found.purged == 1, "{found:?}");
    let tape = store.read_view_blocking(|reader| reader.tape(IncidentId(1), &mut |_| Ok(None))).unwrap().unwrap();
    let words: Vec<String> = tape.moments.iter().map(|moment| moment.telling().words).collect();
    assert!(words.iter().any(|words| words.contains("end of attempt 1") && words.contains("purged")), "{words:?}");
    drop(store);
    let absent = closed.purge(&Selection::Attempt(AttemptId(99)), Depth::Purge).unwrap_err();
    assert!(matches!(absent, PurgeError::Refused(_)), "{absent}");
}

#[tokio::test]
async fn nothing_is_purged_while_somebody_looks_or_something_runs_or_without_sense() {
    let scene = Scene::new().await;
    let (path, places) = (scene.bench.path(), scene.places.clone());
    let options = options();
    let try_it = |selection: &Selection, reason: &str| {
        purge(&path, &options, selection, reason, &places, Depth::Purge).unwrap_err().to_string()
    };
    let text = Selection::Text(PLAIN.to_owned());
    assert!(try_it(&text, "why").contains("another aiops process"));
    assert!(try_it(&text, " ").contains("--reason"));
    assert!(try_it(&text, &format!("it was {PLAIN}")).contains("the reason holds"));
    assert!(try_it(&Selection::Text("abc".to_owned()), "why").contains("too short"));
    let store = &scene.bench.store;
    let proposal = store.propose(spec("/more"), &actor("ada")).await.unwrap();
    approve(store, &proposal).await.unwrap();
    store.start(proposal.id, revision(), "/nowhere/", &actor("ada")).await.unwrap();
    let closed = scene.close();
    for selection in [text, Selection::Incident(IncidentId(1)), Selection::Attempt(AttemptId(2))] {
        let refused = closed.purge(&selection, Depth::Purge).unwrap_err().to_string();
        assert!(refused.contains("is not over"), "{refused}");
    }
    assert!(!closed.holding(&[PLAIN]).is_empty());
}

#[tokio::test]
async fn a_purged_journal_is_restored_with_its_seals() {
    let closed = Scene::new().await.close();
    closed.text(PLAIN);
    // Restored without a backup: everything comes from the journal of the file that is put aside.
    let restored = restore(&closed.path, None, &closed.options).unwrap();
    let before: i64 = restored.last_entry;
    assert!(before > 5, "{restored:?}");
    let store = closed.open();
    let found = verified(&store);
    assert!(found.ok && found.purged > 0, "{found:?}");
}

//! When heads are kept: over a real store, a keeper that remembers or refuses, and time that stands still until it is moved.

use std::sync::Mutex;

use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::domain::actor::Person;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageState};
use crate::domain::time::Timestamp;
use crate::store::{Identity, OpenOptions};

/// Longer than anything here takes; paused time makes it short.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
struct Remembering {
    kept: Mutex<Vec<Anchor>>,
    refuses: Mutex<bool>,
    tried: Notify,
}

impl AnchorKeeper for Remembering {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn keep(&self, anchor: &Anchor) -> Result<(), AnchorError> {
        let refuses = *self.refuses.lock().unwrap();
        if !refuses {
            self.kept.lock().unwrap().push(anchor.clone());
        }
        self.tried.notify_one();
        if refuses { Err(AnchorError("memory: refused".to_owned())) } else { Ok(()) }
    }
}

impl Remembering {
    fn causes(&self) -> Vec<(i64, AnchorCause)> {
        self.kept.lock().unwrap().iter().map(|anchor| (anchor.seq.0, anchor.cause)).collect()
    }

    async fn tried(&self) {
        tokio::time::timeout(PATIENCE, self.tried.notified()).await.unwrap();
    }
}

fn store(directory: &std::path::Path) -> Store {
    let person = Person { uid: 1, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "web-1".to_owned(), boot_id: "b".to_owned(), pid: 7, person };
    let now = Arc::new(|| (Timestamp::from_millis(1_000), Duration::from_secs(1)));
    Store::open(&directory.join("aiops.db"), OpenOptions { identity, now }).unwrap()
}

async fn say(store: &Store) {
    let author = Author::Person { name: "ada".to_owned() };
    let draft = ChatMessage::draft(Conversation::General, author, "hello".to_owned(), MessageState::Complete);
    store.say(draft, &store.person()).await.unwrap();
}

#[tokio::test]
async fn the_head_is_kept_at_the_beginning_now_and_then_and_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (store, keeper) = (store(directory.path()), Arc::new(Remembering::default()));
    let (tell, mut told) = unbounded_channel();
    let stop = CancellationToken::new();
    let every = Duration::from_millis(300);
    let anchoring = Anchoring::new(store.clone(), Arc::clone(&keeper) as Arc<dyn AnchorKeeper>, every, tell);
    let running = tokio::spawn(anchoring.run(stop.clone()));
    keeper.tried().await;
    say(&store).await;
    keeper.tried().await;
    assert_eq!(keeper.causes(), [(1, AnchorCause::Turn), (2, AnchorCause::Time)]);
    say(&store).await;
    stop.cancel();
    running.await.unwrap();
    // The same head is not kept again, a new one is, also when time is up in this very moment.
    let kept = keeper.causes();
    assert_eq!((kept.len(), kept[2].0), (3, 3), "{kept:?}");
    let head = store.read_view(|reader| reader.journal_head()).await.unwrap().unwrap();
    let last = keeper.kept.lock().unwrap().pop().unwrap();
    assert_eq!((last.hash, last.journal, last.database), (head.hash, head.journal, head.database));
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_place_that_refuses_is_told_once_and_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let (store, keeper) = (store(directory.path()), Arc::new(Remembering::default()));
    *keeper.refuses.lock().unwrap() = true;
    let (tell, mut told) = unbounded_channel();
    let stop = CancellationToken::new();
    let every = Duration::from_millis(50);
    let anchoring = Anchoring::new(store.clone(), Arc::clone(&keeper) as Arc<dyn AnchorKeeper>, every, tell);
    let running = tokio::spawn(anchoring.run(stop.clone()));
    for _ in 0..3 {
        keeper.tried().await;
    }
    *keeper.refuses.lock().unwrap() = false;
    keeper.tried().await;
    while keeper.causes().is_empty() {
        keeper.tried().await;
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(told.try_recv().unwrap(), "memory: refused");
    assert!(told.try_recv().is_err(), "it is told once");
}

//! Owners, ends by hand, suppression, undo, and the queues that come of them.

use std::time::Duration;

use proptest::prelude::*;

use super::support::{Bench, actor, everything, firing, resolved, with_severity};
use crate::domain::actor::{Actor, Person};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Assignee, IncidentCommand, IncidentEvent, IncidentState, Queue, Suppression, Until};
use crate::domain::journal::Payload;
use crate::store::view::{QueueAnchor, QueueQuery};
use crate::store::{Changed, CommandError};

const ID: IncidentId = IncidentId(1);

fn bob() -> Actor {
    let person = Person { uid: 1001, name: "bob".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    Actor::Person(person)
}

async fn act(bench: &Bench, id: i64, command: IncidentCommand, who: &Actor) -> Changed {
    bench.store.incident_command(IncidentId(id), command, who).await.unwrap()
}

async fn ids(bench: &Bench, queue: Queue) -> Vec<i64> {
    let window = bench.store.queue(QueueQuery { queue, ..everything() }).await.unwrap();
    window.rows.iter().map(|row| row.id.0).collect()
}

/// Incidents 1 to `count`, each with an alert that fires; with an equal severity they stand in this order.
async fn some(count: i64) -> Bench {
    let bench = Bench::new();
    let fence = bench.fence().await;
    for n in 1..=count {
        let name = format!("A{n}");
        bench.ingest(&fence, vec![firing(&name, &name, n)]).await;
    }
    bench
}

#[tokio::test]
async fn a_change_says_what_happened_and_stands_in_journal_timeline_and_people() {
    let bench = some(1).await;
    let changed = act(&bench, 1, IncidentCommand::Assign(Assignee::Person("bob".to_owned())), &actor("ada")).await;
    assert_eq!(changed.said, "#1 is assigned to bob.");
    assert_eq!(
        (changed.incident, bench.timeline(1).await.pop()),
        (bench.incident(1).await, Some("assigned it to bob".to_owned()))
    );
    let noted = act(&bench, 1, IncidentCommand::Note("the disk of db-3".to_owned()), &actor("ada")).await;
    assert_eq!(noted.said, "Noted on #1.");
    assert_eq!(bench.timeline(1).await.pop().unwrap(), "note: the disk of db-3");
    let header = bench.store.header().await.unwrap();
    assert_eq!((header.me.as_str(), header.people), ("ada", vec!["ada".to_owned(), "bob".to_owned()]));
    assert!(bench.store.verify().await.unwrap().ok);
}

#[tokio::test]
async fn undo_puts_back_what_was_and_is_an_entry_of_its_own() {
    let bench = some(1).await;
    let ada = actor("ada");
    let before = bench.incident(1).await;
    act(&bench, 1, IncidentCommand::Resolve("false alarm".to_owned()), &ada).await;
    assert!(bench.incident(1).await.fires_although_resolved());
    assert_eq!(bench.store.header().await.unwrap().resolved_firing, 1);
    let undone = bench.store.undo_incident(ID, &ada).await.unwrap();
    assert_eq!(undone.said, "Took back on #1: resolved by hand: false alarm.");
    let now = bench.incident(1).await;
    assert_eq!((now.standing().state, now.resolved_by), (before.state, None));
    assert_eq!(bench.timeline(1).await.pop().unwrap(), "took back: resolved by hand: false alarm");
    assert!(matches!(bench.journal().await.pop(), Some(Payload::Incident { event: IncidentEvent::Undone { .. } })));
    assert_eq!(bench.store.header().await.unwrap().resolved_firing, 0);

    act(&bench, 1, IncidentCommand::Acknowledge, &ada).await;
    act(&bench, 1, IncidentCommand::Assign(Assignee::Me), &bob()).await;
    let refused = bench.store.undo_incident(ID, &ada).await;
    assert!(matches!(refused, Err(CommandError::Refused(refusal)) if refusal.why.contains("bob")));
}

#[tokio::test]
async fn a_retracted_note_is_marked_and_kept() {
    let bench = some(1).await;
    let ada = actor("ada");
    act(&bench, 1, IncidentCommand::Note("wrong".to_owned()), &ada).await;
    bench.clock.advance(Duration::from_secs(5));
    bench.store.undo_incident(ID, &ada).await.unwrap();
    let detail = bench.store.detail(ID).await.unwrap().unwrap();
    let note = detail.timeline.iter().find(|row| row.what == "note: wrong").unwrap();
    assert_eq!(note.retracted_at, Some(bench.clock.now()));
    assert_eq!(note.marked(), "[retracted] note: wrong");
    assert!(detail.timeline.iter().filter(|row| row.retracted_at.is_some()).count() == 1);
}

#[tokio::test]
async fn what_was_resolved_by_hand_ends_with_its_alert_and_opens_again_with_the_next() {
    let bench = some(1).await;
    let fence = bench.fence().await;
    act(&bench, 1, IncidentCommand::Resolve("over".to_owned()), &actor("ada")).await;
    // The same firing delivered again is no news.
    bench.ingest(&fence, vec![firing("A1", "A1", 1)]).await;
    assert_eq!((bench.incident(1).await.state, bench.incident(1).await.firing), (IncidentState::Resolved, 1));
    // It ends long after; that it fires again is counted from then.
    bench.clock.advance(Duration::from_secs(3_600));
    bench.ingest(&fence, vec![resolved("A1", "A1", 1, 5)]).await;
    let over = bench.incident(1).await;
    assert_eq!((over.state, over.firing, over.resolved_at), (IncidentState::Resolved, 0, Some(bench.clock.now())));
    let refused = bench.store.incident_command(ID, IncidentCommand::Reopen, &actor("ada")).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))));
    bench.clock.advance(Duration::from_secs(60));
    bench.ingest(&fence, vec![firing("A1", "A1", 4_000_000)]).await;
    let again = bench.incident(1).await;
    assert_eq!((again.state, again.reopened, again.resolved_by), (IncidentState::Open, 1, None));
}

#[tokio::test]
async fn queues_hold_what_their_names_say_and_are_counted() {
    let bench = some(5).await;
    let ada = actor("ada");
    act(&bench, 2, IncidentCommand::Acknowledge, &ada).await;
    act(&bench, 3, IncidentCommand::Assign(Assignee::Me), &bob()).await;
    act(&bench, 4, IncidentCommand::Suppress(Until::Changed), &ada).await;
    assert_eq!(ids(&bench, Queue::All).await, [1, 2, 3, 5]);
    assert_eq!(ids(&bench, Queue::Mine).await, [2]);
    assert_eq!(ids(&bench, Queue::Unassigned).await, [1, 5]);
    assert_eq!(ids(&bench, Queue::Suppressed).await, [4]);
    let counts = bench.store.header().await.unwrap().queues;
    for queue in Queue::EVERY {
        assert_eq!(counts.of(queue) as usize, ids(&bench, queue).await.len(), "{}", queue.name());
    }
    let filtered = QueueQuery { queue: Queue::Unassigned, filter: "a5".to_owned(), ..everything() };
    let window = bench.store.queue(filtered).await.unwrap();
    assert_eq!((window.total, window.rows[0].id), (1, IncidentId(5)));
}

#[tokio::test]
async fn a_window_around_an_incident_of_another_queue_names_its_neighbour() {
    let bench = some(5).await;
    for id in [1, 2, 5] {
        act(&bench, id, IncidentCommand::Acknowledge, &actor("ada")).await;
    }
    let near = |queue, id| {
        let anchor = QueueAnchor::Around(IncidentId(id));
        bench.store.queue(QueueQuery { queue, anchor, ..everything() })
    };
    assert_eq!(near(Queue::Mine, 3).await.unwrap().near, Some(2), "between 2 and 5");
    assert_eq!(near(Queue::Mine, 5).await.unwrap().near, Some(2));
    assert_eq!(near(Queue::Unassigned, 5).await.unwrap().near, Some(2), "after the last");
    assert_eq!(near(Queue::All, 99).await.unwrap().near, None);
}

#[tokio::test]
async fn a_suppression_by_time_ends_by_itself() {
    let bench = some(1).await;
    let end = bench.clock.now().plus(Duration::from_secs(7_200));
    act(&bench, 1, IncidentCommand::Suppress(Until::Time(end)), &actor("ada")).await;
    assert_eq!(bench.incident(1).await.suppressed, Some(Suppression { by: "ada".to_owned(), until: Until::Time(end) }));
    assert_eq!(bench.store.end_suppressions(bench.clock.now()).await.unwrap(), 0);
    assert_eq!(ids(&bench, Queue::All).await, [0_i64; 0]);
    bench.clock.advance(Duration::from_secs(7_200));
    // It is seen at once, and said as soon as someone looks for it.
    assert_eq!(ids(&bench, Queue::All).await, [1]);
    assert_eq!(bench.store.end_suppressions(bench.clock.now()).await.unwrap(), 1);
    assert_eq!(bench.store.end_suppressions(bench.clock.now()).await.unwrap(), 0);
    assert_eq!(bench.timeline(1).await.pop().unwrap(), "no longer suppressed: its time is over");
}

#[tokio::test]
async fn a_suppression_until_a_change_ends_with_news_and_not_with_repetition() {
    let bench = some(1).await;
    let fence = bench.fence().await;
    let who = bob();
    let suppress = || act(&bench, 1, IncidentCommand::Suppress(Until::Changed), &who);
    let news = [
        with_severity(firing("A1", "other", 9), "critical"),
        resolved("A1", "other", 9, 10),
        resolved("A1", "A1", 1, 11),
        firing("A1", "A1", 12),
    ];
    suppress().await;
    for alert in news {
        bench.ingest(&fence, vec![firing("A1", "A1", 1)]).await;
        let still = bench.incident(1).await;
        assert!(still.suppressed.is_some() || still.state == IncidentState::Resolved);
        bench.ingest(&fence, vec![alert]).await;
        let now = bench.incident(1).await;
        assert_eq!(now.suppressed, None);
        if now.state != IncidentState::Resolved {
            suppress().await;
        }
    }
    assert!(bench.timeline(1).await.iter().any(|line| line == "no longer suppressed: it changed"));
}

/// What was done to an incident: nothing, or one of these.
fn command(number: u8, now: crate::domain::time::Timestamp) -> Option<(IncidentCommand, Actor)> {
    let later = |seconds| IncidentCommand::Suppress(Until::Time(now.plus(Duration::from_secs(seconds))));
    match number {
        0 => Some((IncidentCommand::Acknowledge, actor("ada"))),
        1 => Some((IncidentCommand::Acknowledge, bob())),
        2 => Some((IncidentCommand::Suppress(Until::Changed), bob())),
        3 => Some((later(5), bob())),
        4 => Some((later(500), bob())),
        5 => Some((IncidentCommand::Resolve("x".to_owned()), actor("ada"))),
        _ => None,
    }
}

async fn check_queues(done: &[Vec<u8>], limit: u32) {
    let bench = some(i64::try_from(done.len()).unwrap()).await;
    let now = bench.clock.now();
    for (id, numbers) in (1..).zip(done) {
        for (command, who) in numbers.iter().filter_map(|number| command(*number, now)) {
            // Some make no sense after others; those are refused and change nothing.
            let _ = bench.store.incident_command(IncidentId(id), command, &who).await;
        }
    }
    bench.clock.advance(Duration::from_secs(60));
    for queue in Queue::EVERY {
        let mut expected = Vec::new();
        for id in 1..=i64::try_from(done.len()).unwrap() {
            if queue.contains(&bench.incident(id).await.standing(), "ada", bench.clock.now()) {
                expected.push(id);
            }
        }
        for filter in ["", "alertname"] {
            let query = QueueQuery { queue, filter: filter.to_owned(), ..everything() };
            let whole = bench.store.queue(query.clone()).await.unwrap();
            let mut found: Vec<i64> = whole.rows.iter().map(|row| row.id.0).collect();
            assert_eq!(whole.total as usize, found.len());
            for row in &whole.rows {
                let anchor = QueueAnchor::Around(row.id);
                let window = bench.store.queue(QueueQuery { anchor, limit, ..query.clone() }).await.unwrap();
                let at = (window.near.unwrap() - window.start) as usize;
                assert_eq!(window.rows.get(at).map(|row| row.id), Some(row.id), "{queue:?} {filter:?}");
            }
            found.sort_unstable();
            assert_eq!(found, expected, "{queue:?} with filter {filter:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_and_the_rule_agree_about_queues(
        done in prop::collection::vec(prop::collection::vec(0_u8..8, 0..3), 1..7),
        limit in 1_u32..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check_queues(&done, limit));
    }
}

//! Tests of the ingest service in paused time, with fakes behind every port.

use std::collections::BTreeSet;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::fakes::{Answer, DoorState, FakeDoor, FakeSource, FakeStore, TokioClock, delivery};
use super::health::MOST_UNEXPECTED;
use super::reconcile::{SHORTEST_GAP, WARM_UP};
use super::*;
use crate::domain::alert::BatchOrigin;
use crate::engine::ports::{SinkError, TurnedAway};
use crate::store::view::HealthState;

const MINUTE: Duration = Duration::from_secs(60);

/// One process of a test.
struct Process {
    role: watch::Receiver<Role>,
    trouble: watch::Receiver<Option<Trouble>>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    clock: Arc<TokioClock>,
}

impl Process {
    fn start(name: &str, store: &FakeStore, source: Option<&Arc<FakeSource>>, door: &FakeDoor) -> Self {
        let sources = source
            .map(|source| WatchedSource { source: Arc::clone(source) as Arc<dyn AlertSource>, interval: MINUTE })
            .into_iter()
            .collect();
        let plan = IngestPlan {
            holder: name.to_owned(),
            lease: LEASE,
            reopen_within: Duration::from_secs(1800),
            sources,
            door: Some(Door { receivers: Arc::new(door.clone()), sources: vec!["am".into()] }),
        };
        let clock = Arc::new(TokioClock(Instant::now()));
        let (told, trouble) = watch::channel(None);
        let ingest = Ingest::new(store.clone(), Arc::clone(&clock) as Arc<dyn Clock>, plan).telling(told);
        let (role, shutdown) = (ingest.follow(), CancellationToken::new());
        let task = tokio::spawn(ingest.run(shutdown.clone()));
        Self { role, trouble, shutdown, task, clock }
    }

    async fn until(&mut self, predicate: impl FnMut(&Role) -> bool) {
        timeout(Duration::from_secs(24 * 3600), self.role.wait_for(predicate)).await.unwrap().unwrap();
    }

    async fn until_trouble(&mut self, predicate: impl FnMut(&Option<Trouble>) -> bool) -> Option<Trouble> {
        timeout(Duration::from_secs(24 * 3600), self.trouble.wait_for(predicate)).await.unwrap().unwrap().clone()
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
        assert_eq!(*self.role.borrow(), Role::Ended);
    }

    /// As if the machine took it away: nothing is closed or released.
    async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn open_at(place: &str) -> Role {
    Role::Holder { place: Some(place.to_owned()) }
}

fn gaps(asked: &[Instant]) -> Vec<u64> {
    asked.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_process_takes_the_lease_opens_and_reconciles() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let mut process = Process::start("1@a", &store, Some(&source), &door);
    process.until(|role| *role == open_at("here")).await;
    store.until(|held| held.batches.len() == 1 && held.health_of("am", "api").is_some()).await;
    store.read(|held| {
        assert_eq!(held.lease.as_ref().map(|(holder, ..)| holder.as_str()), Some("1@a"));
        assert_eq!(held.health_of("am", "api"), Some((HealthState::Ok, "")));
        let waiting = "Listening on here; nothing was delivered yet";
        assert_eq!(held.health_of("am", "webhook"), Some((HealthState::Waiting, waiting)));
    });
    door.sink().await.accept(delivery("am", 0)).await.unwrap();
    store.read(|held| assert_eq!(held.health_of("am", "webhook"), Some((HealthState::Ok, ""))));
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_is_asked_at_intervals_and_its_health_is_written_once() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let process = Process::start("1@a", &store, Some(&source), &door);
    assert_eq!(gaps(&source.until_asked(4).await), [60, 60, 60]);
    store.read(|held| {
        assert_eq!(held.health.iter().filter(|health| health.channel == "api").count(), 1);
        assert!(held.renewals > 20, "the lease is renewed meanwhile");
    });
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_reconciliation_is_before_the_question() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let began = TokioClock(Instant::now()).now();
    let recently = began.minus(Duration::from_secs(30));
    let long_ago = began.minus(WARM_UP);
    let answers = [recently, long_ago].map(|at| Answer::Empty { running_since: Some(at) });
    let source = FakeSource::new("am", answers);
    let process = Process::start("1@a", &store, Some(&source), &door);
    store.until(|held| held.batches.len() == 2).await;
    let origins: Vec<_> = store.read(|held| held.batches.iter().map(|batch| batch.origin).collect());
    assert_eq!(origins[0], BatchOrigin::Reconcile { as_of: began, known_since: Some(recently) });
    assert!(matches!(origins[1], BatchOrigin::Reconcile { as_of, known_since: None } if as_of < process.clock.now()));
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_is_asked_less_and_less_and_said_once() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", vec![Answer::Fails; 9]);
    let process = Process::start("1@a", &store, Some(&source), &door);
    assert_eq!(gaps(&source.until_asked(10).await), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    store.until(|held| held.health_of("am", "api") == Some((HealthState::Ok, ""))).await;
    store.read(|held| {
        let said: Vec<_> = held.health.iter().filter(|health| health.channel == "api").collect();
        assert_eq!(said.len(), 2);
        assert_eq!((said[0].state, said[0].detail.as_str()), (HealthState::Down, "it is not there. Start it"));
    });
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_recovered_begins_anew() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let well = Answer::Empty { running_since: None };
    let source = FakeSource::new("am", [Answer::Fails, Answer::Fails, well.clone(), Answer::Fails, well]);
    let process = Process::start("1@a", &store, Some(&source), &door);
    assert_eq!(gaps(&source.until_asked(6).await), [1, 2, 60, 1, 60]);
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_delivery_is_completed_through_the_api() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let process = Process::start("1@a", &store, Some(&source), &door);
    store.until(|held| held.batches.len() == 1).await;
    let sink = door.sink().await;
    for _ in 0..100 {
        sink.accept(delivery("am", 3)).await.unwrap();
    }
    let asked = source.until_asked(3).await;
    assert!(asked[1] - asked[0] >= SHORTEST_GAP && asked[1] - asked[0] < MINUTE, "soon, and not at once");
    assert_eq!(gaps(&asked[1..]), [60], "a hundred deliveries are one reason to ask");
    store.read(|held| assert_eq!(held.health_of("am", "webhook"), Some((HealthState::Ok, ""))));
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_delivery_of_a_source_that_cannot_be_asked_is_said() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let process = Process::start("1@a", &store, None, &door);
    let sink = door.sink().await;
    sink.accept(delivery("am", 3)).await.unwrap();
    let degraded =
        |held: &super::fakes::Held| held.health_of("am", "webhook").map(|(state, text)| (state, text.to_owned()));
    let (state, detail) = store.read(degraded).unwrap();
    assert_eq!(state, HealthState::Degraded);
    assert!(detail.contains("max_alerts: 0"), "{detail}");
    sink.accept(delivery("am", 0)).await.unwrap();
    assert_eq!(store.read(degraded), Some((HealthState::Ok, String::new())));
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_delivery_is_put_aside_said_and_replaced_by_a_question() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let process = Process::start("1@a", &store, Some(&source), &door);
    store.until(|held| held.batches.len() == 1).await;
    let sink = door.sink().await;
    sink.quarantine("am".into(), b"{".to_vec(), "it is not JSON".to_owned()).await.unwrap();
    store.read(|held| {
        assert_eq!(held.aside, [("am".into(), "it is not JSON".to_owned())]);
        let (state, detail) = held.health_of("am", "webhook").unwrap();
        assert_eq!(state, HealthState::Degraded);
        assert!(detail.contains("it is not JSON") && detail.contains("through the API"), "{detail}");
    });
    let asked = source.until_asked(2).await;
    assert!(asked[1] - asked[0] < MINUTE);
    let path = "/api/v1/alerts".to_owned();
    for (why, told) in [
        (TurnedAway::WrongToken, "a wrong token"),
        (TurnedAway::NoToken, "without the token"),
        (TurnedAway::WrongPath { path }, "to /api/v1/alerts, where nothing takes it"),
    ] {
        sink.turned_away("am".into(), why).await;
        store.read(|held| assert!(held.health_of("am", "webhook").unwrap().1.contains(told), "{told}"));
    }
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn names_that_whoever_delivers_makes_up_do_not_fill_the_screen() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let process = Process::start("1@a", &store, Some(&source), &door);
    let sink = door.sink().await;
    for number in 0..500 {
        sink.accept(delivery(&format!("made-up-{number}"), 0)).await.unwrap();
    }
    store.read(|held| {
        let sources: BTreeSet<_> = held.health.iter().map(|health| health.source.clone()).collect();
        assert_eq!(sources.len(), MOST_UNEXPECTED + 1);
        assert_eq!(held.batches.iter().filter(|batch| batch.source.as_str().starts_with("made-up")).count(), 500);
    });
    // Those that are configured are noted whatever else was delivered.
    sink.accept(delivery("am", 0)).await.unwrap();
    store.read(|held| assert_eq!(held.health_of("am", "webhook"), Some((HealthState::Ok, ""))));
    process.end().await;
    // The next term begins without them.
    let process = Process::start("2@a", &store, Some(&source), &door);
    store.until(|held| held.health.iter().all(|health| health.source.as_str() == "am")).await;
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_store_cannot_write_is_not_accepted() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let process = Process::start("1@a", &store, None, &door);
    let sink = door.sink().await;
    store.change(|held| held.ingest_fails = true);
    let failed = Err(SinkError::Unavailable("the disk is full".to_owned()));
    assert_eq!(sink.accept(delivery("am", 0)).await, failed);
    assert_eq!(sink.quarantine("am".into(), Vec::new(), "x".to_owned()).await, failed);
    // Whoever follows learns it, and that it is over.
    assert_eq!(
        process.trouble.borrow().as_ref().map(|trouble| trouble.why.clone()),
        Some("the disk is full".to_owned())
    );
    store.change(|held| held.ingest_fails = false);
    assert_eq!(sink.accept(delivery("am", 0)).await, Ok(()));
    assert_eq!(*process.trouble.borrow(), None);
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_process_watches_and_takes_over_when_the_first_one_dies() {
    let store = FakeStore::default();
    let (first_door, second_door) = (FakeDoor::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let mut first = Process::start("1@a", &store, None, &first_door);
    first.until(|role| *role == open_at("here")).await;
    let sink = first_door.sink().await;
    let mut second = Process::start("2@a", &store, Some(&source), &second_door);
    second.until(|role| *role == Role::Viewer { reason: "1@a".to_owned() }).await;
    assert!(source.asked.borrow().is_empty(), "a viewer asks nobody");
    first.crash().await;
    second.until(|role| *role == open_at("here")).await;
    source.until_asked(1).await;
    assert_eq!(sink.accept(delivery("am", 0)).await, Err(SinkError::NotReceiving), "its fence is old");
    second.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_fenced_closes_and_watches() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", []);
    let mut process = Process::start("1@a", &store, Some(&source), &door);
    process.until(|role| *role == open_at("here")).await;
    let sink = door.sink().await;
    store.change(|held| {
        held.fences += 1;
        held.lease = Some(("2@a".to_owned(), held.fences, Instant::now() + MINUTE));
    });
    let refused = Instant::now();
    assert_eq!(sink.accept(delivery("am", 0)).await, Err(SinkError::NotReceiving));
    door.until(|state| state.closed == 1).await;
    assert_eq!(refused.elapsed(), Duration::ZERO, "it does not wait for the heartbeat");
    process.until(|role| *role == Role::Viewer { reason: "2@a".to_owned() }).await;
    assert_eq!(sink.accept(delivery("am", 0)).await, Err(SinkError::NotReceiving));
    process.until(|role| *role == open_at("here")).await;
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_notices_a_take_over_without_any_delivery() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let mut process = Process::start("1@a", &store, None, &door);
    process.until(|role| *role == open_at("here")).await;
    store.change(|held| held.lease = Some(("2@a".to_owned(), 99, Instant::now() + MINUTE)));
    let taken = Instant::now();
    process.until(|role| matches!(role, Role::Viewer { .. })).await;
    assert!(taken.elapsed() < LEASE / 2, "it does not wait for the end of its own lease");
    assert_eq!(door.state.borrow().closed, 1);
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_failed_heartbeat_is_no_loss_but_a_lease_without_any_is() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let mut process = Process::start("1@a", &store, None, &door);
    process.until(|role| *role == open_at("here")).await;
    let beat = LEASE / BEATS;
    store.change(|held| held.renew_fails = true);
    sleep(beat + beat / 2).await;
    store.change(|held| held.renew_fails = false);
    let before = store.read(|held| held.renewals);
    store.until(|held| held.renewals > before).await;
    assert_eq!(*process.role.borrow(), open_at("here"));
    store.change(|held| held.renew_fails = true);
    process.until(|role| matches!(role, Role::Viewer { .. })).await;
    assert_eq!(door.state.borrow().closed, 1);
    store.change(|held| held.renew_fails = false);
    process.until(|role| *role == open_at("here")).await;
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_cannot_open_is_said_and_tried_again_while_the_api_works() {
    let store = FakeStore::default();
    let door = FakeDoor::default();
    door.state.send_modify(|state: &mut DoorState| state.failures_left = 12);
    let source = FakeSource::new("am", []);
    let mut process = Process::start("1@a", &store, Some(&source), &door);
    store
        .until(|held| held.health_of("am", "webhook") == Some((HealthState::Down, "the port is taken. Free it")))
        .await;
    store.until(|held| !held.batches.is_empty()).await;
    process.until(|role| *role == open_at("here")).await;
    assert_eq!(store.read(|held| held.health_of("am", "webhook").unwrap().0), HealthState::Waiting);
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_what_is_in_flight_and_hands_the_lease_over() {
    let store = FakeStore::default();
    let hold = Arc::new(Notify::new());
    let door = FakeDoor { hold_close: Some(Arc::clone(&hold)), ..FakeDoor::default() };
    let mut first = Process::start("1@a", &store, None, &door);
    first.until(|role| *role == open_at("here")).await;
    let sink = door.sink().await;
    first.shutdown.cancel();
    sleep(LEASE * 3).await;
    assert_eq!(sink.accept(delivery("am", 0)).await, Ok(()), "the lease is kept until the last one is stored");
    assert!(!first.task.is_finished());
    hold.notify_one();
    first.end().await;
    assert!(store.read(|held| held.lease.is_none()));
    let other = FakeDoor::default();
    let mut second = Process::start("2@a", &store, None, &other);
    second.until(|role| *role == open_at("here")).await;
    second.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_defect_in_one_part_begins_a_new_term() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let source = FakeSource::new("am", [Answer::Panics]);
    let process = Process::start("1@a", &store, Some(&source), &door);
    store.until(|held| held.fences == 2 && held.batches.len() == 1).await;
    assert_eq!(door.state.borrow().closed, 1);
    process.end().await;
}

#[test]
fn pauses_double_up_to_their_cap() {
    let seconds = |failures| retry_delay(failures, MINUTE).as_secs();
    assert_eq!([1, 2, 3, 7, 8, u32::MAX].map(seconds), [1, 2, 4, 60, 60, 60]);
    assert_eq!(retry_delay(5, Duration::ZERO), FIRST_RETRY, "never without a pause");
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_cannot_be_stored_are_a_trouble_until_one_is_stored() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let mut process = Process::start("1@a", &store, None, &door);
    let sink = door.sink().await;
    store.change(|held| held.ingest_fails = true);
    let began = process.clock.now();
    for _ in 0..6 {
        assert!(matches!(sink.accept(delivery("am", 0)).await, Err(SinkError::Unavailable(_))));
        tokio::time::sleep(Duration::from_secs(8)).await;
    }
    let expected = Trouble { since: began, effect: TroubleEffect::Refused, why: "the disk is full".to_owned() };
    assert_eq!(*process.trouble.borrow(), Some(expected), "renewals that go well do not end it");
    store.change(|held| held.ingest_fails = false);
    sink.accept(delivery("am", 0)).await.unwrap();
    assert_eq!(*process.trouble.borrow(), None);
    // Without a delivery it is over when there is room and nothing fails any more.
    store.change(|held| held.ingest_fails = true);
    assert!(sink.quarantine("am".into(), Vec::new(), "it is odd".to_owned()).await.is_err());
    process.until_trouble(Option::is_some).await;
    store.change(|held| held.ingest_fails = false);
    process.until_trouble(Option::is_none).await;
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_to_a_full_disk_is_a_trouble_until_it_is_had_again() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let mut process = Process::start("1@a", &store, None, &door);
    let sink = door.sink().await;
    let began = process.clock.now();
    store.change(|held| (held.ingest_fails, held.renew_fails, held.acquire_fails) = (true, true, true));
    assert!(sink.accept(delivery("am", 0)).await.is_err());
    let lost = process
        .until_trouble(|trouble| trouble.as_ref().is_some_and(|trouble| trouble.effect == TroubleEffect::NotReceiving));
    let lost = lost.await.unwrap();
    assert_eq!((lost.since, lost.why.as_str()), (began, "the disk is full"), "it began with the first failure");
    process.until(|role| matches!(role, Role::Viewer { .. })).await;
    tokio::time::sleep(MINUTE).await;
    assert!(process.trouble.borrow().is_some(), "it goes on");
    store.change(|held| (held.ingest_fails, held.renew_fails, held.acquire_fails) = (false, false, false));
    process.until_trouble(Option::is_none).await;
    process.until(|role| *role == open_at("here")).await;
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_waits_for_another_one_is_in_no_trouble() {
    let (store, door) = (FakeStore::default(), FakeDoor::default());
    let mut first = Process::start("1@a", &store, None, &door);
    first.until(|role| *role == open_at("here")).await;
    let mut second = Process::start("2@a", &store, None, &FakeDoor::default());
    second.until(|role| matches!(role, Role::Viewer { .. })).await;
    tokio::time::sleep(MINUTE).await;
    assert_eq!(*second.trouble.borrow(), None);
    second.end().await;
    first.end().await;
}

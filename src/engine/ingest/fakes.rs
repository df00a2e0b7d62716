//! A store, a source and a receiver that the tests of the ingest service can script and read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{AlertStore, Lease, StoreFailure};
use crate::domain::alert::{AlertBatch, BatchOrigin};
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ports::{
    AlertSink, AlertSource, BoxFuture, Clock, Delivery, Fetched, OpenReceiver, ReceiverFactory, SourceError,
};
use crate::store::view::{HealthState, SourceHealth};

/// Long enough for anything that is going to happen; paused time makes it short.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A clock that follows tokio's.
pub(super) struct TokioClock(pub(super) Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What the store holds, and how it is to behave.
#[derive(Default)]
pub(super) struct Held {
    pub(super) lease: Option<(String, i64, Instant)>,
    pub(super) fences: i64,
    pub(super) renewals: u32,
    pub(super) batches: Vec<AlertBatch>,
    pub(super) aside: Vec<(SourceId, String)>,
    pub(super) health: Vec<SourceHealth>,
    /// Fails every question for the lease.
    pub(super) acquire_fails: bool,
    /// Fails every renewal.
    pub(super) renew_fails: bool,
    /// Fails every ingest and quarantine.
    pub(super) ingest_fails: bool,
}

impl Held {
    fn check(&self, fence: i64) -> Result<(), StoreFailure> {
        match &self.lease {
            Some((_, held, _)) if *held == fence => Ok(()),
            Some(_) | None => Err(StoreFailure::Fenced),
        }
    }

    /// The last noted health of a channel.
    pub(super) fn health_of(&self, source: &str, channel: &str) -> Option<(HealthState, &str)> {
        let same = |health: &&SourceHealth| health.source.as_str() == source && health.channel == channel;
        self.health.iter().rev().find(same).map(|health| (health.state, health.detail.as_str()))
    }
}

/// A store in memory that processes of a test share.
#[derive(Clone, Default)]
pub(super) struct FakeStore(pub(super) Arc<watch::Sender<Held>>);

impl FakeStore {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        let mut change = Some(change);
        let mut result = None;
        self.0.send_modify(|held| result = change.take().map(|change| change(held)));
        result.unwrap()
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Held) -> T) -> T {
        read(&self.0.borrow())
    }

    pub(super) async fn until(&self, predicate: impl FnMut(&Held) -> bool) {
        let mut changes = self.0.subscribe();
        let waited = tokio::time::timeout(PATIENCE, changes.wait_for(predicate)).await;
        assert!(waited.is_ok(), "it never came to that");
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl AlertStore for FakeStore {
    type Fence = i64;

    fn acquire(&self, holder: &str, ttl: Duration) -> BoxFuture<'_, Result<Lease<i64>, StoreFailure>> {
        ready(self.change(|held| match &held.lease {
            _ if held.acquire_fails => Err(StoreFailure::Failed("the disk is full".to_owned())),
            Some((other, _, until)) if *until > Instant::now() => Ok(Lease::HeldBy { holder: other.clone() }),
            Some(_) | None => {
                held.fences += 1;
                held.lease = Some((holder.to_owned(), held.fences, Instant::now() + ttl));
                Ok(Lease::Held(held.fences))
            }
        }))
    }

    fn renew(&self, fence: &i64, ttl: Duration) -> BoxFuture<'_, Result<(), StoreFailure>> {
        ready(self.change(|held| {
            if held.renew_fails {
                return Err(StoreFailure::Failed("the disk is full".to_owned()));
            }
            held.check(*fence)?;
            held.renewals += 1;
            if let Some((_, _, until)) = &mut held.lease {
                *until = Instant::now() + ttl;
            }
            Ok(())
        }))
    }

    fn release(&self, fence: &i64) -> BoxFuture<'_, Result<(), StoreFailure>> {
        ready(self.change(|held| {
            held.check(*fence)?;
            held.lease = None;
            Ok(())
        }))
    }

    fn ingest(&self, fence: &i64, batch: AlertBatch, _: Duration) -> BoxFuture<'_, Result<(), StoreFailure>> {
        ready(self.change(|held| {
            if held.ingest_fails {
                return Err(StoreFailure::Failed("the disk is full".to_owned()));
            }
            held.check(*fence)?;
            held.batches.push(batch);
            Ok(())
        }))
    }

    fn quarantine(
        &self,
        _: &i64,
        source: SourceId,
        reason: String,
        _: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), StoreFailure>> {
        ready(self.change(|held| {
            if held.ingest_fails {
                return Err(StoreFailure::Failed("the disk is full".to_owned()));
            }
            held.aside.push((source, reason));
            Ok(())
        }))
    }

    fn has_room(&self) -> bool {
        self.read(|held| !held.ingest_fails)
    }

    fn set_health(&self, _: &i64, health: SourceHealth) -> BoxFuture<'_, Result<(), StoreFailure>> {
        self.change(|held| held.health.push(health));
        ready(Ok(()))
    }

    fn keep_health_of(&self, _: &i64, sources: Vec<SourceId>) -> BoxFuture<'_, Result<(), StoreFailure>> {
        self.change(|held| held.health.retain(|health| sources.contains(&health.source)));
        ready(Ok(()))
    }
}

/// What a source does when it is asked.
#[derive(Clone)]
pub(super) enum Answer {
    Empty { running_since: Option<Timestamp> },
    Fails,
    Panics,
}

/// A source with scripted answers; after the last one it answers with nothing.
pub(super) struct FakeSource {
    id: SourceId,
    answers: Mutex<VecDeque<Answer>>,
    pub(super) asked: watch::Sender<Vec<Instant>>,
}

impl FakeSource {
    pub(super) fn new(id: &str, answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { id: id.into(), answers, asked: watch::Sender::default() })
    }

    pub(super) async fn until_asked(&self, times: usize) -> Vec<Instant> {
        let mut asked = self.asked.subscribe();
        let waited = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| asked.len() >= times)).await;
        waited.unwrap().unwrap().clone()
    }
}

impl AlertSource for FakeSource {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, SourceError>> {
        Box::pin(async {
            self.asked.send_modify(|asked| asked.push(Instant::now()));
            // A question takes its time, so that "before" and "after" it differ.
            tokio::time::sleep(Duration::from_millis(10)).await;
            let answer = self.answers.lock().unwrap().pop_front();
            match answer.unwrap_or(Answer::Empty { running_since: None }) {
                Answer::Empty { running_since } => {
                    Ok(Fetched { alerts: Vec::new(), running_since, digest: "d".to_owned() })
                }
                Answer::Fails => Err(SourceError { what: "it is not there".to_owned(), remedy: "Start it".to_owned() }),
                Answer::Panics => panic!("a defect"),
            }
        })
    }
}

/// The receiver as the test sees it.
#[derive(Default)]
pub(super) struct DoorState {
    pub(super) failures_left: u32,
    pub(super) sink: Option<Arc<dyn AlertSink>>,
    pub(super) closed: u32,
}

/// Opens a receiver that consists of its sink.
#[derive(Clone, Default)]
pub(super) struct FakeDoor {
    pub(super) state: Arc<watch::Sender<DoorState>>,
    /// When set, closing waits for it.
    pub(super) hold_close: Option<Arc<Notify>>,
}

impl FakeDoor {
    pub(super) async fn until(&self, predicate: impl FnMut(&DoorState) -> bool) {
        let mut changes = self.state.subscribe();
        let waited = tokio::time::timeout(PATIENCE, changes.wait_for(predicate)).await;
        assert!(waited.is_ok(), "it never came to that");
    }

    /// The sink of the open receiver.
    pub(super) async fn sink(&self) -> Arc<dyn AlertSink> {
        self.until(|state| state.sink.is_some()).await;
        self.state.borrow().sink.clone().unwrap()
    }
}

impl ReceiverFactory for FakeDoor {
    fn open(&self, sink: Arc<dyn AlertSink>) -> BoxFuture<'_, Result<Box<dyn OpenReceiver>, SourceError>> {
        let mut opened = false;
        self.state.send_modify(|state| match state.failures_left.checked_sub(1) {
            Some(left) => state.failures_left = left,
            None => {
                opened = true;
                state.sink = Some(sink);
            }
        });
        ready(if opened {
            Ok(Box::new(self.clone()) as Box<dyn OpenReceiver>)
        } else {
            Err(SourceError { what: "the port is taken".to_owned(), remedy: "Free it".to_owned() })
        })
    }
}

impl OpenReceiver for FakeDoor {
    fn place(&self) -> String {
        "here".to_owned()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(hold) = &self.hold_close {
                hold.notified().await;
            }
            self.state.send_modify(|state| {
                state.sink = None;
                state.closed += 1;
            });
        })
    }
}

/// A delivery without alerts.
pub(super) fn delivery(source: &str, left_out: u64) -> Delivery {
    let batch =
        AlertBatch { source: source.into(), origin: BatchOrigin::Webhook, alerts: Vec::new(), digest: "d".to_owned() };
    Delivery { batch, left_out }
}

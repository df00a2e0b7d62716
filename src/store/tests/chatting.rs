//! Conversations and the budget: what is stored, what counts, and that no limit breaks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{Bench, START, actor, firing, open_as};
use crate::domain::action::spec::StepRef;
use crate::domain::chat::budget::{Budget, CallEnd, CallRequest, Limit, Spent};
use crate::domain::chat::statements::SourceCheck;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageDraft, MessageState, Usage};
use crate::domain::id::{IncidentId, MessageId};
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;
use crate::store::{CommandError, Identity, OpenOptions, Store};

const BUDGET: Budget = Budget { per_call: 100, per_incident: 250, per_day: 1_000 };

fn request(incident: Option<i64>, most: u64) -> CallRequest {
    CallRequest {
        incident: incident.map(IncidentId),
        model: "m".to_owned(),
        destination: "https://example.org".to_owned(),
        digest: "d".repeat(64),
        replaced: BTreeMap::from([("host name".to_owned(), 2)]),
        each_micro_usd: most,
        calls: 1,
    }
}

fn question(conversation: Conversation, text: &str) -> MessageDraft {
    let author = Author::Person { name: "ada".to_owned() };
    ChatMessage::draft(conversation, author, text.to_owned(), MessageState::Complete)
}

async fn reserve(store: &Store, request: CallRequest) -> Result<crate::domain::id::CallId, Limit> {
    let reserved = store.reserve(request, BUDGET, &actor("ada")).await.unwrap();
    reserved.map_err(|over| over.limit)
}

async fn spent(store: &Store, at: Timestamp, incident: Option<i64>) -> Spent {
    store.read_view(move |reader| reader.spent(at, incident.map(IncidentId))).await.unwrap()
}

#[tokio::test]
async fn messages_come_back_as_they_were_stored_each_in_its_conversation() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("DiskFull", "a", 0)]).await;
    let about = Conversation::Incident(IncidentId(1));
    let first = bench.store.say(question(about, "why?"), &actor("ada")).await.unwrap();
    bench.store.say(question(Conversation::General, "hello"), &actor("ada")).await.unwrap();
    let answer = MessageDraft {
        author: Author::Model { name: "m-1".to_owned() },
        state: MessageState::Cut { reason: "you stopped it".to_owned() },
        usage: Some(Usage { prompt: 10, cached: 4, output: 3, thoughts: 2 }),
        sources: vec!["bundled/disk-full.md".into()],
        thoughts: "It may be the logs.".to_owned(),
        source_check: Some(SourceCheck { statements: 2, unsupported: vec![0] }),
        ..question(about, "because")
    };
    let answer = bench.store.say(answer, &actor("ada")).await.unwrap();
    let fallback = MessageDraft {
        author: Author::Fallback { why: "no key".to_owned() },
        state: MessageState::Failed { reason: "nothing".to_owned() },
        ..question(about, "")
    };
    let fallback = bench.store.say(fallback, &actor("ada")).await.unwrap();
    let all = bench.store.conversation(about, 10).await.unwrap();
    assert_eq!(all, (vec![first, answer.clone(), fallback.clone()], 0));
    assert_eq!(bench.store.conversation(about, 2).await.unwrap(), (vec![answer.clone(), fallback], 1));
    let (general, _) = bench.store.conversation(Conversation::General, 10).await.unwrap();
    assert_eq!(general.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["hello"]);
    let revision = bench.store.revision_of_answer(answer.id).await.unwrap();
    assert_eq!(revision, Some(StepRef::revision_of_answer("because")));
    assert_eq!(bench.store.revision_of_answer(MessageId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn the_journal_has_the_hash_of_a_message_and_not_its_text() {
    let bench = Bench::new();
    bench.store.say(question(Conversation::General, "the words"), &actor("ada")).await.unwrap();
    let entries = bench.store.read_view(|reader| reader.entries(crate::domain::id::JournalSeq(0), 10)).await.unwrap();
    let last = entries.last().unwrap();
    assert!(last.payload.contains(&StepRef::revision_of_answer("the words")) && !last.payload.contains("the words"));
}

#[tokio::test]
async fn a_message_about_no_incident_is_refused() {
    let bench = Bench::new();
    let refused = bench.store.say(question(Conversation::Incident(IncidentId(9)), "x"), &actor("ada")).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))));
    assert_eq!(bench.store.conversation(Conversation::Incident(IncidentId(9)), 10).await.unwrap(), (vec![], 0));
}

#[tokio::test]
async fn a_reservation_counts_in_full_until_its_cost_is_known() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("DiskFull", "a", 0)]).await;
    let now = bench.clock.now();
    let call = reserve(&bench.store, request(Some(1), 100)).await.unwrap();
    assert_eq!(spent(&bench.store, now, Some(1)).await, Spent { incident: 100, day: 100 });
    assert!(!bench.store.read_view(|reader| reader.has_sent()).await.unwrap());
    let usage = Some(Usage { prompt: 5, ..Usage::default() });
    let end = CallEnd::Settled { outcome: "answered".to_owned(), usage, cost_micro_usd: Some(7) };
    bench.store.end_call(call, end.clone()).await.unwrap();
    assert_eq!(spent(&bench.store, now, Some(1)).await, Spent { incident: 7, day: 7 });
    assert!(bench.store.read_view(|reader| reader.has_sent()).await.unwrap());
    // A second end changes nothing, and neither does one for a call that was never reserved.
    bench.store.end_call(call, CallEnd::Released { outcome: "x".to_owned() }).await.unwrap();
    bench.store.end_call(crate::domain::id::CallId(99), end).await.unwrap();
    assert_eq!(spent(&bench.store, now, Some(1)).await, Spent { incident: 7, day: 7 });
    let journal = bench.journal().await;
    let ends = journal.iter().filter(|entry| matches!(entry, Payload::ModelCalled { cost_micro_usd: 7, .. })).count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn what_was_released_costs_nothing_and_was_not_sent() {
    let bench = Bench::new();
    let call = reserve(&bench.store, request(None, 100)).await.unwrap();
    bench.store.end_call(call, CallEnd::Released { outcome: "not sent".to_owned() }).await.unwrap();
    assert_eq!(spent(&bench.store, bench.clock.now(), None).await, Spent::default());
    assert!(!bench.store.read_view(|reader| reader.has_sent()).await.unwrap());
}

#[tokio::test]
async fn an_unknown_cost_is_all_that_was_reserved() {
    let bench = Bench::new();
    let call = reserve(&bench.store, request(None, 90)).await.unwrap();
    let end = CallEnd::Settled { outcome: "cut".to_owned(), usage: None, cost_micro_usd: None };
    bench.store.end_call(call, end).await.unwrap();
    assert_eq!(spent(&bench.store, bench.clock.now(), None).await.day, 90);
}

#[tokio::test]
async fn each_limit_refuses_and_the_next_day_begins_anew() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("DiskFull", "a", 0)]).await;
    assert_eq!(reserve(&bench.store, request(None, 101)).await, Err(Limit::Call));
    for _ in 0..2 {
        reserve(&bench.store, request(Some(1), 100)).await.unwrap();
    }
    assert_eq!(reserve(&bench.store, request(Some(1), 100)).await, Err(Limit::Incident));
    for _ in 0..8 {
        reserve(&bench.store, request(None, 100)).await.unwrap();
    }
    assert_eq!(reserve(&bench.store, request(None, 1)).await, Err(Limit::Day));
    let refusals = bench.journal().await.iter().filter(|entry| matches!(entry, Payload::BudgetRefused { .. })).count();
    assert_eq!(refusals, 3);
    bench.clock.advance(Duration::from_secs(24 * 3600));
    assert!(reserve(&bench.store, request(None, 100)).await.is_ok());
    assert_eq!(reserve(&bench.store, request(Some(1), 100)).await, Err(Limit::Incident));
}

#[tokio::test]
async fn a_day_is_one_in_utc() {
    let bench = Bench::new();
    let midnight = Timestamp::from_millis((START / 86_400_000 + 1) * 86_400_000);
    bench.clock.advance(midnight.minus(Duration::from_millis(1)).since(Timestamp::from_millis(START)));
    reserve(&bench.store, request(None, 100)).await.unwrap();
    assert_eq!(spent(&bench.store, bench.clock.now(), None).await.day, 100);
    assert_eq!(spent(&bench.store, midnight, None).await.day, 0);
}

#[tokio::test]
async fn what_a_process_before_the_last_boot_reserved_is_spent() {
    let bench = Bench::new();
    let call = reserve(&bench.store, request(None, 60)).await.unwrap();
    let clock = bench.clock.clone();
    let now = move || (clock.now(), Duration::from_secs(5));
    let identity = Identity { boot_id: "boot-2".to_owned(), ..super::support::identity(2) };
    let later = Store::open(&bench.path(), OpenOptions { identity, now: std::sync::Arc::new(now) }).unwrap();
    reserve(&later, request(None, 40)).await.unwrap();
    // Whoever comes back from the dead cannot make it cheaper.
    let end = CallEnd::Settled { outcome: "late".to_owned(), usage: None, cost_micro_usd: Some(1) };
    bench.store.end_call(call, end).await.unwrap();
    assert_eq!(spent(&later, bench.clock.now(), None).await.day, 100);
    let journal = bench.journal().await;
    let lost = |entry: &&Payload| matches!(entry, Payload::ModelCalled { cost_micro_usd: 60, .. });
    assert_eq!(journal.iter().filter(lost).count(), 1);
}

#[tokio::test]
async fn many_consoles_that_ask_at_once_stay_within_the_budget() {
    let bench = Bench::new();
    let consoles: Vec<Store> =
        (0..4).map(|number| open_as(&bench.path(), &bench.clock, 10 + number).unwrap()).collect();
    let mut asking = Vec::new();
    for (number, store) in consoles.iter().cycle().take(60).cloned().enumerate() {
        asking.push(tokio::spawn(async move {
            let most = 30 + (number as u64 * 7) % 60;
            reserve(&store, request(None, most)).await.map(|_| most).unwrap_or(0)
        }));
    }
    let mut granted = 0;
    for asked in asking {
        granted += asked.await.unwrap();
    }
    let day = spent(&bench.store, bench.clock.now(), None).await.day;
    assert_eq!(day, granted);
    assert!(day <= BUDGET.per_day && day > BUDGET.per_day - 90, "{day}");
}

#[tokio::test]
async fn history_is_that_of_the_same_alert() {
    let bench = Bench::new();
    let fence = bench.fence().await;
    let mut other_cluster = firing("DiskFull", "b", 1);
    other_cluster.labels.insert("cluster".to_owned(), "eu2".to_owned());
    let alerts = vec![firing("DiskFull", "a", 0), other_cluster, firing("DiskFullSoon", "c", 2), firing("Net", "d", 3)];
    bench.ingest(&fence, alerts).await;
    let first = bench.incident(1).await;
    let similar = bench.store.read_view(move |reader| reader.similar(&first, 5)).await.unwrap();
    assert_eq!(similar.iter().map(|past| past.incident.id).collect::<Vec<_>>(), [IncidentId(2)]);
    assert!(similar[0].attempts.is_empty());
}

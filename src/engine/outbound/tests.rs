//! Properties of the choke point with the real redaction: what never leaves, and what is never spent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Held, Outbound, OwnNames, PriceSource, Redaction, Redactor, Tokens, Wanted};
use crate::domain::actor::{Actor, Person};
use crate::domain::chat::budget::Budget;
use crate::domain::chat::prices::Prices;
use crate::domain::time::Timestamp;
use crate::engine::ports::Clock;
use crate::store::{Identity, OpenOptions, Store};

/// 2026-11-22T12:00:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);

struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(1_000)
    }
}

struct Gate {
    outbound: Arc<Outbound>,
    tokens: Arc<Mutex<Box<dyn Tokens>>>,
    store: Store,
    _directory: TempDir,
}

fn gate(secrets: &[&str], budget: Budget, prices: PriceSource) -> Gate {
    let directory = TempDir::new().unwrap();
    let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let identity = Identity { host: "test".to_owned(), boot_id: "boot-1".to_owned(), pid: 1, person: person.clone() };
    let now: crate::store::Now = Arc::new(|| (NOW, Duration::from_secs(1_000)));
    let store = Store::open(&directory.path().join("aiops.db"), OpenOptions { identity, now }).unwrap();
    let values: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect();
    let redactor: Arc<dyn Redactor> = Arc::new(Redaction::new(Arc::new(move || values.clone()), OwnNames::default()));
    let tokens = Arc::new(Mutex::new(redactor.begin()));
    let outbound = Outbound::new(store.clone(), Arc::new(StillClock), redactor, prices, budget, Actor::Person(person));
    Gate { outbound: Arc::new(outbound), tokens, store, _directory: directory }
}

fn bundled() -> PriceSource {
    Arc::new(|| Ok(Prices::bundled()))
}

fn wanted(model: &str) -> Wanted {
    Wanted {
        model: model.to_owned(),
        destination: "https://example.org".to_owned(),
        max_output_tokens: 1_000,
        incident: None,
    }
}

fn body(text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })).unwrap()
}

#[tokio::test]
async fn what_was_inspected_is_what_is_cleared() {
    let gate = gate(&["own-s3cret-value"], Budget::default(), bundled());
    let text = "postgres://app:hunter2secret@db.corp.internal/x on 10.1.2.3";
    let inspected = gate.outbound.inspect(&body(text), &gate.tokens, wanted("gemini-3.8-flash")).unwrap();
    let seen = inspected.body();
    let sent = String::from_utf8(seen.to_vec()).unwrap();
    assert!(!sent.contains("hunter2secret") && !sent.contains("10.1.2.3"), "{sent}");
    let (cleared, reservation) = gate.outbound.clear(&inspected).await.unwrap();
    assert_eq!(cleared.into_body(), seen.to_vec());
    reservation.release("not sent").await;
}

#[tokio::test]
async fn unknown_prices_and_broken_tables_let_nothing_through() {
    let free = gate(&[], Budget::default(), bundled());
    let held = free.outbound.inspect(&body("a"), &free.tokens, wanted("gemini-99")).err().unwrap();
    assert!(matches!(held, Held::Price(_)) && held.to_string().contains("[budget] prices"), "{held}");
    let broken = gate(&[], Budget::default(), Arc::new(|| Err("The prices cannot be read".to_owned())));
    let held = broken.outbound.inspect(&body("a"), &broken.tokens, wanted("gemini-3.8-flash")).err().unwrap();
    assert_eq!(held.to_string(), "The prices cannot be read");
    let held = free.outbound.inspect(b"no json", &free.tokens, wanted("gemini-3.8-flash")).err().unwrap();
    assert!(matches!(held, Held::Redaction(_)), "{held}");
}

#[tokio::test]
async fn a_body_that_no_model_takes_is_held() {
    let dear = Budget { per_call: u64::MAX, per_incident: u64::MAX, per_day: u64::MAX };
    let gate = gate(&[], dear, bundled());
    let long = body(&"word ".repeat(220_000));
    let held = gate.outbound.inspect(&long, &gate.tokens, wanted("gemini-3.8-flash")).err().unwrap();
    assert!(matches!(held, Held::TooLong { limit: 1_048_576, .. }), "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_ask_at_once_the_budget_holds() {
    let budget = Budget { per_call: 100_000, per_incident: 100_000, per_day: 40_000 };
    let gate = gate(&[], budget, bundled());
    let mut asking = Vec::new();
    for number in 0..40 {
        let (outbound, tokens) = (Arc::clone(&gate.outbound), Arc::clone(&gate.tokens));
        asking.push(tokio::spawn(async move {
            let text = "word ".repeat(number * 10 + 1);
            let inspected = outbound.inspect(&body(&text), &tokens, wanted("gemini-3.8-flash")).unwrap();
            outbound.clear(&inspected).await.is_ok()
        }));
    }
    let mut cleared = 0;
    for asked in asking {
        cleared += usize::from(asked.await.unwrap());
    }
    let spent = gate.store.read_view(|reader| reader.spent(NOW, None)).await.unwrap().day;
    assert!((1..40).contains(&cleared) && spent <= budget.per_day && spent > budget.per_day / 2, "{cleared}: {spent}");
}

/// Ways in which a value turns up in a text.
fn spelled(value: &str, way: usize) -> String {
    let hex = || value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    match way {
        0 => value.to_owned(),
        1 => STANDARD.encode(value),
        2 => URL_SAFE_NO_PAD.encode(format!("x{value}y")),
        3 => hex(),
        4 => hex().to_uppercase(),
        5 => value.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        _ => serde_json::to_string(&format!("\u{1}{value}")).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_own_secret_never_gets_through(
        secret in "[A-Za-z0-9_/+=.-]{8,40}",
        around in ("[ -~]{0,40}", "[ -~]{0,40}"),
        way in 0_usize..7,
    ) {
        let redactor = {
            let secret = secret.clone().into_bytes();
            Redaction::new(Arc::new(move || vec![secret.clone()]), OwnNames::default())
        };
        let text = format!("{} {} {}", around.0, spelled(&secret, way), around.1);
        let encoded = body(&text);
        let found_before = redactor.find_own_secret(&encoded).is_some();
        let after = redactor.begin().redact(&encoded);
        prop_assert!(found_before || after.is_err(), "{text}");
    }
}

//! Events against what the classes of the schema require (read from the schema's own files, version 1.3.0).

use super::*;
use crate::domain::action::attempt::ProcessId;
use crate::domain::id::{AttemptId, CallId, IncidentId, JournalSeq, MessageId, ProposalId};
use crate::domain::journal::{GENESIS, NewEntry};
use crate::domain::time::Timestamp;

/// Attributes that both classes require, from the base event.
const REQUIRED: [&str; 7] = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];

fn person() -> Person {
    Person {
        uid: 1000,
        name: "ada".to_owned(),
        login_uid: Some(1000),
        ssh_peer: Some("192.0.2.7:50022".to_owned()),
        tty: Some("/dev/pts/3".to_owned()),
    }
}

fn entry(actor: Actor, payload: &Payload) -> StoredEntry {
    let context = Context {
        at: Timestamp::from_millis(1_772_331_240_123),
        monotonic_ms: 7,
        boot_id: "b".to_owned(),
        host: "web-1".to_owned(),
        pid: 42,
        actor,
        run_by: Some(person()),
    };
    let about = About { risk: Some(Risk::Destroy), ..About::default() };
    let new = NewEntry {
        incident: Some(IncidentId(12)),
        about: Some(serde_json::to_string(&about).unwrap()),
        context: serde_json::to_string(&context).unwrap(),
        payload: serde_json::to_string(payload).unwrap(),
    };
    StoredEntry::chain(JournalSeq(5), new, GENESIS.to_owned())
}

/// Checks what the schema requires of a class, its objects included.
fn assert_valid(event: &Value) {
    for name in REQUIRED {
        assert!(!event[name].is_null(), "{name} is required: {event}");
    }
    let number = |name: &str| event[name].as_i64().unwrap();
    assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
    assert_eq!(number("category_uid"), number("class_uid") / 1000);
    assert!((0..=6).contains(&number("severity_id")));
    let metadata = &event["metadata"];
    assert_eq!(metadata["version"], "1.3.0");
    // Of `product`, one of name and uid; `vendor_name` is required in 1.3.0.
    assert!(metadata["product"]["name"].is_string() && metadata["product"]["vendor_name"].is_string());
    let one_of = |object: &Value, names: &[&str]| names.iter().any(|name| !object[*name].is_null());
    match number("class_uid") {
        3004 => {
            assert!((0..=4).contains(&number("activity_id")));
            assert!(one_of(&event["entity"], &["name", "uid"]), "{event}");
        }
        1007 => {
            assert!((0..=5).contains(&number("activity_id")));
            assert!(one_of(&event["process"], &["pid", "uid", "cpid"]), "{event}");
            assert!(event["device"]["type_id"].is_i64() && event["device"]["hostname"].is_string());
            assert!(one_of(&event["actor"], &["process", "user", "session", "app_name", "app_uid"]), "{event}");
        }
        other => panic!("class {other}: {event}"),
    }
    if let Some(endpoint) = event.get("src_endpoint") {
        assert!(one_of(endpoint, &["ip", "uid", "name", "hostname"]), "{event}");
    }
}

fn samples() -> Vec<Payload> {
    let (proposal, attempt) = (ProposalId(3), AttemptId(4));
    let granted = Payload::Granted {
        ruling: None,
        first_approver: None,
        scope: None,
        proposal,
        digest: "d".to_owned(),
        rendered: "r".to_owned(),
        terminal: (80, 24),
        expires_at: Timestamp::from_millis(1),
    };
    let ended =
        |outcome| Payload::Ended { attempt, outcome, ended_at: None, output_bytes: 0, output_digest: String::new() };
    let noted = IncidentEvent::Noted { by: "ada".to_owned(), text: "look".to_owned() };
    vec![
        Payload::Begun { program: "1".to_owned() },
        Payload::LeaseTaken { name: "ingest".to_owned(), fence: 1 },
        Payload::Incident { event: noted },
        Payload::Rejected { proposal },
        Payload::Voided { proposal, reason: "it is over".to_owned() },
        granted,
        Payload::IntentStored { attempt, proposal, digest: "d".to_owned() },
        Payload::Spawned { attempt, supervisor: ProcessId { pid: 9, start_ticks: 1, boot_id: "b".to_owned() } },
        Payload::CancelRequested { attempt },
        ended(Outcome::Exited { code: 3 }),
        ended(Outcome::Exited { code: 0 }),
        ended(Outcome::Unknown { reason: "lost".to_owned() }),
        Payload::Said { message: MessageId(1), author: "model".to_owned(), digest: "d".to_owned() },
        Payload::ModelAsked {
            call: CallId(1),
            model: "m".to_owned(),
            destination: "d".to_owned(),
            digest: "p".to_owned(),
            replaced: std::collections::BTreeMap::new(),
            reserved_micro_usd: 1,
        },
        Payload::EffectChecked { attempt, words: "it is gone".to_owned() },
    ]
}

#[test]
fn every_entry_has_what_its_class_requires() {
    for payload in samples() {
        for actor in [Actor::Person(person()), Actor::engine("runner")] {
            assert_valid(&event(&entry(actor, &payload)));
        }
    }
}

#[test]
fn what_cannot_be_read_is_an_event_all_the_same() {
    for (context, payload) in [("{}", "{\"type\":\"from_the_future\"}"), ("no JSON", "no JSON")] {
        let new = NewEntry { context: context.to_owned(), payload: payload.to_owned(), ..NewEntry::default() };
        let event = event(&StoredEntry::chain(JournalSeq(1), new, GENESIS.to_owned()));
        assert_valid(&event);
        assert_eq!(event["activity_id"], 0);
    }
}

#[test]
fn fields_stand_where_the_schema_has_them() {
    let approval = event(&entry(Actor::Person(person()), &samples()[5]));
    assert_eq!((&approval["class_uid"], &approval["activity_name"]), (&json!(3004), &json!("Update")));
    assert_eq!(approval["entity"], json!({"type": "action", "uid": "3"}));
    assert_eq!(approval["actor"]["user"], json!({"name": "ada", "uid": "1000"}));
    assert_eq!(approval["actor"]["session"], json!({"terminal": "/dev/pts/3"}));
    assert_eq!(approval["src_endpoint"], json!({"ip": "192.0.2.7", "port": 50022}));
    assert_eq!((&approval["time"], &approval["severity_id"]), (&json!(1_772_331_240_123_i64), &json!(MEDIUM)));
    assert_eq!(approval["metadata"]["correlation_uid"], "incident:12");
    assert_eq!(approval["metadata"]["event_code"], "granted");
    let end = event(&entry(Actor::engine("runner"), &samples()[9]));
    assert_eq!((&end["class_uid"], &end["type_uid"]), (&json!(1007), &json!(100_702)));
    assert_eq!((&end["exit_code"], &end["status_id"]), (&json!(3), &json!(2)));
    assert_eq!(end["process"], json!({"uid": "attempt:4"}));
    assert_eq!(end["actor"]["app_name"], "aiops runner");
}

#[test]
fn ends_of_connections_are_addresses_or_names() {
    assert_eq!(endpoint_of("[2001:db8::7]:50022"), json!({"ip": "2001:db8::7", "port": 50022}));
    assert_eq!(endpoint_of("somewhere"), json!({"name": "somewhere"}));
}

#[test]
fn the_hashes_of_the_journal_come_along() {
    let entry = entry(Actor::engine("store"), &samples()[0]);
    let event = event(&entry);
    assert_eq!((&event["unmapped"]["hash"], &event["unmapped"]["previous"]), (&json!(entry.hash), &json!(GENESIS)));
    assert_eq!(event["unmapped"]["context"]["boot_id"], "b");
}

//! Entries in the form of the Open Cybersecurity Schema Framework, version 1.3.0 (<https://schema.ocsf.io/1.3.0>).
//!
//! Owns: which class an entry belongs to, and which attribute gets which field. What a process does is Process Activity
//! (1007): a supervisor that was started, an attempt that ended. Everything else, approvals among it, is a person or the
//! program working on something that it manages: Entity Management (3004). What the schema has no attribute for stands in
//! `unmapped`, the hashes among it, so that an event can be held against the journal.
//!
//! Invariant: every entry gives an event with all attributes that its class requires, also one that cannot be read.
//! Does not: make text harmless; JSON is written by whoever prints it.

use serde_json::{Map, Value, json};

use super::about::About;
use super::telling::Kind;
use super::{Context, Payload, StoredEntry};
use crate::domain::action::attempt::Outcome;
use crate::domain::action::risk::Risk;
use crate::domain::actor::{Actor, Person};
use crate::domain::incident::IncidentEvent;
use crate::domain::run::event::RunEvent;
use crate::domain::scope::ScopeEvent;

/// The version of the schema.
pub const VERSION: &str = "1.3.0";

/// Entity Management, in the category Identity and Access Management.
const ENTITY_MANAGEMENT: Class = Class { category: 3, uid: 3004 };
/// Process Activity, in the category System Activity.
const PROCESS_ACTIVITY: Class = Class { category: 1, uid: 1007 };

/// Of Entity Management.
const CREATE: Activity = Activity { id: 1, name: "Create" };
/// Of Entity Management.
const READ: Activity = Activity { id: 2, name: "Read" };
/// Of Entity Management.
const UPDATE: Activity = Activity { id: 3, name: "Update" };
/// Of Entity Management.
const DELETE: Activity = Activity { id: 4, name: "Delete" };
/// Of Process Activity.
const LAUNCH: Activity = Activity { id: 1, name: "Launch" };
/// Of Process Activity.
const TERMINATE: Activity = Activity { id: 2, name: "Terminate" };
/// Of every class: the schema has no word for it.
const UNKNOWN: Activity = Activity { id: 0, name: "Unknown" };

/// `severity_id`: nothing needs to be done.
const INFORMATIONAL: i64 = 1;
/// `severity_id`: something that can be changed back.
const LOW: i64 = 2;
/// `severity_id`: something that cannot, or of which nobody knows.
const MEDIUM: i64 = 3;

#[derive(Clone, Copy)]
struct Class {
    category: i64,
    uid: i64,
}

#[derive(Clone, Copy)]
struct Activity {
    id: i64,
    name: &'static str,
}

/// The event of an entry.
#[must_use]
pub fn event(entry: &StoredEntry) -> Value {
    let context: Option<Context> = serde_json::from_str(&entry.context).ok();
    let payload: Option<Payload> = serde_json::from_str(&entry.payload).ok();
    let about: About = entry.about.as_deref().and_then(|about| serde_json::from_str(about).ok()).unwrap_or_default();
    let actor = context.as_ref().map(|context| &context.actor);
    let mut event = base(entry, context.as_ref(), &about);
    if let Some(payload) = &payload {
        let unknown = Actor::engine("unknown");
        let telling = payload.tell(actor.unwrap_or(&unknown)).of_entry(entry);
        event.insert("message".to_owned(), json!(telling.words));
        let severity = match (telling.kind, about.risk) {
            (Kind::Decision | Kind::Action, Some(Risk::Destroy | Risk::Unknown)) => MEDIUM,
            (Kind::Decision | Kind::Action, Some(Risk::Change)) => LOW,
            _ => INFORMATIONAL,
        };
        event.insert("severity_id".to_owned(), json!(severity));
    }
    match &payload {
        Some(Payload::Spawned { attempt, supervisor }) => {
            classify(&mut event, PROCESS_ACTIVITY, LAUNCH);
            event.insert("process".to_owned(), json!({"pid": supervisor.pid, "uid": format!("attempt:{attempt}")}));
        }
        Some(Payload::Ended { attempt, outcome, .. }) => {
            classify(&mut event, PROCESS_ACTIVITY, TERMINATE);
            event.insert("process".to_owned(), json!({"uid": format!("attempt:{attempt}")}));
            end(&mut event, outcome);
        }
        Some(payload) => {
            let (activity, kind, uid) = entity(payload, entry);
            classify(&mut event, ENTITY_MANAGEMENT, activity);
            event.insert("entity".to_owned(), json!({"type": kind, "uid": uid}));
            event.extend(comment(payload).map(|text| ("comment".to_owned(), json!(text))));
        }
        None => {
            classify(&mut event, ENTITY_MANAGEMENT, UNKNOWN);
            event.insert("entity".to_owned(), json!({"type": "journal entry", "uid": entry.seq.to_string()}));
        }
    }
    Value::Object(event)
}

/// What every event has.
fn base(entry: &StoredEntry, context: Option<&Context>, about: &About) -> Map<String, Value> {
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("time", json!(context.map_or(0, |context| context.at.as_millis())));
    put("severity_id", json!(INFORMATIONAL));
    let kind: Value =
        serde_json::from_str::<Value>(&entry.payload).map_or(Value::Null, |payload| payload["type"].clone());
    let mut metadata = json!({
        "version": VERSION,
        "product": {"name": "aiops", "vendor_name": "aiops", "version": env!("CARGO_PKG_VERSION")},
        "uid": entry.hash,
        "sequence": entry.seq,
        "log_name": "journal",
        "log_version": entry.version.to_string(),
    });
    if let (Some(kind), Some(metadata)) = (kind.as_str(), metadata.as_object_mut()) {
        metadata.insert("event_code".to_owned(), json!(kind));
    }
    if let (Some(incident), Some(metadata)) = (entry.incident, metadata.as_object_mut()) {
        metadata.insert("correlation_uid".to_owned(), json!(format!("incident:{incident}")));
    }
    put("metadata", metadata);
    let host = context.map_or("unknown", |context| context.host.as_str());
    // 0: nobody told what kind of device it is.
    put("device", json!({"hostname": host, "type_id": 0}));
    put("actor", context.map_or_else(|| json!({"app_name": "aiops"}), actor_of));
    if let Some(endpoint) = context.and_then(Context::person).and_then(|person| person.ssh_peer.as_deref()) {
        put("src_endpoint", endpoint_of(endpoint));
    }
    put(
        "unmapped",
        json!({
            "hash": entry.hash,
            "previous": entry.previous,
            "incident": entry.incident,
            "about": about,
            "context": serde_json::from_str::<Value>(&entry.context).unwrap_or_else(|_| json!(entry.context)),
            "payload": serde_json::from_str::<Value>(&entry.payload).unwrap_or_else(|_| json!(entry.payload)),
        }),
    );
    event
}

fn classify(event: &mut Map<String, Value>, class: Class, activity: Activity) {
    for (name, value) in [
        ("category_uid", json!(class.category)),
        ("class_uid", json!(class.uid)),
        ("activity_id", json!(activity.id)),
        ("activity_name", json!(activity.name)),
        ("type_uid", json!(class.uid * 100 + activity.id)),
    ] {
        event.insert(name.to_owned(), value);
    }
}

fn actor_of(context: &Context) -> Value {
    let mut actor = json!({"process": {"pid": context.pid, "name": "aiops"}});
    let Some(fields) = actor.as_object_mut() else { return actor };
    if let Actor::Engine { part } = &context.actor {
        fields.insert("app_name".to_owned(), json!(format!("aiops {part}")));
    }
    if let Some(Person { uid, name, tty, .. }) = context.person() {
        fields.insert("user".to_owned(), json!({"name": name, "uid": uid.to_string()}));
        if let Some(tty) = tty {
            fields.insert("session".to_owned(), json!({"terminal": tty}));
        }
    }
    actor
}

/// The other end of an SSH connection, `192.0.2.7:50022` or `[2001:db8::7]:50022`; claimed, not proven.
fn endpoint_of(peer: &str) -> Value {
    let parts = peer.rsplit_once(':').and_then(|(address, port)| Some((address, port.parse::<u16>().ok()?)));
    match parts {
        Some((address, port)) => json!({"ip": address.trim_matches(['[', ']']), "port": port}),
        None => json!({"name": peer}),
    }
}

/// What a process ended with. `status_id` 1 is success, 2 failure, 0 unknown.
fn end(event: &mut Map<String, Value>, outcome: &Outcome) {
    let status = match outcome {
        outcome if outcome.succeeded() => 1,
        Outcome::Unknown { .. } => 0,
        Outcome::Exited { .. }
        | Outcome::Signalled { .. }
        | Outcome::TimedOut
        | Outcome::Cancelled
        | Outcome::NotStarted { .. } => 2,
    };
    event.insert("status_id".to_owned(), json!(status));
    event.insert("status_detail".to_owned(), json!(outcome.label()));
    if let Outcome::Exited { code } = outcome {
        event.insert("exit_code".to_owned(), json!(code));
    }
}

/// What was done to which thing that the program manages.
fn entity(payload: &Payload, entry: &StoredEntry) -> (Activity, &'static str, String) {
    let seq = || entry.seq.to_string();
    let incident = || entry.incident.map_or_else(seq, |incident| incident.to_string());
    match payload {
        Payload::Begun { .. } => (CREATE, "journal", entry.hash.clone()),
        Payload::Ingested { source, .. } => (UPDATE, "alert source", source.clone()),
        Payload::Quarantined { source, .. } => (CREATE, "quarantined body", source.clone()),
        Payload::LeaseTaken { name, .. } => (UPDATE, "lease", name.clone()),
        Payload::Incident { event: IncidentEvent::Opened { .. } } => (CREATE, "incident", incident()),
        Payload::Incident { .. } => (UPDATE, "incident", incident()),
        Payload::Proposed { proposal } => (CREATE, "action", proposal.id.to_string()),
        Payload::Edited { from, .. } => (UPDATE, "action", from.to_string()),
        Payload::Rejected { proposal }
        | Payload::Voided { proposal, .. }
        | Payload::Granted { proposal, .. }
        | Payload::ApprovedByOne { proposal, .. }
        | Payload::IntentStored { proposal, .. } => (UPDATE, "action", proposal.to_string()),
        Payload::CancelRequested { attempt } | Payload::EffectChecked { attempt, .. } => {
            (UPDATE, "attempt", attempt.to_string())
        }
        Payload::Said { message, .. } => (CREATE, "message", message.to_string()),
        Payload::ModelAsked { call, .. } | Payload::ModelCalled { call, .. } => (READ, "model", call.to_string()),
        Payload::BudgetRefused { model, .. } => (READ, "model", model.clone()),
        Payload::Run { run, event } => {
            let activity = if matches!(**event, RunEvent::Started { .. }) { CREATE } else { UPDATE };
            (activity, "run", run.to_string())
        }
        Payload::Scope { scope, event } => {
            let activity = if matches!(**event, ScopeEvent::Given { .. }) { CREATE } else { UPDATE };
            (activity, "scope", scope.to_string())
        }
        Payload::BackedUp { file, .. } => (CREATE, "backup", file.clone()),
        Payload::Erased { what, .. } => (DELETE, "stored data", what.name().to_owned()),
        Payload::Purged { concerns, .. } => (DELETE, "stored text", concerns.words()),
        Payload::SopChanged { sop, before: None, .. } => (CREATE, "document", sop.to_string()),
        Payload::SopChanged { sop, .. } => (UPDATE, "document", sop.to_string()),
        Payload::Restored { restored } => (UPDATE, "store", restored.kept_in.clone()),
        // These are processes.
        Payload::Spawned { .. } | Payload::Ended { .. } => (UPDATE, "attempt", seq()),
    }
}

/// What a person gave as the reason.
fn comment(payload: &Payload) -> Option<&str> {
    match payload {
        Payload::Incident { event: IncidentEvent::Noted { text, .. } } => Some(text),
        Payload::Incident { event: IncidentEvent::ResolvedBy { reason, .. } } => Some(reason),
        Payload::Voided { reason, .. }
        | Payload::Quarantined { reason, .. }
        | Payload::Erased { reason, .. }
        | Payload::Purged { reason, .. } => Some(reason),
        _ => None,
    }
}

#[cfg(test)]
#[path = "ocsf_tests.rs"]
mod tests;

//! Purging texts from the journal, and the entry that seals what is left of its entries.
//!
//! Invariants: an entry is only changed when it was in order before, so that a purge never covers up that somebody else
//! changed it; what it names by hash was that. Hash and place of an entry stay. The change of the entries and the entry about
//! it are in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};

use super::rows::Touched;
use super::{Depth, Scope};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, JournalSeq, ProposalId};
use crate::domain::journal::purged::{Claim, MARK, Seal, remains};
use crate::domain::journal::{About, Context, Payload, StoredEntry};
use crate::domain::purge::NAMING;
use crate::store::error::Fault;
use crate::store::journal::{SELECT, from_row, is_sealed};

/// The guard of the journal that has to be away for a moment.
const GUARD: &str = "journal_is_append_only_update";

/// How entries that name something by hash call themselves in JSON.
const NAMING_KINDS: [&str; 4] = ["\"ended\"", "\"said\"", "\"granted\"", "\"approved_by_one\""];

/// What was found in the journal.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The entries as they are to be, in order; their marks are still missing.
    entries: Vec<StoredEntry>,
    /// Hashes of the reviews of actions whose texts go.
    pub(super) reviews: BTreeSet<String>,
}

impl Found {
    /// How many entries are concerned.
    pub(super) fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// Looks for what `scope` names, and for what names texts that go by their hash. `erased`: attempts whose outputs go.
pub(super) fn look(
    conn: &Connection,
    scope: &Scope,
    touched: &Touched,
    erased: &BTreeSet<AttemptId>,
    depth: Depth,
) -> Result<Found, Fault> {
    let mut found = Found::default();
    let sql = match scope.incident {
        Some(incident) => format!("{SELECT} WHERE incident = {incident} ORDER BY seq"),
        None => format!("{SELECT} ORDER BY seq"),
    };
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let entry = from_row(row)?;
        let named = Named::of(&entry, touched, erased);
        if let Named::Review(hash) = &named {
            found.reviews.insert(hash.clone());
        }
        let Some(changed) = changed(conn, scope, &entry, &named, touched, depth)? else { continue };
        check_in_order(conn, &entry)?;
        found.entries.push(changed);
    }
    Ok(found)
}

/// What an entry names by hash and that goes.
enum Named {
    Nothing,
    /// The output of an attempt.
    Output,
    /// A message.
    Message(i64),
    /// The review of an action, by its hash.
    Review(String),
}

impl Named {
    fn of(entry: &StoredEntry, touched: &Touched, erased: &BTreeSet<AttemptId>) -> Self {
        // Most entries name nothing, and reading all of them takes long.
        if !NAMING_KINDS.iter().any(|kind| entry.payload.contains(kind)) {
            return Self::Nothing;
        }
        let concerned = |proposal: &ProposalId| touched.proposals.contains(&proposal.0);
        match serde_json::from_str(&entry.payload) {
            Ok(Payload::Ended { attempt, output_digest, .. })
                if erased.contains(&attempt) && !output_digest.is_empty() =>
            {
                Self::Output
            }
            Ok(Payload::Said { message, .. }) if touched.messages.contains_key(&message.0) => Self::Message(message.0),
            Ok(Payload::Granted { proposal, rendered, .. } | Payload::ApprovedByOne { proposal, rendered, .. })
                if concerned(&proposal) =>
            {
                Self::Review(rendered)
            }
            Ok(_) | Err(_) => Self::Nothing,
        }
    }
}

/// What an entry is to be; `None` when nothing of it goes.
fn changed(
    conn: &Connection,
    scope: &Scope,
    entry: &StoredEntry,
    named: &Named,
    touched: &Touched,
    depth: Depth,
) -> Result<Option<StoredEntry>, Fault> {
    let keep: &[&str] = if scope.incident.is_some() { NAMING } else { &[] };
    let needles = &scope.needles;
    let reads_payload = |text: &str| serde_json::from_str::<Payload>(text).is_ok();
    let reads_about = |text: &str| serde_json::from_str::<About>(text).is_ok();
    let reads_context = |text: &str| serde_json::from_str::<Context>(text).is_ok();
    let payload = needles.mask_document(&entry.payload, keep, &reads_payload);
    let about = entry.about.as_ref().and_then(|about| needles.mask_document(about, keep, &reads_about));
    let context = match scope.incident {
        // Who did what, and where, is no text of an incident.
        Some(_) => None,
        None => needles.mask_document(&entry.context, keep, &reads_context),
    };
    let named = match named {
        Named::Nothing | Named::Review(_) => None,
        Named::Output => Some(("output_digest", String::new())),
        Named::Message(id) => Some(("digest", message_digest(conn, *id, entry, touched, depth)?)),
    };
    if payload.is_none() && about.is_none() && context.is_none() && named.is_none() {
        return Ok(None);
    }
    let mut changed = entry.clone();
    changed.payload = payload.unwrap_or(changed.payload);
    changed.context = context.unwrap_or(changed.context);
    changed.about = about.or(changed.about);
    if let Some((field, digest)) = named {
        let mut fields = fields(&changed.payload);
        fields.insert(field.to_owned(), Value::String(digest));
        changed.payload = Value::Object(fields).to_string();
    }
    Ok(Some(changed))
}

/// The hash of what a message is now.
fn message_digest(
    conn: &Connection,
    id: i64,
    entry: &StoredEntry,
    touched: &Touched,
    depth: Depth,
) -> Result<String, Fault> {
    if let (Ok(Payload::Said { digest, .. }), Some(before)) =
        (serde_json::from_str(&entry.payload), touched.messages.get(&id))
        && digest != *before
    {
        return Err(Fault::Unreadable(format!("message {id} is not what entry {} says that it was", entry.seq)));
    }
    let text: Option<String> =
        conn.query_row("SELECT text FROM message WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    Ok(match depth {
        Depth::Look => String::new(),
        Depth::Purge => sha256_hex(text.unwrap_or_default().as_bytes()),
    })
}

/// Fails when an entry is not as it was written, or as an earlier purge left it.
fn check_in_order(conn: &Connection, entry: &StoredEntry) -> Result<(), Fault> {
    let is_whole = entry.compute_hash().is_ok_and(|hash| hash == entry.hash);
    let is_purged = || match Claim::of(entry) {
        Some(claim) => is_sealed(conn, &claim),
        None => Ok(false),
    };
    if is_whole || is_purged()? {
        return Ok(());
    }
    let why = "somebody changed it, and a purge would cover that up. Run `aiops journal verify`";
    Err(Fault::Unreadable(format!("entry {} of the journal: {why}", entry.seq)))
}

/// Writes what is left of the entries, which the entry `purge` is going to seal; that is the next one.
pub(super) fn write(conn: &Connection, found: Found, purge: JournalSeq) -> Result<Vec<Seal>, Fault> {
    if found.entries.is_empty() {
        return Ok(Vec::new());
    }
    let guard = format!("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = '{GUARD}'");
    let guard: String = conn.query_row(&guard, [], |row| row.get(0))?;
    conn.execute_batch(&format!("DROP TRIGGER {GUARD}"))?;
    let mut seals = Vec::with_capacity(found.entries.len());
    {
        let sql = "UPDATE journal SET about = ?2, context = ?3, payload = ?4 WHERE seq = ?1";
        let mut update = conn.prepare(sql)?;
        for mut entry in found.entries {
            let mut fields = fields(&entry.payload);
            fields.insert(MARK.to_owned(), Value::from(purge.0));
            entry.payload = Value::Object(fields).to_string();
            update.execute(params![entry.seq.0, entry.about, entry.context, entry.payload])?;
            seals.push(Seal { entry: entry.seq, digest: remains(&entry) });
        }
    }
    conn.execute_batch(&guard)?;
    Ok(seals)
}

/// The fields of a payload; what was no object is one field.
fn fields(payload: &str) -> Map<String, Value> {
    match serde_json::from_str(payload) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::from_iter([("text".to_owned(), Value::from(payload))]),
    }
}

/// How many rows and entries of which kind went, by their names for people.
pub(super) fn counts(touched: &Touched, others: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let rows = touched.rows.iter().map(|(table, count)| (kind(table).to_owned(), *count));
    let others = others.iter().filter(|(_, count)| *count > 0).map(|(name, count)| ((*name).to_owned(), *count));
    rows.chain(others).collect()
}

/// What the rows of a table are called.
fn kind(table: &str) -> &str {
    match table {
        "alert" => "alerts",
        "answer_under_way" => "answers under way",
        "attempt" => "attempts",
        "incident" => "incidents",
        "message" => "messages of the chat",
        "model_call" => "calls of the model",
        "person" => "people",
        "proposal" => "actions",
        "quarantine" => "deliveries put aside",
        "run" => "runs",
        "run_event" => "events of runs",
        "timeline" => "lines of timelines",
        other => other,
    }
}

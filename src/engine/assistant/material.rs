//! What an answer is made from: gathered once for a question, for the model's context and for the fallback alike.
//!
//! Owns: reading it from store, library and files of output, within bounds. Does not: cut it to size or put it into words.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::action::attempt::Attempt;
use crate::domain::alert::AlertKey;
use crate::domain::chat::{ChatMessage, Conversation};
use crate::domain::id::{AttemptId, SopId};
use crate::domain::time::Timestamp;
use crate::engine::ask::Ask;
use crate::engine::backend::{BackendError, IncidentDetail, SopDocument};
use crate::engine::library::Library;
use crate::engine::runner::Runner;
use crate::store::view::{PastAttempt, PastIncident};
use crate::store::{Reader, Store, StoreError};

/// Messages of the conversation that are looked at, the newest.
const MESSAGES: usize = 30;
/// Earlier incidents that are looked at, the newest.
const SIMILAR: u32 = 5;
/// Attempts whose output is read, the newest.
const OUTPUTS: usize = 3;
/// Bytes that are read of an output, from its end.
const OUTPUT_TAIL: usize = 8 * 1024;

/// What an answer is made from.
pub(super) struct Material {
    /// The question.
    pub(super) ask: Ask,
    /// The incident, if the conversation is about one. The alert that is asked about is the first.
    pub(super) incident: Option<IncidentDetail>,
    /// What was run for it, oldest first.
    pub(super) attempts: Vec<PastAttempt>,
    /// The ends of the newest outputs. Foreign text.
    pub(super) outputs: BTreeMap<AttemptId, Vec<u8>>,
    /// Earlier incidents of the same alert, newest first.
    pub(super) similar: Vec<PastIncident>,
    /// Labels that name hosts or people, with their values, of every alert of the incident and of the earlier ones.
    pub(super) named: Vec<(String, String)>,
    /// The SOP on the screen, else the one that fits the alert best.
    pub(super) sop: Option<Arc<SopDocument>>,
    /// SOPs that fit the alert, best first.
    pub(super) routed: Vec<SopId>,
    /// The conversation so far, oldest first.
    pub(super) chat: Vec<ChatMessage>,
    /// How many older messages there are.
    pub(super) earlier: usize,
    /// People whom the store knows by name.
    pub(super) people: Vec<String>,
    /// Whether a body has ever been sent from this installation.
    pub(super) has_sent: bool,
    /// All SOPs.
    pub(super) library: Arc<Library>,
    /// The moment of the question.
    pub(super) now: Timestamp,
}

/// What one read of the store gives.
struct Stored {
    incident: Option<IncidentDetail>,
    attempts: Vec<PastAttempt>,
    similar: Vec<PastIncident>,
    named: Vec<(String, String)>,
    chat: Vec<ChatMessage>,
    earlier: usize,
    people: Vec<String>,
    has_sent: bool,
}

impl Material {
    /// Gathers everything for `ask`. `naming` are the labels whose values are names.
    ///
    /// # Errors
    /// When the store cannot be read. Output that cannot be read is left out.
    pub(super) async fn gather(
        ask: Ask,
        store: &Store,
        runner: &Runner,
        library: Arc<Library>,
        naming: Vec<&'static str>,
        now: Timestamp,
    ) -> Result<Self, BackendError> {
        let (conversation, chosen) = (ask.conversation, ask.alert.clone());
        let stored = store.read_view(move |reader| read(reader, conversation, chosen.as_ref(), &naming)).await?;
        let routed = route(&library, stored.incident.as_ref());
        let shown = ask.sop.clone().or_else(|| routed.first().cloned());
        let found = Arc::clone(&library);
        let sop = tokio::task::spawn_blocking(move || shown.and_then(|id| found.get(&id)))
            .await
            .map_err(|error| BackendError::Failed(format!("The SOP could not be read: {error}. Ask again.")))?;
        let attempts = stored.attempts.iter().map(|past| &past.attempt);
        let outputs = outputs(runner, attempts.rev().take(OUTPUTS)).await;
        Ok(Self {
            ask,
            incident: stored.incident,
            attempts: stored.attempts,
            outputs,
            similar: stored.similar,
            named: stored.named,
            sop,
            routed,
            chat: stored.chat,
            earlier: stored.earlier,
            people: stored.people,
            has_sent: stored.has_sent,
            library,
            now,
        })
    }
}

fn read(
    reader: &Reader<'_>,
    conversation: Conversation,
    chosen: Option<&AlertKey>,
    naming: &[&str],
) -> Result<Stored, StoreError> {
    let mut incident = conversation.incident().map(|id| reader.detail(id)).transpose()?.flatten();
    if let (Some(detail), Some(chosen)) = (&mut incident, chosen) {
        // Only some of its alerts are read, and the one on the screen may be older.
        if let Some(alert) = reader.alert(detail.incident.id, chosen)? {
            detail.alerts.retain(|other| other.key() != *chosen);
            detail.alerts.insert(0, alert);
        }
    }
    let (attempts, similar) = match &incident {
        Some(detail) => (reader.attempts_of(detail.incident.id)?, reader.similar(&detail.incident, SIMILAR)?),
        None => (Vec::new(), Vec::new()),
    };
    let told = incident.iter().map(|detail| detail.incident.id).chain(similar.iter().map(|past| past.incident.id));
    let mut named = Vec::new();
    for id in told {
        named.extend(reader.label_values(id, naming)?);
    }
    let (chat, earlier) = reader.conversation(conversation, MESSAGES)?;
    let people = reader.people()?;
    Ok(Stored { incident, attempts, similar, named, chat, earlier, people, has_sent: reader.has_sent()? })
}

fn route(library: &Library, incident: Option<&IncidentDetail>) -> Vec<SopId> {
    let Some(alert) = incident.and_then(|detail| detail.alerts.first()) else { return Vec::new() };
    library.route(&alert.labels, &alert.annotations).into_iter().map(|found| found.sop).collect()
}

async fn outputs(runner: &Runner, attempts: impl Iterator<Item = &Attempt>) -> BTreeMap<AttemptId, Vec<u8>> {
    let mut read = BTreeMap::new();
    for attempt in attempts {
        match runner.output(attempt, OUTPUT_TAIL).await {
            Ok((_, bytes)) if !bytes.is_empty() => {
                read.insert(attempt.id, bytes);
            }
            Ok(_) => {}
            // It was removed by hand, or never made: there is nothing to tell from it.
            Err(error) => tracing::debug!(attempt = %attempt.id, %error, "an output could not be read for the context"),
        }
    }
    read
}

//! Conversations: messages, in the order in which they were stored.
//!
//! Owns: the rows of `message` and their journal entries. Does not: send anything, or hold what a message cost in money (see
//! `calls`).
//!
//! Invariant: a message never changes. The journal has the hash of its text, not the text, which can be erased.

use rusqlite::{Connection, Row, params};

use super::convert::{author_code, json, message_state};
use super::error::{CommandError, Fault};
use super::incidents::{self, no_such_incident};
use super::write::Write;
use super::{Reader, Store, StoreError};
use crate::domain::action::spec::StepRef;
use crate::domain::actor::Actor;
use crate::domain::chat::statements::SourceCheck;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageDraft, MessageState, Usage};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, MessageId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;

const SELECT: &str =
    "SELECT id, incident, at, author, author_detail, text, state, state_reason, usage, sources, thoughts,
     source_check FROM message";

impl Store {
    /// Stores a message and gives it its number and time. `actor` is who wrote it, for the journal.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when it is about an incident that is not there.
    pub async fn say(&self, draft: MessageDraft, actor: &Actor) -> Result<ChatMessage, CommandError> {
        let actor = actor.clone();
        CommandError::flatten(self.write(move |write| say(write, draft, &actor)).await)
    }

    /// As [`Reader::conversation`].
    ///
    /// # Errors
    /// When the read failed.
    pub async fn conversation(
        &self,
        conversation: Conversation,
        limit: usize,
    ) -> Result<(Vec<ChatMessage>, usize), StoreError> {
        self.read_view(move |reader| reader.conversation(conversation, limit)).await
    }

    /// One message.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn message(&self, id: MessageId) -> Result<Option<ChatMessage>, StoreError> {
        self.read_view(move |reader| reader.message(id)).await
    }

    /// The revision of an answer as it is stored now, for the actions that come from it; `None` when it is gone.
    ///
    /// # Errors
    /// When the read failed.
    pub async fn revision_of_answer(&self, id: MessageId) -> Result<Option<String>, StoreError> {
        Ok(self.message(id).await?.map(|message| StepRef::revision_of_answer(&message.text)))
    }
}

impl Reader<'_> {
    /// The newest messages of a conversation, at most `limit`, oldest first, and how many older ones there are.
    ///
    /// # Errors
    /// When the read failed.
    pub fn conversation(
        &self,
        conversation: Conversation,
        limit: usize,
    ) -> Result<(Vec<ChatMessage>, usize), StoreError> {
        self.named(load_newest(self.conn, conversation.incident(), limit))
    }

    /// One message.
    ///
    /// # Errors
    /// When the read failed.
    pub fn message(&self, id: MessageId) -> Result<Option<ChatMessage>, StoreError> {
        let load = || {
            let mut statement = self.conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
            let mut rows = statement.query([id.0])?;
            rows.next()?.map(from_row).transpose()
        };
        self.named(load())
    }
}

/// As [`Store::say`], in a transaction.
pub(super) fn say(
    write: &mut Write<'_>,
    draft: MessageDraft,
    actor: &Actor,
) -> Result<Result<ChatMessage, Refusal>, Fault> {
    let MessageDraft { conversation, author, text, state, usage, sources, thoughts, source_check } = draft;
    let incident = conversation.incident();
    if let Some(id) = incident
        && incidents::load(write.conn, id)?.is_none()
    {
        return Ok(Err(no_such_incident(id)));
    }
    let (author_column, detail) = author_code::of(&author);
    let (state_column, reason) = message_state::of(&state);
    let check_column = source_check.as_ref().map(serde_json::to_string).transpose()?;
    let usage_column = usage.map(|usage| serde_json::to_string(&usage)).transpose()?;
    write
        .conn
        .prepare_cached(
            "INSERT INTO message (incident, at, author, author_detail, text, state, state_reason, usage, sources, thoughts,
                                  source_check)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            incident.map(|id| id.0),
            write.at.as_millis(),
            author_column,
            detail,
            text,
            state_column,
            reason,
            usage_column,
            serde_json::to_string(&sources)?,
            thoughts,
            check_column
        ])?;
    let id = MessageId(write.conn.last_insert_rowid());
    let by = author_code::name(&author).to_owned();
    let entry = Payload::Said { message: id, author: by, digest: sha256_hex(text.as_bytes()) };
    write.journal(incident, actor, &entry)?;
    Ok(Ok(ChatMessage { id, conversation, at: write.at, author, text, state, usage, sources, thoughts, source_check }))
}

fn load_newest(
    conn: &Connection,
    incident: Option<IncidentId>,
    limit: usize,
) -> Result<(Vec<ChatMessage>, usize), Fault> {
    let incident = incident.map(|id| id.0);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE incident IS ?1 ORDER BY id DESC LIMIT ?2"))?;
    let mut rows = statement.query(params![incident, limit])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(from_row(row)?);
    }
    messages.reverse();
    let total: i64 = conn
        .prepare_cached("SELECT count(*) FROM message WHERE incident IS ?1")?
        .query_row([incident], |row| row.get(0))?;
    let earlier = usize::try_from(total).unwrap_or(0).saturating_sub(messages.len());
    Ok((messages, earlier))
}

/// Reads a row of [`SELECT`].
fn from_row(row: &Row<'_>) -> Result<ChatMessage, Fault> {
    let incident: Option<i64> = row.get(1)?;
    let (usage, sources): (Option<String>, String) = (row.get(8)?, row.get(9)?);
    let check: Option<String> = row.get(11)?;
    Ok(ChatMessage {
        id: MessageId(row.get(0)?),
        conversation: incident.map_or(Conversation::General, |id| Conversation::Incident(IncidentId(id))),
        at: Timestamp::from_millis(row.get(2)?),
        author: author(row.get(3)?, row.get(4)?)?,
        text: row.get(5)?,
        state: state(row.get(6)?, row.get(7)?)?,
        usage: usage.map(|usage| json::<Usage>(&usage, "the usage of a message")).transpose()?,
        sources: json::<Vec<SopId>>(&sources, "the sources of a message")?,
        thoughts: row.get(10)?,
        source_check: check.map(|check| json::<SourceCheck>(&check, "the source check of a message")).transpose()?,
    })
}

fn author(code: i64, detail: String) -> Result<Author, Fault> {
    match code {
        author_code::PERSON => Ok(Author::Person { name: detail }),
        author_code::MODEL => Ok(Author::Model { name: detail }),
        author_code::FALLBACK => Ok(Author::Fallback { why: detail }),
        code => Err(Fault::Unreadable(format!("{code} is no author of a message"))),
    }
}

fn state(code: i64, reason: String) -> Result<MessageState, Fault> {
    match code {
        message_state::COMPLETE => Ok(MessageState::Complete),
        message_state::CUT => Ok(MessageState::Cut { reason }),
        message_state::FAILED => Ok(MessageState::Failed { reason }),
        code => Err(Fault::Unreadable(format!("{code} is no state of a message"))),
    }
}

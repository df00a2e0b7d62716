//! Answers under way: what has come of them is kept, so that no question stands without a word when its process dies.
//!
//! Owns: the rows of `answer_under_way`, and what becomes of those whose process is gone. Does not: hear answers.
//!
//! Invariants: a question has a row from the transaction that stores it to the one that stores its answer. Whoever answers it
//! holds a lock that the kernel takes away with the process; only when that is gone does another process end the row, with a
//! message that says so and how much money counts.

use rusqlite::{OptionalExtension as _, params};

use super::chat::say;
use super::convert::call_state;
use super::error::{CommandError, Fault};
use super::presence::{self, Presence};
use super::write::Write;
use super::{Store, StoreError, calls};
use crate::domain::actor::Actor;
use crate::domain::chat::budget::{CallEnd, usd};
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageDraft, MessageState};
use crate::domain::id::{CallId, MessageId};
use crate::domain::incident::Refusal;

/// Names the file of locks beside the database.
const LOCKS: &str = "answers";
/// The part of the engine that answers questions.
const PART: &str = "assistant";

/// An answer that this process is about to hear. When it is dropped without an end, others may end it.
#[derive(Debug)]
pub struct UnderWay {
    question: MessageId,
    /// `None` where there are no locks; nobody keeps anything for it then.
    presence: Option<Presence>,
}

impl UnderWay {
    /// The question.
    #[must_use]
    pub const fn question(&self) -> MessageId {
        self.question
    }
}

impl Store {
    /// Stores a question of `actor` that `model` will answer, or else SOPs and history.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when it is about an incident that is not there.
    pub async fn ask(
        &self,
        question: MessageDraft,
        model: Option<String>,
        actor: &Actor,
    ) -> Result<UnderWay, CommandError> {
        let (actor, database) = (actor.clone(), self.path().to_owned());
        let outcome = self.write(move |write| {
            let message = match say(write, question, &actor)? {
                Ok(message) => message,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let presence = Presence::show(&database, LOCKS, message.id.0).unwrap_or_else(|error| {
                tracing::warn!(%error, "an answer that is under way cannot be marked; nothing of it is kept until it is over");
                None
            });
            if presence.is_some() {
                begin(write, message.id, model.as_deref())?;
            }
            Ok(Ok(UnderWay { question: message.id, presence }))
        });
        CommandError::flatten(outcome.await)
    }

    /// Keeps what has come of the model's answer so far. It is queued before this returns, and whoever does not wait for it only
    /// misses that it failed.
    ///
    /// # Errors
    /// When the store failed.
    pub fn keep_answer(
        &self,
        question: MessageId,
        text: String,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        self.write(move |write| {
            let sql = "UPDATE answer_under_way SET text = ?2 WHERE question = ?1 AND model IS NOT NULL";
            write.conn.prepare_cached(sql)?.execute(params![question.0, text])?;
            Ok(())
        })
    }

    /// Stores what had come of the model's answer, which broke off; the answer from SOPs and history is still under way.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn answer_broke(&self, under_way: &UnderWay, cut: MessageDraft) -> Result<ChatMessage, CommandError> {
        let question = under_way.question;
        let outcome = self.write(move |write| {
            let sql = "UPDATE answer_under_way SET text = '', model = NULL WHERE question = ?1";
            write.conn.prepare_cached(sql)?.execute([question.0])?;
            say(write, cut, &Actor::engine(PART))
        });
        CommandError::flatten(outcome.await)
    }

    /// Stores the answer, which is over.
    ///
    /// # Errors
    /// When the store failed: what was kept of it comes back once this process has ended.
    pub async fn answered(&self, under_way: UnderWay, answer: MessageDraft) -> Result<ChatMessage, CommandError> {
        let question = under_way.question;
        let outcome = self.write(move |write| {
            end(write, question)?;
            say(write, answer, &Actor::engine(PART))
        });
        let stored = CommandError::flatten(outcome.await);
        // Not before: as long as it is held, nobody else ends the row.
        drop(under_way.presence);
        stored
    }

    /// Ends the answers whose process is gone: what had come of each becomes a message that says so, and what was reserved for it
    /// is settled in full. Says how many there were.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn end_lost_answers(&self) -> Result<usize, StoreError> {
        let database = self.path().to_owned();
        let open = self.read_view(|reader| reader.named(open_answers(reader.conn))).await?;
        let lost: Vec<MessageId> =
            open.into_iter().filter(|question| presence::is_gone(&database, LOCKS, question.0)).collect();
        let mut ended = 0;
        for question in lost {
            ended += usize::from(self.write(move |write| end_lost(write, question)).await?);
        }
        Ok(ended)
    }
}

fn begin(write: &Write<'_>, question: MessageId, model: Option<&str>) -> Result<(), Fault> {
    let sql =
        "INSERT INTO answer_under_way (question, model, text, host, pid, boot_id) VALUES (?1, ?2, '', ?3, ?4, ?5)";
    let identity = write.identity;
    write.conn.prepare_cached(sql)?.execute(params![
        question.0,
        model,
        identity.host,
        identity.pid,
        identity.boot_id
    ])?;
    Ok(())
}

fn end(write: &Write<'_>, question: MessageId) -> Result<(), Fault> {
    write.conn.prepare_cached("DELETE FROM answer_under_way WHERE question = ?1")?.execute([question.0])?;
    Ok(())
}

fn open_answers(conn: &rusqlite::Connection) -> Result<Vec<MessageId>, Fault> {
    let mut statement = conn.prepare_cached("SELECT question FROM answer_under_way ORDER BY question")?;
    let rows = statement.query_map([], |row| row.get(0).map(MessageId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is known of an answer whose process is gone.
struct Lost {
    conversation: Conversation,
    model: Option<String>,
    text: String,
    /// What its process had reserved for this conversation.
    calls: Vec<(CallId, u64)>,
}

/// Whether there was something to end.
fn end_lost(write: &mut Write<'_>, question: MessageId) -> Result<bool, Fault> {
    let Some(lost) = lost(write, question)? else { return Ok(false) };
    let reserved: u64 = lost.calls.iter().map(|(_, reserved)| reserved).sum();
    for (call, _) in lost.calls {
        let outcome = "its process ended before it knew the cost; all that was reserved counts".to_owned();
        calls::end_call(write, call, CallEnd::Settled { outcome, usage: None, cost_micro_usd: None })?;
    }
    end(write, question)?;
    let mut reason = "the console ended while the answer came".to_owned();
    if reserved > 0 {
        reason.push_str(&format!("; up to {} is counted for it", usd(reserved)));
    }
    let state = if lost.text.trim().is_empty() {
        MessageState::Failed { reason: format!("{reason}. Ask again") }
    } else {
        MessageState::Cut { reason }
    };
    let author = match lost.model {
        Some(name) => Author::Model { name },
        None => Author::Fallback { why: "no model was asked, or it had not answered".to_owned() },
    };
    let draft = ChatMessage::draft(lost.conversation, author, lost.text, state);
    // The incident of a question is there; one cannot be removed.
    let said: Result<ChatMessage, Refusal> = say(write, draft, &Actor::engine(PART))?;
    if let Err(refusal) = said {
        tracing::warn!(%refusal, "an answer whose process is gone could not be ended");
    }
    Ok(true)
}

fn lost(write: &Write<'_>, question: MessageId) -> Result<Option<Lost>, Fault> {
    let found = write
        .conn
        .prepare_cached(
            "SELECT message.incident, model, answer_under_way.text, host, pid, boot_id
             FROM answer_under_way JOIN message ON message.id = question WHERE question = ?1",
        )?
        .query_row([question.0], |row| {
            let (incident, model, text): (Option<i64>, Option<String>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let process: (String, u32, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((incident, model, text, process))
        })
        .optional()?;
    let Some((incident, model, text, (host, pid, boot_id))) = found else { return Ok(None) };
    let mut statement = write.conn.prepare_cached(
        "SELECT id, reserved FROM model_call
         WHERE state = ?1 AND incident IS ?2 AND host = ?3 AND pid = ?4 AND boot_id = ?5 ORDER BY id",
    )?;
    let rows = statement.query_map(params![call_state::RESERVED, incident, host, pid, boot_id], |row| {
        Ok((CallId(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    let calls = rows.collect::<Result<_, _>>()?;
    let conversation =
        incident.map_or(Conversation::General, |id| Conversation::Incident(crate::domain::id::IncidentId(id)));
    Ok(Some(Lost { conversation, model, text, calls }))
}

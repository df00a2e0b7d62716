//! Answering a prepared question: the stream of a model, its end in every way there is, the fallback, and what is stored.
//!
//! Owns: the order of question, call, pieces, settlement and stored message. Does not: decide who answers (see `mod`).
//!
//! Invariants: pieces that were sent on and the text that is stored are the same. A receiver that goes away ends the call.
//! Every reservation is ended: by what the provider said it used, by nothing when nothing was sent, else by all of it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::citations::Given;
use super::material::Material;
use super::{Assistant, Brain, Plan, Ready, citations, offline};
use crate::domain::actor::Actor;
use crate::domain::chat::statements::{self, SourceCheck};
use crate::domain::chat::thoughts;
use crate::domain::chat::{Author, ChatMessage, FinishReason, MessageDraft, MessageState, Usage};
use crate::domain::id::SopId;
use crate::engine::ask::{Answer, AnswerEvent};
use crate::engine::backend::BackendError;
use crate::engine::outbound::{Held, Inspected, Reservation, Restore};
use crate::engine::ports::{Model, ModelError, ModelErrorKind, ModelEvent, ModelStream};

/// Pieces that may wait for a slow screen.
const WAITING: usize = 64;
/// The longest answer that is kept, in bytes; a provider's own limits are far below.
const LONGEST: usize = 1024 * 1024;
/// Why an answer ended that a person did not want to the end.
const STOPPED: &str = "you stopped it";

type Sender = mpsc::Sender<AnswerEvent>;

/// Stores the question and answers it in a task of its own.
pub(super) async fn answer(assistant: Assistant, ready: Ready) -> Result<Answer, BackendError> {
    let parts = &assistant.inner.parts;
    let ask = &ready.material.ask;
    let author = Author::Person { name: parts.actor.label().to_owned() };
    let question = ChatMessage::draft(ask.conversation, author, ask.question.trim().to_owned(), MessageState::Complete);
    parts.store.say(question, &parts.actor).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(run(assistant, ready, sender));
    Ok(receiver)
}

async fn run(assistant: Assistant, ready: Ready, sender: Sender) {
    let Ready { material, plan, .. } = ready;
    let ended = match plan {
        Plan::Local { why, held } => {
            note_refused(&assistant, held.as_ref(), &material).await;
            local(&material, &why, &sender).await
        }
        Plan::Model { inspected, sources } => {
            match by_model(&assistant, &inspected, &sources, &material, &sender).await {
                Ok(message) => message,
                Err(why) => {
                    // What has come so far does not count, and nobody may take it for the answer.
                    let _ = sender.send(AnswerEvent::Fallback { why: why.clone() }).await;
                    local(&material, &why, &sender).await
                }
            }
        }
    };
    let parts = &assistant.inner.parts;
    let event = match parts.store.say(ended, &Actor::engine("assistant")).await {
        Ok(message) => AnswerEvent::Done(Box::new(message)),
        Err(error) => AnswerEvent::Lost { why: format!("The answer could not be stored: {error}") },
    };
    // Whoever asked may have gone.
    let _ = sender.send(event).await;
}

/// Notes in the journal when it was the budget that kept a question from being sent.
async fn note_refused(assistant: &Assistant, held: Option<&Held>, material: &Material) {
    if let (Some(Held::Budget(over)), Brain::Model { model, .. }) = (held, &assistant.inner.parts.brain) {
        let incident = material.ask.conversation.incident();
        assistant.inner.parts.outbound.note_refused(model.name(), incident, *over).await;
    }
}

/// The fallback's answer.
async fn local(material: &Arc<Material>, why: &str, sender: &Sender) -> MessageDraft {
    let (gathered, reason) = (Arc::clone(material), why.to_owned());
    // It may parse hundreds of documents.
    let answered = tokio::task::spawn_blocking(move || offline::answer(&gathered, &reason)).await;
    let author = Author::Fallback { why: why.to_owned() };
    let conversation = material.ask.conversation;
    match answered {
        Ok(answer) => {
            // Whoever asked may have gone; the answer is stored all the same.
            let _ = sender.send(AnswerEvent::Text(answer.text.clone())).await;
            let draft = ChatMessage::draft(conversation, author, answer.text, MessageState::Complete);
            MessageDraft { sources: answer.sources, ..draft }
        }
        Err(error) => {
            let reason =
                format!("The SOPs could not be searched: {error}. Look at them yourself; the log has the details");
            ChatMessage::draft(conversation, author, String::new(), MessageState::Failed { reason })
        }
    }
}

/// The model's answer.
///
/// # Errors
/// Why there is none, as a sentence: the fallback has to answer.
async fn by_model(
    assistant: &Assistant,
    inspected: &Inspected,
    sources: &[SopId],
    material: &Arc<Material>,
    sender: &Sender,
) -> Result<MessageDraft, String> {
    let Brain::Model { model, .. } = &assistant.inner.parts.brain else { return Err("There is no model".to_owned()) };
    let (cleared, reservation) =
        assistant.inner.parts.outbound.clear(inspected).await.map_err(|held| held.to_string())?;
    let stream = tokio::select! {
        stream = model.stream(cleared) => stream,
        () = sender.closed() => {
            reservation.settle_cut(STOPPED, None).await;
            let author = Author::Model { name: model.name() };
            let state = MessageState::Cut { reason: STOPPED.to_owned() };
            return Ok(ChatMessage::draft(material.ask.conversation, author, String::new(), state));
        }
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            end_failed(reservation, &error, None, "").await;
            assistant.note_call(Some(error.to_string()));
            return Err(error.to_string());
        }
    };
    let heard = Heard::new(inspected, model.as_ref());
    let (heard, end) = heard.listen(stream, sender).await;
    let Heard { text, thoughts, usage, name, .. } = heard;
    let state = settle(assistant, reservation, end, usage, &text).await?;
    let author = Author::Model { name };
    let mut draft = ChatMessage::draft(material.ask.conversation, author, text, state);
    let (remark, source_check) = checked(&draft.text, sources, material).await;
    if let Some(remark) = remark {
        let _ = sender.send(AnswerEvent::Text(remark.clone())).await;
        draft.text.push_str(&remark);
    }
    Ok(MessageDraft { usage, sources: sources.to_vec(), thoughts, source_check, ..draft })
}

/// How a stream ended.
enum End {
    Said(FinishReason),
    Failed(ModelError),
    /// Nobody listens any more.
    Stopped,
    /// It is longer than anyone reads.
    TooLong,
}

/// What has come of an answer.
struct Heard {
    text: String,
    thoughts: String,
    usage: Option<Usage>,
    name: String,
    restore: Box<dyn Restore>,
    restore_thought: Box<dyn Restore>,
}

impl Heard {
    fn new(inspected: &Inspected, model: &dyn Model) -> Self {
        Self {
            text: String::new(),
            thoughts: String::new(),
            usage: None,
            name: model.name(),
            restore: inspected.restorer(),
            restore_thought: inspected.restorer(),
        }
    }

    /// Sends pieces on until the end, whatever it is. The stream is dropped then, which ends the call.
    async fn listen(mut self, mut stream: ModelStream, sender: &Sender) -> (Self, End) {
        let end = loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = sender.closed() => break End::Stopped,
            };
            match next {
                Some(Ok(ModelEvent::Done { reason, model })) => {
                    if !model.is_empty() {
                        self.name = model;
                    }
                    break End::Said(reason);
                }
                Some(Ok(event)) => {
                    if let Some(end) = self.take(event, sender).await {
                        break end;
                    }
                }
                Some(Err(error)) => break End::Failed(error),
                None => break End::Failed(without_end()),
            }
        };
        // What looked like the beginning of a token and was none.
        let (thought, rest) = (self.restore_thought.finish(), self.restore.finish());
        self.text.push_str(&rest);
        thoughts::add(&mut self.thoughts, &thought);
        let pieces = [AnswerEvent::Thought(thought), AnswerEvent::Text(rest)];
        for piece in pieces.into_iter().filter(|piece| !is_empty(piece)) {
            let _ = sender.send(piece).await;
        }
        (self, end)
    }

    async fn take(&mut self, event: ModelEvent, sender: &Sender) -> Option<End> {
        let event = match event {
            ModelEvent::Retrying { after, why } => AnswerEvent::Retrying { seconds: after.as_secs(), why },
            ModelEvent::Text(piece) => {
                let restored = self.restore.push(&piece);
                self.text.push_str(&restored);
                AnswerEvent::Text(restored)
            }
            ModelEvent::Thought(piece) => {
                let restored = self.restore_thought.push(&piece);
                thoughts::add(&mut self.thoughts, &restored);
                AnswerEvent::Thought(restored)
            }
            ModelEvent::Usage(usage) => {
                self.usage = Some(usage);
                return None;
            }
            // The caller has taken it.
            ModelEvent::Done { reason, .. } => return Some(End::Said(reason)),
        };
        if !is_empty(&event) && sender.send(event).await.is_err() {
            return Some(End::Stopped);
        }
        (self.text.len() > LONGEST).then_some(End::TooLong)
    }
}

fn is_empty(event: &AnswerEvent) -> bool {
    matches!(event, AnswerEvent::Text(piece) | AnswerEvent::Thought(piece) if piece.is_empty())
}

fn without_end() -> ModelError {
    ModelError {
        kind: ModelErrorKind::Garbled,
        what: "The answer broke off without an end".to_owned(),
        remedy: "Ask again".to_owned(),
    }
}

/// Ends the reservation of a call that failed, of which `usage` and perhaps some text had come.
async fn end_failed(reservation: Reservation, error: &ModelError, usage: Option<Usage>, text: &str) {
    let nothing_came = usage.is_none() && text.is_empty();
    match error.kind {
        // Nothing was sent, or the provider refused before it did anything.
        ModelErrorKind::Unserved
        | ModelErrorKind::BreakerOpen
        | ModelErrorKind::Key
        | ModelErrorKind::Permission
        | ModelErrorKind::Refused
        | ModelErrorKind::Quota
            if nothing_came =>
        {
            reservation.release(&error.what).await;
        }
        // It has read the question, and perhaps answered.
        ModelErrorKind::Unserved
        | ModelErrorKind::BreakerOpen
        | ModelErrorKind::Key
        | ModelErrorKind::Permission
        | ModelErrorKind::Refused
        | ModelErrorKind::Quota
        | ModelErrorKind::Unreachable
        | ModelErrorKind::Blocked
        | ModelErrorKind::Garbled => reservation.settle_cut(&error.what, usage).await,
    }
}

/// Ends the reservation, and says how the message ends.
///
/// # Errors
/// Why there is no usable answer, as a sentence.
async fn settle(
    assistant: &Assistant,
    reservation: Reservation,
    end: End,
    usage: Option<Usage>,
    text: &str,
) -> Result<MessageState, String> {
    let is_blank = text.trim().is_empty();
    match end {
        End::Stopped => {
            reservation.settle_cut(STOPPED, usage).await;
            Ok(MessageState::Cut { reason: STOPPED.to_owned() })
        }
        End::TooLong => {
            reservation.settle_cut("too long", usage).await;
            Ok(MessageState::Cut { reason: "the answer was longer than 1 MiB".to_owned() })
        }
        End::Failed(error) => {
            end_failed(reservation, &error, usage, text).await;
            assistant.note_call(Some(error.to_string()));
            Err(error.to_string())
        }
        End::Said(reason) => {
            assistant.note_call(None);
            let judged = judge(&reason, is_blank);
            let outcome = match &judged {
                Ok(MessageState::Complete) => "answered",
                Ok(MessageState::Cut { reason } | MessageState::Failed { reason }) => reason,
                Err(why) => why,
            };
            reservation.settle(outcome, usage).await;
            judged
        }
    }
}

/// What the model's reason to stop means for what it said.
fn judge(reason: &FinishReason, is_blank: bool) -> Result<MessageState, String> {
    let cut = |reason: String| Ok(MessageState::Cut { reason });
    match reason {
        FinishReason::Malformed(word) => {
            Err(format!("The model's answer was malformed ({word}). Ask again, perhaps in other words"))
        }
        FinishReason::Withheld(word) if is_blank => {
            Err(format!("The provider withheld the answer ({word}). Ask in other words"))
        }
        FinishReason::Length if is_blank => Err(
            "The model used up its output tokens before it said anything. Raise [model] max_output_tokens, or let it \
                 think less"
                .to_owned(),
        ),
        _ if is_blank => Err("The model gave no answer. Ask again, perhaps in other words".to_owned()),
        FinishReason::Stop => Ok(MessageState::Complete),
        FinishReason::Length => cut("the model reached its limit of output tokens".to_owned()),
        FinishReason::Withheld(word) => cut(format!("the provider withheld the rest ({word})")),
        FinishReason::Other(word) => cut(format!("the model stopped for a reason that is not known here ({word})")),
    }
}

/// What has to be said below an answer about its citations, and which of its statements have none that is good.
async fn checked(text: &str, sources: &[SopId], material: &Arc<Material>) -> (Option<String>, Option<SourceCheck>) {
    let (text, sources, material) = (text.to_owned(), sources.to_vec(), Arc::clone(material));
    // It may have to read documents.
    let checked = tokio::task::spawn_blocking(move || {
        let given = Given::new(&material, &sources);
        (citations::remark(&text, &given), Some(statements::check(&text, |source| given.has(source))))
    });
    checked.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the citations of an answer could not be checked");
        (Some("\n\n> aiops: the citations could not be checked.\n".to_owned()), None)
    })
}

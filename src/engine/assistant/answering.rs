//! Answering a prepared question: the stream of a model, its end in every way there is, the fallback, and what is stored.
//!
//! Owns: the order of question, call, settlement and stored message. Does not: decide who answers (see `mod`), or hear the
//! stream (see `hearing`).
//!
//! Invariants: a receiver that goes away ends the call. What somebody has read of an answer stays, also when it broke off and
//! the fallback answers. Every reservation is ended: by what the provider said it used, by nothing when nothing was done with
//! the question, else by all of it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::citations::Given;
use super::hearing::{End, Heard, Kept, Listener, Manner};
use super::material::Material;
use super::{Assistant, Brain, Plan, Purpose, Ready, citations, offline, suggesting};
use crate::domain::chat::statements::{self, SourceCheck};
use crate::domain::chat::{Author, ChatMessage, FinishReason, MessageDraft, MessageState};
use crate::domain::id::SopId;
use crate::engine::ask::{Answer, AnswerEvent};
use crate::engine::backend::BackendError;
use crate::engine::outbound::{Held, Inspected, Reservation};
use crate::engine::ports::{ModelError, ModelErrorKind};
use crate::store::UnderWay;

/// Pieces that may wait for a slow screen.
const WAITING: usize = 64;
/// Why an answer ended that a person did not want to the end.
pub(super) const STOPPED: &str = "you stopped it";

pub(super) type Sender = mpsc::Sender<AnswerEvent>;

/// Stores the question and answers it in a task of its own.
pub(super) async fn answer(assistant: Assistant, ready: Ready) -> Result<Answer, BackendError> {
    let parts = &assistant.inner.parts;
    let ask = &ready.material.ask;
    let author = Author::Person { name: parts.actor.label().to_owned() };
    let question = ChatMessage::draft(ask.conversation, author, ask.question.trim().to_owned(), MessageState::Complete);
    let model = match (&ready.plan, &parts.brain) {
        (Plan::Model { .. }, Brain::Model { model, .. }) => Some(model.name()),
        _ => None,
    };
    let under_way = parts.store.ask(question, model, &parts.actor).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    match ready.purpose.clone() {
        Purpose::Question => tokio::spawn(run(assistant, ready, under_way, sender)),
        Purpose::Suggest(matter) => tokio::spawn(suggesting::run(assistant, ready, matter, under_way, sender)),
    };
    Ok(receiver)
}

async fn run(assistant: Assistant, ready: Ready, under_way: UnderWay, sender: Sender) {
    let Ready { material, plan, .. } = ready;
    let ended = match plan {
        Plan::Local { why, held } => {
            note_refused(&assistant, held.as_ref(), &material).await;
            local(&material, &why, &sender).await
        }
        Plan::Model { inspected, sources } => {
            let kept = Kept::new(assistant.inner.parts.store.clone(), under_way.question());
            match by_model(&assistant, &inspected, &sources, &material, kept, &sender).await {
                Ok(message) => message,
                Err(NoAnswer { why, cut }) => {
                    keep_cut(&assistant, &under_way, cut, &sender).await;
                    let _ = sender.send(AnswerEvent::Fallback { why: why.clone() }).await;
                    local(&material, &why, &sender).await
                }
            }
        }
    };
    let parts = &assistant.inner.parts;
    let event = match parts.store.answered(under_way, ended).await {
        Ok(message) => AnswerEvent::Done(Box::new(message)),
        Err(error) => AnswerEvent::Lost { why: format!("The answer could not be stored: {error}") },
    };
    // Whoever asked may have gone.
    let _ = sender.send(event).await;
}

/// Keeps what had come of an answer that broke off: somebody was reading it.
async fn keep_cut(assistant: &Assistant, under_way: &UnderWay, cut: Option<MessageDraft>, sender: &Sender) {
    let Some(cut) = cut else { return };
    match assistant.inner.parts.store.answer_broke(under_way, cut).await {
        Ok(message) => {
            // Whoever asked may have gone.
            let _ = sender.send(AnswerEvent::Broken(Box::new(message))).await;
        }
        Err(error) => tracing::error!(%error, "the beginning of an answer that broke off could not be stored"),
    }
}

/// Notes in the journal when it was the budget that kept a question from being sent.
pub(super) async fn note_refused(assistant: &Assistant, held: Option<&Held>, material: &Material) {
    if let (Some(Held::Budget(over)), Brain::Model { model, .. }) = (held, &assistant.inner.parts.brain) {
        let incident = material.ask.conversation.incident();
        assistant.inner.parts.outbound.note_refused(model.name(), incident, *over).await;
    }
}

/// The fallback's answer.
async fn local(material: &Arc<Material>, why: &str, sender: &Sender) -> MessageDraft {
    let gathered = Arc::clone(material);
    // It may parse hundreds of documents.
    let answered = tokio::task::spawn_blocking(move || offline::answer(&gathered)).await;
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

/// Why the fallback has to answer, and what had come of the model's answer before, to be kept.
struct NoAnswer {
    why: String,
    cut: Option<MessageDraft>,
}

/// What a model said, once its end is known and paid for.
pub(super) struct Said {
    pub(super) heard: Heard,
    /// How it ended.
    ///
    /// # Errors
    /// [`Broken`]: there is no answer to go by.
    pub(super) verdict: Result<MessageState, Broken>,
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        Self { why, cut: None }
    }
}

/// The model's answer.
///
/// # Errors
/// [`NoAnswer`]: the fallback has to answer.
async fn by_model(
    assistant: &Assistant,
    inspected: &Inspected,
    sources: &[SopId],
    material: &Arc<Material>,
    kept: Kept,
    sender: &Sender,
) -> Result<MessageDraft, NoAnswer> {
    let Said { heard, verdict } = call(assistant, inspected, kept, Manner::Shown, sender).await?;
    let Heard { text, thoughts, usage, name, .. } = heard;
    let draft = |text, state| {
        let draft = ChatMessage::draft(material.ask.conversation, Author::Model { name: name.clone() }, text, state);
        MessageDraft { usage, sources: sources.to_vec(), thoughts: thoughts.clone(), ..draft }
    };
    let state = match verdict {
        Ok(state) => state,
        Err(Broken { why, reason }) => {
            let cut = (!text.trim().is_empty()).then(|| draft(text, MessageState::Cut { reason }));
            return Err(NoAnswer { why, cut });
        }
    };
    let mut draft = draft(text, state);
    // Nothing was heard of an answer that was stopped before it was asked for.
    if draft.text.is_empty() {
        return Ok(draft);
    }
    let (remark, source_check) = checked(&draft.text, sources, material).await;
    draft.source_check = source_check;
    if let Some(remark) = remark {
        let _ = sender.send(AnswerEvent::Text(remark.clone())).await;
        draft.text.push_str(&remark);
    }
    Ok(draft)
}

/// Sends what was inspected, hears the answer to its end, and pays for it.
///
/// # Errors
/// Why nothing was sent, as a sentence with what to do about it.
pub(super) async fn call(
    assistant: &Assistant,
    inspected: &Inspected,
    kept: Kept,
    manner: Manner,
    sender: &Sender,
) -> Result<Said, String> {
    let Brain::Model { model, .. } = &assistant.inner.parts.brain else {
        return Err("There is no model".to_owned());
    };
    let (cleared, reservation) =
        assistant.inner.parts.outbound.clear(inspected).await.map_err(|held| held.to_string())?;
    let stream = tokio::select! {
        stream = model.stream(cleared) => stream,
        () = sender.closed() => {
            // The stream was never polled, so that nothing has left.
            reservation.release(STOPPED).await;
            let heard = Listener::new(inspected, model.as_ref(), kept, manner).into_heard();
            return Ok(Said { heard, verdict: Ok(MessageState::Cut { reason: STOPPED.to_owned() }) });
        }
    };
    let listener = Listener::new(inspected, model.as_ref(), kept, manner);
    let (heard, end) = match stream {
        Ok(stream) => listener.listen(stream, sender).await,
        Err(error) => (listener.into_heard(), End::Failed(error)),
    };
    assistant.note_end(&end, heard.attempts);
    let verdict = settle(reservation, end, &heard).await;
    Ok(Said { heard, verdict })
}

/// Ends the reservation of a call that failed.
async fn end_failed(reservation: Reservation, error: &ModelError, heard: &Heard) {
    if heard.attempts.cost_nothing(error.kind) {
        reservation.release(&error.what).await;
    } else if error.kind == ModelErrorKind::Blocked && heard.text.is_empty() {
        reservation.settle_unanswered(&error.what, heard.usage).await;
    } else {
        // It has read the question, and perhaps answered.
        reservation.settle_cut(&error.what, heard.usage).await;
    }
}

/// Why there is no answer that is whole.
pub(super) struct Broken {
    /// As a sentence, with what to do about it.
    pub(super) why: String,
    /// As a clause.
    reason: String,
}

/// Ends the reservation, and says how the message ends.
///
/// # Errors
/// [`Broken`]: the fallback has to answer.
async fn settle(reservation: Reservation, end: End, heard: &Heard) -> Result<MessageState, Broken> {
    match end {
        End::Stopped => {
            if heard.attempts.waits(Instant::now()) {
                reservation.release(STOPPED).await;
            } else {
                reservation.settle_cut(STOPPED, heard.usage).await;
            }
            Ok(MessageState::Cut { reason: STOPPED.to_owned() })
        }
        End::TooLong => {
            reservation.settle_cut("too long", heard.usage).await;
            Ok(MessageState::Cut {
                reason: "the answer was longer than 1 MiB; ask for less of it at a time".to_owned(),
            })
        }
        End::Failed(error) => {
            end_failed(reservation, &error, heard).await;
            Err(Broken { why: error.to_string(), reason: error.what })
        }
        End::Said(reason) => {
            let judged = judge(&reason, heard.text.trim().is_empty());
            let outcome = match &judged {
                Ok(MessageState::Complete) => "answered",
                Ok(MessageState::Cut { reason } | MessageState::Failed { reason }) => reason,
                Err(why) => why,
            };
            reservation.settle(outcome, heard.usage).await;
            judged.map_err(|why| Broken { why, reason: "the model's answer was malformed".to_owned() })
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
        FinishReason::Length => {
            cut("the model reached its limit of output tokens; ask it to go on, or raise [model] max_output_tokens"
                .to_owned())
        }
        FinishReason::Withheld(word) => cut(format!("the provider withheld the rest ({word}); ask in other words")),
        FinishReason::Other(word) => {
            cut(format!("the model stopped for a reason that is not known here ({word}); ask it to go on"))
        }
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

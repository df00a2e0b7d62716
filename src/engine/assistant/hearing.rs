//! Hearing an answer: the stream of a model piece by piece, to its end, and what its attempts may have cost until then.
//!
//! Owns: restoring pseudonyms in pieces, how a stream ended, and whether anything was done with the question yet, and keeping what
//! has come while it comes. Does not: store, judge or pay.
//!
//! Invariants: pieces that were sent on and the text that was heard are the same. An attempt counts as free only when the model
//! says so itself.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::domain::chat::{FinishReason, Usage, thoughts};
use crate::domain::id::MessageId;
use crate::engine::ask::AnswerEvent;
use crate::engine::outbound::{Inspected, Restore};
use crate::engine::ports::{Model, ModelError, ModelErrorKind, ModelEvent, ModelStream};
use crate::store::Store;

/// The longest answer that is kept, in bytes; a provider's own limits are far below.
const LONGEST: usize = 1024 * 1024;

/// How a stream ended.
pub(super) enum End {
    Said(FinishReason),
    Failed(ModelError),
    /// Nobody listens any more.
    Stopped,
    /// It is longer than anyone reads.
    TooLong,
}

/// What has come of an answer.
pub(super) struct Heard {
    /// Its text, pseudonyms restored.
    pub(super) text: String,
    /// What it thought, as far as that is kept.
    pub(super) thoughts: String,
    /// What it used, as last said.
    pub(super) usage: Option<Usage>,
    /// Which model answers.
    pub(super) name: String,
    /// What its attempts may have cost.
    pub(super) attempts: Attempts,
}

/// What has come is kept this often while more comes: so much of it is lost at most when the process is killed.
const KEPT_EVERY: Duration = Duration::from_secs(3);

/// Where what has come is kept until the answer is over.
pub(super) struct Kept {
    store: Store,
    question: MessageId,
    /// When it was kept last; the first words are kept at once.
    at: Option<Instant>,
}

impl Kept {
    /// For the answer to `question`.
    pub(super) const fn new(store: Store, question: MessageId) -> Self {
        Self { store, question, at: None }
    }

    /// Keeps `text` when it is time to.
    fn keep(&mut self, text: &str) {
        let now = Instant::now();
        if text.is_empty() || self.at.is_some_and(|at| now.duration_since(at) < KEPT_EVERY) {
            return;
        }
        self.at = Some(now);
        // It is queued, and nobody has to wait for it: when it fails, the next one or the end tells.
        drop(self.store.keep_answer(self.question, text.to_owned()));
    }
}

/// Who sees an answer while it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Whoever asked; names are put back as it comes.
    Shown,
    /// Nobody before it was read as a whole: it is kept as it came, names still replaced, and at most so many bytes of it.
    Held {
        /// Bytes.
        longest: usize,
    },
}

/// Whoever hears an answer.
pub(super) struct Listener {
    heard: Heard,
    kept: Kept,
    manner: Manner,
    restore: Box<dyn Restore>,
    restore_thought: Box<dyn Restore>,
}

impl Listener {
    pub(super) fn new(inspected: &Inspected, model: &dyn Model, kept: Kept, manner: Manner) -> Self {
        let attempts = Attempts::default();
        Self {
            heard: Heard { text: String::new(), thoughts: String::new(), usage: None, name: model.name(), attempts },
            kept,
            manner,
            restore: inspected.restorer(),
            restore_thought: inspected.restorer(),
        }
    }

    /// What there is before anything was heard.
    pub(super) fn into_heard(self) -> Heard {
        self.heard
    }

    /// Sends pieces on until the end, whatever it is. The stream is dropped then, which ends the call.
    pub(super) async fn listen(mut self, mut stream: ModelStream, sender: &mpsc::Sender<AnswerEvent>) -> (Heard, End) {
        let end = loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = sender.closed() => break End::Stopped,
            };
            match next {
                Some(Ok(ModelEvent::Done { reason, model })) => {
                    if !model.is_empty() {
                        self.heard.name = model;
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
        self.heard.text.push_str(&rest);
        thoughts::add(&mut self.heard.thoughts, &thought);
        let pieces = [AnswerEvent::Thought(thought), AnswerEvent::Text(rest)];
        for piece in pieces.into_iter().filter(|piece| !is_empty(piece)) {
            let _ = sender.send(piece).await;
        }
        (self.heard, end)
    }

    async fn take(&mut self, event: ModelEvent, sender: &mpsc::Sender<AnswerEvent>) -> Option<End> {
        if !matches!(event, ModelEvent::Retrying { .. }) {
            self.heard.attempts = Attempts::Spoke;
        }
        let event = match event {
            ModelEvent::Retrying { after, why, kind } => {
                self.heard.attempts.failed(kind, Instant::now() + after);
                AnswerEvent::Retrying { seconds: after.as_secs(), why }
            }
            ModelEvent::Text(piece) if self.manner != Manner::Shown => {
                self.heard.text.push_str(&piece);
                return self.is_too_long().then_some(End::TooLong);
            }
            ModelEvent::Text(piece) => {
                let restored = self.restore.push(&piece);
                self.heard.text.push_str(&restored);
                self.kept.keep(&self.heard.text);
                AnswerEvent::Text(restored)
            }
            ModelEvent::Thought(piece) => {
                let restored = self.restore_thought.push(&piece);
                thoughts::add(&mut self.heard.thoughts, &restored);
                AnswerEvent::Thought(restored)
            }
            ModelEvent::Usage(usage) => {
                self.heard.usage = Some(usage);
                return None;
            }
            // The caller has taken it.
            ModelEvent::Done { reason, .. } => return Some(End::Said(reason)),
        };
        if !is_empty(&event) && sender.send(event).await.is_err() {
            return Some(End::Stopped);
        }
        self.is_too_long().then_some(End::TooLong)
    }

    fn is_too_long(&self) -> bool {
        let longest = match self.manner {
            Manner::Shown => LONGEST,
            Manner::Held { longest } => longest,
        };
        self.heard.text.len() > longest
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

/// What the attempts to get an answer may have cost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempts {
    /// Those that ended were refused before anything was done with the question; the next one is not sent before this moment,
    /// if one is waited for, and else may be under way.
    Refused {
        /// The moment.
        until: Option<Instant>,
    },
    /// One was read, perhaps.
    Read,
    /// Something of an answer has come.
    Spoke,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::Refused { until: None }
    }
}

impl Attempts {
    /// One failed in this way, and the next is not sent before `until`.
    fn failed(&mut self, kind: ModelErrorKind, until: Instant) {
        if matches!(self, Self::Refused { .. }) {
            *self = if kind.costs_nothing() { Self::Refused { until: Some(until) } } else { Self::Read };
        }
    }

    /// Whether nothing has been done with the question, and nothing is sent at this moment.
    pub(super) fn waits(self, now: Instant) -> bool {
        matches!(self, Self::Refused { until: Some(until) } if now < until)
    }

    /// Whether nothing was done with the question, when the last attempt ended with `kind`.
    pub(super) fn cost_nothing(self, kind: ModelErrorKind) -> bool {
        matches!(self, Self::Refused { .. }) && kind.costs_nothing()
    }
}

//! The port to language models: a request in, a stream of events out.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;

use super::BoxFuture;
use crate::domain::chat::{FinishReason, ModelRequest, Usage};
use crate::engine::outbound::Cleared;

/// What a model says, piece by piece. Ends after [`ModelEvent::Done`] or an error; an end without either is a bug of the adapter.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// A language model behind some provider's interface.
pub trait Model: Send + Sync + 'static {
    /// Its name (`gemini-3.8-flash`).
    fn name(&self) -> String;
    /// Where bodies are sent, for people: scheme, host and path, never a key.
    fn destination(&self) -> String;
    /// The body of `request` in the provider's format. Nothing is sent.
    ///
    /// # Errors
    /// When the request cannot be said in it.
    fn encode(&self, request: &ModelRequest) -> Result<Vec<u8>, ModelError>;
    /// Why it would not even be tried now, as a sentence with what to do about it; `None` when it would be.
    fn unavailable(&self) -> Option<String> {
        None
    }
    /// Sends a body that the choke point has cleared, byte for byte, and streams the answer. Retries what is worth retrying
    /// before the first event, and says so by [`ModelEvent::Retrying`]. Nothing leaves before the stream is first polled, and
    /// nothing is sent again before the time of `Retrying` is over.
    fn stream(&self, body: Cleared) -> BoxFuture<'static, Result<ModelStream, ModelError>>;
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// The provider could not answer; the same body is sent again after this long.
    Retrying {
        /// How long.
        after: Duration,
        /// Why, as a clause.
        why: String,
        /// In which way it failed.
        kind: ModelErrorKind,
    },
    /// A piece of the answer. Foreign text.
    Text(String),
    /// A piece of a summary of the thinking. Foreign text.
    Thought(String),
    /// Tokens so far: each replaces the one before.
    Usage(Usage),
    /// The answer ended.
    Done {
        /// Why.
        reason: FinishReason,
        /// Which model answered, as it says itself; empty when it does not.
        model: String,
    },
}

/// Why a model did not answer, or not to the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {remedy}")]
pub struct ModelError {
    /// Which kind.
    pub kind: ModelErrorKind,
    /// What went wrong, without secrets. May quote the provider: foreign text.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Kinds of [`ModelError`], for what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// There is no key, or it is not accepted.
    Key,
    /// The provider refuses the request: unknown model, bad field, too long.
    Refused,
    /// The quota is spent, or requests came too fast.
    Quota,
    /// The prompt was blocked.
    Blocked,
    /// No connection could be made, or the provider answered that it is overloaded: it did nothing with the body, which costs
    /// nothing.
    Unserved,
    /// Nothing came for too long, or the connection broke: the provider may have read the body, which may cost something.
    Unreachable,
    /// The answer was no answer: garbage, cut off, too long.
    Garbled,
    /// Too many failures lately: not even tried.
    BreakerOpen,
}

impl ModelErrorKind {
    /// Whether a request that failed in this way, before anything came of an answer, costs nothing: it was not sent, or refused
    /// before the provider did anything with it.
    #[must_use]
    pub const fn costs_nothing(self) -> bool {
        match self {
            Self::Unserved | Self::BreakerOpen | Self::Key | Self::Refused | Self::Quota => true,
            Self::Unreachable | Self::Blocked | Self::Garbled => false,
        }
    }
}

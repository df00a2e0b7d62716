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
    /// Why it would not even be tried now; `None` when it would be. Sends nothing. Fetches a key only when the last one was
    /// refused, to see whether there is another one by now.
    fn unavailable(&self) -> BoxFuture<'static, Option<Unavailable>> {
        Box::pin(std::future::ready(None))
    }
    /// Sends a body that the choke point has cleared, byte for byte, and streams the answer. Retries what is worth retrying
    /// before the first event, and says so by [`ModelEvent::Retrying`]. Nothing leaves before the stream is first polled, and
    /// nothing is sent again before the time of `Retrying` is over.
    fn stream(&self, body: Cleared) -> BoxFuture<'static, Result<ModelStream, ModelError>>;
}

/// Why a model would not even be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// What stands in the way, without secrets. May quote the provider: foreign text.
    pub what: String,
    /// What to do about it; empty when nothing can be done but to wait.
    pub remedy: String,
    /// In how long it would be tried; `None` when that takes more than time.
    pub again_in: Option<Duration>,
}

impl Unavailable {
    /// That what failed with `error` would fail so again.
    #[must_use]
    pub fn of(error: &ModelError, again_in: Option<Duration>) -> Self {
        Self { what: error.what.clone(), remedy: error.remedy.clone(), again_in }
    }

    /// As an error: nothing was sent.
    #[must_use]
    pub fn into_error(self) -> ModelError {
        let remedy = self.advice();
        ModelError { kind: ModelErrorKind::BreakerOpen, what: self.what, remedy }
    }

    /// What to do about it, and when it would be tried again.
    fn advice(&self) -> String {
        // A second more, so that who waits as long as it says has waited long enough.
        let again = self.again_in.map(|left| match left.as_secs() + 1 {
            seconds @ 0..120 => format!("It is asked again in {seconds} s at the earliest"),
            seconds => format!("It is asked again in {} min at the earliest", seconds.div_ceil(60)),
        });
        let parts: Vec<&str> = [Some(self.remedy.as_str()), again.as_deref()]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(". ")
    }
}

/// Sentences without a full stop behind the last: `it failed. Do this. It is asked again in 30 s at the earliest`.
impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let advice = self.advice();
        let stop = if advice.is_empty() { "" } else { ". " };
        write!(f, "{}{stop}{advice}", self.what)
    }
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
    /// The key is accepted and may not use the model.
    Permission,
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
    /// It failed lately, and would again: not even tried.
    BreakerOpen,
}

impl ModelErrorKind {
    /// Whether a request that failed in this way, before anything came of an answer, costs nothing: it was not sent, or refused
    /// before the provider did anything with it.
    #[must_use]
    pub const fn costs_nothing(self) -> bool {
        match self {
            Self::Unserved | Self::BreakerOpen | Self::Key | Self::Permission | Self::Refused | Self::Quota => true,
            Self::Unreachable | Self::Blocked | Self::Garbled => false,
        }
    }
}

//! One question: sent, sent again when that helps, continued when the provider wants that, read to its end.
//!
//! Owns: the steps of a question, the watchdog, the size limit. Does not: know formats or decide how long to wait.
//!
//! Invariants: the same body is sent every time, but for a continuation's token; nothing is sent again once a piece of the
//! answer came; no step lasts for ever. Dropping the stream drops the connection, which ends the request.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::time::Instant;

use super::client::Shared;
use super::decode::{Answer, Ending};
use super::error::{self, Failure};
use super::frames::{FrameError, Frames};
use super::key::{Freshness, digest, without_key};
use super::retry::Retry;
use crate::domain::chat::FinishReason;
use crate::engine::outbound::Cleared;
use crate::engine::ports::{ModelError, ModelErrorKind, ModelEvent, ModelStream};

/// A longer answer is cut off; in bytes as they are sent, all calls together. A long answer has some ten thousand.
pub(super) const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Of the body of an error no more is read; in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// The member that a continuation's token goes into.
const TOKEN_MEMBER: &str = "continuationToken";

/// A question under way.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    body: Cleared,
    key: SecretString,
    freshness: Freshness,
    step: Step,
    /// Of this call, from 1.
    attempt: u32,
    frames: Frames,
    answer: Answer,
    /// Of all calls, in bytes.
    received: usize,
    /// Whether this call has said anything yet.
    heard: bool,
    /// The first event of this attempt has to come before.
    first_by: Instant,
    /// Events that were read and not yet handed out.
    events: VecDeque<ModelEvent>,
}

/// What is to be done next.
enum Step {
    Wait(Duration),
    Send,
    Read(Response),
    /// What was read before it failed has been handed out.
    Failed(ModelError),
    Over,
}

impl Exchange {
    pub(super) fn new(shared: Arc<Shared>, body: Cleared, key: SecretString, freshness: Freshness) -> Self {
        Self {
            shared,
            body,
            key,
            freshness,
            step: Step::Send,
            attempt: 1,
            frames: Frames::default(),
            answer: Answer::default(),
            received: 0,
            heard: false,
            first_by: Instant::now(),
            events: VecDeque::new(),
        }
    }

    pub(super) fn into_stream(self) -> ModelStream {
        Box::pin(stream::unfold(self, |mut exchange| async move {
            let next = exchange.next().await.transpose()?;
            Some((next, exchange))
        }))
    }

    /// The next event; `None` behind the last one.
    async fn next(&mut self) -> Result<Option<ModelEvent>, ModelError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let result = match std::mem::replace(&mut self.step, Step::Over) {
                Step::Over => return Ok(None),
                Step::Failed(error) => return Err(error),
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    self.step = Step::Send;
                    Ok(())
                }
                Step::Send => self.send().await,
                Step::Read(response) => self.read(response).await,
            };
            if let Err(failure) = result {
                self.fail(failure).await?;
            }
        }
    }

    async fn send(&mut self) -> Result<(), Failure> {
        self.first_by = Instant::now() + self.shared.settings.patience.first;
        self.frames = Frames::default();
        let sent = self.shared.send(self.body.body().to_vec(), &self.key);
        let response = self.watch(sent).await??;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response).await?);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("json");
        if !kind.contains("event-stream") && !kind.contains("json") {
            return Err(Failure::garbled(format!("what answered is not Gemini: it sent {kind}")));
        }
        self.step = Step::Read(response);
        Ok(())
    }

    /// Reads an answer that is an error.
    async fn refusal(&self, mut response: Response) -> Result<Failure, Failure> {
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        // Whatever can be read of the body says more than nothing.
        while let Ok(Some(chunk)) = self.watch(response.chunk()).await? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ERROR {
                break;
            }
        }
        Ok(error::of_response(status, &body, after.as_deref()))
    }

    /// Reads the next piece of the answer.
    async fn read(&mut self, mut response: Response) -> Result<(), Failure> {
        let chunk = self.watch(response.chunk()).await?.map_err(|error| self.shared.failure(&error))?;
        let Some(chunk) = chunk else { return self.end() };
        self.received += chunk.len();
        if self.received > LONGEST_ANSWER {
            let what = format!("the answer is longer than {} MiB and was cut off", LONGEST_ANSWER >> 20);
            let remedy = "Ask for less at once";
            return Err(Failure::new(ModelErrorKind::Garbled, Retry::Never, what, remedy));
        }
        let (frames, answer) = (&mut self.frames, &mut self.answer);
        let mut events = Vec::new();
        let flow = frames.push(&chunk, |value| into_flow(answer.take(value, &mut events)));
        self.hand_out(events);
        finished(flow)?;
        self.step = Step::Read(response);
        Ok(())
    }

    /// The stream ended.
    fn end(&mut self) -> Result<(), Failure> {
        let (frames, answer) = (&mut self.frames, &mut self.answer);
        let mut events = Vec::new();
        let flow = frames.finish(|value| into_flow(answer.take(value, &mut events)));
        self.hand_out(events);
        finished(flow).map_err(torn)?;
        match self.answer.end()? {
            Ending::Done(reason) => self.done(reason),
            Ending::Continue { token } => match self.body.continue_with(TOKEN_MEMBER, &token) {
                Ok(()) => {
                    self.answer.begin_call();
                    (self.attempt, self.heard, self.step) = (1, false, Step::Send);
                }
                // The answer so far is good; only the rest is missing.
                Err(why) => self.done(FinishReason::Other(why.to_string())),
            },
        }
        Ok(())
    }

    fn done(&mut self, reason: FinishReason) {
        self.shared.ended(Ok(()));
        self.events.push_back(ModelEvent::Done { reason, model: self.answer.model().to_owned() });
    }

    fn hand_out(&mut self, events: Vec<ModelEvent>) {
        self.heard |= !events.is_empty();
        self.events.extend(events);
    }

    /// Waits for `future`, but no longer than silence is borne.
    async fn watch<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        let patience = self.shared.settings.patience;
        let (until, borne) =
            if self.heard { (Instant::now() + patience.idle, patience.idle) } else { (self.first_by, patience.first) };
        tokio::time::timeout_at(until, future).await.map_err(|_| {
            let what = format!("Gemini said nothing for {} s", borne.as_secs_f32());
            Failure::new(
                ModelErrorKind::Unreachable,
                Retry::Never,
                what,
                "Ask again; if it stays so, check the network",
            )
        })
    }

    /// Decides what follows from a failure: another attempt, or the end.
    async fn fail(&mut self, failure: Failure) -> Result<(), ModelError> {
        let Failure { mut error, retry } = failure;
        error.what = without_key(&error.what, &self.key);
        let is_of_key = matches!(error.kind, ModelErrorKind::Key | ModelErrorKind::Permission);
        if is_of_key {
            self.shared.refuse_key(&self.key, &error);
        }
        self.shared.asked_to_wait(&error, retry);
        if !self.heard {
            if is_of_key && self.freshness == Freshness::Kept {
                // It may have been replaced or have expired since it was fetched.
                let refused = digest(&self.key);
                (self.key, self.freshness) = self.shared.key.get().await?;
                if digest(&self.key) != refused {
                    self.step = Step::Send;
                    return Ok(());
                }
                self.shared.key.forget();
            }
            if let Some(after) = self.shared.settings.retries.wait(self.attempt, retry, (self.shared.chance)()) {
                self.attempt += 1;
                self.answer.begin_call();
                self.step = Step::Wait(after);
                self.events.push_back(ModelEvent::Retrying { after, why: error.what, kind: error.kind });
                return Ok(());
            }
        }
        self.shared.ended(Err(&error));
        self.step = Step::Failed(error);
        Ok(())
    }
}

/// What cannot be read at the very end is a part of something: the rest of it never came.
fn torn(failure: Failure) -> Failure {
    match failure.error.kind {
        ModelErrorKind::Garbled => Failure::broken_off("the answer broke off in the middle of an event"),
        _ => failure,
    }
}

fn into_flow(result: Result<(), Failure>) -> ControlFlow<Failure> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => ControlFlow::Break(failure),
    }
}

fn finished(flow: Result<ControlFlow<Failure>, FrameError>) -> Result<(), Failure> {
    match flow {
        Ok(ControlFlow::Continue(())) => Ok(()),
        Ok(ControlFlow::Break(failure)) => Err(failure),
        Err(error) => Err(Failure::garbled(error.to_string())),
    }
}

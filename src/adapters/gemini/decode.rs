//! JSON values of an answer as events of the port.
//!
//! Owns: what the fields mean, and when an answer is whole. Does not: cut bytes into values, or ask again.
//!
//! Invariants: usage is cumulative within a call, so the last one counts and is never added to those before it; calls are
//! added up. The last reason to finish counts, and text behind it still belongs to the answer: a recorded answer says STOP
//! in its first value and goes on. A reason that nobody knows is kept as a word. Without a reason there is no answer.

use serde_json::Value;

use super::error::{self, Failure};
use super::retry::Retry;
use super::wire::{Candidate, Chunk, UsageMetadata};
use crate::domain::chat::{FinishReason, Usage};
use crate::engine::ports::{ModelErrorKind, ModelEvent};

/// Foreign words of an answer (a model's name, a reason) are kept to so many characters.
const LONGEST_WORD: usize = 80;

/// The reason that asks for the same body again with a token.
const CONTINUATION: &str = "CONTINUATION";

/// The reason when a model calls a function although it was offered none.
const CALLED: &str = "UNEXPECTED_TOOL_CALL";

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer is over.
    Done(FinishReason),
    /// The same body with this token gives the rest.
    Continue {
        /// The token. Foreign text.
        token: String,
    },
}

/// An answer while it comes, over all the calls that it takes.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Of the calls that are over.
    spent: Usage,
    /// Of this call so far.
    usage: Usage,
    model: String,
    finish: Option<String>,
    token: Option<String>,
    /// Why the prompt was blocked.
    blocked: Option<String>,
    /// Whether a candidate came at all.
    answered: bool,
    /// Whether the model called a function.
    called: bool,
}

impl Answer {
    /// Forgets what this call said, before it is made again.
    pub fn begin_call(&mut self) {
        let spent = self.total();
        *self = Self { spent, model: std::mem::take(&mut self.model), ..Self::default() };
    }

    /// Reads one value and puts what it says at the end of `events`.
    ///
    /// # Errors
    /// When it is an error of the provider, or cannot be read.
    pub fn take(&mut self, value: &[u8], events: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        let chunk = read(value)?;
        if let Some(error) = &chunk.error {
            return Err(error::of_value(error));
        }
        if let Some(version) = chunk.model_version {
            self.model = word(&version);
        }
        if let Some(reason) = chunk.prompt_feedback.and_then(|feedback| feedback.block_reason) {
            self.blocked = Some(word(&reason));
        }
        // Only one candidate is ever asked for.
        for candidate in chunk.candidates.into_iter().flatten().filter(|one| one.index.unwrap_or(0) == 0) {
            self.candidate(candidate, events);
        }
        if let Some(usage) = chunk.usage_metadata {
            let before = self.total();
            self.usage = read_usage(&usage);
            if self.total() != before {
                events.push(ModelEvent::Usage(self.total()));
            }
        }
        Ok(())
    }

    fn candidate(&mut self, candidate: Candidate, events: &mut Vec<ModelEvent>) {
        self.answered = true;
        for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            self.called |= part.function_call.is_some();
            // Text with a signature is text: only the flag makes it a thought.
            match (part.text, part.thought) {
                (Some(text), _) if text.is_empty() => {}
                (Some(text), Some(true)) => events.push(ModelEvent::Thought(text)),
                (Some(text), _) => events.push(ModelEvent::Text(text)),
                (None, _) => {}
            }
        }
        if let Some(reason) = candidate.finish_reason {
            self.finish = Some(word(&reason));
        }
        if candidate.continuation_token.is_some() {
            self.token = candidate.continuation_token;
        }
    }

    /// How the call ended, at the end of its stream.
    ///
    /// # Errors
    /// When the prompt was blocked, or nothing says why the answer ended.
    pub fn end(&self) -> Result<Ending, Failure> {
        if let (Some(reason), false) = (&self.blocked, self.answered) {
            let what = format!("Gemini blocked the question: {reason}");
            let remedy = "Ask in other words, or leave out the context that may have caused it";
            return Err(Failure::new(ModelErrorKind::Blocked, Retry::Never, what, remedy));
        }
        match (self.finish.as_deref(), &self.token) {
            (None, _) if self.answered => Err(Failure::broken_off("the answer broke off: it ended without saying why")),
            (None, _) => Err(Failure::garbled("what came is not what Gemini sends: there is no answer in it")),
            (Some(CONTINUATION), Some(token)) => Ok(Ending::Continue { token: token.clone() }),
            (Some("STOP"), _) if self.called => Ok(Ending::Done(FinishReason::Malformed(CALLED.to_owned()))),
            (Some(reason), _) => Ok(Ending::Done(finish_reason(reason))),
        }
    }

    /// Which model answers, as it says itself.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Tokens of all calls so far.
    fn total(&self) -> Usage {
        let (a, b) = (self.spent, self.usage);
        Usage {
            prompt: a.prompt.saturating_add(b.prompt),
            cached: a.cached.saturating_add(b.cached),
            output: a.output.saturating_add(b.output),
            thoughts: a.thoughts.saturating_add(b.thoughts),
        }
    }
}

/// One value: an object, or a list with an error in it.
fn read(value: &[u8]) -> Result<Chunk, Failure> {
    let unreadable =
        |why: &dyn std::fmt::Display| Failure::garbled(format!("the answer is not what Gemini sends: {why}"));
    // A list would be read as the fields of an object in their order.
    if value.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        let other: Value = serde_json::from_slice(value).map_err(|error| unreadable(&error))?;
        let failure = error::error_in(&other).map(error::of_value);
        return Err(failure.unwrap_or_else(|| unreadable(&"an event is no object")));
    }
    serde_json::from_slice(value).map_err(|error| unreadable(&error))
}

fn read_usage(said: &UsageMetadata) -> Usage {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let prompt = count(said.prompt_token_count).saturating_add(count(said.tool_use_prompt_token_count));
    let thoughts = count(said.thoughts_token_count);
    // What the total has and no other count names was produced, and is paid for.
    let rest = count(said.total_token_count).saturating_sub(prompt).saturating_sub(thoughts);
    Usage {
        prompt,
        cached: count(said.cached_content_token_count),
        output: count(said.candidates_token_count).max(rest),
        thoughts,
    }
}

fn finish_reason(word: &str) -> FinishReason {
    let own = || word.to_owned();
    match word {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
            FinishReason::Withheld(own())
        }
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | CALLED
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE" => FinishReason::Malformed(own()),
        _ => FinishReason::Other(own()),
    }
}

fn word(text: &str) -> String {
    text.chars().take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(text: &str) -> ModelEvent {
        ModelEvent::Text(text.to_owned())
    }

    fn taken(values: &[&str]) -> (Answer, Vec<ModelEvent>) {
        let (mut answer, mut events) = (Answer::default(), Vec::new());
        for value in values {
            answer.take(value.as_bytes(), &mut events).unwrap();
        }
        (answer, events)
    }

    #[test]
    fn text_behind_the_reason_belongs_to_the_answer_and_thoughts_are_not_text() {
        let (answer, events) = taken(&[
            r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}],"modelVersion":"gemini-3.8-flash","new":1}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""},{"text":"b","thought":false}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"other"}]}}]}"#,
            r#"{"candidates":null,"usageMetadata":null,"promptFeedback":null,"error":null}"#,
        ]);
        assert_eq!(events, [ModelEvent::Thought("hm".to_owned()), text("a"), text("b")]);
        assert_eq!(answer.end(), Ok(Ending::Done(FinishReason::Stop)));
        assert_eq!(answer.model(), "gemini-3.8-flash");
    }

    #[test]
    fn usage_is_replaced_within_a_call_and_added_over_calls() {
        let used = |prompt, cached, output, thoughts| ModelEvent::Usage(Usage { prompt, cached, output, thoughts });
        let first = r#"{"usageMetadata":{"promptTokenCount":7,"cachedContentTokenCount":3,"candidatesTokenCount":5,"thoughtsTokenCount":4,"totalTokenCount":16}}"#;
        let last = r#"{"usageMetadata":{"promptTokenCount":7,"cachedContentTokenCount":3,"candidatesTokenCount":9,"thoughtsTokenCount":4,"totalTokenCount":20}}"#;
        let (mut answer, mut events) = taken(&[first, first, last]);
        assert_eq!(events, [used(7, 3, 5, 4), used(7, 3, 9, 4)]);
        answer.begin_call();
        events.clear();
        answer.take(first.as_bytes(), &mut events).unwrap();
        assert_eq!(events, [used(14, 6, 14, 8)]);
    }

    #[test]
    fn tokens_that_only_the_total_names_count_as_output() {
        let (_, events) = taken(&[
            r#"{"usageMetadata":{"promptTokenCount":7,"toolUsePromptTokenCount":2,"thoughtsTokenCount":4,"totalTokenCount":20}}"#,
        ]);
        assert_eq!(events, [ModelEvent::Usage(Usage { prompt: 9, cached: 0, output: 7, thoughts: 4 })]);
    }

    #[rstest]
    #[case("STOP", FinishReason::Stop)]
    #[case("MAX_TOKENS", FinishReason::Length)]
    #[case("SAFETY", FinishReason::Withheld("SAFETY".to_owned()))]
    #[case("RECITATION", FinishReason::Withheld("RECITATION".to_owned()))]
    #[case("BLOCKLIST", FinishReason::Withheld("BLOCKLIST".to_owned()))]
    #[case("PROHIBITED_CONTENT", FinishReason::Withheld("PROHIBITED_CONTENT".to_owned()))]
    #[case("SPII", FinishReason::Withheld("SPII".to_owned()))]
    #[case("MALFORMED_FUNCTION_CALL", FinishReason::Malformed("MALFORMED_FUNCTION_CALL".to_owned()))]
    #[case("MALFORMED_RESPONSE", FinishReason::Malformed("MALFORMED_RESPONSE".to_owned()))]
    #[case("UNEXPECTED_TOOL_CALL", FinishReason::Malformed("UNEXPECTED_TOOL_CALL".to_owned()))]
    #[case("TOO_MANY_TOOL_CALLS", FinishReason::Malformed("TOO_MANY_TOOL_CALLS".to_owned()))]
    #[case("MISSING_THOUGHT_SIGNATURE", FinishReason::Malformed("MISSING_THOUGHT_SIGNATURE".to_owned()))]
    #[case("ESCALATION", FinishReason::Other("ESCALATION".to_owned()))]
    #[case("OTHER", FinishReason::Other("OTHER".to_owned()))]
    #[case("CONTINUATION", FinishReason::Other("CONTINUATION".to_owned()))]
    #[case("SOMETHING_NEW", FinishReason::Other("SOMETHING_NEW".to_owned()))]
    fn every_reason_is_kept(#[case] word: &str, #[case] reason: FinishReason) {
        let (answer, _) = taken(&[&format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#)]);
        assert_eq!(answer.end(), Ok(Ending::Done(reason)));
    }

    #[test]
    fn a_call_that_nobody_offered_is_no_success() {
        let (answer, events) = taken(&[
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"rm","args":{}}}]},"finishReason":"STOP"}]}"#,
        ]);
        assert_eq!(events, []);
        assert_eq!(answer.end(), Ok(Ending::Done(FinishReason::Malformed(CALLED.to_owned()))));
    }

    #[test]
    fn a_token_asks_for_the_rest() {
        let (mut answer, _) =
            taken(&[r#"{"candidates":[{"finishReason":"CONTINUATION","continuationToken":"dG9r"}]}"#]);
        assert_eq!(answer.end(), Ok(Ending::Continue { token: "dG9r".to_owned() }));
        answer.begin_call();
        assert_eq!(answer.end().unwrap_err().error.kind, ModelErrorKind::Garbled, "the rest has to say why it ends");
    }

    #[test]
    fn blocked_cut_off_and_erroneous_answers_are_errors() {
        let (answer, _) = taken(&[r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#]);
        let failure = answer.end().unwrap_err();
        assert_eq!(failure.error.kind, ModelErrorKind::Blocked);
        assert!(failure.error.what.contains("PROHIBITED_CONTENT"));

        let (answer, _) = taken(&[r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#]);
        assert_eq!(answer.end().unwrap_err().error.kind, ModelErrorKind::Garbled);
        assert_eq!(Answer::default().end().unwrap_err().error.kind, ModelErrorKind::Garbled);

        let error = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
        for value in [error.to_owned(), format!("[{error}]")] {
            let failure = Answer::default().take(value.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!((failure.error.kind, failure.retry), (ModelErrorKind::Unserved, Retry::Soon));
        }
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("[DONE]")]
    #[case("7")]
    #[case("{\"candidates\":7}")]
    #[case("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a")]
    fn garbage_is_an_error(#[case] value: &str) {
        let failure = Answer::default().take(value.as_bytes(), &mut Vec::new()).unwrap_err();
        assert_eq!((failure.error.kind, failure.retry), (ModelErrorKind::Garbled, Retry::Never));
        let broken = Answer::default().take(b"{\"candidates\":[{\"finishReason\":\"\xff\"}]}", &mut Vec::new());
        assert_eq!(broken.unwrap_err().error.kind, ModelErrorKind::Garbled);
    }
}

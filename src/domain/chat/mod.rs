//! Conversations with the assistant: who said what about which incident, and what it cost.
//!
//! Owns: messages, requests to a model in no provider's words, usage, reasons to finish. Does not: know a wire format
//! (adapters do), decide what may leave this machine (`redact` and the engine's choke point do).

pub mod blocks;
pub mod budget;
pub mod citation;
mod claim;
pub mod prices;
pub mod statements;
pub mod thoughts;

use serde::{Deserialize, Serialize};

use crate::domain::id::{IncidentId, MessageId, SopId};
use crate::domain::time::Timestamp;
use statements::SourceCheck;

/// What a conversation is about; each has a history of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversation {
    /// Nothing in particular: SOPs, and how to use the console.
    #[default]
    General,
    /// One incident.
    Incident(IncidentId),
}

impl Conversation {
    /// The incident that it is about.
    #[must_use]
    pub const fn incident(self) -> Option<IncidentId> {
        match self {
            Self::General => None,
            Self::Incident(id) => Some(id),
        }
    }
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "author", rename_all = "snake_case")]
pub enum Author {
    /// The person, by login name.
    Person {
        /// Login name.
        name: String,
    },
    /// A model. Its text is foreign.
    Model {
        /// Name of the model, as the answer gave it.
        name: String,
    },
    /// The program itself, from SOPs and history, because no model could be asked.
    Fallback {
        /// Why no model answered, as a sentence.
        why: String,
    },
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MessageState {
    /// It is whole.
    Complete,
    /// It was broken off; what had come is kept.
    Cut {
        /// Why, as a clause: `you stopped it`, `the model reached its limit of output tokens`.
        reason: String,
    },
    /// There is no usable text.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

/// One message of a conversation, as stored. Pseudonyms are restored already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Its number.
    pub id: MessageId,
    /// Where it belongs.
    pub conversation: Conversation,
    /// When it was finished.
    pub at: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// Markdown. Foreign text unless a person wrote it.
    pub text: String,
    /// How it ended.
    pub state: MessageState,
    /// What it cost in tokens; nothing for people and the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// SOPs that the context held, so that the answer's `[sop:…]` can be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SopId>,
    /// A summary of the model's thinking, at most [`thoughts::LONGEST`] and a mark. Foreign text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thoughts: String,
    /// Which statements name a source; `None` where nobody looked, as in what a person or the program wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_check: Option<SourceCheck>,
}

impl ChatMessage {
    /// A message that is not stored yet.
    #[must_use]
    pub const fn draft(conversation: Conversation, author: Author, text: String, state: MessageState) -> MessageDraft {
        MessageDraft {
            conversation,
            author,
            text,
            state,
            usage: None,
            sources: Vec::new(),
            thoughts: String::new(),
            source_check: None,
        }
    }
}

/// A message before the store gives it number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageDraft {
    /// Where it belongs.
    pub conversation: Conversation,
    /// Who wrote it.
    pub author: Author,
    /// Markdown.
    pub text: String,
    /// How it ended.
    pub state: MessageState,
    /// What it cost in tokens.
    pub usage: Option<Usage>,
    /// SOPs that the context held.
    pub sources: Vec<SopId>,
    /// A summary of the model's thinking.
    pub thoughts: String,
    /// Which statements name a source.
    pub source_check: Option<SourceCheck>,
}

/// Tokens of one call. `total = prompt + output + thoughts`; `prompt` includes `cached`; thoughts are billed as output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request, tool results included.
    pub prompt: u64,
    /// Those of them that were cached.
    pub cached: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens of thinking.
    pub thoughts: u64,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It had said everything.
    Stop,
    /// It reached its limit of output tokens.
    Length,
    /// The provider withheld the rest; its own word for why.
    Withheld(String),
    /// Its output was malformed; the provider's own word.
    Malformed(String),
    /// Something that this program does not know; the provider's own word.
    Other(String),
}

/// How long a model may think before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Hardly.
    #[default]
    Low,
    /// Some.
    Medium,
    /// Long.
    High,
}

/// Whose turn it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, with the context that the program put before the question.
    User,
    /// The model.
    Model,
}

/// One turn of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose.
    pub role: Role,
    /// What was said. Never empty.
    pub text: String,
}

/// A request in no provider's words.
///
/// Invariant: `turns` begins and ends with a [`Role::User`] turn and the roles alternate; [`ModelRequest::new`] sees to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRequest {
    /// What the model is to be, and the rules for its answers.
    pub system: String,
    turns: Vec<Turn>,
    /// The answer, thinking included, may have so many tokens.
    pub max_output_tokens: u32,
    /// How long it may think.
    pub thinking: Thinking,
    /// The JSON Schema that the answer has to have; `None` for text.
    pub schema: Option<serde_json::Value>,
}

impl ModelRequest {
    /// A request over `turns`: empty ones are left out, neighbours of one role are joined, and what a model said last or first
    /// is dropped, since no provider accepts it there. `None` when no question is left.
    #[must_use]
    pub fn new(system: String, turns: Vec<Turn>, max_output_tokens: u32, thinking: Thinking) -> Option<Self> {
        let mut kept: Vec<Turn> = Vec::with_capacity(turns.len());
        for turn in turns.into_iter().filter(|turn| !turn.text.trim().is_empty()) {
            match kept.last_mut() {
                Some(last) if last.role == turn.role => {
                    last.text.push_str("\n\n");
                    last.text.push_str(&turn.text);
                }
                _ => kept.push(turn),
            }
        }
        while kept.last().is_some_and(|turn| turn.role == Role::Model) {
            kept.pop();
        }
        if kept.first().is_some_and(|turn| turn.role == Role::Model) {
            kept.remove(0);
        }
        (!kept.is_empty()).then_some(Self { system, turns: kept, max_output_tokens, thinking, schema: None })
    }

    /// The same, to be answered by one JSON value of this schema.
    #[must_use]
    pub fn answered_as(self, schema: Option<serde_json::Value>) -> Self {
        Self { schema, ..self }
    }

    /// The turns, in order.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, text: &str) -> Turn {
        Turn { role, text: text.to_owned() }
    }

    #[test]
    fn a_request_alternates_and_ends_with_a_question() {
        use Role::{Model, User};
        let turns = vec![
            turn(Model, "left over"),
            turn(User, "one"),
            turn(User, "two"),
            turn(Model, " "),
            turn(Model, "answer"),
            turn(User, "three"),
            turn(Model, "unasked"),
        ];
        let request = ModelRequest::new("s".to_owned(), turns, 100, Thinking::Low).unwrap();
        assert_eq!(request.turns(), [turn(User, "one\n\ntwo"), turn(Model, "answer"), turn(User, "three")]);
    }

    #[test]
    fn without_a_question_there_is_no_request() {
        let turns = vec![turn(Role::Model, "hello"), turn(Role::User, "\n")];
        assert_eq!(ModelRequest::new(String::new(), turns, 100, Thinking::Low), None);
    }
}

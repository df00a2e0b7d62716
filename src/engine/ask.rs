//! Questions to the assistant, between screens and engine: first prepared, then, once it may leave, answered.
//!
//! Owns: the vocabulary. Does not: answer (see `assistant`), clear bodies (see `outbound`).

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::alert::AlertKey;
use crate::domain::chat::{ChatMessage, Conversation};
use crate::domain::id::{NodeId, SopId};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Where it belongs. For an incident, the incident goes into the context.
    pub conversation: Conversation,
    /// What the person typed; never empty.
    pub question: String,
    /// The SOP on the screen, which goes into the context.
    pub sop: Option<SopId>,
    /// The node under its cursor.
    pub node: Option<NodeId>,
    /// The alert on the screen, if the incident has several; `None` for its newest.
    pub alert: Option<AlertKey>,
}

/// Number of a prepared question in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PreparedId(pub u64);

/// A question that is ready to be answered. Nothing has left this machine, and nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// To answer it with.
    pub id: PreparedId,
    /// Who would answer.
    pub route: Route,
}

/// Who answers a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A model gets exactly these bytes.
    Model(Box<Preview>),
    /// The program itself, from SOPs and history.
    Local {
        /// Why no model can be asked, as a sentence with what to do about it.
        why: String,
    },
}

/// What would leave this machine, and what it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Name of the model.
    pub model: String,
    /// Where the bytes go; no key in it.
    pub destination: String,
    /// The bytes, exactly as they would be sent. Every secret and name in them is replaced already.
    pub body: Arc<[u8]>,
    /// How many values were replaced, by kind (`aws access key`, `host name`).
    pub replaced: BTreeMap<String, usize>,
    /// Upper bound of the tokens of the request.
    pub prompt_tokens: u64,
    /// Upper bound of the cost with all calls that the answer may need, in millionths of a US dollar: this much is reserved.
    pub cost_micro_usd: u64,
    /// What may still be spent today, before this question.
    pub left_today_micro_usd: u64,
    /// No message has left this installation before: the person has to see this one first.
    pub first_ever: bool,
}

/// A piece of an answer on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// The model could not answer yet and is asked again in so many seconds.
    Retrying {
        /// Seconds.
        seconds: u64,
        /// Why, as a clause.
        why: String,
    },
    /// A piece of a summary of the model's thinking. Foreign text.
    Thought(String),
    /// A piece of the answer, pseudonyms restored. Foreign text.
    Text(String),
    /// The model's answer broke off: what had come of it is stored as this message. [`Self::Fallback`] follows.
    Broken(Box<ChatMessage>),
    /// The model failed: what has come so far and was not stored does not count; the program answers itself from here on.
    Fallback {
        /// Why, as a sentence with what to do about it.
        why: String,
    },
    /// The answer is over and stored; nothing follows.
    Done(Box<ChatMessage>),
    /// The answer is over and could not be stored; nothing follows.
    Lost {
        /// Why, and what to do.
        why: String,
    },
}

/// An answer on its way. Dropping it stops the model; what had come is kept.
pub type Answer = mpsc::Receiver<AnswerEvent>;

/// Which part of a conversation to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatQuery {
    /// Which conversation.
    pub conversation: Conversation,
    /// At most this many messages, the newest.
    pub limit: usize,
}

/// A conversation as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatHistory {
    /// Which conversation.
    pub conversation: Conversation,
    /// Messages, oldest first.
    pub messages: Vec<ChatMessage>,
    /// How many older ones there are.
    pub earlier: usize,
}

/// Whether a model can be asked, for the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelStatus {
    /// None is configured.
    #[default]
    None,
    /// It can be asked, as far as is known.
    Ready {
        /// Name of the model.
        model: String,
        /// Spent today, in millionths of a US dollar.
        spent_today_micro_usd: u64,
    },
    /// It cannot be asked at present.
    Offline {
        /// Name of the model.
        model: String,
        /// Why, as a sentence with what to do about it.
        why: String,
    },
}

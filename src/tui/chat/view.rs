//! The state of the chat pane: which conversation, drafts, the question that is being answered, scroll and cursor.
//!
//! Owns: the types, and where the parts of the pane stand. Does not: change them (see `update`).

use std::collections::HashMap;
use std::time::Duration;

use ratatui::layout::Rect;

use super::colours::Colours;
use super::draft::Draft;
use super::find::Found;
use super::transcript::{Key, Transcript};
use crate::domain::chat::{ChatMessage, Conversation};
use crate::domain::id::{MessageId, RunId};
use crate::domain::text::Repertoire;
use crate::domain::time::Timestamp;
use crate::engine::ask::{PreparedId, Preview};
use crate::tui::line_edit::LineEdit;
use crate::tui::sought::Sought;

/// The chat on the screen.
#[derive(Debug, Default)]
pub struct ChatView {
    /// Which conversation is shown.
    pub conversation: Conversation,
    /// Whether keys go into the question.
    pub mode: Mode,
    /// What was typed and not sent, by conversation.
    pub drafts: HashMap<Conversation, Draft>,
    /// The last question of this console, with its answer as far as it has come.
    pub turn: Option<Turn>,
    /// The lines of the conversation.
    pub transcript: Transcript,
    /// First visible line.
    pub top: usize,
    /// Whether the end is kept on the screen.
    pub follow: Follow,
    /// The block or citation under the cursor.
    pub cursor: Option<Spot>,
    /// Whether thoughts are shown in full.
    pub thoughts: Thoughts,
    /// Colours of code.
    pub colours: Colours,
    /// Text being looked for, spelled.
    pub find: String,
    /// Where it was found last.
    pub found: Option<Found>,
    /// Which of the lines that match that is, as long as matches are shown.
    pub sought: Option<Sought>,
    /// The text being typed.
    pub editing: Option<LineEdit>,
    /// Questions asked so far.
    pub asked: u64,
}

/// What keys do in the chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They move through the conversation.
    #[default]
    Reading,
    /// They type a question.
    Typing,
}

/// Whether the end of a conversation is kept on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// Yes.
    #[default]
    End,
    /// No: somebody reads further up.
    Not {
        /// How many lines there were when the end was left.
        seen: usize,
    },
}

/// Whether thoughts are shown in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thoughts {
    /// As one line.
    #[default]
    Folded,
    /// In full.
    Unfolded,
}

/// A place in a conversation that something can be done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// In which entry.
    pub key: Key,
    /// What is there.
    pub what: What,
}

/// What a [`Spot`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The code block with this number in its message.
    Block(usize),
    /// The citation with this number in its message.
    Citation(usize),
}

/// Whether the person wants to see what would be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Only when the program insists.
    No,
    /// Yes.
    First,
}

/// How a question was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was typed.
    Typed,
    /// By a key, for suggestions for this run.
    ForRun(RunId),
}

/// A question and its answer, until another one is asked.
#[derive(Debug)]
pub struct Turn {
    /// Its number; answers carry it.
    pub number: u64,
    /// Where it belongs.
    pub conversation: Conversation,
    /// What was asked.
    pub question: String,
    /// Who asked it in which way.
    pub asked: Asked,
    /// When.
    pub at: Timestamp,
    /// The last message that was stored before it.
    pub after: Option<MessageId>,
    /// Whether the person wants to see what would be sent.
    pub look: Look,
    /// How far it is.
    pub phase: Phase,
    /// Name of the model that is asked; `None` when none is.
    pub model: Option<String>,
    /// Why no model answers.
    pub fallback: Option<String>,
    /// The answer so far. Foreign text.
    pub text: String,
    /// A summary of the model's thinking so far. Foreign text.
    pub thoughts: String,
    /// What had come of the model's answer before it broke off and the fallback took over, as it was stored.
    pub broken: Option<ChatMessage>,
    /// The answer as it was stored.
    pub finished: Option<ChatMessage>,
}

/// How far a question is.
#[derive(Debug)]
pub enum Phase {
    /// What would leave this machine is being built.
    Preparing,
    /// The person looks at what would leave this machine.
    Looking(Option<(PreparedId, Box<Preview>)>),
    /// Nothing has come yet.
    Asking,
    /// The model could not answer and is asked again.
    Retrying {
        /// When, on the monotonic clock.
        at: Duration,
        /// Why, as a clause. May quote the provider.
        why: String,
    },
    /// The model thinks.
    Thinking,
    /// The answer is coming.
    Answering,
    /// The person stopped it; what had come is being stored.
    Stopped,
    /// It is over; why it is not stored, if it is not.
    Over(Option<String>),
}

impl Phase {
    /// Whether another question has to wait.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self, Self::Stopped | Self::Over(_))
    }

    /// Whether the question was sent on its way, to a model or to the program itself.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        !matches!(self, Self::Preparing | Self::Looking(_))
    }
}

/// Where the parts of the pane stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The conversation; one column at the left is for the cursor.
    pub lines: Rect,
    /// The line between the two.
    pub rule: Rect,
    /// The question that is being typed.
    pub input: Rect,
}

/// Columns before the text of the conversation.
pub const GUTTER: u16 = 1;
/// Columns before the question that is being typed: a sign and a space.
pub const PROMPT: u16 = 2;
/// Rows of the question at most.
const INPUT_ROWS: u16 = 8;

impl ChatView {
    /// The draft of the conversation that is shown.
    #[must_use]
    pub fn draft(&self) -> Option<&Draft> {
        self.drafts.get(&self.conversation)
    }

    /// The same, to type into.
    pub fn draft_mut(&mut self) -> &mut Draft {
        self.drafts.entry(self.conversation).or_default()
    }

    /// The question that is being answered, if it belongs to the conversation that is shown.
    #[must_use]
    pub fn turn_here(&self) -> Option<&Turn> {
        self.turn.as_ref().filter(|turn| turn.conversation == self.conversation)
    }

    /// Cuts the body of the pane into its parts.
    #[must_use]
    pub fn places(&self, body: Rect, repertoire: Repertoire) -> Places {
        let most = (body.height / 3).clamp(1, INPUT_ROWS);
        let wanted = self.draft().map_or(1, |draft| {
            let columns = usize::from(body.width.saturating_sub(PROMPT));
            draft.view(columns, usize::from(most), repertoire).lines.len()
        });
        let rows = u16::try_from(wanted).unwrap_or(most).clamp(1, most).min(body.height);
        let input = Rect { y: body.bottom() - rows, height: rows, ..body };
        let rule = Rect { y: input.y.saturating_sub(1).max(body.y), height: 1.min(body.height - rows), ..body };
        let lines = Rect { height: rule.y - body.y, ..body };
        Places { lines, rule, input }
    }
}

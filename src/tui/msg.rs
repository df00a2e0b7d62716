//! What the console hears and what it asks for, as closed enums of data.
//!
//! Owns: [`Msg`] and [`Effect`]. Every answer carries the generation of its question, so that stale ones are dropped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::domain::id::{ProposalId, RunId, SopId};
use crate::domain::time::Timestamp;
use crate::engine::ask::{AnswerEvent, Ask, Prepared, PreparedId};
use crate::engine::backend::{BackendError, Command, Done, Snapshot, SnapshotQuery, SopDocument};
use crate::engine::ports::PersonalFileError;
use crate::engine::search::{SearchAnswer, SearchQuery};
use crate::tui::chat::colours::{ColourJob, Colouring};
use crate::tui::splits::Splits;
use crate::tui::ui::Mouse;
use crate::tui::workbench::{Found, Subject};

/// Something that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has a new size: columns, rows.
    Resized(u16, u16),
    /// The store has changed.
    Changed,
    /// The answer to [`Effect::Load`].
    Loaded {
        /// Number of the question.
        generation: u64,
        /// The answer.
        result: Result<Box<Loaded>, BackendError>,
    },
    /// A document that took too long to come with the answer to [`Effect::Load`] of this number.
    SopOpened {
        /// Number of the question.
        generation: u64,
        /// The document, or why there is one that cannot be shown.
        result: Result<Arc<SopDocument>, BackendError>,
    },
    /// The answer to [`Effect::Send`].
    Answered {
        /// What was asked for.
        asked: Asked,
        /// What came of it.
        result: Result<Done, BackendError>,
    },
    /// The answer to [`Effect::ListSops`].
    Sops(Result<Vec<(SopId, String)>, BackendError>),
    /// The answer to [`Effect::Search`].
    Found {
        /// Number of the question.
        generation: u64,
        /// The answer.
        result: Result<SearchAnswer, BackendError>,
    },
    /// A timer that [`Effect::Wake`] set has run out.
    Woken(Timer),
    /// The frame drawn last has been written to the terminal.
    Painted,
    /// Something to tell the person that has no other place, such as a bad theme file.
    Notice(String),
    /// About a question to the assistant.
    Chat(ChatMsg),
    /// What became of [`Effect::Copy`].
    Copied(Copied),
    /// The answer to [`Effect::Workbench`].
    Workbench {
        /// Number of the question.
        number: u64,
        /// The answer.
        result: Result<Found, BackendError>,
    },
}

/// What is heard about questions to the assistant. Each carries the number of its question.
#[derive(Debug)]
pub enum ChatMsg {
    /// The answer to [`ChatEffect::Prepare`].
    Prepared {
        /// Number of the question.
        number: u64,
        /// What would leave this machine, or why the question cannot be asked.
        result: Result<Prepared, BackendError>,
    },
    /// Pieces of an answer, in order.
    Came {
        /// Number of the question.
        number: u64,
        /// The pieces.
        events: Vec<AnswerEvent>,
    },
    /// The question was not answered.
    Failed {
        /// Number of the question.
        number: u64,
        /// Why, and what to do.
        error: BackendError,
    },
    /// Nothing more comes of an answer.
    Ended {
        /// Number of the question.
        number: u64,
    },
    /// The answer to [`ChatEffect::Colour`].
    Coloured {
        /// Which block.
        job: ColourJob,
        /// Its colours.
        colouring: Colouring,
    },
}

/// A snapshot and the SOP that belongs to it.
#[derive(Debug)]
pub struct Loaded {
    /// From the store.
    pub snapshot: Snapshot,
    /// The SOP to show, or why there is one that cannot be shown; one that is still being read comes as
    /// [`Msg::SopOpened`].
    pub sop: Result<Option<Arc<SopDocument>>, BackendError>,
}

/// What a command was for, so that its answer can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Change of an incident.
    Incident,
    /// A proposal; kept to ask again with values.
    Propose(ProposeRequest),
    /// An approval.
    Approve,
    /// The end of a yes to more than one action.
    Revoke,
    /// Another command in the place of this proposal.
    Edit(ProposalId),
    /// A look-up of what this proposal would touch.
    LookUp(ProposalId),
    /// A rejection.
    Reject,
    /// A cancellation.
    Cancel,
    /// The beginning or a change of a run.
    Run,
    /// A change of an SOP.
    Sop,
}

/// What is needed to propose a command again with more values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposeRequest {
    /// For which incident.
    pub incident: crate::domain::id::IncidentId,
    /// For which of its alerts: the one on the screen when the person asked.
    pub alert: crate::domain::alert::AlertKey,
    /// Where the command stands.
    pub from: CommandFrom,
    /// Values typed so far.
    pub values: std::collections::BTreeMap<String, String>,
}

/// Where a command stands that is to be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandFrom {
    /// In an SOP.
    Step {
        /// Which SOP.
        sop: SopId,
        /// Which command node.
        node: crate::domain::id::NodeId,
    },
    /// In an answer.
    Chat {
        /// Which message.
        message: crate::domain::id::MessageId,
        /// Which fenced block of it, from 0.
        block: usize,
        /// The block's text, to show what values are asked for. Foreign text.
        script: String,
    },
}

/// Timers, each with the number it was set under; an older number means that it was set again since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The cursor has rested: what is behind may follow it.
    Settle(u64),
    /// A toast has been read.
    Toast(u64),
    /// The review has been quiet for long enough: show that it can be approved.
    Review(u64),
    /// Nothing was typed for a moment: look for the words. Or: look again, since the index was not whole.
    Search(u64),
    /// A new minute.
    Minute,
    /// Changes may be loaded again.
    Reload,
    /// The time until a model is asked again has become shorter.
    Retry(u64),
}

/// Something to do outside the console's state.
#[derive(Debug)]
pub enum Effect {
    /// Load what is visible.
    Load {
        /// Number of this question.
        generation: u64,
        /// What to load.
        query: SnapshotQuery,
        /// This SOP instead of the one that fits best.
        sop: Option<SopId>,
    },
    /// Do what the person asked for.
    Send {
        /// What it is for.
        asked: Asked,
        /// What to do.
        command: Command,
    },
    /// About a question to the assistant.
    Chat(ChatEffect),
    /// List all SOPs.
    ListSops,
    /// Look for words.
    Search {
        /// Number of this question.
        generation: u64,
        /// What to look for.
        query: SearchQuery,
    },
    /// Look at the runs of an SOP, or draft one.
    Workbench {
        /// Number of this question.
        number: u64,
        /// What about.
        subject: Subject,
    },
    /// Copy a text.
    Copy(Copy),
    /// Send [`Msg::Woken`] after this long.
    Wake(Duration, Timer),
    /// Take the mouse, or give it back.
    Mouse(Mouse),
    /// Paint the whole screen anew.
    Repaint,
    /// Remember where the lines between the panes stand.
    KeepSplits(Splits),
    /// Draw with the theme that is worn now.
    Restyle,
    /// Stop this program until it is continued.
    Suspend,
    /// Leave.
    Quit,
}

/// What is asked for about questions to the assistant.
#[derive(Debug)]
pub enum ChatEffect {
    /// Build what would leave this machine.
    Prepare {
        /// Number of the question.
        number: u64,
        /// The question.
        ask: Ask,
    },
    /// Build what would leave this machine to ask how a run is to go on.
    PrepareSuggestions {
        /// Number of the question.
        number: u64,
        /// Which run.
        run: RunId,
    },
    /// Answer a question that was prepared.
    Answer {
        /// Number of the question.
        number: u64,
        /// What was prepared.
        id: PreparedId,
    },
    /// Stop the answer on its way.
    Stop,
    /// Colour a code block.
    Colour(ColourJob),
}

/// A text to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The text, as it is. Foreign.
    pub text: Vec<u8>,
    /// What it is, in words.
    pub what: String,
    /// What the person has to know besides, as a sentence.
    pub warning: Option<String>,
}

/// A text that was copied, as far as anyone can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What was to be copied.
    pub copy: Copy,
    /// Whether it was sent to the terminal.
    pub sent: bool,
    /// The file that it stands in, too.
    pub file: Result<PathBuf, PersonalFileError>,
}

/// The moment a message was handled, so that `update` never asks the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock.
    pub wall: Timestamp,
    /// Never steps back.
    pub monotonic: Duration,
}

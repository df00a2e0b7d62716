//! What a console or a command may do: load a snapshot, send a command, follow changes. One trait.
//!
//! Owns: the vocabulary between screens and engine. Does not: know whether the engine is in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use super::ask::{Answer, Ask, ChatHistory, ChatQuery, ModelStatus, Prepared, PreparedId};
use super::improving::Improvement;
pub use super::ingest::{Trouble, TroubleEffect};
use super::policy_watch::PolicyState;
use super::ports::BoxFuture;
use super::search::{SearchAnswer, SearchQuery};
use crate::domain::action::doubt::Doubt;
use crate::domain::action::grant::Approval;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::reach::seen::Looked;
use crate::domain::action::silence::SilenceAction;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, MessageId, NodeId, ProposalId, RunId, ScopeId, SopId};
use crate::domain::incident::{IncidentCommand, Refusal};
use crate::domain::keeping::Restored;
use crate::domain::procedure::Procedure;
use crate::domain::procedure::undo::Undo;
use crate::domain::run::Run;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::draft::Draft;
use crate::domain::scope::{Limits, ScopeGrant, Wish};
pub use crate::store::view::{
    AlertRow, Header, HealthState, IncidentDetail, LeaseView, QuarantinedBody, QueueAnchor, QueueCounts, QueueQuery,
    QueueRow, QueueWindow, SourceHealth, TimelineRow,
};
use crate::store::{CommandError, StoreError};

/// What a screen wants to know, all of it read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotQuery {
    /// Rows of the queue.
    pub queue: QueueQuery,
    /// The incident to load in full.
    pub detail: Option<IncidentId>,
    /// The alert of that incident which the SOP is to fit, and which is loaded whatever else there is; `None` for the
    /// newest one.
    pub alert: Option<AlertKey>,
    /// Output to load.
    pub output: Option<OutputQuery>,
    /// Conversation to load.
    pub chat: Option<ChatQuery>,
    /// At most so many of the bodies that could not be read, the newest; 0: none.
    pub quarantined: usize,
}

/// Which part of an attempt's output to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputQuery {
    /// Which attempt.
    pub attempt: AttemptId,
    /// At most this many bytes, from the end.
    pub tail_bytes: usize,
}

/// What the store knew at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts and health.
    pub header: Header,
    /// Rows of the queue.
    pub queue: QueueWindow,
    /// The incident asked for; `None` when there is no such incident.
    pub detail: Option<Detail>,
    /// Every proposal that waits, oldest first.
    pub tray: Vec<Proposal>,
    /// Every yes to more than one action that may still cover something, oldest first.
    pub scopes: Vec<ScopeGrant>,
    /// How long such a yes lasts and how often it counts here.
    pub scope_limits: Limits,
    /// What stands beside each of them in its review.
    pub beside: BTreeMap<ProposalId, Beside>,
    /// The output asked for.
    pub output: Option<Output>,
    /// The conversation asked for.
    pub chat: Option<ChatHistory>,
    /// Whether a model can be asked.
    pub model: ModelStatus,
    /// The bodies asked for that could not be read, the newest first.
    pub quarantined: Vec<QuarantinedBody>,
    /// The run of the incident asked for that is on, else its last one.
    pub run: Option<Run>,
    /// Why alerts do not get into the store of this process; `None` when they do.
    pub trouble: Option<Trouble>,
    /// How the policy stands now.
    pub policy: PolicyState,
    /// What came of restoring the database when this process opened it; `None` when it was not damaged.
    pub restored: Option<Arc<Restored>>,
}

/// What stands beside a proposal in its review and is no part of what is approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// What is known of undoing it; `None` for what only looks.
    pub undo: Option<Undo>,
    /// What a look-up has found that it would touch.
    pub looked: Looked,
}

/// An incident in full, with the SOPs that apply.
#[derive(Clone, Debug)]
pub struct Detail {
    /// From the store.
    pub record: IncidentDetail,
    /// SOPs for it, best first.
    pub matches: Vec<SopMatch>,
    /// The last attempts of steps of which nobody knows how they ended, newest first: their effect is looked at before the step
    /// is proposed again.
    pub doubts: Vec<Doubt>,
}

impl Detail {
    /// What is in doubt about an attempt; `None` when nothing is.
    #[must_use]
    pub fn doubt_of(&self, attempt: AttemptId) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.attempt == attempt)
    }

    /// The doubts that nobody has settled.
    pub fn open_doubts(&self) -> impl Iterator<Item = &Doubt> {
        self.doubts.iter().filter(|doubt| doubt.settled.is_none())
    }
}

/// An SOP that applies to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopMatch {
    /// Which.
    pub sop: SopId,
    /// Why, in words.
    pub why: String,
}

/// Output of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Position of the first byte loaded.
    pub start: u64,
    /// The bytes. Foreign text.
    pub bytes: Vec<u8>,
}

/// An SOP in the library.
#[derive(Clone, Debug)]
pub struct SopDocument {
    /// The tree.
    pub procedure: Procedure,
    /// The document's text, with what was no UTF-8 replaced.
    pub source: String,
    /// Where it was read from: a path, or `bundled`.
    pub place: String,
}

/// What a person asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Change an incident.
    Incident {
        /// Which.
        id: IncidentId,
        /// How.
        command: IncidentCommand,
    },
    /// Take back the last change that this person made to an incident.
    UndoIncident {
        /// Which.
        id: IncidentId,
    },
    /// Propose the command of a step.
    Propose {
        /// For which incident.
        incident: IncidentId,
        /// For which of its alerts: the one that the person saw.
        alert: AlertKey,
        /// From which SOP.
        sop: SopId,
        /// Which command node.
        node: NodeId,
        /// Values that the person typed, by parameter name; labels fill the rest.
        values: BTreeMap<String, String>,
    },
    /// Propose a command out of an answer. It goes through the same gate; the model is told as its origin.
    ProposeFromChat {
        /// For which incident.
        incident: IncidentId,
        /// For which of its alerts: the one that the person saw.
        alert: AlertKey,
        /// From which message.
        message: MessageId,
        /// Which fenced block of it, from 0.
        block: usize,
        /// Values that the person typed, by parameter name; labels fill the rest.
        values: BTreeMap<String, String>,
    },
    /// Say yes, and start it.
    Approve {
        /// To which proposal.
        proposal: ProposalId,
        /// What the person saw.
        approval: Approval,
    },
    /// Say yes to it and to more of its run, and start it.
    ApproveWider {
        /// To which proposal.
        proposal: ProposalId,
        /// What the person saw, the words about the wider yes among it.
        approval: Approval,
        /// What else is covered.
        wish: Wish,
    },
    /// Start what a yes to more than one action covers that this person gave before.
    SpendScope {
        /// Which proposal.
        proposal: ProposalId,
    },
    /// End a yes to more than one action.
    RevokeScope {
        /// Which.
        scope: ScopeId,
    },
    /// Put another command in the place of one that waits. The other one is a proposal of its own, which nobody has approved.
    Edit {
        /// Which proposal.
        proposal: ProposalId,
        /// The command as the person wants it. Foreign text.
        script: String,
    },
    /// Propose to look up what a proposal that waits would touch. It goes through the same gate.
    LookUp {
        /// Which proposal.
        proposal: ProposalId,
    },
    /// Say no.
    Reject {
        /// To which proposal.
        proposal: ProposalId,
    },
    /// End an attempt.
    Cancel {
        /// Which.
        attempt: AttemptId,
    },
    /// Say that one has looked at the effect of an attempt of which nobody knows how it ended.
    EffectChecked {
        /// Which.
        attempt: AttemptId,
        /// What was seen, in the person's words.
        words: String,
    },
    /// Propose to make or end a silence. It goes through the same gate.
    ProposeSilence {
        /// For which incident.
        incident: IncidentId,
        /// For which of its alerts: the one that the person saw.
        alert: AlertKey,
        /// What.
        action: SilenceAction,
    },
    /// Begin a run of an SOP.
    StartRun {
        /// For which incident.
        incident: IncidentId,
        /// For which of its alerts: the one that the person saw.
        alert: AlertKey,
        /// Of which SOP.
        sop: SopId,
    },
    /// Say something to a run.
    Run {
        /// Which.
        run: RunId,
        /// What; only what a person may say.
        command: RunCommand,
    },
    /// Write a patch of an SOP to its file.
    PatchSop {
        /// Of which SOP.
        sop: SopId,
        /// The findings that were taken, by number.
        taken: BTreeSet<usize>,
        /// The digest of the patch that the person saw.
        digest: String,
    },
    /// Save a draft as a new SOP.
    SaveDraft {
        /// From which incident.
        incident: IncidentId,
        /// Only from this run of it.
        run: Option<RunId>,
        /// The name that the person gave it.
        name: String,
        /// SHA-256 of the draft that the person saw.
        shown: String,
    },
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Done {
    /// The incident was changed; says how, in a sentence. May hold foreign text.
    Incident(String),
    /// There is a new proposal.
    Proposed(Box<Proposal>),
    /// The action was started.
    Started(AttemptId),
    /// The yes to more than one action has ended.
    Revoked,
    /// The proposal was rejected.
    Rejected,
    /// The supervisor was asked to end it.
    Cancelling,
    /// What a person saw is noted.
    Checked(AttemptId),
    /// A run was begun or changed; says how. May hold foreign text.
    Run(String),
    /// An SOP was changed or saved; says where. May hold foreign text.
    Sop(String),
}

/// Why something did not work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackendError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A step cannot be proposed before these parameters have values.
    #[error("values are needed for: {}", .0.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "))]
    NeedsValues(Vec<NeededValue>),
    /// The approval is stored, and the policy demands that of another person before anything runs. Nothing failed.
    #[error("Approved by {first}. It waits for the approval of a second person")]
    AwaitsSecond {
        /// Who approved, by the name that the policy has for them.
        first: String,
    },
    /// The machinery failed; says what to do.
    #[error("{0}")]
    Failed(String),
}

impl From<CommandError> for BackendError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::Refused(refusal),
            CommandError::AwaitsSecond { first } => Self::AwaitsSecond { first },
            CommandError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for BackendError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A parameter that a person has to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededValue {
    /// Its name.
    pub name: String,
    /// How it stands in the document (`<file>`).
    pub surface: String,
    /// Why a value that was given is not acceptable; empty when none was.
    pub problem: String,
}

/// What a console or a command may do.
pub trait Backend: Send + Sync + 'static {
    /// Reads what is visible, at one moment.
    fn load(&self, query: SnapshotQuery) -> BoxFuture<'static, Result<Snapshot, BackendError>>;
    /// The SOP `id`, parsed.
    fn sop(&self, id: SopId) -> BoxFuture<'static, Result<Arc<SopDocument>, BackendError>>;
    /// All SOPs by id, with their titles.
    fn sops(&self) -> BoxFuture<'static, Result<Vec<(SopId, String)>, BackendError>>;
    /// Looks for words in SOPs and incidents. Whatever is typed is answered; what is not indexed yet is not found, and the
    /// answer says so.
    fn search(&self, query: SearchQuery) -> BoxFuture<'static, Result<SearchAnswer, BackendError>>;
    /// Prepares a question: what would leave this machine is built, but nothing is sent or stored. It can be answered
    /// until another one is prepared.
    fn prepare(&self, ask: Ask) -> BoxFuture<'static, Result<Prepared, BackendError>>;
    /// Prepares to ask how a run is to go on, in the same way; the answer suggests changes of the run and makes none.
    fn prepare_suggestions(&self, _run: RunId) -> BoxFuture<'static, Result<Prepared, BackendError>> {
        let refusal = Refusal::new("Not asked", "there is no assistant in this process", "Look at the SOP");
        Box::pin(std::future::ready(Err(refusal.into())))
    }
    /// Stores the question and answers it along its route; nothing but the prepared bytes is sent.
    fn answer(&self, id: PreparedId) -> BoxFuture<'static, Result<Answer, BackendError>>;
    /// What the runs of an SOP have in common.
    fn improvement(&self, sop: SopId) -> BoxFuture<'static, Result<Arc<Improvement>, BackendError>>;
    /// An SOP from what people did for an incident, or in one run of it.
    fn draft(&self, incident: IncidentId, run: Option<RunId>) -> BoxFuture<'static, Result<Arc<Draft>, BackendError>>;
    /// Does what a person asks for.
    fn send(&self, command: Command) -> BoxFuture<'static, Result<Done, BackendError>>;
    /// A counter that goes up with every change, also those of other processes.
    fn follow(&self) -> watch::Receiver<u64>;
}

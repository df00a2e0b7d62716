//! The journal: what people and the engine decided and did, each entry chained to the one before it.
//!
//! Owns: the kinds of entries, and who wrote them where. What every entry says of its action stands in `about`, the chain in
//! `entry`, walking it in `verify`, what is left of purged entries in `purged`, heads that are kept elsewhere in `anchor`, what an incident's entries tell in `tape`, and
//! the form that security tools read in `ocsf`.
//! Does not: store them, and does not hold large payloads: those are named by their hash, so that erasing a payload leaves
//! the chain whole.
//!
//! Invariant: an entry's hash covers the exact bytes of its stored payload; nothing is serialised again to verify it.

pub mod about;
pub mod anchor;
mod entry;
pub mod ocsf;
pub mod purged;
pub mod tape;
mod telling;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::attempt::{Outcome, ProcessId};
use super::action::proposal::Proposal;
use super::actor::{Actor, Person};
use super::chat::Usage;
use super::chat::budget::OverBudget;
use super::id::{AttemptId, CallId, JournalSeq, MessageId, ProposalId, RunId, ScopeId, SopId};
use super::incident::IncidentEvent;
use super::keeping::{Erasable, Restored};
use super::policy::Ruling;
use super::purge::Concerns;
use super::run::event::RunEvent;
use super::scope::ScopeEvent;
use super::time::Timestamp;

pub use about::About;
pub use entry::{GENESIS, NewEntry, PAYLOAD_VERSION, StoredEntry};
pub use telling::{Kind, Telling};
pub use verify::{Break, PartVerifier, Verifier};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload {
    /// The journal was begun.
    Begun {
        /// Version of the program.
        program: String,
    },
    /// A batch of alerts was stored.
    Ingested {
        /// Name of the source.
        source: String,
        /// `webhook` or `reconcile`.
        origin: String,
        /// Alerts in the batch.
        alerts: u32,
        /// How many of them were news.
        news: u32,
        /// Incidents opened, reopened, resolved by it.
        incidents: [u32; 3],
        /// SHA-256 of the body as received.
        digest: String,
    },
    /// A body that could not be read was put aside.
    Quarantined {
        /// Name of the source.
        source: String,
        /// What was wrong.
        reason: String,
        /// SHA-256 of the body.
        digest: String,
    },
    /// This process became the one that receives.
    LeaseTaken {
        /// Name of the lease.
        name: String,
        /// Fencing token.
        fence: i64,
    },
    /// A person changed an incident.
    Incident {
        /// What happened to it.
        event: IncidentEvent,
    },
    /// An action was proposed.
    Proposed {
        /// The whole proposal.
        proposal: Box<Proposal>,
    },
    /// A person said no.
    Rejected {
        /// To which proposal.
        proposal: ProposalId,
    },
    /// A person put other words in the place of those of a proposal. The other one waits now, the first never will again.
    Edited {
        /// The proposal that was read.
        from: ProposalId,
        /// The proposal that was made of it.
        to: ProposalId,
        /// The command as it was. Foreign text.
        before: String,
        /// The command as it is. Foreign text.
        after: String,
    },
    /// A proposal or a grant is no longer valid.
    Voided {
        /// Which proposal.
        proposal: ProposalId,
        /// Why.
        reason: String,
    },
    /// A person said yes.
    Granted {
        /// To which proposal.
        proposal: ProposalId,
        /// Digest of what was shown.
        digest: String,
        /// SHA-256 of the review as rendered.
        rendered: String,
        /// Columns and rows of the terminal.
        terminal: (u16, u16),
        /// The grant has to be spent before.
        expires_at: Timestamp,
        /// What the policy said of it then, and the hash of that policy; `None` in entries from before there was any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ruling: Option<Box<Ruling>>,
        /// Who approved first, where two people had to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_approver: Option<String>,
        /// The scope that was spent on it, where nobody read its review.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<ScopeId>,
    },
    /// Something happened to a yes to more than one action.
    Scope {
        /// Which.
        scope: ScopeId,
        /// What.
        event: Box<ScopeEvent>,
    },
    /// A person said yes to something that two have to say yes to. Nothing may run yet.
    ApprovedByOne {
        /// To which proposal.
        proposal: ProposalId,
        /// Digest of what was shown.
        digest: String,
        /// The person, by the name that the policy has for them.
        approver: String,
        /// SHA-256 of the review as rendered.
        rendered: String,
        /// Columns and rows of the terminal.
        terminal: (u16, u16),
        /// What the policy said of it then, and the hash of that policy.
        ruling: Box<Ruling>,
        /// Fingerprint of the key that opened the person's ssh session, if sshd told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ssh_key: Option<String>,
    },
    /// It will be started next. Stored before anything is started.
    IntentStored {
        /// The attempt.
        attempt: AttemptId,
        /// The proposal whose grant it spends.
        proposal: ProposalId,
        /// Digest of what will run.
        digest: String,
    },
    /// The supervisor runs.
    Spawned {
        /// The attempt.
        attempt: AttemptId,
        /// The supervisor.
        supervisor: ProcessId,
    },
    /// Something happened to a run.
    Run {
        /// Which.
        run: RunId,
        /// What.
        event: Box<RunEvent>,
    },
    /// A person asked for it to be ended.
    CancelRequested {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A person looked at the effect of an attempt of which nobody knows how it ended.
    EffectChecked {
        /// The attempt.
        attempt: AttemptId,
        /// What they saw, in their words.
        words: String,
    },
    /// How it ended.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
        /// When, as its supervisor recorded it; `None` when nobody saw it. The entry's own time is that of the record.
        #[serde(default)]
        ended_at: Option<Timestamp>,
        /// Bytes of output.
        output_bytes: u64,
        /// SHA-256 of the output file.
        output_digest: String,
    },
    /// A message of a conversation was stored. Its text is in a table, so that it can be erased.
    Said {
        /// Its number.
        message: MessageId,
        /// `person`, `model` or `fallback`.
        author: String,
        /// SHA-256 of its text.
        digest: String,
    },
    /// A body may leave for a model, and its cost is reserved. Stored before anything is sent.
    ModelAsked {
        /// The call.
        call: CallId,
        /// The model.
        model: String,
        /// Where the body goes; no key in it.
        destination: String,
        /// SHA-256 of the body.
        digest: String,
        /// How many values were replaced in it, by kind.
        replaced: BTreeMap<String, usize>,
        /// What it may cost at most, in millionths of a US dollar.
        reserved_micro_usd: u64,
    },
    /// What came of such a call.
    ModelCalled {
        /// The call.
        call: CallId,
        /// The model.
        model: String,
        /// Where the body went; no key in it.
        destination: String,
        /// SHA-256 of the body.
        digest: String,
        /// How many values were replaced in it, by kind.
        replaced: BTreeMap<String, usize>,
        /// Tokens, if the provider said.
        usage: Option<Usage>,
        /// What happened, as a clause.
        outcome: String,
        /// What it counts for, in millionths of a US dollar.
        cost_micro_usd: u64,
    },
    /// A question was not sent, because it could have cost more than there was.
    BudgetRefused {
        /// The model that would have been asked.
        model: String,
        /// Which limit, and by how much.
        over: OverBudget,
    },
    /// A backup of the store was made and checked.
    BackedUp {
        /// Its file name.
        file: String,
        /// Its size.
        bytes: u64,
        /// The last entry of the journal in it.
        last_entry: JournalSeq,
    },
    /// Something was erased, or will be next. Never an entry, an intent or an outcome.
    Erased {
        /// What.
        what: Erasable,
        /// How many: tables, outputs, files or alerts.
        count: u64,
        /// Bytes that became free.
        bytes: u64,
        /// Why, as a clause.
        reason: String,
    },
    /// A person purged texts for ever. The texts themselves are in no entry.
    Purged {
        /// What was to go.
        concerns: Concerns,
        /// How many of what kind went, by the name of the kind.
        counts: BTreeMap<String, u64>,
        /// Why, in the words of whoever did it.
        reason: String,
        /// What is left of the entries that were purged.
        seals: Vec<purged::Seal>,
    },
    /// A person changes an SOP, or saves a new one. Stored before it is done.
    SopChanged {
        /// Which.
        sop: SopId,
        /// Its file.
        place: String,
        /// SHA-256 of what it held; `None` for a new one.
        before: Option<String>,
        /// SHA-256 of what it is to hold.
        after: String,
        /// The digest of the patch that the person said yes to.
        digest: String,
        /// The git branch that it goes to; `None` for the file itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
    },
    /// The store was found damaged and was restored. Entries may be missing before this one.
    Restored {
        /// From what, and what is lost.
        restored: Box<Restored>,
    },
}

/// Where and by whom an entry was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Wall clock.
    pub at: Timestamp,
    /// Milliseconds since boot, which no one can set back.
    pub monotonic_ms: i64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// Host name.
    pub host: String,
    /// Process id of the writer.
    pub pid: u32,
    /// Who.
    pub actor: Actor,
    /// Whose process it was, when the actor is a part of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_by: Option<Person>,
}

impl Context {
    /// The person who did it, or whose process did.
    #[must_use]
    pub const fn person(&self) -> Option<&Person> {
        match &self.actor {
            Actor::Person(person) => Some(person),
            Actor::Engine { .. } => self.run_by.as_ref(),
        }
    }
}

//! What stands beside proposals in their reviews: what they touch, as far as somebody looked, and what undoes them.
//!
//! Owns: proposing a look-up, and finding its outcome again. Does not: run one by itself; it is proposed, reviewed, confined
//! and journaled like every other read, and only a person approves it.

use std::collections::BTreeMap;

use super::LocalBackend;
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::handed;
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::reach::seen::{Found, Looked};
use crate::domain::action::reach::{self, LookUp};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Execution, StepRef};
use crate::domain::id::ProposalId;
use crate::domain::incident::Refusal;
use crate::domain::procedure::undo::{self, Undo};
use crate::engine::backend::{BackendError, Beside, Done};
use crate::store::Reader;

/// Of the output of a look-up so many bytes are read; of a longer one nothing is counted.
const OUTPUT: usize = 1024 * 1024;

impl LocalBackend {
    /// Proposes to look up what the proposal `of` would touch.
    ///
    /// # Errors
    /// When it does not wait, nothing can be looked up, or the rules say no.
    pub(super) async fn propose_look_up(&self, of: ProposalId) -> Result<Done, BackendError> {
        const WHAT: &str = "Not proposed";
        let waits = |proposal: &Proposal| proposal.state == ProposalState::Pending;
        let change =
            self.store.proposal(of).await?.filter(waits).ok_or_else(|| {
                Refusal::new(WHAT, format!("proposal {of} does not wait"), "Choose one from the tray")
            })?;
        let mut env = self.settings.env(Execution::Supervised);
        if !change.spec.target.is_here() {
            env.extend(self.others.env.clone());
        }
        let with = LookUp { env, reads: self.settings.reads.clone(), time_limit: self.settings.time_limit };
        let mut spec = reach::look_up(&change.spec, of, with)?;
        spec.secrets = handed::wanted(&self.secrets, &spec.invocation, &spec.target, spec.mode);
        let proposal = self.store.propose(spec, &self.actor).await?;
        Ok(Done::Proposed(Box::new(proposal)))
    }

    /// What stands beside each of these proposals.
    pub(super) async fn beside(&self, tray: &[Proposal]) -> Result<BTreeMap<ProposalId, Beside>, BackendError> {
        let mut all = BTreeMap::new();
        for proposal in tray {
            let (looked, undo) = (self.looked(proposal, tray).await?, self.undo(proposal).await);
            all.insert(proposal.id, Beside { undo, looked });
        }
        Ok(all)
    }

    async fn looked(&self, change: &Proposal, tray: &[Proposal]) -> Result<Looked, BackendError> {
        let reach = reach::of(&change.spec);
        let Some(key) = reach::key_of(&change.spec, &reach) else { return Ok(Looked::Never) };
        let step = StepRef::of_program(reach::STEP, &key, String::new());
        let incident = change.spec.incident;
        let same = |other: &&Proposal| {
            let of = &other.spec;
            of.incident == incident && of.step.sop == step.sop && of.step.node == step.node
        };
        if let Some(waiting) = tray.iter().find(same) {
            return Ok(Looked::Waits(waiting.id));
        }
        let wanted = step.clone();
        let read = move |reader: &Reader<'_>| reader.attempts_of_step(incident, &wanted);
        match self.store.read_view(read).await?.first() {
            None => Ok(Looked::NotYet),
            Some(attempt) => self.outcome(change, attempt).await,
        }
    }

    /// What came of a look-up.
    async fn outcome(&self, change: &Proposal, attempt: &Attempt) -> Result<Looked, BackendError> {
        let (outcome, at) = match &attempt.state {
            AttemptState::IntentStored | AttemptState::Running { .. } => return Ok(Looked::Runs),
            AttemptState::Ended { outcome, at } => (outcome, *at),
        };
        if !outcome.succeeded() {
            let why = match outcome {
                Outcome::NotStarted { reason } | Outcome::Unknown { reason } => {
                    format!("{}: {reason}", outcome.label())
                }
                other => other.label(),
            };
            return Ok(Looked::Failed { why, at });
        }
        let asked = self.store.proposal(attempt.proposal).await?;
        let kubeconfig =
            asked.as_ref().and_then(|asked| reach::seen_with_another_kubeconfig(&change.spec, &asked.spec));
        let kubeconfig = kubeconfig.map(str::to_owned);
        let failed = |why: &str| Looked::Failed { why: why.to_owned(), at };
        Ok(match self.runner.output(attempt, OUTPUT).await {
            Ok((start, bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                let found = Found::read(&text, start == 0, at, kubeconfig);
                found.map_or_else(|| failed("its output is too long to be counted"), Looked::Found)
            }
            Err(error) => failed(&error.to_string()),
        })
    }

    /// What the document says of undoing a change; `None` for what only looks.
    async fn undo(&self, proposal: &Proposal) -> Option<Undo> {
        let spec = &proposal.spec;
        if spec.risk <= Risk::Read {
            return None;
        }
        if spec.step.answer().is_some() || spec.step.is_of_program() {
            return Some(Undo::NoDocument);
        }
        let (library, step) = (self.library(), spec.step.clone());
        // A long document may have to be parsed first.
        let read = tokio::task::spawn_blocking(move || {
            library.get(&step.sop).map(|document| undo::of(&document.procedure, &step.node))
        });
        read.await.ok().flatten().or(Some(Undo::NoDocument))
    }
}

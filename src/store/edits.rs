//! Editing a proposal before it is approved.
//!
//! Owns: the one transaction in which the new proposal is stored and the first one ends. Does not: build the action (see
//! `domain::action::edit`), and never approves.
//!
//! Invariant: of a proposal and what was made of it at most one waits. A refusal leaves the first one as it was.

use super::Store;
use super::error::{CommandError, Fault};
use super::governed::Governed;
use super::proposals;
use super::write::Write;
use crate::domain::action::edit::decide_edit;
use crate::domain::action::proposal::{APPROVE_WITHIN, Proposal, ProposalState};
use crate::domain::action::spec::ActionSpec;
use crate::domain::actor::Actor;
use crate::domain::id::{NodeId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;

const WHAT: &str = "Not edited";

impl Store {
    /// Stores `spec` as a proposal in the place of `from`, which is rejected by that. The commands `verified_by` of the
    /// document show its effect.
    ///
    /// # Errors
    /// [`CommandError::Refused`] when `from` does not wait, `actor` is no person, or `spec` may not be proposed; nothing is
    /// changed then.
    pub async fn edit_proposal(
        &self,
        from: ProposalId,
        spec: ActionSpec,
        verified_by: Vec<NodeId>,
        actor: &Actor,
    ) -> Result<Proposal, CommandError> {
        let (actor, governed) = (actor.clone(), self.governed());
        CommandError::flatten(self.write(move |write| edit(write, from, spec, &verified_by, &actor, &governed)).await)
    }
}

/// Why a proposal does not wait any more that `by` made proposal `to` of.
pub(super) fn reason(by: &Actor, to: ProposalId) -> String {
    format!("{} edited it; proposal {to} took its place", by.label())
}

fn edit(
    write: &mut Write<'_>,
    from: ProposalId,
    spec: ActionSpec,
    verified_by: &[NodeId],
    actor: &Actor,
    governed: &Governed,
) -> Result<Result<Proposal, Refusal>, Fault> {
    let Some(first) = proposals::find(write.conn, from)? else { return Ok(Err(proposals::no_such_proposal(from))) };
    if let Err(refusal) = may_edit(write, &first, &spec, actor) {
        return Ok(Err(refusal));
    }
    let made = match proposals::propose(write, spec, verified_by, actor, governed)? {
        Ok(made) => made,
        Err(refusal) => return Ok(Err(refusal)),
    };
    proposals::set_state(write.conn, from, ProposalState::Rejected, &reason(actor, made.id))?;
    let (before, after) = (first.spec.command_line(), made.spec.command_line());
    let incident = first.spec.incident;
    write.journal(Some(incident), actor, &Payload::Edited { from, to: made.id, before, after })?;
    let what = format!("edited action {from} into action {}: {}", made.id, first.spec.step.title);
    write.timeline(incident, actor.label(), &what)?;
    Ok(Ok(made))
}

fn may_edit(write: &Write<'_>, first: &Proposal, spec: &ActionSpec, actor: &Actor) -> Result<(), Refusal> {
    let Actor::Person(_) = actor else {
        return Err(Refusal::new(WHAT, "only a person edits what another proposed", "Edit it in the console"));
    };
    decide_edit(first)?;
    if write.at.since(first.created_at) > APPROVE_WITHIN {
        return Err(Refusal::new(WHAT, "nobody approved it in time", "Propose the step again"));
    }
    let same = first.spec.incident == spec.incident && first.spec.step == spec.step;
    if !same || spec.edited.as_ref().is_none_or(|edited| edited.from != first.id) {
        let why = "what was made of it belongs to another step";
        return Err(Refusal::new(WHAT, why, "Open the review again and edit it there"));
    }
    Ok(())
}

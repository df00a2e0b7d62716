//! Proposals that a person edits before anybody approves them.
//!
//! Owns: what an edited command is built from: target, directory, step and alert are those of the first proposal. Does not:
//! say where its words come from (see `domain::action::edit`) or end the first one (see `store::edits`).

use super::{LocalBackend, from_build};
use crate::domain::action::build::BuildRequest;
use crate::domain::action::edit::{self, Edited};
use crate::domain::action::handed;
use crate::domain::id::ProposalId;
use crate::domain::incident::Refusal;
use crate::domain::procedure::Shell;
use crate::engine::backend::{BackendError, Done};

impl LocalBackend {
    /// Makes a new proposal of `script` in the place of the proposal `from`.
    ///
    /// # Errors
    /// When the first does not wait any more, the command needs values or cannot run, or the rules say no; the first waits
    /// on then.
    pub(super) async fn edit(&self, from: ProposalId, script: &str) -> Result<Done, BackendError> {
        let first = self.store.proposal(from).await?.ok_or_else(|| {
            Refusal::new("Not edited", format!("there is no proposal {from}"), "Choose one from the tray")
        })?;
        edit::decide_edit(&first)?;
        let before = &first.spec;
        let (alert, subject) = self.subject(before.incident, before.subject.key.clone()).await?;
        let run = self.run_variables(before.incident, &before.step.sop, &before.target).await?;
        let mut env = self.settings.env(before.mode);
        if !before.target.is_here() {
            env.extend(self.others.env.clone());
        }
        let request = BuildRequest {
            incident: before.incident,
            subject,
            step: before.step.clone(),
            script,
            shell: Shell::Sh,
            mode: before.mode,
            labels: &alert.labels,
            typed: &edit::typed_before(before, script),
            target: before.target.clone(),
            cwd: &before.cwd,
            env,
            reads: self.settings.reads.clone(),
            time_limit: self.settings.time_limit,
        };
        let edited = Edited { from, by: self.actor.label().to_owned() };
        let mut spec = edit::build_edited(request, &run, before, edited).map_err(from_build)?;
        spec.secrets = handed::wanted(&self.secrets, &spec.invocation, &spec.target, spec.mode);
        // What its target was taken from binds it, too.
        for (name, value) in &before.labels_used {
            spec.labels_used.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let verified_by = self.verified_by(&spec.step);
        let made = self.store.edit_proposal(from, spec, verified_by, &self.actor).await?;
        Ok(Done::Proposed(Box::new(made)))
    }
}

//! Runs, as a person begins and steers them.
//!
//! Owns: making a plan from the document as it is now. Does not: drive a run (see `engine::run`).

use std::sync::Arc;

use super::LocalBackend;
use crate::domain::actor::Actor;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, RunId, SopId};
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::RunEvent;
use crate::domain::run::{Limits, Plan, Run, plan};
use crate::engine::backend::{BackendError, Done};
use crate::engine::ports::LogSource;
use crate::engine::runner::Runner;

impl LocalBackend {
    /// Whoever this backend acts for.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The same, acting for somebody else.
    #[must_use]
    pub(in crate::engine) fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// The same, able to look at these logs.
    #[must_use]
    pub fn with_logs(mut self, logs: Vec<Arc<dyn LogSource>>) -> Self {
        self.logs = logs.into();
        self
    }

    /// The same, whose runs may take this much before a person has to look.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The logs that can be looked at.
    #[must_use]
    pub(in crate::engine) fn logs(&self) -> &[Arc<dyn LogSource>] {
        &self.logs
    }

    /// What starts and follows attempts.
    #[must_use]
    pub(in crate::engine) fn runner(&self) -> &Runner {
        &self.runner
    }

    pub(super) async fn start_run(
        &self,
        incident: IncidentId,
        alert: AlertKey,
        sop: SopId,
    ) -> Result<Done, BackendError> {
        let document = self.document(&sop)?;
        // Whether the alert is one of the incident's is found out here, not at the first command.
        self.subject(incident, alert.clone()).await?;
        let procedure = &document.procedure;
        let plan = Plan {
            alert,
            sop,
            revision: procedure.revision.clone(),
            title: procedure.title.clone(),
            items: plan::of(procedure, &document.source),
            limits: self.limits,
            after_attempt: AttemptId(0),
        };
        let run = self.store.start_run(incident, plan, &self.actor).await?;
        let (_, all) = run.progress();
        Ok(Done::Run(format!(
            "Run {} began: {all} steps. Each is proposed by itself; nothing runs without your yes.",
            run.id
        )))
    }

    pub(super) async fn steer_run(&self, id: RunId, command: RunCommand) -> Result<Done, BackendError> {
        let run = self.store.run_command(id, command, &self.actor).await?;
        let last = self.store.read_view(move |reader| reader.run_events(id)).await?;
        let aside =
            |event: &RunEvent| matches!(event, RunEvent::Resumed | RunEvent::Deviated { .. } | RunEvent::Judged { .. });
        let said = last.iter().rev().find(|row| !aside(&row.event) || last.len() == 1);
        let said = said.and_then(|row| row.event.words(&run)).unwrap_or_else(|| stands(&run));
        Ok(Done::Run(said))
    }
}

/// Where a run stands, as a sentence.
fn stands(run: &Run) -> String {
    let (over, all) = run.progress();
    format!("Run {} is {}: {over} of {all} steps are over.", run.id, run.state.name())
}

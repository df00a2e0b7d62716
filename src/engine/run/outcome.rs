//! What came of runs: deviations that need an output or what was run beside a run, and effects once their watch is over.
//!
//! Owns: reading outputs and asking metrics for the rules of `domain::run::{deviation, effect}`, and reporting what these say.
//! Does not: find or judge by itself, run anything, or ask a model.
//!
//! Invariants: every console looks, whoever leads the run, since a run may be over and its person gone; the store writes each
//! answer once. What cannot be read or asked is left out; it never stands in the way of a verdict.

use super::RunEngine;
use crate::domain::id::RunId;
use crate::domain::run::Run;
use crate::domain::run::deviation::{self, Deviation, Verdict, against_evidence};
use crate::domain::run::effect::{self, GRACE, Measured, Surroundings, Watch};
use crate::domain::run::event::RunEvent;
use crate::domain::run::evidence::Proof;
use crate::domain::run::item::Basis;
use crate::domain::run::story::Told;
use crate::engine::backend::BackendError;
use crate::store::{CommandError, RunFacts};

impl RunEngine {
    /// Looks at every run that something may still come of.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(super) async fn outcomes(&self) -> Result<(), BackendError> {
        for run in self.store.read_view(|reader| reader.watched_runs()).await? {
            let of = run.clone();
            let facts = self.store.read_view(move |reader| reader.run_facts(&of)).await?;
            self.find(&run, &facts).await?;
            self.judge(&run, facts).await?;
        }
        Ok(())
    }

    async fn find(&self, run: &Run, facts: &RunFacts) -> Result<(), BackendError> {
        let mut found: Vec<Deviation> =
            facts.strays.iter().filter_map(|stray| deviation::of_stray(run, stray)).collect();
        found.extend(self.answers_against_outputs(run, &facts.story).await?);
        found.retain(|deviation| !deviation::is_known(run, deviation));
        if found.is_empty() {
            return Ok(());
        }
        heard(run.id, self.store.note_deviations(run.id, found).await.map(|_| ()))
    }

    /// Answers of people that the output before them says otherwise. Each output is read once for that.
    async fn answers_against_outputs(&self, run: &Run, story: &[Told]) -> Result<Vec<Deviation>, BackendError> {
        let mut found = Vec::new();
        let Some((Told { at, event: RunEvent::Started { plan, owner } }, rest)) = story.split_first() else {
            return Ok(found);
        };
        let mut before = Run::new(run.id, run.incident, plan.as_ref().clone(), owner.clone(), *at);
        for (number, told) in rest.iter().enumerate() {
            if let RunEvent::Decided { item, branch, basis: Basis::Person { .. } } = &told.event
                && let Verdict::Needs(attempt) = against_evidence(&before, *item, branch, None)
                && self.is_unread(run.id, number)
            {
                let output = self.read(attempt).await?;
                if let Verdict::Against(deviation) = against_evidence(&before, *item, branch, Some(&output)) {
                    found.push(deviation);
                }
            }
            before.apply(&told.event, told.at);
        }
        Ok(found)
    }

    /// Whether this process has not compared the answer in event `number` of a run with its output yet.
    fn is_unread(&self, run: RunId, number: usize) -> bool {
        let mut compared = self.compared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        compared.insert((run, number))
    }

    async fn judge(&self, run: &Run, facts: RunFacts) -> Result<(), BackendError> {
        let now = self.clock.now();
        let watches = effect::watches(run, &facts.story, &facts.changing);
        let due: Vec<Watch> = watches.into_iter().filter(|watch| watch.until() <= now).collect();
        if due.is_empty() {
            return Ok(());
        }
        let asked = due.iter().any(|watch| now <= watch.until().plus(GRACE));
        let measured = if asked { self.measure(run).await } else { None };
        let known = Surroundings { firings: facts.firings, changing: facts.changing, measured };
        for watch in due {
            if let Some(effect) = effect::judge(run, &facts.story, watch, &known, now) {
                heard(run.id, self.store.note_effect(run.id, effect).await.map(|_| ()))?;
            }
        }
        Ok(())
    }

    /// What the query says now that the run was decided on.
    async fn measure(&self, run: &Run) -> Option<Measured> {
        let Some(Proof::Number { query: Some(query), .. }) = effect::question_of(run) else { return None };
        let (source, at) = (self.metrics.first()?, self.clock.now());
        match source.instant(query, at).await {
            Ok(answer) => {
                let values = answer.samples.iter().map(|sample| sample.value).collect();
                Some(Measured { at, values })
            }
            Err(error) => {
                tracing::warn!(run = %run.id, %error, "an effect is judged without its metric");
                None
            }
        }
    }
}

/// A refusal means that the run is gone: nothing is left to say.
fn heard(run: RunId, done: Result<(), CommandError>) -> Result<(), BackendError> {
    match done {
        Ok(()) => Ok(()),
        Err(CommandError::Refused(refusal)) => {
            tracing::debug!(%run, %refusal, "nothing was noted");
            Ok(())
        }
        // Nothing was to be approved.
        Err(CommandError::AwaitsSecond { .. }) => Ok(()),
        Err(CommandError::Store(error)) => Err(error.into()),
    }
}

//! Proposals of silences.
//!
//! Owns: what the review of a silence says besides its words: what it would mute now. Does not: make one; the command that is
//! proposed does, when a person has approved it.

use super::LocalBackend;
use crate::domain::action::risk::Risk;
use crate::domain::action::silence::{SilenceAction, SilencePlace};
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Pipeline, Script, Stage, StepRef,
};
use crate::domain::alert::AlertKey;
use crate::domain::alert::Labels;
use crate::domain::id::IncidentId;
use crate::domain::incident::Refusal;
use crate::engine::backend::{BackendError, Done};

const WHAT: &str = "Not proposed";
/// Alerts that are looked at to say what a silence would mute now.
const LOOKED_AT: u32 = 100_000;

impl LocalBackend {
    /// The same, able to propose silences at these places.
    #[must_use]
    pub fn with_silences(mut self, places: Vec<SilencePlace>) -> Self {
        self.silences = places;
        self
    }

    pub(super) async fn propose_silence(
        &self,
        incident: IncidentId,
        alert: AlertKey,
        action: SilenceAction,
    ) -> Result<Done, BackendError> {
        let place =
            self.silences.iter().find(|place| place.source == alert.source).or(match self.silences.as_slice() {
                // Alerts come by webhook under another name than the only Alertmanager has.
                [only] => Some(only),
                _ => None,
            });
        let Some(place) = place else {
            let remedy = "Add it as [[alertmanager]] to the configuration";
            return Err(Refusal::new(WHAT, format!("no Alertmanager is known for {}", alert.source), remedy).into());
        };
        let (_, subject) = self.subject(incident, alert).await?;
        let mutes = self.mutes(&action).await?;
        let words = action.command(place, self.actor.label());
        let stage = Stage::new(words);
        let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
        let (node, title) = match &action {
            SilenceAction::Create(silence) => ("create", format!("silence for {} min", silence.span.as_secs() / 60)),
            SilenceAction::Expire { .. } => ("expire", "end a silence".to_owned()),
        };
        let mut env = self.settings.env(Execution::Supervised);
        env.extend(place.env.clone());
        let spec = ActionSpec {
            confinement: Confinement::Free,
            secrets: place.secret.iter().cloned().collect(),
            incident,
            subject,
            step: StepRef::of_program("silence", node, title),
            invocation: Invocation::Argv { script },
            mode: Execution::Supervised,
            target: self.settings.target.clone(),
            cwd: self.settings.directory.clone(),
            env,
            risk: Risk::Change,
            risk_reasons: vec![mutes],
            labels_used: Labels::new(),
            edited: None,
            time_limit: self.settings.time_limit,
        };
        let proposal = self.store.propose(spec, &self.actor).await?;
        Ok(Done::Proposed(Box::new(proposal)))
    }

    /// What an action would mean now, as a sentence.
    async fn mutes(&self, action: &SilenceAction) -> Result<String, BackendError> {
        let SilenceAction::Create(silence) = action else {
            return Ok("its alerts notify people again at once".to_owned());
        };
        let (firing, all) = self.store.read_view(|reader| reader.firing_labels(LOOKED_AT)).await?;
        let muted = firing.iter().filter(|labels| silence.mutes(labels)).count();
        let looked_at = firing.len();
        let of = if all > looked_at { format!(" of {looked_at} that were looked at") } else { String::new() };
        let undo = "it can be ended before";
        Ok(match muted {
            0 => format!("it mutes no alert that fires now{of}; {undo}"),
            1 => format!("it mutes 1 alert that fires now{of}: nobody is notified of it; {undo}"),
            muted => format!("it mutes {muted} alerts that fire now{of}: nobody is notified of them; {undo}"),
        })
    }
}

//! Attempts of which nobody knows how they ended, as a person sees them: with what shows their effect.
//!
//! Owns: putting together what the store and the documents say. Does not: decide (see `domain::action::doubt`).

use super::LocalBackend;
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::doubt::{self, Doubt, Verification};
use crate::domain::action::spec::StepRef;
use crate::domain::alert::AlertStatus;
use crate::domain::id::NodeId;
use crate::domain::procedure::{Procedure, verification};
use crate::engine::backend::BackendError;
use crate::store::view::{AlertRow, IncidentDetail};

impl LocalBackend {
    /// The commands that show the effect of a step, by its document as it is now; none when that is gone.
    pub(super) fn verified_by(&self, step: &StepRef) -> Vec<NodeId> {
        self.verifications(step).into_iter().map(|found| found.node).collect()
    }

    fn verifications(&self, step: &StepRef) -> Vec<Verification> {
        let Some(document) = self.library().get(&step.sop) else { return Vec::new() };
        let procedure = &document.procedure;
        let Some(index) = procedure.index_of(&step.node) else { return Vec::new() };
        let found = verification::of(procedure, index).into_iter().filter_map(|at| verification_at(procedure, at));
        found.collect()
    }

    /// What is in doubt about an incident, newest first.
    pub(super) async fn doubts(&self, record: &IncidentDetail) -> Result<Vec<Doubt>, BackendError> {
        let unknown: Vec<&Attempt> = record.attempts.iter().filter(|attempt| is_unknown(attempt)).collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let incident = record.incident.id;
        let facts = self.store.read_view(move |reader| reader.doubt_facts(incident)).await?;
        let mut doubts = Vec::new();
        for attempt in unknown {
            let of = doubt::unknown(&attempt.step.sop, &attempt.step.node, &facts.attempts);
            let (Some(of), Some(proposal)) =
                (of.filter(|of| of.id == attempt.id), self.store.proposal(attempt.proposal).await?)
            else {
                continue;
            };
            let alert = proposal.spec.subject.key;
            let key = alert.clone();
            let row = self.store.read_view(move |reader| reader.alert(incident, &key)).await?;
            let verifications = self.verifications(&attempt.step);
            let nodes: Vec<NodeId> = verifications.iter().map(|found| found.node.clone()).collect();
            doubts.push(Doubt {
                attempt: attempt.id,
                proposal: attempt.proposal,
                incident,
                alert,
                step: attempt.step.clone(),
                alert_state: stands(row.as_ref()),
                settled: doubt::settled(of, &facts.attempts, &facts.checked, &nodes),
                verifications,
            });
        }
        Ok(doubts)
    }
}

fn is_unknown(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::Ended { outcome: Outcome::Unknown { .. }, .. })
}

/// How an alert stands, as a clause.
fn stands(alert: Option<&AlertRow>) -> String {
    match alert.map(|alert| (alert.status, alert.ends_at)) {
        None => "the alert is gone".to_owned(),
        Some((AlertStatus::Firing, _)) => "the alert still fires".to_owned(),
        Some((AlertStatus::Resolved, Some(at))) => format!("the alert ended at {}", at.to_minute()),
        Some((AlertStatus::Resolved, None)) => "the alert has ended".to_owned(),
    }
}

/// The command at `at`, called by the step that it stands in.
fn verification_at(procedure: &Procedure, at: usize) -> Option<Verification> {
    let node = procedure.nodes.get(at)?;
    let title =
        node.parent.and_then(|parent| procedure.nodes.get(parent)).map_or(node.text.as_str(), |parent| &parent.text);
    Some(Verification { node: node.id.clone(), title: title.trim_end_matches(':').to_owned() })
}

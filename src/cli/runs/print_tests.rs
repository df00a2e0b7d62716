//! What a terminal would obey never reaches the standard output, whichever text of a run it stands in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Origin, Pipeline, Script, Stage, Target, Word,
};
use crate::domain::action::subject::Subject;
use crate::domain::alert::{AlertKey, Labels};

/// What terminals obey or reorder by.
const HOSTILE: &str = "x\u{1b}[2J\u{9b}2J\u{202e}\u{7}\u{200b}";

/// An action that ended, with [`HOSTILE`] wherever it can have text.
fn hostile(outcome: Outcome) -> Action {
    let text = || HOSTILE.to_owned();
    let key = AlertKey { source: HOSTILE.into(), fingerprint: text(), starts_at: Timestamp::from_millis(0) };
    let step = StepRef { sop: HOSTILE.into(), node: HOSTILE.into(), revision: text(), title: text() };
    let stage = Stage::new(vec![Word::new("rm", Origin::Sop), Word::new(HOSTILE, Origin::Operator)]);
    let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
    let spec = ActionSpec {
        confinement: Confinement::Free,
        secrets: Vec::new(),
        edited: None,
        incident: IncidentId(1),
        subject: Subject::new(key, &Labels::new(), []),
        step: step.clone(),
        invocation: Invocation::Argv { script },
        mode: Execution::Supervised,
        target: Target::ThisHost { name: text() },
        cwd: text(),
        env: BTreeMap::from([(text(), text())]),
        risk: Risk::Change,
        risk_reasons: vec![text()],
        labels_used: BTreeMap::from([(text(), text())]),
        time_limit: Duration::from_secs(1),
    };
    let at = Timestamp::from_millis(1);
    let proposal = Proposal {
        id: ProposalId(1),
        spec,
        digest: text(),
        state: ProposalState::Pending,
        created_at: at,
        asked_by: text(),
        reason: text(),
        ruling: None,
        first_approver: None,
    };
    let attempt = Attempt {
        id: AttemptId(1),
        proposal: ProposalId(1),
        incident: IncidentId(1),
        step,
        state: AttemptState::Ended { outcome, at },
        intent_at: at,
        directory: text(),
        approved_by: text(),
    };
    Action { proposal, attempt: Some(attempt) }
}

/// A doubt about its end, with [`HOSTILE`] wherever it can have text.
fn in_doubt(of: &Action) -> Doubt {
    let (spec, text) = (&of.proposal.spec, || HOSTILE.to_owned());
    Doubt {
        attempt: AttemptId(1),
        proposal: ProposalId(1),
        incident: IncidentId(1),
        alert: spec.subject.key.clone(),
        step: spec.step.clone(),
        alert_state: text(),
        verifications: vec![Verification { node: HOSTILE.into(), title: text() }],
        settled: None,
    }
}

fn assert_harmless(printed: &[u8]) {
    let text = std::str::from_utf8(printed).unwrap();
    let bad = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
    assert!(text.contains('x') && !text.contains(bad), "{text:?}");
}

#[test]
fn no_text_of_a_run_reaches_a_terminal_as_it_is() {
    let reason = HOSTILE.to_owned();
    for outcome in [Outcome::Unknown { reason: reason.clone() }, Outcome::NotStarted { reason }] {
        let run_of = hostile(outcome);
        let doubt = in_doubt(&run_of);
        let waiting = Action { attempt: None, ..run_of.clone() };
        for format in [Format::Text, Format::Json] {
            let mut out: Vec<u8> = Vec::new();
            list(&[run_of.clone(), waiting.clone()], format, &mut out).unwrap();
            run(&waiting, "the review", &[], Some(&doubt), format, &mut out).unwrap();
            state(&run_of, Some(&doubt), format, &mut out).unwrap();
            let attempt = run_of.attempt.as_ref().unwrap();
            for output in [Ok((9, HOSTILE.as_bytes().to_vec())), Err(BackendError::Failed(HOSTILE.to_owned()))] {
                ended(&run_of, (attempt, Some(&doubt)), output, format, &mut out).unwrap();
            }
            assert_harmless(&out);
        }
    }
}

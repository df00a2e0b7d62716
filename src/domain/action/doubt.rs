//! Attempts of which nobody knows how they ended: what has to be looked at before the same step is proposed again.
//!
//! Owns: which attempt leaves a step in doubt, what settles that, and the refusal until then. Does not: find the steps that
//! verify another one (see `procedure::verification`), or remember anything.
//!
//! The rule: an attempt that may have run, wholly or in part, comes before everything else of its step. Its effect is looked
//! at: by a step that verifies it and has ended since, whatever it found, or by a person who says so in words. Before that
//! the step is not proposed again, and what was proposed of it before is void.

use serde::{Deserialize, Serialize};

use super::attempt::Outcome;
use super::spec::StepRef;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, NodeId, ProposalId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::time::Timestamp;

/// Longest text in which a person says what they saw, in characters.
pub const WORDS_CHARACTERS: usize = 2_000;

/// Why what waits of a step is void from the moment on at which an attempt of it ended so.
pub const VOIDED: &str = "an attempt of the same step ended, and nobody knows how: look at its effect first";

/// An attempt of an incident, as far as it concerns doubts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number: a later one has a higher one.
    pub id: AttemptId,
    /// From which document.
    pub sop: SopId,
    /// Which command.
    pub node: NodeId,
    /// When it was stored that it will be started.
    pub intent_at: Timestamp,
    /// How and when it ended; `None` while it runs.
    pub ended: Option<(Outcome, Timestamp)>,
}

/// A person looked at the effect of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// Login name.
    pub by: String,
    /// What they saw, in their words. Foreign text.
    pub words: String,
    /// When.
    pub at: Timestamp,
}

/// What has settled a doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Settled {
    /// A step that verifies it has ended since.
    Verified {
        /// Its attempt.
        attempt: AttemptId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A person has looked.
    Person(Checked),
}

impl Settled {
    /// What settled it, as a clause. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Verified { attempt, outcome } => {
                format!("its effect was looked at with attempt {attempt} ({})", outcome.label())
            }
            Self::Person(Checked { by, words, .. }) => format!("{by} looked at its effect: {words}"),
        }
    }
}

/// A step that shows the effect of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Its command.
    pub node: NodeId,
    /// What to show. Foreign text.
    pub title: String,
}

/// What is known of an attempt whose end nobody knows, for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The attempt, the last one of its step.
    pub attempt: AttemptId,
    /// Of which proposal.
    pub proposal: ProposalId,
    /// For which incident.
    pub incident: IncidentId,
    /// For which alert.
    pub alert: AlertKey,
    /// Of which step.
    pub step: StepRef,
    /// How the alert stands, as a clause.
    pub alert_state: String,
    /// The steps of the document that show its effect, the first one first; empty when it has none.
    pub verifications: Vec<Verification>,
    /// What has settled it; `None` when its effect was not looked at.
    pub settled: Option<Settled>,
}

impl Doubt {
    /// What to do first, or what was done, as a sentence. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { attempt, alert_state, .. } = self;
        if let Some(settled) = &self.settled {
            return format!("Attempt {attempt}: {}. The step can be proposed again.", settled.words());
        }
        match self.verifications.first() {
            Some(first) => format!(
                "Look at the effect of attempt {attempt} first: the SOP does that with \"{}\"; {alert_state}.",
                first.title
            ),
            None => format!(
                "Look at the effect of attempt {attempt} first, by hand: no step of the SOP does that; {alert_state}."
            ),
        }
    }
}

/// The attempt that leaves `step` in doubt: its last one, when nobody knows how that ended. Settled or not.
#[must_use]
pub fn unknown<'a>(sop: &SopId, node: &NodeId, attempts: &'a [Past]) -> Option<&'a Past> {
    let of_step = attempts.iter().filter(|past| past.sop == *sop && past.node == *node);
    let last = of_step.max_by_key(|past| past.id)?;
    matches!(last.ended, Some((Outcome::Unknown { .. }, _))).then_some(last)
}

/// What has settled the doubt that `of` leaves; `None` when nothing has. `verified_by` are the commands of its document that
/// show its effect.
#[must_use]
pub fn settled(of: &Past, attempts: &[Past], checked: &[Checked], verified_by: &[NodeId]) -> Option<Settled> {
    if let Some(by_person) = checked.iter().rev().find(|checked| checked.attempt == of.id) {
        return Some(Settled::Person(by_person.clone()));
    }
    let (_, unknown_since) = of.ended.as_ref()?;
    let looked = attempts.iter().filter(|past| {
        past.sop == of.sop && verified_by.contains(&past.node) && past.id > of.id && past.intent_at >= *unknown_since
    });
    looked.rev().find_map(|past| match &past.ended {
        // Whatever it found, the person has it before them.
        Some((outcome @ Outcome::Exited { .. }, _)) => {
            Some(Settled::Verified { attempt: past.id, outcome: outcome.clone() })
        }
        Some(_) | None => None,
    })
}

/// May `step` be proposed? `verified_by` as for [`settled`].
///
/// # Errors
/// When its last attempt ended without anybody knowing how, and its effect was not looked at.
pub fn decide_propose(
    step: &StepRef,
    attempts: &[Past],
    checked: &[Checked],
    verified_by: &[NodeId],
) -> Result<(), Refusal> {
    let Some(of) = unknown(&step.sop, &step.node, attempts) else { return Ok(()) };
    if settled(of, attempts, checked, verified_by).is_some() {
        return Ok(());
    }
    let why = format!("nobody knows how attempt {} of this step ended: it may have done all of it, or a part", of.id);
    let remedy = if verified_by.is_empty() {
        "Look at its effect by hand, and say what you saw (X in the console, or `aiops runs checked`)"
    } else {
        "Look at its effect first: run the step that verifies it (E in the console, or `aiops runs check`), or say what you \
         saw (X, or `aiops runs checked`)"
    };
    Err(Refusal::new("Not proposed", why, remedy))
}

/// May a person say with `words` that they looked at the effect of `attempt`, which ended with `outcome`? Returns the words
/// as they are kept.
///
/// # Errors
/// When its end is known or still to come, or nothing is said.
pub fn decide_checked(attempt: AttemptId, outcome: Option<&Outcome>, words: &str) -> Result<String, Refusal> {
    const WHAT: &str = "Not noted";
    match outcome {
        Some(Outcome::Unknown { .. }) => {}
        Some(outcome) => {
            let why = format!("how attempt {attempt} ended is known ({})", outcome.label());
            return Err(Refusal::new(WHAT, why, "Nothing needs to be done"));
        }
        None => {
            let why = format!("attempt {attempt} has not ended");
            return Err(Refusal::new(WHAT, why, "Wait for its end, or cancel it"));
        }
    }
    let words: String = words.trim().chars().take(WORDS_CHARACTERS).collect();
    if words.is_empty() {
        return Err(Refusal::new(WHAT, "nothing is said", "Say what you looked at and what you saw"));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const fn exited(code: i32) -> Outcome {
        Outcome::Exited { code }
    }

    fn lost() -> Outcome {
        Outcome::Unknown { reason: "lost".to_owned() }
    }

    /// Attempt `id` of `node`, begun at `began` and ended at `ended`.
    fn past(id: i64, node: &str, began: i64, ended: Option<(Outcome, i64)>) -> Past {
        Past {
            id: AttemptId(id),
            sop: "a.md".into(),
            node: node.into(),
            intent_at: Timestamp::from_millis(began),
            ended: ended.map(|(outcome, at)| (outcome, Timestamp::from_millis(at))),
        }
    }

    fn step(node: &str) -> StepRef {
        StepRef { sop: "a.md".into(), node: node.into(), revision: "r".to_owned(), title: String::new() }
    }

    fn checked(attempt: i64) -> Checked {
        let words = "the file is gone".to_owned();
        Checked { attempt: AttemptId(attempt), by: "ada".to_owned(), words, at: Timestamp::from_millis(1) }
    }

    fn may(attempts: &[Past], checked: &[Checked]) -> Result<(), Refusal> {
        decide_propose(&step("fix"), attempts, checked, &["look".into()])
    }

    #[rstest]
    #[case::nothing_ran(vec![])]
    #[case::it_runs(vec![past(1, "fix", 1, None)])]
    #[case::its_end_is_known(vec![past(1, "fix", 1, Some((exited(1), 2)))])]
    #[case::another_step(vec![past(1, "other", 1, Some((lost(), 2)))])]
    #[case::run_again_since(vec![past(1, "fix", 1, Some((lost(), 2))), past(2, "fix", 3, Some((exited(0), 4)))])]
    #[case::verified(vec![past(1, "fix", 1, Some((lost(), 2))), past(2, "look", 3, Some((exited(1), 4)))])]
    fn a_step_without_doubt_is_proposed(#[case] attempts: Vec<Past>) {
        assert_eq!(may(&attempts, &[]), Ok(()));
    }

    #[rstest]
    #[case::alone(vec![past(1, "fix", 1, Some((lost(), 2)))])]
    #[case::the_last_counts(vec![past(1, "fix", 1, Some((exited(0), 2))), past(2, "fix", 3, Some((lost(), 4)))])]
    #[case::looked_before_its_end(vec![past(1, "fix", 1, Some((lost(), 5))), past(2, "look", 3, Some((exited(0), 4)))])]
    #[case::looked_before_it(vec![past(1, "look", 1, Some((exited(0), 2))), past(2, "fix", 3, Some((lost(), 4)))])]
    #[case::still_looking(vec![past(1, "fix", 1, Some((lost(), 2))), past(2, "look", 3, None)])]
    #[case::the_look_is_unknown(vec![past(1, "fix", 1, Some((lost(), 2))), past(2, "look", 3, Some((lost(), 4)))])]
    #[case::the_look_did_not_start(vec![
        past(1, "fix", 1, Some((lost(), 2))),
        past(2, "look", 3, Some((Outcome::NotStarted { reason: String::new() }, 4))),
    ])]
    #[case::another_step_looked(vec![past(1, "fix", 1, Some((lost(), 2))), past(2, "other", 3, Some((exited(0), 4)))])]
    fn a_step_in_doubt_is_refused_until_a_person_has_looked(#[case] attempts: Vec<Past>) {
        let of = unknown(&"a.md".into(), &"fix".into(), &attempts).unwrap().id;
        let refusal = may(&attempts, &[checked(of.0 + 10)]).unwrap_err();
        assert!(refusal.why.contains(&format!("attempt {of}")) && refusal.remedy.contains("effect"), "{refusal:?}");
        assert_eq!(may(&attempts, &[checked(of.0)]), Ok(()));
    }

    #[test]
    fn the_remedy_names_a_verification_only_where_there_is_one() {
        let attempts = [past(1, "fix", 1, Some((lost(), 2)))];
        let remedy =
            |verified_by: &[NodeId]| decide_propose(&step("fix"), &attempts, &[], verified_by).unwrap_err().remedy;
        assert!(remedy(&["look".into()]).contains("verifies it"));
        assert!(remedy(&[]).contains("by hand"));
    }

    #[test]
    fn a_person_says_what_they_saw_and_only_of_what_is_unknown() {
        let id = AttemptId(1);
        assert_eq!(decide_checked(id, Some(&lost()), "  it is gone \n"), Ok("it is gone".to_owned()));
        assert!(decide_checked(id, Some(&lost()), " ").is_err());
        assert!(decide_checked(id, Some(&exited(0)), "x").is_err());
        assert!(decide_checked(id, None, "x").is_err());
        let long = decide_checked(id, Some(&lost()), &"é".repeat(3_000)).unwrap();
        assert_eq!(long.chars().count(), WORDS_CHARACTERS);
    }
}

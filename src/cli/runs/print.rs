//! How runs are printed, for people and for programs.
//!
//! Owns: the shape of a run in JSON, which other programs may rely on, and the words for people. Does not: read anything.
//!
//! Invariant: in text for people every foreign word goes through `domain::text`; JSON spells out what a terminal would obey.

use std::io::{self, Write};

use serde::Serialize;

use super::scopes::WiderObject;
use crate::cli::{Format, json_line};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::doubt::{Doubt, Settled, Verification};
use crate::domain::action::proposal::{APPROVE_WITHIN, ProposalState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Invocation, StepRef};
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::engine::backend::{BackendError, NeededValue};
use crate::store::Action;

/// At most so many bytes of an output are printed, those of its end.
pub(super) const OUTPUT_BYTES: usize = 64 * 1024;

/// A run as programs see it.
#[derive(Serialize)]
struct RunObject<'a> {
    id: ProposalId,
    /// `waiting`, `approved`, `starting`, `running`, `ended`, `rejected` or `void`.
    state: &'static str,
    incident: IncidentId,
    step: &'a StepRef,
    command: String,
    invocation: &'a Invocation,
    risk: Risk,
    target: &'a str,
    digest: &'a str,
    /// Whether `approve` needs the target's name.
    needs_target: bool,
    created_at: Timestamp,
    /// Nobody can approve it later.
    approve_before: Timestamp,
    asked_by: &'a str,
    /// Why it is void or was rejected.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptObject<'a>>,
    /// What is to be looked at before the step is proposed again, when nobody knows how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect_check: Option<EffectCheck<'a>>,
    /// The review, line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<&'a str>,
    /// Yeses to more than this that it can be given.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    wider: &'a [WiderObject],
    /// The end of the output; bytes that are no UTF-8 are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

#[derive(Serialize)]
struct EffectCheck<'a> {
    /// Commands of the SOP that show the effect.
    verifications: &'a [Verification],
    /// How the alert stands.
    alert: &'a str,
    /// Who looked, or what did; absent when nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<&'a Settled>,
}

impl<'a> EffectCheck<'a> {
    fn of(doubt: &'a Doubt) -> Self {
        Self { verifications: &doubt.verifications, alert: &doubt.alert_state, settled: doubt.settled.as_ref() }
    }
}

#[derive(Serialize)]
struct AttemptObject<'a> {
    id: AttemptId,
    approved_by: &'a str,
    intent_at: Timestamp,
    directory: &'a str,
    #[serde(flatten)]
    outcome: Option<&'a Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
}

impl<'a> RunObject<'a> {
    fn of(run: &'a Action) -> Self {
        let Action { proposal, attempt } = run;
        let spec = &proposal.spec;
        Self {
            id: proposal.id,
            state: name_of(run),
            incident: spec.incident,
            step: &spec.step,
            command: spec.command_line(),
            invocation: &spec.invocation,
            risk: spec.risk,
            target: spec.target.name(),
            digest: &proposal.digest,
            needs_target: proposal.needs_typed_target(),
            created_at: proposal.created_at,
            approve_before: proposal.created_at.plus(APPROVE_WITHIN),
            asked_by: &proposal.asked_by,
            reason: &proposal.reason,
            attempt: attempt.as_ref().map(AttemptObject::of),
            effect_check: None,
            review: None,
            wider: &[],
            output: None,
        }
    }
}

impl<'a> AttemptObject<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let (outcome, ended_at) = match &attempt.state {
            AttemptState::IntentStored | AttemptState::Running { .. } => (None, None),
            AttemptState::Ended { outcome, at } => (Some(outcome), Some(*at)),
        };
        Self {
            id: attempt.id,
            approved_by: &attempt.approved_by,
            intent_at: attempt.intent_at,
            directory: &attempt.directory,
            outcome,
            ended_at,
        }
    }
}

/// Where a run stands, in one word.
const fn name_of(run: &Action) -> &'static str {
    match (&run.attempt, run.proposal.state) {
        (Some(attempt), _) => match attempt.state {
            AttemptState::IntentStored => "starting",
            AttemptState::Running { .. } => "running",
            AttemptState::Ended { .. } => "ended",
        },
        (None, ProposalState::Pending) => "waiting",
        (None, ProposalState::Granted | ProposalState::Spent) => "approved",
        (None, ProposalState::Rejected) => "rejected",
        (None, ProposalState::Void) => "void",
    }
}

/// Where a run stands, with how it ended or why it did not begin. May hold foreign text.
fn described(run: &Action) -> String {
    match &run.attempt {
        Some(Attempt { state: AttemptState::Ended { outcome, .. }, .. }) => match outcome {
            Outcome::NotStarted { reason } | Outcome::Unknown { reason } => format!("{}: {reason}", outcome.label()),
            other => other.label(),
        },
        _ if run.proposal.reason.is_empty() => name_of(run).to_owned(),
        _ => format!("{}: {}", name_of(run), run.proposal.reason),
    }
}

/// A value that is missing, and how to give it.
pub(super) fn needed(value: &NeededValue) -> String {
    let NeededValue { name, surface, problem } = value;
    let problem = if problem.is_empty() { String::new() } else { format!(" ({problem})") };
    format!("{surface}{problem}, as --value {name}=VALUE")
}

/// Prints a row for each run.
pub(super) fn list(runs: &[Action], format: Format, out: &mut (dyn Write + Send)) -> io::Result<()> {
    for (at, run) in runs.iter().enumerate() {
        match format {
            Format::Json => json_line(out, &RunObject::of(run))?,
            Format::Text => row(run, at == 0, out)?,
        }
    }
    if runs.is_empty() && format == Format::Text {
        writeln!(out, "No run.")?;
    }
    Ok(())
}

fn row(run: &Action, is_first: bool, out: &mut (dyn Write + Send)) -> io::Result<()> {
    if is_first {
        writeln!(out, "RUN    INCIDENT  RISK     STATE                 COMMAND")?;
    }
    let spec = &run.proposal.spec;
    let state = match &run.attempt {
        Some(Attempt { state: AttemptState::Ended { outcome, .. }, .. }) => outcome.label(),
        _ => name_of(run).to_owned(),
    };
    writeln!(
        out,
        "{:<5}  {:<8}  {:<7}  {state:<20}  {}",
        run.proposal.id,
        format!("#{}", spec.incident),
        spec.risk.name(),
        text::visible(&spec.command_line()),
    )
}

/// Prints one run with its review, and how to approve it if it waits.
pub(super) fn run(
    run: &Action,
    review: &str,
    wider: &[WiderObject],
    doubt: Option<&Doubt>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let proposal = &run.proposal;
    if format == Format::Json {
        let effect_check = doubt.map(EffectCheck::of);
        return json_line(out, &RunObject { review: Some(review), wider, effect_check, ..RunObject::of(run) });
    }
    // The lines of a review are harmless already.
    writeln!(out, "{review}\n")?;
    writeln!(out, "Run {}: {}", proposal.id, text::visible(&described(run)))?;
    effect_first(run, doubt, out)?;
    writeln!(out, "Digest: {}", text::visible(&proposal.digest))?;
    if proposal.state != ProposalState::Pending {
        return Ok(());
    }
    let target = if proposal.needs_typed_target() { " --target NAME-OF-THE-TARGET" } else { "" };
    writeln!(
        out,
        "It waits until {}. Who has read it says yes with: aiops runs approve {} --digest {}{target}",
        proposal.created_at.plus(APPROVE_WITHIN).to_minute(),
        proposal.id,
        text::visible(&proposal.digest),
    )?;
    wider.iter().try_for_each(|wider| wider.print(out))
}

/// Prints where a run stands.
pub(super) fn state(
    run: &Action,
    doubt: Option<&Doubt>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    match format {
        Format::Json => json_line(out, &RunObject { effect_check: doubt.map(EffectCheck::of), ..RunObject::of(run) }),
        Format::Text => {
            writeln!(out, "Run {}: {}", run.proposal.id, text::visible(&described(run)))?;
            effect_first(run, doubt, out)
        }
    }
}

/// What is to be looked at before anything else is done with the step of a run, and how.
fn effect_first(run: &Action, doubt: Option<&Doubt>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let Some(doubt) = doubt else { return Ok(()) };
    writeln!(out, "{}", text::visible(&doubt.words()))?;
    if doubt.settled.is_some() {
        return Ok(());
    }
    let id = run.proposal.id;
    if !doubt.verifications.is_empty() {
        writeln!(out, "Propose that with: aiops runs check {id}")?;
    }
    writeln!(out, "Say what you saw with: aiops runs checked {id} --words TEXT")
}

/// Prints the output of a run that has ended, and how it did. `output` begins with the position of its first byte.
pub(super) fn ended(
    run: &Action,
    (attempt, doubt): (&Attempt, Option<&Doubt>),
    output: Result<(u64, Vec<u8>), BackendError>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let (start, bytes) = match output {
        Ok(read) => read,
        // How it ended is worth more than its output.
        Err(error) => (0, format!("aiops: {error}\n").into_bytes()),
    };
    if format == Format::Json {
        let output = Some(String::from_utf8_lossy(&bytes).into_owned());
        let effect_check = doubt.map(EffectCheck::of);
        return json_line(out, &RunObject { output, effect_check, ..RunObject::of(run) });
    }
    if start > 0 {
        writeln!(out, "… {start} earlier bytes are in {}/output", text::visible(&attempt.directory))?;
    }
    for line in text::visible_lines(&bytes) {
        writeln!(out, "{line}")?;
    }
    state(run, doubt, format, out)
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;

//! `aiops runs`: the commands of SOPs without the console: propose, read, approve, reject, follow.
//!
//! Owns: arguments, printing, and waiting until an action has ended. Does not: decide what may run (see
//! `domain::action::grant`), or start anything by another way than the console does: both send the same [`Command`]s to the
//! same [`Backend`].
//!
//! Invariants: nothing is approved without the digest of what was read. A run goes by the number of its proposal, of which
//! there is at most one attempt. Ending this process does not end what it started; `wait` takes that up again.

mod print;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Report, eyre};

use super::incidents::incident_id;
use super::{Exit, Format, run_engine};
use crate::domain::action::attempt::AttemptState;
use crate::domain::action::choice;
use crate::domain::action::grant::Approval;
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::id::{IncidentId, NodeId, ProposalId, RunId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::procedure::NodeKind;
use crate::domain::time::Timestamp;
use crate::engine::backend::{
    AlertRow, Backend, BackendError, Command, Detail, Done, QueueAnchor, QueueQuery, SnapshotQuery,
};
use crate::engine::runner::Runner;
use crate::store::{Action, Store};

/// How long the store is left alone between two looks at an action that runs, when nothing tells of a change before.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What can be done with runs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum RunsCommand {
    /// Print what waits, runs or has ended, newest first
    List(ListArgs),
    /// Print what a run would do or did, as its review shows it, and the digest that approving it needs
    Show {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// Ask for a command of an SOP; prints its review and exits with 4, since a person has to approve it
    Propose(ProposeArgs),
    /// Say yes to what was read, start it, and stay until it has ended; says when it was started, and how it ended
    Approve(ApproveArgs),
    /// Say no
    Reject {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// Stay until a run that was started, by whomever, has ended; without a number until none goes on
    Wait {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: Option<ProposalId>,
    },
    /// Begin a run of a whole SOP for an incident; a console of whoever begins it proposes each step
    Begin {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        incident: IncidentId,
        /// The SOP, as `aiops sop list` names it
        sop: String,
    },
    /// Print a run of an SOP with everything that happened to it, and what came of it
    Story {
        /// Number of the run of the SOP
        #[arg(value_parser = sop_run_id)]
        id: RunId,
    },
    /// Print in what a run of an SOP was done otherwise than the SOP is written, and what to do about it
    Deviations {
        /// Number of the run of the SOP
        #[arg(value_parser = sop_run_id)]
        id: RunId,
    },
}

/// Which runs to print.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct ListArgs {
    /// Only those for this incident
    #[arg(long, value_name = "NUMBER", value_parser = incident_id)]
    pub incident: Option<IncidentId>,
    /// Only those that wait for a person
    #[arg(long)]
    pub waiting: bool,
    /// Print at most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct ProposeArgs {
    /// Number of the incident
    #[arg(value_parser = incident_id)]
    pub incident: IncidentId,
    /// The command: its number in the SOP, from 1, or the identifier of its node
    pub step: String,
    /// The SOP, as `aiops sop list` names it [default: the one that fits the alert best]
    #[arg(long, value_name = "NAME")]
    pub sop: Option<String>,
    /// The alert, by its fingerprint [default: the newest of the incident]
    #[arg(long, value_name = "FINGERPRINT")]
    pub alert: Option<String>,
    /// The host to run on: this one's name, or a host or user@host that ssh reaches [default: as the targets of the
    /// configuration says for the alert, else this one]
    #[arg(long, value_name = "HOST")]
    pub on: Option<String>,
    /// A value that the alert does not give; can be given several times
    #[arg(long = "value", value_name = "NAME=VALUE", value_parser = named_value)]
    pub values: Vec<(String, String)>,
}

/// What to say yes to.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct ApproveArgs {
    /// Number of the run
    #[arg(value_parser = run_id)]
    pub id: ProposalId,
    /// The digest that `propose` or `show` printed below the review
    #[arg(long)]
    pub digest: String,
    /// The target's name, which what is dangerous or unknown needs
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
}

/// Reads `12`.
fn run_id(text: &str) -> Result<ProposalId, String> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.map(ProposalId).ok_or_else(|| "a number such as 12 is needed".to_owned())
}

/// Reads `12`, the number of a run of an SOP.
fn sop_run_id(text: &str) -> Result<RunId, String> {
    run_id(text).map(|id| RunId(id.0))
}

/// Reads `NAME=VALUE`; the value may be empty or hold more signs of equality.
fn named_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a name and a value are needed, such as mountpoint=/srv".to_owned()),
    }
}

/// The rules said no. Programs know it by the exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedByRules(Refusal);

impl RefusedByRules {
    /// What the rules said.
    #[must_use]
    pub const fn new(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// What the commands work with: the engine as the console has it.
pub struct Desk<'a> {
    /// What a person may do.
    pub backend: &'a dyn Backend,
    /// Finds again what other processes started.
    pub runner: &'a Runner,
    /// What is stored.
    pub store: &'a Store,
    /// Lays out the review of a proposal for an incident of this title, as the console does: lines of harmless text.
    pub review: &'a (dyn Fn(&Proposal, &str) -> String + Sync),
}

/// Runs `command`. Has to be called within a tokio runtime.
///
/// # Errors
/// When there is no such run, incident or step, when values are missing, when the rules refuse ([`RefusedByRules`]), or when
/// something cannot be read, started or printed.
pub async fn run(
    command: &RunsCommand,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    // What is overdue must not look as if it could be approved; what others left running is followed from here on.
    desk.store.expire(desk.store.now()).await?;
    match command {
        RunsCommand::List(args) => list(args, desk, format, out).await,
        RunsCommand::Show { id } => {
            let run = desk.find(*id).await?;
            print::run(&run, &desk.review_of(&run.proposal).await?, format, out)?;
            Ok(Exit::Done)
        }
        RunsCommand::Propose(args) => propose(args, desk, format, out).await,
        RunsCommand::Approve(args) => approve(args, desk, format, out).await,
        RunsCommand::Reject { id } => {
            desk.find(*id).await?;
            desk.send(Command::Reject { proposal: *id }).await?;
            let run = desk.find(*id).await?;
            print::state(&run, format, out)?;
            Ok(Exit::Done)
        }
        RunsCommand::Wait { id } => wait(*id, desk, format, out).await,
        RunsCommand::Begin { incident, sop } => begin(*incident, sop, desk, format, out).await,
        RunsCommand::Story { id } => run_engine::show(desk.store, *id, format, out).await,
        RunsCommand::Deviations { id } => run_engine::deviations(desk.store, *id, format, out).await,
    }
}

/// Begins a run of `sop` for the newest alert of an incident.
async fn begin(
    incident: IncidentId,
    sop: &str,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let alert = desk.detail(incident).await?.record.alerts.first().map(|alert| alert.key());
    let alert = alert.ok_or_else(|| eyre!("Incident #{incident} has no alert that anything could run for"))?;
    desk.send(Command::StartRun { incident, alert, sop: SopId::from(sop) }).await?;
    run_engine::begun(desk.store, incident, format, out).await
}

impl Desk<'_> {
    async fn find(&self, id: ProposalId) -> Result<Action, Report> {
        let found = self.store.read_view(move |reader| reader.action(id)).await?;
        found.ok_or_else(|| eyre!("There is no run {id}. `aiops runs list` prints those that there are"))
    }

    /// Does what a person asks for, as the console would.
    async fn send(&self, command: Command) -> Result<Done, Report> {
        self.answered(self.backend.send(command).await)
    }

    /// The answer to a command, as the person reads it.
    fn answered(&self, answer: Result<Done, BackendError>) -> Result<Done, Report> {
        answer.map_err(|error| match error {
            BackendError::Refused(refusal) => Report::new(RefusedByRules(refusal)),
            BackendError::NeedsValues(needed) => {
                let missing: Vec<String> = needed.iter().map(print::needed).collect();
                eyre!("Not proposed: values are needed: {}", missing.join("; "))
            }
            error @ (BackendError::Failed(_) | BackendError::AwaitsSecond { .. }) => Report::new(error),
        })
    }

    async fn review_of(&self, proposal: &Proposal) -> Result<String, Report> {
        let id = proposal.spec.incident;
        let incident = self.store.read_view(move |reader| reader.incident(id)).await?;
        Ok((self.review)(proposal, &incident.map(|incident| incident.title).unwrap_or_default()))
    }

    async fn detail(&self, incident: IncidentId) -> Result<Detail, Report> {
        let query = SnapshotQuery {
            queue: QueueQuery {
                queue: crate::domain::incident::Queue::All,
                filter: String::new(),
                anchor: QueueAnchor::Rank(0),
                limit: 0,
                pinned: None,
                resolved_since: Timestamp::from_millis(i64::MAX),
            },
            detail: Some(incident),
            alert: None,
            output: None,
            chat: None,
            quarantined: 0,
        };
        let found = self.backend.load(query).await?.detail;
        found.ok_or_else(|| {
            eyre!("There is no incident #{incident}. `aiops incidents list` prints those that there are")
        })
    }

    /// Waits until the attempt of `id` has ended and the end is stored.
    async fn until_ended(&self, id: ProposalId) -> Result<Action, Report> {
        let mut changes = self.backend.follow();
        loop {
            changes.mark_unchanged();
            let run = self.find(id).await?;
            if run.attempt.as_ref().is_none_or(|attempt| matches!(attempt.state, AttemptState::Ended { .. })) {
                return Ok(run);
            }
            // Whoever started it may be gone by now: this process stores the end then.
            self.runner.resume().await?;
            // Whether there was a change or not, it is time to look.
            let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
        }
    }
}

async fn list(args: &ListArgs, desk: &Desk<'_>, format: Format, out: &mut (dyn Write + Send)) -> Result<Exit, Report> {
    let (incident, limit, waiting) = (args.incident, args.limit, args.waiting);
    let runs = desk.store.read_view(move |reader| {
        if !waiting {
            return reader.actions(incident, limit);
        }
        let tray = reader.tray()?.into_iter();
        let wanted = tray.filter(|proposal| incident.is_none_or(|id| proposal.spec.incident == id));
        let newest_first = wanted.rev().take(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(newest_first.map(|proposal| Action { proposal, attempt: None }).collect())
    });
    let runs = runs.await?;
    print::list(&runs, format, out)?;
    Ok(Exit::Done)
}

async fn propose(
    args: &ProposeArgs,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let detail = desk.detail(args.incident).await?;
    let alert = alert_of(&detail, args)?;
    let sop = match &args.sop {
        Some(name) => SopId(name.clone()),
        None => match detail.matches.first() {
            Some(fits) => fits.sop.clone(),
            None => return Err(eyre!("Not proposed: no SOP fits the alert. Name one with --sop")),
        },
    };
    let node = node_of(desk, &sop, &args.step).await?;
    let mut values: BTreeMap<String, String> = args.values.iter().cloned().collect();
    values.extend(args.on.iter().map(|host| (choice::TYPED.to_owned(), host.clone())));
    let command = Command::Propose { incident: args.incident, alert: alert.key(), sop, node, values };
    let Done::Proposed(proposal) = desk.send(command).await? else {
        return Err(eyre!("The engine answered something else than a proposal. Please report it"));
    };
    let run = desk.find(proposal.id).await?;
    print::run(&run, &desk.review_of(&proposal).await?, format, out)?;
    Ok(Exit::AwaitsApproval)
}

/// The alert that is meant: the one of that fingerprint, or the newest.
fn alert_of<'a>(detail: &'a Detail, args: &ProposeArgs) -> Result<&'a AlertRow, Report> {
    let alerts = &detail.record.alerts;
    let found = match &args.alert {
        Some(fingerprint) => alerts.iter().find(|alert| alert.fingerprint == *fingerprint),
        None => alerts.first(),
    };
    found.ok_or_else(|| {
        eyre!(
            "Not proposed: incident #{} has no such alert. `aiops incidents show {0}` prints its alerts",
            args.incident
        )
    })
}

/// The node of the command that `step` means: a number from 1, or an identifier.
async fn node_of(desk: &Desk<'_>, sop: &SopId, step: &str) -> Result<NodeId, Report> {
    let document = desk.backend.sop(sop.clone()).await.map_err(|error| match error {
        BackendError::Refused(refusal) => Report::new(RefusedByRules(refusal)),
        other => Report::new(other),
    })?;
    let is_command = |kind: &NodeKind| matches!(kind, NodeKind::Command { .. });
    let commands: Vec<&NodeId> =
        document.procedure.nodes.iter().filter(|node| is_command(&node.kind)).map(|node| &node.id).collect();
    let wanted = match step.parse::<usize>() {
        Ok(number) => number.checked_sub(1).and_then(|at| commands.get(at)),
        Err(_) => commands.iter().find(|id| id.as_str() == step),
    };
    wanted.map(|id| (*id).clone()).ok_or_else(|| {
        eyre!(
            "Not proposed: {sop} has {} commands, and {step:?} is none of them. Name one by its number",
            commands.len()
        )
    })
}

async fn approve(
    args: &ApproveArgs,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let run = desk.find(args.id).await?;
    let approval = Approval {
        digest: args.digest.clone(),
        typed_target: args.target.clone(),
        // What the digest stands for, as `show` prints it.
        rendered: desk.review_of(&run.proposal).await?,
        // There is none.
        terminal: (0, 0),
    };
    match desk.backend.send(Command::Approve { proposal: args.id, approval }).await {
        Err(BackendError::AwaitsSecond { .. }) => {
            print::state(&desk.find(args.id).await?, format, out)?;
            return Ok(Exit::AwaitsApproval);
        }
        sent => desk.answered(sent)?,
    };
    // It is stored and begun, whatever becomes of this process now; whoever reads this can rely on it.
    print::state(&desk.find(args.id).await?, format, out)?;
    out.flush()?;
    finish(args.id, desk, format, out).await
}

async fn wait(
    id: Option<ProposalId>,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let Some(id) = id else {
        for attempt in desk.store.unfinished_attempts().await? {
            let run = desk.until_ended(attempt.proposal).await?;
            print::state(&run, format, out)?;
        }
        return Ok(Exit::Done);
    };
    let run = desk.find(id).await?;
    match (run.proposal.state, &run.attempt) {
        (_, Some(_)) => finish(id, desk, format, out).await,
        (ProposalState::Pending, None) => {
            print::state(&run, format, out)?;
            Ok(Exit::AwaitsApproval)
        }
        (_, None) => {
            print::state(&run, format, out)?;
            Ok(Exit::Failed)
        }
    }
}

/// Stays until the attempt has ended, and prints its output and how it ended.
async fn finish(id: ProposalId, desk: &Desk<'_>, format: Format, out: &mut (dyn Write + Send)) -> Result<Exit, Report> {
    let run = desk.until_ended(id).await?;
    let Some(attempt) = &run.attempt else {
        return Err(eyre!("Run {id} has no attempt any more: the database was changed by something else"));
    };
    let output = desk.runner.output(attempt, print::OUTPUT_BYTES).await;
    print::ended(&run, attempt, output, format, out)?;
    let succeeded = matches!(&attempt.state, AttemptState::Ended { outcome, .. } if outcome.succeeded());
    Ok(if succeeded { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests;

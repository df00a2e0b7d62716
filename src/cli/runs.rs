//! `aiops runs`: the commands of SOPs without the console: propose, read, approve, reject, follow.
//!
//! Owns: arguments, printing, and waiting until an action has ended. Does not: decide what may run (see
//! `domain::action::grant`), or start anything by another way than the console does: both send the same [`Command`]s to the
//! same [`Backend`].
//!
//! Invariants: nothing is approved without the digest of what was read. A run goes by the number of its proposal, of which
//! there is at most one attempt. Ending this process does not end what it started; `wait` takes that up again.

mod print;
mod scopes;
mod suggest;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Report, eyre};

pub use suggest::SuggestArgs;

use super::incidents::incident_id;
use super::{Exit, Format, run_engine};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::choice;
use crate::domain::action::doubt::Doubt;
use crate::domain::action::grant::Approval;
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::id::{IncidentId, NodeId, ProposalId, RunId, ScopeId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::procedure::NodeKind;
use crate::domain::scope::{Cover, Wish};
use crate::domain::time::Timestamp;
use crate::engine::backend::{
    AlertRow, Backend, BackendError, Beside, Command, Detail, Done, QueueAnchor, QueueQuery, Snapshot, SnapshotQuery,
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
    /// Put another command in the place of one that waits; prints its review and exits with 4: it has to be approved itself
    Edit(EditArgs),
    /// Ask to look up which objects of a cluster one that waits would touch; prints the review of that and exits with 4.
    /// Once it has ended, `show` prints what was found
    Touches {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// End what runs: TERM to all of its processes, KILL when that does not end them; stays until it has ended
    Cancel {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// Print the yeses that cover more than one command, what they cover, and how long and how often they still count
    Scopes {
        /// Those that have ended as well, newest first, at most 1,000
        #[arg(long)]
        all: bool,
    },
    /// End a yes that covers more than one command
    Revoke {
        /// Number of the scope, as `scopes` prints it
        #[arg(value_parser = scopes::scope_id)]
        id: ScopeId,
    },
    /// Say no
    Reject {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// Ask for the step that shows the effect of a run of which nobody knows how it ended; as `propose`
    Check {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
    },
    /// Say that you looked at the effect of a run of which nobody knows how it ended, so that its step can be proposed again
    Checked {
        /// Number of the run
        #[arg(value_parser = run_id)]
        id: ProposalId,
        /// What you looked at and what you saw; it stands in the journal with your name
        #[arg(long, value_name = "TEXT")]
        words: String,
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
    /// Ask how a run of an SOP should go on; prints suggestions and changes nothing, unless one is taken
    Suggest(SuggestArgs),
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
    /// The host to run on: this one's name, a host or user@host that ssh reaches, container: for the container of the alert,
    /// or container:NAMESPACE/POD/CONTAINER@CONTEXT, the last two if needed [default: as the step says, else as the targets
    /// of the configuration say for the alert, else this one]
    #[arg(long, value_name = "HOST")]
    pub on: Option<String>,
    /// Run it at once if a yes that you gave before covers it (see `scopes`); without one it waits as usual
    #[arg(long)]
    pub use_scope: bool,
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
    /// Say yes to more of the run of an SOP that it belongs to: the same step again, or every confined read
    #[arg(long, value_name = "COVER", value_parser = scopes::cover)]
    pub scope: Option<Cover>,
    /// How long that counts, 1 minute to 4 hours [default: as the configuration says]
    #[arg(long = "for", value_name = "SPAN", requires = "scope", value_parser = scopes::lasts)]
    pub lasts: Option<Duration>,
}

/// What to run instead.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct EditArgs {
    /// Number of the run
    #[arg(value_parser = run_id)]
    pub id: ProposalId,
    /// The whole command, as it would be typed
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    pub command: String,
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
    /// Lays out the review of a proposal for an incident of this title, with what is known beside it, as the console does:
    /// lines of harmless text.
    pub review: &'a (dyn Fn(&Proposal, &str, &Beside) -> String + Sync),
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
            let doubt = desk.doubt_of(&run).await?;
            let wider = scopes::offered(desk, &run.proposal).await?;
            print::run(&run, &desk.review_of(&run.proposal).await?, &wider, doubt.as_ref(), format, out)?;
            Ok(Exit::Done)
        }
        RunsCommand::Check { id } => check(*id, desk, format, out).await,
        RunsCommand::Checked { id, words } => {
            let run = desk.find(*id).await?;
            let attempt = run.attempt.as_ref().map(|attempt| attempt.id);
            let attempt = attempt.ok_or_else(|| eyre!("Nothing of run {id} was started, so that it has no effect"))?;
            desk.send(Command::EffectChecked { attempt, words: words.clone() }).await?;
            let doubt = desk.doubt_of(&run).await?;
            print::state(&run, doubt.as_ref(), format, out)?;
            Ok(Exit::Done)
        }
        RunsCommand::Propose(args) => propose(args, desk, format, out).await,
        RunsCommand::Approve(args) => approve(args, desk, format, out).await,
        RunsCommand::Edit(args) => {
            let command = Command::Edit { proposal: args.id, script: args.command.clone() };
            proposed(command, desk, format, out).await
        }
        RunsCommand::Touches { id } => proposed(Command::LookUp { proposal: *id }, desk, format, out).await,
        RunsCommand::Reject { id } => {
            desk.find(*id).await?;
            desk.send(Command::Reject { proposal: *id }).await?;
            let run = desk.find(*id).await?;
            print::state(&run, None, format, out)?;
            Ok(Exit::Done)
        }
        RunsCommand::Cancel { id } => cancel(*id, desk, format, out).await,
        RunsCommand::Scopes { all } => scopes::list(*all, desk, format, out).await,
        RunsCommand::Revoke { id } => scopes::revoke(*id, desk, format, out).await,
        RunsCommand::Wait { id } => wait(*id, desk, format, out).await,
        RunsCommand::Begin { incident, sop } => begin(*incident, sop, desk, format, out).await,
        RunsCommand::Story { id } => run_engine::show(desk.store, *id, format, out).await,
        RunsCommand::Suggest(args) => suggest::run(args, desk, format, out).await,
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

/// What is asked for an incident, or for what waits.
fn query(detail: Option<IncidentId>) -> SnapshotQuery {
    SnapshotQuery {
        queue: QueueQuery {
            queue: crate::domain::incident::Queue::All,
            filter: String::new(),
            anchor: QueueAnchor::Rank(0),
            limit: 0,
            pinned: None,
            resolved_since: Timestamp::from_millis(i64::MAX),
        },
        detail,
        alert: None,
        output: None,
        chat: None,
        quarantined: 0,
    }
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
    fn answered<T>(&self, answer: Result<T, BackendError>) -> Result<T, Report> {
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
        let beside = self.backend.load(query(None)).await?.beside.remove(&proposal.id).unwrap_or_default();
        Ok((self.review)(proposal, &incident.map(|incident| incident.title).unwrap_or_default(), &beside))
    }

    /// What is in doubt about a run.
    async fn doubt_of(&self, run: &Action) -> Result<Option<Doubt>, Report> {
        let Some(attempt) = &run.attempt else { return Ok(None) };
        if !matches!(&attempt.state, AttemptState::Ended { outcome: Outcome::Unknown { .. }, .. }) {
            return Ok(None);
        }
        Ok(self.detail(attempt.incident).await?.doubt_of(attempt.id).cloned())
    }

    /// What the engine has at one moment, with this incident in full.
    async fn snapshot(&self, incident: Option<IncidentId>) -> Result<Snapshot, Report> {
        Ok(self.backend.load(query(incident)).await?)
    }

    async fn detail(&self, incident: IncidentId) -> Result<Detail, Report> {
        let found = self.snapshot(Some(incident)).await?.detail;
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
    let propose = Command::Propose { incident: args.incident, alert: alert.key(), sop, node, values };
    let proposal = made(propose, desk).await?;
    if args.use_scope {
        match desk.backend.send(Command::SpendScope { proposal: proposal.id }).await {
            // It waits like every other one, and its reader sees why.
            Err(BackendError::Refused(refusal)) => tracing::info!(%refusal, "no scope was spent"),
            sent => {
                desk.answered(sent)?;
                return follow(proposal.id, desk, format, out).await;
            }
        }
    }
    waits(&proposal, desk, format, out).await
}

/// Asks for what makes a proposal.
async fn made(command: Command, desk: &Desk<'_>) -> Result<Box<Proposal>, Report> {
    match desk.send(command).await? {
        Done::Proposed(proposal) => Ok(proposal),
        _ => Err(eyre!("The engine answered something else than a proposal. Please report it")),
    }
}

/// Asks for what makes a proposal, and prints its review.
async fn proposed(
    command: Command,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let proposal = made(command, desk).await?;
    waits(&proposal, desk, format, out).await
}

/// Prints what waits now.
async fn waits(
    proposal: &Proposal,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let run = desk.find(proposal.id).await?;
    let wider = scopes::offered(desk, proposal).await?;
    print::run(&run, &desk.review_of(proposal).await?, &wider, None, format, out)?;
    Ok(Exit::AwaitsApproval)
}

/// Asks for the step that shows the effect of a run in doubt.
async fn check(id: ProposalId, desk: &Desk<'_>, format: Format, out: &mut (dyn Write + Send)) -> Result<Exit, Report> {
    const WHAT: &str = "Not proposed";
    let run = desk.find(id).await?;
    let Some(doubt) = desk.doubt_of(&run).await? else {
        let remedy = "Nothing needs to be looked at";
        return Err(RefusedByRules(Refusal::new(WHAT, format!("run {id} leaves nothing in doubt"), remedy)).into());
    };
    let Some(first) = doubt.verifications.first() else {
        let remedy = format!("Look by hand, and say what you saw with `aiops runs checked {id} --words TEXT`");
        let why = format!("no step of the SOP shows its effect; {}", doubt.alert_state);
        return Err(RefusedByRules(Refusal::new(WHAT, why, &remedy)).into());
    };
    let command = Command::Propose {
        incident: doubt.incident,
        alert: doubt.alert.clone(),
        sop: doubt.step.sop.clone(),
        node: first.node.clone(),
        values: BTreeMap::new(),
    };
    proposed(command, desk, format, out).await
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
        rendered: scopes::rendered(args, desk, &run.proposal).await?,
        // There is none.
        terminal: (0, 0),
    };
    let command = match args.scope {
        None => Command::Approve { proposal: args.id, approval },
        Some(cover) => {
            let wish = Wish { cover, lasts: args.lasts };
            Command::ApproveWider { proposal: args.id, approval, wish }
        }
    };
    match desk.backend.send(command).await {
        Err(BackendError::AwaitsSecond { .. }) => {
            print::state(&desk.find(args.id).await?, None, format, out)?;
            return Ok(Exit::AwaitsApproval);
        }
        sent => desk.answered(sent)?,
    };
    follow(args.id, desk, format, out).await
}

/// Says that a run was begun, and stays until it has ended.
async fn follow(id: ProposalId, desk: &Desk<'_>, format: Format, out: &mut (dyn Write + Send)) -> Result<Exit, Report> {
    // It is stored and begun, whatever becomes of this process now; whoever reads this can rely on it.
    print::state(&desk.find(id).await?, None, format, out)?;
    out.flush()?;
    finish(id, desk, format, out).await
}

/// Has an attempt ended, and stays until it has; that it was cancelled is no failure of this command.
async fn cancel(id: ProposalId, desk: &Desk<'_>, format: Format, out: &mut (dyn Write + Send)) -> Result<Exit, Report> {
    let run = desk.find(id).await?;
    let Some(attempt) = &run.attempt else {
        let why = format!("run {id} was never started");
        let remedy = "If it waits, `aiops runs reject` says no to it";
        return Err(Report::new(RefusedByRules(Refusal::new("Not cancelled", why, remedy))));
    };
    desk.send(Command::Cancel { attempt: attempt.id }).await?;
    finish(id, desk, format, out).await?;
    Ok(Exit::Done)
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
            print::state(&run, None, format, out)?;
        }
        return Ok(Exit::Done);
    };
    let run = desk.find(id).await?;
    match (run.proposal.state, &run.attempt) {
        (_, Some(_)) => finish(id, desk, format, out).await,
        (ProposalState::Pending, None) => {
            print::state(&run, None, format, out)?;
            Ok(Exit::AwaitsApproval)
        }
        (_, None) => {
            print::state(&run, None, format, out)?;
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
    let doubt = desk.doubt_of(&run).await?;
    print::ended(&run, (attempt, doubt.as_ref()), output, format, out)?;
    let succeeded = matches!(&attempt.state, AttemptState::Ended { outcome, .. } if outcome.succeeded());
    Ok(if succeeded { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests;

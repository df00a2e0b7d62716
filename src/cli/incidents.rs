//! `aiops incidents`: the queues, and what people do with incidents, for scripts and for people without the console.
//!
//! Owns: arguments and printing. Does not: decide what may be done (see `domain::incident`).
//!
//! Invariant: in text for people every foreign word goes through `domain::text`; JSON spells out what a terminal would obey.

use std::io::{self, Read, Write};
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Report, eyre};

use super::{Exit, Format, json_line};
use crate::domain::id::IncidentId;
use crate::domain::incident::command::TEXT_CHARACTERS;
use crate::domain::incident::{Assignee, Incident, IncidentCommand, IncidentState, Queue, Refusal, Until};
use crate::domain::text;
use crate::domain::time::{Timestamp, parse_span};
use crate::engine::backend::{IncidentDetail, QueueAnchor, QueueQuery};
use crate::store::{Changed, CommandError, OpenOptions, Store};

/// Rows that are read at a time.
const PAGE: u32 = 500;

/// Bytes of standard input that are read for a note: no character of UTF-8 takes more than four.
const NOTE_BYTES: u64 = TEXT_CHARACTERS as u64 * 4 + 1;

/// What can be done with incidents.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum IncidentsCommand {
    /// Print the incidents of a queue in its order, most urgent first
    List(ListArgs),
    /// Print an incident with its alerts, timeline, proposals and attempts
    Show {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
    },
    /// Acknowledge an incident: somebody has seen it; nobody owned it, you do now
    Ack {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
        /// Take the acknowledgement back
        #[arg(long)]
        back: bool,
    },
    /// Say who works on an incident
    Assign(AssignArgs),
    /// Write something down in the timeline of an incident
    Note {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
        /// What; `-` reads it from the standard input
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
    },
    /// Say that an incident is over, also while alerts of it fire
    Resolve {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Say that an incident that someone resolved is not over
    Reopen {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
    },
    /// Move an incident to the queue of suppressed ones for a while; nothing is silenced elsewhere
    Suppress(SuppressArgs),
    /// Take back your last change of an incident, within ten minutes and when nobody changed it since
    Undo {
        /// Number of the incident
        #[arg(value_parser = incident_id)]
        id: IncidentId,
    },
}

/// Which incidents to print.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Which queue
    #[arg(long, value_enum, default_value_t = QueueName::All)]
    pub queue: QueueName,
    /// Only those in this state [default: all that are not resolved]
    #[arg(long, value_enum)]
    pub state: Option<StateName>,
    /// Only those whose title, severity, state, owner or labels contain all these words
    #[arg(long, value_name = "WORDS", num_args = 1..)]
    pub filter: Vec<String>,
    /// Print at most so many
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub limit: u32,
}

/// Who is to work on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct AssignArgs {
    /// Number of the incident
    #[arg(value_parser = incident_id)]
    pub id: IncidentId,
    /// Login name
    #[arg(required_unless_present_any = ["me", "none"], conflicts_with_all = ["me", "none"])]
    pub name: Option<String>,
    /// You
    #[arg(long, conflicts_with = "none")]
    pub me: bool,
    /// Nobody
    #[arg(long)]
    pub none: bool,
}

/// For how long an incident is suppressed.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct SuppressArgs {
    /// Number of the incident
    #[arg(value_parser = incident_id)]
    pub id: IncidentId,
    /// For this long, such as 30m, 2h or 1d
    #[arg(long = "for", value_name = "SPAN", required_unless_present_any = ["until_change", "off"],
          conflicts_with_all = ["until_change", "off"])]
    pub span: Option<String>,
    /// Until an alert joins or ends or the severity changes
    #[arg(long, conflicts_with = "off")]
    pub until_change: bool,
    /// No longer
    #[arg(long)]
    pub off: bool,
}

/// A queue on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueName(Queue);

impl QueueName {
    /// The default.
    #[allow(non_upper_case_globals, reason = "it reads as the variant of an enumeration that it stands for")]
    pub const All: Self = Self(Queue::All);
}

impl ValueEnum for QueueName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Queue::All), Self(Queue::Mine), Self(Queue::Unassigned), Self(Queue::Suppressed)]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// A state on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateName(IncidentState);

impl ValueEnum for StateName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(IncidentState::Open), Self(IncidentState::Acknowledged), Self(IncidentState::Resolved)]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// Reads `12` or `#12`.
///
/// # Errors
/// What is wrong with the text.
pub fn incident_id(text: &str) -> Result<IncidentId, String> {
    let number = text.strip_prefix('#').unwrap_or(text);
    let id = number.parse().ok().filter(|id| *id > 0);
    id.map(IncidentId).ok_or_else(|| "a number such as 12 or #12 is needed".to_owned())
}

/// Where a command reads and writes.
pub struct Streams<'a> {
    /// For `note ID -`.
    pub input: &'a mut dyn Read,
    /// For results.
    pub out: &'a mut dyn Write,
}

/// Runs `command` on the store at `path`.
///
/// # Errors
/// When there is no store or no such incident, when the rules refuse ([`Refusal`]), or when something cannot be read or
/// written.
pub fn run(
    command: &IncidentsCommand,
    path: &Path,
    options: OpenOptions,
    format: Format,
    streams: Streams<'_>,
) -> Result<Exit, Report> {
    let now = (options.now)().0;
    let store = super::open_existing(path, options)?;
    let Streams { input, out } = streams;
    let change = |id: &IncidentId, command: IncidentCommand| (*id, Some(command));
    let (id, command) = match command {
        IncidentsCommand::List(args) => return list(&store, args, format, out),
        IncidentsCommand::Show { id } => return show(&store, *id, format, out),
        IncidentsCommand::Ack { id, back: false } => change(id, IncidentCommand::Acknowledge),
        IncidentsCommand::Ack { id, back: true } => change(id, IncidentCommand::Unacknowledge),
        IncidentsCommand::Assign(args) => change(&args.id, IncidentCommand::Assign(assignee(args))),
        IncidentsCommand::Note { id, text } => change(id, IncidentCommand::Note(note(text, input)?)),
        IncidentsCommand::Resolve { id, reason } => change(id, IncidentCommand::Resolve(reason.clone())),
        IncidentsCommand::Reopen { id } => change(id, IncidentCommand::Reopen),
        IncidentsCommand::Suppress(args) => change(&args.id, suppression(args, now)?),
        IncidentsCommand::Undo { id } => (*id, None),
    };
    let actor = store.person();
    let changed = super::wait(async {
        match command {
            Some(command) => store.incident_command(id, command, &actor).await,
            None => store.undo_incident(id, &actor).await,
        }
    })?;
    let Changed { incident, said } = changed.map_err(|error| match error {
        CommandError::Refused(refusal) => Report::new(harmless(&refusal)),
        error @ (CommandError::AwaitsSecond { .. } | CommandError::Store(_)) => Report::new(error),
    })?;
    match format {
        Format::Json => json_line(out, &incident)?,
        Format::Text => writeln!(out, "{}", text::visible(&said))?,
    }
    Ok(Exit::Done)
}

/// A refusal for a terminal: names and notes in it are foreign text.
fn harmless(refusal: &Refusal) -> Refusal {
    let visible = |part: &str| text::visible(part).into_owned();
    Refusal { what: visible(&refusal.what), why: visible(&refusal.why), remedy: visible(&refusal.remedy) }
}

fn assignee(args: &AssignArgs) -> Assignee {
    match &args.name {
        Some(name) => Assignee::Person(name.clone()),
        None if args.me => Assignee::Me,
        None => Assignee::Nobody,
    }
}

fn suppression(args: &SuppressArgs, now: Timestamp) -> Result<IncidentCommand, Refusal> {
    match &args.span {
        Some(text) => match parse_span(text) {
            Some(span) => Ok(IncidentCommand::Suppress(Until::Time(now.plus(span)))),
            None => Err(Refusal::new(
                "Not suppressed",
                format!("{:?} is no span of time", text::visible(text)),
                "Write it like 30m, 2h or 1d",
            )),
        },
        None if args.until_change => Ok(IncidentCommand::Suppress(Until::Changed)),
        None => Ok(IncidentCommand::Unsuppress),
    }
}

/// The words of the command line, or the standard input.
fn note(words: &[String], input: &mut dyn Read) -> Result<String, Report> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut bytes = Vec::new();
    input.take(NOTE_BYTES).read_to_end(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| eyre!("Not noted: the standard input is no UTF-8. Convert it, or type the note"))
}

fn list(store: &Store, args: &ListArgs, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let wanted = args.state.map(|state| state.0);
    // Resolved ones follow the others: as far back as they go, or not at all.
    let resolved_since = match wanted {
        Some(IncidentState::Resolved) => Timestamp::from_millis(i64::MIN),
        Some(IncidentState::Open | IncidentState::Acknowledged) | None => Timestamp::from_millis(i64::MAX),
    };
    let (mut printed, mut left_out, mut rank) = (0, 0, 0);
    loop {
        let query = QueueQuery {
            queue: args.queue.0,
            filter: args.filter.join(" "),
            anchor: QueueAnchor::Rank(rank),
            limit: PAGE,
            pinned: None,
            resolved_since,
        };
        let page = store.read_view_blocking(move |reader| {
            let window = reader.queue(&query)?;
            let rows = window.rows.iter().map(|row| reader.incident(row.id));
            rows.collect::<Result<Vec<Option<Incident>>, _>>()
        })?;
        if page.is_empty() {
            break;
        }
        rank += u32::try_from(page.len()).unwrap_or(PAGE);
        for incident in page.into_iter().flatten() {
            if wanted.is_some_and(|state| state != incident.state) {
                continue;
            }
            if printed == args.limit {
                left_out += 1;
                continue;
            }
            printed += 1;
            match format {
                Format::Json => json_line(out, &incident)?,
                Format::Text => print_row(&incident, printed == 1, out)?,
            }
        }
    }
    if format == Format::Text {
        match (printed, left_out) {
            (0, 0) => writeln!(out, "No incident.")?,
            (_, 0) => {}
            (_, more) => writeln!(out, "{more} more; --limit prints more of them.")?,
        }
    }
    Ok(Exit::Done)
}

/// Prints the columns of one incident, below their names when it is the first.
fn print_row(incident: &Incident, is_first: bool, out: &mut dyn Write) -> io::Result<()> {
    if is_first {
        writeln!(out, "ID     SEVERITY  STATE         FIRING  OWNER         BEGAN                  TITLE")?;
    }
    let owner = padded(&text::visible(incident.owner.as_deref().unwrap_or("-")), 12);
    writeln!(
        out,
        "{:<5}  {:<8}  {:<12}  {:>6}  {owner}  {:<21}  {}",
        format!("#{}", incident.id),
        incident.severity.name(),
        incident.state.name(),
        incident.firing,
        incident.opened_at.to_minute(),
        text::visible(&incident.title),
    )
}

/// `text` in exactly `columns`.
fn padded(text: &str, columns: usize) -> String {
    let cut = text::fit(text, columns);
    format!("{cut}{}", " ".repeat(columns.saturating_sub(text::width(&cut))))
}

fn show(store: &Store, id: IncidentId, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let detail = store.read_view_blocking(move |reader| reader.detail(id))?;
    let Some(detail) = detail else {
        let why = format!("there is no incident #{id}");
        return Err(Refusal::new("Not shown", why, "`aiops incidents list` prints those that there are").into());
    };
    match format {
        Format::Json => json_line(out, &detail)?,
        Format::Text => print_detail(&detail, out)?,
    }
    Ok(Exit::Done)
}

fn print_detail(detail: &IncidentDetail, out: &mut dyn Write) -> io::Result<()> {
    let incident = &detail.incident;
    writeln!(out, "#{} {}", incident.id, text::visible(&incident.title))?;
    let mut field = |name: &str, value: &str| writeln!(out, "  {name:<13}{}", text::visible(value));
    field("severity", incident.severity.name())?;
    field("state", &state(incident))?;
    field("owner", incident.owner.as_deref().unwrap_or("nobody"))?;
    field("began", &incident.opened_at.to_minute())?;
    field("firing", &format!("{} of {} alerts", incident.firing, detail.alerts_total))?;
    if let Some(suppressed) = &incident.suppressed {
        field("suppressed", &format!("{}, by {}", suppressed.until.describe(), suppressed.by))?;
    }
    for alert in &detail.alerts {
        let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        field("alert", &labels.join(" "))?;
    }
    for attempt in &detail.attempts {
        field("attempt", &format!("{}: {}, approved by {}", attempt.id, attempt.step.title, attempt.approved_by))?;
    }
    writeln!(out, "  timeline, newest first")?;
    for entry in &detail.timeline {
        let line = format!("{} ({})", entry.marked(), entry.who);
        writeln!(out, "    {}  {}", entry.at.to_minute(), text::visible(&line))?;
    }
    Ok(())
}

/// Where it stands, and whether that is the whole truth. May hold foreign text.
fn state(incident: &Incident) -> String {
    let still = match incident.firing {
        _ if !incident.fires_although_resolved() => String::new(),
        1 => ", 1 alert still firing".to_owned(),
        many => format!(", {many} alerts still firing"),
    };
    let by = incident.resolved_by.as_ref().or(incident.acknowledged_by.as_ref());
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{}{by}{still}", incident.state.name())
}

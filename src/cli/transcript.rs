//! `aiops transcript`: what happened to an incident, as Markdown that a post-mortem can start from.
//!
//! Owns: the sections, their order, and writing foreign text so that it cannot pass for structure. Invariants: times are in
//! UTC; text from alerts, commands, people and models stands either inside a line with every character escaped that Markdown
//! gives a meaning, or in a fence that nothing in it can close; secrets are removed unless that is not wanted.
//! Does not: judge what happened.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::{Report, WrapErr as _, eyre};
use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::action::spec::{ActionSpec, Origin};
use crate::domain::actor::Person;
use crate::domain::chat::citation::{self, Source};
use crate::domain::id::{IncidentId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::journal::tape::{Attached, Moment, Seal, Tape, What, command_lines};
use crate::domain::journal::{About, Kind, Payload};
use crate::domain::redact::{Names, redact_text};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::store::{OutputPart, read_tape};

/// Bytes of an output that are written down at most; the rest is in the attempt's file.
pub const EXCERPT: usize = 4 * 1024;

/// Bytes of a review or a message that are written down at most.
const TEXT: usize = 64 * 1024;

/// What to write down.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct TranscriptArgs {
    /// Number of the incident
    #[arg(value_parser = super::incidents::incident_id)]
    pub incident: IncidentId,
    /// Leave passwords, keys and tokens in; without this they are removed wherever they are recognised
    #[arg(long)]
    pub with_secrets: bool,
    /// Into this new file, of mode 0600, instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    incident: IncidentId,
    markdown: &'a str,
}

/// Writes the transcript that `args` asks for; `read_output` gives the output of the attempt in a directory.
///
/// # Errors
/// When there is no such incident, the database cannot be read, or the output cannot be written.
pub fn run(
    args: &TranscriptArgs,
    path: &Path,
    mut read_output: impl FnMut(&str) -> io::Result<Option<OutputPart>>,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    let tape = load(path, args.incident, &mut read_output, "Not written")?;
    let secrets = if args.with_secrets { Secrets::Stay } else { Secrets::Go };
    let page = Page { text: String::new(), secrets }.write(&tape);
    let Some(place) = &args.output else {
        match format {
            Format::Text => out.write_all(page.as_bytes())?,
            Format::Json => json_line(out, &Printed { incident: args.incident, markdown: &page })?,
        }
        out.flush()?;
        return Ok(Exit::Done);
    };
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(place);
    let shown = place.display();
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(eyre!("{shown}: there is a file already, nothing was written. Name another one"));
        }
        opened => opened.wrap_err_with(|| format!("{shown}: could not be written"))?,
    };
    file.write_all(page.as_bytes()).wrap_err_with(|| format!("{shown}: could not be written"))?;
    writeln!(out, "Wrote the transcript of #{} to {shown}", args.incident)?;
    Ok(Exit::Done)
}

/// The tape of an incident of the database at `path`; `what` begins the refusal when there is none.
///
/// # Errors
/// When there is no such database or incident, or the read failed.
pub fn load(
    path: &Path,
    id: IncidentId,
    read_output: &mut dyn FnMut(&str) -> io::Result<Option<OutputPart>>,
    what: &str,
) -> Result<Tape, Report> {
    if !path.exists() {
        let place = path.display();
        return Err(eyre!("{place}: there is no database here. Name the one that is meant with --db or AIOPS_DB"));
    }
    read_tape(path, id, read_output)?.ok_or_else(|| {
        let why = format!("there is no incident #{id}");
        Refusal::new(what, why, "`aiops incidents list` prints those that there are").into()
    })
}

/// Whether secrets are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrets {
    Go,
    Stay,
}

/// The page while it is written.
struct Page {
    text: String,
    secrets: Secrets,
}

impl Page {
    fn write(mut self, tape: &Tape) -> String {
        self.head(tape);
        self.left_to_write();
        self.alerts(tape);
        self.timeline(tape);
        self.actions(tape);
        self.conversation(tape);
        self.record(tape);
        self.text
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, line: &str) {
        self.line("");
        self.line(line);
        self.line("");
    }

    fn without_secrets<'t>(&self, foreign: &'t str) -> Cow<'t, str> {
        match self.secrets {
            Secrets::Stay => Cow::Borrowed(foreign),
            Secrets::Go => Cow::Owned(redact_text(foreign, Names::Keep).text),
        }
    }

    /// Foreign text within a line.
    fn inline(&self, foreign: &str) -> String {
        escaped(&text::visible(&self.without_secrets(foreign)))
    }

    /// Foreign text as lines of their own that mean nothing to Markdown.
    fn fenced(&mut self, kind: &str, foreign: &[u8]) {
        let whole = String::from_utf8_lossy(foreign);
        let shown = self.without_secrets(&whole).into_owned();
        let lines = text::visible_lines(shown.as_bytes());
        let fence = "`".repeat(longest_run(&lines).max(2) + 1);
        self.line(&format!("{fence}{kind}"));
        lines.iter().for_each(|line| self.line(line));
        self.line(&fence);
    }

    fn head(&mut self, tape: &Tape) {
        let incident = &tape.incident;
        let times = tape.times();
        let title = self.inline(&incident.title);
        self.line(&format!("# Incident {}: {title}", incident.id));
        self.line("");
        self.line("| | |");
        self.line("|---|---|");
        let resolved = match (&incident.resolved_by, times.resolved) {
            (_, None) => "not yet".to_owned(),
            (Some(by), Some(after)) => format!("{} after it was opened, by {}", span(after), self.inline(by)),
            (None, Some(after)) => format!("{} after it was opened, when its last alert ended", span(after)),
        };
        let after = |time: Option<Duration>| time.map_or_else(|| "never".to_owned(), span);
        let owner = self.inline(incident.owner.as_deref().unwrap_or("nobody"));
        for (name, value) in [
            ("Severity", incident.severity.name().to_owned()),
            ("State", incident.state.name().to_owned()),
            ("Owner", owner),
            ("Opened", time(incident.opened_at)),
            ("Acknowledged after", after(times.acknowledged)),
            ("First action after", after(times.first_action)),
            ("Resolved", resolved),
            ("Fired again", format!("{} times after its end", incident.reopened)),
        ] {
            self.line(&format!("| {name} | {value} |"));
        }
    }

    /// What only people know.
    fn left_to_write(&mut self) {
        self.heading("## To be written");
        for question in ["What users noticed", "Why it happened", "What helped, what did not", "What is to be done"] {
            self.line(&format!("- [ ] {question}"));
        }
    }

    fn alerts(&mut self, tape: &Tape) {
        self.heading("## Alerts");
        for alert in &tape.alerts {
            let end = alert.ends_at.map_or_else(|| "still firing".to_owned(), |at| format!("until {}", time(at)));
            let source = self.inline(&alert.source);
            self.line(&format!("- {source}: from {} {end}", time(alert.starts_at)));
            for (name, value) in alert.labels.iter().chain(&alert.annotations) {
                // Together: what a value is, its name tells.
                let label = self.inline(&format!("{name}: {value}"));
                self.line(&format!("  - {label}"));
            }
        }
        let loaded = u64::try_from(tape.alerts.len()).unwrap_or(u64::MAX);
        if let Some(more) = tape.alerts_total.checked_sub(loaded).filter(|more| *more > 0) {
            self.line(&format!("- {more} more"));
        }
    }

    fn timeline(&mut self, tape: &Tape) {
        self.heading("## Timeline (UTC)");
        for moment in &tape.moments {
            let telling = moment.telling();
            let (who, words) = (self.inline(moment.who()), self.inline(&telling.words));
            let (open, close) = if telling.kind == Kind::Decision { ("**", "**") } else { ("", "") };
            let entry = moment.seq.map_or_else(String::new, |seq| format!(" (entry {seq})"));
            self.line(&format!("- {} {who} {open}{words}{close}{entry}", time(moment.at)));
        }
    }

    fn actions(&mut self, tape: &Tape) {
        self.heading("## Actions");
        let mut none = true;
        for moment in &tape.moments {
            let What::Entry { payload, .. } = &moment.what else { continue };
            let Payload::Proposed { proposal } = payload.as_ref() else { continue };
            none = false;
            let title = self.inline(&proposal.spec.step.title);
            self.line(&format!("### Action {}: {title}", proposal.id));
            self.line("");
            self.proposal(&proposal.spec, moment);
            for later in tape.moments.iter().filter(|later| is_of(later, proposal.id)) {
                self.step_of_action(later);
            }
            self.line("");
        }
        if none {
            self.line("Nothing was run through aiops.");
        }
    }

    fn proposal(&mut self, spec: &ActionSpec, moment: &Moment) {
        let who = self.inline(moment.who());
        let target = self.inline(spec.target.name());
        self.line(&format!("Proposed by {who} at {}.", time(moment.at)));
        self.line("");
        self.line(&format!("- Target: {target}, directory {}", self.inline(&spec.cwd)));
        self.line(&format!("- Risk: {}", spec.risk.name()));
        for rule in &spec.risk_reasons {
            let rule = self.inline(rule);
            self.line(&format!("  - {rule}"));
        }
        for source in &About::action(spec, "").tainted {
            let source = match source {
                Origin::Label(name) => format!("the alert label {}", self.inline(name)),
                Origin::Operator => "what the person typed".to_owned(),
                Origin::Model => "the assistant".to_owned(),
                Origin::Sop | Origin::Script => continue,
            };
            self.line(&format!("- Words from outside: {source}"));
        }
        if let Some(model) = &moment.about.model {
            let name = self.inline(&model.name);
            self.line(&format!("- Written with {name}, request {}", model.prompt));
        }
        self.line("");
        self.fenced("sh", command_lines(spec).join("\n").as_bytes());
        self.line("");
    }

    /// An approval with what was shown, an end with the beginning of its output, anything else in a line.
    fn step_of_action(&mut self, moment: &Moment) {
        let What::Entry { payload, attached, .. } = &moment.what else { return };
        let (who, words) = (self.inline(moment.who()), self.inline(&moment.telling().words));
        match payload.as_ref() {
            Payload::Granted { digest, scope: Some(_), .. } => {
                self.line(&format!(
                    "Approved at {} under a yes of {who} to more than one; nobody read this:",
                    time(moment.at)
                ));
                self.line("");
                self.attached(attached, "text", TEXT);
                self.line("");
                self.line(&format!("Digest of what was approved: {digest}"));
            }
            Payload::Granted { digest, terminal: (columns, rows), .. } => {
                let person = moment.context.as_ref().and_then(|context| context.person());
                let person = person.map(|person| self.person(person)).unwrap_or_default();
                self.line(&format!(
                    "Approved at {} by {who}{person}, on a terminal of {columns}x{rows}:",
                    time(moment.at)
                ));
                self.line("");
                self.attached(attached, "text", TEXT);
                self.line("");
                self.line(&format!("Digest of what was shown: {digest}"));
            }
            Payload::Ended { output_bytes, .. } => {
                self.line(&format!("{}: {words}, {output_bytes} bytes of output", time(moment.at)));
                self.line("");
                self.attached(attached, "text", EXCERPT);
            }
            _ => self.line(&format!("{}: {who} {words}", time(moment.at))),
        }
        self.line("");
    }

    fn person(&self, person: &Person) -> String {
        let Person { uid, name: _, login_uid, ssh_peer, tty } = person;
        let mut parts = vec![format!("uid {uid}")];
        parts.extend(login_uid.map(|uid| format!("login uid {uid}")));
        parts.extend(ssh_peer.as_ref().map(|peer| format!("from {}", self.inline(peer))));
        parts.extend(tty.as_ref().map(|tty| format!("at {}", self.inline(tty))));
        format!(" ({})", parts.join(", "))
    }

    fn attached(&mut self, attached: &Attached, kind: &str, most: usize) {
        match attached {
            Attached::Nothing => {}
            Attached::Erased => self.line("_It is not there any more: it was erased._"),
            Attached::Unreadable(reason) => {
                let reason = self.inline(reason);
                self.line(&format!("_It could not be read: {reason}_"));
            }
            Attached::Bytes { beginning, total, seal } => {
                let shown = beginning.get(..beginning.len().min(most)).unwrap_or_default();
                self.fenced(kind, shown);
                let left = total.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX));
                if left > 0 {
                    self.line(&format!("_{left} more bytes are left out here._"));
                }
                if *seal == Seal::Altered {
                    self.line("**This was changed afterwards: it has not the hash that the journal names.**");
                }
            }
        }
    }

    fn conversation(&mut self, tape: &Tape) {
        self.heading("## Conversation with the assistant");
        let mut none = true;
        for moment in &tape.moments {
            let What::Entry { payload, attached, .. } = &moment.what else { continue };
            let Payload::Said { message, author, .. } = payload.as_ref() else { continue };
            none = false;
            let name = match &moment.about.model {
                Some(model) => self.inline(&model.name),
                None => self.inline(moment.who()),
            };
            self.line(&format!("{}: message {message}, {} ({name})", time(moment.at), self.inline(author)));
            self.line("");
            self.attached(attached, "markdown", TEXT);
            if let Attached::Bytes { beginning, .. } = attached {
                let cited = cited(&String::from_utf8_lossy(beginning));
                if !cited.is_empty() {
                    let cited = self.inline(&cited.join(", "));
                    self.line(&format!("Cites: {cited}"));
                }
            }
            self.line("");
        }
        if none {
            self.line("Nothing was said.");
        }
    }

    fn record(&mut self, tape: &Tape) {
        self.heading("## Record");
        let seqs = || tape.moments.iter().filter_map(|moment| moment.seq);
        match (seqs().next(), seqs().next_back(), &tape.broken) {
            (_, _, Some(broken)) => {
                let reason = self.inline(&broken.reason);
                self.line(&format!(
                    "**The journal is not as it was written: entry {}: {reason}. Nothing above can be relied on.**",
                    broken.seq
                ));
            }
            (Some(first), Some(last), None) => self.line(&format!(
                "From the entries {first} to {last} of the journal, each as it was written. `aiops journal verify` says \
                 whether any is missing."
            )),
            _ => self.line("The journal has no entry about it: no person did anything with it."),
        }
    }
}

/// Whether an entry is about an action, other than that it was proposed.
fn is_of(moment: &Moment, proposal: ProposalId) -> bool {
    let What::Entry { payload, .. } = &moment.what else { return false };
    !matches!(payload.as_ref(), Payload::Proposed { .. }) && moment.about.proposal == Some(proposal)
}

/// What a text cites, each once, as it stands there.
fn cited(text: &str) -> Vec<String> {
    let (mut rest, mut found) = (text, Vec::new());
    while let Some(next) = citation::first(rest) {
        let name = match &next.source {
            Source::Sop { sop, node: Some(node) } => format!("SOP {sop}#{node}"),
            Source::Sop { sop, node: None } => format!("SOP {sop}"),
            Source::Evidence(attempt) => format!("attempt {attempt}"),
            Source::Incident => "the incident".to_owned(),
        };
        if !found.contains(&name) {
            found.push(name);
        }
        rest = rest.get(next.at + next.length..).unwrap_or_default();
    }
    found
}

fn time(at: Timestamp) -> String {
    // Without milliseconds, which nobody writes into a report.
    let full = at.to_rfc3339();
    full.split_once('.').map_or_else(|| full.clone(), |(seconds, _)| format!("{}Z", seconds.replace('T', " ")))
}

fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Text within a line of Markdown, with every character escaped that could mean something there: any ASCII punctuation may
/// be (CommonMark 0.31, section 2.4).
fn escaped(visible: &str) -> String {
    let mut escaped = String::with_capacity(visible.len());
    for c in visible.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '!' | '|' | '~' | '&' | '$'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The longest run of backticks in any of the lines.
fn longest_run(lines: &[String]) -> usize {
    lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;

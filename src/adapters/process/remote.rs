//! An action on another host, as its supervisor here sees it.
//!
//! Owns: what is started here for it, ending it there, and what can be said of its end. Does not: know options of `ssh` (see
//! `adapters::ssh`).
//!
//! Invariant: only what the other shell reported counts as an end. Everything else is unknown, unless nothing had begun.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::away::HERE;
use super::files::{LINK, PartRecord, StageStatus, create};
use crate::adapters::ssh::{CONNECT, Heard, Link, SESSION, explained};
use crate::domain::action::attempt::Outcome;
use crate::domain::action::remote;
use crate::domain::action::spec::{ActionSpec, Execution, Script, Target};

/// The exit status of `ssh` when something went wrong with it rather than with what it ran (ssh(1)).
const SSH_FAILED: i32 = 255;

/// Longer than the grace period, this is what reaching the other place once more may take.
const REACH_WITHIN: Duration = Duration::from_secs(30);

/// How often it is looked whether the command that ends it there is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An action on another host.
pub(super) struct Remote {
    link: Link,
    text: String,
    mode: Execution,
    path: PathBuf,
    /// Where `ssh` writes its error messages; not of an interactive action, which has the terminal.
    errors: Option<File>,
}

/// What is known of an action after what was started here has ended.
pub(super) struct Settled {
    /// What became of each of its pipelines, as far as that is known.
    pub(super) parts: Vec<PartRecord>,
    /// How it ended, if that does not follow from the pipelines.
    pub(super) outcome: Option<Outcome>,
    /// What was said besides; foreign text.
    pub(super) notes: Vec<String>,
}

impl Settled {
    /// An end of which nothing else is known.
    pub(super) const fn at(outcome: Outcome) -> Self {
        Self { parts: Vec::new(), outcome: Some(outcome), notes: Vec::new() }
    }

    /// Nothing was begun.
    pub(super) const fn nothing() -> Self {
        Self { parts: Vec::new(), outcome: None, notes: Vec::new() }
    }
}

impl Remote {
    /// The other host of `spec`; `None` when it runs here.
    ///
    /// # Errors
    /// When a file or directory that is needed cannot be made.
    pub(super) fn of(spec: &ActionSpec, directory: &Path) -> io::Result<Option<Self>> {
        let (Target::Ssh(host), Some(text)) = (&spec.target, remote::text(spec)) else { return Ok(None) };
        let path = directory.join(LINK);
        let errors = match spec.mode {
            Execution::Supervised => Some(create(&path)?),
            Execution::Interactive => None,
        };
        Ok(Some(Self { link: Link::new(host)?, text, mode: spec.mode, path, errors }))
    }

    /// What is started here.
    pub(super) fn script(&self) -> Script {
        self.link.script(&self.text, self.mode)
    }

    /// Where its error messages go.
    pub(super) const fn errors(&self) -> Option<&File> {
        self.errors.as_ref()
    }

    /// What can be said after `here`, the ends of what was started here. `stopped` is what ends the action if it was
    /// ended before it was done.
    pub(super) async fn settle(
        &self,
        spec: &ActionSpec,
        here: &[PartRecord],
        stopped: bool,
        grace: Duration,
    ) -> Settled {
        match self.mode {
            Execution::Supervised => self.settle_heard(spec, here, stopped, grace).await,
            Execution::Interactive => self.settle_seen(here),
        }
    }

    async fn settle_heard(&self, spec: &ActionSpec, here: &[PartRecord], stopped: bool, grace: Duration) -> Settled {
        let heard = Heard::read(&self.path);
        if let Some(code) = heard.ended {
            let parts = heard.parts(&spec.invocation);
            return Settled { parts, outcome: Some(Outcome::Exited { code }), notes: Vec::new() };
        }
        let outcome = match (heard.began, stopped) {
            (Some(group), true) if self.end_there(group, spec, grace).await => None,
            (Some(group), true) => Some(unknown(&format!(
                "it was to be ended, and its process group {group} on {} may still run",
                self.link.login()
            ))),
            (Some(group), false) => Some(unknown(&format!(
                "the connection to {} was lost while it ran; it goes on there as process group {group} unless it has \
                 ended since",
                self.link.login()
            ))),
            // Before the connection stood nothing was sent.
            (None, true) if !session_began(here) => None,
            (None, true) => Some(unknown("it was to be ended while it was sent")),
            (None, false) => Some(self.never_began(here, &heard.said)),
        };
        let notes = heard.said.iter().map(|line| format!("ssh: {line}")).collect();
        Settled { parts: Vec::new(), outcome, notes }
    }

    /// The end of an interactive action, of which nothing is reported.
    fn settle_seen(&self, here: &[PartRecord]) -> Settled {
        let outcome = match session_status(here) {
            None => self.no_connection(here, &[]),
            Some(StageStatus::Exited { code: SSH_FAILED }) => {
                unknown(&format!("the connection to {} may have been lost", self.link.login()))
            }
            Some(StageStatus::Exited { code }) => Outcome::Exited { code: *code },
            Some(StageStatus::Signalled { signal }) => Outcome::Signalled { signal: *signal },
            Some(StageStatus::NotStarted { reason, .. }) => Outcome::NotStarted { reason: reason.clone() },
            Some(StageStatus::Stuck | StageStatus::Lost { .. }) => unknown("how it ended was not told"),
        };
        Settled { parts: Vec::new(), outcome: Some(outcome), notes: Vec::new() }
    }

    /// Why the other shell never said that it begins.
    fn never_began(&self, here: &[PartRecord], said: &[String]) -> Outcome {
        let login = self.link.login();
        match session_status(here) {
            None => self.no_connection(here, said),
            Some(StageStatus::NotStarted { reason, .. }) => Outcome::NotStarted { reason: reason.clone() },
            Some(StageStatus::Exited { code: remote::NO_DIRECTORY }) => Outcome::NotStarted {
                reason: format!("the working directory cannot be used on {login}: {}", said.join("; ")),
            },
            Some(StageStatus::Exited { code }) if *code != SSH_FAILED => {
                let said = said.join("; ");
                let reason = format!(
                    "the login to {login} does not run what it is given (status {code}): {said}; bash is needed there"
                );
                Outcome::NotStarted { reason }
            }
            Some(
                StageStatus::Exited { .. }
                | StageStatus::Signalled { .. }
                | StageStatus::Stuck
                | StageStatus::Lost { .. },
            ) => unknown(&format!("the connection to {login} was lost while it was sent")),
        }
    }

    fn no_connection(&self, here: &[PartRecord], said: &[String]) -> Outcome {
        let reason = match status_of(here, CONNECT) {
            Some(StageStatus::NotStarted { reason, .. }) => format!("ssh could not be started: {reason}"),
            Some(_) | None => explained(&self.link.login(), said),
        };
        Outcome::NotStarted { reason }
    }

    /// Ends the process group there. Whether nothing of it is left.
    async fn end_there(&self, group: u32, spec: &ActionSpec, grace: Duration) -> bool {
        run_here(&self.link.end(group, grace), spec, self.errors(), grace).await
    }
}

/// An end that nobody knows, and what to do about it.
pub(super) fn unknown(why: &str) -> Outcome {
    Outcome::Unknown { reason: format!("{why}; look at its effect before anything is run again") }
}

/// Runs `words` here, in the environment of the action, with its error messages going to `errors`. Whether that succeeded
/// within the time that it has, which is longer than `grace`.
pub(super) async fn run_here(words: &[String], spec: &ActionSpec, errors: Option<&File>, grace: Duration) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let search = spec.env.get("PATH").map_or(super::command::DEFAULT_PATH, String::as_str);
    let found = search.split(':').map(|place| Path::new(place).join(program)).find(|path| path.is_file());
    let Some(program) = found else { return false };
    let errors = errors.and_then(|file| file.try_clone().ok());
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&spec.env).current_dir(HERE);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.map_or_else(Stdio::null, Stdio::from));
    let Ok(mut child) = command.spawn() else { return false };
    let until = tokio::time::Instant::now() + grace + REACH_WITHIN;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if tokio::time::Instant::now() < until => tokio::time::sleep(LOOK_EVERY).await,
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// How the part ended that sends the action; `None` when it was never begun, because there was no connection.
fn session_status(here: &[PartRecord]) -> Option<&StageStatus> {
    status_of(here, SESSION)
}

fn status_of(here: &[PartRecord], part: usize) -> Option<&StageStatus> {
    match here.get(part)? {
        PartRecord::Ran { stages } => stages.first(),
        PartRecord::Skipped => None,
    }
}

fn session_began(here: &[PartRecord]) -> bool {
    session_status(here).is_some()
}

//! An action in a container, as its supervisor here sees it.
//!
//! Owns: what is started here for it, its standard error on the way to the output, ending it there, and what can be said of
//! its end. Does not: know what kubectl writes (see `adapters::kubectl`).
//!
//! Invariant: that kubectl has ended here ends nothing there. Without a word from the container, and when kubectl had to be
//! ended, the end is unknown, unless nothing had begun.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::files::{LINK, PartRecord, StageStatus, create};
use super::remote::{Settled, run_here, unknown};
use crate::adapters::kubectl::{self, Told};
use crate::adapters::ssh::Heard;
use crate::domain::action::attempt::Outcome;
use crate::domain::action::container::{self, Container};
use crate::domain::action::remote::NO_DIRECTORY;
use crate::domain::action::spec::{ActionSpec, Connector, Execution, Origin, Pipeline, Script, Stage, Target, Word};

/// So much of the end of kubectl's standard error is looked at, in bytes.
const TAIL: usize = 16 * 1024;

/// How long its standard error is awaited after it has ended: a helper that it started may hold it open.
const ERRORS_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked whether it is at its end.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// An action in a container.
pub(super) struct Pod {
    container: Container,
    argv: Vec<String>,
    way: Way,
}

/// How what is said there comes back.
enum Way {
    /// A single program: its error messages and those of kubectl go into the output, and their end is kept.
    Program { errors: Option<File>, listener: Option<JoinHandle<Tail>> },
    /// A script: what it reports stands in a file, with what kubectl says.
    Script { errors: File, path: PathBuf },
    /// The person has the terminal and sees it.
    Terminal,
}

/// The end of what was written to standard error.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    cut: bool,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let superfluous = self.bytes.len().saturating_sub(TAIL);
        self.cut |= superfluous > 0;
        self.bytes.drain(..superfluous);
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.bytes).lines().map(str::to_owned).collect()
    }
}

impl Pod {
    /// The container of `spec`; `None` when it acts on something else.
    ///
    /// # Errors
    /// When a file, a pipe or a thread that is needed cannot be made.
    pub(super) fn of(spec: &ActionSpec, directory: &Path, output: &PipeWriter) -> io::Result<Option<Self>> {
        let Target::Container(container) = &spec.target else { return Ok(None) };
        let (Some(argv), Some(told)) = (container::argv(spec), container::Told::of(spec)) else { return Ok(None) };
        let way = match (spec.mode, told) {
            (Execution::Interactive, _) => Way::Terminal,
            (Execution::Supervised, container::Told::Script(_)) => {
                let path = directory.join(LINK);
                Way::Script { errors: create(&path)?, path }
            }
            (Execution::Supervised, container::Told::Program(_)) => {
                let (reader, writer) = io::pipe()?;
                let onward = output.try_clone()?;
                let listener = Builder::new().name("errors".to_owned()).spawn(move || listen(reader, onward))?;
                Way::Program { errors: Some(File::from(OwnedFd::from(writer))), listener: Some(listener) }
            }
        };
        Ok(Some(Self { container: container.clone(), argv, way }))
    }

    /// What is started here.
    pub(super) fn script(&self) -> Script {
        let argv = self.argv.iter().map(|word| Word::new(word, Origin::Script)).collect();
        Script::new(vec![(Connector::Always, Pipeline::new(vec![Stage::new(argv)]))])
    }

    /// Where its error messages go.
    pub(super) const fn errors(&self) -> Option<&File> {
        match &self.way {
            Way::Program { errors, .. } => errors.as_ref(),
            Way::Script { errors, .. } => Some(errors),
            Way::Terminal => None,
        }
    }

    /// What can be said after `here`, the ends of what was started here. `stopped` is whether it was ended before it was done.
    pub(super) async fn settle(
        &mut self,
        spec: &ActionSpec,
        here: &[PartRecord],
        stopped: bool,
        grace: Duration,
    ) -> Settled {
        let status = match here.first() {
            Some(PartRecord::Ran { stages }) => stages.first().cloned(),
            Some(PartRecord::Skipped) | None => None,
        };
        if let Some(StageStatus::NotStarted { reason, .. }) = status {
            let reason = format!("kubectl could not be started, nothing ran in the container: {reason}");
            return Settled::at(Outcome::NotStarted { reason });
        }
        // Ended before it was begun: what ends the action says how it ended.
        let Some(status) = status else { return Settled::nothing() };
        match &mut self.way {
            Way::Terminal => Settled::at(self.seen(&status)),
            Way::Program { errors, listener } => {
                errors.take();
                let tail = finished(listener.take()).await;
                self.settle_program(&status, tail, stopped)
            }
            Way::Script { path, .. } => {
                let heard = Heard::read(path);
                self.settle_script(spec, &status, &heard, stopped, grace).await
            }
        }
    }

    fn settle_program(&self, status: &StageStatus, tail: Option<Tail>, stopped: bool) -> Settled {
        let place = self.place();
        let lost = || unknown(&format!("the connection to {place} was lost, or kubectl did not tell how it ended"));
        let StageStatus::Exited { code } = status else {
            let why = if stopped { "it was to be ended" } else { "kubectl was ended" };
            return Settled::at(unknown(&format!(
                "{why}, which does not reach what it started: it may still run in {place}"
            )));
        };
        let told = tail.map_or(Told::Unclear, |tail| kubectl::told(*code, &tail.lines(), !tail.cut));
        match (told, code) {
            (Told::Exited(code), _) => {
                let parts = vec![PartRecord::Ran { stages: vec![StageStatus::Exited { code }] }];
                Settled { parts, outcome: Some(Outcome::Exited { code }), notes: Vec::new() }
            }
            (Told::Refused(reason), _) => Settled::at(Outcome::NotStarted { reason }),
            (Told::Unclear, _) => Settled::at(lost()),
        }
    }

    async fn settle_script(
        &self,
        spec: &ActionSpec,
        status: &StageStatus,
        heard: &Heard,
        stopped: bool,
        grace: Duration,
    ) -> Settled {
        if let Some(code) = heard.ended {
            let parts = heard.parts(&spec.invocation);
            return Settled { parts, outcome: Some(Outcome::Exited { code }), notes: Vec::new() };
        }
        let place = self.place();
        let outcome = match (heard.began, stopped) {
            (Some(group), true) => {
                let words = kubectl::end(&self.container, group, grace);
                if run_here(&words, spec, self.errors(), grace).await {
                    None
                } else {
                    Some(unknown(&format!(
                        "it was to be ended, and its process group {group} may still run in {place}"
                    )))
                }
            }
            (Some(group), false) => Some(unknown(&format!(
                "the connection to {place} was lost while it ran; it goes on there as process group {group} unless it has \
                 ended since"
            ))),
            (None, true) => Some(unknown("it was to be ended while it was sent")),
            (None, false) => Some(self.never_began(status, &heard.said)),
        };
        let notes = heard.said.iter().map(|line| format!("kubectl: {line}")).collect();
        Settled { parts: Vec::new(), outcome, notes }
    }

    /// Why the script never said that it begins.
    fn never_began(&self, status: &StageStatus, said: &[String]) -> Outcome {
        let lost = || unknown(&format!("the connection to {} was lost while it was sent", self.place()));
        let StageStatus::Exited { code } = status else { return lost() };
        match kubectl::told(*code, said, true) {
            Told::Refused(reason) => Outcome::NotStarted { reason },
            // The script tells of its beginning behind its change of directory, and before everything else.
            Told::Exited(NO_DIRECTORY) => {
                let said = said.join("; ");
                Outcome::NotStarted {
                    reason: format!("the working directory cannot be used in {}: {said}", self.place()),
                }
            }
            Told::Exited(_) | Told::Unclear => lost(),
        }
    }

    /// The end of an interactive action: what kubectl says of it has gone to the terminal.
    fn seen(&self, status: &StageStatus) -> Outcome {
        match status {
            // With this one kubectl also tells of failures of its own.
            StageStatus::Exited { code: 1 } => unknown(&format!(
                "kubectl ended with 1: that is the status of the program in {}, or the connection was lost",
                self.place()
            )),
            StageStatus::Exited { code } => Outcome::Exited { code: *code },
            StageStatus::Signalled { .. } => {
                unknown(&format!("kubectl was ended here; the program may still run in {}", self.place()))
            }
            StageStatus::NotStarted { reason, .. } => Outcome::NotStarted { reason: reason.clone() },
            StageStatus::Stuck | StageStatus::Lost { .. } => unknown("how it ended was not told"),
        }
    }

    fn place(&self) -> String {
        format!("pod {} of namespace {}", self.container.pod, self.container.namespace)
    }
}

/// Hands everything on to the output and keeps the end of it.
fn listen(mut errors: PipeReader, mut onward: PipeWriter) -> Tail {
    let mut tail = Tail::default();
    let mut chunk = vec![0; 8 * 1024];
    loop {
        match errors.read(&mut chunk) {
            Ok(0) => return tail,
            Ok(length) => {
                let bytes = chunk.get(..length).unwrap_or_default();
                tail.push(bytes);
                // What cannot be shown is still looked at.
                let _ = onward.write_all(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return tail,
        }
    }
}

/// What the listener has heard; `None` when it does not come to an end.
async fn finished(listener: Option<JoinHandle<Tail>>) -> Option<Tail> {
    let listener = listener?;
    let until = tokio::time::Instant::now() + ERRORS_WITHIN;
    while !listener.is_finished() {
        if tokio::time::Instant::now() >= until {
            return None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    listener.join().ok()
}

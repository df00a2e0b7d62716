//! Runs a script, pipeline by pipeline, and says how it ended.
//!
//! Owns: connectors, statuses, the time limit, the end on request. Does not: touch the attempt's files, apart from the
//! output.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, PipeWriter, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::away::{Away, HERE};
use super::command::{self, Started, Streams, Surroundings};
use super::files::{CANCEL, EndNote, Job, OUTPUT, PartRecord, SCRATCH, StageStatus, create, note_end};
use super::handed::Handed;
use super::mask::Mask;
use super::output::collect;
use super::session::{self, Children, Reach};
use super::terminal::Terminal;
use crate::adapters::host::SystemClock;
use crate::domain::action::attempt::Outcome;
use crate::domain::action::script::logical;
use crate::domain::action::spec::{Confinement, Connector, Pipeline, Script, Word};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::engine::ports::Clock as _;
use crate::failpoint::{self, Point};

/// How long output is awaited after the last process of the session ended. Only a daemon that left the session can still
/// hold the pipe open.
const DRAIN: Duration = Duration::from_millis(500);

/// Signal numbers of Linux (signal(7)), the same on all architectures.
const SIGPIPE: i32 = 13;
const SIGTERM: i32 = 15;

/// The signals that concern a supervisor. All are handled, not ignored: started programs get the default disposition
/// of a handled signal, but would inherit an ignored one.
pub(super) struct Signals {
    child: Signal,
    terminate: Signal,
    _deaf_to: [Signal; 4],
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            _deaf_to: [
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
                signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGTSTP as i32))?,
            ],
        })
    }

    /// Whether TERM came, without waiting for it.
    async fn terminated(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(self.terminate.poll_recv(context).is_ready())).await
    }
}

/// Why a script was not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    TimedOut,
    Cancelled,
    /// TERM came and no person had asked for it: the machine shuts down, or somebody else did it.
    Terminated,
    /// The status of a process was lost.
    Lost,
}

/// What came of a script.
pub(super) struct Executed {
    pub(super) outcome: Outcome,
    pub(super) parts: Vec<PartRecord>,
    pub(super) dropped: u64,
    pub(super) notes: Vec<String>,
    /// When nothing of it ran any more, or could be ended.
    pub(super) ended_at: Timestamp,
}

/// The way of the output from the processes to the file.
pub(super) struct OutputPath {
    receiver: Receiver,
    writer: PipeWriter,
    file: File,
}

impl OutputPath {
    /// Creates the output file of `directory`, and the pipe to it.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let receiver = Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok(Self { receiver, writer, file: create(&directory.join(OUTPUT))? })
    }
}

/// How long the end of the output is awaited after the last process that was started has ended: somebody who was left behind
/// may have it open, and is ended next.
const SETTLE: Duration = Duration::from_millis(20);

/// Said in the output of an interactive action, which is nowhere else.
const NOT_RECORDED: &str =
    "it was interactive: it had the terminal, and what was typed and shown there was not recorded";

/// Runs the script of `job` to its end, its time limit or a TERM; on `terminal` if there is one.
///
/// # Errors
/// When the task that collects the output fell over; the action itself has ended then.
pub(super) async fn execute(
    job: &Job,
    directory: &Path,
    signals: Signals,
    output: OutputPath,
    terminal: Option<&Terminal>,
    handed: Handed,
) -> io::Result<Executed> {
    let stop = CancellationToken::new();
    let mask = Mask::new(handed.values());
    let mut collector = tokio::spawn(collect(output.receiver, output.file, job.output_limit, mask, stop.clone()));
    let mut run = Run::new(job, directory, output.writer, signals, terminal);
    run.handed = handed;
    if terminal.is_some() {
        run.record(NOT_RECORDED).await;
    }
    let (parts, stopped) = run.script().await;
    failpoint::reached(Point::ActionEnded);
    let mut settled = None;
    // After a stop the session was ended already: what did not go then does not go now.
    if run.left.is_none() {
        run.hang_up();
        settled = timeout(SETTLE, &mut collector).await.ok();
        if settled.is_some() {
            run.note_end(&parts, stopped);
        }
        run.end_session().await;
    }
    let ended_at = SystemClock.now();
    let outcome = run.outcome(&parts, stopped);
    let Run { mut notes, writer, left, .. } = run;
    let left = left.unwrap_or_default();
    drop(writer);
    let collected = match settled {
        Some(collected) => collected,
        None => match timeout(DRAIN, &mut collector).await {
            Ok(collected) => collected,
            Err(_) => {
                stop.cancel();
                collector.await
            }
        },
    };
    let collected = collected.map_err(io::Error::other)?.finish();
    notes.extend(left.iter().map(|pid| format!("process {pid} could not be ended and may still run")));
    notes.extend(collected.error);
    let outcome = match doubt(&left, &parts) {
        Some(reason) => Outcome::Unknown { reason },
        None => outcome,
    };
    Ok(Executed { outcome, parts, dropped: collected.dropped, notes, ended_at })
}

struct Run<'a> {
    job: &'a Job,
    cwd: PathBuf,
    directory: &'a Path,
    /// Where a confined action may write.
    scratch: Option<PathBuf>,
    writer: PipeWriter,
    signals: Signals,
    /// When it is ended; `None` when only a person does that.
    deadline: Option<Instant>,
    own: i32,
    terminal: Option<&'a Terminal>,
    /// Secrets of its programs.
    handed: Handed,
    children: Children,
    /// Ends of the stages of the present pipeline, by position.
    ends: BTreeMap<usize, StageStatus>,
    /// Processes started so far.
    started: usize,
    /// Why the first program that could not be started could not.
    refusal: Option<String>,
    notes: Vec<String>,
    /// Processes that did not go when the session was ended; `None` before that.
    left: Option<Vec<i32>>,
    /// Where it runs, if that is not here.
    away: Option<Away>,
    /// How it ended there, if that does not follow from what ended here.
    settled: Option<Outcome>,
}

impl<'a> Run<'a> {
    fn new(
        job: &'a Job,
        directory: &'a Path,
        writer: PipeWriter,
        signals: Signals,
        terminal: Option<&'a Terminal>,
    ) -> Self {
        let here = job.spec.target.is_here();
        Self {
            job,
            cwd: PathBuf::from(if here { &job.spec.cwd } else { HERE }),
            directory,
            scratch: match job.spec.confinement {
                Confinement::Free => None,
                Confinement::ReadsOnly => Some(directory.join(SCRATCH)),
            },
            writer,
            signals,
            deadline: job.spec.limit().map(|limit| Instant::now() + limit),
            own: nix::unistd::getpid().as_raw(),
            terminal,
            handed: Handed::default(),
            children: Children::default(),
            ends: BTreeMap::new(),
            started: 0,
            refusal: None,
            notes: Vec::new(),
            left: None,
            away: None,
            settled: None,
        }
    }

    async fn script(&mut self) -> (Vec<PartRecord>, Option<Stop>) {
        let (script, mut environment) = match Away::of(&self.job.spec, self.directory, &self.writer) {
            Ok(None) => command::script_of(&self.job.spec),
            Ok(Some(away)) => {
                let script = away.script();
                self.away = Some(away);
                (script, self.job.spec.env.clone())
            }
            Err(error) => {
                let reason = format!("no connection can be made: {error}");
                self.say(&reason).await;
                self.refusal = Some(reason);
                return (Vec::new(), None);
            }
        };
        if let Some(scratch) = &self.scratch {
            let names = Confinement::SCRATCH.map(|name| (name.to_owned(), scratch.display().to_string()));
            environment.extend(names);
        }
        let mut parts: Vec<PartRecord> = Vec::with_capacity(script.parts.len());
        let mut stopped = None;
        let mut succeeded = true;
        for (connector, pipeline) in &script.parts {
            if stopped.is_none() && self.signals.terminated().await {
                stopped = Some(self.who_terminated());
            }
            let wanted = match connector {
                Connector::Always => true,
                Connector::AndThen => succeeded,
                Connector::OrElse => !succeeded,
            };
            if stopped.is_some() || !wanted {
                parts.push(PartRecord::Skipped);
                continue;
            }
            self.cwd = self.directory_of(pipeline.directory.as_ref());
            let stages;
            (stages, stopped) = self.pipeline(pipeline, &environment).await;
            succeeded = first_failure(&stages).is_none();
            let lost = stages.iter().any(|stage| matches!(stage, StageStatus::Lost { .. }));
            parts.push(PartRecord::Ran { stages });
            if lost {
                // Whether to go on depends on what nobody knows.
                stopped = stopped.or(Some(Stop::Lost));
            }
        }
        if let Some(away) = &mut self.away {
            let settled = away.settle(&self.job.spec, &parts, stopped.is_some(), self.job.grace).await;
            self.settled = settled.outcome;
            self.notes.extend(settled.notes);
            parts = settled.parts;
        } else if stopped.is_none() && succeeded {
            parts.extend(self.left_directory(&script).await);
        }
        (parts, stopped)
    }

    /// How it ended, as far as processes that are left say nothing else.
    fn outcome(&self, parts: &[PartRecord], stopped: Option<Stop>) -> Outcome {
        let settled = self.settled.clone();
        settled.unwrap_or_else(|| outcome_of(parts, stopped, self.started, self.refusal.clone()))
    }

    /// Where a pipeline runs, or the next step begins.
    fn directory_of(&self, changed: Option<&Word>) -> PathBuf {
        if self.away.is_some() {
            // The directory of the action is one of another place.
            return PathBuf::from(HERE);
        }
        PathBuf::from(changed.map_or_else(|| self.job.spec.cwd.clone(), |directory| logical(&directory.text())))
    }

    /// The failure of a `cd` behind which nothing ran: the next step would begin where there is nothing.
    async fn left_directory(&mut self, script: &Script) -> Option<PartRecord> {
        let directory = self.directory_of(Some(script.leaves.directory.as_ref()?));
        let error = std::fs::read_dir(&directory).err()?;
        let reason = format!("the working directory {} cannot be used: {error}", directory.display());
        self.say(&reason).await;
        self.refusal.get_or_insert(reason.clone());
        Some(PartRecord::Ran { stages: vec![StageStatus::NotStarted { code: 126, reason }] })
    }

    /// Runs one pipeline; returns the end of each stage.
    async fn pipeline(
        &mut self,
        pipeline: &Pipeline,
        environment: &BTreeMap<String, String>,
    ) -> (Vec<StageStatus>, Option<Stop>) {
        self.ends.clear();
        if let Err(error) = std::fs::read_dir(&self.cwd) {
            // Checked here, since the same error from starting a program would be blamed on the program.
            let reason = format!("the working directory {} cannot be used: {error}", self.cwd.display());
            self.say(&reason).await;
            let failed = StageStatus::NotStarted { code: 126, reason: reason.clone() };
            self.refusal.get_or_insert(reason);
            return (vec![failed; pipeline.stages.len()], None);
        }
        let streams = match self.terminal {
            None => Streams::Recorded(&self.writer),
            Some(terminal) => {
                // Whatever ran before may have left the foreground to somebody who is gone.
                if let Err(error) = terminal.to_foreground() {
                    self.notes.push(format!("the terminal could not be handed on: {error}"));
                }
                Streams::Terminal(terminal)
            }
        };
        let scratch = self.scratch.as_deref();
        let errors = self.away.as_ref().and_then(Away::errors);
        let surroundings = Surroundings { cwd: &self.cwd, environment, scratch, streams, errors, handed: &self.handed };
        let started = command::start(pipeline, &surroundings);
        for (index, outcome) in started.into_iter().enumerate() {
            match outcome {
                Started::Running(child) => {
                    self.started += 1;
                    self.children.add(index, child);
                }
                Started::Failed(status) => {
                    if let StageStatus::NotStarted { reason, .. } = &status {
                        let name = pipeline.stages.get(index).and_then(|stage| stage.argv.first());
                        let name = name.map(|word| word.text()).unwrap_or_default();
                        let reason = format!("{name} could not be started: {reason}");
                        self.say(&reason).await;
                        self.refusal.get_or_insert(reason);
                    }
                    self.ends.insert(index, status);
                }
            }
        }
        let stopped = self.wait().await;
        if stopped.is_some() {
            self.end_session().await;
        }
        let stages = (0..pipeline.stages.len())
            .map(|index| self.ends.get(&index).cloned().unwrap_or(StageStatus::Stuck))
            .collect();
        (stages, stopped)
    }

    /// Waits until all children have ended, or for a reason to end them.
    async fn wait(&mut self) -> Option<Stop> {
        loop {
            let ends = &mut self.ends;
            self.children.collect_own(|index, status| {
                ends.insert(index, status);
            });
            if self.children.is_empty() {
                return None;
            }
            self.children.collect_orphans(self.own);
            if self.terminal.is_some() {
                // Ctrl-Z: there is no shell that could be gone back to and that would let it go on.
                self.children.continue_stopped();
            }
            tokio::select! {
                biased;
                _ = self.signals.terminate.recv() => return Some(self.who_terminated()),
                () = passed(self.deadline) => return Some(Stop::TimedOut),
                _ = self.signals.child.recv() => {}
            }
        }
    }

    fn who_terminated(&self) -> Stop {
        if self.directory.join(CANCEL).exists() { Stop::Cancelled } else { Stop::Terminated }
    }

    /// Lets go of the output, so that it has an end.
    fn hang_up(&mut self) {
        // What would still be written goes nowhere. Without another pipe this end stays open, and the end is waited for.
        if let Ok((_, nowhere)) = io::pipe() {
            self.writer = nowhere;
        }
    }

    /// Notes how it ended, in case that this process does not live until the record of it is on the disk.
    fn note_end(&self, parts: &[PartRecord], stopped: Option<Stop>) {
        // On a terminal nobody could tell later whether processes of it are left. What is doubtful stays unknown.
        if self.terminal.is_some() || doubt(&[], parts).is_some() {
            return;
        }
        let outcome = self.outcome(parts, stopped);
        // Best effort: the record follows.
        let _ = note_end(self.directory, &EndNote { outcome, ended_at: SystemClock.now() });
    }

    /// Ends whatever is left of the session.
    async fn end_session(&mut self) {
        let (children, ends, own) = (&mut self.children, &mut self.ends, self.own);
        let reach = match self.terminal {
            None => Reach::Session(own),
            Some(_) => Reach::Descendants(own),
        };
        let left = session::end(reach, self.job.grace, || {
            children.collect(own, |index, status| {
                ends.insert(index, status);
            });
        })
        .await;
        self.left = Some(left);
    }

    /// Tells the person: in the output, and on the terminal if the action has it.
    async fn say(&mut self, line: &str) {
        if let Some(terminal) = self.terminal {
            // A terminal that is gone shows nothing; the output has it.
            let _ = writeln!(terminal.file(), "aiops: {}", text::visible(line));
        }
        self.record(line).await;
    }

    /// Puts a line of our own into the output, behind what processes have written so far.
    async fn record(&mut self, line: &str) {
        let text = format!("aiops: {line}\n");
        let Ok(mut writer) = self.writer.try_clone() else { return };
        // The pipe may be full: the collector has to be able to run meanwhile.
        let written = tokio::task::spawn_blocking(move || writer.write_all(text.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            self.notes.push(line.to_owned());
        }
    }
}

/// Returns when `deadline` has passed; never when there is none.
async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The first stage that failed.
///
/// A stage that SIGPIPE ended did not fail when all stages behind it succeeded: they had read enough (`… | head -5`).
/// Otherwise every pipeline into `head` would end a chain of `&&`.
pub(super) fn first_failure(stages: &[StageStatus]) -> Option<&StageStatus> {
    let mut failure = None;
    for (index, stage) in stages.iter().enumerate().rev() {
        let fine = match stage {
            StageStatus::Exited { code } => *code == 0,
            StageStatus::Signalled { signal } => *signal == SIGPIPE && index + 1 < stages.len() && failure.is_none(),
            StageStatus::NotStarted { .. } | StageStatus::Stuck | StageStatus::Lost { .. } => false,
        };
        if !fine {
            failure = Some(stage);
        }
    }
    failure
}

fn outcome_of(parts: &[PartRecord], stopped: Option<Stop>, started: usize, refusal: Option<String>) -> Outcome {
    match (stopped, refusal) {
        (Some(Stop::Cancelled), _) => return Outcome::Cancelled,
        (Some(Stop::TimedOut), _) => return Outcome::TimedOut,
        (Some(Stop::Terminated), _) => return Outcome::Signalled { signal: SIGTERM },
        (None, Some(reason)) if started == 0 => return Outcome::NotStarted { reason },
        (Some(Stop::Lost) | None, _) => {}
    }
    let last = parts.iter().rev().find_map(|part| match part {
        PartRecord::Ran { stages } => Some(stages),
        PartRecord::Skipped => None,
    });
    match last.and_then(|stages| first_failure(stages)) {
        None => Outcome::Exited { code: 0 },
        Some(StageStatus::Exited { code } | StageStatus::NotStarted { code, .. }) => Outcome::Exited { code: *code },
        Some(StageStatus::Signalled { signal }) => Outcome::Signalled { signal: *signal },
        Some(StageStatus::Stuck | StageStatus::Lost { .. }) => Outcome::Unknown { reason: LOOK_BY_HAND.to_owned() },
    }
}

/// What a person has to do about an end that is not known.
const LOOK_BY_HAND: &str = "check the effect by hand";

/// Why it cannot be said how the action ended, whatever else is known of it; `None` when it can.
fn doubt(left: &[i32], parts: &[PartRecord]) -> Option<String> {
    if !left.is_empty() {
        let pids: Vec<String> = left.iter().map(ToString::to_string).collect();
        return Some(format!("could not be ended and may still run: process {}; {LOOK_BY_HAND}", pids.join(", ")));
    }
    let stages = parts.iter().flat_map(|part| match part {
        PartRecord::Ran { stages } => stages.as_slice(),
        PartRecord::Skipped => &[],
    });
    stages.into_iter().find_map(|stage| match stage {
        StageStatus::Lost { reason } => Some(format!("the status of a process was lost: {reason}; {LOOK_BY_HAND}")),
        StageStatus::Stuck => Some(format!("a process did not end in time; {LOOK_BY_HAND}")),
        StageStatus::Exited { .. } | StageStatus::Signalled { .. } | StageStatus::NotStarted { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const OK: StageStatus = StageStatus::Exited { code: 0 };
    const BAD: StageStatus = StageStatus::Exited { code: 3 };
    const PIPE: StageStatus = StageStatus::Signalled { signal: SIGPIPE };
    const KILLED: StageStatus = StageStatus::Signalled { signal: 9 };

    #[rstest]
    #[case(&[OK, OK], None)]
    #[case(&[BAD, OK], Some(BAD))]
    #[case(&[OK, BAD], Some(BAD))]
    #[case(&[KILLED, BAD], Some(KILLED))]
    #[case(&[PIPE, OK], None)]
    #[case(&[PIPE, PIPE, OK], None)]
    #[case(&[PIPE, BAD], Some(PIPE))]
    #[case(&[OK, PIPE], Some(PIPE))]
    #[case(&[PIPE], Some(PIPE))]
    fn a_pipeline_fails_with_its_first_failing_stage(
        #[case] stages: &[StageStatus],
        #[case] expected: Option<StageStatus>,
    ) {
        assert_eq!(first_failure(stages), expected.as_ref());
    }

    #[test]
    fn the_last_pipeline_that_ran_decides() {
        let ran = |status: StageStatus| PartRecord::Ran { stages: vec![status] };
        let of = |parts: &[PartRecord]| outcome_of(parts, None, 1, None);
        assert_eq!(of(&[ran(BAD), ran(OK)]), Outcome::Exited { code: 0 });
        assert_eq!(of(&[ran(BAD), PartRecord::Skipped]), Outcome::Exited { code: 3 });
        assert_eq!(of(&[ran(KILLED)]), Outcome::Signalled { signal: 9 });
        let nothing = outcome_of(&[ran(BAD)], None, 0, Some("why".to_owned()));
        assert_eq!(nothing, Outcome::NotStarted { reason: "why".to_owned() });
        assert_eq!(outcome_of(&[ran(OK)], Some(Stop::TimedOut), 1, None), Outcome::TimedOut);
    }

    #[test]
    fn what_is_left_over_or_lost_makes_the_end_unknown() {
        let ran = |stages: &[StageStatus]| PartRecord::Ran { stages: stages.to_vec() };
        let lost = StageStatus::Lost { reason: "ECHILD".to_owned() };
        assert_eq!(doubt(&[], &[ran(&[OK, BAD]), PartRecord::Skipped, ran(&[KILLED])]), None);
        assert!(doubt(&[7, 8], &[ran(&[OK])]).unwrap().contains("process 7, 8;"));
        assert!(doubt(&[], &[ran(&[OK, lost, OK]), ran(&[OK])]).unwrap().contains("ECHILD"));
        assert!(doubt(&[], &[ran(&[StageStatus::Stuck])]).is_some());
    }
}

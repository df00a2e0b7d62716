//! The runner: starts supervisors and finds them again.
//!
//! Invariants: nothing is started without a [`Grant`]; when `run` fails, nothing of the action ran or will run.

use std::fs::File;
use std::io::{self, PipeReader, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};

use super::files::{
    CANCEL, Claim, ENDED, EndNote, Job, LOG, OUTCOME, OUTPUT, OutcomeRecord, RESERVE, SPEC, SUPERVISOR, VERSION,
    create, output_bytes, output_digest, read_json, write_json,
};
use super::handed::{Secrets, pipe_with};
use super::identity::{is_alive, is_of_this_boot};
use super::scope::Scope;
use super::session::left_behind;
use super::supervisor::{Announcement, pid_of};
use super::terminal::Terminal;
use crate::adapters::host::SystemClock;
use crate::domain::action::attempt::{AttemptEnd, ProcessId};
use crate::domain::action::grant::Grant;
use crate::domain::action::spec::Execution;
use crate::engine::ports::{ActionRunner, Clock as _, GivenUp, Probe, RunError};
use crate::failpoint::{self, Point};

/// Bytes of output that are kept of an attempt, unless said otherwise.
pub const DEFAULT_OUTPUT_LIMIT: u64 = 16 * 1024 * 1024;

/// Time between TERM and KILL, unless said otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// A supervisor that did not say that it runs within this time is ended.
const START_WITHIN: Duration = Duration::from_secs(5);

/// Making a scope takes a few hundredths of a second. Whoever needs longer is ended, and the supervisor started without one;
/// together with [`START_WITHIN`] this is shorter than other consoles wait before they give an attempt up.
const SCOPE_WITHIN: Duration = Duration::from_secs(3);

/// Longest announcement that is read, in bytes.
const MAX_ANNOUNCEMENT: usize = 16 * 1024;

/// Starts actions on this host through a supervisor process each.
#[derive(Clone, Debug)]
pub struct ProcessRunner {
    /// The program whose `supervise DIRECTORY` calls [`supervise`](super::supervise): as a rule the running one.
    pub program: PathBuf,
    /// Bytes of output that are kept of an attempt.
    pub output_limit: u64,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Where secrets come from that programs are to get.
    pub secrets: Secrets,
    /// The way into a scope of its own for each supervisor; `None` where they stay in the console's control group.
    pub scope: Option<Scope>,
}

impl ProcessRunner {
    /// A runner with the default limits and without scopes.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let secrets = Secrets::none();
        Self { program, output_limit: DEFAULT_OUTPUT_LIMIT, grace: DEFAULT_GRACE, secrets, scope: None }
    }

    /// The supervisor's own command line, to be started directly.
    fn plainly(&self, job: &Job, directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("supervise").arg(directory).arg(&job.digest).env_clear();
        command
    }

    /// The same through `scope`.
    fn within(&self, scope: &Scope, job: &Job, directory: &Path) -> Command {
        let mut command = Command::new(scope.launcher());
        command.args(scope.arguments(directory)).arg(self.program_for_others());
        command.arg("supervise").arg(directory).arg(&job.digest).env_clear();
        command.envs(scope.environment().iter().map(|(name, value)| (name, value)));
        command
    }

    /// The program by a name that means the same to another program: `/proc/self` would be that one itself.
    fn program_for_others(&self) -> PathBuf {
        match self.program.strip_prefix("/proc/self") {
            Ok(rest) => Path::new("/proc").join(std::process::id().to_string()).join(rest),
            Err(_) => self.program.clone(),
        }
    }

    /// The scope to try for this action. An interactive one stays where its terminal is: it goes with that anyway.
    fn scope_for(&self, job: &Job) -> Option<&Scope> {
        match job.spec.mode {
            Execution::Supervised => self.scope.as_ref().filter(|scope| scope.is_usable()),
            Execution::Interactive => None,
        }
    }

    /// What the supervisor of `job` reads.
    fn input(&self, job: &Job) -> io::Result<Input> {
        Ok(match job.spec.mode {
            Execution::Interactive => Input::Terminal,
            Execution::Supervised if job.spec.secrets.is_empty() => Input::Nothing,
            Execution::Supervised => Input::Secrets(self.secrets.packed(&job.spec.secrets)?),
        })
    }

    /// Starts a supervisor for what is prepared in `directory`.
    fn begin(&self, job: &Job, directory: &Path) -> io::Result<ProcessId> {
        let input = self.input(job)?;
        write_json(directory, SPEC, job)?;
        let log = create(&directory.join(LOG))?;
        let Some(scope) = self.scope_for(job) else {
            return start(self.plainly(job, directory), &input, &log, START_WITHIN).settled(directory);
        };
        let begun = start(self.within(scope, job, directory), &input, &log, SCOPE_WITHIN);
        match begun {
            // Nothing speaks for a second supervisor when there was a first one, whatever became of it.
            Start::Announced(_) => begun.settled(directory),
            Start::Dead { .. } if has_begun(directory) => begun.settled(directory),
            Start::Dead { error } => {
                if error.kind() == io::ErrorKind::TimedOut {
                    scope.note_hung();
                }
                if scope.is_news() {
                    let launcher = scope.launcher().display();
                    let said = explained(&error, directory);
                    tracing::warn!(%launcher, error = %said, "no scope of its own for a command: a logout may end it");
                }
                start(self.plainly(job, directory), &input, &log, START_WITHIN).settled(directory)
            }
        }
    }
}

/// What a supervisor has as its standard input.
enum Input {
    Nothing,
    Terminal,
    /// Secrets, packed.
    Secrets(Vec<u8>),
}

/// What came of starting a process that is to become a supervisor.
enum Start {
    /// The supervisor has said something.
    Announced(Announcement),
    /// The process is dead and collected, or never was, and has not said anything.
    Dead { error: io::Error },
}

impl Start {
    /// Who has the attempt.
    ///
    /// # Errors
    /// When nobody has it, nor ever will.
    fn settled(self, directory: &Path) -> io::Result<ProcessId> {
        let error = match self {
            Self::Announced(Announcement::Running { supervisor }) => return Ok(supervisor),
            Self::Announced(Announcement::Failed { reason }) => io::Error::other(reason),
            Self::Dead { error } => explained(&error, directory),
        };
        // Whose the attempt is decides. As long as it is nobody's, a process that nobody knows of could still begin.
        match give_up(directory) {
            Ok(GivenUp::Began) => match read_json(directory, SUPERVISOR)? {
                Some(Claim::Supervisor(supervisor)) => Ok(supervisor),
                Some(Claim::GivenUp { .. }) | None => Err(error),
            },
            // The disk may be full; then nobody else could claim it either.
            Ok(GivenUp::NeverBegan | GivenUp::Unmade) | Err(_) => Err(error),
        }
    }
}

/// Whether a supervisor has come as far as making files.
fn has_begun(directory: &Path) -> bool {
    [SUPERVISOR, RESERVE, OUTPUT].iter().any(|name| directory.join(name).exists())
}

/// Starts `command`, which is or becomes a supervisor, and waits for its announcement.
fn start(mut command: Command, input: &Input, log: &File, patience: Duration) -> Start {
    let spawn = || -> io::Result<(Child, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        match input {
            Input::Nothing => command.stdin(Stdio::null()),
            Input::Secrets(packed) => command.stdin(pipe_with(packed)?),
            Input::Terminal => command.stdin(Terminal::of_console()?.stream()?).process_group(0),
        };
        command.current_dir("/").stdout(writer).stderr(log.try_clone()?);
        failpoint::pass_on(&mut command);
        failpoint::reached(Point::JobWritten);
        let child = command.spawn()?;
        failpoint::reached(Point::SupervisorStarted);
        // It holds the other end of the pipe, which has to close with the supervisor.
        drop(command);
        Ok((child, reader))
    };
    let (mut child, reader) = match spawn() {
        Ok(started) => started,
        Err(error) => return Start::Dead { error },
    };
    match listen(reader, patience) {
        Ok(announcement) => {
            collect_later(child);
            Start::Announced(announcement)
        }
        Err(error) => {
            // It is slow, or dead. Now it is certainly dead.
            let _ = child.kill();
            let _ = child.wait();
            Start::Dead { error }
        }
    }
}

impl ActionRunner for ProcessRunner {
    fn run(&self, grant: Grant, directory: &str) -> Result<ProcessId, RunError> {
        let failed = |error: io::Error| {
            RunError(format!(
                "The action was not started: {error}. Nothing of it ran; propose the step again when that is mended"
            ))
        };
        let directory = std::path::absolute(directory).map_err(failed)?;
        let job = Job {
            version: VERSION,
            attempt: grant.attempt(),
            digest: grant.digest().to_owned(),
            spec: grant.spec().clone(),
            output_limit: self.output_limit,
            grace: self.grace,
        };
        self.begin(&job, &directory).map_err(failed)
    }

    fn probe(&self, directory: &str) -> Probe {
        let directory = Path::new(directory);
        // A claim that cannot be read is one: something may have run.
        let (spawned, supervisor) = match read_json(directory, SUPERVISOR) {
            Ok(None | Some(Claim::GivenUp { .. })) => (false, None),
            Ok(Some(Claim::Supervisor(supervisor))) => (true, Some(supervisor)),
            Err(_) => (true, None),
        };
        let alive = supervisor.as_ref().is_some_and(is_alive);
        // Looked for after the process, since the supervisor writes it and then ends.
        if let Ok(Some(record)) = read_json::<OutcomeRecord>(directory, OUTCOME) {
            return Probe::Ended(AttemptEnd {
                outcome: record.outcome,
                ended_at: Some(record.ended_at),
                output_bytes: record.output_bytes,
                output_digest: record.output_digest,
            });
        }
        let output_bytes = output_bytes(directory);
        match supervisor {
            Some(supervisor) if alive => Probe::Running { supervisor, output_bytes },
            Some(supervisor) => {
                let left = left_behind(&supervisor);
                match end_noted(directory, &supervisor).filter(|_| left.is_empty()) {
                    Some(end) => Probe::Ended(end),
                    None => Probe::Lost { spawned, left, output_bytes },
                }
            }
            None => Probe::Lost { spawned, left: Vec::new(), output_bytes },
        }
    }

    fn cancel(&self, directory: &str) -> Result<(), RunError> {
        let directory = Path::new(directory);
        let failed = |why: &str| RunError(format!("It could not be ended: {why}"));
        let claim = read_json(directory, SUPERVISOR)
            .map_err(|error| failed(&format!("{}: {error}", directory.join(SUPERVISOR).display())))?;
        let Some(Claim::Supervisor(supervisor)) = claim else { return Err(failed("it was never started")) };
        if !is_alive(&supervisor) {
            return Err(failed("it is over already"));
        }
        match create(&directory.join(CANCEL)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&error.to_string())),
        }
        kill(pid_of(&supervisor), Signal::SIGTERM).map_err(|error| failed(&error.to_string()))
    }

    fn give_up(&self, directory: &str) -> Result<GivenUp, RunError> {
        let directory = Path::new(directory);
        give_up(directory).map_err(|error| RunError(format!("{}: {error}", directory.join(SUPERVISOR).display())))
    }

    fn output(&self, directory: &str, offset: u64, limit: usize) -> Result<Vec<u8>, RunError> {
        let path = Path::new(directory).join(OUTPUT);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(limit as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| RunError(format!("The output cannot be read: {}: {error}", path.display())))
    }
}

/// The end that a supervisor has noted that was killed before it could record it; what it would have remarked below the
/// output is lost. After a restart of the machine nothing is left that the note could be relied on for.
fn end_noted(directory: &Path, supervisor: &ProcessId) -> Option<AttemptEnd> {
    let note: EndNote = read_json(directory, ENDED).ok().flatten().filter(|_| is_of_this_boot(supervisor))?;
    Some(AttemptEnd {
        outcome: note.outcome,
        ended_at: Some(note.ended_at),
        output_bytes: output_bytes(directory),
        output_digest: output_digest(directory).ok().flatten().unwrap_or_default(),
    })
}

/// Sees to it that nobody begins the attempt in `directory` any more, if nobody has.
fn give_up(directory: &Path) -> io::Result<GivenUp> {
    // A supervisor writes this file before it starts anything, and cannot when it is there.
    match write_json(directory, SUPERVISOR, &Claim::GivenUp { given_up_at: SystemClock.now() }) {
        Ok(()) => Ok(GivenUp::NeverBegan),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_json(directory, SUPERVISOR)? {
            Some(Claim::GivenUp { .. }) => Ok(GivenUp::NeverBegan),
            Some(Claim::Supervisor(_)) => Ok(GivenUp::Began),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Waits for the supervisor's one line.
fn listen(mut reader: PipeReader, patience: Duration) -> io::Result<Announcement> {
    let until = Instant::now() + patience;
    let mut line = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let patience = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let ready = match poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], patience) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        if ready == 0 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "its supervisor did not answer in time"));
        }
        let length = reader.read(&mut chunk)?;
        line.extend_from_slice(chunk.get(..length).unwrap_or_default());
        if line.ends_with(b"\n") {
            return Ok(serde_json::from_slice(&line)?);
        }
        if length == 0 || line.len() > MAX_ANNOUNCEMENT {
            return Err(io::Error::other("its supervisor ended before it began"));
        }
    }
}

/// `error` with what the supervisor itself had to say.
fn explained(error: &io::Error, directory: &Path) -> io::Error {
    const MOST: usize = 1024;
    let log = std::fs::read(directory.join(LOG)).unwrap_or_default();
    let said = String::from_utf8_lossy(log.get(..log.len().min(MOST)).unwrap_or_default()).trim().replace('\n', "; ");
    if said.is_empty() { io::Error::other(error.to_string()) } else { io::Error::other(format!("{error} ({said})")) }
}

/// Collects the supervisor when it ends, so that it does not stay behind as a zombie of a console that lives for days.
fn collect_later(mut child: Child) {
    let collected = std::thread::Builder::new().name("aiops-collect".to_owned()).spawn(move || child.wait());
    if let Err(error) = collected {
        // The supervisor works without it; its zombie goes with the console.
        tracing::warn!(%error, "no thread to collect a supervisor");
    }
}

//! The runner: starts supervisors and finds them again.
//!
//! Invariants: nothing is started without a [`Grant`]; when `run` fails, nothing of the action ran or will run.

use std::fs::File;
use std::io::{self, PipeReader, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};

use super::files::{
    CANCEL, Claim, Job, LOG, OUTCOME, OUTPUT, OutcomeRecord, SPEC, SUPERVISOR, VERSION, create, output_bytes,
    read_json, write_json,
};
use super::identity::is_alive;
use super::session::left_behind;
use super::supervisor::{Announcement, pid_of};
use crate::adapters::host::SystemClock;
use crate::domain::action::attempt::{AttemptEnd, ProcessId};
use crate::domain::action::grant::Grant;
use crate::engine::ports::{ActionRunner, Clock as _, GivenUp, Probe, RunError};
use crate::failpoint::{self, Point};

/// Bytes of output that are kept of an attempt, unless said otherwise.
pub const DEFAULT_OUTPUT_LIMIT: u64 = 16 * 1024 * 1024;

/// Time between TERM and KILL, unless said otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// A supervisor that did not say that it runs within this time is ended.
const START_WITHIN: Duration = Duration::from_secs(5);

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
}

impl ProcessRunner {
    /// A runner with the default limits.
    #[must_use]
    pub const fn new(program: PathBuf) -> Self {
        Self { program, output_limit: DEFAULT_OUTPUT_LIMIT, grace: DEFAULT_GRACE }
    }

    fn start(&self, job: &Job, directory: &Path) -> io::Result<(Child, PipeReader)> {
        write_json(directory, SPEC, job)?;
        let log = create(&directory.join(LOG))?;
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&self.program);
        command
            .arg("supervise")
            .arg(directory)
            .arg(&job.digest)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(log);
        failpoint::pass_on(&mut command);
        failpoint::reached(Point::JobWritten);
        let child = command.spawn()?;
        failpoint::reached(Point::SupervisorStarted);
        Ok((child, reader))
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
        let (mut child, reader) = self.start(&job, &directory).map_err(failed)?;
        match listen(reader) {
            Ok(Announcement::Running { supervisor }) => {
                collect_later(child);
                Ok(supervisor)
            }
            Ok(Announcement::Failed { reason }) => {
                collect_later(child);
                Err(failed(io::Error::other(reason)))
            }
            Err(error) => {
                // It is slow, or dead. Once it is certainly dead, its first file tells whether it may have begun.
                let _ = child.kill();
                let _ = child.wait();
                match read_json(&directory, SUPERVISOR) {
                    Ok(Some(Claim::Supervisor(supervisor))) => Ok(supervisor),
                    Ok(Some(Claim::GivenUp { .. }) | None) => Err(failed(explained(&error, &directory))),
                    Err(unreadable) => Err(failed(unreadable)),
                }
            }
        }
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
            Some(supervisor) => Probe::Lost { spawned, left: left_behind(&supervisor), output_bytes },
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
        let failed = |error: io::Error| RunError(format!("{}: {error}", directory.join(SUPERVISOR).display()));
        // A supervisor writes this file before it starts anything, and cannot when it is there.
        match write_json(directory, SUPERVISOR, &Claim::GivenUp { given_up_at: SystemClock.now() }) {
            Ok(()) => Ok(GivenUp::NeverBegan),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_json(directory, SUPERVISOR) {
                Ok(Some(Claim::GivenUp { .. })) => Ok(GivenUp::NeverBegan),
                Ok(Some(Claim::Supervisor(_))) => Ok(GivenUp::Began),
                Ok(None) => Err(failed(error)),
                Err(error) => Err(failed(error)),
            },
            Err(error) => Err(failed(error)),
        }
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

/// Waits for the supervisor's one line.
fn listen(mut reader: PipeReader) -> io::Result<Announcement> {
    let until = Instant::now() + START_WITHIN;
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

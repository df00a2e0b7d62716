//! The supervisor: the process that runs one attempt and outlives the console.
//!
//! Owns: its own start, its identity on the disk, the record of the end. Its standard output is the line back to the
//! runner; its standard error is a log file.

use std::fs::{DirBuilder, DirEntry};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::unistd::{Pid, close, dup2_stdout, getpid, getsid, setsid};
use serde::{Deserialize, Serialize};

use super::command::script_of;
use super::execute::{Executed, OutputPath, Signals, execute};
use super::files::{
    Claim, Job, OUTCOME, OUTPUT, OutcomeRecord, RESERVE, SCRATCH, SPEC, SUPERVISOR, VERSION, output_bytes,
    output_digest, read_json, reserve, write_json,
};
use super::handed::Handed;
use super::identity::identify;
use super::remarks::{KEPT_FROM_WRITING, append, remarks, was_refused};
use super::terminal::Terminal;
use crate::domain::action::attempt::{Outcome, ProcessId};
use crate::domain::action::spec::{Confinement, Execution};
use crate::domain::action::tie::Tie;
use crate::failpoint::{self, Point};

/// What the supervisor tells the runner, once, as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Announcement {
    /// It is on the disk that it lives; it starts the action next.
    Running { supervisor: ProcessId },
    /// It starts nothing.
    Failed { reason: String },
}

/// Runs the attempt in `directory` and records its end. This is the body of the hidden subcommand `supervise`.
///
/// `digest` is that of the action that was approved, from the console itself: what lies in the directory is only run when it
/// has this digest.
///
/// The exit code says whether the end could be recorded, not how the action ended. Call it before this process has opened
/// anything: every descriptor but the standard ones is closed.
#[must_use]
pub fn supervise(directory: &Path, digest: &str) -> ExitCode {
    match run(directory, digest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            announce(&Announcement::Failed { reason: error.to_string() });
            // Standard error is the attempt's own log file; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path, digest: &str) -> io::Result<()> {
    close_inherited()?;
    let job = load(directory, digest)?;
    let handed = Handed::take(&job.spec.secrets, io::stdin().lock())?;
    let terminal = match job.spec.mode {
        Execution::Supervised => {
            detach()?;
            None
        }
        Execution::Interactive => Some(Terminal::take()?),
    };
    nix::sys::prctl::set_child_subreaper(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anyone can learn whom to send a TERM to.
        let signals = Signals::install()?;
        reserve(directory)?;
        if job.spec.confinement == Confinement::ReadsOnly {
            DirBuilder::new().mode(0o700).create(directory.join(SCRATCH))?;
        }
        let output = OutputPath::create(directory)?;
        let supervisor = identify(getpid().as_raw())?;
        failpoint::reached(Point::ClaimDue);
        write_json(directory, SUPERVISOR, &Claim::Supervisor(supervisor.clone())).map_err(claimed)?;
        failpoint::reached(Point::Claimed);
        announce(&Announcement::Running { supervisor });
        hang_up()?;
        let executed = execute(&job, directory, signals, output, terminal.as_ref(), handed).await?;
        record(directory, &job, executed)
    })
}

/// Records the end. Whatever became of the output meanwhile, how the action ended is not lost with it.
fn record(directory: &Path, job: &Job, executed: Executed) -> io::Result<()> {
    let mut notes = executed.notes;
    // What cannot be removed gives no space back; the lines and the record may still find some.
    let _ = std::fs::remove_file(directory.join(RESERVE));
    let confined = job.spec.confinement == Confinement::ReadsOnly;
    if confined {
        // What stays there is only a cache, and stands in a directory that is removed with the attempt.
        let _ = std::fs::remove_dir_all(directory.join(SCRATCH));
    }
    let (script, _) = script_of(&job.spec);
    let mut remarks = remarks(&notes, executed.dropped, &script, &executed.parts);
    if confined && executed.outcome != (Outcome::Exited { code: 0 }) && was_refused(&directory.join(OUTPUT)) {
        remarks.push(KEPT_FROM_WRITING.to_owned());
    }
    if let Err(error) = append(&directory.join(OUTPUT), &remarks) {
        notes.push(format!("the output could not be added to: {error}"));
    }
    let output_digest = match output_digest(directory) {
        Ok(Some(digest)) => digest,
        Ok(None) => {
            notes.push("the output could not be read back: the file is gone".to_owned());
            String::new()
        }
        Err(error) => {
            notes.push(format!("the output could not be read back: {error}"));
            String::new()
        }
    };
    let record = OutcomeRecord {
        version: VERSION,
        outcome: executed.outcome,
        parts: executed.parts,
        output_bytes: output_bytes(directory),
        output_digest,
        dropped_bytes: executed.dropped,
        notes,
        ended_at: executed.ended_at,
    };
    write_json(directory, OUTCOME, &record)
}

fn claimed(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return io::Error::new(error.kind(), "it was given up, or another supervisor has it; nothing was started");
    }
    error
}

/// Closes descriptors that the console was started with, such as somebody's lock file: the action may run for long.
fn close_inherited() -> io::Result<()> {
    // Collected first: the listing has a descriptor of its own, which is closed when the listing is over.
    let number = |entry: io::Result<DirEntry>| entry.ok()?.file_name().to_str()?.parse::<i32>().ok();
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?.filter_map(number).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        match close(fd) {
            Ok(()) | Err(Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Leaves the console's session, so that neither its terminal nor its process group can end this process.
fn detach() -> io::Result<()> {
    match setsid() {
        Ok(_) => Ok(()),
        Err(Errno::EPERM) if getsid(None) == Ok(getpid()) => Ok(()),
        Err(error) => Err(io::Error::other(format!("no session of its own could be had: {error}"))),
    }
}

/// Reads what is to run and makes sure that it is what was approved.
fn load(directory: &Path, digest: &str) -> io::Result<Job> {
    let job: Job = read_json(directory, SPEC)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{} has no {SPEC}", directory.display())))?;
    if job.version != VERSION {
        return Err(io::Error::other(format!("{SPEC} has version {}, this program knows {VERSION}", job.version)));
    }
    if Tie::of(&job.spec, digest).is_none() {
        return Err(io::Error::other(format!("{SPEC} is not what was approved; nothing was started")));
    }
    Ok(job)
}

/// Tells the runner. That it may be gone already changes nothing: the attempt is stored, and goes on without it.
fn announce(announcement: &Announcement) {
    let Ok(mut line) = serde_json::to_vec(announcement) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// Lets go of the line to the runner.
fn hang_up() -> io::Result<()> {
    dup2_stdout(std::fs::OpenOptions::new().write(true).open("/dev/null")?)?;
    Ok(())
}

/// The process `pid`, for signals.
pub(super) const fn pid_of(process: &ProcessId) -> Pid {
    Pid::from_raw(process.pid)
}

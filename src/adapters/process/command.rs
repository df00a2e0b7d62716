//! From argv words to started processes.
//!
//! Owns: finding programs, descriptors and process groups of a pipeline. Does not: wait (see `execute`).
//! Invariant: no shell is involved unless the action is approved as a bash script; the environment is exactly the action's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::confine::confined;
use super::files::StageStatus;
use super::handed::Handed;
use super::terminal::Terminal;
use crate::domain::action::spec::{ActionSpec, Connector, Invocation, Origin, Pipeline, Redirect, Script, Stage, Word};

/// Where programs are looked for when the environment has no PATH (POSIX `confstr(_CS_PATH)` on Linux).
pub(super) const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// The script that an invocation amounts to, and its environment: a bash script is one stage.
pub(super) fn script_of(spec: &ActionSpec) -> (Script, BTreeMap<String, String>) {
    let mut environment = spec.env.clone();
    match &spec.invocation {
        Invocation::Argv { script } => (script.clone(), environment),
        Invocation::Bash { script, values, .. } => {
            for (name, piece) in values {
                environment.insert(name.clone(), piece.text.clone());
            }
            let words = ["/bin/bash", "--noprofile", "--norc", "-c", script];
            let argv = words.map(|word| Word::new(word, Origin::Sop)).to_vec();
            let pipeline = Pipeline::new(vec![Stage::new(argv)]);
            (Script::new(vec![(Connector::Always, pipeline)]), environment)
        }
    }
}

/// Where stages run.
pub(super) struct Surroundings<'a> {
    pub(super) cwd: &'a Path,
    pub(super) environment: &'a BTreeMap<String, String>,
    /// The only directory that they may write to, if they may not write everywhere.
    pub(super) scratch: Option<&'a Path>,
    pub(super) streams: Streams<'a>,
    /// Where error messages go that would otherwise go to the outer streams.
    pub(super) errors: Option<&'a File>,
    /// Secrets, of which each program gets its own.
    pub(super) handed: &'a Handed,
}

/// What the outer standard streams of a pipeline are.
#[derive(Clone, Copy)]
pub(super) enum Streams<'a> {
    /// No input; output and error messages go into this pipe. Each pipeline is a process group of its own.
    Recorded(&'a PipeWriter),
    /// All are the terminal. Everything is in the process group of this process, which has the terminal.
    Terminal(&'a Terminal),
}

impl Streams<'_> {
    fn input(self) -> io::Result<Stdio> {
        match self {
            Self::Recorded(_) => Ok(Stdio::null()),
            Self::Terminal(terminal) => terminal.stream(),
        }
    }

    fn output(self) -> io::Result<Stdio> {
        match self {
            Self::Recorded(pipe) => Ok(pipe.try_clone()?.into()),
            Self::Terminal(terminal) => terminal.stream(),
        }
    }
}

/// A stage after the attempt to start it.
pub(super) enum Started {
    Running(Child),
    Failed(StageStatus),
}

/// Starts all stages of `pipeline` in one process group.
///
/// As in a shell, a stage that cannot be started does not keep the others from running: they read an empty input, or
/// write to a closed pipe.
pub(super) fn start(pipeline: &Pipeline, surroundings: &Surroundings<'_>) -> Vec<Started> {
    let Some(scratch) = surroundings.scratch else { return start_all(pipeline, surroundings) };
    match confined(scratch, || start_all(pipeline, surroundings)) {
        Ok(started) => started,
        Err(error) => pipeline.stages.iter().map(|_| Started::Failed(failure(&error))).collect(),
    }
}

fn start_all(pipeline: &Pipeline, surroundings: &Surroundings<'_>) -> Vec<Started> {
    let mut started = Vec::with_capacity(pipeline.stages.len());
    let mut input: Option<PipeReader> = None;
    let mut group = 0;
    for (index, stage) in pipeline.stages.iter().enumerate() {
        let last = index + 1 == pipeline.stages.len();
        let outcome = (|| {
            let (next_input, pipe) = if last { (None, None) } else { io::pipe().map(|(r, w)| (Some(r), Some(w)))? };
            let from = input.take();
            input = next_input;
            let descriptors = Descriptors { from, pipe };
            spawn(stage, descriptors, group, surroundings)
        })();
        match outcome {
            Ok(child) => {
                // The first process leads the group. It cannot vanish before the others join, since nobody reaps it
                // until all are started.
                if group == 0 {
                    group = i32::try_from(child.id()).unwrap_or(0);
                }
                started.push(Started::Running(child));
            }
            Err(error) => started.push(Started::Failed(failure(&error))),
        }
    }
    started
}

/// Shells report 127 for a program that is not there and 126 for one that cannot be executed.
fn failure(error: &io::Error) -> StageStatus {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    StageStatus::NotStarted { code, reason: error.to_string() }
}

/// What a stage reads from, and the pipe to the next one.
struct Descriptors {
    from: Option<PipeReader>,
    pipe: Option<PipeWriter>,
}

/// Where a descriptor leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    /// To the next stage, or to the output from the last one.
    Onward,
    Output,
    Null,
}

fn spawn(stage: &Stage, descriptors: Descriptors, group: i32, surroundings: &Surroundings<'_>) -> io::Result<Child> {
    let words: Vec<String> = stage.argv.iter().map(Word::text).collect();
    let Some((name, arguments)) = words.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command has no words"));
    };
    let mut environment = surroundings.environment.clone();
    environment.extend(stage.environment().map(|(name, value)| (name.to_owned(), value)));
    let program = find_program(name, surroundings.cwd, &environment)?;
    let (out, err) = sinks(&stage.redirects);
    let stdio = |sink: Sink| -> io::Result<Stdio> {
        Ok(match (sink, &descriptors.pipe) {
            (Sink::Null, _) => Stdio::null(),
            (Sink::Onward, Some(pipe)) => pipe.try_clone()?.into(),
            (Sink::Onward, None) | (Sink::Output, _) => surroundings.streams.output()?,
        })
    };
    let mut command = Command::new(program);
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .envs(&environment)
        .envs(surroundings.handed.environment(stage))
        .current_dir(surroundings.cwd)
        .stdout(stdio(out)?)
        .stderr(match (err, surroundings.errors) {
            (Sink::Output, Some(file)) => file.try_clone()?.into(),
            (Sink::Onward | Sink::Output | Sink::Null, _) => stdio(err)?,
        })
        .stdin(descriptors.from.map_or_else(|| surroundings.streams.input(), |pipe| Ok(pipe.into()))?);
    match surroundings.streams {
        Streams::Recorded(_) => command.process_group(group),
        Streams::Terminal(_) => &mut command,
    };
    surroundings.handed.lend(stage, || command.spawn())
}

/// Where standard output and standard error lead after the redirections, taken in order.
fn sinks(redirects: &[Redirect]) -> (Sink, Sink) {
    let (mut out, mut err) = (Sink::Onward, Sink::Output);
    for redirect in redirects {
        match redirect {
            Redirect::OutToNull => out = Sink::Null,
            Redirect::ErrToNull => err = Sink::Null,
            Redirect::ErrToOut => err = out,
            Redirect::OutToErr => out = err,
        }
    }
    (out, err)
}

/// The file that `name` stands for: as it is when it has a slash, else the first of that name in PATH that can be
/// executed. Relative entries of PATH are passed over: they would make the working directory a place for programs.
fn find_program(name: &str, cwd: &Path, environment: &BTreeMap<String, String>) -> io::Result<PathBuf> {
    if name.contains('/') {
        return Ok(cwd.join(name));
    }
    let path = environment.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let mut refused = None;
    for directory in path.split(':').filter(|directory| directory.starts_with('/')) {
        let candidate = Path::new(directory).join(name);
        match std::fs::metadata(&candidate) {
            Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => return Ok(candidate),
            Ok(metadata) if metadata.is_file() => refused = Some(candidate),
            Ok(_) | Err(_) => {}
        }
    }
    Err(match refused {
        Some(file) => io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is not executable", file.display())),
        None => io::Error::new(io::ErrorKind::NotFound, format!("there is no program {name} in {path}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_are_taken_in_order() {
        let all = |redirects: &[Redirect]| sinks(redirects);
        assert!(all(&[]) == (Sink::Onward, Sink::Output));
        assert!(all(&[Redirect::OutToNull, Redirect::ErrToOut]) == (Sink::Null, Sink::Null));
        assert!(all(&[Redirect::ErrToOut, Redirect::OutToNull]) == (Sink::Null, Sink::Onward));
        assert!(all(&[Redirect::OutToErr]) == (Sink::Output, Sink::Output));
        assert!(all(&[Redirect::ErrToNull, Redirect::OutToErr]) == (Sink::Null, Sink::Null));
    }

    #[test]
    fn programs_are_never_taken_from_relative_directories() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tool"), "#!/bin/sh\n").unwrap();
        let with_path = |path: &str| BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
        let absolute = with_path(directory.path().to_str().unwrap());
        let kind = |environment: &BTreeMap<String, String>| {
            find_program("tool", directory.path(), environment).map_err(|error| error.kind())
        };
        assert_eq!(kind(&absolute), Err(io::ErrorKind::PermissionDenied));
        let executable = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory.path().join("tool"), executable).unwrap();
        assert_eq!(kind(&absolute), Ok(directory.path().join("tool")));
        assert_eq!(kind(&with_path(".::")), Err(io::ErrorKind::NotFound));
        assert_eq!(find_program("./tool", directory.path(), &absolute).unwrap(), directory.path().join("./tool"));
    }
}

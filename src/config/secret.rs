//! Secrets: the configuration says where they are, never what they are.
//!
//! Owns: the three kinds of places and how a secret is fetched from each. Invariants: a [`Secret`] holds no secret, so
//! that it may be printed; what [`Secret::resolve`] returns prints as redacted and is wiped from memory when dropped;
//! no error quotes what was read.

use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid};
use secrecy::SecretString;

/// A command that prints a secret has this long: a password manager answers in well under a second, and a person waits.
pub const COMMAND_TIME_LIMIT: Duration = Duration::from_secs(5);

/// No token is longer; in bytes.
const LONGEST_SECRET: u64 = 64 * 1024;

/// After the end of a command, its pipes are read for at least this long.
const PIPE_GRACE: Duration = Duration::from_secs(1);

/// How often a running command is looked at.
const COMMAND_POLL: Duration = Duration::from_millis(5);

/// Where a secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this environment variable.
    Environment(String),
    /// On the first line of this file, which nobody else may read.
    File(PathBuf),
    /// On the first line that this command prints: program and arguments, run without a shell.
    Command(Vec<String>),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            // Arguments are left out: someone will have put the secret there.
            Self::Command(argv) => write!(f, "command {}", argv.first().map_or("", String::as_str)),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({self})")
    }
}

/// A secret that the configuration names: which key wants it, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    key: String,
    source: SecretSource,
}

/// Why a secret could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: no secret from {place}: {problem}. {remedy}")]
pub struct SecretError {
    /// The key of the configuration.
    pub key: String,
    /// Where it was looked for.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// The parts of a [`SecretError`] that the place itself does not know.
struct Trouble(String, String);

impl Secret {
    /// A secret for `key` at `source`.
    #[must_use]
    pub fn new(key: &str, source: SecretSource) -> Self {
        Self { key: key.to_owned(), source }
    }

    /// The key of the configuration that wants it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where it is.
    #[must_use]
    pub const fn source(&self) -> &SecretSource {
        &self.source
    }

    /// Fetches it. Blocks: for up to [`COMMAND_TIME_LIMIT`] when it comes from a command, so call it off the screen's task.
    ///
    /// # Errors
    /// [`SecretError`] names the key, the place and the remedy.
    pub fn resolve(&self) -> Result<SecretString, SecretError> {
        self.resolve_with(|name| std::env::var_os(name), COMMAND_TIME_LIMIT)
    }

    /// [`Self::resolve`] with the environment and the command's time limit given.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_with(
        &self,
        environment: impl Fn(&str) -> Option<OsString>,
        time_limit: Duration,
    ) -> Result<SecretString, SecretError> {
        let fetched = match &self.source {
            SecretSource::Environment(name) => from_environment(name, environment(name)),
            SecretSource::File(path) => from_file(path),
            SecretSource::Command(argv) => from_command(argv, time_limit),
        };
        fetched.map_err(|Trouble(problem, remedy)| SecretError {
            key: self.key.clone(),
            place: self.source.to_string(),
            problem,
            remedy,
        })
    }
}

fn from_environment(name: &str, value: Option<OsString>) -> Result<SecretString, Trouble> {
    let remedy = || format!("Export {name} before the program is started");
    let value = value.ok_or_else(|| Trouble("it is not set".to_owned(), remedy()))?;
    let text = value.into_string().map_err(|_| Trouble("it is not UTF-8".to_owned(), remedy()))?;
    first_line(text.as_bytes()).ok_or_else(|| Trouble("it is empty".to_owned(), remedy()))
}

fn from_file(path: &Path) -> Result<SecretString, Trouble> {
    let shown = shell_word(path);
    // Not blocking: opening a named pipe would otherwise wait for a writer for ever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(|error| Trouble(error.to_string(), format!("Create {shown} with the secret on its first line")))?;
    let metadata =
        file.metadata().map_err(|error| Trouble(error.to_string(), format!("Look at {shown} with ls -l")))?;
    if !metadata.is_file() {
        return Err(Trouble("it is not a regular file".to_owned(), "Name a file that holds the secret".to_owned()));
    }
    let user = Uid::effective();
    if metadata.uid() != user.as_raw() {
        let problem = format!("it belongs to uid {}, not to you (uid {user})", metadata.uid());
        return Err(Trouble(problem, format!("Run: chown {user} {shown}")));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & !0o600 != 0 {
        let problem = format!("its mode is {mode:04o}: more than its owner may read and write it");
        return Err(Trouble(problem, format!("Run: chmod 600 {shown}")));
    }
    let line = bounded_line(file).map_err(|error| Trouble(error.to_string(), format!("Check {shown}")))?;
    first_line(&line).ok_or_else(|| {
        let problem = "its first line is empty or not UTF-8".to_owned();
        Trouble(problem, format!("Write the secret to the first line of {shown}"))
    })
}

fn from_command(argv: &[String], time_limit: Duration) -> Result<SecretString, Trouble> {
    let remedy = "Run the command by hand in this terminal; it must print the secret without asking anything";
    let trouble = |problem: String| Trouble(problem, remedy.to_owned());
    let deadline = Instant::now() + time_limit;
    let (program, arguments) = argv.split_first().ok_or_else(|| trouble("no program is named".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it started ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| trouble(format!("it cannot be started: {error}")))?;
    let output = line_of(child.stdout.take());
    let complaint = line_of(child.stderr.take());
    let status = wait_until(&mut child, deadline);
    // First the end of all that could still hold the pipes, then what they hold.
    end_group(&mut child);
    let left = || deadline.saturating_duration_since(Instant::now()).max(PIPE_GRACE);
    match status {
        None => Err(trouble(format!("it did not end within {} s", time_limit.as_secs_f32()))),
        Some(Err(error)) => Err(trouble(format!("it cannot be waited for: {error}"))),
        Some(Ok(status)) if !status.success() => {
            let how = status.code().map_or_else(
                || format!("it was ended by signal {}", status.signal().unwrap_or_default()),
                |code| format!("it exited with status {code}"),
            );
            let said = complaint.recv_timeout(left()).unwrap_or_default();
            Err(trouble(format!("{how}{}", quoted_complaint(&said))))
        }
        Some(Ok(_)) => output
            .recv_timeout(left())
            .ok()
            .and_then(|line| first_line(&line))
            .ok_or_else(|| trouble("its first line is empty or not UTF-8".to_owned())),
    }
}

/// Reads the first line of `stream` on a thread of its own, so that a command that keeps its output open cannot hold us.
fn line_of(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stream) = stream {
        std::thread::spawn(move || {
            let line = bounded_line(&mut stream).unwrap_or_default();
            // Nobody listens any more when the time limit was reached.
            let _ = sender.send(line);
            // The rest is drained, so that the command does not die of a broken pipe after the first line.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
    }
    receiver
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<std::io::Result<std::process::ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if Instant::now() >= deadline => return None,
            Ok(None) => std::thread::sleep(COMMAND_POLL),
        }
    }
}

/// Ends what is left of the command's process group, and reaps the command.
fn end_group(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // An error means that the group is gone, which is what is wanted.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = child.wait();
}

/// The first line with its end, or what there is of it within [`LONGEST_SECRET`].
fn bounded_line(stream: impl Read) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_SECRET)).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The first line without its end; `None` when it is empty or not UTF-8.
fn first_line(bytes: &[u8]) -> Option<SecretString> {
    let line = std::str::from_utf8(bytes).ok()?.lines().next()?;
    (!line.is_empty()).then(|| SecretString::from(line))
}

/// What the command said on its standard error, made harmless and short.
fn quoted_complaint(said: &[u8]) -> String {
    let line: String = String::from_utf8_lossy(said).trim().chars().take(200).collect();
    if line.is_empty() { String::new() } else { format!(" and said \"{}\"", line.escape_debug()) }
}

/// `path` as one word of a shell, for commands that a person is told to run.
fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    use super::*;

    const VALUE: &str = "s3cr3t-value";

    fn resolve(source: SecretSource) -> Result<String, SecretError> {
        let environment = |name: &str| (name == "HAS_IT").then(|| OsString::from(VALUE));
        let secret = Secret::new("receiver.token", source);
        secret.resolve_with(environment, COMMAND_TIME_LIMIT).map(|secret| secret.expose_secret().to_owned())
    }

    fn file_with(mode: u32, content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    fn argv(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_variable_is_read_and_a_missing_one_is_named() {
        assert_eq!(resolve(SecretSource::Environment("HAS_IT".to_owned())).unwrap(), VALUE);
        let error = resolve(SecretSource::Environment("HAS_IT_NOT".to_owned())).unwrap_err().to_string();
        assert!(error.contains("receiver.token") && error.contains("HAS_IT_NOT"), "{error}");
    }

    #[rstest]
    #[case(0o600)]
    #[case(0o400)]
    fn the_first_line_of_a_private_file_is_read(#[case] mode: u32) {
        let (_directory, path) = file_with(mode, "s3cr3t-value\nsecond line\n");
        assert_eq!(resolve(SecretSource::File(path)).unwrap(), VALUE);
    }

    #[rstest]
    #[case(0o644)]
    #[case(0o640)]
    #[case(0o660)]
    #[case(0o602)]
    #[case(0o604)]
    #[case(0o700)]
    fn a_file_that_others_may_use_is_refused_with_the_command_that_mends_it(#[case] mode: u32) {
        let (_directory, path) = file_with(mode, VALUE);
        let error = resolve(SecretSource::File(path.clone())).unwrap_err();
        assert_eq!(error.remedy, format!("Run: chmod 600 {}", path.display()));
        assert!(error.problem.contains(&format!("{mode:04o}")), "{}", error.problem);
        assert!(!error.to_string().contains(VALUE));
    }

    #[test]
    fn missing_empty_and_irregular_files_are_refused() {
        let (directory, path) = file_with(0o600, "\nsecond");
        assert!(resolve(SecretSource::File(path)).unwrap_err().problem.contains("empty"));
        let missing = resolve(SecretSource::File(directory.path().join("absent"))).unwrap_err();
        assert!(missing.remedy.starts_with("Create "), "{missing}");
        let irregular = resolve(SecretSource::File(directory.path().to_path_buf())).unwrap_err();
        assert!(irregular.problem.contains("regular"), "{irregular}");
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        if !Uid::effective().is_root() {
            println!("SKIPPED: a_file_of_another_user_is_refused: only root can give a file away");
            return;
        }
        let (_directory, path) = file_with(0o600, VALUE);
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        let error = resolve(SecretSource::File(path)).unwrap_err();
        assert!(error.problem.contains("uid 65534") && error.remedy.starts_with("Run: chown"), "{error}");
    }

    #[test]
    fn the_first_line_of_a_command_is_read_and_the_rest_does_not_disturb_it() {
        assert_eq!(resolve(argv(&["printf", "s3cr3t-value\nuser: ada\n"])).unwrap(), VALUE);
        assert_eq!(resolve(argv(&["sh", "-c", "echo s3cr3t-value; yes | head -c 300000"])).unwrap(), VALUE);
    }

    #[test]
    fn a_command_may_leave_something_behind_that_holds_its_output() {
        assert_eq!(resolve(argv(&["sh", "-c", "sleep 600 & printf s3cr3t-value"])).unwrap(), VALUE);
    }

    #[test]
    fn a_failing_command_is_quoted_only_by_what_it_says_about_the_failure() {
        let error = resolve(argv(&["sh", "-c", "echo s3cr3t-value; echo no key >&2; exit 3"])).unwrap_err();
        assert!(error.problem.contains("status 3") && error.problem.contains("no key"), "{error}");
        assert!(!error.to_string().contains(VALUE));
        let missing = resolve(argv(&["/nonexistent/program"])).unwrap_err();
        assert!(missing.problem.contains("cannot be started"), "{missing}");
        assert!(resolve(argv(&["true"])).unwrap_err().problem.contains("empty"));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pids = directory.path().join("pids");
        let script = format!("sleep 600 & echo $! $$ > {}; wait", pids.display());
        let secret = Secret::new("receiver.token", argv(&["sh", "-c", &script]));
        // On a busy machine the shell may not have come to write its line within the first limits.
        let written = [200, 1_000, 5_000, 25_000].into_iter().find_map(|millis| {
            let error = secret.resolve_with(|_| None, Duration::from_millis(millis)).unwrap_err();
            assert!(error.problem.contains("did not end within"), "{error}");
            fs::read_to_string(&pids).ok().filter(|text| text.ends_with('\n'))
        });
        let gone = |pid: &str| match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        for pid in written.unwrap().split_whitespace() {
            while !gone(pid) {
                assert!(Instant::now() < deadline, "process {pid} still runs");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn nothing_printable_holds_the_secret_or_the_arguments_of_its_command() {
        let secret = Secret::new("receiver.token", argv(&["echo", VALUE]));
        let resolved = secret.resolve().unwrap();
        let printed = format!("{secret:?} {} {resolved:?}", secret.source());
        assert!(!printed.contains(VALUE), "{printed}");
    }

    #[test]
    fn paths_are_quoted_in_commands_to_run() {
        assert_eq!(shell_word(Path::new("/etc/aiops/token")), "/etc/aiops/token");
        assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}

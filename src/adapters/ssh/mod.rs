//! Running actions on another host with the person's own `ssh`, its configuration, keys and agent.
//!
//! Owns: the command lines of the client, the shared connections, what the other shell reported, and what can be said of an
//! action from that. Does not: start or wait for processes (see `process`), or make the text that the other shell is told
//! (see `domain::action::remote`).
//!
//! Invariants:
//! - Nothing is asked for on a supervised action: a host key or a password that only a person could give fails the
//!   connection, before anything of the action is sent.
//! - A connection that was lost between the first and the last line of the other shell makes the end unknown, and nothing
//!   here starts anything a second time.
//! - Connections are shared between attempts for [`KEPT`] seconds, through sockets in a directory that nobody else can use.

mod heard;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::getuid;

pub(super) use heard::Heard;

use crate::domain::action::spec::{Connector, Execution, Origin, Pipeline, Redirect, Script, Stage, Word};
use crate::domain::action::target::SshHost;
use crate::domain::digest::FieldHasher;

/// Seconds for which an unused connection is kept.
const KEPT: u32 = 60;

/// Options of every call. A connection counts as lost after three silences of ten seconds. What the person's configuration
/// says of the agent, of jump hosts and of host keys holds.
const ALWAYS: [&str; 9] = [
    "ConnectTimeout=15",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "LogLevel=ERROR",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ClearAllForwardings=yes",
    "ForwardX11=no",
    "EscapeChar=none",
];

/// Hexadecimal digits of the way to a host in the name of a socket, which has little room; see [`control_directory`].
const ROUTE_DIGITS: usize = 8;

/// What is run to see whether the connection stands and the login leads to a shell.
const NOTHING: &str = "true";

/// The part of [`Link::script`] that connects.
pub(super) const CONNECT: usize = 1;
/// The part of [`Link::script`] that tells the other shell what to do.
pub(super) const SESSION: usize = 2;

/// The way to one host.
#[derive(Clone, Debug)]
pub(super) struct Link {
    host: SshHost,
    /// Pattern of the sockets of shared connections.
    control: PathBuf,
}

impl Link {
    /// The way to `host`, with the private directory that it needs.
    ///
    /// # Errors
    /// When there is no such directory and none can be made.
    pub(super) fn new(host: &SshHost) -> io::Result<Self> {
        Ok(Self { host: host.clone(), control: control_directory()?.join(socket(host)) })
    }

    /// The script that looks for a connection, makes one when there is none, and then tells the other shell `text`, as its
    /// part number [`SESSION`].
    pub(super) fn script(&self, text: &str, mode: Execution) -> Script {
        let connect = self.client(mode, &["ControlMaster=auto", &format!("ControlPersist={KEPT}")], "-T", NOTHING);
        let terminal = match mode {
            Execution::Supervised => "-T",
            Execution::Interactive => "-t",
        };
        let session = self.client(mode, &["ControlMaster=no"], terminal, text);
        // Answered by the client that holds the connection: the other host is not asked.
        let mut look = self.client(mode, &["ControlMaster=no"], "-T", NOTHING);
        look.splice(1..1, ["-O".to_owned(), "check".to_owned()]);
        let part = |argv: Vec<String>, redirects: &[Redirect]| {
            let argv = argv.iter().map(|word| Word::new(word, Origin::Script)).collect();
            Pipeline::new(vec![Stage { redirects: redirects.to_vec(), ..Stage::new(argv) }])
        };
        Script::new(vec![
            (Connector::Always, part(look, &[Redirect::OutToNull, Redirect::ErrToNull])),
            (Connector::OrElse, part(connect, &[])),
            (Connector::AndThen, part(session, &[])),
        ])
    }

    /// The command line that ends the process group `group` there: TERM, after `grace` KILL. It exits with 0 when nothing
    /// of the group is left.
    pub(super) fn end(&self, group: u32, grace: Duration) -> Vec<String> {
        let seconds = grace.as_secs().max(1);
        let alive = format!("kill -s 0 -- -{group} 2>/dev/null");
        let text = format!(
            "kill -s TERM -- -{group} 2>/dev/null; n=0; while {alive}; do [ $n -lt {seconds} ] || \
             kill -s KILL -- -{group}; [ $n -lt {most} ] || exit 1; n=$((n+1)); sleep 1; done",
            most = seconds + 3
        );
        self.client(Execution::Supervised, &["ControlMaster=no"], "-T", &text)
    }

    /// Who logs in where, for people.
    pub(super) fn login(&self) -> String {
        self.host.login()
    }

    fn client(&self, mode: Execution, sharing: &[&str], terminal: &str, text: &str) -> Vec<String> {
        let mut words = vec!["ssh".to_owned(), terminal.to_owned()];
        let control = format!("ControlPath={}", self.control.display());
        let mut options: Vec<&str> = ALWAYS.to_vec();
        options.extend(sharing);
        options.push(&control);
        match mode {
            Execution::Supervised => {
                words.push("-n".to_owned());
                options.push("BatchMode=yes");
            }
            // A person sits at the terminal and can answer.
            Execution::Interactive => {}
        }
        words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option.to_owned()]));
        if let Some(path) = &self.host.config {
            words.extend(["-F".to_owned(), path.clone()]);
        }
        if let Some(port) = self.host.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = &self.host.user {
            words.extend(["-l".to_owned(), user.clone()]);
        }
        words.extend(["--".to_owned(), self.host.host.clone(), text.to_owned()]);
        words
    }
}

/// The pattern of the name of a socket. `%C` is a hash of both hosts, the port and the user (ssh_config(5)), but not of the
/// way there: one address can be another machine behind another bastion, so the file that says it belongs to the name.
fn socket(to: &SshHost) -> String {
    let mut hasher = FieldHasher::new("aiops ssh route");
    for part in [Some(&to.host), to.user.as_ref(), to.config.as_ref()] {
        hasher.number(i64::from(part.is_some()));
        hasher.field(part.map(String::as_bytes).unwrap_or_default());
    }
    hasher.number(to.port.map_or(0, i64::from));
    let digits: String = hasher.finish().chars().take(ROUTE_DIGITS).collect();
    format!("{digits}-%C")
}

/// A directory for sockets, on this host, that only this user can use. Its path is short: with it, the name of a socket has
/// to fit into 108 bytes (unix(7)).
fn control_directory() -> io::Result<PathBuf> {
    let directory = control_place();
    match DirBuilder::new().mode(0o700).create(&directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", directory.display()))),
    }
    is_private(&directory)?;
    Ok(directory)
}

/// Where that directory is or will be.
pub(super) fn control_place() -> PathBuf {
    let uid = getuid().as_raw();
    let runtime = PathBuf::from(format!("/run/user/{uid}"));
    match is_private(&runtime) {
        Ok(()) => runtime.join("aiops-ssh"),
        Err(_) => PathBuf::from(format!("/tmp/aiops-ssh-{uid}")),
    }
}

/// Whether the directory at `place` is there and can be used; `false` when it can be made.
///
/// # Errors
/// When somebody else could use it.
pub(super) fn look_at_control(place: &Path) -> io::Result<bool> {
    match is_private(place) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether `path` is a directory, not a link to one, that belongs to this user and that nobody else can look into.
fn is_private(path: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.is_dir() && metadata.uid() == getuid().as_raw() && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let why = format!("{} is not a directory that only you can use; remove it, or correct its mode", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Why a connection could not be made, and what the person can do, from what `ssh` said.
pub(super) fn explained(login: &str, said: &[String]) -> String {
    let all = said.join("; ");
    let has = |words: &[&str]| words.iter().any(|words| all.contains(words));
    let remedy = if has(&["IDENTIFICATION HAS CHANGED", "has changed and you have requested"]) {
        "its host key is another one than before: find out why before anything else"
    } else if has(&["host key", "Host key"]) {
        "its host key is not known here: log in once by hand, compare the fingerprint, and propose the step again"
    } else if has(&["Permission denied", "Too many authentication failures"]) {
        "the login was refused: it has to succeed without a password being typed, so look at your keys and the agent"
    } else if has(&["Could not resolve"]) {
        "there is no such name: look at the target, or at the configuration of ssh"
    } else {
        "see whether you can log in by hand"
    };
    let said = if all.is_empty() { "ssh gave no reason".to_owned() } else { format!("ssh said: {all}") };
    format!("there is no connection to {login}, nothing ran there: {remedy} ({said})")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rstest::rstest;

    use super::*;

    #[test]
    fn words_of_a_target_are_never_options() {
        let host =
            SshHost { port: Some(2222), config: Some("/etc/x".to_owned()), ..SshHost::parse("root@web-1").unwrap() };
        let link = Link { host, control: PathBuf::from("/run/c/%C") };
        for words in [link.end(7, Duration::from_secs(5)), link.client(Execution::Interactive, &[], "-t", "-v")] {
            let end = words.iter().position(|word| word == "--").unwrap();
            assert_eq!((words[end + 1].as_str(), words.len()), ("web-1", end + 3));
            for pair in [["-l", "root"], ["-p", "2222"], ["-F", "/etc/x"]] {
                assert!(words[..end].windows(2).any(|window| window == pair), "{words:?}");
            }
        }
    }

    #[test]
    fn only_a_person_at_a_terminal_is_asked() {
        let link = Link { host: SshHost::parse("web-1").unwrap(), control: PathBuf::from("/run/c/%C") };
        let all = |mode| {
            let script = link.script("true", mode);
            let words = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages[0].argv).map(Word::text);
            words.collect::<Vec<_>>()
        };
        let count = |mode, word: &str| all(mode).iter().filter(|has| *has == word).count();
        assert_eq!(count(Execution::Supervised, "BatchMode=yes"), 3);
        assert_eq!((count(Execution::Interactive, "BatchMode=yes"), count(Execution::Interactive, "-t")), (0, 1));
    }

    #[test]
    fn another_way_to_the_same_address_is_another_connection() {
        let plain = SshHost::parse("10.0.0.5").unwrap();
        let by = |config: &str| SshHost { config: Some(config.to_owned()), ..plain.clone() };
        let sockets = [socket(&plain), socket(&by("/etc/ssh/production")), socket(&by("/etc/ssh/staging"))];
        let different: std::collections::BTreeSet<&String> = sockets.iter().collect();
        assert_eq!(different.len(), sockets.len());
        assert_eq!(socket(&by("/etc/ssh/staging")), sockets[2]);
        // With the longest user number, a hash of 40 digits and what ssh adds while it makes a socket (17 bytes).
        let longest = format!("/run/user/{}/aiops-ssh/{}", u32::MAX, sockets[0].replace("%C", &"0".repeat(40)));
        assert!(longest.len() + 17 < 108, "{longest}");
    }

    #[test]
    fn a_directory_that_others_can_use_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mode = |mode| std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        is_private(directory.path()).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert!(is_private(&link).is_err());
        mode(0o710);
        assert!(is_private(directory.path()).unwrap_err().to_string().contains("only you"));
    }

    #[rstest]
    #[case("Host key verification failed.", "compare the fingerprint")]
    #[case("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "find out why")]
    #[case("root@web-1: Permission denied (publickey).", "keys and the agent")]
    #[case("ssh: Could not resolve hostname web-1: Name or service not known", "no such name")]
    #[case("ssh: connect to host web-1 port 22: Connection refused", "by hand")]
    fn a_failed_connection_is_explained(#[case] said: &str, #[case] expected: &str) {
        let text = explained("root@web-1", &[said.to_owned()]);
        assert!(text.contains(expected) && text.contains(said) && text.contains("nothing ran"), "{text}");
    }
}

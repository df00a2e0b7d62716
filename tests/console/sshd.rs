//! A real `sshd` on loopback whose logins all lead to one command, and real `ssh` logins in the pty harness.
//!
//! Invariant: when the server is dropped, it has ended, and so have all sessions and what was started in them, apart from
//! what has left its session (supervisors, a tmux server).

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, getuid};

use super::pty::{Console, Home, PATIENCE};
use super::receiver::free_port;
use super::support::installed;

/// Where sshd, when root, sends its unprivileged part; packages make it when the service starts.
pub(super) const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// A free port may be taken by someone else before sshd has it.
const STARTS: u32 = 5;

/// The programs of OpenSSH.
pub(crate) struct Programs {
    pub(super) sshd: PathBuf,
    pub(super) ssh: PathBuf,
    pub(super) keygen: PathBuf,
}

impl Programs {
    /// Where they are; `None`, after having said so, when one of them is not installed.
    pub(crate) fn installed(test: &str) -> Option<Self> {
        let [sshd, ssh, keygen] = ["sshd", "ssh", "ssh-keygen"].map(|program| installed(program, test));
        Some(Self { sshd: sshd?, ssh: ssh?, keygen: keygen? })
    }
}

/// A running server.
pub(crate) struct Sshd {
    ssh: PathBuf,
    child: Child,
    port: u16,
    user: String,
    directory: PathBuf,
}

impl Sshd {
    /// Starts a server each of whose logins runs `command` with the environment of `home`.
    pub(crate) fn start(programs: &Programs, home: &Home, command: &[&str]) -> Self {
        let directory = home.path().join("sshd");
        std::fs::create_dir_all(&directory).unwrap();
        home.make_directories();
        make_key(&programs.keygen, &directory.join("host_key"));
        make_key(&programs.keygen, &directory.join("user_key"));
        std::fs::copy(directory.join("user_key.pub"), directory.join("authorized_keys")).unwrap();
        write_session(&directory.join("session"), home, command);
        if getuid().is_root() {
            std::fs::create_dir_all(PRIVILEGE_SEPARATION).unwrap();
        }
        let user = User::from_uid(getuid()).unwrap().unwrap().name;
        for _ in 0..STARTS {
            let (port, child) = spawn(&programs.sshd, &directory);
            let mut server =
                Self { ssh: programs.ssh.clone(), child, port, user: user.clone(), directory: directory.clone() };
            if server.listens() {
                return server;
            }
        }
        panic!("sshd did not start {STARTS} times; its log: {}", log(&directory));
    }

    /// `false` when it ended instead.
    fn listens(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !log(&self.directory).contains("Server listening") {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "sshd does not listen; its log: {}", log(&self.directory));
            std::thread::sleep(Duration::from_millis(10));
        }
        let key = std::fs::read_to_string(self.directory.join("host_key.pub")).unwrap();
        std::fs::write(self.directory.join("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
        true
    }

    /// Logs in from a terminal of this kind and size.
    pub(crate) fn login(&self, home: &Home, columns: u16, rows: u16, term: &str) -> Console {
        let mut words = vec![self.ssh.display().to_string()];
        words.extend(self.client_arguments());
        Console::program(home, columns, rows, &words, &[("TERM", term)])
    }

    /// Logs in through something on another port of this host that leads here.
    pub(crate) fn login_through(&self, port: u16, home: &Home, columns: u16, rows: u16) -> Console {
        let mut words = vec![self.ssh.display().to_string()];
        // Of two ports the first one counts.
        words.extend(["-p".to_owned(), port.to_string()]);
        words.extend(["-o".to_owned(), format!("HostKeyAlias=[127.0.0.1]:{}", self.port)]);
        words.extend(self.client_arguments());
        Console::program(home, columns, rows, &words, &[("TERM", "xterm-256color")])
    }

    /// The port on 127.0.0.1 that it listens on.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Logs in without a terminal and waits for the end.
    pub(crate) fn login_without_terminal(&self) -> Output {
        let mut command = Command::new(&self.ssh);
        command.arg("-T").args(self.client_arguments()).env_clear().stdin(Stdio::null()).output().unwrap()
    }

    /// Nothing of the configuration and keys of whoever runs the tests is used.
    fn client_arguments(&self) -> Vec<String> {
        let place = |name: &str| self.directory.join(name).display().to_string();
        let mut words: Vec<String> = ["-F", "none", "-e", "none"].map(str::to_owned).to_vec();
        words.extend(["-i".to_owned(), place("user_key"), "-p".to_owned(), self.port.to_string()]);
        let options = [
            "IdentitiesOnly=yes".to_owned(),
            "BatchMode=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            format!("UserKnownHostsFile={}", place("known_hosts")),
            "LogLevel=ERROR".to_owned(),
        ];
        for option in options {
            words.extend(["-o".to_owned(), option]);
        }
        words.push(format!("{}@127.0.0.1", self.user));
        words
    }

    /// Kills the processes of the server that hold connections, not the one that listens.
    pub(crate) fn kill_sessions(&self) {
        let sessions: Vec<Process> =
            self.descendants().into_iter().filter(|process| process.name.starts_with("sshd")).collect();
        assert!(!sessions.is_empty(), "nobody is logged in; the log: {}", log(&self.directory));
        for session in sessions {
            // One may end because the one before it did.
            let _ = kill(Pid::from_raw(session.pid), Signal::SIGKILL);
        }
    }

    /// Process ids of the consoles that run in sessions.
    pub(crate) fn consoles(&self) -> Vec<i32> {
        self.descendants().iter().filter(|process| process.name == "aiops").map(|process| process.pid).collect()
    }

    /// What the server started, and what that started, parents first.
    fn descendants(&self) -> Vec<Process> {
        let all = processes();
        let mut family = vec![i32::try_from(self.child.id()).unwrap()];
        let mut found = Vec::new();
        while let Some(parent) = family.pop() {
            for process in all.iter().filter(|process| process.parent == parent) {
                family.push(process.pid);
                found.push(process.clone());
            }
        }
        found
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Listed first: orphans belong to nobody.
        let started = self.descendants();
        // They may have ended by themselves.
        let _ = self.child.kill();
        for process in started {
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

#[derive(Clone)]
struct Process {
    pid: i32,
    parent: i32,
    name: String,
}

/// All processes of this machine that are not dead.
fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| parse_stat(&std::fs::read_to_string(entry.path().join("stat")).ok()?)).collect()
}

/// `pid (name) state ppid …`, see proc(5); the name may hold anything.
fn parse_stat(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let dead = fields.next() == Some("Z");
    let parent = fields.next()?.parse().ok()?;
    (!dead).then_some(Process { pid: pid.parse().ok()?, parent, name: name.to_owned() })
}

pub(super) fn make_key(keygen: &Path, path: &Path) {
    let made = Command::new(keygen).args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The script that every login runs: `command` with the environment of `home` and of what sshd tells about the login.
fn write_session(path: &Path, home: &Home, command: &[&str]) {
    let mut line = "exec env -i TERM=\"$TERM\" SSH_CONNECTION=\"$SSH_CONNECTION\" SSH_TTY=\"$SSH_TTY\"".to_owned();
    let environment = home.environment().into_iter().filter(|(name, _)| name != "TERM");
    let words = environment.map(|(name, value)| format!("{name}={value}"));
    for word in words.chain(command.iter().map(|word| (*word).to_owned())) {
        line.push_str(&format!(" '{}'", word.replace('\'', r"'\''")));
    }
    std::fs::write(path, format!("#!/bin/sh\n{line}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn spawn(sshd: &Path, directory: &Path) -> (u16, Child) {
    let port = free_port();
    let place = |name: &str| directory.join(name).display().to_string();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nForceCommand {}\nPidFile none\n\
         AuthenticationMethods publickey\nPermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\n\
         PermitUserRC no\nPrintMotd no\nPrintLastLog no\nDisableForwarding yes\n",
        place("host_key"),
        place("authorized_keys"),
        place("session"),
    );
    std::fs::write(directory.join("sshd_config"), config).unwrap();
    let log = File::create(directory.join("log")).unwrap();
    let mut command = Command::new(sshd);
    command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
    let child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    (port, child)
}

fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap_or_default()
}

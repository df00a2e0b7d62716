//! A real `sshd` on loopback that gives the person's own shell, and the configuration of a client that knows it.
//!
//! Invariant: when it is dropped, the server has ended, and so have the processes that hold its connections.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, getuid};

use super::support::{say, until};

const SSHD: &str = "/usr/sbin/sshd";

/// Where sshd, when root, sends its unprivileged part.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// A free port may be taken by someone else before sshd has it.
const STARTS: u32 = 5;

pub(crate) struct Sshd {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl Sshd {
    /// Starts it; `None`, after having said so, where OpenSSH is not installed.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(SSHD).exists() {
            say("NOT RUN: there is no sshd here");
            return None;
        }
        let mut directory = tempfile::tempdir().unwrap();
        for name in ["host_key", "user_key", "other_key"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.path().join(name));
            assert!(command.status().unwrap().success());
        }
        std::fs::copy(directory.path().join("user_key.pub"), directory.path().join("authorized_keys")).unwrap();
        if getuid().is_root() {
            std::fs::create_dir_all(PRIVILEGE_SEPARATION).unwrap();
        }
        for _ in 0..STARTS {
            let (port, child) = spawn(directory.path());
            let mut server = Self { child, port, directory };
            if server.listens() {
                server.write_client("config", "user_key", "known_hosts");
                return Some(server);
            }
            directory = std::mem::replace(&mut server.directory, tempfile::tempdir().unwrap());
        }
        panic!("sshd did not start {STARTS} times");
    }

    fn listens(&mut self) -> bool {
        let mut ended = false;
        until("sshd listens", || {
            ended = self.child.try_wait().unwrap().is_some();
            ended || self.log().contains("Server listening")
        });
        let key = std::fs::read_to_string(self.place("host_key.pub")).unwrap();
        std::fs::write(self.place("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
        !ended
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place("log")).unwrap_or_default()
    }

    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Writes a configuration of a client; the path of it.
    pub(crate) fn write_client(&self, name: &str, key: &str, known: &str) -> String {
        let user = User::from_uid(getuid()).unwrap().unwrap().name;
        let text = format!(
            "Host loop\nHostName 127.0.0.1\nPort {}\nUser {user}\nIdentityFile {}\nIdentitiesOnly yes\n\
             StrictHostKeyChecking yes\nGlobalKnownHostsFile /dev/null\nUserKnownHostsFile {}\n",
            self.port,
            self.place(key).display(),
            self.place(known).display(),
        );
        std::fs::write(self.place(name), text).unwrap();
        self.place(name).to_str().unwrap().to_owned()
    }

    /// Kills the processes of the server that hold connections, not the one that listens: the connection is gone at once.
    pub(crate) fn cut(&self) {
        let sessions = self.sessions();
        assert!(!sessions.is_empty(), "nobody is logged in: {}", self.log());
        for session in sessions {
            // One may end because the one before it did.
            let _ = kill(Pid::from_raw(session), Signal::SIGKILL);
        }
    }

    /// Processes named sshd below the server.
    fn sessions(&self) -> Vec<i32> {
        let mut family = vec![i32::try_from(self.child.id()).unwrap()];
        let mut found = Vec::new();
        while let Some(parent) = family.pop() {
            let children = Command::new("pgrep").args(["-P", &parent.to_string(), "sshd"]).output().unwrap();
            for child in String::from_utf8_lossy(&children.stdout).lines() {
                let child: i32 = child.parse().unwrap();
                family.push(child);
                found.push(child);
            }
        }
        found
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let sessions = self.sessions();
        // They may have ended by themselves.
        let _ = self.child.kill();
        for session in sessions {
            let _ = kill(Pid::from_raw(session), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn spawn(directory: &Path) -> (u16, Child) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = |name: &str| directory.join(name).display().to_string();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
         AuthenticationMethods publickey\nPermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\n\
         PermitUserRC no\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\n",
        place("host_key"),
        place("authorized_keys"),
    );
    std::fs::write(directory.join("sshd_config"), config).unwrap();
    let log = File::create(directory.join("log")).unwrap();
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
    let child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    (port, child)
}

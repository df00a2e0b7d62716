//! Two people on one account: who is who by the key that opened the session, as a real sshd tells it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{User, getuid};

use super::pty::PATIENCE;
use super::receiver::free_port;
use super::sshd::{PRIVILEGE_SEPARATION, Programs, make_key};
use crate::headless::{Headless, TARGET, lines};

/// Whether sshd tells its sessions which key opened them.
#[derive(Clone, Copy)]
enum Tells {
    Key,
    Nothing,
}

/// A server on loopback with one account, which two keys open.
struct Shared {
    ssh: PathBuf,
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl Shared {
    /// Each login runs the program on `home` with the words that the client asks for.
    fn start(programs: &Programs, home: &Headless, tells: Tells) -> Self {
        let directory = home.path().join("sshd");
        fs::create_dir_all(&directory).unwrap();
        for key in ["host", "ada", "bob"] {
            make_key(&programs.keygen, &directory.join(key));
        }
        let public = |key: &str| fs::read_to_string(directory.join(format!("{key}.pub"))).unwrap();
        fs::write(directory.join("authorized_keys"), public("ada") + &public("bob")).unwrap();
        write_session(&directory.join("session"), home);
        fs::create_dir_all(PRIVILEGE_SEPARATION).unwrap();
        let port = free_port();
        let place = |name: &str| directory.join(name).display().to_string();
        let told = match tells {
            Tells::Key => "yes",
            Tells::Nothing => "no",
        };
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nForceCommand {}\nPidFile none\n\
             AuthenticationMethods publickey\nPermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\n\
             ExposeAuthInfo {told}\n",
            place("host"),
            place("authorized_keys"),
            place("session"),
        );
        fs::write(directory.join("sshd_config"), config).unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let mut command = Command::new(&programs.sshd);
        command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
        let child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { ssh: programs.ssh.clone(), child, port, directory };
        let deadline = Instant::now() + PATIENCE;
        while !server.log().contains("Server listening") {
            assert!(Instant::now() < deadline, "sshd does not listen: {}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Logs in with the key of `who` and runs the program with these words.
    fn run(&self, who: &str, words: &[&str]) -> Output {
        let user = User::from_uid(getuid()).unwrap().unwrap().name;
        let mut command = Command::new(&self.ssh);
        command.args(["-T", "-F", "none", "-i"]).arg(self.directory.join(who)).args(["-p", &self.port.to_string()]);
        for option in ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR"] {
            command.args(["-o", option]);
        }
        command.args(["-o", "UserKnownHostsFile=/dev/null"]).arg(format!("{user}@127.0.0.1")).args(words);
        command.env_clear().stdin(Stdio::null()).output().unwrap()
    }

    /// The fingerprint of the key of `who`, as `ssh-keygen` prints it.
    fn fingerprint(&self, programs: &Programs, who: &str) -> String {
        let printed = Command::new(&programs.keygen).arg("-lf").arg(self.directory.join(format!("{who}.pub"))).output();
        let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
        printed.split(' ').nth(1).unwrap().to_owned()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It may have ended by itself. Its sessions have: each of them was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every login runs. What sshd says of the login stays in its environment.
fn write_session(path: &Path, home: &Headless) {
    let program = home.aiops(&[]);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap().replace('\'', r"'\''"));
    let mut script = "#!/bin/sh\n".to_owned();
    for (name, value) in program.get_envs() {
        script.push_str(&format!("export {}={}\n", name.to_str().unwrap(), quoted(value.unwrap())));
    }
    script.push_str(&format!("exec {}", quoted(program.get_program())));
    program.get_args().for_each(|word| script.push_str(&format!(" {}", quoted(word))));
    script.push_str(" $SSH_ORIGINAL_COMMAND\n");
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A home in which two people have to approve, a server for its account, and the digest of what waits.
fn demanding(test: &str, tells: Tells) -> Option<(Headless, Shared, String, [String; 2])> {
    let programs = Programs::installed(test)?;
    if !getuid().is_root() {
        println!("{test}: not run, since only a key that an sshd of root tells is believed");
        return None;
    }
    let home = Headless::new("echo $1 >> $LEDGER");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { drop(home.proposer().await) });
    let server = Shared::start(&programs, &home, tells);
    let keys = ["ada", "bob"].map(|who| server.fingerprint(&programs, who));
    let uid = getuid();
    let [ada, bob] = &keys;
    let policy = format!(
        "version = 1\n[[person]]\nname = \"ada\"\nuid = {uid}\nssh_key = \"{ada}\"\n[[person]]\nname = \"bob\"\nuid = {uid}\n\
         ssh_key = \"{bob}\"\n[[rule]]\nname = \"two\"\neffect = \"ask\"\ndemands = [\"second-person\"]\n"
    );
    let directory = home.path().join(".config/aiops");
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(directory.join("policy.toml"), policy).unwrap();
    fs::set_permissions(directory.join("policy.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    let proposed = server.run("ada", &["runs", "propose", "1", "1", "--value", "number=7"]);
    assert_eq!(proposed.status.code(), Some(4), "{}\n{}", told(&proposed), server.log());
    let run = home.json(&["runs", "show", "1"]).remove(0);
    let digest = run["digest"].as_str().unwrap().to_owned();
    Some((home, server, digest, keys))
}

#[test]
fn two_keys_of_one_account_are_two_people_and_stand_in_the_journal() {
    let test = "two_keys_of_one_account_are_two_people_and_stand_in_the_journal";
    let Some((home, server, digest, keys)) = demanding(test, Tells::Key) else { return };
    let approve = ["runs", "approve", "1", "--digest", &digest, "--target", TARGET];
    let first = server.run("ada", &approve);
    assert_eq!(first.status.code(), Some(4), "{}", told(&first));
    let again = server.run("ada", &approve);
    assert_eq!(again.status.code(), Some(3), "{}", told(&again));
    assert!(told(&again).contains("ada has approved already"), "{}", told(&again));
    assert!(home.ledger().is_empty(), "nothing runs before the second yes");
    let second = server.run("bob", &approve);
    assert_eq!(second.status.code(), Some(0), "{}", told(&second));
    assert_eq!(home.ledger(), ["7"]);
    let exported = home.run(&["journal", "export"]);
    let payloads: Vec<serde_json::Value> = lines(&exported.stdout)
        .iter()
        .map(|entry| serde_json::from_str(entry["payload"].as_str().unwrap()).unwrap())
        .collect();
    let of = |kind: &str| payloads.iter().find(|payload| payload["type"] == kind).unwrap().clone();
    let (by_one, granted) = (of("approved_by_one"), of("granted"));
    assert_eq!((&by_one["approver"], by_one["ssh_key"].as_str()), (&"ada".into(), Some(keys[0].as_str())));
    assert_eq!(granted["first_approver"], "ada", "{granted}");
}

#[test]
fn an_account_alone_is_no_person_where_sshd_does_not_tell_the_key() {
    let test = "an_account_alone_is_no_person_where_sshd_does_not_tell_the_key";
    let Some((home, server, digest, _)) = demanding(test, Tells::Nothing) else { return };
    let approve = ["runs", "approve", "1", "--digest", &digest, "--target", TARGET];
    for who in ["ada", "bob"] {
        let refused = server.run(who, &approve);
        assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
        assert!(told(&refused).contains("does not know who you are"), "{}", told(&refused));
    }
    assert!(home.ledger().is_empty());
}

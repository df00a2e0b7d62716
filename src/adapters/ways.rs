//! A look at the ways to other hosts, containers and logs, for `aiops doctor`.
//!
//! Owns: asking `ssh` and `kubectl` what they would do, and judging their answers. Invariants: nothing is changed, no command
//! is run elsewhere, and nothing beyond this host is asked unless the network may be; programs that are asked are ended when
//! they do not answer in time.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{checkup, ssh};
use crate::domain::action::target::SshHost;
use crate::domain::checkup::Finding;

/// A program that is asked gets this long: less than a check may take, though two are asked one after the other.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_400);
/// How often it is looked whether it has answered.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Of an answer, so many bytes are read. A pipe holds 64 KiB before its writer waits (pipe(7)).
const MOST: u64 = 60 * 1024;

/// Whether something beyond this host may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It may.
    Asked,
    /// It may not.
    LeftAlone,
}

/// Where programs are looked for, and the variables that they get.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Directories, as in PATH.
    pub path: String,
    /// The rest of the environment.
    pub env: Vec<(String, String)>,
}

/// What a program said.
struct Said {
    succeeded: bool,
    text: String,
    errors: String,
}

impl Surroundings {
    fn find(&self, program: &str) -> Option<PathBuf> {
        let places = self.path.split(':').filter(|place| place.starts_with('/'));
        places.map(|place| Path::new(place).join(program)).find(|path| path.is_file())
    }

    /// What `program` prints; `None` when it is not there or takes too long.
    fn ask(&self, program: &str, words: &[&str]) -> Option<Said> {
        let mut command = Command::new(self.find(program)?);
        command.args(words).env_clear().envs(self.env.iter().cloned()).env("PATH", &self.path).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let until = Instant::now() + ANSWER_WITHIN;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => thread::sleep(LOOK_EVERY),
                Ok(None) | Err(_) => {
                    // It may have ended meanwhile; then there is nothing to end.
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
            }
        };
        let (text, errors) = (read(child.stdout.take()), read(child.stderr.take()));
        Some(Said { succeeded: status.success(), text, errors })
    }
}

fn read(from: Option<impl io::Read>) -> String {
    let mut bytes = Vec::new();
    // What cannot be read was not said.
    let _ = from.map(|from| from.take(MOST).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// Whether there is an `ssh`, which one, and whether connections can be shared.
#[must_use]
pub fn ssh_client(surroundings: &Surroundings) -> Vec<Finding> {
    // It prints its version where others print errors.
    let client = match surroundings.ask("ssh", &["-V"]) {
        Some(said) if said.succeeded && said.errors.starts_with("OpenSSH") => {
            Finding::ok(first_line(&said.errors).to_owned())
        }
        Some(said) => {
            let fix = "Install the client of OpenSSH: its options and messages are what commands there rely on";
            Finding::warn(format!("ssh on run.path is not OpenSSH: {}", first_line(&said.errors)), fix)
        }
        None => {
            let fix = "Install openssh-client, or add its directory to run.path; commands on this host need none";
            Finding::warn("there is no ssh on run.path, or it does not answer: nothing runs on other hosts", fix)
        }
    };
    let place = ssh::control_place();
    let shared = match ssh::look_at_control(&place) {
        Ok(true) => Finding::ok(format!("connections are shared through {}", place.display())),
        Ok(false) => Finding::ok(format!("connections will be shared through {}", place.display())),
        Err(error) => Finding::fail(
            format!("connections cannot be shared, and nothing runs on other hosts: {error}"),
            format!("Look who made {}, and remove it", place.display()),
        ),
    };
    vec![client, shared]
}

/// The way to `host`, as `ssh` understands its configuration.
#[must_use]
pub fn ssh_host(host: &SshHost, surroundings: &Surroundings, beyond: Beyond) -> Vec<Finding> {
    let login = host.login();
    let mut words = vec!["-G"];
    let port = host.port.map(|port| port.to_string());
    words.extend(host.config.iter().flat_map(|path| ["-F", path]));
    words.extend(port.iter().flat_map(|port| ["-p", port]));
    words.extend(host.user.iter().flat_map(|user| ["-l", user]));
    words.extend(["--", &host.host]);
    let said = match surroundings.ask("ssh", &words) {
        Some(said) if said.succeeded => said,
        Some(said) => {
            let what = format!("ssh cannot use its configuration for {login}: {}", first_line(&said.errors));
            return vec![Finding::fail(what, "Correct what stands there (ssh_config, or the keys of [[target]])")];
        }
        None => return vec![Finding::warn(format!("whether {login} can be reached is not known without ssh"), "")],
    };
    let value = |name: &str| {
        said.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).filter(|value| *value != "none")
    };
    let (name, port) = (value("hostname").unwrap_or(&host.host), value("port").and_then(|port| port.parse().ok()));
    let user = value("user").unwrap_or("?");
    let through = ["proxyjump", "proxycommand"].into_iter().find_map(value);
    let way = through.map(|through| format!(", through {through}")).unwrap_or_default();
    let port: u16 = port.unwrap_or(22);
    let mut findings = vec![Finding::ok(format!("{login} is {user}@{name}, port {port}{way}"))];
    match (beyond, through) {
        (Beyond::Asked, None) => findings.push(checkup::reach(name, port)),
        (Beyond::Asked, Some(_)) => findings.push(Finding::ok(format!("{login} is behind another host: not tried"))),
        (Beyond::LeftAlone, _) => {}
    }
    findings
}

/// Whether the configuration file of ssh that a pattern of hosts uses can be read. The hosts themselves are not known.
#[must_use]
pub fn ssh_pattern(patterns: &str, login: &str, config: Option<&Path>) -> Finding {
    let what = format!("{patterns}: over ssh as {login}");
    match config.map(|path| (path, File::open(path))) {
        None => Finding::ok(what),
        Some((path, Ok(_))) => Finding::ok(format!("{what}, with {}", path.display())),
        Some((path, Err(error))) => Finding::fail(
            format!("{what}: {} cannot be read: {error}", path.display()),
            "Correct target.ssh_config, or put the file there",
        ),
    }
}

/// Whether there is a `kubectl`, and each of `targets`: a context, if one is named, with a namespace that is no pattern.
#[must_use]
pub fn kubectl(
    targets: &[(Option<String>, Option<String>)],
    surroundings: &Surroundings,
    beyond: Beyond,
) -> Vec<Finding> {
    let Some(place) = surroundings.find("kubectl") else {
        let fix = "Install kubectl, or add its directory to run.path";
        return vec![Finding::fail("there is no kubectl on run.path: nothing runs in containers", fix)];
    };
    let mut findings = vec![Finding::ok(format!("{} is there", place.display()))];
    // Answered from the kubeconfig alone.
    let contexts = surroundings.ask("kubectl", &["config", "get-contexts", "-o", "name"]);
    let Some(contexts) = contexts.filter(|said| said.succeeded) else {
        let fix = "See what `kubectl config get-contexts` says";
        findings.push(Finding::warn("kubectl does not tell the contexts of the kubeconfig", fix));
        return findings;
    };
    let known: Vec<&str> = contexts.text.lines().map(str::trim).collect();
    for (context, namespace) in targets {
        let name = context.as_deref().unwrap_or("the current context");
        if context.as_ref().is_some_and(|context| !known.contains(&context.as_str())) {
            let what = format!("the kubeconfig has no context {name}");
            findings.push(Finding::fail(what, format!("Correct target.context; there are: {}", known.join(", "))));
            continue;
        }
        if known.is_empty() {
            let fix = "Set KUBECONFIG (run.pass_env passes it on), or make ~/.kube/config";
            findings.push(Finding::fail("the kubeconfig has no context at all", fix));
            continue;
        }
        findings.push(match (beyond, namespace) {
            (Beyond::Asked, Some(namespace)) => may_exec(context.as_deref(), name, namespace, surroundings),
            (Beyond::Asked, None) | (Beyond::LeftAlone, _) => Finding::ok(format!("{name} is in the kubeconfig")),
        });
    }
    findings
}

/// Whether the account may start programs in the containers of `namespace`.
fn may_exec(context: Option<&str>, name: &str, namespace: &str, surroundings: &Surroundings) -> Finding {
    let mut words = Vec::new();
    words.extend(context.iter().flat_map(|context| ["--context", context]));
    words.extend(["-n", namespace, "auth", "can-i", "create", "pods", "--subresource=exec"]);
    match surroundings.ask("kubectl", &words) {
        Some(said) if said.succeeded && first_line(&said.text) == "yes" => {
            Finding::ok(format!("{name}: programs may be started in containers of {namespace}"))
        }
        Some(said) if first_line(&said.text) == "no" => Finding::fail(
            format!("{name}: your account may not start programs in containers of {namespace}"),
            "Ask for the right to create pods/exec there",
        ),
        Some(said) => Finding::fail(
            format!("{name} does not answer: {}", first_line(&said.errors)),
            "See whether kubectl reaches the cluster by hand",
        ),
        None => {
            Finding::fail(format!("{name} does not answer in time"), "See whether kubectl reaches the cluster by hand")
        }
    }
}

/// Whether log files can be read, under the name `name`.
#[must_use]
pub fn log_files(name: &str, files: &[PathBuf]) -> Vec<Finding> {
    if files.is_empty() {
        let fix = "Add files to it, or remove it";
        return vec![Finding::warn(format!("{name}: no files are named"), fix)];
    }
    let of_file = |path: &PathBuf| match File::open(path).and_then(|file| file.metadata()) {
        Ok(found) if found.is_file() => Finding::ok(format!("{name}: {} can be read", path.display())),
        Ok(_) => Finding::fail(format!("{name}: {} is not a file", path.display()), "Name a file in logs.files"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::warn(
            format!("{name}: {} is not there", path.display()),
            "Correct logs.files, unless the file comes later",
        ),
        Err(error) => Finding::fail(
            format!("{name}: {} cannot be read: {error}", path.display()),
            "Let your user read it, often by the group adm: usermod -aG adm NAME",
        ),
    };
    files.iter().map(of_file).collect()
}

/// Whether the journal of systemd can be asked by commands.
#[must_use]
pub fn journalctl(surroundings: &Surroundings) -> Finding {
    match surroundings.find("journalctl") {
        Some(place) => Finding::ok(format!("{} is there", place.display())),
        None => Finding::ok("there is no journalctl on run.path, which matters where SOPs use it"),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::domain::checkup::Level;

    /// A directory with a program of this name and text.
    fn with(name: &str, text: &str) -> (tempfile::TempDir, Surroundings) {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", directory.path().display());
        (directory, Surroundings { path, env: Vec::new() })
    }

    #[test]
    fn a_client_is_known_by_its_version_and_missed_when_it_is_not_there() {
        let (_keep, surroundings) = with("ssh", "echo 'OpenSSH_9.2p1 Debian, OpenSSL 3' >&2");
        assert_eq!(ssh_client(&surroundings)[0], Finding::ok("OpenSSH_9.2p1 Debian, OpenSSL 3"));
        let (_keep, surroundings) = with("ssh", "echo 'dropbear' >&2; exit 1");
        assert_eq!(ssh_client(&surroundings)[0].level, Level::Warn);
        let nowhere = Surroundings { path: "/nonexistent".to_owned(), env: Vec::new() };
        assert!(ssh_client(&nowhere)[0].what.contains("no ssh on run.path"));
        assert!(!ssh_client(&nowhere)[0].fix.is_empty());
    }

    #[test]
    fn a_client_that_hangs_is_left() {
        let (_keep, surroundings) = with("ssh", "exec sleep 1000");
        assert_eq!(ssh_client(&surroundings)[0].level, Level::Warn);
    }

    #[test]
    fn a_host_is_what_the_configuration_of_ssh_makes_of_it() {
        let text = "[ \"$*\" = '-G -F /c -p 2222 -l ops -- web-1' ] || exit 3\n\
                    printf 'user ops\\nhostname 192.0.2.7\\nport 2222\\nproxyjump bastion\\nproxycommand none\\n'";
        let (_keep, surroundings) = with("ssh", text);
        let parsed = SshHost::parse("ops@web-1").unwrap();
        let host = SshHost { port: Some(2222), config: Some("/c".to_owned()), ..parsed };
        let found = ssh_host(&host, &surroundings, Beyond::Asked);
        assert_eq!(found[0], Finding::ok("ops@web-1 is ops@192.0.2.7, port 2222, through bastion"));
        assert!(found[1].what.contains("not tried"), "{found:?}");
        let other = ssh_host(&SshHost::parse("web-2").unwrap(), &surroundings, Beyond::LeftAlone);
        assert_eq!((other.len(), other[0].level), (1, Level::Fail));
    }

    #[test]
    fn the_port_of_a_host_is_tried_only_where_the_network_may_be_asked() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let (_keep, surroundings) = with("ssh", &format!("printf 'user a\\nhostname 127.0.0.1\\nport {port}\\n'"));
        let host = SshHost::parse("web-1").unwrap();
        assert_eq!(ssh_host(&host, &surroundings, Beyond::LeftAlone).len(), 1);
        assert_eq!(ssh_host(&host, &surroundings, Beyond::Asked)[1].level, Level::Ok);
        drop(taken);
        assert_eq!(ssh_host(&host, &surroundings, Beyond::Asked)[1].level, Level::Warn);
    }

    #[test]
    fn contexts_are_looked_for_in_the_kubeconfig_and_rights_only_asked_beyond() {
        let text = "case \"$*\" in 'config get-contexts -o name') printf 'eu\\nus\\n';;\n\
                    '--context eu -n shop auth can-i create pods --subresource=exec') echo yes;;\n\
                    *) echo no; exit 1;; esac";
        let (_keep, surroundings) = with("kubectl", text);
        let target = |context: &str, namespace: Option<&str>| (Some(context.to_owned()), namespace.map(str::to_owned));
        let targets = [target("eu", Some("shop")), target("us", Some("shop")), target("mars", None)];
        let levels =
            |beyond| kubectl(&targets, &surroundings, beyond).iter().map(|found| found.level).collect::<Vec<_>>();
        assert_eq!(levels(Beyond::LeftAlone), [Level::Ok, Level::Ok, Level::Ok, Level::Fail]);
        assert_eq!(levels(Beyond::Asked), [Level::Ok, Level::Ok, Level::Fail, Level::Fail]);
        let nowhere = Surroundings { path: "/nonexistent".to_owned(), env: Vec::new() };
        assert_eq!(kubectl(&targets, &nowhere, Beyond::Asked).len(), 1);
    }

    #[test]
    fn log_files_are_opened() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.log");
        std::fs::write(&file, "x").unwrap();
        let files = [file, directory.path().to_owned(), directory.path().join("none")];
        let levels: Vec<Level> = log_files("app", &files).iter().map(|found| found.level).collect();
        assert_eq!(levels, [Level::Ok, Level::Fail, Level::Warn]);
        assert_eq!(log_files("app", &[])[0].level, Level::Warn);
    }

    #[test]
    fn the_file_of_a_pattern_has_to_be_there() {
        assert_eq!(ssh_pattern("db-*", "{host}", None).level, Level::Ok);
        assert_eq!(ssh_pattern("db-*", "{host}", Some(Path::new("/nonexistent/c"))).level, Level::Fail);
    }
}

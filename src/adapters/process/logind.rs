//! What a logout does to commands that still run: the settings of `systemd-logind` that decide it.
//!
//! Owns: reading them, from the files (cheap, for every start of the console) or from the running service (for a person who
//! asks). Does not: change anything.
//!
//! The rules (logind.conf(5), user@.service(5)): with `KillUserProcesses=yes` a logout ends what is left in the session's
//! control group. What is in a scope of the user's own manager stays then, but goes with that manager when the last
//! session of the user ends, unless the user lingers. What is in a scope of the system's manager stays.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Directories with settings, the most important first (logind.conf(5)).
const SETTINGS: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];

/// `loginctl` answers within this time, or is ended.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The settings that decide what a logout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logind {
    /// `KillUserProcesses`; `None` when nothing tells.
    pub kills: Option<bool>,
    /// Whether the user's manager goes on after the last logout.
    pub lingers: bool,
}

impl Logind {
    /// What the files below `root` (`/`, or a place for tests) say for the user with this login name.
    ///
    /// Where nothing is set, the commented-out line of the shipped file counts: it shows the default that the program was
    /// built with.
    #[must_use]
    pub fn of_files(root: &Path, user: &str) -> Self {
        let lingers = root.join("var/lib/systemd/linger").join(user).exists();
        Self { kills: configured(root).or_else(|| built_in(root)), lingers }
    }

    /// What the running service says; where it does not answer, what the files say.
    #[must_use]
    pub fn of_service(loginctl: &Path, root: &Path, user: &str) -> Self {
        let files = Self::of_files(root, user);
        // Without a user the properties are those of the service.
        let kills = ask(loginctl, &["show-user", "--property=KillUserProcesses"], "KillUserProcesses");
        let lingers = ask(loginctl, &["show-user", user, "--property=Linger"], "Linger");
        Self { kills: kills.or(files.kills), lingers: lingers.unwrap_or(files.lingers) }
    }
}

/// What a logout does to commands that still run, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterLogout {
    /// They go on.
    GoOn {
        /// Why, as a sentence.
        why: String,
    },
    /// They end, and are shown as unknown or with the signal that ended them.
    End {
        /// Why, as a sentence.
        why: String,
        /// What to do about it, as a sentence.
        remedy: String,
    },
    /// It cannot be told.
    Unclear {
        /// Why, as a sentence.
        why: String,
    },
}

/// What a logout of `user` does to commands that the console started.
///
/// `root` is `/`, or a place for tests; `scope` says whose scopes commands are started in, as
/// [`Scope::detect`](super::Scope::detect) found it.
#[must_use]
pub fn after_logout(root: &Path, loginctl: &Path, user: &str, scope: Option<super::Manager>) -> AfterLogout {
    if !root.join("run/systemd/system").is_dir() {
        return AfterLogout::GoOn {
            why: "This host does not run systemd: nothing ends commands at logout.".to_owned(),
        };
    }
    let Logind { kills, lingers } = Logind::of_service(loginctl, root, user);
    let remedy = || format!("`loginctl enable-linger {user}` lets them go on, or KillUserProcesses=no in logind.conf.");
    match (scope, kills) {
        (Some(super::Manager::System), _) => {
            AfterLogout::GoOn { why: "Commands run in scopes of the system's manager.".to_owned() }
        }
        (Some(super::Manager::User), _) if lingers => {
            AfterLogout::GoOn { why: "Commands run in scopes of your own manager, which lingers.".to_owned() }
        }
        (Some(super::Manager::User), _) => AfterLogout::End {
            why: "Commands run in scopes of your own manager, which ends with your last session.".to_owned(),
            remedy: remedy(),
        },
        (None, Some(false)) => AfterLogout::GoOn {
            why: "systemd-logind has KillUserProcesses=no: commands outlive the session.".to_owned(),
        },
        (None, Some(true)) => AfterLogout::End {
            why: "systemd-logind has KillUserProcesses=yes, and no manager can be reached for scopes.".to_owned(),
            remedy: remedy(),
        },
        (None, None) => {
            AfterLogout::Unclear { why: "Whether systemd-logind ends commands cannot be found out.".to_owned() }
        }
    }
}

/// The setting as an administrator or a package made it.
fn configured(root: &Path) -> Option<bool> {
    // A file of a more important directory hides those of the same name; of the others the last by name counts.
    let mut drop_ins: Vec<PathBuf> = Vec::new();
    for directory in SETTINGS {
        let Ok(entries) = std::fs::read_dir(root.join(directory).join("logind.conf.d")) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let hidden = drop_ins.iter().any(|known| known.file_name() == path.file_name());
            if path.extension() == Some(OsStr::new("conf")) && !hidden {
                drop_ins.push(path);
            }
        }
    }
    drop_ins.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    let main = SETTINGS.iter().map(|directory| root.join(directory).join("logind.conf")).find(|path| path.exists());
    drop_ins.into_iter().chain(main).find_map(|path| setting(&path, ""))
}

/// The default that the shipped file shows.
fn built_in(root: &Path) -> Option<bool> {
    SETTINGS.iter().find_map(|directory| setting(&root.join(directory).join("logind.conf"), "#"))
}

/// The last `KillUserProcesses` of a file, behind `lead`.
fn setting(path: &Path, lead: &str) -> Option<bool> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = |line: &str| {
        let line = line.trim().strip_prefix(lead)?.trim_start();
        boolean(line.strip_prefix("KillUserProcesses")?.trim_start().strip_prefix('=')?)
    };
    text.lines().filter_map(value).next_back()
}

/// A boolean of systemd (systemd.syntax(7)).
fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// The property `name` as `loginctl` prints it; `None` when it does not.
fn ask(loginctl: &Path, arguments: &[&str], name: &str) -> Option<bool> {
    let mut command = Command::new(loginctl);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let until = Instant::now() + ANSWER_WITHIN;
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => {
                // It may have ended at this moment; either way it is collected.
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    if !ended {
        return None;
    }
    // One short line: it cannot have been held up by a full pipe.
    let mut text = String::new();
    child.stdout.take()?.take(4096).read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| boolean(line.strip_prefix(name)?.strip_prefix('=')?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rstest::rstest;

    use super::super::Manager;
    use super::*;

    /// A root with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[rstest]
    #[case::nothing(&[], None)]
    #[case::set(&[("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n")], Some(true))]
    #[case::shipped_default(&[("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n")], Some(false))]
    #[case::vendor_default(&[("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n")], Some(true))]
    #[case::drop_in_over_file(
        &[("etc/systemd/logind.conf", "KillUserProcesses=no"), ("usr/lib/systemd/logind.conf.d/a.conf", "KillUserProcesses=1")],
        Some(true)
    )]
    #[case::last_drop_in(
        &[("etc/systemd/logind.conf.d/10.conf", "KillUserProcesses=yes"), ("run/systemd/logind.conf.d/20.conf", "KillUserProcesses=off")],
        Some(false)
    )]
    #[case::hidden_drop_in(
        &[("etc/systemd/logind.conf.d/10.conf", ""), ("usr/lib/systemd/logind.conf.d/10.conf", "KillUserProcesses=yes")],
        None
    )]
    #[case::no_setting_file(&[("etc/systemd/logind.conf.d/10.conf.bak", "KillUserProcesses=yes")], None)]
    #[case::nonsense(&[("etc/systemd/logind.conf", "KillUserProcesses=maybe")], None)]
    fn files_are_read_as_logind_reads_them(#[case] files: &[(&str, &str)], #[case] expected: Option<bool>) {
        assert_eq!(Logind::of_files(root(files).path(), "ada"), Logind { kills: expected, lingers: false });
    }

    #[test]
    fn lingering_is_a_file() {
        let root = root(&[("var/lib/systemd/linger/ada", "")]);
        assert!(Logind::of_files(root.path(), "ada").lingers);
        assert!(!Logind::of_files(root.path(), "bob").lingers);
    }

    #[test]
    fn the_running_service_knows_better_than_the_files() {
        let root = root(&[("etc/systemd/logind.conf", "KillUserProcesses=no"), ("loginctl", "")]);
        let loginctl = root.path().join("loginctl");
        let script = "#!/bin/sh\ncase \"$*\" in\n'show-user --property=KillUserProcesses') echo KillUserProcesses=yes;;\n\
                      'show-user ada --property=Linger') echo Linger=yes;;\n*) exit 1;;\nesac\n";
        std::fs::write(&loginctl, script).unwrap();
        std::fs::set_permissions(&loginctl, std::fs::Permissions::from_mode(0o700)).unwrap();
        let asked = Logind::of_service(&loginctl, root.path(), "ada");
        assert_eq!(asked, Logind { kills: Some(true), lingers: true });
        let unknown = Logind::of_service(&loginctl, root.path(), "bob");
        assert_eq!(unknown, Logind { kills: Some(true), lingers: false });
        let missing = Logind::of_service(Path::new("/nonexistent/loginctl"), root.path(), "ada");
        assert_eq!(missing, Logind { kills: Some(false), lingers: false });
    }

    #[test]
    fn it_is_said_what_a_logout_does() {
        let loginctl = Path::new("/nonexistent/loginctl");
        let kills = ("etc/systemd/logind.conf", "KillUserProcesses=yes");
        let systemd = ("run/systemd/system/mark", "");
        let lingers = ("var/lib/systemd/linger/ada", "");
        let said = |files: &[(&str, &str)], scope| after_logout(root(files).path(), loginctl, "ada", scope);
        assert!(matches!(said(&[kills], None), AfterLogout::GoOn { .. }));
        let AfterLogout::End { remedy, .. } = said(&[kills, systemd], None) else { panic!() };
        assert!(remedy.contains("enable-linger ada"), "{remedy}");
        assert!(matches!(said(&[kills, systemd], Some(Manager::User)), AfterLogout::End { .. }));
        assert!(matches!(said(&[kills, systemd, lingers], Some(Manager::User)), AfterLogout::GoOn { .. }));
        assert!(matches!(said(&[kills, systemd], Some(Manager::System)), AfterLogout::GoOn { .. }));
        assert!(matches!(said(&[systemd], None), AfterLogout::Unclear { .. }));
        let spares = ("etc/systemd/logind.conf", "KillUserProcesses=no");
        assert!(matches!(said(&[spares, systemd], None), AfterLogout::GoOn { .. }));
    }
}

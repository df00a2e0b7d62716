//! A systemd scope of its own for each supervisor, so that a logout does not end what was approved.
//!
//! Owns: when a scope helps, and the words of `systemd-run`. Does not: start anything (see `runner`).
//!
//! `systemd-run --scope` makes the scope around its own process and then becomes the supervisor by `exec`: process id, start
//! time, descriptors and the parent stay what they are. So either it fails and the supervisor never was, or it is the
//! supervisor from then on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::{Uid, User};

use super::logind::Logind;

/// Where `systemd-run` is looked for: not in PATH, which anyone may have set.
const LAUNCHERS: [&str; 2] = ["usr/bin/systemd-run", "bin/systemd-run"];

/// What `systemd-run` needs to find a user's manager (sd_bus_open_user(3)).
const BUS_VARIABLES: [&str; 2] = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/// Whose scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manager {
    /// The one of the whole system; root may ask it.
    System,
    /// The one of this user.
    User,
}

/// The way into a scope. Clones share what they have learned of it.
#[derive(Clone, Debug)]
pub struct Scope {
    launcher: PathBuf,
    manager: Manager,
    environment: Vec<(OsString, OsString)>,
    /// It did not answer: not asked again, since every start would wait for it.
    hung: Arc<AtomicBool>,
    /// It was said that it does not work.
    told: Arc<AtomicBool>,
}

impl Scope {
    /// Scopes of `manager` through the program `launcher`, which gets `environment` and nothing else.
    #[must_use]
    pub fn new(launcher: PathBuf, manager: Manager, environment: Vec<(OsString, OsString)>) -> Self {
        Self { launcher, manager, environment, hung: Arc::default(), told: Arc::default() }
    }

    /// The way into a scope on this host; `None` where there is none, or where a scope would be no better.
    ///
    /// Looks at a few files and asks nobody: well below a millisecond.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let uid = Uid::effective();
        // The name may come over the network: asked for where it is needed.
        let name = || User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        let variables = BUS_VARIABLES.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        Self::detect_in(Path::new("/"), uid, name, variables.collect())
    }

    fn detect_in(
        root: &Path,
        uid: Uid,
        user: impl FnOnce() -> String,
        environment: Vec<(OsString, OsString)>,
    ) -> Option<Self> {
        if !root.join("run/systemd/system").is_dir() {
            return None;
        }
        let launcher = LAUNCHERS.iter().map(|path| root.join(path)).find(|path| path.is_file())?;
        let manager = if uid.is_root() { Manager::System } else { Manager::User };
        if !helps(manager, Logind::of_files(root, &user())) {
            return None;
        }
        let found = match manager {
            Manager::System => root.join("run/systemd/private").exists(),
            Manager::User => {
                let runtime = environment.iter().find(|(name, _)| name == BUS_VARIABLES[0]);
                let runtime = runtime.map(|(_, value)| PathBuf::from(value))?;
                ["systemd/private", "bus"].iter().any(|socket| runtime.join(socket).exists())
            }
        };
        found.then(|| Self::new(launcher, manager, environment))
    }

    /// Whose scopes they are.
    #[must_use]
    pub const fn manager(&self) -> Manager {
        self.manager
    }

    /// Whether it is worth trying.
    pub(super) fn is_usable(&self) -> bool {
        !self.hung.load(Ordering::Relaxed)
    }

    /// It did not answer in time.
    pub(super) fn note_hung(&self) {
        self.hung.store(true, Ordering::Relaxed);
    }

    /// Whether this is the first time that a failure is to be told.
    pub(super) fn is_news(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// The program that makes the scope.
    pub(super) fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// What it gets besides its arguments.
    pub(super) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// What it is told before the command: the unit is named after the attempt's `directory`, which is used once.
    pub(super) fn arguments(&self, directory: &Path) -> Vec<String> {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let mut arguments = vec!["--scope", "--collect", "--quiet"].into_iter().map(str::to_owned).collect::<Vec<_>>();
        arguments.push(format!("--unit=aiops-attempt-{}", unit_part(&name)));
        arguments.push("--description=A command approved in aiops".to_owned());
        match self.manager {
            Manager::System => {}
            Manager::User => arguments.push("--user".to_owned()),
        }
        arguments.push("--".to_owned());
        arguments
    }
}

/// Whether commands live longer in a scope of `manager` than in the login session.
///
/// Not when sessions are spared at logout and the user's manager is not: then a scope would be what ends them.
const fn helps(manager: Manager, logind: Logind) -> bool {
    match (manager, logind.kills) {
        (Manager::System, kills) => !matches!(kills, Some(false)),
        (Manager::User, Some(kills)) => kills,
        (Manager::User, None) => logind.lingers,
    }
}

/// `name` with what may not stand in the name of a unit (systemd.unit(5)) replaced.
fn unit_part(name: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-' | '_' | '.');
    name.chars().take(128).map(|letter| if fits(letter) { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::root_killed(Manager::System, Some(true), false, true)]
    #[case::root_unclear(Manager::System, None, false, true)]
    #[case::root_spared(Manager::System, Some(false), false, false)]
    #[case::user_killed(Manager::User, Some(true), false, true)]
    #[case::user_spared(Manager::User, Some(false), true, false)]
    #[case::user_unclear(Manager::User, None, false, false)]
    #[case::user_unclear_but_lingers(Manager::User, None, true, true)]
    fn a_scope_is_used_where_it_helps(
        #[case] manager: Manager,
        #[case] kills: Option<bool>,
        #[case] lingers: bool,
        #[case] expected: bool,
    ) {
        assert_eq!(helps(manager, Logind { kills, lingers }), expected);
    }

    #[test]
    fn it_is_found_where_everything_is_there() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        let runtime = root.path().join("run/user/1000");
        let environment = vec![(OsString::from("XDG_RUNTIME_DIR"), runtime.into_os_string())];
        let detect = |uid: u32, environment: &[(OsString, OsString)]| {
            Scope::detect_in(root.path(), Uid::from_raw(uid), || "ada".to_owned(), environment.to_vec())
                .map(|scope| scope.manager())
        };
        make("usr/bin/systemd-run");
        assert_eq!((detect(0, &[]), detect(1000, &environment)), (None, None), "no systemd");
        make("run/systemd/system/mark");
        make("etc/systemd/logind.conf");
        std::fs::write(root.path().join("etc/systemd/logind.conf"), "KillUserProcesses=yes").unwrap();
        assert_eq!((detect(0, &[]), detect(1000, &environment)), (None, None), "no manager");
        make("run/systemd/private");
        make("run/user/1000/bus");
        assert_eq!((detect(0, &[]), detect(1000, &environment)), (Some(Manager::System), Some(Manager::User)));
        assert_eq!(detect(1000, &[]), None, "nobody says where the manager is");
        std::fs::write(root.path().join("etc/systemd/logind.conf"), "KillUserProcesses=no").unwrap();
        assert_eq!((detect(0, &[]), detect(1000, &environment)), (None, None), "sessions are spared");
    }

    #[test]
    fn the_unit_is_named_after_the_attempt() {
        let scope = Scope::new("/x".into(), Manager::User, Vec::new());
        let arguments = scope.arguments(Path::new("/var/lib/a b/7-17 é"));
        assert_eq!(arguments[3], "--unit=aiops-attempt-7-17__");
        assert_eq!(arguments.last().map(String::as_str), Some("--"));
        assert!(arguments.contains(&"--user".to_owned()));
    }
}

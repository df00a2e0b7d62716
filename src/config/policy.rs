//! Reads the files of the policy, and again when one of them changed.
//!
//! Owns: where the files are, whose they may be, and when they are read. Does not: know what is in them (see
//! `domain::policy`).
//!
//! Invariant: a file that somebody else could have written counts as one that cannot be read, so that the policy fails closed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::PolicySection;
use crate::domain::policy::{Policy, Rank, Source};

/// The file of the machine.
pub const SYSTEM_FILE: &str = "/etc/aiops/policy.toml";

/// A larger file is no policy; in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Bits of a mode (inode(7)): others than the owner may write; in a directory only their own files.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Whether a file has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Somebody named it.
    Required,
    /// It may be there.
    Optional,
}

/// A file and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    rank: Rank,
    path: PathBuf,
    presence: Presence,
}

/// What tells that a file is another than before: device, inode, size, and times of change in nanoseconds. `None` when it is not
/// there or cannot be looked at.
type Stamp = Option<(u64, u64, u64, i128, i128)>;

/// What was read, and the stamps of the files then.
type Known = (Vec<Stamp>, Arc<Policy>);

/// The policy of an installation, always as the files are now. Cheap to clone.
#[derive(Clone)]
pub struct PolicyFiles {
    places: Arc<[Place]>,
    last: Arc<Mutex<Option<Known>>>,
}

impl PolicyFiles {
    /// The files that `section` and the system name.
    #[must_use]
    pub fn of(section: &PolicySection) -> Self {
        Self::at(Path::new(SYSTEM_FILE), section)
    }

    /// The same with another file of the machine.
    fn at(system: &Path, section: &PolicySection) -> Self {
        let place = |rank, path: &Path, presence| Place { rank, path: path.to_owned(), presence };
        let team = section.team.as_ref().map(|path| place(Rank::Team, path, Presence::Required));
        let mut places = vec![place(Rank::System, system, Presence::Optional)];
        places.extend(team);
        places.push(place(Rank::User, &section.user, Presence::Optional));
        Self { places: places.into(), last: Arc::default() }
    }

    /// The policy as the files are now. Looks at each file, and reads them again when one changed; a few system calls on local
    /// disks otherwise.
    #[must_use]
    pub fn now(&self) -> Arc<Policy> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps: Vec<Stamp> = self.places.iter().map(|place| stamp(&place.path)).collect();
        if let Some((known, policy)) = last.as_ref()
            && *known == stamps
            // What is wrong may be mended without a change of the file, such as the mode of its directory.
            && policy.problems().next().is_none()
        {
            return Arc::clone(policy);
        }
        let sources = self.places.iter().filter_map(read).collect();
        let policy = Arc::new(Policy::read(sources, &zone));
        *last = Some((stamps, Arc::clone(&policy)));
        policy
    }

    /// What a person should know: one sentence for each file that does not count as it stands.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let policy = self.now();
        let complaint = |place: &str, problem: &str| {
            format!(
                "The policy fails closed: {place}: {problem}. Until it is mended only reads can be approved; \
                 `aiops doctor` checks it"
            )
        };
        policy.problems().map(|(layer, problem)| complaint(&layer.place, problem)).collect()
    }

    /// The files that are there.
    #[must_use]
    pub fn present(&self) -> Vec<&Path> {
        self.places.iter().map(|place| place.path.as_path()).filter(|path| path.exists()).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let nanos = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    fs::metadata(path).ok().map(|found| {
        (
            found.dev(),
            found.ino(),
            found.size(),
            nanos(found.mtime(), found.mtime_nsec()),
            nanos(found.ctime(), found.ctime_nsec()),
        )
    })
}

/// Looks an IANA name up in the system's database of time zones.
fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

/// The file as a source; `None` when it need not be there and is not.
fn read(place: &Place) -> Option<Source> {
    let text = match text(&place.path) {
        Err(Unread::Missing) if place.presence == Presence::Optional => return None,
        Err(Unread::Missing) => {
            Err("the file is not there; create it, or remove policy.team from the configuration".to_owned())
        }
        Err(Unread::Because(problem)) => Err(problem),
        Ok(text) => Ok(text),
    };
    Some(Source { rank: place.rank, place: place.path.display().to_string(), text })
}

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    Missing,
    Because(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Because(format!("the file cannot be read: {error}")),
        }
    }
}

fn text(path: &Path) -> Result<String, Unread> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unread::Because("this is not a file".to_owned()));
    }
    check_owner(path, &metadata).map_err(Unread::Because)?;
    // Whoever may write to the directory of the file, or of what a link points to, may put another file there.
    for path in [Some(path.to_owned()), fs::canonicalize(path).ok()].into_iter().flatten() {
        let directory = path.parent().unwrap_or(Path::new("/"));
        check_owner(directory, &fs::metadata(directory)?).map_err(Unread::Because)?;
    }
    let mut text = String::new();
    file.take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| Unread::Because(format!("the file cannot be read as text in UTF-8: {error}")))?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(Unread::Because("the file is larger than 1 MiB".to_owned()));
    }
    Ok(text)
}

/// Nobody but this user and root may be able to write to a file or directory.
///
/// # Errors
/// Who may, and the command that mends it.
pub(super) fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), String> {
    let (user, shown) = (nix::unistd::Uid::effective().as_raw(), path.display());
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(format!(
            "{shown} belongs to another user (uid {}); mend that with: chown root {shown}",
            metadata.uid()
        ));
    }
    let mode = metadata.permissions().mode();
    // In a sticky directory others cannot replace what is not theirs, and the file itself is checked, too.
    let only_own = metadata.is_dir() && mode & STICKY != 0;
    if mode & OTHERS_WRITE != 0 && !only_own {
        return Err(format!("others may write to {shown}; mend that with: chmod go-w {shown}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::domain::policy::Body;

    const GOOD: &str = "version = 1\n[[rule]]\nname = \"r\"\neffect = \"ask\"\ndemands = [\"note\"]\n";

    struct Home {
        directory: TempDir,
        files: PolicyFiles,
    }

    impl Home {
        fn new() -> Self {
            let directory = TempDir::new().unwrap();
            let path = |name: &str| directory.path().join(name);
            let section = PolicySection { team: Some(path("team.toml")), user: path("user.toml") };
            let files = PolicyFiles::at(&path("system.toml"), &section);
            Self { directory, files }
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            path
        }

        fn problem(&self) -> Option<String> {
            self.files.now().problems().next().map(|(_, problem)| problem.to_owned())
        }
    }

    #[test]
    fn every_file_that_is_there_is_a_layer_and_changes_are_seen() {
        let home = Home::new();
        home.write("team.toml", "version = 1\n");
        let ranks = || home.files.now().layers().iter().map(|layer| layer.rank).collect::<Vec<_>>();
        assert_eq!(ranks(), [Rank::Team]);
        let (first, again) = (home.files.now(), home.files.now());
        assert!(Arc::ptr_eq(&first, &again), "nothing is read again when nothing changed");
        home.write("system.toml", GOOD);
        home.write("user.toml", GOOD);
        assert_eq!(ranks(), [Rank::System, Rank::Team, Rank::User]);
        home.write("user.toml", "version = 1\nx");
        assert!(home.problem().is_some());
        fs::remove_file(home.directory.path().join("user.toml")).unwrap();
        assert_eq!((ranks(), home.problem()), (vec![Rank::System, Rank::Team], None));
        assert_eq!(home.files.present().len(), 2);
    }

    #[test]
    fn a_file_that_was_named_has_to_be_there() {
        let home = Home::new();
        assert!(home.problem().unwrap().contains("policy.team"));
        assert!(home.files.complaints()[0].contains("team.toml"));
    }

    #[test]
    fn what_others_may_write_fails_closed_with_the_command_that_mends_it() {
        let home = Home::new();
        let path = home.write("team.toml", GOOD);
        assert_eq!(home.problem(), None);
        for mode in [0o664, 0o646] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(home.problem().unwrap().contains("chmod go-w"), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for (mode, unsafe_place) in [(0o775, true), (0o757, true), (0o700, false)] {
            fs::set_permissions(home.directory.path(), fs::Permissions::from_mode(mode)).unwrap();
            home.write("team.toml", &format!("{GOOD}# {mode:o}\n"));
            assert_eq!(home.problem().is_some_and(|problem| problem.contains("chmod go-w")), unsafe_place, "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_text_fails_closed() {
        let home = Home::new();
        let path = home.directory.path().join("team.toml");
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(home.problem().unwrap().contains("UTF-8"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(home.problem().unwrap().contains("not a file"));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "#".repeat(1024 * 1024 + 1)).unwrap();
        assert!(home.problem().unwrap().contains("1 MiB"));
        assert!(matches!(home.files.now().layers()[0].body, Body::Broken(_)));
    }

    #[test]
    fn zones_of_the_database_are_known_where_there_is_one() {
        assert!(zone("Mars/Olympus").is_none());
        if Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
            assert!(zone("Europe/Berlin").is_some());
        }
    }
}

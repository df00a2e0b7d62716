//! The directory of a demo: made private, named after its process, removed at the end or by the next demo.
//!
//! Owns: names, permissions and removal. Does not: know what lies in it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::getuid;

/// Why the directory could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It exists and is not ours alone.
    #[error("{0} belongs to someone else or others may enter it. Remove it, or set TMPDIR to a directory of your own.")]
    NotOurs(PathBuf),
    /// The operating system said no.
    #[error("{0} could not be made: {1}. Set TMPDIR to a directory that you can write to.")]
    Io(PathBuf, std::io::Error),
}

/// When the process of that number was started, in clock ticks since boot; `None` when there is none.
pub type StartTicks = fn(u32) -> Option<u64>;

/// Ends the commands that a crashed demo has left running in its directory, before that is removed.
pub type EndLeftOver = fn(&Path);

/// The directory of one demo.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
}

impl Place {
    /// Makes the directory of this process below `$TMPDIR`, and removes those of processes that no longer run.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn create(start_ticks: StartTicks, end_left_over: EndLeftOver) -> Result<Self, PlaceError> {
        let root = std::env::temp_dir().join(format!("aiops-demo-{}", getuid()));
        Self::create_below(&root, start_ticks, end_left_over)
    }

    /// The same below `root`.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn create_below(root: &Path, start_ticks: StartTicks, end_left_over: EndLeftOver) -> Result<Self, PlaceError> {
        private_directory(root)?;
        remove_stale(root, start_ticks, end_left_over);
        let pid = std::process::id();
        let ticks = start_ticks(pid).unwrap_or(0);
        let path = root.join(format!("{pid}-{ticks}"));
        private_directory(&path)?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it, and the directory above when no other demo uses it.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the demo's directory could not be removed");
        }
        if let Some(root) = self.path.parent() {
            // Fails while another demo has its directory there, which is right.
            let _ = fs::remove_dir(root);
        }
    }
}

/// Makes `path` with mode 0700, or accepts it when it is a directory of ours with that mode.
fn private_directory(path: &Path) -> Result<(), PlaceError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(PlaceError::Io(path.to_owned(), error)),
    }
    // Not following links: a link that someone else put there is not ours.
    let found = fs::symlink_metadata(path).map_err(|error| PlaceError::Io(path.to_owned(), error))?;
    let ours = found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & 0o077 == 0;
    if ours { Ok(()) } else { Err(PlaceError::NotOurs(path.to_owned())) }
}

/// Removes the directories of demos whose process is gone: same number but another start time is another process.
fn remove_stale(root: &Path, start_ticks: StartTicks, end_left_over: EndLeftOver) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((pid, ticks)) = name.to_str().and_then(parse_name) else { continue };
        if start_ticks(pid) == Some(ticks) {
            continue;
        }
        end_left_over(&entry.path());
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "an old demo could not be removed");
        }
    }
}

fn parse_name(name: &str) -> Option<(u32, u64)> {
    let (pid, ticks) = name.split_once('-')?;
    Some((pid.parse().ok()?, ticks.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A host on which no other process runs.
    fn only_us(pid: u32) -> Option<u64> {
        (pid == std::process::id()).then_some(4711)
    }

    fn nothing_runs(_: &Path) {}

    #[test]
    fn it_is_private_and_leaves_nothing_behind() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("demos");
        let place = Place::create_below(&root, only_us, nothing_runs).unwrap();
        fs::write(place.path().join("file"), "x").unwrap();
        assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o700);
        place.remove();
        assert!(!root.exists());
    }

    #[test]
    fn a_crashed_demo_is_removed_and_a_living_one_is_not() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("demos");
        let alive = Place::create_below(&root, only_us, nothing_runs).unwrap();
        let own_pid = std::process::id();
        let crashed = root.join("4194999-17");
        let reused = root.join(format!("{own_pid}-1"));
        for path in [&crashed, &reused] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), "x").unwrap();
        }
        let unrelated = root.join("notes");
        fs::create_dir(&unrelated).unwrap();
        // It is there when what runs in it is looked for.
        remove_stale(&root, only_us, |path| assert!(path.join("file").exists()));
        assert!(!crashed.exists() && !reused.exists());
        assert!(alive.path().exists() && unrelated.exists());
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("demos");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Place::create_below(&root, only_us, nothing_runs), Err(PlaceError::NotOurs(_))));
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(outer.path(), &link).unwrap();
        assert!(matches!(Place::create_below(&link, only_us, nothing_runs), Err(PlaceError::NotOurs(_))));
    }
}

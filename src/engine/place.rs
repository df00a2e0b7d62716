//! The directories of attempts: made by whoever may start the attempt, and by nobody else.
//!
//! Invariants: a directory is made once, so that of two processes only one can go on with an attempt; it lies in a
//! directory that belongs to this user and that nobody else can change, so that nobody can put another one in its place.
//! Does not: write or read what is in it (an [`ActionRunner`](super::ports::ActionRunner) does).

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use nix::unistd::Uid;

/// Makes the directory of an attempt, mode 0700, and the directory above it when that is missing, and puts both on the disk:
/// what an attempt writes there must not be lost with the name of its directory when the power fails.
///
/// # Errors
/// `AlreadyExists` when someone has made it; otherwise what is wrong with the place.
pub(super) fn make(path: &Path) -> io::Result<()> {
    let Some(root) = path.parent() else { return DirBuilder::new().mode(0o700).create(path) };
    let is_new = !root.exists();
    DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    check_private(root)?;
    if let Some(above) = root.parent().filter(|_| is_new) {
        File::open(above)?.sync_all()?;
    }
    DirBuilder::new().mode(0o700).create(path)?;
    File::open(root)?.sync_all()
}

/// Fails when somebody else could exchange what is in `root`.
fn check_private(root: &Path) -> io::Result<()> {
    // Not following a link: one that somebody else has put there leads where they like.
    let found = fs::symlink_metadata(root)?;
    let user = Uid::effective();
    let wrong = if !found.is_dir() {
        "it is no directory".to_owned()
    } else if found.uid() != user.as_raw() {
        format!("it belongs to uid {}, not to you (uid {user})", found.uid())
    } else if found.mode() & 0o022 != 0 {
        format!("its mode is {:04o}: others may change what is in it", found.mode() & 0o7777)
    } else {
        return Ok(());
    };
    let remedy = "Move it away, or choose another place with --db";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is not safe: {wrong}. {remedy}", root.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn it_is_made_once_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attempts").join("1-2");
        make(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
        assert_eq!(make(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        make(&path.with_file_name("2-3")).unwrap();
    }

    #[test]
    fn a_place_that_others_can_change_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("attempts");
        let refused = |why: &str| {
            let error = make(&root.join("1-2")).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!root.join("1-2").exists());
        };
        fs::create_dir(&root).unwrap();
        for unsafe_mode in [0o777, 0o770, 0o1777, 0o702] {
            fs::set_permissions(&root, fs::Permissions::from_mode(unsafe_mode)).unwrap();
            refused("others may change");
        }
        fs::remove_dir(&root).unwrap();
        symlink("/tmp", &root).unwrap();
        refused("no directory");
        fs::remove_file(&root).unwrap();
        if Uid::effective().is_root() {
            fs::create_dir(&root).unwrap();
            std::os::unix::fs::chown(&root, Some(65_534), None).unwrap();
            refused("belongs to uid 65534");
        }
    }
}

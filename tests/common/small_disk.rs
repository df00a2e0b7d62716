//! A small disk that can be filled: a tmpfs. Shared by the test programs that need one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk; unmounted when dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a disk of `size` (as `mount` reads it, such as `6m`) at a directory, which is made where it is missing. `None`, said on the
    /// output, where nothing can be mounted.
    pub(crate) fn mount(at: &Path, size: &str, test: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("SKIPPED: {test}: no file system can be mounted here");
        }
        mounted.then(|| Self(at.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn fill(&self) {
        // It fails when nothing fits any more, which is what is wanted.
        let _ = std::fs::write(self.filler(), vec![0; 16 << 20]);
    }

    #[allow(dead_code, reason = "not every test program makes room again")]
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

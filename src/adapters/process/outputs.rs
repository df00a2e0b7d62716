//! What the attempts below one directory take up on the disk, and erasing their outputs.
//!
//! Owns: the walk over the directories. Does not: follow links, or decide what may be erased.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::files::{OUTPUT, output_bytes};
use crate::engine::ports::Outputs;

/// The attempts with directories below one root.
#[derive(Clone, Debug)]
pub struct AttemptOutputs {
    root: PathBuf,
}

impl AttemptOutputs {
    /// Those below `root`, which may be missing.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Outputs for AttemptOutputs {
    fn bytes(&self) -> u64 {
        let sizes = |directory: &Path| -> u64 {
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
        };
        let attempts = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let directories = attempts.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        directories.map(|entry| sizes(&entry.path())).sum()
    }

    fn bytes_of(&self, directory: &Path) -> u64 {
        output_bytes(directory)
    }

    fn erase(&self, directory: &Path) -> io::Result<()> {
        match fs::remove_file(directory.join(OUTPUT)) {
            Ok(()) => File::open(directory)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_counted_and_erased_and_records_stay() {
        let root = tempfile::tempdir().unwrap();
        let attempt = root.path().join("1-1000");
        fs::create_dir(&attempt).unwrap();
        fs::write(attempt.join(OUTPUT), [0; 1_000]).unwrap();
        fs::write(attempt.join("outcome.json"), [0; 50]).unwrap();
        let outputs = AttemptOutputs::new(root.path().to_owned());
        assert_eq!((outputs.bytes(), outputs.bytes_of(&attempt)), (1_050, 1_000));
        outputs.erase(&attempt).unwrap();
        outputs.erase(&attempt).unwrap();
        assert_eq!((outputs.bytes(), outputs.bytes_of(&attempt)), (50, 0));
        assert_eq!(AttemptOutputs::new(root.path().join("absent")).bytes(), 0);
    }
}

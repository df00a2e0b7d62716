//! What the console keeps for its person from one time to the next: where the lines between the panes stand.
//!
//! Owns: the file in the state directory. A file that cannot be read means the usual lines and a
//! line in the log; of several consoles the last one that moved a line wins. Does not: know what the
//! lines mean, or how a person's file is written (see `adapters::personal`).

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::adapters::personal;
use crate::tui::splits::Splits;

/// The file's name in the state directory.
const NAME: &str = "console.toml";

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    splits: Splits,
}

/// The file in `state`, the directory for what programs remember.
pub(super) fn file_in(state: &Path) -> PathBuf {
    state.join(NAME)
}

/// The lines as they were kept last, else the usual ones.
pub(super) fn read(path: &Path) -> Splits {
    match try_read(path) {
        Ok(kept) => kept.splits.bounded(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Splits::default(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "where panes end is not known any more; the usual lines are drawn");
            Splits::default()
        }
    }
}

fn try_read(path: &Path) -> io::Result<Kept> {
    let text = String::from_utf8(personal::read_own(path)?).map_err(io::Error::other)?;
    toml::from_str(&text).map_err(io::Error::other)
}

/// Writes what comes, the newest first, until nothing can come any more.
pub(super) async fn keep(path: PathBuf, mut moved: UnboundedReceiver<Splits>) {
    while let Some(mut splits) = moved.recv().await {
        while let Ok(newer) = moved.try_recv() {
            splits = newer;
        }
        let path = path.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, splits)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "where panes end could not be kept");
        }
    }
}

fn write(path: &Path, splits: Splits) -> io::Result<()> {
    let text = toml::to_string(&Kept { splits }).map_err(io::Error::other)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    personal::replace(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::tui::splits::Edge;

    #[tokio::test]
    async fn the_last_move_comes_back_and_only_its_person_can_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = file_in(&home.path().join("state/aiops"));
        assert_eq!(read(&path), Splits::default());
        let (sender, receiver) = unbounded_channel();
        let mut splits = Splits::default();
        for _ in 0..3 {
            splits.shift(Edge::QueueSop, 2);
            sender.send(splits).unwrap();
        }
        drop(sender);
        keep(path.clone(), receiver).await;
        assert_eq!(read(&path), splits);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_broken_file_means_the_usual_lines_and_wild_numbers_are_bounded() {
        let home = tempfile::tempdir().unwrap();
        let path = file_in(home.path());
        for text in ["[splits", "splits = 3", "[splits]\nqueue_sop = 900", "\0\u{7f}"] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path), Splits::default(), "{text}");
        }
        fs::write(&path, "[splits]\nqueue_sop = 250\nlater = true\n[more]\n").unwrap();
        assert_eq!(read(&path), Splits { queue_sop: 250, ..Splits::default() }.bounded());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(read(&path), Splits::default());
        assert!(write(&path, Splits::default()).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
